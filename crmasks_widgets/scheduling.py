"""The detections of a whole run, the independent ones side by side."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crmasks_widgets.analysis import Analysis, Target


def compute_all(
    analysis: Analysis, threads: int = 1, *, detections: bool = True
) -> Iterator[tuple[str, Target | None]]:
    """Compute the masks and the hits of a run.

    What only a change of L.A.Cosmic's thresholds would need again is not kept.

    Parameters
    ----------
    analysis : Analysis
        To be computed.
    threads : int
        How many stages may run at once.
    detections : bool
        False when the masks were given.

    Yields
    ------
    stage, target
        As each is done.
    """
    _ = analysis.stack
    yield "stack", None
    if detections:
        jobs: list[tuple[str, Target | None]] = [("boundary", None)] if analysis.uses_mm else []
        if analysis.uses_lacosmic:
            jobs += [("lacosmic", target) for target in analysis.targets]
        if analysis.uses_significance:
            jobs += [("candidates", target) for target in analysis.targets]
        with ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(_compute_once, analysis, *job) for job in jobs]
            try:
                for job, future in zip(jobs, futures, strict=True):
                    future.result()
                    yield job
            finally:
                # After an error or an interrupt, what has not begun is not begun.
                pool.shutdown(wait=False, cancel_futures=True)
        _ = analysis.hits, analysis.masks
        yield "masks", None


def _compute_once(analysis: Analysis, stage: str, target: Target | None) -> None:
    analysis.result(stage, target)
    analysis.forget("prepared", target)


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
    return max(1, math.ceil(min(affinity or 1, _cpu_quota(cgroups))))


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
