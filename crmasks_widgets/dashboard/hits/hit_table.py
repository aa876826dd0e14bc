"""The part of the page that draws a page of the table of hits."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class HitTable(Part):
    """A page of a table, with headers to sort by and rows to select.

    Attributes
    ----------
    columns : list of dict
        "name", "label", "help" and "numeric" of each.
    rows : list of dict
        "number" (which row of the list), "at" (flat index of its peak), "cells" (texts), "colour",
        "brushed", "verdict" and "chosen".
    order : dict
        "column" that is sorted by, and whether "descending".
    selected : int
        Row of the list that is selected; -1 for none.
    caption : str
        What is shown of how much.
    before, after : bool
        Whether there are other pages.
    revision : int
        Counts up when something has changed: the page is then drawn anew, once.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "sort", "column"}``, ``{"event": "select", "at", "more",
    "up_to"}``, which means the hit that is seen, and ``{"event": "turn", "by"}``, pages.
    """

    _esm = script(__file__, "hit_table.js")
    _css = style(__file__, "hit_table.css")
    columns: Any = traitlets.List().tag(sync=True)
    rows: Any = traitlets.List().tag(sync=True)
    order: Any = traitlets.Dict().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    before = traitlets.Bool(False).tag(sync=True)
    after = traitlets.Bool(False).tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
