"""The `crmasks` program."""

import argparse
import contextlib
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from crmasks_widgets._version import __version__
from crmasks_widgets.demo_scenes import DEMO_SCENES, SEED
from crmasks_widgets.ending import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_EXISTS,
    EXIT_INTERRUPTED,
    EXIT_OTHER,
    NO_PRODUCT,
    fail,
)
from crmasks_widgets.errors import (
    CrmasksError,
    InputError,
    Interrupted,
    ProductExistsError,
    StartError,
    on_one_line,
)
from crmasks_widgets.exposure_names import FITS_NAME, as_value
from crmasks_widgets.machine import ADDRESSES_MIB, address_limit, memory_limit
from crmasks_widgets.regular_files import at_home
from crmasks_widgets.screen import PlainConsole, lasting_streams, logging_to

_INTERRUPTED = {
    "run": NO_PRODUCT, "init": NO_PRODUCT, "check": NO_PRODUCT, "demo": NO_PRODUCT,
    "lab": "interrupted",
    "report": "interrupted; no report was written",
    "batch": "interrupted; the same command goes on with what is left",
}  # fmt: skip
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

logger = logging.getLogger("crmasks_widgets")


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, as everything else does."""

    def error(self, message: str) -> NoReturn:
        """End with the line, and exit code 2."""
        text = on_one_line(message)
        if any(FITS_NAME.match(word) for word in text.split()):
            text += "; commands for FITS files are init, check and lab"
        self.exit(
            EXIT_BAD_INPUT,
            f"crmasks: {text}; see {self.prog} --help (a file called -x is written ./-x)\n",
        )


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
        With the commands `run`, `batch`, `init`, `check`, `report`, `demo` and `lab`.
    """
    parser = _Parser(
        prog="crmasks",
        description="Remove the cosmic rays that survive a median of a few exposures.",
        epilog="Exit codes: 0 done, 2 bad input, 4 products are in the way, 130 interrupted by "
        "Ctrl-C, 1 anything else.",
    )
    parser.add_argument("--version", action="version", version=f"crmasks_widgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _add_run,
        _add_batch,
        _add_init,
        _add_check,
        _add_report,
        _add_demo,
        _add_lab,
    ):
        command = add(commands)
        command.add_argument(
            "--log-level", choices=LOG_LEVELS, default="INFO", type=str.upper,
            help="how much is reported (default: INFO)",
        )  # fmt: skip
    return parser


def _add_run(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="masks and combined images from a YAML file",
        description="Make masks and corrected combinations of the exposures "
        "that a YAML file names.",
    )
    parser.add_argument("params", metavar="PARAMS.yaml", type=at_home, help="as of numina-crmasks")
    parser.add_argument(
        "--output-dir", metavar="DIR", type=at_home, default=Path(),
        help="where the products go (default: the current folder)",
    )  # fmt: skip
    parser.add_argument(
        "--crmasks", metavar="MASKS.fits", type=at_home,
        help="apply these masks instead of detecting",
    )  # fmt: skip
    parser.add_argument(
        "--reproducible", action="store_true",
        help="leave out DATE, and take seed 0 where one would be drawn: the same bytes every time",
    )  # fmt: skip
    parser.add_argument(
        "--report", action="store_true", help="write report.html too, to send to a colleague"
    )
    _add_products(parser)
    return parser


def _add_products(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that leave products."""
    parser.add_argument(
        "--figures", action=argparse.BooleanOptionalAction, default=True,
        help="draw the diagnostic figures",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the products of an earlier run"
    )


def _add_batch(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "batch", help="many observing blocks, side by side",
        description="Run many observing blocks, reproducibly; what an earlier "
        "batch completed is only verified.",
        epilog="Exit codes as of the program; 1 if any block failed.",
    )  # fmt: skip
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", type=at_home,
        help="PARAMS.yaml of a block, folder with such files, or TABLE.csv (.ecsv) with the "
        "columns block, images (';' between them) and any parameters",
    )  # fmt: skip
    parser.add_argument(
        "--parameters", metavar="PARAMS.yaml", type=at_home,
        help="shared by all blocks, whose own files then only describe their exposures",
    )  # fmt: skip
    parser.add_argument(
        "--output-dir", metavar="DIR", type=at_home, default=Path("crmasks-batch"),
        help="a folder for each block, batch.html and batch.csv (default: crmasks-batch)",
    )  # fmt: skip
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", metavar="N", type=int,
        help="processes of this machine (default: one a processor, fewer where memory is short)",
    )  # fmt: skip
    where.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="of a Dask cluster that is to do the work (needs crmasks_widgets[dask])",
    )  # fmt: skip
    _add_products(parser)
    return parser


def _add_init(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "init", help="make a parameter file for FITS files",
        description="Find out from FITS files what a run needs, and write a "
        "parameter file that says why.",
        epilog="Without a terminal and without --yes only what is certain is written; what is "
        "missing then is said, with exit code 2.",
    )  # fmt: skip
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="FITS files, folders, patterns ('n1/*.fits')",
    )
    parser.add_argument(
        "-o", "--output", metavar="PARAMS.yaml", type=at_home, default=Path("params.yaml"),
        help="where to write (default: params.yaml); a number is added for further groups",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="take the proposals without asking")
    parser.add_argument("--extnum", metavar="EXT", help="extension of the image: number or name")
    for name, unit in (("gain", "e-/ADU"), ("rnoise", "ADU"), ("bias", "ADU")):
        parser.add_argument(f"--{name}", metavar="X", type=as_value, help=f"if known, {unit}")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier parameter file"
    )
    return parser


def _add_check(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "check", help="is the noise as believed, and which settings would serve",
        description="Compare the noise of the exposures with gain and readout "
        "noise, say where to look, and try which settings would serve.",
    )  # fmt: skip
    parser.add_argument(
        "sources", metavar="FILE", nargs="+",
        help="PARAMS.yaml, or FITS files, folders and patterns as for init",
    )  # fmt: skip
    parser.add_argument(
        "--write", metavar="TUNED.yaml", type=at_home,
        help="write the parameters with what would serve, and why; never done unasked",
    )  # fmt: skip
    parser.add_argument(
        "--details", action="store_true",
        help="print the noise level by level, what was measured, and how every setting did",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier parameter file"
    )
    return parser


def _add_report(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "report", help="one HTML file to send to a colleague: what was found, hit by hit",
        description="Run a parameter file, and write one HTML file that shows "
        "what was found, hit by hit.",
    )  # fmt: skip
    parser.add_argument(
        "source", metavar="PARAMS.yaml|FOLDER", type=at_home,
        help="as for run, or a folder with one parameter file",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="REPORT.html", type=at_home,
        help="where to write (default: report.html beside the parameter file)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier report")
    return parser


def _add_demo(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="make demo exposures, run them, compare with their truth",
        description="Make demo exposures with known truth, run them, and say "
        "what was found.",
    )  # fmt: skip
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=at_home, default=Path("crmasks-demo"),
        help="where everything goes (default: crmasks-demo)",
    )  # fmt: skip
    parser.add_argument(
        "--size", metavar=("NX", "NY"), nargs=2, type=int, default=(1000, 800),
        help="frame in pixels (default: 1000 800; MEGARA: 2016 1596)",
    )  # fmt: skip
    parser.add_argument(
        "--scene", choices=tuple(DEMO_SCENES), default="fibres",
        help="fibre spectrograph, long slit or star field (default: fibres)",
    )  # fmt: skip
    parser.add_argument(
        "--exposures", metavar="N", type=int, default=3, help="at least 2 (default: 3)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of everything random")
    _add_products(parser)
    return parser


def _add_lab(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "lab",
        help="open the dashboard in JupyterLab",
        description="Open the dashboard in the browser, on a notebook that is "
        "written to the current folder.",
    )
    parser.add_argument(
        "sources", metavar="FILE", nargs="*",
        help="PARAMS.yaml, or FITS files of two or more exposures (default: demo exposures)",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=0, help="of the server (default: any free one)")
    parser.add_argument(
        "--browser", action=argparse.BooleanOptionalAction, default=True,
        help="open the page in the browser",
    )  # fmt: skip
    parser.add_argument("--voila", action="store_true", help="the dashboard alone, by Voila")
    parser.add_argument("--allow-root", action="store_true", help="let JupyterLab run as root")
    return parser


def _lab(arguments: argparse.Namespace, console: Console) -> int:
    """Open the dashboard in the browser, on a notebook that is written to the current folder."""
    # Only who wants the dashboard waits for the libraries of notebooks.
    from crmasks_widgets.lab import ServerOptions, serve

    options = ServerOptions(
        port=arguments.port,
        browser=arguments.browser,
        voila=arguments.voila,
        allow_root=arguments.allow_root,
    )
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        serve(arguments.sources, options)
    return EXIT_DONE


def _command(name: str) -> Callable[[argparse.Namespace, Console], int]:
    """What a command does; only the one that is wanted is loaded."""
    if name == "lab":
        return _lab
    from crmasks_widgets.commands import COMMANDS

    return COMMANDS[name]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 done, 2 bad input, 4 products are in the way, 130 interrupted, 1 anything else.
    """
    with lasting_streams():
        arguments = build_parser().parse_args(argv)
        if not gc.get_freeze_count():
            # Garbage is searched for before each file that is written: not among modules each time.
            gc.freeze()
        console, errors = PlainConsole(), PlainConsole(stderr=True)
        with logging_to(console, errors, arguments.log_level):
            return _run_command(arguments, console, errors)


def _run_command(arguments: argparse.Namespace, console: Console, errors: Console) -> int:
    try:
        _check_surroundings()
        return _command(arguments.command)(arguments, console)
    except ProductExistsError as error:
        return fail(errors, str(error), EXIT_EXISTS)
    except CrmasksError as error:
        return fail(errors, str(error), EXIT_BAD_INPUT)
    except KeyboardInterrupt as interrupt:
        return fail(errors, _what_is_left(arguments.command, interrupt), EXIT_INTERRUPTED)
    # The last of the broad guards: whatever is left over is one line, too.
    except Exception as error:
        logger.debug("%s", on_one_line(error), exc_info=True)
        if gone := _current_folder_gone():  # removed meanwhile: any relative name may end so
            return fail(errors, gone, EXIT_BAD_INPUT)
        kind = f"unexpected {type(error).__name__}"
        return fail(errors, f"{kind}: {error} (--log-level DEBUG says where)", EXIT_OTHER)


def _what_is_left(command: str, interrupt: KeyboardInterrupt) -> str:
    # A batch goes on by itself, and of the notebook of `crmasks lab` nobody need know.
    if isinstance(interrupt, Interrupted) and command not in ("batch", "lab"):
        return str(interrupt)
    return _INTERRUPTED[command]


def _current_folder_gone() -> str:
    """Say that the current folder is not there; empty where it is."""
    try:
        Path.cwd()
    except OSError as error:
        return f"current folder: not there any more ({error.strerror}), expected one that is"
    return ""


def _check_surroundings() -> None:
    if gone := _current_folder_gone():
        raise StartError(gone)
    try:
        memory_limit()
    except ValueError as error:
        raise InputError(str(error)) from error
    # Libraries that get too few addresses end the process, or wait forever, without a word.
    if (found := address_limit()) < ADDRESSES_MIB:
        msg = (
            f"addresses of this process: found a limit of {found:.0f} MiB (ulimit -v), expected at "
            f"least {ADDRESSES_MIB} MiB"
        )
        raise InputError(msg)
    # Libraries look there for settings while they are imported.
    home = os.path.expanduser("~")
    try:
        os.stat(os.path.join(home, ".astropy"))
    except PermissionError as error:
        msg = (
            f"{home}: home folder that may not be looked into ({error.strerror}), expected one "
            "that may (HOME names it)"
        )
        raise StartError(msg) from error
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
