// How the broker is: what it keeps, what comes in by which door, and what it refused.

import { useAgain } from "./again.js";
import { get } from "./api.js";
import { Rejected } from "./rejected.js";
import { html, useState } from "./vendor/preact.js";
import * as words from "./words.js";

const AGAIN_MS = 2000;

const DOORS = { zmq_in: "Senders, ZeroMQ", udp_in: "Senders, UDP", query: "Queries", http: "Web" };

export function Broker() {
  const [status, setStatus] = useState(null);
  const [problem, setProblem] = useState(null);
  useAgain(async (signal) => {
    try {
      setStatus(await get("status", { signal }));
      setProblem(null);
    } catch (problem) {
      setProblem(problem);
    }
  }, AGAIN_MS);
  if (!status) return html`<p class="empty ${problem ? "error" : "soft"}">${problem?.message ?? "Asking the broker…"}</p>`;
  const { freshness, limits } = status;
  return html`
    <div class="page">
      <header class="title"><h1>Broker</h1><span class="soft">Thingsbus ${status.version}, up ${words.age(status.uptime_s)}</span></header>
      ${problem && html`<p class="error" role="alert">${problem.message}</p>`}
      <div class="cards">
        <section class="card"><h2>Directory</h2>
          <dl class="facts">
            <dt>Things</dt><dd>${words.whole.format(status.things)} of at most ${words.whole.format(limits.things_max)}</dd>
            <dt>Freshness</dt><dd>${["fresh", "late", "silent"].map((word) => `${words.whole.format(freshness[word])} ${word}`).join(", ")}</dd>
            <dt>Size</dt><dd>${bytes(status.directory_bytes)} of at most ${bytes(limits.directory_bytes_max)}</dd>
            <dt>Updates so far</dt><dd>${words.whole.format(status.seq)}</dd>
          </dl>
        </section>
        <section class="card"><h2>On disk</h2>
          <dl class="facts">
            <${Kept} title="Directory" store=${status.store} />
            <${Kept} title="History" store=${status.history} />
          </dl>
        </section>
      </div>
      <section class="card"><h2>Doors</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="Doors"><table class="list">
          <thead><tr><th>Door</th><th class="number">Taken</th><th class="number">Mended</th><th class="number">Rejected</th><th class="number">Connections</th><th>Why rejected</th></tr></thead>
          <tbody>${Object.entries(DOORS).filter(([door]) => status.doors[door]).map(([door, title]) => html`<${Door} title=${title} door=${status.doors[door]} />`)}</tbody>
        </table></div>
        <${Clients} clients=${status.doors.clients} />
      </section>
      <${Rejected} />
      <p><a href="docs">What can be asked by HTTP</a> · <a href="metrics">metrics</a> · <a href="status">all of this as JSON</a></p>
    </div>`;
}

function Door({ title, door }) {
  const updates = door.updates ?? door;
  const reasons = Object.entries(updates.reasons).map(([reason, count]) => `${reason.replaceAll("_", " ")} ${words.whole.format(count)}`);
  if (updates.dropped_by_system) reasons.push(`dropped by the system ${words.whole.format(updates.dropped_by_system)}`);
  const count = (number) => html`<td class="number">${number === undefined ? "" : words.whole.format(number)}</td>`;
  return html`<tr><td>${title}</td>${count(updates.accepted)}${count(updates.repaired)}${count(updates.rejected)}${count(door.connections?.open)}<td>${reasons.join(", ")}</td></tr>`;
}

function Clients({ clients }) {
  const { sent, merged, dropped, connections } = clients;
  return html`<p>Clients: ${words.whole.format(connections.open)} connected, ${words.whole.format(sent)} messages sent,
    ${" "}${words.whole.format(merged)} merged for slow ones, ${words.whole.format(dropped)} dropped.</p>`;
}

/** What is kept on disk, and whether that goes well. */
function Kept({ title, store }) {
  if (!store) return html`<dt>${title}</dt><dd>is not kept</dd>`;
  const isWell = store.state === "ok";
  return html`<dt>${title}</dt><dd>${isWell ? "is kept" : html`<span class="error">${store.state}: ${store.error}</span>`} <span class="soft">in ${store.path}</span></dd>`;
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

function bytes(count) {
  const power = Math.min(UNITS.length - 1, count ? Math.floor(Math.log2(count) / 10) : 0);
  return new Intl.NumberFormat(words.locale, { style: "unit", unit: UNITS[power], maximumSignificantDigits: 3 }).format(count / 1024 ** power);
}
