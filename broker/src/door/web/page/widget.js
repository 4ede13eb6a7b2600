// The frame around each widget: its label, how old its value is, and what is wrong with it.

import { now } from "./api.js";
import { shown, target, whyUnbound } from "./binding.js";
import { SIGNS } from "./fresh.js";
import { connection, directory } from "./live.js";
import { at } from "./value.js";
import { html, useErrorBoundary } from "./vendor/preact.js";
import { partFor } from "./widgets/parts.js";
import { setting, TYPES } from "./widgets/types.js";
import { age, expectation, whenExactly } from "./words.js";

/** A widget's name where it is spoken of. */
export function nameOf(id, widget) {
  const label = typeof widget.label === "string" && widget.label;
  return label || shown(widget)?.path.split("/").at(-1) || shown(widget)?.ns || (widget.type === "button" && "PUSH") || id;
}

/** What is known of the value that a widget shows. */
function look(widget) {
  const place = shown(widget);
  const isControl = TYPES[widget.type]?.isControl === true;
  if (!place) {
    if (!Object.hasOwn(TYPES, widget.type)) return { place, why: null, freshness: null };
    const isBound = (isControl && target(widget, widget.type === "button" ? "on-pressed" : "set-value")) || (widget.type === "image" && setting(widget, "url"));
    return { place, why: isBound ? null : whyUnbound(widget), freshness: null };
  }
  const thing = directory.things.get(place.ns);
  if (!thing) {
    // A control may make a thing, but not in place of one that is not told yet.
    const missing = isControl ? null : `There is no thing “${place.ns}”${connection.state === "refused" ? " that this access key may see" : ""} yet.`;
    return { place, why: directory.isWhole || connection.state === "refused" ? missing : "…", freshness: null };
  }
  const value = at(thing.data, place.path);
  // A graph keeps its lines where one reading fails.
  const isMissing = value === undefined && !isControl && widget.type !== "graph";
  const why = isMissing ? `${place.ns} says nothing at ${place.path}.` : null;
  const isCut = connection.state !== "live" && directory.isWhole;
  return { place, thing, value, why, freshness: isCut ? "cut" : thing.freshness };
}

export function Widget({ id, widget }) {
  const [error, again] = useErrorBoundary();
  const name = nameOf(id, widget);
  const { place, thing, value, why, freshness } = look(widget);
  // What is set here is what somebody wanted, however long ago: its age is told, and it is not struck through.
  const isSetHere = TYPES[widget.type]?.isControl && place && target(widget)?.ns === place.ns;
  const hasAge = thing && widget.type !== "button";
  const Part = partFor(widget.type);
  const type = /^\w+$/.test(widget.type) ? widget.type : "unknown";
  return html`<div role="group" class=${`widget of-${type} ${TYPES[widget.type]?.isControl ? "is-control" : ""} ${isSetHere ? "is-set-here" : ""} ${hasAge ? freshness ?? "" : ""}`} aria-label=${name}>
    <header>
      <h2>${widget.type === "button" ? "" : name}</h2>
      ${hasAge && html`<${Age} thing=${thing} freshness=${freshness} />`}
    </header>
    <div class="body">
      ${error ? html`<p class="hint">This widget cannot be drawn: ${error.message} <button onClick=${again}>Try again</button></p>`
        : why ? html`<p class="hint">${why}</p>`
        : html`<${Part} key=${widget.type} widget=${widget} name=${name} place=${place} thing=${thing} value=${value} />`}
    </div>
  </div>`;
}

const WORDS = { late: "late", silent: "silent", cut: "cut off" };
const CUT = html`<path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="1.6" />`;

/** How long ago the value came. That it is fresh is said by the sign alone, for there is little room. */
function Age({ thing, freshness }) {
  const word = WORDS[freshness];
  const sign = freshness === "cut" ? CUT : SIGNS[freshness];
  return html`<span class=${`fresh-word ${freshness ?? ""}`} title=${`Heard ${whenExactly(thing.received)}. ${expectation(thing)}`}>
    ${sign && html`<svg viewBox="0 0 12 12" aria-hidden="true">${sign}</svg>`}
    ${word ? html`<span>${word}</span>` : freshness && html`<span class="unseen">${freshness}</span>`}
    <span class="age">${age(now() - thing.received)}</span>
  </span>`;
}
