import assert from "node:assert/strict";
import { test } from "node:test";
import { scoreOf, streakOf } from "../src/scoring.js";
import { BadRequest, habitFrom, idFrom, sessionFrom } from "../src/validation.js";

test("a session is worth its minutes, and more the longer it lasts", () => {
  assert.equal(scoreOf(10), 10);
  assert.equal(scoreOf(15), 15);
  assert.equal(scoreOf(25), 30);
  assert.equal(scoreOf(60), 114);
});

test("a streak ends at the first day without a session", () => {
  assert.equal(streakOf([]), 0);
  assert.equal(streakOf(["2024-03-01"]), 1);
  assert.equal(streakOf(["2024-03-01", "2024-02-29", "2024-02-28", "2024-02-26"]), 3);
});

test("bad input is named", () => {
  assert.deepEqual(habitFrom({ name: " read " }), { name: "read" });
  assert.throws(() => habitFrom({ name: "" }), BadRequest);
  assert.throws(() => habitFrom([]), BadRequest);
  assert.deepEqual(sessionFrom({ habitId: 1, minutes: 25 }), { habitId: 1, minutes: 25, note: "" });
  assert.throws(() => sessionFrom({ habitId: 1, minutes: 0 }), /minutes/);
  assert.throws(() => sessionFrom({ habitId: "1", minutes: 5 }), /habitId/);
  assert.throws(() => idFrom("x"), BadRequest);
});
