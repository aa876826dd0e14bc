"""The slider of a number is where the page draws it, so that only the user moves it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmasks_widgets.dashboard.drawing.ticks import slider_step
from crmasks_widgets.dashboard.settings.control_widgets import Looks, NumberEditor, Span, drawn_at

from .bench import Bench, small_analysis

LOW = st.floats(-1e4, 1e4)
WIDTH = st.floats(1e-3, 1e6)
PART = st.floats(0, 1)


@given(LOW, WIDTH, PART)
def test_a_place_is_on_a_step_near_the_value_and_stays(low, width, part):
    high = low + width
    span = Span(low, high, slider_step(high - low))
    value = min(low + part * width, high)
    place = drawn_at(value, span)
    assert low <= place <= high
    assert abs(place - value) <= span.step / 2 + 1e-9 * width or place == high
    # To the last bit, or the page would report another one.
    assert drawn_at(place, span) == place


@pytest.mark.parametrize(
    ("value", "place"), [(0, 0), (2, 0), (2.5, 5), (66.96, 65), (648, 650), (650, 650)]
)
def test_places_on_steps_of_five(value, place):
    assert drawn_at(value, Span(0, 650, 5)) == pytest.approx(place, abs=1e-9)


def test_values_that_follow_each_other_leave_no_report_behind():
    """A report of the page about a value of before is the value of before."""
    sent = []
    context = Bench(small_analysis()).context
    span = Span(0.0, 650.0, 5.0)
    editor = NumberEditor(
        context, "y", ("y", "y"), span, lambda *given: sent.append(given), Looks()
    )
    editor.text.unobserve_all()
    for value in (78.48, 66.96, 43.93, 32.41):
        editor.show(value)
        assert editor.slider.value == drawn_at(value, span)
    editor.set_span(Span(0.0, 70.0, 0.5))
    assert editor.slider.value == drawn_at(32.41, Span(0.0, 70.0, 0.5))
    assert sent == []
    editor.slider.value += 0.5
    assert sent == [(33.0, "slider y")]
