"""What is said of the noise of an analysis: the given, what fits, and what significance uses."""

import logging
from typing import Any, Protocol

import numpy as np

from crmasks_widgets.core.measured_noise.measure import MeasuredNoise
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck, with_known_gain
from crmasks_widgets.core.noise_remarks import Remark, fitted_parameters, remarks_on
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.units import ELECTRONS, in_ascii, in_unit

logger = logging.getLogger(__name__)


class _Source(Protocol):
    @property
    def parameters(self) -> Parameters: ...
    @property
    def noise(self) -> Noise: ...
    @property
    def exposures(self) -> ExposureSet: ...
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
    given, electrons = analysis.noise, analysis.exposures.in_electrons
    used = describe_noise(measured, given if electrons else None)
    return (
        f"noise in use: {used}, as the exposures show, in place of "
        f"{describe_noise(given, given if electrons else None)}",
    )


def remarks_of(analysis: _Checked) -> tuple[Remark, ...]:
    """Say which parameters the noise check of an analysis asks to look at, and why."""
    found = remarks_on(
        analysis.noise_check, analysis.noise, analysis.parameters.aligned,
        in_electrons=analysis.exposures.in_electrons, offsets=analysis.parameters.mm_xy_offsets,
    )  # fmt: skip
    unit = in_ascii(analysis.exposures.unit)
    return tuple(Remark(each.parameter, in_unit(each.text, unit)) for each in found)


def check_of(analysis: _Checked) -> NoiseCheck:
    """Give the noise check whose figures are told: the gain of electrons is known, not fitted."""
    check = analysis.noise_check
    return with_known_gain(check, 1.0) if analysis.exposures.in_electrons else check


def fitted_noise(analysis: _Checked) -> dict[str, float]:
    """Tell gain, e-/ADU, and readout noise, ADU, that its noise check finds to fit, if it does.

    Exposures in electrons have the gain 1, whatever fits.
    """
    return fitted_parameters(
        analysis.noise_check, analysis.noise, in_electrons=analysis.exposures.in_electrons
    )


def describe_noise(noise: Noise, given: Noise | None = None) -> str:
    """Write a noise on one line.

    Parameters
    ----------
    noise : Noise
        Of an exposure.
    given : Noise, optional
        What was given for exposures in electrons, whose gain is a unit and no matter of noise: what
        else the photons scatter by is said beside it.

    Returns
    -------
    str
        Gain in e-/ADU, readout noise in ADU, and the excess where there is any; medians of maps.
    """
    excess = f", excess {noise.excess:.3g}" if noise.excess else ""
    if given is not None:
        times = given.typical_gain / noise.typical_gain
        return f"photon variance times {times:.3g}, rnoise {noise.typical_rnoise:.4g}{excess}"
    return f"gain {noise.typical_gain:.4g}, rnoise {noise.typical_rnoise:.4g}{excess}"


def say_noise(found: MeasuredNoise, given: Noise, unit: str = "ADU") -> None:
    """Log that another noise than the given one is used, and what is not known of it.

    Parameters
    ----------
    found : MeasuredNoise
        What the exposures show.
    given : Noise
        What was given.
    unit : str
        Of the exposures, as `units.in_ascii` writes it; electrons have no gain to look at.
    """
    electrons = unit in ELECTRONS
    beside = given if electrons else None
    if found.differs:
        logger.info(
            "the exposures show another noise than was given, and significance goes by it: %s in "
            "place of %s", describe_noise(found.noise, beside), describe_noise(given, beside),
        )  # fmt: skip
    if np.isfinite(found.known_to):
        logger.warning(
            "the exposures show another noise than was given, but only at levels up to about "
            "%.3g %s: that of brighter pixels is not known, and is taken to be as near to the "
            "given one as fits; look at %s", found.known_to, unit,
            "rnoise" if electrons else "gain and rnoise",
        )  # fmt: skip
    if found.misfit:
        logger.warning(
            "the exposures show another noise than was given, but no %srnoise and excess fit "
            "all levels (reduced chi squared %.0f): the given noise is used; look at bias, "
            "saturation and linearity", "" if electrons else "gain, ", found.misfit,
        )  # fmt: skip
