"""What was detected in one target: in the Median-Minimum diagram and on the image."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.core.codes import FORCED, INVALID_COLOUR, Code, all_codes
from crmasks_widgets.core.targets import mask_name, target_name
from crmasks_widgets.figures.diagram_density import (
    N_CELLS,
    StretchedAxis,
    density,
    stretched_axis,
)
from crmasks_widgets.figures.histogram2d import N_CURVE_POINTS, draw_boundary
from crmasks_widgets.figures.images import (
    block_maximum,
    code_colours,
    colour_bar,
    fit_panel,
    panel_pixels,
    show_frame,
)
from crmasks_widgets.figures.jobs import new_figure
from crmasks_widgets.limits import colour_limits

# Above these numbers of flagged pixels, numbers and symbols would only hide each other.
MOST_NUMBERED: Final = 200
MOST_SYMBOLS: Final = 2000
_FEW_SYMBOLS: Final = 300


@dataclass(frozen=True)
class Detected:
    """Flagged pixels of a target by class, before dilation.

    Attributes
    ----------
    analysis : Analysis
        Where they are from.
    target : {"median", "mean"} or int
        The target.
    """

    analysis: Analysis
    target: Target

    @cached_property
    def codes(self) -> npt.NDArray[np.uint8]:
        """Detection codes (ny, nx), without dilation."""
        codes = self.analysis.detections(self.target).codes()
        forced = self.analysis.edits.forced
        if forced.any():
            codes[forced & self.analysis.mask(self.target) & (codes == 0)] = FORCED
        return codes

    @cached_property
    def pixels(self) -> npt.NDArray[np.intp]:
        """Flat indices of the flagged pixels, in raster order."""
        return np.flatnonzero(self.codes)

    @cached_property
    def x(self) -> npt.NDArray[np.float32]:
        """Minimum - bias of the flagged pixels, ADU."""
        values: npt.NDArray[np.float32] = self.analysis.mm_stack.min2d.ravel()[self.pixels]
        return values

    @cached_property
    def height(self) -> npt.NDArray[np.float32]:
        """Target - minimum (ny, nx), ADU; for the median of two, maximum - minimum."""
        stack = self.analysis.mm_stack
        upper = stack.max2d if self._of_two else stack.target(self.target)
        frame: npt.NDArray[np.float32] = upper - stack.min2d
        return frame

    @property
    def height_name(self) -> str:
        """What `height` is."""
        return f"{'maximum' if self._of_two else target_name(self.target)} − minimum"

    @property
    def _of_two(self) -> bool:
        return self.target == "median" and self.analysis.exposures.n == 2

    def of(self, code: int) -> npt.NDArray[np.bool_]:
        """Which of `pixels` belong to a class.

        Parameters
        ----------
        code : int
            A detection code.

        Returns
        -------
        (k,) bool
            One value for each of `pixels`.
        """
        chosen: npt.NDArray[np.bool_] = self.codes.ravel()[self.pixels] == code
        return chosen


def diagnostic_figure(analysis: Analysis, target: Target) -> Figure:
    """Draw the four panels of a target.

    Parameters
    ----------
    analysis : Analysis
        Masks and, if it takes part, the Median-Minimum diagram are read from it.
    target : {"median", "mean"} or int
        What the detections were looked for in.

    Returns
    -------
    Figure
        (a) diagram with symbols, (b) with numbers, (c) target with symbols, (d) mean.
    """
    found = Detected(analysis, target)
    figure = new_figure(12.0, 10.2)
    panels = figure.subplots(2, 2)
    figure.subplots_adjust(0.06, 0.05, 0.94, 0.905, wspace=0.34, hspace=0.2)
    x_axis, y_axis = diagram_axes(found)
    _diagram_panels(figure, (panels[0, 0], panels[0, 1]), found, x_axis, y_axis)
    _image_panels(figure, (panels[1, 0], panels[1, 1]), found)
    _head(figure, panels[0, 0], found)
    return figure


def diagram_axes(found: Detected) -> tuple[StretchedAxis, StretchedAxis]:
    """Axes of the diagram that hold every pixel of the target and, if drawn, the diagram's plane.

    Parameters
    ----------
    found : Detected
        The target.

    Returns
    -------
    tuple of StretchedAxis
        Along minimum - bias and along target - minimum.
    """
    noise = found.analysis.calibration.typical_rnoise
    ends = []
    for frame in (found.analysis.mm_stack.min2d, found.height):
        ends.append([float(np.fmin.reduce(frame, None)), float(np.fmax.reduce(frame, None))])
    if found.analysis.parameters.has_boundary:
        x, y = found.analysis.plane.x_edges, found.analysis.plane.y_edges
        ends[0] = [min(ends[0][0], float(x[0])), max(ends[0][1], float(x[-1]))]
        ends[1] = [0.0, max(ends[1][1], float(y[-1]))]
    return stretched_axis(ends[0][0], ends[0][1], noise), stretched_axis(
        ends[1][0], ends[1][1], noise
    )


def _diagram_panels(
    figure: Figure,
    panels: tuple[Axes, Axes],
    found: Detected,
    x_axis: StretchedAxis,
    y_axis: StretchedAxis,
) -> None:
    a, b = panels
    unit = found.analysis.exposures.unit
    for axes in panels:
        x_axis.apply(axes, "x")
        y_axis.apply(axes, "y")
        axes.set_xlabel(f"minimum − bias ({unit})")
        axes.set_ylabel(f"{found.height_name} ({unit})")
    counts = density(found.analysis.mm_stack.min2d, found.height, x_axis, y_axis)
    _show_density(figure, a, counts, (x_axis, y_axis), "all pixels per cell")
    if found.analysis.parameters.has_boundary:
        _draw_limits(a, found.analysis, x_axis)
        _draw_limits(b, found.analysis, x_axis)
    _draw_symbols(a, found, found.x, found.height.ravel()[found.pixels])
    a.set_title("(a) all pixels, flagged ones by method")
    if len(found.pixels) <= MOST_NUMBERED:
        b.set_title("(b) flagged pixels, numbered by method")
        _draw_numbers(b, found)
    else:
        b.set_title(
            f"(b) density of the flagged pixels ({len(found.pixels)}: too many to number)",
            loc="left",
        )
        height = found.height.ravel()[found.pixels]
        counts = density(found.x, height, x_axis, y_axis)
        _show_density(figure, b, counts, (x_axis, y_axis), "flagged pixels per cell", "viridis")


def _show_density(
    figure: Figure,
    axes: Axes,
    counts: npt.NDArray[np.int64],
    scales: tuple[StretchedAxis, StretchedAxis],
    label: str,
    colours: str | None = None,
) -> None:
    greys = ["#E4E4E4", "#8C8C8C", "#303030"]
    cmap = colormaps[colours] if colours else LinearSegmentedColormap.from_list("pale", greys)
    columns, rows = N_CELLS
    mesh = axes.pcolormesh(
        scales[0].edges(columns),
        scales[1].edges(rows),
        np.where(counts > 0, counts, np.nan).T,
        norm=LogNorm(1, max(10, int(counts.max(initial=1)))),
        cmap=cmap,
        rasterized=True,
        zorder=0,
    )
    box = axes.get_position()
    bar = figure.add_axes((box.x1 + 0.006, box.y0, 0.009, box.height))
    figure.colorbar(mesh, cax=bar, label=label).minorticks_off()


def _draw_limits(axes: Axes, analysis: Analysis, x_axis: StretchedAxis) -> None:
    """Boundary and threshold: the lines that a detection has to exceed."""
    draw_boundary(axes, analysis.boundary.boundary, x_axis.edges(N_CURVE_POINTS - 1))
    threshold = np.asarray(analysis.threshold)
    low, high = float(threshold.min()), float(threshold.max())
    unit = analysis.exposures.unit
    line = {"color": "0.35", "ls": ":", "lw": 1.5}
    if low == high:
        axes.axhline(low, label=f"threshold {low:g} {unit}", **line)  # type: ignore[arg-type]
    else:
        axes.axhline(low, label=f"threshold {low:.3g} to {high:.3g} {unit}", **line)  # type: ignore[arg-type]
        axes.axhline(high, label="_", **line)  # type: ignore[arg-type]


def _drawn_codes() -> list[Code]:
    """Codes with a marker, the least important first: later ones are drawn on top."""
    return [code for code in all_codes().values() if code.marker]


def _draw_symbols(
    axes: Axes, found: Detected, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]
) -> None:
    """One line artist a class, however many pixels there are."""
    n = len(found.pixels)
    size = 7.0 if n <= _FEW_SYMBOLS else 4.5 if n <= MOST_SYMBOLS else 2.5
    few = n <= MOST_SYMBOLS
    for code in _drawn_codes():
        chosen = found.of(code.number)
        if not chosen.any():
            continue
        halo = [withStroke(linewidth=2.6, foreground="white")] if few else None
        axes.plot(
            x[chosen], y[chosen], code.marker, ls="none", ms=size, mew=1.2 if few else 0.5,
            mfc="none", color=code.colour, path_effects=halo,
            label=f"{code.name}: {np.count_nonzero(chosen)}",
        )  # fmt: skip


def _draw_numbers(axes: Axes, found: Detected) -> None:
    height = found.height.ravel()[found.pixels]
    halo = [withStroke(linewidth=1.6, foreground="white")]
    for code in _drawn_codes():
        chosen = np.flatnonzero(found.of(code.number))
        for number, i in enumerate(chosen, start=1):
            axes.text(
                float(found.x[i]), float(height[i]), str(number), fontsize=7.0, ha="center",
                va="center", color=code.colour, path_effects=halo, clip_on=True,
            )  # fmt: skip


def _image_panels(figure: Figure, panels: tuple[Axes, Axes], found: Detected) -> None:
    c, d = panels
    stack = found.analysis.stack
    target = stack.target(found.target)
    shape = (target.shape[0], target.shape[1])
    limits = colour_limits(target, "zscale")
    frames = ((c, target, target_name(found.target)), (d, stack.mean2d, "mean"))
    for axes, frame, name in frames:
        fit_panel(axes, shape)
        image = show_frame(axes, frame, limits)
        colour_bar(figure, axes, image, f"{name} ({found.analysis.exposures.unit})", extend="both")
    if len(found.pixels) <= MOST_SYMBOLS:
        y, x = np.divmod(found.pixels, shape[1])
        _draw_symbols(c, found, x + 1.0, y + 1.0)
    else:
        _overlay_codes(c, found.codes)
    c.set_title(f"(c) {target_name(found.target)} with the flagged pixels")
    d.set_title("(d) mean")


def _overlay_codes(axes: Axes, codes: npt.NDArray[np.uint8]) -> None:
    """Flagged pixels as one transparent image, in which no flagged pixel is lost."""
    reduced, extent = block_maximum(codes, panel_pixels(axes))
    coloured = np.zeros((*reduced.shape, 4), dtype=np.uint8)
    coloured[..., :3] = code_colours()[reduced]
    coloured[..., 3] = np.where(reduced > 0, 255, 0)
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(
        coloured, origin="lower", extent=extent, interpolation="nearest", aspect=axes.get_aspect()
    )
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _head(figure: Figure, panel: Axes, found: Detected) -> None:
    """Title and one legend for all panels, where they cover nothing."""
    mask = found.analysis.mask(found.target)
    figure.suptitle(
        f"{mask_name(found.target)}: {len(found.pixels)} pixels flagged in "
        f"{target_name(found.target)}, "
        f"{np.count_nonzero(mask)} after dilation by {found.analysis.parameters.dilation}",
        y=0.988,
        fontsize=11,
    )
    handles, labels = panel.get_legend_handles_labels()
    if found.analysis.stack.valid is not None:
        handles.append(panel.plot([], [], "s", color=INVALID_COLOUR, ms=7)[0])
        labels.append("no valid value")
    if handles:
        few = len(found.pixels) <= MOST_SYMBOLS
        figure.legend(
            handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.97), frameon=False,
            ncols=min(len(labels), 7), markerscale=1.0 if few else 2.5,
        )  # fmt: skip
