// Numbers, times and ages in the words and the locale of who reads.

/** Who reads; undefined is whom the machine knows. Some browsers name a language that is none, `en-US@posix` for example. */
export const locale = (() => {
  try {
    return Intl.getCanonicalLocales(navigator.languages?.[0] ?? [])[0];
  } catch {
    return undefined;
  }
})();

/** A line on any screen is shorter, in characters. */
const LINE_MAX = 400;

/** Nobody reads a longer span than a thousand years. */
const SPAN_MAX_S = 1000 * 365.25 * 86_400;

const plain = new Intl.NumberFormat(locale, { maximumSignificantDigits: 6 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const moment = new Intl.DateTimeFormat(locale, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const unit = (name) => new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "narrow" });
const [days, hours, minutes, seconds] = ["day", "hour", "minute", "second"].map(unit);
const fewSeconds = new Intl.NumberFormat(locale, {
  style: "unit", unit: "second", unitDisplay: "narrow", maximumSignificantDigits: 2,
});

export function number(value) {
  // All digits of a counter mean something, as far as a number here has them.
  if (Number.isSafeInteger(value)) return whole.format(value);
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e12 ? plain.format(value) : value.toExponential(3);
}

/** So many of something: `1 thing`, `2,000 things`. */
export function count(number, what) {
  return `${whole.format(number)} ${what}${number === 1 ? "" : "s"}`;
}

/** A span of so many seconds, in one or two units: `3s`, `2m 5s`, `1d 4h`. */
export function span(s) {
  s = Math.max(0, s);
  if (s < 0.0995) return `${short.format(s * 1000)} ms`;
  if (s < 9.5) return fewSeconds.format(s);
  return age(s);
}

/** The same for what counts on: whole seconds. */
export function age(s) {
  if (s > SPAN_MAX_S) return "more than 1000 years";
  s = Math.max(0, Math.floor(s));
  if (s < 60) return seconds.format(s);
  if (s < 3600) return `${minutes.format(Math.floor(s / 60))} ${seconds.format(s % 60)}`;
  if (s < 86_400) return `${hours.format(Math.floor(s / 3600))} ${minutes.format(Math.floor((s % 3600) / 60))}`;
  return `${days.format(Math.floor(s / 86_400))} ${hours.format(Math.floor((s % 86_400) / 3600))}`;
}

/** So many a second, or how long from one to the next where that reads better. */
export function rate(perSecond) {
  if (perSecond >= 1.5) return `${short.format(perSecond)}/s`;
  return perSecond > 1e-9 ? `every ${span(1 / perSecond)}` : "";
}

/** A moment, in seconds since 1970: the time, with the day where it was not today. */
export function when(s) {
  const date = new Date(s * 1000);
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : whenExactly(s);
}

/** A moment, whole. A sender may claim one that no calendar has. */
export function whenExactly(s) {
  const date = new Date(s * 1000);
  return Number.isNaN(date.getTime()) ? `${s.toExponential(3)} s` : moment.format(date);
}

/** A text that is not too long. */
export function cut(text, most = LINE_MAX) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** A value on one line: `temperature 20.8 · humidity 52`. */
export function line(value) {
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return String(value);
  if (value === null) return "null";
  if (value === undefined) return "";
  if (typeof value === "string") return cut(value) || "\"\"";
  if (Array.isArray(value)) return joined(value, " · ", (index) => inner(value[index])) || "an empty list";
  return joined(value, " · ", (name) => `${name} ${inner(value[name])}`) || "empty";
}

function inner(value) {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (value !== null && typeof value === "object") return `{${joined(value, ", ", (name) => name)}}`;
  return line(value);
}

/** Of what has very many members those that are read are looked at. */
function joined(value, between, part) {
  let text = "";
  for (const name in value) {
    text += (text && between) + part(name);
    if (text.length > LINE_MAX) break;
  }
  return cut(text);
}

/** What the broker expects of a thing, as a sentence. */
export function expectation(thing) {
  if (thing.interval === null) return "It is not known yet how often it speaks.";
  const give = thing.deviation ? `, give or take ${span(thing.deviation)}` : "";
  const late = thing.lateAfter ? `; late after ${span(thing.lateAfter)}` : "";
  return `Speaks every ${span(thing.interval)}${give}${late}.`;
}

export { whole };
