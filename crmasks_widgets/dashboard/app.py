"""The dashboard as a whole: views around one state, and one engine that computes for them."""

from functools import partial
from typing import Any

from ipywidgets import VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.closing import widgets_made
from crmasks_widgets.dashboard.desk import Desk, Memo, View
from crmasks_widgets.dashboard.diagram_view import DiagramView
from crmasks_widgets.dashboard.dispatch import Dispatcher
from crmasks_widgets.dashboard.engine import Engine, Order, Snapshot, default_order
from crmasks_widgets.dashboard.page import Page
from crmasks_widgets.dashboard.state import Scene, State
from crmasks_widgets.dashboard.status_view import StatusView
from crmasks_widgets.parameters import Parameters


class Dashboard:
    """See why each pixel was flagged, move a boundary or a threshold, and see the masks follow.

    Shown when it is the last line of a notebook cell.

    Parameters
    ----------
    analysis : Analysis
        What to look at.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._dispatcher = Dispatcher(self._show_error)
        self._engine = Engine(
            analysis,
            self._take,
            loop=self._dispatcher.loop,
            on_progress=self._progress,
            on_error=self._failed,
        )
        self.state = State(analysis, self._submit)
        with widgets_made() as self._widgets:
            page = Page()
            self._desk = desk = Desk(self.state, self._dispatcher, page)
            self._status = StatusView(desk, self._cancel)
            self._views: tuple[View, ...] = (self._status, DiagramView(desk))
            self.widget = VBox([page, *(view.widget for view in self._views)])
        self.widget.add_class("crmasks-dashboard")
        self._asked = Memo()
        self._asked(self._wanted(self.state.scene), lambda: None)
        self.state.subscribe(self._render)
        desk.observe(page, self._render_again, "sizes")
        page.on_msg(self._dispatcher.handler(self._pressed))
        self._render(self.state.scene)
        self.state.resubmit()

    @property
    def analysis(self) -> Analysis:
        """The newest analysis that is computed to the end."""
        return self._engine.analysis

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being computed; False after `timeout` seconds.

        In plain Python the views follow then; in Jupyter they do by themselves.
        """
        # What is shown after a computation may ask for another one.
        while idle := self._engine.wait(timeout):
            if not self._dispatcher.drain():
                break
        return idle

    def close(self) -> None:
        """Stop computing and remove the widgets."""
        self._dispatcher.stop()
        self._engine.close()
        for widget in reversed(self._widgets):
            widget.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def _submit(self, parameters: Parameters) -> None:
        self._engine.order = self._order()
        self._engine.submit_parameters(parameters)
        self._status.working()

    @staticmethod
    def _wanted(scene: Scene) -> tuple[Any, ...]:
        """What of the display decides what is computed first."""
        return (scene.display.target,)

    def _order(self) -> Order:
        analysis, display = self._engine.requested, self.state.scene.display
        target = display.target
        detected: Order = (("flags", target), ("mediancr", None), ("hits", None))
        observed: Order = (("observed", target),)
        # A spline waits for simulations, a boundary through fixed points for nothing.
        waits = analysis.uses_mm and analysis.parameters.mm_boundary_fit == "spline"
        first = (*observed, *detected) if waits else (*detected, *observed)
        expected: Order = (("expected", None),) if analysis.uses_mm else ()
        return (("stack", None), *first, *expected, *default_order(analysis))

    def _take(self, snapshot: Snapshot) -> None:
        self._dispatcher.call(partial(self._publish, snapshot))

    def _publish(self, snapshot: Snapshot) -> None:
        self._status.finished(snapshot)
        self.state.publish(snapshot.analysis)

    def _progress(self, fraction: float, stage: str) -> None:
        self._dispatcher.call(partial(self._status.progress, fraction, stage))

    def _failed(self, error: Exception) -> None:
        self._dispatcher.call(partial(self._give_up, error))

    def _give_up(self, error: Exception) -> None:
        self.state.revert(self._engine.analysis.parameters)
        raise error

    def _cancel(self) -> None:
        self._engine.cancel()
        self.state.revert(self._engine.analysis.parameters)

    def _show_error(self, message: str) -> None:
        self._status.error(message)

    def _pressed(self, _: object, content: dict[str, Any], __: object) -> None:
        """Do what a key stands for: first where the pointer is, then in any view."""
        if content.get("event") != "key":
            return
        key = content["key"]
        name = f"Ctrl+{key.lower()}" if content.get("control") else key
        plot = (content.get("at") or {}).get("plot")
        for view in sorted(self._views, key=lambda view: plot not in view.plots):
            if name in view.keys:
                view.keys[name].action()
                return

    def _render(self, scene: Scene) -> None:
        for view in self._views:
            view.render(scene)
        self._asked(self._wanted(scene), self.state.resubmit)

    def _render_again(self) -> None:
        self._render(self.state.scene)
