// What a browser keeps, and what is made of answers that are none of the broker's.

import assert from "node:assert/strict";
import test from "node:test";

import { problemOf } from "../../broker/src/door/web/page/api.js";
import { always, home } from "../../broker/src/door/web/page/kept.js";

/** The page at this address, in a browser whose storage does this. */
function at(address, localStorage) {
  globalThis.document = { baseURI: address };
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: localStorage });
}

function memory() {
  const kept = new Map();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text), removeItem: (name) => kept.delete(name) };
}

test("two brokers below one host have a key each", () => {
  const storage = memory();
  at("https://host.example/shop/#/things/a", () => storage);
  assert.equal(home(), "https://host.example/shop/");
  always.set("key", "of the shop");
  at("https://host.example/lab/", () => storage);
  assert.equal(always.get("key"), null);
  at("https://host.example/shop/", () => storage);
  assert.equal(always.get("key"), "of the shop");
  always.remove("key");
  assert.equal(always.get("key"), null);
});

test("a browser that stores nothing keeps it as long as the page is there", () => {
  const refuse = () => assert.fail("SecurityError");
  at("http://localhost:7957/", refuse);
  assert.equal(always.get("key"), null);
  always.set("key", "one");
  assert.equal(always.get("key"), "one");
  always.remove("key");
  assert.equal(always.get("key"), null);
  // Or has no room for more.
  at("http://localhost:7957/", () => ({ ...memory(), setItem: refuse }));
  always.set("key", "two");
  assert.equal(always.get("key"), "two");
});

test("a proxy's page is not shown as the broker's words", () => {
  const refused = problemOf(403, JSON.stringify({ type: "urn:thingsbus:forbidden", detail: "not you" }));
  assert.deepEqual([refused.name, refused.message], ["forbidden", "not you"]);
  for (const text of ["<html><h1>502 Bad Gateway</h1>", "", "null", "{}"]) {
    assert.equal(problemOf(502, text).message, "something before the broker answers 502");
  }
});
