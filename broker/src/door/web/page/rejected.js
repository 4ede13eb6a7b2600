// What the broker did not take, from whom and why.

import { useAgain } from "./again.js";
import { get } from "./api.js";
import { html, useState } from "./vendor/preact.js";
import * as words from "./words.js";

const AGAIN_MS = 5000;

/** `under`: only what would have been of this thing, or below it; where there is nothing of it, nothing is shown. */
export function Rejected({ under }) {
  const [rejected, setRejected] = useState(null);
  const [problem, tell] = useState(null);
  useAgain(async (signal) => {
    try {
      const which = under ? `?${new URLSearchParams({ under })}` : "";
      setRejected((await get(`rejected${which}`, { signal })).rejected);
      tell(null);
    } catch (error) {
      tell(error.message);
    }
  }, AGAIN_MS, [under]);
  if (under && !rejected?.length) return null;
  return html`
    <section class="card">
      <h2>Rejected lately</h2>
      ${rejected === null ? html`<p class=${problem ? "error" : "soft"}>${problem ?? "Asking the broker…"}</p>`
        : rejected.length === 0 ? html`<p class="soft">Everything that was sent was taken.</p>` : html`
      <div class="scroll" tabindex="0" role="region" aria-label="Rejected lately"><table class="list">
        <thead><tr><th>When</th><th>From</th><th>Why</th><th>What</th></tr></thead>
        <tbody>${rejected.map((it) => html`<tr>
          <td>${words.when(it.ts)}</td><td class="wrap">${it.from}</td>
          <td>${it.message}</td><td class="wrap"><code>${it.excerpt}</code></td></tr>`)}
        </tbody></table></div>`}
    </section>`;
}
