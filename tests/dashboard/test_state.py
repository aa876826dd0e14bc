"""The state: undo and redo after any edits, gestures, refused values, revert, display."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crmasks_widgets.dashboard.model.history import MAX_UNDO
from crmasks_widgets.dashboard.model.state import SAME_GESTURE, Selection, State
from crmasks_widgets.errors import InputError, ParameterError

from ..counts import LONG
from .bench import small_analysis

ANALYSIS = small_analysis()


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Asked:
    """Takes parameters, or refuses them as an engine does that cannot open a map."""

    def __init__(self):
        self.parameters, self.refuse = [], False

    def __call__(self, parameters):
        if self.refuse:
            raise InputError("gain.fits: file not found")
        self.parameters.append(parameters)


def new_state():
    asked, clock = Asked(), Clock()
    return State(ANALYSIS, asked, clock), asked, clock


EDITS = st.one_of(
    st.builds(dict, la_sigclip=st.floats(0.5, 20)),
    st.builds(dict, dilation=st.integers(0, 3)),
    st.builds(dict, crmethod=st.sampled_from(["lacosmic", "mmcosmic", "mm_lacosmic"])),
    st.builds(
        dict,
        pixels_to_be_flagged_as_cr=st.lists(
            st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=4
        ),
    ),
    st.builds(
        dict,
        mm_fixed_points_in_boundary=st.lists(
            st.tuples(st.integers(0, 9999), st.integers(1, 999)), min_size=2, max_size=5,
            unique_by=lambda point: point[0],
        ),
    ),
)  # fmt: skip
REFUSED = st.sampled_from([
    {"la_sigclip": -1}, {"dilation": 1.5}, {"crmethod": "magic"}, {"nothing_like_it": 1},
    {"mm_fixed_points_in_boundary": [[1, "a"]]}, {"gain": None},
])  # fmt: skip


class StateMachine(RuleBasedStateMachine):
    """A user who edits, drags, undoes and redoes, against a plain list of parameters."""

    @initialize()
    def start(self):
        self.state, self.asked, self.clock = new_state()
        self.history, self.place = [self.state.model.parameters], 0
        # While a gesture is open: whether it has changed anything yet.
        self.moved = None
        self.heard = []
        self.state.subscribe(self.heard.append)

    @property
    def parameters(self):
        return self.state.model.parameters

    def _interrupted(self):
        return None if self.moved is None else False

    def _edited(self, before, merges):
        if self.parameters == before:
            return
        del self.history[self.place + 1 :]
        if merges and self.place > 0:
            self.history[self.place] = self.parameters
        else:
            self.history.append(self.parameters)
            self.place += 1

    @rule(changes=EDITS)
    def edit(self, changes):
        before = self.parameters
        self.state.update(**changes)
        self._edited(before, merges=bool(self.moved))
        if self.parameters != before and self.moved is not None:
            self.moved = True

    @rule()
    def begin_gesture(self):
        self.state.begin_gesture()
        self.moved = False

    @rule()
    def end_gesture(self):
        self.state.end_gesture()
        self.moved = None

    @rule()
    def refresh(self):
        """All is drawn again, and nothing else happens: the gesture stays open, too."""
        before, self.heard[:] = self.state.model, []
        self.state.refresh()
        assert self.heard == [before]
        assert self.state.model is before

    @rule(sigclips=st.lists(st.floats(0.5, 20), min_size=1, max_size=5))
    def drag(self, sigclips):
        """One gesture of its own: whatever it passes, one step remains of it."""
        self.end_gesture()
        moved = False
        for value in sigclips:
            before = self.parameters
            self.clock.now += SAME_GESTURE / 6
            self.state.update(gesture="la_sigclip", la_sigclip=value)
            self._edited(before, merges=moved)
            moved = moved or self.parameters != before
        self.state.end_gesture()

    @rule(changes=REFUSED)
    def refused(self, changes):
        before = self.state.model
        with pytest.raises(ParameterError):
            self.state.update(**changes)
        assert self.state.model is before

    @rule(changes=EDITS)
    def refused_by_the_engine(self, changes):
        before, self.asked.refuse = self.state.model, True
        try:
            self.state.update(**changes)
        except InputError:
            pass
        finally:
            self.asked.refuse = False
        assert self.state.model is before

    @precondition(lambda self: self.place > 0)
    @rule()
    def undo(self):
        self.state.undo()
        self.place, self.moved = self.place - 1, self._interrupted()

    @precondition(lambda self: self.place < len(self.history) - 1)
    @rule()
    def redo(self):
        self.state.redo()
        self.place, self.moved = self.place + 1, self._interrupted()

    @rule()
    def undo_all_and_redo_all(self):
        self.end_gesture()
        parameters, place = self.parameters, self.place
        while self.state.can_undo:
            self.state.undo()
        assert self.parameters == ANALYSIS.parameters
        steps = 0
        while self.state.can_redo:
            self.state.redo()
            steps += 1
        assert steps == len(self.history) - 1
        assert self.parameters == self.history[-1]
        for _ in range(len(self.history) - 1 - place):
            self.state.undo()
        assert self.parameters == parameters

    @invariant()
    def agrees_with_the_list(self):
        assert self.parameters == self.history[self.place]
        assert self.state.can_undo == (self.place > 0)
        assert self.state.can_redo == (self.place < len(self.history) - 1)
        assert not self.asked.parameters or self.asked.parameters[-1] == self.parameters


TestStateMachine = StateMachine.TestCase
TestStateMachine.settings = settings(
    max_examples=200 if LONG else 25, stateful_step_count=30, deadline=None
)


def test_a_pause_or_another_gesture_begins_another_step():
    state, _, clock = new_state()
    for seconds, gesture, value in (
        (0, "a", 6), (0.5, "a", 7), (SAME_GESTURE + 1, "a", 8), (0.1, "b", 9), (0.1, "", 10),
        (0.1, "", 11),
    ):  # fmt: skip
        clock.now += seconds
        state.update(gesture=gesture, la_sigclip=value)
    seen = []
    while state.can_undo:
        state.undo()
        seen.append(state.model.parameters.la_sigclip)
    assert seen == [10, 9, 8, 7, 5]


def test_a_slider_that_is_held_is_one_step_however_long_it_rests():
    state, _, clock = new_state()
    for seconds, event, value in (
        (0, "hold", 6), (9, "", 7), (9, "release", 7.5), (0.5, "", 8),  # the last one comes late
        (9, "hold", 9), (9, "release", 10), (9, "", 11),
    ):  # fmt: skip
        clock.now += seconds
        if event:
            getattr(state, event)()
        state.update(gesture="a", la_sigclip=value)
    seen = []
    while state.can_undo:
        state.undo()
        seen.append(state.model.parameters.la_sigclip)
    assert seen == [10, 8, 5]


@pytest.mark.parametrize("interrupt", ["undo", "revert"])
def test_what_is_left_of_an_interrupted_drag_is_one_step(interrupt):
    state, _, _ = new_state()
    state.begin_gesture()
    state.update(la_sigclip=6)
    if interrupt == "undo":
        state.undo()
    else:
        state.revert(ANALYSIS.parameters)
    for value in (7, 8, 9):
        state.update(la_sigclip=value)
    state.end_gesture()
    state.undo()
    assert state.model.parameters == ANALYSIS.parameters
    assert not state.can_undo


def test_a_new_edit_forgets_what_was_undone():
    state, _, _ = new_state()
    state.update(la_sigclip=6)
    state.undo()
    state.update(la_sigclip=7)
    assert not state.can_redo
    state.undo()
    assert state.model.parameters == ANALYSIS.parameters


def test_an_undo_that_is_refused_changes_nothing():
    state, asked, _ = new_state()
    state.update(la_sigclip=6)
    asked.refuse, before = True, state.model
    with pytest.raises(InputError):
        state.undo()
    assert state.model is before
    asked.refuse = False
    state.undo()
    assert state.model.parameters == ANALYSIS.parameters


def test_revert_gives_up_a_step_that_can_be_done_again():
    state, asked, _ = new_state()
    state.update(la_sigclip=6)
    works = state.model.parameters
    state.update(la_sigclip=7)
    n = len(asked.parameters)
    state.revert(works)
    assert state.model.parameters == works
    assert len(asked.parameters) == n  # it is known already: nothing is computed for it
    state.redo()
    assert state.model.parameters.la_sigclip == 7
    state.undo()
    state.undo()
    assert state.model.parameters == ANALYSIS.parameters
    state.revert(state.model.parameters)
    assert state.can_redo


def test_redo_never_leads_to_parameters_that_nobody_set(monkeypatch):
    state, _, _ = new_state()
    state.update(dilation=2)
    state.update(la_sigclip=6)
    wanted = state.model.parameters

    def refuse(analysis, parameters):
        if (parameters.dilation, parameters.la_sigclip) == (ANALYSIS.parameters.dilation, 6):
            raise InputError("not one without the other")
        return analysis

    monkeypatch.setattr(type(ANALYSIS), "with_parameters", refuse)
    state.take_back(0)
    assert state.model.parameters == ANALYSIS.parameters
    state.redo()
    assert state.model.parameters == wanted


def test_what_was_given_up_is_about_the_same_places_when_it_is_done_again():
    state, _, _ = new_state()
    returned = []
    state.when_returned(returned.append)
    state.update(la_sigclip=6, about=((3, 4),))
    state.revert(ANALYSIS.parameters)
    state.redo()
    assert returned == [((3, 4),)]


def test_the_oldest_steps_are_forgotten_first():
    state, _, _ = new_state()
    clip = 10.0
    for i in range(MAX_UNDO + 5):
        state.update(la_sigclip=clip + i)
    steps = 0
    while state.can_undo:
        state.undo()
        steps += 1
    assert steps == MAX_UNDO
    assert state.model.parameters.la_sigclip == clip + 4


def test_listeners_hear_of_changes_only():
    state, _, _ = new_state()
    heard = []
    state.subscribe(heard.append)
    state.show(target="mean")
    state.show(target="mean")
    state.select(pixel=(3, 4))
    state.select(pixel=(3, 4))
    state.update(la_sigclip=ANALYSIS.parameters.la_sigclip)
    assert len(heard) == 2
    assert heard[-1].selection == Selection(pixel=(3, 4))
    assert heard[-1].display.target == "mean"


def test_listeners_hear_of_an_analysis_when_more_of_it_is_known():
    analysis, heard = small_analysis(), []
    state = State(analysis, Asked())
    state.subscribe(heard.append)
    state.publish(analysis)
    assert heard == []
    analysis.result("stack")
    for _ in range(2):
        state.publish(analysis)
        assert len(heard) == 1
    state.publish(analysis.replace(dilation=2))
    assert len(heard) == 2


def test_listeners_hear_once_of_what_changes_together():
    state, _, _ = new_state()
    heard = []
    state.subscribe(heard.append)
    with state.together():
        state.show(target="mean")
        with state.together():
            state.select(pixel=(3, 4))
            state.refresh()
        with pytest.raises(ParameterError):
            state.update(dilation=-1)
        assert heard == []
    assert heard == [state.model]
    with state.together():
        pass
    assert len(heard) == 1


def test_what_is_set_already_is_not_checked_again(monkeypatch):
    state, asked, _ = new_state()
    monkeypatch.setattr(type(ANALYSIS.parameters), "replace", None)
    state.update(dilation=ANALYSIS.parameters.dilation, crmethod=ANALYSIS.parameters.crmethod)
    assert asked.parameters == []
    assert not state.can_undo


def test_display_and_selection_are_no_steps_of_undo():
    state, asked, _ = new_state()
    state.show(opacity=0.2)
    state.select(outline=((0, 0), (1, 0), (1, 1)))
    assert not state.can_undo
    assert asked.parameters == []
    with pytest.raises(TypeError):
        state.show(nothing_like_it=1)


def test_resubmit_asks_again_for_what_is_set():
    state, asked, _ = new_state()
    state.update(dilation=2)
    state.resubmit()
    assert [p.dilation for p in asked.parameters] == [2, 2]


def test_view_model_tells_what_is_known():
    analysis = small_analysis()
    state = State(analysis, Asked())
    assert not state.model.ready("stack")
    analysis.result("flags", "median")
    assert not state.model.ready("stack")  # every view is drawn from the same
    state.publish(analysis)
    assert state.model.ready("stack", "boundary", ("flags", "median"))
    assert not state.model.ready("stack", ("flags", "mean"))
