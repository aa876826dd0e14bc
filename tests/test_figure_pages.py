"""Pages of hits, and the figures of level and position."""

import logging

import numpy as np
import pymupdf
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import hit_pages, jobs, page_layout
from crmasks_widgets.figures.alignment import flux_factor_figure, offset_figure
from crmasks_widgets.figures.hit_pages import (
    fill_page,
    hit_jobs,
    hit_window,
    mediancr_book,
    number_of_pages,
    problematic_book,
)
from crmasks_widgets.figures.page import HitPage, round_ticks, short_number
from crmasks_widgets.figures.page_layout import PANEL, PageLayout, grid_shape, panel_places
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.parameters import Parameters

from .figure_cases import analysis, draw, exposures, job_of, names


@pytest.fixture(autouse=True)
def _style():
    with jobs.style():
        yield


def test_a_page_for_every_hit_with_its_title(tmp_path):
    made = analysis()
    path = draw(job_of(made, "mediancr_identified_cr.pdf"), tmp_path)
    table = made.hits
    with pymupdf.open(path) as book:
        for page, row in zip(book, table, strict=True):
            text = page.get_text()
            assert f"hit {row['number']} / {len(table)}" in text
            assert f"x = {row['x']:.1f}, y = {row['y']:.1f}" in text
            assert str(row["npix"]) in text
            assert str(row["method"]) in text


@pytest.mark.parametrize(("wanted", "pages"), [(2, 2), (1, 1), (1000, None)])
def test_maxplots_is_the_number_of_pages(tmp_path, caplog, wanted, pages):
    made = analysis(maxplots=wanted)
    with caplog.at_level(logging.INFO, logger="crmasks_widgets"):
        path = draw(job_of(made, "mediancr_identified_cr.pdf"), tmp_path)
    with pymupdf.open(path) as book:
        assert len(book) == (pages or len(made.hits))
    assert ("maxplots" in caplog.text) == (pages is not None)


def test_who_asks_for_all_pages_hears_how_to_get_them(monkeypatch, caplog):
    monkeypatch.setattr(hit_pages, "MOST_PAGES", 1)
    made = analysis(maxplots=-1)
    with caplog.at_level(logging.INFO, logger="crmasks_widgets"):
        job_of(made, "mediancr_identified_cr.pdf")
    n = len(made.hits)
    assert f"pages for 1 of {n} hits, the most of maxplots: -1; maxplots: {n} draws all" in (
        caplog.text
    )


def test_number_of_pages():
    assert number_of_pages(500, -1) == 200
    assert number_of_pages(150, -3) == 150
    assert number_of_pages(500, 300) == 300
    assert number_of_pages(5, 0) == 0


def test_no_pdf_without_pages():
    assert not list(hit_jobs(analysis(maxplots=0)))
    quiet = Analysis(
        ExposureSet.from_arrays([np.full((20, 20), 10.0)] * 3),
        Parameters(gain=1.0, rnoise=3.0, mm_seed=1, mm_nsimulations=1),
    )
    assert len(quiet.hits) == 0
    assert names(quiet)[-1] == "diagnostic_crmask3.png"


def filled(made, book, number, scale="minmax"):
    page = HitPage(
        PageLayout(made.exposures.n, book.corrected_name, book.classes_name, book.legend)
    )
    row = book.hits[number - 1]
    fill_page(page, book, row, made.parameters.semiwindow, scale)
    return page, hit_window(row["x"], row["y"], made.parameters.semiwindow, made.exposures.shape)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("scale", ["minmax", "zscale", "percentile"])
def test_page_shows_the_windows(number, scale):
    made = analysis(4)
    book = mediancr_book(made)
    page, window = filled(made, book, number, scale)
    here = window.index
    assert len(page.images) == 4 + 3
    for image, exposure in zip(page.images, made.stack.cube, strict=False):
        assert np.array_equal(image.get_array(), exposure[here])
        assert image.get_clim() == colour_limits(made.stack.median2d[here], scale)
    median, classes, corrected = page.images[-3:]
    assert np.array_equal(median.get_array(), made.stack.median2d[here])
    fixed = made.combination("mediancr").data[here]
    assert np.array_equal(corrected.get_array(), fixed)
    assert corrected.get_clim() == colour_limits(fixed, scale)
    codes = made.codes("median")[here]
    for code, shown in all_codes().items():
        wanted = [round(255 * v) for v in to_rgb(shown.colour)]
        assert np.array_equal((classes.get_array() == wanted).all(axis=-1), codes == code)


def test_outline_lies_on_the_hit_of_every_panel():
    made = analysis()
    book = mediancr_book(made)
    page, window = filled(made, book, 2)
    hit = made.labels[window.index] == 2
    x, y = page.outlines.get_data()
    places = panel_places(3, page.figure.get_size_inches()[1])
    per_panel = np.split(np.column_stack([x, y]), len(places))
    row, column = np.nonzero(hit)
    for place, points in zip(places, per_panel, strict=True):
        left, right, bottom, top = place.extent(window)
        step = PANEL / window.side
        assert np.nanmin(points[:, 0]) == pytest.approx(left + column.min() * step)
        assert np.nanmax(points[:, 0]) == pytest.approx(left + (column.max() + 1) * step)
        assert np.nanmin(points[:, 1]) == pytest.approx(bottom + row.min() * step)
        assert np.nanmax(points[:, 1]) == pytest.approx(bottom + (row.max() + 1) * step)
        assert place.x - 1e-9 <= left < right <= place.x + PANEL + 1e-9
        assert place.y - 1e-9 <= bottom < top <= place.y + PANEL + 1e-9


@pytest.mark.parametrize("n", [3, 5, 7, 12])
def test_problematic_pixels_with_any_number_of_exposures(n):
    made = analysis(n)
    book = problematic_book(made)
    page, window = filled(made, book, 1)
    hit = made.problematic_labels[window.index] == 1
    assert len(page.crosses.get_xdata()) == n * np.count_nonzero(hit) > 0
    assert len(page.images) == n + 3
    count = sum(made.masks[f"CRMASK{i}"].astype(int) for i in range(1, n + 1))
    shown = page.images[-2].get_array()
    assert np.array_equal(shown, book.class_colours[count[window.index]])
    assert (count[made.problematic] == n).all()
    boxes = {(round(i.get_extent()[0], 3), round(i.get_extent()[2], 3)) for i in page.images}
    assert len(boxes) == n + 3
    width, height = page.figure.get_size_inches()
    for image in page.images:
        left, right, bottom, top = image.get_extent()
        assert 0 <= left < right <= width
        assert 0 <= bottom < top <= height


@pytest.mark.parametrize(
    ("n", "shape"), [(1, (1, 3)), (3, (1, 3)), (5, (1, 5)), (6, (2, 3)), (7, (2, 4)), (11, (3, 4))]
)
def test_grid_holds_all_exposures(n, shape):
    assert grid_shape(n) == shape
    assert shape[0] * shape[1] >= n


def test_window_is_moved_inside_the_frame():
    inside = hit_window(30.0, 25.0, 15, (48, 60))
    assert inside.index == (slice(9, 40), slice(14, 45))
    assert inside.extent == (inside.left, inside.left + 31, inside.bottom, inside.bottom + 31)
    corner = hit_window(1.0, 48.0, 15, (48, 60))
    assert corner.index == (slice(17, 48), slice(0, 31))
    assert corner.extent == (corner.left, corner.left + 31, corner.bottom, corner.bottom + 31)
    whole = hit_window(3.0, 3.0, 100, (16, 20))
    assert whole.index == (slice(0, 16), slice(0, 20))
    assert whole.side == 20
    assert whole.left == 0.5
    assert whole.bottom == 0.5 + (16 - 20) / 2


def test_what_is_hatched_is_explained_where_a_frame_is_narrower_than_a_window():
    for make in (mediancr_book, problematic_book):
        names = [entry.name for entry in make(analysis(shape=(20, 60))).legend]
        assert names[-1] == "beyond the frame"
        assert "beyond the frame" not in [entry.name for entry in make(analysis()).legend]
    axes = Figure().subplots()
    page_layout._draw_handle(axes, mediancr_book(analysis(shape=(20, 60))).legend[-1], 0.0, 0.0)
    assert [patch.get_hatch() for patch in axes.patches] == ["////"]


def test_ticks_and_numbers_are_short():
    assert round_ticks(0.5, 31.5) == [10, 20, 30]
    assert round_ticks(0.5, 5.5) == [1, 2, 3, 4, 5]
    assert round_ticks(1999.5, 2016.5) == [2000, 2005, 2010, 2015]
    assert [short_number(v) for v in (-1.2345, 1234.5, 0.0, 1e30)] == ["−1.23", "1234", "0", "1e30"]


@pytest.mark.parametrize("applied", ["original", "simulated"])
def test_flux_factor_line_is_the_factor(applied):
    cube = exposures() * np.array([1.0, 0.7, 1.2], np.float32)[:, None, None]
    made = Analysis(
        ExposureSet.from_arrays(list(cube)),
        Parameters(
            gain=1.0, rnoise=3.0, mm_seed=1, mm_nsimulations=1, flux_factor="auto",
            apply_flux_factor_to=applied, flux_factor_regions=((30, 60, 1, 48),),
        ),
    )  # fmt: skip
    axes = flux_factor_figure(made, 2).axes[0]
    factor = made.alignment.flux_factors[1]
    assert factor == pytest.approx(0.7, abs=0.03)
    assert axes.get_ylim()[0] < factor < axes.get_ylim()[1]
    item = next(i for i in axes.lines if str(i.get_label()).startswith("flux factor"))
    assert list(item.get_ydata()) == [factor, factor]
    counts = np.ma.filled(axes.collections[0].get_array(), 0)
    ratios = np.linspace(*axes.get_ylim(), 102)
    peak = np.nansum(counts, axis=1)
    mean = np.average((ratios[1:] + ratios[:-1]) / 2, weights=peak)
    assert mean == pytest.approx(factor, abs=0.05)
    assert np.nansum(counts) <= 31 * 48


def test_shifting_back_removes_the_difference():
    y, x = np.mgrid[:64, :64]
    rng = np.random.default_rng(0)
    cube = [
        1000 * np.exp(-((x - 32 - d) ** 2 + (y - 30) ** 2) / 60) + rng.normal(50, 1, x.shape)
        for d in (0.0, 0.0, 3.0)
    ]
    made = Analysis(
        ExposureSet.from_arrays(cube),
        Parameters(gain=1.0, rnoise=1.0, mm_seed=1, mm_crosscorr_region=(3, 62, 5, 60)),
    )
    assert made.alignment.offsets[2][0] == pytest.approx(3, abs=0.2)
    figure = offset_figure(made, 3)
    _, exposure, before, after = figure.axes[:4]
    assert "+3.0" in figure.get_suptitle() or "+2.9" in figure.get_suptitle()
    assert exposure.get_xlim() == (2.5, 62.5)
    assert exposure.get_ylim() == (4.5, 60.5)
    assert np.array_equal(exposure.images[0].get_array(), made.stack.cube[2][4:60, 2:62])
    values = [np.std(axes.images[0].get_array()) for axes in (before, after)]
    assert values[1] < 0.3 * values[0]
    assert before.images[0].get_clim() == after.images[0].get_clim()
