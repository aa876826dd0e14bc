"""Pictures of the diagram and what the page needs to draw the rest, each made when it changed."""

from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.diagram import scene
from crmasks_widgets.dashboard.diagram.panel import Panel
from crmasks_widgets.dashboard.diagram.reading import Reader, Reading, pixels_shown
from crmasks_widgets.dashboard.drawing import densities
from crmasks_widgets.dashboard.drawing.glyphs import SELECTED, draw_glyphs
from crmasks_widgets.dashboard.model.on_screen import detected_pixels, slices_on_screen
from crmasks_widgets.dashboard.model.selection import selected_hit
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.files.pictures import palette_png, rgba_png

DEFAULT_SIZE: Final = (480, 320)
CELL: Final = 3.0  # pixels of the page, side of what is counted together
MOST_NUMBERS: Final = 120
Flagged = tuple[npt.NDArray[Any], ...]


class Painter:
    """Draws in the panels of the diagram.

    Parameters
    ----------
    context : Context
        Knows the sizes of plots, and the theme.
    panels : dict
        By name: "observed", and "expected" if it was ever shown.
    """

    def __init__(self, context: Context, panels: dict[str, Panel]) -> None:
        self._context, self._panels = context, panels
        self.read = Reader()
        names = (
            "observed", "expected", "density", "contours", "glyphs", "flagged", "candidates",
            "others", "stamps", "hits", "numbers",
        )  # fmt: skip
        self._memos = {name: Memo() for name in names}

    @property
    def _hands(self) -> list[Any]:
        return [panel.hand for panel in self._panels.values()]

    def _ratio(self) -> float:
        return float(self._panels["observed"].hand.ratio)

    def _pixels(self) -> tuple[int, int]:
        return self._context.size("observed", DEFAULT_SIZE)

    def size(self) -> tuple[float, float]:
        """Width and height of a panel, pixels of the page."""
        width, height = self._pixels()
        return width / self._ratio(), height / self._ratio()

    def _cells(self) -> tuple[int, int]:
        width, height = self.size()
        return max(1, round(width / CELL)), max(1, round(height / CELL))

    def paint(self, model: ViewModel, reading: Reading, limits: Limits) -> None:
        """Draw all that is known.

        Parameters
        ----------
        model : ViewModel
            What is on screen.
        reading : Reading
            Its diagram.
        limits : (x_min, x_max, y_min, y_max)
            Places along the axes.
        """
        dark = self._context.page.dark
        self._memos["stamps"]((dark, self._ratio()), lambda: self._stamp(dark=dark))
        self._paint_densities(model, reading, limits)
        self._paint_glyphs(model, reading, limits)
        self._show_line(model, reading)

    def _stamp(self, *, dark: bool) -> bool:
        for hand in self._hands:
            hand.show_stamps(dark=dark)
        return True

    # Densities --------------------------------------------------------------------------------

    def _paint_densities(self, model: ViewModel, reading: Reading, limits: Limits) -> None:
        kind, cells, dark = model.display.scale, self._cells(), self._context.page.dark
        window = slices_on_screen(model)

        def count() -> densities.Counts:
            x, y = pixels_shown(model, self.read.along_axes(reading, kind))
            return densities.counts_in_cells(x, y, limits, cells)

        observed = self._memos["observed"]((reading, kind, limits, cells, window), count)
        expected = self._expected(model, reading, limits, cells)
        beside = self._panels.get("expected") if model.display.beside else None
        self._memos["density"](
            (observed, expected, limits, dark, beside),
            partial(self._colour, observed, expected, beside, limits),
        )
        over = None if beside else expected
        self._memos["contours"](
            (over, limits, self._pixels(), dark), partial(self._outline, over, limits)
        )

    def _colour(self, observed: Any, expected: Any, beside: Panel | None, limits: Limits) -> bool:
        low, most = 1.0 if beside is None else 0.1, float(observed.max(initial=1.0))
        colours = densities.DensityColours.spanning(low, most, dark=self._context.page.dark)
        for panel, counts in ((self._panels["observed"], observed), (beside, expected)):
            if panel is not None and counts is not None:
                png = palette_png(colours.indices(counts), colours.palette)
                panel.density.show(png, limits)
        return True

    def _outline(self, expected: Any, limits: Limits) -> bool:
        picture = self._panels["observed"].contours
        if expected is None:
            picture.clear()
        else:
            drawn = densities.draw_contours(expected, self._pixels(), dark=self._context.page.dark)
            picture.show(rgba_png(drawn), limits)
        return True

    def _expected(
        self, model: ViewModel, reading: Reading, limits: Limits, cells: tuple[int, int]
    ) -> densities.Counts | None:
        """Pixels that equivalent exposures would have in the cells, of all the frame."""
        known = model.analysis.parameters.has_boundary and model.ready("expected", "plane")
        if reading.sigma or not known:
            return None
        found, plane, kind = model.analysis.expected, model.analysis.plane, model.display.scale
        share = partial(
            densities.expected_in_cells, found.histogram, (plane.x_edges, plane.y_edges),
            reading.scales(kind), limits, cells,
        )  # fmt: skip
        key = (found, plane, reading, kind, limits, cells)
        counts: densities.Counts = self._memos["expected"](key, share)
        return counts

    # Glyphs -----------------------------------------------------------------------------------

    def flagged(self, model: ViewModel) -> Flagged:
        """Flagged pixels: flat indices, places along the axes x and y, codes.

        Parameters
        ----------
        model : ViewModel
            What is on screen; there are none before they are known.

        Returns
        -------
        tuple of ndarray
            Of one length.
        """
        reading, target, kind = self.read(model), model.display.target, model.display.scale
        if reading is None or not model.ready(("flags", target), "edits", "mediancr"):
            return tuple(np.zeros(0) for _ in range(4))
        analysis = model.analysis

        hidden = tuple(sorted(model.display.hidden))

        def find() -> Flagged:
            pixels, code = detected_pixels(model)
            seen = ~np.isin(code, hidden)
            pixels, code = pixels[seen], code[seen]
            x, y = reading.at(pixels)
            across, up = reading.scales(kind)
            return pixels, across.forward(x), up.forward(y), code

        flags, window = analysis.result("flags", target), slices_on_screen(model)
        key = (reading, kind, flags, analysis.edits, window, hidden)
        found: Flagged = self._memos["flagged"](key, find)
        return found

    def _paint_glyphs(self, model: ViewModel, reading: Reading, limits: Limits) -> None:
        pixels, x, y, code = self.flagged(model)
        if not model.ready(("flags", model.display.target), "edits", "mediancr"):
            return
        shown = model.display.sigma if reading.sigma else model.display.diagram
        whole, selected = shown is None, selected_hit(model)
        frame = model.analysis.labels if model.ready("labels") else None

        def find() -> Flagged:
            of_hit = np.zeros(len(pixels), np.int32) if frame is None else frame.ravel()[pixels]
            return of_hit, np.flatnonzero((of_hit == selected) & (of_hit > 0))

        def places() -> Flagged:
            # What linear axes leave out lies on the edge.
            return (np.minimum(x, limits[1]), np.minimum(y, limits[3])) if whole else (x, y)

        labels, rings = self._memos["hits"]((pixels, frame, selected), find)
        size, dark, ratio = self._pixels(), self._context.page.dark, self._ratio()

        def draw() -> bool:
            x, y = places()
            together = np.append(x, x[rings]), np.append(y, y[rings])
            codes = np.append(code, np.full(len(rings), SELECTED, np.uint8))
            drawn = draw_glyphs(together, codes, limits, size, ratio=ratio, dark=dark)
            self._panels["observed"].glyphs.show(rgba_png(drawn), limits)
            return True

        key = (pixels, tuple(rings.tolist()), limits, whole, size, dark, ratio)
        self._memos["glyphs"](key, draw)
        wanted = model.display.numbers

        def number() -> bool:
            self._number(places(), labels if wanted else np.zeros_like(labels), limits)
            return True

        self._memos["numbers"]((pixels, frame, limits, whole, wanted), number)

    def _number(self, places: Flagged, labels: npt.NDArray[np.int32], limits: Limits) -> None:
        (x, y), (x_min, x_max, y_min, y_max) = places, limits
        seen = (labels > 0) & (x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)
        number, first = np.unique(labels[seen], return_index=True)
        kept = np.flatnonzero(seen)[first[:MOST_NUMBERS]]
        self._panels["observed"].show_numbers((x[kept], y[kept]), number[:MOST_NUMBERS])

    # What the page draws ----------------------------------------------------------------------

    def _show_line(self, model: ViewModel, reading: Reading) -> None:
        lines = scene.line_scene(model)
        if reading.sigma:
            lines["levels"] = scene.sigma_levels(model)
        keys = model.parameters.detectors
        for hand in self._hands:
            hand.scene, hand.legend = lines, scene.legend(keys)
            hand.combine = {str(k): v for k, v in scene.combinations(keys).items()}
        if lines["movable"] and not reading.sigma:
            self._send_candidates(model, reading)

    def _send_candidates(self, model: ViewModel, reading: Reading) -> None:
        target, hand = model.display.target, self._panels["observed"].hand
        pixels = self._memos["candidates"](
            (reading, model.analysis.parameters.mm_minimum_max2d_rnoise),
            partial(scene.candidates, model, reading),
        )
        if not model.ready(("flags", target), "edits"):
            return
        edits, found = model.analysis.edits, model.analysis.result("flags", target).found

        def send() -> bool:
            known = np.zeros(reading.x.size, bool)
            known[pixels] = True
            code = scene.codes_of_others(model.analysis.flags(target), edits, target)
            rest = np.flatnonzero((code > 0) & (code != scene.TAKEN_OUT) & ~known)
            hand.places = scene.packed(*reading.at(pixels))
            hand.others = scene.packed(code[pixels])
            hand.rest = scene.packed(*reading.at(rest), code[rest])
            return True

        others = scene.without_boundary(found).values()
        self._memos["others"]((pixels, edits, *others), send)
