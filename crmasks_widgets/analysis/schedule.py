"""The detections of a whole run, the independent ones side by side."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from crmasks_widgets.analysis.analysis import Analysis
from crmasks_widgets.analysis.graph import Target
from crmasks_widgets.analysis.noise_in_use import say_noise
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.analysis.runaway import warn_of_false_groups, warn_of_unlike_sources
from crmasks_widgets.core.significance.hits import threshold
from crmasks_widgets.detectors import rows
from crmasks_widgets.errors import Cancelled
from crmasks_widgets.machine import MIB, PROGRAM_MIB, release
from crmasks_widgets.units import in_ascii

# A run may take 8 times the cube and 250 MiB. Of that, the program itself takes 130 MiB; exposures,
# stack and simulations take up to 4 n - 2 frames; each detection takes 7 more, and small blocks.
FRAMES_A_JOB, MIB_A_JOB, FREE_MIB = 7, 15, PROGRAM_MIB - 130


def jobs_at_once(threads: int, n: int, shape: tuple[int, int]) -> int:
    """Limit the stages that run side by side so that a run keeps to its memory.

    Parameters
    ----------
    threads : int
        Wanted.
    n : int
        Number of exposures.
    shape : (ny, nx)
        Of a frame.

    Returns
    -------
    int
        At least 1, at most `threads`.
    """
    frame = 4 * shape[0] * shape[1] / MIB
    free = 8 * n * frame - (4 * n - 2) * frame + FREE_MIB
    return max(1, min(threads, int(free / (FRAMES_A_JOB * frame + MIB_A_JOB))))


def compute_all(
    analysis: Analysis, threads: int = 1, *, detections: bool = True
) -> Generator[tuple[str, Target | None], None, None]:
    """Compute the masks and the hits of a run.

    What only a later change of L.A.Cosmic's thresholds would need is not kept. An error or an
    interrupt ends every stage at its next checkpoint.

    Parameters
    ----------
    analysis : Analysis
        To be computed.
    threads : int
        How many stages may run at once; fewer do where memory asks for it (`jobs_at_once`).
    detections : bool
        False when the masks were given.

    Yields
    ------
    stage, target
        As each is done.
    """
    stopped = threading.Event()
    outer = analysis.run.checkpoint

    def check(fraction: float | None = None) -> None:
        if stopped.is_set():
            raise Cancelled("interrupted")
        if outer is not None and fraction is not None:
            outer(fraction)

    analysis = analysis.under(Run(check, lambda *_: check(), once=True))
    _ = analysis.stack
    yield "stack", None
    if detections:
        if analysis.parameters.judges:
            measured = analysis.parameters.sg_measured_noise
            if measured:
                unit = in_ascii(analysis.exposures.unit)
                say_noise(analysis.result("measured_noise"), analysis.noise, unit)
            warn_of_false_groups(analysis.result("expected_false"), measured=measured)
        jobs = [
            (row.stage, target)
            for row in sorted(rows(analysis.parameters.detectors), key=lambda row: row.each_target)
            for target in (analysis.targets if row.each_target else (None,))
        ]
        at_once = jobs_at_once(threads, analysis.exposures.n, analysis.exposures.shape)
        with ThreadPoolExecutor(at_once) as pool:
            try:
                futures = [pool.submit(analysis.result, *job) for job in jobs]
                for job, future in zip(jobs, futures, strict=True):
                    future.result()
                    release()
                    yield job
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if analysis.parameters.judges:
            start = threshold(analysis.parameters.sg_false_alarms, analysis.stack.min2d.size)
            contrast = analysis.result("level").contrast
            warn_of_unlike_sources(analysis.noise_scale, contrast, start)
        _ = analysis.hits, analysis.masks
        release()
        yield "masks", None
