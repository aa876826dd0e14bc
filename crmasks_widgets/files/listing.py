"""What a folder, or a pattern, has to offer for opening: names and sizes; no file is opened."""

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import FITS_NAME, YAML_SUFFIXES, is_pattern

MOST_LISTED: Final = 20_000
MOST_LOOKED_AT: Final = 500_000  # names, on the way to those that match a pattern
_EVERY: Final = 256  # names between two looks at whether the answer is still wanted

GoingOn = Callable[[], object]
"""Called now and then; raises `Cancelled` where nobody waits for the answer any more."""


@dataclass(frozen=True)
class Listed:
    """A file that can be opened.

    Attributes
    ----------
    name : str
        From the folder of the listing.
    size : int
        Bytes.
    """

    name: str
    size: int

    @property
    def is_parameters(self) -> bool:
        """Whether it is a parameter file by its name."""
        return self.name.lower().endswith(YAML_SUFFIXES)


@dataclass(frozen=True)
class Listing:
    """What there is to open.

    Attributes
    ----------
    folder : Path
        Where; whole.
    folders : tuple of str
        Names of the folders in it.
    files : tuple of Listed
        Of a folder, FITS files and parameter files; of a pattern, whatever matches it.
    remark : str
        What is not listed, and why; empty if nothing.
    """

    folder: Path
    folders: tuple[str, ...]
    files: tuple[Listed, ...]
    remark: str = ""


def list_folder(folder: Path, going_on: GoingOn = lambda: None) -> Listing:
    """List what can be opened in a folder, and the folders in it.

    Parameters
    ----------
    folder : Path
        Links are followed.
    going_on : callable
        As `GoingOn`.

    Returns
    -------
    Listing
        By name, without what begins with a dot.

    Raises
    ------
    InputError
        It cannot be read.
    """
    folders, files, unread = [], [], 0
    for number, entry in enumerate(_entries(str(folder))):
        if number % _EVERY == 0:
            going_on()
        if entry.name.startswith("."):
            continue
        if not _is_text(entry.name):
            unread += 1
        elif _is_folder(entry):
            folders.append(entry.name)
        elif FITS_NAME.match(entry.name) or entry.name.lower().endswith(YAML_SUFFIXES):
            files += _listed(entry.name, entry.path)
    remarks = [f"{unread} names that are no text are left out"] if unread else []
    if len(files) > MOST_LISTED:
        remarks.append(f"the first {MOST_LISTED:,} of {len(files):,} files")
    chosen = sorted(files, key=lambda each: each.name)[:MOST_LISTED]
    return Listing(folder, tuple(sorted(folders)[:MOST_LISTED]), tuple(chosen), "; ".join(remarks))


def list_matches(pattern: str, going_on: GoingOn = lambda: None) -> Listing:
    """List the files of a pattern, however much there is to be searched.

    Parameters
    ----------
    pattern : str
        A whole path in which `is_pattern` finds a pattern; ``**`` stands for folders in folders.
    going_on : callable
        As `GoingOn`.

    Returns
    -------
    Listing
        By name, from the last folder that the pattern names.

    Raises
    ------
    InputError
        Nothing matches; or that folder cannot be read.
    """
    parts = Path(pattern).parts
    # The first part is the root, whose slash would count as a pattern.
    fixed = next(i for i, part in enumerate(parts) if i and is_pattern(part))
    folder = Path(*parts[:fixed])
    found: dict[str, Listed] = {}
    looked_at, remark = 0, ""
    for looked_at, name in enumerate(_walk(str(folder), parts[fixed:])):
        if looked_at % _EVERY == 0:
            going_on()
        if name:
            found |= {each.name: each for each in _listed(name, str(folder / name))}
        if len(found) == MOST_LISTED or looked_at == MOST_LOOKED_AT:
            what = f"{len(found):,} files" if len(found) == MOST_LISTED else f"{looked_at:,} names"
            remark = f"stopped after {what}; there may be more of {pattern}"
            break
    if not found:
        msg = f"{pattern}: found no file of this pattern, expected exposures"
        raise InputError(f"{msg} ({remark})" if remark else msg)
    return Listing(folder, (), tuple(found[name] for name in sorted(found)), remark)


def _walk(base: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Names from the base that match, and empty ones for all others that were looked at."""
    waiting, seen = [("", 0)], {("", 0)}

    def enter(folder: str, part: int) -> None:
        if (folder, part) not in seen:
            seen.add((folder, part))
            waiting.append((folder, part))

    while waiting:
        folder, number = waiting.pop()
        part, last = parts[number], number == len(parts) - 1
        if part == "**" and not last:
            enter(folder, number + 1)
        for entry in _entries(os.path.join(base, folder), optional=bool(folder)):
            name = os.path.join(folder, entry.name)
            deep = part == "**"
            fits = not entry.name.startswith(".") if deep else _matches(entry.name, part)
            if not fits or not _is_text(name):
                yield ""
            elif _is_folder(entry):
                yield ""
                if deep and not entry.is_symlink():
                    enter(name, number)
                elif not deep and not last:
                    enter(name, number + 1)
            else:
                yield name if last else ""


def _matches(name: str, part: str) -> bool:
    hidden = name.startswith(".") and not part.startswith(".")
    return not hidden and fnmatch.fnmatchcase(name, part)


def _entries(folder: str, *, optional: bool = False) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        if not optional:
            msg = f"{folder}: not readable ({error.strerror}), expected a folder"
            raise InputError(msg) from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _listed(name: str, path: str) -> list[Listed]:
    """Size of a regular file; nothing for what is none, or is gone."""
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [Listed(name, found.st_size)] if stat.S_ISREG(found.st_mode) else []


def _is_text(name: str) -> bool:
    """Whether a page can be told of a name: not if its bytes are of no known encoding."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
