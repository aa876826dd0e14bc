"""Tables of the expected number of pixels at a minimum x with median - minimum above y."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.mm.order_kernels import CELL_WEIGHTS, add_exceedance
from crmasks_widgets.core.noise_laws import (
    STENCIL,
    Levels,
    batches,
    deviation,
    lagrange,
    reach,
    tabulate,
)
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.typing import Checkpoint, Float64Array

# Nodes are at most this far apart, in units of the narrowest law's standard deviation. For even
# numbers of exposures above 4, whose integrals over the lower middle value are steeper, it shrinks
# as their number grows.
NODE_STEP = 0.25
# With less readout noise than the first (in electrons), steps of single electrons show in laws that
# are narrower than the second; nodes are then no further apart than the third.
_SMOOTH_RNOISE, _FAINT, _ELECTRON_STEP = 1.0, 6.0, 0.19
# Bisections of an interval; 60 reach the rounding of a float.
_BISECTIONS = 60
_TINY = 1e-290


@dataclass(frozen=True)
class ExceedanceTable:
    """Levels of similar noise on one grid.

    Attributes
    ----------
    step : float
        Distance of the nodes along both axes, ADU.
    first : int
        Row i lies at x = (first + i) * step; column j at y = j * step.
    values : (n_x, n_y) float64
        Pixels a ADU of x with median - minimum > y. The three outer rows are 0.
    """

    step: float
    first: int
    values: Float64Array

    def columns(self, edges: Float64Array) -> Float64Array:
        """Integrate over intervals of x.

        Parameters
        ----------
        edges : (k + 1,) float64
            ADU, rising.

        Returns
        -------
        (k, n_y) float64
            Pixels with median - minimum > j * step.
        """
        n_cells = len(self.values) - STENCIL + 1
        cells = np.zeros((n_cells, self.values.shape[1]))
        for i, weight in enumerate(CELL_WEIGHTS):
            cells += weight * self.values[i : i + n_cells]
        running = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
        # Cell c goes from row c + 2 to the next one.
        place = np.clip(edges / self.step - self.first - 2, 0, n_cells)
        whole = np.minimum(place.astype(np.int64), n_cells - 1)
        partial = _partial_cell_weights(place - whole)
        stencils = self.values[whole[:, None] + np.arange(STENCIL)]
        antiderivative = running[whole] + np.einsum("es,esj->ej", partial, stencils)
        return np.asarray(np.diff(antiderivative, axis=0) * self.step)

    def at(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Interpolate, bilinearly in the logarithm.

        Parameters
        ----------
        x, y : (k,) float64
            ADU; `y` at least 0.

        Returns
        -------
        (k,) float64
            Pixels a ADU of x; 0 outside the table.
        """
        n_x, n_y = self.values.shape
        i, u = _cell(x / self.step - self.first, n_x)
        j, v = _cell(y / self.step, n_y)
        log = np.log(np.maximum([self.values[i + a, j + b] for a in (0, 1) for b in (0, 1)], _TINY))
        height = (1 - u) * ((1 - v) * log[0] + v * log[1]) + u * ((1 - v) * log[2] + v * log[3])
        inside = (x >= self.first * self.step) & (x <= (self.first + n_x - 1) * self.step)
        inside &= (y <= (n_y - 1) * self.step) & (height > 0.9 * np.log(_TINY))
        return np.where(inside, np.exp(height), 0.0)


def _cell(place: Float64Array, n: int) -> tuple[npt.NDArray[np.int64], Float64Array]:
    """Index of the cell, and the place in it; clipped to the table."""
    place = np.clip(place, 0, n - 1)
    index = np.minimum(place.astype(np.int64), n - 2)
    return index, place - index


def _partial_cell_weights(fraction: Float64Array) -> Float64Array:
    """Integrals of the six Lagrange polynomials over the first part of the central cell.

    The polynomials are of degree five, so three Gauss-Legendre nodes are exact.
    """
    nodes, weights = np.polynomial.legendre.leggauss(3)
    total = np.zeros((len(fraction), STENCIL))
    for node, weight in zip(nodes, weights, strict=True):
        place = 2 + fraction * (node + 1) / 2
        total += (weight * fraction / 2)[:, None] * lagrange(place, STENCIL)[1]
    return total


def build_tables(
    levels: Levels,
    factors: Sequence[float],
    gain: float,
    rnoise: float,
    height_step: float,
    checkpoint: Checkpoint | None = None,
    photons: PhotonLaw = POISSON,
) -> tuple[ExceedanceTable, ...]:
    """Add up all levels of a frame.

    Parameters
    ----------
    levels : Levels
        Mean signals of an exposure of factor 1.
    factors : sequence of float
        Flux factor of each exposure.
    gain, rnoise : float
        e-/ADU and ADU.
    height_step : float
        Height of the diagram's bins, ADU. The tables' steps are this times a power of 2.
    checkpoint : callable, optional
        Called with the fraction done; may raise `Cancelled`.
    photons : PhotonLaw
        Law of the electrons.

    Returns
    -------
    tuple of ExceedanceTable
        One for every factor of 2 in the noise.
    """
    kinds, counts = np.unique(np.asarray(factors, dtype=np.float64), return_counts=True)
    narrowest = deviation(levels.means * kinds[0], gain, rnoise, photons)
    widest_step = _widest_step(narrowest, gain, rnoise, len(factors))
    halvings = np.ceil(np.log2(height_step / widest_step)).astype(int)
    tables = []
    done = 0
    for halving in np.unique(halvings):
        members = np.flatnonzero(halvings == halving)
        step = height_step * 2.0 ** -int(halving)
        builder = _Builder(levels.means[members], kinds, (gain, rnoise, photons), step)
        for batch in batches(len(members)):
            builder.add(batch, levels.weights[members[batch]], counts)
            done += len(range(len(members))[batch])
            if checkpoint is not None:
                checkpoint(done / len(levels.means))
        tables.append(builder.table())
    return tuple(tables)


def _widest_step(noise: Float64Array, gain: float, rnoise: float, n: int) -> Float64Array:
    """Largest distance of nodes that the quadrature allows for laws of such noise."""
    step = NODE_STEP * noise * (min(1.0, 4 / n) if n % 2 == 0 else 1.0)
    if rnoise * gain >= _SMOOTH_RNOISE:
        return step
    return np.where(noise * gain < _FAINT, np.minimum(step, _ELECTRON_STEP / gain), step)


class _Builder:
    """One table while levels are added to it."""

    def __init__(
        self,
        means: Float64Array,
        kinds: Float64Array,
        noise: tuple[float, float, PhotonLaw],
        step: float,
    ) -> None:
        self._means, self._kinds, self._step = means, kinds, step
        self._noise = noise
        reached = [(means * kind, *reach(means * kind, *noise)) for kind in kinds]
        lowest = np.min([mean - below for mean, below, _ in reached], axis=0)
        highest = np.max([mean + above for mean, _, above in reached], axis=0)
        # Some more nodes than needed: laws of a batch are as wide as the widest of them.
        self._starts = np.floor(lowest / step).astype(np.int64) - 1
        self._width = int(np.max(np.ceil(highest / step) - self._starts)) + 8
        self._first = int(self._starts.min()) - STENCIL
        n_x = int(self._starts.max()) + self._width + STENCIL - self._first
        self._values = np.zeros((n_x, self._width))

    def add(self, batch: slice, weights: Float64Array, counts: npt.NDArray[np.int64]) -> None:
        """Add a batch of levels."""
        means = self._means[batch]
        laws = [tabulate(means * kind, self._step, *self._noise) for kind in self._kinds]
        for i, (start, weight) in enumerate(zip(self._starts[batch], weights, strict=True)):
            width = self._width
            densities = [_placed(law.density[i], law.first[i] - start, width, 0.0) for law in laws]
            survivals = [_placed(law.survival[i], law.first[i] - start, width, 1.0) for law in laws]
            row = int(start) - self._first
            out = self._values[row : row + width]
            add_exceedance(out, float(weight), densities, survivals, counts.tolist(), self._step)

    def table(self) -> ExceedanceTable:
        """Finish; weights of interpolation may have left tiny negative numbers."""
        return ExceedanceTable(self._step, self._first, np.maximum(self._values, 0.0))


def _placed(values: Float64Array, offset: int, width: int, before: float) -> Float64Array:
    """Values from node `offset` on, a constant before and 0 beyond."""
    result = np.zeros(width)
    result[: max(0, offset)] = before
    kept = values[: width - offset]
    result[offset : offset + len(kept)] = kept
    return result


def at_heights(values: Float64Array, step: float, heights: Float64Array) -> Float64Array:
    """Read columns of counts at other heights.

    Parameters
    ----------
    values : (k, n_y) float64
        Counts above j * step.
    step : float
        ADU.
    heights : (m,) float64
        ADU, at least 0.

    Returns
    -------
    (k, m) float64
        By polynomial interpolation; exact at the nodes, 0 beyond them.
    """
    n = values.shape[1]
    place = heights / step
    first, weights = lagrange(np.clip(place, 0, n - 1), n)
    result = np.einsum("kms,ms->km", values[:, first[:, None] + np.arange(STENCIL)], weights)
    return np.asarray(np.where(place > n - 1, 0.0, result))


def solve_falling(
    function: Callable[[Float64Array], Float64Array], goal: Float64Array | float, n: int, top: float
) -> Float64Array:
    """Find where falling functions pass a value.

    Parameters
    ----------
    function : callable
        Takes (n,) heights and returns the (n,) values, each of its own function.
    goal : float or (n,) float64
        The value.
    n : int
        Number of functions.
    top : float
        Upper end of the search, which starts at 0; ADU.

    Returns
    -------
    (n,) float64
        ADU; an end of the interval where the value is not passed inside.
    """
    low, high = np.zeros(n), np.full(n, top)
    for _ in range(_BISECTIONS):
        centre = (low + high) / 2
        is_above = function(centre) > goal
        low, high = np.where(is_above, centre, low), np.where(is_above, high, centre)
    return np.asarray((low + high) / 2)
