"""What a probability flags, and what replaces the flagged pixels."""

import numpy as np

from crmasks_widgets.core.lacosmic import cleaning, library, medians
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.typing import BoolArray, Float32Array

REACH = 2
"""Pixels that the square around a pixel reaches."""


def flag_probable(
    frame: Float32Array,
    probability: Float32Array,
    threshold: float,
    valid: BoolArray | None = None,
) -> LacosmicResult:
    """Flag what is more probable than a threshold, and fill it from the good pixels around.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU.
    probability : (ny, nx) float32
        From 0 to 1.
    threshold : float
        Of the probability.
    valid : (ny, nx) bool, optional
        False for pixels that are neither flagged nor used.

    Returns
    -------
    LacosmicResult
        Filled with the median of the good pixels of 5 x 5; of the frame where there are none.
    """
    if valid is not None and not valid.any():
        return library.nothing_valid(frame)
    mask = probability > np.float32(threshold)
    mask = mask if valid is None else mask & valid
    left_out = mask if valid is None else mask | ~valid
    around = np.pad(frame, REACH, mode="symmetric")
    excluded = np.pad(left_out, REACH, mode="symmetric")
    points = np.flatnonzero(np.pad(mask, REACH))
    values = cleaning.fill_at(around, np.float32(0), excluded, points, "medmask")
    alone = np.isnan(values)
    if alone.any():
        values[alone] = 0 if left_out.all() else medians.lower_median(frame, left_out)
    return LacosmicResult(mask, frame, values)
