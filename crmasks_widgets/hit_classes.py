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
LOW_REASON: Final = "exposure {} reads low in most of its flagged pixels, the others agree"
ALIKE_NAME: Final = "alike in all exposures"
ALIKE_REASON: Final = "the median exceeds the minimum by no more than noise does"
PLAIN_NAME: Final = "exposures differ"
"""Names in the tables of the reference's methods, which judge no hit: what its values look like in
the exposures. Their masks are defined, so none is left out for it."""

SHORT_NAMES: Final[Mapping[str, str]] = MappingProxyType({
    **{name: word for word, name in CLASS_NAMES.items()},
    LOW_NAME: "one low", ALIKE_NAME: "all alike", PLAIN_NAME: "differ",
})  # fmt: skip
"""Every name of a table in a word or two, for cards and chips."""
