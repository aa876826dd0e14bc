"""Gestures in the diagram: dragging points, zooming, brushing."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from bqplot import LinearScale, PanZoom
from bqplot.interacts import BrushSelector
from bqplot_image_gl.interacts import MouseInteraction
from ipywidgets import HBox, Layout

from crmasks_widgets.dashboard.diagram.panel import Panel
from crmasks_widgets.dashboard.model.points import WEIGHT, added, moved, removed
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.buttons import tool_buttons, word_button
from crmasks_widgets.dashboard.page.context import Context, Shortcut

TOOLS: Final = {
    "Points": "Drag fixed points; double-click adds one, d deletes the one under the pointer (v)",
    "Pan": "Drag to move the view, turn the wheel to zoom (p)",
    "Zoom box": "Drag a box to zoom into it (o)",
    "Brush": "Drag a box to select its pixels (b)",
    "Lasso": "Draw around pixels to select them (l)",
}
# A pointer this close to a point means it, as a part of the panel.
NEAR: Final = 0.04
WHEEL_STEP: Final = 0.0015
PAN_DELAY: Final = 0.08  # s


class DiagramGestures:
    """Tools of the diagram, and what their gestures change in the state.

    Parameters
    ----------
    context : Context
        What a view works with.
    panels : tuple of Panel
        Where the gestures are made.
    scales : dict
        Scales "x" and "y" of the panels.

    Attributes
    ----------
    dragged : Panel or None
        Where a point is being dragged. The page knows better than the state where it is.
    """

    def __init__(
        self, context: Context, panels: tuple[Panel, ...], scales: dict[str, LinearScale]
    ) -> None:
        self._context, self._panels, self._scales = context, panels, scales
        self._limits: Limits = (0.0, 1.0, 0.0, 1.0)
        # A point that is being dragged must not move the view that it is seen in.
        self._held: Limits | None = None
        self.dragged: Panel | None = None
        # Between the end of a drag and the beginning of the next.
        self._resting = False
        self._turned = 0.0
        self._trail: list[tuple[float, float]] = []
        self.tool = tool_buttons(TOOLS)
        button = partial(word_button, context)
        self.home = button("Whole diagram", "Zoom out to all bins (h)", self._go_home)
        self.all = button("All pixels", "Zoom out to the brightest hit", self._show_all)
        self.clear = button("Clear selection", "Forget the brushed pixels", self._clear)
        self.from_boundary = button(
            "Points from boundary", "Straight lines through points on the current boundary",
            self._points_from_boundary,
        )  # fmt: skip
        self._interactions = [self._interactions_of(panel) for panel in panels]
        self._connect()
        self.widget = HBox(
            [self.tool, self.home, self.all, self.clear, self.from_boundary],
            layout=Layout(flex_flow="row wrap", align_items="center"),
        )
        self.keys = {
            "v": Shortcut("drag points", partial(self._choose, "Points")),
            "p": Shortcut("pan", partial(self._choose, "Pan")),
            "o": Shortcut("zoom to a box", partial(self._choose, "Zoom box")),
            "b": Shortcut("brush pixels", partial(self._choose, "Brush")),
            "l": Shortcut("lasso pixels", partial(self._choose, "Lasso")),
            "h": Shortcut("whole diagram", self._go_home),
            "r": Shortcut("whole diagram", self._go_home),
            "+": Shortcut("add a fixed point at the pointer", self._add_at_pointer),
            "d": Shortcut("delete the fixed point at the pointer", self._delete_at_pointer),
        }

    def _interactions_of(self, panel: Panel) -> dict[str, Any]:
        scales = {"x_scale": self._scales["x"], "y_scale": self._scales["y"]}
        pan = PanZoom(scales={axis: [scale] for axis, scale in self._scales.items()})
        box, brush = BrushSelector(**scales, color="#56B4E9"), BrushSelector(**scales)
        lasso = MouseInteraction(
            **scales, events=["dragstart", "dragmove", "dragend"], cursor="crosshair"
        )
        handler = self._context.dispatcher.handler
        self._context.observe(box, partial(self._boxed, box), "brushing")
        self._context.observe(brush, partial(self._brushed, brush), ["selected_x", "selected_y"])
        lasso.on_msg(handler(partial(self._lassoed, panel)))
        return {"Points": None, "Pan": pan, "Zoom box": box, "Brush": brush, "Lasso": lasso}

    def _connect(self) -> None:
        context, handler = self._context, self._context.dispatcher.handler
        context.observe(self.tool, self._take_tool)
        for panel in self._panels:
            context.observe(panel.points, partial(self._dragged, panel), ["x", "y"])
            panel.points.on_drag_start(handler(lambda *_: self._grasped()))
            panel.points.on_drag_end(handler(lambda _, content: self._dropped(content)))
        for axis in self._scales.values():
            context.observe(axis, self._panned, ["min", "max"])
        context.observe(context.page, self._turned_wheel, "wheel")
        context.page.on_msg(handler(self._message))

    # Tools ------------------------------------------------------------------------------------

    def _choose(self, tool: str) -> None:
        self.tool.value = tool

    def _take_tool(self) -> None:
        for panel, interactions in zip(self._panels, self._interactions, strict=True):
            panel.figure.interaction = interactions[self.tool.value]

    # Points -----------------------------------------------------------------------------------

    def _points(self) -> tuple[tuple[float, float, float], ...]:
        return self._context.state.model.parameters.mm_fixed_points_in_boundary or ()

    def _set_points(self, points: Any) -> None:
        self._context.state.update(mm_fixed_points_in_boundary=points)

    def _dragged(self, panel: Panel) -> None:
        points, places = self._points(), panel.dragged()
        if places is None or len(places) != len(points):
            return  # x and y arrive one after the other
        followed = tuple((x, y, w) for (x, y, _), (*_, w) in zip(places, points, strict=True))
        if followed == points:
            return
        if self._resting:
            # The page holds back moves while it waits for an answer, but not the message that a
            # drag ended, which said where: this is an old one.
            panel.draw_points(points)
            return
        if self._held is None:
            self._held, self.dragged = self._limits, panel
            self._context.state.begin_gesture()
        self._set_points(followed)

    def _grasped(self) -> None:
        self._resting = False

    def _dropped(self, content: Mapping[str, Any]) -> None:
        held, self._held, self._resting = self._held, None, True
        self.dragged = None
        points, index = self._points(), content["index"]
        place = _by_hand(content["point"]["x"], content["point"]["y"])
        deleted = index >= len(points)
        state = self._context.state
        with state.together():
            try:
                if not deleted and (held is not None or place != _by_hand(*points[index][:2])):
                    self._set_points(moved(points, index, *place))
            finally:
                state.end_gesture()
                state.refresh()  # The marks are where they were dropped, even if that was refused.

    def _message(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "dblclick" and self._plot(content):
            self._set_points(added(self._points(), *self._rounded(content)))

    def _add_at_pointer(self) -> None:
        pointer = self._context.page.pointer
        if self._plot(pointer):
            self._set_points(added(self._points(), *self._rounded(pointer)))

    def _delete_at_pointer(self) -> None:
        place, points = self.pointed(), self._points()
        if place is None or not points:
            return
        x_min, x_max, y_min, y_max = self._limits
        width, height = x_max - x_min, y_max - y_min
        away = [np.hypot((x - place[0]) / width, (y - place[1]) / height) for x, y, _ in points]
        if min(away) <= NEAR:
            self._set_points(removed(points, int(np.argmin(away))) or None)

    def _points_from_boundary(self) -> None:
        model = self._context.state.model
        if not model.ready("boundary", "plane"):
            return
        boundary, edges = model.analysis.boundary.boundary, model.analysis.plane.x_edges
        # Noise rises fast where there is little light: more points there.
        x = edges[0] + (edges[-1] - edges[0]) * np.array([0.0, 0.05, 0.2, 0.5, 1.0])
        points = tuple(
            (*_by_hand(float(a), float(b)), WEIGHT) for a, b in zip(x, boundary(x), strict=True)
        )
        self._context.state.update(mm_fixed_points_in_boundary=points, mm_boundary_fit="piecewise")

    # View -------------------------------------------------------------------------------------

    def follow(self, model: ViewModel) -> Limits:
        """Let the scales show what the state says.

        Parameters
        ----------
        model : ViewModel
            Its plane must be ready.

        Returns
        -------
        (x_min, x_max, y_min, y_max)
            What is on screen, ADU.
        """
        self._limits = self._held or model.display.diagram or whole_diagram(model)
        x_min, x_max, y_min, y_max = self._limits
        x, y = self._scales["x"], self._scales["y"]
        # Both at once: whoever observes one axis reads the other, too.
        with x.hold_trait_notifications(), y.hold_trait_notifications():
            x.min, x.max, y.min, y.max = map(float, (x_min, x_max, y_min, y_max))
        return self._limits

    def pointed(self) -> tuple[float, float] | None:
        """Place of the pointer in the diagram, ADU."""
        pointer = self._context.page.pointer
        return self._place(pointer) if self._plot(pointer) else None

    def _plot(self, event: dict[str, Any]) -> bool:
        return event.get("plot") in {panel.name for panel in self._panels}

    def _place(self, event: dict[str, Any]) -> tuple[float, float]:
        x_min, x_max, y_min, y_max = self._limits
        return x_min + event["x"] * (x_max - x_min), y_min + event["y"] * (y_max - y_min)

    def _rounded(self, event: dict[str, Any]) -> tuple[float, float]:
        return _by_hand(*self._place(event))

    def _show(self, limits: Limits | None) -> None:
        self._context.state.show(diagram=limits)

    def _go_home(self) -> None:
        self._show(None)

    def _show_all(self) -> None:
        model = self._context.state.model
        if model.ready("stack"):
            stack, (x_min, *_) = model.analysis.stack, whole_diagram(model)
            height = stack.target(model.display.target) - stack.min2d
            brightest, highest = float(np.nanmax(stack.min2d)), float(np.nanmax(height))
            self._show((x_min, 1.02 * brightest, 0.0, 1.02 * highest))

    def _panned(self) -> None:
        self._context.dispatcher.later("pan diagram", PAN_DELAY, self._take_scales)

    def _take_scales(self) -> None:
        x, y = self._scales["x"], self._scales["y"]
        limits = (float(x.min), float(x.max), float(y.min), float(y.max))
        if limits != tuple(map(float, self._limits)):
            self._show(limits)

    def _turned_wheel(self) -> None:
        wheel = self._context.page.wheel
        turned, self._turned = wheel["total"] - self._turned, wheel["total"]
        if self._plot(wheel) and self.tool.value != "Pan":
            factor = float(np.exp(np.clip(turned * WHEEL_STEP, -1.0, 1.0)))
            x, y = self._place(wheel)
            x_min, x_max, y_min, y_max = self._limits
            self._show((
                x + (x_min - x) * factor, x + (x_max - x) * factor,
                y + (y_min - y) * factor, y + (y_max - y) * factor,
            ))  # fmt: skip

    # Selection --------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._context.state.select(outline=())

    def _boxed(self, box: BrushSelector) -> None:
        corners = _corners(box)
        if box.brushing or corners is None:
            return
        box.reset()
        self._show(corners)

    def _brushed(self, brush: BrushSelector) -> None:
        corners = _corners(brush)
        if corners is not None:
            x_min, x_max, y_min, y_max = corners
            outline = ((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max))
            self._context.state.select(outline=outline)

    def _lassoed(self, panel: Panel, _: object, content: dict[str, Any], __: object) -> None:
        event, domain = content.get("event"), content.get("domain", {})
        if event == "dragstart":
            self._trail = []
        if "x" in domain:
            self._trail.append((float(domain["x"]), float(domain["y"])))
        corners = np.array(self._trail).reshape(-1, 2)
        with panel.trail.hold_sync():
            panel.trail.x, panel.trail.y = corners[:, 0], corners[:, 1]
        if event == "dragend":
            panel.trail.x = panel.trail.y = np.zeros(0)
            self._context.state.select(outline=tuple(self._trail))


def whole_diagram(model: ViewModel) -> Limits:
    """Limits of the plane, ADU."""
    plane = model.analysis.plane
    x, y = plane.x_edges, plane.y_edges
    return float(x[0]), float(x[-1]), float(y[0]), float(y[-1])


def _by_hand(x: float, y: float) -> tuple[float, float]:
    """Round: a pointer is not exact to more than this, and a parameter file is easier to read."""
    return round(x, 2), round(y, 2)


def _corners(brush: BrushSelector) -> Limits | None:
    x, y = brush.selected_x, brush.selected_y
    if x is None or y is None or len(x) != 2 or len(y) != 2 or x[0] == x[1] or y[0] == y[1]:
        return None
    return float(min(x)), float(max(x)), float(min(y)), float(max(y))
