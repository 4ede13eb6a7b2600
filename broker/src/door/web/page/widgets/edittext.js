// A text that can be changed.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { target } from "../binding.js";
import { cut, line } from "../words.js";
import { usePause, useSend } from "./send.js";
import { setting } from "./types.js";

export function EditText({ widget, place, name }) {
  const to = target(widget);
  const { shown, send, isUnderway, isRefused, answer } = useSend(to, place);
  const area = useRef();
  const isLeft = useRef(true);
  const [own, write] = useState(null);
  const [problem, tell] = useState("");
  const { later, flush } = usePause(Math.max(100, setting(widget, "invoke-interval")));
  const text = own ?? written(shown);
  const sendText = (text) => {
    const [value, problem] = read(text, shown);
    tell(problem);
    if (!problem) send(value);
  };
  useEffect(() => {
    if (own === null && setting(widget, "auto-scroll") === "bottom") area.current.scrollTop = area.current.scrollHeight;
  }, [text]);
  useEffect(() => {
    // What was not taken stays to be seen, and to be sent again.
    if (own !== null && isLeft.current && !isUnderway && !isRefused && !problem) write(null);
  });
  return html`<textarea ref=${area} aria-label=${name} value=${text} disabled=${!to} spellcheck=${false}
      style=${{ fontSize: `${setting(widget, "font-size") / 14}em`, fontFamily: setting(widget, "font-family") }}
      onInput=${({ target }) => {
        const text = target.value;
        isLeft.current = false;
        write(text);
        later(() => sendText(text));
      }}
      onBlur=${() => {
        flush();
        isLeft.current = true;
      }}></textarea>
    ${problem ? html`<p class="answer error"><span role="alert">${problem}</span></p>` : answer}`;
}

/** A value as it is edited: a text as it is, all else as JSON. */
function written(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : undefined);
}

/** What was written, as the kind of value that was there; and why it is none. */
function read(text, before) {
  if (before === undefined || before === null || typeof before === "string") return [text, ""];
  try {
    return [JSON.parse(text), ""];
  } catch {
    return [undefined, `“${cut(text, 40)}” was not sent: it says ${line(before)} now, and this is no JSON. A text takes quotes: "${cut(text, 40)}"`];
  }
}
