"""Gestures in the diagram change the parameters and the view, and the view shows them."""

import numpy as np
import pytest

from crmasks_widgets.core.codes import BOTH, all_codes
from crmasks_widgets.core.detectors import DETECTORS
from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.model.on_screen import detected_pixels

from .conftest import POINTS, decoded

MM_ONLY = DETECTORS["mm"].code


@pytest.fixture
def view(dashboard):
    (found,) = [v for v in dashboard.session.views if isinstance(v, DiagramView)]
    return found


@pytest.fixture
def gestures(view):
    return view._gestures


def parameters(dashboard):
    return dashboard.state.model.parameters


def drag(panel, index, x, y):
    """Take a point and move it."""
    take(panel, index)
    move(panel, index, x, y)


def take(panel, index):
    panel.points._handle_custom_msg({"event": "drag_start", "index": index, "point": {}}, [])


def move(panel, index, x, y):
    """Move a point as the page does: both coordinates arrive one after the other."""
    xs, ys = np.array(panel.points.x), np.array(panel.points.y)
    xs[index] = x
    panel.points.x = xs
    ys[index] = y
    panel.points.y = ys


def drop(panel, index, place=None):
    """Let a point go, where it was moved last or elsewhere."""
    x, y = (panel.points.x[index], panel.points.y[index]) if place is None else place
    content = {"event": "drag_end", "index": index, "point": {"x": x, "y": y}}
    panel.points._handle_custom_msg(content, [])


@pytest.mark.parametrize("name", ["expected", "observed"])
def test_a_dragged_point_moves_the_boundary_and_the_masks(dashboard, view, name):
    before = dashboard.analysis.flags("median").counts()["either"]
    drag(view.panels[name], 1, 480.123456, 60.987654)
    drop(view.panels[name], 1)
    assert dashboard.wait(60)
    assert parameters(dashboard).mm_fixed_points_in_boundary == (
        POINTS[0], (480.12, 60.99, 1e4), POINTS[2],
    )  # fmt: skip
    assert dashboard.analysis.parameters == parameters(dashboard)
    assert dashboard.analysis.flags("median").counts()["either"] > before
    for panel in view.panels.values():
        assert panel.points.x.tolist() == [0.0, 480.12, 5000.0]
        curve = dashboard.analysis.boundary.boundary
        np.testing.assert_allclose(panel._boundary.y, curve(panel._boundary.x))
    # A drag is one step of undo.
    dashboard.state.undo()
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS
    assert not dashboard.state.can_undo


@pytest.mark.parametrize("moves", [[], [(480.0, 60.0)]], ids=["a quick drag", "a slow one"])
def test_a_move_that_comes_after_the_end_of_its_drag_changes_nothing(dashboard, view, moves):
    panel, last = view.panels["observed"], (470.123, 61.0)
    take(panel, 1)
    for place in moves:
        move(panel, 1, *place)
    drop(panel, 1, last)
    for _ in range(2):
        move(panel, 1, *last)
        assert parameters(dashboard).mm_fixed_points_in_boundary == (
            POINTS[0], (470.12, 61.0, 1e4), POINTS[2],
        )  # fmt: skip
        assert (panel.points.x[1], panel.points.y[1]) == (470.12, 61.0)
    dashboard.state.undo()
    move(panel, 1, *last)
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS
    assert (panel.points.x[1], panel.points.y[1]) == POINTS[1][:2]
    assert not dashboard.state.can_undo


def test_a_point_may_be_deleted_while_it_is_dragged(dashboard, view):
    panel = view.panels["observed"]
    drag(panel, 2, 4000.0, 110.0)
    dashboard.state.update(mm_fixed_points_in_boundary=POINTS[:2])
    drop(panel, 2, (4100.0, 111.0))
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS[:2]
    dashboard.state.update(dilation=2)
    dashboard.state.undo()
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS[:2]


def test_a_click_on_a_point_is_no_change(dashboard, view):
    exact = (POINTS[0], (480.123456, 60.987654, 1e4), POINTS[2])
    dashboard.state.update(mm_fixed_points_in_boundary=exact)
    take(view.panels["observed"], 1)
    drop(view.panels["observed"], 1)
    assert parameters(dashboard).mm_fixed_points_in_boundary == exact


def test_a_point_does_not_jump_back_while_it_is_dragged(dashboard, view):
    panel, other = view.panels["observed"], view.panels["expected"]
    drag(panel, 1, 480.0, 60.0)
    x, y = np.array([0.0, 470.0, 5000.0]), np.array([25.0, 61.0, 350.0])
    with panel.points.hold_trait_notifications():
        panel.points.x, panel.points.y = x, y
        # The widget knows a newer place while an older one is drawn.
        dashboard.state.refresh()
        assert other.points.x[1] == 480.0
    assert parameters(dashboard).mm_fixed_points_in_boundary[1] == (470.0, 61.0, 1e4)
    assert other.points.x[1] == 470.0
    drop(panel, 1)
    np.testing.assert_array_equal(panel.points.x, x)


def test_a_drag_right_after_another_is_a_step_of_its_own(dashboard, view):
    panel = view.panels["observed"]
    drag(panel, 1, 480.0, 60.0)
    drop(panel, 1)
    drag(panel, 1, 470.0, 61.0)
    drop(panel, 1)
    dashboard.state.undo()
    assert parameters(dashboard).mm_fixed_points_in_boundary[1] == (480.0, 60.0, 1e4)


def test_a_point_while_it_is_dragged_does_not_move_the_view(dashboard, view):
    panel = view.panels["observed"]
    top = view._scales["y"].max
    drag(panel, 1, 500.0, 5 * top)
    assert dashboard.wait(60)
    assert view._scales["y"].max == top
    drop(panel, 1)
    assert dashboard.wait(60)
    assert view._scales["y"].max > top


def test_a_point_on_the_x_of_another_is_refused_in_words(dashboard, view):
    drag(view.panels["observed"], 1, 5000.0, 110.0)
    assert "found x = 5000 2 times" in dashboard.session.status.message.value
    drop(view.panels["observed"], 1)
    assert view.panels["observed"].points.x.tolist() == [0.0, 500.0, 5000.0]
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS


def test_a_double_click_adds_a_point_and_d_deletes_it(dashboard, view):
    page = dashboard.session.page
    x_max, y_max = view._scales["x"].max, view._scales["y"].max
    x_min = view._scales["x"].min
    page._handle_custom_msg({"event": "dblclick", "plot": "observed", "x": 0.5, "y": 0.25}, [])
    *_, (x, y, weight) = parameters(dashboard).mm_fixed_points_in_boundary
    assert (x, y) == (round(x_min + 0.5 * (x_max - x_min), 2), round(0.25 * y_max, 2))
    assert weight == 1e4
    assert dashboard.wait(60)
    page.pointer = {"plot": "observed", "x": 0.1, "y": 0.9}
    press(page, "d")
    assert len(parameters(dashboard).mm_fixed_points_in_boundary) == 4
    page.pointer = {"plot": "observed", "x": 0.51, "y": 0.25}
    press(page, "d")
    assert parameters(dashboard).mm_fixed_points_in_boundary == POINTS


def press(page, key, **more):
    content = {"event": "key", "key": key, "control": False, "shift": False, "at": None}
    page._handle_custom_msg(content | more, [])


def test_points_taken_from_a_spline_lie_on_it(dashboard, gestures):
    dashboard.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert dashboard.wait(60)
    spline = dashboard.analysis.boundary.boundary
    gestures.from_boundary.click()
    chosen = parameters(dashboard)
    assert chosen.mm_boundary_fit == "piecewise"
    x, y, _ = np.array(chosen.mm_fixed_points_in_boundary).T
    np.testing.assert_allclose(y, spline(x), atol=0.02)


def test_the_wheel_zooms_about_the_pointer_and_home_returns(dashboard, view, gestures):
    page, scales = dashboard.session.page, view._scales
    whole = [(scales[a].min, scales[a].max) for a in "xy"]
    page.wheel = {"plot": "observed", "x": 0.25, "y": 0.5, "total": -200.0}
    zoomed = [(scales[a].min, scales[a].max) for a in "xy"]
    for (low, high), (new_low, new_high), at in zip(whole, zoomed, (0.25, 0.5), strict=True):
        assert low < new_low < new_high < high
        before, after = low + at * (high - low), new_low + at * (new_high - new_low)
        assert after == pytest.approx(before)
    assert dashboard.state.model.display.diagram == (*zoomed[0], *zoomed[1])
    gestures.home.click()
    assert [(scales[a].min, scales[a].max) for a in "xy"] == whole
    assert dashboard.state.model.display.diagram is None


def test_panning_in_the_page_reaches_the_state(dashboard, view):
    view._scales["x"].set_state({"min": 10.0, "max": 700.0})
    x_min, x_max, *_ = dashboard.state.model.display.diagram
    assert (x_min, x_max) == (10.0, 700.0)


def test_a_box_zooms_when_it_is_released(dashboard, gestures):
    box = gestures._interactions[1]["Zoom box"]
    box.set_state({"brushing": True, "selected_x": [100.0, 900.0], "selected_y": [10.0, 90.0]})
    assert dashboard.state.model.display.diagram is None
    box.set_state({"brushing": False})
    assert dashboard.state.model.display.diagram == (100.0, 900.0, 10.0, 90.0)


def test_brush_and_lasso_select_an_outline(dashboard, gestures):
    brush = gestures._interactions[0]["Brush"]
    brush.set_state({"selected_x": [100.0, 900.0], "selected_y": [10.0, 90.0]})
    outline = dashboard.state.model.selection.outline
    assert outline == ((100.0, 10.0), (900.0, 10.0), (900.0, 90.0), (100.0, 90.0))
    lasso = gestures._interactions[1]["Lasso"]
    corners = [(1.0, 2.0), (30.0, 2.0), (30.0, 40.0)]
    events = ["dragstart", "dragmove", "dragend"]
    for event, (x, y) in zip(events, corners, strict=True):
        lasso._handle_custom_msg({"event": event, "domain": {"x": x, "y": y}}, [])
    assert dashboard.state.model.selection.outline == tuple(corners)
    gestures.clear.click()
    assert dashboard.state.model.selection.outline == ()


def test_keys_choose_tools_over_the_diagram_only(dashboard, view, gestures):
    page = dashboard.session.page
    for key, tool in (("p", "Pan"), ("o", "Zoom box"), ("b", "Brush"), ("v", "Points")):
        press(page, key, at={"plot": "observed"})
        assert gestures.tool.value == tool
        interactions = {type(p.figure.interaction) for p in view.panels.values()}
        assert (interactions == {type(None)}) == (tool == "Points")


def test_each_target_has_its_own_diagram_and_flags(dashboard, view):
    seen = set()
    for target in ("median", "mean", 2):
        view.target.value = target
        assert dashboard.wait(60)
        model = dashboard.state.model
        assert model.display.target == target
        pixels, codes = detected_pixels(model)
        flags = dashboard.analysis.flags(target)
        np.testing.assert_array_equal(pixels, np.flatnonzero(flags.either))
        assert np.count_nonzero(codes == BOTH) == flags.counts()["both"]
        assert np.count_nonzero(codes == MM_ONLY) == flags.counts()["mm only"]
        panel = view.panels["observed"]
        seen.add(panel.density.png)
        label = target if isinstance(target, str) else f"exposure {target}"
        assert panel.figure.axes[1].label.startswith(label)
    assert len(seen) == 3


def test_glyphs_on_screen_have_the_colours_of_what_is_flagged(dashboard, view):
    dashboard.state.show(diagram=(-50.0, 6000.0, -10.0, 20000.0))
    _, codes = detected_pixels(dashboard.state.model)
    picture = decoded(view.panels["observed"].overlay.png)
    colours = {tuple(c) for c in picture[picture[..., 3] > 0][:, :3].tolist()}
    wanted = {tuple(bytes.fromhex(all_codes()[c].colour[1:])) for c in np.unique(codes)}
    assert colours - {(255, 255, 255)} <= wanted
    assert len(colours) > 1


def test_a_zoomed_image_restricts_the_diagram_to_its_pixels(dashboard, view):
    whole = view.panels["observed"].density.png
    dashboard.state.show(image=(9.6, 40.2, 19.7, 50.0))
    assert "pixels on screen" in view.panels["observed"].title.value
    assert view.panels["observed"].density.png != whole
    pixels, _ = detected_pixels(dashboard.state.model)
    y, x = np.divmod(pixels, dashboard.analysis.exposures.shape[1])
    inside = dashboard.analysis.flags("median").either[20:51, 10:41]
    assert len(pixels) == np.count_nonzero(inside)
    assert ((x >= 10) & (x <= 40) & (y >= 20) & (y <= 50)).all()


def test_the_selected_hit_is_ringed_and_numbers_are_its_own(dashboard, view):
    labels = dashboard.analysis.labels
    y, x = np.argwhere(labels == 1)[0]
    dashboard.state.select(pixel=(int(y), int(x)))
    panel, stack = view.panels["observed"], dashboard.analysis.stack
    flagged = dashboard.analysis.flags("median").either & (labels == 1)
    assert sorted(panel._selected.x) == sorted(stack.min2d[flagged])
    view.numbers.value = True
    hit = dashboard.analysis.flags("median").either & (labels > 0)
    limits = view._gestures._limits
    excess = stack.median2d - stack.min2d
    inside = hit & (excess <= limits[3]) & (stack.min2d <= limits[1])
    assert set(panel._numbers.text) == {str(n) for n in np.unique(labels[inside])}


def test_iterations_of_a_spline_are_drawn_on_request(dashboard, view):
    dashboard.state.update(mm_boundary_fit="spline")
    assert dashboard.wait(60)
    panel = view.panels["expected"]
    assert [len(mark.x) > 0 for mark in panel._iterations] == [False] * 5
    view.iterations.value = True
    assert [len(mark.x) > 0 for mark in panel._iterations] == [True] * 3 + [False] * 2
    first = dashboard.analysis.boundary.iterations[0]
    np.testing.assert_allclose(panel._iterations[0].y, first(panel._iterations[0].x))


def test_without_mm_there_is_no_boundary(dashboard, view):
    dashboard.state.update(crmethod="lacosmic")
    assert dashboard.wait(60)
    assert len(view.panels["observed"]._boundary.x) == 0


def test_the_readout_names_the_place_under_the_pointer(dashboard, view):
    dashboard.session.page.pointer = {"plot": "expected", "x": 0.0, "y": 0.0}
    assert "boundary there" in view.readout.value
    dashboard.session.page.pointer = {}
    assert view.readout.value == ""
