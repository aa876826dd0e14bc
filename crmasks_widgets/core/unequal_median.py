"""Variance of a median of exposures that are not equally noisy: of other brightness, divided."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import BoolArray, FloatArray

# Of more exposures, one that is invalid changes little, and there are too many sets of them.
_MOST_SETS = 8
# Sets of n values, which fill their space evenly: right to 2 %, without chance.
_POINTS = 4096
# Photons over readout noise, from where one of them alone counts to where the other does.
_SIGNALS = np.logspace(-4, 6, 41)


def share_of_median(
    value: FloatArray, noise: Noise, factors: tuple[float, ...], valid: BoolArray | None
) -> FloatArray | float:
    """Variance of a median in units of that of exposures which all had their mean variance.

    Exposures that were divided by flux factors differ in noise. The noisiest are seldom in the
    middle: their median scatters less than one of exposures whose variance is the mean of theirs.

    Parameters
    ----------
    value : (...) ndarray
        The median, ADU.
    noise : Noise
        Of an exposure before it was divided; maps of the shape of `value`.
    factors : tuple of n floats
        Divisors of the exposures.
    valid : (n, ...) bool, optional
        Exposures that there are; all by default.

    Returns
    -------
    (...) ndarray or float
        At most 1; 1 where factors are equal, or where no more than two exposures are valid.
    """
    if len(set(factors)) == 1:
        return 1.0
    readout = np.square(noise.usable().rnoise)
    signal = np.log(np.clip(value / (noise.gain * readout), _SIGNALS[0], _SIGNALS[-1]))
    if valid is None or len(factors) > _MOST_SETS:
        return np.interp(signal, np.log(_SIGNALS), _shares(tuple(sorted(factors))))
    share = np.ones(signal.shape)
    which = valid.reshape(len(factors), -1)
    sets, of_pixel = np.unique(which, axis=1, return_inverse=True)
    of_pixel = of_pixel.reshape(signal.shape)
    for number, chosen in enumerate(sets.T):
        here = of_pixel == number
        used = tuple(sorted(f for f, there in zip(factors, chosen, strict=True) if there))
        share[here] = np.interp(signal[here], np.log(_SIGNALS), _shares(used))
    return share


def shares_without_light_and_with_most(factors: tuple[float, ...]) -> tuple[float, float]:
    """The shares of `share_of_median` where readout noise alone counts, and where photons do."""
    shares = _shares(tuple(sorted(factors)))
    return float(shares[0]), float(shares[-1])


@lru_cache(maxsize=1024)
def _shares(factors: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """The share by `_SIGNALS`, (41,)."""
    if len(set(factors)) < 2 or len(factors) == 2:
        return np.ones(len(_SIGNALS))
    f = np.array(factors)
    sigma = np.sqrt((1 + _SIGNALS[:, None] * f) / f**2)
    typical = np.mean(sigma**2, axis=1)
    points = _normal_points(len(factors))
    equal = np.mean(np.median(points, axis=1) ** 2)
    squares = [np.mean(np.median(points * each, axis=1) ** 2) for each in sigma]
    return np.asarray(np.minimum(np.array(squares) / (equal * typical), 1.0))


def _normal_points(n: int) -> npt.NDArray[np.float64]:
    """Sets of n normal values, (4096, n): multiples of the powers of a generalised golden ratio."""
    # M. Roberts (2018), "The unreasonable effectiveness of quasirandom sequences".
    ratio = 2.0
    for _ in range(64):
        ratio = float((1 + ratio) ** (1 / (n + 1)))
    steps = ratio ** -np.arange(1.0, n + 1)
    return np.asarray(ndtri((0.5 + np.arange(1, _POINTS + 1)[:, None] * steps) % 1))
