"""Round numbers for axes and sliders: 1, 2 and 5 times powers of ten, as Matplotlib finds them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import LogLocator, MaxNLocator

Ticks = npt.NDArray[np.float64]
SLIDER_STEPS: Final = 100
_FEW: Final = 2
_EXACT: Final = 1e-9  # to which numbers of a computer are what they should be
_ROUND: Final = (1, 2, 5)


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


def slider_step(width: float) -> float:
    """About a hundredth of the range of a slider, and round."""
    rough = width / SLIDER_STEPS
    return float(_round_numbers(rough / 10, rough)[-1])


def _round_numbers(low: float, high: float) -> Ticks:
    locator = LogLocator(subs=_ROUND, numticks=2 + int(np.log10(high / low)))
    return _between(locator.tick_values(low, high), low * (1 - _EXACT), high * (1 + _EXACT))


def _between(ticks: Sequence[float], low: float, high: float) -> Ticks:
    values = np.asarray(ticks, np.float64)
    return values[(values >= low) & (values <= high)]
