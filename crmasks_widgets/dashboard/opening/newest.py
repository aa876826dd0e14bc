"""Work beside the page, of which only the newest of a kind is wanted."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.errors import Cancelled, CrmasksError
from crmasks_widgets.regular_files import stoppable

Result = TypeVar("Result")


class Task:
    """What work in a thread may do: ask whether it is still wanted, and tell how far it is.

    Parameters
    ----------
    dispatcher : Dispatcher
        Gives what is told its turn.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.stopped = threading.Event()

    def go_on(self) -> None:
        """Raise `Cancelled` once nobody waits for the answer any more."""
        if self.stopped.is_set():
            raise Cancelled("stopped; nothing was opened")

    def tell(self, action: Callable[[], object]) -> None:
        """Run an action in its turn, if the answer is still wanted then."""
        self._dispatcher.call(lambda: None if self.stopped.is_set() else action())


class Newest:
    """Does what is asked for in a thread; what is asked for later takes its place.

    Parameters
    ----------
    dispatcher : Dispatcher
        Gives answers their turn.
    executor : ThreadPoolExecutor
        The thread; others may use it, too.
    """

    def __init__(self, dispatcher: Dispatcher, executor: ThreadPoolExecutor) -> None:
        self._dispatcher, self._executor = dispatcher, executor
        self._task, self._ended = Task(dispatcher), threading.Event()
        self._ended.set()
        self._future: Future[Any] | None = None

    def ask(
        self,
        work: Callable[[Task], Result],
        show: Callable[[Result], object],
        fail: Callable[[str], object],
    ) -> None:
        """Do something instead of what is being done.

        Parameters
        ----------
        work : callable
            Runs in the thread.
        show : callable
            Takes the answer, in its turn.
        fail : callable
            Takes what a `CrmasksError` says in place of an answer.
        """
        self.stop()
        task = self._task = Task(self._dispatcher)
        ended = self._ended = threading.Event()

        def over(done: Future[Result]) -> None:
            if not done.cancelled():
                task.tell(partial(_answer, show, fail, done))
            ended.set()

        self._future = self._executor.submit(_stoppable, work, task)
        self._future.add_done_callback(over)

    def stop(self) -> None:
        """Do not wait for the answer any more, and keep nothing of it."""
        self._task.stopped.set()
        if self._future is not None:
            self._future.cancel()
            self._future = None  # which holds the answer

    def wait(self, timeout: float) -> None:
        """Block until there is an answer, for plain Python."""
        self._ended.wait(timeout)
        self._dispatcher.drain()


def _stoppable(work: Callable[[Task], Result], task: Task) -> Result:
    with stoppable(task.go_on):
        return work(task)


def _answer(
    show: Callable[[Any], object], fail: Callable[[str], object], done: Future[Any]
) -> None:
    try:
        answer = done.result()
    except CrmasksError as error:
        fail(str(error))
    else:
        show(answer)
