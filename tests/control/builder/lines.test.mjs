import assert from "node:assert/strict";
import { test } from "node:test";
import { firstDifference, holds, lineAt, lineRange } from "../../../src/toolgate/control/static/lines.js";

test("the first differing line is found, also where one text goes on", () => {
  assert.equal(firstDifference("a\nb\nc", "a\nB\nc"), 1);
  assert.equal(firstDifference("a\nb", "a\nb\nc"), 1);
  assert.equal(firstDifference("a\nb\n", "a\nb\nc"), 2);
  assert.equal(firstDifference("same", "same"), -1);
  assert.equal(firstDifference("", "x"), 0);
});

test("a place is on the line behind every line end before it", () => {
  assert.deepEqual([0, 1, 2, 3, 9].map((at) => lineAt("a\nb\n", at)), [0, 0, 1, 1, 2]);
});

test("a line has a beginning and an end, the last one for lines beyond it", () => {
  assert.deepEqual(lineRange("ab\ncd\n", 0), [0, 2]);
  assert.deepEqual(lineRange("ab\ncd\n", 1), [3, 5]);
  assert.deepEqual(lineRange("ab\ncd", 7), [3, 5]);
});

test("a name is found by words in any order and case", () => {
  assert.ok(holds("create_Charge", "charge CREATE"));
  assert.ok(holds("anything", ""));
  assert.ok(!holds("create_charge", "refund"));
});
