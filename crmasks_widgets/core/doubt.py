"""Which hits a user should look at first: those with the weakest evidence."""

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from crmasks_widgets.core.hits import significance
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float64Array

_RARE, _STEPS = 0.01, 321  # of the integral over the lowest value
_FARTHEST, _APART = 12.0, 1 / 32  # sigma above the lowest value that chances are worked out for
_NEVER = 1e-22  # chance of one value that noise makes in no hit of any frame


def largest_ratio(
    excess: npt.NDArray[np.floating],
    limit: npt.NDArray[np.floating],
    hit: npt.NDArray[np.int64],
    n: int,
) -> Float64Array:
    """By how many times each hit exceeds what was asked of its pixels.

    Parameters
    ----------
    excess : (k,) float
        Median - minimum of pixels of hits, ADU.
    limit : (k,) float
        Above which such a pixel is flagged, ADU.
    hit : (k,) int64
        Which hit each pixel belongs to, from 0.
    n : int
        Number of hits.

    Returns
    -------
    (n,) float64
        Of the pixel where it is largest; 1 is at the limit. 0 for a hit without any finite value.
    """
    ratio = np.zeros(len(excess))
    np.divide(excess, limit, out=ratio, where=np.isfinite(excess) & (limit > 0))
    largest = np.zeros(n)
    np.maximum.at(largest, hit, ratio)
    return largest


def look_alike(labels: npt.NDArray[np.int32], stack: Stack, noise: Noise) -> BoolArray:
    """Tell in which hits all exposures show the same.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    stack : Stack
        Values of the exposures, ADU.
    noise : Noise
        Of one exposure.

    Returns
    -------
    (n,) bool
        As `alike`. If they show the same, the median tells how much noise it has; the minimum,
        which is low by chance, would make too little of it.
    """
    excess = significance(labels, stack, noise, at="median")
    pixels = np.bincount(labels[labels > 0], minlength=len(excess) + 1)[1:]
    return alike(excess, pixels, stack.n)


def alike(
    excess: npt.NDArray[np.floating], pixels: npt.NDArray[np.integer], n: int
) -> npt.NDArray[np.bool_]:
    """Tell where exposures differ by no more than noise does: what is seen is in all of them.

    Parameters
    ----------
    excess : (k,) float
        Largest median - minimum of each hit, sigma of one exposure that shows what all do.
    pixels : (k,) int
        Pixels that each is the largest of.
    n : int
        Exposures.

    Returns
    -------
    (k,) bool
        True where noise exceeds it in one of a hundred hits of so many pixels, or more. The median
        is the value in the middle, of two their mean; of four and more, if even, the higher one.
    """
    reach = np.maximum(np.asarray(excess, np.float64) * (2 if n == 2 else 1), 0.0)
    log_chance = _log_chance(n)
    same = reach <= log_chance.x[-1]
    same[same] = pixels[same] * n * np.exp(log_chance(reach[same])) >= _RARE
    return np.asarray(same)


@lru_cache(maxsize=64)
def _log_chance(n: int) -> CubicSpline:
    """Chance that one given value of n is the lowest, and the middle of all lies so far above it.

    Its logarithm, between points that are near enough to each other for 10 digits, by the distance
    in sigma of one exposure; of two exposures, the distance between both. It ends where noise
    reaches no more.
    """
    lowest = np.linspace(-8.0, 8.0, _STEPS)
    density = np.exp(-(lowest**2) / 2) / np.sqrt(2 * np.pi) * (lowest[1] - lowest[0])
    reach = np.arange(0.0, _FARTHEST + _APART, _APART)
    top = lowest + reach[:, None]
    above, between = ndtr(-top), ndtr(top) - ndtr(lowest)
    chance = sum(
        comb(n - 1, below) * between**below * above ** (n - 1 - below) for below in range(n // 2)
    )
    within = chance @ density
    known = within > _NEVER
    return CubicSpline(reach[known], np.log(within[known]))


def most_doubtful_first(
    other_class: npt.NDArray[np.bool_], times: npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """Order hits by how weak the evidence is that they are cosmic-ray hits.

    Parameters
    ----------
    other_class : (n,) bool
        Hits that were judged to be something else: a residual, a hot pixel, ...
    times : (n,) float
        By how many times each exceeds the limit, as in `largest_ratio`.

    Returns
    -------
    (n,) int64
        Indices: first those of another class, then the others; in each group the ones nearest to
        the limit first. What is equal stays in order.
    """
    return np.lexsort((times, ~other_class))
