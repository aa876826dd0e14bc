"""Convolution with kernels of freely chosen values, up to the borders of a frame."""

from collections.abc import Iterator

import numpy as np

from crmasks_widgets.core.typing import Float32Array, Float64Array, IndexArray

# A kernel reaches three pixels, enough for displacements to a pixel and a seeing 1.3 times worse.
RADIUS = 3
SIDE = 2 * RADIUS + 1
TAPS = SIDE * SIDE
CENTRE = TAPS // 2
# Weights of the pixels at 1, 2 and 3 ahead, less those behind, that give the slope to sixth order.
_SLOPE = (45 / 60, -9 / 60, 1 / 60)
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
    """Convolve a frame with several kernels, near its borders with others of their own.

    Parameters
    ----------
    frame : (ny, nx) float32
        Without NaN; at least 7 pixels along each axis.
    kernels : (k, 7, 7, 7, 7) float64
        Of each, by rows and columns missing, from -3 to 3, and then the values of a kernel; those
        that would take pixels from outside are not used.

    Returns
    -------
    (k, ny, nx) float32
        In the unit of the frame.
    """
    ny, nx = frame.shape
    padded = np.pad(frame, RADIUS)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE))
    out = np.empty((len(kernels), ny, nx), np.float32)
    turned = np.asarray(kernels[..., ::-1, ::-1], np.float32)
    for missing_y, rows in border_classes(ny):
        for missing_x, columns in border_classes(nx):
            kernel = turned[:, missing_y + RADIUS, missing_x + RADIUS]
            if missing_y or missing_x:
                part = windows[rows, columns]
                out[:, rows, columns] = np.tensordot(kernel, part, ((1, 2), (2, 3)))
            else:
                _convolve_inside(frame, kernel, out[:, rows, columns])
    return out


def convolve_tiles(tiles: Float32Array, kernels: Float64Array) -> Float32Array:
    """Convolve tiles; what they lack beyond their own borders counts as 0.

    Parameters
    ----------
    tiles : (n, side, side) float32
        Without NaN.
    kernels : (k, 7, 7) float64
        Values of each.

    Returns
    -------
    (k, n, side, side) float32
        Good to three pixels from the borders of the tiles.
    """
    n, ny, nx = tiles.shape
    padded = np.pad(tiles, ((0, 0), (RADIUS, RADIUS), (RADIUS, RADIUS)))
    out = np.empty((len(kernels), n, ny, nx), np.float32)
    turned = np.asarray(kernels[..., ::-1, ::-1], np.float32)
    step = max(1, _BLOCK // (ny * nx * len(kernels)))
    for start in range(0, n, step):
        some = slice(start, start + step)
        out[:, some] = _sum_of_taps(padded[some], turned)
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
    before = ((0, 0),) * (frames.ndim - 2)
    padded = np.pad(frames, (*before, (RADIUS, RADIUS), (RADIUS, RADIUS)), mode="edge")
    return _slopes_inside(padded)


def slopes_in(frame: Float32Array, rows: slice) -> tuple[Float32Array, Float32Array]:
    """Slopes in some rows of a frame.

    Parameters
    ----------
    frame : (ny, nx) float32
        Without NaN.
    rows : slice
        With a start and an end.

    Returns
    -------
    along_x, along_y : (h, nx) float32
        As those of `slopes`.
    """
    low, high = max(rows.start - RADIUS, 0), min(rows.stop + RADIUS, len(frame))
    down = (low - rows.start + RADIUS, rows.stop + RADIUS - high)
    return _slopes_inside(np.pad(frame[low:high], (down, (RADIUS, RADIUS)), mode="edge"))


def _slopes_inside(padded: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Slopes of what lies three pixels from the borders or more."""
    ny, nx = (size - 2 * RADIUS for size in padded.shape[-2:])
    across, down = padded[..., RADIUS:-RADIUS, :], padded[..., RADIUS:-RADIUS]
    shape = (*padded.shape[:-2], ny, nx)
    along_x, along_y = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    term = np.empty(shape, np.float32)
    for k, weight in enumerate(_SLOPE, start=1):
        ahead, behind = RADIUS + k, RADIUS - k
        np.subtract(across[..., ahead : ahead + nx], across[..., behind : behind + nx], term)
        term *= np.float32(weight)
        along_x += term
        np.subtract(down[..., ahead : ahead + ny, :], down[..., behind : behind + ny, :], term)
        term *= np.float32(weight)
        along_y += term
    return along_x, along_y


def _convolve_inside(frame: Float32Array, kernels: Float32Array, out: Float32Array) -> None:
    """Write what lies three pixels from the borders or more; kernels are turned by 180 degrees."""
    ny, nx = out.shape[1:]
    step = max(1, _BLOCK // (nx * len(kernels)))
    for start in range(0, ny, step):
        stop = min(start + step, ny)
        out[:, start:stop] = _sum_of_taps(frame[start : stop + 2 * RADIUS], kernels)


def _sum_of_taps(padded: Float32Array, kernels: Float32Array) -> Float32Array:
    """Convolution over the last two axes; the input is three pixels larger on every side.

    The sums along columns are products of matrices, for all kernels and all seven columns of each
    at once, which leaves seven additions of rows that are displaced along x.
    """
    n, width = len(kernels), padded.shape[-1] - 2 * RADIUS
    windows = np.lib.stride_tricks.sliding_window_view(padded, SIDE, axis=-2).swapaxes(-1, -2)
    by_column = np.ascontiguousarray(kernels.swapaxes(1, 2)).reshape(n * SIDE, SIDE)
    sums = np.matmul(by_column, windows)
    total = np.empty((n, *sums.shape[:-2], width), np.float32)
    for k in range(n):
        total[k] = sums[..., k * SIDE, :width]
        for j in range(1, SIDE):
            total[k] += sums[..., k * SIDE + j, j : j + width]
    return total
