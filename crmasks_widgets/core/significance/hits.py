"""Where hits begin and how far they grow: from significances to flagged pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from crmasks_widgets.core.combine import median_variance_factor
from crmasks_widgets.core.hits import connected
from crmasks_widgets.core.significance.excess import LEAST_SIGNIFICANCE, Candidates, significance_of
from crmasks_widgets.core.significance.level import Level
from crmasks_widgets.core.typing import BoolArray, Pixels

# Where exposures are hit, few pixels share the false alarms; none of them gets more than this.
_MOST_PROBABLE = 1e-4


def threshold(expected_false: float, n_pixels: int) -> float:
    """Significance that noise is expected to reach in so many pixels of a frame.

    Parameters
    ----------
    expected_false : float
        Pixels, above 0.
    n_pixels : int
        Pixels of the frame.

    Returns
    -------
    float
        In sigma, at least `LEAST_SIGNIFICANCE`.
    """
    deviate = -ndtri(min(expected_false / max(n_pixels, 1), 0.5))
    return float(max(deviate, LEAST_SIGNIFICANCE))


@dataclass(frozen=True)
class SignificanceLimits:
    """Significances that decide about the pixels of a target.

    Attributes
    ----------
    start : tuple of float
        A hit begins above the first, sigma. For the median, the others hold in pixels where one,
        two, ... exposures are hit by themselves, by the law of the exposures that are left.
    growth : float
        Pixels connected to it belong to the hit above this, sigma.
    """

    start: tuple[float, ...]
    growth: float


@dataclass(frozen=True)
class Found:
    """Significant pixels of a target.

    Attributes
    ----------
    seed_pixels : (k,) int64
        Flat indices of those above the threshold.
    pixels : (k,) int64
        The seeds and what they grow to; in any order, some maybe more than once.
    shape : (ny, nx)
        Of the frame.
    of_sources : (k,) int64
        Flat indices of significant pixels that are none of them: a source that varied or moved.
    """

    seed_pixels: Pixels
    pixels: Pixels
    shape: tuple[int, int]
    of_sources: Pixels = field(default_factory=lambda: np.zeros(0, np.int64))

    @cached_property
    def seeds(self) -> BoolArray:
        """Pixels above the threshold, (ny, nx) bool."""
        return _marked(self.seed_pixels, self.shape)

    @cached_property
    def flagged(self) -> BoolArray:
        """The seeds and what they grow to, (ny, nx) bool."""
        return _marked(self.pixels, self.shape)

    def joined(self, *more: Pixels) -> "Found":
        """The same seeds, and more pixels."""
        return replace(self, pixels=np.concatenate([self.pixels, *more]))


def _marked(pixels: Pixels, shape: tuple[int, int]) -> BoolArray:
    frame = np.zeros(shape, dtype=bool)
    frame.ravel()[pixels] = True
    return frame


@dataclass(frozen=True)
class Groups:
    """Connected pixels that hits can grow over.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices, rising.
    number : (k,) int32
        Number of the group of each.
    """

    pixels: Pixels
    number: npt.NDArray[np.int32]


def group_candidates(candidates: Candidates, growth: float, nx: int) -> Groups:
    """Connect the candidates that are significant enough to belong to a hit beside them.

    Parameters
    ----------
    candidates : Candidates
        Of a target.
    growth : float
        Significance that is enough, sigma.
    nx : int
        Columns of the frame.

    Returns
    -------
    Groups
        Neighbours are the 8 around a pixel.
    """
    pixels = candidates.pixels[candidates.significance >= growth]
    return Groups(pixels, connected(pixels, nx))


def grown_from(seeds: Pixels, groups: Groups, shape: tuple[int, int]) -> Found:
    """Flag the groups that hold a seed.

    Parameters
    ----------
    seeds : (k,) int64
        Flat indices; those outside all groups begin nothing.
    groups : Groups
        Of the target.
    shape : (ny, nx)
        Of the frame.

    Returns
    -------
    Found
        The seeds that count, and all pixels of their groups.
    """
    begins = np.isin(groups.pixels, seeds, assume_unique=True)
    wanted = np.zeros(len(groups.pixels) + 1, dtype=bool)
    wanted[groups.number[begins]] = True
    return Found(groups.pixels[begins], groups.pixels[wanted[groups.number]], shape)


@dataclass(frozen=True)
class HitCounts:
    """How many exposures are hit by themselves.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices of the pixels that any exposure is hit in, rising.
    frame : (ny, nx) int16
        Number of exposures.
    """

    pixels: Pixels
    frame: npt.NDArray[np.int16]

    @classmethod
    def of(cls, pixels: Sequence[Pixels], shape: tuple[int, int]) -> "HitCounts":
        """Count the exposures, from the pixels that each is hit in."""
        frame = np.zeros(shape, np.int16)
        for hit in pixels:
            frame.ravel()[hit] += 1
        return cls(np.flatnonzero(_marked(np.concatenate(pixels), shape)), frame)


def median_thresholds(level: Level, hit: HitCounts, expected_false: float) -> tuple[float, ...]:
    """Significances above which hits of the median begin.

    Exposures that are hit raise nothing but themselves as long as they are no majority, but the
    median is then a higher one of the others. Pixels are classed by the number of exposures that
    are known to be hit, up to the most that the median endures; the classes share the false alarms
    equally, and what is too much for the pixels of one is left to those without a hit exposure.

    Parameters
    ----------
    level : Level
        Noise of the pixels.
    hit : HitCounts
        Exposures that are hit by themselves.
    expected_false : float
        Pixels that noise may lift above the thresholds, in all.

    Returns
    -------
    tuple of float
        By the number of exposures hit, sigma.
    """
    most = _most_endured(len(level.factors))
    number = hit.frame.ravel()[hit.pixels][level.n_valid_at(hit.pixels) > 1]
    counts = np.bincount(np.minimum(number, most), minlength=most + 1)
    counts[0] = level.n_tested - len(number)
    shares = np.minimum(expected_false / (most + 1), _MOST_PROBABLE * counts)
    shares[0] = expected_false - shares[1:].sum()
    return tuple(threshold(share, int(n)) for share, n in zip(shares, counts, strict=True))


def _most_endured(n: int) -> int:
    """Exposures that may be hit before the upper of the central values is."""
    return n - n // 2 - 1


def median_seeds(
    level: Level,
    candidates: Candidates,
    hit: HitCounts,
    thresholds: tuple[float, ...],
) -> Pixels:
    """Begin hits of the median, by the law of the exposures that are not hit by themselves.

    Parameters
    ----------
    level : Level
        Noise of the pixels.
    candidates : Candidates
        Of the median.
    hit : HitCounts
        Exposures that are hit by themselves.
    thresholds : tuple of float
        From `median_thresholds`.

    Returns
    -------
    (k,) int64
        Flat indices, rising.
    """
    mine = np.minimum(hit.frame.ravel()[candidates.pixels], len(thresholds) - 1)
    seeds = []
    for lost, least in enumerate(thresholds):
        chosen = np.flatnonzero(mine == lost)
        significance = candidates.significance[chosen]
        if lost:
            significance = significance_of(
                level, "median", candidates.excess[chosen], candidates.pixels[chosen], lost
            )
            significance = significance / candidates.scale[chosen]
        seeds.append(candidates.pixels[chosen[significance > least]])
    return np.sort(np.concatenate(seeds))


@lru_cache(maxsize=64)
def fewest_harmful(n: int) -> int:
    """Fewest exposures hit that shift a median by more than its own noise.

    Parameters
    ----------
    n : int
        Exposures, 2 or more.

    Returns
    -------
    int
        1 of 2; 2 of 3 to 7; then a growing number, half of them at most.
    """
    noise = math.sqrt(median_variance_factor(n))
    for lost in range(1, n - n // 2):
        # Means of the order statistics that remain in the middle (G. Blom, Statistical Estimates
        # and Transformed Beta-Variables, Wiley 1958).
        ranks = np.array([(n + 1) // 2, n // 2 + 1])
        shift = ndtri((ranks - 0.375) / (n - lost + 0.25)).mean()
        if shift > noise:
            return lost
    return n - n // 2


def hit_in_several(level: Level, hit: HitCounts) -> Pixels:
    """Pixels with so many exposures hit that the median suffers.

    Parameters
    ----------
    level : Level
        Tells the number of valid exposures.
    hit : HitCounts
        Exposures that are hit.

    Returns
    -------
    (k,) int64
        Flat indices, rising: `fewest_harmful` of the valid exposures or more.
    """
    needed = np.full(len(level.factors) + 1, np.iinfo(np.int16).max)
    for n in level.numbers:
        needed[n] = fewest_harmful(n)
    harmed = hit.frame.ravel()[hit.pixels] >= needed[level.n_valid_at(hit.pixels)]
    return hit.pixels[harmed]
