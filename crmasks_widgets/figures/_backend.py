"""Matplotlib without the backend that is asked for: figures go to files, not to a screen.

A name in MPLBACKEND that matplotlib does not know is an error when it is imported.
"""

import importlib
import os


def import_without_backend(environment: "os._Environ[str]") -> None:
    """Import matplotlib as if MPLBACKEND were not set.

    Parameters
    ----------
    environment : mapping
        That of the process; as before afterwards.
    """
    before = environment.pop("MPLBACKEND", None)
    try:
        importlib.import_module("matplotlib")
    finally:
        if before is not None:
            environment["MPLBACKEND"] = before


import_without_backend(os.environ)
