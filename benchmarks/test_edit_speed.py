"""Moving the boundary, thresholds and pixels on 2016 x 1596 x 3, against one median of the cube.

What is timed is what the dashboard shows after a gesture: counts by method, MEDIANCR and the table
of hits. Times are those of the processor, all threads together, so that other programs matter
little. Both are measured in the same process.
"""

import numpy as np
import pytest
from _measure import seconds

import crmasks_widgets as cm
from crmasks_widgets.demo import demo_scene

SHAPE = (2016, 1596)
TARGET = 1 / 3
POINTS = ((0.0, 30.0), (200.0, 60.0), (2000.0, 200.0))
MOVED = ((0.0, 30.0), (200.0, 55.0), (2000.0, 200.0))
CHANGES = [
    {"mm_fixed_points_in_boundary": MOVED},
    {"mm_threshold": 40.0},
    {"dilation": 2},
    {"dilation": 0},
    {"pixels_to_be_flagged_as_cr": ((800, 1000),)},
]


def shown(analysis):
    return analysis.flags("median").counts(), analysis.mediancr, analysis.hits


@pytest.fixture(scope="module")
def exposures():
    return demo_scene(SHAPE)


@pytest.fixture(scope="module")
def library(exposures):
    """Processor time of one median of the cube."""
    cube = np.ascontiguousarray(exposures.exposures, np.float32)
    return seconds(lambda: np.median(cube, axis=0), repeats=3)


@pytest.fixture(scope="module", params=["piecewise", "spline"])
def analysis(request, exposures):
    """Everything that a dashboard has computed before the first gesture."""
    parameters = cm.Parameters(
        gain=exposures.gain, rnoise=exposures.rnoise, bias=exposures.bias, mm_seed=1,
        mm_nsimulations=1, mm_boundary_fit=request.param, mm_fixed_points_in_boundary=POINTS,
    )  # fmt: skip
    made = cm.Analysis(cm.ExposureSet.from_arrays(list(np.rint(exposures.exposures))), parameters)
    shown(made)
    return made


def check_edit(benchmark, analysis, change, library, name):
    """Time what the dashboard shows after a change, against one median of the cube."""

    def gesture():
        return shown(analysis.replace(**change))

    benchmark.pedantic(gesture, rounds=3, warmup_rounds=1)
    ratio = seconds(gesture, repeats=5) / library
    benchmark.extra_info["ratio"] = round(ratio, 4)
    print(f"\n{name}{change}: {ratio:.3f} of one median")
    if ratio > TARGET:
        pytest.fail(f"{ratio:.2f} of the time of one median, not {TARGET:.2f}")


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_edit(benchmark, analysis, library, change):
    check_edit(benchmark, analysis, change, library, f"{analysis.parameters.mm_boundary_fit}, ")
