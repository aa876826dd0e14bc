"""Axes on which faint and bright are seen together: asinh, logarithmic and linear."""

from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.model.state import AxisKind

KINDS: Final[tuple[AxisKind, ...]] = get_args(AxisKind)
# A logarithmic axis begins at this part of the softening.
_LEAST: Final = 0.1


@dataclass(frozen=True)
class AxisScale:
    """How values lie along an axis.

    bqplot knows no asinh: all that is drawn is drawn in the units of the axis, and its numbers are
    those of the values.

    Attributes
    ----------
    kind : {"asinh", "linear", "log"}
        An asinh axis is linear around 0 and logarithmic far from it.
    softening : float
        Where the one becomes the other, in the unit of the values; above 0.
    """

    kind: AxisKind
    softening: float = 1.0

    @property
    def least(self) -> float:
        """The lowest value that can be shown."""
        return _LEAST * self.softening if self.kind == "log" else -np.inf

    def forward(self, values: npt.ArrayLike) -> npt.NDArray[Any]:
        """From values to places along the axis.

        Parameters
        ----------
        values : array_like
            Data.

        Returns
        -------
        ndarray
            Of the type of the values if that is floating. Values that a logarithmic axis cannot
            show lie at its beginning.
        """
        data = np.asarray(values)
        data = data if np.issubdtype(data.dtype, np.floating) else data.astype(np.float64)
        if self.kind == "linear":
            return data
        if self.kind == "asinh":
            return np.asarray(np.arcsinh(data / data.dtype.type(self.softening)))
        return np.asarray(np.log10(np.maximum(data, data.dtype.type(self.least))))

    def backward(self, places: npt.ArrayLike) -> npt.NDArray[Any]:
        """From places along the axis to values."""
        at = np.asarray(places, np.float64)
        if self.kind == "linear":
            return at
        return self.softening * np.sinh(at) if self.kind == "asinh" else 10.0**at

    def ends(self, low: float, high: float) -> tuple[float, float]:
        """Places of two values, the second above the first whatever the values."""
        first, last = (float(self.forward(value)) for value in (low, high))
        return first, last if last > first else first + 1.0
