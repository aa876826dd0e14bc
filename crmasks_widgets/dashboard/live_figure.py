"""A figure that follows its sliders, for the teaching notebooks."""

import html
import io
from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from crmasks_widgets.dashboard.page.dispatch import Dispatcher

Draw = Callable[..., tuple[Figure, str]]
DPI = 90
WIDTH = "36em"
# A key held down moves a slider many times a second: only where it stops is drawn.
DELAY = 0.15


def live_figure(draw: Draw, **controls: widgets.Widget) -> widgets.VBox:
    """Show a figure below the controls that decide it, and a line of text above the figure.

    Parameters
    ----------
    draw : callable
        Takes the value of each control by name; returns a Figure made without pyplot, and the text,
        which says in words what the figure shows.
    **controls : ipywidgets widgets with a value
        Sliders and the like.

    Returns
    -------
    ipywidgets.VBox
        Drawn once already. Where `draw` fails, the text says why, and the figure stays as it was.
    """
    # A box stretches what it holds: the picture would be blurred.
    natural = {"align_self": "flex-start", "max_width": "100%"}
    picture, text = widgets.Image(format="png", layout=natural), widgets.HTML()

    def say(words: str) -> None:
        text.value = f"<b>{html.escape(words)}</b>"

    def update() -> None:
        figure, words = draw(**{name: control.value for name, control in controls.items()})
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        picture.value = stream.getvalue()
        say(words)

    dispatcher = Dispatcher(say)
    for control in controls.values():
        control.layout.width = WIDTH
        control.observe(lambda _: dispatcher.later("figure", DELAY, update), names="value")
    dispatcher.call(update)
    return widgets.VBox([*controls.values(), text, picture])
