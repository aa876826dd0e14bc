"""The axes of plots."""

from typing import Any

from bqplot import Axis
from bqplot.scales import Scale


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
