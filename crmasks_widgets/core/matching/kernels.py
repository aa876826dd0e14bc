"""Convolution with kernels of freely chosen values, up to the borders of a frame."""

from collections.abc import Iterator

import numpy as np

from crmasks_widgets.core.typing import Float32Array, Float64Array, IndexArray

# A kernel reaches three pixels, enough for displacements to a pixel and a seeing 1.3 times worse.
RADIUS = 3
SIDE = 2 * RADIUS + 1
TAPS = SIDE * SIDE
CENTRE = TAPS // 2
# Weights of seven pixels that give the slope in the middle, to sixth order.
_SLOPE = tuple(value / 60 for value in (-1, 9, -45, 0, 45, -9, 1))
# Values handled at once: a few arrays of so many stay in a core's cache.
_BLOCK = 1 << 16


def tap_offsets() -> tuple[IndexArray, IndexArray]:
    """Displacements that the taps of a kernel stand for.

    Returns
    -------
    dy, dx : (49,) int
        A kernel that is 1 at a tap moves a frame by so many pixels towards larger y and x.
    """
    i, j = np.divmod(np.arange(TAPS), SIDE)
    return i - RADIUS, j - RADIUS


def taps_inside(missing_y: int, missing_x: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Taps that lie in the frame near its borders.

    Parameters
    ----------
    missing_y, missing_x : int
        Rows and columns of the neighbourhood that lie outside; positive where it is the rows of low
        y (the columns of low x) that are missing, negative where it is the others.

    Returns
    -------
    (49,) bool
        True for those that can be used.
    """
    inside = np.ones(TAPS, dtype=bool)
    for missing, shift in zip((missing_y, missing_x), tap_offsets(), strict=True):
        # A tap of displacement d takes the pixel at -d.
        inside &= -shift >= -RADIUS + missing if missing > 0 else -shift <= RADIUS + missing
    return inside


def border_classes(n: int) -> Iterator[tuple[int, slice]]:
    """Parts of an axis by what is missing of a neighbourhood.

    Parameters
    ----------
    n : int
        Pixels along the axis, at least 7.

    Yields
    ------
    int, slice
        Pixels that are missing, as in `taps_inside`, and where that is so.
    """
    for place in range(RADIUS):
        yield RADIUS - place, slice(place, place + 1)
    yield 0, slice(RADIUS, n - RADIUS)
    for place in range(RADIUS):
        yield place - RADIUS, slice(n - 1 - place, n - place)


def convolve(frame: Float32Array, kernels: Float64Array) -> Float32Array:
    """Convolve a frame, near its borders with kernels of their own.

    Parameters
    ----------
    frame : (ny, nx) float32
        Without NaN; at least 7 pixels along each axis.
    kernels : (7, 7, 7, 7) float64
        By rows and columns missing, from -3 to 3, and then the values of a kernel; those that
        would take pixels from outside are not used.

    Returns
    -------
    (ny, nx) float32
        In the unit of the frame.
    """
    ny, nx = frame.shape
    padded = np.pad(frame, RADIUS)
    out = np.empty_like(frame)
    for missing_y, rows in border_classes(ny):
        for missing_x, columns in border_classes(nx):
            kernel = kernels[missing_y + RADIUS, missing_x + RADIUS]
            _convolve_part(padded, kernel, rows, columns, out)
    return out


def convolve_tiles(tiles: Float32Array, kernel: Float64Array) -> Float32Array:
    """Convolve tiles with one kernel; what they lack beyond their own borders counts as 0.

    Parameters
    ----------
    tiles : (n, side, side) float32
        Without NaN.
    kernel : (7, 7) float64
        Values.

    Returns
    -------
    (n, side, side) float32
        Good to three pixels from the borders of the tiles.
    """
    n, ny, nx = tiles.shape
    padded = np.pad(tiles, ((0, 0), (RADIUS, RADIUS), (RADIUS, RADIUS)))
    out = np.empty_like(tiles)
    step = max(1, _BLOCK // (ny * nx))
    for start in range(0, n, step):
        part = padded[start : start + step]
        out[start : start + step] = _sum_of_taps(part, kernel, ny, nx)
    return out


def slopes(frames: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Slopes of a frame.

    Parameters
    ----------
    frames : (..., ny, nx) float32
        A frame, or tiles; without NaN.

    Returns
    -------
    along_x, along_y : (..., ny, nx) float32
        Change over a pixel; beyond the borders the outermost values count.
    """
    along_x, along_y = np.zeros_like(frames), np.zeros_like(frames)
    before = ((0, 0),) * (frames.ndim - 2)
    padded = np.pad(frames, (*before, (RADIUS, RADIUS), (RADIUS, RADIUS)), mode="edge")
    ny, nx = frames.shape[-2:]
    for k, weight in enumerate(_SLOPE):
        if weight:
            along_x += np.float32(weight) * padded[..., RADIUS:-RADIUS, k : k + nx]
            along_y += np.float32(weight) * padded[..., k : k + ny, RADIUS:-RADIUS]
    return along_x, along_y


def _convolve_part(
    padded: Float32Array, kernel: Float64Array, rows: slice, columns: slice, out: Float32Array
) -> None:
    """Write the convolution of some rows and columns of a frame that is padded by zeros."""
    width = columns.stop - columns.start
    step = max(1, _BLOCK // max(width, 1))
    for start in range(rows.start, rows.stop, step):
        height = min(step, rows.stop - start)
        part = padded[start : start + height + 2 * RADIUS, columns.start :]
        out[start : start + height, columns] = _sum_of_taps(part, kernel, height, width)


def _sum_of_taps(
    padded: Float32Array, kernel: Float64Array, height: int, width: int
) -> Float32Array:
    """Convolution over the last two axes; the input is three pixels larger on every side."""
    total = np.zeros((*padded.shape[:-2], height, width), np.float32)
    term = np.empty_like(total)
    for i, row in enumerate(kernel[::-1, ::-1].tolist()):
        for j, tap in enumerate(row):
            if tap:
                np.multiply(padded[..., i : i + height, j : j + width], np.float32(tap), out=term)
                total += term
    return total
