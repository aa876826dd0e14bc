"""The Median-Minimum diagram: what equivalent exposures would give beside what was observed."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import Stroke

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.core.mm.diagram import Plane
from crmasks_widgets.core.mm.exact import ExactDiagram
from crmasks_widgets.figures.images import BOUNDARY_COLOUR, CROSS_COLOUR, FIXED_COLOUR
from crmasks_widgets.figures.jobs import new_figure
from crmasks_widgets.parameters.types import FIXED_SEED
from crmasks_widgets.units import in_unit

N_COLOURS: Final = 256
N_CURVE_POINTS: Final = 1001
MAX_LABELLED: Final = 6
# From thin and pale to the boundary itself; the dashes tell them apart without colour.
_DASHES: Final = ((0, (1, 1)), (0, (4, 1.5, 1, 1.5)), (0, (4, 1.5)), (0, (8, 1.5)))
X_LABEL: Final = "minimum − bias (ADU)"
Y_LABEL: Final = "median − minimum (ADU)"


def two_part_colours(lowest: float, highest: float) -> Colormap:
    """Colour map for counts that tells fractions of a pixel from whole pixels.

    Below 1 (expected counts are averages over simulations) cividis, reversed; from 1 on viridis.

    Parameters
    ----------
    lowest, highest : float
        Positive limits of the logarithmic scale.

    Returns
    -------
    Colormap
        256 colours; white where there is no count.
    """
    span = np.log10(highest) - np.log10(lowest)
    below = float(np.clip(-np.log10(lowest) / span, 0, 1))
    n_below = round(N_COLOURS * below)
    # The ends of both maps are left out where they would meet the page or the other map.
    low = colormaps["cividis_r"](np.linspace(0.15, 0.75, n_below))
    high = colormaps["viridis"](np.linspace(0.0, 1.0, N_COLOURS - n_below))
    colours = np.vstack([low, high])
    cmap = LinearSegmentedColormap.from_list("two_part", colours, N=N_COLOURS)
    return cmap.with_extremes(bad="white")


def count_scale(*histograms: npt.NDArray[np.generic]) -> LogNorm:
    """Logarithmic scale common to histograms.

    Parameters
    ----------
    *histograms : ndarray
        Counts.

    Returns
    -------
    LogNorm
        From the smallest to the largest count that is not 0; up to 10 at least.
    """
    positive = [np.asarray(h)[np.asarray(h) > 0] for h in histograms]
    lowest = min((float(p.min()) for p in positive if p.size), default=1.0)
    highest = max((float(p.max()) for p in positive if p.size), default=10.0)
    return LogNorm(min(lowest, 1.0), max(highest, 10.0))


def draw_boundary(
    axes: Axes, boundary: Boundary, x: npt.NDArray[np.float64], **kwargs: object
) -> None:
    """Draw the boundary that detects.

    Parameters
    ----------
    axes : Axes
        A diagram.
    boundary : Boundary
        Called for the heights of the line: what is drawn is what is applied.
    x : (m,) float64
        Abscissae, ADU.
    **kwargs
        Of the line.
    """
    settings: dict[str, object] = {"color": BOUNDARY_COLOUR, "lw": 2.0, "label": "boundary"}
    settings["path_effects"] = [Stroke(linewidth=3.4, foreground="black"), Stroke()]
    axes.plot(x, boundary(x), **(settings | kwargs))  # type: ignore[arg-type]


def histogram2d_figure(analysis: Analysis) -> Figure:
    """Draw expected and observed diagram with crosses, iterations and boundary.

    Parameters
    ----------
    analysis : Analysis
        One that uses the Median-Minimum method.

    Returns
    -------
    Figure
        Two panels with the limits of the diagram, one colour bar.
    """
    expected, observed = analysis.expected, analysis.observed("median")
    norm = count_scale(expected.histogram, observed)
    cmap = two_part_colours(float(norm.vmin or 1), float(norm.vmax or 10))
    figure = new_figure(12.1, 5.6)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    figure.subplots_adjust(0.06, 0.09, 0.925, 0.885, wspace=0.06)
    plane = expected.plane
    _show_counts(left, expected.histogram, plane, norm, cmap)
    image = _show_counts(right, observed, plane, norm, cmap)
    _draw_fit(left, analysis, plane)
    draw_boundary(right, analysis.boundary.boundary, _abscissae(plane), label="_")
    _draw_fixed_points(right, analysis, "_")
    _label_panels(left, right, analysis)
    box = right.get_position()
    bar = figure.add_axes((box.x1 + 0.01, box.y0, 0.012, box.height))
    figure.colorbar(image, cax=bar, label="pixels per bin")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=min(len(labels), 7), frameon=False)
    return figure


def _abscissae(plane: Plane) -> npt.NDArray[np.float64]:
    return np.linspace(plane.x_edges[0], plane.x_edges[-1], N_CURVE_POINTS)


def _show_counts(
    axes: Axes, counts: npt.NDArray[np.generic], plane: Plane, norm: LogNorm, cmap: Colormap
) -> AxesImage:
    x, y = plane.x_edges, plane.y_edges
    values = np.asarray(counts, dtype=np.float64).T
    image = axes.imshow(
        np.where(values > 0, values, np.nan),
        origin="lower",
        extent=(float(x[0]), float(x[-1]), float(y[0]), float(y[-1])),
        aspect="auto",
        norm=norm,
        cmap=cmap,
        interpolation="nearest",
    )
    axes.set_autoscale_on(False)
    return image


def _draw_fit(axes: Axes, analysis: Analysis, plane: Plane) -> None:
    """Crosses, every iteration with its knots, and fixed points, on the expected diagram."""
    expected, fit = analysis.expected, analysis.boundary
    axes.plot(
        expected.cross_x, expected.cross_y, "+", color=CROSS_COLOUR, ms=6, mew=1.3, label="crosses"
    )
    x = _abscissae(plane)
    *earlier, last = fit.iterations
    shades = colormaps["Blues"](np.linspace(0.45, 0.95, max(len(earlier), 1)))
    for number, curve in enumerate(earlier):
        name = "initial fit" if number == 0 else f"iteration {number}"
        shown = number == 0 or len(earlier) <= MAX_LABELLED
        draw_boundary(
            axes, curve, x, color=shades[number], lw=1.8, ls=_DASHES[number % len(_DASHES)],
            label=name if shown else "_", path_effects=None,
        )  # fmt: skip
    if fit.boundary.kind == "piecewise":
        name = "boundary (piecewise)"
    elif fit.boundary.kind == "exact":
        name = f"boundary ({analysis.parameters.mm_expected_false:g} false pixels expected)"
    else:
        name = f"boundary (iteration {len(earlier)})" if earlier else "boundary (initial fit)"
    draw_boundary(axes, last, x, label=name)
    if fit.boundary.kind != "exact":
        axes.plot(
            last.knots, last(last.knots), "o", color=BOUNDARY_COLOUR, mec="black", ms=6,
            label="knots",
        )  # fmt: skip
    _draw_fixed_points(axes, analysis, "fixed points")


def _draw_fixed_points(axes: Axes, analysis: Analysis, label: str) -> None:
    fixed = analysis.parameters.mm_fixed_points_in_boundary
    if fixed:
        x, y, _ = zip(*fixed, strict=True)
        axes.plot(x, y, "s", color=FIXED_COLOUR, alpha=0.5, ms=9, ls="none", label=label)


def _label_panels(left: Axes, right: Axes, analysis: Analysis) -> None:
    expected, stack = analysis.expected, analysis.mm_stack
    n, seed = expected.n_simulations, analysis.parameters.mm_seed or FIXED_SEED
    runs = "1 simulation" if n == 1 else f"{n} simulations"
    exact = isinstance(expected, ExactDiagram)
    left.set_title(
        "expected: by order statistics" if exact else f"expected: mean of {runs}, seed {seed}"
    )
    height = stack.median2d - stack.min2d
    above = int(np.count_nonzero(height > expected.plane.y_edges[-1]))
    beyond = f"; {above} higher than the diagram" if above else ""
    right.set_title(f"observed: {np.count_nonzero(np.isfinite(height))} pixels{beyond}", loc="left")
    left.set_ylabel(in_unit(Y_LABEL, analysis.exposures.unit))
    for axes in (left, right):
        axes.set_xlabel(in_unit(X_LABEL, analysis.exposures.unit))
