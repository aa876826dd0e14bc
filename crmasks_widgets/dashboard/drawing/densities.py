"""Densities of the diagram: counts in cells of the screen, their colours, and their contours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.measure import find_contours

from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.drawing.colour_tables import Palette, table
from crmasks_widgets.dashboard.model.state import Limits

Counts = npt.NDArray[np.float64]
N_COLOURS: Final = 254
FEWEST_COLOURS: Final = 16
CONTOURS: Final = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
# Contours are drawn larger, and shrunk: their edges are smooth then.
_FINER: Final = 2
_SMOOTHING: Final = 1.5  # cells, of what contours are drawn of
# Values that show whether there are steps, how many different ones, and how near they lie to
# whole numbers of a step. A median of an even number of exposures has halves, a mean of three has
# thirds.
_SAMPLE: Final = 4000
_FEWEST: Final = 5
_WHOLE: Final = 0.02
_PARTS: Final = (1, 2, 3)
# 2**32 over the plastic number (the real root of p**3 = p + 1), and over its square.
_RECURRENCES: Final = (3242174889, 2447445414)
_INK: Final = {False: (40, 40, 40), True: (235, 235, 235)}  # on a light and a dark page


@dataclass(frozen=True)
class DensityColours:
    """Logarithmic colours of counts: one table below 1 (averages of simulations), one above.

    Attributes
    ----------
    low, high : float
        Counts at the ends.
    rare : int
        How many colours are below 1.
    palette : (k, 4) uint8
        Colours; the first one is transparent, for 0.
    """

    low: float
    high: float
    rare: int
    palette: Palette

    @classmethod
    def spanning(cls, low: float, high: float, *, dark: bool = False) -> "DensityColours":
        """Make the colours of counts from `low` to `high`, for a light or a dark page."""
        high = max(high, 10.0)
        low = min(max(low, 1e-3), 1.0)
        split = round(N_COLOURS * -np.log10(low) / (np.log10(high) - np.log10(low)))
        if low < 1:
            split = int(np.clip(split, FEWEST_COLOURS, N_COLOURS - FEWEST_COLOURS))
        # What is many stands out from the page; grey is less than one pixel.
        greys, blues = ((60, 110), (225, 45)) if dark else ((235, 200), (65, 255))
        rare = table("gray", 256)[np.linspace(*greys, split).astype(int)]
        many = table("Blues", 256)[np.linspace(*blues, N_COLOURS - split).astype(int)]
        clear = np.zeros((1, 4), np.uint8)
        return cls(low, high, split, np.concatenate([clear, rare, many]))

    def indices(self, counts: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """Colour numbers of counts.

        Parameters
        ----------
        counts : (nx, ny) ndarray
            First index along x.

        Returns
        -------
        (ny, nx) uint8
            Indices of `palette`; 0 for less than `low`.
        """
        counts = np.asarray(counts, np.float64).T
        with np.errstate(divide="ignore"):
            decades = np.log10(counts)
        many = len(self.palette) - 1 - self.rare
        above = self.rare + np.clip(decades / np.log10(self.high) * many, 0, many - 1)
        steps = above
        if self.rare:
            share = 1 - decades / np.log10(self.low)
            below = np.clip(share * self.rare, 0, self.rare - 1)
            steps = np.where(counts >= 1, above, below)
        return np.where(counts >= self.low, steps + 1, 0).astype(np.uint8)


def spread_over_steps(values: npt.NDArray[np.floating], axis: int) -> npt.NDArray[np.floating]:
    """Spread differences of digitised exposures, whole ADU, evenly over their steps.

    Cells of the screen that are narrower than a step would be empty between two steps, and hold
    more or fewer steps where they are wider: stripes that no exposure has.

    Parameters
    ----------
    values : (k,) floating
        ADU. NaN stays NaN.
    axis : int
        0 or 1: two axes of the same pixels are spread independently.

    Returns
    -------
    (k,) floating
        Of the same type, at most half a step from `values` and between the same ends; which way
        depends on the place in the array alone. The same array where there are no steps.
    """
    step = _step_of(values)
    if step == 0.0:
        return values
    # Additive recurrences in two dimensions fill a square evenly, however many terms are taken.
    places = np.arange(len(values), dtype=np.uint32) * np.uint32(_RECURRENCES[axis])
    parts = (places >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    spread = values + ((parts - np.float32(0.5)) * np.float32(step)).astype(values.dtype)
    low, high = np.nanmin(values), np.nanmax(values)
    np.abs(np.subtract(spread, low, out=spread), out=spread)
    np.abs(np.subtract(high - low, spread, out=spread), out=spread)
    return np.asarray(np.subtract(high, spread, out=spread))


def _step_of(values: npt.NDArray[np.floating]) -> float:
    """Part of an ADU of which all values are whole numbers apart; 0 if there is none."""
    if not len(values):
        return 0.0
    # No column or row of a frame is met more often than another.
    places = np.arange(min(len(values), _SAMPLE), dtype=np.uint64) * np.uint64(_RECURRENCES[0])
    sample = values[places % np.uint64(len(values))]
    sample = sample[np.isfinite(sample)].astype(np.float64)
    if len(np.unique(sample)) < _FEWEST:
        return 0.0
    known = float(np.spacing(np.abs(sample).max().astype(values.dtype)))
    for parts in _PARTS:
        steps = (sample - sample[0]) * parts
        if 2 * known * parts < _WHOLE and (np.abs(steps - np.rint(steps)) < _WHOLE).all():
            return 1.0 / parts
    return 0.0


def counts_in_cells(
    x: npt.NDArray[Any], y: npt.NDArray[Any], limits: Limits, cells: tuple[int, int]
) -> Counts:
    """Count points in equal cells between limits.

    Parameters
    ----------
    x, y : (k,) float
        Places along the axes; NaN is left out.
    limits : (x_min, x_max, y_min, y_max)
        In the same units.
    cells : (nx, ny)
        How many.

    Returns
    -------
    (nx, ny) float64
    """
    (nx, ny), (x_min, x_max, y_min, y_max) = cells, limits
    column = (x - x.dtype.type(x_min)) * x.dtype.type(nx / (x_max - x_min))
    row = (y - y.dtype.type(y_min)) * y.dtype.type(ny / (y_max - y_min))
    seen = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
    flat = column[seen].astype(np.int32) * ny + row[seen].astype(np.int32)
    return np.bincount(flat, minlength=nx * ny).reshape(nx, ny).astype(np.float64)


def expected_in_cells(
    histogram: npt.NDArray[np.floating],
    edges: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    scales: tuple[AxisScale, AxisScale],
    limits: Limits,
    cells: tuple[int, int],
) -> Counts:
    """Share a histogram out among the cells of the screen.

    Parameters
    ----------
    histogram : (m, n) float
        Counts in bins, first index along x.
    edges : x, y
        Of the bins, data.
    scales : x, y
        Of the axes.
    limits : (x_min, x_max, y_min, y_max)
        Places along the axes.
    cells : (nx, ny)
        How many.

    Returns
    -------
    (nx, ny) float64
        Every bin is taken to be evenly filled.
    """
    shares = [
        _shares(bins, scale.backward(np.linspace(low, high, n + 1)))
        for bins, scale, low, high, n in zip(
            edges, scales, limits[::2], limits[1::2], cells, strict=True
        )
    ]
    return np.asarray(shares[0] @ histogram @ shares[1].T)


def _shares(bins: npt.NDArray[Any], cells: npt.NDArray[Any]) -> Counts:
    """Part of each bin that lies in each cell."""
    below = (cells[:, None] - bins[:-1]) / np.diff(bins)
    return np.diff(np.clip(below, 0.0, 1.0), axis=0)


def draw_contours(
    counts: Counts, size: tuple[int, int], *, dark: bool, levels: Sequence[float] = CONTOURS
) -> npt.NDArray[np.uint8]:
    """Draw lines of equal counts.

    Parameters
    ----------
    counts : (nx, ny) float64
        In cells that fill the picture.
    size : (width, height)
        Of the picture, pixels.
    dark : bool
        On a dark page.
    levels : sequence of float
        Counts.

    Returns
    -------
    (height, width, 4) uint8
        Red, green, blue and opacity; row 0 lowest.
    """
    # Below the lowest height there is nothing: a line runs off the picture, not along its edge.
    first = int(np.argmax(counts.any(axis=0)))
    counts = np.concatenate([counts[:, first:][:, :1].repeat(first, axis=1), counts[:, first:]], 1)
    smooth = np.log10(ndimage.gaussian_filter(counts, _SMOOTHING, mode="nearest") + 1e-9)
    steps = [_FINER * side / n for side, n in zip(size, counts.shape, strict=True)]
    picture = Image.new("L", (_FINER * size[0], _FINER * size[1]))
    pen, halo = ImageDraw.Draw(picture), Image.new("L", picture.size)
    around = ImageDraw.Draw(halo)
    for level in levels:
        for line in find_contours(smooth, np.log10(level)):
            corners = [tuple(corner) for corner in ((line + 0.5) * steps).tolist()]
            around.line(corners, 255, width=3 * _FINER)
            pen.line(corners, 255, width=_FINER)
    ink, rim = (np.asarray(image.resize(size, Image.Resampling.BOX)) for image in (picture, halo))
    drawn = np.empty((size[1], size[0], 4), np.uint8)
    share = (ink / 255.0)[..., None]
    drawn[..., :3] = share * _INK[dark] + (1 - share) * np.array(_INK[not dark])
    drawn[..., 3] = np.maximum(0.85 * ink, 0.35 * rim)
    return drawn
