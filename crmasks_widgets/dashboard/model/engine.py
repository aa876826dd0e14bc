"""One worker in the background: the newest request wins, and its results come as they finish."""

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.errors import Cancelled, CrmasksError
from crmasks_widgets.machine import trim
from crmasks_widgets.parameters import Parameters

logger = logging.getLogger(__name__)

Order = tuple[tuple[str, Target | None], ...]
PROGRESS_INTERVAL: Final = 0.05  # s
# The worker lets the loop draw a result before it goes on: two threads of Python are slower than
# one after the other. A loop that takes longer than this is busy with something else.
DRAWING_TIME: Final = 0.25  # s
# A library cannot be stopped in the middle of its work: nobody waits longer for that.
LEAVING: Final = 0.5
# The page needs the processors, too: a multiple of what drawing took here, for as long.
PAGE_SHARE: Final = 3.0
# Then nobody is in the middle of something: a fifth of the memory of a kernel is given back, which
# the next request takes some 10 ms to have again.
REST: Final = 5.0  # s
# Of what waits for a busy loop, only the newest is worth showing; every error is.
_REPLACES: Final = {"error": (), "progress": ("progress",), "snapshot": ("progress", "snapshot")}


def default_order(analysis: Analysis) -> Order:
    """Order of work: what answers at once first, then the L.A.Cosmic runs one by one."""
    first, *rest = analysis.targets
    at_once: Order = (("flags", first), ("mediancr", None), ("hits", None))
    flags, combinations = (("flags", t) for t in rest), (("combination", k) for k in KINDS)
    return (*at_once, *flags, ("masks", None), *combinations)


@dataclass(frozen=True)
class Snapshot:
    """A request as far as `analysis.computed()` says; reading more of it computes it there."""

    analysis: Analysis
    stage: str  # the newest finished one, and its target
    target: Target | None
    fraction: float  # of the order of work
    done: bool
    elapsed: float  # seconds since the request


@dataclass
class _Request:
    analysis: Analysis
    order: Order
    accepted: float
    stopped: bool = False
    group: int = 0  # of the order of work; in it, `low` is done, and `last` of a long step
    low: float = 0.0
    last: float = 0.0
    begun: list[tuple[str, Target | None]] = field(default_factory=list)

    def check(self) -> None:
        if self.stopped:
            raise Cancelled("stopped: a newer request, or Cancel")

    def begins(self, stage: str, target: Target | None) -> None:
        self.check()
        self.begun.append((stage, target))

    def innermost(self) -> tuple[str, Target | None] | None:
        # A result that was not to be kept is gone when it is known.
        known = self.analysis.computed()
        unknown = (key for key in reversed(self.begun) if key not in known)
        return next((key for key in unknown if self.analysis.origin(*key) is not None), None)

    def fraction(self, of_step: float) -> float:
        if of_step < self.last:  # Another long step began; nobody knows how many will come.
            self.low += (1 - self.low) / 2
        self.last = of_step
        return (self.group + self.low + (1 - self.low) / 2 * of_step) / len(self.order)


def _log(error: Exception, _: Analysis) -> None:
    logger.warning("%s", error)


def _attempt(action: Callable[[], None]) -> Exception | None:
    # The one broad guard: whatever goes wrong in a computation, or in what is called with its
    # result, must reach the user or the log; an ended worker would answer no gesture any more.
    try:
        action()
    except Exception as error:
        return error
    return None


class Engine(contextlib.AbstractContextManager["Engine"]):
    """Computes the newest request in one background thread, which `close` ends.

    `analysis` is the last finished one; `requested` the newest accepted one, which an error or
    `cancel` sets back to `analysis`.

    Parameters
    ----------
    analysis : Analysis
        What the first request changes; nothing is computed before a request.
    publish : callable
        Called with a `Snapshot` when a part of `order` is finished, unless something newer was
        requested. Of those that wait for a busy loop only the newest is published.
    loop : asyncio.AbstractEventLoop, optional
        Where the callbacks run; by default the one running here, else the worker's thread.
    order : tuple of (stage, target), optional
        What to compute, by default `default_order`; an attribute too, for the requests to come.
    on_progress, on_error : callable, optional
        Called with the fraction done and the stage, at most 20 times a second; with a
        `CrmasksError` or an unexpected exception, which by default is logged, and the request that
        it belongs to, unless something newer was requested.
    """

    def __init__(
        self,
        analysis: Analysis,
        publish: Callable[[Snapshot], None],
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        order: Order = (),
        on_progress: Callable[[float, str], None] | None = None,
        on_error: Callable[[Exception, Analysis], None] | None = None,
    ) -> None:
        self.analysis = self.requested = analysis
        self.order, self._publish, self._on_progress = order, publish, on_progress
        self._on_error = on_error or _log
        self._loop = loop
        with contextlib.suppress(RuntimeError):
            self._loop = loop or asyncio.get_running_loop()
        self._pending: _Request | None = None
        self._running: _Request | None = None
        self._thread: threading.Thread | None = None
        self._closed, self._told = False, 0.0
        self._undrawn, self._waiting = 0, 0  # results on their way; callers of `wait`
        self._drawing = 0.0  # s that drawing the last ones took
        self._queue: list[tuple[str, Analysis, Callable[[], None]]] = []
        self._changed = threading.Condition()  # guards everything above

    def submit(self, parameters: Parameters) -> Analysis:
        """Give up the newest request for one with these parameters.

        Parameters
        ----------
        parameters : Parameters
            All of them; those that did not change cost nothing.

        Returns
        -------
        Analysis
            The new request.

        Raises
        ------
        CrmasksError
            They do not suit the exposures; nothing changed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            analysis = self.requested.with_parameters(parameters)
            self._stop()
            self.requested, order = analysis, tuple(self.order) or default_order(analysis)
            self._pending = _Request(analysis, order, time.perf_counter())
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="crmasks", daemon=True)
                self._thread.start()
            return analysis

    def start_from(self, analysis: Analysis) -> None:
        """Give up what is requested; the next request changes another analysis."""
        with self._changed:
            self._stop()
            self.analysis = self.requested = analysis

    def _stop(self) -> None:
        self._pending = None
        if self._running is not None:
            self._running.stopped = True
        self._changed.notify_all()

    def cancel(self) -> None:
        """Give up what is requested; the work ends at its next checkpoint."""
        with self._changed:
            self._stop()
            self.requested = self.analysis

    @property
    def doing(self) -> str:
        """Key of the stage that is being computed; empty for none."""
        with self._changed:
            key = None if self._running is None else self._running.innermost()
        return "" if key is None else key[0]

    def holds(self) -> Callable[[Analysis], bool]:
        """Follow the result that is being computed; for the thread that computes.

        Returns
        -------
        callable
            Takes an analysis; whether that very result is a part of it. Keeps no result.
        """
        # Asked for while something is logged, by a thread that must not wait for another one: who
        # holds `_changed` may log, too.
        running = self._running
        key = None if running is None else running.innermost()
        made = None if running is None or key is None else running.analysis.origin(*key)
        if key is None or made is None:
            return lambda _: False
        stage, target, said_of = *key, weakref.ref(made)

        def is_part_of(analysis: Analysis) -> bool:
            origin = analysis.origin(stage, target)
            return origin is not None and origin is said_of()

        return is_part_of

    def computes_in(self, thread: int) -> bool:
        """Whether this is the identifier of the thread that computes; stages start no others.

        Several at once are computed by `analysis.schedule` alone, which is for runs.
        """
        return self._thread is not None and self._thread.ident == thread

    def wait(self, timeout: float | None = None) -> bool:
        """Block until idle; False if not. In the loop: `await asyncio.to_thread(engine.wait)`."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()  # who waits may hold up the loop
            idle = self._changed.wait_for(lambda: not (self._pending or self._running), timeout)
            self._waiting -= 1
            return idle

    def publish(self, timeout: float | None = None) -> bool:
        """Have published what waits for the loop; False if nothing did.

        A loop that is held up by who asks does it at once; one elsewhere is waited for.
        """
        loop = self._loop
        with contextlib.suppress(RuntimeError):
            if loop is not None and asyncio.get_running_loop() is loop:
                waits = bool(self._queue)
                self._deliver()
                return waits
        with self._changed:
            waits = self._undrawn > 0 and loop is not None and loop.is_running()
            return waits and self._changed.wait_for(lambda: not self._undrawn, timeout)

    def close(self) -> None:
        """Stop, and end the thread; nothing is published any more.

        What a library takes longer over goes on to its own end, unheard.
        """
        with self._changed:
            self._stop()
            self._closed = True
        if self._thread not in (None, threading.current_thread()):
            self._thread.join(LEAVING)

    def __exit__(self, *_: object) -> None:
        self.close()

    # From here on in the worker's thread, but `_deliver`, which the loop calls if there is one.

    def _work(self) -> None:
        while self._serve_next():
            pass  # While it waits, no variable of this thread holds an analysis.

    def _serve_next(self) -> bool:
        def wanted() -> bool:
            return self._closed or self._pending is not None

        with self._changed:
            soon = self._changed.wait_for(wanted, REST)
        if not soon:
            trim()
        with self._changed:
            self._changed.wait_for(wanted)
            self._running, self._pending = self._pending, None
            if (request := self._running) is None:
                return False
        if (error := _attempt(partial(self._compute, request))) is not None:
            self._fail(request, error)
        with self._changed:
            self._running = None
            self._changed.notify_all()
        return True

    def _compute(self, request: _Request) -> None:
        n, follow = len(request.order), partial(self._follow, request)
        watched = request.analysis.under(Run(follow, request.begins))
        known = request.analysis.computed()
        for k, (stage, target) in enumerate(request.order, start=1):
            watched.result(stage, target)
            with self._changed:
                request.check()
                request.group, request.low, request.last = k, 0.0, 0.0
                if k == n:
                    self.analysis = request.analysis
            elapsed = time.perf_counter() - request.accepted
            snapshot = Snapshot(request.analysis, stage, target, k / n, k == n, elapsed)
            # What was known before is on screen.
            if (stage, target) not in known or k == n:
                self._post("snapshot", request.analysis, partial(self._publish, snapshot))
                known = request.analysis.computed()
                self._let_draw(request)

    def _let_draw(self, request: _Request) -> None:
        if self._loop is None:
            return

        def in_a_hurry() -> bool:
            return bool(self._waiting) or self._closed or request.stopped

        with self._changed:
            self._changed.wait_for(lambda: not self._undrawn or in_a_hurry(), DRAWING_TIME)
            self._changed.wait_for(in_a_hurry, min(PAGE_SHARE * self._drawing, DRAWING_TIME))

    def _follow(self, request: _Request, of_step: float) -> None:
        request.check()
        fraction, now = request.fraction(of_step), time.monotonic()
        if self._on_progress is not None and now - self._told >= PROGRESS_INTERVAL:
            self._told, stage = now, request.order[request.group][0]
            self._post("progress", request.analysis, partial(self._on_progress, fraction, stage))

    def _fail(self, request: _Request, error: Exception) -> None:
        if not isinstance(error, CrmasksError):
            logger.error("unexpected error in a computation", exc_info=error)
        error.with_traceback(None)  # It would keep the arrays of the computation.
        failed = request.analysis
        self._post("error", failed, partial(self._tell, error, failed))

    def _tell(self, error: Exception, failed: Analysis) -> None:
        # Only now: what was requested since the error must not be taken back by it.
        with self._changed:
            if self.requested is not failed:
                return
            self.requested = self.analysis
        self._on_error(error, failed)

    def _post(self, kind: str, analysis: Analysis, call: Callable[[], None]) -> None:
        with self._changed:
            kept = [waiting for waiting in self._queue if waiting[0] not in _REPLACES[kind]]
            self._queue = [*kept, (kind, analysis, call)]
        if self._loop is None:
            self._deliver()
        elif not self._loop.is_closed():  # if it is, nobody is left to see it
            with self._changed:
                self._undrawn += 1
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._changed:
            batch, self._queue = self._queue, []
            undrawn, began = self._undrawn, time.perf_counter()
        for kind, analysis, call in batch:
            wanted = not self._closed and analysis is self.requested
            if wanted and (error := _attempt(call)) is not None:
                logger.error("error where %s is shown", kind, exc_info=error)
        with self._changed:
            self._undrawn, self._drawing = self._undrawn - undrawn, time.perf_counter() - began
            self._changed.notify_all()
