// What controls make of values, and what becomes of what they send.

import assert from "node:assert/strict";
import test from "node:test";

import { Sender } from "../../broker/src/door/web/page/widgets/sender.js";
import { asNumber, asSwitch, numberIn, otherSwitch, switchIn } from "../../broker/src/door/web/page/widgets/values.js";

/** A sender whose values wait to be answered. */
function sender() {
  const asked = [];
  const put = (to, value) => new Promise((taken, refused) => asked.push({ to, value, taken: () => taken({ seq: asked.length, at: 0 }), refused: (status) => refused({ status }) }));
  const it = new Sender(put, () => {});
  const answer = async (how, ...of) => {
    asked.at(-1)[how](...of);
    await new Promise(setImmediate);
  };
  return { it, answer, sent: () => asked.map(({ value }) => value) };
}

test("of many values that wait the last is sent, or each", async () => {
  const { it, answer, sent } = sender();
  for (const value of [1, 2, 3]) it.send("to", value);
  assert.deepEqual([sent(), it.wanted, it.isUnderway], [[1], 3, true]);
  await answer("taken");
  assert.deepEqual(sent(), [1, 3]);
  it.send("to", 4, { isEach: true });
  it.send("to", 5, { isEach: true });
  await answer("taken");
  await answer("taken");
  await answer("taken");
  assert.deepEqual([sent(), it.isUnderway, it.state.kind], [[1, 3, 4, 5], false, "taken"]);
});

test("what fails takes no end with it, and no press stays behind it", async () => {
  const stick = sender();
  stick.it.send("to", [0, 80]);
  stick.it.send("to", [0, 0], { isEnd: true });
  await stick.answer("refused", 503);
  assert.deepEqual([stick.sent(), stick.it.wanted], [[[0, 80], [0, 0]], [0, 0]]);
  await stick.answer("taken");
  // The person has asked for something else, which was refused.
  assert.deepEqual([stick.it.state.kind, stick.it.refusal.value], ["taken", [0, 80]]);
  stick.it.send("to", [0, 9]);
  assert.equal(stick.it.refusal, null);

  const button = sender();
  for (const value of [true, false, true, false, true]) button.it.send("to", value, { isEach: true, isEnd: !value });
  await button.answer("refused", 0);
  assert.deepEqual(button.sent(), [true, false]);
  await button.answer("refused", 0);
  assert.deepEqual([button.sent(), button.it.wanted, button.it.isUnderway], [[true, false], undefined, false]);
});

test("who leaves sends the last at once", async () => {
  const { it, sent } = sender();
  for (const value of [1, 2, 3]) it.send("to", value);
  it.leave();
  it.leave();
  assert.deepEqual([sent(), it.isUnderway], [[1, 3], true]);
});

test("who may not write does not try with each value", async () => {
  const { it, answer, sent } = sender();
  it.send("to", 1);
  it.send("to", 2, { isEnd: true });
  await answer("refused", 403);
  assert.deepEqual([sent(), it.wanted, it.isUnderway, it.refusal.error.status], [[1], undefined, false, 403]);
});

test("on and off have many names", () => {
  const on = [true, 1, -1, "on", "ON", "True", "yes", "open", "1", { on: true }, { state: { power: "ON" } }];
  const off = [false, 0, "off", "OFF", "False", "no", "closed", "0", { on: false }];
  const neither = [null, undefined, "", "unavailable", "running", "2", {}, [], { a: true, b: true }];
  for (const it of on) assert.equal(asSwitch(it), true, JSON.stringify(it));
  for (const it of off) assert.equal(asSwitch(it), false, JSON.stringify(it));
  for (const it of neither) assert.equal(asSwitch(it), null, JSON.stringify(it));
  assert.deepEqual([switchIn(true), switchIn({ state: { "a/b": "on" } }), switchIn({ a: 1, b: 2 })], ["", "/state/a~1b", null]);
});

test("what is switched keeps its own words", () => {
  const pairs = [[true, false], [1, 0], ["on", "off"], ["ON", "OFF"], ["Open", "Closed"], ["1", "0"]];
  for (const [on, off] of pairs) assert.deepEqual([otherSwitch(on), otherSwitch(off)], [off, on]);
  assert.deepEqual([otherSwitch(undefined), otherSwitch(null), otherSwitch("unavailable"), otherSwitch(21)], [true, true, true, 0]);
});

test("a number is where there is one", () => {
  assert.deepEqual([numberIn(5), numberIn({ level: 5, unit: "%" }), numberIn({ a: 1, b: 2 }), numberIn("5")], ["", "/level", null, null]);
  assert.deepEqual([asNumber(5), asNumber({ level: 5 }), asNumber("5.5"), asNumber(""), asNumber([1, 2]), asNumber(null)], [5, 5, 5.5, null, null, null]);
});
