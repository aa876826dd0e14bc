"""What is meant by a place in the diagram: the glyph that is clicked, the point to be deleted."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.diagram import scene
from crmasks_widgets.dashboard.diagram.gestures import HAND, DiagramGestures
from crmasks_widgets.dashboard.diagram.painter import Painter
from crmasks_widgets.dashboard.model.points import Points, added, removed
from crmasks_widgets.dashboard.page.context import Context, Shortcut

# A pointer this close means it, pixels of the page.
REACH: Final = 9.0


class Pointing:
    """Clicks, double clicks and keys at a place of the diagram.

    Parameters
    ----------
    context : Context
        What a view works with.
    gestures : DiagramGestures
        Knows where the place is.
    painter : Painter
        Knows what is drawn there.
    """

    def __init__(self, context: Context, gestures: DiagramGestures, painter: Painter) -> None:
        self._context, self._state = context, context.state
        self._gestures, self._painter = gestures, painter
        context.page.on_msg(context.dispatcher.handler(lambda _, said, __: self._heard(said)))
        self.keys = {
            "a": Shortcut("add a fixed point at the pointer", self._add_at_pointer),
            "d": Shortcut("delete the fixed point at the pointer", self._delete_at_pointer),
            # Here for the list of keys: the page tells of the point itself.
            "Delete": Shortcut("delete the fixed point at the pointer", self._delete_at_pointer),
        }

    def _heard(self, content: dict[str, Any]) -> None:
        place = self._gestures.pointed(content)
        if place is None or self._gestures.tool.value != HAND:
            return
        if content["event"] == "dblclick":
            self._add(place)
        elif content["event"] == "click":
            self._pick(place)

    def _away(self, x: Any, y: Any, place: tuple[float, float]) -> npt.NDArray[np.float64]:
        """Distance of places along the axes from one, pixels of the page."""
        x_min, x_max, y_min, y_max = self._gestures.limits
        width, height = self._painter.size()
        across = (np.asarray(x, np.float64) - place[0]) * width / (x_max - x_min)
        up = (np.asarray(y, np.float64) - place[1]) * height / (y_max - y_min)
        return np.asarray(np.hypot(across, up))

    def _pick(self, place: tuple[float, float]) -> None:
        """Select the hit whose glyph is clicked."""
        model = self._state.model
        pixels, x, y, _ = self._painter.flagged(model)
        away = self._away(x, y, place)
        if np.nanmin(away, initial=np.inf) <= REACH:
            row, column = divmod(int(pixels[np.nanargmin(away)]), model.analysis.exposures.shape[1])
            self._state.select(pixel=(row, column))

    def _points(self) -> Points:
        return self._state.model.parameters.mm_fixed_points_in_boundary or ()

    def _add(self, place: tuple[float, float]) -> None:
        if scene.movable(self._state.model):
            x, y = self._gestures.data(place)
            points = added(self._points(), *scene.by_hand(x, y))
            self._state.update(mm_fixed_points_in_boundary=points)

    def _add_at_pointer(self) -> None:
        place = self._gestures.pointed(self._context.page.pointer)
        if place is not None:
            self._add(place)

    def _delete_at_pointer(self) -> None:
        place, points = self._gestures.pointed(self._context.page.pointer), self._points()
        if place is None or not points:
            return
        x, y, _ = np.array(points).T
        away = self._away(*self._gestures.places(x, y), place)
        if away.min() <= 2 * REACH:
            left = removed(points, int(np.argmin(away))) or None
            self._state.update(mm_fixed_points_in_boundary=left)

    def points_from_boundary(self) -> None:
        """Take a boundary of straight lines through points on the present one."""
        model = self._state.model
        if model.ready("boundary", "plane"):
            points = scene.points_on(model.analysis.boundary.boundary, model.analysis.plane.x_edges)
            self._state.update(mm_fixed_points_in_boundary=points, mm_boundary_fit="piecewise")
