"""One run at a time in a folder, and files there that are not complete yet."""

import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
from filelock import lock_descriptor

from crmasks_widgets.errors import OutputError
from crmasks_widgets.machine import WINDOWS
from crmasks_widgets.regular_files import kind_of

TEMPORARY_PREFIX: Final = ".crmasks-tmp-"
LOCK_NAME: Final = ".crmasks-lock"
_TEMPORARY: Final = re.compile(
    re.escape(TEMPORARY_PREFIX) + r"(?P<host>[0-9a-f]{8})-(?P<pid>\d{1,10})-[0-9a-f]{8}-.+"
)
# Whether a process of another machine or container is alive cannot be asked; no file takes so long.
_ABANDONED_AFTER: Final = 24 * 3600.0  # s
_LONGEST: Final = 100
_MOST_HOLDER: Final = 400
_HOLDER: Final = re.compile(rb"process \d{1,10} on [^\n]{0,300}")
_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

logger = logging.getLogger(__name__)


def temporary_path(folder: Path, name: str) -> Path:
    """Name a file that will be renamed when it is complete.

    Parameters
    ----------
    folder : Path
        Where the complete file will be.
    name : str
        Of the complete file; the temporary one ends as it does, since writers look at the suffix.

    Returns
    -------
    Path
        Tells which machine and process it belongs to; no other call gives the same.
    """
    number = secrets.token_hex(4)
    return folder / f"{TEMPORARY_PREFIX}{_host()}-{os.getpid()}-{number}-{_ending(name)}"


def _ending(name: str) -> str:
    """End of a name, for no system takes one of more than 255 bytes."""
    return os.fsencode(name)[-_LONGEST:].decode("ascii", "replace").replace("\ufffd", "_")


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that were killed; of others, none.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    try:
        names = os.listdir(folder) if os.path.isdir(folder) else []
    except OSError:
        return  # whether the folder can be used is found out elsewhere
    for name in names:
        found = _TEMPORARY.fullmatch(name)
        with contextlib.suppress(OSError):
            path = folder / name
            if (
                found
                and not os.path.islink(path)
                and os.path.isfile(path)
                and _abandoned(path, found)
            ):
                path.unlink()
                logger.info("%s: removed, left behind by a run that was killed", path)


def _abandoned(path: Path, found: re.Match[str]) -> bool:
    if found["host"] == _host():
        return not _alive(int(found["pid"]))
    return time.time() - path.stat().st_mtime > _ABANDONED_AFTER


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.pid_exists(pid))
    except OverflowError:  # no process has such a number
        return False


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other run out of a folder.

    Parameters
    ----------
    folder : Path
        Exists. The lock is released with the process, however that ends.

    Yields
    ------
    None
        While no other run is inside.

    Raises
    ------
    OutputError
        Another run is there; its process is named.
    """
    path = folder / LOCK_NAME
    handle = _take(path)
    try:
        yield
    finally:
        _release(handle, path)


def _take(path: Path) -> int:
    """Make the lock file and hold it. Only what this call has made is ever written to."""
    # No link is followed, where the system has links and can be asked not to.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    while True:
        try:
            handle = os.open(path, flags, 0o666)
        except FileExistsError:
            _remove_stale(path)
            continue
        try:
            _lock(handle, path)
            if _is_still(handle, path):
                _say_holder(handle, path)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _remove_stale(path: Path) -> None:
    """Remove the lock file of a run that was killed.

    Raises
    ------
    OutputError
        Its run is there, or it is no lock file.
    """
    try:
        handle = _open_found(path)
    except FileNotFoundError:
        return  # its run has just ended
    try:
        _refuse_foreign(handle, path)
        _lock(handle, path)
        if not _is_still(handle, path):
            return
        if not WINDOWS:  # where nothing is removed that is open
            path.unlink(missing_ok=True)
    except PermissionError as error:
        msg = (
            f"{path}: found the lock of a run that was killed ({_read_holder(handle)}), which "
            f"cannot be removed ({error.strerror}), expected its owner to do so"
        )
        raise OutputError(msg) from error
    finally:
        os.close(handle)
    if WINDOWS:
        with contextlib.suppress(PermissionError):  # the next run has it already
            path.unlink(missing_ok=True)


def _open_found(path: Path) -> int:
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if stat.S_ISLNK(path.lstat().st_mode):
        raise _not_a_lock(path, "a link")
    try:
        return os.open(path, os.O_RDWR | flags)
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags)  # of another user


def _refuse_foreign(handle: int, path: Path) -> None:
    """Refuse what no run has made: it is somebody's file, perhaps by another name."""
    found = os.fstat(handle)
    if kind := kind_of(found.st_mode):
        raise _not_a_lock(path, kind)
    if found.st_nlink > 1:
        raise _not_a_lock(path, "another name of a file")
    os.lseek(handle, 1, os.SEEK_SET)
    content = os.read(handle, _MOST_HOLDER)
    if content and not _HOLDER.fullmatch(content):
        raise _not_a_lock(path, "another content")


def _not_a_lock(path: Path, found: str) -> OutputError:
    return OutputError(f"{path}: found {found}, expected the lock of a run, or nothing")


def _lock(handle: int, path: Path) -> None:
    try:
        free = lock_descriptor(handle, blocking=False)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        logger.warning(
            "%s: this file system has no locks (%s): let no other run write here meanwhile",
            path.parent, error.strerror,
        )  # fmt: skip
        return
    if not free:
        who = _read_holder(handle) or "a process that has just begun"
        msg = (
            f"{path.parent}: found another run writing here ({who}), expected to be the only one: "
            "wait for it, or take another folder"
        )
        raise OutputError(msg)


def _say_holder(handle: int, path: Path) -> None:
    """Write who holds a lock; one that says nothing, as on a full disk, does not stay."""
    try:
        _write_holder(handle)
    except BaseException:
        if not WINDOWS:  # where nothing is removed that is open
            path.unlink(missing_ok=True)
        raise


def _write_holder(handle: int) -> None:
    # Windows locks the first byte against reading: it holds nothing that others want to know.
    os.write(handle, f"\nprocess {os.getpid()} on {socket.gethostname()}".encode())


def _read_holder(handle: int) -> str:
    os.lseek(handle, 1, os.SEEK_SET)
    text = os.read(handle, 200).decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable())


def _is_still(handle: int, path: Path) -> bool:
    """Whether a lock file is the one that others see: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _release(handle: int, path: Path) -> None:
    if WINDOWS:
        os.close(handle)
        with contextlib.suppress(PermissionError):  # the next run has it already
            path.unlink(missing_ok=True)
        return
    # Removed while it is held: who waits for this file finds that it is no longer the one. It is
    # gone with its folder where another program removed that, or put a file there.
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
    finally:
        os.close(handle)
