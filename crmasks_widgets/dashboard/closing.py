"""Taking widgets out of memory: `Widget.close` leaves alive what a widget is made of."""

import contextlib
import threading
from collections.abc import Iterator

from ipywidgets import Widget


@contextlib.contextmanager
def widgets_made() -> Iterator[list[Widget]]:
    """Note the widgets that this thread makes in the context.

    Not all of them can be found from the outermost one: a tool that is not in the hand, or a
    buffer that is not on the screen, is in no trait of another widget.

    Yields
    ------
    list of Widget
        Grows while the context lasts.
    """
    made: list[Widget] = []
    here = threading.get_ident()

    def note(widget: Widget) -> None:
        if threading.get_ident() == here:
            made.append(widget)

    Widget.on_widget_constructed(note)
    try:
        yield made
    finally:
        Widget.on_widget_constructed(None)
