"""The corrected combinations with their variance and map."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from crmasks_widgets.combination_kinds import Kind
from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.masks import Masks
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float32Array
from crmasks_widgets.core.unequal_median import share_of_median

ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Combination:
    """One corrected combination.

    Attributes
    ----------
    data : (ny, nx) float32
        ADU.
    variance : (ny, nx) float32
        Predicted variance of the value written, ADU^2; never 0, NaN where the value is.
    map : (ny, nx) int16
        Exposures used. 0 where all of them are masked (the value is then the fill) or invalid.
    """

    data: Float32Array
    variance: Float32Array
    map: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Ingredients:
    """What every combination is made of.

    Attributes
    ----------
    stack : Stack
        Exposures divided by their flux factors.
    mediancr : (ny, nx) bool
        MEDIANCR.
    masks : Masks
        MEANCRT and the exposures' masks.
    fill : (ny, nx) float32
        Value where no better one is left: the minimum, what L.A.Cosmic put there, or a better one
        found by `fill.best_fill`. ADU.
    noise : Noise
        Noise of an exposure before it was divided.
    flux_factors : tuple of n floats
        Divisors of the exposures.
    median_factors : (n + 1,) float32
        Variance of a median of so many values of unit variance.
    fill_variance : (ny, nx) float32, optional
        Variance of the fill, ADU^2; where it is NaN or not given, the fill counts as one value.
    fill_count : (ny, nx) int16, optional
        Exposures that the fill is made of; one by default.
    between : BetweenExposures
        What the exposures differ by, which enters the variances; nothing by default.
    n_hit : (ny, nx) int16, optional
        Exposures known to be hit. Where the median stands in spite of them, its error is that of a
        higher one of the others; by default none is known.
    """

    stack: Stack
    mediancr: npt.NDArray[np.bool_]
    masks: Masks
    fill: Float32Array
    noise: Noise
    flux_factors: tuple[float, ...]
    median_factors: Float32Array
    fill_variance: Float32Array | None = None
    fill_count: npt.NDArray[np.int16] | None = None
    between: BetweenExposures = ALIKE
    n_hit: npt.NDArray[np.int16] | None = None

    def rows(self, rows: slice) -> "Ingredients":
        """Some rows of everything.

        Parameters
        ----------
        rows : slice
            Of the y axis.

        Returns
        -------
        Ingredients
            Views.
        """
        exposures = tuple(mask[rows] for mask in self.masks.exposures)
        return Ingredients(
            self.stack.rows(rows),
            self.mediancr[rows],
            Masks(self.masks.meancrt[rows], exposures),
            self.fill[rows],
            self.noise.rows(rows),
            self.flux_factors,
            self.median_factors,
            None if self.fill_variance is None else self.fill_variance[rows],
            None if self.fill_count is None else self.fill_count[rows],
            self.between.at(rows),
            None if self.n_hit is None else self.n_hit[rows],
        )


@cache
def median_variance_factor(n: int) -> float:
    """Variance of the median of n independent normal values of unit variance.

    By the distribution of order statistics; 0.449, 0.298 and 0.287 for n = 3, 4 and 5.

    Parameters
    ----------
    n : int
        Number of values, at least 1.

    Returns
    -------
    float
        Dimensionless.
    """
    return _square_of_middle((n - 1) // 2, (n - 1) // 2, pair=n % 2 == 0)


def _square_of_middle(n_below: int, n_above: int, *, pair: bool) -> float:
    """Mean square of a normal value, or of a mean of two neighbours, with so many on each side."""
    x = np.linspace(-9.0, 9.0, 1201)
    density, below, above = np.exp(-(x**2) / 2), ndtr(x), ndtr(-x)
    lower, upper = below**n_below * density, above**n_above * density
    if not pair:
        weight = lower * above**n_above
        return float((x**2 * weight).sum() / weight.sum())
    # Joint density of the two values u <= v, and the square (u^2 + 2 u v + v^2) / 4 of their mean.
    # Moments of u below v, with half of u = v:
    m0, m1, m2 = (np.cumsum(lower * x**k) - lower * x**k / 2 for k in range(3))
    return float((upper * (m2 + 2 * x * m1 + x**2 * m0)).sum() / (4 * (upper * m0).sum()))


@cache
def minimum_square_error(n: int) -> float:
    """Mean square error of the minimum of n normal values of unit variance, its bias included.

    Parameters
    ----------
    n : int
        Number of values, at least 1.

    Returns
    -------
    float
        1, 1 and 1.28 for n = 1, 2 and 3.
    """
    return _square_of_middle(0, n - 1, pair=False)


@cache
def median_square_factors(n: int) -> Float32Array:
    """Mean square errors of medians of values of unit variance, some of which are far too high.

    Parameters
    ----------
    n : int
        Largest number of values.

    Returns
    -------
    (n + 1, n + 1) float32
        By the number of values and by that of the high ones. With none, the variance of a median;
        with one of 3, 4, 5 and 7, 1.00, 0.57, 0.45 and 0.29. The first row is NaN.
    """
    factors = np.full((n + 1, n + 1), np.nan, np.float32)
    for k in range(1, n + 1):
        n_below, pair = (k - 1) // 2, k % 2 == 0
        for high in range(k):
            n_above = k - high - n_below - 1 - pair
            # With the middle itself high, as little is known as with one less.
            factors[k, high] = (
                _square_of_middle(n_below, n_above, pair=pair)
                if n_above >= 0
                else factors[k, high - 1]
            )
        factors[k, k:] = factors[k, k - 1]
    return factors


def median_variance_factors(n: int) -> Float32Array:
    """Variance factors of the medians of 0 to n values.

    Parameters
    ----------
    n : int
        Largest number of values.

    Returns
    -------
    (n + 1,) float32
        The first is NaN.
    """
    return np.array([np.nan, *map(median_variance_factor, range(1, n + 1))], dtype=np.float32)


def combine(kind: Kind, parts: Ingredients) -> Combination:
    """Make one corrected combination (docs/method.md, Combinations).

    Parameters
    ----------
    kind : {"mediancr", "meancrt", "meancr", "mean", "median", "min"}
        Median with MEDIANCR filled; mean with MEANCRT taken from the former; mean of what
        CRMASK1...N leave; and three without masks.
    parts : Ingredients
        Exposures, masks and noise.

    Returns
    -------
    Combination
        Value, variance and map.
    """
    shape = parts.stack.min2d.shape
    out = Combination(
        np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.int16)
    )
    make = _MAKERS[kind]
    # In blocks of rows, the intermediate frames of every exposure take no memory to speak of.
    for start in range(0, shape[0], ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        block = make(parts.rows(rows))
        out.data[rows], out.variance[rows], out.map[rows] = block.data, block.variance, block.map
    return out


def exposure_variances(
    value: npt.NDArray[np.floating], noise: Noise, factors: tuple[float, ...]
) -> list[npt.NDArray[np.float32]]:
    """Variance that each exposure contributes where the combination has this value.

    Parameters
    ----------
    value : ndarray
        Value of the combination, ADU.
    noise : Noise
        Of an exposure before it was divided; maps of the shape of `value`.
    factors : tuple of n floats
        Divisors of the exposures; the photons are those before the division.

    Returns
    -------
    list of n float32 ndarrays
        ADU^2; exposures of one factor share one. A readout noise below the least of which the laws
        of exposures are known counts as that, `noise.MIN_RNOISE`.
    """
    signal = np.maximum(value, 0)
    readout, scatter = np.square(noise.usable().rnoise), noise.scatter(signal)
    made = {
        f: np.asarray((readout + signal * f / noise.gain) / f**2 + scatter, np.float32)
        for f in set(factors)
    }
    return [made[f] for f in factors]


def _exposure_variances(value: Float32Array, parts: Ingredients) -> list[npt.NDArray[np.float32]]:
    return exposure_variances(value, parts.noise, parts.flux_factors)


def _mean_over(
    frames: list[npt.NDArray[np.float32]], used: list[npt.NDArray[np.bool_]] | None
) -> npt.NDArray[np.float32]:
    """Mean over the exposures used in each pixel; 0 where none is."""
    if used is None:
        return np.asarray(sum(frames) / np.float32(len(frames)))
    total, count = np.zeros_like(frames[0]), np.zeros(frames[0].shape, np.float32)
    for frame, use in zip(frames, used, strict=True):
        total += np.where(use, frame, 0)
        count += use
    return np.asarray(total / np.maximum(count, 1), np.float32)


def _fill_variance(
    value: Float32Array, parts: Ingredients, where: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Variance of the fill: as given, or that of a single value."""
    single = _single_variance(value, parts, where)
    if parts.fill_variance is None:
        return single
    given = parts.fill_variance[where]
    return np.where(np.isfinite(given), given, single)


def _single_variance(
    value: Float32Array, parts: Ingredients, where: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Variance of a single value: that of the exposure it came from.

    A minimum belongs to one exposure; what L.A.Cosmic wrote belongs to none, and counts as an
    average one.
    """
    pixels = np.flatnonzero(where)
    written = value.ravel()[pixels]
    variances = np.stack(exposure_variances(written, parts.noise.at(pixels), parts.flux_factors))
    origin = parts.stack.cube[:, where] == written
    chosen = np.where(origin, variances, 0).sum(axis=0) / np.maximum(origin.sum(axis=0), 1)
    return np.asarray(np.where(origin.any(axis=0), chosen, variances.mean(axis=0)), np.float32)


def _usable(parts: Ingredients) -> list[npt.NDArray[np.bool_]] | None:
    return None if parts.stack.valid is None else list(parts.stack.valid)


def _median(parts: Ingredients) -> Combination:
    stack = parts.stack
    typical = _mean_over(_exposure_variances(stack.median2d, parts), _usable(parts))
    if parts.n_hit is None:
        factor, hit = parts.median_factors[stack.n_valid], np.zeros((), dtype=bool)
    else:
        n_hit = np.minimum(parts.n_hit, stack.n_valid)
        factor, hit = median_square_factors(stack.n)[stack.n_valid, n_hit], n_hit > 0
    variance = parts.between.variance_of_median(typical, factor, stack.n_valid, hit)
    share = share_of_median(stack.median2d, parts.noise, parts.flux_factors, stack.valid)
    # What noise makes of it; what exposures differ by besides has no such share.
    variance -= np.asarray(typical * factor * (1 - share), np.float32)
    return Combination(stack.median2d.copy(), variance, stack.n_valid.astype(np.int16))


def _mediancr(parts: Ingredients) -> Combination:
    out, where = _median(parts), parts.mediancr
    out.data[where] = parts.fill[where]
    out.map[where] = 1 if parts.fill_count is None else parts.fill_count[where]
    out.variance[where] = _fill_variance(out.data, parts, where)
    return out


def _mean(parts: Ingredients) -> Combination:
    stack = parts.stack
    typical = _mean_over(_exposure_variances(stack.mean2d, parts), _usable(parts))
    count = np.where(stack.n_valid > 0, stack.n_valid, np.nan)
    variance = np.asarray(typical / count, np.float32)
    return Combination(stack.mean2d.copy(), variance, stack.n_valid.astype(np.int16))


def _minimum(parts: Ingredients) -> Combination:
    stack = parts.stack
    typical = _mean_over(_exposure_variances(stack.min2d, parts), _usable(parts))
    factors = [np.nan, *map(minimum_square_error, range(1, stack.n + 1))]
    variance = typical * np.array(factors, np.float32)[stack.n_valid]
    return Combination(stack.min2d.copy(), variance, stack.n_valid.astype(np.int16))


def _meancrt(parts: Ingredients) -> Combination:
    out, where = _mean(parts), parts.masks.meancrt
    replacement = _mediancr(parts)
    out.data[where] = replacement.data[where]
    out.variance[where] = replacement.variance[where]
    out.map[where] = replacement.map[where]
    return out


def _meancr(parts: Ingredients) -> Combination:
    stack = parts.stack
    used = [~mask for mask in parts.masks.exposures]
    if stack.valid is not None:
        used = [use & valid for use, valid in zip(used, stack.valid, strict=True)]
    count = np.zeros(stack.min2d.shape, np.int16)
    total = np.zeros(stack.min2d.shape, np.float32)
    for exposure, use in zip(stack.cube, used, strict=True):
        count += use
        np.add(total, exposure, out=total, where=use)
    none = count == 0
    data = np.where(none, parts.fill, total / np.maximum(count, 1)).astype(np.float32)
    typical = _mean_over(_exposure_variances(data, parts), used)
    variance = np.asarray(typical / np.maximum(count, 1), np.float32)
    variance += parts.between.variance_of_mean(np.stack(used), stack.n_valid)
    variance[none] = _fill_variance(data, parts, none)
    if parts.fill_count is not None:
        count[none] = parts.fill_count[none]
    variance[stack.n_valid == 0] = np.nan
    return Combination(data, variance, count)


_MAKERS = {
    "mediancr": _mediancr, "meancrt": _meancrt, "meancr": _meancr, "mean": _mean,
    "median": _median, "min": _minimum,
}  # fmt: skip


def refilled(
    combination: Combination, where: npt.NDArray[np.bool_], parts: Ingredients
) -> Combination:
    """Fill pixels of a combination in which hits are left.

    Parameters
    ----------
    combination : Combination
        Before.
    where : (ny, nx) bool
        Pixels to fill.
    parts : Ingredients
        Fill, its variance and count.

    Returns
    -------
    Combination
        New arrays.
    """
    data, variance = combination.data.copy(), combination.variance.copy()
    number = combination.map.copy()
    data[where] = parts.fill[where]
    variance[where] = _fill_variance(data, parts, where)
    number[where] = 1 if parts.fill_count is None else parts.fill_count[where]
    return Combination(data, variance, number)


def replace_by_local_median(
    combination: Combination, boxes: tuple[tuple[int, int, int, int], ...]
) -> Combination:
    """Replace pixels by the median of their surroundings (docs/method.md, Combinations).

    Parameters
    ----------
    combination : Combination
        Before.
    boxes : tuple of (x, y, width_x, width_y)
        FITS pixel (the first is 1) and odd widths of the box. In this order; later boxes see what
        earlier ones replaced.

    Returns
    -------
    Combination
        New arrays. The variance is that of a median of so many neighbours; the map is unchanged.
    """
    data, variance = combination.data.copy(), combination.variance.copy()
    for x, y, width_x, width_y in boxes:
        centre = (y - 1, x - 1)
        box = (
            slice(max(0, y - 1 - width_y // 2), y + width_y // 2),
            slice(max(0, x - 1 - width_x // 2), x + width_x // 2),
        )
        others = np.ones(data[box].shape, dtype=bool)
        others[centre[0] - box[0].start, centre[1] - box[1].start] = False
        others &= np.isfinite(data[box])
        if others.any():
            n = int(others.sum())
            data[centre] = np.median(data[box][others])
            variance[centre] = variance[box][others].mean() * median_variance_factor(n)
    return Combination(data, variance, combination.map)
