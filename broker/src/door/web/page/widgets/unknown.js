// Stands for a widget of a type that is not known here. It stays in the dashboard as it is.

import { html } from "../vendor/preact.js";
import { line } from "../words.js";

export function Unknown({ widget, value }) {
  return html`<div class="hint">
    <p>${typeof widget.type === "string" ? html`A widget of type <code>${widget.type}</code>, which is not known here.` : "A widget without a type."}</p>
    ${value !== undefined && html`<p class="value">${line(value)}</p>`}
  </div>`;
}
