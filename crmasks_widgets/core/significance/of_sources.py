"""Hits that are a source's own light are told from the others."""

from dataclasses import replace

import numpy as np

from crmasks_widgets.core.hits import connected
from crmasks_widgets.core.significance.hits import Found
from crmasks_widgets.core.significance.level import Level
from crmasks_widgets.core.sources import missing_beside, predicted_by_sources
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Pixels, Target

# Contrast from which on there may be a source, sigma.
_SOURCE = 8.0
# Of the excess of a hit, so much is explained if it is none.
_EXPLAINED, _MISSING = 0.38, 0.5
# Noise of a difference from the lowest of some exposures, in that of one.
_OF_DIFFERENCE = 1.3


def without_sources(
    found: Found, stack: Stack, level: Level, target: Target, known: Pixels
) -> Found:
    """Take out what a source that varied or moved explains.

    Parameters
    ----------
    found : Found
        Hits of the target by its own statistic.
    stack : Stack
        Exposures on one scale, ADU.
    level : Level
        Level and noise.
    target : {"median", "mean"} or int
        The target.
    known : (m,) int64
        Flat indices of pixels where sources are known to have moved or varied.

    Returns
    -------
    Found
        Without the hits of which half of the excess or more is what the image of a source predicts
        from the pixels beside, is missing in pixels beside in the same exposure, or is known to
        be a source's. Their pixels are listed.
    """
    seeds = found.seed_pixels[level.contrast.ravel()[found.seed_pixels] > _SOURCE]
    if not len(seeds):
        return found
    excess = stack.target(target) - level.minimum
    own = excess.ravel()[found.seed_pixels]
    pixels = np.unique(found.pixels)
    number = connected(pixels, level.sigma.shape[1])
    of_seed = number[np.searchsorted(pixels, found.seed_pixels)]
    n_groups = int(number.max(initial=0)) + 1
    on_source = np.isin(found.seed_pixels, seeds)
    noise = level.sigma * np.float32(_OF_DIFFERENCE)
    explained = np.zeros(len(own))
    explained[on_source] = predicted_by_sources(
        excess, level.minimum, noise, found.seed_pixels[on_source]
    )
    explained = np.where(np.isin(found.seed_pixels, known), own, np.minimum(explained, own))
    total, part = (np.bincount(of_seed, v, minlength=n_groups) for v in (own, explained))
    dropped = part > _EXPLAINED * total
    if isinstance(target, int):
        missing = np.zeros(n_groups)
        beside = missing_beside(
            stack.cube[target - 1], np.delete(stack.cube, target - 1, axis=0), level.sigma, seeds
        )
        np.maximum.at(missing, of_seed[on_source], beside)
        dropped |= missing > _MISSING * total
    if not dropped.any():
        return found
    return replace(
        found,
        seed_pixels=found.seed_pixels[~dropped[of_seed]],
        pixels=pixels[~dropped[number]],
        of_sources=pixels[dropped[number]],
    )
