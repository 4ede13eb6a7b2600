// Which page is shown, and what stands around all of them.

import { key } from "./api.js";
import { Board } from "./board.js";
import { Boards } from "./boards.js";
import { Broker } from "./broker.js";
import { connection, directory, start, useBeat } from "./live.js";
import { ThingPage } from "./thing.js";
import { Tree } from "./tree.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./vendor/preact.js";
import * as words from "./words.js";

const PAGES = [
  ["", "Things"],
  ["dashboards", "Dashboards"],
  ["broker", "Broker"],
];

/** The address after the `#`: `/things/shop.lathe` is `["things", "shop.lathe"]`. */
function route() {
  const parts = location.hash.replace(/^#?\/?/, "").split("/");
  try {
    return parts.map(decodeURIComponent);
  } catch {
    // Somebody typed a percent sign.
    return parts;
  }
}

function App() {
  const [[page, name, verb], setRoute] = useState(route);
  const main = useRef(null);
  useEffect(() => {
    const moved = () => {
      setRoute(route());
      main.current.scrollTop = 0;
      // What had the focus is gone with its page: keys and screen readers go on where the next one begins.
      main.current.focus({ preventScroll: true });
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    const title = PAGES.find(([known]) => known === page)?.[1];
    document.title = [name ?? (page ? title : ""), "Thingsbus"].filter(Boolean).join(" – ");
  }, [page, name]);
  return html`
    <header class="bar">
      <a class="brand" href="#/"><img src="page/icon.svg" alt="" /><span>Thingsbus</span></a>
      <nav class="pages" aria-label="Pages">
        ${PAGES.map(([known, title]) => html`<a href="#/${known}" aria-current=${known === (page === "things" ? "" : page) ? "page" : undefined}>${title}</a>`)}
      </nav>
      <${Connection} />
    </header>
    <${Notice} />
    <main ref=${main} tabindex="-1"><${Page} key=${`${page}/${name ?? ""}`} page=${page} name=${name} verb=${verb} /></main>
    <${KeyDialog} />`;
}

/** Where one page cannot be drawn the others can. */
function Page({ page, name, verb }) {
  const [error, again] = useErrorBoundary();
  if (error) return html`<div class="empty" role="alert"><h1>This page cannot be drawn</h1><p>${error.message}</p><p><button onClick=${again}>Try again</button></p></div>`;
  if (page === "things" && name) return html`<${ThingPage} ns=${name} />`;
  if (page === "dashboards") return name ? html`<${Board} name=${name} edit=${verb === "edit"} />` : html`<${Boards} />`;
  return page === "broker" ? html`<${Broker} />` : html`<${Tree} />`;
}

/** How the connection is, in a word or two. */
function Connection() {
  useBeat();
  const said = { live: "live", connecting: "connecting", away: "broker away", refused: "no access" }[connection.state];
  return html`
    <span class="state ${connection.state}">
      <span class="dot" aria-hidden="true"></span>
      <span>${said}${connection.state === "live" && html`<${Rate} />`}</span>
      ${key.get() && html`<button class="link" onClick=${() => key.set("")} title="Forget the access key that this browser keeps">forget key</button>`}
    </span>`;
}

/** How many updates a second come in now. */
function Rate() {
  const before = useRef({ at: performance.now(), count: directory.updates, rate: null });
  const { at, count } = before.current;
  const took = (performance.now() - at) / 1000;
  if (took >= 2) before.current = { at: performance.now(), count: directory.updates, rate: (directory.updates - count) / took };
  const { rate } = before.current;
  return rate ? html`<span class="rate"> · ${words.number(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))}/s</span>` : null;
}

/** Tells that what is seen is from before. */
function Notice() {
  useBeat();
  const since = (Date.now() - connection.since) / 1000;
  // A restart takes less than that, and is no news.
  const isAway = connection.state === "away" && since > 1;
  return html`<div role="alert">${isAway && html`
    <p class="notice">The broker has not answered since ${words.when(connection.since / 1000)}. What you see is from before; it goes on by itself when the broker is there again.${connection.why?.status ? ` (${connection.why.message})` : ""}</p>`}</div>`;
}

/** Asks for an access key where the broker wants one. */
function KeyDialog() {
  useBeat();
  const dialog = useRef(null);
  const [typed, setTyped] = useState("");
  const isRefused = connection.state === "refused";
  useEffect(() => {
    if (isRefused && !dialog.current.open) dialog.current.showModal();
    else if (!isRefused) dialog.current.close();
  }, [isRefused]);
  // A browser lets nobody be held: who escapes twice closes it. Nothing else on the page would open it again.
  const stay = () => connection.state === "refused" && dialog.current.showModal();
  const give = (event) => {
    event.preventDefault();
    if (typed.trim()) key.set(typed.trim());
    setTyped("");
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="key-title" onCancel=${(event) => event.preventDefault()} onClose=${stay}>
      <form onSubmit=${give}>
        <h1 id="key-title">This broker wants an access key</h1>
        <p>${connection.why?.name === "no_key" ? html`Who runs it makes one: <code>thingsbus-broker key add NAME</code>` : connection.why?.message}</p>
        <label>Access key <input type="password" autocomplete="current-password" value=${typed} onInput=${(event) => setTyped(event.target.value)} /></label>
        <p class="soft">It is kept in this browser, for this broker only.</p>
        <button class="main">Enter</button>
      </form>
    </dialog>`;
}

start();
render(html`<${App} />`, document.body);
