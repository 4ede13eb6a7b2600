// Switches something on and off.

import { html } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useSend } from "./send.js";
import { asSwitch } from "./values.js";

export function Switch({ widget, place, name }) {
  const to = target(widget);
  const { shown, send, answer } = useSend(to, place);
  const isOn = asSwitch(shown);
  // What is a number stays one: a lamp that says 1 may not know what true is.
  const other = typeof shown === "number" ? Number(!isOn) : !isOn;
  return html`<button class="toggle" role="switch" aria-checked=${isOn === true} aria-label=${name} disabled=${!to} onClick=${() => send(other)}>
      <span class="groove" aria-hidden="true"><span class="knob"></span></span>
      <span class="value">${isOn === null ? "unknown" : isOn ? "on" : "off"}</span>
    </button>
    ${answer}`;
}
