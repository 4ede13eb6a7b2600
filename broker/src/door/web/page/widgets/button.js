// Sends a value when pressed, and another one when released, where that is wanted.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useSend } from "./send.js";
import { setting } from "./types.js";

export function Button({ widget }) {
  const to = target(widget, "on-pressed");
  const { send, answer } = useSend(to, null, { isEach: true });
  const press = () => send(setting(widget, "value"));
  const isTold = !widget.thing && !widget.to && typeof widget["on-released"] === "string";
  const hasRelease = widget.released !== undefined || isTold;
  const held = useHeld(press, () => send(widget.released ?? false, target(widget, "on-released")));
  // What says nothing when released is pressed by a click, which no finger makes that scrolls.
  const does = hasRelease ? held : { onClick: press, onKeyDown: (event) => event.repeat && event.preventDefault() };
  return html`<button class=${hasRelease ? "push held" : "push"} disabled=${!to} data-button-id=${setting(widget, "button-id")}
      style=${{ fontSize: `${setting(widget, "font-size") / 14}em`, fontFamily: setting(widget, "font-family") }} ...${does}>${setting(widget, "label")}</button>
    ${answer}`;
}

/** What an element does that is pressed and released. Who goes away with it pressed has released it. */
function useHeld(pressed, released) {
  const isDown = useRef(false);
  const byKey = useRef(false);
  const press = () => {
    if (isDown.current) return;
    isDown.current = true;
    pressed();
  };
  const release = () => {
    if (!isDown.current) return;
    isDown.current = false;
    released();
  };
  const last = useRef();
  last.current = release;
  useEffect(() => () => last.current(), []);
  const isKey = ({ key }) => key === " " || key === "Enter";
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      press();
    },
    onPointerUp: release,
    onPointerCancel: release,
    onBlur: release,
    onKeyDown: (event) => {
      if (!isKey(event) || event.repeat) return;
      byKey.current = true;
      press();
    },
    onKeyUp: (event) => isKey(event) && release(),
    onClick: ({ detail }) => {
      // A screen reader clicks with neither pointer nor key; what had one was sent already.
      if (detail === 0 && !byKey.current && !isDown.current) {
        press();
        release();
      }
      byKey.current = false;
    },
  };
}
