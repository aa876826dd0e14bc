"""Time and memory of whole processes, and of single calls."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """What a run took.

    Attributes
    ----------
    wall, cpu : float
        Seconds; `cpu` is that of all threads and children, user and system.
    peak : float
        Largest resident memory of the process or of one of its children, whichever is larger, MiB.
    load : float
        Mean number of waiting processes in the minute before the start: above 0, others were busy.
    """

    wall: float
    cpu: float
    peak: float
    load: float


def measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Measurement:
    """Run a program to its end.

    The caller must itself be small: on Linux, a child's peak begins with what its parent held.

    Raises
    ------
    RuntimeError
        It failed; the message ends with its last lines.
    """
    load = os.getloadavg()[0]
    with log.open("wb") as stream:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=stream, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        msg = f"{' '.join(command[:4])} ended with {process.returncode}:\n{last}"
        raise RuntimeError(msg)
    return Measurement(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, load)


def best(runs: Sequence[Measurement]) -> Measurement:
    """The quickest run, with the largest peak and the highest load of all of them."""
    quickest = min(runs, key=lambda run: run.wall)
    highest = max(run.peak for run in runs)
    return Measurement(quickest.wall, min(run.cpu for run in runs), highest, quickest.load)


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Processor time of a call: the least of so many."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)
