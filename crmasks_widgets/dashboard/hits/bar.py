"""The head of the hits: gallery or table, which hits, in which order, how many are reviewed."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class HitBar(Part):
    """One row of choices, and a panel with more of them.

    Attributes
    ----------
    state : dict
        What is shown: "view", "views", "chip", "chips" (key, label, count, tone and number of rows
        beside of each), "order", "orders", "reviewed"; in the panel "method", "methods", "peak",
        "unit", "text", "on_screen", "other", "others", "compared", "comparisons", "comparison",
        "n_others"; "more", how many of the panel's choices leave hits out.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "set", "name", "value"}``; names are those above, "clear"
    and "next_other".
    """

    _esm = script(__file__, "bar.js")
    _css = style(__file__, "hits.css")
    state: Any = traitlets.Dict().tag(sync=True)
