// The boundary as the kernel computes it, along axes as the kernel draws them. No page is needed.

const LEAST = 0.1; // a logarithmic axis begins at this part of the softening
const DEGREE = 3;

/**
 * @typedef {{kind: string, softening: number}} Axis
 * @typedef {[number, number, number]} Point x, y and weight
 * @typedef {{x: number[], y: number[], t?: undefined}} Lines straight ones, through points
 * @typedef {{t: number[], c: number[], x?: undefined}} Spline cubic: its knots and coefficients
 * @typedef {Lines | Spline} Curve
 * @typedef {(x: number) => number} Line
 * @typedef {{x: Float32Array, y: Float32Array, code: Uint8Array}} Candidates
 * @typedef {{fit?: string, curve?: Curve | null, movable?: boolean, points?: Point[],
 *   threshold?: number, settled?: boolean, iterations?: Curve[], crosses?: [number, number][],
 *   levels?: Level[], hidden?: number[]}} Scene hidden: codes whose glyphs are not drawn
 * @typedef {{y: number, text: string, dashed?: boolean}} Level
 */

/** Place of a value along an axis. @param {Axis} axis @param {number} value */
export function forward({ kind, softening }, value) {
  if (kind === "asinh") return Math.asinh(value / softening);
  return kind === "log" ? Math.log10(Math.max(value, LEAST * softening)) : value;
}

/** Value at a place along an axis. @param {Axis} axis @param {number} place */
export function backward({ kind, softening }, place) {
  if (kind === "asinh") return softening * Math.sinh(place);
  return kind === "log" ? 10 ** place : place;
}

/**
 * Straight lines through points, as the kernel draws them; null for too few.
 * @param {Point[]} points
 * @returns {Lines | null}
 */
export function through(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0]);
  return sorted.length < 2 ? null : { x: sorted.map((p) => p[0]), y: sorted.map((p) => p[1]) };
}

/**
 * Index of the last number that is not above x, between two indices.
 * @param {number[]} numbers @param {number} x @param {number} low @param {number} high
 */
function lastBelow(numbers, x, low, high) {
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= x) low = middle;
    else high = middle;
  }
  return low;
}

/** @param {Lines} lines @param {number} x */
function alongLines({ x: knots, y }, x) {
  const last = knots.length - 1;
  if (x <= knots[0]) return y[0];
  if (x >= knots[last]) return y[last];
  const i = lastBelow(knots, x, 0, last);
  return y[i] + ((y[i + 1] - y[i]) * (x - knots[i])) / (knots[i + 1] - knots[i]);
}

/**
 * De Boor's recurrence, of degree 3; beyond its ends the curve keeps its height. Written out, since
 * a line is asked for 20 000 heights a frame: no array is made for one of them.
 * @param {Spline} spline @param {number} x
 */
function alongSpline({ t, c }, x) {
  const n = c.length;
  const at = Math.min(Math.max(x, t[DEGREE]), t[n]);
  const i = lastBelow(t, at, DEGREE, n);
  /** @type {(left: number, right: number, from: number, to: number) => number} */
  const mixed = (left, right, from, to) =>
    left + ((right - left) * (at - t[from])) / (t[to] - t[from]);
  const a = mixed(c[i - 3], c[i - 2], i - 2, i + 1);
  const b = mixed(c[i - 2], c[i - 1], i - 1, i + 2);
  const d = mixed(c[i - 1], c[i], i, i + 3);
  return mixed(mixed(a, b, i - 1, i + 1), mixed(b, d, i, i + 2), i, i + 1);
}

/** Height of a curve at x. @param {Curve} curve @param {number} x */
export function height(curve, x) {
  return curve.t ? alongSpline(curve, x) : alongLines(curve, x);
}

/**
 * A spline pulled to a place, until the kernel has fitted it anew: what it does far from there
 * only the kernel knows.
 * @param {Spline} curve
 * @param {Point} held
 * @returns {Line}
 */
export function pulled(curve, [x, y, weight]) {
  const knots = curve.t.slice(DEGREE, curve.c.length + 1);
  const width = (knots[knots.length - 1] - knots[0]) / Math.max(1, knots.length - 1);
  const by = ((y - height(curve, x)) * weight) / (1 + weight);
  return (at) => height(curve, at) + by * bump((at - x) / width);
}

/** What one coefficient of a cubic spline does, 1 in the middle. @param {number} u */
function bump(u) {
  const a = Math.abs(u);
  if (a >= 2) return 0;
  return a < 1 ? 1 - 1.5 * a * a + 0.75 * a * a * a : 0.25 * (2 - a) ** 3;
}

/**
 * The line while something is dragged, or null where there is none.
 * @param {Scene} scene
 * @param {Point[]} points all of them
 * @param {Point | null} held what the kernel has not fitted yet
 * @returns {Line | null}
 */
export function lineOf({ fit, curve, movable }, points, held) {
  if (fit === "piecewise" && movable) {
    const lines = through(points);
    return lines && ((x) => height(lines, x));
  }
  if (!curve) return null;
  return held && curve.t ? pulled(curve, held) : (x) => height(curve, x);
}

/**
 * Points with the dragged one where the hand has it; one that is born comes last.
 * @param {Point[]} points
 * @param {number} index of the dragged one
 * @param {number} x
 * @param {number} y
 * @param {number} weight of one that is born
 * @returns {Point[]}
 */
export function withHeld(points, index, x, y, weight) {
  const all = points.map((point) => /** @type {Point} */ ([...point]));
  if (index < all.length) all[index] = [x, y, all[index][2]];
  else all.push([x, y, weight]);
  return all;
}

/**
 * Candidates of the kernel's bytes: x and then y, float32, and then uint8 codes, if these are not
 * given beside them.
 * @param {DataView} bytes
 * @param {DataView | null} codes
 * @returns {Candidates}
 */
export function unpacked(bytes, codes = null) {
  const each = codes ? 8 : 9;
  const n = bytes.byteLength / each;
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const [x, y] = [new Float32Array(copy, 0, n), new Float32Array(copy, 4 * n, n)];
  const code = codes ? new Uint8Array(codes.buffer, codes.byteOffset, n) : new Uint8Array(copy, 8 * n, n);
  return { x, y, code };
}

/**
 * What the detectors say with a line: the number of candidates above it, and all their codes.
 * @param {Candidates} candidates
 * @param {Line} line
 * @param {number} threshold
 * @param {Record<number, number>} combine code of a candidate above the line, by its code from the
 *   others; 0 where the user took it out, and the line does not count
 */
export function judged({ x, y, code }, line, threshold, combine) {
  const codes = Uint8Array.from(code);
  let above = 0;
  for (let i = 0; i < x.length; i += 1) {
    if (!(y[i] > threshold) || !(y[i] > line(x[i]))) continue;
    codes[i] = combine[code[i]] ?? code[i];
    if (codes[i]) above += 1;
  }
  return { above, codes };
}
