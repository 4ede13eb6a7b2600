// Asks the broker, with the access key where there is one.

import { always } from "./kept.js";

const KEY = "thingsbus.key";

/** Why the broker did not do what was asked: RFC 9457. `status` 0: there was no answer at all. */
export class Problem extends Error {
  constructor(status, name, detail) {
    super(detail);
    this.status = status;
    this.name = name;
  }
}

/** The access key that this browser keeps for this broker, and who wants to know when it is another one. */
export const key = {
  get() {
    return always.get(KEY) ?? "";
  },
  set(value) {
    if (value) always.set(KEY, value);
    else always.remove(KEY);
    key.changed.dispatchEvent(new Event("change"));
  },
  changed: new EventTarget(),
};

/** The page's clock plus this is the broker's, in seconds. */
let ahead = 0;

/** What both of the machine's clocks said of each other when that was known. */
let apart = null;

/** So long is waited for an answer: a connection may be dead without anybody knowing. */
export const PATIENCE_MS = 10_000;

/** An answer that takes longer is not asked for the time. */
const SLOW_MS = 1000;

/** Clocks that drift are no news; one that is set is, and so is a machine that slept. */
const STEP_MS = 1000;

const clocksApart = () => Date.now() - performance.now();

const isClockSet = () => apart !== null && Math.abs(clocksApart() - apart) > STEP_MS;

let isAsking = false;

/** Asks the broker for the time where this machine's clock was set meanwhile. */
export async function watchClock() {
  if (isAsking || document.hidden || !isClockSet()) return;
  isAsking = true;
  try {
    await ask("GET", "healthz", { signal: AbortSignal.timeout(PATIENCE_MS) });
    // Whether or not it told the time: something between may have taken that away.
    apart = clocksApart();
  } catch {
    // It is asked again at the next look.
  }
  isAsking = false;
}

/** Seconds since 1970 by the broker's clock, so that ages are right where this machine's clock is not. */
export function now() {
  return Date.now() / 1000 + ahead;
}

/** The address of a thing, or of what belongs to it. */
export function place(ns, rest = "") {
  return `things/${encodeURIComponent(ns)}${rest}`;
}

/** Asks, and gives the answer as it came. Throws a `Problem` where it is none of success. */
export async function ask(method, address, { body, headers = {}, signal, keepalive } = {}) {
  const secret = key.get();
  // A header cannot say each text that is typed: one that is no key is to be refused, not to fail here.
  if (secret) headers = { ...headers, "Access-Key": encodeURIComponent(secret) };
  if (body !== undefined && typeof body !== "string") {
    body = JSON.stringify(body);
    headers = { ...headers, "Content-Type": "application/json" };
  }
  let answer;
  const asked = Date.now();
  const began = performance.now();
  try {
    answer = await fetch(address, { method, body, headers, signal, keepalive, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "away", "the broker does not answer");
  }
  const time = Number(answer.headers.get("Server-Time"));
  // An answer that took long says little of when it was given.
  if (time && (apart === null || performance.now() - began < SLOW_MS || isClockSet())) {
    ahead = (time - (asked + Date.now()) / 2) / 1000;
    apart = clocksApart();
  }
  if (answer.ok) return answer;
  throw problemOf(answer.status, await answer.text());
}

/** What an answer that is no success says. A proxy says it in a page of its own, which nobody wants to read here. */
export function problemOf(status, text) {
  try {
    const { type, detail } = JSON.parse(text);
    return new Problem(status, type.replace("urn:thingsbus:", ""), detail);
  } catch {
    return new Problem(status, "unknown", `something before the broker answers ${status}`);
  }
}

/** Asks for JSON, and not for ever. */
export async function get(address, { signal } = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  return (await ask("GET", address, { signal: signal ? AbortSignal.any([signal, patience]) : patience })).json();
}
