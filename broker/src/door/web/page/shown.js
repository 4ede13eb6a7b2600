// A value as a tree that can be read, in which what changed is marked.

import { isSame } from "./value.js";
import { html, useEffect, useRef } from "./vendor/preact.js";
import * as words from "./words.js";

/** Longer lists are cut: what is meant for programs is not read here. */
const SHOWN_MAX = 200;

export function Value({ value, before, seq }) {
  if (value === null || typeof value !== "object") {
    return html`<p class=${typeof value === "string" && value.length > 24 ? "text" : "whole-value"}><${Scalar} ...${{ value, before, seq }} /></p>`;
  }
  return html`<ul class="value-tree"><${Members} ...${{ value, before, seq }} /></ul>`;
}

function Members({ value, before, seq }) {
  const entries = Object.entries(value);
  const known = before !== null && typeof before === "object" ? before : {};
  return html`
    ${entries.slice(0, SHOWN_MAX).map(([name, inner]) => html`
      <li key=${name}><span class="key">${name}</span>${inner !== null && typeof inner === "object"
        ? html`<ul><${Members} value=${inner} before=${known[name]} seq=${seq} /></ul>`
        : html`<${Scalar} value=${inner} before=${known[name]} seq=${seq} />`}</li>`)}
    ${entries.length === 0 && html`<li class="soft">${words.line(value)}</li>`}
    ${entries.length > SHOWN_MAX && html`<li class="soft">and ${words.whole.format(entries.length - SHOWN_MAX)} more</li>`}`;
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
  const was = before === undefined || isSame(before, value) || typeof before === "object" ? undefined : `before: ${words.line(before)}`;
  return html`<span ref=${span} class="scalar ${typeof value === "string" ? "text" : ""}" title=${was}>${words.line(value)}</span>`;
}
