// A dashboard that is being changed: what can be done to it, and undone. Nothing in here changes what it is given.

import { free, inReadingOrder, isObject, put, read, reflow, SCREENS, write } from "./layout.js";
import { TYPES } from "./widgets/types.js";

const UNDO_MAX = 100;

/** A dashboard with what was done to it. */
export function begin(dashboard) {
  const now = whole(dashboard);
  return { now, before: [], after: [], saved: now };
}

/** Does something. `topic`: what is done again to the same topic is undone as one. */
export function change(draft, dashboard, topic = null) {
  if (dashboard === draft.now) return draft;
  const isSame = topic !== null && topic === draft.topic;
  const before = isSame ? draft.before : [...draft.before, draft.now].slice(-UNDO_MAX);
  return { ...draft, now: dashboard, before, after: [], topic };
}

export function undo(draft) {
  if (!draft.before.length) return draft;
  return { ...draft, now: draft.before.at(-1), before: draft.before.slice(0, -1), after: [draft.now, ...draft.after], topic: null };
}

export function redo(draft) {
  if (!draft.after.length) return draft;
  return { ...draft, now: draft.after[0], before: [...draft.before, draft.now], after: draft.after.slice(1), topic: null };
}

function whole(dashboard) {
  const own = isObject(dashboard) ? dashboard : {};
  const objects = (value, otherwise) => Object.fromEntries(Object.entries(isObject(value) ? value : {}).flatMap(([name, it]) => (isObject(it) ? [[name, it]] : otherwise(name))));
  const layouts = objects(own.layouts, () => []);
  return {
    ...own,
    widgets: objects(own.widgets, (name) => [[name, {}]]),
    layouts: Object.keys(layouts).length ? layouts : { wide: emptyLayout("wide") },
  };
}

export function emptyLayout(screen) {
  const { columns, rows } = SCREENS.find(({ name }) => name === screen) ?? SCREENS[0];
  return { dimensions: [columns, rows], stretch: true, widgets: [] };
}

/** A new widget, in each layout. */
export function add(dashboard, type) {
  let count = 1;
  while (Object.hasOwn(dashboard.widgets, `${type}-${count}`)) count++;
  const id = `${type}-${count}`;
  const [w, h] = TYPES[type]?.size ?? [2, 2];
  const layouts = mapLayouts(dashboard, (layout) => withBox(layout, id, w, h));
  return { id, dashboard: { ...dashboard, widgets: { ...dashboard.widgets, [id]: { type } }, layouts } };
}

/** The same once more, beside it. */
export function copy(dashboard, from) {
  const { type } = dashboard.widgets[from];
  const added = add(dashboard, String(type));
  const widgets = { ...added.dashboard.widgets, [added.id]: { ...dashboard.widgets[from] } };
  const layouts = mapLayouts({ ...added.dashboard, layouts: dashboard.layouts }, (layout) => {
    const like = read(layout).boxes.find(({ id }) => id === from);
    return withBox(layout, added.id, like?.w ?? 2, like?.h ?? 2);
  });
  return { id: added.id, dashboard: { ...added.dashboard, widgets, layouts } };
}

function withBox(layout, id, w, h) {
  const { boxes, columns } = read(layout);
  return write(layout, [...boxes, { id, ...free(boxes, w, h, columns) }]);
}

export function remove(dashboard, id) {
  const { [id]: _, ...widgets } = dashboard.widgets;
  const layouts = mapLayouts(dashboard, (layout) => write(layout, read(layout).boxes.filter((box) => box.id !== id)));
  return { ...dashboard, widgets, layouts };
}

/** Sets a property; undefined: takes it away. */
export function set(dashboard, id, name, value) {
  const { [name]: _, ...others } = dashboard.widgets[id];
  const widget = value === undefined ? others : { ...dashboard.widgets[id], [name]: value };
  return { ...dashboard, widgets: { ...dashboard.widgets, [id]: widget } };
}

/** Moves a widget, or gives it another size, in one layout. A widget that this layout does not show is put into it. */
export function move(dashboard, layoutName, box) {
  const layout = dashboard.layouts[layoutName];
  const { boxes, columns } = read(layout);
  return setLayout(dashboard, layoutName, write(layout, put(boxes, box, columns)));
}

export function setLayout(dashboard, name, layout) {
  return { ...dashboard, layouts: { ...dashboard.layouts, [name]: layout } };
}

/** A layout for a screen that has none: what the widest has, put together anew. */
export function makeLayout(dashboard, screen) {
  const { columns } = SCREENS.find(({ name }) => name === screen);
  const from = Object.values(dashboard.layouts).sort((one, other) => read(other).columns - read(one).columns)[0];
  return setLayout(dashboard, screen, from ? reflow(from, columns) : emptyLayout(screen));
}

export function removeLayout(dashboard, name) {
  const { [name]: _, ...layouts } = dashboard.layouts;
  return { ...dashboard, layouts };
}

/** Other dimensions: what is outside then comes in. */
export function resize(dashboard, name, columns, rows) {
  const layout = { ...dashboard.layouts[name], dimensions: [columns, rows] };
  const { boxes } = read(layout);
  const settled = inReadingOrder(boxes).reduce((placed, box) => put(placed, box, columns), []);
  return setLayout(dashboard, name, write(layout, settled));
}

function mapLayouts(dashboard, change) {
  return Object.fromEntries(Object.entries(dashboard.layouts).map(([name, layout]) => [name, change(layout)]));
}

/** Takes a widget out of one layout; the others show it still. */
export function leaveOut(dashboard, name, id) {
  const layout = dashboard.layouts[name];
  return setLayout(dashboard, name, write(layout, read(layout).boxes.filter((box) => box.id !== id)));
}

/** Puts a widget into a layout that does not show it. */
export function putIn(dashboard, name, id) {
  const [w, h] = TYPES[dashboard.widgets[id]?.type]?.size ?? [2, 2];
  return setLayout(dashboard, name, withBox(dashboard.layouts[name], id, w, h));
}
