// Which rows the tree has.

import assert from "node:assert/strict";
import test from "node:test";

import { Directory } from "../../broker/src/door/web/page/directory.js";
import { outline } from "../../broker/src/door/web/page/outline.js";

function directory(...things) {
  const directory = new Directory();
  for (const [ns, freshness] of things.map((it) => it.split(" "))) {
    directory.take("update", { ns, data: 1, seq: 1, received: 1, freshness: freshness ?? "fresh" }, 1);
  }
  return directory;
}

const all = { words: [], freshness: null, closed: new Set() };
const shape = ({ rows }) => rows.map((row) => `${"  ".repeat(row.level)}${row.name}${row.thing ? "" : "/"}${row.below || ""}`);

test("parents without data have rows, and children follow their parents", () => {
  const made = outline(directory("shop.lathe", "shop.lathe-2", "shop.lathe.spindle", "lab"), all);
  assert.deepEqual(shape(made), ["lab", "shop/3", "  lathe1", "    spindle", "  lathe-2"]);
  assert.deepEqual([made.shown, made.all], [4, 4]);
});

test("what is below a closed row is not shown, but counted", () => {
  const made = outline(directory("a.b.c", "a.d silent", "e"), { ...all, closed: new Set(["a"]) });
  assert.deepEqual(shape(made), ["a/2", "e"]);
  assert.equal(made.rows[0].silent, 1);
});

test("each word must be in the name; who looks for something sees it, closed or not", () => {
  const made = outline(directory("a.bee.c", "a.bee.d", "x.bee"), { words: ["bee", "c"], freshness: null, closed: new Set(["a"]) });
  assert.deepEqual(shape(made), ["a/1", "  bee/1", "    c"]);
  assert.deepEqual([made.shown, made.all], [1, 3]);
});

test("only what is silent", () => {
  assert.deepEqual(shape(outline(directory("a late", "b silent", "c"), { ...all, freshness: "silent" })), ["b"]);
});

test("dashboards are none of the things", () => {
  assert.deepEqual(shape(outline(directory("dashboards.shop", "dashboards2"), all)), ["dashboards2"]);
});
