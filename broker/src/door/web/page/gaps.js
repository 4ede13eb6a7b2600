// What the broker tells of the past, as points, with gaps where nothing was said, and in words.

import { number } from "./words.js";

/**
 * Points and a band from the broker's lines, with a gap where nothing was said for longer than the thing is used to.
 * A line is `[begin, count, lowest, highest, mean, last]`.
 */
export function line(lines, every, { lateAfter }) {
  const silence = Math.max(2.5 * every, lateAfter ?? 0);
  const isBand = lines.some(([, count]) => count > 1);
  const points = [];
  const band = isBand ? [] : undefined;
  let before = null;
  for (const [begin, , low, high, mean] of lines) {
    if (before !== null && begin - before > silence) {
      points.push([before + every, null]);
      band?.push([before + every, null, null]);
    }
    points.push([begin, mean]);
    band?.push([begin, low, high]);
    before = begin;
  }
  return { points, band };
}

/** What a plot shows, for who does not see it: `temperature from 19.8 to 23.1; humidity nothing`. */
export function inWords(series) {
  return series.map(({ label, points, band }) => {
    const all = [...points, ...(band ?? [])].flatMap(([, ...values]) => values.filter((it) => it !== null));
    if (all.length === 0) return `${label} nothing`;
    const [least, most] = all.reduce(([low, high], it) => [Math.min(low, it), Math.max(high, it)], [Infinity, -Infinity]);
    return `${label} from ${number(least)} to ${number(most)}`;
  }).join("; ");
}
