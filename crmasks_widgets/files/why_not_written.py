"""Why products could not be written, in one line."""

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from crmasks_widgets.errors import OutputError, on_one_line


def not_writable(folder: Path, error: OSError) -> OutputError:
    """Say that nothing can be written to a folder.

    Parameters
    ----------
    folder : Path
        As the user named it.
    error : OSError
        What its use ended in.

    Returns
    -------
    OutputError
        To be raised.
    """
    return OutputError(
        f"{folder}: not writable ({error.strerror}), expected a folder to write products to"
    )


def refuse_vanished(folder: Path, complete: Iterable[Path], error: OSError) -> None:
    """Say what others removed while products were written, if that is why it failed.

    Parameters
    ----------
    folder : Path
        Where the products go.
    complete : iterable of Path
        Files that were written there and have to be there still.
    error : OSError
        What writing ended in.

    Raises
    ------
    OutputError
        The folder or one of the files is gone; names it.
    """
    if not os.path.isdir(folder):
        found = "a file" if os.path.lexists(folder) else "no folder any more"
        msg = f"{folder}: found {found}, expected the folder to stay while products are written"
        raise OutputError(msg) from error
    for path in complete:
        if not os.path.lexists(path):
            msg = (
                f"{path}: removed by another program while products were written, expected files "
                "to stay until all are complete"
            )
            raise OutputError(msg) from error


def not_written(path: Path, error: OSError, needed: int) -> OutputError:
    """Say why a product could not be written.

    Parameters
    ----------
    path : Path
        Of the product, in a folder that is there.
    error : OSError
        What writing ended in.
    needed : int
        Bytes of all products, at least.

    Returns
    -------
    OutputError
        To be raised.
    """
    reason = error.strerror or on_one_line(error)
    if error.errno == errno.EFBIG:
        return OutputError(
            f"{path}: could not be written ({reason}), expected a system and a process "
            f"(ulimit -f) that allow files of this size; all products take at least {needed} bytes"
        )
    free = shutil.disk_usage(path.parent).free
    return OutputError(
        f"{path}: could not be written ({reason}; {free} bytes free), "
        f"expected room for all products, at least {needed} bytes"
    )
