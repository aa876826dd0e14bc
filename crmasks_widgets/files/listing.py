"""What a folder, or a pattern, has to offer for opening: names and sizes; no file is opened."""

import fnmatch
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Final

from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import FITS_NAME, YAML_SUFFIXES

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
    folder, parts = _fixed(Path(pattern))
    found, remark = _search(folder, parts, going_on)
    texts = sorted(name for name in found if _is_text(name))
    if not texts:
        msg = f"{pattern}: found no file of this pattern, expected exposures"
        raise InputError(f"{msg} ({remark})" if remark else msg)
    remark = f"{remark}; there may be more of {pattern}" if remark else ""
    return Listing(folder, (), tuple(found[name] for name in texts), remark)


def matching_files(pattern: Path, folder: Path) -> list[str]:
    """Find all files of a pattern, or refuse one that asks for too much to be looked through.

    Parameters
    ----------
    pattern : Path
        As of `list_matches`, or relative.
    folder : Path
        Where a relative one is looked for.

    Returns
    -------
    list of str
        In the order of names, from where the pattern begins.

    Raises
    ------
    InputError
        There are more names on the way than a search takes, or the first folder cannot be read.
    """
    start, parts = _fixed(pattern)
    if not parts or not os.path.isdir(folder / start):
        return []
    found, remark = _search(folder / start, parts, lambda: None)
    if remark:
        msg = f"{pattern}: {remark}, expected fewer on the way: a pattern that names more folders"
        raise InputError(msg)
    return [str(start / name) for name in sorted(found)]


def _fixed(pattern: Path) -> tuple[Path, tuple[str, ...]]:
    """Split off the folder where a search begins."""
    parts = pattern.parts
    fixed = next((i for i, part in enumerate(parts) if has_magic(part)), len(parts))
    return Path(*parts[:fixed]), parts[fixed:]


def _search(
    folder: Path, parts: tuple[str, ...], going_on: GoingOn
) -> tuple[dict[str, Listed], str]:
    """Files by name, and why the search ended before all were seen."""
    found: dict[str, Listed] = {}
    for looked_at, name in enumerate(_walk(str(folder), parts)):
        if looked_at % _EVERY == 0:
            going_on()
        if name:
            found |= {each.name: each for each in _listed(name, str(folder / name))}
        if len(found) == MOST_LISTED:
            return found, f"stopped after {len(found):,} files"
        if looked_at == MOST_LOOKED_AT:
            return found, f"stopped after {looked_at:,} names"
    return found, ""


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
        if part == ".." and not last:  # which no folder lists
            enter(os.path.join(folder, part), number + 1)
        for entry in _entries(os.path.join(base, folder), optional=bool(folder)):
            name = os.path.join(folder, entry.name)
            matches = _matches(entry.name, part)
            is_folder = matches and _is_folder(entry)
            if is_folder and part == "**" and not entry.is_symlink():
                enter(name, number)
            elif is_folder and part != "**" and not last:
                enter(name, number + 1)
            yield name if last and matches and not is_folder else ""


def _matches(name: str, part: str) -> bool:
    hidden = name.startswith(".") and not part.startswith(".")
    return not hidden and fnmatch.fnmatchcase(name, part)  # to which ** is as *


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
