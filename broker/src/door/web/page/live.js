// The one directory of this page, followed live, and the beat by which what is seen is drawn.

import { key, now, watchClock } from "./api.js";
import { Directory } from "./directory.js";
import { follow } from "./stream.js";
import { at } from "./value.js";
import { useEffect, useReducer } from "./vendor/preact.js";

/** The shortest time between two drawings. People read no faster, and a busy bus is not to heat a small machine. */
const BEAT_MS = 100;

/** Ages count even where nothing happens. */
const TICK_MS = 1000;

export const directory = new Directory();

/** What is said at a place, `{ns, path}`; undefined: nothing. */
export function valueAt({ ns, path }) {
  return at(directory.things.get(ns)?.data, path);
}

/** How the connection is: `connecting`, `live`, `away` or `refused`; since when, and why. */
export const connection = { state: "connecting", since: Date.now(), why: null };

const drawers = new Set();
let drawn = 0;
let isAsked = false;

/** Draws soon what changed: at once where nothing was drawn just now. Hidden pages draw nothing. */
export function draw() {
  if (isAsked) return;
  isAsked = true;
  const wait = Math.max(0, drawn + BEAT_MS - performance.now());
  const frame = () => requestAnimationFrame(beat);
  if (wait > 0) setTimeout(frame, wait);
  else frame();
}

function beat() {
  isAsked = false;
  drawn = performance.now();
  for (const drawer of [...drawers]) drawer();
}

/** The component is drawn again with every beat. */
export function useBeat() {
  const [, again] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    drawers.add(again);
    return () => drawers.delete(again);
  }, []);
}

/** A page that nobody sees follows for so long: who comes back soon finds it as it is. */
const UNSEEN_MS = 20_000;

let current = null;
const position = { last: "" };

/** Begins to follow, where it was cut off before. */
export function start() {
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  const isNow = (state, why = null) => {
    if (signal.aborted) return;
    // Each try that fails leaves it as it was: away since then.
    if (state !== connection.state) Object.assign(connection, { state, since: Date.now() });
    connection.why = why;
    draw();
  };
  const told = (name, message) => {
    if (signal.aborted) return;
    directory.take(name, message, now());
    draw();
  };
  follow("events", position, told, isNow, signal);
}

/** Follows no more, until somebody looks. A browser has six connections to a broker, for all pages together. */
function rest() {
  current?.abort();
  current = null;
  if (connection.state === "live") Object.assign(connection, { state: "connecting", since: Date.now() });
}

let unseen;
function look() {
  clearTimeout(unseen);
  if (document.hidden) unseen = setTimeout(rest, UNSEEN_MS);
  else if (!current) start();
}
document.addEventListener("visibilitychange", look);
// A page that was left may be kept, to be there at once when somebody goes back.
addEventListener("pagehide", rest);
addEventListener("pageshow", ({ persisted }) => persisted && start());

key.changed.addEventListener("change", () => {
  // Another key opens other things.
  position.last = "";
  connection.state = "connecting";
  // What one key may read is not for who has another one, or has given it back.
  directory.clear();
  start();
});
setInterval(() => {
  watchClock();
  draw();
}, TICK_MS);
// A page may be opened beside the one that is seen.
if (document.hidden) look();
