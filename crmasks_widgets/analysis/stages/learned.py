"""Stages of deepCR."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.learned.cleaning import flag_probable
from crmasks_widgets.core.learned.deepcr import load_deepcr
from crmasks_widgets.core.learned.tiles import Network, highest_probability, hit_probability
from crmasks_widgets.core.typing import BoolArray, Float32Array
from crmasks_widgets.parameters import types


def network(read: Reader) -> Network:
    """The network of the run: loaded once, however many frames it looks at side by side."""
    return load_deepcr(read.p.dc_mask)


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


def _probability(
    read: Reader, frame: Float32Array, valid: BoolArray | None, where: BoolArray | None = None
) -> Float32Array:
    return hit_probability(
        frame, read("network"), gain=read.noise.typical_gain, valid=valid,
        where=where, checkpoint=read.checkpoint,
    )  # fmt: skip


def asked(read: Reader) -> bool:
    """Tell whether hits are to know what the network says of them.

    Parameters
    ----------
    read : Reader
        Of a stage that declares `network_veto` and `crmethod`.
    """
    return read.p.network_veto is not None or _takes_part(read)


def _takes_part(read: Reader) -> bool:
    return "deepcr" in types.METHODS[read.p.crmethod]


def opinion(read: Reader) -> npt.NDArray[np.float32]:
    """What the network says of each hit of the median, (n,)."""
    stack, labels = read("stack"), read("labels")
    known = _takes_part(read)

    def seen(target: Target) -> Float32Array:
        if known:
            found: Float32Array = read("probability", target)
            return found
        return _probability(read, stack.target(target), stack.target_valid(target), labels > 0)

    targets: tuple[Target, ...] = ("median", *range(1, stack.n + 1))
    return highest_probability(labels, map(seen, targets))


def flagged_deepcr(read: Reader, target: Target) -> BoolArray:
    """Detections of deepCR in a frame."""
    return np.asarray(read("deepcr", target).mask)
