// Sends a value when pressed, and another one when released, where that is wanted.

import { html, useRef } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useLeaving, useSend } from "./send.js";
import { setting } from "./types.js";

export function Button({ widget }) {
  const to = target(widget, "on-pressed");
  const { send, answer } = useSend(to, null, { isEach: true });
  const press = () => send(setting(widget, "value"));
  const isTold = !widget.thing && !widget.to && typeof widget["on-released"] === "string";
  const hasRelease = widget.released !== undefined || isTold;
  const released = widget.released === undefined ? false : widget.released;
  const held = useHeld(press, () => hasRelease && send(released, { where: target(widget, "on-released"), isEnd: true }));
  // What says nothing when released is pressed by a click, which no finger makes that scrolls.
  const does = hasRelease ? held : { onClick: press, onKeyDown: (event) => event.repeat && event.key === "Enter" && event.preventDefault() };
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
  useLeaving(release);
  const isKey = ({ key }) => key === " " || key === "Enter";
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      press();
    },
    onPointerUp: release,
    onPointerCancel: release,
    onBlur: () => {
      byKey.current = false;
      release();
    },
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
