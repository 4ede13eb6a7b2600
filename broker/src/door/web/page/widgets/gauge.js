// A number on an arc from the least to the most.

import { html } from "../vendor/preact.js";
import { line } from "../words.js";
import { setting } from "./types.js";
import { asNumber, written } from "./values.js";

/** The arc is open below: it begins and ends so many degrees from straight down. */
const OPEN = 60;
const SWEEP = 360 - 2 * OPEN;
const RADIUS = 80;

export function Gauge({ widget, value }) {
  const amount = asNumber(value);
  if (amount === null) return html`<p class="hint">${value === null ? "No value now." : `“${line(value)}” is no number.`}</p>`;
  const [min, max] = [setting(widget, "min"), setting(widget, "max")];
  const part = max > min ? (amount - min) / (max - min) : 0;
  const divisions = setting(widget, "divisions");
  const decimals = setting(widget, "decimals");
  const text = written(amount, decimals);
  const units = setting(widget, "units");
  const isOutside = part < 0 || part > 1;
  return html`<svg class=${isOutside ? "dial outside" : "dial"} viewBox="0 0 200 165" role="img"
      aria-label=${`${text} ${units}, between ${written(min)} and ${written(max)}`}>
    <path class="track" d=${arc(0, 1)} />
    ${part > 0 && html`<path class="filled" d=${arc(0, Math.min(1, part))} />`}
    ${Array.from({ length: divisions + 1 }, (_, index) => html`<path class="tick" d=${tick(index / divisions, index === 0 || index === divisions ? 9 : 5)} />`)}
    <circle class="hand" r="5.5" ...${spot(Math.min(1, Math.max(0, part)), RADIUS, "c")} />
    <text class="value" x="100" y="106" style=${{ fontSize: `${Math.min(38, 210 / Math.max(4, text.length))}px` }}>${text}</text>
    ${units && html`<text class="units" x="100" y="126">${units}</text>`}
    <text class="end" x="31" y="158">${written(min)}</text>
    <text class="end" x="169" y="158">${written(max)}</text>
  </svg>`;
}

/** A point at a part of the way, so far from the middle. */
function spot(part, radius, prefix = "") {
  const angle = ((90 + OPEN + part * SWEEP) * Math.PI) / 180;
  const round = (it) => Math.round(it * 100) / 100;
  return { [`${prefix}x`]: round(100 + radius * Math.cos(angle)), [`${prefix}y`]: round(96 + radius * Math.sin(angle)) };
}

function arc(from, to) {
  const [start, end] = [spot(from, RADIUS), spot(to, RADIUS)];
  return `M${start.x} ${start.y}A${RADIUS} ${RADIUS} 0 ${(to - from) * SWEEP > 180 ? 1 : 0} 1 ${end.x} ${end.y}`;
}

function tick(part, length) {
  const [outer, inner] = [spot(part, RADIUS - 10), spot(part, RADIUS - 10 - length)];
  return `M${outer.x} ${outer.y}L${inner.x} ${inner.y}`;
}
