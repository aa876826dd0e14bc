"""What a run says on the terminal."""

import contextlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.analysis.counts import count_pixels
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.batch import Outcome, Report
from crmasks_widgets.core.significance.excess import LEAST_SIGNIFICANCE
from crmasks_widgets.core.targets import target_name
from crmasks_widgets.core.verdicts import OUT
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.files.writing import Written
from crmasks_widgets.regular_files import real

_KIB = 1024


@contextlib.contextmanager
def spinner(console: Console, text: str, *, quiet: bool) -> Iterator[None]:
    """Show that work is going on, where a user may be looking.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    text : str
        What is being done.
    quiet : bool
        Show nothing.
    """
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


@contextlib.contextmanager
def batch_progress(console: Console, n_blocks: int, *, quiet: bool) -> Iterator[Report]:
    """Report the blocks of a batch as they are finished.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    n_blocks : int
        How many there are.
    quiet : bool
        Say nothing.

    Yields
    ------
    callable
        For `crmasks_widgets.batch.run_batch`.
    """
    started = time.monotonic()
    status = console.status(f"0 of {n_blocks} blocks")

    def report(outcomes: Sequence[Outcome], newest: Outcome) -> None:
        if quiet:
            return
        n_done = sum(outcome.state != "waiting" for outcome in outcomes)
        counts = newest.record.get("counts")
        text = f", {counts['hits']} hits" if counts else ""
        console.print(
            f"{time.monotonic() - started:7.1f} s  {newest.name}: {newest.state}{text}",
            highlight=False, markup=False,
        )  # fmt: skip
        status.update(f"{n_done} of {n_blocks} blocks")

    with status if console.is_terminal and not quiet else contextlib.nullcontext():
        yield report


def print_detector(name: str, console: Console) -> None:
    """Say which one of several detectors comes next.

    Parameters
    ----------
    name : str
        Of the detector.
    console : rich.console.Console
        Where.
    """
    console.print(f"detector {name}", markup=False, highlight=False)


def compute_with_progress(
    analysis: Analysis, console: Console, *, threads: int, quiet: bool
) -> None:
    """Compute a run and report every stage, then what was found.

    Parameters
    ----------
    analysis : Analysis
        To be computed.
    console : rich.console.Console
        Where to report.
    threads : int
        Stages that may run at once.
    quiet : bool
        Compute without a word.
    """
    started = time.monotonic()
    detect = analysis.masks_checksum is None
    computing = compute_all(analysis, threads, detections=detect)
    # Closed at once after an interrupt, which stops what is running.
    with spinner(console, "computing", quiet=quiet), contextlib.closing(computing) as done:
        for stage, target in done:
            if not quiet:
                elapsed = time.monotonic() - started
                console.print(
                    f"{elapsed:7.1f} s  {_done(analysis, stage, target)}", highlight=False
                )
    if not quiet and detect:
        console.print(counts_table(analysis))
        n_hits, lost = analysis.n_hits, int(analysis.problematic.sum())
        n_out = int(np.count_nonzero(np.isin(analysis.hits["verdict"], OUT)))
        left_out = f", {n_out} of them left out by hand" if n_out else ""
        if not_found := len(analysis.result("lost").confirmed):
            left_out += f", {not_found} more confirmed and not found"
        console.print(
            f"hits of the median: {n_hits}{left_out}; pixels masked in every exposure: {lost}",
            highlight=False,
        )


def _done(analysis: Analysis, stage: str, target: Target | None) -> str:
    exposures = analysis.exposures
    if stage == "stack":
        ny, nx = exposures.shape
        factors = ", ".join(f"{f:.4f}" for f in analysis.alignment.flux_factors)
        text = f"stack of {exposures.n} exposures, {nx} x {ny} pixels, flux factors {factors}"
        if analysis.stack.valid is not None:
            text += f", {int((~analysis.stack.valid).sum())} invalid values left out"
        return text
    if stage == "boundary":
        fit = analysis.boundary
        return f"boundary of the MM diagram: {fit.boundary.kind}, {len(fit.boundary.knots)} knots"
    if stage == "candidates" and target is not None:
        n = len(analysis.result("candidates", target).pixels)
        return (
            f"significance of {target_name(target)}: {n} pixels above {LEAST_SIGNIFICANCE:g} sigma"
        )
    cleaner = next((row for row in DETECTORS.values() if row.cleans and row.stage == stage), None)
    if cleaner is not None and target is not None:
        n = int(np.count_nonzero(analysis.result(stage, target).mask))
        return f"{cleaner.name} on {target_name(target)}: {n} pixels"
    return f"{stage} {target}" if target is not None else stage


def _per_cent(number: int, of: int) -> str:
    """Part in per cent, with as many digits as it takes to be more than nothing."""
    part = 100 * number / of
    digits = max(2, int(np.ceil(-np.log10(part)))) if number else 0
    return f"{part:.{digits}f}"


def counts_table(analysis: Analysis) -> Table:
    """Pixels flagged in every target, by method.

    Parameters
    ----------
    analysis : Analysis
        With masks.

    Returns
    -------
    rich.table.Table
        One row a target.
    """
    ny, nx = analysis.exposures.shape
    # Narrow enough for a terminal of 80 columns.
    table = Table(title="pixels flagged (% of the frame)", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("target", no_wrap=True)
    columns, counted = count_pixels(analysis, lambda row: row.short)
    for heading in ("either", *columns, "mask"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in counted:
        cells = [f"{n} ({_per_cent(n, ny * nx)})" for n in (row.either, *row.each)]
        table.add_row(row.name, *cells, str(row.masked))
    return table


def print_products(
    console: Console, written: Sequence[Written], identity: str, elapsed: float
) -> None:
    """List the products.

    Parameters
    ----------
    console : rich.console.Console
        Where.
    written : sequence of Written
        The products.
    identity : str
        UUID of the run.
    elapsed : float
        Seconds.
    """
    folder = real(written[0].path.parent)
    console.print(f"products in {folder}", highlight=False)
    table = Table(title=f"run {identity}")
    table.add_column("file", no_wrap=True)
    table.add_column("KiB", justify="right")
    table.add_column("content")
    for item in written:
        table.add_row(item.path.name, f"{item.size / _KIB:.1f}", item.content)
    console.print(table)
    console.print(f"done in {elapsed:.1f} s", highlight=False)
