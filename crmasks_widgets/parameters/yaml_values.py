"""From the events of a YAML parser to plain values, refusing all else at its first sight.

The time is that of the parser, whatever the text: nothing is looked at twice. Numbers such as
``1e5`` and ``1.0E6``, which YAML 1.1 calls text, are numbers; ``012`` and ``1:30``, which it calls
10 and 90, are text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 10
"""Largest accepted depth of lists and mappings inside one another."""

_PREFIX: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*+)\Z")
REAL: Final = re.compile(
    r"(?:[-+]?(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][-+]?[0-9]++)"
    r"|[-+]?(?:[0-9][0-9_]*+\.[0-9_]*+|\.[0-9][0-9_]*+)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
"""Text that is a real number; no part of it is tried in two ways."""

_BOOLEANS: Final[Mapping[str, bool]] = MappingProxyType(
    {
        form: value
        for value, words in ((True, ("yes", "true", "on")), (False, ("no", "false", "off")))
        for word in words
        for form in (word, word.capitalize(), word.upper())
    }
)
_NULLS: Final = frozenset({"~", "null", "Null", "NULL", ""})
_NOTHING: Final = object()


def _boolean(text: str) -> bool:
    return _BOOLEANS[text]


def _real(text: str) -> float:
    plain = text.replace("_", "").lower()
    return float(plain.replace(".inf", "inf").replace(".nan", "nan"))


def _integer(text: str) -> int:
    return int(text.replace("_", ""))


_MADE: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {
        _PREFIX + "null": lambda _: None,
        _PREFIX + "bool": _boolean,
        _PREFIX + "int": _integer,
        _PREFIX + "float": _real,
        _PREFIX + "str": str,
        "!": str,
    }
)


def _plain(text: str) -> object:
    """Make a value of text without quotes."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] in "-+.0123456789":
        if _INTEGER.match(text):
            return _integer(text)
        if REAL.match(text):
            return _real(text)
    return text


def refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    """Make the error about a place in the text."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


@dataclass
class _Open:
    """A list or a mapping that is not complete yet."""

    value: Any
    key: Any = _NOTHING
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, value: object, event: Any) -> None:
        """Take what comes next: an item, a key, or the value of that key."""
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is _NOTHING:
            self._begin(value, event)
        else:
            self.value[self.key] = value
            self.key = _NOTHING

    def _begin(self, key: object, event: Any) -> None:
        """Let a key begin: text, and different from all others."""
        mark: Any = event.start_mark
        if not isinstance(key, str) or not isinstance(event, yaml.ScalarEvent):
            raise refusal("found a key that is not text, expected a name", mark)
        if key in self.lines:
            problem = f"found the key {key!r} again, expected it once"
            raise refusal(f"{problem} (first on line {self.lines[key]})", mark)
        self.lines[key] = mark.line + 1
        self.key = key


class Builder:
    """The value of one document, event by event."""

    def __init__(self) -> None:
        self.value: object = None
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take the next event.

        Parameters
        ----------
        event : yaml.Event
            Of a parser.

        Raises
        ------
        yaml.MarkedYAMLError
            It is none of a document of plain values.
        """
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                problem = "expected a single document in the stream but found another document"
                raise refusal(problem, event.start_mark)
        elif isinstance(event, yaml.NodeEvent):
            self._check(event)
            if isinstance(event, yaml.ScalarEvent):
                self._add(_scalar(event), event)
            else:
                made: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                self._add(made, event)
                self._open.append(_Open(made))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _check(self, event: Any) -> None:
        if event.anchor is not None:
            raise refusal("found an anchor or an alias, expected plain values", event.start_mark)
        if len(self._open) >= MAX_DEPTH:
            problem = f"found more than {MAX_DEPTH} lists or mappings inside one another"
            raise refusal(f"{problem}, expected at most {MAX_DEPTH}", event.start_mark)
        wanted: Any = _MADE
        if not isinstance(event, yaml.ScalarEvent):
            name = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
            wanted = (_PREFIX + name, "!")
        if event.tag is not None and event.tag not in wanted:
            tag = event.tag.replace(_PREFIX, "!!")
            raise refusal(f"found the tag {tag!r}, expected plain values", event.start_mark)

    def _add(self, value: object, event: Any) -> None:
        if self._open:
            self._open[-1].add(value, event)
        else:
            self.value = value


def _scalar(event: Any) -> object:
    try:
        if event.tag is not None:
            return _MADE[event.tag](event.value)
        return _plain(event.value) if event.implicit[0] else event.value
    except (ValueError, LookupError):
        # Numbers of thousands of digits, or `!!int abc`.
        problem = "found a value that cannot be read, expected a plain value"
        raise refusal(problem, event.start_mark) from None
