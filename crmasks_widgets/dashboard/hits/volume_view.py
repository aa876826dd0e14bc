"""The selected hit as surfaces: to tell a hit from a source or a hot pixel at a glance."""

import base64
import binascii
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from ipywidgets import HTML, Box, HBox, Layout, VBox

from crmasks_widgets.dashboard.drawing import cutouts, surfaces
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.frames import corrected
from crmasks_widgets.dashboard.image.tools import ROW
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.page.page import name_plot

PLOT: Final = "volume"
_ASSUMED_SIZE: Final = (900, 360)  # before the page told
# Background and axes on a light page, and on a dark one.
_LIGHT: Final = ("white", "#666666")
_DARK: Final = ("#212121", "#aaaaaa")
_DIRECTION: Final = (0.0, 0.48, 0.88)  # to the camera
_FIELD: Final = 0.83  # height of what a camera of 45 degrees sees, at distance 1
_SLACK: Final = 1.1
_PAINTED: Final = 0.05  # s, after which the page shows what is written before a long import
# Heights are told apart on a light page and on a dark one.
_COLOURS: Final = "viridis"
_DATA_URL: Final = "data:image/png;base64,"


class VolumeView:
    """Exposures and corrected median of the selected hit as surfaces side by side.

    It costs nothing before it is shown for the first time. Where its library or WebGL is missing
    it says so, and nothing else suffers.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state, self._model = context, context.state, context.state.model
        self.plots: tuple[str, ...] = (PLOT,)
        self._active = False
        self._library: ModuleType | None = None
        self._failure = ""
        self._figure: Any = None
        self._mesh: Any = None
        self._subject, self._memo, self._camera_memo = picking.Selected(), Memo(), Memo()
        self.message, self.legend = HTML(), HTML(layout=Layout(flex="1 1 auto", min_width="0"))
        for line in (self.message, self.legend):
            line.add_class("crmasks-line")
        save = word_button(
            context, "Save PNG", "Save the surfaces as they are on screen (s)", self.save
        )
        self.box = Box(layout=Layout(height="320px", min_width="0", overflow="hidden"))
        name_plot(self.box, PLOT)
        self.widget = VBox(
            [HBox([self.legend, save], layout=Layout(**ROW)), self.message, self.box],
            layout=Layout(min_width="0", height="100%"),
        )
        self.keys: Mapping[str, Shortcut] = {"s": Shortcut("3-D: save as PNG", self.save)}
        context.observe(context.page, self._draw_again, "webgl")
        context.observe(context.page, self._follow_theme, "dark")

    def shown(self, shown: bool) -> None:
        """Draw from now on, or save the effort while nobody sees it.

        Parameters
        ----------
        shown : bool
            Whether the view is on screen.
        """
        self._active = shown
        self.render(self._state.model)

    def _draw_again(self) -> None:
        self.render(self._state.model)

    def _follow_theme(self) -> None:
        if self._figure is not None:
            self._figure.style = self._style()

    def _style(self) -> dict[str, Any]:
        background, grey = _DARK if self._context.page.dark else _LIGHT
        return {
            "background-color": background,
            "axes": {
                "visible": True,
                "color": grey,
                "label": {"color": grey},
                "ticklabel": {"color": grey},
            },
            "box": {"visible": True},
        }

    def render(self, model: ViewModel) -> None:
        """Draw the surfaces of what is selected, if someone looks."""
        self._model = model
        if not self._active:
            return
        if not self._context.page.webgl:
            self.message.value = "No 3-D view: this browser has no WebGL. Everything else works."
            return
        subject = self._subject(model)
        if subject is None or not model.ready("stack"):
            self.message.value = "Click a flagged pixel in the image to see it here."
            return
        if self._library is not None:
            self._draw(model, subject)
        elif self._failure:
            self.message.value = self._failure
        else:
            self.message.value = "Loading ipyvolume…"
            self._context.dispatcher.later("ipyvolume", _PAINTED, self._load)

    def _load(self) -> None:
        """Import ipyvolume, which takes seconds and is known to break with its dependencies."""
        try:
            self._library = importlib.import_module("ipyvolume")
        except ImportError as error:
            self._failure = f"No 3-D view: ipyvolume cannot be imported ({error.name})."
        self.render(self._state.model)

    def _draw(self, model: ViewModel, subject: picking.Subject) -> None:
        stack = model.analysis.stack
        half = model.parameters.semiwindow
        part = cutouts.cutout(subject.centre, half, model.analysis.exposures.shape)
        last = corrected(model, part)
        if min(last.shape) < 2:
            self.message.value = "No 3-D view of fewer than 2 x 2 pixels."
            return
        key = (stack, part, last.tobytes())
        self._memo(
            key,
            lambda: self._show(
                surfaces.side_by_side([*stack.cube[(slice(None), *part)], last], _COLOURS)
            ),
        )
        self._fit()
        rows, columns = part
        names = [f"exposure {i}" for i in range(1, stack.n + 1)]
        self.message.value = ""
        self.legend.value = (
            f"From left to right: {' · '.join(names)} · corrected median. "
            f"x {columns.start + 1} to {columns.stop}, y {rows.start + 1} to {rows.stop} "
            "(FITS pixel); height in ADU, one scale. Drag to turn, wheel to zoom."
        )

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
            style=self._style(), animation=0.0, meshes=[self._mesh], layout=Layout(margin="0"),
        )  # fmt: skip
        self._figure.xlabel, self._figure.ylabel, self._figure.zlabel = "x (pixel)", "ADU", "y"
        self._figure.on_screenshot(self._context.dispatcher.handler(self._download))
        self.box.children = [self._figure]

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
