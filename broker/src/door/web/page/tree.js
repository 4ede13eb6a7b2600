// The live view: all things as a tree with their values, of which only the rows that are seen are drawn.

import { now } from "./api.js";
import { Fresh } from "./fresh.js";
import { home } from "./kept.js";
import { directory, useBeat } from "./live.js";
import { outline } from "./outline.js";
import { fill, Spark } from "./spark.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import * as words from "./words.js";

const WORDS = ["fresh", "late", "silent"];

/** Rows that are drawn beyond the edges, so that scrolling shows no gaps. */
const SPARE = 4;

/** What was looked for and closed is there again when somebody comes back. */
const kept = { sought: "", freshness: null, closed: new Set(), current: null, top: 0 };

export function Tree() {
  useBeat();
  const [sought, setSought] = useState(kept.sought);
  const [freshness, setFreshness] = useState(kept.freshness);
  const [closed, setClosed] = useState(kept.closed);
  const [current, setCurrent] = useState(kept.current);
  Object.assign(kept, { sought, freshness, closed, current });
  const search = useRef(null);

  useEffect(() => {
    const typed = (event) => {
      if (event.key !== "/" || event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      search.current?.select();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  }, []);

  const { shape, mood } = directory;
  const { rows, shown, all } = useMemo(() => {
    const sought_ = sought.toLowerCase().split(/\s+/).filter(Boolean);
    return outline(directory, { words: sought_, freshness, closed });
  }, [shape, mood, sought, freshness, closed]);

  if (directory.isWhole && directory.things.size === 0) return html`<${Nothing} />`;
  const toggle = (row, isOpen = !row.isOpen) => {
    const next = new Set(closed);
    if (isOpen) next.delete(row.ns);
    else next.add(row.ns);
    setClosed(next);
  };
  return html`
    <h1 class="unseen">Things</h1>
    <div class="tools" role="search">
      <input type="search" ref=${search} placeholder="Search names ( / )" aria-label="Search names" value=${sought}
        onInput=${(event) => setSought(event.target.value)}
        onKeyDown=${(event) => event.key === "ArrowDown" && document.querySelector(".tree")?.focus()} />
      <div class="chips" role="group" aria-label="How fresh">
        ${[null, ...WORDS].map((word) => html`<button aria-pressed=${freshness === word} onClick=${() => setFreshness(word)}>${word ?? "all"}</button>`)}
      </div>
      <span class="count" role="status">${shown === all ? "" : `${words.whole.format(shown)} of `}${words.count(all, "thing")}</span>
    </div>
    <${Rows} ...${{ rows, current, setCurrent, toggle, sought }} />`;
}

/** The part of the rows that is seen. */
function Rows({ rows, current, setCurrent, toggle, sought }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: kept.top, height: 600, row: 30, head: 0 });
  const at = Math.max(0, rows.findIndex((row) => row.ns === current));

  useLayoutEffect(() => {
    const look = () => {
      const head = box.current.querySelector(".head").offsetHeight;
      const row = parseFloat(getComputedStyle(box.current).getPropertyValue("--row"));
      setView({ top: (kept.top = box.current.scrollTop), height: box.current.clientHeight, row, head });
    };
    box.current.scrollTop = kept.top;
    const resized = new ResizeObserver(look);
    resized.observe(box.current);
    box.current.addEventListener("scroll", look, { passive: true });
    return () => resized.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / view.row) - SPARE);
  const count = Math.ceil(view.height / view.row) + 2 * SPARE;
  const seen = rows.slice(first, first + count);
  useEffect(() => fill(seen.flatMap((row) => row.thing ?? [])));

  const go = (index) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (!row) return;
    setCurrent(row.ns);
    const top = rows.indexOf(row) * view.row;
    const { scrollTop, clientHeight } = box.current;
    if (top < scrollTop) box.current.scrollTop = top;
    else if (top + view.row + view.head > scrollTop + clientHeight) box.current.scrollTop = top + view.row + view.head - clientHeight;
  };
  const typed = (event) => {
    const row = rows[at];
    const page = Math.floor(view.height / view.row) - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
    if (step !== undefined) go(current === null && step === 1 ? 0 : at + step);
    else if (event.key === "ArrowRight" && row.below) row.isOpen ? go(at + 1) : toggle(row, true);
    else if (event.key === "ArrowLeft" && row.below && row.isOpen) toggle(row, false);
    else if (event.key === "ArrowLeft" && row.level > 0) go(rows.findLastIndex((it, index) => index < at && it.level < row.level));
    else if (event.key === "Enter" && row.thing) location.hash = `#/things/${row.ns}`;
    else if ((event.key === "Enter" || event.key === " ") && row.below) toggle(row);
    else return;
    event.preventDefault();
  };
  const time = now();
  return html`
    <div class="tree" ref=${box} role="treegrid" tabindex="0" aria-label="Things" aria-rowcount=${rows.length + 1}
      aria-activedescendant=${id(seen.find((row) => row.ns === current))} onKeyDown=${typed}>
      <div class="head" role="row" aria-rowindex="1">
        ${["Thing", "Value", "Lately", "Rate", "Freshness", "Age"].map((name, index) => html`<span role="columnheader" class=${["name", "value", "sparkline", "rate", "freshness", "age"][index]}>${name}</span>`)}
      </div>
      <div class="rows" role="rowgroup" style=${{ height: `${rows.length * view.row}px` }}>
        ${seen.map((row, index) => html`<${Row} key=${(first + index) % count} ...${{ row, time, sought, toggle, setCurrent }}
          index=${first + index} top=${(first + index) * view.row} isCurrent=${row.ns === current} />`)}
      </div>
    </div>
    ${rows.length === 0 && html`<p class="empty soft" role="status">${directory.isWhole ? "No thing is like that." : "Asking the broker…"}</p>`}`;
}

const id = (row) => row && `row-${row.ns}`;

function Row({ row, index, top, time, isCurrent, sought, toggle, setCurrent }) {
  const { thing } = row;
  const age = thing && words.age(time - thing.received);
  const open = (event) => {
    // A link with a key held is for the browser: another tab, for example.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    setCurrent(row.ns);
    if (thing) location.hash = `#/things/${row.ns}`;
    else toggle(row);
  };
  const twist = (event) => {
    event.stopPropagation();
    toggle(row);
  };
  return html`
    <div class=${`row ${thing ? `thing ${thing.freshness ?? ""}` : "group"} ${isCurrent ? "current" : ""}`} role="row" id=${id(row)}
      style=${{ transform: `translateY(${top}px)`, "--indent": `${row.level * 16 + 20}px` }} aria-rowindex=${index + 2} aria-level=${row.level + 1}
      aria-expanded=${row.below ? row.isOpen : undefined} aria-selected=${isCurrent} onClick=${open}>
      <span class="name" role="gridcell" style=${{ paddingLeft: `${row.level * 16}px` }} title=${row.ns}>
        <span class="twist" aria-hidden="true" onClick=${row.below ? twist : undefined}>${row.below ? (row.isOpen ? "▾" : "▸") : ""}</span>
        ${thing ? html`<a tabindex="-1" href="#/things/${row.ns}"><${Found} text=${row.name} sought=${sought} /></a>` : html`<b><${Found} text=${row.name} sought=${sought} /></b>`}
      </span>
      <span class="value" role="gridcell">${thing ? words.line(thing.data) : html`<span class="soft">${below(row)}</span>`}</span>
      <span class="sparkline" role="gridcell">${thing && html`<${Spark} values=${thing.spark} />`}</span>
      <span class="rate" role="gridcell">${thing && (thing.freshness === "silent" ? "" : words.rate(thing.rate(time)))}</span>
      <span class="freshness" role="gridcell">${thing && html`<${Fresh} thing=${thing} />`}</span>
      <span class="age" role="gridcell" title=${thing && words.whenExactly(thing.received)}>${age}</span>
    </div>`;
}

function below({ below, late, silent }) {
  const parts = [words.count(below, "thing")];
  if (late) parts.push(`${words.whole.format(late)} late`);
  if (silent) parts.push(`${words.whole.format(silent)} silent`);
  return parts.join(", ");
}

/** A text with the words that were looked for marked. */
function Found({ text, sought }) {
  const word = sought.toLowerCase().split(/[\s.]+/).filter(Boolean).find((word) => text.includes(word));
  if (!word) return text;
  const at = text.indexOf(word);
  return html`${text.slice(0, at)}<mark>${word}</mark>${text.slice(at + word.length)}`;
}

/** Nothing has spoken yet: what to do about that. */
function Nothing() {
  const host = location.hostname;
  return html`
    <div class="empty">
      <h1>Nothing has spoken yet</h1>
      <p>The broker listens. The first thing that says something is here at once. Say something yourself:</p>
      <pre class="code">curl -X PUT ${home()}things/shop.lamp -d '{"on":true}'</pre>
      <p>or with the tool, or let a whole simulated workshop speak:</p>
      <pre class="code">thingsbus -b ${host} send shop.lamp '{"on":true}'${"\n"}cargo run --release --example workshop</pre>
      <p class="soft">Sensors send to port ${Number(location.port || 7957) - 2}, by ZeroMQ or UDP. <a href="docs">What can be asked by HTTP</a></p>
    </div>`;
}
