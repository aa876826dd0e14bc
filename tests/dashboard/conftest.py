"""A dashboard without a page: its widgets are driven in plain Python."""

import io

import numpy as np
import pytest
from PIL import Image

import crmasks_widgets as cm
from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.hits.view import HitsView

from ..conftest import small_scene
from .bench import Bench, small_analysis

POINTS = ((0.0, 25.0, 1e4), (500.0, 110.0, 1e4), (5000.0, 350.0, 1e4))


@pytest.fixture(scope="session")
def analysis():
    """Analysis of the small scene, with a piecewise boundary."""
    scene = small_scene()
    parameters = cm.Parameters(
        gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=5, mm_nsimulations=2,
        mm_boundary_fit="piecewise", mm_fixed_points_in_boundary=POINTS, la_niter=2,
    )  # fmt: skip
    return cm.Analysis(cm.ExposureSet.from_arrays(list(scene.exposures)), parameters)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Where the program is: a folder with a space in its name."""
    folder = tmp_path / "a night"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def dashboard(analysis):
    """A dashboard that has computed everything."""
    shown = cm.Dashboard(analysis)
    assert shown.wait(60)
    yield shown
    shown.close()


@pytest.fixture
def view(dashboard):
    """The view of the Median-Minimum diagram."""
    (found,) = [v for v in dashboard.session.views if isinstance(v, DiagramView)]
    return found


@pytest.fixture
def hand(view):
    """Where the diagram hears of the hand on its boundary."""
    return view.panels["observed"].hand


@pytest.fixture
def gestures(view):
    """All other gestures in the diagram."""
    return view._gestures


@pytest.fixture
def many():
    """The view of some dozen hits of two methods, on a bench."""
    made = Bench(small_analysis(crmethod="mm_lacosmic", la_niter=2), at_once=True)
    made.add(HitsView(made.context))
    return made


def decoded(png):
    """Red, green, blue and opacity of a picture, row 0 lowest."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[::-1]
