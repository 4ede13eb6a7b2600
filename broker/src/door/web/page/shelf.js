// Where dashboards are kept: each is a thing `dashboards.NAME` whose value it is.

import { ask, place } from "./api.js";
import { nameFor } from "./brain4it.js";
import { directory } from "./live.js";
import { SHELF } from "./outline.js";

/** All dashboards that there are, by their labels. */
export function dashboards() {
  const found = [...directory.things.values()].filter(({ ns, data }) => ns.startsWith(`${SHELF}.`) && data !== null && typeof data === "object");
  return found.map((thing) => ({ name: thing.ns.slice(SHELF.length + 1), thing })).sort((one, other) => labelOf(one).localeCompare(labelOf(other)));
}

export function labelOf({ name, thing }) {
  const label = thing.data?.label;
  return typeof label === "string" && label ? label : name;
}

/** Keeps a new dashboard under a name of its own. @returns {Promise<string>} the name */
export async function keep(dashboard) {
  const taken = new Set();
  for (;;) {
    const name = nameFor(labelOf({ name: "", thing: { data: dashboard } }), (it) => taken.has(it) || directory.things.has(`${SHELF}.${it}`));
    try {
      await write(name, dashboard, { "If-None-Match": "*" });
      return name;
    } catch (error) {
      // Another page took the name just now.
      if (error.status !== 412) throw error;
      taken.add(name);
    }
  }
}

/** Writes where `condition` holds; else a `Problem` of status 412. @returns {Promise<{seq: number}>} */
export async function write(name, dashboard, condition) {
  const headers = { "Content-Type": "application/json", ...condition };
  const answer = await ask("PUT", place(`${SHELF}.${name}`), { body: JSON.stringify(dashboard), headers });
  return answer.json();
}

/** A dashboard as it is now, with the tag by which the broker knows whether somebody else changed it meanwhile. */
export async function fetchOne(name) {
  const answer = await ask("GET", place(`${SHELF}.${name}`));
  return { dashboard: (await answer.json()).data, tag: answer.headers.get("ETag") };
}

export async function forget(name) {
  await ask("DELETE", place(`${SHELF}.${name}`));
}

export function open(name, rest = "") {
  location.hash = `#/dashboards/${name}${rest}`;
}

/** Gives a text as a file. */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
