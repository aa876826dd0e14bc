"""From FITS files alone to an `Analysis`: what the files tell is taken, and said."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposures import CALIBRATION_NAMES, read_calibration
from crmasks_widgets.loading import number_of
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.proposals.levels import GIVEN, Proposal
from crmasks_widgets.proposals.start import (
    Start,
    find_exposures,
    parameters_of_all,
    settled,
    start_from,
)

logger = logging.getLogger(__name__)


def open_files(
    files: str | Path | Sequence[str | Path],
    *,
    extnum: int | str | None = None,
    detector: int | str | None = None,
    **given: Any,
) -> Analysis:
    """Look at exposures without a parameter file.

    Gain, readout noise and bias are proposed by headers, overscan and the scatter of the exposures;
    flux factors and displacements where these differ in brightness or place: the same that
    `crmasks init` writes. Each is logged with where it comes from, and as a warning where it is a
    guess.

    Parameters
    ----------
    files : path, or sequence of paths
        FITS files, folders and patterns; two or more exposures of one field.
    extnum : int or str, optional
        Extension that holds the image, where a file has several; ``all`` for one a detector.
    detector : int or str, optional
        Which one, where a file has several: number from 1, or name. The first by default, with a
        warning that names the others.
    **given : object
        Parameters that are known, such as ``gain=1.7``.

    Returns
    -------
    Analysis
        Nothing is computed yet.

    Raises
    ------
    InputError
        The files hold several groups of exposures, or none; or one cannot be read.
    ParameterError
        A value that nothing tells was not given.

    Examples
    --------
    >>> analysis = cm.open_files("demo/exposure*.fits", gain=1.7)
    >>> analysis.parameters.gain, analysis.exposures.n
    (1.7, 3)
    """
    return _opened(files, extnum, detector, True, given).analyses[0]


def open_detectors(
    files: str | Path | Sequence[str | Path],
    *,
    extnum: int | str | None = None,
    detector: int | str | None = None,
    **given: Any,
) -> Mosaic:
    """Look at exposures without a parameter file, at all detectors that they hold.

    Parameters
    ----------
    files, extnum, detector, **given
        As of `open_files`; without `detector`, all of them.

    Returns
    -------
    Mosaic
        Nothing is computed yet.

    Raises
    ------
    InputError, ParameterError
        As of `open_files`.
    """
    return _opened(files, extnum, detector, False, given)


def _opened(
    files: str | Path | Sequence[str | Path],
    extnum: int | str | None,
    detector: int | str | None,
    one: bool,
    given: Mapping[str, Any],
) -> Mosaic:
    names = [str(name) for name in ([files] if isinstance(files, str | Path) else files)]
    levels = {name: given[name] for name in CALIBRATION_NAMES if name in given}
    found = begin_with(names, extnum=extnum, detector=detector, one=one, **levels)
    beginning = found.beside(given)
    for text in beginning.remarks:
        logger.warning("%s", text)
    known = beginning.known()
    for each in (each for each in known if each.origin == GIVEN or each.name not in given):
        level = logging.INFO if each.certain else logging.WARNING
        logger.log(level, "%s: %s taken (%s)", each.name, each.value, each.origin)
    return beginning.mosaic(**given)


@dataclass(frozen=True)
class Beginning:
    """Exposures that were found and read, and what is proposed for them.

    Attributes
    ----------
    names : tuple of n str
        Of the detectors.
    starts : tuple of n Start
        The exposures of each.
    proposed : tuple of n tuples of Proposal
        For each, what `Start.propose` says, which `crmasks init` writes.
    remarks : tuple of str
        What the user should know of the files.
    """

    names: tuple[str, ...]
    starts: tuple[Start, ...]
    proposed: tuple[tuple[Proposal, ...], ...]
    remarks: tuple[str, ...]

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """What is proposed; with the detector in the origin where there are several."""
        if len(self.starts) == 1:
            return self.proposed[0]
        return tuple(
            replace(each, origin=f"detector {name}: {each.origin}")
            for name, own in zip(self.names, self.proposed, strict=True)
            for each in own
        )

    def with_levels(self, **levels: Any) -> "Beginning":
        """Propose anew for the same exposures, with levels as far as known."""
        checked = Parameters(**levels)
        known = settled({name: getattr(checked, name) for name in levels})
        return replace(self, proposed=tuple(start.propose(known) for start in self.starts))

    def beside(self, given: Mapping[str, Any]) -> "Beginning":
        """Leave out displacements that what is given has no use for.

        Parameters
        ----------
        given : mapping
            Parameters by name.

        Returns
        -------
        Beginning
            A region in which displacements are measured takes their place, and an exact diagram
            knows none.
        """
        measured = given.get("mm_crosscorr_region") is not None
        exact = given.get("mm_simulation") == "exact" or given.get("mm_expected_false") is not None
        if not (measured or exact):
            return self
        kept = (tuple(p for p in own if p.name != "mm_xy_offsets") for own in self.proposed)
        return replace(self, proposed=tuple(kept))

    def known(self) -> tuple[Proposal, ...]:
        """Give the proposals; ParameterError where one has no value."""
        for each in self.proposals:
            if each.value is None:
                msg = f"{each.name}: {each.origin}; expected it to be given"
                how = f"crmasks init --{each.name} X writes it to a parameter file"
                raise ParameterError(f"{msg}: {how}; in Python, {each.name}=X")
        return self.proposals

    def mosaic(self, **given: Any) -> Mosaic:
        """Take the proposals, and other parameters as given."""
        self.known()
        images = [exposure.name for exposure in self.starts[0].group.exposures]
        analyses = []
        proposed = parameters_of_all(self.starts, self.proposed, images)
        for start, of_one in zip(self.starts, proposed, strict=True):
            parameters = of_one.replace(**given)
            calibration = read_calibration(parameters, start.exposures.shape)
            analyses.append(Analysis(start.exposures, parameters, calibration))
        return Mosaic(self.names, tuple(analyses), several=len(analyses) > 1)


def begin_with(
    names: Sequence[str],
    *,
    extnum: int | str | None = None,
    detector: int | str | None = None,
    one: bool = False,
    going_on: Callable[[], object] = lambda: None,
    **levels: Any,
) -> Beginning:
    """Find and read exposures, and propose what to look at them with; as `open_files`.

    Parameters
    ----------
    names : sequence of str
        FITS files, folders and patterns.
    extnum, detector
        As of `open_files`.
    one : bool
        Of several detectors the first, unless `detector` says which; False for all.
    going_on : callable
        Called before each file and each detector; may raise `Cancelled`.
    **levels : object
        Gain, readout noise and bias, as far as they are known.

    Returns
    -------
    Beginning
        Nothing is decided yet.
    """
    found = find_exposures(names, extnum, going_on)
    if len(found.usable) > 1:
        there = "; ".join(f"{len(g.exposures)} of {g.title}" for g in found.usable)
        msg = f"{names[0]}: found as exposures: {there}; expected those of one group"
        raise InputError(msg)
    groups = found.usable[0].detectors
    labels = [group.exposures[0].image.label for group in groups]
    if len(set(labels)) < len(labels):
        labels = [str(group.exposures[0].image.number) for group in groups]
    if one or detector is not None:
        number = number_of(labels, detector, names[0])
        groups, labels = groups[number - 1 : number], labels[number - 1 : number]
    starts: list[Start] = []
    for group in groups:
        going_on()
        starts.append(start_from(group))
    remarks = dict.fromkeys((*found.left_out, *(r for start in starts for r in start.remarks)))
    going_on()
    beginning = Beginning(tuple(labels), tuple(starts), (), tuple(remarks))
    return beginning.with_levels(**levels)
