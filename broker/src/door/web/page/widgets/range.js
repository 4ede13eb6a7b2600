// A slider for a number.

import { html, useState } from "../vendor/preact.js";
import { target } from "../binding.js";
import { isMany, Unclear, useSend, useWithin } from "./send.js";
import { setting } from "./types.js";
import { asNumber, numberIn, written } from "./values.js";

export function Range({ widget, place, name }) {
  const [to, from] = useWithin(target(widget), place, numberIn);
  const { shown, send, answer } = useSend(to, from, { interval: setting(widget, "invoke-interval") });
  const [held, hold] = useState(null);
  const [min, max] = [setting(widget, "min"), setting(widget, "max")];
  const step = setting(widget, "step") ?? fine(max - min);
  const amount = held ?? asNumber(shown);
  const units = setting(widget, "units");
  // A slider that is let go where it was has not changed, and says so to nobody.
  const drop = () => hold(null);
  const text = amount === null ? "–" : `${written(amount)}${units && ` ${units}`}`;
  if (isMany(shown)) return html`<${Unclear} value=${shown} />`;
  return html`<div class="slider">
      <input type="range" aria-label=${name} aria-valuetext=${text} min=${min} max=${max} step=${step} value=${amount ?? min} disabled=${!to}
        onInput=${({ target }) => {
          hold(target.valueAsNumber);
          send(target.valueAsNumber);
        }}
        onChange=${drop} onPointerUp=${drop} onPointerCancel=${drop} onKeyUp=${drop} onBlur=${drop} />
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
