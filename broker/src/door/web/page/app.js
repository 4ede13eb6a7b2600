// Which page is shown, and what stands around all of them.

import { html, render } from "./vendor/preact.js";

render(html`<main>Thingsbus</main>`, document.body);
