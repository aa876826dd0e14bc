// Boxes of pixels, [xmin, xmax, ymin, ymax], both ends included, under a hand. Places are those of
// FITS: the middle of the first pixel is 1.

/**
 * @typedef {[number, number, number, number]} Box
 * @typedef {[number, number]} Pair x and y
 * @typedef {[number, number]} Shape ny and nx of the frame
 * @typedef {Object} Region
 * @property {string} kind the parameter that it belongs to
 * @property {number} index among those of its kind
 * @property {Box} box
 * @property {string} label
 */

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The box of the pixels from one place to another, inside a frame.
 * @param {Pair} from
 * @param {Pair} to
 * @param {Shape} shape
 * @returns {Box}
 */
export function boxBetween(from, to, [ny, nx]) {
  /** @type {(a: number, b: number, n: number) => Pair} */
  const side = (a, b, n) => {
    const [one, other] = [a, b].map((value) => clamp(Math.round(value), 1, n));
    return [Math.min(one, other), Math.max(one, other)];
  };
  return [...side(from[0], to[0], nx), ...side(from[1], to[1], ny)];
}

/**
 * A box moved by whole pixels, as far as the frame lets it.
 * @param {Box} box @param {Pair} by @param {Shape} shape
 * @returns {Box}
 */
export function movedBox(box, by, [ny, nx]) {
  const dx = clamp(Math.round(by[0]), 1 - box[0], nx - box[1]);
  const dy = clamp(Math.round(by[1]), 1 - box[2], ny - box[3]);
  return [box[0] + dx, box[1] + dx, box[2] + dy, box[3] + dy];
}

/**
 * A box whose edges named in a text of "w", "e", "s" and "n" move; it keeps one pixel at least.
 * @param {Box} box @param {string} edges @param {Pair} by @param {Shape} shape
 * @returns {Box}
 */
export function resizedBox(box, edges, by, [ny, nx]) {
  const [dx, dy] = by.map(Math.round);
  /** @type {Box} */
  const made = [...box];
  if (edges.includes("w")) made[0] = clamp(box[0] + dx, 1, box[1]);
  if (edges.includes("e")) made[1] = clamp(box[1] + dx, box[0], nx);
  if (edges.includes("s")) made[2] = clamp(box[2] + dy, 1, box[3]);
  if (edges.includes("n")) made[3] = clamp(box[3] + dy, box[2], ny);
  return made;
}

/**
 * What a part of a box, "move" or its edges, makes of it when it is dragged.
 * @param {Box} box @param {string} part @param {Pair} by @param {Shape} shape
 */
export function draggedBox(box, part, by, shape) {
  return part === "move" ? movedBox(box, by, shape) : resizedBox(box, part, by, shape);
}
