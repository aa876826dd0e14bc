"""The plane of the Median-Minimum diagram: its limits, its bins and histograms in it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.ordinary import ordinary_range
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.stack import BLOCK_ROWS
from crmasks_widgets.core.typing import Float64Array

N_BINS = 100
N_LIMIT_DRAWS = 10_000
# Height of a diagram that was given one, over the highest fixed point that it would not show.
ABOVE_FIXED_POINT = 1.05


@dataclass(frozen=True)
class Plane:
    """Equal bins of the diagram.

    Attributes
    ----------
    x_edges : (nx_bins + 1,) float64
        Edges along min2d - bias, ADU.
    y_edges : (ny_bins + 1,) float64
        Edges along target - min2d, ADU.
    """

    x_edges: Float64Array
    y_edges: Float64Array

    @property
    def x_centres(self) -> Float64Array:
        """Centres of the columns, ADU."""
        return (self.x_edges[:-1] + self.x_edges[1:]) / 2

    @property
    def y_centres(self) -> Float64Array:
        """Centres of the rows, ADU."""
        return (self.y_edges[:-1] + self.y_edges[1:]) / 2

    def histogram(
        self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.int64]:
        """Count points in the bins.

        Parameters
        ----------
        x, y : ndarray of the same shape
            Coordinates, ADU. Points outside, and NaN, are not counted.

        Returns
        -------
        (nx_bins, ny_bins) int64
            Counts, first index along x. The last bin of each axis includes its upper edge.
        """
        n_x, n_y = len(self.x_edges) - 1, len(self.y_edges) - 1
        counts = np.zeros(n_x * n_y, dtype=np.int64)
        rows = max(1, BLOCK_ROWS * 2048 // max(1, x[0].size)) if x.ndim > 1 else x.size
        for start in range(0, len(x), max(1, rows)):
            block = slice(start, start + rows)
            i, i_inside = _bin_index(x[block], self.x_edges)
            j, j_inside = _bin_index(y[block], self.y_edges)
            inside = i_inside & j_inside
            counts += np.bincount(i[inside] * n_y + j[inside], minlength=counts.size)
        return counts.reshape(n_x, n_y)


def _bin_index(
    values: npt.NDArray[np.floating], edges: Float64Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Index of the bin of each value, and whether it is inside; exact at the edges."""
    n = len(edges) - 1
    inside = (values >= edges[0]) & (values <= edges[-1])
    step = (edges[-1] - edges[0]) / n
    scaled = np.where(inside, (values - edges[0]) / step, 0.0)
    index = np.minimum(scaled.astype(np.int64), n - 1)
    # The division can be off by one at an edge; the edges themselves decide.
    index -= values < edges[index]
    index += (values >= edges[index + 1]) & (index < n - 1)
    return np.clip(index, 0, n - 1), inside


def _limit_draws(
    rng: np.random.Generator, n: int, brightest: float, noise: Noise, photons: PhotonLaw
) -> tuple[float, float, float]:
    """Extremes of the median and of median - min in small samples of dark and bright pixels.

    The draws stay in a loop: one sample after the other is the order in which the reference uses
    its random numbers, and with it the same seed gives the same simulations.
    """
    gain, rnoise = noise.typical_gain, noise.typical_rnoise
    dark = np.empty((N_LIMIT_DRAWS, n))
    bright = np.empty((N_LIMIT_DRAWS, n))
    for i in range(N_LIMIT_DRAWS):
        dark[i] = rng.normal(0.0, rnoise, n)
        bright[i] = photons.draw(rng, brightest * gain, n) / gain
        if rnoise > 0:
            bright[i] += rng.normal(0.0, rnoise, n)
    bright_median = np.median(bright, axis=1)
    height = bright_median - bright.min(axis=1)
    return float(np.median(dark, axis=1).min()), float(bright_median.max()), float(height.max())


def headroom(*, displaced: bool) -> int:
    """Height of the diagram over the highest difference expected in it.

    Parameters
    ----------
    displaced : bool
        True when the exposures are displaced against each other.

    Returns
    -------
    int
        A power of two: multiplying and dividing by it is exact.
    """
    return 4 if displaced else 2


def plane_of(
    min2d: npt.NDArray[np.floating],
    n: int,
    noise: Noise,
    rng: np.random.Generator,
    *,
    highest_fixed_point: float = 0.0,
    displaced: bool = False,
    height: float = 0.0,
    photons: PhotonLaw = POISSON,
) -> Plane:
    """Choose the limits of the diagram, as the reference does.

    Parameters
    ----------
    min2d : (ny, nx) ndarray
        Minimum over the exposures, ADU; NaN is left out, and so is what `ordinary_range` leaves
        out: a single such pixel would leave one bin to all others.
    n : int
        Number of exposures.
    noise : Noise
        Noise model; the medians of maps are used.
    rng : numpy Generator
        Source of the draws.
    highest_fixed_point : float
        Height of the highest fixed point, ADU.
    displaced : bool
        True when the exposures are displaced against each other: twice the height is kept.
    height : float
        Height of the diagram, ADU, unless a fixed point lies higher; 0 for one that the noise
        gives.
    photons : PhotonLaw
        Law of the electrons.

    Returns
    -------
    Plane
        100 x 100 equal bins.
    """
    lowest, highest = ordinary_range(min2d)
    x_min, x_max, y_max = _limit_draws(rng, n, max(0.0, highest), noise, photons)
    x_min, x_max = min(x_min, lowest), max(x_max, highest)
    y_max = max(y_max, highest_fixed_point) * headroom(displaced=displaced)
    if height > 0:
        y_max = height if highest_fixed_point <= height else ABOVE_FIXED_POINT * highest_fixed_point
    # Constant, noiseless frames have no extent of their own; a plane needs one.
    x_max = x_max if x_max > x_min else x_min + 1.0
    y_max = y_max if y_max > 0 else 1.0
    return Plane(np.linspace(x_min, x_max, N_BINS + 1), np.linspace(0.0, y_max, N_BINS + 1))
