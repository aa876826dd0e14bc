"""Stages of PyCosmic."""

from dataclasses import replace

import numpy as np

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core import pycosmic as algorithm
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.lacosmic.tails import with_tails
from crmasks_widgets.core.typing import BoolArray, Float32Array


def pycosmic(read: Reader, target: Target) -> LacosmicResult:
    """PyCosmic of one frame, with what a second run adds to the first."""
    stack = read("stack")
    return run(read, stack.target(target), stack.target_valid(target))


def run(read: Reader, frame: Float32Array, valid: BoolArray | None) -> LacosmicResult:
    """PyCosmic of any frame.

    Parameters
    ----------
    read : Reader
        Of a stage that declares the parameters of PyCosmic.
    frame : (ny, nx) float32
        ADU, without bias.
    valid : (ny, nx) bool or None
        False for pixels to be left out.
    """
    p, noise = read.p, read.noise
    settings = algorithm.PycosmicSettings(
        p.pc_sigma_det, p.pc_rlim, p.pc_iterations, p.pc_fwhm_gauss_x, p.pc_fwhm_gauss_y,
        p.pc_replace_box_x, p.pc_replace_box_y, p.pc_increase_radius,
    )  # fmt: skip

    def found(chosen: algorithm.PycosmicSettings) -> LacosmicResult:
        return algorithm.detect_cosmics(
            frame, chosen, gain=noise.typical_gain, rnoise=noise.typical_rnoise, valid=valid,
            checkpoint=read.checkpoint,
        )  # fmt: skip

    second = {"sigma_det": p.pc_sigma_det_second, "rlim": p.pc_rlim_second}
    changes = {name: value for name, value in second.items() if value is not None}
    lenient = replace(settings, **changes)
    peaks = found(settings)
    return peaks if lenient == settings else with_tails(peaks, found(lenient))


def flagged_pycosmic(read: Reader, target: Target) -> BoolArray:
    """Detections of PyCosmic in a frame."""
    return np.asarray(read("pycosmic", target).mask)
