// Switches something on and off.

import { html } from "../vendor/preact.js";
import { target } from "../binding.js";
import { isMany, Unclear, useSend, useWithin } from "./send.js";
import { asSwitch, otherSwitch, switchIn } from "./values.js";

export function Switch({ widget, place, name }) {
  const [to, from] = useWithin(target(widget), place, switchIn);
  const { shown, latest, send, answer } = useSend(to, from);
  const isOn = asSwitch(shown);
  if (isMany(shown)) return html`<${Unclear} value=${shown} />`;
  return html`<button class="toggle" role="switch" aria-checked=${isOn === true} aria-label=${name} disabled=${!to} onClick=${() => send(otherSwitch(latest()))}>
      <span class="groove" aria-hidden="true"><span class="knob"></span></span>
      <span class="value">${isOn === null ? "unknown" : isOn ? "on" : "off"}</span>
    </button>
    ${answer}`;
}
