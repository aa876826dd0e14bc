"""Reading and writing YAML text that comes from a user, without trusting it.

The loader knows plain mappings, lists and scalars only: no tags beyond those, no anchors, no
repeated keys, bounded size and depth. Numbers such as ``1e5`` and ``1.0E6``, which YAML 1.1 calls
text, are numbers; ``012`` and ``1:30``, which it calls 10 and 90, are text.
"""

import re
import sys
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml

from crmasks_widgets.errors import ParameterError, on_one_line
from crmasks_widgets.regular_files import read_head

MAX_BYTES: Final = 1024 * 1024
"""Largest accepted size of a parameter file."""

MAX_DEPTH: Final = 10
"""Largest accepted depth of lists and mappings inside one another."""

_PREFIX: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(
    _PREFIX + name for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_REAL: Final = re.compile(
    r"(?:[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)"
    r"|[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_BOOLEAN: Final = re.compile(
    r"(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)\Z"
)
_NULL: Final = re.compile(r"(?:~|null|Null|NULL|)\Z")


class _Loader(yaml.SafeLoader):
    """The safe loader, with the limits and the number rules of this module."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse anchors, foreign tags and deep nesting before anything is built."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise _refusal("found an anchor or an alias, expected plain values", event.start_mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refusal(
                f"found more than {MAX_DEPTH} lists or mappings inside one another, "
                f"expected at most {MAX_DEPTH}",
                event.start_mark,
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and node.tag not in _TAGS:
            raise _refusal(
                f"found the tag {node.tag.replace(_PREFIX, '!!')!r}, expected plain values",
                node.start_mark,
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys are text and all different."""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != _PREFIX + "str":
                raise _refusal("found a key that is not text, expected a name", key.start_mark)
            if key.value in seen:
                raise _refusal(
                    f"found the key {key.value!r} again, expected it once "
                    f"(first on line {seen[key.value]})",
                    key.start_mark,
                )
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """Build one value; one that its tag cannot mean is an error with its line."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError, IndexError):
            # Numbers of thousands of digits, or `!!int abc`.
            raise _refusal(
                "found a value that cannot be read, expected a plain value", node.start_mark
            ) from None


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which writes text in a form that neither loader takes for a number."""


_Loader.add_implicit_resolver(_PREFIX + "bool", _BOOLEAN, list("yYnNtTfFoO"))
_Loader.add_implicit_resolver(_PREFIX + "int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver(_PREFIX + "float", _REAL, list("-+0123456789."))
_Loader.add_implicit_resolver(_PREFIX + "null", _NULL, ["~", "n", "N", ""])
_Dumper.add_implicit_resolver(_PREFIX + "float", _REAL, list("-+0123456789."))


def _refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def read_text(path: str | Path) -> str:
    """Read a parameter file as text.

    Parameters
    ----------
    path : str or Path
        A UTF-8 file; of one that is too large, the beginning.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    ParameterError
        When it cannot be read, or is no text.
    """
    try:
        return read_head(path, MAX_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise ParameterError(
            f"{path}: {error.strerror or error}, expected a YAML parameter file"
        ) from None
    except UnicodeDecodeError as error:
        raise ParameterError(
            f"{path}: found byte {error.start + 1} not to be text, expected UTF-8"
        ) from None


def load_yaml(text: str, source: str) -> object:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The document.
    source : str
        Its name, for error messages.

    Returns
    -------
    object
        Mappings, lists, text, numbers, booleans and None.

    Raises
    ------
    ParameterError
        When the text is too large or is not one plain YAML document; the message is one line
        that gives the source and, where there is one, the line.
    """
    if len(text) > MAX_BYTES:
        raise ParameterError(
            f"{source}: found {len(text)} characters, expected at most {MAX_BYTES}"
        )
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        problem = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise ParameterError(f"{source}: {line}{' '.join(problem.split())}") from None
    except yaml.YAMLError as error:
        reason = on_one_line(error)
        raise ParameterError(f"{source}: {reason}, expected YAML text") from None


def dump_yaml(key: str, value: object) -> str:
    """Write one key and its value, ending with a line break.

    Parameters
    ----------
    key : str
        Name.
    value : object
        Number, text, boolean, None, or (nested) tuple of these.

    Returns
    -------
    str
        YAML text; a tuple of text or of tuples has one item a line.
    """
    words = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    style = None if isinstance(value, tuple) and not words else False
    text: str = yaml.dump(
        {key: value},
        Dumper=_Dumper,
        default_flow_style=style,
        width=sys.maxsize,
        allow_unicode=True,
    )
    return text
