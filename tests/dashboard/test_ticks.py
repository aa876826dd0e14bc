"""Round numbers between limits, for axes and sliders."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from crmasks_widgets.dashboard.drawing.ticks import linear_ticks, log_ticks, slider_step

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


@given(WIDTHS)
def test_a_slider_has_at_least_a_hundred_round_steps(width):
    step = slider_step(width)
    assert leading_digits([step]) <= {1.0, 2.0, 5.0}
    assert 100 * (1 - 1e-6) <= width / step <= 250 * (1 + 1e-6)


def test_slider_steps():
    assert [slider_step(w) for w in (20, 1.2, 262140, 100)] == [0.2, 0.01, 2000, 1]
