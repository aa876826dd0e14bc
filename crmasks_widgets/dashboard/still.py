"""A still picture of the dashboard, for notebooks without a kernel and pages without widgets."""

import base64
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing.stretches import (
    STRETCHES,
    colour_indices,
    colour_palette,
    shown_limits,
)
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.files.pictures import palette_png

# A picture is kept in the notebook with every cell that shows a dashboard.
LONGEST_SIDE: Final = 640  # pixels
_GAP: Final = 8
_HIT: Final = (230, 60, 40)


def still_png(model: ViewModel) -> bytes:
    """Draw what is there: the median, and beside it the median with the pixels of MEDIANCR marked.

    Parameters
    ----------
    model : ViewModel
        What is shown. Nothing is computed for a picture.

    Returns
    -------
    bytes
        PNG. While the stack is not known, the median is that of the values as read; while the mask
        is not, the right half is missing.
    """
    exposures = model.analysis.exposures
    step = max(1, -(-max(exposures.shape) // LONGEST_SIDE))
    if model.ready("stack"):
        sampled = model.analysis.stack.median2d[::step, ::step]
    else:
        sampled = np.median(exposures.data[:, ::step, ::step], axis=0)
    display = model.display
    by_hand = display.limits == "manual"
    limits = shown_limits(sampled, "zscale" if by_hand else display.limits)
    if by_hand and not display.of_difference:
        limits = (display.low, display.high)
    stretch = display.stretch if display.stretch in STRETCHES else "linear"
    picture = colour_indices(sampled, limits, stretch)
    palette = colour_palette(display.colours).copy()
    if not model.ready("mediancr"):
        return palette_png(picture, palette)
    # Two of the 256 colours are the mark's and the gap's; the neighbours in brightness stand in.
    palette[0], palette[1] = (*_HIT, 255), (255, 255, 255, 255)
    picture = np.maximum(picture, 2)
    marked = picture.copy()
    marked[_any_in_blocks(model.analysis.mediancr, step)] = 0
    gap = np.ones((picture.shape[0], _GAP), np.uint8)
    return palette_png(np.hstack([picture, gap, marked]), palette)


def _any_in_blocks(mask: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.bool_]:
    """Whether any pixel of a block is masked: a sample would miss most hits."""
    for axis in (0, 1):
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], step), axis=axis)
    return np.asarray(mask)


def still_text(model: ViewModel, detector: str = "") -> str:
    """Say in a line what a dashboard shows; arguments as of `with_still`."""
    analysis = model.analysis
    ny, nx = analysis.exposures.shape
    where = f"detector {detector}, " if detector else ""
    hits = f", {analysis.n_hits} hits of the median" if model.ready("labels") else ""
    return (
        f"Dashboard: {where}{analysis.exposures.n} exposures of {nx} x {ny} pixels{hits}. "
        "Run the cell to work with it."
    )


def with_still(bundle: Any, model: ViewModel, detector: str = "") -> Any:
    """Add the picture and the line to what a notebook is given.

    Parameters
    ----------
    bundle : dict, or (dict, dict), or None
        Mime bundle of the widget; in a tuple, its metadata follow.
    model : ViewModel
        What is shown.
    detector : str
        Name of the detector, where there are several.

    Returns
    -------
    object
        Of the same kind, with text/plain and image/png. A page that shows widgets takes those
        first.
    """
    data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
    png = base64.b64encode(still_png(model)).decode()
    data = {**(data or {}), "text/plain": still_text(model, detector), "image/png": png}
    return (data, *rest) if rest else data
