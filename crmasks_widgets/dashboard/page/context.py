"""What every view of the dashboard works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ipywidgets import DOMWidget, Widget

from crmasks_widgets.dashboard.model.state import State, ViewModel
from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.page.page import Page


@dataclass(frozen=True)
class Shortcut:
    """What a key does.

    Attributes
    ----------
    help : str
        A few words for the list of keys.
    action : callable
        Takes nothing; the pointer is in `Page.pointer`.
    """

    help: str
    action: Callable[[], object]


class View(Protocol):
    """A part of the dashboard: draws a view model, and turns gestures into changes of the state."""

    @property
    def widget(self) -> DOMWidget:
        """To be placed on the page."""

    @property
    def plots(self) -> tuple[str, ...]:
        """Names of its plots (`page.name_plot`); over them its keys come first."""

    @property
    def keys(self) -> Mapping[str, Shortcut]:
        """By what the browser calls the key: "a", "A", "?", "Escape", "ArrowLeft", "Ctrl+z"."""

    def render(self, model: ViewModel) -> None:
        """Draw a view model; cheap where nothing that is shown here has changed."""


@dataclass(frozen=True)
class Context:
    """What a view works with: never another view.

    Attributes
    ----------
    state : State
        Takes gestures.
    dispatcher : Dispatcher
        Gives each callback its turn.
    page : Page
        Keys, pointer and sizes.
    """

    state: State
    dispatcher: Dispatcher
    page: Page

    def observe(
        self, widget: Widget, action: Callable[[], object], names: str | list[str] = "value"
    ) -> None:
        """Run an action, in its turn, when a trait changes.

        Parameters
        ----------
        widget : Widget
            What the user moves.
        action : callable
            Reads the widget: it may have moved on since.
        names : str or list of str
            Traits.
        """
        widget.observe(self.dispatcher.handler(lambda _: action()), names)

    def when_begun(self, action: Callable[[], object]) -> None:
        """Run an action, in its turn, when a page begins, as after it was loaded again.

        Parameters
        ----------
        action : callable
            Lets go of what a hand held: where its page is gone, nobody tells the end.
        """

        def heard(_: object, content: dict[str, Any], __: object) -> None:
            if content.get("event") == "begun":
                action()

        self.page.on_msg(self.dispatcher.handler(heard))

    def size(self, plot: str, otherwise: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a plot on the screen, pixels; `otherwise` before the page told."""
        width, height = self.page.sizes.get(plot, otherwise)
        return max(1, int(width)), max(1, int(height))


class Memo:
    """Does again only what something new asks for; a view has one for each thing it draws."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] | None = None
        self._value: Any = None

    def __call__(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return the last value, or a new one if the key has changed.

        Parameters
        ----------
        key : tuple
            What the value follows from; numbers, texts, bytes and tuples of them count as the same
            if they are equal, everything else if it is the same object.
        make : callable
            Makes the value.

        Returns
        -------
        object
            The value.
        """
        if self._key is None or not _same(key, self._key):
            self._value = make()
            self._key = key
        return self._value


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(
        a is b or (_is_plain(a) and _is_plain(b) and a == b)
        for a, b in zip(one, other, strict=True)
    )


def _is_plain(value: Any) -> bool:
    """Whether two such values can be compared; what holds arrays cannot."""
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | bytes | int | float | slice)
