"""The fixed points of the boundary as a table of sliders and fields: the way for keyboards."""

import math
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from ipywidgets import HTML, HBox, Layout, VBox

from crmasks_widgets.dashboard.drawing.ticks import slider_step
from crmasks_widgets.dashboard.model.points import (
    Point,
    Points,
    added,
    moved,
    removed,
    weighted,
    widest_gap,
)
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Shortcut
from crmasks_widgets.dashboard.settings.control_widgets import (
    ErrorLine,
    Looks,
    NumberEditor,
    PickEditor,
    Span,
    TextEditor,
    parsed,
)
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters import parameter_table

NAME: Final = "mm_fixed_points_in_boundary"
FIT: Final = "mm_boundary_fit"
START: Final = Span(0.0, 100.0, 1.0)


def points_of(model: ViewModel) -> Points:
    """Fixed points that were asked for last."""
    return model.parameters.mm_fixed_points_in_boundary or ()


class _Row:
    """A point: x and y with sliders, weight, delete."""

    def __init__(self, view: "PointsView", index: int, context: Context, looks: Looks) -> None:
        self._view, self._index = view, index
        number, unit = index + 1, context.state.model.analysis.exposures.unit
        self.x = NumberEditor(
            context, f"x of point {number}",
            (f"x ({unit})", f"x of point {number}: minimum - bias, {unit}"),
            START, partial(self._set, 0), looks,
        )  # fmt: skip
        self.y = NumberEditor(
            context, f"y of point {number}",
            (
                f"y ({unit})",
                f"y of point {number}: height of the boundary, median - minimum, {unit}",
            ),
            START, partial(self._set, 1), looks,
        )  # fmt: skip
        self.weight = TextEditor(
            context, ("weight", f"Weight of point {number} in the fit of the spline"),
            partial(self._set, 2), replace(looks, wide=looks.number),
        )  # fmt: skip
        self.delete = word_button(
            context, "delete", f"Delete point {number}", partial(view.remove, index), looks.button
        )
        label = HTML(f"<b>{number}</b>", layout=Layout(width="20px", flex="0 0 auto"))
        cells = [HBox(e.widgets, layout=looks.wide) for e in (self.x, self.y)]
        cells.append(HBox(self.weight.widgets, layout=looks.button))
        for cell in cells:
            cell.add_class("crmasks-cell")
        self.widget = HBox([label, *cells, self.delete], layout=looks.row)
        self.widget.add_class("crmasks-point")

    def show(self, point: Point) -> None:
        """Follow the state."""
        x, y, weight = point
        self.x.show(x)
        self.y.show(y)
        self.weight.show(weight)

    def _set(self, place: int, value: Any, gesture: str) -> None:
        self._view.edit(self._index, place, value, gesture)


class PointsView:
    """Table of the fixed points, and how the boundary is made of them.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state, self._looks = context, context.state, Looks()
        self.plots: tuple[str, ...] = ()
        self.keys: dict[str, Shortcut] = {}
        self.rows: list[_Row] = []
        self.error = ErrorLine()
        self.note = HTML()
        self._spans = (START, START)
        self._plane: Any = None
        self._plane_points: Any = None
        info = {info.name: info for info in parameter_table()}[FIT]
        self.fit = PickEditor(
            context, ("boundary", f"{FIT}: {info.help}"), info.choices, self._choose_fit,
            replace(self._looks, wide=Layout(width="200px")),
        )  # fmt: skip
        self.add = word_button(
            context, "add a point", "Add a point on the boundary, in the widest gap",
            partial(self.error.attempt, self._add),
        )  # fmt: skip
        bar = HBox([*self.fit.widgets, self.add, self.note], layout=Layout(align_items="center"))
        self._table = VBox(layout=Layout(max_height="260px", overflow="hidden auto"))
        self.widget = VBox([bar, self.error.widget, self._table], layout=Layout(min_width="0"))
        self.widget.add_class("crmasks-points")

    def render(self, model: ViewModel) -> None:
        """Show the points; ranges follow the diagram once its limits are known."""
        points = points_of(model)
        self.fit.show(model.parameters.mm_boundary_fit)
        self.note.value = f"<small>{note_of(model)}</small>"
        self._follow_plane(model, points)
        while len(self.rows) < len(points):
            row = _Row(self, len(self.rows), self._context, self._looks)
            self._set_spans(row)
            self.rows.append(row)
        if len(self._table.children) != len(points):
            self._table.children = [row.widget for row in self.rows[: len(points)]]
        for row, point in zip(self.rows, points, strict=False):
            row.show(point)

    def edit(self, index: int, place: int, value: Any, gesture: str) -> None:
        """Change x (0), y (1) or weight (2) of a point, and say what is wrong with it."""
        self.error.attempt(partial(self._edit, index, place, value, gesture))

    def remove(self, index: int) -> None:
        """Take a point away."""
        points = removed(points_of(self._state.model), index)
        self.error.attempt(partial(self._put, points))

    def _put(self, points: Points, gesture: str = "") -> None:
        changes: dict[str, Any] = {NAME: points}
        self._state.update(gesture=gesture, **changes)

    def _edit(self, index: int, place: int, value: Any, gesture: str) -> None:
        points = points_of(self._state.model)
        if index >= len(points):
            return  # The row went while its slider was still moving.
        name = f"point {index + 1}"
        value = parsed(value, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            found = "null" if value is None else repr(value)
            raise ParameterError(f"{name}: found {found}, expected a number")
        x, y, _ = points[index]
        if place == 2:
            new = weighted(points, index, float(value))
        else:
            new = moved(points, index, *((value, y) if place == 0 else (x, value)))
        self._put(new, gesture)

    def _choose_fit(self, value: Any, gesture: str) -> None:
        self.error.attempt(partial(self._state.update, gesture=gesture, **{FIT: value}))

    def _add(self) -> None:
        model = self._state.model
        points, (across, up) = points_of(model), self._spans
        x = widest_gap([point[0] for point in points], across.low, across.high)
        if model.ready("boundary"):
            y = float(model.analysis.boundary.boundary(x))
        elif points:
            ordered = np.array(sorted(points))
            y = float(np.interp(x, ordered[:, 0], ordered[:, 1]))
        else:
            y = (up.low + up.high) / 2
        x, y = round(x, across.decimals + 2), round(y, up.decimals + 2)
        self._put(added(points, x, y))

    def _follow_plane(self, model: ViewModel, points: Points) -> None:
        """Take the limits of the diagram for the sliders.

        The diagram grows with its highest point. A slider that grew with it would run away from
        the pointer, so the height is taken anew only when something else changed the diagram,
        or a point lies beyond.
        """
        if not model.ready("plane") or model.analysis.plane is self._plane:
            return
        plane = model.analysis.plane
        its_points = model.analysis.parameters.mm_fixed_points_in_boundary
        first = self._plane is None
        other = first or its_points == self._plane_points
        self._plane, self._plane_points = plane, its_points
        across, up = _span(plane.x_edges), _span(plane.y_edges)
        if not other and all(point[1] <= self._spans[1].high for point in points):
            up = self._spans[1]
        if (across, up) != self._spans:
            self._spans = (across, up)
            for row in self.rows:
                self._set_spans(row)

    def _set_spans(self, row: _Row) -> None:
        row.x.set_span(self._spans[0])
        row.y.set_span(self._spans[1])


def note_of(model: ViewModel) -> str:
    """Say when the points have no effect."""
    if not model.parameters.has_boundary:
        return f"no effect: crmethod {model.parameters.crmethod} takes no boundary"
    if model.parameters.mm_expected_false is not None:
        return "no effect: mm_expected_false makes the boundary"
    return ""


def _span(edges: Any) -> Span:
    low, high = float(edges[0]), float(edges[-1])
    step = slider_step(high - low)
    return Span(math.floor(low / step) * step, math.ceil(high / step) * step, step)
