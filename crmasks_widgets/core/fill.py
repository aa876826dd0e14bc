"""Values and variances for masked pixels, from what is left of the exposures or from around."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.combine import exposure_variances
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance.local_estimate import LocalEstimate
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float32Array


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


def best_fill(
    stack: Stack,
    masked: Sequence[BoolArray],
    hit: Sequence[BoolArray],
    wanted: BoolArray,
    estimate: Callable[[npt.NDArray[np.int64]], LocalEstimate],
    noise: Noise,
    factors: tuple[float, ...],
) -> Fill:
    """Find the best value for every pixel that is to be filled.

    The mean of the exposures that are not masked. Where all are, of those masked only because a
    hit beside them was dilated. Where every exposure is hit, an estimate from the surroundings.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors.
    masked : sequence of n (ny, nx) bool
        CRMASK1...N.
    hit : sequence of n (ny, nx) bool
        Pixels of each exposure that are hit, without dilation.
    wanted : (ny, nx) bool
        Pixels to be filled.
    estimate : callable
        Gives values of pixels, by flat index, that are hit in every exposure.
    noise : Noise
        Noise of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    Fill
        The variance of a mean is predicted from the noise at its value; that of an estimate is the
        square of its error, tried out on the pixels around.
    """
    fill = Fill(
        stack.min2d.copy(),
        np.full(stack.min2d.shape, np.nan, np.float32),
        np.zeros(stack.min2d.shape, np.int16),
    )
    pixels = np.flatnonzero(wanted & (stack.n_valid > 0))
    cube = stack.cube.reshape(stack.n, -1)[:, pixels]
    valid = np.isfinite(cube)
    for lost in (masked, hit):
        taken = np.array([mask.ravel()[pixels] for mask in lost])
        used = valid & ~taken
        n = used.sum(axis=0)
        some = n > 0
        mean = np.where(used, cube, 0).sum(axis=0)[some] / n[some]
        each = exposure_variances(mean, noise.at(pixels[some]), factors)
        variance = np.where(used[:, some], each, 0).sum(axis=0)
        _put(fill, pixels[some], mean, variance / n[some] ** 2, n[some])
        pixels, cube, valid = pixels[~some], cube[:, ~some], valid[:, ~some]
    local = estimate(pixels)
    # With nothing known around, the minimum stands, and what the exposures say of its error.
    none = ~np.isfinite(local.value)
    lowest, highest = (frame.ravel()[pixels] for frame in (stack.min2d, stack.max2d))
    own = np.max(exposure_variances(lowest, noise.at(pixels), factors), axis=0)
    value = np.where(none, lowest, local.value)
    error = np.where(none, own + np.square(highest - lowest), local.variance)
    _put(fill, pixels, value, error, np.zeros(len(pixels)))
    return fill


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
