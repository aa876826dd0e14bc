"""A still picture of the dashboard, for notebooks without a kernel and pages without widgets."""

import base64
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from IPython.display import display

from crmasks_widgets.dashboard.drawing.stretches import (
    STRETCHES,
    colour_indices,
    colour_palette,
    shown_limits,
)
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.files.pictures import palette_png

# A picture is kept in the notebook with every cell that shows a dashboard.
LONGEST_SIDE: Final = 640  # pixels
LONGEST_TO_SHORT: Final = 2
MARK: Final = "crmasks-still "
"""In each picture, followed by the name of its dashboard: the page knows it by that."""

_GAP: Final = 8
_WIDE: Final = 1.5  # of its height is the width of a picture above whose second one is put below
HIT: Final = (230, 60, 40)


def still_png(model: ViewModel, mark: str = "") -> bytes:
    """Draw what is there: the median, and beside it the median with the pixels of MEDIANCR marked.

    Parameters
    ----------
    model : ViewModel
        What is shown. Nothing is computed for a picture.
    mark : str
        Tells the picture from others.

    Returns
    -------
    bytes
        PNG. While the stack is not known, the median is that of the values as read; while the mask
        is not, the second half is missing. Of a long frame the middle is drawn.
    """
    exposures = model.analysis.exposures
    part = _middle(exposures.shape)
    ny, nx = (side.stop - side.start for side in part)
    step = max(1, -(-max(ny, nx) // LONGEST_SIDE))
    if model.ready("stack"):
        sampled = model.analysis.stack.median2d[part][::step, ::step]
    else:
        sampled = np.median(exposures.data[(slice(None), *part)][:, ::step, ::step], axis=0)
    display = model.display
    by_hand = display.limits == "manual"
    limits = shown_limits(sampled, "zscale" if by_hand else display.limits)
    if by_hand and not display.of_difference:
        limits = (display.low, display.high)
    stretch = display.stretch if display.stretch in STRETCHES else "linear"
    picture = colour_indices(sampled, limits, stretch)
    palette = colour_palette(display.colours).copy()
    if not model.ready("mediancr"):
        return palette_png(picture, palette, mark=mark)
    # Two of the 256 colours are the mark's and the gap's; the neighbours in brightness stand in.
    palette[0], palette[1] = (*HIT, 255), (255, 255, 255, 255)
    picture = np.maximum(picture, 2)
    marked = picture.copy()
    marked[_any_in_blocks(model.analysis.mediancr[part], step)] = 0
    # Rows rise: what is to be on top comes last.
    below = nx > _WIDE * ny
    halves = [marked, picture] if below else [picture, marked]
    gap = np.ones((_GAP, picture.shape[1]) if below else (picture.shape[0], _GAP), np.uint8)
    whole = np.concatenate([halves[0], gap, halves[1]], axis=0 if below else 1)
    return palette_png(whole, palette, mark=mark)


def _middle(shape: tuple[int, int]) -> tuple[slice, slice]:
    """What of a frame is drawn: a strip would be too thin to show anything, on screen as here."""
    longest = LONGEST_TO_SHORT * min(shape)
    rows, columns = (
        slice((n - longest) // 2, (n + longest) // 2) if n > longest else slice(0, n) for n in shape
    )
    return rows, columns


def _any_in_blocks(mask: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.bool_]:
    """Whether any pixel of a block is masked: a sample would miss most hits."""
    for axis in (0, 1):
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], step), axis=axis)
    return np.asarray(mask)


def still_text(model: ViewModel, detector: str = "") -> str:
    """Say in a line what a dashboard shows; arguments as of `Still.bundle`."""
    analysis = model.analysis
    ny, nx = analysis.exposures.shape
    where = f"detector {detector}, " if detector else ""
    hits = f", {analysis.n_hits} hits of the median" if model.ready("labels") else ""
    middle = " In the picture, the middle." if max(ny, nx) > LONGEST_TO_SHORT * min(ny, nx) else ""
    return (
        f"Dashboard: {where}{analysis.exposures.n} exposures of {nx} x {ny} pixels{hits}.{middle} "
        "Run the cell to work with it."
    )


class Still:
    """The picture of a dashboard in a notebook, and how it comes and stays there.

    JupyterLab shows one kind of each output. Of a widget without a kernel, in a notebook that it
    trusts, it only says that there is none. So the picture is an output of its own, after that of
    the widget; the page hides it while the dashboard is alive.

    Parameters
    ----------
    name : str
        Of the dashboard; no other one has it.
    """

    def __init__(self, name: str) -> None:
        self.mark = f"{MARK}{name}"
        self._shown: Any = None

    def bundle(self, model: ViewModel, detector: str = "") -> dict[str, str]:
        """Make the picture and the line.

        Parameters
        ----------
        model : ViewModel
            What is shown.
        detector : str
            Name of the detector, where there are several.

        Returns
        -------
        dict
            text/plain and image/png.
        """
        png = base64.b64encode(still_png(model, self.mark)).decode()
        return {"text/plain": still_text(model, detector), "image/png": png}

    def display(self, widget: dict[str, Any], model: ViewModel, detector: str = "") -> None:
        """Show a widget and, where a page shows none, the picture.

        Parameters
        ----------
        widget : dict
            Mime bundle of the widget.
        model, detector
            As of `bundle`.
        """
        picture = self.bundle(model, detector)
        line = {"text/plain": picture["text/plain"]}
        display(widget | line, raw=True)  # type: ignore[no-untyped-call]
        self._shown = display(  # type: ignore[no-untyped-call]
            picture, raw=True, display_id=True
        )

    def refresh(self, page: Page, model: ViewModel, detector: str = "") -> None:
        """Put what is known by now into the notebook, once it is there at all.

        Parameters
        ----------
        page : Page
            That of `crmasks lab` did not run the cell, and has to do it itself.
        model, detector
            As of `bundle`.
        """
        if self._shown is None:
            return
        picture = self.bundle(model, detector)
        if page.keeps:
            page.send({"event": "still", "mark": self.mark, "data": picture})
        else:
            self._shown.update(picture, raw=True)
