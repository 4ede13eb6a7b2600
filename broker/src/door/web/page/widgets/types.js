// What types of widgets there are: their properties with defaults, and how many cells a new one has. No page in here.

/** How a property is asked for: `text`, `number`, `whole`, `yes`, `choice`, `colour`, `thing`, `path`, `json`, `options`. */
const label = { name: "label", kind: "text", default: "" };
const font = { name: "font-family", kind: "choice", choices: ["", "sans-serif", "serif", "monospace"], default: "" };
const fontSize = { name: "font-size", kind: "whole", default: 14, min: 8, max: 96 };
const thing = { name: "thing", kind: "thing", says: "Shows" };
const path = { name: "path", kind: "path", of: "thing", says: "Place in its value" };
const to = { name: "to", kind: "thing", says: "Sends to", hint: "the same" };
const toPath = { name: "to-path", kind: "path", of: "to", says: "Place there" };
const min = { name: "min", kind: "number", default: 0 };
const max = { name: "max", kind: "number", default: 100 };
const decimals = (otherwise) => ({ name: "decimals", kind: "whole", default: otherwise, min: 0, max: 10 });
const interval = { name: "invoke-interval", kind: "whole", default: 100, min: 0, max: 60_000, says: "Least time between two, ms" };
const shows = [label, thing, path];
const sends = [to, toPath];

/** The spans of time that a graph can show, in seconds. */
export const RANGES = {
  "1s": 1, "5s": 5, "20s": 20, "1m": 60, "5m": 300, "30m": 1800, "1h": 3600, "4h": 14_400, "8h": 28_800, "12h": 43_200,
  "1d": 86_400, "1w": 604_800, "4w": 2_419_200, "1y": 31_536_000,
};

export const TYPES = {
  // A dashboard may name any type: `constructor` is none.
  __proto__: null,
  display: { says: "Display: text", size: [3, 2], properties: [...shows, { name: "lines", kind: "whole", default: 3, min: 1, max: 50 }, font] },
  indicator: {
    says: "Indicator: one value, large", size: [2, 2],
    properties: [...shows, { name: "units", kind: "text", default: "" }, decimals(undefined), { name: "max-value-length", kind: "whole", default: 0, min: 0, max: 99, hint: "0: as long as it is" }, font],
  },
  gauge: {
    says: "Gauge", size: [3, 3],
    properties: [...shows, { name: "units", kind: "text", default: "" }, min, max, { name: "divisions", kind: "whole", default: 10, min: 5, max: 50 }, decimals(0)],
  },
  graph: {
    says: "Graph over time", size: [6, 3],
    properties: [
      ...shows, { name: "time-range", kind: "choice", choices: Object.keys(RANGES), default: "5m" },
      { name: "max-data", kind: "whole", default: 1000, min: 10, max: 10_000, says: "Points at most" },
      { name: "dataset-names", kind: "names", default: "", says: "Which numbers", hint: "all; else names with commas between" },
    ],
  },
  led: { says: "Light: on or off", size: [2, 1], properties: [...shows, { name: "color", kind: "colour", default: "#FFFF00" }] },
  image: { says: "Image", size: [4, 3], properties: [...shows, { name: "url", kind: "text", default: "", says: "Address", hint: "https://…" }] },
  button: {
    says: "Button", size: [2, 1], isControl: true,
    properties: [
      { ...label, default: "PUSH" }, { ...thing, says: "Sends to" }, path,
      { name: "value", kind: "json", default: true, says: "Sends when pressed" }, { name: "released", kind: "json", says: "Sends when released", hint: "nothing" },
      { name: "button-id", kind: "text", default: "" }, fontSize, font,
    ],
  },
  switch: { says: "Switch", size: [2, 1], isControl: true, properties: [...shows, ...sends] },
  range: {
    says: "Range: a slider", size: [4, 1], isControl: true,
    properties: [...shows, min, max, { name: "step", kind: "number", hint: "a hundredth" }, { name: "units", kind: "text", default: "" }, interval, ...sends],
  },
  select: { says: "Select", size: [3, 1], isControl: true, properties: [...shows, { name: "options", kind: "options", says: "Options, one a line", hint: "value = label" }, ...sends] },
  editText: {
    says: "Edit text", size: [4, 2], isControl: true,
    properties: [...shows, { name: "auto-scroll", kind: "choice", choices: ["top", "bottom"], default: "top" }, { ...interval, says: "Sends after a pause of, ms" }, fontSize, font, ...sends],
  },
  stick: { says: "Stick: two numbers", size: [3, 3], isControl: true, properties: [...shows, { name: "springs-back", kind: "yes", default: true }, interval, ...sends] },
};

/** A property's value: what was set, and where that is nothing or no such thing its default. */
export function setting(widget, name) {
  const property = TYPES[widget.type]?.properties.find((it) => it.name === name);
  const value = widget[name];
  // What is sent as JSON may be nothing, or an empty text.
  if (property?.kind === "json" && value !== undefined) return value;
  if (value === undefined || value === null || value === "") return property?.default;
  const isNumber = property?.kind === "number" || property?.kind === "whole";
  if (isNumber && !Number.isFinite(value)) return property.default;
  if ((property?.kind === "text" || property?.kind === "names") && typeof value !== "string") return typeof value === "number" ? String(value) : property.default;
  if (property?.kind === "whole") return Math.min(property.max, Math.max(property.min, Math.round(value)));
  if (property?.kind === "choice" && !property.choices.includes(value)) return property.default;
  return value;
}
