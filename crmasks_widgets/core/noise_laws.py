"""Levels of a frame, and the law of one noisy exposure at each of them.

A pixel of mean signal lambda (ADU) reads S = Poisson(lambda g) / g + Normal(0, sigma), with the
gain g in e-/ADU and the readout noise sigma in ADU. Its law is computed from its characteristic
function,

    E exp(itS) = exp(lambda g (exp(it/g) - 1) - sigma^2 t^2 / 2),

by a fast Fourier transform, which for these smooth densities is exact to rounding: errors are
absolute, about 1e-15 of the total probability. For photons that scatter more, the first factor is
(1 + lambda g / k (1 - exp(it/g)))^-k with the shape k (`photons.PhotonLaw`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.photons import LEAST_EXCESS, POISSON, PhotonLaw
from crmasks_widgets.core.typing import BoolArray, Float64Array, Int64Array
from crmasks_widgets.errors import InputError

# Distance of neighbouring levels in units of the noise: with eight-point weights, what depends on
# the level is wrong by some 1e-6 at most, below the counting noise of 200 full frames.
LEVEL_STEP = 0.25
# As many as up to 1.6e8 electrons; their table takes a hundred MiB.
_MOST_LEVELS = 100_000
# Pixels are first gathered in this many intervals between two levels.
_FINE = 64
# Points of the piecewise polynomials that share pixels out, and of all others.
_SHARES = 8
STENCIL = 6
# Frames of so few occupied intervals keep each as a level.
_FEW = 256
# Probabilities below exp(-LOG_REACH) beyond either end of a law are left out (7e-13).
LOG_REACH = 28.0
# What the transform leaves where the density is 0.
_ROUNDING = 1e-14
_ROWS = 64


def deviation(
    mean: npt.ArrayLike, gain: float, rnoise: float, photons: PhotonLaw = POISSON
) -> Float64Array:
    """Standard deviation of one exposure.

    Parameters
    ----------
    mean : array_like
        Mean signal, ADU, at least 0.
    gain, rnoise : float
        e-/ADU and ADU.
    photons : PhotonLaw
        Law of the electrons.

    Returns
    -------
    ndarray of float64
        ADU.
    """
    signal = np.asarray(mean, dtype=np.float64)
    return np.sqrt(signal / gain + photons.excess_at(signal * gain) * signal**2 + rnoise**2)


def reach(
    mean: Float64Array, gain: float, rnoise: float, photons: PhotonLaw = POISSON
) -> tuple[Float64Array, Float64Array]:
    """How far a law extends below and above its mean (Bernstein's inequality).

    Parameters
    ----------
    mean : ndarray
        Mean signal, ADU.
    gain, rnoise : float
        e-/ADU and ADU.
    photons : PhotonLaw
        Law of the electrons; the tail of a gamma law is exponential.

    Returns
    -------
    below, above : ndarray of float64
        ADU; less than exp(-LOG_REACH) of the probability lies beyond each.
    """
    wide = np.sqrt(2 * LOG_REACH) * deviation(mean, gain, rnoise, photons)
    tail = photons.excess_at(mean * gain) * mean
    skew = np.where(mean > 0, LOG_REACH * (1 / (3 * gain) + tail), 0.0)
    above = skew + np.sqrt(skew**2 + wide**2)
    if photons.is_poisson:
        return wide, above
    # No exposure reads less than no electron and its readout noise.
    return np.minimum(wide, mean + np.sqrt(2 * LOG_REACH) * rnoise), above


def lagrange(
    position: Float64Array, n: int, size: int = STENCIL
) -> tuple[Int64Array, Float64Array]:
    """Weights of polynomial interpolation between points 0, 1, ..., n - 1.

    Parameters
    ----------
    position : (k,) float64
        Where to interpolate, from 0 to n - 1.
    n : int
        Number of points, at least `size`.
    size : int
        Points of each polynomial, an even number.

    Returns
    -------
    first : (k,) int64
        First point of each stencil; stencils stay inside at both ends.
    weights : (k, size) float64
        Each row adds up to 1.
    """
    first = np.clip(np.floor(position).astype(np.int64) - (size // 2 - 1), 0, n - size)
    offset = position - first
    weights = np.ones((len(position), size))
    for i in range(size):
        for j in range(size):
            if i != j:
                weights[:, i] *= (offset - j) / (i - j)
    return first, weights


@dataclass(frozen=True)
class Levels:
    """The levels that stand for all pixels of a frame.

    Attributes
    ----------
    means : (k,) float64
        Mean signals, ADU, rising.
    weights : (k,) float64
        Pixels at each level; a few are negative, as weights of interpolation can be.
    n_pixels : int
        Pixels of the frame, those too bright to be seen in the diagram included.
    """

    means: Float64Array
    weights: Float64Array
    n_pixels: int


def group_levels(
    scene: Float64Array,
    usable: BoolArray | None,
    brightest: float,
    gain: float,
    rnoise: float,
) -> Levels:
    """Gather the pixels of a frame on a few hundred levels.

    Levels are equally spaced in units of the noise. A pixel counts at eight with the weights of
    polynomial interpolation, so that the sum of any smooth function over the pixels is kept.

    Parameters
    ----------
    scene : (ny, nx) float64
        Mean signal, ADU, at least 0.
    usable : (ny, nx) bool or None
        Pixels to be counted.
    brightest : float
        Pixels above are counted in `n_pixels` only, ADU.
    gain, rnoise : float
        e-/ADU and ADU.

    Returns
    -------
    Levels
        Levels without pixels are left out.

    Raises
    ------
    InputError
        Brighter than any detector counts: there would be too many levels.
    """
    # A floor on the noise, 0.05 e-^2, keeps the levels near 0 apart when rnoise is small.
    floor = gain * rnoise**2 + 0.05 / gain
    scale = 2 * np.sqrt(gain) / LEVEL_STEP
    n_levels = int(scale * (np.sqrt(brightest + floor) - np.sqrt(floor))) + 2
    if n_levels > _MOST_LEVELS:
        most = (_MOST_LEVELS * LEVEL_STEP / 2) ** 2
        msg = (
            f"exact diagram: found {brightest * gain:.3g} electrons in a pixel, expected at most "
            f"{most:.2g}: mark fill values as bad (mm_simulation: montecarlo simulates)"
        )
        raise InputError(msg)
    fine = np.zeros(n_levels * _FINE + 1, dtype=np.int64)
    places = np.zeros(len(fine))
    n_pixels = 0
    for start in range(0, len(scene), _ROWS):
        rows = slice(start, start + _ROWS)
        values = scene[rows].ravel() if usable is None else scene[rows][usable[rows]]
        n_pixels += values.size
        place = np.sqrt(np.minimum(values, 2 * brightest + 1) + floor)
        place -= np.sqrt(floor)
        place *= scale * _FINE
        index = np.minimum(place.astype(np.int32), len(fine) - 1)
        fine += np.bincount(index, minlength=len(fine))
        places += np.bincount(index, weights=place, minlength=len(fine))
    occupied = np.flatnonzero(fine[:-1])
    # The mean place of the pixels in an interval: a frame of one level keeps it exactly.
    place = places[occupied] / fine[occupied] / _FINE
    share = fine[occupied].astype(np.float64)
    if len(occupied) > _FEW:
        place, share = _shared_out(place, share, n_levels + _SHARES)
    means = (place / scale + np.sqrt(floor)) ** 2 - floor
    return Levels(np.maximum(means, 0.0), share, n_pixels)


def _shared_out(
    place: Float64Array, share: Float64Array, n: int
) -> tuple[Float64Array, Float64Array]:
    """Levels at whole numbers below n that keep the sums of smooth functions of the place."""
    first, weights = lagrange(place, n, _SHARES)
    index = (first[:, None] + np.arange(_SHARES)).ravel()
    parts = (weights * share[:, None]).ravel()
    total = np.bincount(index, weights=parts, minlength=n)
    kept = np.flatnonzero(np.bincount(index, weights=np.abs(parts), minlength=n) > 0)
    return kept.astype(np.float64), total[kept].astype(np.float64)


@dataclass(frozen=True)
class LawTable:
    """Laws of one exposure on a common grid of equal steps.

    Attributes
    ----------
    first : (k,) int64
        Index of the first node of each level; node p lies at p * step.
    density, survival : (k, n) float64
        Probability a ADU at the nodes, and probability of a value above the node.
    """

    first: Int64Array
    density: Float64Array
    survival: Float64Array


def tabulate(
    means: Float64Array, step: float, gain: float, rnoise: float, photons: PhotonLaw = POISSON
) -> LawTable:
    """Tabulate the laws of one exposure.

    Parameters
    ----------
    means : (k,) float64
        Mean signals, ADU.
    step : float
        Distance of the nodes, ADU; a quarter of the standard deviation or less.
    gain, rnoise : float
        e-/ADU and ADU.
    photons : PhotonLaw
        Law of the electrons.

    Returns
    -------
    LawTable
        All levels have the same number of nodes, enough for the widest.
    """
    below, above = reach(means, gain, rnoise, photons)
    n = 2 * (int((below + above).max() / step) // 2) + 4
    first = np.floor((means - below) / step).astype(np.int64)
    t = np.asarray(2 * np.pi * np.arange(n // 2 + 1) / (n * step), dtype=np.float64)
    electrons = (means * gain)[:, None]
    phase, damping = _electron_transform(electrons, t / gain, photons)
    phase -= t * (means - first * step)[:, None]
    damping += (rnoise * t) ** 2 / 2
    transform = np.exp(-damping + 1j * phase)
    density = np.fft.irfft(transform, n, axis=1) / step
    transform[:, 1:] /= 1j * t[1:]
    transform[:, 0] = 0
    wave = np.fft.irfft(transform, n, axis=1) / step
    below_node = np.arange(n) / n + wave - wave[:, :1]
    density[density < _ROUNDING / step] = 0.0
    survival = np.clip(1 - below_node, 0.0, 1.0)
    survival[survival < _ROUNDING] = 0.0
    return LawTable(first, density, survival)


def _electron_transform(
    electrons: Float64Array, u: Float64Array, photons: PhotonLaw
) -> tuple[Float64Array, Float64Array]:
    """Phase and damping of the characteristic function of the electrons, about their mean."""
    excess = photons.excess_at(electrons)
    if not excess.any():
        # The mean is taken out of the phase before it is multiplied by many electrons.
        return electrons * (u - np.sin(u)), 2 * electrons * np.sin(u / 2) ** 2
    excess = np.maximum(excess, LEAST_EXCESS)
    scale = electrons * excess
    turn = np.arctan2(scale * np.sin(u), 1 + 2 * scale * np.sin(u / 2) ** 2)
    return (
        electrons * u - turn / excess,
        np.log1p(4 * scale * (1 + scale) * np.sin(u / 2) ** 2) / (2 * excess),
    )


def batches(n: int, size: int = 32) -> Iterator[slice]:
    """Slices that cover n things in order.

    Parameters
    ----------
    n, size : int
        Number of things, and how many at once.

    Yields
    ------
    slice
        The next ones.
    """
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))
