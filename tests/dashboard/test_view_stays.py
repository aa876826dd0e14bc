"""What is looked at in the diagram stays where it is, whatever is edited."""

from dataclasses import replace

import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard.diagram.whole import WholeView

from ..conftest import small_scene
from .conftest import POINTS


@pytest.fixture
def diagram(dashboard):
    return dashboard.session.diagram


@pytest.fixture
def seen(diagram, monkeypatch):
    """All limits that were on screen, and what the axes said."""
    shown, follow = [], diagram._gestures.follow

    def noted(*given):
        limits = follow(*given)
        shown.append((limits, diagram._gestures._axes))
        return limits

    monkeypatch.setattr(diagram._gestures, "follow", noted)
    return shown


EDITS = {
    "readout noise": lambda p: {"rnoise": p.rnoise * 1.5},
    "bias": lambda p: {"bias": p.bias - 2},
    "gain": lambda p: {"gain": p.gain * 2},
    "flux factors": lambda p: {
        "flux_factor": (1.0, 1.03, 0.98),
        "apply_flux_factor_to": "original",
    },
    "method": lambda p: {"crmethod": "lacosmic"},
    "a point far away": lambda p: {"mm_fixed_points_in_boundary": (*POINTS, (6000.0, 1e5, 1.0))},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["asinh", "linear"])
@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_moves_what_is_looked_at(dashboard, seen, edit, kind):
    dashboard.state.show(scale=kind)
    assert dashboard.wait(60)
    seen.clear()
    dashboard.state.refresh()
    dashboard.state.update(**EDITS[edit](dashboard.state.model.parameters))
    assert dashboard.wait(60)
    assert len(seen) > 2
    assert set(seen) == {seen[0]}


def test_home_shows_what_an_edit_put_out_of_sight(dashboard, diagram):
    gestures = diagram._gestures
    dashboard.state.update(**EDITS["a point far away"](dashboard.state.model.parameters))
    assert dashboard.wait(60)
    assert gestures.data(gestures.limits)[3] < 1e5
    gestures.home.click()
    assert gestures.data(gestures.limits)[3] > 1e5


@pytest.mark.slow
def test_values_that_become_quite_others_are_looked_for(dashboard, diagram):
    """A view that shows none of the pixels serves nobody."""
    gestures, bias = diagram._gestures, dashboard.state.model.parameters.bias
    dashboard.state.update(bias=bias - 20_000)
    assert dashboard.wait(60)
    assert gestures.data(gestures.limits)[0] > 10_000
    dashboard.state.update(bias=bias, rnoise=50.0)
    assert dashboard.wait(60)
    assert gestures.data(gestures.limits)[0] < 1000
    # A readout noise ten times as large has axes of its own.
    assert gestures._axes[1].softening == 150.0


def test_linear_axes_reach_as_high_whenever_the_plane_is_known(dashboard, diagram):
    """It is known later than the pixels, which reach higher."""
    model = dashboard.state.model
    reading, top = diagram._painter.read(model), 1.03 * dashboard.analysis.plane.y_edges[-1]
    before = replace(model, known=model.known - {("plane", None)})
    early, late = WholeView(), WholeView()
    assert early(before, reading, "linear", 0)[3] > 1.5 * top
    for _ in range(2):
        assert early(model, reading, "linear", 0) == late(model, reading, "linear", 0)
        assert early(model, reading, "linear", 0)[3] == pytest.approx(top)
        # While another plane is made, and after it is given up.
        assert early(before, reading, "linear", 0) == late(model, reading, "linear", 0)


@pytest.mark.slow
def test_the_diagram_has_the_pixels_of_the_fit():
    """Where more than one exposure is surely good, another value stands for the minimum."""
    scene = small_scene(4)
    given = {"gain": scene.gain, "rnoise": scene.rnoise, "bias": scene.bias, "mm_nsimulations": 1}
    exposures = cm.ExposureSet.from_arrays(list(scene.exposures))
    made = cm.Dashboard(cm.Analysis(exposures, cm.Parameters(**given)))
    try:
        assert made.wait(60)
        read = made.session.diagram._painter.read
        before = read(made.state.model).x
        made.state.update(mm_cr_coincidences=2)
        assert made.wait(60)
        now = read(made.state.model).x
        assert now is made.analysis.mm_stack.min2d
        assert (now > before).any()
    finally:
        made.close()
