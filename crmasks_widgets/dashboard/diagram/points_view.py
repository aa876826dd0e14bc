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
    """A point: x and y with sliders, weight, delete; it stays that of its point."""

    def __init__(self, view: "PointsView", context: Context, looks: Looks) -> None:
        self._view, self._unit = view, context.state.model.analysis.exposures.unit
        self.point: Point | None = None
        self.x = NumberEditor(context, "", ("", ""), START, partial(self._set, 0), looks)
        self.y = NumberEditor(context, "", ("", ""), START, partial(self._set, 1), looks)
        self.weight = TextEditor(
            context, ("", ""), partial(self._set, 2), replace(looks, wide=looks.number)
        )
        self.delete = word_button(
            context, "delete", "Delete the point", partial(view.remove, self), looks.button
        )
        self._label = HTML(layout=Layout(width="20px", flex="0 0 auto"))
        cells = [HBox(e.widgets, layout=looks.wide) for e in (self.x, self.y)]
        cells.append(HBox(self.weight.widgets, layout=looks.button))
        for cell in cells:
            cell.add_class("crmasks-cell")
        self.widget = HBox([self._label, *cells, self.delete], layout=looks.row)
        self.widget.add_class("crmasks-point")

    def number(self, number: int) -> None:
        """Take the place of its point, which changes where others come and go."""
        name, unit = f"point {number}", self._unit
        self._label.value = f"<b>{number}</b>"
        self.x.rename(f"x of {name}", (f"x ({unit})", f"x of {name}: minimum - bias, {unit}"))
        self.y.rename(
            f"y of {name}",
            (f"y ({unit})", f"y of {name}: height of the boundary, median - minimum, {unit}"),
        )
        self.weight.rename(("weight", f"Weight of {name} in the fit of the spline"))
        self.delete.tooltip = f"Delete {name}"

    def show(self, point: Point) -> None:
        """Follow the state."""
        self.point = point
        x, y, weight = point
        self.x.show(x)
        self.y.show(y)
        self.weight.show(weight)

    def _set(self, place: int, value: Any, gesture: str) -> None:
        self._view.edit(self, place, value, gesture)


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
        self._spare: list[_Row] = []  # of points that are gone
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
        if len(self.rows) != len(points):
            self._make_rows(points)
        for row, point in zip(self.rows, points, strict=True):
            row.show(point)

    def _make_rows(self, points: Points) -> None:
        """Let each point have a row, and keep the rows of those that stay.

        A click or a slider that was meant for one that is gone would else reach the next one.
        """
        for row in [row for row in self.rows if row.point not in points]:
            if len(self.rows) > len(points):
                self.rows.remove(row)
                self._spare.append(row)
        while len(self.rows) > len(points):
            self._spare.append(self.rows.pop())
        shown = {row.point for row in self.rows}
        for index, point in enumerate(points):
            if len(self.rows) < len(points) and (index == len(self.rows) or point not in shown):
                spare = self._spare.pop(0) if self._spare else None
                row = spare or _Row(self, self._context, self._looks)
                self._set_spans(row)
                self.rows.insert(index, row)
        for number, row in enumerate(self.rows, start=1):
            row.number(number)
        self._table.children = [row.widget for row in self.rows]

    def edit(self, row: _Row, place: int, value: Any, gesture: str) -> None:
        """Change x (0), y (1) or weight (2) of a point, and say what is wrong with it."""
        if row in self.rows:  # else the point went while its slider was still moving
            index = self.rows.index(row)
            self.error.attempt(partial(self._edit, index, place, value, gesture))

    def remove(self, row: _Row) -> None:
        """Take a point away."""
        if row in self.rows:
            points = removed(points_of(self._state.model), self.rows.index(row))
            self.error.attempt(partial(self._put, points))

    def _put(self, points: Points, gesture: str = "") -> None:
        changes: dict[str, Any] = {NAME: points}
        self._state.update(gesture=gesture, **changes)

    def _edit(self, index: int, place: int, value: Any, gesture: str) -> None:
        points = points_of(self._state.model)
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
