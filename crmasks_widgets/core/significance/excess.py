"""Hits as values of local significance above the minimum of the exposures.

Every target (the median, the mean, each exposure) is compared with the minimum over the exposures,
the one value that stays free of hits as long as one exposure does, by the law of its own statistic
(`laws`). What varies slowly along rows or columns, as residuals of sky lines and
differences of flux do, is taken away first; and where the frames scatter more than the noise model
says, significances are divided by that much. A hit begins where the significance passes a threshold
that follows from the false alarms accepted, and grows over neighbours of less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.mm.diagram import Plane
from crmasks_widgets.core.noise import MIN_RNOISE, at_pixels
from crmasks_widgets.core.significance.background import running_background
from crmasks_widgets.core.significance.laws import (
    ExposureNoise,
    SignificanceTable,
    significance_table,
)
from crmasks_widgets.core.significance.level import Level
from crmasks_widgets.core.significance.noise_scale import NoiseScale
from crmasks_widgets.core.stack import Stack, sorted_planes
from crmasks_widgets.core.typing import BoolArray, Float32Array, NumberOrMap, Pixels, Target

# Pixels below this significance are not looked at; growth cannot go below it.
LEAST_SIGNIFICANCE = 2.0
# Light of the sky that comes and goes between exposures, as a part of the level; what may be so
# small that it does not matter, sigma; every so many rows and columns tell what is usual.
_DRIFT, _SMALL, _SPARSE = np.float32(0.5), 3.0, 7
# Readout noises of a map are gathered in classes of this ratio.
_RNOISE_RATIO = 1.1
# Bins of the diagram of significances, sigma: noise and thresholds; hits reach far beyond.
_DIAGRAM_LOW, _DIAGRAM_HIGH, _DIAGRAM_BINS = -5.0, 16.0, 168


def tested_values(stack: Stack, target: Target) -> Float32Array:
    """Frame that is compared with the minimum.

    Parameters
    ----------
    stack : Stack
        Exposures on one scale.
    target : {"median", "mean"} or int
        The target.

    Returns
    -------
    (ny, nx) float32
        The target; for the median of an even number of exposures the upper of the two central
        values, which is hit when half of the exposures are and the median begins to suffer.
    """
    if target != "median":
        return stack.target(target)
    if stack.valid is None:
        return sorted_planes(list(stack.cube))[stack.n // 2] if stack.n % 2 == 0 else stack.median2d
    rank = stack.n_valid // 2
    even = (stack.n_valid % 2 == 0) & (stack.n_valid > 0)
    frame = stack.median2d.copy()
    values = np.sort(stack.cube[:, even], axis=0)  # NaN comes last
    frame[even] = np.take_along_axis(values, rank[even][None].astype(np.intp), axis=0)[0]
    return frame


def excess_over_minimum(stack: Stack, level: Level, target: Target, size: int) -> Float32Array:
    """Excess of a target over the minimum, without its local background.

    Parameters
    ----------
    stack : Stack
        Exposures on one scale.
    level : Level
        Their noise.
    target : {"median", "mean"} or int
        The target.
    size : int
        Size of the local background, pixels.

    Returns
    -------
    (ny, nx) float32
        In units of the noise of a single exposure. The background is the higher of the running
        medians along rows and columns, as far as it exceeds what noise explains: nothing is ever
        added, so that it makes no false alarm. Nor is more than half of the level taken away, for
        light that drifts by more is a track along the row or column.
    """
    excess = (tested_values(stack, target) - level.minimum) / level.sigma
    along_x, along_y = running_background(excess, size)
    background = np.maximum(along_x, along_y, out=along_x)
    table = _table(level.noise(stack.n), target, stack.n)
    background -= np.float32(table.excess_at(level.typical_noise, 0.0))
    usual = max(0.0, float(np.median(background[::_SPARSE, ::_SPARSE])))
    most = _DRIFT * np.maximum(level.minimum, 0) / level.sigma + np.float32(_SMALL + usual)
    excess -= np.clip(background, 0, most, out=background)
    return excess


def _table(noise: ExposureNoise, target: Target, n: int, n_lost: int = 0) -> SignificanceTable:
    """Law of a target of n exposures, of which some may be lost to hits."""
    if target == "median":
        return significance_table("rank", noise.of(n - n_lost), rank=n // 2 + 1)
    if target == "mean":
        return significance_table("mean", noise)
    alike = len(set(noise.factors)) == 1
    return significance_table("exposure", noise, number=0 if alike else int(target) - 1)


def significance_of(
    level: Level, target: Target, excess: npt.NDArray[np.floating], pixels: Pixels,
    n_lost: int = 0,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """Significance of an excess over the minimum in some pixels.

    Parameters
    ----------
    level : Level
        Noise and number of valid exposures.
    target : {"median", "mean"} or int
        The target; its statistic decides.
    excess : (k,) ndarray
        Excess without background, in units of the noise of a single exposure.
    pixels : (k,) int64
        Flat indices.
    n_lost : int
        Exposures known to be hit: the law is that of the others. For the median only.

    Returns
    -------
    (k,) float32
        In sigma: the normal deviate of the probability that noise makes such an excess. Minus
        infinity where less than two exposures are valid.
    """
    result = np.full(len(pixels), -np.inf, np.float32)
    sigma = level.sigma.ravel()[pixels]
    sigma = sigma * at_pixels(level.gain, pixels)
    n_valid = level.n_valid_at(pixels)
    for n in level.numbers:
        lost = min(n_lost, n - n // 2 - 1)
        for rnoise, members in _rnoise_classes(level.rnoise, pixels, n_valid == n):
            table = _table(level.noise(n, rnoise), target, n, lost)
            result[members] = table.at(sigma[members], excess[members])
    return result


def _rnoise_classes(
    rnoise: NumberOrMap, pixels: Pixels, chosen: BoolArray
) -> list[tuple[float, BoolArray | slice]]:
    """Typical readout noise, and the members of each class among the chosen pixels."""
    if not isinstance(rnoise, np.ndarray):
        return [(rnoise, slice(None) if chosen.all() else chosen)]
    values = rnoise.ravel()[pixels]
    number = np.round(np.log(values / MIN_RNOISE) / np.log(_RNOISE_RATIO)).astype(np.int64)
    classes = np.unique(number[chosen]).tolist()
    return [(MIN_RNOISE * _RNOISE_RATIO**k, chosen & (number == k)) for k in classes]


@dataclass(frozen=True)
class Candidates:
    """Pixels of a target that may belong to a hit.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices, rising.
    excess : (k,) float32
        Without background, in units of the noise.
    scale : (k,) float32
        Measured noise in units of the predicted one.
    significance : (k,) float32
        In sigma, at least `LEAST_SIGNIFICANCE`.
    noise : NoiseScale
        Where `scale` is from.
    """

    pixels: Pixels
    excess: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    significance: npt.NDArray[np.float32]
    noise: NoiseScale


def find_candidates(
    level: Level, target: Target, excess: Float32Array, scale: NoiseScale
) -> Candidates:
    """Choose the pixels that are worth a closer look.

    Parameters
    ----------
    level : Level
        Noise of the pixels.
    target : {"median", "mean"} or int
        The target.
    excess : (ny, nx) float32
        From `excess_over_minimum`.
    scale : NoiseScale
        Divisor of the significances.

    Returns
    -------
    Candidates
        All pixels of `LEAST_SIGNIFICANCE` or more.
    """
    clean = excess.ravel()
    least = _least_excess(level, target)
    pixels = np.flatnonzero(clean > least)
    divisor = scale.at(level.contrast.ravel()[pixels])
    significance = significance_of(level, target, clean[pixels], pixels) / divisor
    kept = significance >= LEAST_SIGNIFICANCE
    return Candidates(pixels[kept], clean[pixels[kept]], divisor[kept], significance[kept], scale)


def rescaled(candidates: Candidates, level: Level, scale: NoiseScale) -> Candidates:
    """Candidates by another noise, not less than before.

    Parameters
    ----------
    candidates : Candidates
        Of a target.
    level : Level
        Tells the contrast of the pixels.
    scale : NoiseScale
        Divisor of the significances.

    Returns
    -------
    Candidates
        Those that are left.
    """
    divisor = scale.at(level.contrast.ravel()[candidates.pixels])
    significance = candidates.significance * (candidates.scale / divisor)
    kept = significance >= LEAST_SIGNIFICANCE
    return Candidates(
        candidates.pixels[kept], candidates.excess[kept], divisor[kept], significance[kept], scale
    )


def _least_excess(level: Level, target: Target) -> float:
    """Excess below which no pixel reaches the least significance."""
    n = len(level.factors)
    numbers = level.numbers or (n,)
    rnoises: Sequence[float | None] = [None]
    if isinstance(level.rnoise, np.ndarray):
        rnoises = [float(level.rnoise.min()), float(level.rnoise.max())]
    tables = [_table(level.noise(k, r), target, k) for k in numbers for r in rnoises]
    columns = [np.argmax(table.values >= LEAST_SIGNIFICANCE, axis=1).min() for table in tables]
    return float(max(min(columns) - 1, 0) * tables[0].step)


@dataclass(frozen=True)
class SignificanceDiagram:
    """How many pixels have which significance, by their minimum.

    Attributes
    ----------
    plane : Plane
        Bins; those along y are in sigma.
    counts : (nx_bins, ny_bins) int64
        Pixels. What lies outside is not counted.
    """

    plane: Plane
    counts: npt.NDArray[np.int64]


def count_significances(
    minimum: Float32Array, significance: Float32Array, x_edges: npt.NDArray[np.float64]
) -> SignificanceDiagram:
    """Count pixels by minimum and significance.

    Parameters
    ----------
    minimum : (ny, nx) float32
        Minimum over the exposures, ADU.
    significance : (ny, nx) float32
        Of a target, sigma.
    x_edges : (nx_bins + 1,) float64
        Edges along the minimum, ADU.

    Returns
    -------
    SignificanceDiagram
        From -5 to 16 sigma.
    """
    plane = Plane(x_edges, np.linspace(_DIAGRAM_LOW, _DIAGRAM_HIGH, _DIAGRAM_BINS + 1))
    return SignificanceDiagram(plane, plane.histogram(minimum, significance))


def significance_map(
    level: Level, target: Target, excess: npt.NDArray[np.float32], scale: NoiseScale
) -> npt.NDArray[np.float32]:
    """Significance of every pixel of a target.

    Parameters
    ----------
    level : Level
        Level and noise.
    target : str or int
        "median", "mean" or the number of an exposure.
    excess : (ny, nx) float32
        Over the minimum and the background, sigma.
    scale : NoiseScale
        Measured noise.

    Returns
    -------
    (ny, nx) float32
        Sigma; NaN where it is not known.
    """
    values = significance_of(level, target, excess.ravel(), np.arange(excess.size))
    values /= scale.at(level.contrast.ravel())
    values[~np.isfinite(values)] = np.nan
    return values.reshape(excess.shape)
