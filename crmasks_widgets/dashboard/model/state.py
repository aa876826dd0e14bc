"""What the user has set: parameters with their history, the selection, the display."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.analysis.graph import Key
from crmasks_widgets.dashboard.model.history import Edit, History, Places, Step
from crmasks_widgets.errors import CrmasksError
from crmasks_widgets.parameters import Parameters

# Changes of one gesture that follow each other this closely (s), or while the pointer is held down,
# are undone together.
SAME_GESTURE: Final = 1.0

AxisKind = Literal["asinh", "linear", "log"]
Limits = tuple[float, float, float, float]
Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Selection:
    """What the user points at, in terms that outlive a computation.

    Attributes
    ----------
    pixel : (y, x) or None
        Array index of a pixel of the selected hit. Numbers of hits change when masks do; the
        pixel stays.
    outline : tuple of (x, y)
        Corners of an area of the diagram, ADU, whose pixels are selected; empty for none.
    """

    pixel: tuple[int, int] | None = None
    outline: Outline = ()


@dataclass(frozen=True)
class Display:
    """How things are shown; no result depends on it.

    Attributes
    ----------
    target : str or int
        "median", "mean" or the number of an exposure: whose diagram and mask are shown.
    frame : str
        Key of the frame on screen: "median", "mean", "min", "1"..., "mediancr", "meancrt",
        "meancr", "difference".
    stretch, limits, colours : str
        How values become colours.
    low, high : float
        Colour limits, ADU, used when `limits` is "manual".
    of_difference : bool
        Whether these were chosen for a difference: what suits one suits no frame, and the other
        way round.
    minuend, subtrahend : str
        Keys of the frames whose difference the frame "difference" is.
    blink : tuple of str
        Keys of the frames that take turns; empty for all.
    rings : bool
        Draw a ring around each hit.
    opacity : float
        Of the mask overlay, 0 to 1.
    scale : str
        "asinh", "linear" or "log": of the axes of the diagram.
    numbers, iterations : bool
        Show the numbers of hits; show every iteration of the spline.
    follow : bool
        Whether the image goes to what is selected elsewhere.
    hidden : frozenset of int
        Codes of flagged pixels that are not drawn.
    beside : bool
        Show the expected diagram beside the observed one.
    linked : bool
        Let the diagram count only the pixels that the image shows.
    diagram, sigma, image : (x_min, x_max, y_min, y_max) or None
        What is on screen: of the diagram in ADU, of the one in ADU and sigma, of the image in
        pixels counted from 0 (their centres are whole numbers); None for all.
    """

    target: Target = "median"
    frame: str = "median"
    stretch: str = "asinh"
    limits: str = "zscale"
    colours: str = "gray"
    low: float = 0.0
    high: float = 1.0
    of_difference: bool = False
    minuend: str = "median"
    subtrahend: str = "mediancr"
    blink: tuple[str, ...] = ()
    rings: bool = True
    opacity: float = 0.7
    scale: AxisKind = "asinh"
    numbers: bool = False
    iterations: bool = False
    follow: bool = True
    hidden: frozenset[int] = frozenset()
    beside: bool = False
    linked: bool = False
    diagram: Limits | None = None
    sigma: Limits | None = None
    image: Limits | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Keys of the frames that the one on screen is made of."""
        return (self.minuend, self.subtrahend) if self.frame == "difference" else (self.frame,)

    @property
    def colouring(self) -> tuple[Any, ...]:
        """All that decides which colours the values of a frame become."""
        limits = (self.limits, self.low, self.high, self.of_difference)
        return (self.stretch, self.colours, *limits)

    @property
    def limits_of_frame(self) -> str:
        """Which limits the frame on screen has; those chosen by hand serve their kind of frame."""
        serve = self.of_difference == (self.frame == "difference")
        return self.limits if serve or self.limits != "manual" else "zscale"


@dataclass(frozen=True)
class ViewModel:
    """All that a view reads to draw itself; immutable.

    Attributes
    ----------
    analysis : Analysis
        The newest one of which something is known; `ready` tells what. Reading more of it would
        compute it, and stop every gesture meanwhile.
    parameters : Parameters
        What was asked for last; ahead of `analysis.parameters` while that is computed.
    known : frozenset of (stage, target)
        What of the analysis is drawn: the worker may know more before every view has been.
    selection : Selection
        What the user points at.
    display : Display
        How to show it.
    refused : mapping
        What was wrong with values that were taken back, by parameter name, until the next change.
    """

    analysis: Analysis
    parameters: Parameters
    known: frozenset[Key]
    selection: Selection = field(default_factory=Selection)
    display: Display = field(default_factory=Display)
    refused: Mapping[str, str] = field(default_factory=dict)

    def ready(self, *stages: str | tuple[str, Target | None]) -> bool:
        """Tell whether the results of some stages are known.

        Parameters
        ----------
        *stages : str or (str, target)
            Keys of the stage table.

        Returns
        -------
        bool
            True if all of them are.
        """
        wanted = {(stage, None) if isinstance(stage, str) else stage for stage in stages}
        return wanted <= self.known

    def of(self, analysis: Analysis) -> "ViewModel":
        """Return a model of an analysis as far as it is known now, all else being as it is."""
        return replace(self, analysis=analysis, known=analysis.computed())


class State:
    """The one place that gestures change and views are drawn from.

    Parameters
    ----------
    analysis : Analysis
        What is shown first.
    submit : callable
        Asks for new parameters; raises `CrmasksError` if they cannot be used, and then nothing
        changes.
    clock : callable, optional
        Seconds, to tell one gesture from the next.
    """

    def __init__(
        self,
        analysis: Analysis,
        submit: Callable[[Parameters], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = ViewModel(analysis, analysis.parameters, analysis.computed())
        self._submit, self._clock = submit, clock
        self._history = History(analysis.parameters)
        self._gesture, self._gesture_time, self._held = "", 0.0, False
        # While a gesture is open: whether it has changed anything yet.
        self._open: bool | None = None
        self._listeners: list[Callable[[ViewModel], None]] = []
        self._returned: Callable[[Places], object] = lambda _: None
        self._together, self._missed = 0, False

    def subscribe(self, listener: Callable[[ViewModel], None]) -> None:
        """Call `listener` with the view model whenever it changes."""
        self._listeners.append(listener)

    def when_returned(self, action: Callable[[Places], object]) -> None:
        """Call `action` with the places that a step is about when it is undone or done again."""
        self._returned = action

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._history.past)

    @property
    def can_redo(self) -> bool:
        """Whether something undone can be done again."""
        return bool(self._history.future)

    def update(self, *, gesture: str = "", about: Places = (), **changes: Any) -> None:
        """Ask for other parameters.

        Parameters
        ----------
        gesture : str, optional
            Name of what the user is doing. Changes of the same gesture that follow each other
            closely are one step of undo, for gestures of which nobody tells the end.
        about : tuple of (y, x), optional
            Array indices of what the change is about: told again when it is undone.
        **changes
            Parameters by name.

        Raises
        ------
        CrmasksError
            They cannot be used; nothing changed.
        """
        # Fields and sliders send back what they were told to show.
        if not self._are_set(changes):
            self.adopt(self.model.parameters.replace(**changes), gesture=gesture, about=about)
        elif self.model.refused.keys() & changes:
            refused = {k: v for k, v in self.model.refused.items() if k not in changes}
            self._set(refused=refused)

    def _are_set(self, changes: dict[str, Any]) -> bool:
        now = dict(self.model.parameters)
        return all(
            name in now and type(value) is type(now[name]) and value == now[name]
            for name, value in changes.items()
        )

    def adopt(self, parameters: Parameters, *, gesture: str = "", about: Places = ()) -> None:
        """Ask for a whole set of parameters, as `update` does for some."""
        before = self.model.parameters
        if parameters == before:
            return
        self._submit(parameters)
        self._history.edit(parameters, about, continues=self._continues(gesture))
        self._follow_history()

    def _continues(self, gesture: str) -> bool:
        if self._open is not None:
            before, self._open = self._open, True
            return before
        now = self._clock()
        same = gesture != "" and gesture == self._gesture and self.can_undo
        same = same and (self._held or now - self._gesture_time < SAME_GESTURE)
        self._gesture, self._gesture_time = gesture, now
        return same

    def begin_gesture(self) -> None:
        """Make all changes until `end_gesture` one step of undo."""
        self._open = False

    def end_gesture(self) -> None:
        """Let the next change be a step of undo of its own."""
        self._open, self._gesture = None, ""

    def hold(self) -> None:
        """Make what one slider sends until `release` one step of undo, however long it rests."""
        if self._clock() - self._gesture_time >= SAME_GESTURE:
            self._gesture = ""
        self._held = True

    def release(self) -> None:
        """Let go of what `hold` held; what was sent last may still be on its way."""
        self._held, self._gesture_time = False, self._clock()

    def _interrupt(self) -> None:
        """Let the next change be a step of its own, and the rest of an open gesture with it."""
        self._open, self._gesture = None if self._open is None else False, ""

    def undo(self) -> None:
        """Go back one step."""
        if self.can_undo:
            self._step(self._history.past[-1], self._history.undo)

    def redo(self) -> None:
        """Do again what was undone."""
        if self.can_redo:
            self._step(self._history.future[-1], self._history.redo)

    def _step(self, step: Step, move: Callable[[], None]) -> None:
        self._interrupt()
        self._submit(step.parameters)
        move()
        with self.together():
            self._follow_history()
            if step.about:
                self._returned(step.about)

    def _follow_history(self) -> None:
        self._set(parameters=self._history.now, refused={})

    # What was asked for may be refused, or given up, before it is computed ----------------------

    @property
    def unproven(self) -> tuple[Edit, ...]:
        """Changes of which not all that follows is computed, the oldest first."""
        return self._history.unproven

    def prove(self, parameters: Parameters) -> None:
        """Hear that all that follows from some parameters has been computed."""
        self._history.prove(parameters)

    def take_back(self, number: int, refused: Mapping[str, str] = MappingProxyType({})) -> None:
        """Take one unproven change back; those after it stay, where they can be without it.

        Parameters
        ----------
        number : int
            From 0.
        refused : mapping, optional
            What is wrong with the values that it set, by parameter name. A step of undo that is
            refused is forgotten; one that is given up can be asked for again.
        """
        edit, before = self.unproven[number], self.model.refused
        self._interrupt()
        try:
            self._history.take_back(number, self.model.analysis.with_parameters, again=not refused)
        except CrmasksError:
            self._history.return_to(edit.before)
        with self.together():
            self._follow_history()
            self._set(refused={**before, **refused})

    def revert(self, parameters: Parameters) -> None:
        """Return to parameters that are known to work; the ones given up can be done again."""
        self._interrupt()
        self._history.return_to(parameters)
        self._follow_history()

    def resubmit(self) -> None:
        """Ask again for what is set, after a stop."""
        self._submit(self.model.parameters)

    def show(self, **changes: Any) -> None:
        """Change the display; keywords are those of `Display`."""
        self._set(display=replace(self.model.display, **changes))

    def select(self, **changes: Any) -> None:
        """Change the selection; keywords are those of `Selection`.

        A pixel outside the frame is none: nothing is selected then.
        """
        selection = replace(self.model.selection, **changes)
        if selection.pixel is not None and not self._has(selection.pixel):
            selection = replace(selection, pixel=None)
        self._set(selection=selection)

    def _has(self, pixel: tuple[int, int]) -> bool:
        (y, x), (ny, nx) = pixel, self.model.analysis.exposures.shape
        return 0 <= y < ny and 0 <= x < nx

    def publish(self, analysis: Analysis) -> None:
        """Take an analysis, and let the listeners hear of it if something new is known.

        Parameters
        ----------
        analysis : Analysis
            Another one, or the same one again.
        """
        model = self.model.of(analysis)
        if analysis is self.model.analysis and model.known == self.model.known:
            return
        self.model = model
        self.refresh()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Let the listeners hear once of all that changes in the context."""
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            if self._missed and not self._together:
                self.refresh()

    def refresh(self) -> None:
        """Have everything drawn again, as after a gesture that came to nothing."""
        self._missed = self._together > 0
        if self._missed:
            return
        for listener in self._listeners:
            listener(self.model)

    def _set(self, **changes: Any) -> None:
        model = replace(self.model, **changes)
        if model == self.model:
            return
        self.model = model
        self.refresh()
