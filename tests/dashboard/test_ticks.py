"""Round numbers between limits, for axes and sliders."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.drawing.ticks import (
    linear_ticks,
    log_ticks,
    scale_ticks,
    slider_step,
    tick_text,
)

WIDTHS = st.floats(1e-9, 1e12)


def leading_digits(values):
    """Of numbers that are a digit times a power of ten."""
    return {round(float(v) / 10.0 ** math.floor(math.log10(v) + 1e-9), 6) for v in values}


@given(st.floats(-1e4, 1e4), st.floats(0.1, 1e9), st.integers(2, 20))
def test_linear_ticks_are_few_and_round_and_inside(low, width, most):
    high = low + width
    ticks, slack = linear_ticks(low, high, most), 1e-9 * width
    assert len(ticks) <= most + 1
    assert ((ticks >= low - slack) & (ticks <= high + slack)).all()
    if len(ticks) > 2:
        steps = np.diff(ticks)
        np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
        step = float(f"{steps.mean():.3g}")
        assert leading_digits([step]) <= {1.0, 2.0, 5.0}
        assert width / step <= most * (1 + 1e-6)


def test_linear_ticks():
    assert linear_ticks(0.5, 31.5, 4).tolist() == [10, 20, 30]
    assert linear_ticks(13.1, 14.9, 2).tolist() == [14]
    np.testing.assert_allclose(linear_ticks(-0.1, 0.3, 4), [-0.1, 0, 0.1, 0.2, 0.3], atol=1e-12)


@pytest.mark.parametrize("ends", [(3.0, 50.0), (9.0, 11.0), (0.02, 0.03), (2e-4, 1e5)])
def test_log_ticks_lie_between_the_ends(ends):
    ticks = log_ticks(*ends)
    assert len(ticks) > 2
    assert ends[0] <= ticks.min() < ticks.max() <= ends[1]


def test_log_ticks_are_one_two_and_five():
    np.testing.assert_allclose(log_ticks(0.05, 30), [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20])


ASINH, LOG = AxisScale("asinh", 10.0), AxisScale("log", 10.0)


@pytest.mark.parametrize(
    ("scale", "ends", "room", "wanted"),
    [
        (ASINH, (-14, 12000), 11, [-10, 0, 10, 30, 100, 300, 1000, 3000, 10000]),
        (ASINH, (0, 1200), 5, [0, 30, 100, 300, 1000]),
        (ASINH, (90, 140), 8, [90, 100, 110, 120, 130, 140]),
        (LOG, (0, 60000), 5, [1, 10, 100, 1000, 10000]),
        (AxisScale("linear"), (0.5, 31.5), 4, [10, 20, 30]),
    ],
)
def test_the_numbers_of_an_axis_are_those_that_a_person_would_choose(scale, ends, room, wanted):
    np.testing.assert_allclose(scale_ticks(scale, scale.ends(*ends), room), wanted)


@given(st.floats(-1e3, 1e3), st.floats(1, 1e6), st.floats(3, 12), st.sampled_from([ASINH, LOG]))
def test_numbers_of_an_axis_keep_their_distance(low, width, room, scale):
    ends = scale.ends(low, low + width)
    places = scale.forward(scale_ticks(scale, ends, room))
    assert len(places) > 0
    assert ends[0] - 1e-6 <= places[0] <= places[-1] <= ends[1] + 1e-6
    assert (np.diff(places) >= (ends[1] - ends[0]) / room * (1 - 1e-9)).all()


def test_numbers_are_written_for_people():
    values = (0.0, -10.0, 0.3, 30000.0, 1e5, -1e5, 3e6, 1.5e7)
    words = ["0", "−10", "0.3", "30000", "10⁵", "−10⁵", "3×10⁶", "1.5×10⁷"]
    assert [tick_text(value) for value in values] == words


@given(WIDTHS)
def test_a_slider_has_at_least_a_hundred_round_steps(width):
    step = slider_step(width)
    assert leading_digits([step]) <= {1.0, 2.0, 5.0}
    assert 100 * (1 - 1e-6) <= width / step <= 250 * (1 + 1e-6)


def test_slider_steps():
    assert [slider_step(w) for w in (20, 1.2, 262140, 100)] == [0.2, 0.01, 2000, 1]
