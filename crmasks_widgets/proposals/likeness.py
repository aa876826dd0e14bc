"""Flux factors and displacements: what exposures themselves say, once their levels are settled."""

from typing import Final

from crmasks_widgets.core.brightness import measure_brightness
from crmasks_widgets.core.common_ground import find_common_ground
from crmasks_widgets.core.differences import Differences, measure_differences
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_remarks import DITHER, displaced
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.exposures import Calibration, ExposureSet
from crmasks_widgets.proposals.levels import Proposal

# The middle of a frame, of so many pixels a side, is enough to see a displacement.
_SIDE: Final = 1000
_DIGITS: Final = 3


def propose_alignment(
    exposures: ExposureSet, calibration: Calibration, *, offsets: bool = True
) -> tuple[Proposal, ...]:
    """Propose flux factors and displacements where exposures differ by more than their noise.

    Parameters
    ----------
    exposures : ExposureSet
        As read.
    calibration : Calibration
        Gain, readout noise and bias.
    offsets : bool
        Look for displacements, too.

    Returns
    -------
    tuple of Proposal
        `flux_factor` and `mm_xy_offsets`, as far as they are needed and mend it: exposures that
        were dithered have to be registered.
    """
    stack = stack_exposures(exposures.data, calibration.bias, None, exposures.valid)
    brightness = measure_brightness(stack, calibration.noise)
    proposals: tuple[Proposal, ...] = ()
    if brightness.differs:
        origin = f"the exposures are {brightness.in_words} times as bright as their median"
        proposals = (Proposal("flux_factor", "auto", origin, certain=True),)
    if not offsets:
        return proposals
    middle = tuple(
        slice(max(0, (side - _SIDE) // 2), max(0, (side - _SIDE) // 2) + _SIDE)
        for side in exposures.shape
    )
    noise = Noise(calibration.typical_gain, calibration.typical_rnoise)
    ground = find_common_ground(stack.cube[:, *middle], noise)
    return (*proposals, *_of_offsets(measure_differences(ground, noise)))


def _of_offsets(differences: Differences) -> tuple[Proposal, ...]:
    moved = [each for each in differences.offsets if displaced(*each)]
    if not moved or any(displaced(*each, least=DITHER) for each in moved):
        return ()
    error = max(error for _, _, error in differences.offsets)
    value = tuple(
        (round(dx, _DIGITS) + 0.0, round(dy, _DIGITS) + 0.0) for dx, dy, _ in differences.offsets
    )
    origin = f"the exposures lie so far from their median (+/- {error:.1g} pixel)"
    return (Proposal("mm_xy_offsets", value, origin, certain=True),)
