"""The static figures: what is drawn is what was computed, whole, quickly and always the same."""

import hashlib
import logging
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pymupdf
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import BOTH, INVALID_COLOUR, all_codes
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import FigureJob, all_figures, hit_pages, images, jobs
from crmasks_widgets.figures.alignment import flux_factor_figure, offset_figure
from crmasks_widgets.figures.diagnostics import MOST_SYMBOLS, Detected, diagnostic_figure
from crmasks_widgets.figures.diagram_density import N_CELLS, density, stretched_axis
from crmasks_widgets.figures.histogram2d import count_scale, histogram2d_figure, two_part_colours
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

from .counts import LONG

LACOSMIC_ONLY = DETECTORS["lacosmic"].code
MM_ONLY = DETECTORS["mm"].code

DPI = jobs.DPI
UUID = "0f5ae2a8-4d0b-5a3e-9f2e-8f6c5e0d1a11"
METADATA = {"UUID": UUID}
PIECEWISE = {"mm_boundary_fit": "piecewise", "mm_fixed_points_in_boundary": ((0, 40), (100, 60))}


def exposures(n=3, shape=(48, 60), seed=1):
    """Gradient and noise; double hits at corners, borders and inside; a spot masked everywhere."""
    rng = np.random.default_rng(seed)
    ny, nx = shape
    light = 20 + 200 * np.linspace(0, 1, nx)[None, :] * np.ones((ny, 1))
    cube = rng.poisson(light, (n, ny, nx)) + rng.normal(0, 3, (n, ny, nx))
    for k, (y, x) in enumerate([(0, 0), (ny - 1, nx - 1), (0, nx // 2), (ny // 2, 0), (9, 9)]):
        cube[: n // 2 + 1, y, x] += 900 + 100 * k
    for k in range(n):  # three neighbours, of which each exposure lacks one: masks meet by dilation
        spared = k % 3
        for column in {0, 1, 2} - {spared}:
            cube[k, ny - 9, nx // 2 + column] += 4000
    return cube.astype(np.float32)


@cache
def analysis(n=3, shape=(48, 60), **changes):
    given = {"gain": 1.0, "rnoise": 3.0, "mm_seed": 7, "mm_nsimulations": 2} | changes
    return Analysis(ExposureSet.from_arrays(list(exposures(n, shape))), Parameters(**given))


def draw(job: FigureJob, folder: Path) -> Path:
    path = folder / job.name
    job.draw(path, METADATA)
    return path


def names(made: Analysis) -> list[str]:
    return [job.name for job in all_figures(made)]


def job_of(made: Analysis, name: str) -> FigureJob:
    return next(job for job in all_figures(made) if job.name == name)


def one_of_a_kind(made: Analysis) -> list[FigureJob]:
    """All figures, of those that each target has that of the median and the first exposure."""
    repeated = re.compile(r"(meancr|[2-9])\.png$")
    return [job for job in all_figures(made) if LONG or not repeated.search(job.name)]


def line(axes, label):
    return next(item for item in axes.lines if item.get_label() == label)


@pytest.fixture(autouse=True)
def _style():
    with jobs.style():
        yield


DIAGNOSTICS = ["diagnostic_mediancr.png", "diagnostic_meancr.png"]
PDFS = ["mediancr_identified_cr.pdf", "problematic_pixels.pdf"]


@pytest.mark.parametrize(
    ("n", "changes", "first"),
    [
        (3, {}, ["diagnostic_histogram2d.png"]),
        (4, PIECEWISE | {"color_scale": "zscale"}, ["diagnostic_histogram2d.png"]),
        (5, {"crmethod": "lacosmic"}, []),
        (6, {"crmethod": "mmcosmic"} | PIECEWISE, ["diagnostic_histogram2d.png"]),
        (7, {"use_lamedian": True}, ["diagnostic_histogram2d.png"]),
        (
            3,
            {
                "flux_factor": "auto",
                "apply_flux_factor_to": "original",
                "mm_crosscorr_region": (5, 50, 5, 40),
            },
            [
                *(f"xyoffset_crosscorr_{i}.png" for i in (1, 2, 3)),
                *(f"flux_factor{i}.png" for i in (1, 2, 3)),
                "diagnostic_histogram2d.png",
            ],
        ),
    ],
)
@pytest.mark.slow
def test_every_configuration_makes_its_figures(tmp_path, n, changes, first):
    made = analysis(n, maxplots=3, **changes)
    masks = [f"diagnostic_crmask{i}.png" for i in range(1, n + 1)]
    pdfs = PDFS if made.problematic.any() else PDFS[:1]
    assert made.parameters.has_boundary <= (pdfs == PDFS)
    assert names(made) == [*first, *DIAGNOSTICS, *masks, *pdfs]
    for job in one_of_a_kind(made):
        path = draw(job, tmp_path)
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert picture.text["UUID"] == UUID
                assert np.asarray(picture.convert("L")).std() > 5
        else:
            expected = made.labels if "median" in path.name else made.problematic_labels
            with pymupdf.open(path) as book:
                assert len(book) == min(expected.max(), 3) > 0
                assert UUID in book.metadata["keywords"]
                assert not book.metadata["creationDate"]


def test_pictures_have_150_dots_an_inch(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "DPI", DPI)  # the suite draws with fewer
    path = tmp_path / "empty.png"
    jobs.png_job(path.name, lambda: jobs.new_figure(2, 1)).draw(path, METADATA)
    with Image.open(path) as picture:
        assert picture.size == (300, 150)
        assert round(picture.info["dpi"][0]) == 150


def test_lacosmic_alone_never_simulates(tmp_path):
    made = analysis(3, (40, 40), crmethod="lacosmic", maxplots=1)
    for job in one_of_a_kind(made):
        draw(job, tmp_path)
    assert not {stage for stage, _ in made.computed()} & {"expected", "boundary", "threshold"}


def test_nothing_is_drawn_before_it_is_asked_for(monkeypatch):
    def refuse(*_):
        pytest.fail("a figure was made")

    monkeypatch.setattr(jobs, "Figure", refuse)
    assert len(names(analysis())) > 5


@pytest.mark.slow
def test_figures_leave_analysis_and_settings_as_they_were(tmp_path):
    made = analysis(3, (40, 41), flux_factor="auto", mm_crosscorr_region=(5, 35, 5, 35), maxplots=1)

    def state():
        arrays = [*made.masks.values(), *made.stack.cube, made.stack.median2d, made.labels]
        arrays += [made.combination("mediancr").data, made.combination("meancr").data]
        arrays += [made.expected.histogram, made.observed(), made.exposures.data]
        return [hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for a in arrays]

    before, settings = state(), dict(mpl.rcParams)
    for job in one_of_a_kind(made):
        draw(job, tmp_path)
    assert state() == before
    assert dict(mpl.rcParams) == settings


@pytest.mark.slow
def test_same_bytes_twice_and_under_any_matplotlibrc(tmp_path):
    made = analysis(maxplots=2)
    chosen = ["diagnostic_histogram2d.png", "diagnostic_mediancr.png", *PDFS]
    for job in (job_of(made, name) for name in chosen):
        job.draw(tmp_path / "first", METADATA)
        with mpl.rc_context({"font.size": 20, "image.cmap": "hot", "axes.grid": True}):
            job.draw(tmp_path / "second", METADATA)
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes(), job.name


@pytest.mark.process
def test_no_pyplot_and_the_package_alone_loads_no_matplotlib():
    script = (
        "import sys, crmasks_widgets.analysis\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import crmasks_widgets.figures\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# The diagram ------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, PIECEWISE, {"mm_niter_boundary_extension": 0}])
def test_drawn_curves_are_the_ones_applied(changes):
    made = analysis(3, **changes)
    fit, plane = made.boundary, made.plane
    left, right, _ = histogram2d_figure(made).axes
    first, second, *_ = diagnostic_figure(made, "median").axes
    name = next(
        item.get_label() for item in left.lines if str(item.get_label()).startswith("boundary")
    )
    drawn = [line(left, name), next(i for i in right.lines if len(i.get_xdata()) > 100)]
    drawn += [line(first, "boundary"), line(second, "boundary")]
    for item in drawn:
        x = item.get_xdata()
        assert np.array_equal(item.get_ydata(), fit.boundary(x))
        low, high = item.axes.get_xlim()
        assert (x[0], x[-1]) == pytest.approx((low, high))
    curves = [item for item in left.lines if len(item.get_xdata()) > 100]
    assert len(curves) == len(fit.iterations)
    x = np.linspace(plane.x_edges[0], plane.x_edges[-1], 1001)
    for item, curve in zip(curves, fit.iterations, strict=True):
        assert np.array_equal(item.get_ydata(), curve(x))
    knots = line(left, "knots")
    assert np.array_equal(knots.get_xdata(), fit.boundary.knots)


def test_diagram_shows_both_histograms_on_the_same_limits():
    # A fixed point outside the diagram must not move its limits.
    points = {"mm_fixed_points_in_boundary": ((-500, 40), (100, 60))}
    made = analysis(3, **(PIECEWISE | points))
    figure = histogram2d_figure(made)
    left, right, _ = figure.axes
    plane = made.plane
    for axes, counts in ((left, made.expected.histogram), (right, made.observed())):
        assert axes.get_xlim() == (plane.x_edges[0], plane.x_edges[-1])
        assert axes.get_ylim() == (plane.y_edges[0], plane.y_edges[-1])
        shown = np.ma.filled(axes.images[0].get_array(), 0)
        assert np.array_equal(np.nan_to_num(shown), counts.T)
        assert "(ADU)" in axes.get_xlabel()
    assert left.images[0].get_clim() == right.images[0].get_clim()
    crosses = line(left, "crosses")
    assert np.array_equal(crosses.get_ydata(), made.expected.cross_y)
    assert to_rgb(crosses.get_color())[0] > 0.8
    assert list(line(left, "fixed points").get_ydata()) == [40, 60]
    assert f"seed {made.parameters.mm_seed}" in left.get_title(loc="left")
    assert "2 simulations" in left.get_title(loc="left")
    above = np.count_nonzero(made.stack.median2d - made.stack.min2d > plane.y_edges[-1])
    assert above > 0
    assert f"{above} higher" in right.get_title(loc="left")


def test_colours_change_at_one_count():
    norm = count_scale(np.array([0.0, 0.2]), np.array([0, 1000]))
    cmap = two_part_colours(norm.vmin, norm.vmax)
    below, above = cmap(float(norm(0.95))), cmap(float(norm(1.05)))
    steps = [np.linalg.norm(np.subtract(cmap(i), cmap(i + 1))) for i in range(255)]
    assert np.linalg.norm(np.subtract(below, above)) > 5 * np.median(steps)
    assert (norm.vmin, norm.vmax) == (0.2, 1000)
    plain = two_part_colours(1.0, 10.0)
    assert plain(0.0) == pytest.approx(mpl.colormaps["viridis"](0.0), abs=0.02)


# Four panels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["median", "mean", 2])
def test_symbols_are_the_flagged_pixels(target):
    made = analysis()
    figure = diagnostic_figure(made, target)
    a, b, c, d = (axes for axes in figure.axes if axes.get_title(loc="left"))
    flags = made.detections(target)
    frame = made.stack.target(target) - made.stack.min2d
    classes = {
        MM_ONLY: flags.by("mm") & ~flags.by("lacosmic"),
        LACOSMIC_ONLY: flags.by("lacosmic") & ~flags.by("mm"),
        BOTH: flags.both,
    }
    symbols = set()
    for code, chosen in classes.items():
        label = f"{all_codes()[code].name}: {np.count_nonzero(chosen)}"
        if not chosen.any():
            assert not any(str(i.get_label()).startswith(label[:6]) for i in a.lines)
            continue
        y, x = np.nonzero(chosen)
        in_diagram, on_image = line(a, label), line(c, label)
        assert np.array_equal(in_diagram.get_xdata(), made.stack.min2d[chosen])
        assert np.array_equal(in_diagram.get_ydata(), frame[chosen])
        assert np.array_equal(on_image.get_xdata(), x + 1)
        assert np.array_equal(on_image.get_ydata(), y + 1)
        assert in_diagram.get_color() == all_codes()[code].colour
        symbols.add(in_diagram.get_marker())
    assert len(symbols) == sum(chosen.any() for chosen in classes.values())
    numbers = [t for t in b.texts if t.get_text().isdigit()]
    assert len(numbers) == np.count_nonzero(flags.either)
    assert d.get_title(loc="left") == "(d) mean"


@pytest.mark.parametrize("target", ["median", "mean", 1])
def test_limits_of_the_four_panels(target):
    made = analysis(3, **PIECEWISE)
    figure = diagnostic_figure(made, target)
    a, b, c, d = (axes for axes in figure.axes if axes.get_title(loc="left"))
    assert [axes.get_title(loc="left")[:3] for axes in (a, b, c, d)] == ["(a)", "(b)", "(c)", "(d)"]
    assert (a.get_xlim(), a.get_ylim()) == (b.get_xlim(), b.get_ylim())
    height = made.stack.target(target) - made.stack.min2d
    assert a.get_xlim()[0] < made.stack.min2d.min()
    assert a.get_xlim()[1] > made.stack.min2d.max()
    assert a.get_ylim()[1] > max(height.max(), made.plane.y_edges[-1])
    for axes in (c, d):
        assert axes.get_xlim() == (0.5, 60.5)
        assert axes.get_ylim() == (0.5, 48.5)
        assert axes.images[0].get_clim() == c.images[0].get_clim()
    assert np.array_equal(c.images[0].get_array(), made.stack.target(target))
    assert np.array_equal(d.images[0].get_array(), made.stack.mean2d)
    assert sum(axes.get_ylabel().endswith("(ADU)") for axes in figure.axes) == 4


def test_without_mm_no_boundary_is_drawn():
    figure = diagnostic_figure(analysis(3, crmethod="lacosmic"), "median")
    labels = {str(item.get_label()) for axes in figure.axes for item in axes.lines}
    assert not any(label.startswith(("boundary", "threshold", "MM")) for label in labels)


def test_threshold_and_hand_set_pixels_are_shown():
    made = analysis(3, mm_threshold=55.0, pixels_to_be_flagged_as_cr=((30, 20),))
    a = diagnostic_figure(made, "median").axes[0]
    assert list(line(a, "threshold 55 ADU").get_ydata()) == [55.0, 55.0]
    item = line(a, "set by hand: 1")
    assert item.get_xdata()[0] == made.stack.min2d[19, 29]


def flooded(shape=(260, 240)):
    """Tens of thousands of flagged pixels."""
    rng = np.random.default_rng(3)
    cube = rng.normal(50, 3, (3, *shape))
    return Analysis(
        ExposureSet.from_arrays(list(cube)),
        Parameters(
            gain=1.0, rnoise=0.1, mm_seed=1, mm_nsimulations=1, crmethod="mmcosmic", dilation=0,
            mm_boundary_fit="piecewise", mm_fixed_points_in_boundary=((0, 0.05), (100, 0.05)),
            pixels_to_be_ignored_as_cr=((1, 1),), max_flagged_fraction=1.0,
        ),
    )  # fmt: skip


def test_artists_stay_few_with_sixty_thousand_flags():
    made = flooded()
    figure = diagnostic_figure(made, "mean")
    n = np.count_nonzero(made.detections("mean").either)
    assert n > 60_000 > MOST_SYMBOLS
    assert len(figure.findobj()) < 1500
    _, b, c, _ = (axes for axes in figure.axes if axes.get_title(loc="left"))
    assert str(n) in b.get_title(loc="left")
    assert not b.texts
    assert np.nansum(b.collections[0].get_array()) == n
    assert len(c.images) == 2
    overlay = c.images[1].get_array()
    blue = np.array([round(255 * v) for v in to_rgb(all_codes()[MM_ONLY].colour)])
    shown = overlay[overlay[..., 3] > 0]
    assert np.array_equal(np.unique(shown[:, :3], axis=0), blue[None])


def test_median_with_few_flags_is_numbered_by_class():
    b = diagnostic_figure(analysis(), "median").axes[1]
    found = Detected(analysis(), "median")
    for code in (MM_ONLY, LACOSMIC_ONLY, BOTH):
        own = [t for t in b.texts if t.get_color() == all_codes()[code].colour]
        assert [t.get_text() for t in own] == [str(i + 1) for i in range(len(own))]
        positions = [t.get_position()[0] for t in own]
        assert positions == list(found.x[found.of(code)])


# Frames on paper --------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(17, 23), (40, 40), (5, 100)])
@pytest.mark.parametrize("most", [(8, 9), (40, 40), (1, 1)])
def test_block_mean_is_the_mean_of_blocks(shape, most):
    rng = np.random.default_rng(0)
    frame = rng.normal(0, 1, shape).astype(np.float32)
    frame[rng.random(shape) < 0.3] = np.nan
    frame[:3, :3] = np.nan
    reduced, extent = images.block_mean(frame, most)
    assert all(size <= limit for size, limit in zip(reduced.shape, most, strict=True))
    fy, fx = (-(-s // m) for s, m in zip(shape, most, strict=True))
    for j, i in np.ndindex(reduced.shape):
        block = frame[j * fy : (j + 1) * fy, i * fx : (i + 1) * fx]
        if np.isnan(block).all():
            assert np.isnan(reduced[j, i])
        else:
            assert reduced[j, i] == pytest.approx(np.nanmean(block.astype(float)))
    assert extent == (0.5, 0.5 + reduced.shape[1] * fx, 0.5, 0.5 + reduced.shape[0] * fy)


def test_reduction_loses_no_flagged_pixel():
    codes = np.zeros((301, 203), dtype=np.uint8)
    rng = np.random.default_rng(2)
    y, x = rng.integers(0, 301, 40), rng.integers(0, 203, 40)
    codes[y, x] = rng.integers(2, 6, 40)
    reduced, extent = images.block_maximum(codes, (50, 60))
    fy, fx = extent[3] - 0.5, extent[1] - 0.5
    rows = (y * reduced.shape[0] / fy).astype(int)
    columns = (x * reduced.shape[1] / fx).astype(int)
    assert (reduced[rows, columns] >= codes[y, x]).all()
    assert np.count_nonzero(reduced) <= 40


def test_outline_runs_around_the_mask():
    mask = np.zeros((6, 7), dtype=bool)
    mask[0, 0] = mask[2:4, 3:6] = mask[5, 6] = True
    x, y = images.outline(mask)
    pieces = np.column_stack([x, y]).reshape(-1, 3, 2)
    assert np.isnan(pieces[:, 2]).all()
    assert len(pieces) == 4 + 10 + 4
    lengths = np.abs(pieces[:, 1] - pieces[:, 0]).sum(axis=1)
    assert (lengths == 1).all()
    sides = {tuple(map(tuple, piece[:2])) for piece in pieces}
    assert ((3.0, 2.0), (4.0, 2.0)) in sides
    assert ((6.0, 3.0), (6.0, 4.0)) in sides


@pytest.mark.parametrize("scale", ["minmax", "zscale", "percentile"])
@pytest.mark.parametrize(
    "values",
    [np.full((4, 4), 7.0), np.full((4, 4), np.nan), np.array([-1e30, 1e30]), np.array([np.inf])],
)
def test_colour_limits_always_rise(scale, values):
    low, high = colour_limits(values, scale)
    assert np.isfinite([low, high]).all()
    assert low < high


def test_colour_limits_leave_out_what_is_invalid():
    values = np.array([[3.0, np.nan], [np.inf, -2.0]])
    assert colour_limits(values, "minmax") == (-2.0, 3.0)
    noise = np.random.default_rng(0).normal(100, 1, (60, 60))
    noise[3, 3] = 1e5
    assert colour_limits(noise, "zscale")[1] < 200 < colour_limits(noise, "minmax")[1]
    assert colour_limits(np.arange(1001.0), "percentile") == (2.5, 997.5)


def test_density_counts_every_point_in_its_cell():
    rng = np.random.default_rng(4)
    x = rng.normal(0, 50, (70, 30)).astype(np.float32)
    y = np.abs(rng.normal(0, 500, (70, 30))).astype(np.float32)
    y[5, 5] = np.nan
    axes = [stretched_axis(float(np.nanmin(v)), float(np.nanmax(v)), 3.0) for v in (x, y)]
    counts = density(x, y, *axes)
    edges = [axis.edges(n) for axis, n in zip(axes, N_CELLS, strict=True)]
    known = np.isfinite(y)
    expected, _, _ = np.histogram2d(x[known], y[known], bins=edges)
    assert counts.sum() == known.sum()
    assert np.abs(counts - expected).sum() <= 4  # float32 at the edges of cells


@pytest.mark.parametrize(("low", "high"), [(-40, 60000), (0, 3), (5, 5), (-1e9, 1e30)])
def test_stretched_axis_has_readable_ticks(low, high):
    axis = stretched_axis(low, high, 3.0)
    assert axis.low < low
    assert axis.high > high
    ticks = axis.ticks()
    assert ticks == sorted(set(ticks))
    assert all(axis.low <= tick <= axis.high for tick in ticks)


# Pages ------------------------------------------------------------------------------------------


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


def test_window_is_clipped_to_the_frame():
    inside = hit_window(30.0, 25.0, 15, (48, 60))
    assert inside.index == (slice(9, 40), slice(14, 45))
    assert inside.extent == (inside.left, inside.left + 31, inside.bottom, inside.bottom + 31)
    corner = hit_window(1.0, 48.0, 15, (48, 60))
    assert corner.index == (slice(32, 48), slice(0, 16))
    assert (corner.left, corner.bottom) == (1 - 15.5, 48 - 15.5)
    whole = hit_window(3.0, 3.0, 100, (16, 20))
    assert whole.index == (slice(0, 16), slice(0, 20))
    assert whole.side == 20
    assert whole.left == 0.5
    assert whole.bottom == 0.5 + (16 - 20) / 2


def test_ticks_and_numbers_are_short():
    assert round_ticks(0.5, 31.5) == [10, 20, 30]
    assert round_ticks(0.5, 5.5) == [1, 2, 3, 4, 5]
    assert round_ticks(1999.5, 2016.5) == [2000, 2005, 2010, 2015]
    assert [short_number(v) for v in (-1.2345, 1234.5, 0.0, 1e30)] == ["−1.23", "1234", "0", "1e30"]


# Level and position -----------------------------------------------------------------------------


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


# Hard cases -------------------------------------------------------------------------------------


def hard_cases():
    rng = np.random.default_rng(9)
    noise = rng.normal(0, 3, (3, 16, 16))
    with_nan = exposures(3, (30, 33))
    with_nan[:, 4, 5] = np.nan
    with_nan[0, 10:20, 10:20] = np.nan
    hit = noise.copy()
    hit[:2, 8, 8] += 500
    return {
        "nan": with_nan,
        "small": hit,
        "constant": np.full((3, 20, 20), 100.0),
        "zero": np.zeros((3, 20, 20)),
        "negative": noise - 1000,
        "huge": hit * 1e9,
    }


@pytest.mark.parametrize(
    ("case", "method"),
    [*((case, "mm_lacosmic") for case in hard_cases()), ("nan", "lacosmic"), ("small", "mmcosmic")],
)
@pytest.mark.slow
def test_hard_cases_are_drawn_without_a_warning(tmp_path, case, method):
    rnoise = 3e9 if case == "huge" else 3.0
    points = ((0, 20 * rnoise), (100, 20 * rnoise))
    made = Analysis(
        ExposureSet.from_arrays(list(hard_cases()[case])),
        Parameters(
            gain=1.0, rnoise=rnoise, mm_seed=1, mm_nsimulations=1, crmethod=method,
            mm_boundary_fit="piecewise", mm_fixed_points_in_boundary=points,
        ),
    )  # fmt: skip
    for job in one_of_a_kind(made):
        assert draw(job, tmp_path).stat().st_size > 1000
    if case in ("nan", "small") and method != "lacosmic":
        assert "mediancr_identified_cr.pdf" in {p.name for p in tmp_path.iterdir()}


def test_invalid_pixels_have_a_colour_of_their_own():
    made = Analysis(
        ExposureSet.from_arrays(list(hard_cases()["nan"])),
        Parameters(gain=1.0, rnoise=3.0, mm_seed=1, mm_nsimulations=1, **PIECEWISE),
    )
    figure = diagnostic_figure(made, 1)
    image = next(axes for axes in figure.axes if axes.get_title(loc="left")[:3] == "(c)").images[0]
    shown = image.to_rgba(image.get_array())
    assert np.allclose(shown[12, 12, :3], to_rgb(INVALID_COLOUR), atol=0.01)
    assert "no valid value" in {t.get_text() for t in figure.legends[0].get_texts()}
