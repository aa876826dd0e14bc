"""What the header of an exposure says about it, whichever of the usual names the cards have."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from astropy.io import fits

# Of several that are there, the first counts. `#` stands for an amplifier: a digit or a letter.
_GAIN: Final = (
    "EGAIN", "GAIN", "CCDGAIN", "DETGAIN", "EPERDN", "GAINEFF", "GTGAIN", "ESO DET OUT# CONAD",
    "GAIN#", "GAIN##", "GTGAIN#", "GTGAIN##", "ATODGN#", "EGAIN#", "CCDGAIN#",
)  # fmt: skip
_READOUT_NOISE: Final = (
    "RDNOISE", "READNOIS", "READNOISE", "RDNOIS", "RON", "RONOISE", "ENOISE", "READNSE",
    "GTRON", "ESO DET OUT# RON", "RDNOISE#", "RDNOISE##", "RDNOIS#", "RDNOIS##", "READNOI#",
    "GTRON#", "GTRON##", "READNSE#", "RON#", "ENOISE#",
)  # fmt: skip
_BIAS_LEVEL: Final = ("BIASLEV", "BIASLVL", "BIASLEV#", "BIASLVL#", "BIASLEV##", "BIAS#", "BIAS")
EXPOSURE_TIMES: Final = ("EXPTIME", "EXPOSURE", "EXPOSED", "ITIME", "TEXP", "EXP_TIME", "ELAPTIME")
_FILTER: Final = ("FILTER", "FILTERS", "FILTNAM", "FILTNAME", "INSFILTE", "FILTERID", "FILTER1")
_OBJECT: Final = ("OBJECT", "OBJNAME", "TARGNAME", "TARGET")
_KIND: Final = ("IMAGETYP", "OBSTYPE", "ESO DPR TYPE", "OBSMODE", "FRAMETYP")
_OVERSCAN: Final = ("BIASSEC", "OVERSEC", "OSECSEC", "BIASSEC#", "OVRSEC##", "BIASSEC##")
_USABLE: Final = ("TRIMSEC", "DATASEC")
# What ccdproc of IRAF, and others after it, leave behind where a bias was subtracted.
_SUBTRACTED: Final = ("OVERSCAN", "ZEROCOR", "BIASCOR", "BIASCORR", "BIASSUB", "SUBBIAS", "OVSCAN")
_SECTION: Final = re.compile(r"\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]")
_ELECTRONS: Final = re.compile(r"\b(e|el|els|elec|electrons?|photo-?electrons?)\b|\be-", re.I)
_COUNTS: Final = re.compile(r"\b(adu|dn|counts?|cts?)\b", re.I)
_PER: Final = re.compile(r"\s*(?:/|\bper\b|\*\*-1|\^-1)\s*", re.I)


RATES: Final = ("electron/s", "ADU/s")
"""Units of values that were divided by the exposure time."""


@dataclass(frozen=True)
class Card:
    """A number in a header.

    Attributes
    ----------
    keyword : str
        Its name.
    value : float
        Finite.
    unit : str
        "e-", "ADU", "e-/ADU", "ADU/e-" as its comment says; empty where it says nothing.
    """

    keyword: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        """Write the card for a user."""
        return f"{self.keyword} {self.value:g}{f' {self.unit}' if self.unit else ''}"


@dataclass(frozen=True)
class HeaderFacts:
    """What the header of an exposure says; None or empty where it says nothing.

    Attributes
    ----------
    object, filter, binning, unit, kind : str
        The binning as "1x2" (x, y); the unit as `unit_of` names it, or as written; the
        kind as IMAGETYP has it.
    exposure_time : float or None
        Seconds.
    pointing : (float, float) or None
        Right ascension and declination of the target or telescope, degrees.
    gain, readout_noise, bias : tuple of Card
        One for each amplifier; of the level of the bias, ADU.
    overscan : tuple of (xmin, xmax, ymin, ymax)
        Sections that saw no light, FITS pixels.
    usable : (xmin, xmax, ymin, ymax) or None
        Section that saw light, FITS pixels.
    bias_subtracted : str
        Keyword of the card that says so.
    """

    object: str = ""
    exposure_time: float | None = None
    filter: str = ""
    binning: str = ""
    unit: str = ""
    pointing: tuple[float, float] | None = None
    gain: tuple[Card, ...] = ()
    readout_noise: tuple[Card, ...] = ()
    bias: tuple[Card, ...] = ()
    overscan: tuple[tuple[int, int, int, int], ...] = ()
    usable: tuple[int, int, int, int] | None = None
    bias_subtracted: str = ""
    kind: str = ""


def describe(header: fits.Header) -> HeaderFacts:
    """Gather what a header says about its exposure.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Of the image, with the cards of the primary header that it lacks.

    Returns
    -------
    HeaderFacts
        Cards that cannot be read, or whose values are of another kind, count as missing.
    """
    cards = dict(_readable(header))
    return HeaderFacts(
        object=_text(cards, _OBJECT),
        exposure_time=_first_number(cards, EXPOSURE_TIMES),
        filter=_text(cards, _FILTER),
        binning=_binning(cards),
        unit=unit_of(_text(cards, ("BUNIT",))),
        pointing=_pointing(cards),
        gain=_amplifiers(cards, _GAIN, positive=True),
        readout_noise=_amplifiers(cards, _READOUT_NOISE, positive=True),
        bias=_amplifiers(cards, _BIAS_LEVEL),
        overscan=tuple(_sections(cards, _OVERSCAN)),
        usable=next(iter(_sections(cards, _USABLE)), None),
        bias_subtracted=next((key for key in _SUBTRACTED if _says_yes(cards.get(key))), ""),
        kind=_text(cards, _KIND),
    )


def unit_in(header: fits.Header) -> str:
    """Unit of the values of an image, as `unit_of` names it; empty where BUNIT says nothing."""
    return unit_of(_text(dict(_readable(header)), ("BUNIT",)))


Cards = Mapping[str, tuple[Any, str]]


def _readable(header: fits.Header) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Keyword, value and comment of the cards that can be read."""
    for card in header.cards:
        try:
            keyword, value, comment = card.keyword, card.value, card.comment
        except (fits.VerifyError, ValueError):
            continue
        if keyword:
            yield keyword.upper(), (value, comment)


def printable(text: str) -> str:
    """Write text of a header on one line.

    Parameters
    ----------
    text : str
        As found.

    Returns
    -------
    str
        Without control characters, and with single blanks.
    """
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())


def _text(cards: Cards, names: Iterable[str]) -> str:
    for name in names:
        value = cards.get(name, (None, ""))[0]
        if isinstance(value, str) and (text := printable(value)):
            return text
    return ""


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _first_number(cards: Cards, names: Iterable[str]) -> float | None:
    for name in names:
        if (value := _number(cards.get(name, (None, ""))[0])) is not None:
            return value
    return None


def unit_of(text: str) -> str:
    """Name the unit of pixel values in one way.

    Parameters
    ----------
    text : str
        As headers write it.

    Returns
    -------
    str
        "ADU", "electron", or either of them with "/s"; any other text as it is.
    """
    kind, rate = "", bool(re.search(r"(/|\bper\b)\s*s(ec(ond)?)?\b|\bs(\*\*|\^)?-1\b", text, re.I))
    if _ELECTRONS.search(text):
        kind = "electron"
    elif _COUNTS.search(text):
        kind = "ADU"
    if not kind or (_PER.search(text) and not rate):
        return text
    return f"{kind}/s" if rate else kind


def _unit_in(comment: str) -> str:
    """Unit of a gain or a readout noise that the comment of its card tells."""
    bracket = re.search(r"[\[(]([^\])]*)[\])]", comment)
    text = bracket[1] if bracket else comment
    electrons, counts = _ELECTRONS.search(text), _COUNTS.search(text)
    if electrons and counts:
        return "e-/ADU" if electrons.start() < counts.start() else "ADU/e-"
    return "e-" if electrons else "ADU" if counts else ""


def _amplifiers(cards: Cards, names: Iterable[str], *, positive: bool = False) -> tuple[Card, ...]:
    """Cards of the first name that is there; several where it has a place for an amplifier."""
    for name in names:
        pattern = re.compile(re.escape(name).replace(r"\#", "[0-9A-H]"))
        found = []
        for keyword in sorted(key for key in cards if pattern.fullmatch(key)):
            value, comment = cards[keyword]
            number = _number(value)
            if number is None or (positive and number <= 0):
                continue
            unit = _unit_in(comment)
            if keyword.startswith("ESO ") and keyword.endswith("CONAD"):
                unit = "e-/ADU"
            found.append(Card(keyword, number, unit))
        if found:
            return tuple(found)
    return ()


def _binning(cards: Cards) -> str:
    for name in ("CCDSUM", "CCDBIN", "BINNING"):
        value = cards.get(name, ("", ""))[0]
        numbers = re.findall(r"\d+", value) if isinstance(value, str) else []
        if len(numbers) == 2:
            return "x".join(numbers)
    pairs = (
        ("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("CCDBIN1", "CCDBIN2"),
        ("BINX", "BINY"), ("ESO DET WIN1 BINX", "ESO DET WIN1 BINY"),
    )  # fmt: skip
    for pair in pairs:
        values = [_number(cards.get(name, (None, ""))[0]) for name in pair]
        if None not in values:
            return "x".join(f"{value:g}" for value in values)
    return ""


def _pointing(cards: Cards) -> tuple[float, float] | None:
    for names in (("RA", "DEC"), ("OBJRA", "OBJDEC"), ("OBJCTRA", "OBJCTDEC"), ("TELRA", "TELDEC")):
        values = [cards.get(name, (None, ""))[0] for name in names]
        ra, dec = _angle(values[0], 15.0), _angle(values[1], 1.0)
        if ra is not None and dec is not None:
            return ra, dec
    return None


def _angle(value: Any, sexagesimal: float) -> float | None:
    """Degrees; text with colons or blanks is hours or degrees."""
    parts = re.split(r"[:\s]+", value.strip()) if isinstance(value, str) else []
    if len(parts) != 3:
        return _number(value)
    numbers = [_number(part) for part in parts]
    if None in numbers:
        return None
    whole, minutes, seconds = (abs(number or 0.0) for number in numbers)
    sign = -1 if parts[0].startswith("-") else 1
    return sign * sexagesimal * (whole + minutes / 60 + seconds / 3600)


def _sections(cards: Cards, names: Iterable[str]) -> Iterator[tuple[int, int, int, int]]:
    for name in names:
        pattern = re.compile(re.escape(name).replace(r"\#", "[0-9A-H]"))
        found = []
        for keyword in sorted(key for key in cards if pattern.fullmatch(key)):
            value = cards[keyword][0]
            match = _SECTION.fullmatch(value.strip()) if isinstance(value, str) else None
            if match:
                x1, x2, y1, y2 = (int(group) for group in match.groups())
                found.append((min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)))
        if found:
            yield from found
            return


def _says_yes(card: tuple[Any, str] | None) -> bool:
    """Whether a card tells of something done: true, or text other than no."""
    if card is None:
        return False
    value = card[0]
    if isinstance(value, bool):
        return value
    refusals = ("", "f", "n", "no", "false", "none", "omit", "0", "incomplete")
    return isinstance(value, str) and value.strip().lower() not in refusals
