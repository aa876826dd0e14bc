"""Kernels and smooth terms by clipped, weighted least squares, where pixels left out approve."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.matching.kernels import RADIUS, SIDE, TAPS, tap_offsets, taps_inside
from crmasks_widgets.core.matching.samples import FOLDS
from crmasks_widgets.core.typing import BoolArray, Float64Array, Int64Array

# Pixels further from the fit are hit.
_CLIP, _TURNS = 4.0, 2
# Values of a kernel are drawn to 0 (to 1 in the centre) as by a normal law of such a width, less
# and less of it away from the centre.
_WIDTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_REACH, _OUTER = 1.84, 0.02
# Chi-square of pixels left out has to fall by so much before anything is taken away, and by so much
# for a model with more values than the one before.
NEEDED, _NEEDED_FOR_MORE = 25.0, 6.0
# A light hand on the smooth terms, as parts of what they weigh: two may say the same.
_SMOOTH_RIDGE, _TINY_RIDGE = 1e-3, 1e-9
# What undersampled sources and a kernel that varies leave, as a part of the range around: measured
# where that exceeds so many sigma in so many pixels; and the least and most of it that weigh.
_STEEP, _LEAST_STEEP, _LEAST_SPREAD, _SPREADS = 10.0, 50, 0.02, (0.005, 0.03)
_CLIP_SPREAD = 0.01
# As long as nothing is known, exposures may differ by such a part of the range around.
_FIRST_SPREAD = 0.3
# Median of the square of a normal deviate.
_MEDIAN_SQUARE = 0.455


@dataclass(frozen=True)
class Normal:
    """Normal equations by the turn in which pixels are left out; weights are 1 / variance.

    Attributes
    ----------
    matrix : (4, m, m) float64
        The same for all exposures.
    right : (n, 4, m) float64
        Right-hand sides.
    square : (n, 4) float64
        Sums of the squared targets.
    n_pixels : int
        Number of pixels.
    """

    matrix: Float64Array
    right: Float64Array
    square: Float64Array
    n_pixels: int

    def scatter_of(self, values: Float64Array) -> float:
        """What (n, m) values add to an exposure, rms in sigma, of the exposure with the most."""
        squares = np.sum(values @ self.matrix.sum(axis=0) * values, axis=1)
        return float(np.sqrt(max(squares.max(), 0.0) / max(self.n_pixels, 1)))


@dataclass(frozen=True)
class Model:
    """Terms that a fit may use.

    Attributes
    ----------
    used : (m,) bool
        True for those.
    ridge : (m,) float64
        What is added to the diagonal of the normal equations.
    """

    used: BoolArray
    ridge: Float64Array


@dataclass(frozen=True)
class Fit:
    """Difference of every exposure from their mean.

    Attributes
    ----------
    values : (n, m) float64
        Values of the kernels, less those of the mean, and weights of the smooth terms.
    improvement : (n,) float64
        How much they lower chi-square in pixels that they were not fitted to.
    models : tuple of n Model
        By exposure.
    normal : Normal
        The equations.
    chi_square : (n,) float64
        Of a pixel, on the average.
    spread : float
        What is left besides noise where the frame is steep, as a part of the range around.
    """

    values: Float64Array
    improvement: Float64Array
    models: tuple[Model, ...]
    normal: Normal
    chi_square: Float64Array
    spread: float

    @property
    def centred(self) -> Float64Array:
        """Values whose mean over the exposures is 0, (n, m) float64."""
        return np.asarray(self.values - self.values.mean(axis=0))

    def kernels_at_borders(self) -> Float64Array:
        """Kernels of the taps that lie in the frame, which predict what they can.

        Returns
        -------
        (n, 7, 7, 7, 7) float64
            By exposure, and as `kernels.convolve` expects them.
        """
        n = len(self.values)
        out = np.zeros((n, SIDE, SIDE, SIDE, SIDE))
        for i, j in np.ndindex(SIDE, SIDE):
            inside = taps_inside(i - RADIUS, j - RADIUS)
            values = np.stack([self._restricted(k, inside) for k in range(n)])
            out[:, i, j] = (values - values.mean(axis=0)).reshape(n, SIDE, SIDE)
        return out

    def _restricted(self, k: int, inside: BoolArray) -> Float64Array:
        """Kernel of an exposure that uses some taps only, the smooth terms as they are."""
        values = np.zeros(TAPS)
        if inside.all():
            return self.values[k, :TAPS]
        model = self.models[k]
        taps = np.flatnonzero(model.used[:TAPS] & inside)
        matrix = self.normal.matrix.sum(axis=0)
        smooth = matrix[taps, TAPS:] @ self.values[k, TAPS:]
        right = self.normal.right[k].sum(axis=0)[taps] - smooth
        ridged = matrix[np.ix_(taps, taps)] + np.diag(model.ridge[taps])
        values[taps] = np.linalg.solve(ridged, right)
        return values


@dataclass(frozen=True)
class Targets:
    """What is fitted in which pixels.

    Attributes
    ----------
    design : (m, k) float64
        Rows of `samples.design_matrix`.
    differences : (n, k) float64
        Exposures less their mean, ADU.
    variance : (k,) float64
        Of an exposure, ADU squared; NaN where a pixel is not to be used.
    contrast : (k,) float64
        Range of the reference within a pixel, ADU.
    fold : (k,) int64
        Turn in which a pixel is left out, in ascending order.
    """

    design: Float64Array
    differences: Float64Array
    variance: Float64Array
    contrast: Float64Array
    fold: Int64Array


def fit_differences(targets: Targets, start: Float64Array) -> Fit:
    """Fit kernels and smooth terms to the differences of the exposures from their mean.

    All exposures are fitted in the same pixels, those where none is hit.

    Parameters
    ----------
    targets : Targets
        What to fit.
    start : (n, m) float64
        Values of the round before, by which hits are recognised first.

    Returns
    -------
    Fit
        All values are 0 where exposures do not differ by more than noise.
    """
    values = start
    # The differences are to the mean, which has a part of each exposure's noise.
    variance = targets.variance * (1 - 1 / len(start))
    for turn in range(_TURNS):
        residual = targets.differences - values @ targets.design
        left = _spread(residual, variance, targets.contrast)
        least = _CLIP_SPREAD if turn or start.any() else _FIRST_SPREAD
        scatter = np.maximum(left, least)[:, None] * targets.contrast
        kept = (np.abs(residual) < _CLIP * np.sqrt(variance + np.square(scatter))).all(axis=0)
        spread = np.clip(left.max(), *_SPREADS) * targets.contrast
        weight = np.where(kept, 1 / (variance + np.square(spread)), 0)
        normal = _normal_equations(targets, weight)
        values, improvement, models = _choose(normal)
    residual = targets.differences - values @ targets.design
    chi = [_chi_square(normal, k, v) / max(normal.n_pixels, 1) for k, v in enumerate(values)]
    left = _spread(residual, variance, targets.contrast)
    return Fit(values, improvement, models, normal, np.array(chi), float(left.max()))


def _spread(residual: Float64Array, variance: Float64Array, contrast: Float64Array) -> Float64Array:
    """Scatter of each exposure besides noise where the frame is steep; medians, for there are hits.

    A part of the range around.
    """
    steep = np.square(contrast) > _STEEP**2 * variance
    if np.count_nonzero(steep) < _LEAST_STEEP:
        return np.full(len(residual), _LEAST_SPREAD)
    more = np.square(residual[:, steep]) - _MEDIAN_SQUARE * variance[steep]
    part = np.median(more / np.square(contrast[steep]), axis=1)
    return np.sqrt(np.maximum(part, 0) / _MEDIAN_SQUARE)


def _normal_equations(targets: Targets, weight: Float64Array) -> Normal:
    n, m = len(targets.differences), len(targets.design)
    matrix, right, square = np.zeros((FOLDS, m, m)), np.zeros((n, FOLDS, m)), np.zeros((n, FOLDS))
    bounds, root = np.searchsorted(targets.fold, np.arange(FOLDS + 1)), np.sqrt(weight)
    for fold in range(FOLDS):
        at = slice(*bounds[fold : fold + 2].tolist())
        design, values = targets.design[:, at] * root[at], targets.differences[:, at] * root[at]
        matrix[fold] = design @ design.T
        right[:, fold] = values @ design.T
        square[:, fold] = np.square(values).sum(axis=1)
    return Normal(matrix, right, square, int(np.count_nonzero(weight)))


def _chi_square(normal: Normal, k: int, values: Float64Array) -> float:
    matrix, right = normal.matrix.sum(axis=0), normal.right[k].sum(axis=0)
    return float(normal.square[k].sum() - 2 * values @ right + values @ matrix @ values)


def _models(diagonal: Float64Array) -> Iterator[Model]:
    """Models from few values to many: a constant, smooth terms, kernels without and with them."""
    m = len(diagonal)
    taps = np.arange(m) < TAPS
    constant = np.arange(m) == TAPS
    ridge = np.where(taps, 0, _TINY_RIDGE * diagonal + np.finfo(float).tiny)
    ridge += np.where(taps | constant, 0, _SMOOTH_RIDGE * diagonal + np.finfo(float).eps)
    yield Model(constant, ridge)
    yield Model(~taps, ridge)
    dy, dx = tap_offsets()
    shape = np.exp(-(np.square(dx) + np.square(dy)) / (2 * _REACH**2)) + _OUTER
    for width in _WIDTHS:
        drawn = ridge.copy()
        drawn[:TAPS] = 1 / np.square(width * shape)
        yield Model(taps | constant, drawn)
        yield Model(np.ones(m, dtype=bool), drawn)


def _choose(normal: Normal) -> tuple[Float64Array, Float64Array, tuple[Model, ...]]:
    """Values, improvements and models of all exposures."""
    n, _, m = normal.right.shape
    total, right = normal.matrix.sum(axis=0), normal.right.sum(axis=1)
    nothing = normal.square.sum(axis=1)
    best, values, number = nothing.copy(), np.zeros((n, m)), np.zeros(n)
    models = [Model(np.zeros(m, dtype=bool), np.ones(m))] * n
    for model in _models(np.diag(total)):
        size = np.count_nonzero(model.used)
        left_out = _left_out(normal, model)
        needed = np.where(number == 0, NEEDED, np.where(size > number, _NEEDED_FOR_MORE, 0.0))
        better = np.flatnonzero(left_out < best - needed)
        if len(better):
            values[better] = _solve(total, right[better], model)
            best[better], number[better] = left_out[better], size
            for k in better:
                models[k] = model
    return values, nothing - best, tuple(models)


def _solve(matrix: Float64Array, right: Float64Array, model: Model) -> Float64Array:
    """Values (n, m) from right-hand sides (n, m)."""
    at = np.flatnonzero(model.used)
    values = np.zeros_like(right)
    ridged = matrix[np.ix_(at, at)] + np.diag(model.ridge[at])
    values[:, at] = np.linalg.solve(ridged, right[:, at].T).T
    return values


def _left_out(normal: Normal, model: Model) -> Float64Array:
    """Chi-square of every exposure in the pixels that were left out in turns."""
    total, right = normal.matrix.sum(axis=0), normal.right.sum(axis=1)
    chi = normal.square.sum(axis=1)
    for fold in range(FOLDS):
        matrix = normal.matrix[fold]
        values = _solve(total - matrix, right - normal.right[:, fold], model)
        chi += np.sum(values * (values @ matrix - 2 * normal.right[:, fold]), axis=1)
    return np.asarray(chi)
