"""The noise that exposures show: what was given stands until their differences say otherwise.

Of four neighbouring pixels of the difference of two exposures, those of one diagonal less those of
the other keep the noise, and lose what displacement, seeing, flux and sky leave: light that varies
smoothly, and any along a row or a column. The square of it, pixel against level, is a variance

    rnoise^2 + m / gain + excess m^2

of one exposure, whose three terms are fitted as far as they are needed. Hits, which stand out, are
left out with what is beside them, and so is what is as uneven as only a source makes it: there,
displaced exposures differ by more than noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from crmasks_widgets.core.measured_noise.levels import extreme_levels, variances_by_level
from crmasks_widgets.core.measured_noise.sums import take_sums
from crmasks_widgets.core.measured_noise.terms import (
    GIVEN,
    SAME,
    Terms,
    Variances,
    fit_terms,
    reduced_chi_squared,
)
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float64Array

# How often classes are made by what was fitted: the first time by the given noise, then by that.
_FITS: Final = 2
# Noise that is a sum of these terms has a reduced chi squared of 0.1 to 3, once in 30 up to 11;
# values that are not linear, 45 to 200, on fibres as little as 0 to 8
# (benchmarks/measured_noise.py).
_MISFIT: Final = 20.0
# More scatter is known beyond so many standard errors.
_KNOWN: Final = 2.0


@dataclass(frozen=True)
class MeasuredNoise:
    """What the differences of exposures say about their noise.

    Attributes
    ----------
    noise : Noise
        Noise of an exposure before it was divided by its flux factor that fits them: the given one
        where nothing else is known.
    differs : bool
        Whether it is another one than was given.
    known_to : float
        Level, ADU, above which the exposures do not tell the noise, for terms that fit as well
        disagree there: of those, the nearest to the given noise was taken. Else infinite.
    misfit : float
        Reduced chi squared of what fits best where that is another noise than was given, but fits
        too badly to be taken. Else 0.
    number : (k,) float64
        Pixels of each class of levels, as parts of all.
    beyond_given, beyond : (k,) float64
        Scatter over that of the given noise and over that of `noise`, as far as it is known to be
        more: at least 1.
    """

    noise: Noise
    differs: bool
    known_to: float
    misfit: float
    number: Float64Array
    beyond_given: Float64Array
    beyond: Float64Array

    def false_alarms(self, significance: float, *, given: bool) -> float:
        """Tell how often noise will be taken for a hit because it is wider than was thought.

        Parameters
        ----------
        significance : float
            Where a hit begins, sigma.
        given : bool
            True where exposures are judged by the given noise.

        Returns
        -------
        float
            Part of the pixels; what a normal law has beyond that significance is taken away.
        """
        ratio = self.beyond_given if given else self.beyond
        more = ndtr(-significance / ratio) - ndtr(-significance)
        return float(self.number @ more)


def measure_noise(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> MeasuredNoise:
    """Find the noise of an exposure that fits the differences of the exposures.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    noise : Noise
        Given noise of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    MeasuredNoise
        Maps keep their shape: photons are scaled, readout is added in squares.
    """
    sums = take_sums(stack, noise.usable(), factors)
    fitted = GIVEN
    for _ in range(_FITS):
        variances = variances_by_level(sums, fitted)
        if not len(variances.level):
            nothing = np.zeros(0)
            return MeasuredNoise(noise, False, np.inf, 0.0, nothing, nothing, nothing)
        fitted, told = fit_terms(variances, extreme_levels(sums, fitted))
    differs = bool((np.abs(variances.expected(fitted) / variances.given - 1) > SAME).any())
    misfit = reduced_chi_squared(variances, fitted) if differs else 0.0
    differs = differs and misfit <= _MISFIT
    if not differs:
        fitted = GIVEN
    return MeasuredNoise(
        fitted.of(noise.usable()) if differs else noise, differs,
        float(variances.level.max()) if differs and not told else np.inf,
        misfit if misfit > _MISFIT else 0.0,
        variances.number / variances.number.sum(),
        _beyond(variances, GIVEN), _beyond(variances, fitted),
    )  # fmt: skip


def _beyond(variances: Variances, terms: Terms) -> Float64Array:
    """Scatter over that of a noise, less what may be chance, at least 1."""
    least = variances.observed * np.maximum(1 - _KNOWN * variances.error, 0)
    return np.asarray(np.sqrt(np.maximum(least / variances.expected(terms), 1)))
