"""The newest request wins, and what is known is not computed again."""

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

from ..analysis_cases import BASE, assert_same
from ..counts import count
from .cases import MASKS, SOON, Gate, Seen, submit

CHOICES = MappingProxyType({
    "la_sigclip": (4.5, 5.0, 8.0), "la_objlim": (2.0, 5.0), "la_niter": (1, 2),
    "dilation": (0, 1, 2), "mm_threshold": (0.0, 30.0, 60.0), "gain": (1.5, 1.7),
    "crmethod": ("mm_lacosmic", "mmcosmic", "lacosmic"), "la_satlevel": (3000.0, 65535.0),
    "mm_minimum_max2d_rnoise": (5.0, 9.0), "mm_weight_boundary_extension": (3.0, 10.0),
    "pixels_to_be_flagged_as_cr": (((5, 7),), ((9, 9), (1, 1))), "mm_knots_splfit": (2, 3),
})  # fmt: skip


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
    assert_same(third.masks, cm.Analysis(finished.exposures, expected).masks)


def test_finished_stages_are_not_computed_again(finished, monkeypatch):
    calls = []

    def counted(name, row):
        return replace(row, compute=lambda *given: calls.append(name) or row.compute(*given))

    counting = {name: counted(name, row) for name, row in STAGES.items()}
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", counting)
    with Seen().engine(finished, order=MASKS) as engine:
        submit(engine, dilation=3)
        assert engine.wait(SOON)
    assert sorted(calls) == ["found", "hits", "labels", "listed", "lost", "masks", "mediancr"]


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
            direct = cm.Analysis(exposures, engine.analysis.parameters)
            assert_same(engine.analysis.masks, direct.masks)
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
