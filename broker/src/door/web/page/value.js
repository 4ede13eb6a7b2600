// What can be said about a value: numbers in it, places in it, and how it reads on one line.

/** The first number in a value, in the order of its text; what is switched on is 1. Null: there is none. */
export function firstNumber(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null || typeof value !== "object") return null;
  for (const inner of Object.values(value)) {
    const number = firstNumber(inner);
    if (number !== null) return number;
  }
  return null;
}

/** All places with a number, as JSON pointers (RFC 6901). Switches are none: the past of a switch has no mean. */
export function numberPlaces(value, at = "", found = []) {
  if (typeof value === "number") found.push(at);
  else if (value !== null && typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) numberPlaces(inner, `${at}/${escape(name)}`, found);
  }
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
