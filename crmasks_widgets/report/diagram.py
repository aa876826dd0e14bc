"""The diagram of a report: a density as a picture, lines and hits as SVG over it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.typing import FloatArray
from crmasks_widgets.figures.diagnostics import Detected, diagram_axes
from crmasks_widgets.figures.diagram_density import StretchedAxis, density, stretched_axis
from crmasks_widgets.figures.histogram2d import N_CURVE_POINTS, X_LABEL
from crmasks_widgets.report.pictures import Picture, density_picture
from crmasks_widgets.units import in_unit

WIDTH: Final = 640
HEIGHT: Final = 400
_SIGMA_LABEL: Final = "significance of the median over the minimum (σ)"


@dataclass(frozen=True)
class Tick:
    """A label of an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line of a diagram: points of a polyline as SVG has them, its name, whether it is dashed."""

    points: str
    name: str
    dashed: bool


@dataclass(frozen=True)
class Glyph:
    """A hit in a diagram or on a frame: its number, place and colour."""

    number: int
    x: float
    y: float
    colour: str


@dataclass(frozen=True)
class Drawing:
    """A diagram, in a box of `WIDTH` by `HEIGHT`, y downwards as in SVG.

    Attributes
    ----------
    picture : Picture
        Density of all pixels; it fills the box.
    x_label, y_label : str
        Names of the axes, with units.
    x_ticks, y_ticks : tuple of Tick
        Labels.
    lines : tuple of Line
        What a detection has to exceed.
    glyphs : tuple of Glyph
        A hit each, at its pixel of largest median - minimum.
    """

    picture: Picture
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    glyphs: tuple[Glyph, ...]


def draw(analysis: Analysis, brightest: npt.NDArray[np.int64], numbers: Collection[int]) -> Drawing:
    """Draw the diagram of the median: Median-Minimum, or in units of sigma where that decides.

    Parameters
    ----------
    analysis : Analysis
        With masks.
    brightest : (n,) int64
        Flat index of a pixel of each hit.
    numbers : collection of int
        Hits to be shown.

    Returns
    -------
    Drawing
        With every pixel inside.
    """
    p = analysis.parameters
    in_sigma = p.judges and not p.has_boundary
    found = Detected(analysis, "median")
    x_axis, y_axis = diagram_axes(found)
    height: FloatArray = found.height
    if in_sigma:
        height = analysis.significance("median")
        ends = float(np.fmin.reduce(height, None)), float(np.fmax.reduce(height, None))
        y_axis = stretched_axis(*ends, 1.0)
        lines = _sigma_lines(analysis, y_axis)
    else:
        lines = _boundary_lines(analysis, x_axis, y_axis)
    minimum, unit = analysis.mm_stack.min2d, analysis.exposures.unit
    places = (
        _along_x(minimum.ravel()[brightest], x_axis), _along_y(height.ravel()[brightest], y_axis),
    )  # fmt: skip
    return Drawing(
        density_picture(density(minimum, height, x_axis, y_axis)),
        in_unit(X_LABEL, unit),
        _SIGMA_LABEL if in_sigma else f"{found.height_name} ({unit})",
        tuple(Tick(float(_along_x(np.array([t]), x_axis)[0]), _said(t)) for t in x_axis.ticks()),
        tuple(Tick(float(_along_y(np.array([t]), y_axis)[0]), _said(t)) for t in y_axis.ticks()),
        lines,
        tuple(glyph for glyph in _glyphs(analysis, *places) if glyph.number in numbers),
    )


def _glyphs(analysis: Analysis, x: FloatArray, y: FloatArray) -> tuple[Glyph, ...]:
    known = colours_by_name()
    rows = zip(analysis.hits["number", "method"], x, y, strict=True)
    return tuple(
        Glyph(int(row["number"]), round(float(at_x), 1), round(float(at_y), 1),
              known[str(row["method"])])
        for row, at_x, at_y in rows if np.isfinite(at_x) and np.isfinite(at_y)
    )  # fmt: skip


def _said(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


def _share(values: FloatArray, axis: StretchedAxis) -> FloatArray:
    ends = axis.forward(np.array([axis.low, axis.high]))
    return np.asarray(
        (axis.forward(np.asarray(values, np.float64)) - ends[0]) / (ends[1] - ends[0])
    )


def _along_x(values: FloatArray, axis: StretchedAxis) -> FloatArray:
    return WIDTH * _share(values, axis)


def _along_y(values: FloatArray, axis: StretchedAxis) -> FloatArray:
    return HEIGHT * (1 - _share(values, axis))


def _boundary_lines(
    analysis: Analysis, x_axis: StretchedAxis, y_axis: StretchedAxis
) -> tuple[Line, ...]:
    if not analysis.parameters.has_boundary:
        return ()
    x = x_axis.edges(N_CURVE_POINTS - 1)
    curve = _polyline(_along_x(x, x_axis), _along_y(analysis.boundary.boundary(x), y_axis))
    threshold = float(np.median(analysis.threshold))
    level = _level(
        threshold, f"threshold {threshold:.4g} {analysis.exposures.unit}", y_axis, dashed=True
    )
    return Line(curve, "boundary", dashed=False), level


def _sigma_lines(analysis: Analysis, y_axis: StretchedAxis) -> tuple[Line, ...]:
    limits = analysis.significance_limits("median")
    return (
        _level(limits.start[0], f"a hit begins at {limits.start[0]:.2f} σ", y_axis, dashed=False),
        _level(limits.growth, f"and grows down to {limits.growth:.2f} σ", y_axis, dashed=True),
    )


def _level(value: float, name: str, y_axis: StretchedAxis, *, dashed: bool) -> Line:
    y = np.repeat(_along_y(np.array([value]), y_axis), 2)
    return Line(_polyline(np.array([0.0, WIDTH]), y), name, dashed)


def _polyline(x: FloatArray, y: FloatArray) -> str:
    inside = np.isfinite(x) & np.isfinite(y)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[inside], y[inside], strict=True))
