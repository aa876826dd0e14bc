"""Errors in the worker: they are told, and the last good result stays."""

import asyncio

import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard.model.engine import Engine

from ..analysis_cases import BASE, replace_stage
from .cases import MASKS, SOON, Gate, Seen, submit


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
