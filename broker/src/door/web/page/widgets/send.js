// What a control sends, and what it says of that.

import { ask, now, PATIENCE_MS, place } from "../api.js";
import { directory, draw, valueAt } from "../live.js";
import { isSame, unescape } from "../value.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { line } from "../words.js";
import { Sender } from "./sender.js";

/** The longest body that may outlive its page, in characters: browsers allow some 64 KiB for all of them together. */
const KEPT_ALIVE_MAX = 16_000;

/** So long "came back" is shown: after that it is no news. */
const NEWS_S = 4;

/** So long a control shows what was sent where nothing comes back. */
const WAIT_S = 10;

async function put(to, value) {
  const path = to.path ? `/data${to.path.split("/").map((it) => encodeURIComponent(unescape(it))).join("/")}` : "";
  const body = JSON.stringify(value);
  const answer = await ask("PUT", place(to.ns, path), {
    body,
    headers: { "Content-Type": "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
    keepalive: body.length < KEPT_ALIVE_MAX,
  });
  return { seq: (await answer.json()).seq, at: now() };
}

/** Why a write failed, for people. */
export function reason(error) {
  if (error.status === 401) return "this needs an access key";
  if (error.name === "forbidden") return "this access key may read here, not write";
  return error.message;
}

/**
 * What a control sends, and what it shows: what was sent until it comes back, else what is there.
 * @param to the place to send to, or null
 * @param from the place that is shown, or null: then nothing comes back
 */
export function useSend(to, from, { interval = 0, isEach = false } = {}) {
  const sender = (useRef().current ??= new Sender(put, draw));
  const there = () => (from ? valueAt(from) : undefined);
  const actual = there();
  const { state } = sender;
  if (state?.kind === "taken") {
    const heard = directory.things.get((from ?? state.to).ns)?.seq ?? 0;
    const isSameThing = from?.ns === state.to.ns;
    if (from ? isSame(actual, state.value) && (!isSameThing || heard >= state.seq) : heard >= state.seq) sender.isBack(now());
  }
  useEffect(() => {
    const leave = () => sender.leave();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, []);
  const latest = () => {
    const { kind, at: since } = sender.state ?? {};
    const isAwaited = sender.isUnderway || (kind === "taken" && now() - since < WAIT_S);
    // Where nothing comes back, what was sent is all that is known.
    if (sender.wanted !== undefined && (isAwaited || !from)) return sender.wanted;
    return there();
  };
  return {
    shown: latest(),
    /** The same now: what is drawn may be older than the last key. */
    latest,
    send: (value, { where = to, isEnd } = {}) => where && sender.send(where, value, { interval, isEach, isEnd }),
    isUnderway: sender.isUnderway,
    isRefused: sender.refusal !== null,
    answer: html`<${Answer} state=${sender.state} refusal=${sender.refusal} from=${from} actual=${actual} to=${to} />`,
  };
}

/** Does what must not be left undone when the widget goes, or the page. */
export function useLeaving(act) {
  const last = useRef();
  last.current = act;
  useEffect(() => {
    const leave = () => last.current();
    // Before what is waiting is sent.
    addEventListener("pagehide", leave, { capture: true });
    return () => {
      removeEventListener("pagehide", leave, { capture: true });
      leave();
    };
  }, []);
}

/**
 * Where a control sends and what it shows, where what is there is more than it can set: the one member that `find` finds in
 * it, so that all the rest stays.
 * @param {(value: any) => string | null} find
 */
export function useWithin(to, from, find) {
  const inner = useRef("");
  if (!from) return [to, from];
  const found = find(valueAt(from));
  if (found !== null) inner.current = found;
  const deeper = { ...from, path: from.path + inner.current };
  return [to && isSame(to, from) ? deeper : to, deeper];
}

/** Is it more than one value? A control of one would put that in place of all. */
export function isMany(value) {
  return value !== null && typeof value === "object";
}

export function Unclear({ value }) {
  return html`<p class="hint">It says ${line(value)}: choose one place in its value.</p>`;
}

/** What was sent and what came back. Refusals stay until something else is sent. */
function Answer({ state, refusal, from, actual, to }) {
  let text = "";
  if (!to) text = "Sends to nothing; choose a thing.";
  else if (state?.kind === "sending") text = `Sending ${line(state.value)} …`;
  else if (state?.kind === "taken") {
    const isOld = now() - state.at > 1;
    text = from && isOld ? `Sent ${line(state.value)}; it says ${line(actual) || "nothing"}` : `Sent ${line(state.value)}`;
  } else if (state?.kind === "back" && now() - state.at < NEWS_S) text = from ? `✓ ${line(state.value)} came back` : `✓ Sent ${line(state.value)}`;
  return html`<p class=${refusal ? "answer error" : "answer"}>
    <span role="status">${text}</span>
    <span role="alert">${refusal ? `${line(refusal.value)} was not sent: ${reason(refusal.error)}` : ""}</span>
  </p>`;
}

/** Calls once nothing was asked for so many ms, or at once where that is asked for; what waits is done when the widget goes. */
export function usePause(ms) {
  const waiting = useRef(null);
  const flush = () => {
    if (!waiting.current) return;
    clearTimeout(waiting.current.timer);
    const { act } = waiting.current;
    waiting.current = null;
    act();
  };
  useLeaving(flush);
  const later = (act) => {
    if (waiting.current) clearTimeout(waiting.current.timer);
    waiting.current = { act, timer: setTimeout(flush, ms) };
  };
  return { later, flush };
}
