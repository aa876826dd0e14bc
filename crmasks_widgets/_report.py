"""What a run says on the terminal."""

import contextlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from crmasks_widgets._atomic import Written
from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.scheduling import compute_all

_KIB = 1024


@contextlib.contextmanager
def spinner(console: Console, text: str, *, quiet: bool) -> Iterator[None]:
    """Show that work is going on, where a person may be looking.

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
    with spinner(console, "computing", quiet=quiet):
        for stage, target in compute_all(analysis, threads, detections=detect):
            if not quiet:
                elapsed = time.monotonic() - started
                console.print(
                    f"{elapsed:7.1f} s  {_done(analysis, stage, target)}", highlight=False
                )
    if not quiet and detect:
        console.print(counts_table(analysis))
        n_hits, lost = int(analysis.labels.max(initial=0)), int(analysis.problematic.sum())
        console.print(
            f"hits in MEDIANCR: {n_hits}; pixels masked in every exposure: {lost}", highlight=False
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
    if stage == "lacosmic" and target is not None:
        n = int(np.count_nonzero(analysis.lacosmic(target).mask))
        return f"L.A.Cosmic on {name_of(target)}: {n} pixels"
    return f"{stage} {target}" if target is not None else stage


def name_of(target: Target) -> str:
    """Name of a target in messages.

    Parameters
    ----------
    target : {"median", "mean"} or int
        Target of a detection.

    Returns
    -------
    str
        "median", "mean" or "exposure i".
    """
    return target if isinstance(target, str) else f"exposure {target}"


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
    headings = ("either", "L.A. only", "MM only", "both", "mask")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for target in analysis.targets:
        counts = analysis.detections(target).counts().values()
        cells = [f"{count} ({100 * count / (ny * nx):.2f})" for count in counts]
        n_masked = int(np.count_nonzero(analysis.mask(target)))
        table.add_row(name_of(target), *cells, str(n_masked))
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
    folder = written[0].path.parent.resolve()
    console.print(f"products in {folder}", highlight=False)
    table = Table(title=f"run {identity}")
    table.add_column("file", no_wrap=True)
    table.add_column("KiB", justify="right")
    table.add_column("content")
    for item in written:
        table.add_row(item.path.name, f"{item.size / _KIB:.1f}", item.content)
    console.print(table)
    console.print(f"done in {elapsed:.1f} s", highlight=False)
