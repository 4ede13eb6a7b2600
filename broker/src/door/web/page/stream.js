// Follows what happens, as Server-Sent Events, and goes on where it was cut off. `EventSource` would do this too, but it
// can send no access key.

import { ask, Problem } from "./api.js";

/** The broker says something every 15 s. Where it does not, the connection is dead, whatever the system thinks. */
const SILENCE_MS = 40_000;
const RETRY_MS = [200, 500, 1000, 2000, 3000];

/**
 * Follows until `signal` says to stop.
 * @param {{last: string}} position the id of the last event: where it goes on
 * @param {(name: string, message: object) => void} told each event; `update` for those without a name
 * @param {(state: "connecting" | "live" | "away" | "refused", why?: Error) => void} isNow how the connection is
 */
export async function follow(address, position, told, isNow, signal) {
  let failures = 0;
  while (!signal.aborted) {
    const round = new AbortController();
    const stop = () => round.abort();
    signal.addEventListener("abort", stop);
    let watchdog = setTimeout(stop, SILENCE_MS);
    let why;
    try {
      const headers = position.last ? { "Last-Event-ID": position.last } : {};
      const answer = await ask("GET", address, { headers, signal: round.signal });
      // A proxy's page, for example, where one must log in.
      if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Problem(answer.status, "unknown", "something before the broker answers");
      isNow("live");
      told("begin", {});
      const parser = new Parser((name, data, id) => {
        if (id) position.last = id;
        told(name, JSON.parse(data));
        // Not before: what is cut off each time that it has begun is not to be asked for without a pause.
        if (id) failures = 0;
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(watchdog);
        watchdog = setTimeout(stop, SILENCE_MS);
        parser.push(value);
      }
    } catch (error) {
      why = error;
    }
    clearTimeout(watchdog);
    signal.removeEventListener("abort", stop);
    // Whatever ended it: a connection that nobody reads would be kept open.
    round.abort();
    if (signal.aborted) return;
    // What is refused for the page's own address no key opens.
    const isRefused = why?.status === 401 || (why?.status === 403 && why.name !== "foreign_origin");
    isNow(isRefused ? "refused" : "away", why);
    if (isRefused) return;
    await pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)], signal);
  }
}

/** Waits, but not longer than until there is a network again, or somebody looks at the page again. */
function pause(ms, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      document.removeEventListener("visibilitychange", end);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
    document.addEventListener("visibilitychange", end);
    signal.addEventListener("abort", end);
  });
}

/** Cuts a text into events (HTML standard, section 9.2.6). */
export class Parser {
  #rest = "";
  #name = "";
  #data = "";
  #id = "";
  #event;

  constructor(event) {
    this.#event = event;
  }

  push(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === "") {
      if (this.#data) this.#event(this.#name || "update", this.#data, this.#id);
      this.#name = this.#data = this.#id = "";
    } else if (line.startsWith("data: ")) {
      this.#data += this.#data ? "\n" + line.slice(6) : line.slice(6);
    } else if (line.startsWith("event: ")) {
      this.#name = line.slice(7);
    } else if (line.startsWith("id: ")) {
      this.#id = line.slice(4);
    }
  }
}
