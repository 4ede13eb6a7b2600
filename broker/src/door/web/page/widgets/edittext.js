// A text that can be changed.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { target } from "../binding.js";
import { usePause, useSend } from "./send.js";
import { setting } from "./types.js";
import { lines } from "./values.js";

export function EditText({ widget, place, name }) {
  const to = target(widget);
  const { shown, send, answer } = useSend(to, place);
  const area = useRef();
  const [own, write] = useState(null);
  const later = usePause(Math.max(100, setting(widget, "invoke-interval")));
  const text = own ?? lines(shown);
  useEffect(() => {
    if (own === null && setting(widget, "auto-scroll") === "bottom") area.current.scrollTop = area.current.scrollHeight;
  }, [text]);
  return html`<textarea ref=${area} aria-label=${name} value=${text} disabled=${!to} spellcheck=${false}
      style=${{ fontSize: `${setting(widget, "font-size") / 14}em`, fontFamily: setting(widget, "font-family") }}
      onInput=${({ target }) => {
        const text = target.value;
        write(text);
        later(() => send(text));
      }}
      onBlur=${() => write(null)}></textarea>
    ${answer}`;
}
