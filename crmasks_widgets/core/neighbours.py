"""Pixels beside pixels: where they are, and how far the values around spread."""

import numpy as np

from crmasks_widgets.core.typing import BoolArray, Float32Array, FloatArray, Pixels

Offset = int | Pixels
"""Rows or columns from a pixel: one number for all pixels, or an array that broadcasts."""


def box(half: int, *, middle: bool = True) -> list[tuple[int, int]]:
    """Offsets of the pixels in a square.

    Parameters
    ----------
    half : int
        Half width of the square, without its middle.
    middle : bool
        Whether the middle is one of them.

    Returns
    -------
    list of (dy, dx)
        Row by row.
    """
    side = range(-half, half + 1)
    return [(dy, dx) for dy in side for dx in side if middle or dy or dx]


def at_offset(
    shape: tuple[int, ...], pixels: Pixels, dy: Offset, dx: Offset
) -> tuple[Pixels, BoolArray]:
    """Find the pixels at an offset from some.

    Parameters
    ----------
    shape : (..., ny, nx)
        Of a frame, or of several.
    pixels : (k,) int64
        Flat indices.
    dy, dx : int or (..., k) int64
        Offset in rows and columns.

    Returns
    -------
    index : (..., k) int64
        Flat indices, in the same frame; beyond its border, of the nearest pixel within.
    inside : (..., k) bool
        Whether the pixel at the offset lies within the frame.
    """
    ny, nx = shape[-2:]
    rows, x = np.divmod(pixels, nx)
    y = rows % ny
    wanted_y, wanted_x = y + dy, x + dx
    near_y = np.minimum(np.maximum(wanted_y, 0), ny - 1)
    near_x = np.minimum(np.maximum(wanted_x, 0), nx - 1)
    inside = (near_y == wanted_y) & (near_x == wanted_x)
    return pixels + (near_y - y) * nx + (near_x - x), inside


def values_at(frame: FloatArray, pixels: Pixels, dy: Offset, dx: Offset) -> FloatArray:
    """Values at an offset from some pixels.

    Parameters
    ----------
    frame : (..., ny, nx) ndarray
        A frame, or several.
    pixels : (k,) int64
        Flat indices.
    dy, dx : int or (..., k) int64
        Offset in rows and columns.

    Returns
    -------
    (..., k) ndarray
        NaN beyond the border.
    """
    index, inside = at_offset(frame.shape, pixels, dy, dx)
    return np.where(inside, frame.ravel()[index], np.nan)


def around(
    shape: tuple[int, ...], pixels: Pixels, *, middle: bool = True
) -> tuple[Pixels, BoolArray]:
    """Find the 3 x 3 pixels around some.

    Parameters
    ----------
    shape : (..., ny, nx)
        Of a frame, or of several.
    pixels : (k,) int64
        Flat indices.
    middle : bool
        Whether the pixels themselves are among them.

    Returns
    -------
    index : (9 or 8, k) int64
        Flat indices; beyond the border, of the nearest pixel within.
    inside : (9 or 8, k) bool
        Whether they lie within the frame.
    """
    dy, dx = np.array(box(1, middle=middle)).T[:, :, None]
    return at_offset(shape, pixels, dy, dx)


def range_at(frame: FloatArray, pixels: Pixels) -> FloatArray:
    """Highest minus lowest value of the 3 x 3 pixels around some.

    Parameters
    ----------
    frame : (ny, nx) ndarray
        NaN is left out.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    (k,) ndarray
        In the unit of the frame; NaN where all are.
    """
    high = low = frame.ravel()[pixels]
    for dy, dx in box(1, middle=False):
        # Beyond the border stands a pixel that is counted anyway.
        values = frame.ravel()[at_offset(frame.shape, pixels, dy, dx)[0]]
        high, low = np.fmax(high, values), np.fmin(low, values)
    return np.asarray(high - low)


def local_range(frames: Float32Array) -> Float32Array:
    """Highest minus lowest value of the 3 x 3 pixels around each.

    Parameters
    ----------
    frames : (..., ny, nx) float32
        A frame, or tiles; without NaN.

    Returns
    -------
    (..., ny, nx) float32
        In the unit of the frames; at their borders, of the pixels inside.
    """
    before = ((0, 0),) * (frames.ndim - 2)
    high = low = np.pad(frames, (*before, (1, 1), (1, 1)), mode="edge")
    for cut in (np.s_[..., :-2], np.s_[..., 1:-1], np.s_[..., 2:]), (
        np.s_[..., :-2, :], np.s_[..., 1:-1, :], np.s_[..., 2:, :]
    ):  # fmt: skip
        high = np.maximum(np.maximum(high[cut[0]], high[cut[1]]), high[cut[2]])
        low = np.minimum(np.minimum(low[cut[0]], low[cut[1]]), low[cut[2]])
    return np.asarray(np.subtract(high, low, out=high), np.float32)
