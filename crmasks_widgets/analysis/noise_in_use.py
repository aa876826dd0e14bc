"""What is said of the noise of an analysis: the given, what fits, and what significance uses."""

import logging
from typing import Any, Protocol

import numpy as np

from crmasks_widgets.core.measured_noise.measure import MeasuredNoise
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.noise_remarks import Remark, fitted_parameters, remarks_on
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

logger = logging.getLogger(__name__)


class _Source(Protocol):
    @property
    def parameters(self) -> Parameters: ...
    @property
    def noise(self) -> Noise: ...
    def result(self, stage: str, target: Any = None) -> Any: ...


class _Checked(Protocol):
    @property
    def parameters(self) -> Parameters: ...
    @property
    def exposures(self) -> ExposureSet: ...
    @property
    def noise(self) -> Noise: ...
    @property
    def noise_check(self) -> NoiseCheck: ...


def measured_noise_in_use(analysis: _Source) -> Noise | None:
    """Tell which noise masks and variances go by where it is another one than was given.

    Parameters
    ----------
    analysis : Analysis
        Whose.

    Returns
    -------
    Noise or None
        Of an exposure before it was divided. None where the given one is used: it fits, or the
        method does not measure it, or parameters say so.
    """
    if not (analysis.parameters.judges and analysis.parameters.sg_measured_noise):
        return None
    found: MeasuredNoise = analysis.result("measured_noise")
    return found.noise if found.differs else None


def noise_lines(analysis: _Source) -> tuple[str, ...]:
    """Say in one line that another noise than the given one is used; in none where it is not."""
    measured = measured_noise_in_use(analysis)
    if measured is None:
        return ()
    used, given = describe_noise(measured), describe_noise(analysis.noise)
    return (f"noise in use: {used}, as the exposures show, in place of {given}",)


def remarks_of(analysis: _Checked) -> tuple[Remark, ...]:
    """Say which parameters the noise check of an analysis asks to look at, and why."""
    return remarks_on(
        analysis.noise_check, analysis.noise, analysis.parameters.aligned,
        in_electrons=analysis.exposures.in_electrons,
    )  # fmt: skip


def fitted_noise(analysis: _Checked) -> dict[str, float]:
    """Tell gain, e-/ADU, and readout noise, ADU, that its noise check finds to fit, if it does.

    Exposures in electrons have the gain 1, whatever fits.
    """
    return fitted_parameters(
        analysis.noise_check, analysis.noise, in_electrons=analysis.exposures.in_electrons
    )


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


def say_noise(found: MeasuredNoise, given: Noise) -> None:
    """Log that another noise than the given one is used, and what is not known of it.

    Parameters
    ----------
    found : MeasuredNoise
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
