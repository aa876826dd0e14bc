"""What the user selects: the pixel meant by a click, the next hit, what was taken out before."""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing import viewport
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.selection import REACH, pixels_of_hit, selected_hit
from crmasks_widgets.dashboard.model.state import State, ViewModel
from crmasks_widgets.dashboard.page.context import Memo

# Pixels seen on each side of a hit that was chosen elsewhere.
AROUND: Final = 60.0


def flagged_near(model: ViewModel, pixel: tuple[int, int], reach: float) -> tuple[int, int] | None:
    """Find the nearest pixel of a hit, or of a hit that was rejected or ignored.

    Parameters
    ----------
    model : ViewModel
        What is on screen.
    pixel : (y, x)
        Array index of the pixel pointed at.
    reach : float
        Pixels; at least 2, since a pointer is seldom exact.

    Returns
    -------
    (y, x) or None
        None if there is none within reach.
    """
    y, x = pixel
    far = max(REACH, math.ceil(reach))
    candidates: list[tuple[int, int]] = []
    if model.ready("mediancr"):
        top, left = max(0, y - far), max(0, x - far)
        near = model.analysis.mediancr[top : y + far + 1, left : x + far + 1]
        candidates += [
            (int(j) + top, int(i) + left) for j, i in zip(*np.nonzero(near), strict=True)
        ]
    p = model.parameters
    listed = (*(p.mediancr_pixels_rejected or ()), *(p.pixels_to_be_ignored_as_cr or ()))
    # Of a long list few are near: only their distances are worked out.
    xs, ys = range(x - far + 1, x + far + 2), range(y - far + 1, y + far + 2)
    candidates += [(b - 1, a - 1) for a, b in listed if a in xs and b in ys]
    distances = {found: math.hypot(found[0] - y, found[1] - x) for found in candidates}
    nearest = min(candidates, key=distances.__getitem__, default=None)
    return nearest if nearest is not None and distances[nearest] <= far else None


@dataclass(frozen=True)
class Subject:
    """What is selected.

    Attributes
    ----------
    kind : {"hit", "rejected", "ignored", "pixel"}
        A hit; pixels taken out of MEDIANCR, or of every mask, by hand; a pixel without any.
    pixels : tuple of (x, y)
        FITS pixels.
    number : int
        Of the hit, 0 for others.
    """

    kind: Literal["hit", "rejected", "ignored", "pixel"]
    pixels: tuple[edits.Pixel, ...]
    number: int = 0

    @property
    def centre(self) -> tuple[int, int]:
        """Array index (y, x) of the pixel in the middle."""
        x, y = np.mean(self.pixels, axis=0)
        return round(float(y)) - 1, round(float(x)) - 1


def subject(model: ViewModel) -> Subject | None:
    """Tell what the selected pixel belongs to.

    Parameters
    ----------
    model : ViewModel
        What was taken out by hand is told by its newest parameters, ahead of the masks.

    Returns
    -------
    Subject or None
        None if no pixel is selected.
    """
    if model.selection.pixel is None:
        return None
    y, x = model.selection.pixel
    here, p = (x + 1, y + 1), model.parameters
    if group := edits.connected(p.pixels_to_be_ignored_as_cr or (), here):
        return Subject("ignored", group)
    if group := edits.connected(p.mediancr_pixels_rejected or (), here):
        return Subject("rejected", group)
    if number := selected_hit(model):
        return Subject("hit", pixels_of_hit(model, number), number)
    return Subject("pixel", (here,))


class Selected:
    """Tells what is selected, and asks again only when something new can change the answer."""

    def __init__(self) -> None:
        self._memo = Memo()
        self._labels: npt.NDArray[np.int32] | None = None

    def __call__(self, model: ViewModel) -> Subject | None:
        """Tell what is selected, as `subject` does; by the last masks while new ones are made."""
        if model.ready("labels"):
            self._labels = model.analysis.labels
        p = model.parameters
        edited = p.pixels_to_be_ignored_as_cr, p.mediancr_pixels_rejected
        found: Subject | None = self._memo(
            (model.selection.pixel, self._labels, *edited), lambda: subject(model)
        )
        return found


def reveal(state: State, pixel: tuple[int, int]) -> None:
    """Select a pixel (y, x), and bring the image to it, unless the user keeps the image in place.

    Parameters
    ----------
    state : State
        Of the dashboard.
    pixel : (y, x)
        Array index. The image shows `AROUND` pixels on each side of it, or, where the user looks
        closer already, as many as before.
    """
    display = state.model.display
    with state.together():
        if display.follow:
            limits = display.image
            if limits is None or limits[1] - limits[0] > 4 * AROUND:
                y, x = pixel
                limits = (x - AROUND, x + AROUND, y - AROUND, y + AROUND)
            else:
                shape = state.model.analysis.exposures.shape
                limits = viewport.moved_inside(viewport.around(pixel, limits), shape)
            state.show(image=limits)
        state.select(pixel=pixel)
