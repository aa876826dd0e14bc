"""Taking widgets out of memory: `Widget.close` leaves alive what a widget is made of."""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from ipywidgets import Widget


@contextlib.contextmanager
def widgets_made() -> Iterator[list[Widget]]:
    """Note the widgets that this thread makes in the context.

    Not all of them can be found from the outermost one: a tool that is not in use, or a
    buffer that is not on the screen, is in no trait of another widget. Whoever else notes widgets,
    another package or such a context around this one, goes on hearing of them.

    Yields
    ------
    list of Widget
        Grows while the context lasts.
    """
    made: list[Widget] = []
    here, on = threading.get_ident(), True
    before = Widget._widget_construction_callback

    def note(widget: Widget) -> None:
        if on and threading.get_ident() == here:
            made.append(widget)
        if before is not None:
            before(widget)

    Widget.on_widget_constructed(note)
    try:
        yield made
    finally:
        # Another thread that did the same meanwhile goes on, and calls this function still.
        on = False
        if Widget._widget_construction_callback is note:
            Widget.on_widget_constructed(before)


def close_all(widgets: Iterable[Widget]) -> None:
    """Close widgets and everything that they hold.

    Parameters
    ----------
    widgets : iterable of Widget
        Those that hold others may have got them since they were made.
    """
    waiting, found = list(widgets), dict[str, Widget]()
    while waiting:
        widget = waiting.pop()
        if widget.comm is not None and widget.model_id not in found:  # else it is closed
            found[widget.model_id] = widget
            waiting += _held([getattr(widget, name) for name in widget.keys])
    for widget in found.values():
        widget.close()


def _held(value: Any) -> list[Widget]:
    if isinstance(value, Widget):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [widget for item in value for widget in _held(item)]
