"""One run at a time in a folder, and files there that are not complete yet."""

import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
from filelock import lock_descriptor

from crmasks_widgets.errors import OutputError
from crmasks_widgets.machine import WINDOWS

TEMPORARY_PREFIX: Final = ".crmasks-tmp-"
LOCK_NAME: Final = ".crmasks-lock"
_TEMPORARY: Final = re.compile(
    re.escape(TEMPORARY_PREFIX) + r"(?P<host>[0-9a-f]{8})-(?P<pid>\d{1,10})-[0-9a-f]{8}-.+"
)
# Whether a process of another machine or container is alive cannot be asked; no file takes so long.
_ABANDONED_AFTER: Final = 24 * 3600.0  # s
_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

logger = logging.getLogger(__name__)


def temporary_path(folder: Path, name: str) -> Path:
    """Name a file that will be renamed when it is complete.

    Parameters
    ----------
    folder : Path
        Where the complete file will be.
    name : str
        Of the complete file; the temporary one ends in it, since writers look at the suffix.

    Returns
    -------
    Path
        Tells which machine and process it belongs to; no other call gives the same.
    """
    return folder / f"{TEMPORARY_PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(4)}-{name}"


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that were killed; of others, none.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    try:
        names = os.listdir(folder) if folder.is_dir() else []
    except OSError:
        return  # whether the folder can be used is found out elsewhere
    for name in names:
        found = _TEMPORARY.fullmatch(name)
        with contextlib.suppress(OSError):
            path = folder / name
            if found and not path.is_symlink() and path.is_file() and _abandoned(path, found):
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
    # No link is followed, where the system has links and can be asked not to.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        handle = os.open(path, flags, 0o666)
        try:
            _lock(handle, path)
            if _is_still(handle, path):
                os.ftruncate(handle, 0)
                _write_holder(handle)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


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
        msg = f"{path.parent}: found another run writing here ({who}), expected to be the only one"
        raise OutputError(msg)


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
    except FileNotFoundError:
        return False


def _release(handle: int, path: Path) -> None:
    if WINDOWS:
        os.close(handle)
        with contextlib.suppress(PermissionError):  # the next run has it already
            path.unlink(missing_ok=True)
        return
    # Removed while it is held: who waits for this file finds that it is no longer the one.
    path.unlink(missing_ok=True)
    os.close(handle)
