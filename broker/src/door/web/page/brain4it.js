// Dashboards as files: Brain4it's shape comes in, as JSON or in its own notation, and goes out as JSON. No page in here.
//
// Brain4it's functions are properties with a name: "get-value", "set-value", "on-pressed", "on-released", "get-options"
// and "url". Here such a name is a place: a thing, and after a slash names and indexes in its value ("shop.climate",
// "shop.climate/temperature_c"); an "@" before it means nothing. It counts where the widget has no "thing" of its own.
// Functions themselves are null in Brain4it's JSON, and code is never run: such a widget is bound to nothing until
// somebody chooses a thing. Types and properties that are not known here stay as they are.

import { parse, NotRead } from "./bpl.js";
import { isObject } from "./layout.js";

/** Many dashboards, each of which the broker takes up to 1 MiB of. */
export const TEXT_MAX = 32 << 20;

/**
 * All dashboards of a file: one alone, several by their labels, or Brain4it's `@dashboards`.
 * @returns {{label: string, dashboard: object}[]} throws an `Error` whose message says what is wrong, and where
 */
export function readDashboards(text) {
  if (text.length > TEXT_MAX) throw new Error("That is longer than 32 MiB.");
  const found = collect(/^\s*\(/.test(text) ? notation(text) : json(text), "");
  if (!found.length) throw new Error("There is no dashboard in it: nothing has “widgets” and “layouts”.");
  return found;
}

/** All dashboards as one text, by their labels. */
export function writeDashboards(dashboards) {
  const all = new Map();
  for (const dashboard of dashboards) {
    const label = labelIn(dashboard) || "dashboard";
    let name = label;
    for (let count = 2; all.has(name); count++) name = `${label} ${count}`;
    all.set(name, dashboard);
  }
  return `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`;
}

/** What a dashboard of this label is called as a thing, where `isTaken` says which names there are. */
export function nameFor(label, isTaken) {
  const plain = label.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "");
  const name = (/^[a-z]/.test(plain) ? plain : `dashboard-${plain}`).slice(0, 58).replace(/-+$/, "");
  let free = name;
  for (let count = 2; isTaken(free); count++) free = `${name}-${count}`;
  return free;
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = Number(/position (\d+)/.exec(error.message)?.[1]);
    const where = Number.isFinite(at) ? `Line ${text.slice(0, at).split("\n").length}: ` : "";
    throw new Error(`${where}this is neither JSON nor Brain4it’s notation (${error.message}).`);
  }
}

function notation(text) {
  const all = parse(text);
  if (all.length !== 1) throw new NotRead(all[1].line, "there is something after the list");
  return all[0].value;
}

/** A label is a text; who wrote something else has none. */
const labelIn = ({ label }) => (typeof label === "string" ? label : "");

const isDashboard = (value) => isObject(value) && "widgets" in value && "layouts" in value;

function collect(value, label) {
  if (isDashboard(value)) return [tidy(value, labelIn(value) || label || "Dashboard")];
  if (Array.isArray(value)) return value.flatMap((it, index) => (isDashboard(it) ? collect(it, `dashboard-${index + 1}`) : []));
  if (!isObject(value)) return [];
  if (value["@dashboards"] ?? value.dashboards) return collect(value["@dashboards"] ?? value.dashboards, label);
  return Object.entries(value).flatMap(([name, it]) => (isDashboard(it) ? collect(it, name) : []));
}

/** A list without anything in it has no names: in Brain4it's notation an object is the same as an array then. */
function tidy(dashboard, label) {
  const widgets = named(dashboard.widgets, "widgets");
  const layouts = named(dashboard.layouts, "layouts");
  for (const [id, widget] of Object.entries(widgets)) {
    if (!isObject(widget)) throw new Error(`The widget “${id}” of “${label}” has no properties with names.`);
  }
  return { label, dashboard: { ...dashboard, label, widgets, layouts } };
}

function named(value, what) {
  if (Array.isArray(value) && !value.length) return {};
  if (isObject(value)) return value;
  throw new Error(`“${what}” of a dashboard is a list with names.`);
}
