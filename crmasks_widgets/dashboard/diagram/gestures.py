"""Tools of the diagram: what the pointer selects in it, and what of it is on screen."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from bqplot import LinearScale, Lines, PanZoom
from bqplot.interacts import BrushSelector
from bqplot_image_gl.interacts import MouseInteraction

from crmasks_widgets.dashboard.diagram.panel import Panel
from crmasks_widgets.dashboard.diagram.reading import Reading, has_line, whole_view
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.model.state import AxisKind, Limits, ViewModel
from crmasks_widgets.dashboard.page.buttons import icon_button, icon_tools
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut

HAND: Final = "boundary"
TOOLS: Final = {
    HAND: "Boundary: drag the line or its points; double-click adds one, Alt-click removes it (v)",
    "pan": "Pan: drag to move the view, turn the wheel to zoom (p)",
    "zoom": "Zoom box: drag a box to see it larger (o)",
    "box": "Select in a box: drag a box around pixels (x)",
    "lasso": "Select freehand: draw around pixels (f)",
}
_TOOL_KEYS: Final = {
    "v": (HAND, "drag the boundary"),
    "p": ("pan", "pan"),
    "o": ("zoom", "zoom to a box"),
    "x": ("box", "select the pixels in a box"),
    "f": ("lasso", "select pixels freehand"),
}
WHEEL_STEP: Final = 0.0015
PAN_DELAY: Final = 0.08  # s
_COLOUR: Final = "#56B4E9"


class DiagramGestures:
    """Tools of the diagram, and what their gestures change in the state.

    The view changes by them alone: no edit of the boundary or of a parameter moves it.

    Parameters
    ----------
    context : Context
        What a view works with.
    scales : dict
        Scales "x" and "y" of all panels, in places along the axes.
    """

    def __init__(self, context: Context, scales: dict[str, LinearScale]) -> None:
        self._context, self._scales = context, scales
        self._panels: list[Panel] = []
        self._interactions: list[dict[str, Any]] = []
        self.limits: Limits = (0.0, 1.0, 0.0, 1.0)
        self._axes = (AxisScale("linear"), AxisScale("linear"))
        self._whole, self._homes, self._sigma = Memo(), 0, False
        self._line = Memo()
        self._turned = 0.0
        self._trail: list[tuple[float, float]] = []
        self.tool = icon_tools(TOOLS)
        self.home = icon_button(context, "home", "Show everything (h)", self.go_home)
        context.observe(self.tool, self._take_tool)
        for axis in scales.values():
            context.observe(axis, self._panned, ["min", "max"])
        context.observe(context.page, self._turned_wheel, "wheel")
        self.keys = {
            key: Shortcut(words, partial(self.choose, tool))
            for key, (tool, words) in _TOOL_KEYS.items()
        }
        self.keys |= dict.fromkeys("hr", Shortcut("whole diagram", self.go_home))

    def add(self, panel: Panel) -> None:
        """Let the tools work in a panel, too."""
        self._panels.append(panel)
        self._interactions.append(self._interactions_of(panel))
        self._take_tool()

    def _interactions_of(self, panel: Panel) -> dict[str, Any]:
        scales = {"x_scale": self._scales["x"], "y_scale": self._scales["y"]}
        pan = PanZoom(scales={axis: [scale] for axis, scale in self._scales.items()})
        box, brush = (BrushSelector(**scales, color=_COLOUR) for _ in range(2))
        lasso = MouseInteraction(
            **scales, events=["dragstart", "dragmove", "dragend"], cursor="crosshair"
        )
        trail = Lines(x=[], y=[], scales=self._scales, colors=[_COLOUR], stroke_width=1.5)
        panel.figure.marks = [*panel.figure.marks, trail]
        handler = self._context.dispatcher.handler
        self._context.observe(box, partial(self._boxed, box, self._zoom_to), "brushing")
        self._context.observe(brush, partial(self._boxed, brush, self._select_box), "brushing")
        lasso.on_msg(handler(partial(self._lassoed, trail)))
        return {HAND: None, "pan": pan, "zoom": box, "box": brush, "lasso": lasso}

    # Tools ------------------------------------------------------------------------------------

    def choose(self, tool: str) -> None:
        """Take a tool in hand."""
        self.tool.value = tool

    def _take_tool(self) -> None:
        for panel, interactions in zip(self._panels, self._interactions, strict=True):
            panel.figure.interaction = interactions[self.tool.value]
            panel.hand.active = self.tool.value == HAND

    # View -------------------------------------------------------------------------------------

    def follow(self, model: ViewModel, reading: Reading, kind: AxisKind) -> Limits:
        """Let the scales show what the state says.

        Parameters
        ----------
        model : ViewModel
            What is on screen.
        reading : Reading
            Its diagram.
        kind : {"asinh", "linear", "log"}
            Of the axes.

        Returns
        -------
        (x_min, x_max, y_min, y_max)
            What is on screen, places along the axes.
        """
        self._axes, self._sigma = reading.scales(kind), reading.sigma
        key = (reading, kind, self._homes)
        # A line that comes later than the pixels is waited for, once.
        lined: list[bool] = self._line(key, lambda: [False])
        lined[0] = lined[0] or has_line(model, reading)
        whole: Limits = self._whole((*key, lined[0]), lambda: whole_view(model, reading, kind))
        display = model.display
        shown = (display.sigma if reading.sigma else display.diagram) or whole
        x_ends, y_ends = (
            axis.ends(*ends) for axis, ends in zip(self._axes, (shown[:2], shown[2:]), strict=True)
        )
        self.limits = (*x_ends, *y_ends)
        x, y = self._scales["x"], self._scales["y"]
        # Both at once: whoever observes one axis reads the other, too.
        with x.hold_trait_notifications(), y.hold_trait_notifications():
            x.min, x.max, y.min, y.max = self.limits
        return self.limits

    def pointed(self, event: dict[str, Any]) -> tuple[float, float] | None:
        """Place along the axes that an event of the page tells; None if it is elsewhere."""
        if event.get("plot") not in {panel.name for panel in self._panels}:
            return None
        x_min, x_max, y_min, y_max = self.limits
        return x_min + event["x"] * (x_max - x_min), y_min + event["y"] * (y_max - y_min)

    def places(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Places of values along the axes."""
        return self._axes[0].forward(x), self._axes[1].forward(y)

    def data(self, places: Sequence[float]) -> tuple[float, ...]:
        """Values at places x, y (or x, x, y, y) along the axes."""
        half = len(places) // 2
        x, y = self._axes
        return (*x.backward(places[:half]).tolist(), *y.backward(places[half:]).tolist())

    def _show(self, limits: Limits | None) -> None:
        shown = None if limits is None else self.data(limits)
        self._context.state.show(**{"sigma" if self._sigma else "diagram": shown})

    def go_home(self) -> None:
        """Show every hit and every point."""
        self._homes += 1
        with self._context.state.together():
            self._show(None)
            self._context.state.refresh()

    def _panned(self) -> None:
        self._context.dispatcher.later("pan diagram", PAN_DELAY, self._take_scales)

    def _take_scales(self) -> None:
        x, y = self._scales["x"], self._scales["y"]
        limits = (float(x.min), float(x.max), float(y.min), float(y.max))
        if limits != self.limits:
            self._show(limits)

    def _turned_wheel(self) -> None:
        wheel = self._context.page.wheel
        turned, self._turned = wheel["total"] - self._turned, wheel["total"]
        place = self.pointed(wheel)
        if place is not None and self.tool.value != "pan":
            factor = float(np.exp(np.clip(turned * WHEEL_STEP, -1.0, 1.0)))
            (x, y), (x_min, x_max, y_min, y_max) = place, self.limits
            self._show((
                x + (x_min - x) * factor, x + (x_max - x) * factor,
                y + (y_min - y) * factor, y + (y_max - y) * factor,
            ))  # fmt: skip

    # Selection --------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget the selected area."""
        self._context.state.select(outline=())

    def _boxed(self, box: BrushSelector, action: Any) -> None:
        corners = _corners(box)
        if box.brushing or corners is None:
            return
        box.reset()
        action(corners)
        self.choose(HAND)

    def _zoom_to(self, corners: Limits) -> None:
        self._show(corners)

    def _select_box(self, corners: Limits) -> None:
        x_min, x_max, y_min, y_max = corners
        self._select([(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)])

    def _select(self, corners: Sequence[tuple[float, float]]) -> None:
        outline = tuple(self.data(corner) for corner in corners)
        self._context.state.select(outline=outline)

    def _lassoed(self, trail: Lines, _: object, content: dict[str, Any], __: object) -> None:
        event, domain = content.get("event"), content.get("domain", {})
        if event == "dragstart":
            self._trail = []
        if "x" in domain:
            self._trail.append((float(domain["x"]), float(domain["y"])))
        corners = np.array(self._trail).reshape(-1, 2) if event != "dragend" else np.zeros((0, 2))
        with trail.hold_sync():
            trail.x, trail.y = corners[:, 0], corners[:, 1]
        if event == "dragend":
            self._select(self._trail)
            self.choose(HAND)


def _corners(brush: BrushSelector) -> Limits | None:
    x, y = brush.selected_x, brush.selected_y
    if x is None or y is None or len(x) != 2 or len(y) != 2 or x[0] == x[1] or y[0] == y[1]:
        return None
    return float(min(x)), float(max(x)), float(min(y)), float(max(y))
