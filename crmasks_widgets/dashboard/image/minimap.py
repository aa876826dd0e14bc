"""A small map of the frame that says which part of it is on screen."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class Minimap(Part):
    """The frame, small, with the part on screen as a box.

    Attributes
    ----------
    png : bytes
        Picture of the whole frame.
    shape : list
        ny and nx of the frame.
    part : list
        x_min, x_max, y_min, y_max of what is on screen, as fractions of the frame from its left
        and lower edge; empty while all is, and then there is no map.

    Notes
    -----
    Message (`on_msg`): ``{"x", "y"}`` of a place that the user wants in the middle, fractions.
    """

    _esm = script(__file__, "minimap.js")
    _css = style(__file__, "minimap.css")
    png = traitlets.Bytes(b"").tag(sync=True)
    shape: Any = traitlets.List([1, 1]).tag(sync=True)
    part: Any = traitlets.List().tag(sync=True)
