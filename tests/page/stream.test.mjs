// Events out of a text that comes in any pieces, and gaps out of the broker's lines.

import assert from "node:assert/strict";
import test from "node:test";

import { line } from "../../broker/src/door/web/page/gaps.js";
import { Parser } from "../../broker/src/door/web/page/stream.js";

const TEXT = 'retry: 1000\n\ndata: {"ns":"a"}\n\n: ping\n\nevent: mark\nid: e.7\ndata: {\ndata: "x":1}\n\n';

test("events, cut anywhere", () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const events = [];
    const parser = new Parser((...event) => events.push(event));
    parser.push(TEXT.slice(0, cut));
    parser.push(TEXT.slice(cut));
    assert.deepEqual(events, [["update", '{"ns":"a"}', ""], ["mark", '{\n"x":1}', "e.7"]]);
  }
});

test("a gap where nothing was said for longer than usual", () => {
  const lines = [[0, 1, 5, 5, 5, 5], [10, 1, 6, 6, 6, 6], [100, 1, 7, 7, 7, 7]];
  assert.deepEqual(line(lines, 10, { lateAfter: 30 }), { points: [[0, 5], [10, 6], [20, null], [100, 7]], band: undefined });
  assert.deepEqual(line(lines, 10, { lateAfter: 100 }).points.length, 3);
});

test("a band where lines stand for several values", () => {
  const { points, band } = line([[0, 3, 1, 9, 5, 2]], 10, { lateAfter: null });
  assert.deepEqual([points, band], [[[0, 5]], [[0, 1, 9]]]);
});
