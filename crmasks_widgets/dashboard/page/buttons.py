"""Buttons with words on them."""

from collections.abc import Callable

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


def tool_buttons(names: dict[str, str]) -> ToggleButtons:
    """Buttons with words, of which one is down.

    Parameters
    ----------
    names : dict
        Tooltips by name.

    Returns
    -------
    ToggleButtons
        Its value is the name.
    """
    return ToggleButtons(
        options=list(names),
        tooltips=list(names.values()),
        style={"button_width": "auto"},
        layout=Layout(width="auto", margin="0"),
    )
