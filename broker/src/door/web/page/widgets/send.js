// Sends what a control wants, in order and not too often, and says what became of it.

import { ask, now, place } from "../api.js";
import { directory, draw } from "../live.js";
import { at, isSame, unescape } from "../value.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { line } from "../words.js";

const PATIENCE_MS = 10_000;

/** So long "came back" is shown: after that it is no news. */
const NEWS_S = 4;

/** So long a control shows what was sent where nothing comes back. */
const WAIT_S = 10;

class Sender {
  /** What is to be sent, the oldest first. */
  #waiting = [];
  #isBusy = false;
  /** `{kind: "sending" | "taken" | "back" | "refused", value, seq, at, why}`; null: nothing was sent. */
  state = null;

  /** Each value is sent where `isEach`, else the last one only: of a slider that moves nobody wants all. */
  send(to, value, interval, isEach) {
    if (!isEach) this.#waiting = [];
    this.#waiting.push({ to, value, interval });
    this.#go();
  }

  async #go() {
    if (this.#isBusy || !this.#waiting.length) return;
    this.#isBusy = true;
    const { to, value, interval } = this.#waiting.shift();
    this.#tell({ kind: "sending", value });
    const began = performance.now();
    try {
      const path = to.path ? `/data${to.path.split("/").map((it) => encodeURIComponent(unescape(it))).join("/")}` : "";
      const answer = await ask("PUT", place(to.ns, path), {
        body: JSON.stringify(value),
        headers: { "Content-Type": "application/json" },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      this.#tell({ kind: "taken", value, seq: (await answer.json()).seq, at: now() });
    } catch (error) {
      this.#waiting = [];
      this.#tell({ kind: "refused", value, why: reason(error) });
    }
    const rest = interval - (performance.now() - began);
    if (rest > 0) await new Promise((done) => setTimeout(done, rest));
    this.#isBusy = false;
    this.#go();
  }

  #tell(state) {
    this.state = state;
    draw();
  }
}

/** Why a write failed, for people. */
export function reason(error) {
  if (error.status === 401) return "this needs an access key";
  if (error.status === 403) return "this access key may read here, not write";
  return error.message;
}

/**
 * What a control sends, and what it shows: what was sent until it comes back, else what is there.
 * @param to the place to send to, or null
 * @param from the place that is shown, or null: then nothing comes back
 */
export function useSend(to, from, { interval = 0, isEach = false } = {}) {
  const sender = (useRef().current ??= new Sender());
  const actual = from ? at(directory.things.get(from.ns)?.data, from.path) : undefined;
  const { state } = sender;
  if (state?.kind === "taken") {
    const heard = directory.things.get((from ?? to).ns)?.seq ?? 0;
    const isSameThing = from?.ns === to.ns;
    if (from ? isSame(actual, state.value) && (!isSameThing || heard >= state.seq) : heard >= state.seq) {
      sender.state = { ...state, kind: "back", at: now() };
    }
  }
  const { kind, value, at: since } = sender.state ?? {};
  const isAwaited = kind === "sending" || (kind === "taken" && now() - since < WAIT_S);
  return {
    shown: isAwaited && from ? value : actual,
    send: (value, where = to) => where && sender.send(where, value, interval, isEach),
    answer: html`<${Answer} state=${sender.state} from=${from} actual=${actual} to=${to} />`,
  };
}

/** What was sent and what came back. Refusals stay until something else is sent. */
function Answer({ state, from, actual, to }) {
  let text = "";
  if (!to) text = "Sends to nothing; choose a thing.";
  else if (state?.kind === "sending") text = `Sending ${line(state.value)} …`;
  else if (state?.kind === "taken") {
    const isOld = now() - state.at > 1;
    text = from && isOld ? `Sent ${line(state.value)}; it says ${line(actual) || "nothing"}` : `Sent ${line(state.value)}`;
  } else if (state?.kind === "back" && now() - state.at < NEWS_S) text = from ? `✓ ${line(state.value)} came back` : `✓ Sent ${line(state.value)}`;
  const isRefused = state?.kind === "refused";
  return html`<p class=${isRefused ? "answer error" : "answer"}>
    <span role="status">${text}</span>
    <span role="alert">${isRefused ? `${line(state.value)} was not sent: ${state.why}` : ""}</span>
  </p>`;
}

/** Calls once nothing was asked for so many ms; what waits is done when the widget goes. */
export function usePause(ms) {
  const waiting = useRef(null);
  const flush = () => {
    if (!waiting.current) return;
    clearTimeout(waiting.current.timer);
    const { act } = waiting.current;
    waiting.current = null;
    act();
  };
  useEffect(() => flush, []);
  return (act) => {
    if (waiting.current) clearTimeout(waiting.current.timer);
    waiting.current = { act, timer: setTimeout(flush, ms) };
  };
}
