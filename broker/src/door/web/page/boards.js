// All dashboards: those that are kept, those that can be proposed; new ones, and files in and out.

import { readDashboards, writeDashboards } from "./brain4it.js";
import { emptyLayout } from "./draft.js";
import { isObject } from "./layout.js";
import { directory, useBeat } from "./live.js";
import { SHELF } from "./outline.js";
import { dashboards, download, forget, keep, labelOf, open } from "./shelf.js";
import { html, useMemo, useRef, useState } from "./vendor/preact.js";
import { reason } from "./widgets/send.js";
import { count, when, whole } from "./words.js";

/** So many subtrees are proposed; who wants another one names it. */
const PROPOSED_MAX = 24;

export function Boards() {
  useBeat();
  const all = dashboards();
  return html`<div class="page boards">
    <h1>Dashboards</h1>
    ${all.length > 0 && html`<section class="card"><h2>Kept here</h2><ul class="shelf">${all.map((it) => html`<${Row} key=${it.name} it=${it} />`)}</ul>
      <p><button onClick=${() => download("dashboards.json", writeDashboards(all.map(({ thing }) => thing.data)))}>Export all</button></p></section>`}
    <${Proposals} isFirst=${!all.length} />
    <${New} />
    <${Import} />
  </div>`;
}

function Row({ it }) {
  const [isAsked, ask] = useState(false);
  const [problem, tell] = useState(null);
  const { name, thing } = it;
  const widgets = Object.keys(isObject(thing.data.widgets) ? thing.data.widgets : {}).length;
  const label = labelOf(it);
  const drop = () => forget(name).catch((error) => tell(reason(error)));
  return html`<li>
    <a class="to" href=${`#/dashboards/${name}`}>${label}</a>
    <span class="soft">${count(widgets, "widget")} · ${when(thing.received)}</span>
    <span class="acts">${isAsked
      ? html`<span>Delete it for everybody?</span><button class="danger" onClick=${drop}>Delete</button><button onClick=${() => ask(false)}>Keep</button>`
      : html`<a class="button" href=${`#/dashboards/${name}/edit`} aria-label=${`Edit ${label}`}>Edit</a>
        <button aria-label=${`Export ${label}`} onClick=${() => download(`${name}.json`, writeDashboards([thing.data]))}>Export</button>
        <button aria-label=${`Delete ${label}`} onClick=${() => ask(true)}>Delete …</button>`}</span>
    ${problem && html`<p class="error" role="alert">Not deleted: ${problem}.</p>`}
  </li>`;
}

/** The subtrees that there are, and how many things each has. */
function countTops() {
  const counts = new Map();
  for (const ns of directory.things.keys()) {
    const [top] = ns.split(".");
    if (top !== SHELF) counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  return [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Dashboards nobody has made: each subtree has one that shows what is there now. */
function Proposals({ isFirst }) {
  const [typed, type] = useState("");
  const tops = useMemo(countTops, [directory.shape]);
  const like = useMemo(() => [...directory.things.keys()].filter((ns) => ns.startsWith(typed)).slice(0, 100), [directory.shape, typed]);
  const go = (event) => {
    event.preventDefault();
    if (typed.trim()) open(`~${typed.trim()}`);
  };
  return html`<section class="card">
    <h2>${isFirst ? "Begin with one of these" : "Proposed"}</h2>
    ${tops.length ? html`<p class="soft">Made of what is there now, and kept only where you want it.</p>
    <div class="chips">
      ${tops.length > 1 && html`<a class="button" href="#/dashboards/~">Everything <span class="soft">${whole.format(tops.reduce((sum, [, count]) => sum + count, 0))}</span></a>`}
      ${tops.slice(0, PROPOSED_MAX).map(([top, count]) => html`<a class="button" href=${`#/dashboards/~${top}`}>${top} <span class="soft">${whole.format(count)}</span></a>`)}
    </div>
    <form class="inline" onSubmit=${go}>
      <label for="propose">Of another thing and what is below it</label>
      <input id="propose" list="propose-list" autocapitalize="none" autocomplete="off" spellcheck=${false} value=${typed} onInput=${({ target }) => type(target.value)} />
      <datalist id="propose-list">${like.map((ns) => html`<option value=${ns}></option>`)}</datalist>
      <button>Propose</button>
    </form>` : html`<p class="soft">${directory.isWhole ? "As soon as something speaks, a dashboard of it is proposed here." : "…"}</p>`}
  </section>`;
}

function New() {
  const [label, setLabel] = useState("");
  const [problem, tell] = useState(null);
  const make = async (event) => {
    event.preventDefault();
    if (!label.trim()) return tell("a name is needed");
    try {
      open(await keep({ label: label.trim(), widgets: {}, layouts: { wide: emptyLayout("wide") }, "polling-interval": 0 }), "/edit");
    } catch (error) {
      tell(reason(error));
    }
  };
  return html`<section class="card">
    <h2>New</h2>
    <form class="inline" onSubmit=${make}>
      <label for="new">Name</label>
      <input id="new" value=${label} autocomplete="off" maxlength="80" onInput=${({ target }) => setLabel(target.value)} />
      <button class="main">Make it</button>
    </form>
    <p class="error" role="alert">${problem && `Not made: ${problem}.`}</p>
  </section>`;
}

function Import() {
  const [text, setText] = useState("");
  const [told, tell] = useState(null);
  const file = useRef();
  const take = async (text) => {
    const names = [];
    try {
      const found = readDashboards(text);
      for (const { dashboard } of found) names.push(await keep(dashboard));
      setText("");
      tell({ names, labels: found.map(({ label }) => label) });
    } catch (error) {
      tell({ names, why: error.status === undefined ? error.message : reason(error) });
    }
    if (file.current) file.current.value = "";
  };
  return html`<section class="card">
    <h2>Import</h2>
    <p class="soft">Dashboards of this page or of Brain4it: a file of JSON, or lists in Brain4it’s own notation.</p>
    <p><label class="button">Choose a file <input ref=${file} class="unseen" type="file" accept=".json,.bpl,.snp,.txt,application/json,text/plain"
      onChange=${async ({ target }) => target.files[0] && take(await target.files[0].text())} /></label></p>
    <details>
      <summary>Or paste it</summary>
      <label class="unseen" for="paste">The dashboards’ text</label>
      <textarea id="paste" rows="6" spellcheck=${false} value=${text} onInput=${({ target }) => setText(target.value)}></textarea>
      <p><button disabled=${!text.trim()} onClick=${() => take(text)}>Import</button></p>
    </details>
    <div role="status">
      ${told?.names.length > 0 && html`<p>Imported: ${told.names.map((name, index) => html`${index > 0 && ", "}<a href=${`#/dashboards/${name}`}>${told.labels?.[index] ?? name}</a>`)}.</p>`}
      ${told?.why && html`<p class="error">Not imported${told.names.length ? " any further" : ""}: ${told.why}</p>`}
    </div>
  </section>`;
}
