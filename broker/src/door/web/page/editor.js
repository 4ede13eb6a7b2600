// Changes a dashboard by hand: widgets come, go, are dragged and resized on a grid, by pointer or by keys.

import * as drafts from "./draft.js";
import { Form } from "./form.js";
import { boxStyle, cells, GAP, useSize } from "./grid.js";
import { isObject, put, read, SCREENS, screenOf } from "./layout.js";
import { directory, useBeat } from "./live.js";
import { fetchOne, forget, keep, labelOf, open, SHELF, write } from "./shelf.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { nameOf, Widget } from "./widget.js";
import { reason } from "./widgets/send.js";
import { TYPES } from "./widgets/types.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What is not saved yet outlives a reload of the page. */
const draftKey = (name) => `thingsbus.draft.${name}`;

const seqOf = (tag) => Number(/\.(\d+)"$/.exec(tag ?? "")?.[1] ?? 0);

export function Editor({ name }) {
  useBeat();
  const [loaded, load] = useState(null);
  const [problem, tell] = useState(null);
  const begin = () => {
    tell(null);
    fetchOne(name).then(load, (error) => tell(error.status === 404 ? `There is no dashboard “${name}”.` : reason(error)));
  };
  useEffect(begin, [name]);
  if (problem) return html`<div class="empty"><h1>It cannot be edited now</h1><p>${problem}</p><p><button onClick=${begin}>Try again</button> <a href="#/dashboards">All dashboards</a></p></div>`;
  return loaded ? html`<${Desk} key=${loaded.tag} name=${name} loaded=${loaded} reload=${begin} />` : html`<div class="empty"><p>…</p></div>`;
}

function Desk({ name, loaded, reload }) {
  const [draft, setDraft] = useState(() => restore(name, loaded.dashboard));
  const [tag, setTag] = useState(() => stored(name)?.tag ?? loaded.tag);
  const [layoutName, showLayout] = useState(() => firstLayout(draft.now));
  const [selected, select] = useState(null);
  const [said, say] = useState("");
  const [saving, setSaving] = useState(null);
  const [conflict, setConflict] = useState(null);
  const panel = useRef();

  const { now } = draft;
  const isDirty = now !== draft.saved;
  const layout = Object.hasOwn(now.layouts, layoutName) ? layoutName : Object.keys(now.layouts)[0];
  const isElsewhere = (directory.things.get(`${SHELF}.${name}`)?.seq ?? 0) > seqOf(tag);

  const act = (dashboard, topic) => {
    setDraft((draft) => drafts.change(draft, dashboard, topic));
    setSaving(null);
  };
  const back = (step) => {
    setDraft(step);
    setSaving(null);
  };

  useEffect(() => {
    if (isDirty) sessionStorage.setItem(draftKey(name), JSON.stringify({ dashboard: now, tag }));
    else sessionStorage.removeItem(draftKey(name));
  }, [now, isDirty, tag]);
  useEffect(() => {
    if (isElsewhere && !isDirty && !saving?.isBusy) reload();
  }, [isElsewhere, isDirty]);

  /** @returns whether it is saved */
  const save = async (against = tag) => {
    const saved = now;
    setSaving({ text: "Saving …", isBusy: true });
    try {
      const { seq } = await write(name, saved, { "If-Match": against });
      setTag(against.replace(/\.\d+"$/, `.${seq}"`));
      setDraft((draft) => ({ ...draft, saved }));
      setConflict(null);
      setSaving({ text: "Saved" });
      sessionStorage.removeItem(draftKey(name));
      return true;
    } catch (error) {
      if (error.status === 412) setConflict(await fetchOne(name).catch(() => ({ tag: null })));
      setSaving({ text: error.status === 412 ? "" : `Not saved: ${reason(error)}. What you changed is kept in this window.`, isBad: true });
      return false;
    }
  };
  const done = async () => {
    if (!isDirty || (await save())) open(name);
  };
  const discard = () => {
    sessionStorage.removeItem(draftKey(name));
    setConflict(null);
    setSaving(null);
    reload();
    setDraft(drafts.begin(loaded.dashboard));
    setTag(loaded.tag);
  };
  const saveAsAnother = async () => {
    try {
      const other = await keep(now);
      sessionStorage.removeItem(draftKey(name));
      open(other);
    } catch (error) {
      setSaving({ text: `Not saved: ${reason(error)}.`, isBad: true });
    }
  };

  const add = (type) => {
    const added = drafts.add(now, type);
    act(added.dashboard);
    select(added.id);
    say(`${TYPES[type].says} added, ${where(read(added.dashboard.layouts[layout]).boxes.find(({ id }) => id === added.id))}`);
  };
  const copy = () => {
    const added = drafts.copy(now, selected);
    act(added.dashboard);
    select(added.id);
    say("Copied");
  };
  const remove = (id) => {
    say(`${nameOf(id, now.widgets[id] ?? {})} removed`);
    act(drafts.remove(now, id));
    select(null);
  };
  const byKey = (event) => {
    const isTyping = /INPUT|TEXTAREA|SELECT/.test(event.target.tagName);
    if (!(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === "s") save();
    else if (isTyping) return;
    else if (key === "z") back(event.shiftKey ? drafts.redo : drafts.undo);
    else if (key === "y") back(drafts.redo);
    else return;
    event.preventDefault();
  };
  // Not on an element: what had the focus may be gone by what it did.
  useEffect(() => {
    addEventListener("keydown", byKey);
    return () => removeEventListener("keydown", byKey);
  });

  const isSelected = selected !== null && Object.hasOwn(now.widgets, selected);
  return html`<div class="desk">
    <h1 class="unseen">Edit ${labelOf({ name, thing: { data: now } })}</h1>
    <div class="board-head">
      <input class="title-field" aria-label="Name of the dashboard" value=${typeof now.label === "string" ? now.label : ""} placeholder=${name} onInput=${({ target }) => act({ ...now, label: target.value }, "label")} />
      <button onClick=${() => back(drafts.undo)} disabled=${!draft.before.length}>Undo</button>
      <button onClick=${() => back(drafts.redo)} disabled=${!draft.after.length}>Redo</button>
      <button onClick=${() => save()} disabled=${!isDirty}>Save</button>
      <button class="main" onClick=${done}>Done</button>
      <p class=${saving?.isBad ? "saving error" : "saving soft"} role="status">${saving?.text ?? (isDirty ? "Not saved yet" : "")}</p>
      ${isElsewhere && isDirty && !conflict && html`<p class="soft" role="status">Somebody else saved it meanwhile; saving will ask.</p>`}
    </div>
    ${conflict && html`<${Conflict} theirs=${conflict} mine=${() => save(conflict.tag)} take=${discard} another=${saveAsAnother} />`}
    <${Tabs} dashboard=${now} current=${layout} show=${showLayout} make=${(screen) => {
      act(drafts.makeLayout(now, screen));
      showLayout(screen);
    }} />
    <div class="desk-room">
      <${Canvas} dashboard=${now} layout=${layout} selected=${selected} select=${select} act=${act} say=${say} remove=${remove} enter=${() => panel.current.querySelector("input, select, textarea")?.focus()} />
      <button class="to-panel" onClick=${() => panel.current.scrollIntoView({ block: "start" })}>${isSelected ? "Properties" : "Add a widget"} ↓</button>
      <aside class="panel" ref=${panel} aria-label=${isSelected ? "Properties" : "Widgets and layout"}>
        ${isSelected
          ? html`<${Properties} key=${selected} id=${selected} dashboard=${now} layout=${layout} act=${act} copy=${copy} remove=${remove} close=${() => select(null)} />`
          : html`<${Palette} add=${add} dashboard=${now} layout=${layout} act=${act} />
            <${Ends} name=${name} isDirty=${isDirty} discard=${discard} />`}
      </aside>
    </div>
    <p class="unseen" role="status">${said}</p>
  </div>`;
}

function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(draftKey(name)));
  } catch {
    return null;
  }
}

function restore(name, dashboard) {
  const draft = drafts.begin(dashboard);
  const kept = stored(name);
  return kept ? drafts.change(draft, drafts.begin(kept.dashboard).now) : draft;
}

/** The layout that this screen would get. */
function firstLayout({ layouts }) {
  const names = Object.keys(layouts);
  const screen = SCREENS.find(({ from }) => innerWidth >= from).name;
  return names.find((name) => screenOf(name, layouts[name]) === screen) ?? names[0];
}

const where = (box) => (box ? `column ${box.x + 1}, row ${box.y + 1}, ${box.w} wide, ${box.h} high` : "not in this layout");

function Conflict({ theirs, mine, take, another }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  return html`<section class="card conflict" role="alertdialog" aria-labelledby="conflict" aria-describedby="conflict-why">
    <h2 id="conflict" tabindex="-1" ref=${heading}>${theirs.tag ? "Somebody else saved this dashboard meanwhile" : "This dashboard is gone"}</h2>
    <p id="conflict-why">Nothing of yours is lost: it was not saved over theirs.</p>
    <div class="chips">
      ${theirs.tag && html`<button class="main" onClick=${mine}>Save mine over it</button><button onClick=${take}>Take theirs, drop mine</button>`}
      <button onClick=${another}>Save mine as another one</button>
    </div>
  </section>`;
}

/** A tab for each layout, and one for each kind of screen that has none. */
function Tabs({ dashboard, current, show, make }) {
  const names = Object.keys(dashboard.layouts);
  const missing = SCREENS.filter(({ name }) => !names.some((it) => screenOf(it, dashboard.layouts[it]) === name));
  return html`<div class="layouts" role="group" aria-label="Layouts">
    ${names.map((name) => html`<button aria-pressed=${name === current} onClick=${() => show(name)}>${name}</button>`)}
    ${missing.map(({ name }) => html`<button class="missing" onClick=${() => make(name)}>+ ${name}</button>`)}
    <span class="soft">${missing.length > 0 ? "Screens without a layout of their own get one by themselves." : ""}</span>
  </div>`;
}

function Canvas({ dashboard, layout, selected, select, act, say, remove, enter }) {
  const room = useRef();
  const grid = useRef();
  const size = useSize(room);
  const [drag, setDrag] = useState(null);
  const shape = read(dashboard.layouts[layout]);
  const boxes = drag ? put(shape.boxes, drag.box, shape.columns) : shape.boxes;
  const rows = Math.max(shape.rows, ...boxes.map(({ y, h }) => y + h));
  const style = size && { ...cells({ ...shape, rows }, size), ...(shape.isStretched && { "--across": "minmax(44px, 1fr)" }) };

  const start = (event, box, isResize) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    const wasSelected = selected === box.id;
    select(box.id);
    // On a touch screen the first tap chooses; who then drags what is chosen does not want to scroll.
    if (event.pointerType === "touch" && !wasSelected) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const { width } = grid.current.querySelector(".guide").getBoundingClientRect();
    const across = (width + GAP) / shape.columns;
    const down = parseFloat(style["--row"]) + GAP;
    setDrag({ from: box, box, isResize, x: event.clientX, y: event.clientY, across, down });
  };
  const move = (event) => {
    if (!drag) return;
    const { from, isResize, across, down } = drag;
    const dx = Math.round((event.clientX - drag.x) / across);
    const dy = Math.round((event.clientY - drag.y) / down);
    setDrag({ ...drag, box: changed(from, dx, dy, isResize, shape.columns) });
  };
  const drop = () => {
    if (!drag) return;
    if (drag.box !== drag.from) settle(drag.box);
    setDrag(null);
  };
  const settle = (box, topic) => {
    const moved = drafts.move(dashboard, layout, box);
    act(moved, topic);
    say(`${nameOf(box.id, dashboard.widgets[box.id] ?? {})}: ${where(read(moved.layouts[layout]).boxes.find(({ id }) => id === box.id))}`);
  };
  const byKey = (event, box) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) settle(changed(box, ...arrow, event.shiftKey, shape.columns), `${layout} ${box.id}`);
    else if (event.key === "Delete" || event.key === "Backspace") {
      const others = grid.current.querySelectorAll(".grip");
      const next = [...others].indexOf(event.currentTarget);
      remove(box.id);
      requestAnimationFrame(() => grid.current.querySelectorAll(".grip")[Math.max(0, next - 1)]?.focus());
    } else if (event.key === "Escape") {
      setDrag(null);
      select(null);
    } else if (event.key === "Enter") {
      select(box.id);
      requestAnimationFrame(enter);
    } else return;
    event.preventDefault();
  };

  return html`<div class="canvas-room" ref=${room} onPointerDown=${() => select(null)}>
    <p class="unseen" id="grip-help">Arrow keys move it, with shift they resize it, Enter shows its properties, Delete removes it.</p>
    <div class=${`board editing screen-${screenOf(layout, dashboard.layouts[layout])}`} ref=${grid} style=${style}>
      ${style && Array.from({ length: rows }, (_, y) => html`<div class="guide" style=${boxStyle({ x: 0, y, w: shape.columns, h: 1 })}></div>`)}
      ${style && boxes.map((box) => {
        const widget = isObject(dashboard.widgets[box.id]) ? dashboard.widgets[box.id] : {};
        const isCurrent = selected === box.id;
        return html`<div key=${box.id} class=${`cell ${isCurrent ? "selected" : ""} ${drag?.box.id === box.id ? "dragged" : ""}`} style=${boxStyle(box)}>
          <div class="still" inert><${Widget} id=${box.id} widget=${widget} /></div>
          <button class="grip" aria-pressed=${isCurrent} aria-describedby="grip-help" aria-label=${`${nameOf(box.id, widget)}, ${widget.type}, ${where(box)}`}
            onFocus=${(event) => event.currentTarget.matches(":focus-visible") && select(box.id)}
            onClick=${() => select(box.id)} onKeyDown=${(event) => byKey(event, box)}
            onPointerDown=${(event) => start(event, box, false)} onPointerMove=${move} onPointerUp=${drop} onPointerCancel=${() => setDrag(null)}></button>
          <span class="corner" aria-hidden="true" onPointerDown=${(event) => start(event, box, true)} onPointerMove=${move} onPointerUp=${drop} onPointerCancel=${() => setDrag(null)}></span>
        </div>`;
      })}
    </div>
    ${!shape.boxes.length && html`<p class="hint">Nothing is here yet: add a widget.</p>`}
  </div>`;
}

/** Moved or resized by so many cells, inside the columns. */
function changed(box, dx, dy, isResize, columns) {
  const between = (least, it, most) => Math.max(least, Math.min(most, it));
  return isResize
    ? { ...box, w: between(1, box.w + dx, columns - box.x), h: Math.max(1, box.h + dy) }
    : { ...box, x: between(0, box.x + dx, columns - box.w), y: Math.max(0, box.y + dy) };
}

function Properties({ id, dashboard, layout, act, copy, remove, close }) {
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

function Palette({ add, dashboard, layout, act }) {
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
function Ends({ name, isDirty, discard }) {
  const [asked, ask] = useState(false);
  const [problem, tell] = useState(null);
  const drop = () => forget(name).then(() => {
    sessionStorage.removeItem(draftKey(name));
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
