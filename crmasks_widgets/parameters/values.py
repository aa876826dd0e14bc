"""Parameter values as a user writes them, turned into plain numbers, text and tuples.

Text that holds a list (pipeline recipes deliver values as text) is read with the JSON parser;
nothing is ever evaluated as code.
"""

import json
import math
import numbers
import os
import re
import reprlib
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from crmasks_widgets.errors import ParameterError, on_one_line
from crmasks_widgets.exposure_names import is_pattern

T = TypeVar("T")
LARGEST_COUNT: Final = 2**31 - 1
EXTENSION_TEXT: Final = re.compile(
    r"\s*(?P<name>[A-Za-z_](?:[\w .+-]{0,66}[\w.+-])?)\s*(?:,\s*(?P<version>\d{1,6})\s*)?", re.A
)
_SPAN: Final = r"\s*(\d{1,10})\s*:\s*(\d{1,10})\s*"
REGION_TEXT: Final = re.compile(rf"\[{_SPAN},{_SPAN}\]")
SPAN_TEXT: Final = re.compile(_SPAN)


class RefusedValueError(ValueError):
    """A value that breaks a rule.

    Parameters
    ----------
    found : object
        The value, or the part of it that is wrong.
    expected : str, optional
        The rule; that of the parameter when left out.
    in_words : bool, optional
        True when `found` describes the value rather than being it.
    """

    def __init__(
        self, found: object, expected: str | None = None, *, in_words: bool = False
    ) -> None:
        self.found = str(found) if in_words else shown(found)
        self.expected = expected
        super().__init__(f"found {self.found}, expected {expected or 'another value'}")


def shown(value: object) -> str:
    """Write a value for an error message, on one line and short.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        At most about a hundred characters.
    """
    writer = reprlib.Repr()
    writer.maxlist = writer.maxtuple = writer.maxdict = 8
    writer.maxstring = writer.maxother = writer.maxlong = 60
    writer.maxlevel = 4
    try:
        text = "null" if value is None else writer.repr(value)
    except ValueError:  # an integer of more digits than Python agrees to write
        text = "a number of thousands of digits"
    text = on_one_line(text)
    return text if len(text) <= 100 else text[:97] + "..."


def plain(value: object) -> object:
    """Turn numbers, paths and arrays of other libraries into those of Python.

    Parameters
    ----------
    value : object
        A parameter value.

    Returns
    -------
    object
        The same with lists instead of tuples and arrays, `int` and `float` instead of other
        integer and real types, and text instead of paths.
    """
    if value is None or isinstance(value, bool | str | int | float):
        # numpy's double precision number is a `float` too, but writes itself differently.
        return float(value) if isinstance(value, float) else value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    as_list = getattr(value, "tolist", None)
    return plain(as_list()) if callable(as_list) else value


def is_none_text(value: object) -> bool:
    """Tell whether a value is null or the text ``none``, in any case.

    Parameters
    ----------
    value : object
        A parameter value.

    Returns
    -------
    bool
        True for null and ``none``.
    """
    return value is None or (isinstance(value, str) and value.strip().lower() == "none")


def optional(parse: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """Make a parser that takes null and ``none`` as None, and text as the list it holds.

    Parameters
    ----------
    parse : callable
        Parser of a value that is not null.

    Returns
    -------
    callable
        The parser for the optional value; an empty list is None too.
    """

    def parse_optional(value: Any) -> T | None:
        if is_none_text(value):
            return None
        value = unwrapped(value)
        return None if value == [] else parse(value)

    return parse_optional


def real(value: object, above: float = -math.inf, low: float = -math.inf) -> float:
    """Check a finite number.

    Parameters
    ----------
    value : object
        The value found.
    above, low : float, optional
        The number must be larger than `above`, and not smaller than `low`.

    Returns
    -------
    float
        The number.

    Raises
    ------
    RefusedValueError
        When it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedValueError(value)
    try:
        number = float(value)
    except OverflowError:
        raise RefusedValueError(value) from None
    if not math.isfinite(number) or number <= above or number < low:
        raise RefusedValueError(value)
    return number


def level(
    within: tuple[float, float], above: float = -math.inf, low: float = -math.inf
) -> Callable[[Any], float | str]:
    """Make a parser of a number or of the path of a map of that number.

    Parameters
    ----------
    within : (smallest, largest)
        What can be computed with.
    above, low : float, optional
        A number must be larger than `above`, and not smaller than `low`.

    Returns
    -------
    callable
        The parser.
    """

    def parse_level(value: Any) -> float | str:
        if not isinstance(value, str):
            number = real(value, above, low)
            if not within[0] <= number <= within[1]:
                raise RefusedValueError(number, f"a number from {within[0]:g} to {within[1]:g}")
            return number
        try:
            float(value)
        except ValueError:
            return path(value)
        raise RefusedValueError(value)

    return parse_level


def path(value: object) -> str:
    """Check the text of a path.

    Parameters
    ----------
    value : object
        The value found.

    Returns
    -------
    str
        The path.

    Raises
    ------
    RefusedValueError
        When it is not text, is empty or ``none``, or holds characters that YAML cannot carry.
    """
    if not isinstance(value, str) or not value.strip() or is_none_text(value):
        raise RefusedValueError(value)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise RefusedValueError(value, "a file name without control characters")
    return value


def extension(value: object) -> int | str:
    """Check which extension holds an image.

    Parameters
    ----------
    value : object
        A number from 0 on, a name, or name and version with a comma between them.

    Returns
    -------
    int or str
        The number; the name in capital letters, as FITS has it.

    Raises
    ------
    RefusedValueError
        When it is none of these.
    """
    value = unwrapped(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return value
    found = EXTENSION_TEXT.fullmatch(value) if isinstance(value, str) else None
    if not found or is_none_text(value):
        raise RefusedValueError(value)
    version = int(found["version"] or 1)
    return found["name"].upper() + (f",{version}" if version > 1 else "")


def is_all(value: object) -> bool:
    """Tell whether a value of `extnum` stands for all images of a file."""
    return isinstance(value, str) and value.strip().lower() == "all"


def bits(value: object) -> tuple[int, ...]:
    """Check bits that count.

    Parameters
    ----------
    value : object
        Their sum, or a list of their values.

    Returns
    -------
    tuple of int
        As given; one for a sum.

    Raises
    ------
    RefusedValueError
        When a value is no integer above 0.
    """
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int) or not 0 < item <= LARGEST_COUNT:
            raise RefusedValueError(value)
    return tuple(items)


def image_names(value: object) -> tuple[str, ...] | None:
    """Check the list of exposures.

    Parameters
    ----------
    value : object
        List of file names, patterns and folders, or one of these, or null.

    Returns
    -------
    tuple of str, or None
        The names, patterns as they are.

    Raises
    ------
    RefusedValueError
        When it is no list of file names, or has fewer than two and none stands for several.
    """
    if is_none_text(value):
        return None
    if isinstance(value, str) and is_pattern(value):
        value = [value]
    names = tuple(path(item) for item in items_of(value))
    if len(names) < 2 and not any(map(is_pattern, names)):
        count = f"{len(names)} file name{'' if len(names) == 1 else 's'}"
        raise RefusedValueError(count, "at least 2", in_words=True)
    return names


def flux_factor(value: Any) -> str | float | tuple[float, ...]:
    """Check flux factors: ``auto``, one number, or one number for each exposure.

    Parameters
    ----------
    value : object
        The value found.

    Returns
    -------
    str or float or tuple of float
        The factors.

    Raises
    ------
    RefusedValueError
        When it is none of these, or a factor is not above 0.
    """
    if isinstance(value, str):
        if value.strip().lower() == "auto":
            return "auto"
        raise RefusedValueError(value)
    if isinstance(value, list):
        return tuple(real(item, above=0) for item in value)
    return real(value, above=0)


def items_of(value: object, length: int | None = None) -> list[Any]:
    """Check that a value is a list, of a certain length if one is given.

    Parameters
    ----------
    value : object
        The value found.
    length : int, optional
        How many items it must have.

    Returns
    -------
    list
        The value.

    Raises
    ------
    RefusedValueError
        When it is not.
    """
    if not isinstance(value, list) or length not in (None, len(value)):
        raise RefusedValueError(value)
    return value


def unwrapped(value: object) -> object:
    """Read text that holds a number or a list.

    Parameters
    ----------
    value : object
        The value found. In text, regions may be written ``[xmin:xmax, ymin:ymax]`` and lists with
        parentheses, as Python writes tuples.

    Returns
    -------
    object
        The number or list; any other value or text as it is.
    """
    if not isinstance(value, str):
        return value
    text = REGION_TEXT.sub(r"[\1, \2, \3, \4]", value)
    text = text.replace("(", "[").replace(")", "]")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, list | int | float) else value


def one_line(error: ValidationError, rules: Mapping[str, str]) -> str:
    """Say all that pydantic found wrong in the words of the parameter table.

    Parameters
    ----------
    error : pydantic.ValidationError
        What was found.
    rules : mapping
        What is expected, by parameter name.

    Returns
    -------
    str
        One line.
    """
    messages: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        cause = fault.get("ctx", {}).get("error")
        if not fault["loc"]:
            messages[""] = str(cause)
            continue
        name = str(fault["loc"][0])
        found, rule = shown(fault["input"]), rules[name]
        if isinstance(cause, RefusedValueError):
            found, rule = cause.found, cause.expected or rule
        elif fault["type"] == "less_than_equal":
            rule = f"at most {fault['ctx']['le']}"
        messages.setdefault(name, f"{name}: found {found}, expected {rule}")
    return "; ".join(messages.values())


def settle_thresholds(named: dict[str, object]) -> None:
    """Refuse both thresholds together; with the one in noise units, let the other be neutral.

    Parameters
    ----------
    named : dict
        Values by parameter name; changed in place.

    Raises
    ------
    ParameterError
        When both are given.
    """
    if is_none_text(named.get("mm_threshold_rnoise")):
        return
    if not is_none_text(named.get("mm_threshold")):
        raise ParameterError(
            f"mm_threshold: found {shown(named['mm_threshold'])} with mm_threshold_rnoise "
            f"{shown(named['mm_threshold_rnoise'])}, expected one of them"
        )
    named["mm_threshold"] = 0.0
