// What stands beside the grid of the editor: widgets to add, a widget's properties, the layout, and the end of it all.

import * as drafts from "./draft.js";
import { Form } from "./form.js";
import { isObject, read } from "./layout.js";
import { forget, open } from "./shelf.js";
import { html, useState } from "./vendor/preact.js";
import { nameOf } from "./widget.js";
import { reason } from "./widgets/send.js";
import { TYPES } from "./widgets/types.js";

/** One widget: its type, its properties, and what can be done with it. */
export function Properties({ id, dashboard, layout, act, copy, remove, close }) {
  const widget = dashboard.widgets[id];
  const isHere = read(dashboard.layouts[layout]).boxes.some((box) => box.id === id);
  const set = (name, value) => {
    if (name !== null) act(drafts.set(dashboard, id, name, value), `${id} ${name}`);
    else if (isObject(value)) act({ ...dashboard, widgets: { ...dashboard.widgets, [id]: value } }, `${id} all`);
  };
  return html`
    <div class="panel-head"><h2>${nameOf(id, widget)}</h2><button onClick=${close}>Close</button></div>
    <div class="field"><label for="widget-type">Type</label>
      <select id="widget-type" value=${widget.type} onChange=${({ target }) => set("type", target.value)}>
        ${!TYPES[widget.type] && html`<option value=${widget.type}>${String(widget.type)}</option>`}
        ${Object.entries(TYPES).map(([type, { says }]) => html`<option value=${type}>${says}</option>`)}
      </select></div>
    <${Form} id=${id} widget=${widget} set=${set} />
    <div class="chips">
      <button onClick=${copy}>Copy</button>
      ${isHere && Object.keys(dashboard.layouts).length > 1 && html`<button onClick=${() => act(drafts.leaveOut(dashboard, layout, id))}>Leave out of “${layout}”</button>`}
      <button class="danger" onClick=${() => remove(id)}>Remove</button>
    </div>`;
}

/** What can be added, and the layout itself. */
export function Palette({ add, dashboard, layout, act }) {
  const shape = read(dashboard.layouts[layout]);
  const shown = new Set(shape.boxes.map(({ id }) => id));
  const absent = Object.keys(dashboard.widgets).filter((id) => !shown.has(id));
  const dimension = (name, value, most, write) => html`<div class="field"><label for=${`layout-${name}`}>${name}</label>
    <input id=${`layout-${name}`} type="number" min="1" max=${most} value=${value} onChange=${({ target }) => target.validity.valid && target.value && write(target.valueAsNumber)} /></div>`;
  return html`
    <h2>Add a widget</h2>
    <div class="palette">${Object.entries(TYPES).map(([type, { says }]) => html`<button onClick=${() => add(type)}>${says}</button>`)}</div>
    ${absent.length > 0 && html`<h2>Not in this layout</h2>
      <div class="palette">${absent.map((id) => html`<button onClick=${() => act(drafts.putIn(dashboard, layout, id))}>Put in ${nameOf(id, dashboard.widgets[id] ?? {})}</button>`)}</div>`}
    <h2>Layout “${layout}”</h2>
    ${dimension("Columns", shape.columns, 48, (it) => act(drafts.resize(dashboard, layout, it, shape.rows)))}
    ${dimension("Rows", shape.rows, 400, (it) => act(drafts.resize(dashboard, layout, shape.columns, it)))}
    <div class="field yes"><label for="layout-stretch">Fills the screen</label>
      <input id="layout-stretch" type="checkbox" checked=${shape.isStretched} onChange=${({ target }) => act(drafts.setLayout(dashboard, layout, { ...dashboard.layouts[layout], stretch: target.checked }))} /></div>
    ${Object.keys(dashboard.layouts).length > 1 && html`<p><button onClick=${() => act(drafts.removeLayout(dashboard, layout))}>Remove this layout</button></p>`}`;
}

/** What cannot be undone. */
export function Ends({ name, isDirty, discard, gone }) {
  const [asked, ask] = useState(false);
  const [problem, tell] = useState(null);
  const drop = () => forget(name).then(() => {
    gone();
    open("");
  }, (error) => tell(reason(error)));
  return html`<h2>All of it</h2>
    <div class="chips">
      ${isDirty && html`<button onClick=${discard}>Drop what I changed</button>`}
      ${asked
        ? html`<span>Delete it for everybody?</span><button class="danger" onClick=${drop}>Delete</button><button onClick=${() => ask(false)}>Keep</button>`
        : html`<button onClick=${() => ask(true)}>Delete this dashboard …</button>`}
    </div>
    ${problem && html`<p class="error" role="alert">Not deleted: ${problem}.</p>`}`;
}
