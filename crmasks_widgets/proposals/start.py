"""From names of files to groups of exposures, and from a group to what to start it with."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.photon_transfer import measure_photon_transfer
from crmasks_widgets.core.stack import MIN_EXPOSURES
from crmasks_widgets.detectors import REFERENCE_LEAST
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import split_plane
from crmasks_widgets.exposures import (
    ExposureSet,
    read_calibration,
    read_exposures,
)
from crmasks_widgets.exposures.fill_values import refuse_fill_values
from crmasks_widgets.files.finding import expand_names, images_in
from crmasks_widgets.files.headers import describe
from crmasks_widgets.files.reading import find_file
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import method_for
from crmasks_widgets.parameters.values import is_all
from crmasks_widgets.proposals.differences import disagreements
from crmasks_widgets.proposals.groups import (
    Exposure,
    Group,
    choose_image,
    detectors_among,
    group_exposures,
)
from crmasks_widgets.proposals.levels import GIVEN, Evidence, Proposal, propose_levels
from crmasks_widgets.proposals.likeness import propose_alignment
from crmasks_widgets.proposals.overscan import measure_overscan, sections_inside


@dataclass(frozen=True)
class Found:
    """What there is in some files.

    Attributes
    ----------
    groups : tuple of Group
        At least one has enough exposures.
    left_out : tuple of str
        Files of a folder or pattern that hold no exposure, with the reason.
    """

    groups: tuple[Group, ...]
    left_out: tuple[str, ...]

    @property
    def usable(self) -> tuple[Group, ...]:
        """Groups of enough exposures."""
        return tuple(group for group in self.groups if group.is_enough)


@dataclass(frozen=True)
class Start:
    """What to start a group of exposures with.

    Attributes
    ----------
    group : Group
        The exposures.
    exposures : ExposureSet
        As read.
    extension : Proposal
        Of `extnum`.
    evidence : Evidence
        What gain, readout noise and bias are proposed from.
    sections : tuple of (xmin, xmax, ymin, ymax)
        Overscan, FITS pixels: nothing is to be detected there.
    remarks : tuple of str
        In what the exposures differ.
    """

    group: Group
    exposures: ExposureSet
    extension: Proposal
    evidence: Evidence
    sections: tuple[tuple[int, int, int, int], ...]
    remarks: tuple[str, ...]

    def proposals(self, known: Mapping[str, Proposal] | None = None) -> tuple[Proposal, ...]:
        """Propose `extnum`, `gain`, `rnoise` and `bias`, and `crmethod` where few exposures decide.

        Parameters
        ----------
        known : mapping, optional
            What is settled, by parameter: as it is in what is returned, and used for the others.

        Returns
        -------
        tuple of Proposal
            In this order.
        """
        known = known or {}
        levels = propose_levels(self.evidence, known)
        return (known.get("extnum") or self.extension, *levels, *_method(self.exposures.n))

    def propose(self, known: Mapping[str, Proposal] | None = None) -> tuple[Proposal, ...]:
        """Propose all that these exposures need: what `crmasks init` writes and a dialog shows.

        Parameters
        ----------
        known : mapping, optional
            As of `proposals`.

        Returns
        -------
        tuple of Proposal
            `proposals`, and `flux_factor` and `mm_xy_offsets` where the exposures, with gain,
            readout noise and bias as proposed, say that they need them; not where one of these is
            unknown.
        """
        proposals = self.proposals(known)
        values = {each.name: each.value for each in proposals if each.name != "extnum"}
        if None in values.values():
            return proposals
        parameters = Parameters(**values)
        calibration = read_calibration(parameters, self.exposures.shape)
        analysis = Analysis(self.exposures, parameters, calibration)
        # One list of displacements would have to hold for all detectors.
        single = not self.group.exposures[0].detectors
        return (*proposals, *propose_alignment(analysis, offsets=single))

    @property
    def levels(self) -> tuple[float, ...]:
        """Median of the valid pixels of each exposure, ADU."""
        data, valid = self.exposures.data, self.exposures.valid
        if valid is None:
            return tuple(float(np.median(frame)) for frame in data)
        return tuple(float(np.median(frame[good])) for frame, good in zip(data, valid, strict=True))


def find_exposures(
    names: Sequence[str],
    extnum: int | str | None = None,
    going_on: Callable[[], object] = lambda: None,
) -> Found:
    """Find exposures and sort them into groups.

    Parameters
    ----------
    names : sequence of str
        Files, folders and patterns.
    extnum : int or str, optional
        Extension that holds the image, where a file has several.
    going_on : callable
        Called before each file; may raise `Cancelled`.

    Returns
    -------
    Found
        With at least one usable group.

    Raises
    ------
    InputError
        A file that was named is no exposure, or there are no two that belong together.
    """
    exposures: list[Exposure] = []
    left_out: list[str] = []
    for name in expand_names(names, bare=True):
        going_on()
        try:
            exposures += _exposures_in(name, extnum)
        except InputError as error:
            if name in names:
                raise
            left_out.append(str(error))
    found = Found(group_exposures(exposures), tuple(left_out))
    if not found.usable:
        there = "; ".join(f"{len(g.exposures)} of {g.title}" for g in found.groups) or "none"
        msg = (
            f"{names[0]}: found as exposures: {there}; expected at least {MIN_EXPOSURES} of a kind"
        )
        raise InputError(msg)
    return found


def _exposures_in(name: str, extnum: int | str | None) -> list[Exposure]:
    file, plane = split_plane(name)
    if os.path.isfile(name):
        file, plane = name, None
    path = find_file(file, (".",))
    images = images_in(path)
    if is_all(extnum):
        detectors = tuple(image for image in images if not image.planes)
        image, choice = choose_image(file, detectors, None)
    else:
        image, choice = choose_image(file, images, extnum)
        detectors = () if extnum is not None else detectors_among(images, image)
    if detectors:
        return [Exposure(name, detectors[0], "", detectors)]
    if not image.planes:
        return [Exposure(name, image, choice)]
    planes = range(image.planes) if plane is None else (plane,)
    return [Exposure(f"{file}[{number}]", image, choice) for number in planes]


def start_from(group: Group) -> Start:
    """Read the exposures of a group and propose what to start with.

    Parameters
    ----------
    group : Group
        Exposures that belong together, of one detector.

    Returns
    -------
    Start
        Nothing is decided yet.

    Raises
    ------
    InputError
        An exposure cannot be read, or a pixel holds nothing but fill values.
    """
    image = group.exposures[0].image
    exposures = read_exposures([each.name for each in group.exposures], image.number)
    facts = tuple(describe(header) for header in exposures.headers)
    sections = sections_inside(facts[0].overscan, facts[0].usable, exposures.shape)
    overscan = measure_overscan(exposures.data, sections)
    valid = _outside(exposures, sections)
    refuse_fill_values(exposures.data, valid)
    scatter = measure_photon_transfer(exposures.data, valid)
    evidence = Evidence(facts, scatter, overscan)
    remarks = disagreements(exposures.names, exposures.headers, facts, exposures.shape)
    return Start(group, exposures, _extension(group), evidence, sections, remarks)


def _method(n: int) -> tuple[Proposal, ...]:
    """A method for fewer exposures than the default one needs."""
    method = method_for(n)
    origin = f"{n} exposures: the methods of numina-crmasks need at least {REFERENCE_LEAST}"
    return () if method is None else (Proposal("crmethod", method, origin, certain=True),)


def _outside(
    exposures: ExposureSet, sections: Sequence[tuple[int, int, int, int]]
) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Usable values: those of an overscan know no photons."""
    if not sections:
        return exposures.valid
    shape = exposures.data.shape
    valid = np.ones(shape, dtype=bool) if exposures.valid is None else exposures.valid.copy()
    for xmin, xmax, ymin, ymax in sections:
        valid[:, ymin - 1 : ymax, xmin - 1 : xmax] = False
    return valid


def _extension(group: Group) -> Proposal:
    first = group.exposures[0]
    name = f"extension {first.image.name}" if first.image.name else "the primary image"
    if first.image.number and not first.image.name:
        name = "an image without a name" if first.detectors else "the only image of the file"
    origin = f"{name}; {first.choice}" if first.choice else name
    if first.detectors:
        origin = f"{name}; detectors of the file: {', '.join(map(str, first.detectors))}"
    # Names in a row say what they are; images without any might be anything.
    unnamed = bool(first.detectors) and not first.image.name
    certain = not (unnamed or any(each.choice for each in group.exposures))
    return Proposal("extnum", first.image.number, origin, certain)


def settled(given: Mapping[str, Any]) -> dict[str, Proposal]:
    """Take what a user says as it is.

    Parameters
    ----------
    given : mapping
        Values by parameter name; None for nothing said.

    Returns
    -------
    dict
        Certain proposals, by parameter name.
    """
    return {
        name: Proposal(name, value, GIVEN, certain=True)
        for name, value in given.items()
        if value is not None
    }


def parameters_of(start: Start, proposals: Sequence[Proposal], images: Sequence[str]) -> Parameters:
    """Make the parameters of a run of what was settled.

    Parameters
    ----------
    start : Start
        The exposures.
    proposals : sequence of Proposal
        Those without a value leave a default in its place.
    images : sequence of str
        Names of the exposures.

    Returns
    -------
    made : Parameters
        Unattended, and with nothing detected in an overscan.

    Raises
    ------
    ParameterError
        A value is out of range.
    """
    values = {each.name: each.value for each in proposals if each.value is not None}
    skipped = start.sections or None
    return Parameters(
        images=tuple(images), interactive=False, regions_to_be_skipped=skipped, **values
    )


def parameters_of_all(
    starts: Sequence[Start], decided: Sequence[Sequence[Proposal]], images: Sequence[str]
) -> list[Parameters]:
    """Make the parameters of each detector of a run: flux factors are proposed to all or to none.

    Parameters
    ----------
    starts : sequence of Start
        The exposures of each detector.
    decided : sequence of sequence of Proposal
        What was settled for each.
    images : sequence of str
        Names of the exposures.

    Returns
    -------
    list of Parameters
        In their order.

    Raises
    ------
    ParameterError
        A value is out of range.
    """
    pairs = zip(starts, decided, strict=True)
    made = [parameters_of(start, own, images) for start, own in pairs]
    if len(made) > 1 and any(each.flux_factor is not None for each in made):
        return [each.replace(flux_factor="auto") for each in made]
    return made
