"""A dashboard without page, engine or views of its own: what a view needs around it."""

import numpy as np

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.model.engine import default_order
from crmasks_widgets.dashboard.model.state import State
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

from ..conftest import LEVELS, QUICK, small_scene

LONG_ENOUGH = 60.0  # s
SHAPE = (60, 80)
FLAT = {
    "rnoise": 3.0,
    "crmethod": "mmcosmic",
    "mm_boundary_fit": "piecewise",
    "mm_fixed_points_in_boundary": [[0, 30], [1000, 100]],
    "mm_seed": 5,
    "dilation": 0,
}
# Hits of the median of the flat frames, array indices (y, x), in raster order.
FIRST = ((10, 60), (11, 60))
SECOND = ((40, 20), (40, 21), (41, 21))


FIRST_SHOWN = (("observed", "median"), ("flags", "median"), ("hits", None))


def small_analysis(**settings):
    """A scene that takes a fraction of a second."""
    exposures = ExposureSet.from_arrays(small_scene().exposures)
    return Analysis(exposures, Parameters(**{**LEVELS, **QUICK, **settings}))


def flat_frames(n=3):
    """Flat noisy frames with two double hits, each frame with a level of its own."""
    frames = np.random.default_rng(1).normal(200, 3, (n, *SHAPE)).astype(np.float32)
    for pixels, hit in ((FIRST, (0, 1)), (SECOND, (0, 2))):
        for y, x in pixels:
            for i in range(n):
                frames[i, y, x] += 900 if i in hit or i > 2 else 0
    return frames


def press(page, key, **more):
    """Tell of a key, as the page does."""
    content = {"event": "key", "key": key, "control": False, "shift": False, "at": None}
    page._handle_custom_msg(content | more, [])


class Bench:
    """State and page; results arrive when `settle` is called, or at once."""

    def __init__(self, analysis, *, at_once=False):
        self.errors, self.views, self.messages = [], [], []
        self._newest, self._at_once = analysis, at_once
        self.dispatcher = Dispatcher(self.errors.append)
        self.page = Page()
        self.page.send = lambda content, buffers=None: self.messages.append(content)
        self.state = State(analysis, self._submit)
        self.context = Context(self.state, self.dispatcher, self.page)
        self.state.subscribe(self._render)
        if at_once:
            self.settle()

    @classmethod
    def of(cls, view, frames=None, **parameters):
        """One view of flat frames, which shows the results of a change at once."""
        exposures = ExposureSet.from_arrays(list(flat_frames() if frames is None else frames))
        bench = cls(Analysis(exposures, Parameters(**FLAT | parameters)), at_once=True)
        bench.add(view(bench.context))
        return bench

    @property
    def model(self):
        return self.state.model

    @property
    def view(self):
        """The only one."""
        (view,) = self.views
        return view

    def add(self, view):
        """Let a view follow the state."""
        self.views.append(view)
        view.render(self.model)
        return view

    def settle(self):
        """Compute what was asked for, and publish it."""
        for stage, target in default_order(self._newest) if self._at_once else FIRST_SHOWN:
            self._newest.result(stage, target)
        self.state.publish(self._newest)

    def press(self, key):
        """Do what a key stands for."""
        self.view.keys[key].action()

    def tell(self, **content):
        """Send what the page sends."""
        self.page._handle_custom_msg(content, [])

    def _submit(self, parameters):
        self._newest = self._newest.with_parameters(parameters)
        if self._at_once:
            self.settle()

    def _render(self, model):
        for view in self.views:
            view.render(model)
