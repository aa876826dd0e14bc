"""The diagram in units of sigma, where hits begin, and whether the noise is as believed."""

from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ipywidgets import HTML, HBox, Layout, VBox

from crmasks_widgets.analysis import Target
from crmasks_widgets.core.significance.excess import SignificanceDiagram
from crmasks_widgets.dashboard.diagram.noise_panel import NoisePanel
from crmasks_widgets.dashboard.diagram.significance_figure import PLOT, SignificanceFigure
from crmasks_widgets.dashboard.drawing.densities import DensityColours, draw_glyphs, glyph_palette
from crmasks_widgets.dashboard.drawing.pictures import palette_png
from crmasks_widgets.dashboard.model.engine import Order
from crmasks_widgets.dashboard.model.on_screen import detected_pixels, slices_on_screen
from crmasks_widgets.dashboard.model.selection import selected_hit
from crmasks_widgets.dashboard.model.state import Limits, ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.settings.control_widgets import (
    ErrorLine,
    Looks,
    NumberEditor,
    parsed,
    span_of,
)
from crmasks_widgets.parameters import Parameters, parameter_table

DEFAULT_SIZE: Final = (300, 200)
LABELS: Final = {
    "sg_false_alarms": "false alarms per frame",
    "sg_growth": "growth (\u03c3)",
}
_HOW: Final = (
    "crmethod {} does not run it: hits by the law of each target, with false alarms to be chosen."
)


class SignificanceView:
    """Significance of the pixels of the target on screen, its thresholds, and the noise check.

    It costs nothing while nobody looks.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state = context, context.state
        self.plots: tuple[str, ...] = (PLOT,)
        self.keys: dict[str, Shortcut] = {}
        self.active = False
        self.figure = SignificanceFigure()
        self.noise = NoisePanel(context)
        self._error = ErrorLine()
        self.editors = self._editors()
        self.how = HTML(layout=Layout(flex="1 1 0", min_width="0"))
        self.use = word_button(
            context, "Use significance", "Set crmethod to significance", self._switch_on
        )
        self.note = HTML()
        for line in (self.how, self.note):
            line.add_class("crmasks-line")
        self._off = HBox([self.how, self.use], layout=Layout(align_items="center"))
        looks = Looks()
        cells = [HBox(editor.widgets, layout=looks.wide) for editor in self.editors.values()]
        for cell in cells:
            cell.add_class("crmasks-cell")
        self._on = HBox(cells, layout=Layout(grid_gap="12px"))
        self.panels = HBox(layout=Layout(width="100%"))
        self.widget = VBox(
            [self._off, self._on, self._error.widget, self.panels, self.note, self.noise.words],
            layout=Layout(min_width="0"),
        )
        self._memos = {
            key: Memo() for key in ("density", "window", "flagged", "overlay", "noise", "matching")
        }

    def _editors(self) -> dict[str, NumberEditor]:
        table = {info.name: info for info in parameter_table()}
        parameters, looks = self._state.model.parameters, Looks()
        editors = {}
        for name, label in LABELS.items():
            info = table[name]
            words = (label, f"{name}: {info.help}. Expected: {info.expected}")
            span = span_of(info, getattr(parameters, name))
            editors[name] = NumberEditor(
                self._context, name, words, span, partial(self._set, name), looks
            )
        return editors

    def _set(self, name: str, value: Any, gesture: str) -> None:
        self._error.attempt(partial(self._update, name, value, gesture))

    def _update(self, name: str, value: Any, gesture: str) -> None:
        self._state.update(gesture=gesture, **{name: parsed(value, name)})

    def _switch_on(self) -> None:
        self._error.attempt(lambda: self._state.update(crmethod="significance"))

    def shown(self, shown: bool) -> None:
        """Draw from now on, or save the effort while nobody sees it.

        Parameters
        ----------
        shown : bool
            Whether the view is on screen.
        """
        self.active = shown
        self._state.refresh()

    def wanted(self, parameters: Parameters, target: Target) -> Order:
        """Stages to be computed for what is on screen; none while nobody looks.

        Parameters
        ----------
        parameters : Parameters
            What is asked for.
        target : str or int
            On screen.

        Returns
        -------
        tuple of (stage, target)
            For the order of work.
        """
        if not self.active:
            return ()
        check: Order = (("noise_check", None),)
        if "significance" not in parameters.detectors:
            return check
        return (("significance_diagram", target), *check)

    def render(self, model: ViewModel) -> None:
        """Draw what is known, if someone looks."""
        if not self.active:
            return
        running = "significance" in model.parameters.detectors
        self._off.layout.display = "none" if running else ""
        self._on.layout.display = self.note.layout.display = "" if running else "none"
        # A figure that is made where it has no room complains in the browser.
        figures = (self.figure.widget,) if running else ()
        self.panels.children = (*figures, self.noise.widget)
        self.how.value = _HOW.format(model.parameters.crmethod)
        for name, editor in self.editors.items():
            editor.show(getattr(model.parameters, name))
        if model.ready("noise_check"):
            check, noise = model.analysis.noise_check, model.analysis.noise
            self._memos["noise"]((check,), partial(self.noise.show, check, noise))
        if model.ready("matching"):
            matching = model.analysis.matching
            self._memos["matching"]((matching,), partial(self.noise.show_matching, matching))
        if running and model.analysis.uses_significance:
            self._draw(model)

    def _draw(self, model: ViewModel) -> None:
        target = model.display.target
        if not model.ready(("significance", target), ("significance_diagram", target), "stack"):
            return
        diagram = model.analysis.significance_diagram(target)
        limits, size = limits_of(model, diagram), self._context.size(PLOT, DEFAULT_SIZE)
        self.figure.show_limits(limits, size)
        self._draw_density(model, diagram)
        if model.ready("coincidences" if target == "median" else "level"):
            thresholds = model.analysis.significance_limits(target)
            self.figure.draw_thresholds(thresholds.start[0], thresholds.growth, limits)
            self.note.value = note_of(thresholds.start)
        self._draw_flagged(model, limits, size)

    def _draw_density(self, model: ViewModel, diagram: SignificanceDiagram) -> None:
        counts = self._counts(model, diagram)
        plane = diagram.plane

        def paint() -> bool:
            colours = DensityColours.spanning(1.0, float(counts.max(initial=1)))
            extent = (plane.x_edges[0], plane.x_edges[-1], plane.y_edges[0], plane.y_edges[-1])
            png = palette_png(colours.indices(counts), colours.palette)
            self.figure.density.show(png, extent)
            return True

        self._memos["density"]((counts,), paint)
        target = model.display.target
        name = target if isinstance(target, str) else f"exposure {target}"
        part = " on screen" if model.display.image is not None else ""
        self.figure.title.value = (
            f"<b>Significance</b> of {name}: {int(counts.sum()):,} pixels{part}"
        )

    def _counts(self, model: ViewModel, diagram: SignificanceDiagram) -> npt.NDArray[Any]:
        """Histogram of the pixels on screen, or of all of them."""
        window, target = slices_on_screen(model), model.display.target
        if window is None:
            return diagram.counts
        minimum, values = model.analysis.stack.min2d, model.analysis.significance(target)
        count = partial(diagram.plane.histogram, minimum[window], values[window])
        return np.asarray(self._memos["window"]((diagram, minimum, values, window), count))

    def _draw_flagged(self, model: ViewModel, limits: Limits, size: tuple[int, int]) -> None:
        target = model.display.target
        if not model.ready(("flags", target), "edits", "mediancr"):
            return
        analysis = model.analysis
        flags, values = analysis.result("flags", target), analysis.significance(target)
        key = (flags, analysis.edits, values, slices_on_screen(model))
        pixels, code = self._memos["flagged"](key, lambda: detected_pixels(model))
        x, y = analysis.stack.min2d.ravel()[pixels], values.ravel()[pixels]

        def draw() -> bool:
            picture = draw_glyphs((x, y), code, limits, size, beyond=True)
            self.figure.overlay.show(palette_png(picture, glyph_palette()), limits)
            return True

        self._memos["overlay"]((pixels, values, limits, size), draw)
        if model.ready("labels"):
            number = analysis.labels.ravel()[pixels]
            chosen = (number == selected_hit(model)) & (number > 0)
            ends = (x[chosen], np.minimum(y[chosen], limits[3]))
            self.figure.draw_selected(*ends)


def limits_of(model: ViewModel, diagram: SignificanceDiagram) -> Limits:
    """What is on screen: along x as much as of the other diagram.

    Parameters
    ----------
    model : ViewModel
        Whose display.
    diagram : SignificanceDiagram
        Whose bins.

    Returns
    -------
    (x_min, x_max, y_min, y_max)
        ADU and sigma.
    """
    x, y = diagram.plane.x_edges, diagram.plane.y_edges
    left, right = (x[0], x[-1]) if model.display.diagram is None else model.display.diagram[:2]
    return float(left), float(right), float(y[0]), float(y[-1])


def note_of(start: tuple[float, ...]) -> str:
    """Say what the lines do not show.

    Parameters
    ----------
    start : tuple of float
        Thresholds of `SignificanceLimits`.

    Returns
    -------
    str
        HTML.
    """
    text = "Hits beyond the axis are drawn on its edge."
    for lost, least in enumerate(start[1:], start=1):
        exposures = "one exposure is" if lost == 1 else f"{lost} exposures are"
        text += (
            f" Where {exposures} hit already, a hit begins at {least:.2f} \u03c3 by the law of the "
            "others."
        )
    return text
