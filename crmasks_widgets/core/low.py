"""Exposures that read low where all others agree: cold pixels, dropped rows, borders of a dither.

The minimum is the value that stays free of hits, unless one exposure has lost light: then all
others seem to be hit. N - 1 values that agree are the signal, but a pixel may be unstable and have
the same charge in several exposures. Where three others stand out and the lowest value lies between
its neighbours, it stays. Where only two are left to agree, which two hits of equal charge also do,
the surroundings have to say that these two are right. Light that is missing in a pixel and found
beside it, or missing in proportion to a source, belongs to a source that moved or varied.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.hits import connected
from crmasks_widgets.core.neighbours import box, range_at, values_at
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.order import range_exceeded
from crmasks_widgets.core.sources import missing_beside, predicted_by_sources
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, FloatArray, Pixels

# How far an exposure has to be below the lower of two others, sigma, which lies so far below their
# middle; and what noise makes of the range of nine medians.
_DEPTH, _BELOW_MIDDLE, _NOISE_RANGE = 6.0, 0.56, 2.0
# How near the others have to be to each other, sigma: two of them, within what noise exceeds once
# in 100; or in 700 and within a part of the depth. More of them, as noise exceeds it as rarely.
_NOISE_OF_TWO, _SPREAD_OF_TWO, _SPREAD_PART = 3.64, 4.5, 0.5
# Of the missing light, so much is found beside it or predicted by the source if it is no loss; the
# range within 3 x 3 pixels from which on there is a source, sigma.
_MOVED, _PREDICTED, _SOURCE = 0.5, 0.35, 10.0
# Of the range within 3 x 3 pixels, what displacement and image quality may do: measured where that
# range is so many sigma, in a tail of the pixels, if there are enough of them; else assumed.
_STEEP, _STEEP_TAIL, _STEEP_PIXELS, _STEEP_ASSUMED, _STEEP_SAFETY = 10.0, 0.05, 200, 0.3, 2.0
# With two others: how far the lowest value is out of place, in sigma, and how much less they are.
_OUT_OF_PLACE, _IN_PLACE = 4.0, 1 / 3
# So many connected pixels in which two others agree are no two hits.
_BLOCK, _BLOCK_PART = 8, 0.8
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_ENOUGH_PIXELS = 500_000


@dataclass(frozen=True)
class LowValues:
    """Values of single exposures that are no light.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices, rising.
    exposure : (k,) int64
        Index of the exposure that reads low in each, from 0.
    of_sources : (m,) int64
        Flat indices where one exposure lies as far below, because a source moved or varied.
    """

    pixels: Pixels
    exposure: Pixels
    of_sources: Pixels = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.pixels)


def find_low(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> LowValues:
    """Find the values that lie far below all others, which agree.

    Parameters
    ----------
    stack : Stack
        Exposures on one scale, ADU.
    noise : Noise
        Of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    LowValues
        Only pixels with three valid exposures or more. With three, the surroundings have to agree.
    """
    # Of the exposure that was divided by the smallest factor.
    least = min(factors)
    sigma = np.asarray(noise.sigma(stack.median2d * least) / least, np.float32)
    deep = stack.median2d - stack.min2d > _DEPTH * sigma
    pixels = np.flatnonzero(deep & (stack.n_valid > 2))
    if not len(pixels):
        return LowValues(pixels, pixels)
    own = sigma.ravel()[pixels]
    steep = range_at(stack.median2d, pixels) - _NOISE_RANGE * own
    steep = _steepness(stack, sigma) * np.maximum(steep, 0)
    low = _far_below(stack, pixels, own, steep)
    n_valid = stack.n_valid.ravel()[pixels[low]]
    low[low] = _enough_agree(stack, pixels[low], n_valid, sigma, deep)
    pixels = pixels[low]
    exposure = np.nanargmin(stack.cube.reshape(stack.n, -1)[:, pixels], axis=0)
    moved = _of_sources(stack, sigma, pixels, exposure)
    return LowValues(pixels[~moved], exposure[~moved], pixels[moved])


def _far_below(stack: Stack, pixels: Pixels, own: FloatArray, steep: FloatArray) -> BoolArray:
    """Whether one value lies far below all others, which agree."""
    ordered = np.sort(stack.cube.reshape(stack.n, -1)[:, pixels], axis=0)  # NaN comes last
    n_valid = stack.n_valid.ravel()[pixels].astype(np.intp)
    highest = np.take_along_axis(ordered, (n_valid - 1)[None], axis=0)[0]
    gap, spread = ordered[1] - ordered[0], highest - ordered[1]
    # The lowest of many lies the further below their middle, and the highest above.
    middle = (np.nansum(ordered, axis=0) - ordered[0]) / (n_valid - 1)
    depth = middle - _BELOW_MIDDLE * own - ordered[0]
    by_noise, at_most = (
        np.array([range_exceeded(max(n - 1, 2), limit) for n in range(stack.n + 1)])[n_valid] * own
        for limit in (_NOISE_OF_TWO, _SPREAD_OF_TWO)
    )
    close = spread < np.maximum(by_noise, np.minimum(at_most + steep, _SPREAD_PART * gap))
    return np.asarray((depth > _DEPTH * own + steep) & close)


def _of_sources(stack: Stack, sigma: FloatArray, pixels: Pixels, exposure: Pixels) -> BoolArray:
    """Whether the light missing in an exposure is found beside, or missing like a source's."""
    moved = np.zeros(len(pixels), dtype=bool)
    source = range_at(stack.median2d, pixels) > _SOURCE * sigma.ravel()[pixels]
    for k in np.unique(exposure[source]):
        mine = np.flatnonzero(source & (exposure == k))
        difference = stack.cube[k] - stack.median2d
        missing = -difference.ravel()[pixels[mine]]
        beside = missing_beside(-stack.cube[k], -stack.median2d[None], sigma, pixels[mine])
        of_source = predicted_by_sources(difference, stack.median2d, sigma, pixels[mine])
        moved[mine] = (beside > _MOVED * missing) | (-of_source > _PREDICTED * missing)
    return moved


def leave_out(stack: Stack, low: LowValues) -> Stack:
    """The stack without its low values.

    Parameters
    ----------
    stack : Stack
        Exposures, ADU.
    low : LowValues
        What is left out.

    Returns
    -------
    Stack
        They are invalid there, like bad pixels. The same stack where there are none.
    """
    return stack.without(low.exposure, low.pixels) if len(low) else stack


def hits_of_low_values(
    labels: npt.NDArray[np.int32], flagged: BoolArray, low: LowValues, n: int
) -> npt.NDArray[np.int64]:
    """Tell which hits are there only because one exposure reads low.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    flagged : (ny, nx) bool
        Pixels that were detected, without those of the dilation.
    low : LowValues
        Values that are no light.
    n : int
        Number of exposures.

    Returns
    -------
    (n_hits,) int64
        Number of the exposure, from 1, that most low values in a hit belong to; 0 for a hit of
        which fewer than half of the flagged pixels have one.
    """
    n_hits = int(labels.max(initial=0))
    here = flagged.ravel()[low.pixels]
    counts = np.zeros((n, n_hits + 1), np.int64)
    np.add.at(counts, (low.exposure[here], labels.ravel()[low.pixels[here]]), 1)
    most = counts[:, 1:]
    of_each = np.bincount(labels[flagged], minlength=n_hits + 1)[1:]
    low_enough = most.any(axis=0) & (2 * most.sum(axis=0) >= of_each)
    return np.where(low_enough, 1 + most.argmax(axis=0), 0)


def _steepness(stack: Stack, sigma: FloatArray) -> float:
    """What exposures differ by on structure, as a part of its range within 3 x 3 pixels."""
    ny, nx = sigma.shape
    step = max(1, sigma.size // _ENOUGH_PIXELS)
    rows = np.arange(0, ny, step)
    pixels = (rows[:, None] * nx + np.arange(nx)).ravel()
    range_, own = range_at(stack.median2d, pixels), sigma.ravel()[pixels]
    steep = range_ > _STEEP * own
    if np.count_nonzero(steep) < _STEEP_PIXELS:
        return _STEEP_ASSUMED
    pixels, range_, own = pixels[steep], range_[steep], own[steep]
    below = stack.median2d.ravel()[pixels] - stack.min2d.ravel()[pixels]
    part = np.sort(np.nan_to_num((below - 2 * own) / range_))
    return float(np.clip(_STEEP_SAFETY * part[int((1 - _STEEP_TAIL) * len(part))], 0.02, 1.0))


def _enough_agree(
    stack: Stack, pixels: Pixels, n_valid: npt.NDArray[np.int16], sigma: FloatArray, deep: BoolArray
) -> BoolArray:
    """Whether those that agree are signal: four always, three unless the surroundings object."""
    if not len(pixels):
        return np.zeros(0, dtype=bool)
    others_fit, lowest_fits = _which_fits(stack, pixels, sigma, deep)
    two = others_fit | _large_block(stack, pixels, deep)
    return np.where(n_valid == 3, two, (n_valid > 4) | ~lowest_fits)


def _which_fits(
    stack: Stack, pixels: Pixels, sigma: FloatArray, deep: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Whether the others lie between their neighbours and the lowest does not; and the reverse."""
    known = np.where(deep, np.nan, stack.median2d)
    own = sigma.ravel()[pixels]
    lowest = stack.min2d.ravel()[pixels]
    others = stack.median2d.ravel()[pixels]
    lowest_off, others_off = np.full(len(pixels), np.inf), np.full(len(pixels), np.inf)
    for dy, dx in _DIRECTIONS:
        for step in (1, 2):
            before = values_at(known, pixels, -step * dy, -step * dx)
            between = (before + values_at(known, pixels, step * dy, step * dx)) / 2
            lowest_off = np.fmin(lowest_off, np.abs(lowest - between))
            others_off = np.fmin(others_off, np.abs(others - between))
    steps = box(2, middle=False)
    around = np.fmin.reduce([values_at(known, pixels, dy, dx) for dy, dx in steps])
    quietest = np.fmin.reduce([values_at(sigma, pixels, dy, dx) for dy, dx in steps])
    below_all = lowest < around - _OUT_OF_PLACE * quietest
    out = np.isfinite(lowest_off) & (lowest_off > _OUT_OF_PLACE * own)
    others_out = np.isfinite(others_off) & (others_off > _OUT_OF_PLACE * own)
    return (
        below_all | (out & (others_off < _IN_PLACE * lowest_off)),
        ~below_all & others_out & (lowest_off < _IN_PLACE * np.minimum(others_off, own * _DEPTH)),
    )


def _large_block(stack: Stack, pixels: Pixels, deep: BoolArray) -> BoolArray:
    """Whether a pixel belongs to many connected ones, nearly all low in the same exposure."""
    every = np.flatnonzero(deep)
    number = connected(every, stack.min2d.shape[1])
    mine = number[np.searchsorted(every, pixels)]
    exposure = np.nanargmin(stack.cube.reshape(stack.n, -1)[:, pixels], axis=0)
    n_groups = int(number.max(initial=0)) + 1
    counts = np.bincount(number, minlength=n_groups)
    agree = np.stack([np.bincount(mine[exposure == k], minlength=n_groups) for k in range(stack.n)])
    most = agree.argmax(axis=0)
    large = (agree.max(axis=0) >= _BLOCK) & (agree.max(axis=0) >= _BLOCK_PART * counts)
    return np.asarray(large[mine] & (exposure == most[mine]))
