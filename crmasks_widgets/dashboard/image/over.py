"""What the page itself draws over the image: regions that can be edited, rings around hits."""

from typing import Any, Final

import numpy as np
import traitlets
from bqplot import LinearScale
from ipywidgets import widget_serialization

from crmasks_widgets.dashboard.drawing import outlines
from crmasks_widgets.dashboard.model import region_edits
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style

_MODULES: Final = ("boxes.js", "over.js")


class Over(Part):
    """Regions and rings; they follow the image's scales as bqplot moves them.

    Attributes
    ----------
    x, y : LinearScale
        Of the image, FITS pixels.
    shape : list
        ny and nx of the frame.
    regions : list of dict
        "kind", "index", "box" (xmin, xmax, ymin, ymax; FITS pixels) and "label" of each.
    kinds : list
        Pairs of a kind of region and its words.
    active : bool
        Whether the pointer draws and changes regions.
    hits : bytes
        x, y and radius of each ring, float32, FITS pixels.
    colours : list of str
        Of the line that lies under a ring, and of the ring.
    answered : int
        Count of the last message that was dealt with: the page shows what it has itself until then.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "put", "kind", "before", "box", "count", "by_key"}`` and
    ``{"event": "remove", "kind", "before", "count"}``; "before" is the box of the region that is
    meant, as the page shows it, or None for a new one.
    """

    _esm = script(__file__, *_MODULES)
    _css = style(__file__, "over.css")
    x: Any = traitlets.Instance(LinearScale).tag(sync=True, **widget_serialization)
    y: Any = traitlets.Instance(LinearScale).tag(sync=True, **widget_serialization)
    shape: Any = traitlets.List([1, 1]).tag(sync=True)
    regions: Any = traitlets.List().tag(sync=True)
    kinds: Any = traitlets.List().tag(sync=True)
    active = traitlets.Bool(False).tag(sync=True)
    hits = traitlets.Bytes(b"").tag(sync=True)
    colours = traitlets.List([outlines.UNDER, outlines.RING]).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)


class Overlay:
    """Keeps what lies over the image as the parameters and the hits have it.

    Parameters
    ----------
    context : Context
        What a view works with.
    scales : mapping
        Scales "x" and "y" of the image.
    """

    def __init__(self, context: Context, scales: dict[str, LinearScale]) -> None:
        self._state = context.state
        ny, nx = context.state.model.analysis.exposures.shape
        kinds = list(region_edits.KINDS.items())
        self.widget = Over(**scales, shape=[ny, nx], kinds=kinds)
        self._places = Memo()
        self.widget.on_msg(context.dispatcher.handler(self._heard))

    def render(self, model: ViewModel) -> None:
        """Show the regions of the newest parameters, and the hits as far as they are known."""
        self.widget.regions = [
            {"kind": one.kind, "index": one.index, "box": list(one.box), "label": one.label}
            for one in region_edits.drawn_regions(model.parameters)
        ]
        if not model.display.rings:
            self.widget.hits = b""
        elif model.ready("hits"):
            hits = model.analysis.result("hits")
            self.widget.hits = self._places((hits,), lambda: _rings(hits))

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        try:
            self._edit(content)
        finally:
            self.widget.answered = content["count"]

    def _edit(self, content: dict[str, Any]) -> None:
        parameters = self._state.model.parameters
        kind, before = content["kind"], content["before"]
        index = None if before is None else region_edits.index_of(parameters, kind, tuple(before))
        if before is not None and index is None:  # it went before the page knew
            return
        if content["event"] == "remove" and index is not None:
            self._state.update(**region_edits.remove_region(parameters, kind, index))
            return
        xmin, xmax, ymin, ymax = content["box"]
        changes = region_edits.put_region(parameters, kind, index, (xmin, xmax, ymin, ymax))
        # A drag is told once, where it ends; of keys pressed in a row nobody tells the end.
        gesture = f"{kind} {index}" if content.get("by_key") else ""
        self._state.update(gesture=gesture, **changes)


def _rings(hits: Any) -> bytes:
    """Centre and radius of the hits of a table."""
    edges = (np.asarray(hits[name], np.float32) for name in ("xmin", "xmax", "ymin", "ymax"))
    left, right, low, high = edges
    radius = np.hypot(right - left + 1, high - low + 1) / 2
    return np.stack([(left + right) / 2, (low + high) / 2, radius], axis=1).tobytes()
