// The grid of the editor: widgets are chosen, dragged and resized on it, by pointer or by keys.

import * as drafts from "./draft.js";
import { boxStyle, cells, GAP, useSize } from "./grid.js";
import { isObject, put, read, screenOf } from "./layout.js";
import { html, useRef, useState } from "./vendor/preact.js";
import { nameOf, Widget } from "./widget.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A box's place, in words. */
export const where = (box) => (box ? `column ${box.x + 1}, row ${box.y + 1}, ${box.w} wide, ${box.h} high` : "not in this layout");

/**
 * @param {(dashboard: object, topic?: string) => void} act takes the changed dashboard
 * @param {(text: string) => void} say tells who does not see it
 * @param {() => void} enter goes to the properties
 */
export function Canvas({ dashboard, layout, selected, select, act, say, remove, enter }) {
  const room = useRef();
  const grid = useRef();
  const size = useSize(room);
  const [drag, setDrag] = useState(null);
  const shape = read(dashboard.layouts[layout]);
  const boxes = drag ? put(shape.boxes, drag.box, shape.columns) : shape.boxes;
  const rows = Math.max(shape.rows, ...boxes.map(({ y, h }) => y + h));
  const style = size && { ...cells({ ...shape, rows }, size), ...(shape.isStretched && { "--across": "minmax(44px, 1fr)" }) };

  const start = (event, box, isResize) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    const wasSelected = selected === box.id;
    select(box.id);
    // On a touch screen the first tap chooses; who then drags what is chosen does not want to scroll.
    if (event.pointerType === "touch" && !wasSelected) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const { width } = grid.current.querySelector(".guide").getBoundingClientRect();
    const across = (width + GAP) / shape.columns;
    const down = parseFloat(style["--row"]) + GAP;
    setDrag({ from: box, box, isResize, x: event.clientX, y: event.clientY, across, down });
  };
  const move = (event) => {
    if (!drag) return;
    const { from, isResize, across, down } = drag;
    const dx = Math.round((event.clientX - drag.x) / across);
    const dy = Math.round((event.clientY - drag.y) / down);
    setDrag({ ...drag, box: changed(from, dx, dy, isResize, shape.columns) });
  };
  const drop = () => {
    if (!drag) return;
    if (drag.box !== drag.from) settle(drag.box);
    setDrag(null);
  };
  const settle = (box, topic) => {
    const moved = drafts.move(dashboard, layout, box);
    act(moved, topic);
    say(`${nameOf(box.id, dashboard.widgets[box.id] ?? {})}: ${where(read(moved.layouts[layout]).boxes.find(({ id }) => id === box.id))}`);
  };
  const byKey = (event, box) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) settle(changed(box, ...arrow, event.shiftKey, shape.columns), `${layout} ${box.id}`);
    else if (event.key === "Delete" || event.key === "Backspace") {
      const others = grid.current.querySelectorAll(".grip");
      const next = [...others].indexOf(event.currentTarget);
      remove(box.id);
      requestAnimationFrame(() => grid.current.querySelectorAll(".grip")[Math.max(0, next - 1)]?.focus());
    } else if (event.key === "Escape") {
      setDrag(null);
      select(null);
    } else if (event.key === "Enter") {
      select(box.id);
      requestAnimationFrame(enter);
    } else return;
    event.preventDefault();
  };

  return html`<div class="canvas-room" ref=${room} onPointerDown=${() => select(null)}>
    <p class="unseen" id="grip-help">Arrow keys move it, with shift they resize it, Enter shows its properties, Delete removes it.</p>
    <div class=${`board editing screen-${screenOf(layout, dashboard.layouts[layout])}`} ref=${grid} style=${style}>
      ${style && Array.from({ length: rows }, (_, y) => html`<div class="guide" style=${boxStyle({ x: 0, y, w: shape.columns, h: 1 })}></div>`)}
      ${style && boxes.map((box) => {
        const widget = isObject(dashboard.widgets[box.id]) ? dashboard.widgets[box.id] : {};
        const isCurrent = selected === box.id;
        return html`<div key=${box.id} class=${`cell ${isCurrent ? "selected" : ""} ${drag?.box.id === box.id ? "dragged" : ""}`} style=${boxStyle(box)}>
          <div class="still" inert><${Widget} id=${box.id} widget=${widget} /></div>
          <button class="grip" aria-pressed=${isCurrent} aria-describedby="grip-help" aria-label=${`${nameOf(box.id, widget)}, ${widget.type}, ${where(box)}`}
            onFocus=${(event) => event.currentTarget.matches(":focus-visible") && select(box.id)}
            onClick=${() => select(box.id)} onKeyDown=${(event) => byKey(event, box)}
            onPointerDown=${(event) => start(event, box, false)} onPointerMove=${move} onPointerUp=${drop} onPointerCancel=${() => setDrag(null)}></button>
          <span class="corner" aria-hidden="true" onPointerDown=${(event) => start(event, box, true)} onPointerMove=${move} onPointerUp=${drop} onPointerCancel=${() => setDrag(null)}></span>
        </div>`;
      })}
    </div>
    ${!shape.boxes.length && html`<p class="hint">Nothing is here yet: add a widget.</p>`}
  </div>`;
}

/** Moved or resized by so many cells, inside the columns. */
function changed(box, dx, dy, isResize, columns) {
  const between = (least, it, most) => Math.max(least, Math.min(most, it));
  return isResize
    ? { ...box, w: between(1, box.w + dx, columns - box.x), h: Math.max(1, box.h + dy) }
    : { ...box, x: between(0, box.x + dx, columns - box.w), y: Math.max(0, box.y + dy) };
}
