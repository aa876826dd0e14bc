"""The bar at the top of the page: one widget for all that it shows."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class TopBar(Part):
    """What is looked at, the method, what was found, what is being done, and what can be opened.

    Attributes
    ----------
    subject, facts : str
        Name of the data, and how many exposures of which size.
    detectors : list of str
        Names of those that can be looked at; empty where there is one.
    detector : int
        Number in this list of the one whose bar this is.
    methods : list of dict
        "value", "label" and "help" of each.
    method : str
        Value of the one that is set.
    found : dict
        "total", "help", and "entries": "code", "symbol", "colour", "name", "count", "hidden".
    fraction : float
        Of the work that is done.
    doing : str
        What is being done, or how long it took.
    busy, can_undo, can_redo : bool
        What can be stopped, taken back and done again.
    pages : list of dict
        "name", "icon" and "help" of what can be opened, and "menu", "text" and "help" of what its
        icon offers; where that is empty, the icon opens the page.
    page : str
        Name of the one that is open; empty for none.

    Notes
    -----
    Messages (`on_msg`): ``{"do": "undo"}``, "redo" or "cancel"; ``{"detector": number}``,
    ``{"method": value}``, ``{"legend": code}``, ``{"page": name}`` and ``{"menu": name, "chosen":
    number}``. It is told ``{"event": "stays"}`` where a detector that was chosen cannot be shown.
    """

    _esm = script(__file__, "topbar.js")
    _css = style(__file__, "topbar.css")
    subject = traitlets.Unicode("").tag(sync=True)
    facts = traitlets.Unicode("").tag(sync=True)
    detectors: Any = traitlets.List().tag(sync=True)
    detector = traitlets.Int(0).tag(sync=True)
    methods: Any = traitlets.List().tag(sync=True)
    method = traitlets.Unicode("").tag(sync=True)
    found: Any = traitlets.Dict().tag(sync=True)
    fraction = traitlets.Float(0.0).tag(sync=True)
    doing = traitlets.Unicode("").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    can_undo = traitlets.Bool(False).tag(sync=True)
    can_redo = traitlets.Bool(False).tag(sync=True)
    pages: Any = traitlets.List().tag(sync=True)
    page = traitlets.Unicode("").tag(sync=True)
