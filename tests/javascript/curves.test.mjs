import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const {
  backward, forward, height, judged, lineOf, pulled, through, unpacked, withHeld,
} = await load("diagram-hand");

const near = (found, expected, within = 1e-9) =>
  assert.ok(Math.abs(found - expected) <= within, `${found}, expected ${expected}`);
// Knots 0, 1, 2, 3 with the ends four times; coefficients at the means of three knots make y = x.
const KNOTS = [0, 0, 0, 0, 1, 2, 3, 3, 3, 3];
const STRAIGHT = { t: KNOTS, c: [0, 1 / 3, 1, 2, 8 / 3, 3] };
const WAVY = { t: KNOTS, c: [1, 5, -2, 4, 0, 2] };

test("a place along each kind of axis leads back to its value", () => {
  for (const kind of ["linear", "log", "asinh"]) {
    for (const value of [0.7, 3, 1000]) {
      const axis = { kind, softening: 5 };
      near(backward(axis, forward(axis, value)), value, 1e-9 * value);
    }
  }
  near(forward({ kind: "asinh", softening: 5 }, -5), -Math.asinh(1));
  assert.equal(forward({ kind: "linear", softening: 5 }, -7), -7);
});

test("a logarithmic axis begins at a tenth of the softening", () => {
  const axis = { kind: "log", softening: 5 };
  near(forward(axis, 0), Math.log10(0.5));
  near(forward(axis, -100), Math.log10(0.5));
  near(forward(axis, 100), 2);
});

test("straight lines go through their points in the order of x, and keep their height beyond", () => {
  const line = through([[4, 9, 1], [0, 1, 1], [2, 5, 1]]);
  assert.deepEqual(line, { x: [0, 2, 4], y: [1, 5, 9] });
  for (const [x, y] of [[-3, 1], [0, 1], [1, 3], [2, 5], [3.5, 8], [4, 9], [70, 9]]) near(height(line, x), y);
});

test("through fewer than two points there is no line", () => {
  assert.equal(through([]), null);
  assert.equal(through([[1, 2, 3]]), null);
  assert.notEqual(through([[1, 2, 3], [2, 3, 4]]), null);
});

test("the points of a line are not put into order where they are", () => {
  const points = [[4, 9, 1], [0, 1, 1]];
  through(points);
  assert.deepEqual(points, [[4, 9, 1], [0, 1, 1]]);
});

test("a spline whose coefficients are straight is straight, also at its knots", () => {
  for (const x of [0, 0.25, 1, 1.5, 2, 2.9, 3]) near(height(STRAIGHT, x), x);
});

test("a spline of equal coefficients is flat: its parts sum to one", () => {
  for (let x = -1; x <= 4; x += 0.1) near(height({ t: KNOTS, c: Array(6).fill(7) }, x), 7);
});

test("a spline begins and ends at its outer coefficients, and keeps their height beyond", () => {
  for (const x of [-100, 0]) near(height(WAVY, x), 1);
  for (const x of [3, 100]) near(height(WAVY, x), 2);
});

test("a spline has its height by the definition of de Boor", () => {
  // Between 1 and 2, uniform knots on either side are not those of WAVY: by blossoms at 1.5.
  const blend = (a, b, from, to) => a + ((b - a) * (1.5 - from)) / (to - from);
  const [c1, c2, c3, c4] = WAVY.c.slice(1, 5);
  const [a, b, d] = [blend(c1, c2, 0, 2), blend(c2, c3, 0, 3), blend(c3, c4, 1, 3)];
  near(height(WAVY, 1.5), blend(blend(a, b, 0, 2), blend(b, d, 1, 3), 1, 2));
});

test("a spline that is pulled passes near the hand, by its weight, and far away it stays", () => {
  const line = pulled(STRAIGHT, [1.5, 10, 3]);
  near(line(1.5), 1.5 + (8.5 * 3) / 4);
  near(pulled(STRAIGHT, [1.5, 10, 1e9])(1.5), 10, 1e-6);
  // Its bump reaches two intervals of knots, here 2 × 1 to either side.
  near(line(3.5), 3);
  near(line(4), 3);
  near(line(-1), 0);
  assert.ok(line(2.5) > height(STRAIGHT, 2.5));
});

test("what the hand does to a spline is smooth and even about it", () => {
  const by = (x) => pulled(STRAIGHT, [1.5, 10, 3])(x) - height(STRAIGHT, x);
  for (const away of [0.3, 0.9, 1, 1.1, 1.4]) near(by(1.5 - away), by(1.5 + away), 1e-9);
  near(by(1.5 + 1 - 1e-7), by(1.5 + 1 + 1e-7), 1e-5);
  near(by(2.5) / by(1.5), 0.25);
});

test("the line of a scene is through its points where these can be moved, else the kernel's", () => {
  const curve = { x: [0, 1], y: [7, 7] };
  const points = [[0, 1, 1], [2, 3, 1]];
  near(lineOf({ fit: "piecewise", movable: true, curve }, points, null)(1), 2);
  near(lineOf({ fit: "piecewise", movable: false, curve }, points, null)(1), 7);
  assert.equal(lineOf({ fit: "piecewise", movable: true, curve }, points.slice(1), null), null);
  assert.equal(lineOf({ fit: "spline", movable: true, curve: null }, points, null), null);
});

test("the spline of a scene is pulled only while something is held", () => {
  const scene = { fit: "spline", movable: true, curve: STRAIGHT };
  near(lineOf(scene, [], null)(1.5), 1.5);
  near(lineOf(scene, [], [1.5, 10, 3])(1.5), 1.5 + (8.5 * 3) / 4);
});

test("a point that is held is where the hand has it, with its weight; a new one comes last", () => {
  const points = [[0, 1, 5], [2, 3, 6]];
  assert.deepEqual(withHeld(points, 1, 8, 9, 100), [[0, 1, 5], [8, 9, 6]]);
  assert.deepEqual(withHeld(points, 2, 8, 9, 100), [[0, 1, 5], [2, 3, 6], [8, 9, 100]]);
  assert.deepEqual(points, [[0, 1, 5], [2, 3, 6]]);
});

const packed = (x, y, codes) => {
  const bytes = new Uint8Array(4 + 8 * x.length + codes.length); // not at the beginning of its buffer
  const view = new DataView(bytes.buffer);
  [...x, ...y].forEach((value, i) => view.setFloat32(4 + 4 * i, value, true));
  bytes.set(codes, 4 + 8 * x.length);
  return new DataView(bytes.buffer, 4);
};

test("candidates are read from bytes anywhere in a buffer, with their codes or with others", () => {
  const own = unpacked(packed([1, 2], [3, 4.5], [6, 7]));
  assert.deepEqual([...own.x, ...own.y, ...own.code], [1, 2, 3, 4.5, 6, 7]);
  const codes = new DataView(Uint8Array.of(9, 9, 4, 5).buffer, 2);
  const others = unpacked(packed([1, 2], [3, 4.5], []), codes);
  assert.deepEqual([...others.x, ...others.y, ...others.code], [1, 2, 3, 4.5, 4, 5]);
});

test("what is above the line and above the threshold is counted, and what lies on them is not", () => {
  const x = Float32Array.of(0, 1, 2, 3, 4);
  const y = Float32Array.of(10, 5, 6, 20, NaN);
  const code = Uint8Array.of(0, 0, 0, 0, 0);
  const line = (at) => (at === 3 ? 30 : 5);
  const { above, codes } = judged({ x, y, code }, line, -Infinity, { 0: 2 });
  assert.equal(above, 2);
  assert.deepEqual([...codes], [2, 0, 2, 0, 0]);
  assert.equal(judged({ x, y, code }, line, 6, { 0: 2 }).above, 1);
});

test("a candidate above the line has the code of all that flag it, and one below keeps its own", () => {
  const candidates = {
    x: Float32Array.of(0, 0, 0), y: Float32Array.of(9, 9, 1), code: Uint8Array.of(3, 5, 3),
  };
  const { codes } = judged(candidates, () => 4, -Infinity, { 3: 4 });
  assert.deepEqual([...codes], [4, 5, 3]);
  assert.deepEqual([...candidates.code], [3, 5, 3]);
  const out = judged(candidates, () => 4, -Infinity, { 3: 0 });
  assert.deepEqual([out.above, ...out.codes], [1, 0, 5, 3]); // what the user took out does not count
});
