// What a subtree holds becomes a dashboard, and a dashboard can be changed and changed back.

import assert from "node:assert/strict";
import test from "node:test";
import * as draft from "../../broker/src/door/web/page/draft.js";
import { read } from "../../broker/src/door/web/page/layout.js";
import { propose } from "../../broker/src/door/web/page/propose.js";
import { setting, TYPES } from "../../broker/src/door/web/page/widgets/types.js";

const types = (data) => Object.values(propose([{ ns: "shop.it", data }], "shop").dashboard.widgets).map(({ type, path }) => type + (path ?? ""));

test("each kind of value gets its widget", () => {
  const cases = [
    [true, ["led"]], [21.5, ["indicator"]], ["on", ["display"]], [null, []], [[], ["display"]],
    [{ open: true }, ["led/open"]], [{ temperature_c: 21 }, ["gauge/temperature_c"]], [{ temperature_c: 900 }, ["indicator/temperature_c"]],
    [{ volts: 230, amperes: 8 }, ["indicator/volts", "indicator/amperes", "graph"]],
    [{ state: "a", rpm: 9 }, ["display/state", "indicator/rpm"]],
    [{ "a/b": { c: 1 } }, ["indicator/a~1b/c"]],
  ];
  for (const [data, expected] of cases) assert.deepEqual(types(data), expected, JSON.stringify(data));
});

test("all that is proposed is laid out, for each screen", () => {
  const things = Array.from({ length: 50 }, (_, i) => ({ ns: `shop.t${String(i).padStart(2, "0")}`, data: { a: i, ok: i % 2 === 0 } }));
  const { dashboard, left } = propose(things, "shop");
  const ids = Object.keys(dashboard.widgets).sort();
  assert.equal(ids.length + left, 100);
  for (const layout of Object.values(dashboard.layouts)) assert.deepEqual(read(layout).boxes.map(({ id }) => id).sort(), ids);
  assert.deepEqual(propose(things, "shop").dashboard, dashboard);
});

test("what is done can be undone and done again", () => {
  let it = draft.begin({ label: "x", theirs: 1 });
  const first = it.now;
  const added = draft.add(it.now, "gauge");
  it = draft.change(it, added.dashboard);
  it = draft.change(it, draft.set(it.now, added.id, "label", "a"), "label");
  it = draft.change(it, draft.set(it.now, added.id, "label", "ab"), "label");
  it = draft.change(it, draft.move(it.now, "wide", { id: added.id, x: 4, y: 2, w: 3, h: 3 }));
  const last = it.now;
  assert.deepEqual(last.layouts.wide.widgets, [[added.id, 4, 2, 3, 3]]);
  assert.equal(last.theirs, 1);
  for (const label of ["ab", undefined]) {
    it = draft.undo(it);
    assert.equal(it.now.widgets[added.id].label, label);
  }
  it = draft.undo(draft.undo(it));
  assert.equal(it.now, first);
  it = draft.redo(draft.redo(draft.redo(draft.redo(it))));
  assert.equal(it.now, last);
});

test("layouts come, go and change their size with all that they show", () => {
  let board = draft.begin({}).now;
  for (const type of Object.keys(TYPES)) board = draft.add(board, type).dashboard;
  board = draft.makeLayout(board, "phone");
  assert.equal(read(board.layouts.phone).boxes.length, Object.keys(TYPES).length);
  board = draft.resize(board, "phone", 2, 3);
  for (const { x, w } of read(board.layouts.phone).boxes) assert.ok(x + w <= 2);
  board = draft.copy(board, "gauge-1").dashboard;
  assert.ok(board.widgets["gauge-2"]);
  board = draft.remove(board, "gauge-1");
  for (const layout of Object.values(board.layouts)) {
    const ids = read(layout).boxes.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(ids.sort(), Object.keys(board.widgets).sort());
  }
  assert.deepEqual(Object.keys(draft.removeLayout(board, "phone").layouts), ["wide"]);
});

test("a property is what was set, or its default where that is none", () => {
  assert.equal(setting({ type: "gauge" }, "max"), 100);
  assert.equal(setting({ type: "gauge", max: "x" }, "max"), 100);
  assert.equal(setting({ type: "gauge", divisions: 2 }, "divisions"), 5);
  assert.equal(setting({ type: "graph", "time-range": "3 days" }, "time-range"), "5m");
  assert.equal(setting({ type: "led", color: null }, "color"), "#FFFF00");
  assert.equal(setting({ type: "hologram", x: 3 }, "x"), 3);
  assert.equal(setting({ type: "button", value: "" }, "value"), "");
  assert.equal(setting({ type: "button", value: null }, "value"), null);
  assert.equal(setting({ type: "button" }, "value"), true);
  for (const type of ["constructor", "__proto__", "toString"]) assert.equal(setting({ type }, "max"), undefined);
});
