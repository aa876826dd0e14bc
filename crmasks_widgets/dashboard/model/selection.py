"""Which hit and which pixels are selected."""

from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.measure import points_in_poly

from crmasks_widgets.dashboard.model.state import Limits, Outline, ViewModel

Pixels = npt.NDArray[np.int64]
# A pointer is seldom exact to a pixel.
REACH = 2


def selected_hit(model: ViewModel) -> int:
    """Number of the hit that the user points at.

    Parameters
    ----------
    model : ViewModel
        What is on screen.

    Returns
    -------
    int
        Of the hit at the selected pixel, or of the nearest within 2 pixels; 0 for none.
    """
    if model.selection.pixel is None or not model.ready("labels"):
        return 0
    y, x = model.selection.pixel
    rows, columns = slice(max(0, y - REACH), y + REACH + 1), slice(max(0, x - REACH), x + REACH + 1)
    near = model.analysis.labels[rows, columns]
    ys, xs = np.nonzero(near)
    if len(ys) == 0:
        return 0
    nearest = np.argmin((ys + rows.start - y) ** 2 + (xs + columns.start - x) ** 2)
    return int(near[ys[nearest], xs[nearest]])


def pixels_of_hit(model: ViewModel, number: int) -> tuple[tuple[int, int], ...]:
    """Pixels of a hit as (x, y), FITS coordinates: what parameters hold.

    Parameters
    ----------
    model : ViewModel
        Its labels must be ready.
    number : int
        Of the hit.

    Returns
    -------
    tuple of (x, y)
        In raster order.
    """
    left, low, labels = 1, 1, model.analysis.labels
    if model.ready("hits"):  # they know where to look; a large frame takes long to search
        row = model.analysis.result("hits")[number - 1]
        left, low = int(row["xmin"]), int(row["ymin"])
        labels = labels[low - 1 : row["ymax"], left - 1 : row["xmax"]]
    ys, xs = np.nonzero(labels == number)
    return tuple((int(x) + left, int(y) + low) for y, x in zip(ys, xs, strict=True))


def diagram_position(model: ViewModel, pixels: Pixels) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Place of pixels in the diagram of the target on screen.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    x, y : (k,) float32
        min2d - bias and target - min2d, ADU.
    """
    stack = model.analysis.mm_stack
    minimum = stack.min2d.ravel()[pixels]
    return minimum, stack.target(model.display.target).ravel()[pixels] - minimum


def inside_limits(model: ViewModel, pixels: Pixels, limits: Limits | None) -> Pixels:
    """Those pixels whose place in the diagram is inside its limits; all of them for None."""
    if limits is None:
        return pixels
    x, y = diagram_position(model, pixels)
    x_min, x_max, y_min, y_max = limits
    return pixels[(x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)]


def inside_outline(model: ViewModel, outline: Outline, among: Pixels | None = None) -> Pixels:
    """Flat indices of the pixels whose place in the diagram is inside an outline.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready.
    outline : tuple of (x, y)
        Corners in the diagram, ADU.
    among : (k,) int64, optional
        Pixels to look at, rising; by default all of the frame.

    Returns
    -------
    (k,) int64
        Rising.
    """
    corners = np.array(outline, dtype=np.float64).reshape(-1, 2)
    if len(corners) < 3:
        return np.zeros(0, np.int64)
    (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
    if among is None:
        stack = model.analysis.mm_stack
        excess = stack.target(model.display.target) - stack.min2d
        # The height leaves fewest pixels: only those need a closer look.
        among = np.flatnonzero((excess >= y_min) & (excess <= y_max))
    pixels = inside_limits(model, among, (x_min, x_max, y_min, y_max))
    x, y = diagram_position(model, pixels)
    inside = points_in_poly(np.column_stack([x, y]), corners)
    return np.asarray(pixels[inside], np.int64)
