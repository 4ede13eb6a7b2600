// What a value means to a widget: a number, on or off, a text.

import { at, escape, numberPlaces } from "../value.js";
import { locale, number } from "../words.js";

/** Texts that mean on, and off. */
const SWITCHES = [["on", "off"], ["true", "false"], ["yes", "no"], ["open", "closed"], ["1", "0"]];

const formats = new Map();

/** A widget with more lines than that is not read. */
const LINES_MAX = 200;

/** The number that is meant; null: there is none, or it is not clear which one. */
export function asNumber(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
  const place = numberIn(value);
  return place === null ? null : at(value, place);
}

/** Where that is: `""` for the value itself. Null: there is none, or there are several. */
export function numberIn(value) {
  const places = numberPlaces(value, 2);
  return places.length === 1 ? places[0] : null;
}

/** Is it on? Null: nothing says so. */
export function asSwitch(value) {
  const place = switchIn(value);
  if (place === null) return null;
  const meant = at(value, place);
  return typeof meant === "string" ? pair(meant).indexOf(meant.toLowerCase()) === 0 : Boolean(meant);
}

/** Where that is said: `""` for the value itself. Null: nowhere, or it is not clear where. */
export function switchIn(value) {
  if (typeof value === "boolean" || typeof value === "number") return "";
  if (typeof value === "string") return pair(value) ? "" : null;
  const names = value !== null && typeof value === "object" ? Object.keys(value) : [];
  if (names.length !== 1) return null;
  const inner = switchIn(value[names[0]]);
  return inner === null ? null : `/${escape(names[0])}${inner}`;
}

/** The other of on and off, in the words that the thing itself has: who says 1 or ON may not know what true is. */
export function otherSwitch(value) {
  if (typeof value === "number") return Number(value === 0);
  if (typeof value !== "string" || !pair(value)) return asSwitch(value) !== true;
  const word = pair(value).find((it) => it !== value.toLowerCase());
  if (value === value.toUpperCase()) return word.toUpperCase();
  return value[0] === value[0].toUpperCase() ? word[0].toUpperCase() + word.slice(1) : word;
}

function pair(text) {
  return SWITCHES.find((words) => words.includes(text.toLowerCase()));
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
