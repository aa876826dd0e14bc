"""What is known of each parameter besides its type: the lines of the parameter table."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any, Final, Literal, get_args, get_origin

import annotated_types
from pydantic import Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from crmasks_widgets.detectors import detector_of
from crmasks_widgets.errors import ParameterError

LARGEST: Final = 2**31 - 1
"""Largest accepted count or pixel coordinate."""

EXPOSURE_KEYS: Final = ("images", "extnum", "gain", "rnoise", "bias")
"""Keys of the top level of the YAML file; all others stand under ``requirements``."""

SYNONYMS: Final = MappingProxyType(
    {"flux_factor_region": "flux_factor_regions", "use_auxmedian": "use_lamedian"}
)
"""Other spellings that are read: of the reference's document, and of its later versions."""


@dataclass(frozen=True)
class Choices:
    """Marks a type of few names.

    Attributes
    ----------
    names : tuple of str
        All of them.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """The values that a number may have.

    Parameters
    ----------
    low, high : float or int or None
        Smallest and largest value; None for no limit.
    open_low : bool
        True when `low` itself is not accepted.
    """

    low: float | None = None
    high: float | None = None
    open_low: bool = False

    def __str__(self) -> str:
        """Write the range as in a table, for example ``> 0``; the limit of large integers apart."""
        if self.low is None or self.low == -LARGEST:
            return "any"
        return f"{'>' if self.open_low else '≥'} {self.low:g}"


@dataclass(frozen=True)
class ParameterInfo:
    """One line of the parameter table.

    Parameters
    ----------
    name : str
        YAML key, attribute and option: one name for one thing.
    group : str
        Block of the YAML file: exposures, general or the key of a detector.
    kind : {'switch', 'integer', 'number', 'choice', 'other'}
        What kind of control the parameter needs.
    unit : str
        Unit, empty when there is none.
    default : object
        Value when the key is missing.
    range : Range or None
        Accepted values of an integer or a number; None for the other kinds.
    choices : tuple of str
        Accepted words of a choice, else empty.
    help : str
        One line for a user.
    expected : str
        The rule as an error message states it.
    in_reference : bool
        True when numina-crmasks 0.36.0 knows the key.
    nullable : bool
        True when null is a value of a number or of a list.
    step : int
        Distance of the values that an integer may have.
    """

    name: str
    group: str
    kind: str
    unit: str
    default: object
    range: Range | None
    choices: tuple[str, ...]
    help: str
    expected: str
    in_reference: bool = True
    nullable: bool = False
    step: int = 1


def group_of(name: str) -> str:
    """Return the group of a parameter, told from its name as in the YAML file.

    Parameters
    ----------
    name : str
        YAML key.

    Returns
    -------
    str
        ``exposures``, ``general`` or the key of a detector.
    """
    if name in EXPOSURE_KEYS:
        return "exposures"
    detector = detector_of(name)
    return "general" if detector is None else detector.key


def one_of(words: Sequence[str]) -> str:
    """Write a choice of words."""
    return ", ".join(words[:-1]) + f" or {words[-1]}"


def key_text(key: str) -> str:
    """Write a key for an error message: as it is, or quoted when that could confuse."""
    return key if re.fullmatch(r"[\w.-]{1,80}", key) else repr(key[:80])


def unknown_key(key: str, known: Collection[str]) -> str:
    """Return the message about a key that nothing knows, with the known one most like it."""
    plain = key.lower().replace("-", "_")[:200]
    nearest = difflib.get_close_matches(plain, known, n=1, cutoff=0.0)[0]
    return f"{key_text(key)}: found an unknown key, expected a known one; the nearest is {nearest}"


def canonical_names(given: Mapping[str, object], known: Collection[str]) -> dict[str, object]:
    """Return parameters under their own names, whichever spelling they came in.

    Raises
    ------
    ParameterError
        When a name is unknown, or one parameter comes in two spellings.
    """
    named: dict[str, object] = {}
    for key, value in given.items():
        name = SYNONYMS.get(key, key)
        if name not in known:
            raise ParameterError(unknown_key(key, known))
        if name in named:
            other = next(k for k in given if k != key and SYNONYMS.get(k, k) == name)
            raise ParameterError(f"{key}: found together with {other}, expected one of them")
        named[name] = value
    return named


def about(
    default: object,
    help_line: str,
    unit: str = "",
    *,
    expected: str = "",
    low: float | None = None,
    above: float | None = None,
    in_reference: bool = True,
    step: int = 1,
) -> Any:
    """Declare a field: its default, its limits and what the parameter table says of it.

    `low` is the smallest value, `above` a limit that the value must exceed; `expected` is the rule
    in words, needed where type and limits do not say it all; `step` the distance of accepted
    integers.
    """
    extra: JsonDict = {
        "help": help_line,
        "unit": unit,
        "expected": expected,
        "in_reference": in_reference,
        "step": step,
    }
    declare: Any = Field  # its overloads tie the type of the default to that of the field
    return declare(default, ge=low, gt=above, json_schema_extra=extra)


def describe(name: str, field: FieldInfo) -> ParameterInfo:
    """Make the line of the parameter table that belongs to a field declared with `about`."""
    kind, choices = _kind_of(field)
    limits = _range_of(field) if kind in ("integer", "number") else None
    extra = field.json_schema_extra
    if not isinstance(extra, dict):
        raise TypeError(f"the field {name} is not declared with about()")
    nullable = NoneType in get_args(field.annotation)
    return ParameterInfo(
        name=name,
        group=group_of(name),
        kind=kind,
        unit=str(extra["unit"]),
        default=field.default,
        range=limits,
        choices=choices,
        help=str(extra["help"]),
        expected=str(extra["expected"]) or _rule(kind, choices, limits, nullable),
        in_reference=bool(extra["in_reference"]),
        nullable=nullable,
        step=int(str(extra["step"])),
    )


def _kind_of(field: FieldInfo) -> tuple[str, tuple[str, ...]]:
    annotation: Any = field.annotation
    for marker in field.metadata:
        if isinstance(marker, Choices):
            return "choice", marker.names
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    kinds = {
        bool: "switch", int: "integer", int | None: "integer", float: "number",
        float | None: "number",
    }  # fmt: skip
    return kinds.get(annotation, "other"), ()


def _range_of(field: FieldInfo) -> Range:
    low: Any = None
    high: Any = None
    open_low = False
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Le):
            high = limit.le if high is None else min(high, limit.le)
        elif isinstance(limit, annotated_types.Ge):
            low = limit.ge
        elif isinstance(limit, annotated_types.Gt):
            low, open_low = limit.gt, True
    return Range(low, high, open_low)


def _rule(kind: str, choices: tuple[str, ...], limits: Range | None, nullable: bool) -> str:
    """Put the rule of a switch, a choice, an integer or a number into words."""
    if kind == "switch":
        return "true or false"
    if kind == "choice":
        return one_of(choices)
    rule = "an integer" if kind == "integer" else "a finite number"
    if limits is not None and limits.low is not None and limits.low > -LARGEST:
        rule += f" {'above' if limits.open_low else 'of at least'} {limits.low:g}"
    if limits is not None and limits.high is not None and limits.high != LARGEST:
        rule += f" (at most {limits.high:.4g})"
    return rule + (" or null" if nullable else "")
