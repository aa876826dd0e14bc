"""Variances of the sums, level by level, without hits and without sources."""

from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.measured_noise.scatter import LOSS, scatter_of
from crmasks_widgets.core.measured_noise.sums import Sums
from crmasks_widgets.core.measured_noise.terms import SYSTEMATIC, Terms, Variances
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array, Int64Array

# Classes of level are three times as wide as the noise, lest its own noise choose a pixel's class,
# or so much wider that there are at most so many. Neighbours that have too few sums are joined; one
# that is a third of all and more tells no noise, for three terms need three levels.
_N_CLASSES, _WIDE, _PART = 20, 3.0, 1 / 3
# Fewest sums of a class: they tell its variance to 11 %, which is about what counts (`SAME`). Twice
# as many are joined, for hits and sources are among them.
_LEAST: Final = 300
# Points of the curve that turns a level into a number of classes: 25 a class.
_GRID, _TINY = 500, 1e-30
# Part of the levels that classes are made for; brighter ones are in the last.
_ALL_BUT_FEW: Final = 0.999
# Sums farther out than so many sigma are hits (of noise one in 16 000), and so may those beside
# them be.
_HIT: Final = 4.0
# Mean squares of `BESIDE`^2 sums that exceed those of noise by this factor are light: of nine
# normal values one in 28 does (chi squared of nine above 18).
_UNEVEN: Final = 2.0
# Rounds in which what is too uneven is left out of the scatter that it is compared with.
_EVEN_ROUNDS: Final = 4
# With less than this part of the given variance, there is no noise: pixels are saturated.
_NO_NOISE: Final = 0.1
# Three pairs of three exposures have each exposure in two of them, as have those of more: squares
# of differences that share an exposure correlate by 1/4, each with two others.
_SHARED: Final = 1.5

_T = TypeVar("_T", bound=np.generic)


class _Class(NamedTuple):
    """Places of the sums of a class of levels, flat, and whether it is narrow enough to be one."""

    places: Int64Array
    tells: bool


def variances_by_level(sums: Sums, terms: Terms) -> Variances:
    """Measure the variance of the sums of each class of levels.

    Parameters
    ----------
    sums : Sums
        Of the differences.
    terms : Terms
        The noise that is taken to be about right: it makes classes, and tells hits and sources.

    Returns
    -------
    Variances
        One row a class that has enough of them; the rising levels.
    """
    classes = _classes(sums, terms)
    variance = sums.variance(terms)
    unit = np.sqrt(variance)
    values = np.asarray(sums.alternating / unit, np.float32)
    plain = np.asarray(sums.plain / unit, np.float32)
    clean = ~_hit(values, classes) & _even(values, sums.uneven(terms), classes)
    loss = LOSS * (_SHARED if len(sums.pairs) > 1 else 1.0)
    rows = []
    for members, tells in classes:
        chosen = _of(clean, members)
        number = np.count_nonzero(chosen)
        if number < _LEAST or not tells:
            continue
        # Of each pair, so many of these sums.
        dark, light, of_square = (
            float(np.sum(sums.divided(power)[:, None] * part.ravel()[members], where=chosen))
            / number
            for power, part in ((2, sums.readout), (1, sums.photons), (0, np.square(sums.level)))
        )
        alone, together = (scatter_of(_of(each, members)[chosen]) ** 2 for each in (values, plain))
        unit_here = float(_of(variance, members)[chosen].mean(dtype=np.float64))
        observed = _observed(alone * unit_here, together * unit_here, dark + light)
        if observed < _NO_NOISE * (dark + light):
            continue
        of_pair = chosen.sum(axis=1) / number
        level = np.mean(chosen, axis=0) @ sums.level.ravel()[members].astype(np.float64)
        rows.append((
            level * len(chosen) / number, number, dark, light, observed,
            np.hypot(np.sqrt(2 * loss / number), SYSTEMATIC), of_pair @ sums.divided(2), of_square,
        ))  # fmt: skip
    return Variances(*np.array(rows, np.float64).reshape(-1, 8).T)


def _of(values: npt.NDArray[_T], members: Int64Array) -> npt.NDArray[_T]:
    """Values of all pairs at some places, (pairs, m)."""
    return values.reshape(len(values), -1)[:, members]


def _observed(alone: float, together: float, given: float) -> float:
    """Variance by alternating sums; by plain ones, or the given one, as far as these show more.

    Values that were interpolated have noise in common with their neighbours, which the alternating
    sum does not show; but what the plain sum shows may be light, and makes the noise no larger.
    """
    return float(np.clip(given, alone, max(alone, together)))


def extreme_levels(sums: Sums, terms: Terms) -> Variances:
    """Say what is given at the darkest level that is common, and at the highest that occurs.

    Parameters
    ----------
    sums : Sums
        Of the differences.
    terms : Terms
        The noise that classes are made by.

    Returns
    -------
    Variances
        Two rows, on average over the pairs; nothing is observed.
    """
    known = np.isfinite(sums.level)
    of_readout, of_photons = (float(sums.divided(power).mean()) for power in (2, 1))
    readout = of_readout * float(sums.readout[known].mean(dtype=np.float64))
    slope = of_photons * _slope(sums, known)
    darkest = float(sums.level.ravel()[_classes(sums, terms)[0].places].mean(dtype=np.float64))
    # The brightest of many pixels has luck as well.
    luck = _HIT * np.sqrt((readout + slope * sums.highest) / 2)
    level = np.array([darkest, max(sums.highest - luck, darkest)])
    one, nothing = np.ones(2), np.full(2, np.nan)
    return Variances(
        level, one, readout * one, slope * level, nothing, nothing, of_readout * one, 2 * level**2
    )


def _slope(sums: Sums, known: BoolArray) -> float:
    """Given variance of photons over the level."""
    return float(np.median(sums.photons[known] / np.maximum(sums.level[known], _TINY)))


def _classes(sums: Sums, terms: Terms) -> list[_Class]:
    """Places of the sums of each class of levels; those whose level is not known are in none."""
    known = np.isfinite(sums.level)
    if not known.any():
        return []
    low, high = np.quantile(sums.level[known], (0.0, _ALL_BUT_FEW))
    level = low + (high - low) * np.linspace(0, 1, _GRID) ** 2
    place = _noise_widths(sums, terms, level, known)
    wide = max(_WIDE, place[-1] / _N_CLASSES)
    number = (np.interp(sums.level[known], level, place) / wide).astype(np.int16)
    places = np.flatnonzero(known)[np.argsort(number, kind="stable")]
    narrow = np.split(places, np.cumsum(np.bincount(number))[:-1])
    return _joined(narrow, 2 * _LEAST // len(sums.pairs))


def _joined(narrow: list[Int64Array], enough: int) -> list[_Class]:
    """Join classes until each has enough places; the last may have fewer."""
    made, pending = [], []
    for places in narrow:
        pending.append(places)
        if sum(map(len, pending)) >= enough or places is narrow[-1]:
            tells = len(pending) <= max(1.0, _PART * len(narrow))
            made.append(_Class(np.concatenate(pending), tells))
            pending = []
    return made


def _noise_widths(sums: Sums, terms: Terms, level: Float64Array, known: BoolArray) -> Float64Array:
    """How many times the noise of an exposure each level lies above the first."""
    of_readout, of_photons = (float(sums.divided(power).mean()) / 2 for power in (2, 1))
    changed = terms.of(sums.noise)
    dark = of_readout * changed.typical_rnoise**2
    slope = of_photons * terms.photons * _slope(sums, known)
    variance = dark + slope * level + changed.excess * np.square(level)
    steps = np.diff(level) / np.sqrt((variance[1:] + variance[:-1]) / 2)
    return np.append(0.0, np.cumsum(steps))


def _hit(values: Float32Array, classes: list[_Class]) -> BoolArray:
    """Sums that stand out of those of their class or lie beside such, and those not known."""
    out = ~np.isfinite(values)
    for members, _ in classes:
        own, unknown = _of(values, members), _of(out, members)
        if not unknown.all():
            limit = _HIT * scatter_of(own[~unknown])
            out.reshape(len(out), -1)[:, members] = unknown | (np.abs(own) > limit)
    return np.asarray(ndimage.binary_dilation(out, np.ones((1, 1, 3, 3), bool)))


def _even(values: Float32Array, uneven: Float32Array, classes: list[_Class]) -> BoolArray:
    """Sums where the light is no more uneven than its noise makes it."""
    even = np.zeros(uneven.shape, dtype=bool)
    for members, _ in classes:
        own, light = _of(values, members), uneven.ravel()[members]
        known, kept = np.isfinite(own), np.ones(len(members), bool)
        for _ in range(_EVEN_ROUNDS):
            some = own[known & kept]
            if len(some):
                kept = light < _UNEVEN * scatter_of(some) ** 2
        even.ravel()[members] = kept
    return even
