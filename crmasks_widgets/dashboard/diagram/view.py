"""The Median-Minimum diagram: what equivalent exposures would give, and what the data show."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import LinearScale, LogScale
from ipywidgets import HTML, Checkbox, Dropdown, HBox, Layout, VBox

from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.core.mm.exact import ExactDiagram
from crmasks_widgets.dashboard.diagram.gestures import DiagramGestures
from crmasks_widgets.dashboard.diagram.panel import BOUNDARY_COLOUR, POINT_COLOUR, Panel
from crmasks_widgets.dashboard.drawing.colour_tables import chip
from crmasks_widgets.dashboard.drawing.densities import (
    DensityColours,
    draw_glyphs,
    glyph_palette,
    glyphs,
)
from crmasks_widgets.dashboard.drawing.pictures import palette_png
from crmasks_widgets.dashboard.model.on_screen import detected_pixels, slices_on_screen
from crmasks_widgets.dashboard.model.selection import diagram_position, inside_limits, selected_hit
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.plots.colour_bar import ColourBar

DEFAULT_SIZE: Final = (420, 280)
MOST_NUMBERS: Final = 120


class DiagramView:
    """Expected and observed diagram side by side, with one boundary to be moved.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    plots = ("expected", "observed")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scales = {axis: LinearScale(min=0.0, max=1.0, allow_padding=False) for axis in "xy"}
        self.panels = {name: Panel(name, self._scales) for name in self.plots}
        self._bar = ColourBar(
            "pixels in a bin", LogScale(min=0.1, max=10.0), width="82px", height="330px"
        )
        self._show_bar(DensityColours.spanning(0.1, 10.0))
        self._gestures = DiagramGestures(context, tuple(self.panels.values()), self._scales)
        targets = ["median", "mean", *range(1, context.state.model.analysis.exposures.n + 1)]
        self.target = Dropdown(
            options=[(t if isinstance(t, str) else f"exposure {t}", t) for t in targets],
            description="target",
            tooltip="Whose difference to the minimum is shown and flagged",
            style={"description_width": "auto"},
            layout=Layout(width="auto"),
        )
        self.iterations = _checkbox("iterations", "Show every fit of the spline")
        self.numbers = _checkbox("numbers", "Number the hits (#)")
        self.readout = HTML(layout=Layout(min_height="20px"))
        self.readout.add_class("crmasks-line")
        self._memos = {key: Memo() for key in ("density", "overlay", "curves", "flagged", "window")}
        self._connect()
        tools = HBox(
            [self._gestures.widget, self.target, self.iterations, self.numbers],
            layout=Layout(flex_flow="row wrap", align_items="center", grid_gap="0 8px"),
        )
        panels = [panel.widget for panel in self.panels.values()]
        bar = VBox([HTML("&nbsp;"), self._bar.figure], layout=Layout(flex="0 0 auto"))
        self.widget = VBox(
            [tools, HBox([*panels, bar]), HTML(_legend()), self.readout],
            layout=Layout(min_width="0"),
        )
        state = context.state
        self.keys = {
            **self._gestures.keys,
            "#": Shortcut(
                "numbers of the hits", lambda: state.show(numbers=not state.model.display.numbers)
            ),
        }

    def _connect(self) -> None:
        show, observe = self._context.state.show, self._context.observe
        observe(self.target, lambda: show(target=self.target.value))
        observe(self.iterations, lambda: show(iterations=self.iterations.value))
        observe(self.numbers, lambda: show(numbers=self.numbers.value))
        observe(self._context.page, self._read_out, "pointer")

    def render(self, model: ViewModel) -> None:
        """Draw what is known of the diagram."""
        display = model.display
        self.target.value, self.numbers.value = display.target, display.numbers
        self.iterations.value = display.iterations
        self._draw_points(model)
        if not model.ready("plane", "stack"):
            return
        limits = self._gestures.follow(model)
        name = display.target if isinstance(display.target, str) else f"exposure {display.target}"
        for panel in self.panels.values():
            panel.label_y(f"{name} \u2212 min2d (ADU)")
            panel.place_ticks(limits, self._context.size(panel.name, DEFAULT_SIZE))
        self._draw_density(model)
        self._draw_curves(model, limits)
        self._draw_flagged(model, limits)

    def _draw_points(self, model: ViewModel) -> None:
        points = model.parameters.mm_fixed_points_in_boundary or ()
        for panel in self.panels.values():
            if panel is not self._gestures.dragged:
                panel.draw_points(points)

    def _draw_density(self, model: ViewModel) -> None:
        analysis = model.analysis
        expected = analysis.expected if model.ready("expected") else None
        observed = self._observed(model)
        if observed is None:
            return
        key = (analysis.plane, observed, expected)
        self._memos["density"](key, lambda: self._paint_density(model, observed, expected))
        exact = isinstance(expected, ExactDiagram) or analysis.parameters.mm_simulation == "exact"
        how = "exact" if exact else "computing\u2026"
        if expected is not None and how != "exact":
            how = f"{expected.n_simulations} simulations"
        elif expected is None and not analysis.uses_mm:
            how = "the method needs none"
        self.panels["expected"].title.value = f"<b>Expected</b> ({how})"
        part = " on screen" if model.display.image is not None else ""
        total = f"{int(observed.sum()):,} pixels{part}"
        self.panels["observed"].title.value = f"<b>Observed</b> ({total})"

    def _observed(self, model: ViewModel) -> npt.NDArray[Any] | None:
        """Histogram of the pixels on screen, or of all of them."""
        analysis, target = model.analysis, model.display.target
        window = slices_on_screen(model)
        if window is None:
            ready = model.ready(("observed", target))
            return analysis.observed(target) if ready else None
        stack = analysis.stack
        key = (analysis.plane, stack, target, window)

        def count() -> npt.NDArray[Any]:
            minimum = stack.min2d[window]
            return analysis.plane.histogram(minimum, stack.target(target)[window] - minimum)

        return np.asarray(self._memos["window"](key, count))

    def _paint_density(self, model: ViewModel, observed: Any, expected: Any) -> None:
        plane = model.analysis.plane
        shown = {"observed": observed}
        if expected is not None:
            shown["expected"] = expected.histogram
        counts = np.concatenate([h[h > 0].ravel() for h in shown.values()] or [[1.0]])
        low = 1.0 if expected is None else 1.0 / expected.n_simulations
        colours = DensityColours.spanning(low, float(counts.max(initial=1.0)))
        extent = (plane.x_edges[0], plane.x_edges[-1], plane.y_edges[0], plane.y_edges[-1])
        for name, histogram in shown.items():
            png = palette_png(colours.indices(histogram), colours.palette)
            self.panels[name].density.show(png, extent)
        self._show_bar(colours)

    def _show_bar(self, colours: DensityColours) -> None:
        self._bar.show(colours.bar(), colours.palette, (colours.low, colours.high))

    def _draw_curves(self, model: ViewModel, limits: Limits) -> None:
        if not model.analysis.uses_mm:
            fit, threshold = None, 0.0
        elif model.ready("boundary", "threshold"):
            fit = model.analysis.boundary
            threshold = float(np.median(model.analysis.threshold))
        else:
            return
        if model.ready("expected"):
            expected = model.analysis.expected
            self.panels["expected"].draw_crosses(expected.cross_x, expected.cross_y)
        iterations = fit.iterations[:-1] if fit is not None and model.display.iterations else ()
        key = (fit, threshold, len(iterations), limits)
        curve = None if fit is None else fit.boundary

        def draw() -> bool:
            for panel in self.panels.values():
                panel.draw_curves(curve, iterations, threshold, limits)
            return True

        self._memos["curves"](key, draw)

    def _draw_flagged(self, model: ViewModel, limits: Limits) -> None:
        target = model.display.target
        if not model.ready(("flags", target), "edits", "mediancr"):
            return
        analysis, edits = model.analysis, model.analysis.edits
        flags, window = analysis.result("flags", target), slices_on_screen(model)
        key = (analysis.stack, flags, edits, target, window)
        pixels, code = self._memos["flagged"](key, lambda: detected_pixels(model))
        panel = self.panels["observed"]
        size = self._context.size("observed", DEFAULT_SIZE)
        x, y = diagram_position(model, pixels)
        beyond = model.display.diagram is None

        def draw() -> bool:
            picture = draw_glyphs((x, y), code, limits, size, beyond=beyond)
            panel.overlay.show(palette_png(picture, glyph_palette()), limits)
            return True

        self._memos["overlay"]((pixels, limits, size), draw)
        self._draw_hits(model, pixels, limits)

    def _draw_hits(self, model: ViewModel, pixels: npt.NDArray[np.int64], limits: Limits) -> None:
        panel, nothing = self.panels["observed"], np.zeros(0)
        if not model.ready("labels"):
            return
        numbers = model.analysis.labels.ravel()[pixels]
        chosen = pixels[(numbers == selected_hit(model)) & (numbers > 0)]
        panel.draw_selected(*(diagram_position(model, chosen) if len(chosen) else (nothing,) * 2))
        if not model.display.numbers:
            panel.draw_numbers(nothing, nothing, nothing)
            return
        seen = inside_limits(model, pixels, limits)
        label = model.analysis.labels.ravel()[seen]
        label, first = np.unique(label, return_index=True)
        kept = first[label > 0][:MOST_NUMBERS]
        panel.draw_numbers(*diagram_position(model, seen[kept]), label[label > 0][:MOST_NUMBERS])

    def _read_out(self) -> None:
        model, place = self._context.state.model, self._gestures.pointed()
        if place is None or not model.ready("plane"):
            self.readout.value = ""
            return
        x, y = place
        text = f"min2d \u2212 bias {x:.1f}, difference {y:.1f} ADU"
        if model.analysis.uses_mm and model.ready("boundary"):
            text += f"; boundary there {float(model.analysis.boundary.boundary(x)):.1f} ADU"
        self.readout.value = text


def _checkbox(text: str, tooltip: str) -> Checkbox:
    return Checkbox(description=text, tooltip=tooltip, indent=False, layout=Layout(width="auto"))


def _legend() -> str:
    """What the symbols mean, HTML."""
    parts = [
        chip(code.symbol, code.colour, code.name)
        for code in all_codes().values()
        if code.number in glyphs()
    ]
    parts += [
        chip("\u2501", BOUNDARY_COLOUR, "boundary"),
        chip("\u25a0", POINT_COLOUR, "fixed point"),
    ]
    return '<span class="crmasks-line">' + "&ensp; ".join(parts) + "</span>"
