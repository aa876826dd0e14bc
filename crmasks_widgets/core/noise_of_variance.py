"""A noise model from variances that somebody else worked out, pixel by pixel."""

from typing import Final

import numpy as np
from scipy.special import ndtri

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import Float32Array

# Part of the pixels whose variance may be smaller than that of their photons alone: the level is
# that of a few exposures, and scatters.
_BELOW: Final = 0.001
_READOUT: Final = 0.02
# Where the minimum exceeds so many sigma, it is lifted to the level that it is the minimum of.
_LIT: Final = 2.0


def noise_of_variance(
    variance: Float32Array, minimum: Float32Array, n_exposures: int, gain: float
) -> Noise:
    """Make a noise model that gives these variances at the levels of the exposures.

    The photons of the level take their part of the variance, which keeps the law of small counts;
    what is left is readout noise, a map. Where the variances are too small for so many photons
    (values that were averaged before), the gain is raised until they fit.

    Parameters
    ----------
    variance : (ny, nx) float32
        Of one exposure, ADU squared; NaN where nobody knows.
    minimum : (ny, nx) float32
        Of the exposures without bias, ADU, which hits do not lift; NaN where nobody knows.
    n_exposures : int
        Of how many.
    gain : float
        e-/ADU.

    Returns
    -------
    Noise
        With a map of readout noise; at least a fiftieth of each variance is readout noise. Pixels
        that nobody knows have its median.
    """
    known = np.isfinite(variance) & np.isfinite(minimum)
    sigma = np.sqrt(np.where(known, variance, 1))
    # The lowest of n normal values, by Blom's formula.
    below = -float(ndtri((1 - 0.375) / (n_exposures + 0.25)))
    low = np.where(known, minimum, 0)
    light = np.maximum(low + below * sigma * np.clip(low / (_LIT * sigma), 0, 1), 0)
    lit = known & (light > 0)
    if lit.any():
        gain = max(gain, float(np.quantile(light[lit] / variance[lit], 1 - _BELOW)))
    rest = np.maximum(variance - light / np.float32(gain), _READOUT * variance)
    rnoise = np.sqrt(rest, dtype=np.float32)
    rnoise[~known] = np.median(rnoise[known]) if known.any() else 0
    return Noise(gain, rnoise)
