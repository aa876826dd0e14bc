"""The range of values that are not far apart from all others."""

from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import Float64Array

# So many of a thousand values may lie apart, on either side.
_APART: Final = 1e-3
FAR_BELOW: Final = 20.0
"""Gap below all others, over their range: no light lies there, and noise reaches a tenth of it."""

FAR_ABOVE: Final = 1e4
"""The same above them, where stars and hot pixels do lie: 16 bits of noise are below it."""


def ordinary_range(values: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Find the extremes of the values without those that lie apart from all others.

    From the bulk of the values outwards, each has to follow the one before it within a gap that
    is `FAR_BELOW` or `FAR_ABOVE` times the range up to there.

    Parameters
    ----------
    values : ndarray
        Any number of values above none; NaN is left out.

    Returns
    -------
    lowest, highest : float
        The true extremes where nothing lies apart, as in nearly all frames, and of so few values
        that none of them can be told from the bulk.
    """
    finite = values[np.isfinite(values)]
    few = int(_APART * finite.size)
    if not few:
        return float(finite.min()), float(finite.max())
    ordered = np.partition(finite, (few, finite.size - few - 1))
    lower = np.sort(ordered[: few + 1])[::-1].astype(np.float64)
    upper = np.sort(ordered[-few - 1 :]).astype(np.float64)
    lowest = lower[_last(upper[0] - lower, FAR_BELOW)]
    highest = upper[_last(upper - lower[0], FAR_ABOVE)]
    return float(lowest), float(highest)


def _last(distances: Float64Array, most: float) -> int:
    """Index of the last of rising distances before the first gap that is too wide."""
    too_far = np.diff(distances) > most * distances[:-1]
    if not distances[0] or not too_far.any():
        return -1
    return int(np.argmax(too_far))
