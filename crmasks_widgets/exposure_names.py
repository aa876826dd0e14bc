"""How a user names exposures in one word: files, planes of cubes, patterns, folders."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FITS_NAME: Final = re.compile(r".*\.(fits?|fts)(\.(gz|fz|bz2|xz|Z|zip))?\Z", re.I)
"""How the names of FITS files end."""

YAML_SUFFIXES: Final = (".yaml", ".yml")
"""How the names of parameter files end, in small letters."""

_PLANE: Final = re.compile(r"(?P<file>.+\S)\[(?P<plane>\d{1,9})\]", re.S)
_EXTENSION: Final = re.compile(r"(?P<file>.+\S)\[(?P<extension>\d{1,9}|[A-Za-z_][\w .+-]*)\]", re.S)
_PATTERN: Final = re.compile(r"[*?]|\[[!\w-]+\]")


def split_plane(name: str | Path) -> tuple[str, int | None]:
    """Tell the file from the plane of a cube.

    Parameters
    ----------
    name : str or Path
        Such as ``cube.fits[0]``.

    Returns
    -------
    file : str
        Without the number.
    plane : int or None
        From 0; None without one.
    """
    found = _PLANE.fullmatch(str(name))
    return (found["file"], int(found["plane"])) if found else (str(name), None)


def split_extension(name: str | Path) -> tuple[str, int | str | None]:
    """Tell the file of a map from the extension that holds it.

    Parameters
    ----------
    name : str or Path
        Such as ``detector.fits[GAIN]`` or ``detector.fits[2]``.

    Returns
    -------
    file : str
        Without the extension.
    extension : int or str or None
        Number or name; None where none is named.
    """
    found = _EXTENSION.fullmatch(str(name))
    if not found:
        return str(name), None
    text = found["extension"].strip()
    return found["file"], int(text) if text.isdecimal() else text


def is_pattern(name: str) -> bool:
    """Tell whether a name stands for files that are to be looked for.

    Parameters
    ----------
    name : str
        As the user wrote it.

    Returns
    -------
    bool
        True for patterns such as ``night1/*.fits`` and for folders, which end in a slash. The
        number of a plane, ``cube.fits[0]``, makes no pattern.
    """
    return name.endswith("/") or bool(_PATTERN.search(split_plane(name)[0]))


def as_value(text: str) -> float | str:
    """Take text as a number where it is one.

    Parameters
    ----------
    text : str
        A number, or the path of a map.

    Returns
    -------
    float or str
        The number or the text.
    """
    try:
        return float(text)
    except ValueError:
        return text


def is_parameter_file(sources: Sequence[str]) -> bool:
    """Tell a parameter file from FITS files.

    Parameters
    ----------
    sources : sequence of str
        As the user named them.

    Returns
    -------
    bool
        True for one file that is no FITS file by its name.
    """
    if len(sources) != 1 or is_pattern(sources[0]) or os.path.isdir(sources[0]):
        return False
    return FITS_NAME.match(split_plane(sources[0])[0]) is None
