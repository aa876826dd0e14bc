"""What a drag does to a fitted spline far from the hand, and the lines that would stay there."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.dashboard.diagram.scene import by_hand, points_on
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.model.points import WEIGHT, Points

# Closer to the hand than this, on an asinh axis, a change is what the user asked for; far from 0
# that is a factor of two.
_NEAR: Final = math.log(2.0)
# A change that the user is told of, as a part of the height.
_MUCH: Final = 0.15
_SAMPLES: Final = 200


@dataclass(frozen=True)
class Swing:
    """A change of the boundary far from where it was dragged.

    Attributes
    ----------
    x : float
        Where it is largest, ADU.
    before, after : float
        Height there, ADU.
    """

    x: float
    before: float
    after: float

    def in_words(self, unit: str) -> str:
        """For the user; `unit` is that of the exposures."""
        return (
            f"A spline bends as a whole: at x = {self.x:.3g} the boundary went from "
            f"{self.before:.3g} to {self.after:.3g} {unit}"
        )


def swing(
    before: Boundary,
    after: Boundary,
    edges: npt.NDArray[np.float64],
    at: float,
    axis: AxisScale,
) -> Swing | None:
    """Find where a boundary changed most, away from where it was dragged.

    Parameters
    ----------
    before, after : Boundary
        As it was, and as it is.
    edges : (k,) float64
        Of the plane along x, ADU: only there pixels are flagged.
    at : float
        Where it was dragged, ADU.
    axis : AxisScale
        Tells what is near: an asinh axis, which knows places left of 0, too.

    Returns
    -------
    Swing or None
        None for lines through points, and where little changed.
    """
    if after.kind != "spline" or before.kind != "spline":
        return None
    x = np.linspace(edges[0], edges[-1], _SAMPLES)
    low, high = _near(at, axis)
    x = x[(x < low) | (x > high)]
    if not len(x):
        return None
    old, new = before(x), after(x)
    part = np.abs(new - old) / np.maximum(np.abs(old), 1.0)
    worst = int(np.argmax(part))
    if part[worst] <= _MUCH:
        return None
    return Swing(float(x[worst]), float(old[worst]), float(new[worst]))


def _near(at: float, axis: AxisScale) -> tuple[float, float]:
    """Ends of what is near the hand, ADU."""
    low, high = axis.backward(axis.forward(at) + np.array([-_NEAR, _NEAR])).tolist()
    return low, high


def local_points(
    before: Boundary,
    edges: npt.NDArray[np.float64],
    at: tuple[float, float],
    axis: AxisScale,
) -> Points:
    """Fixed points of straight lines that follow the hand, and elsewhere the boundary of before.

    Parameters
    ----------
    before : Boundary
        As it was before the drag.
    edges : (k,) float64
        Of the plane along x, ADU.
    at : (x, y)
        Where it was dragged to, ADU.
    axis : AxisScale
        As of `swing`.

    Returns
    -------
    tuple of (x, y, weight)
        Rising along x.
    """
    x, (low, high) = at[0], _near(at[0], axis)
    kept = [point for point in points_on(before, edges) if not low <= point[0] <= high]
    sides = [side for side in (low, high) if edges[0] < side < edges[-1]]
    kept += [(*by_hand(side, float(before(side))), WEIGHT) for side in sides]
    return tuple(sorted([*kept, (*by_hand(x, at[1]), WEIGHT)]))
