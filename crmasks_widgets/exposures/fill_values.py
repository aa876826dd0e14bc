"""Fill values that nobody marked as bad: numbers that no detector counts."""

import logging
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from crmasks_widgets.core.ordinary import ordinary_range
from crmasks_widgets.core.stack import LARGEST_VALUE
from crmasks_widgets.core.typing import BoolArray, Float32Array
from crmasks_widgets.errors import InputError
from crmasks_widgets.files.reading import ImagePlane

logger = logging.getLogger(__name__)


def leave_out_fill_values(planes: Sequence[ImagePlane]) -> None:
    """Mark them as invalid, and say so, where another exposure has a value that can be used.

    Where none has, they stay, to be refused by `refuse_fill_values` unless a mask of bad pixels
    explains them.

    Parameters
    ----------
    planes : sequence of ImagePlane
        The exposures; `valid` is changed.
    """
    for plane, number, (y, x) in _left_out(planes, lambda plane: _beyond(plane.data)):
        logger.warning(
            "%s: found %d pixels beyond %g, the first of them (%d, %d): fill values, which "
            "are left out",
            plane.name, number, LARGEST_VALUE, x + 1, y + 1,
        )  # fmt: skip


def leave_out_far_below(planes: Sequence[ImagePlane]) -> None:
    """Mark values far below all others of their exposure as invalid, and say so.

    Only where another exposure has a value that is not: what all have is left to the methods.

    Parameters
    ----------
    planes : sequence of ImagePlane
        The exposures; `valid` is changed.
    """
    for plane, number, (y, x) in _left_out(planes, _far_below):
        logger.warning(
            "%s: found %d pixels far below all others of it, the first of them (%d, %d) with "
            "%.6g, where other exposures have light: they are left out",
            plane.name, number, x + 1, y + 1, plane.data[y, x],
        )  # fmt: skip


def _left_out(
    planes: Sequence[ImagePlane], wild_in: Callable[[ImagePlane], BoolArray]
) -> Iterator[tuple[ImagePlane, int, tuple[int, int]]]:
    """Mark wild pixels that another exposure can stand in for: how many, and the first, (y, x)."""
    found = [plane.valid & wild_in(plane) for plane in planes]
    if not any(wild.any() for wild in found):
        return
    usable = [plane.valid & ~wild for plane, wild in zip(planes, found, strict=True)]
    elsewhere = np.logical_or.reduce(usable)
    for plane, wild in zip(planes, found, strict=True):
        left_out = wild & elsewhere
        if left_out.any():
            y, x = np.argwhere(left_out)[0]
            plane.valid &= ~left_out
            yield plane, int(np.count_nonzero(left_out)), (int(y), int(x))


def _far_below(plane: ImagePlane) -> BoolArray:
    if not plane.valid.any():
        return np.zeros(plane.data.shape, dtype=bool)
    lowest, _ = ordinary_range(plane.data[plane.valid])
    return np.asarray(plane.data < lowest)


def _beyond(data: Float32Array) -> BoolArray:
    # Extremes first: a pass without a copy, and hardly ever is there more to do. NaN is in neither.
    if max(np.fmax.reduce(data, axis=None), -np.fmin.reduce(data, axis=None)) <= LARGEST_VALUE:
        return np.zeros(data.shape, dtype=bool)
    return np.asarray(np.abs(data) > LARGEST_VALUE)


def refuse_fill_values(data: Float32Array, valid: BoolArray | None) -> None:
    """Refuse pixels that have nothing else in any exposure.

    Parameters
    ----------
    data : (n, ny, nx) float32
        Exposures, ADU.
    valid : (n, ny, nx) bool or None
        Pixels that are not marked as bad.

    Raises
    ------
    InputError
        The first such pixel is named.
    """
    beyond = _beyond(data)
    if valid is not None:
        beyond &= valid
    if beyond.any():
        k, y, x = np.argwhere(beyond)[0]
        raise InputError(
            f"pixel ({x + 1}, {y + 1}): found {data[k, y, x]:.4g} and no other value in any "
            f"exposure, expected at most {LARGEST_VALUE:g}: a fill value has to be marked as bad "
            "(extension DQ, MASK or BPM, or NaN)"
        )
