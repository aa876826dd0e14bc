"""Whose fault it was that a computation ended without a result, and what stays in spite of it."""

from collections.abc import Callable
from typing import Final

from crmasks_widgets.analysis import STAGES, Analysis
from crmasks_widgets.analysis.graph import stages_changed_by
from crmasks_widgets.dashboard.model.engine import Engine
from crmasks_widgets.dashboard.model.history import Edit
from crmasks_widgets.dashboard.model.state import State
from crmasks_widgets.errors import what_was_wrong
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.values import shown

LONGEST: Final = 40  # characters of a value in a message


class Trial:
    """Takes back what was refused or given up, and has the rest computed.

    When several changes were computed together, the one that is refused is found by computing fewer
    of them.

    Parameters
    ----------
    state : State
        What is set.
    engine : Engine
        What computes it.
    submit : callable
        Asks for parameters that are not those of the state.
    tell : callable
        Called with one line about what was refused.
    """

    def __init__(
        self,
        state: State,
        engine: Engine,
        submit: Callable[[Parameters], object],
        tell: Callable[[str], object],
    ) -> None:
        self._state, self._engine, self._submit, self._tell = state, engine, submit, tell
        # Parameters that are refused, why, and those tried to find out by which change.
        self._open: tuple[Parameters, Exception, Parameters] | None = None

    def forget(self) -> None:
        """Stop looking for what was refused: something newer is computed."""
        self._open = None

    def done(self, parameters: Parameters) -> None:
        """Hear that parameters were computed to the end; go on looking, if they were tried."""
        self._state.prove(parameters)
        if self._open is not None and parameters == self._open[2]:
            self._search(self._open[0], self._open[1])

    def failed(self, error: Exception, failed: Analysis) -> None:
        """Hear that a computation ended in an error.

        Parameters
        ----------
        error : Exception
            What was wrong.
        failed : Analysis
            Of what; nothing happens if something newer was asked for.
        """
        tried = None if self._open is None else self._open[2]
        if failed.parameters in (self._state.model.parameters, tried):
            self._state.prove(self._engine.analysis.parameters)
            self._search(failed.parameters, error)

    def _search(self, bad: Parameters, error: Exception) -> None:
        afters = [edit.after for edit in self._state.unproven]
        # The same may have been set twice: what was changed between is not what is wrong with it.
        suspects = afters.index(bad) + 1 if bad in afters else 0
        if suspects > 1:
            tried = afters[suspects // 2 - 1]
            self._submit(tried)
            self._open = bad, error, tried
            return
        self._open = None
        if not suspects and bad != self._state.model.parameters:  # it is no more on the way to it
            self._go_on()
            return
        edit = self._state.unproven[0] if suspects else None
        why = what_was_wrong(error)
        with self._state.together():
            if edit is None:
                self._state.revert(self._engine.analysis.parameters)
            else:
                self._state.take_back(0, {name: in_words(edit, name, why) for name in edit.names})
            self._go_on()
        self._tell(
            why if edit is None or len(edit.names) != 1 else in_words(edit, *edit.names, why)
        )

    def cancel(self) -> bool:
        """Take back what is being computed; changes that it does not depend on stay.

        Returns
        -------
        bool
            Whether something is left to be computed.
        """
        self._open, stage = None, self._engine.doing
        self._engine.cancel()
        self._state.prove(self._engine.analysis.parameters)
        edits = self._state.unproven
        blamed = [
            number
            for number, edit in enumerate(edits)
            if stage in stages_changed_by(set(edit.names), STAGES)
        ]
        with self._state.together():
            if not edits:
                self._state.revert(self._engine.analysis.parameters)
            for number in reversed(blamed or range(len(edits))[:1]):
                if number < len(self._state.unproven):
                    self._state.take_back(number)
            return self._go_on()

    def _go_on(self) -> bool:
        """Compute what is left; else show what was computed last: what is on screen is true."""
        good = self._engine.analysis
        if left := self._state.model.parameters != good.parameters:
            self._state.resubmit()
        else:
            self._state.publish(good)
        return left


def in_words(edit: Edit, name: str, why: str) -> str:
    """Say that a value was refused.

    Parameters
    ----------
    edit : Edit
        What asked for it.
    name : str
        Parameter.
    why : str
        The error.

    Returns
    -------
    str
        One line; a value that is too long for it is not repeated.
    """
    value = shown(getattr(edit.after, name))
    return f"{name}: {value if len(value) <= LONGEST else 'this value'} was refused: {why}"
