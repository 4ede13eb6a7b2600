// What the broker tells of the past, as points and in words.

import assert from "node:assert/strict";
import test from "node:test";

import { inWords, line } from "../../broker/src/door/web/page/gaps.js";

test("where nothing was said for longer than usual there is a gap", () => {
  const single = [[10, 1, 5, 5, 5], [20, 1, 6, 6, 6], [90, 1, 7, 7, 7]];
  assert.deepEqual(line(single, 10, {}), { points: [[10, 5], [20, 6], [30, null], [90, 7]], band: undefined });
  assert.equal(line(single, 10, { lateAfter: 100 }).points.length, 3);
  const many = [[10, 4, 1, 9, 5], [60, 1, 6, 6, 6]];
  assert.deepEqual(line(many, 10, {}).band, [[10, 1, 9], [20, null, null], [60, 6, 6]]);
});

test("a plot is told in words", () => {
  const series = [
    { label: "a", ...line([[10, 1, 5, 5, 5], [90, 1, -7.5, -7.5, -7.5]], 10, {}) },
    { label: "b", ...line([[10, 3, 1, 9, 5], [20, 2, 4, 8, 6]], 10, {}) },
    { label: "c", ...line([], 10, {}) },
  ];
  assert.equal(inWords(series), "a from -7.5 to 5; b from 1 to 9; c nothing");
  assert.equal(inWords([]), "");
});
