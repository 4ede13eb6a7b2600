// A little line of a thing's last numbers; what was said before this page was opened is asked for where it is seen.

import { get, place } from "./api.js";
import { SPARK_MAX } from "./directory.js";
import { draw } from "./live.js";
import { numberAt } from "./value.js";
import { html } from "./vendor/preact.js";

const WIDTH = 110;
const HEIGHT = 22;

/** How many are asked for at once. */
const ASKED_MAX = 4;

export function Spark({ values }) {
  if (values.length < 2) return html`<svg class="spark" aria-hidden="true"></svg>`;
  // Halves: what is between the largest numbers of both signs is none any more.
  const low = Math.min(...values) / 2;
  const reach = Math.max(...values) / 2 - low;
  const step = WIDTH / (SPARK_MAX - 1);
  const left = WIDTH - step * (values.length - 1);
  const points = values.map((value, index) => {
    const height = reach ? (value / 2 - low) / reach : 0.5;
    return `${(left + index * step).toFixed(1)} ${(HEIGHT - 2 - height * (HEIGHT - 4)).toFixed(1)}`;
  });
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"><path d=${`M${points.join("L")}`} /></svg>`;
}

const asked = new WeakSet();
let seen = [];
let underWay = 0;
let isKept = true;

/** These are what is seen now: of those of them that nothing is known of the past is asked for, one after the other. */
export function fill(things) {
  seen = isKept ? things.filter((thing) => !asked.has(thing) && thing.sparkPlace !== null) : [];
  while (underWay < ASKED_MAX && seen.length) next();
}

async function next() {
  const thing = seen.shift();
  if (asked.has(thing)) return;
  asked.add(thing);
  underWay++;
  try {
    const { values } = await get(place(thing.ns, `/history?last=${SPARK_MAX}`));
    const past = values.map(([, , data]) => numberAt(data, thing.sparkPlace)).filter((value) => value !== null);
    if (past.length > thing.spark.length) thing.spark = past.slice(-SPARK_MAX);
    draw();
  } catch (problem) {
    // 409: this broker keeps no past.
    if (problem.status === 409) isKept = false;
  }
  underWay--;
  if (seen.length) next();
}
