"""The diagram and the four panels show what was computed."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.counts import count_pixels
from crmasks_widgets.core.codes import BOTH, all_codes
from crmasks_widgets.dashboard.page.status import counted
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import jobs
from crmasks_widgets.figures.diagnostics import MOST_SYMBOLS, Detected, diagnostic_figure
from crmasks_widgets.figures.histogram2d import count_scale, histogram2d_figure, two_part_colours
from crmasks_widgets.parameters import Parameters

from .figure_cases import PIECEWISE, analysis

LACOSMIC_ONLY = DETECTORS["lacosmic"].code
MM_ONLY = DETECTORS["mm"].code


def line(axes, label):
    return next(item for item in axes.lines if item.get_label() == label)


@pytest.fixture(autouse=True)
def _style():
    with jobs.style():
        yield


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


def test_a_rejected_hit_is_neither_drawn_nor_counted_as_on_screen():
    """Figure, run table and report agree with the bar of the dashboard."""
    before = analysis()
    y, x = np.nonzero((before.labels == 1) & before.detections("median").either)
    out = tuple((int(i) + 1, int(j) + 1) for i, j in zip(x, y, strict=True))
    made = analysis(mediancr_pixels_rejected=out)
    on_screen = counted(made.result("flags", "median"), made.edits, "median")
    assert on_screen["either"] == np.count_nonzero(before.detections("median").either) - len(out)
    found = Detected(made, "median")
    assert len(found.pixels) == on_screen["either"]
    assert not found.codes[y, x].any()
    table = {row.name: row for row in count_pixels(made, lambda row: row.name)[1]}
    assert table["median"].either == on_screen["either"]
    assert table["mean"].either == np.count_nonzero(before.detections("mean").either)


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
