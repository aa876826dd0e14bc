"""Which part of a frame is on screen, and its pixels at the resolution of the screen."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.model.state import Limits

# Pixels look square as long as their sides differ by no more than this.
SQUARE: Final = 0.01
LEAST_PIXELS: Final = 4.0  # across the screen, at the closest zoom


def frame_limits(shape: tuple[int, int]) -> Limits:
    """Outer edges of a frame (ny, nx), in pixels counted from 0."""
    return -0.5, shape[1] - 0.5, -0.5, shape[0] - 0.5


def first_limits(shape: tuple[int, int], size: tuple[int, int]) -> Limits:
    """Choose what of a frame is seen at first: its middle, which fills the plot.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame.
    size : (width, height)
        Of the plot, screen pixels.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        Square pixels; all across one side of the frame, so that nothing of the plot is empty.
    """
    (ny, nx), (width, height) = shape, size
    step_x, step_y = nx / width, ny / height
    step = min(step_x, step_y)
    if abs(step_x / step_y - 1) <= SQUARE:
        return frame_limits(shape)
    return _about(((nx - 1) / 2, (ny - 1) / 2), (step * width, step * height))


def to_fits_pixels(limits: Limits) -> Limits:
    """From pixels counted from 0 to FITS pixels, counted from 1."""
    return limits[0] + 1, limits[1] + 1, limits[2] + 1, limits[3] + 1


def from_fits_pixels(limits: Limits) -> Limits:
    """From FITS pixels, counted from 1, to pixels counted from 0."""
    return limits[0] - 1, limits[1] - 1, limits[2] - 1, limits[3] - 1


def fitted(limits: Limits, size: tuple[int, int]) -> Limits:
    """Widen limits about their centre until pixels are square.

    Parameters
    ----------
    limits : (x_min, x_max, y_min, y_max)
        Pixels.
    size : (width, height)
        Of the plot, screen pixels.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        The same where pixels are as good as square: what the user is moving must not be corrected.
    """
    x_min, x_max, y_min, y_max = limits
    step_x, step_y = (x_max - x_min) / size[0], (y_max - y_min) / size[1]
    if abs(step_x / step_y - 1) <= SQUARE:
        return limits
    step = max(step_x, step_y)
    return _about(((x_min + x_max) / 2, (y_min + y_max) / 2), (step * size[0], step * size[1]))


def zoomed(limits: Limits, factor: float, centre: tuple[float, float] | None = None) -> Limits:
    """Show more or less around a point that stays where it is.

    Parameters
    ----------
    limits : (x_min, x_max, y_min, y_max)
        Pixels.
    factor : float
        Of the sides; below 1 to see less, and that larger.
    centre : (x, y), optional
        By default that of the limits.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        At least `LEAST_PIXELS` wide and high.
    """
    x_min, x_max, y_min, y_max = limits
    x, y = centre or ((x_min + x_max) / 2, (y_min + y_max) / 2)
    factor = max(factor, LEAST_PIXELS / min(x_max - x_min, y_max - y_min))
    return (
        x + factor * (x_min - x), x + factor * (x_max - x),
        y + factor * (y_min - y), y + factor * (y_max - y),
    )  # fmt: skip


def around(pixel: tuple[int, int], limits: Limits) -> Limits:
    """Move limits of the same size so that a pixel (y, x) is in their centre."""
    x_min, x_max, y_min, y_max = limits
    return _about((float(pixel[1]), float(pixel[0])), (x_max - x_min, y_max - y_min))


def moved_inside(limits: Limits, shape: tuple[int, int]) -> Limits:
    """Move limits of the same size over a frame, so that as little as can be is empty.

    Parameters
    ----------
    limits : (x_min, x_max, y_min, y_max)
        Pixels counted from 0.
    shape : (ny, nx)
        Of the frame.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        The same along an axis where they are wider than the frame.
    """
    left, right, low, high = frame_limits(shape)
    x_min, x_max, y_min, y_max = limits
    by_x = _step_inside(x_min, x_max, left, right)
    by_y = _step_inside(y_min, y_max, low, high)
    return x_min + by_x, x_max + by_x, y_min + by_y, y_max + by_y


def _step_inside(first: float, last: float, low: float, high: float) -> float:
    if last - first > high - low:
        return 0.0
    return max(0.0, low - first) - max(0.0, last - high)


def _about(centre: tuple[float, float], sides: tuple[float, float]) -> Limits:
    (x, y), (width, height) = centre, sides
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


class Window(NamedTuple):
    """A part of a frame in whole blocks of pixels.

    Attributes
    ----------
    x, y : int
        First pixel; a multiple of `block`, so that panning does not regroup the pixels.
    columns, rows : int
        Number of blocks. The last ones may reach beyond the frame.
    block : int
        Side of a block, pixels.
    """

    x: int
    y: int
    columns: int
    rows: int
    block: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        return (
            slice(self.y, self.y + self.rows * self.block),
            slice(self.x, self.x + self.columns * self.block),
        )

    @property
    def extent(self) -> Limits:
        """Outer edges (x_min, x_max, y_min, y_max), pixels."""
        rows, columns = self.slices
        return columns.start - 0.5, columns.stop - 0.5, rows.start - 0.5, rows.stop - 0.5


def screen_pixels(limits: Limits, size: tuple[int, int]) -> float:
    """Screen pixels to a pixel of the frame, the smaller one of width and height."""
    x_min, x_max, y_min, y_max = limits
    return min(size[0] / (x_max - x_min), size[1] / (y_max - y_min))


def covering_window(
    limits: Limits, shape: tuple[int, int], size: tuple[int, int], *, margin: float, cell: int = 1
) -> Window | None:
    """Choose the blocks that cover what is on screen.

    Parameters
    ----------
    limits : (x_min, x_max, y_min, y_max)
        On screen, pixels.
    shape : (ny, nx)
        Of the frame.
    size : (width, height)
        Of the plot, screen pixels.
    margin : float
        Drawn beyond the limits on each side, as a part of what is on screen, for short pans.
    cell : int
        Least side of a block on screen, screen pixels, where a block is more than one pixel.

    Returns
    -------
    Window or None
        None if nothing of the frame is on screen. A block is at least one screen pixel wide, so
        that the screen shows every one.
    """
    scale = screen_pixels(limits, size)
    block = 1 if scale >= 1 else math.ceil(cell / scale)
    starts, counts = [], []
    for low, high, n in ((*limits[:2], shape[1]), (*limits[2:], shape[0])):
        beyond = margin * (high - low)
        first = max(0, math.floor(low - beyond + 0.5))
        last = min(n, math.ceil(high + beyond + 0.5))
        if first >= last:
            return None
        starts.append(first // block * block)
        counts.append(-(-(last - starts[-1]) // block))
    return Window(starts[0], starts[1], counts[0], counts[1], block)


def whole_window(shape: tuple[int, int], size: tuple[int, int]) -> Window:
    """All of a frame (ny, nx) in blocks of which no more than (width, height) are needed."""
    block = max(1, -(-shape[1] // size[0]), -(-shape[0] // size[1]))
    return Window(0, 0, -(-shape[1] // block), -(-shape[0] // block), block)


def visible(limits: Limits, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a frame (ny, nx) that are on screen, if only in part."""
    columns, rows = (
        slice(max(0, math.floor(low + 0.5)), max(0, min(n, math.ceil(high + 0.5))))
        for low, high, n in ((*limits[:2], shape[1]), (*limits[2:], shape[0]))
    )
    return rows, columns


def block_means(frame: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """Mean of each block of a window.

    Parameters
    ----------
    frame : (ny, nx) float
        NaN is left out.
    window : Window
        Which blocks.

    Returns
    -------
    (rows, columns) float32
        NaN where a block has no other value.
    """
    part, block = frame[window.slices], window.block
    if block == 1:
        return np.asarray(part)
    sums = _block_sums(part, window)
    if np.isfinite(sums).all():
        counts = _block_sums(np.broadcast_to(np.float32(1), part.shape), window)
        return np.asarray(sums / counts)
    finite = np.isfinite(part)
    counts = _block_sums(finite.astype(np.float32), window)
    sums = _block_sums(np.where(finite, part, np.float32(0)), window)
    means = np.full(sums.shape, np.nan, np.float32)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _block_sums(part: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    block = window.block
    # Whole rows are added first: memory is read once, in order.
    by_rows = np.zeros((window.rows, part.shape[1]), np.float32)
    for start in range(block):
        rows = part[start::block]
        by_rows[: len(rows)] += rows
    sums = np.zeros((window.rows, window.columns), np.float32)
    for start in range(block):
        columns = by_rows[:, start::block]
        sums[:, : columns.shape[1]] += columns
    return sums
