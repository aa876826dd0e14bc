"""The detection codes of a pixel, their names and their colours.

The colours are those of Okabe & Ito (2008), which people with any kind of colour vision tell apart.
Codes 1 to 4 are those of the reference's tables (algorithm of numina-crmasks 0.36, CSV files);
"both" means that both detectors of the method found the pixel, whichever they are.
"""

from types import MappingProxyType
from typing import Final

DILATION: Final = 1
MM_ONLY: Final = 2
LACOSMIC_ONLY: Final = 3
BOTH: Final = 4
FORCED: Final = 5
SIGNIFICANCE_ONLY: Final = 6

CODE_NAMES: Final = MappingProxyType(
    {
        DILATION: "dilation",
        MM_ONLY: "MM only",
        LACOSMIC_ONLY: "L.A.Cosmic only",
        BOTH: "both",
        FORCED: "set by hand",
        SIGNIFICANCE_ONLY: "significance only",
    }
)

CODE_COLOURS: Final = MappingProxyType(
    {
        DILATION: "#999999",
        MM_ONLY: "#0072B2",
        LACOSMIC_ONLY: "#D55E00",
        BOTH: "#009E73",
        FORCED: "#CC79A7",
        SIGNIFICANCE_ONLY: "#56B4E9",
    }
)

# Pixels without a value; no detection has this colour.
INVALID_COLOUR: Final = "#56B4E9"
