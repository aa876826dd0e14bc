"""The Median-Minimum diagram that equivalent exposures would give, by Monte Carlo."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.alignment import shifted
from crmasks_widgets.core.mm.diagram import Plane
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.stack import BLOCK_ROWS, middle, sorted_planes
from crmasks_widgets.core.typing import Checkpoint, Float64Array, FloatArray

# A Poisson draw stays far below twice its mean, where the mean is large.
LARGEST_INT32 = 1e9


@dataclass(frozen=True)
class ExpectedDiagram:
    """Expected histogram and the crosses read off it.

    Attributes
    ----------
    plane : Plane
        Bins.
    histogram : (nx_bins, ny_bins) float64
        Mean number of pixels a bin over the simulations, first index along x.
    cross_x, cross_y : (k,) float64
        The red crosses, one for each occupied column, ADU: above a cross, one simulated pixel is
        expected in all simulations together.
    n_simulations : int
        Simulated sets of exposures.
    """

    plane: Plane
    histogram: Float64Array
    cross_x: Float64Array
    cross_y: Float64Array
    n_simulations: int


@dataclass(frozen=True)
class Sample:
    """How the values of a pixel are drawn and read.

    Attributes
    ----------
    photons : PhotonLaw
        Law of the electrons.
    n_lowest : int
        Lowest values of a pixel of which the mean stands for the minimum.
    """

    photons: PhotonLaw = POISSON
    n_lowest: int = 1


PLAIN_SAMPLE = Sample()


def exposure_signals(
    median2d: npt.NDArray[np.floating],
    flux_factors: tuple[float, ...],
    offsets: tuple[tuple[float, float], ...],
) -> list[FloatArray]:
    """Mean signal of each exposure, as the median frame tells it.

    The signal is multiplied by the flux factor, so that simulated exposures differ as the real ones
    do.

    Parameters
    ----------
    median2d : (ny, nx) ndarray
        Median over the exposures, ADU; negative values and NaN count as 0.
    flux_factors : tuple of n floats
        1 for exposures that were already divided by their factor.
    offsets : tuple of n (dx, dy)
        Displacement of the scene in each exposure, pixels.

    Returns
    -------
    list of n (ny, nx) ndarray
        ADU. Exposures without displacement or factor share one array.
    """
    scene = np.nan_to_num(np.maximum(median2d, 0), nan=0.0)
    signals: list[FloatArray] = []
    for factor, (dx, dy) in zip(flux_factors, offsets, strict=True):
        signal = scene if dx == dy == 0 else shifted(scene, dx, dy)
        signals.append(signal if factor == 1 else signal.astype(np.float64) * factor)
    return signals


def simulate_diagram(
    plane: Plane,
    signals: list[FloatArray],
    noise: Noise,
    rng: np.random.Generator,
    *,
    n_simulations: int,
    usable: npt.NDArray[np.bool_] | None = None,
    sample: Sample = PLAIN_SAMPLE,
    checkpoint: Checkpoint | None = None,
) -> ExpectedDiagram:
    """Simulate sets of exposures and count them in the diagram.

    Their law is in docs/method.md, The Median–Minimum diagram.

    Parameters
    ----------
    plane : Plane
        Bins.
    signals : list of n (ny, nx) float64
        Mean signals, ADU.
    noise : Noise
        Gain in e-/ADU and readout noise in ADU.
    rng : numpy Generator
        Used exposure by exposure, first the Poisson and then the Gaussian draws of a whole frame.
    n_simulations : int
        Simulated sets, at least 1.
    usable : (ny, nx) bool, optional
        Pixels to be counted.
    sample : Sample
        Law of the electrons, and what is taken for the minimum.
    checkpoint : callable, optional
        Called with the fraction done after every frame; may raise `Cancelled`.

    Returns
    -------
    ExpectedDiagram
        Histogram averaged over the simulations, and its crosses.
    """
    total = np.zeros((len(plane.x_edges) - 1, len(plane.y_edges) - 1), dtype=np.int64)
    steps = n_simulations * len(signals)
    for run in range(n_simulations):
        frames = []
        for k, signal in enumerate(signals):
            electrons = _draw_electrons(signal, noise, rng, sample.photons)
            if k < len(signals) - 1:
                frames.append(_add_readout(electrons, noise, rng))
            else:
                total += _count_with_last(
                    plane, frames, electrons, noise, rng, usable, sample.n_lowest
                )
            if checkpoint is not None:
                checkpoint((run * len(signals) + k + 1) / steps)
    histogram = total / n_simulations
    cross_x, cross_y = red_crosses(plane, histogram, n_simulations)
    return ExpectedDiagram(plane, histogram, cross_x, cross_y, n_simulations)


# All photons of a frame are drawn before its readout noise: the order of the reference. Blocks of
# rows keep the intermediate arrays small, and the last exposure is counted as it is read out.


def _draw_electrons(
    signal: FloatArray, noise: Noise, rng: np.random.Generator, photons: PhotonLaw
) -> npt.NDArray[np.integer]:
    """Electrons of a frame."""
    brightest = float(np.max(signal)) * float(np.max(noise.gain))
    electrons = np.empty(signal.shape, np.int32 if brightest < LARGEST_INT32 else np.int64)
    for rows in _blocks(len(signal)):
        electrons[rows] = photons.draw(rng, signal[rows].astype(np.float64) * noise.rows(rows).gain)
    return electrons


def _read_out(
    electrons: npt.NDArray[np.integer], rows: slice, noise: Noise, rng: np.random.Generator
) -> Float64Array:
    """Some rows of a frame in ADU, with readout noise."""
    block = noise.rows(rows)
    exposure: Float64Array = electrons[rows] / np.asarray(block.gain, np.float64)
    exposure += rng.standard_normal(exposure.shape) * block.rnoise
    return exposure


def _add_readout(
    electrons: npt.NDArray[np.integer], noise: Noise, rng: np.random.Generator
) -> Float64Array:
    exposure = np.empty(electrons.shape)
    for rows in _blocks(len(electrons)):
        exposure[rows] = _read_out(electrons, rows, noise, rng)
    return exposure


def _blocks(n_rows: int) -> Iterator[slice]:
    for start in range(0, n_rows, BLOCK_ROWS):
        yield slice(start, start + BLOCK_ROWS)


def _count_with_last(
    plane: Plane,
    frames: list[Float64Array],
    electrons: npt.NDArray[np.integer],
    noise: Noise,
    rng: np.random.Generator,
    usable: npt.NDArray[np.bool_] | None,
    n_lowest: int,
) -> npt.NDArray[np.int64]:
    counts = np.zeros((len(plane.x_edges) - 1, len(plane.y_edges) - 1), dtype=np.int64)
    for rows in _blocks(len(electrons)):
        last = _read_out(electrons, rows, noise, rng)
        ordered = sorted_planes([*(frame[rows] for frame in frames), last])
        x = ordered[0] if n_lowest == 1 else np.mean(ordered[:n_lowest], axis=0)
        y = middle(ordered) - x
        if usable is not None:
            x, y = x[usable[rows]], y[usable[rows]]
        counts += plane.histogram(x, y)
    return counts


def without_isolated(diagram: ExpectedDiagram, min_neighbours: int) -> ExpectedDiagram:
    """Empty the bins that few others surround, and read the crosses again.

    Parameters
    ----------
    diagram : ExpectedDiagram
        Of simulations.
    min_neighbours : int
        Occupied bins, of the eight around it, that a bin needs; 0 keeps all.

    Returns
    -------
    ExpectedDiagram
        The same where nothing is emptied.
    """
    occupied = diagram.histogram > 0
    around = ndimage.convolve(occupied.astype(np.int8), np.ones((3, 3), np.int8), mode="constant")
    isolated = occupied & (around - 1 < min_neighbours)
    if not isolated.any():
        return diagram
    histogram = np.where(isolated, 0.0, diagram.histogram)
    cross_x, cross_y = red_crosses(diagram.plane, histogram, diagram.n_simulations)
    return replace(diagram, histogram=histogram, cross_x=cross_x, cross_y=cross_y)


def red_crosses(
    plane: Plane, histogram: Float64Array, n_simulations: int
) -> tuple[Float64Array, Float64Array]:
    """Height above which one simulated pixel of a column is expected.

    The arithmetic is the reference's, down to the order of the divisions: with a single pixel in
    the top bin its comparison is an exact tie that rounding decides (docs/decisions.md, What was
    kept on purpose).

    Parameters
    ----------
    plane : Plane
        Bins.
    histogram : (nx_bins, ny_bins) float64
        Averaged histogram.
    n_simulations : int
        Number of simulations averaged.

    Returns
    -------
    x, y : (k,) float64
        Bin centres of the crosses, ADU, for the occupied columns.
    """
    totals = histogram.sum(axis=1)
    occupied = np.flatnonzero(totals > 0)
    bins = np.arange(histogram.shape[1])
    rows = np.empty(len(occupied), dtype=np.int64)
    for i, column in enumerate(occupied):
        cumulative = np.cumsum(histogram[column] / totals[column])
        probability = 1 - (1 / n_simulations) / totals[column]
        rows[i] = int(np.interp(probability, cumulative, bins) + 0.5)
    return plane.x_centres[occupied], plane.y_centres[rows]
