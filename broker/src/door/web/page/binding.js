// Where a widget's value is, and where a control sends to. No page in here.

const NAME = /^[a-z][a-z0-9_-]{0,63}(\.[a-z][a-z0-9_-]{0,63}){0,31}$/;

/** Can a thing be called so? */
export function isThingName(text) {
  return typeof text === "string" && text.length <= 1024 && NAME.test(text);
}

/**
 * A place as Brain4it's properties name it, `shop.climate/temperature_c`: the thing up to the first slash, then names and
 * indexes in its value. An `@` before it means nothing here. Null: no thing can be called so.
 * @returns {{ns: string, path: string} | null}
 */
export function parsePlace(text) {
  if (typeof text !== "string") return null;
  const [ns, ...path] = text.trim().replace(/^@/, "").split("/");
  return isThingName(ns) ? { ns, path: path.length ? `/${path.join("/")}` : "" } : null;
}

/** The place whose value is shown; null: the widget is bound to nothing. */
export function shown(widget) {
  return named(widget.thing, widget.path) ?? parsePlace(widget["get-value"]);
}

/** The place to which a control sends; `event` is Brain4it's property for it. Null: to nowhere. */
export function target(widget, event = "set-value") {
  if (widget.to || widget["to-path"]) {
    return named(widget.to || widget.thing, widget["to-path"]);
  }
  return named(widget.thing, widget.path) ?? parsePlace(widget[event]) ?? parsePlace(widget["get-value"]);
}

/** Why nothing is bound, in words. */
export function whyUnbound(widget) {
  const text = ["thing", "get-value", "set-value", "on-pressed"].map((name) => widget[name]).find((it) => typeof it === "string" && it);
  return text ? `Bound to “${text}”, which is no thing’s name.` : "Bound to nothing; choose a thing.";
}

function named(ns, path) {
  if (!isThingName(ns)) return null;
  if (typeof path !== "string" || path === "") return { ns, path: "" };
  return { ns, path: path.startsWith("/") ? path : `/${path}` };
}
