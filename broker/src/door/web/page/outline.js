// Which rows the tree has, in their order, from all things and what is looked for. No page in here.

import { isBelow } from "./directory.js";

/** Below this the dashboards are, which have a page of their own. */
export const SHELF = "dashboards";

/**
 * A row: a thing, or what has things below it.
 * @typedef {{ns: string, name: string, level: number, thing?: object, below: number, late: number, silent: number, isOpen: boolean}} Row
 */

/**
 * @param {object} directory
 * @param {{words: string[], freshness: string | null, closed: Set<string>}} wanted each word must be in the name;
 *   `closed`: what is below these is not shown, unless something is looked for
 * @returns {{rows: Row[], shown: number, all: number}} `shown` and `all` count things
 */
export function outline(directory, { words, freshness, closed }) {
  const isSought = words.length > 0 || freshness !== null;
  const rows = [];
  /** The rows above the next one. */
  const above = [];
  let shown = 0;
  let all = 0;
  let hidden = null;
  for (const ns of names(directory)) {
    if (isBelow(ns, SHELF)) continue;
    const thing = directory.things.get(ns);
    all++;
    if (freshness !== null && thing.freshness !== freshness) continue;
    if (!words.every((word) => ns.includes(word))) continue;
    shown++;
    const parts = ns.split(".");
    while (above.length && !isBelow(ns, above.at(-1).ns)) above.pop();
    // Parents exist as soon as their children do, without data of their own.
    for (let level = above.length; level < parts.length; level++) {
      const row = { ns: parts.slice(0, level + 1).join("."), name: parts[level], level, below: 0, late: 0, silent: 0 };
      row.isOpen = isSought || !closed.has(row.ns);
      above.push(row);
      if (hidden !== null && isBelow(row.ns, hidden)) continue;
      hidden = row.isOpen ? null : row.ns;
      rows.push(row);
    }
    above.at(-1).thing = thing;
    for (const row of above) {
      if (row.ns !== ns) row.below++;
      if (thing.freshness === "late") row.late++;
      if (thing.freshness === "silent") row.silent++;
    }
  }
  return { rows, shown, all };
}

const sorted = new WeakMap();

/** All names, in such an order that what is below a thing follows it. */
function names(directory) {
  const known = sorted.get(directory);
  if (known?.shape === directory.shape) return known.names;
  // A dot is before all that names have in the order of the parts, but a hyphen is before it in that of texts.
  const names = [...directory.things.keys()].map((ns) => ns.replaceAll(".", "\0")).sort();
  const found = { shape: directory.shape, names: names.map((ns) => ns.replaceAll("\0", ".")) };
  sorted.set(directory, found);
  return found.names;
}
