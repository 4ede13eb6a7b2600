// Shows one value, as large as there is room.

import { html } from "../vendor/preact.js";
import { line } from "../words.js";
import { setting } from "./types.js";
import { asNumber, written } from "./values.js";

export function Indicator({ widget, value }) {
  const decimals = setting(widget, "decimals");
  // A text that looks like a number may be none: "0012", the version "1.10". Who sets decimals says that it is one.
  const isOther = typeof value === "boolean" || (typeof value === "string" && decimals === undefined);
  const amount = isOther ? null : asNumber(value);
  let text = value === null ? "–" : amount === null ? line(value) : written(amount, decimals);
  const length = setting(widget, "max-value-length");
  if (length && text.length > length) text = `${text.slice(0, length)}…`;
  const units = setting(widget, "units");
  // How wide it is, in its own letters' size; short ones are not to be huge beside the others.
  const wide = Math.max(3, text.length * 0.64 + (units ? (units.length + 1) * 0.3 : 0));
  return html`<p class=${text.length > 16 ? "big many" : "big"} style=${{ fontFamily: setting(widget, "font-family"), "--wide": wide.toFixed(2) }}>
    <span class="value">${text}</span>${units && html`<span class="units"> ${units}</span>`}
  </p>`;
}
