"""What a hit of the median may be: the words of parameters and tables, and what each means."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

COINCIDENT: Final = "coincident"
UNSTABLE: Final = "unstable"
RESIDUAL: Final = "residual"
SATURATED: Final = "saturated"
HOT: Final = "hot"

CLASS_NAMES: Final[Mapping[str, str]] = MappingProxyType({
    COINCIDENT: "coincident hit",
    UNSTABLE: "hot or unstable pixel",
    RESIDUAL: "source or sky line residual",
    SATURATED: "saturated",
    HOT: "hot pixel, same in all",
})  # fmt: skip
"""Name of each class in tables; `crmasks_widgets.core.significance.classes` says which is which."""

CLASSES: Final = tuple(CLASS_NAMES)

CORRECTED: Final = tuple(name for name in CLASSES if name not in {HOT, RESIDUAL})
"""Those corrected by default: a hot pixel is no hit, and is only seen where fluxes differ; what
displacement or image quality leaves of a source is its light."""

LOW_NAME: Final = "one exposure low"
LOW_REASON: Final = "exposure {} reads low, the others agree"
PLAIN_NAME: Final = "hit"
"""Names in the tables of the reference's methods, which judge no hit: their masks are defined."""
