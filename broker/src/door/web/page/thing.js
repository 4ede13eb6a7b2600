// A thing's page: its value, its past, how it speaks, and what of it was refused.

import { ask, get, now, place } from "./api.js";
import { Fresh } from "./fresh.js";
import { connection, directory, useBeat } from "./live.js";
import { Past, usePlaces, Values } from "./past.js";
import { Rejected } from "./rejected.js";
import { Value } from "./shown.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import { Ways } from "./ways.js";
import * as words from "./words.js";
import { webAddress } from "./value.js";

export function ThingPage({ ns }) {
  useBeat();
  const first = useFirst(ns);
  const thing = directory.things.get(ns);
  const places = usePlaces(thing?.data);
  if (!thing) {
    return html`<div class="empty"><h1>${ns}</h1>
      <p>${directory.isWhole ? "No thing of this name has spoken, or it was forgotten. This page shows it when it speaks." : "Asking the broker…"}</p>
      <p><a href="#/">All things</a></p></div>`;
  }
  return html`
    <article class="page">
      <header>
        <${Crumbs} ns=${ns} />
        <div class="title"><h1>${ns}</h1><${Fresh} thing=${thing} />
          <span class="soft">${words.age(now() - thing.received)} ago</span></div>
        ${thing.documentationUrl && html`<p><${Documentation} url=${thing.documentationUrl} /></p>`}
      </header>
      <div class="cards">
        <section class="card"><h2>Value</h2><${Value} value=${thing.data} before=${thing.before} seq=${thing.seq} /></section>
        <${Facts} thing=${thing} first=${first} />
      </div>
      ${places.length > 0 ? html`<${Past} thing=${thing} first=${first} places=${places} />` : html`<${Values} thing=${thing} />`}
      <${Rejected} under=${ns} />
      <${Ways} ns=${ns} />
    </article>`;
}

function Crumbs({ ns }) {
  const parts = ns.split(".");
  const above = parts.slice(0, -1).map((part, index) => {
    const name = parts.slice(0, index + 1).join(".");
    return html`<span>${directory.things.has(name) ? html`<a href="#/things/${name}">${part}</a>` : part} ›</span>`;
  });
  return html`<nav class="crumbs" aria-label="Where it is"><a href="#/">Things</a> › ${above}</nav>`;
}

/** A sender says what this is: only an address of the web is a link. */
function Documentation({ url }) {
  const address = webAddress(url);
  return address ? html`<a class="wrap" href=${address} target="_blank" rel="noopener noreferrer">${address}</a>` : html`<span class="wrap">${url}</span>`;
}

function Facts({ thing, first }) {
  const hasOwnTime = Math.abs(thing.ts - thing.received) > 5;
  const row = (title, value) => value && html`<dt>${title}</dt><dd>${value}</dd>`;
  return html`
    <section class="card">
      <h2>How it speaks</h2>
      <p>${words.expectation(thing)}</p>
      <dl class="facts">
        ${row("Rate", thing.freshness !== "silent" && words.rate(thing.rate(now())))}
        ${row("Last", words.whenExactly(thing.received))}
        ${row("First kept", first && words.whenExactly(first))}
        ${row("Its own time", hasOwnTime && html`${words.whenExactly(thing.ts)} <span class="error">(${off(thing)})</span>`)}
        ${row("Update", html`<span title="The broker's number of its last update">${words.whole.format(thing.seq)}</span>`)}
      </dl>
      ${connection.state !== "live" && html`<p class="soft">As it was when the broker answered last.</p>`}
      <${Forget} ns=${thing.ns} />
    </section>`;
}

const off = ({ ts, received }) => `its clock is ${words.span(Math.abs(ts - received))} ${ts > received ? "ahead" : "behind"}`;

/** When the first value was received of those that are kept; null: not known. */
function useFirst(ns) {
  const [first, setFirst] = useState(null);
  useEffect(() => {
    const stopped = new AbortController();
    // Who keeps no past has no first value.
    get(place(ns, "/history?from=0&limit=1"), { signal: stopped.signal }).then(({ values }) => setFirst(values[0]?.[0] ?? null), () => {});
    return () => stopped.abort();
  }, [ns]);
  return first;
}

/** Forgetting takes two steps: it takes the past along. */
function Forget({ ns }) {
  const [step, setStep] = useState("");
  const forget = async () => {
    try {
      await ask("DELETE", place(ns));
      location.hash = "#/";
    } catch (problem) {
      setStep(problem.message);
    }
  };
  if (step === "") return html`<p><button class="link" onClick=${() => setStep("sure?")}>Forget this thing…</button></p>`;
  if (step !== "sure?") return html`<p class="error" role="alert">${step}</p>`;
  return html`<p role="alert">It and its past will be gone, for everybody. It comes back when it speaks. <button onClick=${forget}>Forget it</button>
    <button onClick=${() => setStep("")}>Keep it</button></p>`;
}
