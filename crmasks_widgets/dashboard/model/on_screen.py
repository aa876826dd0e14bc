"""Which pixels a diagram shows, and count as flagged."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis import Target
from crmasks_widgets.core.codes import FORCED
from crmasks_widgets.core.masks import HandEdits
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.dashboard.model.state import ViewModel


def slices_on_screen(model: ViewModel) -> tuple[slice, slice] | None:
    """Rows and columns that count: None for the whole frame, or those on screen if asked for."""
    if model.display.image is None or not model.display.linked:
        return None
    x_min, x_max, y_min, y_max = model.display.image
    ny, nx = model.analysis.exposures.shape
    columns = slice(max(0, int(np.ceil(x_min))), min(nx, int(np.floor(x_max)) + 1))
    rows = slice(max(0, int(np.ceil(y_min))), min(ny, int(np.floor(y_max)) + 1))
    return rows, columns


def left_flagged(edits: HandEdits, target: Target) -> BoolArray:
    """Pixels that count as flagged where a detector flags them.

    Parameters
    ----------
    edits : HandEdits
        What was rejected, ignored or skipped.
    target : str or int
        What is rejected is out of the median alone.

    Returns
    -------
    (ny, nx) bool
        False where the user took them out.
    """
    return edits.allowed & ~edits.rejected if target == "median" else edits.allowed


def detected_pixels(model: ViewModel) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Flat indices and detection codes of the pixels that are flagged, by a method or by hand.

    What the user rejected, ignored or skipped is not among them.

    Parameters
    ----------
    model : ViewModel
        Its flags and edits must be ready.

    Returns
    -------
    pixels : (k,) int64
        On screen.
    codes : (k,) uint8
        Of `crmasks_widgets.core.codes`; no dilation.
    """
    analysis = model.analysis
    target = model.display.target
    flags, edits = analysis.flags(target), analysis.edits
    pixels = np.flatnonzero((flags.either & left_flagged(edits, target)) | edits.forced)
    window = slices_on_screen(model)
    if window is not None:
        y, x = np.divmod(pixels, analysis.exposures.shape[1])
        rows, columns = window
        inside = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
        pixels = pixels[inside]
    codes = flags.at(np.divmod(pixels, analysis.exposures.shape[1])).codes()
    codes[codes == 0] = FORCED
    return pixels, codes
