"""A view of small exposures, driven as the page would."""

import numpy as np

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.context import Context
from crmasks_widgets.dashboard.dispatch import Dispatcher
from crmasks_widgets.dashboard.engine import default_order
from crmasks_widgets.dashboard.page import Page
from crmasks_widgets.dashboard.state import State
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

SHAPE = (60, 80)
QUICK = {
    "rnoise": 3.0,
    "crmethod": "mmcosmic",
    "mm_boundary_fit": "piecewise",
    "mm_fixed_points_in_boundary": [[0, 30], [1000, 100]],
    "mm_seed": 5,
    "dilation": 0,
}
# Hits of the median, array indices (y, x), in raster order.
FIRST = ((10, 60), (11, 60))
SECOND = ((40, 20), (40, 21), (41, 21))


def exposures(n=3):
    """Flat noisy frames with two double hits, each frame with a level of its own."""
    frames = np.random.default_rng(1).normal(200, 3, (n, *SHAPE)).astype(np.float32)
    for pixels, hit in ((FIRST, (0, 1)), (SECOND, (0, 2))):
        for y, x in pixels:
            for i in range(n):
                frames[i, y, x] += 900 if i in hit or i > 2 else 0
    return frames


class Bench:
    """State, page and one view; what the engine would do is done at once."""

    def __init__(self, view, frames=None, **parameters):
        frames = exposures() if frames is None else frames
        self.errors = []
        analysis = Analysis(ExposureSet.from_arrays(list(frames)), Parameters(**QUICK | parameters))
        self.compute(analysis)
        self.state = State(analysis, self.submit)
        self.page = Page()
        self.messages = []
        self.page.send = lambda content, buffers=None: self.messages.append(content)
        self.view = view(Context(self.state, Dispatcher(self.errors.append), self.page))
        self.state.subscribe(self.view.render)
        self.view.render(self.state.model)

    @property
    def model(self):
        return self.state.model

    def compute(self, analysis):
        for stage, target in default_order(analysis):
            analysis.result(stage, target)

    def submit(self, parameters):
        old = self.state.model.analysis
        changed = {k: v for k, v in parameters if v != getattr(old.parameters, k)}
        new = old.replace(**changed)
        self.compute(new)
        self.state.publish(new)

    def press(self, key):
        self.view.keys[key].action()

    def tell(self, **content):
        self.page._handle_custom_msg(content, [])
