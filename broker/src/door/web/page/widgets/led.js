// A light that is on or off, with the word beside it.

import { html } from "../vendor/preact.js";
import { setting } from "./types.js";
import { asSwitch } from "./values.js";

export function Led({ widget, value }) {
  const isOn = asSwitch(value);
  const color = setting(widget, "color");
  const word = isOn === null ? "neither on nor off" : isOn ? "on" : "off";
  return html`<p class="light">
    <span class=${isOn ? "bulb on" : "bulb"} style=${{ "--bulb": CSS.supports("color", color) ? color : "#ffff00" }} aria-hidden="true"></span>
    <span class="value">${word}</span>
  </p>`;
}
