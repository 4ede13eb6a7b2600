// Changes a dashboard by hand: what is open, what was done to it, and how it is saved.

import { Canvas, where } from "./canvas.js";
import * as drafts from "./draft.js";
import { inWindow } from "./kept.js";
import { read, screenAt, SCREENS, screenOf } from "./layout.js";
import { directory, useBeat } from "./live.js";
import { SHELF } from "./outline.js";
import { Ends, Palette, Properties } from "./panel.js";
import { fetchOne, keep, labelOf, open, write } from "./shelf.js";
import { isSame } from "./value.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { nameOf } from "./widget.js";
import { reason } from "./widgets/send.js";
import { TYPES } from "./widgets/types.js";

/** What is not saved yet outlives a reload of the page. */
const draftKey = (name) => `thingsbus.draft.${name}`;

const seqOf = (tag) => Number(/\.(\d+)"$/.exec(tag ?? "")?.[1] ?? 0);

export function Editor({ name }) {
  useBeat();
  const [loaded, load] = useState(null);
  const [problem, tell] = useState(null);
  const begin = () => {
    tell(null);
    fetchOne(name).then(load, (error) => {
      const kept = stored(name);
      // Somebody deleted it meanwhile: what was changed here is still there, and saving says so.
      if (error.status === 404 && kept) load({ dashboard: kept.dashboard, tag: null });
      else tell(error.status === 404 ? `There is no dashboard “${name}”.` : error.message);
    });
  };
  useEffect(begin, [name]);
  if (problem) return html`<div class="empty"><h1>It cannot be edited now</h1><p>${problem}</p><p><button onClick=${begin}>Try again</button> <a href="#/dashboards">All dashboards</a></p></div>`;
  return loaded ? html`<${Desk} key=${loaded.tag} name=${name} loaded=${loaded} reload=${begin} />` : html`<div class="empty"><p>…</p></div>`;
}

function Desk({ name, loaded, reload }) {
  const [draft, setDraft] = useState(() => restore(name, loaded));
  const [tag, setTag] = useState(() => stored(name)?.tag ?? loaded.tag);
  const [layoutName, showLayout] = useState(() => firstLayout(draft.now));
  const [selected, select] = useState(null);
  const [said, say] = useState("");
  const [saving, setSaving] = useState(null);
  const [conflict, setConflict] = useState(null);
  const panel = useRef();
  const isBusy = useRef(false);
  /** Does the tag name what `draft.saved` is? Of a draft that was kept in this window only if nothing else was saved since. */
  const isBase = useRef(tag === loaded.tag);
  /** What was written and not answered: it may be there. */
  const tried = useRef(null);

  const { now } = draft;
  const isDirty = now !== draft.saved;
  const layout = Object.hasOwn(now.layouts, layoutName) ? layoutName : Object.keys(now.layouts)[0];
  const isElsewhere = (directory.things.get(`${SHELF}.${name}`)?.seq ?? 0) > seqOf(tag);

  const forgetDraft = () => inWindow.remove(draftKey(name));
  const act = (dashboard, topic) => {
    setDraft((draft) => drafts.change(draft, dashboard, topic));
    setSaving(null);
  };
  const back = (step) => {
    setDraft(step);
    setSaving(null);
  };

  useEffect(() => {
    if (isDirty) inWindow.set(draftKey(name), JSON.stringify({ dashboard: now, tag }));
    else forgetDraft();
  }, [now, isDirty, tag]);
  useEffect(() => {
    if (isElsewhere && !isDirty && !isBusy.current) reload();
  }, [isElsewhere, isDirty]);
  useEffect(() => {
    if (!isDirty) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);

  /** @returns whether it is saved */
  const save = async (against = tag) => {
    // Twice at once the second would find the first as somebody else's.
    if (isBusy.current || !isDirty) return false;
    isBusy.current = true;
    setSaving({ text: "Saving …" });
    try {
      const saved = now;
      const ours = [tried.current, isBase.current ? draft.saved : null].filter((it) => it !== null);
      tried.current = saved;
      setTag(await writeOver(name, saved, against, ours));
      tried.current = null;
      isBase.current = true;
      setDraft((draft) => ({ ...draft, saved }));
      setConflict(null);
      setSaving({ text: "Saved" });
      forgetDraft();
      return true;
    } catch (error) {
      setConflict(error instanceof Elsewhere ? error.theirs : null);
      setSaving({ text: error instanceof Elsewhere ? "" : `Not saved: ${reason(error)}. What you changed is kept in this window.`, isBad: true });
      return false;
    } finally {
      isBusy.current = false;
    }
  };
  const done = async () => {
    if (!isDirty || (await save())) open(name);
  };
  const discard = () => {
    forgetDraft();
    setConflict(null);
    setSaving(null);
    reload();
    setDraft(drafts.begin(loaded.dashboard));
    setTag(loaded.tag);
    isBase.current = true;
  };
  const saveAsAnother = async () => {
    try {
      const other = await keep(now);
      forgetDraft();
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
            <${Ends} name=${name} isDirty=${isDirty} discard=${discard} gone=${forgetDraft} />`}
      </aside>
    </div>
    <p class="unseen" role="status">${said}</p>
  </div>`;
}

/** Somebody else has saved something else. */
class Elsewhere extends Error {
  constructor(theirs) {
    super("somebody else saved it meanwhile");
    this.theirs = theirs;
  }
}

/**
 * Writes a dashboard where nobody else has since `tag`. That another tag is there may also mean that one of `ours` was
 * written and its answer was lost, or that a broker began anew with it: then it is nobody else's.
 * @returns {Promise<string>} its tag
 */
async function writeOver(name, dashboard, tag, ours) {
  try {
    const { seq } = await write(name, dashboard, { "If-Match": tag ?? '"gone"' });
    return tag.replace(/\.\d+"$/, `.${seq}"`);
  } catch (error) {
    if (error.status !== 412) throw error;
    const theirs = await fetchOne(name).catch((failed) => {
      if (failed.status === 404) return { tag: null };
      throw failed;
    });
    const isThere = (it) => theirs.tag !== null && isSame(drafts.begin(theirs.dashboard).now, it);
    if (isThere(dashboard)) return theirs.tag;
    if (ours.some(isThere)) return writeOver(name, dashboard, theirs.tag, []);
    throw new Elsewhere(theirs);
  }
}

function stored(name) {
  try {
    return JSON.parse(inWindow.get(draftKey(name)));
  } catch {
    return null;
  }
}

function restore(name, { dashboard, tag }) {
  const draft = drafts.begin(dashboard);
  // It is kept in this window only.
  if (tag === null) return { ...draft, saved: null };
  const kept = stored(name);
  return kept ? drafts.change(draft, drafts.begin(kept.dashboard).now) : draft;
}

/** The layout that this screen would get. */
function firstLayout({ layouts }) {
  const names = Object.keys(layouts);
  return names.find((name) => screenOf(name, layouts[name]) === screenAt(innerWidth)) ?? names[0];
}

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
