"""The dashboard as a whole: views around one state, and one engine that computes for them."""

from functools import partial
from typing import Any

from ipywidgets import VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.closing import close_all
from crmasks_widgets.dashboard.desk import Desk, View
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
        page = Page()
        desk = Desk(self.state, self._dispatcher, page)
        self._status = StatusView(desk, self._cancel)
        self._views: tuple[View, ...] = (self._status,)
        self.widget = VBox([page, *(view.widget for view in self._views)])
        self.widget.add_class("crmasks-dashboard")
        self.state.subscribe(self._render)
        desk.observe(page, self._render_again, "sizes")
        self._render(self.state.scene)
        self.state.resubmit()

    @property
    def analysis(self) -> Analysis:
        """The newest analysis that is computed to the end."""
        return self._engine.analysis

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being computed; False after `timeout` seconds."""
        return self._engine.wait(timeout)

    def close(self) -> None:
        """Stop computing and remove the widgets."""
        self._dispatcher.stop()
        self._engine.close()
        close_all(self.widget)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def _submit(self, parameters: Parameters) -> None:
        self._engine.order = self._order()
        self._engine.submit_parameters(parameters)
        self._status.working()

    def _order(self) -> Order:
        analysis, display = self._engine.requested, self.state.scene.display
        first: Order = (("stack", None),)
        if analysis.uses_mm:
            first += (("observed", display.target), ("expected", None), ("boundary", None))
        return (*first, *default_order(analysis))

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

    def _render(self, scene: Scene) -> None:
        for view in self._views:
            view.render(scene)

    def _render_again(self) -> None:
        self._render(self.state.scene)
