"""What is to be saved, one after the other, in a thread: files can be large, and disks slow."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.settings.files_parts import Told, account
from crmasks_widgets.errors import Cancelled, CrmasksError


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
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._ended.set()
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
        """Give up what is being saved and what waits; nothing is left half done."""
        self._stopped.set()

    def wait(self, timeout: float | None) -> bool:
        """Block until all is saved, for plain Python; False if it is not."""
        while ended := self._ended.wait(timeout):
            if not self._dispatcher.drain():
                break
        return ended

    def tell(self, text: str) -> None:
        """Say from the thread how it is going.

        Raises
        ------
        Cancelled
            It is to stop.
        """
        if self._stopped.is_set():
            raise Cancelled("stopped; nothing was written")
        self._dispatcher.call(partial(self._report, text))

    def _begin(self, save: Save) -> None:
        self._now = save
        self._stopped.clear()
        self._ended.clear()
        self._report("working…")
        self._changed()
        executor = ThreadPoolExecutor(1, thread_name_prefix="crmasks-files")
        executor.submit(save.work).add_done_callback(partial(self._done, save))
        executor.shutdown(wait=False)

    def _after(self) -> str:
        return f" (then {', '.join(save.name for save in self._waiting)})" if self._waiting else ""

    def _report(self, text: str) -> None:
        if self._now is not None:  # else it is over already
            name = f"{self._now.name}: " if self._over or self._waiting else ""
            self._now.told.say("; ".join([f"{name}{text}{self._after()}", *self._over]))

    def _done(self, save: Save, done: Future[Any]) -> None:
        self._dispatcher.call(partial(self._finish, save, done))
        self._ended.set()

    def _finish(self, save: Save, done: Future[Any]) -> None:
        self._now = None
        given_up = tuple(self._waiting) if self._stopped.is_set() else ()
        for one in given_up:
            self._waiting.remove(one)
        try:
            self._end(save, account(done.result()), failed=False)
        except CrmasksError as error:
            self._end(save, str(error), failed=True)
        finally:
            for one in given_up:
                if one.told is not save.told:
                    one.told.fail("stopped; nothing was written")
            if self._waiting:
                following = self._waiting.popleft()
                if following.told is not save.told:
                    self._over, self._failed = [], False
                self._begin(following)
            self._changed()

    def _end(self, save: Save, text: str, *, failed: bool) -> None:
        self._over, self._failed = [text, *self._over], self._failed or failed
        (save.told.fail if self._failed else save.told.say)("; ".join(self._over))
