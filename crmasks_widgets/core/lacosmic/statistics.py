"""The images L.A.Cosmic compares with its thresholds (van Dokkum 2001, PASP 113, 1420).

Each exists for rows of a frame, and for single pixels of a frame that changed in few places; both
ways give the same bits.
"""

from typing import NamedTuple

import numpy as np

from crmasks_widgets.core.lacosmic.medians import median_at
from crmasks_widgets.core.typing import BoolArray, Float32Array, IndexArray

LOWEST_VARIANCE = np.float32(1e-5)
LOWEST_FINE_STRUCTURE = np.float32(0.01)


class Widths(NamedTuple):
    """Sides of the median windows: of the noise, of S, of the fine structure and around it."""

    noise: int
    significance: int
    structure: int
    surroundings: int


SEPARABLE, SQUARE = Widths(7, 7, 5, 9), Widths(5, 5, 3, 7)


def _mean_of_clipped(
    centre: Float32Array,
    up: Float32Array,
    down: Float32Array,
    left: Float32Array,
    right: Float32Array,
) -> Float32Array:
    """L+: the mean over the four subpixels of the positive part of the Laplacian.

    A subpixel has its own pixel on two sides: 4c - c - c - vertical - horizontal neighbour.
    """
    twice = centre + centre
    above, below = twice - up, twice - down
    total: Float32Array = np.maximum(above - left, 0)
    total += np.maximum(above - right, 0)
    total += np.maximum(below - left, 0)
    total += np.maximum(below - right, 0)
    total *= np.float32(0.25)
    return total


def laplacian_rows(frame: Float32Array, rows: slice) -> Float32Array:
    """Laplacian of some rows; pixels beyond the border count as 0.

    Parameters
    ----------
    frame : (ny, nx) float32
        Electrons.
    rows : slice
        Rows wanted.

    Returns
    -------
    (rows, nx) float32
        Electrons, >= 0.
    """
    ny, nx = frame.shape
    low, high = max(0, rows.start - 1), min(ny, rows.stop + 1)
    padded = np.zeros((rows.stop - rows.start + 2, nx + 2), np.float32)
    padded[low - rows.start + 1 : high - rows.start + 1, 1:-1] = frame[low:high]
    return _mean_of_clipped(
        padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    )


def laplacian_at(frame: Float32Array, points: IndexArray) -> Float32Array:
    """Laplacian at some pixels.

    Parameters
    ----------
    frame : (ny, nx) float32
        Electrons.
    points : (n,) int
        Flat indices, none on the border.

    Returns
    -------
    (n,) float32
        Electrons, >= 0.
    """
    nx = frame.shape[1]
    return _mean_of_clipped(*(frame.ravel().take(points + k) for k in (0, -nx, nx, -1, 1)))


def noise_of(variance: Float32Array) -> Float32Array:
    """N = sqrt(median(D + sigma^2)), at least 0.003 electrons.

    Parameters
    ----------
    variance : (...) float32
        Median of frame plus squared readout noise, electrons squared.

    Returns
    -------
    (...) float32
    """
    noise: Float32Array = np.sqrt(np.maximum(variance, LOWEST_VARIANCE))
    return noise


def significance_of(laplacian: Float32Array, noise: Float32Array) -> Float32Array:
    """S = L+ / (f N), with f = 2 for the 2x2 subpixels.

    Parameters
    ----------
    laplacian, noise : (...) float32
        Electrons.

    Returns
    -------
    (...) float32
    """
    significance: Float32Array = laplacian / (np.float32(2) * noise)
    return significance


def excess_at(significance: Float32Array, points: IndexArray, widths: Widths) -> Float32Array:
    """S' = S - median(S): without what is smooth.

    Parameters
    ----------
    significance : (ny, nx) float32
        S.
    points : (n,) int
        Flat indices.
    widths : Widths
        Of the medians.

    Returns
    -------
    (n,) float32
        0 where the window leaves the frame.
    """
    median = median_at(significance, points, widths.significance, widths is SEPARABLE)
    excess: Float32Array = significance.ravel().take(points) - median
    return excess


def contrast_at(
    structure: Float32Array,
    noise: Float32Array,
    points: IndexArray,
    excess: Float32Array,
    widths: Widths,
) -> Float32Array:
    """S' / F, with the fine structure F = (f - median(f)) / N of a filtered frame f, at least 0.01.

    Parameters
    ----------
    structure : (ny, nx) float32
        Median-filtered or matched-filtered frame, electrons.
    noise : (ny, nx) float32
        Electrons.
    points : (n,) int
        Flat indices.
    excess : (n,) float32
        S' there.
    widths : Widths
        Of the medians.

    Returns
    -------
    (n,) float32
    """
    median = median_at(structure, points, widths.surroundings, widths is SEPARABLE)
    fine = (structure.ravel().take(points) - median) / noise.ravel().take(points)
    contrast: Float32Array = excess / np.maximum(fine, LOWEST_FINE_STRUCTURE)
    return contrast


def _grown(mask: BoolArray, reach: int) -> BoolArray:
    """Grow by the square of side 3 or by that of side 5 without its corners.

    As in the library, pixels within `reach` of the border stay as they are.
    """
    ny, nx = mask.shape
    grown = mask.copy()
    inner = grown[reach : ny - reach, reach : nx - reach]
    steps = range(-reach, reach + 1)
    for dy, dx in ((dy, dx) for dy in steps for dx in steps if abs(dy) + abs(dx) < 4):
        inner |= mask[reach + dy : ny - reach + dy, reach + dx : nx - reach + dx]
    return grown


def bad_pixels(
    frame: Float32Array, masked: BoolArray | None, satlevel: np.float32, widths: Widths
) -> BoolArray | None:
    """Pixels that are neither flagged nor used to fill others.

    Saturated pixels count where the median around them is above a tenth of the level: a star, not
    a cosmic ray.

    Parameters
    ----------
    frame : (ny, nx) float32
        Electrons.
    masked : (ny, nx) bool or None
        Invalid pixels; grown by one pixel.
    satlevel : float
        Electrons.
    widths : Widths
        Of the medians.

    Returns
    -------
    (ny, nx) bool or None
        None if there are none.
    """
    saturated = np.flatnonzero(frame >= satlevel)
    median = median_at(frame, saturated, widths.noise, widths is SEPARABLE)
    saturated = saturated[median > np.float32(float(satlevel) / 10)]
    bad = None
    if saturated.size:
        bad = np.zeros(frame.shape, bool)
        bad.ravel()[saturated] = True
        bad = _grown(_grown(bad, 2), 2)
    if masked is not None and masked.any():
        grown = _grown(masked, 1)
        bad = grown if bad is None else bad | grown
    return bad
