"""Gestures in the diagram: zooming, panning, boxes and outlines, and what a click selects."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.model.selection import selected_hit

from .bench import SHAPE, Bench, press
from .boundary_hand import drag
from .conftest import POINTS, decoded


def test_no_edit_moves_the_view(dashboard, view, gestures, hand):
    before = gestures.limits
    drag(hand, 1, (500.0, 1e5))
    assert dashboard.wait(60)
    dashboard.state.update(crmethod="mm_lacosmic", la_sigclip=7.0)
    assert dashboard.wait(60)
    assert gestures.limits == before
    gestures.home.click()
    assert gestures.data(gestures.limits)[3] > 1e5


@pytest.mark.parametrize("kind", ["asinh", "linear", "log"])
def test_a_line_above_all_pixels_is_inside_from_its_first_view_on(kind):
    frames = np.random.default_rng(2).normal(200, 3, (3, *SHAPE)).astype(np.float32)
    spline = {"mm_boundary_fit": "spline", "mm_fixed_points_in_boundary": None}
    bench = Bench.of(lambda context: DiagramView(context), frames, **spline, mm_nsimulations=20)
    view, made = bench.view, bench.model.analysis
    line = made.boundary.boundary
    # One pixel by chance higher than the line would be in view anyway.
    assert line.highest(190, 210) > np.nanmax(made.stack.median2d - made.stack.min2d)
    early = Bench(made.with_parameters(made.parameters.replace(mm_seed=6)))
    view = early.add(DiagramView(early.context))
    early.state.show(scale=kind)
    early.model.analysis.result("stack")
    early.state.publish(early.model.analysis)
    before = view._gestures.limits
    early.settle()
    after = view._gestures.limits
    line = early.model.analysis.boundary.boundary
    x_min, x_max = view._gestures.data(after)[:2]
    top = view._gestures.places(x_min, line.highest(x_min, x_max))[1]
    assert before[3] < top < after[3]
    early.state.update(dilation=3, mm_fixed_points_in_boundary=[[200, 400, 1e6]])
    early.settle()
    assert view._gestures.limits == after  # no edit moves it
    assert early.model.analysis.boundary.boundary is not line
    view._gestures.go_home()
    line = early.model.analysis.boundary.boundary
    top = view._gestures.places(x_min, line.highest(x_min, x_max))[1]
    assert after[3] < top < view._gestures.limits[3]


@pytest.mark.parametrize("kind", ["asinh", "log"])
def test_every_hit_and_every_point_is_inside(dashboard, view, gestures, kind):
    view.scale.value = kind
    x_min, x_max, y_min, y_max = gestures.limits
    _, x, y, _ = view._painter.flagged(dashboard.state.model)
    assert len(x) > 10
    assert ((x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)).all()
    for x, y, _ in POINTS:
        left, up = gestures.places(x, y)
        assert kind == "log" or x_min <= left <= x_max
        assert y_min <= up <= y_max


def test_linear_axes_show_the_plane_and_hits_on_its_edge(dashboard, view, gestures):
    view.scale.value = "linear"
    plane = dashboard.analysis.plane
    assert gestures.limits[3] == pytest.approx(1.03 * plane.y_edges[-1])
    glyphs = decoded(view.panels["observed"].glyphs.png)
    assert glyphs[-6:, :, 3].any()


def test_a_click_on_a_glyph_selects_its_hit(dashboard, view, gestures):
    pixels, x, y, _ = view._painter.flagged(dashboard.state.model)
    labels = dashboard.analysis.labels.ravel()[pixels]
    x_min, x_max, y_min, y_max = gestures.limits
    k = int(np.flatnonzero(labels > 0)[0])
    at = {
        "plot": "observed", "x": (x[k] - x_min) / (x_max - x_min) + 0.002,
        "y": (y[k] - y_min) / (y_max - y_min),
    }  # fmt: skip
    page = dashboard.session.page
    page._handle_custom_msg({"event": "click", **at}, [])
    row, column = divmod(int(pixels[k]), dashboard.analysis.exposures.shape[1])
    assert selected_hit(dashboard.state.model) == dashboard.analysis.labels[row, column]
    chosen = dashboard.state.model.selection
    page._handle_custom_msg({"event": "click", "plot": "observed", "x": 0.02, "y": 0.98}, [])
    assert dashboard.state.model.selection == chosen


def test_the_wheel_zooms_about_the_pointer_and_home_returns(dashboard, gestures):
    whole, page = gestures.limits, dashboard.session.page
    page.wheel = {"plot": "observed", "x": 0.25, "y": 0.5, "total": -200.0}
    x_min, x_max, y_min, y_max = gestures.limits
    assert whole[0] < x_min < x_max < whole[1]
    assert whole[2] < y_min < y_max < whole[3]
    before, after = (
        np.array([low + 0.25 * (high - low), bottom + 0.5 * (top - bottom)])
        for low, high, bottom, top in (whole, gestures.limits)
    )
    np.testing.assert_allclose(after, before)
    np.testing.assert_allclose(
        dashboard.state.model.display.diagram, gestures.data(gestures.limits)
    )
    gestures.home.click()
    assert gestures.limits == whole
    assert dashboard.state.model.display.diagram is None


def test_panning_in_the_page_reaches_the_state_in_adu(dashboard, view):
    view._scales["x"].set_state({"min": 1.0, "max": 4.0})
    x_min, x_max, *_ = dashboard.state.model.display.diagram
    axis = view.panels["observed"].hand.axes["x"]
    np.testing.assert_allclose([x_min, x_max], axis["softening"] * np.sinh([1.0, 4.0]))


def box_corners(gestures):
    x, y = gestures.places([100.0, 900.0], [10.0, 90.0])
    return {"selected_x": x.tolist(), "selected_y": y.tolist()}


@pytest.mark.parametrize("tool", ["zoom", "box"])
def test_a_box_counts_when_it_is_released_and_the_line_can_be_dragged_again(
    dashboard, gestures, hand, tool
):
    box = gestures._interactions[0][tool]
    gestures.choose(tool)
    assert not hand.active
    box.set_state({"brushing": True, **box_corners(gestures)})
    model = dashboard.state.model
    assert (model.display.diagram, model.selection.outline) == (None, ())
    box.set_state({"brushing": False})
    model = dashboard.state.model
    if tool == "zoom":
        np.testing.assert_allclose(model.display.diagram, (100.0, 900.0, 10.0, 90.0))
    else:
        corners = [(100.0, 10.0), (900.0, 10.0), (900.0, 90.0), (100.0, 90.0)]
        np.testing.assert_allclose(model.selection.outline, corners)
    assert gestures.tool.value == "boundary"
    assert hand.active


def test_a_lasso_selects_an_outline_and_ends_with_it(dashboard, view, gestures):
    lasso = gestures._interactions[0]["lasso"]
    gestures.choose("lasso")
    corners = [(1.0, 2.0), (30.0, 2.0), (30.0, 40.0)]
    events = ["dragstart", "dragmove", "dragend"]
    for event, (x, y) in zip(events, corners, strict=True):
        u, v = (float(place) for place in gestures.places(x, y))
        lasso._handle_custom_msg({"event": event, "domain": {"x": u, "y": v}}, [])
    np.testing.assert_allclose(dashboard.state.model.selection.outline, corners)
    assert gestures.tool.value == "boundary"
    view.clear.click()
    assert dashboard.state.model.selection.outline == ()


def test_keys_choose_tools_over_the_diagram_only(dashboard, view, gestures):
    page = dashboard.session.page
    for key, tool in (("p", "pan"), ("o", "zoom"), ("x", "box"), ("f", "lasso"), ("v", "boundary")):
        press(page, key, at={"plot": "observed"})
        assert gestures.tool.value == tool
        assert (view.panels["observed"].figure.interaction is None) == (tool == "boundary")
