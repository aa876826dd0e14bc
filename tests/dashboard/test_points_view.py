"""The fixed points: pure functions, and the table of sliders."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from crmasks_widgets.dashboard.diagram.points_view import PointsView, points_of
from crmasks_widgets.dashboard.model.points import (
    WEIGHT,
    added,
    moved,
    removed,
    rising,
    weighted,
    widest_gap,
)

from .bench import Bench, small_analysis

POINTS = ((0.0, 25.0, 10000.0), (500.0, 110.0, 20.0), (5000.0, 350.0, 10000.0))
NUMBER = st.floats(-1e6, 1e6)


@pytest.fixture
def bench():
    return Bench(small_analysis(mm_fixed_points_in_boundary=POINTS))


@pytest.fixture
def view(bench):
    view = bench.add(PointsView(bench.context))
    bench.settle()
    return view


def points(bench):
    return points_of(bench.state.model)


def test_a_moved_point_keeps_index_and_weight():
    assert moved(POINTS, 1, 9000, 1) == (POINTS[0], (9000.0, 1.0, 20.0), POINTS[2])
    assert rising(moved(POINTS, 1, 9000, 1)) == (0, 2, 1)
    assert weighted(POINTS, 0, 5.0)[0] == (0.0, 25.0, 5.0)


def test_an_added_point_is_the_last_and_a_removed_one_is_gone():
    assert added(POINTS, 1, 2) == (*POINTS, (1.0, 2.0, WEIGHT))
    assert added((), 1, 2, 3) == ((1.0, 2.0, 3),)
    assert removed(POINTS, 1) == (POINTS[0], POINTS[2])
    assert removed(POINTS[:1], 0) == ()


@given(st.lists(NUMBER, max_size=8), st.floats(-100, 0), st.floats(1, 100))
def test_the_widest_gap_is_nowhere_narrower_than_another(abscissae, low, high):
    x = widest_gap(abscissae, low, high)
    inside = np.array([a for a in abscissae if low < a < high])
    assert low < x < high
    distance = np.abs(np.array([low, high, *inside]) - x).min()
    edges = np.sort([low, high, *inside])
    assert distance == pytest.approx(np.diff(edges).max() / 2)


def test_rows_show_the_points_in_the_range_of_the_diagram(bench, view):
    assert len(view._table.children) == 3
    plane = bench.state.model.analysis.plane
    for row, (x, y, weight) in zip(view.rows, POINTS, strict=True):
        assert (row.x.slider.value, row.y.slider.value) == (x, y)
        assert (row.x.text.value, row.y.text.value) == (f"{x:g}", f"{y:g}")
        assert row.weight.text.value == f"{weight:g}"
        assert row.x.slider.min <= plane.x_edges[0] < plane.x_edges[-1] <= row.x.slider.max
        assert row.y.slider.min <= plane.y_edges[0] < plane.y_edges[-1] <= row.y.slider.max
        assert row.x.slider.max < 1.1 * plane.x_edges[-1]
        assert row.y.slider.max < 1.1 * plane.y_edges[-1]


def test_sliders_move_the_point_in_one_step_each(bench, view):
    x, y = view.rows[1].x.slider, view.rows[1].y.slider
    for position in (x.min + 30 * x.step, x.min + 31 * x.step):
        x.value = position
        assert points(bench)[1] == (pytest.approx(position), 110.0, 20.0)
    for position in (y.min + 20 * y.step, y.min + 21 * y.step):
        y.value = position
    assert points(bench)[1][1] == pytest.approx(position)
    assert (points(bench)[0], points(bench)[2]) == (POINTS[0], POINTS[2])
    bench.state.undo()
    assert points(bench)[1][1] == 110.0
    assert y.value == 110.0
    bench.state.undo()
    assert points(bench) == POINTS
    assert not bench.state.can_undo


def test_the_table_follows_points_that_were_moved_elsewhere(bench, view):
    bench.state.update(mm_fixed_points_in_boundary=[*moved(POINTS, 2, 4000, 300), (6000, 400, 7)])
    assert len(view._table.children) == 4
    assert view.rows[2].x.text.value == "4000"
    assert view.rows[2].y.slider.value == pytest.approx(300.0)
    assert view.rows[3].weight.text.value == "7"
    bench.state.update(mm_fixed_points_in_boundary=POINTS[:2])
    assert len(view._table.children) == 2
    bench.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert len(view._table.children) == 0


def test_typed_values_and_weights(bench, view):
    view.rows[0].x.text.value = "12.5"
    view.rows[0].y.text.value = "1e2"
    view.rows[0].weight.text.value = "3"
    assert points(bench)[0] == (12.5, 100.0, 3.0)


def test_a_slider_does_not_run_away_from_a_diagram_that_grows(bench, view):
    slider = view.rows[2].y.slider
    top = slider.max
    for part in (0.9, 1.0):
        slider.value = part * top
        bench.settle()
        assert slider.max == top
        assert slider.value == part * top
    assert bench.state.model.analysis.plane.y_edges[-1] > 1.5 * top
    view.rows[2].y.text.value = str(3 * top)
    bench.settle()
    assert slider.max >= 3 * top
    assert slider.value == 3 * top


def test_ranges_follow_another_bias(bench, view):
    bench.state.update(bias=50.0)
    bench.settle()
    edges = bench.state.model.analysis.plane.x_edges
    assert view.rows[0].x.slider.max >= edges[-1]
    assert view.rows[0].x.slider.max < 1.1 * edges[-1]


def test_add_puts_a_point_on_the_boundary_in_the_widest_gap(bench, view):
    bench.state.update(mm_boundary_fit="spline")
    bench.settle()
    boundary = bench.state.model.analysis.boundary.boundary
    view.add.click()
    assert len(points(bench)) == 4
    x, y, weight = points(bench)[3]
    span = view._spans[0]
    assert x == pytest.approx(widest_gap([p[0] for p in POINTS], span.low, span.high), rel=1e-3)
    assert y == pytest.approx(float(boundary(x)), rel=1e-2)
    assert weight == WEIGHT


def test_add_before_anything_is_computed():
    bench = Bench(small_analysis(mm_fixed_points_in_boundary=[[0, 10], [50, 20]]))
    view = bench.add(PointsView(bench.context))
    view.add.click()
    assert points(bench)[2] == (25.0, 15.0, WEIGHT)
    bench = Bench(small_analysis(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None))
    view = bench.add(PointsView(bench.context))
    view.add.click()
    assert points(bench) == ((50.0, 50.0, WEIGHT),)


def test_delete(bench, view):
    row, last = view.rows[1:]
    for _ in range(2):  # twice, before the page shows that it is gone
        row.delete.click()
        assert points(bench) == (POINTS[0], POINTS[2])
    assert view.rows[1] is last
    assert view.rows[1].x.text.value == "5000"
    assert "y of point 2" in last.y.text.description
    row.y.slider.value = 77.0  # as it was still moving
    assert points(bench) == (POINTS[0], POINTS[2])
    bench.state.undo()
    assert points(bench) == POINTS
    assert view.rows[2] is last
    assert [row.x.text.value for row in view.rows] == ["0", "500", "5000"]


def test_where_a_slider_is_let_go_comes_before_what_is_undone_after_it(bench, view):
    slider = view.rows[1].y.slider
    bench.tell(event="hold", slider=slider.model_id)
    slider.set_state({"value": 200.0})
    bench.tell(event="release", slider=slider.model_id, value=220.0)
    assert points(bench)[1] == (500.0, 220.0, 20.0)
    bench.state.undo()
    assert points(bench) == POINTS
    slider.set_state({"value": 220.0})  # what Jupyter held back
    assert points(bench) == POINTS
    assert slider.value == pytest.approx(110.0, abs=slider.step / 2)
    slider.set_state({"value": 220.0})
    assert points(bench)[1] == (500.0, 220.0, 20.0)


def test_what_straight_lines_cannot_go_through(bench, view):
    view.rows[1].x.text.value = "0"
    assert "found x = 0 2 times" in view.error.text
    assert points(bench) == POINTS
    view.rows[1].delete.click()
    view.rows[0].delete.click()
    assert "found 1, expected at least 2 points" in view.error.text
    assert len(points(bench)) == 2
    assert bench.errors == []


def test_the_kind_of_boundary_is_refused_where_points_are_missing(bench, view):
    view.fit.pick.value = "spline"
    assert bench.state.model.parameters.mm_boundary_fit == "spline"
    bench.state.update(mm_fixed_points_in_boundary=POINTS[:1])
    view.fit.pick.value = "piecewise"
    assert "expected at least 2 points" in view.error.text
    assert view.fit.pick.value == "spline"
    view.add.click()
    view.fit.pick.value = "piecewise"
    assert bench.state.model.parameters.mm_boundary_fit == "piecewise"
    assert view.error.text == ""


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [("weight", "-3", "weight above 0"), ("weight", "0", "weight above 0"),
     ("x", "a <b>", "point 1: found 'a <b>', expected a number"),
     ("y", "", "point 1: found null, expected a number"),
     ("y", "true", "point 1: found True, expected a number"), ("y", ".inf", "finite")],
)  # fmt: skip
def test_refused_numbers(bench, view, field, text, message):
    getattr(view.rows[0], field).text.value = text
    assert message in view.error.text
    assert "<b>" not in view.error.widget.value
    assert points(bench) == POINTS


def test_a_note_says_when_points_have_no_effect(bench, view):
    assert view.note.value == "<small></small>"
    bench.state.update(mm_expected_false=1.0)
    assert "mm_expected_false" in view.note.value
    for method in ("lacosmic", "significance"):
        bench.state.update(crmethod=method)
        assert f"crmethod {method} takes no boundary" in view.note.value
