// Numbers over time: what the broker has kept, then what comes.

import { useAgain } from "../again.js";
import { get, now, place } from "../api.js";
import { plot } from "../chart.js";
import { inWords, line } from "../gaps.js";
import { connection, directory, valueAt } from "../live.js";
import { at, escape, numberPlaces, title, unescape } from "../value.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { RANGES, setting } from "./types.js";
import { written } from "./values.js";

const POINTS_MAX = 300;
const LINES_MAX = 6;

/** What slides needs no more drawings than that, */
const SLIDE_MS = 500;

/** and what slides slowly is to have what is new all the same. */
const SLIDE_MAX_MS = 10_000;

/** What came is compared with what the broker has kept so often: of what comes very fast a page hears the last only. */
const AGAIN_MS = 30_000;

/** What the broker did not answer is asked again after so long. */
const RETRY_MS = 3000;

export function Graph({ widget, place: where, value, name }) {
  const element = useRef();
  const [problem, tell] = useState(null);
  const [words, say] = useState("");
  const range = RANGES[setting(widget, "time-range")];
  const every = Math.max(1, Math.round(range / Math.min(POINTS_MAX, setting(widget, "max-data"))));
  const wanted = setting(widget, "dataset-names");
  const lines = useRef(null);
  const asked = JSON.stringify([where, range, every, wanted]);
  if (lines.current?.asked !== asked) lines.current = new Lines(asked, where, range, every, wanted);
  lines.current.hear();

  const drawing = useRef(null);
  useEffect(() => () => drawing.current?.destroy(), []);
  const pace = Math.min(SLIDE_MAX_MS, Math.max(SLIDE_MS, (range * 1000) / 600));
  useAgain(async (signal) => {
    const own = lines.current;
    let problem = await own.remember(signal, pace);
    if (signal.aborted) return true;
    own.hear();
    const picture = own.picture(name);
    say(inWords(picture.series));
    try {
      if (drawing.current) drawing.current.set(picture);
      else {
        const made = await plot(element.current, picture);
        if (signal.aborted) made.destroy();
        else drawing.current = made;
      }
    } catch (error) {
      problem = error;
    }
    tell(problem && `Not all of it is known: ${problem.message}.`);
    return drawing.current !== null;
  }, pace, [asked, name]);

  return html`<div class="plot-of-widget">
    <div class="canvas" ref=${element} role="img" aria-label=${`The last ${setting(widget, "time-range")}: ${words}`}></div>
    <ul class="legend">
      ${lines.current.places().map((path, index) => html`<li style=${{ "--own": `var(--line-${index + 1})` }}>
        ${path && html`<span>${title(path)}</span> `}<b class="value">${typeof at(value, path) === "number" ? written(at(value, path)) : "–"}</b>
      </li>`)}
    </ul>
    ${problem && html`<p class="hint">${problem}</p>`}
  </div>`;
}

/** The numbers at and below a place, each as stretches `[begin, count, lowest, highest, mean]`, as the broker has them. */
class Lines {
  #stretches = new Map();
  #seq = 0;
  /** When it was looked whether to ask the broker, when it is to be asked at the latest, and why that failed. */
  #looked = 0;
  #next = 0;
  #problem = null;
  /** The connection during which all was known. */
  #life = null;

  constructor(asked, { ns, path }, range, every, wanted) {
    // As the broker writes it: somebody may have typed it.
    const names = path.split("/").slice(1).map((name) => `/${escape(unescape(name))}`);
    Object.assign(this, { asked, where: { ns, path: names.join("") }, range, every });
    this.wanted = wanted.split(",").map((it) => it.trim()).filter(Boolean);
  }

  places() {
    return [...this.#stretches.keys()];
  }

  #of(path) {
    const isWanted = !this.wanted.length || this.wanted.includes(path.slice(1)) || this.wanted.includes(title(path));
    if (!this.#stretches.has(path) && isWanted && this.#stretches.size < LINES_MAX) this.#stretches.set(path, []);
    return this.#stretches.get(path);
  }

  /**
   * Asks for what the broker has kept, where there may be more than is known here: now and then, and after each pause.
   * @returns {Promise<Error | null>} why it is not known
   */
  async remember(signal, pace) {
    const time = performance.now();
    const hasPaused = time - this.#looked > 2 * pace + 1000 || this.#life !== connection.since;
    this.#looked = time;
    const isDue = time >= this.#next || (hasPaused && !this.#problem);
    if (connection.state !== "live" || !isDue) return this.#problem;
    const { since } = connection;
    try {
      this.#take(await this.#ask(signal));
      this.#problem = null;
      this.#life = since;
    } catch (problem) {
      this.#problem = problem;
    }
    this.#looked = performance.now();
    this.#next = this.#looked + (this.#problem ? RETRY_MS : Math.max(AGAIN_MS, this.every * 1000));
    return this.#problem;
  }

  async #ask(signal) {
    const { ns, path } = this.where;
    const which = new URLSearchParams({ from: `${this.range}s`, every: `${this.every}s` });
    // Of many numbers the broker tells the first ones.
    if (typeof valueAt(this.where) === "number") which.set("path", path);
    try {
      return (await get(place(ns, `/history?${which}`), { signal })).lines;
    } catch (problem) {
      // 409: this broker keeps no past.
      if (problem.status === 409) return {};
      throw problem;
    }
  }

  #take(lines) {
    const { path } = this.where;
    const latest = now() + this.every;
    for (const [at, kept] of Object.entries(lines)) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      const own = this.#of(at.slice(path.length));
      const last = kept.at(-1)?.[0] ?? 0;
      own?.splice(0, own.length, ...kept, ...own.filter(([begin]) => begin > last && begin < latest));
    }
  }

  /** Takes what the thing says now, where that is news. */
  hear() {
    const thing = directory.things.get(this.where.ns);
    if (!thing || thing.seq === this.#seq) return;
    this.#seq = thing.seq;
    const value = valueAt(this.where);
    const begin = Math.floor(thing.received / this.every) * this.every;
    for (const path of numberPlaces(value)) {
      const stretches = this.#of(path);
      if (!stretches) continue;
      const number = at(value, path);
      const last = stretches.at(-1);
      if (last?.[0] === begin) {
        const [, count, low, high, mean] = last;
        stretches.splice(-1, 1, [begin, count + 1, Math.min(low, number), Math.max(high, number), mean + (number - mean) / (count + 1)]);
      } else if (!last || begin > last[0]) stretches.push([begin, 1, number, number, number]);
      while (stretches.length && stretches[0][0] < begin - this.range - this.every) stretches.shift();
    }
  }

  picture(name) {
    const to = now();
    const thing = directory.things.get(this.where.ns) ?? {};
    const series = [...this.#stretches].map(([path, stretches]) => ({ label: path ? title(path) : name, ...line(stretches, this.every, thing) }));
    return { series, from: to - this.range, to };
  }
}
