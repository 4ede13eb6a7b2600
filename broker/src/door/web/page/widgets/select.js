// Chooses one of several values.

import { html } from "../vendor/preact.js";
import { parsePlace, target } from "../binding.js";
import { valueAt } from "../live.js";
import { isSame } from "../value.js";
import { line } from "../words.js";
import { useSend } from "./send.js";

export function Select({ widget, place, name }) {
  const to = target(widget);
  const { shown, send, answer } = useSend(to, place);
  const options = optionsOf(widget);
  const current = options.findIndex(([value]) => isSame(value, shown));
  if (!options.length) return html`<p class="hint">There are no options to choose from.</p>`;
  return html`<select aria-label=${name} disabled=${!to} value=${current} onChange=${({ target }) => send(options[target.value][0])}>
      ${current < 0 && html`<option value="-1" disabled>${shown === undefined ? "nothing yet" : `${line(shown)} (no option)`}</option>`}
      ${options.map(([, label], index) => html`<option value=${index}>${label}</option>`)}
    </select>
    ${answer}`;
}

/** `[value, label]` each; a value alone is its own label. Where the widget has none, a place has them. */
function optionsOf(widget) {
  const own = widget.options ?? widget["get-options"];
  const from = typeof own === "string" ? parsePlace(own) : null;
  const list = from ? valueAt(from) : own;
  const pairs = Array.isArray(list) ? list : Object.entries(list !== null && typeof list === "object" ? list : {});
  return pairs.map((it) => (Array.isArray(it) ? [it[0], line(it[1] ?? it[0])] : [it, line(it)]));
}
