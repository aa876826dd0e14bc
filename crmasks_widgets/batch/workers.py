"""Many observing blocks: worker processes of this machine, or a Dask cluster.

Local workers are not a `concurrent.futures.ProcessPoolExecutor`: when one of its processes dies,
the pool is broken as a whole and does not say which call broke it, and before Python 3.14 it has no
way to end what runs. Here each worker has its own pipe, whose end tells that it died.
"""

import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from crmasks_widgets.batch.block import Outcome, Task, run_block
from crmasks_widgets.batch.blocks import Block, memory_of
from crmasks_widgets.batch.report import HTML_NAME, write_table
from crmasks_widgets.errors import CrmasksError, InputError, StartError, on_one_line
from crmasks_widgets.files.folder_lock import locked, remove_abandoned
from crmasks_widgets.files.writing import check_writable, occupied
from crmasks_widgets.machine import available_cpus, available_memory

__all__ = ["HTML_NAME", "Options", "Outcome", "run_batch", "workers_at_once"]

MAX_ATTEMPTS: Final = 2
CONNECT_SECONDS: Final = 10
ALONE_SECONDS: Final = 30.0  # in which a cluster may get new workers
LOOK_SECONDS: Final = 2.0  # between two looks at whether it has any

logger = logging.getLogger(__name__)
_SAFE_PATH: Final = "PYTHONSAFEPATH"

Report = Callable[[Sequence[Outcome], Outcome], None]


@dataclass(frozen=True)
class Options:
    """How a batch is run.

    Attributes
    ----------
    workers : int or None
        Processes of this machine; by default as many as it has processors. Fewer run where memory
        asks for it.
    scheduler : str or None
        Address of a Dask scheduler whose workers are to be used instead.
    figures : bool
        Draw the diagnostic figures.
    overwrite : bool
        Replace products that were made of other exposures or parameters.
    """

    workers: int | None = None
    scheduler: str | None = None
    figures: bool = True
    overwrite: bool = False


def run_batch(
    blocks: Sequence[Block],
    folder: str | Path,
    options: Options | None = None,
    report: Report | None = None,
) -> list[Outcome]:
    """Run observing blocks, the products of each in its own folder, reproducibly.

    Blocks whose products an earlier batch made of the same exposures and parameters are verified by
    their checksums and not run again. After every block, ``batch.csv`` and ``batch.html`` in the
    folder say what was done.

    Parameters
    ----------
    blocks : sequence of Block
        From `find_blocks`.
    folder : path
        Where everything goes; created if need be.
    options : Options, optional
        How to run.
    report : callable, optional
        Called with all outcomes and the newest one whenever a block is finished.

    Returns
    -------
    list of Outcome
        In the order of the blocks; a failed one says why and does not stop the others.

    Raises
    ------
    OutputError
        The folder cannot be written to, or another batch is running there.
    StartError
        There is no Dask, no such scheduler, or one that has no worker that can be used.
    """
    options = options or Options()
    folder = Path(os.path.abspath(folder))
    check_writable(folder)
    outcomes = {block.name: Outcome(block.name, attempts=0) for block in blocks}
    # Closed at once after an interrupt, which ends the workers.
    with occupied(folder), contextlib.closing(_outcomes(blocks, folder, options)) as finished:
        write_table(list(outcomes.values()), folder)
        for outcome in finished:
            outcomes[outcome.name] = outcome
            done = list(outcomes.values())
            write_table(done, folder)
            if report is not None:
                report(done, outcome)
    return list(outcomes.values())


def _outcomes(
    blocks: Sequence[Block], folder: Path, options: Options
) -> Generator[Outcome, None, None]:
    tasks = [
        Task(block, folder / block.name, options.figures, options.overwrite) for block in blocks
    ]
    if options.scheduler is not None:
        yield from _run_on_dask(tasks, options.scheduler)
        return
    needs = [memory_of(block, figures=options.figures) for block in blocks]
    free = available_memory()
    fitting = [task for task, need in zip(tasks, needs, strict=True) if need <= free]
    for task, need in zip(tasks, needs, strict=True):
        if need > free:
            yield _failed(task, f"found {free:.0f} MiB of free memory, expected {need:.0f} MiB")
    workers = workers_at_once(options.workers, [need for need in needs if need <= free], free)
    threads = max(1, available_cpus() // workers)
    yield from _run_here([replace(task, threads=threads) for task in fitting], workers)


def workers_at_once(wanted: int | None, needs: Sequence[float], free: float) -> int:
    """Choose how many blocks run side by side.

    Parameters
    ----------
    wanted : int or None
        By the user; None for one on every processor.
    needs : sequence of float
        What each block may take, MiB.
    free : float
        Memory that is there for all, MiB.

    Returns
    -------
    int
        At least 1; so many that the blocks that need most fit side by side.

    Raises
    ------
    InputError
        `wanted` is less than 1.
    """
    if wanted is not None and wanted < 1:
        raise InputError(f"--workers: found {wanted}, expected at least 1")
    most, total = 0, 0.0
    for need in sorted(needs, reverse=True):
        total += need
        if total > free:
            break
        most += 1
    return max(1, min(wanted or available_cpus(), most))


def _failed(task: Task, error: str, attempts: int = 0) -> Outcome:
    record = {"warnings": list(task.block.remarks)}
    return Outcome(task.block.name, "failed", record, attempts=attempts, error=error)


# Workers of this machine -------------------------------------------------------------------------


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: it is for this one, which ends the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _apart_from_the_data() -> Iterator[None]:
    """Start processes that import no module which lies in the current folder."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[_SAFE_PATH]
        if before is not None:
            os.environ[_SAFE_PATH] = before


class _Worker:
    """A process that runs blocks, one after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.task: Task | None = None
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        with _without_interrupts(), _apart_from_the_data():
            self._process.start()
        other.close()

    def give(self, task: Task) -> None:
        """Let it run a block; should it have died, `take` will say so."""
        self.task = task
        with contextlib.suppress(OSError):
            self.pipe.send(task)

    def take(self) -> Outcome | None:
        """Outcome of its block; None if it died."""
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.task = None
        return outcome

    def end(self) -> None:
        """End it at once; a product that it was writing leaves nothing behind."""
        self._process.kill()
        self._process.join()
        self.pipe.close()
        if self.task is not None:
            with contextlib.suppress(CrmasksError, OSError), locked(self.task.folder):
                remove_abandoned(self.task.folder)


def _run_here(tasks: Sequence[Task], n_workers: int) -> Iterator[Outcome]:
    waiting, attempts = deque(tasks), Counter[str]()
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            while waiting and len(workers) < n_workers:
                workers.append(_Worker())
            for worker in workers:
                if worker.task is None and waiting:
                    worker.give(waiting.popleft())
            for worker, task in _ready(workers):
                outcome = worker.take()
                attempts[task.block.name] += 1
                n = attempts[task.block.name]
                if outcome is not None:
                    yield replace(outcome, attempts=n)
                    continue
                workers.remove(worker)
                worker.end()
                if n < MAX_ATTEMPTS:
                    waiting.append(task)
                else:
                    yield _failed(task, f"its worker process died {n} times", n)
    finally:
        for worker in workers:
            worker.end()


def _ready(workers: Sequence[_Worker]) -> list[tuple[_Worker, Task]]:
    """Wait until busy workers have something to say, or died; they and their blocks."""
    busy = [(worker, worker.task) for worker in workers if worker.task is not None]
    heard = connection.wait([worker.pipe for worker, _ in busy])
    return [(worker, task) for worker, task in busy if worker.pipe in heard]


def _serve(pipe: Connection) -> None:
    """Run what comes through a pipe, in a process of its own."""
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, tasks), daemon=True).start()
    while True:
        pipe.send(run_block(tasks.get()))


def _receive(pipe: Connection, tasks: "queue.SimpleQueue[Task]") -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.put(pipe.recv())
    # The batch is gone, perhaps killed. Its next run must not meet a worker of this one.
    os._exit(1)


# A Dask cluster ----------------------------------------------------------------------------------


def _run_on_dask(tasks: Sequence[Task], address: str) -> Iterator[Outcome]:
    try:
        import distributed
    except ImportError:
        msg = "--scheduler: found no dask.distributed, expected crmasks_widgets[dask] installed"
        raise StartError(msg) from None
    try:
        client = distributed.Client(
            address, timeout=CONNECT_SECONDS, set_as_default=False, name="crmasks-batch"
        )
    except (OSError, ValueError) as error:
        reason = on_one_line(error)
        found = f"--scheduler: found nothing to talk to at {address} ({reason})"
        msg = f"{found}, expected a scheduler of Dask, such as tcp://host:8786"
        raise StartError(msg) from None
    run, futures = uuid.uuid4(), {}
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    talker = logging.getLogger("distributed.client")
    level = talker.level
    talker.setLevel(logging.CRITICAL + 1)  # what is lost is said here, in a line
    try:
        with contextlib.suppress(TimeoutError):  # a cluster that was started just now
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        check_workers(client.scheduler_info(n_workers=-1)["workers"], address)
        for task in tasks:
            key = f"crmasks-{run}-{task.block.name}"
            future = client.submit(run_block, task, key=key, pure=False)
            futures[future] = task
            future.add_done_callback(ended.put)
        yield from _as_they_end(client, dict(futures), ended, address)
    finally:
        if client.status == "running":
            with contextlib.suppress(OSError, TimeoutError):
                client.cancel(list(futures), force=True)
        client.close(timeout=0.5)
        talker.setLevel(level)


def _as_they_end(
    client: Any, futures: dict[Any, Task], ended: queue.SimpleQueue[Any], address: str
) -> Iterator[Outcome]:
    """Wait for all blocks, but not for ever for workers that are gone."""
    alone: float | None = None  # since when there is no worker
    while futures:
        try:
            future = ended.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            talks = client.status == "running"
            if talks and client.scheduler_info(n_workers=-1)["workers"]:
                alone = None
            elif alone is None:
                alone = time.monotonic()
                lost, waits = "all workers" if talks else "the scheduler", f"{ALONE_SECONDS:.0f} s"
                logger.warning("--scheduler: lost %s at %s; waiting %s", lost, address, waits)
            elif time.monotonic() - alone > ALONE_SECONDS:
                left = f"found no worker left at {address}, expected at least one"
                reason = left if talks else _lost(address)
                yield from (_failed(task, reason) for task in futures.values())
                return
        else:
            yield _of_future(future, futures.pop(future), address)


def check_workers(workers: Mapping[str, Any], address: str) -> None:
    """Make sure that the workers of a cluster can be used.

    Parameters
    ----------
    workers : mapping
        What its scheduler tells about each, by address.
    address : str
        Of the scheduler.

    Raises
    ------
    StartError
        There is none, or one runs several blocks at once.
    """
    for name, worker in workers.items():
        if worker["nthreads"] != 1:
            # Blocks that share a process would get each other's warnings.
            msg = f"{name}: found a worker of {worker['nthreads']} threads, expected --nthreads 1"
            raise StartError(msg)
    if not workers:
        raise StartError(f"--scheduler: found no workers at {address}, expected at least one")


def _lost(address: str) -> str:
    return f"lost the scheduler at {address}; the same command goes on"


def _of_future(future: Any, task: Task, address: str) -> Outcome:
    if future.cancelled():  # by the client, which has nobody to ask any more
        return _failed(task, _lost(address))
    error = future.exception()
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    reason = on_one_line(error) or type(error).__name__
    return _failed(task, f"{type(error).__name__}: {reason}", 1)
