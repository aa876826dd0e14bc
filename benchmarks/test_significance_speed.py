"""The local significance on 2016 x 1596 x 3, against one median of the cube and mm_lacosmic.

Timed are all masks from the exposures, what the dashboard shows after a threshold has moved (counts
by method, MEDIANCR and the table of hits), and the check of the noise. Times are those of the
processor, all threads together; those compared are measured in the same process.
"""

import time

import numpy as np
import pytest
from _measure import seconds
from scipy import ndimage
from test_edit_speed import SHAPE, check_edit, shown

import crmasks_widgets as cm
from crmasks_widgets.demo import demo_scene

EDITS = [
    {"sg_false_alarms": 3.0},
    {"sg_false_alarms": 0.1},
    {"dilation": 2},
    {"pixels_to_be_flagged_as_cr": ((800, 1000),)},
]
NOISE_CHECK_SECONDS = 1.5
MATCHING_MEDIANS = {0.0: 3, 0.3: 10}


@pytest.fixture(scope="module")
def scene():
    return demo_scene(SHAPE)


@pytest.fixture(scope="module")
def exposures(scene):
    return cm.ExposureSet.from_arrays(list(np.rint(scene.exposures)))


@pytest.fixture(scope="module")
def library(scene):
    """Processor time of one median of the cube."""
    cube = np.ascontiguousarray(scene.exposures, np.float32)
    return seconds(lambda: np.median(cube, axis=0), repeats=3)


@pytest.fixture(scope="module")
def parameters(scene):
    return cm.Parameters(
        gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=1, crmethod="significance"
    )


@pytest.fixture(scope="module")
def analysis(exposures, parameters):
    """Everything that a dashboard has computed before the first gesture."""
    made = cm.Analysis(exposures, parameters)
    shown(made)
    return made


def test_all_masks(benchmark, exposures, parameters, library):
    def run(method="significance"):
        return cm.Analysis(exposures, parameters.replace(crmethod=method)).masks

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    own = seconds(run, repeats=3)
    others = {
        name: seconds(lambda n=name: run(n), repeats=1) for name in ("lacosmic", "mm_lacosmic")
    }
    ratios = {"one median": own / library} | {name: own / t for name, t in others.items()}
    benchmark.extra_info["ratios"] = {name: round(ratio, 3) for name, ratio in ratios.items()}
    print("\nall masks: " + ", ".join(f"{ratio:.2f} of {name}" for name, ratio in ratios.items()))
    if ratios["lacosmic"] > 1:
        pytest.fail(f"{ratios['lacosmic']:.2f} of the time of lacosmic, not 1")


@pytest.mark.parametrize("change", EDITS, ids=str)
def test_edit(benchmark, analysis, library, change):
    check_edit(benchmark, analysis, change, library, "")


def test_noise_check(benchmark, exposures, parameters, library):
    def check():
        return cm.Analysis(exposures, parameters).noise_check

    benchmark.pedantic(check, rounds=2, warmup_rounds=1)
    taken = seconds(check, repeats=2)
    benchmark.extra_info["ratio"] = round(taken / library, 2)
    print(f"\nnoise check: {taken:.2f} s, {taken / library:.1f} of one median")
    if taken > NOISE_CHECK_SECONDS:
        pytest.fail(f"{taken:.2f} s, not {NOISE_CHECK_SECONDS}")


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_matching(benchmark, exposures, parameters, library, shift):
    """Of exposures that are alike, and of ones that are displaced by parts of a pixel."""
    frames = [ndimage.shift(e, (0, k * shift), order=1) for k, e in enumerate(exposures.data)]
    made = cm.ExposureSet.from_arrays(frames) if shift else exposures

    def match():
        analysis = cm.Analysis(made, parameters)
        analysis.result("scaled")
        start = time.process_time()
        matched = analysis.matching.matched
        taken = time.process_time() - start
        if matched != bool(shift):
            pytest.fail(f"matched: found {matched} for a shift of {shift}")
        return taken

    benchmark.pedantic(match, rounds=1, warmup_rounds=1)
    taken = min(match() for _ in range(3))
    benchmark.extra_info["ratio"] = round(taken / library, 2)
    print(f"\nmatching: {taken:.2f} s, {taken / library:.1f} of one median")
    if taken / library > MATCHING_MEDIANS[shift]:
        pytest.fail(f"{taken / library:.1f} of one median, not {MATCHING_MEDIANS[shift]}")
