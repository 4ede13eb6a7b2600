// What is made of whatever senders say: words, lines and places that people can read.

import assert from "node:assert/strict";
import test from "node:test";

import { numberPlaces, webAddress } from "../../broker/src/door/web/page/value.js";
import { lines } from "../../broker/src/door/web/page/widgets/values.js";
import { age, count, line, number, whenExactly } from "../../broker/src/door/web/page/words.js";

test("a line is short, whatever it is of", () => {
  assert.equal(line({ t: 20, ok: true, more: { a: 1, b: [1, 2] }, list: [1, 2], none: null }), "t 20 · ok true · more {a, b} · list [2] · none null");
  assert.equal(line([1, "two"]), "1 · two");
  assert.deepEqual([line({}), line([]), line(""), line([""])], ["empty", "an empty list", '""', '""']);
  assert.equal(line(JSON.parse('{"__proto__":1,"constructor":2}')), "__proto__ 1 · constructor 2");
  const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`key${index}`, index]));
  for (const long of ["x".repeat(1 << 20), many, { inner: many }, Object.keys(many)]) assert.ok(line(long).length <= 401 && line(long).endsWith("…"));
});

test("many lines end somewhere", () => {
  assert.equal(lines({ a: { b: 1 }, c: [true] }), "a\n  b  1\nc\n  0  on");
  assert.equal(lines(Array.from({ length: 1000 }, () => 1)).split("\n").length, 201);
});

test("numbers are not given digits that nobody sent", () => {
  assert.equal(number(9_007_199_254_740_991).replace(/\D/g, ""), "9007199254740991");
  // JSON has 18446744073709551615 there.
  assert.equal(number(18446744073709551615), "1.845e+19");
});

test("one is one", () => {
  assert.deepEqual([count(0, "thing"), count(1, "thing"), count(2, "thing")], ["0 things", "1 thing", "2 things"]);
});

test("times that no calendar has", () => {
  assert.equal(whenExactly(1e300), "1.000e+300 s");
  assert.equal(age(1e300), "more than 1000 years");
});

test("the first places of very many", () => {
  assert.deepEqual(numberPlaces({ a: [1, true, "x", { "b/c": 2 }], d: 3 }), ["/a/0", "/a/3/b~1c", "/d"]);
  assert.deepEqual(numberPlaces(Array.from({ length: 100_000 }, () => 1), 2), ["/0", "/1"]);
});

test("what is an address in the web, and where it leads", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "shop/lamp", "//host.example/", "https://[", "", "vbscript:x", "file:///etc/passwd"]) {
    assert.equal(webAddress(text), null, text);
  }
  assert.equal(webAddress("HTTPS://host.example/a b\u202egpj"), "https://host.example/a%20b%E2%80%AEgpj");
  assert.equal(webAddress("https://b\u00fccher.example/"), "https://xn--bcher-kva.example/");
  assert.equal(webAddress("pic.png", "http://host.example/shop/"), "http://host.example/shop/pic.png");
});
