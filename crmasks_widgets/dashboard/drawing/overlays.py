"""Why pixels are flagged, drawn over a frame: colours, and shapes where there is room for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.codes import Code, all_codes
from crmasks_widgets.core.masks import HandEdits, detection_codes
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.viewport import Window
from crmasks_widgets.dashboard.model.selection import Pixels, inside_limits, inside_outline
from crmasks_widgets.dashboard.model.state import ViewModel

UINT8 = npt.NDArray[np.uint8]

# Codes of what is no detection, above any of a detector. Colours of Okabe & Ito (2008).
LOCAL_MEDIAN: Final = 24
IGNORED: Final = 25
REJECTED: Final = 26
BRUSHED: Final = 27
_NO_DETECTIONS: Final = (
    Code(LOCAL_MEDIAN, "local median", "#E69F00", "–", ""),
    Code(IGNORED, "ignored", "#E69F00", "/", ""),
    Code(REJECTED, "rejected", "#E69F00", "\\", ""),
    Code(BRUSHED, "brushed in the diagram", "#F0E442", "▣", ""),
)


def overlay_codes() -> dict[int, Code]:
    """All that an overlay shows, by code; `_stencil` draws the symbols."""
    return {**all_codes(), **{code.number: code for code in _NO_DETECTIONS}}


# With fewer screen pixels to a pixel, a shape could not be told from another.
SHAPES_FROM: Final = 7.0
LARGEST_STENCIL: Final = 16
# Of the opacity, where a shape already says the code: the values below stay visible.
_TINT: Final = 0.35
TINTED: Final = 32  # index of the tint of a code, less the code


@dataclass(frozen=True, eq=False)
class Marked:
    """Pixels to be drawn over a frame.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices. A pixel may come twice; the later one lies above.
    codes : (k,) uint8
        Keys of `overlay_codes`.
    """

    pixels: Pixels
    codes: UINT8


def mask_ready(model: ViewModel) -> bool:
    """Whether `masked_pixels` can tell."""
    target = model.display.target
    mask = "mediancr" if target == "median" else "masks"
    return model.ready("stack", "edits", "mediancr", mask, ("flags", target))


def masked_pixels(model: ViewModel) -> Marked:
    """Pixels in the mask of the target on screen, and why they are there.

    Parameters
    ----------
    model : ViewModel
        One that is `mask_ready`. While its diagram is zoomed, only pixels inside that zoom count.

    Returns
    -------
    Marked
        With detection codes.
    """
    target, analysis = model.display.target, model.analysis
    mask, edits, flags = analysis.mask(target), analysis.edits, analysis.result("flags", target)
    # Few pixels are masked: what is asked of them alone costs little.
    pixels = inside_limits(model, np.flatnonzero(mask), model.display.diagram)
    allowed = edits.allowed.ravel()[pixels]
    here = flags.at(np.divmod(pixels, mask.shape[1])).inside(allowed)
    forced = HandEdits(allowed, edits.forced.ravel()[pixels], ~allowed)
    return Marked(pixels, detection_codes(here, np.ones(len(pixels), bool), forced))


def edited_pixels(model: ViewModel) -> Marked:
    """Pixels taken out of the masks by hand, as the newest parameters say.

    Parameters
    ----------
    model : ViewModel
        Whose parameters.

    Returns
    -------
    Marked
        With the codes `REJECTED`, `IGNORED` and `LOCAL_MEDIAN`.
    """
    parameters, nx = model.parameters, model.analysis.exposures.shape[1]
    lists = (
        (REJECTED, parameters.mediancr_pixels_rejected),
        (IGNORED, parameters.pixels_to_be_ignored_as_cr),
        (LOCAL_MEDIAN, parameters.pixels_to_be_replaced_by_local_median),
    )
    found = [(code, (p[1] - 1) * nx + p[0] - 1) for code, listed in lists for p in listed or ()]
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Marked(table[:, 1], table[:, 0].astype(np.uint8))


def brushed_pixels(model: ViewModel) -> Marked:
    """Pixels in the area of the diagram that the user brushed; none before the stack is ready."""
    pixels = np.zeros(0, np.int64)
    if model.selection.outline and model.ready("stack"):
        pixels = inside_outline(model, model.selection.outline)
    return Marked(pixels, np.full(len(pixels), BRUSHED, np.uint8))


def together(*parts: Marked) -> Marked:
    """Put several kinds of pixels over each other, the last on top."""
    return Marked(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.codes for part in parts]),
    )


def without(marked: Marked, hidden: Sequence[int]) -> Marked:
    """Leave out pixels of some codes, which the user does not want to see."""
    if not hidden:
        return marked
    kept = ~np.isin(marked.codes, np.array(hidden, np.uint8))
    return Marked(marked.pixels[kept], marked.codes[kept])


def stencil_size(scale: float) -> int:
    """Side of a drawn pixel for so many screen pixels; 1 where shapes find no room."""
    return 1 if scale < SHAPES_FROM else min(int(scale), LARGEST_STENCIL)


def overlay_indices(marked: Marked, nx: int, window: Window, side: int = 1) -> UINT8:
    """Draw marked pixels.

    Parameters
    ----------
    marked : Marked
        What to draw.
    nx : int
        Columns of the frame.
    window : Window
        The part to draw.
    side : int
        Drawn pixels to a block; from `SHAPES_FROM` on each code has its shape.

    Returns
    -------
    (side * rows, side * columns) uint8
        Rows of `overlay_palette`. In a block of several pixels the highest code stays, so that no
        marked pixel gets lost.
    """
    y, x = np.divmod(marked.pixels, nx)
    row, column = (y - window.y) // window.block, (x - window.x) // window.block
    inside = (row >= 0) & (row < window.rows) & (column >= 0) & (column < window.columns)
    row, column, codes = row[inside], column[inside], marked.codes[inside]
    drawn = np.zeros((side * window.rows, side * window.columns), np.uint8)
    if side == 1:
        np.maximum.at(drawn, (row, column), codes)
        return drawn
    cells = drawn.reshape(window.rows, side, window.columns, side).swapaxes(1, 2)
    for code, shown in overlay_codes().items():
        here = row[codes == code], column[codes == code]
        stencil = _stencil(shown.symbol, side)
        tint = cells[here] if code == BRUSHED else np.uint8(code + TINTED)
        cells[here] = np.where(stencil, np.uint8(code), tint)
    return drawn


def overlay_palette(opacity: float) -> UINT8:
    """Colours of what `overlay_indices` draws.

    Parameters
    ----------
    opacity : float
        From 0 to 1.

    Returns
    -------
    (k, 4) uint8
        Red, green, blue and opacity; row 0 is transparent.
    """
    table = np.zeros((2 * TINTED, 4), np.uint8)
    for code, shown in overlay_codes().items():
        for row, share in ((code, 1.0), (code + TINTED, _TINT)):
            table[row] = (*rgb(shown.colour), round(255 * opacity * share))
    return table


def _stencil(symbol: str, side: int) -> npt.NDArray[np.bool_]:
    """Shape of a symbol in a square of drawn pixels."""
    middle = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - middle
    line = max(0.5, side / 14)  # half its width
    reach = 0.8 * middle
    inside = np.maximum(abs(x), abs(y)) <= reach
    cross = inside & (np.minimum(abs(x), abs(y)) <= line)
    slash, backslash = (inside & (abs(x - sign * y) <= 1.4 * line) for sign in (1, -1))

    def triangle(
        height: npt.NDArray[np.float64], along: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        sides = abs(2 * abs(along) - height - reach) <= 2 * line
        return np.asarray(inside & (sides | (height > reach - 2 * line)))

    shapes = {
        "·": np.maximum(abs(x), abs(y)) <= max(0.5, side / 10),
        "+": cross,
        "×": slash | backslash,
        "○": abs(np.hypot(x, y) - reach + line) <= 1.2 * line,
        "□": inside & (np.maximum(abs(x), abs(y)) > reach - 2 * line),
        "◇": abs(abs(x) + abs(y) - reach) <= 1.4 * line,
        "△": triangle(y, x),
        "▽": triangle(-y, x),
        "◁": triangle(x, y),
        "–": inside & (abs(y) <= line),
        "/": slash,
        "\\": backslash,
        "▣": np.maximum(abs(x), abs(y)) > middle - 2 * line,
    }
    return np.asarray(shapes[symbol], bool)
