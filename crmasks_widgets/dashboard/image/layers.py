"""What is drawn in the image: overview, sharp part, overlay, the selected hit, numbers."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Label, Lines, Mark, Scale

from crmasks_widgets.dashboard.drawing import outlines, overlays, stretches, viewport
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.frames import Frame, Frames
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.context import Memo
from crmasks_widgets.dashboard.plots.image_buffers import ImageBuffers, Same
from crmasks_widgets.dashboard.plots.swap_image import SwapImage
from crmasks_widgets.files.pictures import palette_png

# Of what is on screen, drawn beyond it on each side: short pans stay sharp.
MARGIN: Final = 0.25
OVERVIEW: Final = (400, 400)
# A marked block of several pixels is this wide, to be seen at a glance.
OVERLAY_CELL: Final = 2
MOST_NUMBERS: Final = 80
PICTURES: Final = 16
_SELECTED_WIDTH, _UNDER_WIDTH = 2.5, 5.0
_RING_POINTS: Final = 65
_LEAST_RING: Final = 14.0  # radius, screen pixels
_RING_GAP: Final = 9.0  # from what it is around, screen pixels


@dataclass(frozen=True)
class Place:
    """What is on screen: limits in pixels counted from 0, and the plot's size on screen."""

    limits: Limits
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Screen pixels to a pixel of the frame."""
        return viewport.screen_pixels(self.limits, self.size)


class ImageLayers:
    """The marks of the image, from the lowest to the highest.

    Parameters
    ----------
    scales : mapping
        Scales "x" and "y" in FITS pixels.
    frames : Frames
        Gives the frame to draw.
    """

    def __init__(self, scales: dict[str, Scale], frames: Frames) -> None:
        self.overview = ImageBuffers(scales, PICTURES)
        self.patch = ImageBuffers(scales, PICTURES)
        self.overlay = SwapImage(scales)
        self.box, self.under = (
            Lines(x=[], y=[], scales=scales, colors=[colour], stroke_width=width)
            for colour, width in (
                (outlines.LINE, _SELECTED_WIDTH), (outlines.UNDER, _UNDER_WIDTH),
            )
        )  # fmt: skip
        self.numbers = Label(
            x=[], y=[], text=[], scales=scales, colors=[outlines.LINE], default_size=13.0,
            x_offset=4, y_offset=-4,
        )  # fmt: skip
        self.limits = (0.0, 1.0)
        self._frames, self._means = frames, Memo()
        self._flagged, self._marked = Memo(), Memo()
        self._auto, self._brushed = Memo(), Memo()
        self._indices, self._overlay_png = Memo(), Memo()
        self._numbers_memo = Memo()
        self._last: overlays.Marked | None = None
        self._selected = picking.Selected()

    @property
    def marks(self) -> list[Mark]:
        """For the figure."""
        return [
            self.overview.mark, self.patch.mark, self.overlay.mark, self.under, self.box,
            self.numbers,
        ]  # fmt: skip

    def render(self, model: ViewModel, place: Place) -> None:
        """Draw a view model; what is not known yet stays as it is."""
        found = self._frames.get(model, model.display.frame)
        if found is not None:
            self._draw_frame(model, place, *found)
        self._draw_overlay(model, place)
        self._draw_box(model, place)
        self._draw_numbers(model, place)

    def _draw_frame(self, model: ViewModel, place: Place, frame: Frame, origin: object) -> None:
        shape = (frame.shape[0], frame.shape[1])
        window = viewport.covering_window(place.limits, shape, place.size, margin=MARGIN)
        if window is None:
            return
        self.limits = self._colour_limits(model, place, frame)
        display = model.display
        pair = (display.minuend, display.subtrahend) if display.frame == "difference" else ()
        look = (Same(origin), display.frame, pair, self.limits, display.stretch, display.colours)
        if viewport.visible(place.limits, shape) != (slice(0, shape[0]), slice(0, shape[1])):
            self.overview.show(look, partial(self._overview, frame, origin, look))
        self.patch.show(
            (window, *look),
            lambda: (
                _png(viewport.block_means(frame, window), look),
                viewport.to_fits_pixels(window.extent),
            ),
        )

    def close(self) -> None:
        """Close pictures that are kept for another look."""
        self.overview.close()
        self.patch.close()

    def _overview(
        self, frame: Frame, origin: object, look: tuple[Any, ...]
    ) -> tuple[bytes, Limits]:
        window = viewport.whole_window((frame.shape[0], frame.shape[1]), OVERVIEW)
        means = self._means((origin, look[1]), lambda: viewport.block_means(frame, window))
        return _png(means, look), viewport.to_fits_pixels(window.extent)

    def _colour_limits(self, model: ViewModel, place: Place, frame: Frame) -> tuple[float, float]:
        """Limits of what is on screen: those of the median, so that frames can be compared."""
        display = model.display
        kind = display.limits_of_frame
        if kind == "manual":
            return display.low, display.high
        if display.frame != "difference":
            frame = model.analysis.stack.median2d
        part = viewport.visible(place.limits, (frame.shape[0], frame.shape[1]))
        if frame[part].size == 0:
            return self.limits
        limits: tuple[float, float] = self._auto(
            (frame, part, kind),
            lambda: stretches.shown_limits(frame[part], kind),
        )
        return limits

    def _draw_overlay(self, model: ViewModel, place: Place) -> None:
        marked, (ny, nx) = self._all_marked(model), model.analysis.exposures.shape
        if marked is None:
            return
        window = viewport.covering_window(
            place.limits, (ny, nx), place.size, margin=MARGIN, cell=OVERLAY_CELL
        )
        if window is None:
            self.overlay.clear()
            return
        side = overlays.stencil_size(place.scale)
        opacity = model.display.opacity
        indices = self._indices(
            (marked, window, side), lambda: overlays.overlay_indices(marked, nx, window, side)
        )
        png = self._overlay_png(
            (indices, opacity), lambda: palette_png(indices, overlays.overlay_palette(opacity))
        )
        self.overlay.show(png, viewport.to_fits_pixels(window.extent))

    def _all_marked(self, model: ViewModel) -> overlays.Marked | None:
        analysis, display = model.analysis, model.display
        if overlays.mask_ready(model):
            results = (analysis.result("flags", display.target), analysis.edits)
            key = (analysis.mask(display.target), *results, display.diagram)
            self._last = self._flagged(key, lambda: overlays.masked_pixels(model))
        if self._last is None:  # else, while a newer mask is made, the last one stays
            return None
        p, last = model.parameters, self._last
        edited = (
            p.mediancr_pixels_rejected, p.pixels_to_be_ignored_as_cr,
            p.pixels_to_be_replaced_by_local_median,
        )  # fmt: skip
        brushed = self._brushed_pixels(model)
        hidden = tuple(sorted(display.hidden))
        marked: overlays.Marked = self._marked(
            (last, edited, brushed, hidden),
            lambda: overlays.without(
                overlays.together(last, overlays.edited_pixels(model), brushed), hidden
            ),
        )
        return marked

    def _brushed_pixels(self, model: ViewModel) -> overlays.Marked:
        key: tuple[Any, ...] = (model.selection.outline, model.display.target)
        if model.selection.outline and model.ready("stack"):
            key += (model.analysis.stack,)
        brushed: overlays.Marked = self._brushed(key, lambda: overlays.brushed_pixels(model))
        return brushed

    def _draw_box(self, model: ViewModel, place: Place) -> None:
        x: list[float] = []
        y: list[float] = []
        selected = _box(self._selected(model))
        if selected is not None:
            x, y = _ring(selected, place.scale)
        if list(self.box.x) != x or list(self.box.y) != y:
            for line in (self.under, self.box):
                with line.hold_sync():
                    line.x, line.y = x, y

    def _draw_numbers(self, model: ViewModel, place: Place) -> None:
        rows = np.zeros((0, 3))
        if model.display.numbers and model.ready("hits"):
            hits = model.analysis.result("hits")
            rows = self._numbers_memo((hits, place.limits), lambda: _visible(hits, place.limits))
        text = [str(int(number)) for number in rows[:, 0]]
        if list(self.numbers.text if self.numbers.text is not None else []) != text:
            with self.numbers.hold_sync():
                self.numbers.x, self.numbers.y = rows[:, 1], rows[:, 2]
                self.numbers.text = text


def _ring(box: Limits, scale: float) -> tuple[list[float], list[float]]:
    """Points of a ring around a box of FITS pixels, outside the rings that all hits have."""
    x_min, x_max, y_min, y_max = box
    around = math.hypot(x_max - x_min + 1, y_max - y_min + 1) / 2
    radius = max(_LEAST_RING, around * scale + _RING_GAP) / scale
    turn = np.linspace(0, 2 * np.pi, _RING_POINTS)
    x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
    return (x + radius * np.cos(turn)).tolist(), (y + radius * np.sin(turn)).tolist()


def _png(values: Frame, look: tuple[Any, ...]) -> bytes:
    *_, limits, stretch, colours = look
    indices = stretches.colour_indices(values, limits, stretch)
    return palette_png(indices, stretches.colour_palette(colours))


def _box(subject: picking.Subject | None) -> Limits | None:
    """First and last pixel of what is selected, FITS."""
    if subject is None:
        return None
    x, y = zip(*subject.pixels, strict=True)
    return float(min(x)), float(max(x)), float(min(y)), float(max(y))


def _visible(hits: Any, limits: Limits) -> npt.NDArray[np.float64]:
    """Number, x and y of the hits on screen; none if they would hide the image."""
    x_min, x_max, y_min, y_max = viewport.to_fits_pixels(limits)
    x, y = np.asarray(hits["xmax"], float) + 0.5, np.asarray(hits["ymax"], float) + 0.5
    inside = (x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)
    if np.count_nonzero(inside) > MOST_NUMBERS:
        inside[:] = False
    return np.column_stack([np.asarray(hits["number"], float), x, y])[inside]
