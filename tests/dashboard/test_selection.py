"""Which hit and which pixels a view model selects, against the definition."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmasks_widgets.dashboard.model import selection as picking
from crmasks_widgets.dashboard.model.state import Display, Selection, ViewModel


@pytest.fixture(scope="module")
def model(analysis):
    _ = analysis.hits
    return ViewModel(analysis, analysis.parameters, analysis.computed())


def test_a_pixel_selects_its_hit_and_a_near_one_too(model):
    labels = model.analysis.labels
    for number in range(1, labels.max() + 1):
        y, x = np.argwhere(labels == number)[0]
        chosen = replace(model, selection=Selection(pixel=(int(y), int(x))))
        assert picking.selected_hit(chosen) == number
        pixels = picking.pixels_of_hit(chosen, number)
        assert len(pixels) == np.count_nonzero(labels == number)
        assert all(labels[v - 1, u - 1] == number for u, v in pixels)
    far = np.argwhere(labels == 0)
    reached = [picking.selected_hit(replace(model, selection=Selection((int(y), int(x)))))
               for y, x in far[::97]]  # fmt: skip
    for (y, x), number in zip(far[::97], reached, strict=True):
        near = labels[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        assert (number > 0) == near.any()
    assert picking.selected_hit(model) == 0


@given(st.lists(st.tuples(st.floats(-50, 3000), st.floats(0, 900)), min_size=3, max_size=6))
def test_an_outline_selects_what_lies_inside_it(model, corners):
    found = picking.inside_outline(model, tuple(corners))
    stack = model.analysis.stack
    x, y = stack.min2d.ravel(), (stack.median2d - stack.min2d).ravel()
    expected = np.flatnonzero(picking.points_in_poly(np.column_stack([x, y]), np.array(corners)))
    np.testing.assert_array_equal(found, expected)


def test_a_box_selects_by_the_target_on_screen(model):
    box = ((0.0, 5.0), (4000.0, 5.0), (4000.0, 9000.0), (0.0, 9000.0))
    for target in model.analysis.targets:
        shown = replace(model, display=Display(target=target))
        stack = model.analysis.stack
        height = (stack.target(target) - stack.min2d).ravel()
        low = stack.min2d.ravel()
        wanted = np.flatnonzero((height > 5) & (height < 9000) & (low > 0) & (low < 4000))
        np.testing.assert_array_equal(picking.inside_outline(shown, box), wanted)
        limits = (0.0, 4000.0, 5.0, 9000.0)
        everything = np.arange(low.size)
        assert set(wanted) <= set(picking.inside_limits(shown, everything, limits))
    assert picking.inside_limits(model, everything, None) is everything


def test_two_corners_select_nothing(model):
    assert len(picking.inside_outline(model, ((0.0, 0.0), (1e5, 1e5)))) == 0
