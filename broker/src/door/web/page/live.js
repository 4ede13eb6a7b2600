// The one directory of this page, followed live, and the beat by which what is seen is drawn.

import { key, now } from "./api.js";
import { Directory } from "./directory.js";
import { follow } from "./stream.js";
import { useEffect, useReducer } from "./vendor/preact.js";

/** The shortest time between two drawings. People read no faster, and a busy bus is not to heat a small machine. */
const BEAT_MS = 100;

/** Ages count even where nothing happens. */
const TICK_MS = 1000;

export const directory = new Directory();

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

let current = new AbortController();

/** Begins to follow, again where it did before. */
export function start() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const isNow = (state, why = null) => {
    if (signal.aborted) return;
    // Each try that fails leaves it as it was: away since then.
    if (state !== connection.state) Object.assign(connection, { state, since: Date.now() });
    connection.why = why;
    draw();
  };
  follow("events", (name, message) => {
    directory.take(name, message, now());
    draw();
  }, isNow, signal);
}

key.changed.addEventListener("change", () => {
  connection.state = "connecting";
  // What one key may read is not for who has another one, or has given it back.
  directory.clear();
  start();
});
setInterval(draw, TICK_MS);
