"""What a drag did to a spline far from the hand: also where the hand was at 0, or left of it."""

import numpy as np
import pytest
from scipy.interpolate import BSpline, make_interp_spline

from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.dashboard.diagram.swing import local_points, swing
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale

AXIS = AxisScale("asinh", softening=9.0)
EDGES = np.linspace(-100.0, 1000.0, 12)
LEVEL = 50.0


def bent(at, width):
    """A spline at `LEVEL` that rises within a distance of one place."""
    x = np.unique(np.concatenate([np.linspace(-100, 1000, 8), at + width * np.linspace(-1, 1, 9)]))
    t = np.concatenate([[x[0]] * 3, x, [x[-1]] * 3])
    middle = (t[1:-3] + t[2:-2] + t[3:-1]) / 3
    c = LEVEL + 60.0 * (np.abs(middle - at) < 0.6 * width)
    return Boundary("spline", x, c, BSpline(t, c, 3))


FLAT = bent(0.0, 0.0)


@pytest.mark.parametrize("at", [-60.0, -10.0, 0.0, 10.0, 400.0])
def test_near_the_hand_is_a_distance_on_the_axis_as_drawn(at):
    near, far = 0.4 * np.hypot(at, 9.0), -60.0 if at > 0 else 500.0
    assert swing(FLAT, bent(at, near), EDGES, at, AXIS) is None
    found = swing(FLAT, bent(far, 50.0), EDGES, at, AXIS)
    assert found is not None
    assert found.x == pytest.approx(far, abs=50.0)


@pytest.mark.parametrize("at", [-40.0, 0.0, 10.0])
def test_lines_follow_the_hand_and_stay_elsewhere(at):
    x, y, _ = np.array(local_points(FLAT, EDGES, (at, 200.0), AXIS)).T
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y, np.where(x == at, 200.0, LEVEL))
    k = int(np.flatnonzero(x == at)[0])
    assert AXIS.forward(x[[k - 1, k + 1]]) - AXIS.forward(at) == pytest.approx(
        np.log(2) * np.array([-1, 1]), abs=0.01
    )


def test_lines_stay_out_of_the_cloud_below_a_curve_that_rises_as_noise_does():
    x = np.linspace(-100, 6000, 60)
    curve = make_interp_spline(x, 60 + 3 * np.sqrt(np.maximum(x, 0)), k=3)
    edges = np.linspace(-100, 6000, 12)
    places = np.array(local_points(Boundary("spline", x, curve.c, curve), edges, (50, 120), AXIS))
    assert len(places) <= 15
    where = np.linspace(200, 6000, 3000)
    np.testing.assert_allclose(np.interp(where, *places.T[:2]), curve(where), rtol=0.04)
