// Sends a value when pressed, and another one when released, where that is wanted.

import { html, useRef } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useSend } from "./send.js";
import { setting } from "./types.js";

export function Button({ widget }) {
  const to = target(widget, "on-pressed");
  const { send, answer } = useSend(to, null, { isEach: true });
  const isDown = useRef(false);
  const byKey = useRef(false);
  const press = () => {
    if (isDown.current) return;
    isDown.current = true;
    send(setting(widget, "value"));
  };
  const release = () => {
    if (!isDown.current) return;
    isDown.current = false;
    const isTold = !widget.thing && !widget.to && typeof widget["on-released"] === "string";
    if (widget.released !== undefined || isTold) send(widget.released ?? false, target(widget, "on-released"));
  };
  const isKey = ({ key }) => key === " " || key === "Enter";
  return html`<button class="push" disabled=${!to} data-button-id=${setting(widget, "button-id")}
      style=${{ fontSize: `${setting(widget, "font-size") / 14}em`, fontFamily: setting(widget, "font-family") }}
      onPointerDown=${(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        press();
      }}
      onPointerUp=${release} onPointerCancel=${release} onBlur=${release}
      onKeyDown=${(event) => {
        if (!isKey(event) || event.repeat) return;
        byKey.current = true;
        press();
      }}
      onKeyUp=${(event) => isKey(event) && release()}
      onClick=${({ detail }) => {
        // A screen reader clicks with neither pointer nor key; what had one was sent already.
        if (detail === 0 && !byKey.current && !isDown.current) {
          press();
          release();
        }
        byKey.current = false;
      }}>${setting(widget, "label")}</button>
    ${answer}`;
}
