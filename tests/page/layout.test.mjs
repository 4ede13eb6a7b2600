// Where widgets go, and which layout a screen gets.

import assert from "node:assert/strict";
import test from "node:test";
import { choose, flow, free, inReadingOrder, put, read, reflow, screenOf } from "../../broker/src/door/web/page/layout.js";

const box = (id, x, y, w, h) => ({ id, x, y, w, h });

/** Boxes from a drawing: each letter is one, dots are free. */
function drawn(...lines) {
  const boxes = new Map();
  lines.forEach((line, y) => [...line].forEach((id, x) => {
    if (id === ".") return;
    const at = boxes.get(id) ?? box(id, x, y, 1, 1);
    boxes.set(id, { ...at, w: x - at.x + 1, h: y - at.y + 1 });
  }));
  return [...boxes.values()];
}

test("what is in the way goes down, and nothing else moves", () => {
  const boxes = drawn("aab.", "aab.", "ccdd");
  assert.deepEqual(put(boxes, box("b", 1, 0, 1, 2), 4), [box("a", 0, 2, 2, 2), box("b", 1, 0, 1, 2), box("c", 0, 4, 2, 1), box("d", 2, 2, 2, 1)]);
});

test("whatever is moved, no two overlap and all stay inside", () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  let boxes = flow(Array.from({ length: 12 }, (_, i) => box(`w${i}`, 0, 0, 1 + random(4), 1 + random(3))), 8);
  for (let round = 0; round < 300; round++) {
    boxes = put(boxes, box(`w${random(12)}`, random(12) - 2, random(10) - 1, 1 + random(10), 1 + random(4)), 8);
    for (const one of boxes) {
      assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.w <= 8, `round ${round}: ${JSON.stringify(one)}`);
      for (const other of boxes) {
        const isApart = one === other || one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y;
        assert.ok(isApart, `round ${round}: ${one.id} and ${other.id}`);
      }
    }
  }
});

test("the first free place, as one reads", () => {
  assert.deepEqual(free(drawn("aa.b", "aa.."), 2, 1, 4), { x: 2, y: 1, w: 2, h: 1 });
  assert.deepEqual(free([], 9, 1, 4), { x: 0, y: 0, w: 4, h: 1 });
});

test("a layout is read whatever was written", () => {
  for (const layout of [null, 7, [], {}, { dimensions: "x", widgets: 3 }]) assert.deepEqual(read(layout).boxes, []);
  const { boxes, columns, rows } = read({ dimensions: [4, 2], widgets: [["a", 3, 5, 9], ["b"], 7, [8, 1], ["c", -2, "x", 0, null]] });
  assert.deepEqual([columns, rows], [4, 6]);
  assert.deepEqual(boxes, [box("a", 0, 5, 4, 1), box("b", 0, 0, 1, 1), box("c", 0, 0, 1, 1)]);
});

test("a phone without a layout of its own gets all in reading order", () => {
  const wide = { dimensions: [12, 4], widgets: [["b", 6, 0, 6, 2], ["a", 0, 0, 6, 2], ["s", 0, 2, 2, 1], ["t", 2, 2, 2, 1]] };
  const { layout, isMade, name } = choose({ wide }, 390);
  assert.equal(isMade, true);
  assert.equal(name, null);
  assert.deepEqual(inReadingOrder(read(layout).boxes).map(({ id, w }) => `${id}${w}`), ["a4", "b4", "s2", "t2"]);
});

test("a screen gets its layout, else the one that fits", () => {
  const wide = { dimensions: [12, 4] };
  const phone = { dimensions: [4, 9] };
  assert.equal(choose({ wide, phone }, 390).name, "phone");
  assert.equal(choose({ wide, phone }, 800).name, "wide");
  assert.equal(choose({ wide, phone }, 640).name, "phone");
  assert.equal(choose({ "mobile-vertical": phone }, 1900).name, "mobile-vertical");
  assert.equal(choose({ main: { dimensions: [4, 4] } }, 390).name, "main");
  assert.equal(choose({}, 390), null);
  assert.equal(choose("x", 390), null);
});

test("names and columns say what a layout is for", () => {
  assert.equal(screenOf("mobile-vertical", { dimensions: [12, 8] }), "phone");
  assert.equal(screenOf("mobile-horizontal", {}), "tablet");
  assert.equal(screenOf("x", { dimensions: [16, 9] }), "wide");
});

test("what is put together anew has all widgets, once", () => {
  const wide = { dimensions: [12, 4], theirs: 1, widgets: [["a", 0, 0, 6, 2], ["b", 6, 0, 6, 2], ["c", 0, 2, 12, 1]] };
  const narrow = reflow(wide, 8);
  assert.equal(narrow.theirs, 1);
  assert.deepEqual(narrow.widgets.map(([id]) => id).sort(), ["a", "b", "c"]);
});

test("a widget is in a layout once, and there are not very many", () => {
  const { boxes } = read({ dimensions: [12, 8], widgets: Array.from({ length: 20_000 }, (_, index) => [`w${Math.floor(index / 2)}`, 0, 0, 1, 1]) });
  assert.equal(boxes.length, 500);
  assert.equal(new Set(boxes.map(({ id }) => id)).size, 500);
});
