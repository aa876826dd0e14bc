"""Densities, contours and glyphs of the diagram, pixel by pixel."""

import numpy as np
import pytest
from bqplot import LinearScale
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.dashboard.drawing.axis_scales import KINDS, AxisScale
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.densities import (
    DensityColours,
    counts_in_cells,
    draw_contours,
    expected_in_cells,
    spread_over_steps,
)
from crmasks_widgets.dashboard.drawing.glyphs import (
    SELECTED,
    contrast,
    draw_glyphs,
    glyphs,
    pen_colour,
    rim_colour,
    stamp,
)
from crmasks_widgets.dashboard.plots.swap_image import BLANK, SwapImage
from crmasks_widgets.files.pictures import palette_png, rgba_png

from .conftest import decoded


def test_a_picture_has_its_first_row_at_the_bottom_and_keeps_opacity():
    colours = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 128]], np.uint8)
    picture = decoded(palette_png(np.array([[1, 2], [0, 1]], np.uint8), colours))
    np.testing.assert_array_equal(picture[0], colours[[1, 2]])
    np.testing.assert_array_equal(picture[1], colours[[0, 1]])


def test_a_picture_of_any_colours_has_its_first_row_at_the_bottom():
    picture = np.random.default_rng(1).integers(0, 256, (3, 5, 4)).astype(np.uint8)
    np.testing.assert_array_equal(decoded(rgba_png(picture)), picture)


@pytest.mark.parametrize("kind", KINDS)
def test_an_axis_leads_there_and_back_and_rises(kind):
    scale = AxisScale(kind, 5.0)
    values = np.array([0.6, 3.0, 5.0, 80.0, 1e4, 1e6])
    places = scale.forward(values)
    np.testing.assert_allclose(scale.backward(places), values, rtol=1e-12)
    assert (np.diff(places) > 0).all()
    assert scale.forward(values.astype(np.float32)).dtype == np.float32
    below = scale.forward([-1e3, -5.0, 0.0])
    assert (np.diff(below) >= 0).all()
    assert below[-1] <= places[0]
    assert scale.ends(3.0, 3.0)[1] > scale.ends(3.0, 3.0)[0]


COUNTS = hnp.arrays(np.float64, (5, 7), elements=st.floats(0.01, 1e6) | st.just(0.0))


@given(COUNTS, st.sampled_from([1.0, 0.2, 0.01]), st.booleans())
def test_more_pixels_never_have_an_earlier_colour(counts, low, dark):
    colours = DensityColours.spanning(low, float(counts.max()), dark=dark)
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


@pytest.mark.parametrize("dark", [False, True])
def test_more_pixels_stand_out_more_from_the_page(dark):
    colours = DensityColours.spanning(1.0, 1000.0, dark=dark).palette[1:]
    page = (17, 17, 17) if dark else (255, 255, 255)
    found = [contrast(page, tuple(colour)) for colour in colours.tolist()]
    assert (np.diff(found) > -0.05).all()
    assert found[-1] > 7


LIMITS = (0.0, 100.0, 0.0, 50.0)


def test_points_are_counted_in_the_cells_of_the_screen():
    x, y = np.array([0.0, 49.9, 50.0, 99.9, 100.0, -0.1, np.nan, 20.0]), np.full(8, 10.0)
    y[-1] = 50.0
    counts = counts_in_cells(x, y, LIMITS, (2, 5))
    assert counts.tolist() == [[0, 2, 0, 0, 0], [0, 2, 0, 0, 0]]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_digitised_values_fill_their_steps_evenly_and_stay_between_their_ends(parts):
    rng = np.random.default_rng(1)
    step = 1 / parts
    values = (step * np.rint(rng.uniform(0, 20, 200_000)) + 2700.25).astype(np.float32)
    values[7] = np.nan
    x, y = (spread_over_steps(values, axis) for axis in (0, 1))
    assert x.dtype == np.float32
    assert np.nanmax(np.abs([x - values, y - values])) <= 0.5 * step + 1e-3
    assert (np.nanmin(x), np.nanmax(x)) >= (np.nanmin(values), np.nanmax(values) - step / 2)
    assert np.nanmax(x) <= np.nanmax(values) + 1e-3
    assert np.isnan([x[7], y[7]]).all()
    limits = (*(2700.25 + step * np.array([2.0, 18.0])),) * 2
    counts = counts_in_cells(x, x, limits, (160, 1))
    assert counts.min() > 0.8 * counts.max() > 0
    # Independent of each other: a square of steps is filled, not its diagonal.
    inside = (values > np.nanmin(values)) & (values < np.nanmax(values))
    across, up = (x - values)[inside], (y - values)[inside]
    square = counts_in_cells(across, up, (-step / 2, step / 2) * 2, (8, 8))
    assert square.min() > 0.8 * square.max() > 0


def test_no_pixel_leaves_the_diagram_when_it_is_spread():
    exposures = np.random.default_rng(1).poisson(4.0, (3, 100_000)).astype(np.float32)
    least = exposures.min(axis=0)
    x, y = (
        spread_over_steps(each, i)
        for i, each in enumerate((least, np.median(exposures, 0) - least))
    )
    ends = (0.0, float(least.max()) + 0.01, 0.0, 20.0)
    assert counts_in_cells(x, y, ends, (50, 50)).sum() == 100_000


@pytest.mark.parametrize(
    "values",
    [
        [], [3.0], [np.nan, np.nan], [2.0, 2.0], [0.0, 7.3] * 500, [100.0, 60000.0] * 50,
        np.where(np.arange(80_000) % 740, 0.0, 5000.0), np.arange(2000) + 2.0**22,
        np.where(np.arange(80_000) % 4, np.linspace(0, 99, 80_000), 7.0),
        np.random.default_rng(1).normal(300, 10, 5000), np.rint(np.linspace(0, 900, 5000)) / 1.1,
    ],
)  # fmt: skip
def test_values_without_steps_stay(values):
    given = np.array(values, np.float32)
    np.testing.assert_array_equal(spread_over_steps(given, 1), given)


def test_bins_are_shared_out_among_the_cells_by_their_overlap():
    edges = np.array([0.0, 10.0, 30.0]), np.array([0.0, 4.0])
    plain = (AxisScale("linear"), AxisScale("linear"))
    cells = expected_in_cells(np.array([[6.0], [4.0]]), edges, plain, (0.0, 20.0, 0.0, 8.0), (4, 2))
    np.testing.assert_allclose(cells, [[3, 0], [3, 0], [1, 0], [1, 0]])
    bent = (AxisScale("asinh", 2.0), AxisScale("asinh", 1.0))
    limits = (*bent[0].ends(-5.0, 50.0), *bent[1].ends(-1.0, 9.0))
    cells = expected_in_cells(np.array([[6.0], [4.0]]), edges, bent, limits, (70, 30))
    assert cells.sum() == pytest.approx(10)
    x = bent[0].backward(np.linspace(*limits[:2], 71))
    assert cells[x[1:] <= 10].sum() == pytest.approx(6, rel=0.1)


def test_a_contour_lies_where_the_counts_are():
    i, j = np.mgrid[:60, :40]
    counts = 1000 * np.exp(-((i - 30) ** 2 + (j - 20) ** 2) / 50)
    drawn = draw_contours(counts, (120, 80), dark=False, levels=(10.0,))
    rows, columns = np.nonzero(drawn[..., :3].sum(axis=2) < 300)
    away = np.hypot(columns / 2 - 30, rows / 2 - 20)
    radius = np.sqrt(-50 * np.log(10 / 1000))
    assert len(away) > 100
    assert (abs(away - radius) < 2).all()


def test_a_contour_runs_off_below_the_lowest_height():
    counts = np.zeros((60, 40))
    counts[20:40, 5:20] = 100.0
    drawn = draw_contours(counts, (120, 80), dark=True, levels=(10.0,))
    seen = drawn[..., 3] > 150
    assert seen[:3].any()
    assert seen[:8, 50:70].sum() == 0


@pytest.mark.parametrize("code", list(glyphs()))
def test_a_glyph_lies_where_its_pixel_is_and_looks_like_no_other(code):
    at = (np.array([50.0]), np.array([25.0]))
    picture = draw_glyphs(at, np.array([code], np.uint8), LIMITS, (200, 100))
    colour = np.array(rgb(all_codes()[code].colour))
    rows, columns = np.nonzero((abs(picture[..., :3] - colour.astype(int)) < 9).all(axis=2))
    assert len(rows) > 5
    np.testing.assert_allclose((rows.mean(), columns.mean()), (50, 100), atol=0.5)
    shapes = {(stamp(kind)[..., 3] > 128).tobytes() for kind in glyphs()}
    assert len(shapes) == len(glyphs())


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("code", list(glyphs()))
def test_a_glyph_is_legible_on_every_density(code, dark):
    colour = pen_colour(rgb(all_codes()[code].colour), dark=dark)
    assert contrast(colour, rim_colour(colour, dark=dark)) >= 3
    form = stamp(code, dark=dark).astype(float)
    page = (17, 17, 17) if dark else (255, 255, 255)
    grounds = [page, *DensityColours.spanning(0.1, 1e4, dark=dark).palette[1:, :3].tolist()]
    for ground in grounds:
        share = form[..., 3:] / 255
        seen = (share * form[..., :3] + (1 - share) * ground).reshape(-1, 3)
        pen = (abs(seen - colour) < 9).all(axis=1)
        # Whatever is behind, something beside the pen is lighter or darker by a factor of three.
        beside = np.unique(seen[~pen & (share > 0.9).ravel()], axis=0)
        away = [contrast(colour, tuple(pixel)) for pixel in beside]
        assert pen.sum() >= 5
        assert max(away, default=contrast(colour, ground)) >= 3


@pytest.mark.parametrize("code", list(glyphs()))
def test_a_thin_stroke_is_seen_above_the_line_of_a_dark_page(code):
    pen = pen_colour(rgb(all_codes()[code].colour), dark=True)
    # What lies above the line is tinted, glyphs and all.
    pen, page = (
        0.91 * np.array(each) + 0.09 * np.array(rgb("#d55e00")) for each in (pen, (17,) * 3)
    )
    assert contrast(tuple(pen), tuple(page)) >= 4.5


@pytest.mark.parametrize("symbol", "○□◇")
def test_what_lies_inside_an_open_glyph_is_seen(symbol):
    (code,) = (number for number, drawn in glyphs().items() if drawn == symbol)
    opacity = stamp(code)[..., 3]
    middle = len(opacity) // 2
    assert (opacity[middle - 1 : middle + 2, middle] == 0).all()
    # And nothing of it is cut off at the edge of its picture.
    assert opacity[[0, -1]].max() < 128


def test_in_a_crowd_no_rim_covers_another_glyph():
    code = next(iter(glyphs()))
    colour = np.array(rgb(all_codes()[code].colour))

    def pens(*places):
        x, y = np.array(places).T
        picture = draw_glyphs((x, y), np.full(len(x), code, np.uint8), LIMITS, (200, 100))
        return (abs(picture[..., :3].astype(int) - colour) < 9).all(axis=2)

    one, other = (50.0, 25.0), (51.5, 26.5)
    assert (pens(one, other) >= (pens(one) | pens(other))).all()


def test_a_slab_of_glyphs_becomes_dots_and_a_lone_one_keeps_its_shape():
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(4, 46, 40), np.linspace(4, 46, 40)))
    x, y = np.append(x, 80.0), np.append(y, 25.0)
    code = np.full(len(x), next(iter(glyphs())), np.uint8)
    picture = draw_glyphs((x, y), code, LIMITS, (200, 100))
    lone = draw_glyphs((x[-1:], y[-1:]), code[-1:], LIMITS, (200, 100))
    np.testing.assert_array_equal(picture[:, 120:], lone[:, 120:])
    slab = picture[10:90, 10:90, 3] > 0
    assert 0.2 < slab.mean() < 0.95  # gaps are seen between the dots


def test_on_a_finer_screen_a_glyph_has_more_pixels():
    one, two = stamp(SELECTED).astype(float), stamp(SELECTED, 2.0).astype(float)
    assert len(one) % 2 == len(two) % 2 == 1
    assert two[..., 3].sum() == pytest.approx(4 * one[..., 3].sum(), rel=0.1)


def test_what_lies_beyond_the_limits_is_not_drawn():
    x, y = np.array([50.0, 50.0, 900.0, -5.0, 50.0]), np.array([25.0, 900.0, 25.0, 25.0, np.nan])
    code = np.full(5, next(iter(glyphs())), np.uint8)
    picture = draw_glyphs((x, y), code, LIMITS, (200, 100))
    lone = draw_glyphs((x[:1], y[:1]), code[:1], LIMITS, (200, 100))
    np.testing.assert_array_equal(picture, lone)
    edge = draw_glyphs((np.array([100.0]), np.array([0.0])), code[:1], LIMITS, (200, 100))
    assert edge[0, 199, 3] > 0


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


def test_a_page_that_missed_a_picture_learns_with_the_next_one_where_it_lies(monkeypatch):
    image, told = SwapImage({axis: LinearScale() for axis in "xy"}), []
    monkeypatch.setattr(image.mark, "send_state", lambda key=None: told.append(set(key)))
    pictures = [
        palette_png(np.full((1, 1), k, np.uint8), np.ones((2, 4), np.uint8)) for k in (0, 1)
    ]
    for png in pictures:
        told.clear()
        image.show(png, (0.0, 10.0, 0.0, 5.0))
        assert set().union(*told) >= {"x", "y", "image"}
