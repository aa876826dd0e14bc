"""Which values a frame has: counts, and the range in which they are worth counting."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing.stretches import colour_palette, stretched

# As many values tell the shape of a histogram as well as all of them.
_SAMPLE = 400_000
# What lies beyond these parts of the values would squeeze all others into a corner.
_MOST = (0.002, 0.98)
_BEYOND = 0.15  # of the distance between these, shown on each side


def sample(frame: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Finite values of a frame, spread evenly over it.

    Parameters
    ----------
    frame : (ny, nx) float
        ADU; what is not finite is left out.

    Returns
    -------
    (k,) float
        All of them where they are few.
    """
    step = max(1, int(np.sqrt(frame.size / _SAMPLE)))
    values = frame[::step, ::step]
    return np.asarray(values[np.isfinite(values)])


def value_range(
    values: npt.NDArray[np.floating], limits: tuple[float, float]
) -> tuple[float, float]:
    """Choose the range of a histogram.

    Parameters
    ----------
    values : (k,) float
        Of `sample`.
    limits : (low, high)
        Rising; they are inside.

    Returns
    -------
    (low, high)
        Rising: nearly all values, and the limits.
    """
    low, high = limits
    if values.size:
        first, last = (float(value) for value in np.quantile(values, _MOST))
        beyond = _BEYOND * (last - first)
        low, high = min(low, first - beyond), max(high, last + beyond)
    margin = 0.02 * (high - low)
    return low - margin, high + margin


def counts_in(
    values: npt.NDArray[np.floating], within: tuple[float, float], bins: int
) -> list[int]:
    """Count values in equal steps of a range.

    Parameters
    ----------
    values : (k,) float
        Of `sample`.
    within : (low, high)
        Rising.
    bins : int
        Steps.

    Returns
    -------
    list of int
        From the lowest step on; values beyond the range are not counted.
    """
    counts, _ = np.histogram(values, bins, within)
    return [int(count) for count in counts]


def colour_ramp(stretch: str, colours: str, steps: int) -> list[str]:
    """Colours of values from the lower limit to the upper one.

    Parameters
    ----------
    stretch : str
        Key of `stretches.STRETCHES`.
    colours : str
        One of `stretches.COLOUR_MAPS`.
    steps : int
        How many colours.

    Returns
    -------
    list of str
        As "#rrggbb".
    """
    indices = stretched(np.linspace(0.0, 1.0, steps), stretch)
    return ["#" + bytes(rgb[:3]).hex() for rgb in colour_palette(colours)[indices]]
