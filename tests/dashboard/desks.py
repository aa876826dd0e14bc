"""A dashboard without page or views of its own: state, engine and what a view works with."""

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.context import Context
from crmasks_widgets.dashboard.dispatch import Dispatcher
from crmasks_widgets.dashboard.engine import Engine
from crmasks_widgets.dashboard.page import Page
from crmasks_widgets.dashboard.state import State
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

from ..conftest import LEVELS, QUICK, small_scene


def small_analysis(**settings):
    """A scene that takes a fraction of a second."""
    exposures = ExposureSet.from_arrays(small_scene().exposures)
    return Analysis(exposures, Parameters(**{**LEVELS, **QUICK, **settings}))


class Bench:
    """What a view needs around it; computed results arrive when `settle` is called."""

    def __init__(self, analysis):
        self.errors, self.views = [], []
        self.dispatcher = Dispatcher(self.errors.append)
        self._newest = analysis
        self.state = State(analysis, self._submit)
        self.context = Context(self.state, self.dispatcher, Page())
        self.state.subscribe(self._render)

    def add(self, view):
        """Let a view follow the state."""
        self.views.append(view)
        view.render(self.state.model)
        return view

    def settle(self):
        """Compute what was asked for, and publish it."""
        for stage, target in self.order:
            self._newest.result(stage, target)
        self.state.publish(self._newest)

    order = (("observed", "median"), ("flags", "median"), ("hits", None))

    def _submit(self, parameters):
        # The rules of the engine, without its thread.
        with Engine(self._newest, lambda _: None) as engine:
            engine.submit(parameters)
            self._newest = engine.requested

    def _render(self, model):
        for view in self.views:
            view.render(model)
