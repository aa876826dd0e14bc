"""What each command of `crmasks` does; loaded when one is to be done."""

import argparse
import contextlib
import logging
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rich.console import Console

from crmasks_widgets import batch, terminal
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.batch.blocks import find_blocks
from crmasks_widgets.batch.report import HTML_NAME
from crmasks_widgets.check_summary import Summary, in_order, print_summary, summarise
from crmasks_widgets.checking import print_advice, print_noise_check, try_settings
from crmasks_widgets.demo import YAML_NAME, score, write_demo
from crmasks_widgets.ending import EXIT_DONE, EXIT_INTERRUPTED, EXIT_OTHER, NO_PRODUCT, fail
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, is_parameter_file
from crmasks_widgets.files.interrupts import telling
from crmasks_widgets.files.writing import Written, check_target
from crmasks_widgets.loading import load_mosaic, parameter_file_of
from crmasks_widgets.machine import available_cpus
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import FIXED_SEED
from crmasks_widgets.products import prepare_folder
from crmasks_widgets.products.names import REPORT_NAME
from crmasks_widgets.products.session import save_session
from crmasks_widgets.regular_files import at_home
from crmasks_widgets.running import Destination, OccupiedFolder, occupying
from crmasks_widgets.screen import PlainConsole
from crmasks_widgets.starting.begin import Answers, begin
from crmasks_widgets.starting.opening import open_files

_GRACE = 0.7  # s

logger = logging.getLogger("crmasks_widgets")


def _init(arguments: argparse.Namespace, console: Console) -> int:
    """Find out from FITS files what a run needs, and write a parameter file that says why."""
    given = {name: getattr(arguments, name) for name in ("extnum", "gain", "rnoise", "bias")}
    answers = Answers(given, arguments.yes, arguments.overwrite)
    written = begin(arguments.files, arguments.output, answers, console)
    name = shlex.quote(str(written[0]))
    logger.info("next: crmasks check %s (is the noise right?), crmasks lab %s (look)", name, name)
    return EXIT_DONE


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Make masks and corrected combinations of the exposures that a YAML file names."""
    seed = FIXED_SEED if arguments.reproducible else None
    drawn = arguments.figures or arguments.report
    mosaic = load_mosaic(arguments.params, arguments.crmasks, seed=seed, figures=drawn)
    to = Destination(
        arguments.output_dir, (arguments.params,), arguments.figures, arguments.overwrite,
        arguments.reproducible, arguments.report,
    )  # fmt: skip
    with occupying(mosaic, to) as folder:
        _say_that_nobody_is_asked(mosaic[0].parameters, arguments.params)
        _compute_and_save(mosaic, folder, console)
    name = shlex.quote(str(arguments.params))
    shown = "" if arguments.report else f"crmasks report {name} (every hit, in one HTML file), "
    logger.info("next: %scrmasks lab %s (look, and judge hits)", shown, name)
    return EXIT_DONE


def _say_that_nobody_is_asked(parameters: Parameters, path: Path) -> None:
    if parameters.interactive or parameters.verify_cr:
        name = "interactive" if parameters.interactive else "verify_cr"
        logger.info(
            "%s: true: this run is unattended; the dashboard looks and asks: crmasks lab %s",
            name, shlex.quote(str(path)),
        )  # fmt: skip


def _batch(arguments: argparse.Namespace, console: Console) -> int:
    """Run many observing blocks, reproducibly; what an earlier batch completed is only verified."""
    folder = arguments.output_dir
    blocks = find_blocks(arguments.sources, arguments.parameters, leave_out=folder)
    options = batch.Options(
        arguments.workers, arguments.scheduler, arguments.figures, arguments.overwrite
    )
    quiet = not logger.isEnabledFor(logging.INFO)
    with terminal.batch_progress(console, len(blocks), quiet=quiet) as report:
        outcomes = batch.run_batch(blocks, folder, options, report)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed:
        logger.error("%s: %s", outcome.name, outcome.error)
    logger.info("%d blocks, %d failed; see %s", len(blocks), len(failed), folder / HTML_NAME)
    return EXIT_OTHER if failed else EXIT_DONE


def _check(arguments: argparse.Namespace, console: Console) -> int:
    """Compare the noise of the exposures with gain and readout noise, and say where to look."""
    sources, write = arguments.sources, arguments.write
    given, summaries = is_parameter_file(sources), list[Summary]()
    mosaic = (
        load_mosaic(at_home(sources[0]))
        if given
        else Mosaic(("files",), (open_files(sources),), several=False)
    )
    if write is not None:
        inputs = [*mosaic.sources, *([Path(at_home(sources[0]))] if given else [])]
        _check_write(write, mosaic, inputs, overwrite=arguments.overwrite)
    for name, analysis in zip(mosaic.names, mosaic, strict=True):
        if mosaic.several:
            terminal.print_detector(name, console)
        advice = try_settings(analysis)
        summary = summarise(analysis, advice, written=not mosaic.several)
        summaries.append(summary)
        print_summary(summary, console)
        if arguments.details:
            print_noise_check(analysis, console)
            print_advice(advice, console)
        if write is not None:
            reasons = {key: f"crmasks check: {text}" for key, text in advice.reasons.items()}
            save_session(
                analysis.replace(**advice.changes),
                write,
                overwrite=arguments.overwrite,
                reasons=reasons,
                comments_of=at_home(sources[0]) if given else None,
            )
            logger.info("%s: written, with %d changes", write, len(advice.changes))
    _say_what_next_after_check(arguments, summaries, given=given)
    return EXIT_DONE


def _say_what_next_after_check(
    arguments: argparse.Namespace, summaries: Sequence[Summary], *, given: bool
) -> None:
    files, write = shlex.join(arguments.sources), arguments.write
    if not arguments.details:
        logger.info("all figures: crmasks check %s --details", files)
    name = files if given else "params.yaml"
    if write is not None:
        name = shlex.quote(str(write))
        step = f"crmasks run {name} --output-dir products (or crmasks lab {name}, to look)"
    elif given and any(summary.tuned for summary in summaries):
        step = f"crmasks check {files} --write tuned.yaml"
    elif given:
        step = f"crmasks run {files} --output-dir products"
    else:
        step = f"crmasks init {files} (writes {name})"
    there = given or write is not None
    logger.info("next: %s", in_order(summaries, name, step, there=there))


def _check_write(path: Path, mosaic: Mosaic, inputs: Sequence[Path], *, overwrite: bool) -> None:
    if mosaic.several:
        msg = f"{path}: found several detectors, expected one: each may need other settings"
        raise ParameterError(msg)
    check_target(path, YAML_SUFFIXES, inputs, overwrite=overwrite)


def _report(arguments: argparse.Namespace, console: Console) -> int:
    """Run a parameter file, and write one HTML file that shows what was found, hit by hit."""
    # Only a report pays for matplotlib.
    from crmasks_widgets.report import writing

    params = parameter_file_of(arguments.source)
    path = arguments.output or params.with_name(REPORT_NAME)
    writing.check_report(path, (params,), overwrite=arguments.overwrite)
    mosaic = load_mosaic(params, figures=True)
    writing.check_report(path, (*mosaic.sources, params), overwrite=arguments.overwrite)
    _compute(mosaic, console, lambda: None)
    written = writing.save_report(mosaic, path, inputs=(params,), overwrite=arguments.overwrite)
    logger.info("%s: %.1f MB", written.path, written.size / 1e6)
    return EXIT_DONE


def _demo(arguments: argparse.Namespace, console: Console) -> int:
    """Make demo exposures with known truth, run them, and say what was found."""
    nx, ny = arguments.size
    prepare_folder(arguments.folder, overwrite=arguments.overwrite)
    scene = write_demo(
        arguments.folder, (ny, nx), seed=arguments.seed, kind=arguments.scene,
        n_exposures=arguments.exposures, overwrite=arguments.overwrite,
    )  # fmt: skip
    yaml_path = arguments.folder / YAML_NAME
    logger.info("demo exposures, their truth and %s are in %s", YAML_NAME, arguments.folder)
    mosaic = load_mosaic(yaml_path, folders=[arguments.folder], figures=arguments.figures)
    to = Destination(arguments.folder, (yaml_path,), arguments.figures, arguments.overwrite)
    with occupying(mosaic, to) as folder:
        _compute_and_save(mosaic, folder, console)
    found = score(mosaic[0], scene)
    what, where = ("double hits", "in more than half of the") if scene.n > 2 else ("hits", "in the")
    console.print(
        f"true {what} found: {found.found_groups} of {found.true_groups} "
        f"({found.found_pixels} of {found.true_pixels} pixels above 3 sigma {where} exposures); "
        f"false groups: {found.false_groups}",
        highlight=False,
    )
    return EXIT_DONE


def _compute(mosaic: Mosaic, console: Console, leave: Callable[[], None]) -> None:
    quiet = not logger.isEnabledFor(logging.INFO)
    with _prompt_interrupt(leave):
        for name, analysis in zip(mosaic.names, mosaic, strict=True):
            if mosaic.several and not quiet:
                terminal.print_detector(name, console)
            terminal.compute_with_progress(analysis, console, threads=available_cpus(), quiet=quiet)


def _compute_and_save(mosaic: Mosaic, folder: OccupiedFolder, console: Console) -> None:
    started = time.monotonic()
    quiet = not logger.isEnabledFor(logging.INFO)
    _compute(mosaic, console, folder.leave)
    written: list[Written] = []
    with telling(written):
        with terminal.spinner(console, "writing products", quiet=quiet):
            written += folder.save()
        if not quiet:
            terminal.print_products(console, written, mosaic.uuid, time.monotonic() - started)


@contextlib.contextmanager
def _prompt_interrupt(leave: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C end a computation within a second, even where a library does not listen.

    Stages stop at their next checkpoint. What has none by then, such as a call of astroscrappy, is
    left to the end of the process: nothing is being written here.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    given_up = threading.Timer(_GRACE, _give_up, [leave])
    given_up.daemon = True

    def interrupted(*_: object) -> None:
        if not given_up.is_alive():
            given_up.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        given_up.cancel()


def _give_up(leave: Callable[[], None]) -> None:
    leave()
    fail(PlainConsole(stderr=True), NO_PRODUCT, EXIT_INTERRUPTED)
    os._exit(EXIT_INTERRUPTED)


Command = Callable[[argparse.Namespace, Console], int]
COMMANDS: Final[Mapping[str, Command]] = MappingProxyType({
    "run": _run, "batch": _batch, "init": _init, "check": _check, "report": _report, "demo": _demo,
})  # fmt: skip
"""From the arguments of the command, and where to report, to the exit code."""
