// A first dashboard, made of what the things of a subtree say now. No page in here.

import { fill, flow, reflow } from "./layout.js";
import { TYPES } from "./widgets/types.js";
import { at, escape, numberPlaces } from "./value.js";

/** More than this nobody sees at once. */
const WIDGETS_MAX = 36;

/** So many lines one can tell apart in a graph. */
const LINES_MAX = 6;

/** Units by the ends of names, as sensors have them, and between which values such numbers are where it is known. */
const UNITS = [
  [/_c$|celsius$|(^|_)temp(erature)?$/, "°C", 0, 40],
  [/(^|_)(humidity|percent|pct|battery|soc)$/, "%", 0, 100],
  [/(^|_)(ppm|co2)$/, "ppm", 0, 2000],
  [/(^|_)hpa$/, "hPa", 950, 1050],
  [/(^|_)rpm$/, "rpm"], [/mm_s$/, "mm/s"], [/(^|_)m_s$/, "m/s"], [/(^|_)hz$/, "Hz"], [/(^|_)(volts?|voltage)$/, "V"],
  [/(^|_)(amperes?|amps?|current)$/, "A"], [/(^|_)watts?$/, "W"], [/(^|_)kwh$/, "kWh"], [/(^|_)wh$/, "Wh"], [/(^|_)grams?$/, "g"], [/(^|_)kg$/, "kg"],
  [/(^|_)(lux|luminance)$/, "lx"], [/(^|_)ms$/, "ms"], [/(^|_)s(econds)?$/, "s"], [/(^|_)mm$/, "mm"], [/(^|_)bar$/, "bar"],
];

/**
 * A dashboard of the things at and below `top`.
 * @param {{ns: string, data: any}[]} things those and no others, by their names
 */
export function propose(things, top) {
  const widgets = {};
  const boxes = [];
  let left = 0;
  for (const thing of things) {
    for (const widget of widgetsOf(thing, top)) {
      if (boxes.length === WIDGETS_MAX) {
        left++;
        continue;
      }
      const id = idFor(widget, widgets);
      widgets[id] = widget;
      const [w, h] = TYPES[widget.type].size;
      boxes.push({ id, x: 0, y: 0, w, h });
    }
  }
  const placed = fill(flow(boxes, 12), 12);
  const rows = Math.max(6, ...placed.map(({ y, h }) => y + h));
  const wide = { dimensions: [12, rows], stretch: true, widgets: placed.map(({ id, x, y, w, h }) => [id, x, y, w, h]) };
  const layouts = { wide, tablet: reflow(wide, 8), phone: reflow(wide, 4) };
  return { dashboard: { label: top || "Everything", widgets, layouts, "polling-interval": 0 }, left };
}

/** What shows a thing: what is short first, its numbers over time last. */
function widgetsOf({ ns, data }, top) {
  const own = ns === top ? ns.split(".").at(-1) : ns.slice(top ? top.length + 1 : 0).replaceAll(".", " ");
  const label = (path) => (path ? `${own} ${words(path)}` : own).trim();
  const bound = (type, path, more = {}) => ({ type, label: label(path), thing: ns, ...(path && { path }), ...more });
  const numbers = numberPlaces(data).filter((path) => !isCount(path));
  const widgets = leaves(data, (it) => typeof it === "boolean").slice(0, 4).map((path) => bound("led", path, { color: "#ffc400" }));
  const texts = leaves(data, (it) => typeof it === "string" && it !== "");
  if (texts.length === 1) widgets.push(bound("display", texts[0], { lines: 2 }));
  else if (texts.length) widgets.push(bound("display", "", { lines: Math.min(6, Math.max(3, leaves(data, isPlain).length)) }));
  if (numbers.length === 1) widgets.push(dial(bound, numbers[0], at(data, numbers[0]), ns));
  if (numbers.length > 1) {
    const names = numbers.slice(0, LINES_MAX).map((path) => path.slice(1));
    widgets.push(...numbers.slice(0, 2).map((path) => dial(bound, path, at(data, path), ns)));
    widgets.push(bound("graph", "", numbers.length > LINES_MAX ? { "dataset-names": names.join(", ") } : {}));
  }
  if (!widgets.length && data !== null && data !== undefined) widgets.push(bound("display", "", { lines: 3 }));
  return widgets;
}

/** A gauge where it is known between which values such a number is, else just the number. */
function dial(bound, path, value, ns) {
  const name = (path.split("/").at(-1) || ns.split(".").at(-1)).toLowerCase();
  const [, units = "", min, max] = UNITS.find(([ending]) => ending.test(name)) ?? [];
  const decimals = Number.isInteger(value) ? 0 : Math.abs(value) < 100 ? 1 : 0;
  const more = { ...(units && { units }), decimals };
  const isInside = min !== undefined && value >= min && value <= max;
  return isInside ? bound("gauge", path, { ...more, min, max }) : bound("indicator", path, more);
}

const isPlain = (value) => value === null || typeof value !== "object";

/** Counters of programs say little on a dashboard. */
const isCount = (path) => path.split("/").includes("metadata");

function leaves(value, isWanted, path = "", found = []) {
  if (isWanted(value)) found.push(path);
  else if (value !== null && typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) leaves(inner, isWanted, `${path}/${escape(name)}`, found);
  }
  return found;
}

/** A place's name as people read it: what its unit is says the unit. */
function words(path) {
  return path.slice(1).replaceAll("/", " ").replace(/_(c|hz|mm_s|m_s|ms|hpa|pct|kwh|wh|kg)$/, "").replaceAll("_", " ");
}

/** A name for a widget that stays the same where the dashboard is proposed again. */
function idFor(widget, taken) {
  const name = `${widget.thing}${widget.path ?? ""}:${widget.type}`.replaceAll("/", ".");
  let id = name;
  for (let count = 2; Object.hasOwn(taken, id); count++) id = `${name}-${count}`;
  return id;
}
