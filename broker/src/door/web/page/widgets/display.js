// Shows a text, or any value line by line.

import { html } from "../vendor/preact.js";
import { cut } from "../words.js";
import { setting } from "./types.js";
import { lines } from "./values.js";

const TEXT_MAX = 10_000;

export function Display({ widget, value }) {
  const text = cut(lines(value), TEXT_MAX);
  const rows = setting(widget, "lines");
  const isLong = text.length > 48 || text.includes("\n");
  return html`<div class=${isLong ? "text long" : "text"} tabindex=${isLong ? 0 : undefined} style=${{ fontFamily: setting(widget, "font-family"), "--lines": rows }}>${text}</div>`;
}
