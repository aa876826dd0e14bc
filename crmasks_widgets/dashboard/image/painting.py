"""Strokes of a brush that paints or erases pixels."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing.overlays import mask_ready
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.parameters import Parameters

# The masks follow the brush this often; sooner they would lag behind it.
INTERVAL: Final = 0.1  # s
Point = tuple[float, float]


@dataclass
class _Stroke:
    """One movement of the brush; all of it is one step of undo."""

    before: Parameters
    within: npt.NDArray[np.bool_] | None  # only these pixels count
    last: Point
    erase: bool
    pixels: set[edits.Pixel] = field(default_factory=set)
    told: float = -math.inf


class Painting:
    """Collects the pixels of a stroke and writes them into the parameters.

    Parameters
    ----------
    context : Context
        What a view works with.
    clock : callable, optional
        Seconds.
    """

    def __init__(self, context: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._clock = context.state, clock
        self._stroke: _Stroke | None = None
        context.when_begun(self._end)

    def drag(self, event: str, at: Point, side: int, *, erase: bool) -> None:
        """Follow the mouse.

        Parameters
        ----------
        event : {"dragstart", "dragmove", "dragend"}
            What it does.
        at : (x, y)
            Where, pixels counted from 0.
        side : int
            Of the square brush, pixels.
        erase : bool
            Erase pixels that are flagged as the stroke begins; else paint.
        """
        model = self._state.model
        if event == "dragstart":
            self._state.begin_gesture()
            self._stroke = _Stroke(model.parameters, _mask(model) if erase else None, at, erase)
        stroke = self._stroke
        if stroke is None:
            return
        shape = model.analysis.exposures.shape
        for point in _between(stroke.last, at):
            stroke.pixels.update(_square(point, side, shape, stroke.within))
        stroke.last = at
        now = self._clock()
        if event == "dragend":
            self._end()
        elif now - stroke.told >= INTERVAL:
            stroke.told = now
            self._tell(stroke)

    def _end(self) -> None:
        """Write what was not told yet; a page that is loaded again in a stroke ends it, too."""
        if self._stroke is not None:
            stroke, self._stroke = self._stroke, None
            try:
                self._tell(stroke)
            finally:
                self._state.end_gesture()

    def _tell(self, stroke: _Stroke) -> None:
        edit = edits.erase_pixels if stroke.erase else edits.flag_pixels
        if stroke.pixels:
            changes = edit(stroke.before, stroke.pixels)
            self._state.update(**changes)


def _mask(model: ViewModel) -> npt.NDArray[np.bool_] | None:
    return model.analysis.mask(model.display.target) if mask_ready(model) else None


def _between(start: Point, stop: Point) -> Iterator[Point]:
    """Points so close that a fast stroke has no gaps."""
    steps = math.ceil(max(abs(stop[0] - start[0]), abs(stop[1] - start[1]), 1.0))
    for k in range(1, steps + 1):
        yield (
            start[0] + (stop[0] - start[0]) * k / steps,
            start[1] + (stop[1] - start[1]) * k / steps,
        )


def _square(
    at: Point, side: int, shape: tuple[int, int], within: npt.NDArray[np.bool_] | None
) -> Iterator[edits.Pixel]:
    """FITS pixels of the frame under the brush."""
    left, low = (math.floor(value - side / 2 + 1) for value in at)
    for y in range(max(0, low), min(shape[0], low + side)):
        for x in range(max(0, left), min(shape[1], left + side)):
            if within is None or within[y, x]:
                yield x + 1, y + 1
