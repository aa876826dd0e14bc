import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { boxBetween, draggedBox, movedBox, resizedBox } = await load("image-over");
const SHAPE = [50, 100]; // ny, nx
const BOX = [10, 20, 30, 40];

test("a box holds the pixels from one place to another, whichever was first", () => {
  assert.deepEqual(boxBetween([3.4, 7.6], [10.5, 2.2], SHAPE), [3, 11, 2, 8]);
  assert.deepEqual(boxBetween([10.5, 2.2], [3.4, 7.6], SHAPE), [3, 11, 2, 8]);
});

test("a box ends where the frame does", () => {
  assert.deepEqual(boxBetween([-20, -3], [400, 400], SHAPE), [1, 100, 1, 50]);
  assert.deepEqual(movedBox(BOX, [-90, 90], SHAPE), [1, 11, 40, 50]);
  assert.deepEqual(movedBox(BOX, [99, -99], SHAPE), [90, 100, 1, 11]);
  assert.deepEqual(resizedBox(BOX, "en", [900, 900], SHAPE), [10, 100, 30, 50]);
});

test("a box that is moved keeps its size and goes by whole pixels", () => {
  assert.deepEqual(movedBox(BOX, [2.6, -1.4], SHAPE), [13, 23, 29, 39]);
});

test("only the edges that are named move", () => {
  assert.deepEqual(resizedBox(BOX, "w", [3, 3], SHAPE), [13, 20, 30, 40]);
  assert.deepEqual(resizedBox(BOX, "e", [3, 3], SHAPE), [10, 23, 30, 40]);
  assert.deepEqual(resizedBox(BOX, "s", [3, 3], SHAPE), [10, 20, 33, 40]);
  assert.deepEqual(resizedBox(BOX, "nw", [3, 3], SHAPE), [13, 20, 30, 43]);
  assert.deepEqual(BOX, [10, 20, 30, 40]);
});

test("a box keeps one pixel, whichever edge passes the other", () => {
  assert.deepEqual(resizedBox(BOX, "w", [99, 0], SHAPE), [20, 20, 30, 40]);
  assert.deepEqual(resizedBox(BOX, "sw", [0, 99], SHAPE), [10, 20, 40, 40]);
  assert.deepEqual(resizedBox(BOX, "ne", [-99, -99], SHAPE), [10, 10, 30, 30]);
});

test("a box is dragged as a whole or by its edges", () => {
  assert.deepEqual(draggedBox(BOX, "move", [1, 1], SHAPE), [11, 21, 31, 41]);
  assert.deepEqual(draggedBox(BOX, "e", [1, 1], SHAPE), [10, 21, 30, 40]);
});
