"""All stages of a whole run, the independent ones side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.core.combine import KINDS


def compute_all(
    analysis: Analysis, threads: int = 1, *, detections: bool = True
) -> Iterator[tuple[str, Target | None]]:
    """Compute what the products of a run are made of.

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
    for kind in KINDS:
        analysis.combination(kind)
        yield "combination", kind


def _compute_once(analysis: Analysis, stage: str, target: Target | None) -> None:
    analysis.result(stage, target)
    analysis.forget("prepared", target)
