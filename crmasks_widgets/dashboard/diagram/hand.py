"""The part of the page that lies over the diagram: it draws the line, and moves it by itself."""

import base64
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import traitlets
from bqplot import LinearScale
from ipywidgets import widget_serialization

from crmasks_widgets.dashboard.drawing.glyphs import glyphs, stamp
from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style
from crmasks_widgets.files.pictures import rgba_png

# A user needs no bundler, and anywidget takes one text: it is all of these.
_MODULES: Final = (
    "curves.js", "elements.js", "snapshot.js", "exact.js", "crowd.js", "hand.js",
)  # fmt: skip


class Hand(Part):
    """Line, fixed points, levels and readout of a diagram, and what the pointer does to them.

    A drag is drawn in the page at once; the kernel hears of it as fast as it answers.

    Attributes
    ----------
    x, y : LinearScale
        Of the figure below, in places along the axes.
    axes : dict
        "x" and "y": "kind", "softening", "name" and "unit" of each axis.
    scene : dict
        Of `scene.line_scene`.
    legend : list of dict
        "code" and "name".
    stamps : dict
        "side", pixels; "ratio"; "pictures" of glyphs by code, and their "pens" without rims.
    combine : dict
        Code of a candidate above the line by its code from the other detectors.
    places : bytes
        Candidates: x and then y, float32, data.
    others : bytes
        Their codes from the other detectors, uint8.
    rest : bytes
        Pixels that are flagged but no candidates: x, y and codes.
    active : bool
        Whether the tool is the one that moves the boundary.
    moved : dict
        Where the pointer holds what it drags: "gesture", "x" and "y", data.
    answered : str
        The last gesture whose end is in `scene`.
    ratio : float
        Pixels of the device to one of the page.

    Notes
    -----
    Messages (`on_msg`): ``{"event": "grasp", "gesture"}`` and ``{"event": "drop", "gesture", "x",
    "y"}``; ``{"event": "exact", "point"}`` with x, y and weight; ``{"event": "remove"}``. But for
    the drop, each tells which point is meant by what the page shows: "index" and "count" in its
    list, and "was", its x, y and weight there; None for a new one on the line.
    ``{"event": "save", "name"}`` to the page asks it to save the plot as PNG.
    Of `moved`, the page sends only the newest, and may send it after the drop: only what belongs to
    the gesture that is going on counts.
    """

    _esm = script(__file__, *_MODULES)
    _css = style(__file__, "hand.css")
    x: Any = traitlets.Instance(LinearScale).tag(sync=True, **widget_serialization)
    y: Any = traitlets.Instance(LinearScale).tag(sync=True, **widget_serialization)
    axes: Any = traitlets.Dict().tag(sync=True)
    scene: Any = traitlets.Dict().tag(sync=True)
    legend: Any = traitlets.List().tag(sync=True)
    stamps: Any = traitlets.Dict().tag(sync=True)
    combine: Any = traitlets.Dict().tag(sync=True)
    places = traitlets.Bytes(b"").tag(sync=True)
    others = traitlets.Bytes(b"").tag(sync=True)
    rest = traitlets.Bytes(b"").tag(sync=True)
    active = traitlets.Bool(True).tag(sync=True)
    moved: Any = traitlets.Dict().tag(sync=True, echo_update=False)
    answered = traitlets.Unicode("").tag(sync=True)
    ratio = traitlets.Float(1.0).tag(sync=True, echo_update=False)

    def show_stamps(self, *, dark: bool) -> None:
        """Send the glyphs that the page draws during a drag: those of the kernel's pictures."""
        kinds = [(code, stamp(code, self.ratio, dark=dark)) for code in glyphs()]
        pens = {str(code): _url(stamp(code, self.ratio, dark=dark, rim=False)) for code, _ in kinds}
        self.stamps = {
            "ratio": self.ratio,
            "side": max(len(picture) for _, picture in kinds),
            "pictures": {str(code): _url(picture) for code, picture in kinds},
            "pens": pens,
        }


def _url(picture: npt.NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(rgba_png(picture)).decode()
