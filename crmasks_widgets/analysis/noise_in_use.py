"""What is said of the noise that significance goes by, where it is not simply the given one."""

import logging

import numpy as np

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.observed_noise import ObservedNoise

logger = logging.getLogger(__name__)


def describe_noise(noise: Noise) -> str:
    """Write a noise on one line.

    Parameters
    ----------
    noise : Noise
        Of an exposure.

    Returns
    -------
    str
        Gain in e-/ADU, readout noise in ADU, and the excess where there is any; medians of maps.
    """
    excess = f", excess {noise.excess:.3g}" if noise.excess else ""
    return f"gain {noise.typical_gain:.4g}, rnoise {noise.typical_rnoise:.4g}{excess}"


def say_noise(found: ObservedNoise, given: Noise) -> None:
    """Log that another noise than the given one is used, and what is not known of it.

    Parameters
    ----------
    found : ObservedNoise
        What the exposures show.
    given : Noise
        What was given.
    """
    if found.differs:
        logger.info(
            "the exposures show another noise than was given, and significance goes by it: %s in "
            "place of %s", describe_noise(found.noise), describe_noise(given),
        )  # fmt: skip
    if np.isfinite(found.known_to):
        logger.warning(
            "the exposures show another noise than was given, but only at levels up to about "
            "%.3g ADU: that of brighter pixels is not known, and is taken to be as near to the "
            "given one as fits; look at gain and rnoise", found.known_to,
        )  # fmt: skip
    if found.misfit:
        logger.warning(
            "the exposures show another noise than was given, but no gain, rnoise and excess fit "
            "all levels (reduced chi squared %.0f): the given noise is used; look at bias, "
            "saturation and linearity", found.misfit,
        )  # fmt: skip
