// Brain4it's dashboards come in, and everything goes out as it came.

import assert from "node:assert/strict";
import test from "node:test";
import { shown, target, parsePlace, whyUnbound } from "../../broker/src/door/web/page/binding.js";
import { parse } from "../../broker/src/door/web/page/bpl.js";
import { nameFor, readDashboards, writeDashboards } from "../../broker/src/door/web/page/brain4it.js";

const GAUGE = { type: "gauge", min: 0, "get-value": null, theirs: [1, { a: null }] };
const BOARD = { label: "Main", widgets: { g: GAUGE, odd: { type: "hologram", depth: 3 } }, layouts: { "mobile-vertical": { dimensions: [4, 6], stretch: true, widgets: [["g", 0, 0, 2, 2]] } }, "polling-interval": 0 };

test("what came in goes out, with what is not known here", () => {
  const text = writeDashboards([BOARD, { ...BOARD, label: "Other" }, { ...BOARD, label: "Main" }]);
  const found = readDashboards(text);
  assert.deepEqual(found.map(({ dashboard }) => dashboard), [BOARD, { ...BOARD, label: "Other" }, BOARD]);
  assert.deepEqual(Object.keys(JSON.parse(text)), ["Main", "Other", "Main 2"]);
});

test("one alone, several by their labels, a list, and a named list within", () => {
  const { label, ...plain } = BOARD;
  const labels = (value) => readDashboards(JSON.stringify(value)).map((it) => it.label);
  assert.deepEqual(labels(BOARD), ["Main"]);
  assert.deepEqual(labels({ Hall: plain, Roof: plain }), ["Hall", "Roof"]);
  assert.deepEqual(labels([plain, plain]), ["dashboard-1", "dashboard-2"]);
  assert.deepEqual(labels({ "@dashboards": { Hall: plain } }), ["Hall"]);
  assert.deepEqual(labels({ dashboards: { Hall: plain } }), ["Hall"]);
});

test("its own notation", () => {
  const text = `("@dashboards" => ("Control \\"1\\"" => (
    "widgets" => ("g" => ("type" => "gauge" "min" => -1.5e1 "get-value" => @get-temperature) "d" => ("type" => "display" "get-value" => shop/climate))
    "layouts" => ("mobile-vertical" => ("dimensions" => (4 6) "stretch" => true "widgets" => (("g" 0 0 2 2) ("d" 2 0))))
    "polling-interval" => 0) "Empty" => ("widgets" => () "layouts" => ())))`;
  const [one, other] = readDashboards(text);
  assert.equal(one.label, 'Control "1"');
  assert.deepEqual(one.dashboard.widgets.g, { type: "gauge", min: -15, "get-value": "@get-temperature" });
  assert.deepEqual(shown(one.dashboard.widgets.g), { ns: "get-temperature", path: "" });
  assert.deepEqual(shown(one.dashboard.widgets.d), { ns: "shop", path: "/climate" });
  assert.deepEqual(one.dashboard.layouts["mobile-vertical"].widgets, [["g", 0, 0, 2, 2], ["d", 2, 0]]);
  assert.deepEqual(other.dashboard.widgets, {});
});

test("lists that take their names from others, and links", () => {
  const [{ value }] = parse('((<#1> "name" => "a" "n" => 1) (<#:1> "b" 2) (<#2:1> "name" => "c" "n" => 3) <@2>)');
  assert.deepEqual(value, [{ name: "a", n: 1 }, { name: "b", n: 2 }, { name: "c", n: 3 }, { name: "c", n: 3 }]);
});

test("what is none is refused, with its line", () => {
  const refused = [
    ['("Main" =>\n(function (c b) 1))', /Line 2: “function” begins code/],
    ['(\n\n("a"', /Line 3: a list does not end/],
    ['("a" => 1\n2)', /Line 2: either all/],
    ['("a\n" => 1)', /Line 1: a text does not end/],
    ['("a" => 1))', /Line 1: /],
    ["(1 <@7>)", /stands for no list/],
    [`${"(".repeat(100)}`, /deeper than 64/],
    ['{"widgets":\n{,}', /Line 2: this is neither JSON/],
    ['{"a":1}', /no dashboard/],
    ['{"widgets":{"a":3},"layouts":{}}', /“a”/],
    ['{"widgets":[1],"layouts":{}}', /“widgets”/],
  ];
  for (const [text, why] of refused) assert.throws(() => readDashboards(text), why, text);
});

test("links that would make too much are refused", () => {
  const lines = Array.from({ length: 40 }, (_, i) => `(<#${i + 1}> ${i ? `<@${i}> <@${i}>` : "1 2 3"})`);
  assert.throws(() => parse(`(${lines.join("\n")})`), /too many values/);
});

test("where a widget is bound", () => {
  assert.deepEqual(parsePlace("@shop.climate/a/0"), { ns: "shop.climate", path: "/a/0" });
  assert.equal(parsePlace("getTemperature"), null);
  assert.equal(shown({ "get-value": null }), null);
  assert.deepEqual(shown({ thing: "a.b", path: "c", "get-value": "x" }), { ns: "a.b", path: "/c" });
  assert.deepEqual(target({ thing: "a", path: "/b" }), { ns: "a", path: "/b" });
  assert.deepEqual(target({ thing: "a", path: "/b", to: "c" }), { ns: "c", path: "" });
  assert.deepEqual(target({ thing: "a", path: "/b", "to-path": "/set" }), { ns: "a", path: "/set" });
  assert.deepEqual(target({ "get-value": "a/b", "set-value": "a/set" }), { ns: "a", path: "/set" });
  assert.deepEqual(target({ "get-value": "a/b" }), { ns: "a", path: "/b" });
  assert.match(whyUnbound({ "get-value": "getTemp" }), /getTemp/);
  assert.match(whyUnbound({ "get-value": null }), /Bound to nothing/);
});

test("names are made of labels", () => {
  const taken = new Set(["hall"]);
  const name = (label) => nameFor(label, (it) => taken.has(it));
  assert.equal(name("Hall"), "hall-2");
  assert.equal(name("Küche / 1. Stock"), "kuche-1-stock");
  assert.equal(name("測試"), "dashboard");
  assert.equal(name("2nd"), "dashboard-2nd");
  for (const label of ["x".repeat(99), "--", "Ω", "ß"]) assert.match(name(label), /^[a-z][a-z0-9_-]{0,63}$/);
});

test("a label may be anything", () => {
  const odd = { widgets: {}, layouts: {}, label: "__proto__" };
  assert.deepEqual(readDashboards(writeDashboards([odd, odd])).map(({ label }) => label), ["__proto__", "__proto__"]);
  assert.equal(readDashboards(JSON.stringify({ ...odd, label: 5 }))[0].dashboard.label, "Dashboard");
});
