"""Numbers that a person would choose, for axes and sliders."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import LogLocator, MaxNLocator

from crmasks_widgets.dashboard.drawing.axis_scales import AxisScale

Ticks = npt.NDArray[np.float64]
SLIDER_STEPS: Final = 100
_FEW: Final = 2
_EXACT: Final = 1e-9  # to which numbers of a computer are what they should be
_ROUND: Final = (1, 2, 5)
_LONGEST: Final = 1e5  # a number with more zeros is read as a power of ten
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def linear_ticks(low: float, high: float, most: int) -> Ticks:
    """Multiples of one round step between two limits.

    Parameters
    ----------
    low, high : float
        Limits, rising.
    most : int
        Steps between the limits, at most.

    Returns
    -------
    (k,) float64
        Rising.
    """
    locator = MaxNLocator(most, steps=[*_ROUND, 10], min_n_ticks=1)
    slack = _EXACT * (high - low)
    return _between(locator.tick_values(low, high), low - slack, high + slack)


def log_ticks(low: float, high: float) -> Ticks:
    """Round numbers between two limits above 0; evenly spaced ones if those are few.

    Parameters
    ----------
    low, high : float
        Limits, rising.

    Returns
    -------
    (k,) float64
        Rising.
    """
    ticks = _round_numbers(low, high)
    return ticks if len(ticks) > _FEW else linear_ticks(low, high, 4)


def scale_ticks(scale: AxisScale, limits: tuple[float, float], room: float) -> Ticks:
    """Numbers along an axis: 0, powers of ten, then 3 times those, wherever there is room.

    Parameters
    ----------
    scale : AxisScale
        Of the axis.
    limits : (low, high)
        Places along the axis, rising.
    room : float
        How many numbers fit between the limits, side by side.

    Returns
    -------
    (k,) float64
        Values, rising. Where few such numbers are between the limits, the steps are equal.
    """
    low, high = (float(value) for value in scale.backward(limits))
    most = max(2, int(room))
    if scale.kind == "linear":
        return linear_ticks(low, high, most)
    apart = (limits[1] - limits[0]) / max(room, 2.0)
    chosen = _spaced(scale, _tiers(low, high), limits, apart)
    if len(chosen) <= _FEW:
        even = linear_ticks(low, high, most)
        chosen = _spaced(scale, [even[::2], even[1::2]], limits, apart)
    return np.array(chosen)


def tick_text(value: float) -> str:
    """A number as it stands at an axis."""
    if abs(value) < _LONGEST:
        return f"{value:.6g}".replace("-", "\u2212")
    mantissa, exponent = f"{value:.6e}".split("e")
    factor = f"{float(mantissa):g}\u00d7" if abs(float(mantissa)) != 1 else mantissa[:-8]
    return f"{factor}10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "\u2212")


def slider_step(width: float) -> float:
    """About a hundredth of the range of a slider, and round."""
    rough = width / SLIDER_STEPS
    return float(_round_numbers(rough / 10, rough)[-1])


def _tiers(low: float, high: float) -> list[Ticks]:
    """Numbers to be tried, the most welcome ones first."""
    first = np.ceil(np.log10(max(abs(low), abs(high))))
    powers = np.asarray(10.0 ** np.arange(first, -4, -1), np.float64)
    steps = [0.0, 1.0, -1.0, 3.0, -3.0]
    return [step * powers for step in steps]


def _spaced(
    scale: AxisScale, tiers: Iterable[Ticks], limits: tuple[float, float], apart: float
) -> list[float]:
    """Those values between the limits that keep their distance from the ones before."""
    chosen: list[float] = []
    places: list[float] = []
    slack = _EXACT * (limits[1] - limits[0])
    for tier in tiers:
        for value, place in zip(tier, scale.forward(tier), strict=True):
            inside = limits[0] - slack <= place <= limits[1] + slack and value >= scale.least
            if inside and all(abs(place - other) >= apart for other in places):
                chosen.append(float(value))
                places.append(float(place))
    return sorted(chosen)


def _round_numbers(low: float, high: float) -> Ticks:
    locator = LogLocator(subs=_ROUND, numticks=2 + int(np.log10(high / low)))
    return _between(locator.tick_values(low, high), low * (1 - _EXACT), high * (1 + _EXACT))


def _between(ticks: Sequence[float], low: float, high: float) -> Ticks:
    values = np.asarray(ticks, np.float64)
    return values[(values >= low) & (values <= high)]
