"""What is known of a frame in which pixels are masked: the median, and exposures that are clean."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.combine import median_variance_factors
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.significance.level import Level, sigma_at
from crmasks_widgets.core.significance.local_estimate import Known
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, FloatArray, Pixels

# Clean values agree with the lowest of them within so many sigma.
_AGREE = 4.2


def hit_or_beside(hits: Sequence[Pixels], shape: tuple[int, int]) -> list[BoolArray]:
    """Mark the pixels that are hit, and the eight around each.

    Parameters
    ----------
    hits : sequence of n (k,) int64
        Flat indices, of each exposure.
    shape : (ny, nx)
        Of a frame.

    Returns
    -------
    list of n (ny, nx) bool
        New arrays.
    """
    frames = []
    for pixels in hits:
        frame = np.zeros(shape, dtype=bool)
        frame.ravel()[pixels] = True
        frames.append(grow(frame, 1))
    return frames


def known_values(
    level: Level,
    stack: Stack,
    masked: BoolArray,
    spoilt: Sequence[BoolArray],
    between: BetweenExposures = ALIKE,
) -> Known:
    """Collect the clean values of a frame.

    Parameters
    ----------
    level : Level
        Noise.
    stack : Stack
        Exposures on one scale, ADU.
    masked : (ny, nx) bool
        Pixels whose median may be hit.
    spoilt : sequence of n (ny, nx) bool
        Where the exposures are hit, or may be.
    between : BetweenExposures
        What the exposures differ by.

    Returns
    -------
    Known
        The median where nothing is masked; elsewhere the mean of the exposures that are not
        spoilt, as far as they agree; good where there is any.
    """
    value, factors = stack.median2d.copy(), median_variance_factors(stack.n)
    share = np.asarray(factors[stack.n_valid])
    good = ~masked & (stack.n_valid > 0)
    at = np.unravel_index(np.flatnonzero(masked), masked.shape)
    cube = np.stack([exposure[at] for exposure in stack.cube])
    clean = _clean(cube, np.stack([frame[at] for frame in spoilt]), level.sigma[at])
    n = clean.sum(axis=0)
    good[at] = n > 0
    n = np.maximum(n, 1)
    value[at] = np.where(good[at], np.where(clean, cube, 0).sum(axis=0) / n, np.nan)
    share[at], more = 1 / n, np.zeros(value.shape, np.float32)
    more[at] = between.at(at).variance_of_mean(clean, stack.n_valid[at])
    # Beside pixels that are hit in all exposures, `level.sigma` is too much.
    return Known(value, good, share, more, partial(sigma_at, level))


def _clean(cube: FloatArray, spoilt: BoolArray, sigma: FloatArray) -> BoolArray:
    """Exposures (n, k) that are clean in some pixels."""
    values = np.where(np.isfinite(cube) & ~spoilt, cube, np.inf)
    return np.asarray(np.isfinite(values) & (values <= values.min(axis=0) + _AGREE * sigma))
