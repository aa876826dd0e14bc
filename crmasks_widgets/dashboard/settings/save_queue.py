"""What is to be saved, one after the other, in a thread: files can be large, and disks slow."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.settings.files_parts import Told, account
from crmasks_widgets.errors import (
    Cancelled,
    CrmasksError,
    ProductExistsError,
    on_one_line,
    what_was_wrong,
)

logger = logging.getLogger(__name__)

REPLACE: Final = "replace existing files"
"""Words of the tick box that lets files be replaced."""
_STOPPED: Final = "stopped; nothing was written"


@dataclass(frozen=True)
class Save:
    """Something to be saved.

    Attributes
    ----------
    name : str
        A word for it.
    work : callable
        Writes it, and returns what was written.
    told : Told
        Shows how it is going.
    home : Told, optional
        The line at the bottom of the page that `told` is on.
    """

    name: str
    work: Callable[[], Any]
    told: Told
    home: Told | None = None


@dataclass(eq=False)
class _Turn:
    save: Save
    stopped: threading.Event = field(default_factory=threading.Event)
    done: Future[Any] = field(default_factory=Future)

    @property
    def name(self) -> str:
        return self.save.name

    @property
    def told(self) -> Told:
        return self.save.told


class SaveQueue:
    """Saves one thing after the other, and says so.

    What was asked for is written even if other files are opened, or the dashboard is closed, before
    its turn comes: the thread goes through what waits by itself.

    Parameters
    ----------
    dispatcher : Dispatcher
        Gives each callback its turn.
    on_screen : callable, optional
        Returns the line at the bottom of the page that is on screen: it is told, too, of what was
        asked for on another one.
    """

    def __init__(
        self, dispatcher: Dispatcher, on_screen: Callable[[], Told | None] = lambda: None
    ) -> None:
        self._dispatcher, self._on_screen = dispatcher, on_screen
        self._listeners: list[Callable[[], object]] = []
        # Whether something ended that was not told of yet, and whether nothing is being saved.
        self._ended, self._idle = threading.Event(), threading.Event()
        self._idle.set()
        self._came: deque[tuple[_Turn, Future[Any]]] = deque()
        self._executor: ThreadPoolExecutor | None = None
        # What the page says is being saved, and waits; the thread may be further.
        self._now: _Turn | None = None
        self._waiting: deque[_Turn] = deque()
        self._in_thread: _Turn | None = None
        # What ended on the line that is told now, the newest first; whether any of it failed.
        self._over: list[str] = []
        self._failed = self._closed = False

    def subscribe(self, listener: Callable[[], object]) -> None:
        """Call `listener` when something begins, waits or ends."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], object]) -> None:
        """Call it no more."""
        self._listeners = [each for each in self._listeners if each != listener]

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    @property
    def busy(self) -> bool:
        """Whether anything is being saved."""
        return self._now is not None

    def holds(self, told: Told) -> bool:
        """Whether something is saved, or waits, that tells here."""
        return any(turn.told is told for turn in (self._now, *self._waiting) if turn is not None)

    def add(self, save: Save) -> None:
        """Save something once all before it is done."""
        turn = _Turn(save)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="crmasks-files")
        if self._now is None:
            self._over, self._failed = [], False
            self._begin(turn)
        else:
            self._waiting.append(turn)
            if turn.told is self._now.told:
                self._say(turn, f"{self._now.name}: working…{self._after()}")
            else:
                before = [self._now.name, *(one.name for one in self._waiting)][:-1]
                self._say(turn, f"waits until this is written: {', '.join(before)}")
            self._changed()
        turn.done = self._executor.submit(self._write, turn)
        turn.done.add_done_callback(partial(self._done, turn))

    def stop(self) -> None:
        """Give up what is being saved and what waits now; nothing is left half done."""
        if self._now is None:
            return
        given_up = [turn for turn in self._waiting if turn.done.cancel()]
        # The thread may be further than the page says.
        self._waiting = deque(turn for turn in self._waiting if turn not in given_up)
        for turn in (self._now, *self._waiting):
            turn.stopped.set()
        for told in dict.fromkeys(turn.told for turn in given_up):
            turns = [turn for turn in given_up if turn.told is told]
            names = ", ".join(turn.name for turn in turns)
            if told is self._now.told:  # told of with what is being saved, once that has ended
                self._over, self._failed = [f"{names}: {_STOPPED}", *self._over], True
            else:
                text = f"{names}: {_STOPPED}" if len(turns) > 1 else _STOPPED
                self._say(turns[-1], text, failed=True)
        self._changed()

    def wait(self, timeout: float | None) -> bool:
        """Block until all is saved, for plain Python; False if it is not."""
        if self._dispatcher.elsewhere:
            return self._idle.wait(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while self._now is not None:
            if not self._ended.wait(None if end is None else max(0.0, end - time.monotonic())):
                return False
            self._ended.clear()
            # The loop, if there is one, is held up by this: nobody else would tell of it.
            self._dispatcher.call(self._go_on)
            self._dispatcher.drain()
        return True

    def close(self) -> None:
        """No page is left to be told: what goes wrong from now on is logged."""
        self._closed = True

    # In the thread ----------------------------------------------------------------------------

    def _write(self, turn: _Turn) -> Any:
        self._in_thread = turn
        self._check(turn)
        return turn.save.work()

    def _check(self, turn: _Turn) -> None:
        if turn.stopped.is_set():
            raise Cancelled(_STOPPED)

    def tell(self, text: str) -> None:
        """Say from the thread how it is going.

        Raises
        ------
        Cancelled
            It is to stop.
        """
        turn = self._in_thread
        if turn is not None:
            self._check(turn)
            self._dispatcher.call(partial(self._report, turn, text))

    def _done(self, turn: _Turn, done: Future[Any]) -> None:
        if done.cancelled():  # told of by who did
            return
        self._in_thread = None
        if self._closed and (error := done.exception()) is not None:
            logger.warning("%s: %s", turn.name, what_was_wrong(error))
        self._came.append((turn, done))
        self._dispatcher.call(self._go_on)
        self._ended.set()

    # In the dispatcher's turn -----------------------------------------------------------------

    def _begin(self, turn: _Turn) -> None:
        self._now = turn
        self._idle.clear()
        self._report(turn, "working…")
        self._changed()

    def _after(self) -> str:
        return f" (then {', '.join(turn.name for turn in self._waiting)})" if self._waiting else ""

    def _report(self, turn: _Turn, text: str) -> None:
        if turn is self._now:  # else it is over already
            name = f"{turn.name}: " if self._over or self._waiting else ""
            self._say(turn, "; ".join([f"{name}{text}{self._after()}", *self._over]))

    def _say(self, turn: _Turn, text: str, *, failed: bool = False) -> None:
        (turn.told.fail if failed else turn.told.say)(text)
        screen = self._on_screen()
        if screen is not None and screen is not turn.save.home:
            named = text if text.startswith(turn.name) else f"{turn.name}: {text}"
            (screen.fail if failed else screen.say)(named)

    def _go_on(self) -> None:
        """Tell of what has been written, and of what follows it."""
        while self._came:
            self._finish(*self._came.popleft())

    def _finish(self, turn: _Turn, done: Future[Any]) -> None:
        self._now, error = None, done.exception()
        try:
            if error is None:
                self._end(turn, account(done.result()), failed=False)
            else:
                self._end(turn, _why(error), failed=True)
        finally:
            if self._waiting:
                following = self._waiting.popleft()
                if following.told is not turn.told:
                    self._over, self._failed = [], False
                self._begin(following)
            else:
                if self._executor is not None:
                    self._executor.shutdown(wait=False)
                self._executor = None
                self._idle.set()
            self._changed()
        if error is not None and not isinstance(error, CrmasksError):
            raise error

    def _end(self, turn: _Turn, text: str, *, failed: bool) -> None:
        self._over, self._failed = [text, *self._over], self._failed or failed
        self._say(turn, "; ".join(self._over), failed=self._failed)


def _why(error: BaseException) -> str:
    """Say what was wrong to a user who has a tick box, not a command line."""
    if isinstance(error, ProductExistsError):
        return on_one_line(error.asking_for(f"a tick at \u201c{REPLACE}\u201d"))
    return what_was_wrong(error)
