"""What the worker tells: in which order, on which thread, and nothing stale."""

import asyncio
import threading
import time

import crmasks_widgets as cm
from crmasks_widgets.dashboard.model import engine as engine_module
from crmasks_widgets.dashboard.model.engine import Engine, default_order

from ..analysis_cases import BASE, assert_same, replace_stage
from .cases import MASKS, SOON, Seen, submit


def test_everything_is_published_in_the_order_of_work(exposures):
    seen = Seen()
    with seen.engine(cm.Analysis(exposures, BASE)) as engine:
        given = engine.analysis
        assert engine.wait(0)
        wanted = submit(engine, dilation=2)
        assert engine.wait(SOON)
        assert engine.analysis is engine.requested is wanted
    assert not given.computed()
    assert not seen.errors
    order = default_order(wanted)
    assert [(s.stage, s.target) for s in seen.snapshots] == list(order)
    assert order[:3] == (("flags", "median"), ("mediancr", None), ("hits", None))
    assert set(order) <= wanted.computed()
    assert [s.done for s in seen.snapshots] == [False] * (len(order) - 1) + [True]
    assert all(s.analysis is wanted for s in seen.snapshots)
    for values in ([s.fraction for s in seen.snapshots], [s.elapsed for s in seen.snapshots]):
        assert values == sorted(values)
    assert seen.snapshots[-1].fraction == 1
    assert 0 < seen.snapshots[-1].elapsed < SOON
    assert_same(wanted.masks, cm.Analysis(exposures, BASE.replace(dilation=2)).masks)


def test_what_is_on_screen_comes_first_and_may_change(finished):
    seen = Seen()
    with seen.engine(finished, order=(("flags", 2), ("mediancr", None))) as engine:
        submit(engine, dilation=2)
        assert engine.wait(SOON)
        engine.order = (("combination", "meancr"),)
        submit(engine)
        assert engine.wait(SOON)
    # The flags were known, and are on screen.
    assert [(s.stage, s.target, s.done) for s in seen.snapshots] == [
        ("mediancr", None, True), ("combination", "meancr", True),
    ]  # fmt: skip


def test_a_stale_result_that_waits_for_the_loop_is_not_published(finished):
    seen = Seen()

    async def scene():
        with seen.engine(finished, order=MASKS) as engine:
            submit(engine, dilation=2)
            # The loop is kept busy here until the worker has finished and told so.
            assert engine.wait(SOON)
            assert not seen.snapshots
            newer = submit(engine, dilation=3)
            await asyncio.to_thread(engine.wait, SOON)
            assert {s.analysis for s in seen.snapshots} == {newer}
            assert seen.snapshots[-1].done

    asyncio.run(scene())


def test_only_the_newest_of_what_waits_for_the_loop_is_published(finished):
    seen = Seen()

    async def scene():
        with seen.engine(finished) as engine:
            submit(engine, mm_threshold=20.0)
            assert engine.wait(SOON)
            await asyncio.sleep(0.01)

    asyncio.run(scene())
    assert [s.done for s in seen.snapshots] == [True]


def test_the_worker_lets_a_result_be_drawn_before_it_goes_on(finished):
    meanwhile = []

    def publish(snapshot):
        before = snapshot.analysis.computed()
        time.sleep(0.02)  # longer than a stage takes
        meanwhile.append(snapshot.analysis.computed() - before)

    async def scene():
        with Engine(finished, publish, order=MASKS) as engine:
            submit(engine, mm_threshold=20.0)
            while len(meanwhile) < len(MASKS):
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scene(), SOON))
    assert meanwhile == [frozenset()] * len(MASKS)


def test_everything_is_told_on_the_thread_of_the_loop(exposures, monkeypatch):
    monkeypatch.setattr(engine_module, "PROGRESS_INTERVAL", 0.0)
    seen = Seen()

    async def scene():
        with seen.engine(cm.Analysis(exposures, BASE)) as engine:
            submit(engine)
            assert await asyncio.to_thread(engine.wait, SOON)
            submit(engine, mm_simulation="exact", mm_xy_offsets=((0, 0), (0.3, 0), (0, 0)))
            assert await asyncio.to_thread(engine.wait, SOON)

    asyncio.run(scene())
    assert seen.threads == {threading.get_ident()}
    assert seen.snapshots[-1].done
    assert seen.progress
    assert len(seen.errors) == 1


def test_without_a_loop_the_worker_tells(finished):
    seen = Seen()
    with seen.engine(finished, order=MASKS) as engine:
        submit(engine, dilation=2)
        assert engine.wait(SOON)
    assert len(seen.threads) == 1
    assert seen.threads != {threading.get_ident()}


def test_a_loop_that_is_given_or_closed(finished):
    seen, loop = Seen(), asyncio.new_event_loop()
    with seen.engine(finished, loop=loop, order=MASKS) as engine:
        submit(engine, dilation=2)
        assert engine.wait(SOON)
        assert not seen.snapshots
        loop.run_until_complete(asyncio.sleep(0))
        assert seen.snapshots[-1].done
        loop.close()
        submit(engine, dilation=3)
        assert engine.wait(SOON)
        assert engine.analysis.parameters.dilation == 3


def test_what_is_logged_is_followed_without_waiting_for_who_logs_elsewhere(finished):
    with Engine(finished, lambda _: None) as engine, engine._changed:
        asks = threading.Thread(target=engine.holds)
        asks.start()
        asks.join(10)
        assert not asks.is_alive()


def test_progress_never_goes_back(exposures, monkeypatch):
    monkeypatch.setattr(engine_module, "PROGRESS_INTERVAL", 0.0)
    seen, told = Seen(), []
    with Engine(
        cm.Analysis(exposures, BASE),
        lambda snapshot: told.append(snapshot.fraction),
        on_progress=lambda fraction, stage: told.append(fraction) or seen.progress.append(stage),
    ) as engine:
        submit(engine)
        assert engine.wait(SOON)
    assert told == sorted(told)
    assert len(set(told)) > 20
    assert told[0] > 0
    assert told[-1] == 1
    assert set(seen.progress) == {"flags", "hits"}


def test_progress_is_told_twenty_times_a_second_at_most(finished, monkeypatch):
    seen, spent = Seen(), []

    def hasty(read, *_):
        start = time.monotonic()
        while (now := time.monotonic()) < start + 0.3 or len(seen.progress) < 3:
            assert now < start + SOON
            read.checkpoint(0.5)
        spent.append(now - start)

    replace_stage(monkeypatch, "mediancr", hasty)
    with seen.engine(finished, order=MASKS[:1]) as engine:
        submit(engine, dilation=2)
        assert engine.wait(SOON)
    # Two more than whole intervals: the first, and one after the last look at the clock.
    assert 3 <= len(seen.progress) <= 20 * spent[0] + 2
