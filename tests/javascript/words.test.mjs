import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { page } from "./page.mjs";

const { brief, limitsOf } = await load("hits-detail");
const { fill } = await load("hits-bar");
const { blinkTitle } = await load("image-frame_bar");

test("lines of a cut do not touch its frame, and what is not finite has no say", () => {
  assert.deepEqual(limitsOf([0, 10, NaN, Infinity], [0.1, 0.5]), [-1, 15]);
  assert.deepEqual(limitsOf([], [0.1, 0.5]), [0, 1]);
  assert.deepEqual(limitsOf([NaN], [0.1, 0.5]), [0, 1]);
  assert.deepEqual(limitsOf([8, 8], [0.5, 0.5]), [4, 12]);
  assert.deepEqual(limitsOf([0, 0], [0.5, 0.5]), [-0.5, 0.5]);
});

test("numbers beside a cut are short", () => {
  assert.deepEqual([0, 3.14159, -0.5, 12.7, 999.6, 12345, -54321].map(brief),
    ["0", "3.1", "-0.50", "13", "1000", "12k", "-54k"]);
});

test("a list of choices is only touched where its options are others", () => {
  const select = page().element("select");
  fill(select, [["a", "A"], ["b", "B"]], "b");
  const first = select.children[0];
  assert.deepEqual(select.children.map(({ value, textContent }) => [value, textContent]), [["a", "A"], ["b", "B"]]);
  fill(select, [["a", "A"], ["b", "B"]], "a");
  assert.equal(select.children[0], first);
  assert.equal(select.value, "a");
  fill(select, [["a", "A"]], "a");
  assert.equal(select.childElementCount, 1);
  assert.notEqual(select.children[0], first);
});

test("the button that starts the turns names the frames that take them", () => {
  const titles = { median: "Median", 1: "Exposure 1" };
  assert.match(blinkTitle({ blink: ["median", "1"], titles }), /^Blink: Median, Exposure 1 take turns/);
  assert.match(blinkTitle({ blink: ["median"], titles }), /^Blink: all frames take turns/);
});
