"""What is said of a drag that bends a spline is what that drag did."""

import pytest

OFFERED = "A spline bends as a whole: at x = "


@pytest.fixture
def spline(dashboard):
    """A dashboard with a spline; what it was before the drags."""
    dashboard.state.update(mm_boundary_fit="spline", mm_fixed_points_in_boundary=None)
    assert dashboard.wait(60)
    return dashboard.analysis.boundary.boundary


def drag(dashboard, panel, x, y):
    """Grasp the line where no point is, and let it go elsewhere."""
    hand, index = dashboard.session.diagram.panels[panel].hand, len(points(dashboard))
    same = {"gesture": panel, "index": index, "was": None, "count": index}
    hand._handle_custom_msg({"event": "grasp", **same}, [])
    hand._handle_custom_msg({"event": "drop", **same, "x": x, "y": y}, [])
    assert dashboard.wait(60)


def points(dashboard):
    return dashboard.state.model.parameters.mm_fixed_points_in_boundary or ()


def is_told(dashboard):
    status = dashboard.session.status
    told = OFFERED in status.message.value
    assert (status.offered.layout.display == "") == told
    return told


@pytest.mark.slow
def test_a_boundary_that_another_parameter_moved_is_not_told_of_the_drag(dashboard, spline):
    drag(dashboard, "observed", 300.0, 1.02 * float(spline(300.0)))
    assert not is_told(dashboard)
    p = dashboard.state.model.parameters
    dashboard.state.update(gain=p.gain / 3, rnoise=p.rnoise * 2)
    assert dashboard.wait(60)
    there = float(dashboard.analysis.boundary.boundary(600.0))
    assert there > 1.3 * float(spline(600.0))
    assert not is_told(dashboard)
    # What a drag does from there on is told again.
    drag(dashboard, "observed", 300.0, 4 * there)
    assert is_told(dashboard)


@pytest.mark.slow
def test_what_was_told_comes_back_with_what_it_was_said_of(dashboard, spline):
    drag(dashboard, "observed", 300.0, 2.5 * float(spline(300.0)))
    assert is_told(dashboard)
    dashboard.state.update(rnoise=2 * dashboard.state.model.parameters.rnoise)
    assert dashboard.wait(60)
    assert not is_told(dashboard)
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert is_told(dashboard)


@pytest.mark.slow
def test_the_drag_in_the_other_panel_is_forgotten(dashboard, spline):
    dashboard.state.show(beside=True)
    drag(dashboard, "expected", 300.0, 2.5 * float(spline(300.0)))
    assert is_told(dashboard)
    bent = dashboard.analysis.boundary.boundary
    drag(dashboard, "observed", 800.0, 1.01 * float(bent(800.0)))
    assert not is_told(dashboard)
