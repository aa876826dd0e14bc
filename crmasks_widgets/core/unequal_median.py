"""Variance of a median of exposures that are not equally noisy: of other brightness, divided."""

from functools import lru_cache

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtri

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import BoolArray, Float64Array, FloatArray

# Of more exposures, one that is invalid changes little, and there are too many sets of them, as
# long as half of them are left.
_MOST_SETS = 8
# Sets of n values, which fill their space evenly: right to 2 %, without chance.
_POINTS = 4096
# Photons over readout noise, from where one of them alone counts to where the other does.
_SIGNALS = np.logspace(-4, 6, 41)
# Strengths of the excess between which the share is interpolated, where gain or readout are maps.
_STRENGTHS = 5


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
        At most 1; 1 where factors are equal, or where no more than two exposures are valid. Of
        more than eight exposures, that of all where more than half are valid.
    """
    if len(set(factors)) == 1:
        return 1.0
    usable = noise.usable()
    readout = np.square(usable.rnoise)
    signal = np.log(np.clip(value / (noise.gain * readout), _SIGNALS[0], _SIGNALS[-1]))
    # The excess in units of the readout noise is so much times the square of the signal.
    strength = np.asarray(noise.excess * np.square(noise.gain) * readout)
    if valid is None:
        return _share(signal, strength, factors)
    share = np.ones(signal.size)
    strength, signal = np.broadcast_to(strength, signal.shape).ravel(), signal.ravel()
    which = valid.reshape(len(factors), -1)
    most = len(factors) if len(factors) <= _MOST_SETS else len(factors) // 2
    n_valid = which.sum(axis=0)
    many = np.flatnonzero(n_valid > most)
    share[many] = _share(signal[many], strength[many], factors)
    few = np.flatnonzero((n_valid > 2) & (n_valid <= most))
    sets, of_pixel = np.unique(which[:, few], axis=1, return_inverse=True)
    for number, chosen in enumerate(sets.T):
        here = few[of_pixel.ravel() == number]
        used = tuple(f for f, there in zip(factors, chosen, strict=True) if there)
        share[here] = _share(signal[here], strength[here], used)
    return share.reshape(value.shape)


def _share(
    signal: Float64Array, strength: Float64Array, factors: tuple[float, ...]
) -> Float64Array:
    """The share by the logarithm of `_SIGNALS` and by the excess in units of the readout noise."""
    used, signals = tuple(sorted(factors)), np.log(_SIGNALS)
    if not signal.size:
        return signal
    low, high = float(strength.min()), float(strength.max())
    if low == high:
        return np.asarray(np.interp(signal, signals, _shares(used, low)))
    nodes = np.linspace(np.log(low), np.log(high), _STRENGTHS)
    curves = np.array([_shares(used, float(np.exp(node))) for node in nodes])
    table = RegularGridInterpolator((nodes, signals), curves, bounds_error=False, fill_value=None)
    return np.asarray(table((np.log(strength), signal)))


def shares_without_light_and_with_most(factors: tuple[float, ...]) -> tuple[float, float]:
    """The shares of `share_of_median` where readout noise alone counts, and where photons do."""
    shares = _shares(tuple(sorted(factors)), 0.0)
    return float(shares[0]), float(shares[-1])


@lru_cache(maxsize=1024)
def _shares(factors: tuple[float, ...], strength: float) -> Float64Array:
    """The share by `_SIGNALS`, (41,); excess as so many squares of the signal."""
    if len(set(factors)) < 2 or len(factors) == 2:
        return np.ones(len(_SIGNALS))
    f = np.array(factors)
    signals = _SIGNALS[:, None]
    # What scatters with the signal was divided with it: it is the same in all.
    sigma = np.sqrt((1 + signals * f) / f**2 + strength * signals**2)
    typical = np.mean(sigma**2, axis=1)
    points = _normal_points(len(factors))
    equal = np.mean(np.median(points, axis=1) ** 2)
    squares = [np.mean(np.median(points * each, axis=1) ** 2) for each in sigma]
    return np.asarray(np.minimum(np.array(squares) / (equal * typical), 1.0))


def _normal_points(n: int) -> Float64Array:
    """Sets of n normal values, (4096, n): multiples of the powers of a generalised golden ratio."""
    # M. Roberts (2018), "The unreasonable effectiveness of quasirandom sequences".
    ratio = 2.0
    for _ in range(64):
        ratio = float((1 + ratio) ** (1 / (n + 1)))
    steps = ratio ** -np.arange(1.0, n + 1)
    return np.asarray(ndtri((0.5 + np.arange(1, _POINTS + 1)[:, None] * steps) % 1))
