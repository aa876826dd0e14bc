"""Figures of the teaching notebooks, drawn without pyplot."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.lacosmic.stages import LacosmicStages
from crmasks_widgets.core.typing import FloatArray
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.figures.diagram_density import density, stretched_axis
from crmasks_widgets.figures.histogram2d import X_LABEL, Y_LABEL, draw_boundary
from crmasks_widgets.figures.hit_pages import hit_window
from crmasks_widgets.figures.images import BOUNDARY_COLOUR, CROSS_COLOUR, outline
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.simulate import Scene
from crmasks_widgets.teaching import Verdict, lesson_stack
from crmasks_widgets.units import in_unit

# Okabe & Ito (2008); symbols differ as well.
FOUND: Final[dict[str, Any]] = {"color": "#009E73", "marker": "o", "s": 22, "facecolors": "none"}
MISSED: Final[dict[str, Any]] = {"color": "#D55E00", "marker": "x", "s": 24}
FALSE: Final[dict[str, Any]] = {"color": "#CC79A7", "marker": "^", "s": 20}
LINES: Final[tuple[tuple[str, Any], ...]] = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#000000", ":"),
    ("#CC79A7", (0, (6, 1, 1, 1))),
)
# Of the part of a diagram that is looked at, in each direction.
N_CELLS: Final = 90


def order_figure(ordered: FloatArray, level: float) -> Figure:
    """Draw the distributions of minimum, median and maximum of N exposures of one pixel.

    Parameters
    ----------
    ordered : (k, N) ndarray
        From `teaching.repeated_pixel`, electrons.
    level : float
        Expected electrons.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    median = np.median(ordered, axis=1)
    parts = {"minimum": ordered[:, 0], "median": median, "maximum": ordered[:, -1]}
    edges = np.linspace(ordered.min(), ordered.max(), 80)
    for (name, values), (colour, style) in zip(parts.items(), LINES, strict=False):
        left.hist(values, edges, histtype="step", color=colour, linestyle=style, label=name)
    left.axvline(level, color="0.5", linewidth=0.8, label="truth")
    left.set(xlabel="value (electrons)", ylabel="pixels per bin")
    left.legend(fontsize=8)
    height = median - ordered[:, 0]
    right.hist(height, 80, histtype="step", color="#000000")
    right.set_yscale("log")
    right.set(xlabel="median − minimum (electrons)", ylabel="pixels per bin")
    for quantile, (colour, style) in zip((0.5, 0.999), LINES, strict=False):
        right.axvline(
            np.quantile(height, quantile), color=colour, linestyle=style,
            label=f"{100 * quantile:g} % lie below",
        )  # fmt: skip
    right.legend(fontsize=8)
    return figure


def _grey(axes: Axes, frame: FloatArray, title: str, low: float, high: float) -> None:
    extent = (0.5, frame.shape[1] + 0.5, 0.5, frame.shape[0] + 0.5)
    axes.imshow(
        frame, origin="lower", cmap="gray_r", vmin=low, vmax=high, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("x (pixel)", fontsize=8)


def _mark(axes: Axes, mask: npt.NDArray[np.bool_], label: str, style: Mapping[str, Any]) -> None:
    y, x = np.nonzero(mask)
    axes.scatter(x + 1, y + 1, linewidths=0.8, label=label, **style)


def exposures_figure(scene: Scene) -> Figure:
    """Draw the first exposure, the median, and the pixels that its truth says are hit too often.

    Parameters
    ----------
    scene : Scene
        Any.

    Returns
    -------
    Figure
    """
    stack = lesson_stack(scene)
    low, high = np.percentile(stack.median2d, [1, 99])
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    _grey(left, stack.cube[0], "exposure 1 (grey scale in electrons)", low, high)
    _grey(right, stack.median2d, f"median of {scene.n}", low, high)
    _mark(right, scene.double_hits, "hit in more than half", MISSED)
    left.set_ylabel("y (pixel)", fontsize=8)
    figure.colorbar(left.images[0], ax=[left, right], label="electrons", shrink=0.8)
    right.legend(fontsize=8, loc="upper right")
    return figure


def diagram_figure(
    scene: Scene,
    points: Mapping[float, float] | None = None,
    verdict: Verdict | None = None,
) -> Figure:
    """Draw the Median-Minimum diagram, with a boundary and a verdict if they are given.

    Parameters
    ----------
    scene : Scene
        Its exposures are shown as a density of pixels.
    points : mapping of float to float, optional
        Height of the boundary at some minima, ADU.
    verdict : Verdict, optional
        From `teaching.judge`; its pixels are marked.

    Returns
    -------
    Figure
    """
    stack = lesson_stack(scene)
    x, y = stack.min2d, stack.median2d - stack.min2d
    x_axis = stretched_axis(float(x.min()), float(x.max()), scene.rnoise)
    y_axis = stretched_axis(0.0, float(y.max()), scene.rnoise)
    counts = density(x, y, x_axis, y_axis)
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(
        x_axis.edges(counts.shape[0]), y_axis.edges(counts.shape[1]),
        np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, max(2, counts.max())), cmap="gray_r",
    )  # fmt: skip
    figure.colorbar(mesh, label="pixels per cell")
    if verdict is not None:
        parts = {"found": FOUND, "missed": MISSED, "false": FALSE}
        for name, style in parts.items():
            mask = getattr(verdict, name)
            label = f"{name}: {np.count_nonzero(mask)}"
            axes.scatter(x[mask], y[mask], linewidths=0.9, label=label, **style)
    if points is not None:
        places = np.linspace(x_axis.low, x_axis.high, 1001)
        given = sorted(points.items())
        heights = np.interp(places, *np.transpose(given))
        axes.plot(places, heights, color=BOUNDARY_COLOUR, linewidth=2, label="boundary")
        axes.plot(*np.transpose(given), "s", color=BOUNDARY_COLOUR, markeredgecolor="black")
    x_axis.apply(axes, "x")
    y_axis.apply(axes, "y")
    axes.set(xlabel="minimum (electrons)", ylabel="median − minimum (electrons)")
    if verdict is not None or points is not None:
        axes.legend(fontsize=8, loc="upper left")
    return figure


def stages_figure(
    frame: FloatArray, stages: LacosmicStages, sigclip: float, objlim: float
) -> Figure:
    """Draw the first iteration of L.A.Cosmic, stage by stage.

    Parameters
    ----------
    frame : (ny, nx) ndarray
        What it was given, electrons.
    stages : LacosmicStages
        From `core.lacosmic.stages`.
    sigclip, objlim : float
        The thresholds; the scales of S' and of S'/F go from 0 to twice as high.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    grid = figure.subplots(2, 3, sharex=True, sharey=True)
    low, high = np.percentile(frame, [1, 99.5])
    panels = (
        (frame, "frame (electrons)", low, high),
        (stages.laplacian, "Laplacian L⁺ (electrons)", 0, np.percentile(stages.laplacian, 99.5)),
        (stages.excess, "S′ = S − median(S) (sigma)", 0, 2 * sigclip),
        (stages.fine_structure, "fine structure F (sigma)", 0, sigclip),
        (np.where(stages.sharp, stages.contrast, 0), "S′/F where S′ > sigclip", 0, 2 * objlim),
        (frame, "flagged (frame in electrons)", low, high),
    )
    for axes, (values, title, vmin, vmax) in zip(grid.flat, panels, strict=True):
        _grey(axes, values, title, vmin, vmax)
        figure.colorbar(axes.images[0], ax=axes, shrink=0.85).ax.tick_params(labelsize=7)
    last = grid[1, 2]
    spared = stages.sharp & ~stages.flagged
    _mark(last, spared, "spared: S′/F too low", {**FALSE, "s": 6})
    _mark(last, stages.seeds, "seed: S′ and S′/F high", {**FOUND, "s": 12})
    _mark(last, stages.flagged & ~stages.seeds, "neighbour of a seed", {**MISSED, "s": 9})
    figure.legend(*last.get_legend_handles_labels(), fontsize=8, loc="outside lower right", ncols=3)
    for axes in grid[:, 0]:
        axes.set_ylabel("y (pixel)", fontsize=8)
    return figure


def error_figure(frames: Mapping[str, FloatArray], scene: Scene) -> Figure:
    """Draw how far combinations are from the truth, where something was hit and where not.

    Parameters
    ----------
    frames : mapping of str to (ny, nx) ndarray
        Combinations without bias, ADU.
    scene : Scene
        Its truth.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    grid = figure.subplots(1, 2, sharex=True)
    hit = scene.hits.any(axis=0)
    sigma = np.sqrt(np.mean(scene.sigma**2, axis=0))
    edges = np.linspace(-6, 12, 91)
    for axes, where, title in zip(
        grid, (~hit, hit), ("no exposure hit", "one exposure or more hit"), strict=True
    ):
        for (name, frame), (colour, style) in zip(frames.items(), LINES, strict=False):
            error = ((frame - scene.mean_truth) / sigma)[where]
            # What lies beyond the axis is counted in its last bin: nothing is hidden.
            inside = np.clip(error, edges[0], edges[-1] - 1e-6)
            axes.hist(
                inside, edges, histtype="step", color=colour, linestyle=style, label=name,
                weights=np.full(error.size, 100 / max(1, error.size)),
            )  # fmt: skip
        if where.any():
            axes.set_yscale("log")
        axes.set_title(f"{title}: {np.count_nonzero(where)} pixels", fontsize=9)
        axes.set(xlabel="error (sigma of one exposure)", ylabel="% of the pixels per bin")
    grid[0].legend(fontsize=8)
    return figure


def flagged_figure(
    analysis: Analysis, verdict: Verdict, limits: tuple[float, float, float, float]
) -> Figure:
    """Draw a part of the Median-Minimum diagram, and where its flagged pixels lie in the median.

    Parameters
    ----------
    analysis : Analysis
        One that uses the Median-Minimum method.
    verdict : Verdict
        From `teaching.judge_median`; what it found and what is false is marked in both panels.
    limits : (xmin, xmax, ymin, ymax)
        Of the part, ADU; pixels outside are not marked in the image either.

    Returns
    -------
    Figure
    """
    stack = analysis.stack
    x, y = stack.min2d, stack.median2d - stack.min2d
    low_x, high_x, low_y, high_y = limits
    inside = (x >= low_x) & (x <= high_x) & (y >= low_y) & (y <= high_y)
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(low_x, high_x, N_CELLS + 1), np.linspace(low_y, high_y, N_CELLS + 1)
    counts = np.histogram2d(x[inside], y[inside], bins=edges)[0]
    mesh = left.pcolormesh(
        *edges, np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, max(10, counts.max())),
        cmap="gray_r",
    )  # fmt: skip
    figure.colorbar(mesh, label="pixels per cell")
    draw_boundary(left, analysis.boundary.boundary, np.linspace(low_x, high_x, 1001))
    crosses = analysis.expected
    left.plot(crosses.cross_x, crosses.cross_y, "+", color=CROSS_COLOUR, label="crosses")
    _grey(
        right,
        stack.median2d,
        f"median (grey scale in {analysis.exposures.unit})",
        *colour_limits(stack.median2d, "percentile"),
    )
    figure.colorbar(right.images[0], label=analysis.exposures.unit)
    for name, style in (("found", FOUND), ("false", FALSE)):
        mask = getattr(verdict, name) & inside
        label = f"{name}: {np.count_nonzero(mask)}"
        left.scatter(x[mask], y[mask], linewidths=0.9, label=label, **style)
        _mark(right, mask, label, style)
    unit = analysis.exposures.unit
    left.set(
        xlabel=in_unit(X_LABEL, unit),
        ylabel=in_unit(Y_LABEL, unit),
        xlim=limits[:2],
        ylim=limits[2:],
    )
    right.set_ylabel("y (pixel)", fontsize=8)
    left.legend(fontsize=8, loc="upper left")
    return figure


def hits_figure(analysis: Analysis, hits: Mapping[str, int], semiwindow: int = 7) -> Figure:
    """Draw hits of the median below each other: exposures, median, corrected median.

    Parameters
    ----------
    analysis : Analysis
        Where they were found.
    hits : mapping of str to int
        Their numbers in `Analysis.hits`, by what the rows are to be called.
    semiwindow : int
        Pixels on either side of the middle of a hit.

    Returns
    -------
    Figure
        The panels of a row have the grey scale of the median; the hit is outlined.
    """
    stack, table = analysis.stack, analysis.hits
    frames = {f"exposure {i}": frame for i, frame in enumerate(stack.cube, 1)}
    frames |= {"median": stack.median2d, "mediancr": analysis.combination("mediancr").data}
    figure = Figure(figsize=(2.1 * len(frames), 2.3 * len(hits)), layout="constrained")
    grid = figure.subplots(len(hits), len(frames), squeeze=False)
    for row, (words, number) in zip(grid, hits.items(), strict=True):
        hit = table[number - 1]
        here = hit_window(hit["x"], hit["y"], semiwindow, stack.median2d.shape).index
        low, high = colour_limits(stack.median2d[here], "minmax")
        x, y = outline(analysis.labels[here] == number)
        top, first = here[0].start + 0.5, here[1].start + 0.5
        for axes, (name, frame) in zip(row, frames.items(), strict=True):
            _grey(axes, frame, name, low, high)
            axes.plot(x + first, y + top, color=DETECTORS["lacosmic"].colour, lw=1.2)
            axes.set_xlim(first, here[1].stop + 0.5)
            axes.set_ylim(top, here[0].stop + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_tick_params(labelleft=axes is row[0])
        figure.colorbar(row[-1].images[0], ax=list(row), label=analysis.exposures.unit, shrink=0.9)
        row[0].set_ylabel(f"{words}\ny (pixel)", fontsize=8)
    return figure
