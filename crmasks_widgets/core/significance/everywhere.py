"""Hits of the median, and those among their pixels that every exposure is hit in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.significance import hits, local_estimate
from crmasks_widgets.core.significance.evidence import hit_in_each
from crmasks_widgets.core.significance.excess import Candidates
from crmasks_widgets.core.significance.known import hit_or_beside, known_values
from crmasks_widgets.core.significance.level import Level, sigma_at
from crmasks_widgets.core.significance.of_sources import without_sources
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Pixels


@dataclass(frozen=True)
class Coincidences:
    """Hits of the median.

    Attributes
    ----------
    found : Found
        Seeds, and all flagged pixels.
    everywhere : (k,) int64
        Flat indices of flagged pixels where each exposure shows a hit of its own.
    standing : (m,) int64
        Flat indices of flagged pixels that stand out of their surroundings in all exposures without
        such evidence: a source, a bad pixel, or hits that cannot be told from one.
    start : tuple of float
        Significances above which a hit begins, as in `SignificanceLimits`.
    """

    found: hits.Found
    everywhere: Pixels
    standing: Pixels
    start: tuple[float, ...]


@dataclass(frozen=True)
class Everywhere:
    """Pixels that stand out of their surroundings in all exposures.

    Attributes
    ----------
    hit : (ny, nx) bool
        Each exposure shows a hit of its own.
    standing : (ny, nx) bool
        They do not.
    """

    hit: BoolArray
    standing: BoolArray


def find_coincidences(
    level: Level,
    stack: Stack,
    candidates: Candidates,
    groups: hits.Groups,
    own_hits: Sequence[Pixels],
    of_sources: Pixels,
    expected_false: float,
) -> Coincidences:
    """Find the hits of the median.

    Parameters
    ----------
    level : Level
        Level and noise.
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    candidates : Candidates
        Of the median.
    groups : Groups
        Of the median.
    own_hits : sequence of n (k,) int64
        Flat indices of the pixels that each exposure's own statistic flags.
    of_sources : (m,) int64
        Flat indices of pixels where sources are known to have moved or varied.
    expected_false : float
        Groups that noise may make in the frame.

    Returns
    -------
    Coincidences
        Everything found, before dilation.
    """
    shape = stack.min2d.shape
    hit = hits.HitCounts.of(own_hits, shape)
    start = hits.median_thresholds(level, hit, expected_false)
    found = hits.grown_from(hits.median_seeds(level, candidates, hit, start), groups, shape)
    found = without_sources(found, stack, level, "median", of_sources)
    found = found.joined(hits.hit_in_several(level, hit))
    # Where the minimum is hit too, the excess over it may be small: it betrays itself by its
    # surroundings, and is looked for beside the pixels found.
    around = grow(found.flagged, 1)
    everywhere, standing = pixels_hit_everywhere(
        level, stack, around, np.flatnonzero(around), own_hits
    )
    return Coincidences(found.joined(everywhere), everywhere, standing, start)


def hits_of_exposure(
    own: hits.Found, coincidences: Coincidences, groups: hits.Groups
) -> hits.Found:
    """Hits of one exposure, with those of the median that it takes part in.

    It is hit as well where the median is and it exceeds the minimum enough to grow, and where all
    exposures are.

    Parameters
    ----------
    own : Found
        By its own statistic.
    coincidences : Coincidences
        Hits of the median.
    groups : Groups
        Of the exposure.

    Returns
    -------
    Found
        All of them.
    """
    flagged = coincidences.found.flagged
    joint = groups.pixels[flagged.ravel()[groups.pixels]]
    grown = hits.grown_from(joint, groups, flagged.shape)
    return own.joined(grown.pixels, coincidences.everywhere)


def mark_everywhere(
    coincidences: Coincidences,
    flagged: BoolArray,
    found: BoolArray,
    level: Level,
    stack: Stack,
    own_hits: Sequence[Pixels],
) -> Everywhere:
    """Mark the pixels that stand out in all exposures, whichever detector flagged them.

    Parameters
    ----------
    coincidences : Coincidences
        Hits of the median by their significance.
    flagged : (ny, nx) bool
        By any detector.
    found : (ny, nx) bool
        Grown around them.
    level : Level
        Level and noise.
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    own_hits : sequence of n (k,) int64
        Flat indices of the pixels that each exposure's own statistic flags.

    Returns
    -------
    Everywhere
        New arrays.
    """
    others = np.flatnonzero(flagged & ~coincidences.found.flagged)
    hit, standing = pixels_hit_everywhere(level, stack, grow(found, 1), others, own_hits)
    made = Everywhere(np.zeros(flagged.shape, dtype=bool), np.zeros(flagged.shape, dtype=bool))
    for frame, more in ((made.hit, (coincidences.everywhere, hit)),
                        (made.standing, (coincidences.standing, standing))):  # fmt: skip
        frame.ravel()[np.concatenate(more)] = True
    return made


def pixels_hit_everywhere(
    level: Level, stack: Stack, masked: BoolArray, pixels: Pixels, own_hits: Sequence[Pixels]
) -> tuple[Pixels, Pixels]:
    """Those of the pixels whose minimum stands out of what is clean around them.

    Parameters
    ----------
    level : Level
        Level and noise.
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    masked : (ny, nx) bool
        Pixels that say nothing of their surroundings.
    pixels : (k,) int64
        Flat indices of those asked about.
    own_hits : sequence of n (m,) int64
        Flat indices of the pixels that each exposure's own statistic flags.

    Returns
    -------
    hit, standing : (m,) int64
        Flat indices of those where each exposure shows a hit of its own, and of the others.
    """
    if not len(pixels):
        return pixels, pixels
    known = known_values(level, stack, masked, hit_or_beside(own_hits, stack.min2d.shape))
    # What is no higher than the row or the column says may be a source under the tracks.
    highest = local_estimate.highest_interpolation(known, pixels)
    excess = stack.min2d.ravel()[pixels] - highest
    sigma = sigma_at(level, highest, pixels)
    pixels = pixels[~(excess <= local_estimate.EVERYWHERE_SIGMA * sigma)]
    estimate = local_estimate.estimate_locally(known, pixels)
    sigma = sigma_at(level, estimate.value, pixels)
    excess = stack.min2d.ravel()[pixels] - estimate.value
    out = local_estimate.stands_out(excess, estimate, sigma)
    pixels = pixels[out]
    shown = hit_in_each(level, stack, own_hits, pixels, estimate.value[out])
    return pixels[shown], pixels[~shown]


def estimate_around(
    level: Level,
    stack: Stack,
    masked: BoolArray,
    spoilt: Sequence[BoolArray],
    pixels: Pixels,
    between: BetweenExposures = ALIKE,
) -> local_estimate.LocalEstimate:
    """Estimate pixels from what is clean around them.

    Parameters
    ----------
    level : Level
        Level and noise.
    stack : Stack
        Exposures divided by their flux factors, ADU.
    masked : (ny, nx) bool
        Pixels whose median may be hit.
    spoilt : sequence of n (ny, nx) bool
        Where the exposures are hit, or may be.
    pixels : (k,) int64
        Flat indices of those to be estimated.
    between : BetweenExposures
        What the exposures differ by.

    Returns
    -------
    LocalEstimate
        Values and variances.
    """
    if not len(pixels):
        return local_estimate.LocalEstimate(np.zeros(0), np.zeros(0))
    known = known_values(level, stack, masked, spoilt, between)
    return local_estimate.estimate_locally(known, pixels)
