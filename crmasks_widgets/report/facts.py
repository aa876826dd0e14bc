"""What a report says in words and numbers: results, exposures, noise, parameters, provenance."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.counts import count_pixels
from crmasks_widgets.analysis.noise_in_use import noise_lines, remarks_of
from crmasks_widgets.core.verdicts import CONFIRMED, OUT
from crmasks_widgets.files.headers import describe, printable
from crmasks_widgets.parameters.model import parameter_table
from crmasks_widgets.units import in_unit

_CARDS: Final = ("OBJECT", "DATE-OBS", "EXPTIME", "FILTER")
# More names than these fill the head of a page; all of them are in the table of exposures.
_MOST_NAMES: Final = 12
_LIBRARIES: Final = ("numpy", "scipy", "astropy", "astroscrappy")


@dataclass(frozen=True)
class Grid:
    """A table: headings, and cells as text, the first of each row being its name."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Changed:
    """A parameter that is not at its default: words, key, value and default with unit."""

    label: str
    key: str
    value: str
    default: str


@dataclass(frozen=True)
class Subject:
    """What a report is about.

    Attributes
    ----------
    objects : str
        What headers call the object; empty where they do not.
    dates : str
        First and last DATE-OBS; empty where there is none.
    times : str
        Exposure time in seconds, or all of them where they differ; empty where unknown.
    names : str
        Of the exposures.
    """

    objects: str
    dates: str
    times: str
    names: str


def subject(analysis: Analysis) -> Subject:
    """Say what was observed and when, by the headers of the exposures."""
    exposures = analysis.exposures
    facts = [describe(header) for header in exposures.headers]
    dates = sorted({
        date for header in exposures.headers if (date := printable(str(header.get("DATE-OBS", ""))))
    })  # fmt: skip
    times = {f"{fact.exposure_time:g}": None for fact in facts if fact.exposure_time is not None}
    names = exposures.names
    if len(names) > _MOST_NAMES:
        names = (*names[: _MOST_NAMES // 2], "…", *names[-_MOST_NAMES // 2 :])
    return Subject(
        "; ".join(dict.fromkeys(fact.object for fact in facts if fact.object)),
        " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "",
        ", ".join(times),
        ", ".join(names),
    )


def counted(analysis: Analysis) -> str:
    """Say whether numbers of pixels are those before or after dilation."""
    if analysis.masks_checksum is not None:
        return "Pixels are counted in the masks as they were read from a file."
    dilation = analysis.parameters.dilation
    if not dilation:
        return "Masks are not dilated: every pixel counted here was detected, or set by hand."
    by = "1 pixel" if dilation == 1 else f"{dilation} pixels"
    return (
        f"Pixels of masks and hits are counted after dilation by {by}; the table of pixels by "
        "method counts what was detected before it, and the mask after it."
    )


def headline(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """Say in a few numbers what was found.

    Parameters
    ----------
    analysis : Analysis
        With masks.

    Returns
    -------
    tuple of (number, what)
        The hits first.
    """
    verdicts = np.asarray(analysis.hits["verdict"])
    numbers = {word: int(np.count_nonzero(verdicts == word)) for word in (CONFIRMED, *OUT)}
    judged = [f"{number} {word}" for word, number in numbers.items() if number]
    if lost := len(analysis.result("lost").confirmed):
        judged.append(f"{lost} confirmed and not found")
    hits = "hits in the median" + (f" ({', '.join(judged)})" if judged else "")
    return (
        (f"{analysis.n_hits}", hits),
        (f"{np.count_nonzero(analysis.mediancr)}", "pixels in MEDIANCR"),
        (f"{np.count_nonzero(analysis.masks['MEANCRT'])}", "pixels in MEANCRT"),
        (f"{np.count_nonzero(analysis.problematic)}", "pixels masked in every exposure"),
    )


def exposures(analysis: Analysis) -> Grid:
    """Describe the exposures: name, what their headers say, flux factor, checksum."""
    known = [card for card in _CARDS if any(card in h for h in analysis.exposures.headers)]
    found = zip(
        analysis.exposures.names, analysis.exposures.headers, analysis.alignment.flux_factors,
        analysis.exposures.checksums, strict=True,
    )  # fmt: skip
    return Grid(
        ("exposure", *known, "flux factor", "SHA-256"),
        tuple(
            (name, *(str(header.get(card, "")) for card in known), f"{factor:.4f}", checksum)
            for name, header, factor, checksum in found
        ),
    )


def counts(analysis: Analysis) -> Grid:
    """Count flagged pixels by target and detector, and the pixels of the mask."""
    columns, counted = count_pixels(analysis, lambda row: row.name)
    cells = ((row.name, *map(str, row.each), str(row.masked)) for row in counted)
    return Grid(("found in", *columns, "in the mask"), tuple(cells))


def noise(analysis: Analysis) -> tuple[Grid, tuple[str, ...]]:
    """Noise predicted and observed by level, and what to look at."""
    check, unit = analysis.noise_check, analysis.exposures.unit
    grid = Grid(
        (f"level ({unit})", "pixels", f"predicted ({unit})", f"observed ({unit})", "ratio"),
        tuple(
            (
                f"{row.level:.1f}", f"{row.n_pixels}", f"{row.predicted:.2f}",
                f"{row.observed:.2f}", f"{row.observed / row.predicted:.3f}",
            )
            for row in check.classes
        ),
    )  # fmt: skip
    said = tuple(f"look at {r.parameter}: {r.text}" for r in remarks_of(analysis))
    return grid, (said or ("the noise is as predicted",)) + noise_lines(analysis)


def changed(analysis: Analysis) -> tuple[Changed, ...]:
    """List the parameters that are not at their defaults."""
    values = dict(analysis.parameters)
    unit = analysis.exposures.unit
    return tuple(
        Changed(
            in_unit(info.help, unit), info.name, _said(values[info.name], in_unit(info.unit, unit)),
            _said(info.default, in_unit(info.unit, unit)),
        )
        for info in parameter_table()
        if info.name != "images" and values[info.name] != info.default
    )  # fmt: skip


def _said(value: Any, unit: str) -> str:
    text = "none" if value is None else str(value)
    return f"{text} {unit}" if unit and isinstance(value, int | float) else text


def _with_version(name: str) -> str:
    # Some methods run where astroscrappy cannot be installed.
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"


def provenance(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """Say what made the report: versions, and what identifies the run."""
    calibration = analysis.calibration
    maps = [
        (f"{name} map {calibration.paths[name].name}", f"SHA-256 {checksum}")
        for name, checksum in sorted(calibration.checksums.items())
    ]
    libraries = ", ".join(map(_with_version, _LIBRARIES))
    masks = analysis.masks_checksum
    return (
        ("program", f"crmasks_widgets {__version__}"),
        ("run (UUID)", analysis.uuid),
        ("libraries", libraries),
        *maps,
        *((("masks read from a file", f"SHA-256 {masks}"),) if masks else ()),
    )
