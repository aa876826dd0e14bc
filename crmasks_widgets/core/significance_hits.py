"""Where hits begin and how far they grow: from significances to flagged pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crmasks_widgets.core.hits import connected
from crmasks_widgets.core.significance import LEAST_SIGNIFICANCE, Candidates, significance_of
from crmasks_widgets.core.significance_level import Level

BoolFrame = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.int64]

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
    deviate = stats.norm.isf(min(expected_false / max(n_pixels, 1), 0.5))
    return float(max(deviate, LEAST_SIGNIFICANCE))


@dataclass(frozen=True)
class Found:
    """Significant pixels of a target.

    Attributes
    ----------
    seeds : (ny, nx) bool
        Above the threshold.
    flagged : (ny, nx) bool
        The seeds and what they grow to.
    """

    seeds: BoolFrame
    flagged: BoolFrame


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
    found = Found(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool))
    found.seeds.ravel()[groups.pixels[begins]] = True
    found.flagged.ravel()[groups.pixels[wanted[groups.number]]] = True
    return found


def median_thresholds(
    level: Level, n_hit: npt.NDArray[np.integer], expected_false: float
) -> tuple[float, ...]:
    """Significances above which hits of the median begin.

    Exposures that are hit raise nothing but themselves as long as they are no majority, but the
    median is then a higher one of the others. Pixels are classed by the number of exposures that
    are known to be hit, up to the most that the median endures; the classes share the false alarms
    equally.

    Parameters
    ----------
    level : Level
        Noise of the pixels.
    n_hit : (ny, nx) integer
        Exposures that are hit by themselves.
    expected_false : float
        Pixels that noise may lift above the thresholds, in all.

    Returns
    -------
    tuple of float
        By the number of exposures hit, sigma.
    """
    most = _most_endured(len(level.factors))
    hit = n_hit[(n_hit > 0) & (level.n_valid > 1)]
    counts = np.bincount(np.minimum(hit, most), minlength=most + 1)
    counts[0] = level.n_tested - len(hit)
    return tuple(
        threshold(min(expected_false / (most + 1), _MOST_PROBABLE * int(count)), int(count))
        for count in counts
    )


def _most_endured(n: int) -> int:
    """Exposures that may be hit before the upper of the central values is."""
    return n - n // 2 - 1


def median_seeds(
    level: Level,
    candidates: Candidates,
    n_hit: npt.NDArray[np.integer],
    thresholds: tuple[float, ...],
) -> Pixels:
    """Begin hits of the median, by the law of the exposures that are not hit by themselves.

    Parameters
    ----------
    level : Level
        Noise of the pixels.
    candidates : Candidates
        Of the median.
    n_hit : (ny, nx) integer
        Exposures that are hit by themselves.
    thresholds : tuple of float
        From `median_thresholds`.

    Returns
    -------
    (k,) int64
        Flat indices, rising.
    """
    mine = np.minimum(n_hit.ravel()[candidates.pixels], len(thresholds) - 1)
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


def hit_in_most(level: Level, n_hit: npt.NDArray[np.integer]) -> BoolFrame:
    """Pixels with so many exposures hit that the median is hit too.

    Parameters
    ----------
    level : Level
        Tells the number of valid exposures.
    n_hit : (ny, nx) integer
        Exposures that are hit.

    Returns
    -------
    (ny, nx) bool
        Half of the valid exposures or more.
    """
    result = np.zeros(n_hit.shape, dtype=bool)
    pixels = np.flatnonzero(n_hit)
    n_valid = level.n_valid.ravel()[pixels]
    most = n_hit.ravel()[pixels] >= n_valid - n_valid // 2
    result.ravel()[pixels[most & (n_valid > 1)]] = True
    return result
