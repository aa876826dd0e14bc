"""Where hits begin and how far they grow: from significances to flagged pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from crmasks_widgets.core.hits import label_hits
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


def grown_from(
    seeds: Pixels, candidates: Candidates, growth: float, shape: tuple[int, int]
) -> Found:
    """Let seeds grow over connected candidates.

    Parameters
    ----------
    seeds : (k,) int64
        Flat indices.
    candidates : Candidates
        Of the target.
    growth : float
        Significance that a pixel beside a hit needs, sigma.
    shape : (ny, nx)
        Of the frame.

    Returns
    -------
    Found
        Neighbours are the 8 around a pixel.
    """
    start = np.zeros(shape, dtype=bool)
    start.ravel()[seeds] = True
    reach = start.copy()
    reach.ravel()[candidates.pixels[candidates.significance >= growth]] = True
    labels = label_hits(reach)
    wanted = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    wanted[labels.ravel()[seeds]] = True
    wanted[0] = False
    return Found(start, wanted[labels])


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
    counts = np.bincount(np.minimum(n_hit, most)[level.n_valid > 1], minlength=most + 1)
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
    needed = level.n_valid - level.n_valid // 2
    return np.asarray((n_hit >= needed) & (level.n_valid > 1))
