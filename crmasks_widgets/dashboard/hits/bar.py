"""The head of the hits: gallery or table, which hits, in which order, how many are reviewed."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


class HitBar(anywidget.AnyWidget):
    """One row of choices, and a panel with more of them.

    Attributes
    ----------
    state : dict
        What is shown: "view", "views", "chip", "chips" (key, label, count and tone of each),
        "order", "orders", "reviewed"; in the panel "method", "methods", "peak", "text",
        "on_screen", "other", "others", "compared", "comparison"; "more", how many of the panel's
        choices leave hits out.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "set", "name", "value"}``; names are those above, and "clear".
    """

    _esm = (_HERE / "bar.js").read_text(encoding="utf-8")
    _css = (_HERE / "hits.css").read_text(encoding="utf-8")
    state: Any = traitlets.Dict().tag(sync=True)
