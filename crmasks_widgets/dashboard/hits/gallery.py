"""The part of the page that draws the hits as a gallery: one canvas, and what is near it."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script


class Gallery(Part):
    """Cards of hits, of which the page asks for those on screen.

    Attributes
    ----------
    count : int
        Cards in all.
    selected : int
        Place of the card that is brought on screen when it changes; -1 for none.
    panels : int
        Stamps on a card.
    palette : bytes
        256 colours, red, green, blue and opacity of each.
    empty : str
        What stands there while there is no card.
    spoken : str
        What a screen reader says of the selected card.

    Notes
    -----
    Messages from the page (`on_msg`): ``{"event": "window", "first", "last"}`` asks for cards;
    ``{"event": "pick", "at", "more", "up_to"}``, ``{"event": "judge", "at", "verdict"}`` and
    ``{"event": "step", "by", "up_to"}``, cards from the selected one, are gestures; "at" is the
    flat index of the peak of the hit that the page shows, since its place may be another one by
    now. The answer to the first is ``{"event": "cards", "first", "cards"}`` with a buffer of the
    stamps, one byte a pixel: card by card, stamp by stamp, the lowest row first.
    """

    _esm = script(__file__, "card.js", "gallery.js")
    count = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    panels = traitlets.Int(5).tag(sync=True)
    palette: Any = traitlets.Bytes(b"").tag(sync=True)
    empty = traitlets.Unicode("").tag(sync=True)
    spoken = traitlets.Unicode("").tag(sync=True)
