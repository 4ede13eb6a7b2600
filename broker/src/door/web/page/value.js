// What can be said about a value: numbers in it, places in it, and how it reads on one line.

/** The place of the first number or switch in a value, as a JSON pointer (RFC 6901). Null: there is none. */
export function numberPlace(value, at = "") {
  if (typeof value === "number" || typeof value === "boolean") return at;
  if (value === null || typeof value !== "object") return null;
  for (const [name, inner] of Object.entries(value)) {
    const place = numberPlace(inner, `${at}/${escape(name)}`);
    if (place !== null) return place;
  }
  return null;
}

/** The number at a place; what is switched on is 1. Null: there is none. */
export function numberAt(value, pointer) {
  const found = at(value, pointer);
  return typeof found === "number" || typeof found === "boolean" ? Number(found) : null;
}

/** All places with a number, or the first ones. Switches are none: the past of a switch has no mean. */
export function numberPlaces(value, most = Infinity) {
  const found = [];
  const walk = (value, at) => {
    if (typeof value === "number") found.push(at);
    else if (value !== null && typeof value === "object") {
      for (const name in value) {
        if (found.length >= most) return;
        walk(value[name], `${at}/${escape(name)}`);
      }
    }
  };
  walk(value, "");
  return found;
}

/** What is at a place; undefined: nothing. */
export function at(value, pointer) {
  for (const name of pointer.split("/").slice(1)) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, unescape(name))) return undefined;
    value = value[unescape(name)];
  }
  return value;
}

export function escape(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function unescape(name) {
  return name.replaceAll("~1", "/").replaceAll("~0", "~");
}

/**
 * The address in the web that a text is, as browsers write it, in which nothing can read otherwise than it leads. Null: it
 * is none. `base`: what it may be relative to.
 */
export function webAddress(text, base) {
  try {
    const url = new URL(text, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Do both say the same? */
export function isSame(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const names = Object.keys(one);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}
