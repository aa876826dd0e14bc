"""What is refused or given up is taken back alone: what was changed after it stays."""

import asyncio
import contextlib
import threading
from dataclasses import replace

import pytest

from crmasks_widgets.analysis import STAGES
from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.model.history import History
from crmasks_widgets.errors import Cancelled, InputError, ParameterError

from .bench import press, small_analysis

PAINTED = ((5, 7),)
START = small_analysis().parameters


def change_stage(monkeypatch, stage, before):
    """Let something happen where a stage is computed."""
    row = STAGES[stage]

    def compute(reader, *target):
        before(reader.p)
        return row.compute(reader, *target)

    changed = {**STAGES, stage: replace(row, compute=compute)}
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", changed)


@pytest.fixture
def refusing(monkeypatch):
    """Dilations above 2 are refused, late."""

    def refuse(p):
        if p.dilation > 2:
            raise InputError(f"no room for {p.dilation}")

    change_stage(monkeypatch, "masks", refuse)


def values(dashboard):
    p = dashboard.state.model.parameters
    return p.dilation, p.pixels_to_be_flagged_as_cr, p.la_sigclip


BEFORE = {"la_sigclip": 6.0, "pixels_to_be_flagged_as_cr": PAINTED}
AFTER = {"pixels_to_be_flagged_as_cr": (*PAINTED, (9, 9)), "la_sigclip": 7.0}


@pytest.mark.parametrize(("earlier", "later"), [(0, 1), (1, 0), (2, 2)])
def test_a_refused_edit_alone_is_taken_back(dashboard, refusing, earlier, later):
    before = dict(list(BEFORE.items())[:earlier])
    after = dict(list(AFTER.items())[:later])
    for name, value in before.items():
        dashboard.state.update(**{name: value})
    dashboard.state.update(dilation=9)
    for name, value in after.items():
        dashboard.state.update(**{name: value})
    assert dashboard.wait(60)
    model = dashboard.state.model
    assert model.parameters == dashboard.analysis.parameters
    wanted = {"dilation": 1, "la_sigclip": 5.0, "pixels_to_be_flagged_as_cr": None}
    wanted |= before | after
    assert {name: getattr(model.parameters, name) for name in wanted} == wanted
    why = "9 was refused: no room for 9"
    assert model.refused == {"dilation": f"dilation: {why}"}
    said = f"masks grow by: {why}"  # as the control is called
    assert said in dashboard.session.status.message.value
    assert dashboard.session.quick.widget.errors == {"dilation": said}
    assert not dashboard.session.status.widget.busy
    # Undo goes through what stays; redo asks for what was refused once more.
    for _ in range(earlier + later):
        dashboard.state.undo()
    assert values(dashboard) == (1, None, 5.0)
    assert not dashboard.state.can_undo
    while dashboard.state.can_redo:
        dashboard.state.redo()
    assert dashboard.state.model.parameters == model.parameters.replace(dilation=9)
    assert "dilation" not in dashboard.state.model.refused


def test_refused_edits_go_one_by_one(dashboard, refusing):
    dashboard.state.update(dilation=9)
    dashboard.state.update(pixels_to_be_flagged_as_cr=PAINTED)
    dashboard.state.update(dilation=7)
    dashboard.state.update(la_sigclip=6.0)
    assert dashboard.wait(60)
    assert values(dashboard) == (1, PAINTED, 6.0)
    assert dashboard.analysis.parameters == dashboard.state.model.parameters


def test_a_step_of_undo_that_is_refused_is_forgotten(dashboard, refusing):
    dashboard.state.update(dilation=9)
    dashboard.state.update(dilation=2)
    assert dashboard.wait(60)
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.dilation == 2
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.dilation == 1
    assert not dashboard.state.can_undo


def test_undo_to_the_beginning_that_is_stopped_can_be_asked_for_again(dashboard, monkeypatch):
    entered, go_on = threading.Event(), threading.Event()
    dashboard.state.update(la_sigclip=9.0)
    assert dashboard.wait(60)

    def wait(p):
        entered.set()
        assert go_on.wait(30)
        raise Cancelled("stopped")

    change_stage(monkeypatch, "peaks", wait)
    dashboard.state.undo()
    assert entered.wait(30)
    press(dashboard.session.page, "Escape")
    go_on.set()
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.la_sigclip == 9.0
    assert dashboard.analysis.parameters == dashboard.state.model.parameters
    assert "unexpected" not in dashboard.session.status.message.value
    assert not dashboard.state.can_redo
    monkeypatch.undo()
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert dashboard.analysis.parameters.la_sigclip == 5.0
    assert not dashboard.state.can_undo


def test_undo_back_to_a_file_that_was_refused_says_why(refusing):
    with contextlib.closing(Dashboard(small_analysis(dilation=9))) as shown:
        assert shown.wait(60)
        assert "no room for 9" in shown.session.status.message.value
        shown.state.update(dilation=1)
        assert shown.wait(60)
        shown.state.undo()
        assert shown.wait(60)
        assert shown.state.model.parameters.dilation == 1
        assert shown.analysis.parameters.dilation == 1
        assert "masks grow by: 9 was refused: no room for 9" in shown.session.status.message.value


@pytest.mark.parametrize("at_home", [True, False])
def test_what_is_refused_is_taken_back_once_waiting_ends(refusing, at_home):
    """Also where a cell of a notebook, which holds up the loop, waits."""

    async def cell():
        shown = Dashboard(small_analysis())
        shown.state.update(dilation=9)
        shown.state.update(la_sigclip=6.0)
        assert shown.wait(60) if at_home else await asyncio.to_thread(shown.wait, 60)
        assert shown.state.model.parameters == shown.analysis.parameters
        assert values(shown) == (1, None, 6.0)
        assert shown.state.model.analysis.parameters == shown.analysis.parameters
        assert not shown.session.status.widget.busy
        assert "masks grow by: 9 was refused" in shown.session.status.message.value
        shown.close()

    asyncio.run(cell())


@pytest.mark.parametrize("heavy_first", [True, False])
def test_cancel_takes_back_what_is_computed_and_nothing_else(dashboard, monkeypatch, heavy_first):
    entered, go_on = threading.Event(), threading.Event()

    def wait(p):
        if p.mm_nsimulations == 3:
            entered.set()
            assert go_on.wait(30)
            raise Cancelled("stopped")

    change_stage(monkeypatch, "simulated", wait)
    changes = [{"mm_nsimulations": 3}, {"pixels_to_be_flagged_as_cr": PAINTED}]
    for change in changes if heavy_first else changes[::-1]:
        dashboard.state.update(**change)
    assert entered.wait(30)
    press(dashboard.session.page, "Escape")
    go_on.set()
    assert dashboard.wait(60)
    parameters = dashboard.state.model.parameters
    assert parameters.mm_nsimulations == 2
    assert parameters.pixels_to_be_flagged_as_cr == PAINTED
    assert dashboard.analysis.parameters == parameters
    dashboard.state.undo()
    assert dashboard.state.model.parameters.pixels_to_be_flagged_as_cr is None
    assert not dashboard.state.can_undo


def made(*changes, begin=START):
    history = History(begin)
    for change in changes:
        history.edit(history.now.replace(**change), (), continues=False)
    return history


def test_of_two_edits_of_one_list_each_keeps_its_own():
    pixels = "pixels_to_be_flagged_as_cr"
    history = made({pixels: [[5, 5], [1, 1]]}, {pixels: [[5, 5], [1, 1], [3, 3]]})
    history.take_back(0)
    assert history.now.pixels_to_be_flagged_as_cr == ((3, 3),)
    history = made({pixels: [[5, 5], [1, 1]]}, {pixels: [[5, 5]]})
    history.take_back(1)
    assert set(history.now.pixels_to_be_flagged_as_cr) == {(1, 1), (5, 5)}


def test_a_step_of_undo_is_given_up_whatever_came_after_it():
    history = made({"la_sigclip": 9}, {"dilation": 2})
    for _ in range(2):
        history.undo()
    assert history.past == history.unproven == ()
    history.prove(START)
    history = made({"la_sigclip": 9})
    history.prove(history.now)
    history.undo()
    history.edit(history.now.replace(dilation=2), (), continues=False)
    history.take_back(0)
    steps = [
        (p.la_sigclip, p.dilation) for p in (*(s.parameters for s in history.past), history.now)
    ]
    assert steps == [(5.0, 1), (9.0, 1), (9.0, 2)]


def test_what_was_refused_twice_is_found(dashboard, refusing):
    """Before and after a change that is not to blame."""
    for change in ({"dilation": 9}, {"la_sigclip": 8.0}, {"la_sigclip": 6.0}, {"la_sigclip": 5.0}):
        dashboard.state.update(**change)
    assert dashboard.wait(60)
    assert values(dashboard) == (1, None, 5.0)
    assert "masks grow by: 9 was refused" in dashboard.session.status.message.value


def test_a_point_that_was_moved_on_stays_where_it_is():
    points, first, last = "mm_fixed_points_in_boundary", (0, 30, 1), (900, 99, 1)
    begin = START.replace(**{points: [first, last]})
    history = made(
        {points: [(0, -9, 1), last]}, {points: [(0, 40, 1), last]},
        {points: [(0, 40, 1), (900, 80, 1)]}, begin=begin,
    )  # fmt: skip
    history.take_back(0)
    assert history.now.mm_fixed_points_in_boundary == ((0, 40, 1), (900, 80, 1))
    history.take_back(1)
    assert history.now.mm_fixed_points_in_boundary == ((0, 40, 1), last)


def test_what_cannot_be_without_it_goes_with_it():
    begin = START.replace(crmethod="mmcosmic", use_lamedian=False)
    history = made({"crmethod": "mm_lacosmic"}, {"use_lamedian": True}, begin=begin)
    with pytest.raises(ParameterError, match="use_lamedian"):
        history.take_back(0)
    assert (len(history.past), history.now.use_lamedian) == (2, True)
