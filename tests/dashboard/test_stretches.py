"""How values become colours."""

import numpy as np
import pytest
from astropy.visualization import AsinhStretch, LogStretch, SqrtStretch
from matplotlib import colormaps

from crmasks_widgets.core.codes import INVALID_COLOUR
from crmasks_widgets.dashboard.drawing import stretches
from crmasks_widgets.dashboard.drawing.colour_tables import rgb

VALUES = np.linspace(-50, 250, 601, dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "stretch"), [("log", LogStretch()), ("sqrt", SqrtStretch()), ("asinh", AsinhStretch())]
)
def test_indices_follow_the_stretch_between_the_limits(name, stretch):
    indices = stretches.colour_indices(VALUES, (0.0, 200.0), name)
    wanted = stretch(np.clip(VALUES / 200.0, 0, 1)) * 254
    assert abs(indices - wanted).max() <= 1.1
    assert indices[0] == 0
    assert indices[-1] == 254


def test_pixels_without_a_value_have_a_colour_of_their_own():
    values = np.array([[0.0, np.nan], [np.inf, 10.0]], np.float32)
    indices = stretches.colour_indices(values, (0.0, 10.0), "linear")
    assert indices.tolist() == [[0, 255], [255, 254]]
    for name in stretches.COLOUR_MAPS:
        assert tuple(stretches.colour_palette(name)[255]) == (*rgb(INVALID_COLOUR), 255)


@pytest.mark.parametrize("name", ["viridis", "cividis", "magma"])
def test_colour_maps_are_those_of_their_names(name):
    wanted = 255 * colormaps[name](np.linspace(0, 1, 255))
    assert abs(stretches.colour_palette(name)[:255] - wanted).max() < 1


def test_gray_and_inverted_gray_are_opposite():
    gray = stretches.colour_palette("gray")[:255, :3].astype(int)
    assert (gray[0] == 0).all()
    assert (gray[254] == 255).all()
    inverted = stretches.colour_palette("inverted gray")[:255, :3]
    assert abs(255 - gray - inverted).max() <= 1


@pytest.mark.parametrize("scale", ["minmax", "zscale", "percentile"])
def test_limits_on_screen_are_short_numbers_around_the_values(scale):
    values = np.random.default_rng(2).normal(1234.5678, 3.0, (80, 90)).astype(np.float32)
    values[3, 4] = np.nan
    low, high = stretches.shown_limits(values, scale)
    assert low < 1234.5678 < high
    assert low == round(low, 2)
    assert high == round(high, 2)
    if scale == "minmax":
        assert low <= np.nanmin(values)
        assert np.nanmax(values) <= high < np.nanmax(values) + 0.1
