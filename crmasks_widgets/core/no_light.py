"""Borders and blocks of one constant value that stands for no light: 0, -999 and the like."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.typing import BoolArray, Float32Array

# A run of so many exactly equal values along a row or column is no chance.
_RUN = 16
# It is no light if it lies below nearly all other values, by so many times their spread or the
# steps they are rounded to.
_LOWEST_PART, _SPREADS = 0.001, 3.0
# Every so many pixels tell what is usual; not more than so many values are looked for, each of
# which may fill that part of the frame.
_ENOUGH_PIXELS, _MOST_VALUES, _MOST_PART = 100_000, 3, 0.9


@dataclass(frozen=True)
class Constant:
    """Pixels that hold one value which is no light.

    Attributes
    ----------
    value : float
        The value.
    pixels : (ny, nx) bool
        Where it stands in runs.
    """

    value: float
    pixels: BoolArray


def constants_without_light(data: Float32Array, valid: BoolArray) -> list[Constant]:
    """Find borders and blocks of a constant far below all light.

    Parameters
    ----------
    data : (ny, nx) float32
        Values as read, ADU.
    valid : (ny, nx) bool
        Pixels to be looked at.

    Returns
    -------
    list of Constant
        The lowest value first. Single pixels of such a value are left alone, and so is a value that
        others of the frame come near, as a clipped 0 of a dark frame is.
    """
    found: list[Constant] = []
    left = valid.copy()
    while len(found) < _MOST_VALUES and left.any():
        value = data[left].min()
        pixels = _in_runs(left & (data == value))
        number = np.count_nonzero(pixels)
        if not number or number > _MOST_PART * data.size or not _far_below(value, data, left):
            break
        found.append(Constant(float(value), pixels))
        left &= data != value
    return found


def _in_runs(equal: BoolArray) -> BoolArray:
    """Pixels that are part of a run along their row or column."""
    result = np.zeros(equal.shape, dtype=bool)
    if np.count_nonzero(equal) < _RUN:
        return result
    for size in ((1, _RUN), (_RUN, 1)):
        runs = ndimage.grey_opening(equal.astype(np.uint8), size, mode="constant")
        result |= runs.astype(bool)
    return result


def _far_below(value: np.floating, data: Float32Array, left: BoolArray) -> bool:
    """Whether nearly all other values lie well above."""
    others = data[left & (data != value)]
    if not len(others):
        return False
    some = others[:: max(1, len(others) // _ENOUGH_PIXELS)]
    lowest, low, middle, high = np.quantile(some, (_LOWEST_PART, 0.16, 0.5, 0.84))
    spread = max(middle - low, high - middle, _step(some))
    return bool(value < lowest - _SPREADS * spread)


def _step(values: Float32Array) -> float:
    """Smallest difference of two values: where it is coarse, their spread may look like none."""
    distinct = np.unique(values)
    if len(distinct) > 1:
        return float(np.diff(distinct).min())
    return 1.0 if (distinct % 1 == 0).all() else 0.0
