"""Values that take the place of flagged pixels, from the 5x5 square around each."""

import numpy as np

from crmasks_widgets.core.lacosmic.medians import in_chunks
from crmasks_widgets.core.typing import BoolArray, Float32Array, IndexArray

_STEPS = np.arange(-2, 3)
_DISTANCES = np.hypot(*np.meshgrid(_STEPS, _STEPS)).ravel()
# 0.35355339 at the corners to 1 beside the pixel; the pixel itself never counts.
_INVERSE_DISTANCE = np.divide(1, _DISTANCES, out=np.zeros(25), where=_DISTANCES > 0)
INVERSE_DISTANCE = _INVERSE_DISTANCE.round(8).astype(np.float32)


def fill_values(values: Float32Array, excluded: BoolArray, cleantype: str) -> Float32Array:
    """Combine the pixels around each flagged one.

    Parameters
    ----------
    values : (25, n) float32
        The squares, row by row.
    excluded : (25, n) bool
        Flagged and bad pixels.
    cleantype : {"meanmask", "medmask", "idw"}
        Mean, median (the lower one of an even number), or mean weighted by inverse distance.

    Returns
    -------
    (n,) float32
        NaN where all are excluded.
    """
    n_used = 25 - np.count_nonzero(excluded, axis=0)
    if cleantype == "medmask":
        ordered = np.sort(np.where(excluded, np.float32(np.inf), values), axis=0)
        lower = np.maximum(n_used - 1, 0) // 2
        filled: Float32Array = np.take_along_axis(ordered, lower[None], axis=0)[0]
    else:
        weights = INVERSE_DISTANCE if cleantype == "idw" else np.ones(25, np.float32)
        filled, norm = np.zeros((2, n_used.size), np.float32)
        # One after the other, in single precision: the library's roundings.
        for value, out, weight in zip(values, excluded, weights, strict=True):
            filled += np.where(out, np.float32(0), value * weight)
            norm += np.where(out, np.float32(0), weight)
        np.divide(filled, norm, out=filled, where=n_used > 0)
    filled[n_used == 0] = np.nan
    return filled


def fill_at(
    frame: Float32Array, offset: np.float32, excluded: BoolArray, points: IndexArray, cleantype: str
) -> Float32Array:
    """Values for some flagged pixels of a frame plus a constant.

    Parameters
    ----------
    frame : (ny, nx) float32
        Electrons.
    offset : float
        Added to the frame first: 0 for the frame itself, the readout noise squared for its noise.
    excluded : (ny, nx) bool
        Flagged and bad pixels.
    points : (n,) int
        Flat indices, at least 2 pixels from the border.
    cleantype : {"meanmask", "medmask", "idw"}
        See `fill_values`.

    Returns
    -------
    (n,) float32
        NaN where all around are excluded.
    """
    window = (_STEPS[:, None] * frame.shape[1] + _STEPS).reshape(25, 1)

    def filled(some: IndexArray) -> Float32Array:
        around = window + some
        values = frame.ravel().take(around) + offset
        return fill_values(values, excluded.ravel().take(around), cleantype)

    return in_chunks(filled, points)
