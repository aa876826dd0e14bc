"""Which frame is shown, and which frames take turns: one row of buttons."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class FrameBar(Part):
    """Buttons of the frames, a list of the rarer ones, and the button that lets them take turns.

    Attributes
    ----------
    state : dict
        "frames", pairs of a key and the word on its button; "others", pairs of a key and its words;
        "titles" by key; "shown", the key of the frame on screen; "blink", keys of the frames that
        take turns, empty for all; "playing"; "interval", seconds; "steps", how many steps the
        page has asked for.

    Notes
    -----
    Messages (`on_msg`): ``{"show": key}``, ``{"mark": key}`` to take a frame into the list of those
    that take turns or out of it, ``{"play": bool}``, and ``{"step": 1}`` as time passes. The page
    asks for no step before the last one was taken.
    """

    _esm = script(__file__, "frame_bar.js")
    _css = style(__file__, "frame_bar.css")
    state: Any = traitlets.Dict().tag(sync=True)
