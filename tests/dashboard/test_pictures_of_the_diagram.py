"""Densities and glyphs of the diagram, pixel by pixel."""

import numpy as np
import pytest
from bqplot import LinearScale
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.core.detectors import DETECTORS
from crmasks_widgets.dashboard.drawing.densities import (
    RIM,
    DensityColours,
    draw_glyphs,
    glyph_palette,
    glyphs,
)
from crmasks_widgets.dashboard.drawing.pictures import palette_png
from crmasks_widgets.dashboard.plots.swap_image import BLANK, SwapImage

from .conftest import decoded

MM_ONLY = DETECTORS["mm"].code


def test_a_picture_has_its_first_row_at_the_bottom_and_keeps_opacity():
    colours = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 128]], np.uint8)
    picture = decoded(palette_png(np.array([[1, 2], [0, 1]], np.uint8), colours))
    np.testing.assert_array_equal(picture[0], colours[[1, 2]])
    np.testing.assert_array_equal(picture[1], colours[[0, 1]])


COUNTS = hnp.arrays(np.float64, (5, 7), elements=st.floats(0.01, 1e6) | st.just(0.0))


@given(COUNTS, st.sampled_from([1.0, 0.2, 0.01]))
def test_more_pixels_never_have_an_earlier_colour(counts, low):
    colours = DensityColours.spanning(low, float(counts.max()))
    indices = colours.indices(counts).T
    assert ((indices == 0) == (counts < low)).all()
    order = np.argsort(counts, axis=None)
    assert (np.diff(indices.ravel()[order].astype(int)) >= 0).all()
    assert indices.max() < len(colours.palette) <= 256
    # Fractions of a pixel are grey, whole pixels are not.
    shades = colours.palette[indices]
    grey = (shades[..., 0] == shades[..., 1]) & (shades[..., 1] == shades[..., 2])
    assert grey[counts < 1].all()
    assert not grey[counts >= 1].any()


def test_the_bar_shows_every_colour_once():
    colours = DensityColours.spanning(0.1, 1000.0)
    np.testing.assert_array_equal(colours.bar()[:, 0], np.arange(1, len(colours.palette)))


LIMITS = (0.0, 100.0, 0.0, 50.0)


@pytest.mark.parametrize("code", list(glyphs()))
def test_a_glyph_lies_where_its_pixel_is_and_looks_like_no_other(code):
    at = (np.array([50.0]), np.array([25.0]))
    picture = draw_glyphs(at, np.array([code], np.uint8), LIMITS, (200, 100), beyond=True)
    rows, columns = np.nonzero((picture > 0) & (picture < RIM))
    assert {*picture[rows, columns]} == {code}
    assert (rows.mean(), columns.mean()) == (50, 100)
    shapes = {tuple(sorted(set(offsets))) for offsets in glyphs().values()}
    assert len(shapes) == len(glyphs())
    assert tuple(glyph_palette()[code][:3]) == tuple(bytes.fromhex(all_codes()[code].colour[1:]))


@pytest.mark.parametrize(("beyond", "seen"), [(True, 3), (False, 1)])
def test_pixels_beyond_the_limits_lie_on_the_edge_only_when_asked(beyond, seen):
    x, y = np.array([50.0, 50.0, 900.0, -5.0, 50.0]), np.array([25.0, 900.0, 25.0, 25.0, np.nan])
    code = np.full(5, MM_ONLY, np.uint8)
    picture = draw_glyphs((x, y), code, LIMITS, (200, 100), beyond=beyond)
    lone = draw_glyphs((x[:1], y[:1]), code[:1], LIMITS, (200, 100), beyond=beyond)
    assert (picture[50, 100], picture[99, 100] > 0, picture[50, 199] > 0) == (2, beyond, beyond)
    assert (picture.sum() > lone.sum()) == (seen > 1)


def test_two_buffers_take_turns_and_nothing_is_sent_twice():
    image = SwapImage({axis: LinearScale() for axis in "xy"})
    first = image.mark.image
    one = palette_png(np.ones((2, 2), np.uint8), np.full((2, 4), 9, np.uint8))
    image.show(one, (0, 2, 0, 2))
    second = image.mark.image
    assert second is not first
    assert second.value == one
    image.show(one, (0, 2, 0, 2))
    assert image.mark.image is second
    image.show(one, (1, 3, 0, 2))
    assert image.mark.image is first
    assert image.mark.x.tolist() == [1, 3]
    image.clear()
    assert image.png == BLANK
    assert decoded(BLANK)[0, 0, 3] == 0
