"""What only the page can tell the kernel: keys, the pointer over a plot, the sizes of plots."""

import traitlets
from ipywidgets import DOMWidget

from crmasks_widgets.dashboard.page.icons import icon_styles
from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class Page(Part):
    """Invisible part of the dashboard that listens to the page.

    It keeps the keys pressed over the dashboard from JupyterLab's own shortcuts.

    Attributes
    ----------
    pointer : dict
        Where the pointer is: "plot" (its name), "x" and "y" (fractions of its plotting area from
        the left and the lower edge); empty when over no plot.
    wheel : dict
        As `pointer`, and "total", by how much the wheel was turned so far, pixels.
    contrast : dict
        As `pointer`, but how far the right button dragged, and the "gesture". It may come after the
        message that ends the drag, and is old then.
    sizes : dict
        Width and height of the plotting areas by name, screen pixels.
    webgl : bool
        False once the page found that it cannot draw in 3-D.
    dark : bool
        True while JupyterLab, or Voila, has a dark theme.
    keeps : bool
        Whether the page can change an output that it did not ask for; that of `crmasks lab` can.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "key", "key", "control", "shift", "at", "pane", "wheel"}``,
    where "at" and "wheel" are what `pointer` and `wheel` are by then, ``{"event": "contrast"}``
    with the last of `contrast` of a drag,
    ``{"event": "click", "plot", "x", "y"}`` or "dblclick"; the end of a drag is no click;
    ``{"event": "hold", "slider"}`` and "release", with "value", where the pointer takes a slider of
    ipywidgets, known by its class ``crmasks-slider-NAME``, and lets it go; and
    ``{"event": "begun"}`` and "made" as the page makes the widgets of the session. It is told
    ``{"event": "leaves"}`` where another session waits to take its place, and "stays" if none does
    any more.
    """

    _esm = script(__file__, "first_visit.js", "notebook.js", "page.js")
    _css = style(__file__, "page.css", "foot.css", "narrow.css", "alone.css", "first_visit.css")
    _css += icon_styles()
    # Only the page changes these: it needs no echo.
    pointer = traitlets.Dict().tag(sync=True, echo_update=False)
    wheel = traitlets.Dict().tag(sync=True, echo_update=False)
    contrast = traitlets.Dict().tag(sync=True, echo_update=False)
    sizes = traitlets.Dict().tag(sync=True, echo_update=False)
    webgl = traitlets.Bool(True).tag(sync=True, echo_update=False)
    dark = traitlets.Bool(False).tag(sync=True, echo_update=False)
    keeps = traitlets.Bool(False).tag(sync=True, echo_update=False)


def name_plot(figure: DOMWidget, name: str) -> None:
    """Let the page report the pointer over a figure, and its size, under a name."""
    figure.add_class("crmasks-plot")
    figure.add_class(f"crmasks-plot-{name}")
