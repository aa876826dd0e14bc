"""Which pixels a diagram of the scene shows."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core import codes as palette
from crmasks_widgets.dashboard.state import Scene


def window_of(scene: Scene) -> tuple[slice, slice] | None:
    """Rows and columns on screen; None for the whole frame."""
    if scene.display.image is None:
        return None
    x_min, x_max, y_min, y_max = scene.display.image
    ny, nx = scene.analysis.exposures.shape
    columns = slice(max(0, int(np.ceil(x_min))), min(nx, int(np.floor(x_max)) + 1))
    rows = slice(max(0, int(np.ceil(y_min))), min(ny, int(np.floor(y_max)) + 1))
    return rows, columns


def flagged_pixels(scene: Scene) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Flat indices and detection codes of the pixels that a method flags, or a hand.

    Parameters
    ----------
    scene : Scene
        Its flags and edits must be ready.

    Returns
    -------
    pixels : (k,) int64
        On screen.
    codes : (k,) uint8
        Of `crmasks_widgets.core.codes`; no dilation.
    """
    analysis = scene.analysis
    flags, edits = analysis.flags(scene.display.target), analysis.edits
    pixels = np.flatnonzero(flags.either | edits.forced)
    window = window_of(scene)
    if window is not None:
        y, x = np.divmod(pixels, analysis.exposures.shape[1])
        rows, columns = window
        inside = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
        pixels = pixels[inside]
    codes = flags.at(np.divmod(pixels, analysis.exposures.shape[1])).codes()
    codes[codes == 0] = palette.FORCED
    return pixels, codes
