// What numbers a thing said over a chosen time, as a plot: each value, or a band and a mean where there are too many.

import { useAgain } from "./again.js";
import { get, now, place } from "./api.js";
import { plot } from "./chart.js";
import { inWords, line } from "./gaps.js";
import { numberPlaces, title } from "./value.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { line as oneLine, when } from "./words.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const RANGES = [
  ["5 min", 5 * MINUTE], ["1 h", HOUR], ["6 h", 6 * HOUR], ["1 day", DAY], ["1 week", 7 * DAY], ["30 days", 30 * DAY], ["1 year", 365 * DAY],
];

/** How many points a plot has at the most: about one for two of a screen. */
const POINTS = 360;

/** What is seen is asked for again so often, but not sooner than there can be another point. */
const AGAIN_MS = 2000;

/** How many values are listed where there is nothing to draw. */
const LISTED = 30;

/** Places that are drawn at first. */
const DRAWN_MAX = 3;

/** Places that can be chosen: as many as the broker tells lines of. A sender may have a number for each sample of a wave. */
const PLACES_MAX = 32;

/**
 * @param first when the first value was received that is kept, where that is known
 * @param {string[]} places where its numbers are
 */
export function Past({ thing, first, places }) {
  const [wanted, setRange] = useState(null);
  // In its first minutes an hour of nothing is no use.
  const range = wanted ?? (first && now() - first < 10 * MINUTE ? 5 * MINUTE : HOUR);
  const [chosen, setChosen] = useState(null);
  const drawn = chosen ?? places.slice(0, DRAWN_MAX);
  const [told, setTold] = useState("Asking the broker…");
  const [words, setWords] = useState("");
  const box = useRef(null);
  const drawing = useRef(null);
  useEffect(() => () => drawing.current?.destroy(), []);
  useAgain(async (signal) => {
    try {
      const data = await ask(thing, range, drawn, signal);
      if (signal.aborted) return;
      const isEmpty = data.series.every(({ points }) => points.length === 0);
      setTold(isEmpty ? "Nothing was kept of this time." : "");
      setWords(inWords(data.series));
      if (drawing.current) {
        drawing.current.set(data);
        return true;
      }
      const made = await plot(box.current, data);
      if (signal.aborted) made.destroy();
      else drawing.current = made;
    } catch (problem) {
      if (!signal.aborted) setTold(problem.message);
      return false;
    }
  }, Math.max(AGAIN_MS, (range / POINTS) * 1000), [JSON.stringify([range, drawn])]);

  const choose = (at) => setChosen(drawn.includes(at) ? drawn.filter((it) => it !== at) : [...drawn, at]);
  return html`
    <section class="card">
      <h2>History</h2>
      <div class="choices">
        <div class="segments" role="group" aria-label="How far back">
          ${RANGES.map(([name, seconds]) => html`<button aria-pressed=${range === seconds} onClick=${() => setRange(seconds)}>${name}</button>`)}
        </div>
        ${places.length > 1 && html`<div class="chips" role="group" aria-label="What is drawn">
          ${places.map((at) => html`<button aria-pressed=${drawn.includes(at)} onClick=${() => choose(at)}>${title(at)}</button>`)}
          ${places.length === PLACES_MAX && html`<span class="soft">and no more than these</span>`}
        </div>`}
      </div>
      <div class="plot" role="img" aria-label=${`History of ${thing.ns}: ${words}`}>
        <div ref=${box}></div>
        ${told && html`<p class="nothing">${told}</p>`}
      </div>
    </section>`;
}

/** What a thing without numbers said: each value, the newest first. */
export function Values({ thing }) {
  const [values, setValues] = useState([]);
  const asked = useRef(null);
  useAgain(async (signal) => {
    const { seq } = thing;
    if (seq === asked.current) return;
    try {
      setValues((await get(place(thing.ns, `/history?last=${LISTED}`), { signal })).values.reverse());
      asked.current = seq;
    } catch (problem) {
      // 409: this broker keeps no past.
      if (problem.status === 409) asked.current = seq;
    }
  }, AGAIN_MS, [thing]);
  if (values.length === 0) return null;
  return html`
    <section class="card">
      <h2>Lately</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Lately"><table class="list">
        <thead><tr><th>When</th><th>What</th></tr></thead>
        <tbody>${values.map(([received, , data]) => html`<tr><td>${when(received)}</td><td class="wrap">${oneLine(data)}</td></tr>`)}</tbody>
      </table></div>
    </section>`;
}

/** The places that had a number since the page is seen: a reading that fails now and then keeps its line. */
export function usePlaces(data) {
  const places = useRef([]);
  const more = numberPlaces(data, PLACES_MAX).filter((at) => !places.current.includes(at));
  if (more.length && places.current.length < PLACES_MAX) places.current = [...places.current, ...more].slice(0, PLACES_MAX);
  return places.current;
}

/** Asks for the past of all places at once. */
async function ask(thing, range, places, signal) {
  const to = now();
  const from = to - range;
  const every = Math.max(1, Math.round(range / POINTS));
  const which = new URLSearchParams({ from: from.toFixed(3), every });
  const { lines } = await get(place(thing.ns, `/history?${which}`), { signal });
  const series = places.map((at) => ({ label: title(at), ...line(lines[at] ?? [], every, thing) }));
  return { series, from, to, height: 300 };
}
