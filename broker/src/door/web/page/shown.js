// A value as a tree that can be read, in which what changed is marked.

import { isSame } from "./value.js";
import { html, useEffect, useMemo, useRef } from "./vendor/preact.js";
import * as words from "./words.js";

/** Longer lists are cut: what is meant for programs is not read here. */
const SHOWN_MAX = 200;

/** So is what has many of them. */
const SHOWN_IN_ALL_MAX = 1000;

/** Texts too, in characters. */
const TEXT_MAX = 20_000;

export function Value({ value, before, seq }) {
  const tree = useMemo(() => (isTree(value) ? members(value, before, seq, { left: SHOWN_IN_ALL_MAX }) : null), [value, seq]);
  if (tree) return html`<ul class="value-tree">${tree}</ul>`;
  return html`<p class=${typeof value === "string" && value.length > 24 ? "text" : "whole-value"}><${Scalar} ...${{ value, before, seq }} /></p>`;
}

const isTree = (value) => value !== null && typeof value === "object";

/** `room`: how many more there is room for. */
function members(value, before, seq, room) {
  const entries = Object.entries(value);
  const was = (name) => (isTree(before) && Object.hasOwn(before, name) ? before[name] : undefined);
  const shown = [];
  for (const [name, inner] of entries.slice(0, SHOWN_MAX)) {
    if (room.left-- <= 0) break;
    shown.push(html`<li key=${name}><span class="key">${words.cut(name)}</span>${isTree(inner)
      ? html`<ul>${members(inner, was(name), seq, room)}</ul>`
      : html`<${Scalar} value=${inner} before=${was(name)} seq=${seq} />`}</li>`);
  }
  return html`${shown}
    ${entries.length === 0 && html`<li class="soft">${words.line(value)}</li>`}
    ${entries.length > shown.length && html`<li class="soft">and ${words.whole.format(entries.length - shown.length)} more</li>`}`;
}

/** What is no list and no object. It flashes when it changes, also where it changes twice at once. */
function Scalar({ value, before, seq }) {
  const span = useRef(null);
  const shown = useRef(value);
  useEffect(() => {
    if (isSame(shown.current, value)) return;
    shown.current = value;
    span.current.classList.remove("changed");
    void span.current.offsetWidth;
    span.current.classList.add("changed");
  }, [seq]);
  const was = before === undefined || isSame(before, value) || isTree(before) ? undefined : `before: ${words.line(before)}`;
  const isText = typeof value === "string" && value !== "";
  return html`<span ref=${span} class="scalar ${isText ? "text" : ""}" title=${was}>${isText ? words.cut(value, TEXT_MAX) : words.line(value)}</span>`;
}
