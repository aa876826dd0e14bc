"""The axes of plots."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Axis
from bqplot.scales import Scale

from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.drawing.ticks import tick_text

_DIGITS: Final = 4  # of a place along an axis


def make_axis(scale: Scale, side: str, **options: Any) -> Axis:
    """Make an axis without a grid.

    bqplot leaves it to the page to choose a side. The page's choice can be lost to the state that
    the kernel sends meanwhile; the label of an axis then stands in the middle of the plot.

    Parameters
    ----------
    scale : Scale
        What it shows.
    side : {"left", "right", "bottom", "top"}
        Where it is.
    **options
        Traits of the axis.

    Returns
    -------
    Axis
    """
    orientation = "vertical" if side in ("left", "right") else "horizontal"
    return Axis(scale=scale, side=side, orientation=orientation, grid_lines="none", **options)


def show_ticks(axis: Axis, scale: AxisScale, values: npt.NDArray[np.float64]) -> None:
    """Number an axis whose scale is in places along it.

    Parameters
    ----------
    axis : Axis
        The axis.
    scale : AxisScale
        How values lie along it.
    values : (k,) float64
        To be written.
    """
    # The page finds the text of a tick by how JavaScript writes its number.
    places = np.round(scale.forward(values).astype(np.float64), _DIGITS) + 0.0
    labels = {
        str(int(place)) if place == int(place) else repr(float(place)): tick_text(float(value))
        for place, value in zip(places, values, strict=True)
    }
    if axis.tick_labels != labels:
        # In this order, not both at once: the page moves to new values with the texts it has.
        axis.tick_labels = labels
        axis.tick_values = places
