"""The selected hit in 3-D: a surface for each exposure."""

import base64
import binascii
import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ipywidgets import HTML, Box, Layout, VBox

from crmasks_widgets.dashboard.drawing import surfaces
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.dashboard.page.page import name_plot

PLOT: Final = "volume"
_ASSUMED_SIZE: Final = (330, 130)  # before the page told
# Background and axes: those of the stage that all pictures of hits lie on, whatever the theme.
_STAGE: Final = ("#26282f", "#c9ccd3")
_DIRECTION: Final = (0.0, 0.48, 0.88)  # to the camera
_FIELD: Final = 0.83  # height of what a camera of 45 degrees sees, at distance 1
_SLACK: Final = 1.1
_PAINTED: Final = 0.05  # s, after which the page shows what is written before a long import
_COLOURS: Final = "viridis"
_DATA_URL: Final = "data:image/png;base64,"

Frame = npt.NDArray[Any]


class Solid:
    """Frames of the selected hit as surfaces side by side, in which its pixels are marked.

    It costs nothing before it is shown for the first time. Where its library or WebGL is missing
    it says so, and nothing else suffers.

    Parameters
    ----------
    context : Context
        What a view works with.
    again : callable
        Asks for `draw` anew, once the library is there.
    """

    def __init__(self, context: Context, again: Callable[[], object]) -> None:
        self._context, self._again = context, again
        self._library: ModuleType | None = None
        self._failure = ""
        self._figure: Any = None
        self._mesh: Any = None
        self._memo, self._camera_memo = Memo(), Memo()
        self.message = HTML()
        self.message.add_class("crmasks-line")
        self.box = Box(layout=Layout(flex="1 1 0", min_width="0", overflow="hidden"))
        name_plot(self.box, PLOT)
        self.widget = VBox([self.message, self.box], layout=Layout(display="none"))
        self.widget.add_class("crmasks-hit-solid")

    def draw(self, frames: Sequence[Frame], hit: npt.NDArray[np.bool_], names: str) -> None:
        """Show frames, if it can be done.

        Parameters
        ----------
        frames : sequence of (ny, nx) float
            ADU; the same object again is not drawn again.
        hit : (ny, nx) bool
            Pixels to be marked.
        names : str
            What the surfaces are, from left to right.
        """
        if not self._context.page.webgl:
            self.message.value = "No 3-D view: this browser has no WebGL. Everything else works."
        elif min(hit.shape) < 2:
            self.message.value = "No 3-D view of fewer than 2 x 2 pixels."
        elif self._failure:
            self.message.value = self._failure
        elif self._library is None:
            self.message.value = "Loading ipyvolume…"
            self._context.dispatcher.later("ipyvolume", _PAINTED, self._load)
        else:
            self.message.value = names
            self._memo(
                (frames, hit.tobytes()),
                lambda: self._show(surfaces.side_by_side(frames, _COLOURS, hit)),
            )
            self._fit()

    def _load(self) -> None:
        """Import ipyvolume, which takes seconds and is known to break with its dependencies."""
        try:
            self._library = importlib.import_module("ipyvolume")
        except ImportError as error:
            self._failure = f"No 3-D view: ipyvolume cannot be imported ({error.name})."
        self._again()

    def _show(self, made: surfaces.Surfaces) -> None:
        if self._figure is None:
            self._make_figure(made)
        figure, mesh = self._figure, self._mesh
        width, depth = made.sides
        with figure.hold_sync():
            figure.xlim, figure.ylim, figure.zlim = (0.0, width), made.heights, (0.0, depth)
            figure.box_size = [min(4.0, width / depth), 1.0, 1.0]
        with mesh.hold_sync():
            mesh.x, mesh.y, mesh.z = made.x, made.y, made.z
            mesh.color = made.colours
            if mesh.triangles is None or mesh.triangles.shape != made.triangles.shape:
                mesh.triangles = made.triangles

    def _make_figure(self, made: surfaces.Surfaces) -> None:
        library: Any = self._library
        self._mesh = library.Mesh(
            x=made.x, y=made.y, z=made.z, color=made.colours, triangles=made.triangles
        )
        self._figure = library.Figure(
            style=_style(), animation=0.0, meshes=[self._mesh], layout=Layout(margin="0"),
        )  # fmt: skip
        figure = self._figure
        unit = self._context.state.model.analysis.exposures.unit
        figure.xlabel, figure.ylabel, figure.zlabel = "x (pixel)", unit, "y (pixel)"
        figure.on_screenshot(self._context.dispatcher.handler(self._download))
        self.box.children = [figure]

    def _fit(self) -> None:
        """Fill the box, whose size only the page knows."""
        width, height = self._context.size(PLOT, _ASSUMED_SIZE)
        self._figure.width, self._figure.height = width, height
        box_width, _, depth = self._figure.box_size
        self._camera_memo(
            (width, height, box_width),
            lambda: self._place_camera(
                _SLACK * (box_width / (width / height) / _FIELD + depth / 2)
            ),
        )

    def _place_camera(self, distance: float) -> None:
        """See everything from the front and a little from above."""
        x, y, z = _DIRECTION
        self._figure.camera.position = (x * distance, y * distance, z * distance)

    def save(self) -> None:
        """Save the surfaces as they are on screen."""
        if self._figure is not None:
            self._figure.screenshot()

    def _download(self, data_url: str) -> None:
        """Hand the picture that the page took to its download."""
        picture = data_url.removeprefix(_DATA_URL)
        try:
            base64.b64decode(picture, validate=True)
        except binascii.Error:
            self.message.value = "Save PNG: the browser gave no PNG."
            return
        self._context.page.send(
            {
                "event": "download", "name": "crmasks_surfaces.png", "mime": "image/png",
                "base64": picture,
            }
        )  # fmt: skip


def _style() -> dict[str, Any]:
    background, grey = _STAGE
    axes = {"visible": True, "color": grey, "label": {"color": grey}, "ticklabel": {"color": grey}}
    return {"background-color": background, "axes": axes, "box": {"visible": True}}
