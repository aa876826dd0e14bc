"""The Median-Minimum diagram that equivalent exposures would give, from order statistics.

What `simulation.simulate_diagram` draws, this module integrates: N exposures of a pixel of level
lambda are independent, S_k = Poisson(lambda f_k g) / g + Normal(0, sigma), so that the joint
density of their minimum and median is known (H. A. David and H. N. Nagaraja, Order Statistics, 3rd
edition, Wiley 2003, sections 2.2 and 5.2). For three equal exposures the density of minimum = x and
median > y is 3 f(x) (1 - F(y))^2; its derivative is the density of both, 6 f(x) f(y) (1 - F(y)).
It is added up over the levels of the frame. No random numbers, no seed, no counting noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.mm.diagram import Plane
from crmasks_widgets.core.mm.exceedance import (
    ExceedanceTable,
    at_heights,
    build_tables,
    solve_falling,
)
from crmasks_widgets.core.mm.simulation import ExpectedDiagram
from crmasks_widgets.core.noise import MIN_RNOISE, Noise
from crmasks_widgets.core.noise_laws import deviation, group_levels, reach
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float64Array
from crmasks_widgets.errors import InputError, ParameterError

Signals = Sequence[Float64Array] | tuple[Float64Array, tuple[float, ...]]

# Density of minima, relative to all pixels in one bin height, below which x is out of the frame.
_SUPPORT = 1e-12
# Of two, the median - minimum is half of the range, and no diagram of its own.
_LEAST = 3
MOST_EXPOSURES = 12
"""Of more, order statistics take minutes and gigabytes: their cost grows like the fourth power."""
# Differences of proportional signals that are rounding.
_PROPORTIONAL = 1e-9


@dataclass(frozen=True)
class NoiseTail:
    """Probability that noise alone lifts the median of a pixel far above its minimum.

    Attributes
    ----------
    tables : tuple of ExceedanceTable
        Expected pixels at a minimum and above a height, over the frame.
    n_pixels : int
        Pixels of the frame.
    support : (k,) float64
        Abscissae, rising, at which the frame has minima, ADU.
    """

    tables: tuple[ExceedanceTable, ...]
    n_pixels: int
    support: Float64Array

    def density(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Float64Array:
        """Expected pixels of minimum x with median - minimum > y.

        Parameters
        ----------
        x, y : array_like
            Minimum without bias, and height above it, ADU; broadcast against each other.

        Returns
        -------
        ndarray of float64
            Pixels a ADU of x.
        """
        flat_x, flat_y, shape = _flat(x, y)
        return self._density(flat_x, flat_y).reshape(shape)

    def _density(self, x: Float64Array, y: Float64Array) -> Float64Array:
        total = np.zeros(len(x))
        for table in self.tables:
            total += table.at(x, y)
        return total

    def exceedance(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Float64Array:
        """P(median - minimum > y | minimum = x), averaged over the pixels of the frame.

        Where no pixel of the frame has a minimum of x, the next minimum above is taken, and the
        height above it; beyond the highest minimum, the highest.

        Parameters
        ----------
        x, y : array_like
            Minimum without bias, and height above it, ADU; broadcast against each other.

        Returns
        -------
        ndarray of float64
            From 0 to 1, NaN where `x` or `y` is NaN; 1 where `y` is negative. Logarithms are good
            to some per cent from 1 to 1e-12; far below, a table may end and 0 be returned.
        """
        flat_x, flat_y, shape = _flat(x, y)
        known = np.isfinite(flat_x) & ~np.isnan(flat_y)
        result = np.full(len(flat_x), np.nan)
        result[known] = self._exceedance(flat_x[known], flat_y[known])
        return result.reshape(shape)

    def _exceedance(self, x: Float64Array, y: Float64Array) -> Float64Array:
        index = np.minimum(np.searchsorted(self.support, x), len(self.support) - 1)
        nearest = self.support[index]
        before = self.support[np.maximum(index - 1, 0)]
        # Between two supported nodes of the finest table nothing needs to be moved.
        outside = (x < self.support[0]) | (x > self.support[-1])
        outside |= nearest - before > 2 * self._gap
        moved = np.where(outside, nearest, x)
        height = np.clip(np.where(moved > x, x + y - moved, y), 0.0, None)
        all_pixels = self._density(moved, np.zeros(len(x)))
        share = self._density(moved, height) / all_pixels
        return np.where(height > 0, np.minimum(share, 1.0), 1.0)

    @property
    def _gap(self) -> float:
        return float(max(table.step for table in self.tables))

    @property
    def top(self) -> float:
        """Height above which no table goes, ADU."""
        return float(max(table.step * (table.values.shape[1] - 1) for table in self.tables))


def _flat(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    wide_x, wide_y = np.broadcast_arrays(
        np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    )
    return wide_x.ravel(), wide_y.ravel(), wide_x.shape


@dataclass(frozen=True)
class ExactDiagram(ExpectedDiagram):
    """Expected histogram from order statistics, with what else the computation knows.

    Attributes
    ----------
    tail : NoiseTail
        Conditional probabilities of heights.
    """

    tail: NoiseTail


def exact_diagram(
    plane: Plane,
    signals: Signals,
    noise: Noise,
    *,
    n_simulations: int,
    usable: BoolArray | None = None,
    photons: PhotonLaw = POISSON,
    checkpoint: Checkpoint | None = None,
) -> ExactDiagram:
    """Compute the expected diagram of equivalent exposures.

    Parameters
    ----------
    plane : Plane
        Bins, of equal height from 0 on.
    signals : list of n (ny, nx) float64, or ((ny, nx) float64, tuple of n float)
        Mean signals as `simulation.exposure_signals` returns them, ADU, or the scene and its flux
        factors. The signals of a list are to be multiples of each other.
    noise : Noise
        Gain in e-/ADU and readout noise in ADU, one number each.
    n_simulations : int
        A cross lies where the expected number of pixels above is 1 / n_simulations.
    usable : (ny, nx) bool, optional
        Pixels to be counted.
    photons : PhotonLaw
        Law of the electrons.
    checkpoint : callable, optional
        Called with the fraction done; may raise `Cancelled`.

    Returns
    -------
    ExactDiagram
        Expected number of pixels a bin, and one cross for each column that has at least
        1 / n_simulations of a pixel.

    Raises
    ------
    InputError
        Fewer than three exposures, displaced exposures, a negative signal, or no pixel at all.
    ParameterError
        Gain or readout noise are maps, or the readout noise is below MIN_RNOISE.
    """
    gain, rnoise = _scalar_noise(noise)
    scene, factors = _scene_and_factors(signals)
    height_step = _height_step(plane)
    limit = _brightest(plane, (gain, rnoise, photons), min(factors), float(scene.max()))
    # Levels are kept apart in units of the noise; the brightest exposure needs the closest levels.
    highest = max(factors)
    scaled = scene if highest == 1 else scene * highest
    levels = group_levels(scaled, usable, limit * highest, gain, rnoise)
    if not len(levels.means):
        raise InputError(_nothing_to_count(usable))
    relative = [factor / highest for factor in factors]
    tables = build_tables(levels, relative, gain, rnoise, height_step, checkpoint, photons)
    columns = [table.columns(plane.x_edges) for table in tables]
    above = sum(
        at_heights(column, table.step, plane.y_edges)
        for column, table in zip(columns, tables, strict=True)
    )
    histogram = np.maximum(-np.diff(np.asarray(above), axis=1), 0.0)
    cross_x, cross_y = _crosses(plane, tables, columns, n_simulations)
    tail = NoiseTail(tables, levels.n_pixels, _support(tables, levels.n_pixels, height_step))
    return ExactDiagram(plane, histogram, cross_x, cross_y, n_simulations, tail)


def no_exact_law(noise: Noise) -> str:
    """Say why the law cannot be had for this noise.

    Parameters
    ----------
    noise : Noise
        Gain and readout noise.

    Returns
    -------
    str
        What was found and what was expected; empty where it can be had.
    """
    for name, value in (("gain", noise.gain), ("rnoise", noise.rnoise)):
        if np.ndim(value):
            return f"{name} is a map, expected one number"
    electrons = float(noise.rnoise) * float(noise.gain)
    if not electrons >= MIN_RNOISE:
        return f"found a readout noise of {electrons:.3g} e-, expected at least {MIN_RNOISE:g}"
    return ""


def _scalar_noise(noise: Noise) -> tuple[float, float]:
    why = no_exact_law(noise)
    if why:
        raise ParameterError(f"mm_simulation: exact: {why} (or montecarlo)")
    return float(noise.gain), float(noise.rnoise)


def _scene_and_factors(signals: Signals) -> tuple[Float64Array, tuple[float, ...]]:
    """Scene and flux factors, if the signals are multiples of one scene."""
    if isinstance(signals, tuple):
        scene, factors = signals
        factors = tuple(float(factor) for factor in factors)
    else:
        scene = signals[0]
        factors = tuple(_ratio(signal, scene) for signal in signals)
    if len(factors) < _LEAST:
        msg = f"exact diagram: found {len(factors)} exposures, expected at least {_LEAST}"
        raise InputError(msg)
    if not (scene.min() >= 0 and np.isfinite(scene.max()) and min(factors) > 0):
        msg = "exact diagram: found a negative or infinite signal or factor, expected none"
        raise InputError(msg)
    return scene, factors


def _ratio(signal: Float64Array, scene: Float64Array) -> float:
    """Flux factor between two signals."""
    if signal is scene:
        return 1.0
    brightest = int(np.argmax(scene))
    peak = float(scene.flat[brightest])
    ratio = float(signal.flat[brightest]) / peak if peak > 0 else 1.0
    if np.any(np.abs(signal - ratio * scene) > _PROPORTIONAL * max(peak, 1.0)):
        msg = (
            "mm_simulation: exact: exposures are displaced against each other, expected "
            "no mm_xy_offsets and no mm_crosscorr_region (or montecarlo)"
        )
        raise InputError(msg)
    return ratio


def _height_step(plane: Plane) -> float:
    edges = plane.y_edges
    step = float(edges[-1] - edges[0]) / (len(edges) - 1)
    if edges[0] != 0 or not np.allclose(np.diff(edges), step):
        msg = "exact diagram: found rows of unequal height or not from 0 on, expected equal rows"
        raise InputError(msg)
    return step


def _brightest(
    plane: Plane, noise: tuple[float, float, PhotonLaw], factor: float, highest: float
) -> float:
    """Scene level from which on all minima lie above the diagram, or above which there is none."""
    level = max(float(plane.x_edges[-1]), 0.0) + noise[1]
    # With much scatter, minima of any level can be low: where the scene ends is then enough.
    while level - reach(np.asarray(level), *noise)[0] < plane.x_edges[-1]:
        if level > highest * factor:
            break
        level += float(deviation(level, *noise))
    return level / factor


def _nothing_to_count(usable: BoolArray | None) -> str:
    """Say why no pixel is left."""
    if usable is not None and not usable.any():
        return (
            "exact diagram: found no pixel to count: in each, an exposure has no valid value; "
            "expected some that are valid in all"
        )
    return (
        "exact diagram: found no pixel to count: the median of each is far above the lowest "
        "values; expected equivalent exposures (several are saturated, or have another bias?)"
    )


def _support(
    tables: tuple[ExceedanceTable, ...], n_pixels: int, height_step: float
) -> Float64Array:
    """Nodes of all tables at which the frame has minima."""
    nodes = [table.step * (table.first + np.arange(len(table.values))) for table in tables]
    x = np.unique(np.concatenate(nodes))
    total = np.zeros(len(x))
    for table in tables:
        total += table.at(x, np.zeros(len(x)))
    return np.asarray(x[total > _SUPPORT * n_pixels / height_step])


def _crosses(
    plane: Plane,
    tables: tuple[ExceedanceTable, ...],
    columns: list[Float64Array],
    n_simulations: int,
) -> tuple[Float64Array, Float64Array]:
    """Heights above which one pixel of a column is expected in all simulations together."""
    goal = 1 / n_simulations
    top = plane.y_edges[[0, -1]]
    ends = np.sum(
        [at_heights(column, t.step, top) for t, column in zip(tables, columns, strict=True)], axis=0
    )
    # Like the simulations, the crosses know only what lies inside the diagram.
    occupied = np.flatnonzero(ends[:, 0] - ends[:, 1] >= goal)
    goals = goal + np.maximum(ends[occupied, 1], 0.0)
    # A column of counts is read like a row of a table that is one step wide.
    rows = np.arange(len(occupied), dtype=np.float64)
    counted = [
        ExceedanceTable(table.step, 0, np.maximum(column[occupied], 0.0))
        for table, column in zip(tables, columns, strict=True)
    ]

    def above(heights: Float64Array) -> Float64Array:
        values = np.zeros(len(rows))
        for table in counted:
            values += table.at(rows * table.step, heights)
        return values

    return plane.x_centres[occupied], solve_falling(above, goals, len(occupied), float(top[1]))


def false_alarm_boundary(
    tail: NoiseTail,
    expected_false: float,
    plane: Plane,
    x: npt.ArrayLike | None = None,
) -> tuple[Float64Array, Float64Array]:
    """Boundary above which noise alone is expected to lift so many pixels of the frame.

    At every abscissa P(median - minimum > b(x) | minimum = x) = expected_false / pixels of the
    frame, so that `expected_false` pixels lie above the curve in all.

    Parameters
    ----------
    tail : NoiseTail
        From `exact_diagram`.
    expected_false : float
        Pixels expected above the boundary, more than 0.
    plane : Plane
        Bins of the diagram.
    x : (k,) array_like, optional
        Abscissae, ADU. Default: steps of the noise of a single exposure or of a column, whichever
        is less, over all minima of the frame inside the diagram, so that straight lines between
        the points follow the curve where a column is much wider than the noise.

    Returns
    -------
    x, y : (k,) float64
        Points of the boundary, ADU.

    Raises
    ------
    ParameterError
        `expected_false` is not positive.
    """
    if not expected_false > 0:
        msg = f"mm_expected_false: found {expected_false:g}, expected more than 0"
        raise ParameterError(msg)
    places = _default_places(tail, plane) if x is None else np.asarray(x, dtype=np.float64)
    probability = expected_false / tail.n_pixels

    def share(heights: Float64Array) -> Float64Array:
        return tail.exceedance(places, heights)

    top = tail.top + float(np.ptp(np.concatenate([tail.support, places])))
    return places, solve_falling(share, probability, len(places), top)


def _default_places(tail: NoiseTail, plane: Plane) -> Float64Array:
    """Abscissae no further apart than a column or the noise of the faintest level there."""
    width = float(plane.x_edges[1] - plane.x_edges[0])
    inside = (tail.support >= plane.x_edges[0]) & (tail.support <= plane.x_edges[-1])
    support = tail.support[inside]
    places = [float(support[0])]
    ends = [table.step * (table.first + len(table.values) - 1) for table in tail.tables]
    while places[-1] < support[-1]:
        finest = min(t.step for t, end in zip(tail.tables, ends, strict=True) if end >= places[-1])
        places.append(places[-1] + min(width, 4 * finest))
    places[-1] = float(support[-1])
    return np.asarray(places)
