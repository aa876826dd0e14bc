"""The static figures: what is drawn is what was computed, whole, quickly and always the same."""

import hashlib
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pymupdf
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import INVALID_COLOUR
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import FigureJob, all_figures, images, jobs
from crmasks_widgets.figures.diagnostics import diagnostic_figure
from crmasks_widgets.figures.diagram_density import N_CELLS, density, stretched_axis
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.parameters import Parameters

from .counts import LONG
from .figure_cases import METADATA, PIECEWISE, UUID, analysis, draw, exposures, job_of, names

DPI = jobs.DPI


def one_of_a_kind(made: Analysis) -> list[FigureJob]:
    """All figures, of those that each target has that of the median and the first exposure."""
    repeated = re.compile(r"(meancr|[2-9])\.png$")
    return [job for job in all_figures(made) if LONG or not repeated.search(job.name)]


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
