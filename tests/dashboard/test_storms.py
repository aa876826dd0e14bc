"""Edits, undo, redo, refusals and Cancel in all orders: at rest the screen is what was computed."""

import itertools

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crmasks_widgets.dashboard.model.state import State
from crmasks_widgets.dashboard.model.trial import Trial
from crmasks_widgets.errors import InputError

from ..counts import LONG
from .bench import small_analysis

ANALYSIS = small_analysis()
PIXELS = "pixels_to_be_flagged_as_cr"
CHANGES = st.one_of(
    st.builds(dict, la_sigclip=st.sampled_from([5.0, 6.0, 7.0])),
    st.builds(dict, dilation=st.sampled_from([1, 2, 8, 9])),
    st.builds(
        dict,
        pixels_to_be_flagged_as_cr=st.sets(
            st.sampled_from([(5, 5), (6, 6), (7, 7)]), max_size=3
        ).map(sorted),
    ),
    st.builds(dict, dilation=st.just(9), la_sigclip=st.just(8.0)),
)


def is_refused(parameters):
    """Whether its computation would end in an error."""
    return parameters.dilation > 7


class Worker:
    """Computes when it is told to, as an engine does in its thread."""

    def __init__(self, analysis):
        self.analysis = self.requested = analysis
        self.doing = ""

    def submit(self, parameters):
        self.requested = self.requested.with_parameters(parameters)
        self.doing = "stack"

    def cancel(self):
        self.requested, self.doing = self.analysis, ""


class Storm(RuleBasedStateMachine):
    """A user who waits for nothing, in front of a slow computation."""

    @initialize(bad_start=st.booleans())
    def begin(self, bad_start):
        first = ANALYSIS.replace(dilation=9) if bad_start else ANALYSIS
        self.worker = Worker(first)
        self.told = []
        self.state = State(first, self._submit)
        self.trial = Trial(self.state, self.worker, self.worker.submit, self.told.append)
        self.state.resubmit()

    def _submit(self, parameters):
        self.trial.forget()
        self.worker.submit(parameters)

    @property
    def _now(self):
        return self.state.model.parameters

    @rule(changes=CHANGES)
    def edit(self, changes):
        self.state.update(**changes)

    @rule(values=st.lists(st.sampled_from([5.0, 6.0, 7.0]), min_size=2, max_size=3))
    def begin_to_drag(self, values):
        self.state.begin_gesture()
        for value in values:
            self.state.update(la_sigclip=value)

    @rule()
    def let_go(self):
        self.state.end_gesture()

    @rule(steps=st.integers(1, 3))
    def undo(self, steps):
        for _ in range(steps):
            self.state.undo()

    @rule(steps=st.integers(1, 3))
    def redo(self, steps):
        for _ in range(steps):
            self.state.redo()

    @precondition(lambda self: self.worker.doing)
    @rule(doing=st.sampled_from(["stack", "peaks", "edits", "masks"]))
    def cancel(self, doing):
        self.worker.doing = doing
        self.trial.cancel()
        self.told.append("stopped")

    @rule()
    def compute(self):
        """Let one computation come to its end, and hear of it."""
        worker, asked = self.worker, self.worker.requested
        if not worker.doing:
            return
        worker.doing = ""
        if is_refused(asked.parameters):
            worker.requested = worker.analysis
            self.trial.failed(InputError("no room"), asked)
        else:
            worker.analysis = asked
            self.state.publish(asked)
            self.trial.done(asked.parameters)

    @precondition(lambda self: self.worker.doing)
    @rule()
    def compute_unheard(self):
        """Something is computed, and the loop is too busy to hear of it in time."""
        if not is_refused(self.worker.requested.parameters):
            self.worker.analysis = self.worker.requested

    @rule()
    def rest(self):
        computed = 0
        while self.worker.doing:
            self.compute()
            computed += 1
            assert computed < 100
        assert self.state.model.analysis.parameters == self._now
        assert self.worker.analysis.parameters == self._now
        # What is refused is on screen only where nothing was ever computed.
        assert not is_refused(self._now) or self.worker.analysis.parameters.dilation == 9
        assert self.told or not is_refused(self._now)

    @rule()
    def all_steps_are_found_again(self):
        """Undo to the beginning and redo to the end change something in each step."""
        history = self.state._history
        before = history.past, history.now, history.future
        while self.state.can_undo:
            self.state.undo()
        while self.state.can_redo:
            self.state.redo()
        while len(self.state._history.past) > len(before[0]):
            self.state.undo()
        assert (history.past, history.now, history.future) == before

    @invariant()
    def is_a_chain(self):
        """Each edit that is not proven begins where the one before ended, the last one now."""
        history = self.state._history
        unproven = history.unproven
        for one, following in itertools.pairwise(unproven):
            assert one.after == following.before
        assert not unproven or unproven[-1].after == history.now == self._now
        assert all(e.before != e.after for e in unproven)

    def teardown(self):
        if hasattr(self, "worker"):
            self.rest()


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    max_examples=1000 if LONG else 30, stateful_step_count=30, deadline=None
)
