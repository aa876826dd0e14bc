"""The pixels that tell how exposures differ: tiles where structure is, and some where none is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.matching.kernels import RADIUS, TAPS, tap_offsets
from crmasks_widgets.core.matching.reference import local_range
from crmasks_widgets.core.typing import (
    BoolArray,
    Float32Array,
    Float64Array,
    IndexArray,
    Int64Array,
    Pixels,
)

TILE = 32
# Around a tile: what the reference in it is predicted from.
MARGIN = 2 * RADIUS
_MOST_TILES = 128
_MOST_PIXELS = 14_000
# One in so many of the pixels is taken where the frame is flat.
_FLAT_PART = 5
# Pixels are left out of the fit in turns, by squares of so many pixels, to test it.
FOLDS = 4
_FOLD_SIZE = 16
# Structure: the range of the smoothed frame within 3 pixels, in sigma.
_STRUCTURE = 2.0
# A pixel as steep as this, in sigma, counts as much as any steeper one.
_STEEPEST, _FLATTEST = 30.0, 4.0


@dataclass(frozen=True)
class Tiles:
    """Parts of the frame, with what is around them.

    Attributes
    ----------
    rows, columns : (n_tiles, side) int64
        Pixels of each tile; those beyond the frame are its outermost.
    inside : (n_tiles, side, side) bool
        True in the tile itself, three pixels from the borders of the frame or more.
    fold : (n_tiles, side, side) int64
        Turn in which a pixel is left out.
    """

    rows: Int64Array
    columns: Int64Array
    inside: BoolArray
    fold: Int64Array

    def cut(self, frame: Float32Array) -> Float32Array:
        """Cut a frame, or a cube of frames.

        Parameters
        ----------
        frame : (..., ny, nx) float32
            A frame or a cube.

        Returns
        -------
        (..., n_tiles, side, side) float32
            In the unit of the frame.
        """
        return frame[..., self.rows[:, :, None], self.columns[:, None, :]]


def choose_tiles(frame: Float32Array, sigma: Float32Array) -> Tiles:
    """Choose tiles by a fixed rule: all of a small frame, or of every part the most telling.

    Parameters
    ----------
    frame : (ny, nx) float32
        Median of the exposures, ADU; without NaN.
    sigma : (ny, nx) float32
        Noise of one exposure, ADU.

    Returns
    -------
    Tiles
        Of 32 x 32 pixels. Of a large frame, those of 8 x 8 parts that have the most structure and,
        for what is smooth, the least.
    """
    ny, nx = frame.shape
    n_down, n_over = -(-ny // TILE), -(-nx // TILE)
    places = list(np.ndindex(n_down, n_over))
    if len(places) > _MOST_TILES:
        places = list(_most_telling(_structure(frame, sigma, n_down, n_over)))
    corners = np.array(places, dtype=np.int64) * TILE
    span = np.arange(-MARGIN, TILE + MARGIN)
    y, x = corners[:, :1] + span, corners[:, 1:] + span
    core = (span >= 0) & (span < TILE)
    inner_y = core & (y >= RADIUS) & (y < ny - RADIUS)
    inner_x = core & (x >= RADIUS) & (x < nx - RADIUS)
    fold = (7 * (y // _FOLD_SIZE)[:, :, None] + 3 * (x // _FOLD_SIZE)[:, None, :]) // 2 % FOLDS
    inside = inner_y[:, :, None] & inner_x[:, None, :]
    return Tiles(np.clip(y, 0, ny - 1), np.clip(x, 0, nx - 1), inside, fold)


def _structure(frame: Float32Array, sigma: Float32Array, n_down: int, n_over: int) -> Float64Array:
    """Sum of the squared slopes of every tile, in units of the noise."""
    first, total = np.arange(0, frame.shape[1], TILE), np.zeros((n_down, n_over))
    for down, start in enumerate(range(0, len(frame), TILE)):
        scale = 1 / sigma[start : start + TILE]
        # One row more, for the slopes of the first.
        some, height = frame[max(start - 1, 0) : start + TILE], len(scale)
        slopes = np.zeros_like(scale)
        for part, axis in ((some, 0), (some[-height:], 1)):
            slope = np.diff(part, axis=axis, prepend=part.take([0], axis))[-height:] * scale
            slopes += np.square(np.clip(slope, -_STEEPEST, _STEEPEST, out=slope))
        slopes = np.maximum(slopes - _FLATTEST, 0)
        total[down] = np.add.reduceat(slopes.sum(axis=0, dtype=np.float64), first)
    return total


def _most_telling(structure: Float64Array) -> Iterator[tuple[int, int]]:
    """The tile with the most and the one with the least structure, of every part of the frame."""
    side = int(np.sqrt(_MOST_TILES // 2))
    for down in np.array_split(np.arange(structure.shape[0]), side):
        for over in np.array_split(np.arange(structure.shape[1]), side):
            part = structure[np.ix_(down, over)]
            if part.size:
                for k in sorted({int(part.argmax()), int(part.argmin())}):
                    i, j = divmod(k, len(over))
                    yield int(down[i]), int(over[j])


def choose_pixels(
    movable: Float32Array, sigma: Float32Array, usable: BoolArray, still: BoolArray
) -> tuple[Pixels, int]:
    """Choose the pixels of the fit by a fixed rule.

    Parameters
    ----------
    movable : (n_tiles, side, side) float32
        The reference, without what cannot move, ADU.
    sigma : (n_tiles, side, side) float32
        Noise of one exposure, ADU.
    usable : (n_tiles, side, side) bool
        Pixels to choose from.
    still : (n_tiles, side, side) bool
        Hot pixels, which are all taken.

    Returns
    -------
    pixels : (k,) int64
        Flat indices: every one of structure, or of many every second, third ...; and some others.
    n_structure : int
        How many there are of structure.
    """
    smooth = ndimage.uniform_filter(movable, (1, 3, 3), mode="nearest")
    strong = local_range(smooth) > np.float32(_STRUCTURE) * sigma
    structure = np.flatnonzero(strong & usable)
    flat = np.flatnonzero(~strong & usable)
    chosen = structure[:: max(1, -(-len(structure) // _MOST_PIXELS))]
    more = flat[:: max(1, len(flat) // (_MOST_PIXELS // _FLAT_PART))]
    pixels = np.concatenate([chosen, more, np.flatnonzero(still & usable)])
    return np.unique(pixels), len(structure)


def design_matrix(movable: Float32Array, terms: Float32Array, pixels: Pixels) -> Float64Array:
    """What every tap of a kernel and every smooth term adds to some pixels.

    Parameters
    ----------
    movable : (n_tiles, side, side) float32
        What kernels are convolved with, ADU.
    terms : (m, n_tiles, side, side) float32
        Smooth terms.
    pixels : (k,) int64
        Flat indices, `MARGIN` from the borders of the tiles.

    Returns
    -------
    (49 + m, k) float64
        One row for each.
    """
    side = movable.shape[-1]
    values = movable.ravel()
    design = np.empty((TAPS + len(terms), len(pixels)))
    shifts: IndexArray = np.add(*(s * f for s, f in zip(tap_offsets(), (side, 1), strict=True)))
    for row, shift in zip(design, shifts, strict=False):
        row[:] = values[pixels - shift]
    for row, term in zip(design[TAPS:], terms, strict=True):
        row[:] = term.ravel()[pixels]
    return design
