"""The view of everything: what the diagram shows until the user zooms."""

from typing import Final

from crmasks_widgets.dashboard.diagram.reading import (
    Reading,
    has_line,
    pixel_limits,
    plane_top,
    whole_view,
)
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.model.state import AxisKind, Limits, ViewModel
from crmasks_widgets.dashboard.page.context import Memo

# A view serves while pixels reach over so much of each axis that they did, and it of them.
_SERVES: Final = 0.7


class WholeView:
    """Limits of the view of everything, which stay while the pixels lie where they did.

    What is edited must not move what is looked at: a point that is dragged out of the view, or
    another readout noise. Only values that become quite others, as by another bias, do.
    """

    def __init__(self) -> None:
        self._pixels, self._kept, self._then = Memo(), (0.0, 1.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)
        self._key: tuple[object, ...] = ()
        self._top: float | None = None
        self._lined = False

    def __call__(self, model: ViewModel, reading: Reading, kind: AxisKind, homes: int) -> Limits:
        """Tell the limits.

        Parameters
        ----------
        model : ViewModel
            What is on screen.
        reading : Reading
            Its diagram.
        kind : {"asinh", "linear", "log"}
            Of the axes.
        homes : int
            How often the user asked to see everything.

        Returns
        -------
        (x_min, x_max, y_min, y_max)
            Data.
        """
        pixels: Limits = self._pixels((reading, kind), lambda: pixel_limits(reading, kind))
        key = reading.sigma, model.display.target, kind, homes
        top = plane_top(model, reading) if kind == "linear" else None
        lined = has_line(model, reading)
        if key != self._key:
            self._top, self._lined = None, False
        # The plane and the line are known later than the pixels, and waited for once.
        late = (self._top is None and top is not None) or (lined and not self._lined)
        self._top = self._top if top is None else top
        if key != self._key or late or not _agree(reading.scales(kind), self._then, pixels):
            self._kept = whole_view(model, reading, kind, pixels, self._top)
            self._key, self._then = key, pixels
        self._lined = self._lined or lined
        return self._kept


def _agree(scales: tuple[AxisScale, AxisScale], one: Limits, other: Limits) -> bool:
    """Whether two ranges have most of what they cover in common, along both axes."""
    for axis, k in zip(scales, (0, 2), strict=True):
        (low, high), (left, right) = (axis.ends(*ends[k : k + 2]) for ends in (one, other))
        if min(high, right) - max(low, left) < _SERVES * (max(high, right) - min(low, left)):
            return False
    return True
