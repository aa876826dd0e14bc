"""What the hand does to the boundary becomes parameters; a drag is one step of undo."""

from collections.abc import Callable
from typing import Any, Final

from crmasks_widgets.analysis import STAGES
from crmasks_widgets.analysis.graph import stages_changed_by
from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.dashboard.diagram.hand import Hand
from crmasks_widgets.dashboard.diagram.scene import by_hand
from crmasks_widgets.dashboard.diagram.swing import Swing, local_points, swing
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.model.history import changed_names
from crmasks_widgets.dashboard.model.points import Point, Points, added, moved, removed, replaced
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.parameters import Parameters

_POINTS: Final = "mm_fixed_points_in_boundary"


class BoundaryEdits:
    """Takes the gestures of a hand.

    Parameters
    ----------
    context : Context
        What a view works with.
    hand : Hand
        Where they are made.
    of_all : list of BoundaryEdits
        Those of all hands, which know of each other so that the newest drag counts alone.
    """

    def __init__(self, context: Context, hand: Hand, of_all: "list[BoundaryEdits]") -> None:
        self._state, self._hand, self._of_all = context.state, hand, of_all
        # While something is dragged: the gesture, and whether its point is still to be born.
        self._gesture, self._unborn = "", False
        # Index of its point, where that is, and among how many; None if it was deleted.
        self._held: tuple[int, Point, int] | None = None
        # The boundary as a drag found it, with which parameters, and where the hand let go of it.
        self._found: Boundary | None = None
        self._set: Parameters = self._state.model.analysis.parameters
        self._left: tuple[float, float] | None = None
        self._looked = Memo()
        self._told: tuple[Swing, Points] | None = None
        handler = context.dispatcher.handler
        context.observe(hand, self._follow, "moved")
        context.when_begun(self._let_go)
        hand.on_msg(handler(lambda _, content, __: self._heard(content)))

    def _points(self) -> Points:
        return self._state.model.parameters.mm_fixed_points_in_boundary or ()

    def _put(self, points: Points) -> None:
        self._state.update(mm_fixed_points_in_boundary=points or None)

    def _heard(self, content: dict[str, Any]) -> None:
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "grasp": self._grasped, "drop": self._dropped, "exact": self._exact,
            "remove": self._removed,
        }  # fmt: skip
        actions[content["event"]](content)

    def _meant(self, content: dict[str, Any]) -> int | None:
        """Index of the point that the page shows; None if it is gone, or still to be born."""
        if content["was"] is None:
            return None
        x, y, weight = content["was"]
        # One that the page has moved itself it may know by its place before.
        return self._find(content["index"], (x, y, weight), content["count"])

    def _find(self, index: int, point: Point, count: int) -> int | None:
        """Index of a point that was among so many; where it moved, others may not have gone."""
        points = self._points()
        if point in points:
            return index if points[index : index + 1] == (point,) else points.index(point)
        return index if index < count == len(points) else None

    def _grasped(self, content: dict[str, Any]) -> None:
        self._gesture = content["gesture"]
        self._unborn = content["was"] is None
        self._hold(self._meant(content))
        model = self._state.model
        for each in self._of_all:
            each.forget()
        self._found = model.analysis.boundary.boundary if model.ready("boundary") else None
        self._set = model.analysis.parameters
        self._state.begin_gesture()

    def forget(self) -> None:
        """Tell nothing of the last drag any more: there is a newer one."""
        self._found = self._left = self._told = None

    def _follow(self) -> None:
        place = self._hand.moved
        # The page holds back moves while it waits for an answer, but not the message that a drag
        # ended: what comes after it is old.
        if self._gesture and place.get("gesture") == self._gesture:
            self._place(place)

    def _place(self, place: dict[str, Any]) -> None:
        x, y = by_hand(place["x"], place["y"])
        index = None if self._held is None else self._find(*self._held)
        if index is not None:
            if (x, y) != by_hand(*self._points()[index][:2]):
                self._put(moved(self._points(), index, x, y))
        elif self._unborn:
            self._put(added(self._points(), x, y))
            index = len(self._points()) - 1
        self._unborn = False
        self._hold(index)

    def _hold(self, index: int | None) -> None:
        points = self._points()
        self._held = None if index is None else (index, points[index], len(points))

    def _dropped(self, content: dict[str, Any]) -> None:
        if content["gesture"] != self._gesture:
            return
        self._left = by_hand(content["x"], content["y"])
        with self._state.together():
            try:
                self._place(content)
            finally:
                self._gesture = ""
                self._state.end_gesture()
                self._state.refresh()
                self._hand.answered = content["gesture"]

    def _let_go(self) -> None:
        """End a drag of whose end nobody tells: its page is gone."""
        if self._gesture:
            self._gesture, self._unborn, self._held = "", False, None
            self._state.end_gesture()

    def swung(self, model: ViewModel, axis: AxisScale) -> tuple[Swing, Points] | None:
        """Tell what the last drag did to a spline elsewhere, as long as it still bends so.

        Where anything else that the boundary follows from is not as the drag found it, as with
        another gain, nobody can tell what the drag did.

        Parameters
        ----------
        model : ViewModel
            What is on screen.
        axis : AxisScale
            Asinh axis along x.

        Returns
        -------
        (Swing, points) or None
            The change, and straight lines in its place: the same object until another boundary is
            known. None if there is nothing to be told.
        """
        found, left = self._found, self._left
        if found is None or left is None or self._gesture:
            return None
        if model.analysis.parameters != model.parameters or not model.ready("boundary", "plane"):
            return self._told
        others = {*changed_names(self._set, model.parameters)} - {_POINTS}
        if "boundary" in stages_changed_by(others, STAGES):
            self._told = None
            return None
        after, edges = model.analysis.boundary.boundary, model.analysis.plane.x_edges

        def look() -> tuple[Swing, Points] | None:
            change = swing(found, after, edges, left[0], axis)
            return (change, local_points(found, edges, left, axis)) if change else None

        self._told = self._looked((found, left, after, edges), look)
        return self._told

    def _exact(self, content: dict[str, Any]) -> None:
        index = self._meant(content)
        if index is not None:
            x, y, weight = content["point"]
            self._put(replaced(self._points(), index, (float(x), float(y), float(weight))))

    def _removed(self, content: dict[str, Any]) -> None:
        index = self._meant(content)
        if index is not None:
            self._put(removed(self._points(), index))
