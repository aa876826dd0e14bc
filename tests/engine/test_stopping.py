"""Cancel and close answer at once, and leave no thread behind."""

import asyncio
import threading
import time

import pytest

from crmasks_widgets.dashboard.model.engine import Engine

from ..analysis_cases import replace_stage
from .cases import MASKS, SOON, Gate, Seen, submit


def endless(begun):
    """A stage that ends only by its checkpoint."""

    def work(read, *_):
        begun.set()
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            time.sleep(0.02)
            read.checkpoint(0.5)

    return work


def test_cancel_answers_within_a_second(finished, monkeypatch):
    seen, begun = Seen(), threading.Event()
    with seen.engine(finished, order=MASKS) as engine:
        with monkeypatch.context() as patch:
            replace_stage(patch, "masks", endless(begun))
            given_up = submit(engine, dilation=2)
            assert begun.wait(SOON)
            start = time.monotonic()
            engine.cancel()
            assert engine.requested is engine.analysis is finished
            assert engine.wait(SOON)
            assert time.monotonic() - start < 1
        assert ("masks", None) not in given_up.computed()
        assert not seen.errors
        # A slow stage is given up for a newer request as well, and by close.
        submit(engine, dilation=3)
        assert engine.wait(SOON)
        assert engine.analysis.parameters.dilation == 3
        begun.clear()
        replace_stage(monkeypatch, "masks", endless(begun))
        submit(engine, dilation=1)
        assert begun.wait(SOON)
        start = time.monotonic()
    assert time.monotonic() - start < 1


def test_cancel_wins_over_a_last_stage_that_ends_and_a_request_not_begun(finished, monkeypatch):
    seen, gate = Seen(), Gate(monkeypatch, "mediancr", lambda *_: "ended")
    with seen.engine(finished, order=MASKS[:1]) as engine:
        submit(engine, dilation=2)
        assert gate.entered.wait(SOON)
        submit(engine, dilation=3)
        engine.cancel()
        gate.opened.set()
        assert engine.wait(SOON)
        assert engine.analysis is engine.requested is finished
    assert gate.calls == 1
    assert not seen.snapshots


def test_a_closed_engine_tells_nothing_and_takes_nothing(finished):
    seen = Seen()

    async def scene():
        engine = seen.engine(finished, order=MASKS)
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            submit(engine, dilation=2)
        engine = seen.engine(finished, order=MASKS)
        submit(engine, dilation=2)
        assert engine.wait(SOON)
        engine.close()
        engine.close()
        await asyncio.sleep(0.01)

    asyncio.run(scene())
    assert not seen.snapshots


def test_the_thread_begins_with_the_first_request_and_ends_with_the_engine(finished):
    before = threading.active_count()
    with Seen().engine(finished, order=MASKS) as engine:
        assert threading.active_count() == before
        for dilation in (2, 3, 2):
            submit(engine, dilation=dilation)
        assert threading.active_count() == before + 1
        assert engine._thread.daemon
    assert threading.active_count() == before
    assert not engine._thread.is_alive()


def test_a_view_may_submit_and_close(finished):
    def publish(snapshot):
        if snapshot.done and snapshot.analysis.parameters.dilation == 2:
            submit(engine, dilation=3)
        elif snapshot.done:
            engine.close()

    engine = Engine(finished, publish, order=MASKS)
    submit(engine, dilation=2)
    engine._thread.join(SOON)
    assert engine.analysis.parameters.dilation == 3


def test_closing_does_not_wait_for_a_library(finished, monkeypatch):
    gate = Gate(monkeypatch, "masks")
    engine = Engine(finished, lambda _: None, order=MASKS)
    submit(engine, dilation=2)
    assert gate.entered.wait(SOON)
    closing = threading.Thread(target=engine.close)
    closing.start()
    closing.join(SOON)
    assert not closing.is_alive()
    gate.opened.set()
    engine._thread.join(SOON)
    assert not engine._thread.is_alive()
