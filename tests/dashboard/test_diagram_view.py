"""Gestures in the diagram change the parameters and the view, and the view shows them."""

import numpy as np
import pytest

from crmasks_widgets.core.codes import BOTH, FORCED, all_codes
from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.model.on_screen import detected_pixels
from crmasks_widgets.dashboard.model.selection import selected_hit
from crmasks_widgets.dashboard.page.status import HINT
from crmasks_widgets.detectors import DETECTORS

from .conftest import POINTS, decoded

MM_ONLY = DETECTORS["mm"].code
GESTURE = "one"


@pytest.fixture
def view(dashboard):
    (found,) = [v for v in dashboard.session.views if isinstance(v, DiagramView)]
    return found


@pytest.fixture
def hand(view):
    return view.panels["observed"].hand


@pytest.fixture
def gestures(view):
    return view._gestures


def parameters(dashboard):
    return dashboard.state.model.parameters


def points(dashboard):
    return parameters(dashboard).mm_fixed_points_in_boundary


def say(hand, **content):
    hand._handle_custom_msg(content, [])


def take(hand, index, gesture=GESTURE):
    say(hand, event="grasp", gesture=gesture, index=index)


def move(hand, index, x, y, gesture=GESTURE):
    hand.set_state({"moved": {"gesture": gesture, "index": index, "x": x, "y": y}})


def drop(hand, index, x, y, gesture=GESTURE):
    say(hand, event="drop", gesture=gesture, index=index, x=x, y=y)


def drag(hand, index, *places, gesture=GESTURE):
    """Take a point, move it, and let it go where it was last."""
    take(hand, index, gesture)
    for place in places:
        move(hand, index, *place, gesture)
    drop(hand, index, *places[-1], gesture)


def test_a_dragged_point_moves_the_boundary_and_the_masks(dashboard, view, hand):
    before = dashboard.analysis.flags("median").counts()["either"]
    take(hand, 1)
    move(hand, 1, 480.123456, 60.987654)
    assert points(dashboard)[1] == (480.12, 60.99, 1e4)
    assert dashboard.wait(60)
    assert hand.scene["settled"]
    drop(hand, 1, 470.123456, 61.987654)
    assert hand.answered == GESTURE
    assert not hand.scene["settled"]
    assert dashboard.wait(60)
    assert points(dashboard) == (POINTS[0], (470.12, 61.99, 1e4), POINTS[2])
    assert dashboard.analysis.parameters == parameters(dashboard)
    assert dashboard.analysis.flags("median").counts()["either"] > before
    curve = dashboard.analysis.boundary.boundary
    assert hand.scene["points"] == [list(point) for point in points(dashboard)]
    assert hand.scene["curve"] == {"x": curve.knots.tolist(), "y": curve.values.tolist()}
    assert hand.scene["settled"]


def test_a_drag_is_one_step_whatever_time_passes(dashboard, hand, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(dashboard.state, "_clock", lambda: clock[0])
    take(hand, 1)
    for x in (480.0, 470.0, 460.0):
        clock[0] += 100
        move(hand, 1, x, 60.0)
        assert dashboard.wait(60)
    drop(hand, 1, 450.0, 60.0)
    drag(hand, 1, (440.0, 61.0), gesture="two")
    dashboard.state.undo()
    assert points(dashboard)[1] == (450.0, 60.0, 1e4)
    dashboard.state.undo()
    assert points(dashboard) == POINTS
    assert not dashboard.state.can_undo


@pytest.mark.parametrize("moves", [[], [(480.0, 60.0)]], ids=["a quick drag", "a slow one"])
def test_a_move_that_comes_after_the_end_of_its_drag_changes_nothing(dashboard, hand, moves):
    drag(hand, 1, *moves, (470.123, 61.0))
    for _ in range(2):
        move(hand, 1, 300.0, 99.0)
        assert points(dashboard) == (POINTS[0], (470.12, 61.0, 1e4), POINTS[2])
    dashboard.state.undo()
    move(hand, 1, 301.0, 99.0)
    drop(hand, 1, 301.0, 99.0)
    assert points(dashboard) == POINTS
    assert not dashboard.state.can_undo


def test_the_line_bears_a_point_where_it_is_grasped(dashboard, hand):
    take(hand, 3)
    for x, y in ((1000.0, 150.0), (1000.0, 120.0)):
        move(hand, 3, x, y)
        assert points(dashboard) == (*POINTS, (x, y, 1e4))
    drop(hand, 3, 990.0, 110.0)
    assert points(dashboard) == (*POINTS, (990.0, 110.0, 1e4))
    dashboard.state.undo()
    assert points(dashboard) == POINTS


def test_a_point_on_a_spline_pulls_its_fit(dashboard, hand):
    dashboard.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert dashboard.wait(60)
    spline = dashboard.analysis.boundary.boundary.spline
    assert hand.scene["curve"] == {"t": spline.t.tolist(), "c": spline.c.tolist()}
    drag(hand, 0, (500.0, 200.0))
    assert dashboard.wait(60)
    assert parameters(dashboard).mm_boundary_fit == "spline"
    assert float(dashboard.analysis.boundary.boundary(500.0)) == pytest.approx(200, rel=0.05)


def test_a_point_may_be_deleted_while_it_is_dragged(dashboard, hand):
    take(hand, 2)
    move(hand, 2, 4000.0, 110.0)
    dashboard.state.update(mm_fixed_points_in_boundary=POINTS[:2])
    drop(hand, 2, 4100.0, 111.0)
    assert points(dashboard) == POINTS[:2]
    dashboard.state.update(dilation=2)
    dashboard.state.undo()
    assert points(dashboard) == POINTS[:2]


def test_a_point_that_is_put_down_where_it_was_is_no_change(dashboard, hand):
    exact = (POINTS[0], (480.123456, 60.987654, 1e4), POINTS[2])
    dashboard.state.update(mm_fixed_points_in_boundary=exact)
    drag(hand, 1, (480.124, 60.989))
    assert points(dashboard) == exact


def test_a_point_on_the_x_of_another_is_refused_in_words(dashboard, hand):
    drag(hand, 1, (5000.0, 110.0))
    assert "found x = 5000 2 times" in dashboard.session.status.message.value
    assert hand.answered == GESTURE
    assert hand.scene["points"] == [list(point) for point in POINTS]
    assert points(dashboard) == POINTS


def test_exact_numbers_and_removal(dashboard, hand):
    say(hand, event="exact", index=1, point=[444.4321, 111.1234, 5.0])
    assert points(dashboard) == (POINTS[0], (444.4321, 111.1234, 5.0), POINTS[2])
    say(hand, event="exact", index=1, point=[5000.0, 1.0, 5.0])
    assert "found x = 5000 2 times" in dashboard.session.status.message.value
    say(hand, event="remove", index=1)
    assert points(dashboard) == (POINTS[0], POINTS[2])
    say(hand, event="remove", index=2)
    assert points(dashboard) == (POINTS[0], POINTS[2])


def test_no_edit_moves_the_view(dashboard, view, gestures, hand):
    before = gestures.limits
    drag(hand, 1, (500.0, 1e5))
    assert dashboard.wait(60)
    dashboard.state.update(crmethod="mm_lacosmic", la_sigclip=7.0)
    assert dashboard.wait(60)
    assert gestures.limits == before
    gestures.home.click()
    assert gestures.data(gestures.limits)[3] > 1e5


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


def test_a_double_click_adds_a_point_and_d_deletes_it(dashboard, view, gestures):
    page = dashboard.session.page
    x, y = gestures.data(gestures.pointed({"plot": "observed", "x": 0.55, "y": 0.45}))
    page._handle_custom_msg({"event": "dblclick", "plot": "observed", "x": 0.55, "y": 0.45}, [])
    assert points(dashboard)[3] == (round(x, 2), round(y, 2), 1e4)
    assert dashboard.wait(60)
    page.pointer = {"plot": "observed", "x": 0.1, "y": 0.99}
    press(page, "d")
    assert len(points(dashboard)) == 4
    page.pointer = {"plot": "observed", "x": 0.56, "y": 0.45}
    press(page, "d")
    assert points(dashboard) == POINTS
    press(page, "a")
    assert len(points(dashboard)) == 4


def test_where_points_have_no_effect_none_is_added(dashboard, hand):
    dashboard.state.update(mm_expected_false=1.0)
    assert not hand.scene["movable"]
    page = dashboard.session.page
    page._handle_custom_msg({"event": "dblclick", "plot": "observed", "x": 0.5, "y": 0.5}, [])
    assert points(dashboard) == POINTS


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


def press(page, key, **more):
    content = {"event": "key", "key": key, "control": False, "shift": False, "at": None}
    page._handle_custom_msg(content | more, [])


def test_a_spline_that_bends_far_from_the_hand_is_said_and_lines_that_stay_are_offered(
    dashboard, hand
):
    dashboard.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert dashboard.wait(60)
    before, status = dashboard.analysis.boundary.boundary, dashboard.session.status
    place = (300.0, 2.5 * float(before(300.0)))
    drag(hand, 0, place)
    assert dashboard.wait(60)
    assert "A spline bends as a whole: at x = " in status.message.value
    assert status.offered.layout.display == ""
    # As long as the spline bends so, also after other things were said and changed.
    status.say("saved")
    assert status.offered.layout.display == "none"
    dashboard.state.update(dilation=2)
    assert dashboard.wait(60)
    assert "A spline bends as a whole: at x = " in status.message.value
    assert status.offered.layout.display == ""
    dashboard.state.undo()
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert status.offered.layout.display == "none"
    assert HINT in status.message.value
    dashboard.state.redo()
    assert dashboard.wait(60)
    status.offered.click()
    assert dashboard.wait(60)
    assert status.offered.layout.display == "none"
    after = dashboard.analysis.boundary.boundary
    x_low, x_high = dashboard.analysis.plane.x_edges[[0, -1]]
    far = np.array([x_low, 150.0, 600.0, x_high])
    np.testing.assert_allclose(after(far), before(far), atol=0.1)
    assert float(after(300.0)) == pytest.approx(place[1], abs=0.01)
    # Lines through points stay put elsewhere: nothing to be said.
    drag(hand, points(dashboard).index((*map(float, np.round(place, 2)), 1e4)), (300.0, 90.0))
    assert dashboard.wait(60)
    assert status.offered.layout.display == "none"


def test_points_taken_from_a_spline_lie_on_it(dashboard, view):
    dashboard.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert dashboard.wait(60)
    spline = dashboard.analysis.boundary.boundary
    view.from_boundary.click()
    chosen = parameters(dashboard)
    assert chosen.mm_boundary_fit == "piecewise"
    x, y, _ = np.array(chosen.mm_fixed_points_in_boundary).T
    np.testing.assert_allclose(y, spline(x), atol=0.02)


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


def test_what_the_legend_hides_is_not_drawn(dashboard, view, hand):
    panel, colour = view.panels["observed"], rgb(all_codes()[MM_ONLY].colour)
    dashboard.state.show(hidden=frozenset({MM_ONLY}))
    picture = decoded(panel.glyphs.png)
    assert colour not in {tuple(c) for c in picture[picture[..., 3] == 255][:, :3].tolist()}
    assert hand.scene["hidden"] == [MM_ONLY]


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
    _, codes = detected_pixels(dashboard.state.model)
    picture = decoded(view.panels["observed"].glyphs.png)
    colours = {tuple(c) for c in picture[picture[..., 3] == 255][:, :3].tolist()}
    for code in all_codes().values():
        assert (rgb(code.colour) in colours) == (code.number in codes), code.name
    assert len(set(codes)) > 1


def test_the_diagram_counts_the_pixels_of_the_image_alone_if_asked(dashboard, view):
    panel = view.panels["observed"]
    whole = panel.density.png
    dashboard.state.show(image=(9.6, 40.2, 19.7, 50.0))
    assert panel.density.png == whole
    view.linked.value = True
    assert panel.density.png != whole
    pixels, _ = detected_pixels(dashboard.state.model)
    y, x = np.divmod(pixels, dashboard.analysis.exposures.shape[1])
    inside = dashboard.analysis.flags("median").either[20:51, 10:41]
    assert len(pixels) == np.count_nonzero(inside)
    assert ((x >= 10) & (x <= 40) & (y >= 20) & (y <= 50)).all()


def test_the_selected_hit_is_ringed_and_numbers_are_its_own(dashboard, view):
    labels = dashboard.analysis.labels
    y, x = np.argwhere(labels == 1)[0]
    panel, ring = view.panels["observed"], rgb("#f0b400")
    dashboard.state.select(pixel=None)
    assert ring not in set(map(tuple, decoded(panel.glyphs.png)[..., :3].reshape(-1, 3).tolist()))
    dashboard.state.select(pixel=(int(y), int(x)))
    assert ring in set(map(tuple, decoded(panel.glyphs.png)[..., :3].reshape(-1, 3).tolist()))
    view.numbers.value = True
    hit = dashboard.analysis.flags("median").either & (labels > 0)
    assert set(panel.numbers.text) == {str(n) for n in np.unique(labels[hit])}
    view.numbers.value = False
    assert len(panel.numbers.text) == 0


def test_iterations_of_a_spline_and_their_crosses_are_drawn_on_request(dashboard, view, hand):
    dashboard.state.update(mm_boundary_fit="spline")
    assert dashboard.wait(60)
    assert (hand.scene["iterations"], hand.scene["crosses"]) == ([], [])
    view.iterations.value = True
    fits = dashboard.analysis.boundary.iterations[:-1]
    assert [curve["c"] for curve in hand.scene["iterations"]] == [
        fit.spline.c.tolist() for fit in fits
    ]
    assert len(hand.scene["crosses"]) == len(dashboard.analysis.expected.cross_x)


def test_the_expected_diagram_is_a_line_over_the_observed_or_beside_it(dashboard, view):
    observed = view.panels["observed"]
    assert decoded(observed.contours.png)[..., 3].any()
    assert list(view.panels) == ["observed"]
    view.side.value = True
    assert [panel.widget for panel in (view.panels["expected"], observed)] == list(
        view._body.children
    )
    assert not decoded(observed.contours.png)[..., 3].any()
    assert decoded(view.panels["expected"].density.png)[..., 3].any()
    drag(view.panels["expected"].hand, 1, (480.0, 60.0))
    assert points(dashboard)[1] == (480.0, 60.0, 1e4)
    view.side.value = False
    assert view._body.children == (observed.widget,)


def test_the_threshold_is_drawn_where_one_is_asked_for(dashboard, hand):
    assert hand.scene["levels"] == []
    dashboard.state.update(mm_threshold=70.0)
    assert dashboard.wait(60)
    (level,) = hand.scene["levels"]
    assert (level["y"], level["text"], hand.scene["threshold"]) == (70.0, "threshold 70 ADU", 70.0)


def test_without_mm_there_is_no_boundary(dashboard, hand):
    dashboard.state.update(crmethod="lacosmic")
    assert dashboard.wait(60)
    assert hand.scene["curve"] is None
    assert not hand.scene["movable"]
    assert [entry["name"] for entry in hand.legend] == ["L.A.Cosmic"]


def unpacked(dashboard, hand):
    """Candidates and what else is flagged, as the page reads them."""
    n, m = len(hand.places) // 8, len(hand.rest) // 9
    x, y = np.frombuffer(hand.places, np.float32).reshape(2, n)
    rest = np.frombuffer(hand.rest, np.float32, 2 * m).reshape(2, m)
    codes = np.frombuffer(hand.others, np.uint8), np.frombuffer(hand.rest, np.uint8, m, 8 * m)
    return np.append(x, rest[0]), np.append(y, rest[1]), np.append(*codes), n


def test_the_page_can_judge_the_candidates_as_the_kernel_does(dashboard, view, hand):
    dashboard.state.update(crmethod="mm_lacosmic", pixels_to_be_flagged_as_cr=((5, 5),))
    assert dashboard.wait(60)
    x, y, others, n = unpacked(dashboard, hand)
    assert n == len(others[:n])
    for height in (110.0, 60.0):
        dashboard.state.update(mm_fixed_points_in_boundary=(POINTS[0], (500.0, height, 1.0)))
        assert dashboard.wait(60)
        above = (y > dashboard.analysis.boundary.boundary(x)) & (np.arange(len(x)) < n)
        assert above.sum() == dashboard.analysis.flags("median").found["mm"].sum()
        codes = np.where(above, [hand.combine[str(code)] for code in others], others)
        _, known = detected_pixels(dashboard.state.model)
        assert sorted(codes[codes > 0]) == sorted(known)
    assert FORCED in known


def test_candidates_are_sent_once(dashboard, hand):
    before, sent = hand.places, []
    hand.observe(lambda change: sent.append(change.name), ["places", "others", "rest"])
    drag(hand, 1, (480.0, 60.0), (470.0, 61.0))
    assert dashboard.wait(60)
    assert sent == []
    dashboard.state.update(crmethod="mm_lacosmic", la_sigclip=9.0)
    assert dashboard.wait(60)
    assert "places" not in sent
    assert hand.places == before


def test_glyphs_follow_theme_and_screen(dashboard, view, hand):
    page, panel = dashboard.session.page, view.panels["observed"]
    light, density = hand.stamps, panel.density.png
    page.dark = True
    assert hand.stamps["pictures"] != light["pictures"]
    assert panel.density.png != density
    page.sizes = {"observed": [960, 640]}
    hand.ratio = 2.0
    assert hand.stamps["side"] > light["side"]
    assert decoded(panel.glyphs.png).shape == (640, 960, 4)
    assert decoded(panel.density.png).shape[:2] == (107, 160)
