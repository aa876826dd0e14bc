"""Gestures and results take turns: each runs on the kernel's loop, one after the other."""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from crmasks_widgets.errors import CrmasksError, what_was_wrong

logger = logging.getLogger(__name__)


class Dispatcher:
    """Runs callbacks in turn, wherever they come from, and shows what goes wrong in them.

    JupyterLab runs some callbacks of widgets in other threads. All that touches the state of a
    dashboard goes through here: to the kernel's loop where there is one. In plain Python what
    comes from another thread waits for `drain`.

    Parameters
    ----------
    show_error : callable
        Called with one line for the user.
    """

    def __init__(self, show_error: Callable[[str], None]) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):
            self.loop = asyncio.get_running_loop()
        self._show_error = show_error
        self._thread = threading.get_ident()
        self._from_elsewhere: deque[Callable[[], object]] = deque()
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._stopped = False

    def call(self, action: Callable[[], object]) -> None:
        """Run an action when it is its turn: now, if this is the dashboard's own thread.

        Parameters
        ----------
        action : callable
            An error in it is shown, and changes nothing else.
        """
        if self._at_home():
            self._run(action)
        elif self.loop is None:
            self._from_elsewhere.append(action)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._run, action)

    @property
    def elsewhere(self) -> bool:
        """Whether there is a loop, and what asks does not run on it."""
        return self.loop is not None and not self._at_home()

    def drain(self) -> bool:
        """Without a loop, run what came from other threads; False if nothing did."""
        came = bool(self._from_elsewhere)
        while self._from_elsewhere:
            self._run(self._from_elsewhere.popleft())
        return came

    def handler(self, action: Callable[..., object]) -> Callable[..., None]:
        """Make the callback of a widget, which takes its turn.

        Since it may run later than the gesture, `action` should read the widget, not the event.

        Parameters
        ----------
        action : callable
            Takes what the widget passes.

        Returns
        -------
        callable
            To be given to ``observe``, ``on_click`` or ``on_msg``.
        """

        @wraps(action)
        def take_turn(*arguments: Any, **named: Any) -> None:
            self.call(partial(self._unless_stopped, partial(action, *arguments, **named)))

        return take_turn

    def later(self, key: str, delay: float, action: Callable[[], object]) -> None:
        """Run an action once nothing newer of the same key came for a while.

        Parameters
        ----------
        key : str
            A newer call replaces the waiting one of its key.
        delay : float
            Seconds; without a loop the action runs at once.
        action : callable
            What to do.
        """
        self.call(partial(self._postpone, key, delay, action))

    def stop(self) -> None:
        """Drop what waits for its time, and hear no gesture any more; results still come."""
        self._stopped = True
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()

    def _unless_stopped(self, action: Callable[[], object]) -> None:
        if not self._stopped:
            action()

    def _postpone(self, key: str, delay: float, action: Callable[[], object]) -> None:
        if self._stopped:
            return
        if self.loop is None:
            self._run(action)
            return
        if key in self._waiting:
            self._waiting.pop(key).cancel()
        self._waiting[key] = self.loop.call_later(delay, self._run_waiting, key, action)

    def _run_waiting(self, key: str, action: Callable[[], object]) -> None:
        self._waiting.pop(key, None)
        self._run(action)

    def _at_home(self) -> bool:
        if self.loop is None:
            return threading.get_ident() == self._thread
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def _run(self, action: Callable[[], object]) -> None:
        # The one broad guard of the dashboard: JupyterLab shows nothing of an exception in a
        # callback, so it has to be shown here.
        try:
            action()
        except CrmasksError as error:
            self._show_error(str(error))
        except Exception as error:
            logger.exception("error in a callback")
            self._show_error(what_was_wrong(error))
