// What the broker did not take, from whom and why.

import { get } from "./api.js";
import { html, useEffect, useState } from "./vendor/preact.js";
import * as words from "./words.js";

const AGAIN_MS = 5000;

/** `under`: only what would have been of this thing, or below it; where there is nothing of it, nothing is shown. */
export function Rejected({ under }) {
  const [rejected, setRejected] = useState([]);
  useEffect(() => {
    const stopped = new AbortController();
    let timer;
    const look = async () => {
      try {
        if (!document.hidden) {
          const which = under ? `?${new URLSearchParams({ under })}` : "";
          setRejected((await get(`rejected${which}`, { signal: stopped.signal })).rejected);
        }
      } catch {
        // It is asked for again; that the broker is away is told above all pages.
      }
      if (!stopped.signal.aborted) timer = setTimeout(look, AGAIN_MS);
    };
    look();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [under]);
  if (under && rejected.length === 0) return null;
  return html`
    <section class="card">
      <h2>Rejected lately</h2>
      ${rejected.length === 0 ? html`<p class="soft">Everything that was sent was taken.</p>` : html`
      <div class="scroll" tabindex="0" role="region" aria-label="Rejected lately"><table class="list">
        <thead><tr><th>When</th><th>From</th><th>Why</th><th>What</th></tr></thead>
        <tbody>${rejected.map((it) => html`<tr>
          <td>${words.when(it.ts)}</td><td class="wrap">${it.from}</td>
          <td>${it.message}</td><td class="wrap"><code>${it.excerpt}</code></td></tr>`)}
        </tbody></table></div>`}
    </section>`;
}
