"""Readout, photons and excess: what the variances of exposures are made of, and their fit."""

from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import lsq_linear

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import Float64Array

# What a term has to lower chi squared by, at least, to be fitted: a deviation of 3 sigma. Of those
# that do as well within 2 sigma, the first is taken.
_WORTH, _AS_WELL = 9.0, 4.0
# Part of a variance that is not known better, however many values tell it: what is left of light
# and of faint hits (benchmarks/measured_noise.py).
SYSTEMATIC: Final = 0.02
# A variance that differs by less is the same: 6 % of the noise, six times what is not known.
SAME: Final = 0.12
# Of variances at the darkest level that is common, which classes of few pixels may not reach: a
# constant that was taken for light, or light for a constant, is wrong by more than this there.
_ASTRAY: Final = 2.0
# Least part of the given noise of photons and of the given variance of readout that can be left;
# the most that scatters with the signal, 45 % of it: beyond, exposures are not equivalent.
_LEAST_PHOTONS, LEAST_READOUT, _MOST_EXCESS = 0.1, 0.01, 0.2


class Terms(NamedTuple):
    """A change of the noise.

    Attributes
    ----------
    readout : float
        Variance to be added, ADU squared.
    photons : float
        Factor of the photons' variance.
    excess : float
        Variance over the square of the signal, to be added.
    """

    readout: float
    photons: float
    excess: float

    def of(self, noise: Noise) -> Noise:
        """Change a noise.

        Parameters
        ----------
        noise : Noise
            Given; maps keep their shape.

        Returns
        -------
        Noise
            A hundredth of its readout variance is left at least.
        """
        readout = np.square(noise.rnoise)
        rnoise = np.sqrt(np.maximum(readout + self.readout, LEAST_READOUT * readout))
        is_map = isinstance(noise.rnoise, np.ndarray)
        return Noise(
            noise.gain / self.photons, rnoise if is_map else float(rnoise),
            noise.excess + self.excess,
        )  # fmt: skip


GIVEN: Final = Terms(0.0, 1.0, 0.0)
"""No change."""
# Terms that may be fitted, the likeliest first where levels do not tell: photons (a wrong gain),
# excess, readout.
_TRIED: Final = tuple(chosen for size in (1, 2, 3) for chosen in combinations((1, 2, 0), size))


@dataclass(frozen=True)
class Variances:
    """Variances of differences of similar level, each in (k,) float64, ADU squared.

    Attributes
    ----------
    level : (k,) float64
        ADU.
    number : (k,) float64
        Of the differences.
    readout, photons : (k,) float64
        What the given noise makes of each.
    observed : (k,) float64
        What is seen.
    error : (k,) float64
        Standard error of it, as a part of it.
    of_readout, of_square : (k,) float64
        What a unit of readout variance and of excess adds.
    """

    level: Float64Array
    number: Float64Array
    readout: Float64Array
    photons: Float64Array
    observed: Float64Array
    error: Float64Array
    of_readout: Float64Array
    of_square: Float64Array

    @property
    def given(self) -> Float64Array:
        """By the given noise."""
        return self.readout + self.photons

    def expected(self, terms: Terms) -> Float64Array:
        """Say what a changed noise makes of them.

        Parameters
        ----------
        terms : Terms
            The change.

        Returns
        -------
        (k,) float64
            ADU squared.
        """
        readout = np.maximum(
            self.readout + terms.readout * self.of_readout, LEAST_READOUT * self.readout
        )
        return readout + terms.photons * self.photons + terms.excess * self.of_square


def reduced_chi_squared(variances: Variances, terms: Terms) -> float:
    """Tell how badly terms fit.

    Parameters
    ----------
    variances : Variances
        Of each level.
    terms : Terms
        What was fitted to them.

    Returns
    -------
    float
        About 1 where they fit.
    """
    missing = (variances.expected(terms) / variances.observed - 1) / variances.error
    n_fitted = sum(value != given for value, given in zip(terms, GIVEN, strict=True))
    return float(missing @ missing) / max(1, len(missing) - n_fitted)


def fit_terms(variances: Variances, extremes: Variances) -> tuple[Terms, bool]:
    """Find the terms that fit best, and whether the levels tell the noise of the brightest.

    Where they do not, an extrapolation may be wrong by any factor, and what was given may be right.

    Parameters
    ----------
    variances : Variances
        Of each level.
    extremes : Variances
        Two rows: of the darkest and the brightest level. What is observed there is not known.

    Returns
    -------
    terms : Terms
        The likeliest; where those that fit as well disagree in the brightest level, or widely in
        the darkest, the one nearest to the given noise there.
    told : bool
        False where they disagree in the brightest.
    """
    tried = _tried(variances)
    best = min(score for score, _ in tried)
    likely = [terms for score, terms in tried if score <= best + _AS_WELL]
    expected = np.array([extremes.expected(terms) for terms in likely])
    apart = expected.max(axis=0) > np.array([_ASTRAY, 1 + SAME]) * expected.min(axis=0)
    if not apart.any():
        return likely[0], True
    distances = np.abs(np.log(expected / extremes.given)) @ apart
    return likely[int(np.argmin(distances))], not apart[1]


def _tried(variances: Variances) -> list[tuple[float, Terms]]:
    """Chi squared of the terms that may be fitted, with what each has to be worth."""
    design = np.stack([variances.of_readout, variances.photons, variances.of_square], axis=1)
    weight = 1 / (variances.error * variances.observed)
    missing = (variances.observed - variances.given) * weight
    design = design * weight[:, None]
    least_readout = float((variances.readout / variances.of_readout).min())
    lowest = (-(1 - LEAST_READOUT) * least_readout, _LEAST_PHOTONS - 1, 0.0)
    highest = (np.inf, np.inf, _MOST_EXCESS)
    tried = [(float(missing @ missing), GIVEN)]
    for terms in _TRIED:
        if len(terms) > len(missing):
            continue
        chosen = list(terms)
        bounds = [lowest[k] for k in chosen], [highest[k] for k in chosen]
        scale = np.sqrt(np.square(design[:, chosen]).sum(axis=0))
        scale = np.where(scale > 0, scale, 1.0)
        found = lsq_linear(
            design[:, chosen] / scale, missing, (bounds[0] * scale, bounds[1] * scale)
        )
        values = np.zeros(3)
        values[chosen] = found.x / scale
        fitted = Terms(float(values[0]), float(1 + values[1]), float(values[2]))
        tried.append((2 * float(found.cost) + _WORTH * len(terms), fitted))
    return tried
