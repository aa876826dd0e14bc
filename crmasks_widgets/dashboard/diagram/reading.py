"""What the diagram shows of an analysis: the pixels, in which units, and how far its axes reach."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.targets import target_name
from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale
from crmasks_widgets.dashboard.drawing.densities import spread_over_steps
from crmasks_widgets.dashboard.model.on_screen import slices_on_screen
from crmasks_widgets.dashboard.model.state import AxisKind, Limits, ViewModel
from crmasks_widgets.dashboard.page.context import Memo
from crmasks_widgets.parameters import Parameters

# An axis is linear up to this many times the readout noise, ADU, and up to this, sigma.
SOFT_NOISE: Final = 3.0
SOFT_SIGMA: Final = 3.0
# One pixel in so many may lie left of the diagram, or below: dead ones would fill half of it.
_OUTLIERS: Final = 10_000
_MARGIN: Final = 0.03  # of the axis, on each side
# The softening of axes follows the readout noise once it is so many times what it was.
_TIMES: Final = 2.0


def in_sigma(parameters: Parameters) -> bool:
    """Whether the diagram is in units of sigma: where significance decides instead of MM."""
    return parameters.judges and not parameters.has_boundary


@dataclass(frozen=True, eq=False)
class Reading:
    """Places of all pixels in the diagram.

    Attributes
    ----------
    sigma : bool
        Whether heights are significances.
    x, y : (ny, nx) float32
        min2d - bias, ADU, and target - min2d, ADU, or significance, sigma.
    softening : x, y
        Of asinh axes.
    plain : (x_min, x_max, y_min, y_max)
        What linear axes show at first; of differences, the plane of the diagram decides how high.
    names : x, y
        Of the axes.
    units : x, y
        Of the values along them.
    """

    sigma: bool
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    softening: tuple[float, float]
    plain: Limits
    names: tuple[str, str]
    units: tuple[str, str]

    def scales(self, kind: AxisKind) -> tuple[AxisScale, AxisScale]:
        """Axes of a kind."""
        return AxisScale(kind, self.softening[0]), AxisScale(kind, self.softening[1])

    def at(self, pixels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Places of some pixels, given by flat indices."""
        return self.x.ravel()[pixels], self.y.ravel()[pixels]


class Reader:
    """Reads the diagram of a view model, and again only what has changed."""

    def __init__(self) -> None:
        self._reading, self._axes, self._soft = Memo(), Memo(), 0.0

    def __call__(self, model: ViewModel) -> Reading | None:
        """Tell what is shown.

        Parameters
        ----------
        model : ViewModel
            What is known.

        Returns
        -------
        Reading or None
            None before it is known.
        """
        target, sigma = model.display.target, in_sigma(model.analysis.parameters)
        if not model.ready("stack") or (sigma and not model.ready(("significance", target))):
            return None
        analysis = model.analysis
        stack = analysis.stack
        heights = analysis.significance(target) if sigma else stack.target(target)
        soft = self._softening(analysis.calibration.typical_rnoise or 1.0)
        read = partial(_read, model, sigma, heights, soft)
        found: Reading = self._reading((stack, analysis.mm_stack, heights, soft), read)
        return found

    def _softening(self, rnoise: float) -> float:
        """Softening of axes in ADU: that of before, unless the readout noise is quite another."""
        soft = SOFT_NOISE * rnoise
        if not self._soft / _TIMES <= soft <= self._soft * _TIMES:
            self._soft = soft
        return self._soft

    def along_axes(self, reading: Reading, kind: AxisKind) -> tuple[npt.NDArray[Any], ...]:
        """Places of all pixels along axes of a kind, x and y, flat, spread over their steps."""

        def transform() -> tuple[npt.NDArray[Any], ...]:
            x, y = reading.scales(kind)
            return (
                x.forward(spread_over_steps(reading.x.ravel(), 0)),
                y.forward(spread_over_steps(reading.y.ravel(), 1)),
            )

        found: tuple[npt.NDArray[Any], ...] = self._axes((reading, kind), transform)
        return found


def _read(model: ViewModel, sigma: bool, heights: npt.NDArray[np.float32], soft: float) -> Reading:
    analysis, name = model.analysis, target_name(model.display.target)
    x = analysis.mm_stack.min2d
    y = heights if sigma else heights - x
    low, high = _low(x), float(np.nanmax(x, initial=low_end(x)))
    top = 12.0 if sigma else float(np.nanmax(y, initial=1.0))
    plain = (low, high, _low(y) if sigma else 0.0, top)
    unit = analysis.exposures.unit
    height = f"{name} \u2212 minimum"
    if model.analysis.exposures.n == 2 and name in ("median", "mean"):
        height = "half the difference of both"
    softening = soft, SOFT_SIGMA if sigma else soft
    names = "minimum \u2212 bias", f"significance of {name}" if sigma else height
    units = unit, "\u03c3" if sigma else unit
    return Reading(sigma, x, y, softening, plain, names, units)


def low_end(values: npt.NDArray[np.float32]) -> float:
    """A value to begin with where all others are NaN."""
    return 0.0 if np.isnan(values).all() else float(np.nanmin(values))


def _low(values: npt.NDArray[np.float32]) -> float:
    """Value that one pixel in `_OUTLIERS` lies below."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0
    rank = finite.size // _OUTLIERS
    return float(np.partition(finite, rank)[rank])


def pixel_limits(reading: Reading, kind: AxisKind) -> Limits:
    """Limits within which all pixels lie but outliers at low values; above 12 sigma, linear."""
    x_min, x_max, y_min, y_max = reading.plain
    if kind != "linear":
        y_max = float(np.nanmax(reading.y, initial=y_min))
    return x_min, x_max, y_min, y_max


def plane_top(model: ViewModel, reading: Reading) -> float | None:
    """Height of the diagram that the fit sees, ADU; None where there is none, or not yet."""
    known = model.analysis.parameters.has_boundary and model.ready("plane")
    return None if reading.sigma or not known else float(model.analysis.plane.y_edges[-1])


def whole_view(
    model: ViewModel, reading: Reading, kind: AxisKind, pixels: Limits, top: float | None = None
) -> Limits:
    """Limits within which every hit, every fixed point and the line lies.

    Parameters
    ----------
    model : ViewModel
        Whose line: its fixed points, and the boundary once it is known.
    reading : Reading
        What is shown.
    kind : {"asinh", "linear", "log"}
        Of the axes. Linear ones leave out what would make everything else small.
    pixels : (x_min, x_max, y_min, y_max)
        Of `pixel_limits`.
    top : float, optional
        How high linear axes reach, of `plane_top`; by default as high as the pixels.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        Data.
    """
    x_min, x_max, y_min, y_max = pixels
    y_max = y_max if top is None else top
    y_max = max(y_max, *_line_heights(model, reading, x_min, x_max))
    scales = reading.scales(kind)
    left, right = _widened(scales[0], (x_min, x_max))
    low, high = _widened(scales[1], (y_min, y_max))
    return left, right, low, high


def has_line(model: ViewModel, reading: Reading) -> bool:
    """Whether there is a boundary to be seen in the diagram."""
    shown = model.analysis.parameters.has_boundary and not reading.sigma
    return shown and model.ready("boundary")


def _line_heights(model: ViewModel, reading: Reading, x_min: float, x_max: float) -> list[float]:
    """Heights of fixed points, and the highest of the boundary between two abscissae."""
    points = () if reading.sigma else model.parameters.mm_fixed_points_in_boundary or ()
    heights = [0.0, *(point[1] for point in points)]
    if has_line(model, reading):
        line = model.analysis.boundary.boundary
        heights.append(line.highest(x_min, x_max))
    return heights


def _widened(scale: AxisScale, ends: tuple[float, float]) -> tuple[float, float]:
    """Ends of an axis with what makes room around them, as a part of the axis."""
    first, last = scale.ends(*ends)
    length = last - first
    low, high = scale.backward((first - _MARGIN * length, last + _MARGIN * length)).tolist()
    return low, high


def pixels_shown(
    model: ViewModel, places: tuple[npt.NDArray[Any], ...]
) -> tuple[npt.NDArray[Any], ...]:
    """Places of the pixels that count: all, or those on screen, if that was asked for."""
    window = slices_on_screen(model)
    if window is None:
        return places
    shape = model.analysis.exposures.shape
    return tuple(place.reshape(shape)[window].ravel() for place in places)
