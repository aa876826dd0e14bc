"""The dispatcher: in turn on the loop, whoever calls; errors are shown; `later` waits."""

import asyncio
import logging
import threading
from functools import partial

from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.errors import CrmasksError

WAIT = 0.02


class Timers:
    """Timers of a loop that go off when a test says so: a busy machine is late by any time."""

    def __init__(self, loop):
        self._loop, self.waiting = loop, []
        loop.call_later = self._take

    def _take(self, delay, action, *arguments):
        self.waiting.append(asyncio.TimerHandle(delay, action, arguments, self._loop))
        return self.waiting[-1]

    def go_off(self):
        """Let those that were not cancelled do their work; how long they were to wait."""
        due = [timer for timer in self.waiting if not timer.cancelled()]
        self.waiting = []
        for timer in due:
            timer._run()
        return {timer.when() for timer in due}


def test_calls_of_other_threads_run_on_the_loop_in_order():
    async def main():
        ran, shown = [], []
        dispatcher = Dispatcher(shown.append)
        here = threading.get_ident()

        def callbacks(name):
            for i in range(200):
                dispatcher.call(lambda i=i: ran.append((name, i, threading.get_ident())))

        threads = [threading.Thread(target=callbacks, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        assert {ident for *_, ident in ran} == {here}
        for name in "ab":
            assert [i for n, i, _ in ran if n == name] == list(range(200))
        assert shown == []

    asyncio.run(main())


def test_a_call_on_the_loop_runs_at_once():
    async def main():
        ran = []
        Dispatcher(ran.append).call(lambda: ran.append("now"))
        assert ran == ["now"]

    asyncio.run(main())


def test_another_loop_is_another_thread():
    """JupyterLab's subshells have loops of their own."""

    async def main():
        ran = []
        dispatcher = Dispatcher(ran.append)
        here = threading.get_ident()

        async def elsewhere():
            dispatcher.call(lambda: ran.append(threading.get_ident()))

        await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
        await asyncio.sleep(WAIT)
        assert ran == [here]

    asyncio.run(main())


def test_without_a_loop_calls_of_other_threads_wait_and_run_in_order():
    ran, here = [], threading.get_ident()
    dispatcher = Dispatcher(ran.append)

    def elsewhere():
        for number in range(50):
            dispatcher.call(partial(note, number))

    def note(number):
        assert threading.get_ident() == here
        ran.append(number)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    dispatcher.call(lambda: ran.append("mine"))
    assert ran == ["mine"]
    assert dispatcher.drain()
    assert ran == ["mine", *range(50)]
    assert not dispatcher.drain()


def test_an_action_may_call_again():
    ran = []
    dispatcher = Dispatcher(ran.append)
    dispatcher.call(lambda: dispatcher.call(lambda: ran.append("inner")))
    assert ran == ["inner"]


def test_errors_are_shown_and_what_follows_still_runs(caplog):
    shown, ran = [], []
    dispatcher = Dispatcher(shown.append)

    def refuse():
        raise CrmasksError("dilation: found -1, expected an integer of at least 0")

    def fail():
        raise RuntimeError("boom")

    dispatcher.call(refuse)
    assert caplog.records == []  # a user's mistake is nothing for the log
    with caplog.at_level(logging.ERROR):
        dispatcher.call(fail)
    dispatcher.call(lambda: ran.append(1))
    assert shown == [
        "dilation: found -1, expected an integer of at least 0", "unexpected RuntimeError: boom",
    ]  # fmt: skip
    assert ran == [1]
    assert "boom" in caplog.text


def test_handler_passes_what_the_widget_gives():
    seen = []
    handler = Dispatcher(seen.append).handler(lambda *given, **named: seen.append((given, named)))
    handler("change", buffers=[])
    assert seen == [(("change",), {"buffers": []})]


def test_later_runs_the_newest_once():
    async def main():
        ran = []
        dispatcher, timers = Dispatcher(ran.append), Timers(asyncio.get_running_loop())
        for i in range(10):
            dispatcher.later("zoom", WAIT, lambda i=i: ran.append(i))
            dispatcher.later("other", WAIT, lambda i=i: ran.append(100 + i))
        await asyncio.to_thread(
            lambda: [dispatcher.later("thread", WAIT, lambda i=i: ran.append(i)) for i in (7, 8)]
        )
        assert ran == []
        assert timers.go_off() == {WAIT}
        assert sorted(ran) == [8, 9, 109]
        dispatcher.later("zoom", WAIT, lambda: ran.append("again"))
        timers.go_off()
        assert ran[-1] == "again"

    asyncio.run(main())


def test_stop_drops_what_waits():
    async def main():
        ran = []
        dispatcher = Dispatcher(ran.append)
        dispatcher.later("zoom", WAIT, lambda: ran.append(1))
        dispatcher.stop()
        await asyncio.sleep(5 * WAIT)
        assert ran == []

    asyncio.run(main())


def test_later_without_a_loop_runs_at_once():
    ran = []
    Dispatcher(ran.append).later("zoom", 60, lambda: ran.append(1))
    assert ran == [1]


def test_errors_of_later_are_shown():
    async def main():
        shown = []
        dispatcher = Dispatcher(shown.append)

        def fail():
            raise CrmasksError("no")

        dispatcher.later("zoom", WAIT, fail)
        await asyncio.sleep(2 * WAIT)
        assert shown == ["no"]

    asyncio.run(main())


def test_nothing_happens_when_the_loop_is_gone():
    made = []

    async def main():
        made.append(Dispatcher(made.append))

    asyncio.run(main())
    made[0].call(lambda: made.append("ran"))
    assert len(made) == 1
