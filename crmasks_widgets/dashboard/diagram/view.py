"""The diagram: what the data show, what equivalent exposures would give, and what decides."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bqplot import LinearScale
from ipywidgets import HTML, Box, Checkbox, Dropdown, HBox, Layout, VBox

from crmasks_widgets.analysis import Target
from crmasks_widgets.core.targets import all_targets, target_name
from crmasks_widgets.dashboard.diagram.boundary_edits import BoundaryEdits
from crmasks_widgets.dashboard.diagram.gestures import DiagramGestures
from crmasks_widgets.dashboard.diagram.painter import Painter
from crmasks_widgets.dashboard.diagram.panel import Panel
from crmasks_widgets.dashboard.diagram.pointing import Pointing
from crmasks_widgets.dashboard.diagram.reading import in_sigma
from crmasks_widgets.dashboard.diagram.swing import Swing
from crmasks_widgets.dashboard.drawing.axis_scales import KINDS
from crmasks_widgets.dashboard.model.engine import Order
from crmasks_widgets.dashboard.model.points import Points
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import icon_button, word_button
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.parameters import Parameters

STRAIGHT: Final = "Straight lines that stay elsewhere"
BESIDE: Final = {"expected pixels as lines": False, "expected pixels beside": True}


class DiagramView:
    """One large diagram, or two, with a line that can be dragged.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    plots = ("expected", "observed")

    def __init__(self, context: Context) -> None:
        self._context, self._state = context, context.state
        self._scales = {axis: LinearScale(min=0.0, max=1.0, allow_padding=False) for axis in "xy"}
        self.panels: dict[str, Panel] = {}
        self._edits: list[BoundaryEdits] = []
        # Takes what is offered: words, what the button says, and what it does.
        self.offer: Callable[[str, str, Callable[[], object]], object] = lambda *_: None
        # Takes back what was offered.
        self.withdraw: Callable[[], object] = lambda: None
        self._offered = Memo()
        self._gestures = DiagramGestures(context, self._scales)
        self._painter = Painter(context, self.panels)
        self._pointing = Pointing(context, self._gestures, self._painter)
        self._make_controls()
        self._body = HBox(layout=Layout(flex="1 1 0"))
        self._body.add_class("crmasks-body")
        self._show_panels(beside=False)
        self._connect()
        self.widget = VBox([self._head(), self._body, self.options], layout=Layout(flex="1 1 0"))
        self.widget.add_class("crmasks-pane").add_class("crmasks-diagram-pane")
        self.keys = {**self._gestures.keys, **self._pointing.keys}

    # Controls ---------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        context, n = self._context, self._state.model.analysis.exposures.n
        self.target = _dropdown(
            [(target_name(t), t) for t in all_targets(n)],
            "Whose difference to the minimum is shown and flagged",
        )
        self.side = _dropdown(
            list(BESIDE.items()), "Expected pixels as lines over the observed ones, or beside them"
        )
        self.scale = _dropdown(list(KINDS), "How values lie along the axes")
        self.numbers = _checkbox("numbers of the hits", "Number the hits (#)")
        self.iterations = _checkbox("fits before, crosses", "Every fit of the spline, and to what")
        self.linked = _checkbox("pixels in the image only", "Count what the image shows alone")
        self.from_boundary = word_button(
            context, "points from boundary", "Straight lines through points on the boundary",
            self._pointing.points_from_boundary,
        )  # fmt: skip
        self.clear = word_button(
            context, "clear selection", "Forget the selected pixels", self._gestures.clear
        )
        self.options = VBox([
            self.side, self.numbers, self.iterations, self.linked, self.from_boundary, self.clear,
        ])  # fmt: skip
        self.options.add_class("crmasks-options").add_class("crmasks-unseen")
        self.more = icon_button(context, "layers", "More to show and to do", self._open_options)
        self.camera = icon_button(context, "camera", "Save as PNG", self.save)

    def _head(self) -> Box:
        title = HTML("Diagram")
        title.add_class("crmasks-title")
        spring = HTML()
        spring.add_class("crmasks-spring")
        head = HBox([
            title, self.target, self._gestures.tool, self._gestures.home, spring, self.scale,
            self.more, self.camera,
        ])  # fmt: skip
        return head.add_class("crmasks-head")

    def _connect(self) -> None:
        observe, show = self._context.observe, self._state.show
        observe(self.target, lambda: show(target=self.target.value))
        observe(self.side, lambda: show(beside=self.side.value))
        observe(self.scale, lambda: show(scale=self.scale.value, diagram=None, sigma=None))
        for name in ("numbers", "iterations", "linked"):
            observe(getattr(self, name), partial(self._take, name))
        observe(self._context.page, self._state.refresh, "dark")

    def _show_panels(self, *, beside: bool) -> None:
        names = ("expected", "observed") if beside else ("observed",)
        for name in names:
            if name not in self.panels:
                panel = self.panels[name] = Panel(name, self._scales)
                self._gestures.add(panel)
                self._edits.append(BoundaryEdits(self._context, panel.hand, self._edits))
                self._context.observe(panel.hand, self._state.refresh, "ratio")
        widgets = tuple(self.panels[name].widget for name in names)
        if self._body.children != widgets:
            self._body.children = widgets

    def _take(self, name: str) -> None:
        self._state.show(**{name: getattr(self, name).value})

    def _open_options(self) -> None:
        shut = "crmasks-unseen" in self.options._dom_classes
        (self.options.remove_class if shut else self.options.add_class)("crmasks-unseen")

    def close_panel(self) -> bool:
        """Close what more there is to show and to do; tell whether it was open."""
        shut = "crmasks-unseen" in self.options._dom_classes
        self.options.add_class("crmasks-unseen")
        return not shut

    def save(self) -> None:
        """Save the panels that are on screen, each as PNG."""
        for panel in self.panels.values():
            if panel.widget in self._body.children:
                panel.hand.send({"event": "save", "name": f"diagram_{panel.name}.png"})

    # Drawing ----------------------------------------------------------------------------------

    def wanted(self, parameters: Parameters, target: Target) -> Order:
        """Stages that the diagram shows and nothing else asks for.

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
        return (("significance", target),) if in_sigma(parameters) else ()

    def render(self, model: ViewModel) -> None:
        """Draw what is known of the diagram."""
        display = model.display
        for name in ("target", "scale", "numbers", "iterations", "linked"):
            getattr(self, name).value = getattr(display, name)
        self.side.value, self.side.disabled = display.beside, in_sigma(model.parameters)
        sigma = in_sigma(model.analysis.parameters)
        self._show_panels(beside=display.beside and not sigma)
        reading = self._painter.read(model)
        if reading is None:
            return
        limits = self._gestures.follow(model, reading, display.scale)
        for panel in self.panels.values():
            panel.show_axes(reading, display.scale, limits, self._painter.size())
        self._painter.paint(model, reading, limits)
        axis, _ = reading.scales("asinh")
        told = next(filter(None, [edits.swung(model, axis) for edits in self._edits]), None)
        self._offered((told,), partial(self._offer_lines, model, told))

    def _offer_lines(self, model: ViewModel, told: tuple[Swing, Points] | None) -> bool:
        if told is None:
            self.withdraw()
        else:
            change, points = told
            said = change.in_words(model.analysis.exposures.unit)
            self.offer(said, STRAIGHT, partial(self._straighten, points))
        return True

    def _straighten(self, points: Points) -> None:
        self._state.update(mm_fixed_points_in_boundary=points, mm_boundary_fit="piecewise")


def _dropdown(options: list[Any], tooltip: str) -> Dropdown:
    return Dropdown(options=options, tooltip=tooltip, layout=Layout(width="auto"))


def _checkbox(text: str, tooltip: str) -> Checkbox:
    return Checkbox(description=text, tooltip=tooltip, indent=False, layout=Layout(width="auto"))
