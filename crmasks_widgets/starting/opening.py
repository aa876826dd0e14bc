"""From FITS files alone to an `Analysis`: what the files tell is taken, and said."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposures import CALIBRATION_NAMES, read_calibration
from crmasks_widgets.loading import number_of
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.proposals.levels import Proposal
from crmasks_widgets.proposals.start import (
    Start,
    find_exposures,
    parameters_of,
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

    Gain, readout noise and bias are proposed by headers, overscan and the scatter of the exposures.
    Each is logged with where it comes from, and as a warning where it is a guess.

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
    names = [str(name) for name in ([files] if isinstance(files, str | Path) else files)]
    levels = {name: given[name] for name in CALIBRATION_NAMES if name in given}
    beginning = begin_with(names, extnum=extnum, detector=detector, **levels)
    for text in beginning.remarks:
        logger.warning("%s", text)
    for each in beginning.known():
        level = logging.INFO if each.certain else logging.WARNING
        logger.log(level, "%s: %s taken (%s)", each.name, each.value, each.origin)
    return beginning.analysis(**given)


@dataclass(frozen=True)
class Beginning:
    """Exposures that were found and read, and what is proposed for them.

    Attributes
    ----------
    start : Start
        The exposures.
    proposals : tuple of Proposal
        Extension, levels, and a method where few exposures need one.
    remarks : tuple of str
        What the user should know of the files.
    """

    start: Start
    proposals: tuple[Proposal, ...]
    remarks: tuple[str, ...]

    def known(self) -> tuple[Proposal, ...]:
        """Give the proposals; ParameterError where one has no value."""
        for each in self.proposals:
            if each.value is None:
                msg = f"{each.name}: {each.origin}; expected it to be given"
                how = f"crmasks init --{each.name} X writes it to a parameter file"
                raise ParameterError(f"{msg}: {how}; in Python, {each.name}=X")
        return self.proposals

    def analysis(self, **given: Any) -> Analysis:
        """Take the proposals, and other parameters as given."""
        images = [exposure.name for exposure in self.start.group.exposures]
        parameters = parameters_of(self.start, self.known(), images).replace(**given)
        calibration = read_calibration(parameters, self.start.exposures.shape)
        return Analysis(self.start.exposures, parameters, calibration)


def begin_with(
    names: Sequence[str],
    *,
    extnum: int | str | None = None,
    detector: int | str | None = None,
    **levels: Any,
) -> Beginning:
    """Find and read exposures, and propose what to look at them with; as `open_files`.

    Parameters
    ----------
    names : sequence of str
        FITS files, folders and patterns.
    extnum, detector
        As of `open_files`.
    **levels : object
        Gain, readout noise and bias, as far as they are known.

    Returns
    -------
    Beginning
        Nothing is decided yet.
    """
    found = find_exposures(names, extnum)
    if len(found.usable) > 1:
        there = "; ".join(f"{len(g.exposures)} of {g.title}" for g in found.usable)
        msg = f"{names[0]}: found as exposures: {there}; expected those of one group"
        raise InputError(msg)
    detectors = found.usable[0].detectors
    labels = [each.exposures[0].image.label for each in detectors]
    start = start_from(detectors[number_of(labels, detector, names[0]) - 1])
    checked = Parameters(**levels)
    settled_levels = settled({name: getattr(checked, name) for name in levels})
    proposals = start.with_alignment(start.proposals(settled_levels))
    return Beginning(start, proposals, (*found.left_out, *start.remarks))
