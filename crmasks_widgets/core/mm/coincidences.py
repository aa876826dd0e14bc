"""What stands for the minimum of a pixel where more than one exposure is surely not hit."""

import dataclasses

import numpy as np

from crmasks_widgets.core.stack import BLOCK_ROWS, Stack


def lowest_averaged(stack: Stack, coincidences: int) -> Stack:
    """Put the mean of the lowest values in the place of the minimum.

    Parameters
    ----------
    stack : Stack
        Exposures.
    coincidences : int
        Exposures that may be hit in one pixel: so many of the highest values are left out.

    Returns
    -------
    Stack
        The same but for `min2d`; the minimum itself where no second value is left.
    """
    n = stack.n - coincidences
    if n <= 1:
        return stack
    low = np.empty_like(stack.min2d)
    for start in range(0, len(low), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        # NaN, which invalid values are, come last and count among the highest.
        ordered = np.sort(stack.cube[:, rows], axis=0)
        kept = np.maximum(stack.n_valid[rows] - coincidences, 1)
        inside = np.arange(stack.n)[:, None, None] < kept
        low[rows] = np.sum(ordered, axis=0, where=inside) / kept
    return dataclasses.replace(stack, min2d=low)
