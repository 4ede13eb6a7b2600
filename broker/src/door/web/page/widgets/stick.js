// Two numbers from -100 to 100 under one finger: right and up are more.

import { html, useRef, useState } from "../vendor/preact.js";
import { target } from "../binding.js";
import { useLeaving, useSend } from "./send.js";
import { setting } from "./types.js";
import { written } from "./values.js";

const MOST = 100;
const STEP = 10;
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

const inside = (it) => Math.max(-MOST, Math.min(MOST, Math.round(it)));

/** What is no pair is in the middle. */
function pairOf(value) {
  const isPair = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
  return isPair ? value.map(inside) : [0, 0];
}

export function Stick({ widget, place, name }) {
  const to = target(widget);
  const { shown, latest, send, answer } = useSend(to, place, { interval: setting(widget, "invoke-interval") });
  const pad = useRef();
  const [held, hold] = useState(null);
  const [x, y] = held ?? pairOf(shown);
  const move = (pair) => {
    hold(pair);
    send(pair);
  };
  const point = ({ clientX, clientY }) => {
    const { left, top, width, height } = pad.current.getBoundingClientRect();
    move([inside(((clientX - left) / width) * 2 * MOST - MOST), inside(MOST - ((clientY - top) / height) * 2 * MOST)]);
  };
  const isHeld = useRef(false);
  const release = () => {
    if (!isHeld.current) return;
    isHeld.current = false;
    if (setting(widget, "springs-back")) send([0, 0], { isEnd: true });
    hold(null);
  };
  useLeaving(release);
  const byKey = (event) => {
    const step = KEYS[event.key];
    if (event.key !== "Home" && !step) return;
    event.preventDefault();
    const [x, y] = pairOf(latest());
    send(step ? [inside(x + step[0]), inside(y + step[1])] : [0, 0]);
  };
  const axis = (label, value, pair) => html`<input class="unseen" type="range" min=${-MOST} max=${MOST} step=${STEP} value=${value} disabled=${!to}
    aria-label=${`${name}, ${label}`} onInput=${({ target }) => send(pair(pairOf(latest()), target.valueAsNumber))} />`;
  return html`<div class="pad" ref=${pad} role="group" aria-label=${name} title="Arrow keys move it, Home brings it to the middle" onKeyDown=${byKey}
      onPointerDown=${(event) => {
        if (!to || event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        isHeld.current = true;
        point(event);
      }}
      onPointerMove=${(event) => isHeld.current && point(event)} onPointerUp=${release} onPointerCancel=${release}>
      ${axis("left and right", x, ([, y], it) => [it, y])}${axis("up and down", y, ([x], it) => [x, it])}
      <span class="knob" style=${{ left: `${(x + MOST) / 2}%`, top: `${(MOST - y) / 2}%` }} aria-hidden="true"></span>
    </div>
    <p class="pair value">${written(x)} · ${written(y)}</p>
    ${answer}`;
}
