"""The types of the parameters: each checks what a user gives and returns plain values."""

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from crmasks_widgets.combination_kinds import MORE_KINDS
from crmasks_widgets.detectors import Detector, rows
from crmasks_widgets.hit_classes import CLASSES
from crmasks_widgets.parameters import coordinates, later, values
from crmasks_widgets.parameters.info import LARGEST, Choices, one_of

LARGEST_SEED: Final = 2**128 - 1
"""Largest accepted seed."""

REGIONS_RULE: Final = (
    'a list of [xmin, xmax, ymin, ymax] or "[xmin:xmax, ymin:ymax]" (FITS pixels from 1 on, '
    "xmin <= xmax, ymin <= ymax) or null"
)
CORRELATION_REGION_RULE: Final = (
    '[xmin, xmax, ymin, ymax] or "[xmin:xmax, ymin:ymax]" (FITS pixels from 1 on, xmin < xmax, '
    f"ymin < ymax, at least {coordinates.SMALLEST_CORRELATION_AREA} pixels) or null"
)
PIXELS_RULE: Final = "a list of [x, y] (FITS pixels, integers from 1 on) or null"
WINDOWS_RULE: Final = (
    "a list of [x, y, x_width, y_width] (FITS pixels from 1 on; odd widths, at least 3 pixels "
    "in the window) or null"
)
EXTENSION_RULE: Final = 'a number of at least 0, a name, or "NAME,VERSION"'


FIXED_SEED: Final = 0
"""Of what is simulated although no seed asks for it: the same every time."""

MOST_PAGES: Final = 200
"""Hits that have a page in the figures if all are asked for."""

LARGEST_FLUX_RATIO: Final = 100.0
"""Exposures of one field that differ more in brightness are not comparable."""

USABLE: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"gain": (1e-15, 1e20), "rnoise": (0.0, 1e15), "bias": (-1e15, 1e15)}
)
"""Values, of maps too, with which the noise of any exposure is a number of single precision."""

MAP_RULE: Final = "the path of a 2-D FITS image"


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise values.RefusedValueError(value)
    return value


def drawn_seed() -> int:
    """Draw a seed for a run that is to simulate and was not told one."""
    return secrets.randbits(32)


def _or_none(value: object) -> object:
    return None if values.is_none_text(value) else value


METHODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "lacosmic": ("lacosmic",),
    "mmcosmic": ("mm",),
    "mm_lacosmic": ("mm", "lacosmic"),
    "pycosmic": ("pycosmic",),
    "mm_pycosmic": ("mm", "pycosmic"),
    "deepcr": ("deepcr",),
    "mm_deepcr": ("mm", "deepcr"),
    "significance": ("significance",),
    "significance_deepcr": ("significance", "deepcr"),
    "significance_lacosmic": ("significance", "lacosmic"),
})  # fmt: skip
"""Detectors of each `crmethod`, by their keys in `crmasks_widgets.detectors`."""

DEFAULT_METHOD: Final = "mm_lacosmic"


def methods_where(fact: Callable[[Detector], bool], *, all_of: bool = False) -> tuple[str, ...]:
    """Names of `crmethod` of which some detector, or all of them, are as asked."""
    holds = all if all_of else any
    return tuple(method for method, keys in METHODS.items() if holds(map(fact, rows(keys))))


def methods_for(n_exposures: int) -> tuple[str, ...]:
    """Names of `crmethod` for which so many exposures are enough."""
    return methods_where(lambda row: row.least_exposures <= n_exposures, all_of=True)


def method_for(n_exposures: int) -> str | None:
    """Method for fewer exposures than the default one needs; None where that will do."""
    enough = methods_for(n_exposures)
    return None if DEFAULT_METHOD in enough else next(iter(enough), None)


def _method(value: object) -> str:
    if isinstance(value, str) and value in METHODS:
        return value
    if isinstance(value, str) and value in later.METHODS:
        found = f"{value}, which needs the detector {later.METHODS[value]}"
        raise values.RefusedValueError(
            found, f"one that is installed: {one_of(tuple(METHODS))}", in_words=True
        )
    raise values.RefusedValueError(value)


HIT_CLASSES_RULE: Final = "a list of some of " + ", ".join(CLASSES)


def _some_of(names: tuple[str, ...]) -> Callable[[object], tuple[str, ...]]:
    """Make the check of a list of names: each once, in their order; a word alone is a list."""

    def parse(value: object) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(name in names for name in given):
            raise values.RefusedValueError(value)
        return tuple(name for name in names if name in given)

    return parse


MORE_RULE: Final = "a list of some of " + ", ".join(MORE_KINDS)


Method = Annotated[str, PlainValidator(_method), Choices(tuple(METHODS))]
Count = Annotated[int, Field(le=LARGEST)]
OptionalCount = Annotated[int | None, Field(le=LARGEST), BeforeValidator(_or_none)]
Neighbours = Annotated[int, Field(le=8)]
OddCount = Annotated[Count, AfterValidator(_odd)]
# Beyond these a run would hardly end, or not fit into memory, and its result would be no better.
KernelSide = Annotated[int, Field(le=101), AfterValidator(_odd)]  # the cost grows with its square
Margin = Annotated[int, Field(le=200)]  # what a kernel reaches over is less
BoxSide = Annotated[int, Field(le=51), AfterValidator(_odd)]  # a median of them in each pixel
Radius = Annotated[int, Field(le=50)]
Width = Annotated[float, Field(le=100.0)]  # the kernel is several times as wide
Knots = Annotated[int, Field(le=100)]  # the diagram has no more columns that tell something
Simulations = Annotated[int, Field(le=1_000_000)]  # the noise of the boundary has long gone
Times = Annotated[int, Field(le=100)]  # L.A.Cosmic ends when it finds nothing new, after a few
Weight = Annotated[float, Field(le=1000.0)]  # to the power of its times: within a number's range
HalfWidth = Annotated[int, Field(le=500)]
Seed = Annotated[int | None, Field(le=LARGEST_SEED), BeforeValidator(_or_none)]
Fraction = Annotated[float, Field(le=1.0)]
OptionalFraction = Annotated[float | None, Field(le=1.0), BeforeValidator(_or_none)]
OptionalNumber = Annotated[float | None, BeforeValidator(_or_none)]
Level = Annotated[float | str, PlainValidator(values.level(USABLE["bias"]))]
Gain = Annotated[float | str, PlainValidator(values.level(USABLE["gain"], above=0))]
Noise = Annotated[float | str, PlainValidator(values.level(USABLE["rnoise"], low=0))]
Extension = Annotated[int | str, PlainValidator(values.extension)]
OptionalExtension = Annotated[int | str | None, PlainValidator(values.optional(values.extension))]
OptionalPath = Annotated[str | None, PlainValidator(values.optional(values.path))]
OptionalBits = Annotated[tuple[int, ...] | None, PlainValidator(values.optional(values.bits))]
Names = Annotated[tuple[str, ...] | None, PlainValidator(values.image_names)]
FluxFactor = Annotated[
    Literal["auto"] | float | tuple[float, ...] | None,
    PlainValidator(values.optional(values.flux_factor)),
]
Regions = Annotated[
    tuple[coordinates.Region, ...] | None, PlainValidator(values.optional(coordinates.regions))
]
CorrelationRegion = Annotated[
    coordinates.Region | None, PlainValidator(values.optional(coordinates.correlation_region))
]
Pixels = Annotated[
    tuple[tuple[int, int], ...] | None, PlainValidator(values.optional(coordinates.pixels))
]
Windows = Annotated[
    tuple[tuple[int, int, int, int], ...] | None,
    PlainValidator(values.optional(coordinates.windows)),
]
MoreCombinations = Annotated[tuple[str, ...], PlainValidator(_some_of(MORE_KINDS))]
HitClasses = Annotated[tuple[str, ...], PlainValidator(_some_of(CLASSES))]
Offsets = Annotated[
    tuple[tuple[float, float], ...] | None, PlainValidator(values.optional(coordinates.offsets))
]
FixedPoints = Annotated[
    tuple[tuple[float, float, float], ...] | None,
    PlainValidator(values.optional(coordinates.fixed_points)),
]
