// What a value means to a widget: a number, on or off, a text.

import { numberPlaces, at } from "../value.js";
import { locale, number } from "../words.js";

const ON = /^(true|on|yes|open|1)$/i;
const formats = new Map();

/** A widget with more lines than that is not read. */
const LINES_MAX = 200;

/** The number that is meant; null: there is none, or it is not clear which one. */
export function asNumber(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
  const places = numberPlaces(value, 2);
  return places.length === 1 ? at(value, places[0]) : null;
}

/** Is it on? Null: nothing says so. */
export function asSwitch(value) {
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "string") return ON.test(value);
  const inner = value !== null && typeof value === "object" ? Object.values(value) : [];
  return inner.length === 1 ? asSwitch(inner[0]) : null;
}

/** A number in the reader's locale; `decimals`: always so many. */
export function written(value, decimals) {
  if (decimals === undefined || !Number.isFinite(value) || Math.abs(value) >= 1e15) return number(value);
  if (!formats.has(decimals)) {
    formats.set(decimals, new Intl.NumberFormat(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
  }
  return formats.get(decimals).format(value);
}

/** A value over several lines: a line for each name. */
export function lines(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  const found = [];
  const walk = (value, indent) => {
    for (const name in value) {
      if (found.length >= LINES_MAX) return;
      const it = value[name];
      const isNested = it !== null && typeof it === "object" && Object.keys(it).length > 0;
      found.push(isNested ? `${indent}${name}` : `${indent}${name}  ${lines(it)}`);
      if (isNested) walk(it, `${indent}  `);
    }
  };
  walk(value, "");
  return found.join("\n") + (found.length >= LINES_MAX ? "\n…" : "");
}
