// Asks for the properties of a widget, as the table of its type has them.

import { isThingName, shown } from "./binding.js";
import { isBelow } from "./directory.js";
import { directory } from "./live.js";
import { SHELF } from "./outline.js";
import { at, escape } from "./value.js";
import { html, useMemo, useState } from "./vendor/preact.js";
import { TYPES } from "./widgets/types.js";

/** A list to choose from that is longer than this is nobody's help. */
const CHOICES_MAX = 200;

/** @param {(name: string, value: any) => void} set undefined: the property goes */
export function Form({ id, widget, set }) {
  const type = TYPES[widget.type];
  if (!type) {
    return html`<${Field} key=${id} id=${id} widget=${{ all: widget }} property=${{ name: "all", says: "All properties, as JSON", kind: "json", isLong: true }}
      set=${(_, value) => set(null, value)} />`;
  }
  const known = new Set(["type", ...type.properties.map(({ name }) => name)]);
  const others = Object.keys(widget).filter((name) => !known.has(name));
  const from = !widget.thing && shown(widget);
  return html`
    ${type.properties.map((property) => html`<${Field} key=${`${id} ${property.name}`} id=${id} widget=${widget} property=${property} set=${set} />`)}
    ${from && html`<p class="soft">Bound by “get-value” to ${from.ns}${from.path}, as no thing is chosen.</p>`}
    ${others.length > 0 && html`<p class="soft">Kept as they are: ${others.join(", ")}.</p>`}`;
}

function Field({ id, widget, property, set }) {
  // What is typed is not written anew while it is typed.
  const [typed, type] = useState(null);
  const { name, kind, hint } = property;
  const value = widget[name];
  const field = `${id}-${name}`.replace(/[^\w-]/g, "_");
  const otherwise = hint ?? (property.default === undefined || property.default === "" ? "" : String(property.default));
  const written = typed ?? value ?? "";
  const choices = useMemo(() => {
    if (kind === "thing") return things(String(written));
    return kind === "path" ? places(widget[property.of] ?? widget.thing) : [];
  }, [kind, written, widget[property.of], widget.thing, directory.shape]);
  const own = { id: field, placeholder: otherwise, onBlur: () => type(null) };
  const write = (text, read) => {
    type(text);
    set(name, text === "" ? undefined : read(text));
  };
  const text = (read, print) => ({ value: typed ?? (value === undefined || (value === null && kind !== "json") ? "" : print(value)), onInput: ({ target }) => write(target.value, read) });
  const same = (it) => it;
  let input;
  switch (kind) {
    case "yes":
      input = html`<input ...${own} type="checkbox" checked=${value ?? property.default} onChange=${({ target }) => set(name, target.checked)} />`;
      break;
    case "choice":
      input = html`<select ...${own} value=${value ?? property.default} onChange=${({ target }) => set(name, target.value || undefined)}>
        ${property.choices.map((it) => html`<option value=${it}>${it || "as the page"}</option>`)}
      </select>`;
      break;
    case "colour":
      input = html`<input ...${own} type="color" value=${/^#[0-9a-f]{6}$/i.test(value) ? value : property.default} onInput=${({ target }) => set(name, target.value)} />`;
      break;
    case "number":
    case "whole":
      input = html`<input ...${own} type="number" step=${kind === "whole" ? 1 : "any"} min=${property.min} max=${property.max} ...${text((it) => (Number.isFinite(Number(it)) ? Number(it) : undefined), String)} />`;
      break;
    case "thing":
    case "path":
      input = html`<input ...${own} list=${`${field}-list`} autocomplete="off" autocapitalize="none" spellcheck=${false} ...${text((it) => it.trim(), String)} />
        <datalist id=${`${field}-list`}>${choices.map((it) => html`<option value=${it}></option>`)}</datalist>
        ${kind === "thing" && value && !isThingName(value) && html`<p class="error">No thing can be called so.</p>`}`;
      break;
    case "options":
      input = html`<textarea ...${own} rows="4" ...${text(readOptions, printOptions)}></textarea>`;
      break;
    case "json":
      input = property.isLong
        ? html`<textarea ...${own} rows="10" ...${text(readJson, (it) => JSON.stringify(it, null, 2))}></textarea>`
        : html`<input ...${own} autocomplete="off" spellcheck=${false} ...${text(readJson, printJson)} />`;
      break;
    default:
      input = html`<input ...${own} autocomplete="off" ...${text(same, String)} />`;
  }
  const says = property.says ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
  return html`<div class=${kind === "yes" ? "field yes" : "field"}><label for=${field}>${says}</label>${input}</div>`;
}

/** Names that have what was typed, those that begin with it first. */
function things(typed) {
  const all = [...directory.things.keys()].filter((ns) => ns.includes(typed) && !isBelow(ns, SHELF));
  return all.sort((one, other) => other.startsWith(typed) - one.startsWith(typed) || (one < other ? -1 : 1)).slice(0, CHOICES_MAX);
}

/** All places in what a thing says now. */
function places(ns) {
  const found = [];
  const walk = (value, path) => {
    if (found.length >= CHOICES_MAX || value === null || typeof value !== "object") return;
    for (const [name, inner] of Object.entries(value)) {
      const place = `${path}/${escape(name)}`;
      found.push(place);
      walk(inner, place);
    }
  };
  walk(at(directory.things.get(ns)?.data, ""), "");
  return found;
}

/** What is no JSON is a text. */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function printJson(value) {
  return typeof value === "string" && readJson(value) === value ? value : JSON.stringify(value);
}

/** A line is a value, or a value and its label: `21 = warm`. */
function readOptions(text) {
  return text.split("\n").filter((it) => it.trim()).map((it) => {
    const [value, ...label] = it.split("=");
    return label.length ? [readJson(value.trim()), label.join("=").trim()] : readJson(value.trim());
  });
}

function printOptions(options) {
  if (!Array.isArray(options)) return "";
  return options.map((it) => (Array.isArray(it) && it.length > 1 ? `${printJson(it[0])} = ${it[1]}` : printJson(Array.isArray(it) ? it[0] : it))).join("\n");
}
