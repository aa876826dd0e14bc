"""The dashboard's worker: newest request wins, nothing stale is shown, nothing is left behind."""

import asyncio
import gc
import threading
import time
import weakref
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES
from crmasks_widgets.dashboard.model import engine as engine_module
from crmasks_widgets.dashboard.model.engine import Engine, default_order
from crmasks_widgets.simulate import Detector, Hits, fibre_spectrograph

from .counts import count

SOON = 20.0  # s; only a broken engine needs it
BASE = cm.Parameters(
    rnoise=3.4, gain=1.5, bias=200.0, mm_nsimulations=1, mm_seed=3, la_niter=2, interactive=False
)
MASKS = (("mediancr", None), ("hits", None), ("masks", None))
CHOICES = MappingProxyType({
    "la_sigclip": (4.5, 5.0, 8.0), "la_objlim": (2.0, 5.0), "la_niter": (1, 2),
    "dilation": (0, 1, 2), "mm_threshold": (0.0, 30.0, 60.0), "gain": (1.5, 1.7),
    "crmethod": ("mm_lacosmic", "mmcosmic", "lacosmic"), "la_satlevel": (3000.0, 65535.0),
    "mm_minimum_max2d_rnoise": (5.0, 9.0), "mm_weight_boundary_extension": (3.0, 10.0),
    "pixels_to_be_flagged_as_cr": (((5, 7),), ((9, 9), (1, 1))), "mm_knots_splfit": (2, 3),
})  # fmt: skip


@pytest.fixture(scope="module")
def exposures():
    scene = fibre_spectrograph(
        (60, 72), seed=4, detector=Detector(1.5, 3.4, 200.0), hits=Hits(rate=4000, double=6)
    )
    return cm.ExposureSet.from_arrays(list(scene.exposures))


@pytest.fixture(scope="module")
def finished(exposures):
    """An analysis with every result, so that most tests compute next to nothing."""
    analysis = cm.Analysis(exposures, BASE)
    for key in default_order(analysis):
        analysis.result(*key)
    return analysis


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    assert not [t.name for t in threading.enumerate() if t.name == "crmasks"]


class Seen:
    """What an engine tells, and in which thread."""

    def __init__(self):
        self.snapshots, self.progress, self.errors, self.threads = [], [], [], set()

    def publish(self, snapshot):
        self.threads.add(threading.get_ident())
        self.snapshots.append(snapshot)

    def on_progress(self, fraction, stage):
        self.threads.add(threading.get_ident())
        self.progress.append((fraction, stage))

    def on_error(self, error, failed):
        assert isinstance(failed, cm.Analysis)
        self.threads.add(threading.get_ident())
        self.errors.append(error)

    def engine(self, analysis, **options):
        told = {"on_progress": self.on_progress, "on_error": self.on_error}
        return Engine(analysis, self.publish, **(told | options))


def submit(engine, **changes):
    """Ask for other parameters than those asked for last."""
    return engine.submit(engine.requested.parameters.replace(**changes))


class Gate:
    """Stands in for a stage: says when it is entered and waits to be opened."""

    def __init__(self, monkeypatch, stage, work=None):
        self.entered, self.opened, self.calls = threading.Event(), threading.Event(), 0
        self._work = work or STAGES[stage].compute
        replace_stage(monkeypatch, stage, self)

    def __call__(self, *arguments):
        self.calls += 1
        self.entered.set()
        assert self.opened.wait(SOON)
        return self._work(*arguments)


def replace_stage(monkeypatch, stage, function):
    row = replace(STAGES[stage], compute=function)
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", {**STAGES, stage: row})


def assert_same_masks(one, other):
    assert one.masks.keys() == other.masks.keys()
    for name, mask in other.masks.items():
        np.testing.assert_array_equal(one.masks[name], mask, err_msg=name)


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
    assert_same_masks(wanted, cm.Analysis(exposures, BASE.replace(dilation=2)))


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


def test_finished_stages_are_not_computed_again(finished, monkeypatch):
    calls = []

    def counted(name, row):
        return replace(row, compute=lambda *given: calls.append(name) or row.compute(*given))

    counting = {name: counted(name, row) for name, row in STAGES.items()}
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", counting)
    with Seen().engine(finished, order=MASKS) as engine:
        submit(engine, dilation=3)
        assert engine.wait(SOON)
    assert sorted(calls) == ["found", "hits", "labels", "listed", "masks", "mediancr"]


def test_what_is_logged_is_followed_without_waiting_for_who_logs_elsewhere(finished):
    with Engine(finished, lambda _: None) as engine, engine._changed:
        asks = threading.Thread(target=engine.holds)
        asks.start()
        asks.join(10)
        assert not asks.is_alive()


def test_the_newest_request_wins_and_changes_add_up(finished, monkeypatch):
    seen, gate = Seen(), Gate(monkeypatch, "mediancr")
    with seen.engine(finished) as engine:
        first = submit(engine, dilation=2)
        assert gate.entered.wait(SOON)
        second = submit(engine, mm_threshold=40.0)
        third = submit(engine, la_sigclip=8.0)
        assert engine.requested is third
        assert engine.analysis is finished
        gate.opened.set()
        assert engine.wait(SOON)
        assert engine.analysis is third
    expected = BASE.replace(dilation=2, mm_threshold=40.0, la_sigclip=8.0)
    assert third.parameters == expected
    assert gate.calls == 2  # never for the second
    assert not {("mediancr", None), ("masks", None)} & second.computed()
    assert not {("hits", None), ("masks", None)} & first.computed()
    assert {s.analysis for s in seen.snapshots if s.stage != "flags"} == {third}
    assert not seen.errors
    assert_same_masks(third, cm.Analysis(finished.exposures, expected))


def test_unwanted_work_stops_where_the_next_stage_begins(finished, monkeypatch):
    """Inside a part of the order, too: hits needs labels, which need what is listed."""
    gate = Gate(monkeypatch, "listed")
    with Seen().engine(finished, order=(("hits", None),)) as engine:
        given_up = submit(engine, dilation=2)
        assert gate.entered.wait(SOON)
        engine.cancel()
        gate.opened.set()
        assert engine.wait(SOON)
    assert ("flags", "median") in given_up.computed()
    assert not {"labels", "hits"} & {stage for stage, _ in given_up.computed()}


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


@pytest.mark.slow
def test_bursts_of_changes_end_in_the_masks_of_a_direct_computation(exposures):
    dice, seen, sizes, asked = np.random.default_rng(8), Seen(), set(), []
    threads = threading.active_count()
    with seen.engine(cm.Analysis(exposures, BASE), order=MASKS) as engine:
        for _ in range(count(20, 1000)):
            for _ in range(dice.integers(1, 6)):
                name, values = list(CHOICES.items())[dice.integers(len(CHOICES))]
                requested = submit(engine, **{name: values[dice.integers(len(values))]})
                asked.append(weakref.ref(requested))
                time.sleep((0, 0, 0.001, 0.02)[dice.integers(4)])
            if dice.random() < 0.15:
                engine.cancel()
                requested = engine.requested
                assert requested is engine.analysis
                submit(engine)
            assert engine.wait(SOON)
            assert engine.analysis is engine.requested
            assert engine.analysis.parameters == requested.parameters
            assert_same_masks(engine.analysis, cm.Analysis(exposures, engine.analysis.parameters))
            sizes.add(len(engine.analysis._results))
            seen.snapshots.clear()
        assert threading.active_count() <= threads + 1
        del requested
        gc.collect()
        # No analysis that anyone asked for is still there, but the last.
        assert {id(ref()) for ref in asked if ref() is not None} <= {id(engine.analysis)}
    assert threading.active_count() == threads
    assert not seen.errors
    # 18 stages, of which five have a target for each of five frames.
    assert max(sizes) < 60


def test_undo_submits_all_parameters(finished):
    states = [
        BASE, BASE.replace(mm_threshold=45.0),
        BASE.replace(mm_threshold=None, mm_threshold_rnoise=3.0),
        BASE.replace(mm_threshold=None, mm_threshold_rnoise=3.0, dilation=0),
        BASE.replace(crmethod="mmcosmic"), BASE.replace(use_lamedian=True, la_sigclip=7.0),
        BASE.replace(pixels_to_be_flagged_as_cr=((5, 7),)),
    ]  # fmt: skip
    with Seen().engine(finished, order=MASKS[:1]) as engine:
        for state in [*states, *reversed(states)]:
            assert engine.submit(state).parameters == state
        assert engine.wait(SOON)


def test_memory_does_not_grow(exposures):
    old, seen = [], Seen()
    gc.collect()
    gc.disable()  # what is not wanted goes at once, without the collector
    try:
        with seen.engine(cm.Analysis(exposures, BASE), order=MASKS) as engine:
            for turn in range(12):
                old.append(weakref.ref(submit(engine, mm_threshold=float(turn))))
                if turn % 3:
                    assert engine.wait(SOON)
                seen.snapshots.clear()
            assert engine.wait(SOON)
            seen.snapshots.clear()
            assert [ref() for ref in old[:-1]] == [None] * 11
            assert old[-1]() is engine.analysis
            arrays = weakref.ref(engine.analysis.mediancr)
            submit(engine, mm_threshold=50.0)
            assert engine.wait(SOON)
            seen.snapshots.clear()
            assert arrays() is None
    finally:
        gc.enable()


def test_an_invalid_change_is_refused_and_changes_nothing(finished):
    seen = Seen()
    with seen.engine(finished, order=MASKS) as engine:
        wanted = submit(engine, dilation=2)
        for change in (
            {"dilation": -1},
            {"no_such": 1},
            {"regions_to_be_skipped": ((1, 99, 1, 5),)},
        ):
            with pytest.raises(cm.ParameterError):
                submit(engine, **change)
        assert engine.requested is wanted
        assert engine.wait(SOON)
        assert engine.analysis is wanted
    assert not seen.errors


def test_an_error_reaches_the_user_and_the_last_good_result_stays(finished, caplog):
    seen = Seen()
    with seen.engine(finished, order=MASKS) as engine:
        good = submit(engine, dilation=2)
        assert engine.wait(SOON)
        submit(engine, mm_simulation="exact", mm_xy_offsets=((0, 0), (0.3, 0), (0, 0)))
        assert engine.wait(SOON)
        assert [type(e) for e in seen.errors] == [cm.ParameterError]
        assert "exact: found exposures displaced" in str(seen.errors[0])
        assert seen.errors[0].__traceback__ is None
        assert engine.requested is engine.analysis is good
        after = submit(engine, mm_threshold=30.0)
        assert engine.wait(SOON)
        assert engine.analysis is after
        assert after.parameters == BASE.replace(dilation=2, mm_threshold=30.0)
    assert not caplog.records
    assert len(seen.errors) == 1


def test_unexpected_errors_are_told_and_logged(finished, monkeypatch, caplog):
    seen = Seen()

    def broken(*_):
        raise ZeroDivisionError("the stage is broken")

    with seen.engine(finished, order=MASKS) as engine:
        with monkeypatch.context() as patch:
            replace_stage(patch, "masks", broken)
            submit(engine, dilation=2)
            assert engine.wait(SOON)
        assert [str(e) for e in seen.errors] == ["the stage is broken"]
        assert "in broken" in caplog.text
        assert engine.requested is finished
        submit(engine, dilation=2)
        assert engine.wait(SOON)
        assert engine.analysis.parameters.dilation == 2


def test_errors_of_given_up_work_are_not_told(finished, monkeypatch):
    def refuse(*_):
        raise cm.InputError("too late")

    seen, gate = Seen(), Gate(monkeypatch, "mediancr", refuse)
    with seen.engine(finished, order=MASKS) as engine:
        submit(engine, dilation=2)
        assert gate.entered.wait(SOON)
        monkeypatch.undo()
        newest = submit(engine, mm_threshold=40.0)
        gate.opened.set()
        assert engine.wait(SOON)
        assert engine.analysis is engine.requested is newest
    assert not seen.errors


def test_what_fails_where_it_is_shown_is_logged_and_the_engine_goes_on(finished, caplog):
    def broken(_):
        raise ZeroDivisionError("the view is broken")

    with Engine(finished, broken, order=MASKS) as engine:
        for dilation in (2, 3):
            submit(engine, dilation=dilation)
            assert engine.wait(SOON)
            assert engine.analysis.parameters.dilation == dilation
    assert caplog.text.count("error where snapshot is shown") == 6


def test_by_default_errors_are_logged(finished, caplog):
    with Engine(finished, lambda _: None, order=MASKS) as engine:
        submit(engine, mm_simulation="exact", mm_xy_offsets=((0, 0), (0.3, 0), (0, 0)))
        assert engine.wait(SOON)
    assert "exact: found exposures displaced" in caplog.text


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
    assert set(seen.progress) == {"flags"}


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


def test_an_error_does_not_take_back_what_was_requested_since(finished, monkeypatch):
    """The loop hears of an error later than the user asks for something else."""

    async def ask():
        seen = Seen()
        with seen.engine(finished, order=MASKS) as engine:
            with monkeypatch.context() as patch:
                replace_stage(patch, "masks", lambda *_: (_ for _ in ()).throw(cm.InputError("no")))
                submit(engine, dilation=1)
                assert engine.wait(SOON)  # the loop is held up here: the error waits for it
            newest = submit(engine, dilation=3)
            assert await asyncio.to_thread(engine.wait, SOON)
            await asyncio.sleep(0)
            assert engine.requested is newest
            assert engine.analysis is newest
            return seen

    assert not asyncio.run(ask()).errors


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


def test_memory_is_given_back_once_when_nothing_was_asked_for_a_while(finished, monkeypatch):
    given = threading.Semaphore(0)
    monkeypatch.setattr(engine_module, "trim", given.release)
    monkeypatch.setattr(engine_module, "REST", 0.01)
    with Seen().engine(finished) as engine:
        for clip in (4.5, 5.0):
            engine.submit(BASE.replace(la_sigclip=clip))
            assert engine.wait(SOON)
            assert given.acquire(timeout=SOON)
    assert not given.acquire(blocking=False)
