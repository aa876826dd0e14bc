"""What is to be saved, one after the other, in a thread: files can be large, and disks slow."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
    """

    name: str
    work: Callable[[], Any]
    told: Told


class SaveQueue:
    """Saves one thing after the other, and says so.

    Parameters
    ----------
    dispatcher : Dispatcher
        Gives each callback its turn.
    changed : callable
        Called when something begins, waits or ends.
    """

    def __init__(self, dispatcher: Dispatcher, changed: Callable[[], object]) -> None:
        self._dispatcher, self._changed = dispatcher, changed
        # Whether the thread is to stop, whether it has ended, and whether nothing follows it.
        self._stopped, self._written = threading.Event(), threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._came: deque[tuple[Save, Future[Any]]] = deque()
        self._now: Save | None = None
        self._waiting: deque[Save] = deque()
        # What ended on the line that is told now, the newest first; whether any of it failed.
        self._over: list[str] = []
        self._failed = False

    @property
    def busy(self) -> bool:
        """Whether anything is being saved."""
        return self._now is not None

    def holds(self, told: Told) -> bool:
        """Whether something is saved, or waits, that tells here."""
        return any(save.told is told for save in (self._now, *self._waiting) if save is not None)

    def add(self, save: Save) -> None:
        """Save something once all before it is done."""
        if self._now is None:
            self._over, self._failed = [], False
            self._begin(save)
            return
        self._waiting.append(save)
        if save.told is self._now.told:
            save.told.say(f"{self._now.name}: working…{self._after()}")
        else:
            before = [self._now.name, *(one.name for one in self._waiting)][:-1]
            save.told.say(f"waits until this is written: {', '.join(before)}")
        self._changed()

    def stop(self) -> None:
        """Give up what is being saved and what waits now; nothing is left half done."""
        if self._now is None:
            return
        self._stopped.set()
        given_up, self._waiting = tuple(self._waiting), deque()
        for told in dict.fromkeys(save.told for save in given_up):
            names = [save.name for save in given_up if save.told is told]
            if told is self._now.told:  # told of with what is being saved, once that has ended
                self._over, self._failed = [f"{', '.join(names)}: {_STOPPED}", *self._over], True
            else:
                told.fail(f"{', '.join(names)}: {_STOPPED}" if len(names) > 1 else _STOPPED)
        self._changed()

    def wait(self, timeout: float | None) -> bool:
        """Block until all is saved, for plain Python; False if it is not."""
        if self._dispatcher.elsewhere:
            return self._idle.wait(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while self._now is not None:
            if not self._written.wait(None if end is None else max(0.0, end - time.monotonic())):
                return False
            # The loop, if there is one, is held up by this: nobody else would go on.
            self._dispatcher.call(self._go_on)
            self._dispatcher.drain()
        return True

    def tell(self, text: str) -> None:
        """Say from the thread how it is going.

        Raises
        ------
        Cancelled
            It is to stop.
        """
        if self._stopped.is_set():
            raise Cancelled(_STOPPED)
        self._dispatcher.call(partial(self._report, self._now, text))

    def _begin(self, save: Save) -> None:
        self._now = save
        self._stopped.clear()
        self._idle.clear()
        written = self._written = threading.Event()
        self._report(save, "working…")
        self._changed()
        executor = ThreadPoolExecutor(1, thread_name_prefix="crmasks-files")
        executor.submit(save.work).add_done_callback(partial(self._done, save, written))
        executor.shutdown(wait=False)

    def _after(self) -> str:
        return f" (then {', '.join(save.name for save in self._waiting)})" if self._waiting else ""

    def _report(self, save: Save | None, text: str) -> None:
        if save is not None and save is self._now:  # else it is over already
            name = f"{save.name}: " if self._over or self._waiting else ""
            save.told.say("; ".join([f"{name}{text}{self._after()}", *self._over]))

    def _done(self, save: Save, written: threading.Event, done: Future[Any]) -> None:
        self._came.append((save, done))
        self._dispatcher.call(self._go_on)
        written.set()

    def _go_on(self) -> None:
        """Tell of what has been written, and begin what follows it."""
        while self._came:
            self._finish(*self._came.popleft())

    def _finish(self, save: Save, done: Future[Any]) -> None:
        self._now, error = None, done.exception()
        try:
            if error is None:
                self._end(save, account(done.result()), failed=False)
            else:
                self._end(save, _why(error), failed=True)
        finally:
            if self._waiting:
                following = self._waiting.popleft()
                if following.told is not save.told:
                    self._over, self._failed = [], False
                self._begin(following)
            else:
                self._idle.set()
            self._changed()
        if error is not None and not isinstance(error, CrmasksError):
            raise error

    def _end(self, save: Save, text: str, *, failed: bool) -> None:
        self._over, self._failed = [text, *self._over], self._failed or failed
        (save.told.fail if self._failed else save.told.say)("; ".join(self._over))


def _why(error: BaseException) -> str:
    """Say what was wrong to a user who has a tick box, not a command line."""
    if isinstance(error, ProductExistsError):
        return on_one_line(error.asking_for(f"a tick at \u201c{REPLACE}\u201d"))
    return what_was_wrong(error)
