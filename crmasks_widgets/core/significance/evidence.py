"""Evidence, from each exposure by itself, that all of them are hit in a pixel.

What stands at one place in all exposures is a source until the exposures themselves say otherwise.
They do where each shows a track of its own that passes there, and where their values disagree: a
source has the same value in all.
"""

from collections.abc import Sequence

import numpy as np

from crmasks_widgets.core.neighbours import around
from crmasks_widgets.core.significance.level import Level, sigma_at
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, FloatArray, Pixels

# Of the charge that all exposures share, the part that a track has to have beside the pixel, and
# by which the exposures have to differ; where the track beside is itself hidden by those of all
# others, it has to be so many times brighter.
_PART, _HIDDEN = 0.33, 1.5
# The lowest value is confirmed by another exposure that is nearer than this, sigma: then it is
# signal, unless every track has two pixels beside.
_CONFIRMED, _SEVERAL = 4.0, 2


def hit_in_each(
    level: Level, stack: Stack, own: Sequence[Pixels], pixels: Pixels, estimate: FloatArray
) -> BoolArray:
    """Tell in which pixels every exposure shows a track of its own.

    Parameters
    ----------
    level : Level
        Level and noise.
    stack : Stack
        Exposures on one scale, ADU.
    own : sequence of n (m,) int64
        Flat indices of the pixels that each exposure's own statistic flags.
    pixels : (k,) int64
        Flat indices of pixels that stand out of their surroundings in all exposures.
    estimate : (k,) ndarray
        What their surroundings say, ADU.

    Returns
    -------
    (k,) bool
        True where, in or beside the pixel, each exposure is flagged by itself with at least a third
        of the charge that all share, where the highest exceeds the lowest by as much, and where no
        second exposure has the lowest value, or else two pixels are flagged in each. Beside such
        pixels, their own charge counts like a flag if it is half as much again.
    """
    if not len(pixels):
        return np.zeros(0, dtype=bool)
    values = stack.cube.reshape(stack.n, -1)[:, pixels]
    lowest, second = np.partition(np.nan_to_num(values, nan=np.inf), 1, axis=0)[:2]
    charge = lowest - estimate
    differ = np.fmax.reduce(values) - lowest > _PART * charge
    sigma = sigma_at(level, np.maximum(lowest, 0), pixels)
    unconfirmed = second - lowest > _CONFIRMED * sigma
    # An exposure that is invalid there need not show anything.
    absent = ~np.isfinite(values)
    beside = _excess_around(level, stack, own, pixels)
    tracks = beside > _PART * charge
    one = (tracks.any(axis=0) | absent).all(axis=0)
    several = ((tracks.sum(axis=0) >= _SEVERAL) | absent).all(axis=0)
    shown = differ & one & (unconfirmed | several)
    hidden = _hidden_around(stack, pixels[shown], (values - estimate)[:, shown], pixels)
    all_shown = (tracks.any(axis=0) | (hidden > _HIDDEN * charge) | absent).all(axis=0)
    return np.asarray(shown | (differ & all_shown & unconfirmed))


def _excess_around(level: Level, stack: Stack, own: Sequence[Pixels], pixels: Pixels) -> FloatArray:
    """Excess over the minimum where an exposure is flagged, in and around some pixels; else 0."""
    frames = np.zeros((stack.n, level.minimum.size), np.float32)
    for frame, exposure, flagged in zip(frames, stack.cube, own, strict=True):
        frame[flagged] = exposure.ravel()[flagged] - level.minimum.ravel()[flagged]
    return _in_and_around(frames, pixels, level.minimum.shape)


def _hidden_around(stack: Stack, hit: Pixels, charges: FloatArray, pixels: Pixels) -> FloatArray:
    """Largest charge (n, k) of pixels hit in all exposures, in and around some pixels."""
    frames = np.zeros((stack.n, stack.min2d.size), np.float32)
    frames[:, hit] = np.nan_to_num(charges)
    return np.asarray(_in_and_around(frames, pixels, stack.min2d.shape).max(axis=0))


def _in_and_around(frames: FloatArray, pixels: Pixels, shape: tuple[int, ...]) -> FloatArray:
    """Values (9, n, k) of flat frames in and around some pixels; beyond the border, 0."""
    index, inside = around(shape, pixels)
    return np.where(inside[:, None], frames[:, index].swapaxes(0, 1), np.float32(0))
