"""The history of what the user has set: undo, redo, and taking back what was refused.

A change is unproven until all that follows from it has been computed. One that is refused, or given
up, is taken out of the history; what was changed after it stays, without it.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.parameters import Parameters

MAX_UNDO: Final = 1000

Places = tuple[tuple[int, int], ...]

# Lists whose items were changed one by one: of two edits of one list, each keeps its own.
_PIXEL_LISTS: Final = frozenset({
    edits.FORCED, edits.IGNORED, edits.REJECTED, edits.CONFIRMED, edits.LOCAL_MEDIAN,
})  # fmt: skip
_LISTS: Final = _PIXEL_LISTS | {
    "regions_to_be_skipped", "flux_factor_regions", "mm_fixed_points_in_boundary",
}  # fmt: skip


class Step(NamedTuple):
    """What undo returns to, and array indices (y, x) of what was changed."""

    parameters: Parameters
    about: Places = ()


@dataclass(frozen=True, eq=False)
class Edit:
    """A change that is not proven yet.

    Attributes
    ----------
    before, after : Parameters
        All of them.
    depth : int
        How many steps could be undone once it was made.
    about : tuple of (y, x)
        What it is about.
    forward : bool
        Whether undo takes it back; False for what undo itself changed.
    """

    before: Parameters
    after: Parameters
    depth: int
    about: Places = ()
    forward: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that it changed."""
        return changed_names(self.before, self.after)


class History:
    """Steps of undo and redo, and the edits that are not proven.

    Parameters
    ----------
    parameters : Parameters
        Where it begins.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.now = parameters
        self.past: tuple[Step, ...] = ()
        self.future: tuple[Step, ...] = ()
        self.unproven: tuple[Edit, ...] = ()

    def edit(self, parameters: Parameters, about: Places, *, continues: bool) -> None:
        """Take other parameters.

        Parameters
        ----------
        parameters : Parameters
            From now on.
        about : tuple of (y, x)
            What the change is about.
        continues : bool
            Whether it belongs to the step before.
        """
        before, newest = self.now, self.unproven[-1] if self.unproven else None
        if not continues:
            self._push(Step(before, about))
        elif newest is not None and newest.forward and newest.after == before:
            before, self.unproven = newest.before, self.unproven[:-1]
        if before != parameters:  # a gesture may lead back to where it began
            edit = Edit(before, parameters, len(self.past), self.past[-1].about)
            self.unproven = (*self.unproven, edit)
        self.now, self.future = parameters, ()

    def _push(self, step: Step) -> None:
        if len(self.past) == MAX_UNDO:  # all places in it shift
            self.unproven = tuple(replace(e, depth=max(0, e.depth - 1)) for e in self.unproven)
        self.past = (*self.past, step)[-MAX_UNDO:]

    def undo(self) -> None:
        """Go back one step; there must be one."""
        *past, (parameters, about) = self.past
        self.past, self.future = tuple(past), (*self.future, Step(self.now, about))
        self._moved(parameters, about, forward=False)

    def redo(self) -> None:
        """Go forward one step; there must be one."""
        *future, (parameters, about) = self.future
        self.future = tuple(future)
        self._push(Step(self.now, about))
        self._moved(parameters, about, forward=True)

    def _moved(self, parameters: Parameters, about: Places, *, forward: bool) -> None:
        if self.unproven and self.unproven[-1].before == parameters:
            self.unproven = self.unproven[:-1]  # there and back
        elif parameters != self.now:  # as where a gesture led back
            edit = Edit(self.now, parameters, len(self.past), about, forward)
            self.unproven = (*self.unproven, edit)
        self.now = parameters

    def prove(self, parameters: Parameters) -> None:
        """Hear that all that follows from some parameters has been computed."""
        found = [k for k, edit in enumerate(self.unproven) if edit.after == parameters]
        self.unproven = self.unproven[found[-1] + 1 :] if found else self.unproven

    def return_to(self, parameters: Parameters) -> None:
        """Give up all since some parameters, to be done again as one step.

        Where undo led away from them, it can be asked for again.
        """
        if parameters == self.now:
            return
        if self.future and self.future[-1].parameters == parameters:
            self._push(Step(self.now, self.future[-1].about))
            self.future = self.future[:-1]
        else:
            # What was given up is what the newest step was about.
            about = self.past[-1].about if self.past else ()
            self.future = (*self.future, Step(self.now, about))
            if self.past and self.past[-1].parameters == parameters:
                self.past = self.past[:-1]
        starts = [edit.before for edit in self.unproven]
        known = starts.index(parameters) if parameters in starts else 0
        self.now, self.unproven = parameters, self.unproven[:known]

    def take_back(
        self,
        number: int,
        usable: Callable[[Parameters], object] = lambda _: None,
        *,
        again: bool = True,
    ) -> None:
        """Take an unproven edit back, as far as nothing later overwrote it; the others stay.

        Redo, after all else that can be done again, asks for it once more; undo does, where it was
        undo that changed it.

        Parameters
        ----------
        number : int
            Of the unproven edit, from 0.
        usable : callable, optional
            Takes what would be set then; raises `CrmasksError` if that cannot be used.
        again : bool, optional
            Whether undo may lead there again. If not, it passes what is refused each time.

        Raises
        ------
        CrmasksError
            What came later cannot be without it; nothing changed.
        """
        edit, later = self.unproven[number], self.unproven[number + 1 :]
        now = without(edit, self.now)
        usable(now)  # else redo would lead to parameters that nobody set
        kept = tuple(
            replace(one, before=without(edit, one.before), after=without(edit, one.after))
            for one in later
        )
        future = tuple(_step_without(edit, s) for s in self.future) if later else self.future
        if edit.forward:
            if later:
                last = self.future[0].parameters if self.future else self.now
                future = (Step(last, edit.about), *future)
            else:
                future = (*future, Step(self.now, edit.about))
        past, place = self._past_without(edit), min(edit.depth, len(self.past))
        if again and not edit.forward:
            undone = (*self.past, Step(self.now))[place].parameters
            past = (*past[:place], Step(undone, edit.about), *past[place:])
            kept = tuple(replace(e, depth=e.depth + (e.depth > place)) for e in kept)
        # Steps that change nothing any more are none.
        following = [*(step.parameters for step in past), now][1:]
        counts = [
            k < place - 1 or step.parameters != after
            for k, (step, after) in enumerate(zip(past, following, strict=True))
        ]
        over = max(0, sum(counts) - MAX_UNDO)
        kept = tuple(replace(e, depth=max(0, sum(counts[: e.depth]) - over)) for e in kept)
        self.past, self.now = tuple(itertools.compress(past, counts))[over:], now
        self.future = _changing(future, now)
        self.unproven = (*self.unproven[:number], *(e for e in kept if e.before != e.after))

    def _past_without(self, edit: Edit) -> tuple[Step, ...]:
        earlier, later = self.past[: edit.depth], self.past[edit.depth :]
        return (*earlier, *(_step_without(edit, step) for step in later))


def _step_without(edit: Edit, step: Step) -> Step:
    return Step(without(edit, step.parameters), step.about)


def _changing(future: tuple[Step, ...], now: Parameters) -> tuple[Step, ...]:
    """Drop steps of redo that would change nothing."""
    before = [*(step.parameters for step in future), now][1:]
    return tuple(s for s, other in zip(future, before, strict=True) if s.parameters != other)


def changed_names(one: Parameters, other: Parameters) -> tuple[str, ...]:
    """Names of the parameters in which two sets differ."""
    names = type(one).model_fields
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


def without(edit: Edit, now: Parameters) -> Parameters:
    """Parameters without an edit.

    Parameters
    ----------
    edit : Edit
        What is taken back.
    now : Parameters
        What was set at some time after it.

    Returns
    -------
    left : Parameters
        What was changed again since then stays; of lists of places, each item for itself.

    Raises
    ------
    ParameterError
        They cannot be used so.
    """
    changes: dict[str, Any] = {}
    for name in edit.names:
        before, after, value = (getattr(p, name) for p in (edit.before, edit.after, now))
        if value == after:
            changes[name] = before
        elif name in _LISTS:
            changes[name] = _items_without(name, before, after, value)
    return now.replace(**changes) if changes else now


def _items_without(name: str, before: Any, after: Any, now: Any) -> Any:
    old, new, items = (tuple(value or ()) for value in (before, after, now))
    added = [item for item in new if item not in old]
    # Of points and regions one was moved on: it is what it is because of the edit.
    if name not in _PIXEL_LISTS and not all(item in items for item in added):
        return now
    kept = [item for item in items if item not in added]
    restored = [item for item in old if item not in new and item not in items]
    merged = [*kept, *restored]
    return tuple(sorted(merged) if list(items) == sorted(items) else merged) or None
