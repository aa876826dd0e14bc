"""Where an exposure saturates once its bias is subtracted and its flux factor divided out."""

import numpy as np
import numpy.typing as npt

# A map of the bias has a level of saturation in every pixel; L.A.Cosmic takes one for the frame.
# That of all but this part of the pixels is taken: too few lie above it to matter, and a single
# hot pixel of the map does not pull it down.
_BIAS_QUANTILE = 0.999
# What clips at the level comes out of float32 arithmetic a little lower.
_ROUNDING = 1e-6


def saturation_level(
    raw: float, bias: float | npt.NDArray[np.floating], factor: float = 1.0
) -> float:
    """Value from which on a frame is saturated.

    Parameters
    ----------
    raw : float
        Level at which the detector clips, as read, ADU.
    bias : float or (ny, nx) ndarray
        What was subtracted, ADU.
    factor : float
        What the frame was divided by.

    Returns
    -------
    float
        ADU of the frame; not positive where the level lies below the bias. Without bias and
        factor, `raw` itself.
    """
    offset = float(np.quantile(bias, _BIAS_QUANTILE)) if np.ndim(bias) else float(bias)
    if offset == 0 and factor == 1:
        return raw
    return (raw - offset) * (1 - _ROUNDING) / factor
