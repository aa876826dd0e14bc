"""Start a server of Jupyter: what nobody needs is not loaded, and a kernel starts beside it.

A program, run by its path: `lab_server.py [--kernel FOLDER FILE] MODULE ARGUMENTS`.
"""

import contextlib
import importlib
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn

LAB = "jupyterlab"
GRAMMAR = "rfc3987_syntax"


def main(arguments: Sequence[str]) -> None:
    """Run a module as a program; JupyterLab after a kernel was started, where one is wanted.

    Parameters
    ----------
    arguments : sequence of str
        Folder and connection file of the kernel behind `--kernel`, if there is to be one; name of
        the module, and its arguments.
    """
    if arguments[0] == "--kernel":
        _, folder, connection, _, *options = arguments
        _serve_lab(folder, connection, options)
        return
    if arguments[0] == LAB:
        _load_lab()
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _serve_lab(folder: str, connection: str, options: Sequence[str]) -> None:
    """Run JupyterLab with a kernel that starts before it, and leave none of it behind."""
    from crmasks_widgets.lab_kernels import start_early

    told: list[int] = []
    # A kernel of which this process did not know yet would outlive it.
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    waiting = start_early(folder, connection)
    try:
        signal.signal(signal.SIGTERM, _leave)  # until the server has a way of its own
        if told:
            _leave()
        _load_lab()
        from crmasks_widgets.lab_early import launch_lab

        launch_lab(options, waiting)
    finally:
        waiting.end()


def _leave(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


def _load_lab() -> None:
    with _no_grammar():
        importlib.import_module("jsonschema")
    with _no_programs():
        importlib.import_module(f"{LAB}.labapp")


@contextlib.contextmanager
def _no_grammar() -> Iterator[None]:
    """Let jsonschema not find the grammar of addresses with letters of all the world.

    To read it takes a second, most of what a server loads. Without it, jsonschema takes any text
    for such an address (the formats "iri" and "iri-reference"), as where it is installed without
    its optional checks; no schema of JupyterLab asks for them. Whatever else wants the grammar
    finds it.
    """
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[GRAMMAR]


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
