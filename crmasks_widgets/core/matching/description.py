"""What a kernel does to a source, in pixels and parts, with errors."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.matching.fit import Normal
from crmasks_widgets.core.matching.kernels import RADIUS, SIDE, TAPS
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array

Value = tuple[float, float]
"""A value and its standard error; NaN where unknown."""

UNKNOWN: Value = (float("nan"), float("nan"))

STRUCTURE_ALONE = (
    "structure alone, against the mean of the exposures (what is smooth counts as sky here, so "
    "that this is not the brightness of all light)"
)
"""What seeing, contrast and sky of an exposure are measured of."""

_ROUNDS, _STEP, _LONGEST = 12, 1e-4, 0.3
# Steps of this part of the errors are short enough.
_SETTLED = 0.01
# Bounds of the displacement, pixels, and of the added variance of a source, pixels squared.
_FARTHEST, _SHARPEST, _BLURRIEST = 1.5, -2.0, 3.0
_SINGULAR, _SMOOTH_RIDGE, _TINY_RIDGE = 1e-13, 1e-3, 1e-9
# Parameters of a kernel: flux, dx, dy, added variance.
_N = 4
# The background of sources is the minimum over so many pixels of the smoothed reference.
_BACKGROUND = 15
# Errors larger than these say that nothing is known: pixels, part, part.
_LARGEST_SHIFT, _LARGEST_PART = 0.5, 0.5


@dataclass(frozen=True)
class ExposureMatch:
    """How an exposure differs from the mean of all.

    Attributes
    ----------
    dx, dy : (float, float)
        Displacement and its error, pixels towards larger x and y.
    seeing : (float, float)
        Width of its sources, relative to those of the mean, and error.
    flux : (float, float)
        Brightness of its structure, relative to that of the mean, and error.
    sky : (float, float)
        What is added to it everywhere, and error, ADU.
    improvement : float
        How much the prediction lowers chi-square in pixels that it was not fitted to; 0 where
        nothing is taken away.
    """

    dx: Value = UNKNOWN
    dy: Value = UNKNOWN
    seeing: Value = UNKNOWN
    flux: Value = UNKNOWN
    sky: Value = UNKNOWN
    improvement: float = 0.0

    @property
    def in_words(self) -> str:
        """What is known beside the displacement, as one line.

        Where an exposure lies is told by `core.differences`, of all its light: a trace that is wide
        counts as sky here, and would be said to lie elsewhere.
        """
        parts = [
            f"{name} {_in_words(value, form)}{unit}"
            for name, value, form, unit in (
                ("seeing", self.seeing, ".3f", ""),
                ("structure times", self.flux, ".4f", ""),
                ("sky", self.sky, "+.2f", " ADU"),
            )
            if np.isfinite(value[0])
        ]
        return ", ".join(parts) or "unknown"


def _in_words(value: Value, form: str) -> str:
    digits = form.lstrip("+")
    return f"{value[0]:{form}} +/- {value[1]:{digits}}"


def describe(
    normal: Normal, chi_square: Float64Array, improvement: Float64Array, width: float
) -> tuple[ExposureMatch, ...]:
    """Displacement, seeing, flux and sky of every exposure.

    The kernel of few parameters that fits the same pixels best, by Gauss-Newton steps in the normal
    equations; errors follow from their inverse and chi-square.

    Parameters
    ----------
    normal : Normal
        Equations of the differences from the mean of the exposures.
    chi_square : (n,) float64
        Of a pixel, on the average.
    improvement : (n,) float64
        As in `ExposureMatch`.
    width : float
        Standard deviation of sources of the reference, pixels, or NaN.

    Returns
    -------
    tuple of n ExposureMatch
        What is not known within half a pixel or a half of itself is NaN.
    """
    matrix = normal.matrix.sum(axis=0)
    n, n_smooth = len(normal.right), len(matrix) - TAPS
    parameters = np.tile([1.0, 0.0, 0.0, 0.0], (n, 1))
    smooth, errors, steps = np.zeros((n, n_smooth)), np.zeros((n, _N + 1)), np.zeros((n, _N))
    for _ in range(_ROUNDS):
        # The reference, a mean of displaced exposures, is as blurred as they are displaced.
        blur = np.square(parameters[:, 1:3]).mean(axis=0)
        kernels = np.stack([_kernel(p, blur).ravel() for p in parameters])
        mean = kernels.mean(axis=0)
        for k in range(n):
            difference = np.concatenate([kernels[k] - mean, smooth[k]])
            right = normal.right[k].sum(axis=0)
            step, inverse = _step(matrix, right, difference, parameters[k], blur)
            parameters[k] += np.clip(step[:_N], -_LONGEST, _LONGEST)
            smooth[k] += step[_N:]
            steps[k] = step[:_N]
            variance = np.maximum(np.diag(inverse)[: _N + 1], 0) * max(chi_square[k], 1.0)
            errors[k] = np.sqrt(variance)
        parameters -= parameters.mean(axis=0) - [1, 0, 0, 0]
        parameters[:, 1:3] = np.clip(parameters[:, 1:3], -_FARTHEST, _FARTHEST)
        parameters[:, 3] = np.clip(parameters[:, 3], _SHARPEST, _BLURRIEST)
        if (np.abs(steps) < _SETTLED * errors[:, :_N]).all():
            break
    return tuple(
        _match(p, e, s[0], width, float(i))
        for p, e, s, i in zip(parameters, errors, smooth, improvement, strict=True)
    )


def _match(
    parameters: Float64Array, errors: Float64Array, sky: float, width: float, improvement: float
) -> ExposureMatch:
    flux, dx, dy, added = parameters.tolist()
    flux_error, dx_error, dy_error, added_error, sky_error = errors.tolist()
    ratio = np.sqrt(max(1 + added / width**2, 0.01)) if width > 0 else np.nan
    return ExposureMatch(
        _known(dx, dx_error, _LARGEST_SHIFT),
        _known(dy, dy_error, _LARGEST_SHIFT),
        _known(float(ratio), float(added_error / (2 * width**2 * ratio)), _LARGEST_PART),
        _known(flux, flux_error, _LARGEST_PART),
        (float(sky), sky_error),
        improvement,
    )


def _known(value: float, error: float, largest: float) -> Value:
    return (value, error) if error < largest else UNKNOWN


def _step(
    matrix: Float64Array,
    right: Float64Array,
    difference: Float64Array,
    parameters: Float64Array,
    blur: Float64Array,
) -> tuple[Float64Array, Float64Array]:
    """Gauss-Newton step of the parameters and smooth terms, and the inverse of its equations."""
    n_smooth = len(matrix) - TAPS
    jacobian = np.zeros((len(matrix), _N + n_smooth))
    jacobian[TAPS:, _N:] = np.eye(n_smooth)
    kernel = _kernel(parameters, blur)
    for i in range(_N):
        moved = parameters.copy()
        moved[i] += _STEP
        jacobian[:TAPS, i] = (_kernel(moved, blur) - kernel).ravel() / _STEP
    diagonal = np.diag(matrix)[TAPS:]
    ridge = _TINY_RIDGE * diagonal + np.finfo(float).tiny
    ridge[1:] += _SMOOTH_RIDGE * diagonal[1:]
    equations = jacobian.T @ matrix @ jacobian
    equations[range(_N, _N + n_smooth), range(_N, _N + n_smooth)] += ridge
    gradient = jacobian.T @ (right - matrix @ difference)
    gradient[_N:] -= ridge * difference[TAPS:]
    inverse = np.linalg.pinv(equations, rcond=_SINGULAR, hermitian=True)
    return inverse @ gradient, np.asarray(inverse, np.float64)


def _kernel(parameters: Float64Array, blur: Float64Array) -> Float64Array:
    """Kernel of flux, displacement and added variance, (7, 7).

    Along either axis an interpolation of sixth order, and as much of its second and fourth
    derivatives as widen a source by the variance.
    """
    flux, dx, dy, added = parameters
    rows, columns = (
        _widened(_interpolation(shift), added - less)
        for shift, less in ((dy, blur[1]), (dx, blur[0]))
    )
    return np.asarray(flux * np.outer(rows, columns), np.float64)


def _widened(weights: Float64Array, variance: float) -> Float64Array:
    second = np.convolve(weights, (1, -2, 1), "same")
    fourth = np.convolve(second, (1, -2, 1), "same")
    return np.asarray(weights + variance / 2 * second + variance**2 / 8 * fourth)


def _interpolation(shift: float) -> Float64Array:
    """Weights of seven pixels that interpolate at a shift: Lagrange's polynomials."""
    nodes = np.arange(-RADIUS, RADIUS + 1, dtype=np.float64)
    weights = np.ones(SIDE)
    for k, node in enumerate(nodes):
        others = nodes[nodes != node]
        weights[k] = np.prod((shift - others) / (node - others))
    return weights


def source_width(tiles: Float32Array, inside: BoolArray) -> float:
    """Width of the sharpest structure, as if it were Gaussian.

    Parameters
    ----------
    tiles : (n_tiles, side, side) float32
        The reference, ADU.
    inside : (n_tiles, side, side) bool
        Pixels to be used.

    Returns
    -------
    float
        Standard deviation in pixels, from the ratio of the autocorrelations at one and two pixels,
        that of noise left out; NaN where there is no structure.
    """
    smooth = ndimage.uniform_filter(tiles, (1, 3, 3), mode="nearest")
    size = (1, _BACKGROUND, _BACKGROUND)
    values = np.where(inside, tiles - ndimage.minimum_filter(smooth, size, mode="nearest"), 0)
    values = np.where(inside, values - np.median(values[inside]), 0).astype(np.float64)
    widths = []
    for axis in (1, 2):
        first, second = (float(np.sum(np.roll(values, -lag, axis) * values)) for lag in (1, 2))
        if first > second > 0:
            widths.append(np.sqrt(3 / (4 * np.log(first / second))))
    return float(min(widths, default=np.nan))
