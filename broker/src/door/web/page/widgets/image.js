// Shows an image, or a camera's stream of images, from an address.

import { html, useState } from "../vendor/preact.js";
import { setting } from "./types.js";

/** An address that can be shown; null: it is none. */
export function addressOf(text) {
  if (typeof text !== "string" || text === "") return null;
  if (text.startsWith("data:image/")) return text;
  try {
    const url = new URL(text, document.baseURI);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export function Image({ widget, value, place, name }) {
  const address = addressOf(place ? value : setting(widget, "url"));
  const [failed, fail] = useState(null);
  if (!address) return html`<p class="hint">${place ? "There is no image’s address." : "Give it an address, or a thing that says one."}</p>`;
  if (failed === address) {
    return html`<p class="hint">The image does not come. <button onClick=${() => fail(null)}>Try again</button></p>`;
  }
  return html`<img class="picture" src=${address} alt=${name} referrerpolicy="no-referrer" onError=${() => fail(address)} />`;
}
