"""Buttons: with words, with an icon, and rows of which one is down."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ipywidgets import Button, Layout, ToggleButtons

from crmasks_widgets.dashboard.page.context import Context


def word_button(
    context: Context,
    text: str,
    tooltip: str,
    action: Callable[[], object],
    layout: Layout | None = None,
) -> Button:
    """Make a button that says what it does.

    Parameters
    ----------
    context : Context
        Gives the click its turn.
    text, tooltip : str
        On it, and on hover.
    action : callable
        Takes nothing.
    layout : Layout, optional
        By default the button is as wide as its text.

    Returns
    -------
    Button
        It does `action` when it is clicked.
    """
    button = Button(description=text, tooltip=tooltip, layout=layout or Layout(width="auto"))
    button.on_click(context.dispatcher.handler(lambda _: action()))
    return button


def icon_button(context: Context, icon: str, tooltip: str, action: Callable[[], object]) -> Button:
    """Make a button that shows an icon.

    Parameters
    ----------
    context : Context
        Gives the click its turn.
    icon : str
        Name in `crmasks_widgets.dashboard.page.icons`.
    tooltip : str
        What it does, and its key: on hover, and for screen readers.
    action : callable
        Takes nothing.

    Returns
    -------
    Button
        It does `action` when it is clicked.
    """
    button = Button(tooltip=tooltip)
    button.add_class("crmasks-icon").add_class(f"crmasks-icon-{icon}")
    button.on_click(context.dispatcher.handler(lambda _: action()))
    return button


def segments(options: Mapping[str, Any], tooltips: Sequence[str] = ()) -> ToggleButtons:
    """Buttons side by side of which one is down, as one piece.

    Parameters
    ----------
    options : mapping
        Values by the word on the button.
    tooltips : sequence of str, optional
        In the same order.

    Returns
    -------
    ToggleButtons
        Its value is that of the button that is down.
    """
    row = ToggleButtons(options=list(options.items()), tooltips=list(tooltips or options))
    row.add_class("crmasks-segments")
    return row


def icon_tools(tools: Mapping[str, str]) -> ToggleButtons:
    """Icons side by side of which one is down: what the pointer does.

    Parameters
    ----------
    tools : mapping
        Tooltips, a name and what it does behind a colon, by the name of the icon, which is the
        value, too.

    Returns
    -------
    ToggleButtons
        Its value is the name of an icon.
    """
    # An icon is drawn by the class of its button, which ipywidgets makes of `icon`: "fa fa-NAME".
    # Words that differ tell ipywidgets which button is down, and screen readers what it is.
    row = ToggleButtons(
        options=[(help_.partition(":")[0], name) for name, help_ in tools.items()],
        tooltips=list(tools.values()),
        icons=[f"crmasks crmasks-icon-{name}" for name in tools],
    )
    row.add_class("crmasks-tools")
    return row
