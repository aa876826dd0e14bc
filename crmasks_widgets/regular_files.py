"""Regular files only: what is read is never waited for, and what is written to is never followed.

Every path of a user comes by here before it is read. A pipe would be waited for, a device read
without end, a socket is no file at all.
"""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip

# Like `numpy.errstate`: of the thread that asked for it, and of no other.
_GOING_ON: ContextVar[Callable[[], object] | None] = ContextVar("going_on", default=None)
_AT_ONCE: Final = 2**22  # bytes; a slow disk gives them within a second


class _Watched(io.RawIOBase):
    """A file that asks before each part of it is read whether to go on."""

    def __init__(self, file: io.RawIOBase, going_on: Callable[[], object]) -> None:
        self._file, self._going_on = file, going_on

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._going_on()
        read: int | None = self._file.readinto(memoryview(buffer)[:_AT_ONCE])
        return read

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


@contextlib.contextmanager
def stoppable(going_on: Callable[[], object]) -> Iterator[None]:
    """Let files that are read inside the context be left midway.

    Parameters
    ----------
    going_on : callable
        Called before each 4 MiB at most of a file; may raise `Cancelled`.
    """
    before = _GOING_ON.set(going_on)
    try:
        yield
    finally:
        _GOING_ON.reset(before)


def kind_of(mode: int, *, links: bool = False) -> str:
    """Say what is not a regular file.

    Parameters
    ----------
    mode : int
        `st_mode` of what was found.
    links : bool
        Take links for files: they are replaced.

    Returns
    -------
    str
        Such as "a pipe"; empty for a regular file.
    """
    if stat.S_ISREG(mode) or (links and stat.S_ISLNK(mode)):
        return ""
    return next((name for test, name in _KINDS if test(mode)), "no regular file")


@contextlib.contextmanager
def open_regular(path: str | Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading, and nothing else.

    Parameters
    ----------
    path : str or Path
        As the user named it; links are followed.

    Yields
    ------
    binary file
        At its beginning.

    Raises
    ------
    OSError
        It is not there, cannot be read, or is no regular file, which its `strerror` says.
    """
    _refuse_special(os.stat(path), path)  # a device may act when it is opened
    # Should another have taken its place since, it is not waited for either.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    going_on = _GOING_ON.get()
    file: Any = io.FileIO(handle, "rb")
    if going_on is not None:
        file = _Watched(file, going_on)
    with BufferedReader(file) as stream:
        _refuse_special(os.fstat(handle), path)
        yield stream


def _refuse_special(found: os.stat_result, path: str | Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if kind := kind_of(found.st_mode):
        raise OSError(errno.EINVAL, f"found {kind}, no regular file", str(path))


def read_head(path: str | Path, most: int) -> bytes:
    """Read the beginning of a regular file.

    Parameters
    ----------
    path : str or Path
        As of `open_regular`.
    most : int
        Bytes.

    Returns
    -------
    bytes
        No more than that.

    Raises
    ------
    OSError
        As of `open_regular`.
    """
    with open_regular(path) as stream:
        return stream.read(most)


def real(path: str | Path) -> Path:
    """Tell where a path leads, links followed; a loop of links leads to itself.

    Parameters
    ----------
    path : str or Path
        Need not exist.

    Returns
    -------
    Path
        Whole.
    """
    return Path(os.path.realpath(path))


def identity(path: str | Path) -> tuple[int, int] | None:
    """Tell by what the system knows a file, whatever its names.

    Parameters
    ----------
    path : str or Path
        Links are followed.

    Returns
    -------
    (device, inode) or None
        None for what is not there.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def at_home(name: str | Path) -> Path:
    """Replace a leading ``~``.

    Parameters
    ----------
    name : str or Path
        As the user wrote it.

    Returns
    -------
    Path
        The same where nobody has that name.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)
