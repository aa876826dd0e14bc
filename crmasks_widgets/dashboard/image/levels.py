"""How values become brightness: a histogram with two limits that can be dragged."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import traitlets

from crmasks_widgets.dashboard.drawing import histograms, stretches
from crmasks_widgets.dashboard.image.frames import Frames, shown_title
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style
from crmasks_widgets.limits import PERCENTILE

BINS: Final = 120
_RAMP: Final = 48  # colours between the limits
_LIMITS: Final = (("zscale", "zscale"), ("percentile", f"{PERCENTILE:g} %"), ("minmax", "min–max"))
_STRETCHES: Final = ("linear", "sqrt", "log", "asinh")


class Levels(Part):
    """A small panel: histogram, limits, stretch and colours.

    Attributes
    ----------
    state : dict
        "title" of the frame; "range", low and high of the histogram, ADU; "counts" in equal steps
        of it; "limits", low and high; "unit" of the values; "kind" of the limits; "stretch";
        "colours"; "kinds", pairs of a kind and its words; "stretches"; "maps"; "ramp", colours from
        the lower limit to the upper one; "message", what is wrong with limits that were typed;
        "answered", the count of the last of `moved` that is shown.
    moved : dict
        "low", "high" and "count": limits under the hand. Only the newest is sent, and it may come
        after what was told later: of a lower count it is old.

    Notes
    -----
    Messages (`on_msg`): ``{"drop": moved}`` where the hand lets go, ``{"set": {name: value},
    "count"}`` with "limits", "stretch" or "colours", and ``{"close": true}``.
    """

    _esm = script(__file__, "levels.js")
    _css = style(__file__, "levels.css")
    state: Any = traitlets.Dict().tag(sync=True)
    moved: Any = traitlets.Dict().tag(sync=True, echo_update=False)


class LevelsPanel:
    """Shows the limits of the frame on screen, and takes new ones.

    Parameters
    ----------
    context : Context
        What a view works with.
    frames : Frames
        Gives the frame.
    """

    def __init__(self, context: Context, frames: Frames) -> None:
        self._state, self._frames = context.state, frames
        self.widget = Levels()
        self.widget.add_class("crmasks-popover").add_class("crmasks-levels")
        self._sample, self._counts, self._ramp = Memo(), Memo(), Memo()
        self._within = (0.0, 1.0)
        self._ranged: tuple[npt.NDArray[np.floating], str] = (np.zeros(0, np.float32), "")
        self._message, self._answered = "", 0
        context.observe(self.widget, self._follow, "moved")
        self.widget.on_msg(context.dispatcher.handler(self._heard))

    def render(self, model: ViewModel, limits: tuple[float, float]) -> None:
        """Show the histogram of the frame on screen.

        Parameters
        ----------
        model : ViewModel
            Whose frame.
        limits : (low, high)
            In use, ADU.
        """
        display, shown = model.display, self.widget.layout.display != "none"
        found = self._frames.get(model, display.frame) if shown else None
        if found is None:
            return
        frame, origin = found
        values = self._sample((origin, display.frame), lambda: histograms.sample(frame))
        self._choose_range(values, display.limits_of_frame, limits)
        counts = self._counts(
            (values, self._within), lambda: histograms.counts_in(values, self._within, BINS)
        )
        look = (display.stretch, display.colours, _RAMP)
        self.widget.state = {
            "title": shown_title(display), "range": list(self._within), "counts": counts,
            "limits": list(limits), "kind": display.limits_of_frame, "kinds": list(_LIMITS),
            "stretch": display.stretch, "stretches": list(_STRETCHES),
            "colours": display.colours, "maps": list(stretches.COLOUR_MAPS),
            "ramp": self._ramp(look, lambda: histograms.colour_ramp(*look)),
            "unit": model.analysis.exposures.unit, "message": self._message,
            "answered": self._answered,
        }  # fmt: skip

    def _choose_range(
        self, values: npt.NDArray[np.floating], kind: str, limits: tuple[float, float]
    ) -> None:
        """Keep the range while limits inside it are moved: nothing may move but the hand."""
        inside = self._within[0] <= limits[0] and limits[1] <= self._within[1]
        same = values is self._ranged[0] and kind in ("manual", self._ranged[1])
        self._ranged = values, kind
        if not inside or not same:
            self._within = histograms.value_range(values, limits)

    def _follow(self) -> None:
        """Take the limits under the hand."""
        moved = self.widget.moved
        if moved and moved["count"] > self._answered:
            self._take(moved)

    def _take(self, moved: dict[str, Any]) -> None:
        low, high = float(moved["low"]), float(moved["high"])
        self._answered = moved["count"]
        if low >= high:
            self._message = f"Low: found {low:g}, expected less than {high:g}"
            self._state.refresh()
            return
        self._message = ""
        self._set(limits="manual", low=low, high=high)

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("close"):
            self.widget.layout.display = "none"
        if "drop" in content:
            if content["drop"]["count"] >= self._answered:
                self._take(content["drop"])
            return
        self._message = ""
        self._answered = max(self._answered, content.get("count", 0))
        self._set(**content.get("set", {}))

    def _set(self, **changes: Any) -> None:
        of_difference = self._state.model.display.frame == "difference"
        with self._state.together():
            self._state.show(of_difference=of_difference, **changes)
            self._state.refresh()
