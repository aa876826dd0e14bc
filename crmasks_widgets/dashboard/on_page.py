"""Which session's widgets the page holds, and when others take their place."""

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakSet

from ipywidgets import Box

from crmasks_widgets.dashboard.session import Session


class OnPage:
    """The place of a dashboard on the page, where one session is seen at a time.

    A session that goes while the page is still making its widgets leaves errors in the browser.
    Another one takes its place once all of it was made: of those asked for meanwhile, the last.

    Parameters
    ----------
    box : ipywidgets.Box
        Where the widgets of the session are put.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._held: Session | None = None
        self._next: Session | None = None
        self._then: list[Callable[[], object]] = []
        self._heard_of: WeakSet[Session] = WeakSet()
        self._seen = self._making = self._leaving = False

    def show(self, session: Session, then: Callable[[], object] = lambda: None) -> None:
        """Put a session on the page as soon as that can be done.

        Parameters
        ----------
        session : Session
            What to see from now on.
        then : callable, optional
            Called once it was put there.
        """
        if session not in self._heard_of:
            self._heard_of.add(session)
            session.page.on_msg(partial(self._take_turn, session))
        self._next = session
        self._then.append(then)
        if not self._making:
            self._change()
        elif self._held is not None and self._next is not self._held:
            self._leaving = True
            self._held.page.send({"event": "leaves"})

    def close(self) -> None:
        """Call what waits: the page goes."""
        self._call_waiting()

    def _call_waiting(self) -> None:
        waiting, self._then = self._then, []
        for then in waiting:
            then()

    def _change(self) -> None:
        if self._next is not self._held:
            self._held = self._next
            self._making = self._seen
            self._box.children = () if self._held is None else self._held.widgets
        elif self._leaving and self._held is not None:
            self._held.page.send({"event": "stays"})
        self._leaving = False
        self._call_waiting()

    def _take_turn(self, session: Session, _: object, content: dict[str, Any], __: object) -> None:
        # Of a session that has stopped, too, whose own gestures nobody hears any more.
        session.dispatcher.call(partial(self._heard, session, content))

    def _heard(self, session: Session, content: dict[str, Any]) -> None:
        if session is not self._held:
            return
        if content.get("event") == "begun":
            self._making = True
        elif content.get("event") == "made":
            self._seen, self._making = True, False
            self._change()
