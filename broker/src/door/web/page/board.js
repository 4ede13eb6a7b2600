// Shows a dashboard, in the layout that fits the screen.

import { writeDashboards } from "./brain4it.js";
import { Editor } from "./editor.js";
import { choose, inReadingOrder, isObject, read } from "./layout.js";
import { boxStyle, cells, useSize } from "./grid.js";
import { directory, useBeat } from "./live.js";
import { SHELF } from "./outline.js";
import { propose } from "./propose.js";
import { isBelow } from "./directory.js";
import { download, keep, labelOf, open } from "./shelf.js";
import { html, useMemo, useRef, useState } from "./vendor/preact.js";
import { Widget } from "./widget.js";
import { reason } from "./widgets/send.js";

/** On narrower screens all of the page scrolls, and what is above the widgets is so high. */
const NARROW = 760;
const ABOVE = 150;

/** A dashboard by its name; `~` and a thing's name is what is proposed for what is below that. */
export function Board({ name, edit }) {
  useBeat();
  if (name.startsWith("~")) return html`<${Proposed} key=${name} top=${name.slice(1)} />`;
  if (edit) return html`<${Editor} key=${name} name=${name} />`;
  const thing = directory.things.get(`${SHELF}.${name}`);
  if (!thing) {
    return html`<div class="empty">
      ${directory.isWhole ? html`<h1>There is no dashboard “${name}”</h1><p><a href="#/dashboards">All dashboards</a></p>` : html`<p>…</p>`}
    </div>`;
  }
  const dashboard = isObject(thing.data) ? thing.data : {};
  return html`<${Shown} key=${name} dashboard=${dashboard} title=${labelOf({ name, thing })}>
    <a class="button" href=${`#/dashboards/${name}/edit`}>Edit</a>
    <button onClick=${() => download(`${name}.json`, writeDashboards([dashboard]))}>Export</button>
  </${Shown}>`;
}

/** What is proposed: nobody kept it yet, and who may only read has it too. */
function Proposed({ top }) {
  const [problem, tell] = useState(null);
  const things = useMemo(
    () => [...directory.things.values()].filter(({ ns }) => isBelow(ns, top) && !isBelow(ns, SHELF)).sort((one, other) => (one.ns < other.ns ? -1 : 1)),
    [directory.shape, directory.isWhole, top],
  );
  const { dashboard, left } = useMemo(() => propose(things, top), [things]);
  if (!things.length) {
    return html`<div class="empty">${directory.isWhole ? html`<h1>Nothing speaks below “${top}”</h1><p><a href="#/dashboards">All dashboards</a></p>` : html`<p>…</p>`}</div>`;
  }
  const keepIt = async () => {
    try {
      open(await keep(dashboard));
    } catch (error) {
      tell(reason(error));
    }
  };
  const note = html`<p class="soft">Proposed from what is there${left ? `; ${left} more would be too much for one` : ""}. ${problem && html`<span class="error" role="alert">Not kept: ${problem}.</span>`}</p>`;
  return html`<${Shown} dashboard=${dashboard} title=${dashboard.label} note=${note}>
    <button class="main" onClick=${keepIt}>Keep it</button>
  </${Shown}>`;
}

function Shown({ dashboard, title, note, children }) {
  const whole = useRef();
  return html`<div class="board-page" ref=${whole}>
    <div class="board-head">
      <h1>${title}</h1>
      ${children}
      ${document.fullscreenEnabled && html`<button class="only-large" onClick=${() => (document.fullscreenElement ? document.exitFullscreen() : whole.current.requestFullscreen())}>Whole screen</button>`}
      ${note}
    </div>
    <${Grid} dashboard=${dashboard} />
  </div>`;
}

function Grid({ dashboard }) {
  const room = useRef();
  const size = useSize(room);
  const chosen = useMemo(() => (size ? choose(dashboard.layouts, size.width) : null), [dashboard, size?.width]);
  const grid = chosen && read(chosen.layout);
  const widgets = isObject(dashboard.widgets) ? dashboard.widgets : {};
  return html`<div class=${grid?.isStretched ? "board-room" : "board-room square"} ref=${room}>
    ${size && !grid?.boxes.length && html`<p class="hint">There is nothing on this dashboard yet: edit it and add a widget.</p>`}
    ${grid && html`<div class="board" style=${cells(grid, size.width < NARROW ? { ...size, height: innerHeight - ABOVE } : size)}>
      ${inReadingOrder(grid.boxes).map((box) => html`<div key=${box.id} class="cell" style=${boxStyle(box)}>
        <${Widget} id=${box.id} widget=${isObject(widgets[box.id]) ? widgets[box.id] : {}} />
      </div>`)}
    </div>`}
  </div>`;
}
