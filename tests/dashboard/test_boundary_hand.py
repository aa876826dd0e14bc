"""The boundary under the hand: points that are dragged, added, removed, and typed."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.page.status import HINT

from .bench import press
from .boundary_hand import GESTURE, drag, drop, meant, move, parameters, points, say, take
from .conftest import POINTS


def test_a_dragged_point_moves_the_boundary_and_the_masks(dashboard, view, hand):
    before = dashboard.analysis.flags("median").counts()["either"]
    take(hand, 1)
    move(hand, 480.123456, 60.987654)
    assert points(dashboard)[1] == (480.12, 60.99, 1e4)
    assert dashboard.wait(60)
    assert hand.scene["settled"]
    drop(hand, 470.123456, 61.987654)
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
        move(hand, x, 60.0)
        assert dashboard.wait(60)
    drop(hand, 450.0, 60.0)
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
        move(hand, 300.0, 99.0)
        assert points(dashboard) == (POINTS[0], (470.12, 61.0, 1e4), POINTS[2])
    dashboard.state.undo()
    move(hand, 301.0, 99.0)
    drop(hand, 301.0, 99.0)
    assert points(dashboard) == POINTS
    assert not dashboard.state.can_undo


def test_the_line_bears_a_point_where_it_is_grasped(dashboard, hand):
    take(hand, 3)
    for x, y in ((1000.0, 150.0), (1000.0, 120.0)):
        move(hand, x, y)
        assert points(dashboard) == (*POINTS, (x, y, 1e4))
    drop(hand, 990.0, 110.0)
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
    move(hand, 4000.0, 110.0)
    dashboard.state.update(mm_fixed_points_in_boundary=POINTS[:2])
    drop(hand, 4100.0, 111.0)
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
    say(hand, event="exact", point=[444.4321, 111.1234, 5.0], **meant(hand, 1))
    assert points(dashboard) == (POINTS[0], (444.4321, 111.1234, 5.0), POINTS[2])
    say(hand, event="exact", point=[5000.0, 1.0, 5.0], **meant(hand, 1))
    assert "found x = 5000 2 times" in dashboard.session.status.message.value
    gone = meant(hand, 1)
    for _ in range(2):
        say(hand, event="remove", **gone)
        assert points(dashboard) == (POINTS[0], POINTS[2])
    say(hand, event="exact", point=[1.0, 2.0, 3.0], **gone)
    assert points(dashboard) == (POINTS[0], POINTS[2])


def test_a_double_click_adds_a_point_and_d_deletes_it(dashboard, view, gestures):
    page = dashboard.session.page
    x, y = gestures.data(gestures.pointed({"plot": "observed", "x": 0.55, "y": 0.45}))
    page._handle_custom_msg({"event": "dblclick", "plot": "observed", "x": 0.55, "y": 0.45}, [])
    assert points(dashboard)[3] == (round(x, 2), round(y, 2), 1e4)
    assert dashboard.wait(60)
    press(page, "d", at={"plot": "observed", "x": 0.1, "y": 0.99})
    assert len(points(dashboard)) == 4
    press(page, "d", at={"plot": "observed", "x": 0.56, "y": 0.45})
    assert points(dashboard) == POINTS
    press(page, "a", at={"plot": "observed", "x": 0.56, "y": 0.45})
    assert len(points(dashboard)) == 4


def test_where_points_have_no_effect_none_is_added(dashboard, hand):
    dashboard.state.update(mm_expected_false=1.0)
    assert not hand.scene["movable"]
    page = dashboard.session.page
    page._handle_custom_msg({"event": "dblclick", "plot": "observed", "x": 0.5, "y": 0.5}, [])
    assert points(dashboard) == POINTS


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
