"""The noise that exposures show: what was given stands until their differences say otherwise.

Of four neighbouring pixels of the difference of two exposures, those of one diagonal less those of
the other keep the noise, and lose what displacement, seeing, flux and sky leave: light that varies
smoothly, and any along a row or a column. The square of it, pixel against level, is a variance

    rnoise^2 + m / gain + excess m^2

of one exposure, whose three terms are fitted as far as they are needed. Hits, which stand out, are
left out with what is beside them, and so is what is as uneven as only a source makes it: there,
displaced exposures differ by more than noise. The noise is never thought smaller than the plain sum
of the four shows: values that were interpolated have noise in common with their neighbours, which
the alternating sum does not show.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.optimize import lsq_linear
from scipy.special import ndtr

from crmasks_widgets.core.combine import median_variance_factor
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import (
    BoolArray,
    Float32Array,
    Float64Array,
    FloatArray,
    Int64Array,
)

# Classes of level, each so many times as wide as the noise or wider, lest its own noise choose a
# pixel's class; fewest sums of one; of more pixels, some rows tell enough.
_N_CLASSES, _WIDE, _LEAST, _ENOUGH_PIXELS = 20, 3.0, 300, 500_000
_GRID, _TINY, _TOUCHING = 500, 1e-30, 2
# Part of a normal law within one sigma; the root mean square of what lies within `_CLIP` times
# itself, found in rounds, is that of the law without this part of the variance.
_CORE, _CLIP, _LEFT, _ROUNDS = 0.6827, 3.0, 0.97331, 6
# Sums that are farther out are hits, and so may those beside them be.
_HIT = 4.0
# Errors of a variance are those of n normal values, this much larger for the clipping; and a part
# of it that is not known better. More scatter is known beyond so many of them.
_CLIPPED, _SYSTEMATIC, _KNOWN = 1.5, 0.02, 2.0
# Alternating sums of the median are those of its noise, on average over so many, up to so many
# times their mean square; what is more is light, found in rounds.
_BESIDE, _UNEVEN, _EVEN_ROUNDS = 3, 2.0, 4
# A term has to make chi squared so much less; of those that do as well, the first is taken.
_WORTH, _AS_WELL = 9.0, 4.0
# Noise that is a sum of these terms has a reduced chi squared of 0.1 to 3, once in 30 up to 11;
# values that are not linear, 45 to 200 (gradients and fibres of 1 : 50, 100 to 10 000 ADU).
_MISFIT = 20.0
# A variance that differs by less is the same (6 % of the noise); a level that has less
# than this part of it has no noise, as where pixels are saturated.
_SAME, _NO_NOISE = 0.12, 0.1
# Readout variance to be added, ADU squared; factor of the photons' variance; excess. What is given,
# and how often classes are made by what was fitted.
_Terms = tuple[float, float, float]
_GIVEN, _FITS = (0.0, 1.0, 0.0), 2
# Terms that may be fitted, the likeliest first where levels do not tell: photons, excess, readout.
_TERMS = tuple(
    terms for size in range(1, 4) for terms in combinations((1, 2, 0), size)
)  # fmt: skip
# Least part of the given noise of photons, and of readout, that can be left; the most that scatters
# with the signal.
_LEAST_PHOTONS, _LEAST_READOUT, _MOST_EXCESS = 0.1, 0.01, 0.2


@dataclass(frozen=True)
class ObservedNoise:
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


def observe_noise(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> ObservedNoise:
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
    ObservedNoise
        Maps keep their shape: photons are scaled, readout is added in squares.
    """
    sums = _Sums.of(stack, noise.usable(), factors)
    fitted = _GIVEN
    for _ in range(_FITS):
        classes = sums.classes(fitted)
        if not len(classes.level):
            nothing = np.zeros(0)
            return ObservedNoise(noise, False, np.inf, 0.0, nothing, nothing, nothing)
        fitted, told = _fit(classes, sums.brightest)
    differs = bool((np.abs(classes.expected(fitted) / classes.given - 1) > _SAME).any())
    misfit = _misfit(classes, fitted) if differs else 0.0
    differs = differs and misfit <= _MISFIT
    if not differs:
        fitted = _GIVEN
    return ObservedNoise(
        _changed(noise.usable(), fitted) if differs else noise, differs,
        float(classes.level.max()) if differs and not told else np.inf,
        misfit if misfit > _MISFIT else 0.0,
        classes.number / classes.number.sum(), _beyond(classes, _GIVEN), _beyond(classes, fitted),
    )  # fmt: skip


def _misfit(classes: "_Classes", terms: _Terms) -> float:
    """Reduced chi squared."""
    missing = (classes.expected(terms) / classes.observed - 1) / classes.error
    n_fitted = sum(value != given for value, given in zip(terms, _GIVEN, strict=True))
    return float(missing @ missing) / max(1, len(missing) - n_fitted)


def _changed(noise: Noise, terms: _Terms) -> Noise:
    more, photons, excess = terms
    readout = np.square(noise.rnoise)
    rnoise = np.sqrt(np.maximum(readout + more, _LEAST_READOUT * readout))
    is_map = isinstance(noise.rnoise, np.ndarray)
    return Noise(noise.gain / photons, rnoise if is_map else float(rnoise), excess)


def _beyond(classes: "_Classes", terms: _Terms) -> Float64Array:
    """Scatter over that of a noise, less what may be chance, at least 1."""
    least = classes.observed * np.maximum(1 - _KNOWN * classes.error, 0)
    return np.asarray(np.sqrt(np.maximum(least / classes.expected(terms), 1)))


@dataclass(frozen=True)
class _Classes:
    """Variances of sums of similar level, each in (k,) float64, ADU squared.

    What photons and readout give, what is observed, and what a unit of each term adds.
    """

    level: Float64Array
    number: Float64Array
    readout: Float64Array
    photons: Float64Array
    observed: Float64Array
    of_readout: Float64Array
    of_square: Float64Array

    @property
    def given(self) -> Float64Array:
        return self.readout + self.photons

    @property
    def error(self) -> Float64Array:
        """Of the observed variance, as a part of it."""
        return np.asarray(np.hypot(np.sqrt(2 * _CLIPPED / self.number), _SYSTEMATIC))

    def expected(self, terms: _Terms) -> Float64Array:
        """Variance by readout to be added, photons to be multiplied, and excess."""
        more, photons, excess = terms
        readout = np.maximum(self.readout + more * self.of_readout, 0)
        return readout + photons * self.photons + excess * self.of_square


def _fit(classes: _Classes, brightest: _Classes) -> tuple[_Terms, bool]:
    """Terms that fit best, and whether the levels tell the noise of the brightest.

    Where they do not, an extrapolation may be wrong by any factor, and what was given may be right.
    """
    tried = _tried(classes)
    best = min(score for score, _ in tried)
    likely = [terms for score, terms in tried if score <= best + _AS_WELL]
    expected = [float(brightest.expected(terms)[0]) for terms in likely]
    if max(expected) < (1 + _SAME) * min(expected):
        return likely[0], True
    given = float(brightest.given[0])
    distances = [abs(np.log(variance / given)) for variance in expected]
    return likely[int(np.argmin(distances))], False


def _tried(classes: _Classes) -> list[tuple[float, _Terms]]:
    """Chi squared of the terms that may be fitted, with what each has to be worth."""
    design = np.stack([classes.of_readout, classes.photons, classes.of_square], axis=1)
    weight = 1 / (classes.error * classes.observed)
    missing = (classes.observed - classes.given) * weight
    design = design * weight[:, None]
    lowest = (
        -(1 - _LEAST_READOUT) * float((classes.readout / classes.of_readout).min()),
        _LEAST_PHOTONS - 1, 0.0,
    )  # fmt: skip
    highest = (np.inf, np.inf, _MOST_EXCESS)
    tried = [(float(missing @ missing), _GIVEN)]
    for terms in _TERMS:
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
        fitted = float(values[0]), float(1 + values[1]), float(values[2])
        tried.append((2 * float(found.cost) + _WORTH * len(terms), fitted))
    return tried


@dataclass(frozen=True)
class _Sums:
    """Sums of four neighbouring pixels of differences of exposures, (pairs, ny / 2, nx / 2).

    Normalised so that their variance is that of one pixel of the difference, ADU. `level` is the
    root mean square of the four, for bright ones scatter most; `of_readout` is (pairs,); `uneven`
    is the mean square of alternating sums of the median around each, in units of what noise makes
    of it where that of a pixel is 1 ADU; `highest` is the highest level of a pixel, ADU.
    """

    alternating: Float32Array
    plain: Float32Array
    level: Float32Array
    readout: Float32Array
    photons: Float32Array
    of_readout: Float32Array
    uneven: Float32Array
    highest: float

    @classmethod
    def of(cls, stack: Stack, noise: Noise, factors: tuple[float, ...]) -> "_Sums":
        """Sums of each exposure and the next, of some rows of a large frame."""
        step, n = _TOUCHING * max(1, stack.min2d.size // _ENOUGH_PIXELS), stack.n
        pairs = [(i, (i + 1) % n) for i in range(n if n > 2 else n - 1)]
        both = [
            _alternating_and_plain(_quarters(stack.cube[i], step) - _quarters(stack.cube[j], step))
            for i, j in pairs
        ]
        middle = _quarters(stack.median2d, step)
        light = np.maximum(np.mean(middle, axis=0), 0)
        level = np.sqrt(np.mean(np.square(np.maximum(middle, 0)), axis=0))
        square = np.square(_alternating_and_plain(middle)[0])
        # Of a large frame, rows of sums do not touch.
        box = (_BESIDE, _BESIDE) if step == _TOUCHING else (1, _BESIDE**2)
        uneven = ndimage.uniform_filter(np.nan_to_num(square), box, mode="nearest")
        readout, photons = (
            np.mean(_quarters(np.broadcast_to(value, stack.min2d.shape), step), axis=0)
            for value in (np.square(noise.rnoise), 1 / np.asarray(noise.gain))
        )
        squares, firsts = (
            np.array([factors[i] ** -k + factors[j] ** -k for i, j in pairs], np.float32)
            for k in (2.0, 1.0)
        )
        alternating, plain = np.array(both).swapaxes(0, 1)
        return cls(
            alternating, plain, level, squares[:, None, None] * readout,
            firsts[:, None, None] * photons * light, squares,
            uneven / np.float32(median_variance_factor(n)),
            float(np.max(stack.median2d, initial=0.0, where=np.isfinite(stack.median2d))),
        )  # fmt: skip

    @property
    def brightest(self) -> _Classes:
        """What is given at the highest level that occurs, on average over the pairs."""
        known = np.isfinite(self.level)
        readout = float(self.readout[:, known].mean(dtype=np.float64))
        slope = float(np.median(self.photons[:, known] / np.maximum(self.level[known], _TINY)))
        # The brightest of many pixels has luck as well.
        level = max(self.highest - _HIT * np.sqrt((readout + slope * self.highest) / 2), 0.0)
        row = (
            level, 1.0, readout, slope * level, np.nan, self.of_readout.mean(), 2 * level**2
        )  # fmt: skip
        return _Classes(*np.array(row, np.float64)[:, None])

    def _numbers(self, terms: _Terms) -> Int64Array:
        """Class of each level, as wide as the noise or wider; -1 where it is not known."""
        known = np.isfinite(self.level)
        if not known.any():
            return np.full(self.level.shape, -1)
        low, high = np.quantile(self.level[known], (0.0, 0.999))
        level = low + (high - low) * np.linspace(0, 1, _GRID) ** 2
        dark = float(np.median(self.readout[0][known])) / 2
        slope = float(np.median(self.photons[0][known] / np.maximum(self.level[known], _TINY))) / 2
        variance = np.maximum(dark + terms[0], _LEAST_READOUT * dark)
        variance = variance + terms[1] * slope * level + terms[2] * np.square(level)
        steps = np.diff(level) / np.sqrt((variance[1:] + variance[:-1]) / 2)
        place = np.append(0.0, np.cumsum(steps))
        wide = max(_WIDE, place[-1] / _N_CLASSES)
        number = np.interp(np.where(known, self.level, low), level, place) / wide
        return np.where(known, number, -1).astype(np.int64)

    def classes(self, terms: _Terms) -> _Classes:
        """Variances by level, without hits."""
        rows = []
        variance = self.readout + self.photons
        unit = np.sqrt(variance)
        values, plain = self.alternating / unit, self.plain / unit
        number = self._numbers(terms)
        # In units of the same variance; that of a difference is twice that of an exposure.
        clean = ~_hit(values, number) & _even(values, 2 * self.uneven / np.square(unit), number)
        for k in range(int(number.max(initial=-1)) + 1):
            members = clean & (number == k)
            if np.count_nonzero(members) < _LEAST:
                continue
            alone, together = (_scatter(sums[members]) ** 2 for sums in (values, plain))
            ratio = float(np.clip(1.0, alone, max(alone, together)))
            if ratio < _NO_NOISE:
                continue
            readout, photons = (
                float(frame[members].mean(dtype=np.float64))
                for frame in (self.readout, self.photons)
            )
            pair, *place = np.nonzero(members)
            level = self.level[tuple(place)].astype(np.float64)
            rows.append((
                level.mean(), len(level), readout, photons, ratio * (readout + photons),
                self.of_readout[pair].mean(dtype=np.float64), 2 * np.square(level).mean(),
            ))  # fmt: skip
        return _Classes(*np.array(rows, np.float64).reshape(-1, 7).T)


def _quarters(frame: FloatArray, step: int) -> Float32Array:
    """Four neighbours, (4, ny / step, nx / 2) float32; every `step` rows."""
    ny, nx = (length // 2 * 2 for length in frame.shape)
    corners = [frame[y:ny:step, x:nx:2][: ny // step] for y in (0, 1) for x in (0, 1)]
    return np.stack(corners).astype(np.float32, copy=False)


def _alternating_and_plain(quarters: Float32Array) -> tuple[Float32Array, Float32Array]:
    a, b, c, d = quarters
    return (a - b - c + d) / 2, (a + b + c + d) / 2


def _hit(values: Float32Array, number: Int64Array) -> BoolArray:
    """Sums that stand out of those of their class or lie beside such, and those not known."""
    known = np.isfinite(values)
    out = ~known
    for k in range(int(number.max(initial=-1)) + 1):
        members = known & (number == k)
        if members.any():
            limit = _HIT * _scatter(values[members])
            out |= members & (np.abs(values) > limit)
    return np.asarray(ndimage.binary_dilation(out, np.ones((1, 3, 3), bool)))


def _even(values: Float32Array, uneven: Float32Array, number: Int64Array) -> BoolArray:
    """Sums where the median is no more uneven than its noise makes it."""
    even = np.ones(values.shape, dtype=bool)
    known = np.isfinite(values)
    for k in range(int(number.max(initial=-1)) + 1):
        members = known & (number == k)
        own, kept = uneven[members], np.ones(np.count_nonzero(members), bool)
        for _ in range(_EVEN_ROUNDS):
            if kept.any():
                kept = own < _UNEVEN * _scatter(values[members][kept]) ** 2
        even[members] = kept
    return even


def _scatter(values: Float32Array) -> float:
    """Standard deviation of a normal law, from what is not far out."""
    found = float(np.quantile(np.abs(values), _CORE))
    for _ in range(_ROUNDS):
        inside = values[np.abs(values) < _CLIP * found]
        if not len(inside):
            return 0.0
        found = float(np.sqrt(np.mean(np.square(inside), dtype=np.float64) / _LEFT))
    return found
