"""`crmasks init`: from FITS files to parameter files that say where their values come from."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, split_plane
from crmasks_widgets.files.interrupts import telling
from crmasks_widgets.files.reading import find_file
from crmasks_widgets.files.writing import (
    Written,
    check_target,
    text_product,
    write_products,
)
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.several import yaml_of
from crmasks_widgets.proposals.levels import Proposal
from crmasks_widgets.proposals.start import (
    Start,
    find_exposures,
    parameters_of_all,
    settled,
    start_from,
)
from crmasks_widgets.regular_files import real
from crmasks_widgets.starting.asking import (
    ask,
    print_exposures,
    print_proposal,
    print_proposals,
    value_of,
)
from crmasks_widgets.units import in_ascii

logger = logging.getLogger(__name__)

# Why a parameter stands where it does, although nobody proposed it.
_REASONS: Final = {
    "regions_to_be_skipped": "the overscan: nothing is detected there",
    "interactive": "a run in the terminal asks nothing; the dashboard does",
}


@dataclass(frozen=True)
class Answers:
    """What the user of `crmasks init` has decided beforehand.

    Attributes
    ----------
    given : mapping
        Values of `extnum`, `gain`, `rnoise` and `bias`; None for nothing said.
    yes : bool
        Take the proposals.
    overwrite : bool
        Replace earlier parameter files.
    """

    given: Mapping[str, Any]
    yes: bool = False
    overwrite: bool = False


def begin(files: Sequence[str], output: Path, answers: Answers, console: Console) -> list[Path]:
    """Write a parameter file for each group of exposures.

    Parameters
    ----------
    files : sequence of str
        FITS files, folders and patterns.
    output : Path
        Where to; further groups have a number more in their name.
    answers : Answers
        What is decided.
    console : rich.console.Console
        Where to show, and to ask if it is a terminal.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        No exposures, or one that cannot be read: nothing is written. Also if anything is missing
        in the end, which is then named: what is certain has been written.
    OutputError
        A file is in the way or cannot be written.
    Interrupted
        Ctrl-C was pressed when some of the files were written.
    """
    # What is given is checked before anything is read.
    given = {name: value for name, value in answers.given.items() if value is not None}
    checked = Parameters(**given)
    given = {name: getattr(checked, name) for name in given}
    found = find_exposures(files, given.get("extnum"))
    targets = _targets(output, len(found.usable))
    inputs = [find_file(split_plane(e.name)[0], (".",)) for g in found.groups for e in g.exposures]
    for target in targets:
        check_target(target, YAML_SUFFIXES, inputs, overwrite=answers.overwrite)
    starts = [tuple(map(start_from, group.detectors)) for group in found.usable]
    print_exposures(console, found, [start for own in starts for start in own])
    missing, written = list[str](), list[Written]()
    with telling(written):
        for own, target in zip(starts, targets, strict=True):
            for remark in dict.fromkeys(remark for start in own for remark in start.remarks):
                logger.warning("%s", remark)
            decided = [_decide(start, _settled(start, given), answers, console) for start in own]
            written += _write(own, decided, target, overwrite=answers.overwrite)
            lacking = _missing(own, decided)
            if not lacking:
                logger.info("%s: written", target)
            missing += [
                f"{target}: written without {name}, which a run needs ({text})"
                for name, text in lacking.items()
            ]
    if missing:
        msg = f"{'; '.join(missing)}; expected it to be given, by --yes, an option or in the file"
        raise InputError(msg)
    return targets


def _settled(start: Start, given: Mapping[str, Any]) -> dict[str, Proposal]:
    several = bool(start.group.exposures[0].detectors)
    return settled({k: v for k, v in given.items() if not (several and k == "extnum")})


def _targets(output: Path, n: int) -> list[Path]:
    more = [output.with_name(f"{output.stem}_{i}{output.suffix}") for i in range(2, n + 1)]
    return [output, *more]


def _open(proposal: Proposal) -> bool:
    return proposal.value is None or not proposal.certain


def _decide(
    start: Start, known: Mapping[str, Proposal], answers: Answers, console: Console
) -> tuple[Proposal, ...]:
    if not answers.yes and console.is_terminal and sys.stdin.isatty():
        print_proposals(console, start, start.proposals(known))
        answered = ask(console, start, known)
        proposals = start.propose(answered)
        for each in proposals[len(start.proposals(answered)) :]:
            print_proposal(console, each, in_ascii(start.exposures.unit))
        return proposals
    proposals = start.propose(known)
    print_proposals(console, start, proposals)
    return tuple(map(_taken, proposals)) if answers.yes else proposals


def _taken(proposal: Proposal) -> Proposal:
    known = proposal.value is not None
    return Proposal(proposal.name, proposal.value, proposal.origin, known)


def _write(
    starts: Sequence[Start],
    decided: Sequence[Sequence[Proposal]],
    target: Path,
    *,
    overwrite: bool,
) -> list[Written]:
    """Write what is certain, each with its origin, and of the rest what might be."""
    folder = target.parent
    images = [_named(exposure.name, folder) for exposure in starts[0].group.exposures]
    certain = [[each for each in own if not _open(each)] for own in decided]
    try:
        made = parameters_of_all(starts, certain, images)
    except ParameterError as error:
        raise ParameterError(f"{target}: {error}") from None
    origins = _told(starts, certain) | _REASONS
    skipped = {each.regions_to_be_skipped for each in made}
    if len(skipped) > 1 or None in skipped:
        del origins["regions_to_be_skipped"]
    missing = _missing(starts, decided, _how)
    unit = in_ascii(starts[0].exposures.unit)
    text = yaml_of(made, origins, missing, unit)
    product = text_product(target.name, "parameters", text)
    return write_products([product], folder, replace=overwrite)


def _told(starts: Sequence[Start], decided: Sequence[Sequence[Proposal]]) -> dict[str, str]:
    """Where each value comes from; of several detectors, one after the other."""
    if len(starts) == 1:
        return {each.name: each.origin for each in decided[0]}
    told: dict[str, dict[str, list[str]]] = {}
    for start, own in zip(starts, decided, strict=True):
        for each in own:
            told.setdefault(each.name, {}).setdefault(each.origin, []).append(_label(start))
    return {
        name: "; ".join(f"{', '.join(who)}: {origin}" for origin, who in origins.items())
        for name, origins in told.items()
    }


def _label(start: Start) -> str:
    return start.group.exposures[0].image.label


def _missing(
    starts: Sequence[Start],
    decided: Sequence[Sequence[Proposal]],
    words: Callable[[Proposal], str] | None = None,
) -> dict[str, str]:
    """What is not settled, by parameter, in words or as an error says it."""
    missing: dict[str, str] = {}
    for start, own in zip(starts, decided, strict=True):
        for each in filter(_open, own):
            text = f"{each.name}: {each.origin}" if words is None else words(each)
            if len(starts) > 1:
                text = f"detector {_label(start)}: {text}"
            missing[each.name] = "; ".join(filter(None, (missing.get(each.name), text)))
    return missing


def _how(proposal: Proposal) -> str:
    if proposal.value is None:
        return proposal.origin
    return f"not certain; {value_of(proposal)} may be right: {proposal.origin}"


def _named(name: str, folder: Path) -> str:
    """Name of an exposure from the folder of the parameter file, or its whole path."""
    file, plane = split_plane(name)
    if os.path.isfile(name):
        file, plane = name, None
    whole, folder = real(find_file(file, (".",))), real(folder)
    inside = whole.is_relative_to(folder)
    text = (whole.relative_to(folder) if inside else whole).as_posix()
    return text if plane is None else f"{text}[{plane}]"
