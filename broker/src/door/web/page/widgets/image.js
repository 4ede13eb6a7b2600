// Shows an image, or a camera's stream of images, from an address.

import { webAddress } from "../value.js";
import { html, useState } from "../vendor/preact.js";
import { setting } from "./types.js";

/** An address that can be shown; null: it is none. */
function addressOf(text) {
  if (typeof text !== "string" || text === "") return null;
  return text.startsWith("data:image/") ? text : webAddress(text, document.baseURI);
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
