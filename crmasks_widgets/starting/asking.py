"""What `crmasks init` shows and asks."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposure_names import as_value, split_extension
from crmasks_widgets.files.headers import HeaderFacts
from crmasks_widgets.files.reading import find_file
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.proposals.levels import GIVEN, Proposal
from crmasks_widgets.proposals.start import Found, Start
from crmasks_widgets.units import in_ascii, in_unit

_UNITS: Final = {"gain": " e-/ADU", "rnoise": " ADU", "bias": " ADU"}
_COLUMNS: Final = (
    "group", "file", "object", "time (s)", "filter", "binning", "units", "pointing", "level",
)  # fmt: skip
# What gives way first where a table is too wide.
_SAME_FIRST: Final = ("units", "binning", "filter", "time (s)", "object", "group")
_BETWEEN: Final = 3  # blanks between columns
_AWAY: Final = 0.003  # degrees, about 10 arcsec
_BRIGHTER: Final = 0.1
_MARK: Final = " *"


def print_exposures(console: Console, found: Found, starts: Sequence[Start]) -> None:
    """Print a table of exposures, in which what differs is marked.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    found : Found
        All groups.
    starts : sequence of Start
        Those that were read.
    """
    levels = {id(start.group): start.levels for start in starts}
    rows: list[tuple[str, ...]] = []
    for number, group in enumerate(found.groups, start=1):
        known = levels.get(id(group), (np.nan,) * len(group.exposures))
        for exposure, level in zip(group.exposures, known, strict=True):
            name = str(number) if group.is_enough else "-"
            rows.append((name, exposure.name, *_cells(exposure.image.header, level)))
    marked = _marked(rows, _odd_numbers(found, starts))
    used = [i for i in range(len(_COLUMNS)) if any(row[i] for row in rows)]
    columns = {_COLUMNS[i]: [row[i] for row in marked] for i in used}
    common = _taken_out(columns, console.width)
    table = Table(title="exposures (* differs from most)", box=box.SIMPLE_HEAD, pad_edge=False)
    # Of what still does not fit, the names are folded: the other cells are short.
    whole = {"file"} if _width_of(columns) <= console.width else set()
    for name, cells in columns.items():
        least = max(len(part) for cell in [name, *cells] for part in _parts(name, cell))
        fixed = name in whole or name not in {"file", "pointing"}
        short = None if name == "file" else least
        table.add_column(name, overflow="fold", no_wrap=fixed, min_width=short)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(escape, row))
    console.print(table)
    if common:
        console.print(f"the same in all: {', '.join(common)}", markup=False, highlight=False)
    for text in found.left_out:
        console.print(f"left out: {text}", markup=False, highlight=False)


def _taken_out(columns: dict[str, list[str]], width: int) -> list[str]:
    """Take out what is the same in all rows, until the others fit; names stay whole so."""
    common: list[str] = []
    for name in ("file", *_SAME_FIRST):
        if _width_of(columns) <= width:
            break
        cells = columns.get(name, [])
        if name == "file":
            folder = os.path.commonpath([os.path.abspath(os.path.dirname(cell)) for cell in cells])
            columns[name] = [os.path.relpath(cell, folder) for cell in cells]
            common.append(f"folder {folder}")
        elif len(set(cells)) == 1:
            common.append(f"{name} {columns.pop(name)[0]}")
    return common


def _width_of(columns: Mapping[str, Sequence[str]]) -> int:
    """Columns of text that a table takes: a pointing may stand on two lines."""
    widths = [
        max(len(name), *(len(part) for cell in cells for part in _parts(name, cell)))
        for name, cells in columns.items()
    ]
    return sum(widths) + _BETWEEN * len(widths)


def _parts(name: str, cell: str) -> list[str]:
    return [*cell.split(), ""] if name == "pointing" else [cell]


def _cells(facts: HeaderFacts, level: float) -> tuple[str, ...]:
    seconds = "" if facts.exposure_time is None else f"{facts.exposure_time:g}"
    pointing = "" if facts.pointing is None else "{:.4f} {:+.4f}".format(*facts.pointing)
    shown = f"{level:.1f}" if np.isfinite(level) else ""
    return (
        facts.object, seconds, facts.filter, facts.binning, facts.unit, pointing, shown,
    )  # fmt: skip


def _odd_numbers(found: Found, starts: Sequence[Start]) -> set[tuple[int, str]]:
    """Rows and columns of pointings and levels that are far from the others of their group."""
    odd: set[tuple[int, str]] = set()
    row = 0
    levels = {id(start.group): np.array(start.levels) for start in starts}
    for group in found.groups:
        places = np.array([e.image.header.pointing or (np.nan, np.nan) for e in group.exposures])
        known = np.isfinite(places[:, 0])
        if known.any():
            away = np.abs(places - np.median(places[known], axis=0)).max(axis=1) > _AWAY
            odd |= {(row + int(i), "pointing") for i in np.flatnonzero(away & known)}
        if (level := levels.get(id(group))) is not None:
            typical = float(np.median(level))
            away = np.abs(level - typical) > _BRIGHTER * abs(typical)
            odd |= {(row + int(i), "level") for i in np.flatnonzero(away)}
        row += len(group.exposures)
    return odd


def _marked(rows: Sequence[tuple[str, ...]], odd: set[tuple[int, str]]) -> list[tuple[str, ...]]:
    """Rows whose cells carry a mark where they differ from those of most."""
    compared = ("object", "time (s)", "filter", "binning", "units")
    usual = {
        name: Counter(row[_COLUMNS.index(name)] for row in rows).most_common(1)[0][0]
        for name in compared
    }
    return [
        tuple(
            cell + _MARK if cell != usual.get(name, cell) or (number, name) in odd else cell
            for name, cell in zip(_COLUMNS, row, strict=True)
        )
        for number, row in enumerate(rows)
    ]


def print_proposals(console: Console, start: Start, proposals: Sequence[Proposal]) -> None:
    """Print what is proposed for a group, and why.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    start : Start
        The exposures.
    proposals : sequence of Proposal
        Of its parameters.
    """
    title = f"{len(start.group.exposures)} exposures of {start.group.title}"
    console.print(title, markup=False, highlight=False)
    for each in proposals:
        print_proposal(console, each, in_ascii(start.exposures.unit))


def print_proposal(console: Console, proposal: Proposal, unit: str) -> None:
    """Print one proposal, and why.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    proposal : Proposal
        Of a parameter.
    unit : str
        Of the exposures.
    """
    sign = " " if proposal.certain else "?"
    line = f"  {sign} {said(proposal, unit)}  ({proposal.origin})"
    console.print(line, markup=False, highlight=False)


def said(proposal: Proposal, unit: str) -> str:
    """Write a proposal as in a parameter file.

    Parameters
    ----------
    proposal : Proposal
        Of a parameter.
    unit : str
        Of the exposures.

    Returns
    -------
    str
        Name, value and unit.
    """
    if proposal.value is None:
        return f"{proposal.name}: unknown"
    return f"{proposal.name}: {value_of(proposal)}{in_unit(_UNITS.get(proposal.name, ''), unit)}"


def value_of(proposal: Proposal) -> str:
    """Write a value that is known as in a parameter file.

    Parameters
    ----------
    proposal : Proposal
        Of a parameter.

    Returns
    -------
    str
        The value alone.
    """
    value = proposal.value
    if isinstance(value, tuple):
        return str([list(each) for each in value])
    return value if isinstance(value, str) else f"{value:.10g}"


def ask(console: Console, start: Start, known: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Let the user at the terminal take, refuse or replace what is not certain.

    The readout noise comes last: it follows from the gain and the bias that were settled.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    start : Start
        What proposes.
    known : mapping
        What is settled, by parameter.

    Returns
    -------
    dict
        By parameter; all certain, or without a value.
    """
    answers = dict(known)
    for name in ("extnum", "gain", "bias", "rnoise"):
        (each,) = (proposal for proposal in start.proposals(answers) if proposal.name == name)
        answers[name] = (
            each if each.certain else _answer(console, each, in_ascii(start.exposures.unit))
        )
    return answers


def _answer(console: Console, proposal: Proposal, unit: str) -> Proposal:
    known = proposal.value is not None
    question = f"{said(proposal, unit)}: take it? y, n or a value: " if known else (
        f"{proposal.name}: a value, or n to leave it out: "
    )  # fmt: skip
    answers = "y to take it, n to leave it out" if known else "n to leave it out"
    choices = "y, n or a value" if known else "a value or n"
    while True:
        try:
            text = console.input(question, markup=False).strip()
        except EOFError:
            console.print()  # the question has no end of its own
            msg = f"{proposal.name}: found the end of the input, expected {choices}"
            raise InputError(msg) from None
        if not text:
            line = f"{proposal.name}: found nothing, expected {choices}"
            console.print(line, markup=False, highlight=False)
            continue
        if text.lower() in ("y", "yes") and known:
            return replace(proposal, certain=True)
        if text.lower() in ("n", "no"):
            return replace(proposal, value=None, origin=f"missing: refused ({proposal.origin})")
        try:
            value = getattr(Parameters(**{proposal.name: as_value(text)}), proposal.name)
            if isinstance(value, str) and proposal.name != "extnum":  # a map
                find_file(split_extension(value)[0], (".",))
        except (ParameterError, InputError) as error:
            console.print(f"{error}; or {answers}", markup=False, highlight=False)
            continue
        return replace(proposal, value=value, origin=GIVEN, certain=True)
