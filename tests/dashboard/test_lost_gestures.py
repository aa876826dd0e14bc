"""A page that is loaded again in the middle of a gesture: nobody tells its end."""

import pytest
from bqplot import LinearScale

from crmasks_widgets.dashboard.diagram.boundary_edits import BoundaryEdits
from crmasks_widgets.dashboard.diagram.hand import Hand
from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.image.painting import Painting

from .bench import Bench, small_analysis

POINTS = ((0.0, 30.0, 1e4), (500.0, 60.0, 1e4), (1000.0, 100.0, 1e4))
PIECEWISE = {"mm_boundary_fit": "piecewise", "mm_fixed_points_in_boundary": POINTS}


@pytest.fixture
def bench():
    return Bench(small_analysis(crmethod="mmcosmic", **PIECEWISE))


@pytest.fixture
def hand(bench):
    made = Hand(x=LinearScale(), y=LinearScale())
    hands = []
    made.edits = BoundaryEdits(bench.context, made, hands)
    hands.append(made.edits)
    return made


def say(hand, **message):
    hand._handle_custom_msg(message, [])


def points(bench):
    return bench.model.parameters.mm_fixed_points_in_boundary


def meant(index, shown=POINTS):
    """How a page says which of the points that it shows it means; none of them for a new one."""
    return {"index": index, "was": [*map(list, shown), None][index], "count": len(shown)}


def changes_are_steps_of_their_own(bench):
    """Whether the next two changes, and what was before, are three steps."""
    before = bench.model.parameters
    for dilation in (2, 3):
        bench.state.update(dilation=dilation)
    bench.state.undo()
    two = bench.model.parameters.dilation == 2
    bench.state.undo()
    return two and bench.model.parameters == before


def test_a_drag_of_the_boundary(bench, hand):
    say(hand, event="grasp", gesture="one", **meant(1))
    hand.moved = {"gesture": "one", "x": 480.0, "y": 70.0}
    bench.tell(event="begun")
    assert changes_are_steps_of_their_own(bench)
    hand.moved = {"gesture": "one", "x": 400.0, "y": 70.0}
    assert points(bench)[1] == (480.0, 70.0, 1e4)
    bench.state.undo()
    assert points(bench) == POINTS


def test_a_stroke_of_the_brush_is_kept(bench):
    clock = [0.0]
    painting = Painting(bench.context, lambda: clock[0])
    painting.drag("dragstart", (10.0, 10.0), 1, erase=False)
    painting.drag("dragmove", (12.0, 10.0), 1, erase=False)
    bench.tell(event="begun")
    assert bench.model.parameters.pixels_to_be_flagged_as_cr == ((11, 11), (12, 11), (13, 11))
    assert changes_are_steps_of_their_own(bench)
    bench.state.undo()
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None


def test_what_was_drawn_of_a_lasso_goes():
    bench = Bench.of(DiagramView)
    lasso = bench.view._gestures._interactions[0]["lasso"]
    trail = bench.view.panels["observed"].figure.marks[-1]
    for event, x in (("dragstart", 0.2), ("dragmove", 0.4)):
        lasso._handle_custom_msg({"event": event, "domain": {"x": x, "y": 0.5}}, [])
    assert len(trail.x) == 2
    bench.tell(event="begun")
    assert len(trail.x) == 0


def test_a_point_is_meant_by_where_the_page_shows_it(bench, hand):
    four = (*POINTS, (1200.0, 120.0, 1e4))
    bench.state.update(mm_fixed_points_in_boundary=four[1:])
    for _ in range(2):  # as on a page that is behind
        say(hand, event="remove", **meant(1, four))
        assert points(bench) == four[2:]
    say(hand, event="exact", point=[900.0, 90.0, 1.0], **meant(2, four))
    assert points(bench) == ((900.0, 90.0, 1.0), four[3])
    assert not bench.errors


def test_a_point_is_followed_while_others_come_and_go(bench, hand):
    say(hand, event="grasp", gesture="one", **meant(2))
    hand.moved = {"gesture": "one", "x": 900.0, "y": 90.0}
    bench.state.update(mm_fixed_points_in_boundary=(POINTS[1], (900.0, 90.0, 1e4)))
    hand.moved = {"gesture": "one", "x": 800.0, "y": 80.0}
    assert points(bench) == (POINTS[1], (800.0, 80.0, 1e4))
    bench.state.update(mm_fixed_points_in_boundary=(POINTS[0], POINTS[1], POINTS[2]))
    say(hand, event="drop", gesture="one", x=700.0, y=70.0)
    assert points(bench) == POINTS
    assert hand.answered == "one"


def test_a_point_that_was_just_put_down_can_be_taken_again_at_once(bench, hand):
    for gesture, x in (("one", 480.0), ("two", 470.0)):
        say(hand, event="grasp", gesture=gesture, **meant(1))  # where it was at first
        say(hand, event="drop", gesture=gesture, x=x, y=60.0)
        assert points(bench) == (POINTS[0], (x, 60.0, 1e4), POINTS[2])


def test_a_new_point_is_none_of_those_that_came_meanwhile(bench, hand):
    bench.state.update(mm_fixed_points_in_boundary=(*POINTS, (1200.0, 120.0, 1e4)))
    say(hand, event="grasp", gesture="one", **meant(3))
    say(hand, event="drop", gesture="one", x=200.0, y=40.0)
    assert points(bench) == (*POINTS, (1200.0, 120.0, 1e4), (200.0, 40.0, 1e4))
