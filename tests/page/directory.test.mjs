// What the page's directory makes of what a stream tells.

import assert from "node:assert/strict";
import test from "node:test";

import { Directory, isBelow, SPARK_MAX } from "../../broker/src/door/web/page/directory.js";

const told = (ns, data, more = {}) => ({ ns, type: "thing_update", ts: 1, data, documentation_url: null, seq: 1, ...more });
const known = (ns, data, more) => told(ns, data, { received: 5, freshness: "fresh", interval: 2, deviation: 0.1, rate: 0.5, late_after: 5, ...more });

function whole(...things) {
  const directory = new Directory();
  directory.take("begin", {}, 10);
  for (const ns of things) directory.take("update", known(ns, 1), 10);
  directory.take("mark", { since: null }, 10);
  return directory;
}

test("a snapshot and then updates", () => {
  const directory = whole("shop.lamp");
  const lamp = directory.things.get("shop.lamp");
  assert.equal(lamp.received, 5);
  assert.equal(lamp.lateAfter, 5);
  assert.ok(directory.isWhole);
  directory.take("update", told("shop.lamp", 2, { seq: 2 }), 20);
  assert.deepEqual([lamp.data, lamp.before, lamp.received, lamp.interval], [2, 1, 20, 2]);
  assert.equal(directory.updates, 1);
});

test("what a whole snapshot does not name is gone, what a resumed one does not name stays", () => {
  const directory = whole("a", "b");
  directory.take("begin", {}, 20);
  directory.take("update", known("b", 2, { seq: 9 }), 20);
  directory.take("mark", { since: 3 }, 20);
  assert.deepEqual([...directory.things.keys()], ["a", "b"]);
  directory.take("begin", {}, 30);
  directory.take("update", known("b", 2, { seq: 9 }), 30);
  directory.take("mark", { since: null }, 30);
  assert.deepEqual([...directory.things.keys()], ["b"]);
});

test("a stream that fell behind is told all again, without a new beginning", () => {
  const directory = whole("a", "b");
  directory.take("update", told("c", 1, { seq: 2 }), 20);
  directory.take("update", known("b", 2, { seq: 9 }), 20);
  directory.take("mark", { since: null }, 20);
  assert.deepEqual([...directory.things.keys()], ["b"]);
});

test("a broker of another life counts from the beginning", () => {
  const directory = whole("a");
  directory.take("begin", {}, 20);
  directory.take("update", known("a", "new", { ts: 19 }), 20);
  directory.take("mark", { since: null }, 20);
  assert.equal(directory.things.get("a").data, "new");
});

test("what is told again changes no value and no line of numbers", () => {
  const directory = whole("a");
  directory.take("begin", {}, 20);
  directory.take("update", known("a", 1), 20);
  assert.equal(directory.things.get("a").before, undefined);
  assert.deepEqual(directory.things.get("a").spark, [1]);
});

test("words of freshness change the mood, and an update makes a silent thing fresh", () => {
  const directory = whole("a");
  const { mood } = directory;
  directory.take("freshness", { ns: "a", freshness: "silent", interval: 2, rate: 0.5 }, 20);
  assert.equal(directory.things.get("a").freshness, "silent");
  assert.ok(directory.mood > mood);
  directory.take("update", told("a", 2, { seq: 2 }), 21);
  assert.equal(directory.things.get("a").freshness, "fresh");
});

test("a thing is forgotten, and what is below it is not", () => {
  const directory = whole("a", "a.b");
  directory.take("forgotten", { ns: "a" }, 20);
  assert.deepEqual([...directory.things.keys()], ["a.b"]);
});

test("nothing is left where another key is given", () => {
  const directory = whole("a");
  const { shape } = directory;
  directory.clear();
  assert.ok(directory.things.size === 0 && !directory.isWhole && directory.shape > shape);
});

test("the line of numbers is of one place, and bounded", () => {
  const directory = whole();
  for (let n = 0; n < 100; n++) directory.take("update", told("a", { name: "x", t: n % 2 ? n : null, h: -1 }, { seq: n }), n);
  const { spark, sparkPlace } = directory.things.get("a");
  // The first number that it had is h, because t failed then.
  assert.equal(sparkPlace, "/h");
  assert.equal(spark.length, SPARK_MAX);
});

test("a rate that came in is near the true one, and fades", () => {
  const directory = whole();
  for (let n = 0; n < 400; n++) directory.take("update", told("a", n, { seq: n }), n / 4);
  const thing = directory.things.get("a");
  assert.ok(Math.abs(thing.rate(100) - 4) < 0.5, String(thing.rate(100)));
  assert.ok(thing.rate(200) < 0.1);
});

test("what speaks seldom does so, also long after it spoke", () => {
  const directory = whole("told");
  assert.equal(directory.things.get("told").rate(5), 0.5);
  for (let n = 1; n < 9; n++) directory.take("update", told("a", n, { seq: n }), 240 * n);
  const thing = directory.things.get("a");
  for (const since of [0, 120, 239]) assert.ok(Math.abs(1 / thing.rate(240 * 8 + since) - 240) < 1e-6);
  assert.ok(Math.abs(1 / thing.rate(240 * 8 + 3600) - 3600) < 1e-6);
});

test("below", () => {
  assert.ok(isBelow("a.b", "a") && isBelow("a", "a") && isBelow("a", ""));
  assert.ok(!isBelow("ab", "a") && !isBelow("a", "a.b"));
});
