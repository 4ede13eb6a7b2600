// Numbers over time: what the broker has kept, then what comes.

import { get, now, place } from "../api.js";
import { plot } from "../chart.js";
import { inWords, line } from "../gaps.js";
import { connection, directory } from "../live.js";
import { at, numberPlaces, title } from "../value.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { RANGES, setting } from "./types.js";
import { written } from "./values.js";

const POINTS_MAX = 300;
const LINES_MAX = 6;

/** What slides needs no more drawings than that. */
const SLIDE_MS = 500;

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

  useEffect(() => {
    const own = lines.current;
    const stopped = new AbortController();
    let drawing;
    let timer;
    let recalled = 0;
    const recall = async () => {
      recalled = Date.now();
      try {
        await own.remember(stopped.signal);
        tell(null);
      } catch (error) {
        if (!stopped.signal.aborted) tell(`What was before is not known: ${error.message}.`);
      }
    };
    const slide = async () => {
      if (!document.hidden) {
        // Of what was while the page did not follow the broker tells the last only.
        if (connection.state === "live" && connection.since > recalled) await recall();
        if (stopped.signal.aborted) return;
        own.hear();
        const picture = own.picture(name);
        drawing.set(picture);
        say(inWords(picture.series));
      }
      timer = setTimeout(slide, Math.max(SLIDE_MS, (range * 1000) / 600));
    };
    const begin = async () => {
      await recall();
      try {
        drawing = await plot(element.current, own.picture(name));
        if (stopped.signal.aborted) drawing.destroy();
        else slide();
      } catch (error) {
        tell(error.message);
      }
    };
    begin();
    return () => {
      stopped.abort();
      clearTimeout(timer);
      drawing?.destroy();
    };
  }, [asked, name]);

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

  constructor(asked, where, range, every, wanted) {
    Object.assign(this, { asked, where, range, every });
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

  /** Asks for what the broker has kept. */
  async remember(signal) {
    const { ns, path } = this.where;
    const answer = await get(place(ns, `/history?from=${this.range}s&every=${this.every}s`), { signal });
    for (const [at, kept] of Object.entries(answer.lines)) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      const own = this.#of(at.slice(path.length));
      own?.splice(0, own.length, ...kept, ...own.filter(([begin]) => begin > (kept.at(-1)?.[0] ?? 0)));
    }
  }

  /** Takes what the thing says now, where that is news. */
  hear() {
    const thing = directory.things.get(this.where.ns);
    if (!thing || thing.seq === this.#seq) return;
    this.#seq = thing.seq;
    const value = at(thing.data, this.where.path);
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
