"""The dialog of files on the page."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class OpenDialog(Part):
    """A table of files, what those that are chosen look like, and what is proposed for them.

    Attributes
    ----------
    opened : bool
        Whether it is seen.
    listing : dict
        "folder", "prefix" (what makes a whole path of a name), "up", "folders", "names", "sizes",
        "parameters" (which of the names are parameter files), "remark".
    proposal : dict
        "title", "remarks", "rows", "ready" and "kept": settings on screen that are kept only when
        that is ticked; or "ask", a question to be answered before the files are read; empty while
        nothing can be said.
    doing, error : str
        What is being read, proposed or opened, and what went wrong.
    looking, listing_error : str
        That a folder or pattern is being looked through, and why it is not shown.
    outside : list of str
        Paths that were typed and stand for a file: to be chosen.
    pictures : int
        Files that are chosen and shown with a thumbnail; the others are counted.
    suffixes : list of str
        How the names of parameter files end, in small letters.

    Notes
    -----
    Messages (`on_msg`): ``{"do": "go", "path"}``, ``{"do": "look", "paths"}``, ``{"do": "choose",
    "paths"}``, ``{"do": "set", "values"}``, ``{"do": "read"}``, ``{"do": "open", "keep"}``,
    ``{"do": "stop"}`` and ``{"do": "close"}``. To it: ``{"event": "facts", "facts"}`` by path, and
    ``{"event": "picture", "path", "shape"}`` with a byte for each pixel, the lowest row first.
    """

    _esm = script(__file__, "rows.js", "dialog.js")
    _css = style(__file__, "dialog.css")
    opened = traitlets.Bool(False).tag(sync=True)
    listing: Any = traitlets.Dict().tag(sync=True)
    proposal: Any = traitlets.Dict().tag(sync=True)
    doing = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    looking = traitlets.Unicode("").tag(sync=True)
    listing_error = traitlets.Unicode("").tag(sync=True)
    outside: Any = traitlets.List().tag(sync=True)
    pictures = traitlets.Int(0).tag(sync=True)
    suffixes: Any = traitlets.List().tag(sync=True)
