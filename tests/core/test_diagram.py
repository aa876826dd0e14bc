"""The plane of the diagram, the simulated histogram and its crosses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crmasks_widgets.core.mm.diagram import Plane, plane_of
from crmasks_widgets.core.mm.simulation import exposure_signals, red_crosses, simulate_diagram
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.ordinary import ordinary_range
from crmasks_widgets.errors import Cancelled

NOISE = Noise(1.0, 3.4)
PLANE = Plane(np.linspace(-20, 180, 101), np.linspace(0, 60, 101))


@given(
    hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-30, 200)),
    st.integers(0, 2**32 - 1),
)
def test_histogram_is_that_of_numpy_to_the_edge(x, seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(PLANE.y_edges, len(x)) + rng.choice([0.0, 1e-9, 0.3, -1.0], len(x))
    x = np.where(rng.random(len(x)) < 0.5, x, rng.choice(PLANE.x_edges, len(x)))
    expected, _, _ = np.histogram2d(x, y, bins=(PLANE.x_edges, PLANE.y_edges))
    np.testing.assert_array_equal(PLANE.histogram(x, y), expected)


def test_histogram_of_frames_leaves_nan_out():
    x = np.full((70, 3000), 5.0, np.float32)
    x[0, :7] = np.nan
    assert PLANE.histogram(x, x).sum() == x.size - 7


def test_limits_hold_the_data_and_the_noise():
    rng = np.random.default_rng(0)
    min2d = rng.uniform(-5, 1000, (40, 40))
    plane = plane_of(min2d, 3, NOISE, np.random.default_rng(1))
    assert plane.x_edges[0] <= min(min2d.min(), -3)
    assert plane.x_edges[-1] >= min2d.max()
    assert plane.y_edges[0] == 0
    # twice the largest of 10000 differences of about sqrt(1000): between 4 and 5 sigma
    assert 6 * np.sqrt(1000) < plane.y_edges[-1] < 11 * np.sqrt(1000)
    assert len(plane.x_edges) == len(plane.y_edges) == 101
    twice = plane_of(min2d, 3, NOISE, np.random.default_rng(1), displaced=True)
    assert twice.y_edges[-1] == 2 * plane.y_edges[-1]


def test_limits_reach_the_fixed_points():
    min2d = np.zeros((4, 4))
    plane = plane_of(min2d, 3, NOISE, np.random.default_rng(1), highest_fixed_point=5000.0)
    assert plane.y_edges[-1] == 10000.0


def test_limits_of_constant_noiseless_frames_have_an_extent():
    plane = plane_of(np.zeros((4, 4)), 3, Noise(1.0, 0.0), np.random.default_rng(1))
    assert plane.x_edges[-1] > plane.x_edges[0]
    assert plane.y_edges[-1] > 0


def test_what_lies_apart_from_all_others_does_not_stretch_the_limits():
    values = np.random.default_rng(0).normal(100, 10, (50, 60)).astype(np.float32)
    extremes = float(values.min()), float(values.max())
    assert ordinary_range(values) == extremes
    span = extremes[1] - extremes[0]
    stretched = values.copy()
    stretched[3, 4], stretched[5, 6] = extremes[0] - 12 * span, extremes[1] + 5e3 * span
    assert ordinary_range(stretched) == (stretched.min(), stretched.max())  # dead, hot or a star
    stretched[3, 4:6], stretched[5, 6] = -32768, 1e9
    stretched[7, 8] = np.nan
    np.testing.assert_allclose(ordinary_range(stretched), extremes, atol=0.2 * span)
    stretched[:] = -32768
    assert ordinary_range(stretched) == (-32768, -32768)


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_simulated_minimum_and_median_have_the_right_moments(n, gain):
    """A flat scene: the histogram's moments are those of order statistics of its noise."""
    scene = np.full((300, 300), 50.0)
    noise = Noise(gain, 3.4)
    plane = Plane(np.linspace(-50, 150, 101), np.linspace(0, 100, 101))
    diagram = simulate_diagram(plane, [scene] * n, noise, np.random.default_rng(3), n_simulations=2)
    assert diagram.histogram.sum() == scene.size
    rng = np.random.default_rng(4)
    shape = (200_000, n)
    draws = np.sort(rng.poisson(50 * gain, shape) / gain + rng.normal(0, 3.4, shape), axis=1)
    x = (diagram.histogram.sum(axis=1) * plane.x_centres).sum() / scene.size
    y = (diagram.histogram.sum(axis=0) * plane.y_centres).sum() / scene.size
    assert x == pytest.approx(draws[:, 0].mean(), abs=0.1)
    assert y == pytest.approx((np.median(draws, axis=1) - draws[:, 0]).mean(), abs=0.1)


def test_same_generator_same_simulation():
    scene = [np.full((20, 20), 30.0)] * 3
    made = [
        simulate_diagram(PLANE, scene, NOISE, np.random.default_rng(9), n_simulations=3)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(made[0].histogram, made[1].histogram)
    np.testing.assert_array_equal(made[0].cross_y, made[1].cross_y)


def test_unusable_pixels_are_not_counted_and_leave_the_others_alone():
    scene = [np.full((20, 20), 30.0)] * 3
    usable = np.ones((20, 20), bool)
    usable[:5] = False
    full = simulate_diagram(PLANE, scene, NOISE, np.random.default_rng(9), n_simulations=2)
    part = simulate_diagram(
        PLANE, scene, NOISE, np.random.default_rng(9), n_simulations=2, usable=usable
    )
    assert part.histogram.sum() == 300
    assert (part.histogram <= full.histogram).all()


def test_a_simulation_can_be_stopped():
    def stop(fraction):
        if fraction > 0.5:
            raise Cancelled(f"stopped at {fraction:.2f}")

    with pytest.raises(Cancelled, match=r"stopped at 0\.67"):
        simulate_diagram(
            PLANE, [np.ones((4, 4))] * 3, NOISE, np.random.default_rng(1),
            n_simulations=1, checkpoint=stop,
        )  # fmt: skip


def test_signals_follow_level_and_position():
    """A factor of 0.5 halves the simulated signal, as it halves the exposure."""
    frame = np.zeros((5, 8))
    frame[2, 3] = 100.0
    frame[0, 0] = -7.0
    frame[4, 4] = np.nan
    signals = exposure_signals(frame, (1.0, 0.5, 1.0), ((0.0, 0.0), (0.0, 0.0), (1.0, 0.5)))
    assert signals[0][2, 3] == 100.0
    assert signals[0][0, 0] == signals[0][4, 4] == 0.0
    assert signals[1][2, 3] == 50.0
    assert signals[2][2, 4] == signals[2][3, 4] == 50.0


def test_a_cross_has_one_simulated_pixel_above_it():
    histogram = np.zeros((100, 100))
    histogram[10, :20] = 100.0
    histogram[10, 30:32] = 1.0  # two pixels in all simulations of two
    histogram[60, 5] = 4.0
    x, y = red_crosses(PLANE, histogram, 1)
    assert len(x) == 2
    np.testing.assert_allclose(x, PLANE.x_centres[[10, 60]])
    above = histogram[10][PLANE.y_centres > y[0]].sum()
    assert above <= 1
