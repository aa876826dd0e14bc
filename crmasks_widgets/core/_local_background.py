"""What varies slowly along rows and columns: medians of blocks, joined by straight lines."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatFrame = npt.NDArray[np.float32]

# Medians of so many neighbouring blocks are replaced by their median: a track along a row or column
# has to be longer than a block and a half to be taken for background.
_BLOCKS = 3


def running_background(frame: FloatFrame, size: int) -> tuple[FloatFrame, FloatFrame]:
    """Median along the rows, and along the columns.

    Parameters
    ----------
    frame : (ny, nx) float32
        NaN is left out.
    size : int
        Length of a block, pixels.

    Returns
    -------
    along_x, along_y : (ny, nx) float32
        0 where a block has no valid value.
    """
    along_x = _along_rows(frame, size)
    along_y = np.ascontiguousarray(_along_rows(np.ascontiguousarray(frame.T), size).T)
    return along_x, along_y


def _along_rows(frame: FloatFrame, size: int) -> FloatFrame:
    nx = frame.shape[1]
    n_blocks = max(1, nx // size)
    edges = np.linspace(0, nx, n_blocks + 1).astype(int)
    medians = np.stack([_median(frame[:, a:b]) for a, b in pairwise(edges)], axis=1)
    if n_blocks >= _BLOCKS:
        padded = np.pad(medians, ((0, 0), (1, 1)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, _BLOCKS, axis=1)
        medians = np.median(windows, axis=2)
    if n_blocks == 1:
        return np.repeat(medians, nx, axis=1)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    x = np.arange(nx)
    left = np.clip(np.searchsorted(centres, x) - 1, 0, n_blocks - 2)
    share = np.clip((x - centres[left]) / (centres[left + 1] - centres[left]), 0, 1)
    share = share.astype(np.float32)
    return np.asarray(medians[:, left] * (1 - share) + medians[:, left + 1] * share, np.float32)


def _median(block: FloatFrame) -> FloatFrame:
    """Median of each row, of the valid values; 0 where there is none."""
    ordered = np.sort(block, axis=1)  # NaN comes last
    n_valid = block.shape[1] - np.count_nonzero(np.isnan(ordered), axis=1)
    rows = np.arange(len(block))
    low = ordered[rows, np.maximum(n_valid - 1, 0) // 2]
    high = ordered[rows, np.minimum(n_valid // 2, block.shape[1] - 1)]
    return np.asarray(np.where(n_valid > 0, (low + high) / 2, 0), np.float32)
