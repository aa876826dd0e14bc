"""A drawer over the views: what is set and saved there is seen when it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ipywidgets import HTML, Box, HBox, Layout, VBox, Widget

from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import icon_button, segments
from crmasks_widgets.dashboard.page.context import Context, Shortcut


@dataclass(frozen=True)
class DrawerPage:
    """A page of the drawer.

    Attributes
    ----------
    widget : callable
        Gives what it shows; called when the page is first opened.
    shown : callable
        Told whether the page is seen: what costs much is made only then.
    """

    widget: Callable[[], Widget]
    shown: Callable[[bool], object] = lambda _: None


class Drawer:
    """Pages of which one is open, over the right part of the dashboard; nothing else moves.

    Parameters
    ----------
    context : Context
        What a view works with.
    pages : mapping
        By name, in order.
    opened : callable
        Told the name of the page that is open, empty for none.
    """

    plots: tuple[str, ...] = ()
    keys: Mapping[str, Shortcut] = MappingProxyType({})

    def __init__(
        self,
        context: Context,
        pages: Mapping[str, DrawerPage],
        opened: Callable[[str], object],
    ) -> None:
        self._pages, self._opened = dict(pages), opened
        self.page = ""
        self._choice = segments({name: name for name in pages})
        self._body = Box(layout=Layout(flex="1 1 0", min_height="0", overflow="auto"))
        self._body.add_class("crmasks-drawer-body")
        close = icon_button(context, "cross", "Close (Esc)", lambda: self.open(""))
        head = HBox([self._choice, HTML(layout=Layout(flex="1 1 0")), close])
        head.add_class("crmasks-head")
        self.widget = VBox([head, self._body])
        self.widget.add_class("crmasks-drawer").add_class("crmasks-unopened")
        context.observe(self._choice, lambda: self.open(self._choice.value))

    def render(self, model: ViewModel) -> None:
        """Nothing of a view model is shown here; the pages are views of their own."""

    def open(self, name: str) -> None:
        """Open a page, or close the drawer.

        Parameters
        ----------
        name : str
            Of the page; that of the open one, or empty, closes it.
        """
        if name == self.page and self._choice.value == name:
            return
        if self.page:
            self._pages[self.page].shown(False)
        self.page = name
        if name:
            self._choice.value = name
            self._body.children = (self._pages[name].widget(),)
            self.widget.remove_class("crmasks-unopened")
            self._pages[name].shown(True)
        else:
            self.widget.add_class("crmasks-unopened")
        self._opened(name)

    def toggle(self, name: str) -> None:
        """Open a page, or close it if it is open."""
        self.open("" if self.page == name else name)
