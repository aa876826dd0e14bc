"""The frames, seen as closely as one likes, with what is flagged over them."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from bqplot import Figure, LinearScale, PanZoom
from bqplot.interacts import BrushSelector, Interaction
from bqplot_image_gl.interacts import MouseInteraction
from ipywidgets import HTML, Box, DOMWidget, HBox, Layout, VBox

from crmasks_widgets.dashboard.drawing import stretches, viewport
from crmasks_widgets.dashboard.image import tools as image_tools
from crmasks_widgets.dashboard.image.display_bar import DisplayBar
from crmasks_widgets.dashboard.image.frames import (
    Frames,
    celestial,
    frame_title,
    pixel_line,
    shown_title,
    sky_text,
)
from crmasks_widgets.dashboard.image.layers import ImageLayers, Place
from crmasks_widgets.dashboard.image.minimap import Minimap
from crmasks_widgets.dashboard.image.over import Overlay
from crmasks_widgets.dashboard.image.painting import Painting
from crmasks_widgets.dashboard.image.picking import flagged_near
from crmasks_widgets.dashboard.image.tools import ToolBar, window_widths
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.buttons import icon_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.page.page import name_plot

PLOT: Final = "image"
_ASSUMED_SIZE: Final = (520, 420)  # before the page told
SETTLED: Final = 0.12  # s without a move, after which other views and the sharp part follow
_WHEEL: Final = 1e-3  # as bqplot turns a wheel into a zoom
_CLICK_REACH: Final = 6  # screen pixels


class ImageView:
    """Pan, zoom, blink, stretch, read values, select, paint and erase.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state = context, context.state
        self._model = context.state.model
        self.plots: tuple[str, ...] = (PLOT,)
        self._square = True
        self._placed, self._place_memo = viewport.frame_limits(self._shape), Memo()
        self._wheel = 0.0
        # The drag of the contrast and the limits that it began with; the drag that ended last.
        self._contrast: tuple[str, tuple[float, float]] = ("", (0.0, 1.0))
        self._let_go = ""
        self._wcs = celestial(self._model.analysis.exposures.headers[0])
        self._painting = Painting(context)
        frames = Frames()
        self._build_figure(frames)
        self.tools, self.display = ToolBar(context), DisplayBar(context, frames, self._put)
        self.readout, self.note, self.caption = HTML(), HTML(), HTML()
        self.over = Overlay(context, {"x": self.x, "y": self.y})
        self.minimap = Minimap()
        self.minimap.add_class("crmasks-minimap")
        self._lay_out(context)
        self._listen(context)
        self._set_tool()
        self.keys: Mapping[str, Shortcut] = self._make_keys()

    @property
    def _shape(self) -> tuple[int, int]:
        return self._model.analysis.exposures.shape

    @property
    def _size(self) -> tuple[int, int]:
        return self._context.size(PLOT, _ASSUMED_SIZE)

    def _build_figure(self, frames: Frames) -> None:
        self.x, self.y = (LinearScale(allow_padding=False) for _ in range(2))
        scales = {"x": self.x, "y": self.y}
        self.layers = ImageLayers(scales, frames)
        self.figure = Figure(
            marks=self.layers.marks, axes=[], padding_y=0, animation_duration=0,
            fig_margin=dict.fromkeys(("top", "bottom", "left", "right"), 0),
            layout=Layout(width="100%", height="100%", min_width="0", min_height="0"),
        )  # fmt: skip
        name_plot(self.figure, PLOT)
        self._pan = PanZoom(scales={"x": [self.x], "y": [self.y]})
        self._box = BrushSelector(x_scale=self.x, y_scale=self.y, color="#56B4E9")
        # PanZoom inside it would keep the drags for itself: the wheel is left to `_turn_wheel`.
        self._brush = MouseInteraction(
            x_scale=self.x,
            y_scale=self.y,
            events=["dragstart", "dragmove", "dragend"],
            cursor="crosshair",
        )

    def _lay_out(self, context: Context) -> None:
        self.readout.add_class("crmasks-readout")
        self.note.add_class("crmasks-note")
        self.caption.add_class("crmasks-caption")
        button = partial(icon_button, context)
        title = HTML("Image")
        title.add_class("crmasks-title")
        spring = HTML()
        spring.add_class("crmasks-spring")
        # Where there is no room for all, they stand in a row of their own.
        tools = HBox([
            self.tools.tools,
            button("home", "Whole frame; again: fill the pane (h)", self.home),
            button("layers", "Flags, rings, difference, blink", self.display.toggle_layers),
            button("contrast", "Limits and stretch, with a histogram", self.display.toggle_levels),
            button("camera", "Save the image as it is on screen (s)", self.save),
        ])  # fmt: skip
        tools.add_class("crmasks-together")
        head = HBox([title, self.display.bar, spring, tools])
        head.add_class("crmasks-head")
        self.stage = Box([
            self.figure, self.over.widget, self.minimap, self.readout, self.note, self.caption,
            self.tools.options,
        ])  # fmt: skip
        self.stage.add_class("crmasks-body").add_class("crmasks-stage")
        self.widget = VBox([head, self.stage])
        self.widget.add_class("crmasks-pane")

    def _put(self, panel: DOMWidget) -> None:
        """Lay a panel over the image."""
        self.stage.children = (*self.stage.children, panel)

    def _listen(self, context: Context) -> None:
        context.observe(self.tools.tools, self._set_tool)
        for scale in (self.x, self.y):
            scale.observe(self._moved, ["min", "max"])
        context.observe(self._box, self._zoom_to_box, "brushing")
        context.observe(context.page, self._read_pointer, "pointer")
        context.observe(context.page, self._turn_wheel, "wheel")
        context.observe(context.page, self._change_contrast, "contrast")
        context.page.on_msg(context.dispatcher.handler(self._page_message))
        self._brush.on_msg(context.dispatcher.handler(self._drag))
        self.minimap.on_msg(context.dispatcher.handler(self._go))

    # Drawing ----------------------------------------------------------------------------------

    def render(self, model: ViewModel) -> None:
        """Draw the frame on screen, what is flagged in it, and the controls."""
        self._model = model
        size, square = self._size, self._square
        self._place_memo(
            (model.display.image, size, square), partial(self._place, model.display.image, size)
        )
        self.layers.render(model, Place(self._placed, size))
        self._show_map()
        self.display.render(model, self.layers.limits)
        self.over.render(model)
        self._show_caption(model)
        self._read_pointer()

    def _show_caption(self, model: ViewModel) -> None:
        text = f"<span>{shown_title(model.display)}</span>"
        if self.caption.value != text:
            self.caption.value = text

    def _show_map(self) -> None:
        """Show where in the frame the image is, while it shows a part."""
        (ny, nx), (x_min, x_max, y_min, y_max) = self._shape, self._placed
        part = [(x_min + 0.5) / nx, (x_max + 0.5) / nx, (y_min + 0.5) / ny, (y_max + 0.5) / ny]
        whole = part[0] <= 0 and part[1] >= 1 and part[2] <= 0 and part[3] >= 1
        with self.minimap.hold_sync():
            self.minimap.part = [] if whole else [min(1.0, max(0.0, edge)) for edge in part]
            if not whole and self.layers.overview.png != self.minimap.png:
                self.minimap.png, self.minimap.shape = self.layers.overview.png, [ny, nx]

    def _place(self, wanted: Limits | None, size: tuple[int, int]) -> None:
        limits = wanted or self._first_limits()
        fitted = viewport.fitted(limits, size) if self._square else limits
        # What the user moves beyond the frame stays there; what had to be widened is free to move.
        widened = fitted != limits
        self._placed = viewport.moved_inside(fitted, self._shape) if widened else limits
        x_min, x_max, y_min, y_max = viewport.to_fits_pixels(self._placed)
        x, y = self.x, self.y
        # Both at once, for observers and for the page.
        with (
            x.hold_sync(),
            y.hold_sync(),
            x.hold_trait_notifications(),
            y.hold_trait_notifications(),
        ):
            x.min, x.max, y.min, y.max = x_min, x_max, y_min, y_max

    # What is on screen ------------------------------------------------------------------------

    def _moved(self, _: object) -> None:
        self._context.dispatcher.later("image moved", SETTLED, self._settle)

    def _settle(self) -> None:
        """Tell everyone what is on screen, once the image rests."""
        edges = (self.x.min, self.x.max, self.y.min, self.y.max)
        if None in edges or edges == viewport.to_fits_pixels(self._placed):
            return
        limits = viewport.from_fits_pixels(
            (float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3]))
        )
        self._placed = limits
        self._state.show(image=limits)

    def home(self) -> None:
        """Show the whole frame; from there, as much as fills the plot."""
        whole = viewport.frame_limits(self._shape)
        there = whole in (self._state.model.display.image, self._first_limits())
        self._state.show(image=None if there else whole)

    def _first_limits(self) -> Limits:
        return viewport.first_limits(self._shape, self._size)

    def _go(self, _: object, content: dict[str, Any], __: object) -> None:
        """Look at the place that was clicked in the map."""
        ny, nx = self._shape
        at = round(content["y"] * ny - 0.5), round(content["x"] * nx - 0.5)
        self._state.show(image=viewport.around(at, self._placed))

    def zoom(self, factor: float) -> None:
        """Show more (above 1) or less of the frame, about the middle."""
        self._state.show(image=viewport.zoomed(self._placed, factor))

    def _zoom_to_box(self) -> None:
        corners = self._box.selected
        if self._box.brushing or corners is None or len(corners) < 2:
            return
        (x1, y1), (x2, y2) = ((float(x), float(y)) for x, y in corners)
        limits = viewport.from_fits_pixels((min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)))
        with self._box.hold_sync():
            self._box.selected_x = self._box.selected_y = None
        if limits[1] > limits[0] and limits[3] > limits[2]:
            self._state.show(image=viewport.zoomed(limits, 1.0))

    def _turn_wheel(self) -> None:
        """Zoom where no interaction of bqplot does."""
        wheel = self._context.page.wheel
        turned = wheel.get("total", self._wheel) - self._wheel
        self._wheel += turned
        if self.figure.interaction is not self._pan and wheel.get("plot") == PLOT:
            centre = self._at(wheel)
            self._state.show(image=viewport.zoomed(self._placed, math.exp(_WHEEL * turned), centre))

    def _change_contrast(self) -> None:
        """Shift and widen the colour limits, as the right button drags."""
        drag = self._context.page.contrast
        if drag and drag["gesture"] != self._let_go:
            self._drag_contrast(drag)

    def _drag_contrast(self, drag: Mapping[str, Any]) -> None:
        if drag["plot"] != PLOT:
            return
        if drag["gesture"] != self._contrast[0]:
            self._contrast = drag["gesture"], self.layers.limits
        low, high = stretches.shifted_limits(self._contrast[1], drag["x"], drag["y"])
        of_difference = self._model.display.frame == "difference"
        self._state.show(limits="manual", low=low, high=high, of_difference=of_difference)

    def toggle_aspect(self) -> None:
        """Square pixels, or the frame in all of the plot."""
        self._square = not self._square
        self.render(self._state.model)

    # What the mouse does ----------------------------------------------------------------------

    def _set_tool(self) -> None:
        tool = self.tools.tools.value
        interactions: dict[str, Interaction | None] = {
            image_tools.ZOOM_BOX: self._box,
            image_tools.PAINT: self._brush,
            image_tools.ERASE: self._brush,
            image_tools.REGIONS: None,
        }
        self.figure.interaction = interactions.get(tool, self._pan)
        self.over.widget.active = tool == image_tools.REGIONS

    def _at(self, place: Mapping[str, Any]) -> tuple[float, float]:
        """Position (x, y) in pixels counted from 0, of fractions of the plot."""
        x_min, x_max, y_min, y_max = self._placed
        return x_min + place["x"] * (x_max - x_min), y_min + place["y"] * (y_max - y_min)

    def _pixel(self, place: Mapping[str, Any]) -> tuple[int, int] | None:
        """Array index (y, x) of the pixel at fractions of the plot; None beside the frame."""
        if place.get("plot") != PLOT:
            return None
        x, y = (round(value) for value in self._at(place))
        return (y, x) if 0 <= y < self._shape[0] and 0 <= x < self._shape[1] else None

    def _page_message(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "contrast":
            self._let_go = content["gesture"]
            self._drag_contrast(content)
        if content.get("event") != "click" or content.get("plot") != PLOT:
            return
        self._settle()  # The click may come before the last move is told.
        pixel = self._pixel(content)
        if pixel is None:
            return
        tool = self.tools.tools.value
        if tool == image_tools.LOCAL_MEDIAN:
            fits_pixel, widths = (pixel[1] + 1, pixel[0] + 1), window_widths(self.tools.window)
            changes = edits.toggle_local_median(self._model.parameters, fits_pixel, widths)
            self._state.update(**changes)
        elif tool in (image_tools.PAN, image_tools.ZOOM_BOX):
            reach = _CLICK_REACH / viewport.screen_pixels(self._placed, self._size)
            self._state.select(pixel=flagged_near(self._model, pixel, reach) or pixel)

    def _drag(self, _: object, content: dict[str, Any], __: object) -> None:
        at = content["domain"]["x"] - 1, content["domain"]["y"] - 1
        erase = self.tools.tools.value == image_tools.ERASE
        self._painting.drag(content["event"], at, self.tools.size.value, erase=erase)

    # What is under the pointer ----------------------------------------------------------------

    def _read_pointer(self) -> None:
        self._say(self.readout)

    def write_note(self) -> None:
        """Keep what is known about the pixel under the pointer in a line of its own."""
        self._say(self.note)

    def _say(self, line: HTML) -> None:
        pixel, text = self._pixel(self._context.page.pointer), ""
        if pixel is not None and self._model.ready("stack"):
            sky = sky_text(self._wcs, *pixel)
            text = " · ".join(filter(None, (pixel_line(self._model, *pixel), sky)))
            text = f"<span>{text}</span>"
        elif line is self.note:
            return
        if line.value != text:
            line.value = text

    # Keys -------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the image as it is on screen."""
        self.figure.save_png(f"crmasks_image_{self._model.display.frame}.png")

    def close(self) -> None:
        """Close what no other widget holds."""
        self.layers.close()

    def _make_keys(self) -> dict[str, Shortcut]:
        show, tools = self._state.show, self.tools.tools
        keys = {"0": Shortcut("image: mean", partial(show, frame="mean"))}
        for i in range(1, min(self._model.analysis.exposures.n, 9) + 1):
            keys[str(i)] = Shortcut(f"image: {frame_title(str(i))}", partial(show, frame=str(i)))
        home = Shortcut("image: whole frame", self.home)
        return keys | {
            "m": Shortcut("image: median", partial(show, frame="median")),
            "t": Shortcut("image: next of mean and exposures", self._next_exposure),
            "b": Shortcut(
                "image: next of the frames that blink, else of the bar", self.display.forward
            ),
            "B": Shortcut("image: the one before", self.display.back),
            "h": home,
            "r": home,
            "o": Shortcut(
                "image: zoom box", partial(setattr, tools, "value", image_tools.ZOOM_BOX)
            ),
            "p": Shortcut("image: pan", partial(setattr, tools, "value", image_tools.PAN)),
            "R": Shortcut("image: regions", partial(setattr, tools, "value", image_tools.REGIONS)),
            "#": Shortcut("numbers of the hits, in the diagram, too", self._toggle_numbers),
            "l": Shortcut("image: go to the selected hit, or stay", self._toggle_follow),
            ",": Shortcut("image: limits minmax", partial(show, limits="minmax")),
            "/": Shortcut("image: limits zscale", partial(show, limits="zscale")),
            "q": Shortcut("image: square pixels or the whole plot", self.toggle_aspect),
            "[": Shortcut("image: flags fainter", partial(self._change_opacity, -0.1)),
            "]": Shortcut("image: flags stronger", partial(self._change_opacity, 0.1)),
            "+": Shortcut("image: zoom in", partial(self.zoom, 0.5)),
            "-": Shortcut("image: zoom out", partial(self.zoom, 2.0)),
            "i": Shortcut("image: keep the pixel's values in a line", self.write_note),
            "s": Shortcut("image: save as PNG", self.save),
        }

    def _next_exposure(self) -> None:
        cycle = ("mean", *map(str, range(1, self._model.analysis.exposures.n + 1)))
        shown = self._state.model.display.frame
        place = cycle.index(shown) + 1 if shown in cycle else 0
        self._state.show(frame=cycle[place % len(cycle)])

    def _toggle_follow(self) -> None:
        self._state.show(follow=not self._state.model.display.follow)

    def _toggle_numbers(self) -> None:
        self._state.show(numbers=not self._state.model.display.numbers)

    def _change_opacity(self, by: float) -> None:
        opacity = round(self._state.model.display.opacity + by, 2)
        self._state.show(opacity=min(1.0, max(0.0, opacity)))
