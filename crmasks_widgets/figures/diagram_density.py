"""All pixels of a frame as a density in the Median-Minimum diagram, whatever their number."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from crmasks_widgets.core.stack import BLOCK_ROWS
from crmasks_widgets.core.typing import FloatArray

N_CELLS: Final = (120, 90)
# Room beyond the extreme pixels, as a fraction of the axis.
MARGIN: Final = 0.03
# Ticks at 1 and, where there is room, 3 times the powers of ten.
_STEPS: Final = (1.0, 3.0)


@dataclass(frozen=True)
class StretchedAxis:
    """An axis that is linear near 0 and logarithmic far from it.

    Hits reach values hundreds of times higher than the noise; on such an axis both are seen.

    Attributes
    ----------
    low, high : float
        Limits, ADU.
    linear : float
        Width of the linear part on either side of 0, ADU.
    """

    low: float
    high: float
    linear: float

    def forward(self, values: FloatArray) -> FloatArray:
        """Position along the axis.

        Parameters
        ----------
        values : ndarray
            ADU.

        Returns
        -------
        ndarray
            arcsinh(values / linear).
        """
        return np.arcsinh(values / values.dtype.type(self.linear))

    def edges(self, n: int) -> npt.NDArray[np.float64]:
        """Edges of cells that are equally wide on the page.

        Parameters
        ----------
        n : int
            Number of cells.

        Returns
        -------
        (n + 1,) float64
            ADU, rising.
        """
        ends = self.forward(np.array([self.low, self.high]))
        return np.asarray(self.linear * np.sinh(np.linspace(ends[0], ends[1], n + 1)))

    def ticks(self) -> list[float]:
        """Round values for the labels.

        Returns
        -------
        list of float
            ADU, rising, 0 included if it is on the axis.
        """
        start = int(np.floor(np.log10(self.linear)))
        reach = max(abs(self.low), abs(self.high), self.linear)
        stop = int(np.ceil(np.log10(reach)))
        # Over many decades only the powers of ten have room.
        crowded = stop - start > 4
        steps = _STEPS[:1] if crowded else _STEPS
        positive = [step * 10.0**power for power in range(start, stop + 1) for step in steps]
        positive = [value for value in positive if value >= 0.9 * self.linear]
        candidates = [-value for value in reversed(positive)] + [0.0] + positive
        return [value for value in candidates if self.low <= value <= self.high]

    def apply(self, axes: Axes, which: str) -> None:
        """Set scale, limits and ticks of a panel.

        Parameters
        ----------
        axes : Axes
            The panel.
        which : {"x", "y"}
            The axis.
        """
        if which == "x":
            axes.set_xscale("asinh", linear_width=self.linear)
            axes.set_xlim(self.low, self.high)
        else:
            axes.set_yscale("asinh", linear_width=self.linear)
            axes.set_ylim(self.low, self.high)
        axis = axes.xaxis if which == "x" else axes.yaxis
        ticks = self.ticks()
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(ticks, [f"{tick:.0f}".replace("-", "−") for tick in ticks])


def stretched_axis(lowest: float, highest: float, noise: float) -> StretchedAxis:
    """Choose an axis that holds given values.

    Parameters
    ----------
    lowest, highest : float
        Extreme values, ADU; not finite if there is none.
    noise : float
        Readout noise, ADU; the linear part reaches to ten times it.

    Returns
    -------
    StretchedAxis
        With a small margin at both ends.
    """
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        lowest, highest = 0.0, 1.0
    span = highest - lowest
    linear = 10.0 * noise if noise > 0 else max(span / 100, 1.0)
    if span <= 0:
        lowest, highest = lowest - linear, highest + linear
    plain = StretchedAxis(lowest, highest, linear)
    ends = plain.forward(np.array([lowest, highest]))
    margin = MARGIN * (ends[1] - ends[0])
    low, high = linear * np.sinh(ends + np.array([-margin, margin]))
    return StretchedAxis(float(low), float(high), linear)


def density(
    x: FloatArray, y: FloatArray, x_axis: StretchedAxis, y_axis: StretchedAxis
) -> npt.NDArray[np.int64]:
    """Count points in cells that are equally large on the page.

    Parameters
    ----------
    x, y : (ny, nx) or (k,) ndarray
        Coordinates, ADU; NaN is left out.
    x_axis, y_axis : StretchedAxis
        The axes.

    Returns
    -------
    (columns, rows) int64
        Counts, `N_CELLS`.
    """
    n_x, n_y = N_CELLS
    counts = np.zeros(n_x * n_y, dtype=np.int64)
    for start in range(0, len(x), BLOCK_ROWS if x.ndim > 1 else max(1, len(x))):
        rows = slice(start, start + BLOCK_ROWS) if x.ndim > 1 else slice(None)
        i = _cell(x[rows], x_axis, n_x)
        j = _cell(y[rows], y_axis, n_y)
        inside = (i >= 0) & (j >= 0)
        counts += np.bincount((i * n_y + j)[inside], minlength=counts.size)
    return counts.reshape(n_x, n_y)


def _cell(values: FloatArray, axis: StretchedAxis, n: int) -> npt.NDArray[np.int64]:
    """Index of each value's cell; -1 outside and for NaN."""
    ends = axis.forward(np.array([axis.low, axis.high]))
    place = (axis.forward(values) - values.dtype.type(ends[0])) * values.dtype.type(
        n / (ends[1] - ends[0])
    )
    usable = np.isfinite(place) & (place >= 0) & (place < n)
    return np.where(usable, place, -1).astype(np.int64)
