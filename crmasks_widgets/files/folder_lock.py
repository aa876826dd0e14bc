"""One run at a time in a folder, and files there that are not complete yet."""

import contextlib
import errno
import fcntl
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

from crmasks_widgets.errors import OutputError

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
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


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
        # Removed while it is held: who waits for this file finds that it is no longer the one.
        path.unlink(missing_ok=True)
        os.close(handle)


def _take(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            _lock(handle, path)
            if _is_still(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 200).decode("utf-8", "replace")
        who = "".join(c for c in holder if c.isprintable()) or "a process that has just begun"
        msg = f"{path.parent}: found another run writing here ({who}), expected to be the only one"
        raise OutputError(msg) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        logger.warning(
            "%s: this file system has no locks (%s): let no other run write here meanwhile",
            path.parent, error.strerror,
        )  # fmt: skip


def _is_still(handle: int, path: Path) -> bool:
    """Whether a lock file is the one that others see: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
