"""Limits of colour scales, the same on paper and on screen."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from astropy.visualization import PercentileInterval, ZScaleInterval

Scale = Literal["minmax", "zscale", "percentile"]
# Of the values, in per cent, that lie within the limits "percentile".
PERCENTILE: Final = 99.5


def colour_limits(values: npt.NDArray[np.floating], scale: Scale) -> tuple[float, float]:
    """Lowest and highest value of a colour scale.

    Parameters
    ----------
    values : ndarray
        ADU; what is not finite is left out.
    scale : {"minmax", "zscale", "percentile"}
        The extremes, the limits of the IRAF zscale algorithm, or the central 99.5 per cent.

    Returns
    -------
    tuple of float
        Rising, ADU. Around the value if there is only one, 0 and 1 if there is none.
    """
    usable = np.isfinite(values)
    finite = values.ravel() if usable.all() else values[usable]
    if finite.size == 0:
        return 0.0, 1.0
    if scale == "minmax":
        low, high = float(finite.min()), float(finite.max())
    elif scale == "zscale":
        zscale = ZScaleInterval()
        # The values that it looks at itself: of a whole frame it would make several copies.
        every = max(1, finite.size // zscale.n_samples)
        sample = finite[::every][: zscale.n_samples].astype(np.float64)
        low, high = (float(limit) for limit in zscale.get_limits(sample))
    else:
        low, high = map(float, PercentileInterval(PERCENTILE).get_limits(finite))
    if high > low:
        return low, high
    margin = max(0.5, 1e-3 * abs(low))
    return low - margin, low + margin
