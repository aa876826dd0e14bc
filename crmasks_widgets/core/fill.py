"""Values and variances for masked pixels, from what is left of the exposures or from around."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.combine import exposure_variances
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance.local_estimate import LocalEstimate
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float32Array

# Values of two exposures agree within so many sigma of one: three of the difference.
_AGREE = 4.2


@dataclass(frozen=True)
class Fill:
    """Values that replace the minimum as the fill of masked pixels.

    Attributes
    ----------
    value : (ny, nx) float32
        ADU; the minimum where no fill was asked for.
    variance : (ny, nx) float32
        ADU^2; NaN where no fill was asked for.
    count : (ny, nx) int16
        Exposures used; 0 where the value is a local estimate.
    """

    value: Float32Array
    variance: Float32Array
    count: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Spoilt:
    """What is wrong with the exposures in each pixel.

    Attributes
    ----------
    masked : sequence of n (ny, nx) bool
        CRMASK1...N.
    hit : sequence of n (ny, nx) bool
        Pixels of each exposure that are hit, without dilation.
    everywhere : (ny, nx) bool
        Pixels where each exposure shows a hit of its own.
    """

    masked: Sequence[BoolArray]
    hit: Sequence[BoolArray]
    everywhere: BoolArray


def best_fill(
    stack: Stack,
    spoilt: Spoilt,
    wanted: BoolArray,
    estimate: Callable[[npt.NDArray[np.int64]], LocalEstimate],
    noise: Noise,
    factors: tuple[float, ...],
    between: BetweenExposures = ALIKE,
) -> Fill:
    """Find the best value for every pixel that is to be filled.

    The mean of the exposures that are not masked. Where all are, of those masked only because a
    hit beside them was dilated, or else of all, as far as they agree with the lowest: a hit is a
    track of more pixels than are found. Where each exposure shows a hit of its own, an estimate
    from the surroundings.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors.
    spoilt : Spoilt
        What is masked and hit.
    wanted : (ny, nx) bool
        Pixels to be filled.
    estimate : callable
        Gives values of pixels, by flat index, that are hit in every exposure.
    noise : Noise
        Noise of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.
    between : BetweenExposures
        What the exposures differ by.

    Returns
    -------
    Fill
        The variance of a mean is predicted from the noise at its value, and from what the exposures
        left out differ by; that of an estimate is the square of its error, tried out on the pixels
        around.
    """
    fill = Fill(
        stack.min2d.copy(),
        np.full(stack.min2d.shape, np.nan, np.float32),
        np.zeros(stack.min2d.shape, np.int16),
    )
    pixels = np.flatnonzero(wanted & (stack.n_valid > 0))
    cube = stack.cube.reshape(stack.n, -1)[:, pixels]
    at = np.unravel_index(pixels, stack.min2d.shape)
    used = _used(cube, spoilt, at, noise.at(pixels), factors)
    n, n_valid = used.sum(axis=0), stack.n_valid.ravel()[pixels]
    mean = np.where(used, cube, 0).sum(axis=0) / n
    each = exposure_variances(mean, noise.at(pixels), factors)
    variance = np.where(used, each, 0).sum(axis=0) / n**2
    variance = variance + between.at(at).variance_of_mean(used, n_valid)
    _put(fill, pixels, mean, variance, n)
    pixels = np.flatnonzero(wanted & spoilt.everywhere & (stack.n_valid > 0))
    local = estimate(pixels)
    # With nothing known around, the mean of what agrees with the lowest stands.
    known = np.isfinite(local.value)
    _put(fill, pixels[known], local.value[known], local.variance[known], np.zeros(known.sum()))
    return fill


def _used(
    cube: Float32Array,
    spoilt: Spoilt,
    at: tuple[npt.NDArray[np.intp], ...],
    noise: Noise,
    factors: tuple[float, ...],
) -> npt.NDArray[np.bool_]:
    """Exposures (n, k) whose mean is the best value of some pixels; one at least."""
    valid = np.isfinite(cube)
    clean = valid & ~np.stack([mask[at] for mask in spoilt.masked])
    left = valid & ~np.stack([mask[at] for mask in spoilt.hit])
    left = np.where(left.any(axis=0), left, valid)
    lowest = np.where(left, cube, np.inf).min(axis=0)
    sigma = np.sqrt(np.max(exposure_variances(lowest, noise, factors), axis=0))
    agree = left & (cube - lowest < _AGREE * sigma)
    return np.asarray(np.where(clean.any(axis=0), clean, agree))


def _put(
    fill: Fill,
    pixels: npt.NDArray[np.int64],
    value: npt.NDArray[np.floating],
    variance: npt.NDArray[np.floating],
    count: npt.NDArray[np.generic],
) -> None:
    fill.value.ravel()[pixels] = value
    fill.variance.ravel()[pixels] = np.maximum(variance, np.finfo(np.float32).tiny)
    fill.count.ravel()[pixels] = count
