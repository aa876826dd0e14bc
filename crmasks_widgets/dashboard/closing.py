"""Taking a tree of widgets off the page, and out of memory."""

from collections.abc import Iterator
from typing import Any

from ipywidgets import Widget


def close_all(root: Widget) -> None:
    """Close a widget and every widget that it is made of: `Widget.close` leaves those alive.

    Parameters
    ----------
    root : Widget
        What holds the others in its traits.
    """
    seen: dict[str, Widget] = {}
    waiting = [root]
    while waiting:
        widget = waiting.pop()
        # One that is closed already has no name any more, and was walked through before.
        if widget.model_id is None or widget.model_id in seen:
            continue
        seen[widget.model_id] = widget
        for value in widget.trait_values().values():
            waiting.extend(_widgets_in(value))
    for widget in seen.values():
        widget.close()


def _widgets_in(value: Any) -> Iterator[Widget]:
    if isinstance(value, Widget):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _widgets_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _widgets_in(part)
