"""Stages of deepCR."""

import numpy as np

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.learned.cleaning import flag_probable
from crmasks_widgets.core.learned.deepcr import load_deepcr
from crmasks_widgets.core.learned.tiles import hit_probability
from crmasks_widgets.core.typing import BoolArray, Float32Array


def probability(read: Reader, target: Target) -> Float32Array:
    """Probability that the network gives each pixel of a frame of being hit."""
    stack = read("stack")
    return _probability(read, stack.target(target), stack.target_valid(target))


def deepcr(read: Reader, target: Target) -> LacosmicResult:
    """What deepCR flags in a frame, filled."""
    stack = read("stack")
    return flag_probable(
        stack.target(target), read("probability", target), read.p.dc_threshold,
        stack.target_valid(target),
    )  # fmt: skip


def run(read: Reader, frame: Float32Array, valid: BoolArray | None) -> LacosmicResult:
    """What deepCR flags in any frame.

    Parameters
    ----------
    read : Reader
        Of a stage that declares the parameters of deepCR.
    frame : (ny, nx) float32
        ADU, without bias.
    valid : (ny, nx) bool or None
        False for pixels to be left out.
    """
    return flag_probable(frame, _probability(read, frame, valid), read.p.dc_threshold, valid)


def _probability(read: Reader, frame: Float32Array, valid: BoolArray | None) -> Float32Array:
    return hit_probability(
        frame, load_deepcr(read.p.dc_mask), gain=read.noise.typical_gain, valid=valid,
        checkpoint=read.checkpoint,
    )  # fmt: skip


def flagged_deepcr(read: Reader, target: Target) -> BoolArray:
    """Detections of deepCR in a frame."""
    return np.asarray(read("deepcr", target).mask)
