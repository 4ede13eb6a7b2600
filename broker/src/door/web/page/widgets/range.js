// A slider for a number.

import { html, useState } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useSend } from "./send.js";
import { setting } from "./types.js";
import { asNumber, written } from "./values.js";

export function Range({ widget, place, name }) {
  const to = target(widget);
  const { shown, send, answer } = useSend(to, place, { interval: setting(widget, "invoke-interval") });
  const [held, hold] = useState(null);
  const [min, max] = [setting(widget, "min"), setting(widget, "max")];
  const step = setting(widget, "step") ?? fine(max - min);
  const amount = held ?? asNumber(shown);
  const units = setting(widget, "units");
  const text = amount === null ? "–" : `${written(amount)}${units && ` ${units}`}`;
  return html`<div class="slider">
      <input type="range" aria-label=${name} aria-valuetext=${text} min=${min} max=${max} step=${step} value=${amount ?? min} disabled=${!to}
        onInput=${({ target }) => {
          hold(target.valueAsNumber);
          send(target.valueAsNumber);
        }}
        onChange=${() => hold(null)} />
      <output class="value">${text}</output>
    </div>
    ${answer}`;
}

/** A step that divides the span into a hundred or a little more: 1, 0.1, 0.5 and so on. */
function fine(span) {
  if (!(span > 0)) return 1;
  const hundredth = 10 ** Math.floor(Math.log10(span / 100));
  return [5, 2, 1].map((it) => it * hundredth).find((it) => span / it >= 100) ?? hundredth;
}
