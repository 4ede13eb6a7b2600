// What the broker told: every thing with its last values. No page in here, so that it can be tried without one.

import { numberAt, numberPlace } from "./value.js";

/** How many numbers a thing's little line has. */
export const SPARK_MAX = 32;

/** Over how many seconds a rate is taken; older updates count less and less. */
const RATE_S = 20;

/** Of fewer updates in that time no rate is taken, but how long it is from one to the next. */
const RATED_MIN = 5;

/** A thing, and what it said last. Parents without data of their own are none. */
export class Thing {
  data;
  /** What it said before. */
  before;
  ts = 0;
  /** When the broker got it, by the broker's clock. */
  received = 0;
  seq = 0;
  documentationUrl = null;
  /** `fresh`, `late` or `silent`; null: nothing is known of it. */
  freshness = null;
  interval = null;
  deviation = null;
  lateAfter = null;
  /** Where in its value the number is that its little line is of: the first that it ever had. */
  sparkPlace = null;
  /** The last numbers there. */
  spark = [];
  /** Updates, of which older ones count less, when the last one came. */
  #weight = 0;
  #weighed = 0;
  /** From one update to the next, in seconds. */
  #gap = null;

  constructor(ns) {
    this.ns = ns;
  }

  /** Updates a second as they come in here, or as the broker had learned before. 0: that is not known. */
  rate(at) {
    const since = at - this.#weighed;
    if (this.#weight < RATED_MIN) return this.#gap ? 1 / Math.max(this.#gap, since) : 0;
    const faded = this.#fade(since) / RATE_S;
    return since > RATE_S ? Math.max(faded, 1 / since) : faded;
  }

  #fade(since) {
    return this.#weight * Math.exp(-since / RATE_S);
  }

  #count(updates, at) {
    const since = at - this.#weighed;
    if (this.#weighed) this.#gap = this.#gap === null ? since / updates : (this.#gap + since / updates) / 2;
    this.#weight = this.#fade(since) + updates;
    this.#weighed = at;
  }

  /** Takes what an update or a line of a list says. */
  take(message, received) {
    this.before = this.data;
    this.data = message.data;
    this.ts = message.ts;
    this.received = received;
    this.seq = message.seq;
    this.documentationUrl = message.documentation_url;
    if (message.freshness !== undefined) this.learn(message);
    else this.freshness = "fresh";
    this.sparkPlace ??= numberPlace(message.data);
    const number = this.sparkPlace === null ? null : numberAt(message.data, this.sparkPlace);
    if (number !== null) this.spark.push(number);
    if (this.spark.length > SPARK_MAX) this.spark.shift();
    // Where the broker says a rate, this update is in it.
    if (!message.rate) this.#count((message.merged ?? 0) + 1, received);
  }

  /** Takes what the broker has learned of its pace. */
  learn(message) {
    this.freshness = message.freshness;
    this.interval = message.interval ?? null;
    this.deviation = message.deviation ?? null;
    this.lateAfter = message.late_after ?? null;
    if (message.rate) {
      this.#weight = message.rate * RATE_S;
      this.#gap = 1 / message.rate;
      this.#weighed = message.received ?? this.received;
    }
  }
}

/** All things, by their names. Who wants to know of changes asks what changed since it asked last. */
export class Directory {
  /** @type {Map<string, Thing>} */
  things = new Map();
  /** Goes up whenever a thing comes or goes. */
  shape = 0;
  /** Goes up whenever another word says how fresh a thing is. */
  mood = 0;
  /** Was everything told that there is? */
  isWhole = false;
  /** How many updates came in here. */
  updates = 0;
  /** Which things a telling of what there is has named so far; it ends with a mark. */
  #named = new Set();

  /** Takes an event of the stream. `at`: the time by the broker's clock. */
  take(name, message, at) {
    switch (name) {
      case "begin":
        this.#named.clear();
        break;
      case "update": {
        let thing = this.things.get(message.ns);
        if (!thing) {
          this.things.set(message.ns, (thing = new Thing(message.ns)));
          this.shape++;
        }
        const word = thing.freshness;
        const isNews = message.received === undefined;
        if (!isNews) this.#named.add(message.ns);
        // After a gap the broker tells again what may be known already. A broker of another life counts from 1 again.
        const isKnown = message.seq === thing.seq && message.ts === thing.ts;
        if (isNews || !isKnown) thing.take(message, message.received ?? at);
        else thing.learn(message);
        if (isNews) this.updates++;
        if (word !== thing.freshness) this.mood++;
        break;
      }
      case "freshness":
        this.things.get(message.ns)?.learn(message);
        this.mood++;
        break;
      case "forgotten":
        if (this.things.delete(message.ns)) this.shape++;
        break;
      case "mark":
        // Where the mark names no beginning, all that there is was told. A stream that fell behind is told all again too.
        if (message.since === null) this.#keepNamed();
        this.#named.clear();
        this.isWhole = true;
        break;
    }
  }

  /** As if nothing had been told: another reader may not know what this one did. */
  clear() {
    this.things.clear();
    this.#named.clear();
    this.isWhole = false;
    this.shape++;
  }

  #keepNamed() {
    for (const ns of this.things.keys()) {
      if (!this.#named.has(ns) && this.things.delete(ns)) this.shape++;
    }
  }
}

/** Is it the thing or below it? All are below the root, which has no name. */
export function isBelow(ns, top) {
  return top === "" || ns === top || (ns.startsWith(top) && ns[top.length] === ".");
}
