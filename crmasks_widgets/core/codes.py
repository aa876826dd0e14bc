"""The detection codes of a pixel: why it is in a mask.

Codes 1 to 4 are those of the reference's tables (CSV files of numina-crmasks 0.36); "both" means
that two detectors of the method found the pixel, whichever they are. The code of a single detector
is in its row of the registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crmasks_widgets import detectors

DILATION: Final = 1
BOTH: Final = 4
FORCED: Final = 5

DETECTED_EVERYWHERE: Final = 2
"""Of a problematic pixel: every exposure has a detection of its own (the reference's code)."""

INVALID_COLOUR: Final = "#800020"
"""Colour of pixels without a value: burgundy, which no detection and no colour table comes near."""


@dataclass(frozen=True)
class Code:
    """What a code means and how it is shown.

    Attributes
    ----------
    number : int
        The code.
    name : str
        In legends and tables.
    colour : str
        "#RRGGBB".
    symbol : str
        One character that the dashboard can draw.
    marker : str
        The same for figures, as Matplotlib calls it; empty where figures draw none.
    """

    number: int
    name: str
    colour: str
    symbol: str
    marker: str


def all_codes() -> Mapping[int, Code]:
    """All codes by number, the least important first: what is drawn later lies on top.

    Returns
    -------
    mapping
        Dilation, each detector alone, two detectors, set by hand.
    """
    found = [
        Code(d.code, f"{d.name} only", d.colour, d.symbol, d.marker)
        for d in sorted(detectors.DETECTORS.values(), key=lambda d: d.code)
    ]
    listed = [
        Code(DILATION, "dilation", "#999999", "·", ""),
        *found,
        Code(BOTH, "both", "#009E73", "○", "o"),
        Code(FORCED, "set by hand", "#CC79A7", "□", "D"),
    ]
    return {code.number: code for code in listed}


def colours_by_name() -> Mapping[str, str]:
    """Colours of all codes by the name of the code."""
    return {code.name: code.colour for code in all_codes().values()}
