"""Brightness and displacement of each exposure against the typical one, with their errors."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.common_ground import CommonGround, find_common_ground
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float64Array

# The median of the exposures, averaged over so many pixels, is the level.
BOX = 5
# Bright and steep pixels tell about flux and displacement: so many sigma of one exposure; at least
# so many of them are needed, and so many tell enough.
_TELLING, _LEAST_PIXELS, _ENOUGH = 5.0, 1000, 250_000
# Rounds of a least-squares fit without the pixels beyond so many sigma.
_ROUNDS, _CLIP = 6, 4.0
# Slopes are those of frames averaged over so many pixels, scene and exposures alike; not so the
# brightness: hits would be smeared over more pixels.
_SMOOTHING = 3
# Part of a normal law within one sigma.
_CORE = 0.6827
# Combinations of columns that are this much less certain than others remain unknown.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class Differences:
    """How the exposures differ from the typical one.

    Attributes
    ----------
    flux : tuple of n (float, float)
        Brightness of each exposure relative to the median of all, minus 1, with its error; NaN
        where it is not known.
    offsets : tuple of n (float, float, float)
        Displacement of the scene of each exposure against the median of all, along x and y, with
        the larger of the errors, pixels; NaN where it is not known.
    flux_unknown, offsets_unknown : str
        Why; empty where they are known.
    """

    flux: tuple[tuple[float, float], ...]
    offsets: tuple[tuple[float, float, float], ...]
    flux_unknown: str = ""
    offsets_unknown: str = ""


def differences_of(stack: Stack, noise: Noise) -> tuple[CommonGround, Differences]:
    """Measure brightness and displacement of the exposures of a stack.

    Proposals, the noise check, the log of a run and the dashboard all tell what this finds.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors, ADU.
    noise : Noise
        Of an exposure before it was divided.

    Returns
    -------
    ground : CommonGround
        The exposures, pixel on pixel and equally bright.
    differences : Differences
        Brightness that is left, and displacement.
    """
    noise = noise.usable()
    ground = find_common_ground(stack.cube, noise)
    return ground, measure_differences(ground, noise)


def measure_differences(ground: CommonGround, noise: Noise) -> Differences:
    """Refine shifts by whole pixels and robust ratios with a fit of what is left.

    The difference of an exposure from the mean of the others is fitted by the scene and its slopes.

    Parameters
    ----------
    ground : CommonGround
        The exposures, pixel on pixel and equally bright.
    noise : Noise
        Of one exposure; of maps, the medians are used.

    Returns
    -------
    Differences
        Whole shifts and ratios included.
    """
    n, cube = len(ground.cube), ground.cube
    median = np.median(cube, axis=0)
    valid = np.isfinite(median)
    scene = np.where(valid, median, 0).astype(np.float64)
    level = ndimage.uniform_filter(scene, BOX, mode="nearest")
    # Dark pixels without readout noise would count for more than all others together.
    typical = Noise(noise.typical_gain, noise.typical_rnoise).usable()
    sigma = np.asarray(typical.sigma(level), np.float64)
    smooth = _smoothed(scene)
    # Along an axis of one pixel nothing can be displaced.
    slopes = [
        np.asarray(np.gradient(smooth, axis=axis), np.float64)
        if smooth.shape[axis] > 1
        else np.zeros(smooth.shape)
        for axis in (1, 0)
    ]
    bright = valid & (level > _TELLING * sigma)
    steep = valid & (np.square(slopes[0]) + np.square(slopes[1]) > np.square(sigma))
    flux_unknown = _too_few(bright, f"brighter than {_TELLING:g} sigma")
    offsets_unknown = ground.unknown or _too_few(steep, "steeper than sigma a pixel")
    frames = [np.where(np.isfinite(frame), frame, scene) for frame in cube]
    columns = (smooth, -slopes[0], -slopes[1])
    flux, offsets = np.full((n, 2), np.nan), np.full((n, 3), np.nan)
    if not flux_unknown:
        levels = _fit_each(frames, columns, sigma, bright)
        flux = _brightness(levels, ground.ratios)
    if not offsets_unknown:
        # Among many flat pixels, the steep ones of what is displaced would be clipped.
        frames = [_smoothed(frame) for frame in frames]
        solutions, errors = _fit_each(frames, columns, sigma, steep)
        # Neighbours are no longer independent.
        offsets = _places((solutions, _SMOOTHING * errors), ground.shifts)
    return Differences(
        tuple((float(a), float(b)) for a, b in flux),
        tuple((float(a), float(b), float(c)) for a, b, c in offsets),
        flux_unknown,
        offsets_unknown,
    )


def _too_few(pixels: BoolArray, what: str) -> str:
    n = int(np.count_nonzero(pixels))
    if n >= _LEAST_PIXELS:
        return ""
    return f"{n} pixels valid in all exposures are {what}, {_LEAST_PIXELS} are needed"


def _smoothed(frame: Float64Array) -> Float64Array:
    return np.asarray(ndimage.uniform_filter(frame, _SMOOTHING, mode="nearest"))


def _fit_each(
    frames: list[Float64Array],
    columns: tuple[Float64Array, ...],
    sigma: Float64Array,
    pixels: BoolArray,
) -> tuple[Float64Array, Float64Array]:
    """Coefficients (n, 3) of each exposure against the mean of all, and their errors."""
    chosen = np.flatnonzero(pixels)
    chosen = chosen[:: max(1, len(chosen) // _ENOUGH)]
    weight = 1 / sigma.ravel()[chosen].astype(np.float64)
    design = np.stack([column.ravel()[chosen] for column in columns]) * weight
    values = np.stack([frame.ravel()[chosen] for frame in frames]) * weight
    total, n = values.sum(axis=0), len(values)
    fits = [_robust_fit(design, v - (total - v) / (n - 1)) for v in values]
    # Against the mean of all, not of the others, coefficients can be added up.
    share = (n - 1) / n
    solutions, errors = (np.array(part) for part in zip(*fits, strict=True))
    return share * solutions, errors


def _brightness(
    fitted: tuple[Float64Array, Float64Array], ratios: tuple[float, ...]
) -> Float64Array:
    """Flux of each exposure against the median, minus 1, with its error: (n, 2)."""
    levels = np.array(ratios) * (1 + fitted[0][:, 0])
    levels /= np.median(levels)
    return np.column_stack([levels - 1, fitted[1][:, 0] * levels])


def _places(
    fitted: tuple[Float64Array, Float64Array], shifts: tuple[tuple[int, int], ...]
) -> Float64Array:
    """Displacement of each exposure against the median with the larger error: (n, 3)."""
    places = np.array(shifts, float) + fitted[0][:, 1:]
    places -= np.median(places, axis=0)
    return np.column_stack([places, fitted[1][:, 1:].max(axis=1)])


def _robust_fit(design: Float64Array, target: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Least squares of columns (m, k) without what stands out of a target (k,), hits above all."""
    # Columns of equal length keep the normal equations well conditioned.
    length = np.maximum(np.linalg.norm(design, axis=1), np.finfo(float).tiny)
    columns = design / length[:, None]
    solution, inverse = np.zeros(len(design)), np.zeros((len(design),) * 2)
    for _ in range(_ROUNDS):
        residual = target - solution @ columns
        scatter = float(np.quantile(np.abs(residual - np.median(residual)), _CORE))
        kept = columns * (np.abs(residual) < _CLIP * max(scatter, np.finfo(float).tiny))
        inverse = np.linalg.pinv(kept @ columns.T, rcond=_SINGULAR, hermitian=True)
        solution = inverse @ (kept @ target)
    error = scatter * np.sqrt(np.diag(inverse))
    return solution / length, error / length
