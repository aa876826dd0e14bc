"""The detections of a whole run, the independent ones side by side."""

import math
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from crmasks_widgets.analysis.analysis import Analysis, Checkpoint, Target
from crmasks_widgets.errors import Cancelled
from crmasks_widgets.machine import MIB, PROGRAM_MIB, release

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


class Stoppable(Analysis):
    """Shares every result with another analysis; can be stopped where a stage begins, too.

    Parameters
    ----------
    analysis : Analysis
        Whose results are shared.
    checkpoint : callable
        As in `Analysis.watched`, and so is `once`.
    check : callable
        Called where a stage begins; may raise `Cancelled`.
    once : bool
        Keep nothing for a later change of L.A.Cosmic's thresholds.
    """

    def __init__(
        self,
        analysis: Analysis,
        checkpoint: Checkpoint,
        check: Callable[[], None],
        *,
        once: bool = False,
    ) -> None:
        vars(self).update(vars(analysis.watched(checkpoint, once=once)))
        self._check = check

    def result(self, stage: str, target: Target | None = None) -> Any:
        """Result of a stage, as `Analysis.result`, unless it was stopped."""
        self._check()
        return super().result(stage, target)


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
    outer = analysis.checkpoint

    def check(fraction: float | None = None) -> None:
        if stopped.is_set():
            raise Cancelled("interrupted")
        if outer is not None and fraction is not None:
            outer(fraction)

    analysis = Stoppable(analysis, check, check, once=True)
    _ = analysis.stack
    yield "stack", None
    if detections:
        jobs: list[tuple[str, Target | None]] = [("boundary", None)] if analysis.uses_mm else []
        if analysis.uses_lacosmic:
            jobs += [("lacosmic", target) for target in analysis.targets]
        if analysis.uses_significance:
            jobs += [("candidates", target) for target in analysis.targets]
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
        _ = analysis.hits, analysis.masks
        release()
        yield "masks", None


def available_cpus(cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the processors that this process may use: its affinity and the quota of its container.

    Parameters
    ----------
    cgroups : Path
        Where the kernel shows control groups.

    Returns
    -------
    int
        At least 1.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.floor(min(affinity or 1, _cpu_quota(cgroups))))


def _cpu_quota(cgroups: Path) -> float:
    """Processors that the control group allows, in either of the kernel's two layouts."""
    unlimited = math.inf
    try:
        if (cgroups / "cpu.max").is_file():
            quota, period = (cgroups / "cpu.max").read_text().split()
        else:
            quota = (cgroups / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (cgroups / "cpu" / "cpu.cfs_period_us").read_text()
    except OSError:
        return unlimited
    return unlimited if quota.strip() in ("max", "-1") else int(quota) / int(period)
