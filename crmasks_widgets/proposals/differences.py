"""In what exposures that should be equal differ, as their headers say."""

import warnings
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from astropy.io import fits

from crmasks_widgets.files.headers import RATES, HeaderFacts
from crmasks_widgets.files.world import coordinates_of
from crmasks_widgets.parameters import Parameters

_PIXELS: Final = 0.5  # displacement by the WCS from which on it is worth a word
_MULTIPLIED: Final = 0.2  # part of the exposure time; a smaller gain was not multiplied by it


def disagreements(
    names: Sequence[str], headers: Sequence[fits.Header], facts: Sequence[HeaderFacts],
    shape: tuple[int, int],
) -> tuple[str, ...]:  # fmt: skip
    """Say what differs between exposures.

    Parameters
    ----------
    names : sequence of n str
        Of the exposures.
    headers : sequence of n Header
        Of the exposures, for their WCS.
    facts : sequence of n HeaderFacts
        What they say.
    shape : (ny, nx)
        Of a frame.

    Returns
    -------
    tuple of str
        One line for each card: EXPTIME, FILTER, binning, OBJECT, GAIN, WCS. Exposures whose
        header lacks a card are left out of its comparison.
    """
    said: list[str] = []
    for card, text, advice in _CARDS:
        values = [text(each) for each in facts]
        if len({value for value in values if value}) > 1:
            said.append(f"{card}: {_listed(names, values)}{advice}")
    moved = displacements(headers, shape)
    if any(np.hypot(*offset) >= _PIXELS for offset in moved if offset is not None):
        texts = ["" if o is None else f"{o[0]:+.1f}, {o[1]:+.1f} pixels" for o in moved]
        said.append(
            f"WCS: against {names[0]} the exposures are displaced (x, y): {_listed(names, texts)}; "
            "hits are found only in exposures that lie on each other"
        )
    return tuple(said)


def contradictions(parameters: Parameters, facts: Sequence[HeaderFacts]) -> tuple[str, ...]:
    """Say what a gain means that the unit of the values does not allow.

    Parameters
    ----------
    parameters : Parameters
        Of a run.
    facts : sequence of HeaderFacts
        Of its exposures.

    Returns
    -------
    tuple of str
        At most one line, with what to set.
    """
    gain, unit = parameters.gain, facts[0].unit
    if unit == "electron" and gain != 1:
        what = f"{gain:g}" if isinstance(gain, float) else gain
        return (f"BUNIT: electrons, with gain: {what}; set gain: 1 and rnoise in electrons",)
    seconds = facts[0].exposure_time
    if unit in RATES and seconds and isinstance(gain, float) and gain < _MULTIPLIED * seconds:
        return (
            f"BUNIT: {unit}, with gain: {gain:g}; set gain to that of the counts times EXPTIME, "
            f"{seconds:g} s, and rnoise per second",
        )
    return ()


def _seconds(facts: HeaderFacts) -> str:
    value = facts.exposure_time
    return "" if value is None else f"{value:.4g} s"


def _gain(facts: HeaderFacts) -> str:
    return ", ".join(f"{card.value:.4g}" for card in facts.gain)


_CARDS: Final[tuple[tuple[str, Callable[[HeaderFacts], str], str], ...]] = (
    ("EXPTIME", _seconds, "; flux_factor: auto measures what that does to the brightness"),
    ("FILTER", lambda facts: facts.filter, "; only exposures of one filter are equivalent"),
    ("binning", lambda facts: facts.binning, "; only exposures of one binning are equivalent"),
    ("OBJECT", lambda facts: facts.object, "; only exposures of one field are equivalent"),
    ("GAIN", _gain, "; one gain is used for all exposures"),
)


def _listed(names: Sequence[str], values: Sequence[str]) -> str:
    """Values with the exposures that have them, the most frequent first."""
    groups: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        if value:
            groups.setdefault(value, []).append(name)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return "; ".join(f"{value} in {', '.join(who)}" for value, who in ordered)


def displacements(
    headers: Sequence[fits.Header], shape: tuple[int, int]
) -> tuple[tuple[float, float] | None, ...]:
    """Say where the centre of the first exposure lies in the others, as their WCS has it.

    Parameters
    ----------
    headers : sequence of Header
        Of the exposures.
    shape : (ny, nx)
        Of a frame.

    Returns
    -------
    tuple of ((dx, dy) or None)
        Pixels; None without a WCS that can be used.
    """
    if not all("CTYPE1" in header for header in headers):
        return (None,) * len(headers)
    from astropy.wcs import NoConvergence  # many runs never need it, and it is slow to load

    known = [coordinates_of(header) for header in headers]
    centre = [[(shape[1] - 1) / 2, (shape[0] - 1) / 2]]
    found: list[tuple[float, float] | None] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if known[0] is None:
                return (None,) * len(headers)
            place = known[0].all_pix2world(centre, 0)
            for wcs in known:
                if wcs is None:
                    found.append(None)
                    continue
                x, y = wcs.all_world2pix(place, 0)[0] - centre[0]
                found.append((float(x), float(y)) if np.isfinite(x + y) else None)
        except (NoConvergence, ValueError, TypeError, AssertionError, KeyError, MemoryError):
            return (None,) * len(headers)
    return tuple(found)
