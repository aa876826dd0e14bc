"""Start a server of Jupyter: what nobody needs is not loaded, and a kernel starts beside it.

A program, run by its path: `lab_server.py [--kernel FOLDER FILE] MODULE ARGUMENTS`.
"""

import contextlib
import importlib
import os
import runpy
import sys
from collections.abc import Iterator, Sequence

LAB = "jupyterlab"


def main(arguments: Sequence[str]) -> None:
    """Run a module as a program, after a kernel was started where one is wanted.

    Parameters
    ----------
    arguments : sequence of str
        Folder and connection file of the kernel behind `--kernel`, if there is to be one; name of
        the module, and its arguments.
    """
    # jsonschema tells addresses with letters of all the world by a grammar, whose reading takes a
    # second, most of what a server loads. Without it, it does not look at them: no schema of
    # Jupyter has one.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    if arguments[0] == "--kernel":
        from crmasks_widgets.lab_kernels import start_early

        _, folder, connection, *arguments = arguments
        start_early(folder, connection)
    if arguments[0] == LAB:
        with _no_programs():
            importlib.import_module(f"{LAB}.labapp")
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def _no_programs() -> Iterator[None]:
    """Let none be found: JupyterLab asks Node.js where packages come from, as it is loaded."""
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.devnull  # an empty one means the usual places
    try:
        yield
    finally:
        os.environ["PATH"] = path


if __name__ == "__main__":
    main(sys.argv[1:])
