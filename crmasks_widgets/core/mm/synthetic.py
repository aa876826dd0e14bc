"""What exposures are simulated from: the scene without the hits that another detector finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float32Array


@dataclass(frozen=True)
class Synthetic:
    """Scenes to be simulated.

    Attributes
    ----------
    scenes : tuple of (ny, nx) float32
        Of every exposure, or one for all, ADU.
    left_out : (ny, nx) bool
        Pixels that are not counted in the simulated diagram.
    """

    scenes: tuple[Float32Array, ...]
    left_out: BoolArray


def cleaned_median(
    stack: Stack, flagged: BoolArray, in_exposures: Sequence[BoolArray]
) -> Synthetic:
    """One scene for all exposures: the median, with the minimum where it is flagged.

    Parameters
    ----------
    stack : Stack
        Exposures.
    flagged : (ny, nx) bool
        Hits of the median.
    in_exposures : sequence of n (ny, nx) bool
        Hits of each exposure; what any of them is hit in is not counted.

    Returns
    -------
    Synthetic
        One scene.
    """
    scene = np.where(flagged, stack.min2d, stack.median2d)
    return Synthetic((scene,), reduce(np.logical_or, in_exposures, flagged))


def cleaned_exposures(
    cleaned: Sequence[Float32Array], flagged: BoolArray, in_exposures: Sequence[BoolArray]
) -> Synthetic:
    """A scene for each exposure: the exposure itself, cleaned.

    Parameters
    ----------
    cleaned : sequence of n (ny, nx) float32
        Exposures without their hits, ADU.
    flagged, in_exposures
        As of `cleaned_median`.

    Returns
    -------
    Synthetic
        n scenes.
    """
    return Synthetic(tuple(cleaned), reduce(np.logical_or, in_exposures, flagged))
