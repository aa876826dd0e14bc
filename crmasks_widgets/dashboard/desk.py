"""What every view of the dashboard works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ipywidgets import DOMWidget, Widget

from crmasks_widgets.dashboard.dispatch import Dispatcher
from crmasks_widgets.dashboard.page import Page
from crmasks_widgets.dashboard.state import Scene, State


class View(Protocol):
    """A part of the dashboard: draws scenes, and turns gestures into changes of the state."""

    widget: DOMWidget

    def render(self, scene: Scene) -> None:
        """Draw a scene; cheap where nothing that is shown here has changed."""


@dataclass(frozen=True)
class Desk:
    """What a view may reach: never another view.

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
            What the hand moves.
        action : callable
            Reads the widget: it may have moved on since.
        names : str or list of str
            Traits.
        """
        widget.observe(self.dispatcher.handler(lambda _: action()), names)

    def size(self, plot: str, otherwise: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a plot on the screen, pixels; `otherwise` before the page told."""
        width, height = self.page.sizes.get(plot, otherwise)
        return max(1, int(width)), max(1, int(height))
