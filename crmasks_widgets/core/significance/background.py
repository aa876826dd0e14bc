"""What varies slowly along rows and columns: medians of blocks, joined by straight lines."""

import numpy as np

from crmasks_widgets.core.typing import Float32Array

# Medians of so many neighbouring blocks are replaced by their median: a track along a row or column
# has to be longer than a block and a half to be taken for background.
_BLOCKS = 3


def running_background(frame: Float32Array, size: int) -> tuple[Float32Array, Float32Array]:
    """Median along the rows, and along the columns.

    Parameters
    ----------
    frame : (ny, nx) float32
        NaN is left out.
    size : int
        Length of a block, pixels; those that are left over join the last block.

    Returns
    -------
    along_x, along_y : (ny, nx) float32
        0 where a block has no valid value.
    """
    ny, nx = frame.shape
    along_x = _block_medians(frame, size) @ _joined(nx, size)
    along_y = _joined(ny, size).T @ _block_medians(frame.T, size).T
    return along_x, along_y


def _block_medians(frame: Float32Array, size: int) -> Float32Array:
    """Medians of the blocks of every row, (ny, n_blocks), smoothed over neighbouring blocks."""
    ny, nx = frame.shape
    n_blocks = max(1, nx // size)
    whole = (n_blocks - 1) * size
    medians = np.empty((ny, n_blocks), np.float32)
    # A transposed frame is put in order block by block, which stays in the cache.
    step = whole if frame.flags.c_contiguous else size
    for start in range(0, whole, max(step, 1)):
        some = frame[:, start : start + step].reshape(ny, -1, size)
        medians[:, start // size : (start + step) // size] = _median(some)
    medians[:, -1] = _median(np.ascontiguousarray(frame[:, whole:]))
    if n_blocks < _BLOCKS:
        return medians
    padded = np.pad(medians, ((0, 0), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _BLOCKS, axis=1)
    return np.asarray(np.median(windows, axis=2))


def _median(values: Float32Array) -> Float32Array:
    """Median over the last axis of the valid values; 0 where there is none."""
    size = values.shape[-1]
    ordered = np.sort(values, axis=-1)  # NaN comes last
    if size == 0 or not np.isnan(ordered[..., -1]).any():
        return np.asarray((ordered[..., (size - 1) // 2] + ordered[..., size // 2]) / 2)
    n = size - np.count_nonzero(np.isnan(ordered), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(n - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, size - 1), axis=-1)
    return np.asarray(np.where(n > 0, (low + high) / 2, 0)[..., 0], np.float32)


def _joined(n: int, size: int) -> Float32Array:
    """Weights (n_blocks, n) of straight lines between the centres of blocks, level at both ends."""
    n_blocks = max(1, n // size)
    edges = np.append(np.arange(n_blocks) * size, n)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    weights = [np.interp(np.arange(n), centres, unit) for unit in np.eye(n_blocks)]
    return np.asarray(weights, np.float32)
