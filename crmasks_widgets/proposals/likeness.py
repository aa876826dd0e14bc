"""Flux factors and displacements: what exposures themselves say, once their levels are settled."""

from dataclasses import replace

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.brightness import measure_brightness
from crmasks_widgets.core.differences import Differences, differences_of
from crmasks_widgets.core.noise_remarks import DITHER, displaced, offsets_in
from crmasks_widgets.parameters.types import LARGEST_FLUX_RATIO
from crmasks_widgets.proposals.levels import Proposal


def propose_alignment(analysis: Analysis, *, offsets: bool = True) -> tuple[Proposal, ...]:
    """Propose flux factors and displacements where exposures differ by more than their noise.

    Parameters
    ----------
    analysis : Analysis
        The exposures as read, with gain, readout noise and bias as proposed.
    offsets : bool
        Look for displacements, too.

    Returns
    -------
    tuple of Proposal
        `flux_factor` and `mm_xy_offsets`, as far as they are needed and mend it: exposures that
        were dithered have to be registered. Their numbers are those that a run, its noise check
        and the dashboard find with these parameters. None where their light is too unlike: they
        are no exposures of one field, as a run warns.
    """
    brightness = measure_brightness(analysis.stack, analysis.noise)
    proposals: tuple[Proposal, ...] = ()
    if brightness.ratio > LARGEST_FLUX_RATIO:
        return ()
    if brightness.differs:
        analysis = analysis.replace(flux_factor="auto")
        told = replace(brightness, factors=analysis.alignment.flux_factors)
        origin = f"the exposures are {told.in_words} times as bright as their median"
        proposals = (Proposal("flux_factor", "auto", origin, certain=True),)
    if not offsets:
        return proposals
    _, differences = differences_of(analysis.result("scaled"), analysis.noise)
    return (*proposals, *_of_offsets(differences))


def _of_offsets(differences: Differences) -> tuple[Proposal, ...]:
    moved = [each for each in differences.offsets if displaced(*each)]
    if not moved or any(displaced(*each, least=DITHER) for each in moved):
        return ()
    error = max(error for _, _, error in differences.offsets)
    origin = f"the exposures lie so far from their median (+/- {error:.1g} pixel)"
    return (Proposal("mm_xy_offsets", offsets_in(differences.offsets), origin, certain=True),)
