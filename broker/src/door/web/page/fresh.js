// How fresh a thing is: the broker's word, and a sign that needs no colour to be told from the others.

import { html } from "./vendor/preact.js";
import { expectation } from "./words.js";

export const SIGNS = {
  fresh: html`<circle cx="6" cy="6" r="4.5" fill="currentColor" />`,
  late: html`<circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.6" /><path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" />`,
  silent: html`<circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 1.53" />`,
};

export function Fresh({ thing }) {
  const word = thing.freshness;
  if (!word) return null;
  return html`<span class="fresh-word ${word}" title=${expectation(thing)}>
    <svg viewBox="0 0 12 12" aria-hidden="true">${SIGNS[word]}</svg>${word}
  </span>`;
}
