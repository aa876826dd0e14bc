"""Reading and writing YAML text that comes from a user, without trusting it.

Plain mappings, lists and scalars only: no tags beyond those, no anchors, no repeated keys, bounded
size and depth.
"""

import sys
from pathlib import Path
from typing import Final, TypeGuard

import yaml

from crmasks_widgets.errors import ParameterError, on_one_line
from crmasks_widgets.exposure_names import FITS_NAME
from crmasks_widgets.parameters.yaml_values import REAL, Builder
from crmasks_widgets.regular_files import read_head

MAX_BYTES: Final = 1024 * 1024
"""Largest accepted size of a parameter file."""

# The parser in C is 20 times as fast; PyYAML comes without it where there is no compiler.
_Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_REPRESENTER: Final = yaml.representer.SafeRepresenter()


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which writes text in a form that neither loader takes for a number."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", REAL, list("-+0123456789."))


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
            f"{path}: {error.strerror or error}, expected a YAML parameter file (crmasks init "
            "makes one of FITS files)"
        ) from None
    except UnicodeDecodeError as error:
        if FITS_NAME.match(str(path)):
            raise ParameterError(
                f"{path}: found a FITS file, expected a parameter file: crmasks init makes one "
                "for FITS files"
            ) from None
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
        parser, builder = _Parser(text), Builder()
        try:
            while parser.check_event():
                builder.take(parser.get_event())
        finally:
            parser.dispose()
        return builder.value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        problem = " ".join(str(part) for part in (error.context, error.problem) if part)
        said = " ".join(problem.split())
        if mark is not None and text[mark.index : mark.index + 1] == "\t":
            said = "found a tab, expected blanks in front of a key"
        elif ", expected" not in said:
            said += ", expected lines such as gain: 1.5, those of requirements: indented by blanks"
        raise ParameterError(f"{source}: {line}{said}") from None
    except UnicodeEncodeError as error:
        found = f"found character {error.start + 1} to be half of one"
        raise ParameterError(f"{source}: {found}, expected text") from None
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
    if _is_table(value):
        return "".join([f"{key}:\n", *(f"- [{', '.join(map(_number, row))}]\n" for row in value)])
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


def _is_table(value: object) -> TypeGuard[tuple[tuple[int | float, ...], ...]]:
    """Whether it is rows of numbers: the emitter of PyYAML takes 50 µs for each of them."""
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(row, tuple) and row for row in value)
        and {type(number) for row in value for number in row} <= {int, float}
    )


def _number(value: float) -> str:
    """A number as PyYAML writes it."""
    return str(value) if isinstance(value, int) else _REPRESENTER.represent_float(value).value
