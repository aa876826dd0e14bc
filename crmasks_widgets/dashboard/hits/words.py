"""Hits in words: what a card, the large picture and a screen reader say."""

from collections.abc import Sequence
from typing import Any, Final

from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.dashboard.model.review import short
from crmasks_widgets.hit_classes import CLASS_NAMES, COINCIDENT, PLAIN_NAME

_SURE: Final = "#00875f"
_OTHER: Final = "#8a8a8a"


def tone(column: str, name: str) -> str:
    """Colour of a class or a method."""
    if column == "method":
        return colours_by_name().get(name, _OTHER)
    return _SURE if name in (CLASS_NAMES[COINCIDENT], PLAIN_NAME) else _OTHER


def kind(column: str, name: str) -> str:
    """A class or a method in a word."""
    return short(name) if column == "class" else name.removesuffix(" only")


def number(row: Any) -> str:
    """Number of a hit; what is in no mask has none."""
    return str(row["number"]) if row["number"] else "–"


def strength(row: Any) -> str:
    """How far a hit stands out."""
    sigma = float(row["significance"])
    return f"{sigma:.0f} σ" if abs(sigma) >= 10 else f"{sigma:.1f} σ"


def place(row: Any) -> str:
    """Where a hit is, and how large."""
    return f"{row['x']:.0f}, {row['y']:.0f} · {row['npix']} px"


def listed(numbers: Sequence[int]) -> str:
    """Numbers as a person says them: "1", "1 and 2", "1, 2 and 4"."""
    words = [str(one) for one in numbers]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def why(row: Any, bright: Sequence[int], times: float) -> str:
    """Why a hit is one, in a line.

    Parameters
    ----------
    row : astropy.table.Row
        The hit.
    bright : sequence of int
        Exposures that show it; none where they are alike.
    times : float
        By how many times it exceeds what is asked of it.

    Returns
    -------
    str
        Such as "bright in 1 and 2, 33 σ, 4.1 × the limit, 18 pixels".
    """
    pixels = "1 pixel" if row["npix"] == 1 else f"{row['npix']} pixels"
    parts = [
        f"bright in {listed(bright)}" if bright else "alike in all exposures",
        strength(row),
        f"{times:.1f} × the limit" if times < 100 else "far above the limit",
        pixels,
    ]
    return ", ".join(parts)
