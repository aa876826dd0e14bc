"""What the kernel of `crmasks lab` loads before it is asked to: an extension of IPython."""

import contextlib
import importlib
import os
import sys


def load_ipython_extension(_shell: object) -> None:
    """Load what the dashboard needs, and leave no name behind.

    Parameters
    ----------
    _shell : object
        IPython's shell, which stays as it is.

    Raises
    ------
    SystemExit
        The server that started this kernel is gone.
    """
    _end_without_parent()
    # What cannot be loaded, the cell of the notebook says, where somebody looks.
    with contextlib.suppress(ImportError):
        _ = importlib.import_module("crmasks_widgets").Dashboard


def _end_without_parent() -> None:
    """End if the parent ended before IPython's kernel began to look whether it still runs.

    It looks whether the parent changes, and takes the one that it has by then for the right one.
    """
    parent = os.environ.get("JPY_PARENT_PID")
    # In Windows, it is a handle: there the kernel hears of the end whenever it was.
    if parent is not None and sys.platform != "win32" and os.getppid() != int(parent):
        raise SystemExit(1)
