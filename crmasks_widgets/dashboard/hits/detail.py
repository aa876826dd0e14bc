"""The part of the page that shows the selected hit large, with the buttons of its verdict."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script


class HitDetail(Part):
    """The selected hit: words, panels, cuts, verdicts and tools.

    Attributes
    ----------
    state : dict
        "name", "kind", "tone", "place", "cuts", "why", "reason", "verdict", "can_judge"
        (whether a hit is shown), "at" (flat index of the peak of the hit, -1 for none), "empty"
        (what to do while nothing is selected), "tool", "widths", "solid", "stretch", "stretches".
    size : list of int
        Width and height of the picture's place, screen pixels, and screen pixels to a pixel of
        the page; told by the page.
    palette : bytes
        256 colours, red, green, blue and opacity of each.

    Notes
    -----
    Messages from the page (`on_msg`): ``{"event": "click", "x", "y", "layout"}`` in drawn pixels
    from the lower left corner, "layout" being that of the picture, and ``{"event": "do", "what",
    "value", "at"}``, where "at" tells which hit the page shows. To it: ``{"event": "picture",
    "layout", "shape", "panels", "cuts"}`` with the drawn pixels, the lowest row first, and the
    values of the cuts; ``{"event": "save", "name"}``.
    """

    _esm = script(__file__, "detail.js")
    state: Any = traitlets.Dict().tag(sync=True)
    size: Any = traitlets.List([318, 120, 1]).tag(sync=True, echo_update=False)
    palette: Any = traitlets.Bytes(b"").tag(sync=True)
