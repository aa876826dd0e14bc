"""What decides in units of sigma, and whether the noise is as believed."""

from functools import partial
from typing import Any, Final

from ipywidgets import HTML, HBox, Layout, VBox

from crmasks_widgets.analysis import Target
from crmasks_widgets.dashboard.diagram.noise_panel import NoisePanel
from crmasks_widgets.dashboard.model.engine import Order
from crmasks_widgets.dashboard.model.state import ViewModel
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

LABELS: Final = {
    "sg_false_alarms": "false alarms per frame",
    "sg_growth": "growth (\u03c3)",
}
_HOW: Final = (
    "crmethod {} has no thresholds in \u03c3; with significance hits go by the law of each target, "
    "and by how many false alarms you allow."
)


class SignificanceView:
    """Thresholds of the significance, and the noise check, which costs nothing while nobody looks.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state = context, context.state
        self.plots: tuple[str, ...] = ()
        self.keys: dict[str, Shortcut] = {}
        self.active = False
        self.noise = NoisePanel(context)
        self._error = ErrorLine(LABELS)
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
            [self._on, self._error.widget, self.note, self.panels, self.noise.words, self._off],
            layout=Layout(min_width="0"),
        )
        self.widget.add_class("crmasks-noise")
        self._memos = {key: Memo() for key in ("noise", "scatter", "matching")}

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
        changes: dict[str, Any] = {name: parsed(value, name)}
        self._state.update(gesture=gesture, **changes)

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
        return (("noise_check", None), ("dispersions", None)) if self.active else ()

    def render(self, model: ViewModel) -> None:
        """Draw what is known, if someone looks."""
        if not self.active:
            return
        running = model.parameters.judges
        self._off.layout.display = "none" if running else ""
        self._on.layout.display = self.note.layout.display = "" if running else "none"
        # A figure that is made where it has no room complains in the browser.
        self.panels.children = (self.noise.widget,)
        self.how.value = _HOW.format(model.parameters.crmethod)
        for name, editor in self.editors.items():
            editor.show(getattr(model.parameters, name))
        if model.ready("noise_check"):
            said = (model.analysis.noise_check, *sorted(model.analysis.parameters.aligned))
            self._memos["noise"](said, partial(self.noise.show, model.analysis))
        newest = model.analysis.parameters == model.parameters
        self.noise.offer(newest and model.ready("noise_check"))
        if model.ready("dispersions"):
            scatter = model.analysis.dispersions
            self._memos["scatter"]((scatter,), partial(self.noise.show_scatter, scatter))
        if model.ready("matching"):
            matching = model.analysis.matching
            self._memos["matching"]((matching,), partial(self.noise.show_matching, matching))
        target = model.display.target
        known = model.ready("coincidences" if target == "median" else "level")
        if running and known and model.analysis.parameters.judges:
            self.note.value = note_of(model.analysis.significance_limits(target).start)


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
    texts = []
    for lost, least in enumerate(start[1:], start=1):
        exposures = "one exposure is" if lost == 1 else f"{lost} exposures are"
        texts.append(
            f"Where {exposures} hit already, a hit begins at {least:.2f} \u03c3 by the law of the "
            "others."
        )
    return " ".join(texts)
