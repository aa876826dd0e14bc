"""How much more than photons do the exposures scatter? Their own differences answer, by level.

Where seeing, flux, sky or place differ from exposure to exposure, a signal S has the variance
v + c S^2 instead of that of photons and readout, v. The difference between the middle value of a
pixel and its lowest one, which a hit in one exposure does not touch, tells c: its mean square, in
units of the variance of one exposure, is known for normal noise (H. A. David and H. N. Nagaraja,
Order Statistics, 3rd edition, Wiley 2003, section 2.2). 1 / c is the shape of a negative binomial
law that scatters as much.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.photons import PhotonLaw
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float64Array

# Classes of level, each at least as wide as the noise; pixels that one needs; pixels that do.
_N_CLASSES, _LEAST_PIXELS, _ENOUGH_PIXELS = 14, 500, 1_000_000
# The level is an average over so many pixels, lest a pixel's noise choose its class.
_BOX = 5
# Values beyond so many times the scatter of their class are hits in several exposures.
_CLIP, _ROUNDS = 4.0, 3
# What is less than so many standard errors is not known to be there.
_KNOWN = 3.0


@dataclass(frozen=True)
class DispersionClass:
    """Pixels of similar level.

    Attributes
    ----------
    level : float
        Mean signal, electrons.
    n_pixels : int
        Pixels.
    ratio : float
        Scatter of the exposures over that of photons and readout.
    excess, error : float
        Variance beyond that of photons and readout over the square of the signal, with its
        standard error: c above; negative where exposures scatter less than predicted.
    weight : float
        Squared share that the square of the signal has in the variance, over all pixels.
    """

    level: float
    n_pixels: int
    ratio: float
    excess: float
    error: float
    weight: float


@dataclass(frozen=True)
class OverDispersion:
    """Scatter beyond that of photons and readout, as a function of level.

    Attributes
    ----------
    classes : tuple of DispersionClass
        By rising level; none where pixels are too few or too dark.
    """

    classes: tuple[DispersionClass, ...]

    @property
    def excess(self) -> tuple[float, float]:
        """One value of c for all levels, and its standard error; NaN without classes.

        That which comes nearest to the scatter of all pixels.
        """
        if not self.classes:
            return np.nan, np.nan
        value, error, weight = (
            np.array([getattr(c, name) for c in self.classes], float)
            for name in ("excess", "error", "weight")
        )
        share = weight / weight.sum()
        return float(share @ value), float(np.sqrt(np.square(share) @ np.square(error)))

    @property
    def is_known(self) -> bool:
        """Whether exposures scatter more than photons and readout do."""
        value, error = self.excess
        return bool(value > _KNOWN * error)

    @property
    def shape(self) -> tuple[float, float]:
        """Shape of a negative binomial law that says the same, and its standard error.

        Infinite where nothing is known to be there.
        """
        if not self.is_known:
            return np.inf, np.nan
        value, error = self.excess
        return 1 / value, error / value**2

    @property
    def law(self) -> PhotonLaw:
        """Law of photons that scatter so, level by level."""
        if not self.is_known:
            return PhotonLaw()
        levels = tuple(c.level for c in self.classes)
        return PhotonLaw(levels, tuple(max(c.excess, 0.0) for c in self.classes))


@dataclass(frozen=True)
class OverDispersions:
    """Scatter beyond that of photons, before the exposures are matched and after.

    Attributes
    ----------
    plain, matched : OverDispersion
        Of the exposures as they are; without what displacement, seeing, flux and sky make of them.
    """

    plain: OverDispersion
    matched: OverDispersion

    @property
    def in_words(self) -> str:
        """One sentence, with the shape that numina-crmasks would need."""
        if not self.plain.classes:
            return "scatter beyond that of photons: unknown, too few pixels have light"
        text = f"scatter beyond that of photons: {_part(self.plain)}"
        if self.plain.is_known:
            shape, error = self.plain.shape
            text += f"; mm_nbinom_shape: {_digits(shape)} (+/- {_digits(error)}) would say the same"
        return f"{text}; after matching: {_part(self.matched)}"


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def _part(measured: OverDispersion) -> str:
    value, error = measured.excess
    if not measured.is_known:
        return (
            f"none seen (below {100 * np.sqrt(max(value, 0) + _KNOWN * error):.1f} % of the signal)"
        )
    return f"{100 * np.sqrt(value):.1f} % of the signal"


def measure_over_dispersion(
    stack: Stack, noise: Noise, factors: tuple[float, ...]
) -> OverDispersion:
    """Measure the scatter of exposures beyond that of photons and readout.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors, ADU.
    noise : Noise
        Of an exposure before it was divided; of maps, the medians are used.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    OverDispersion
        By level, electrons.
    """
    typical = Noise(noise.typical_gain, noise.typical_rnoise).usable()
    gain, rnoise = float(typical.gain), float(typical.rnoise)
    step = max(1, stack.min2d.size // _ENOUGH_PIXELS)
    level = ndimage.uniform_filter(np.nan_to_num(stack.median2d), _BOX, mode="nearest")[::step]
    cube = stack.cube[:, ::step].astype(np.float64)
    known = np.isfinite(cube).all(axis=0)
    values, level = cube[:, known], np.maximum(level[known], 0)
    rank = _rank(stack.n)
    ordered = np.partition(values, (0, rank), axis=0)
    signal = stack.median2d[::step][known].astype(np.float64)
    square = (ordered[rank] - ordered[0]) ** 2 / _mean_square(stack.n)
    readout = rnoise**2 * float(np.mean(np.array(factors) ** -2.0))
    photons = float(np.mean(1 / np.array(factors))) / gain
    classes = [
        _class_of(square[members], signal[members], readout, photons, gain)
        for members in _members(2 * np.sqrt(readout + photons * level) / photons)
    ]
    lit = (c for c in classes if c.level > 0)
    return OverDispersion(tuple(sorted(lit, key=lambda c: c.level)))


def _members(place: Float64Array) -> list[npt.NDArray[np.int64]]:
    """Pixels of each class of places, in which the noise is one."""
    if not place.size:
        return []
    low, high = np.quantile(place, (0.0, 0.999))
    number = ((place - low) * min(1.0, _N_CLASSES / max(high - low, 1e-9))).astype(np.int64)
    chosen = (np.flatnonzero(number == k) for k in range(_N_CLASSES + 1))
    return [members for members in chosen if len(members) >= _LEAST_PIXELS]


def _class_of(
    square: Float64Array, signal: Float64Array, readout: float, photons: float, gain: float
) -> DispersionClass:
    """What the variances that the pixels of a class show say together."""
    variance = readout + photons * np.maximum(signal, 0)
    relative = square / variance
    kept = np.ones(len(relative), bool)
    for _ in range(_ROUNDS):
        kept = relative <= _CLIP**2 * relative[kept].mean()
    # Ratios of means: a ratio pixel by pixel is off, for its variance holds the same noise.
    n, mean = int(np.count_nonzero(kept)), float(variance[kept].mean())
    ratio, strength = float(square[kept].mean()) / mean, float(np.mean(signal[kept] ** 2)) / mean
    strength = max(strength, float(np.finfo(float).tiny))  # no light: left out by its level
    error = float(square[kept].std()) / mean / np.sqrt(n)
    return DispersionClass(
        float(signal[kept].mean()) * gain, n, float(np.sqrt(ratio)), (ratio - 1) / strength,
        error / strength, n * strength**2,
    )  # fmt: skip


def _rank(n: int) -> int:
    """Index of the (lower) middle of n values in order; of two, the higher."""
    return max(1, (n - 1) // 2)


@cache
def _mean_square(n: int) -> float:
    """Mean square of the (lower) middle of n normal values of unit variance minus the lowest.

    Of what is left when values beyond `_CLIP` times its root are left out, as of the data.
    """
    m = _rank(n) + 1
    x = np.linspace(-8, 8, 1601)
    below, density = special.ndtr(x), np.exp(-(x**2) / 2)
    low, middle = x[:, None], x[None, :]
    above = middle >= low
    weight = np.where(above, below[None, :] - below[:, None], 0.0) ** (m - 2) * above
    weight = weight * density[:, None] * (density * special.ndtr(-x) ** (n - m))[None, :]
    square = (middle - low) ** 2
    value = float((weight * square).sum() / weight.sum())
    for _ in range(_ROUNDS):
        kept = weight * (square < _CLIP**2 * value)
        value = float((kept * square).sum() / kept.sum())
    return value
