// Events out of a text that comes in any pieces, connections that come and go, and gaps out of the broker's lines.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import test from "node:test";

import { line } from "../../broker/src/door/web/page/gaps.js";
import { follow, Parser } from "../../broker/src/door/web/page/stream.js";

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

/** What of a browser the page's stream knows. */
const page = Object.assign(new EventTarget(), { baseURI: "http://localhost/" });
Object.assign(globalThis, { document: page, addEventListener() {}, removeEventListener() {} });

/** A server that answers as it is told, and how many connections were ever and are still open. */
async function server(answer) {
  const seen = new EventTarget();
  const counts = { asked: 0, open: 0 };
  const tell = (name) => seen.dispatchEvent(new Event(name));
  const listening = http.createServer((request, response) => {
    counts.asked++;
    counts.open++;
    response.on("close", () => {
      counts.open--;
      tell("close");
    });
    answer(response, request);
    tell("asked");
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return { counts, seen, address: `http://127.0.0.1:${listening.address().port}/`, end: () => (listening.closeAllConnections(), listening.close()) };
}

const mark = (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write('event: mark\nid: e.7\ndata: {"since":null}\n\n');
};

test("a connection is not left open where what is told is not understood", async () => {
  const { counts, seen, address, end } = await server(mark);
  const stop = new AbortController();
  const closed = once(seen, "close");
  const following = follow(address, { last: "" }, (name) => assert.notEqual(name, "mark"), () => {}, stop.signal);
  await closed;
  stop.abort();
  await following;
  assert.equal(counts.asked - counts.open, 1);
  end();
});

test("it goes on where it was cut off, at once where somebody looks again", async () => {
  const ids = [];
  const { seen, address, end } = await server((response, request) => {
    ids.push(request.headers["last-event-id"]);
    mark(response);
    response.end();
  });
  const stop = new AbortController();
  const states = [];
  const position = { last: "e.3" };
  const following = follow(address, position, () => {}, (state) => {
    states.push(state);
    if (state === "away") queueMicrotask(() => seen.dispatchEvent(new Event("away")));
  }, stop.signal);
  await once(seen, "away");
  const again = once(seen, "asked");
  page.dispatchEvent(new Event("visibilitychange"));
  await again;
  stop.abort();
  await following;
  assert.deepEqual(ids, ["e.3", "e.7"]);
  assert.equal(position.last, "e.7");
  assert.deepEqual(states.slice(0, 2), ["live", "away"]);
  end();
});

test("what is no stream is no broker", async () => {
  const { address, end } = await server((response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<p>Log in"));
  const stop = new AbortController();
  const [state, why] = await new Promise((told) => follow(address, { last: "" }, () => {}, (...now) => told(now), stop.signal));
  stop.abort();
  assert.deepEqual([state, why.message], ["away", "something before the broker answers"]);
  end();
});
