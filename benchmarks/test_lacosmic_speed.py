"""L.A.Cosmic on 2016 x 1596 pixels, as ratios to one call of astroscrappy in the same run.

Times are those of the processor, all threads together, so that other programs matter little. The
library waits busily for its threads: run with OMP_NUM_THREADS=1 for a fair comparison.
"""

from dataclasses import replace

import astroscrappy
import numpy as np
import pytest
from _measure import seconds

from crmasks_widgets.core.lacosmic import engine
from crmasks_widgets.core.lacosmic.library import LacosmicSettings, elliptical_kernel
from crmasks_widgets.simulate import fibre_spectrograph

DEFAULTS = LacosmicSettings()
RNOISE = 3.4


@pytest.fixture(scope="module")
def frame():
    exposure = fibre_spectrograph((1596, 2016), seed=1).exposures[0]
    return np.ascontiguousarray(exposure, np.float32)


@pytest.fixture(scope="module")
def library(frame):
    """Mask and processor time of the library, for the default settings."""
    masks = []

    def call():
        found = astroscrappy.detect_cosmics(
            frame, sigclip=5, sigfrac=0.3, objlim=5, gain=1, readnoise=RNOISE, satlevel=65535,
            niter=4, sepmed=True, cleantype="meanmask", fsmode="convolve",
            psfk=elliptical_kernel(2.5, 2.5, 11),
        )  # fmt: skip
        masks.append(found[0])

    return seconds(call, repeats=2), masks[0]


@pytest.fixture(scope="module")
def prepared(frame):
    return engine.prepare(frame, DEFAULTS, gain=1.0, rnoise=RNOISE)


def check(benchmark, function, library_seconds, target):
    benchmark.pedantic(function, rounds=3, warmup_rounds=1)
    ratio = seconds(function) / library_seconds
    benchmark.extra_info["ratio"] = ratio
    print(
        f"\n1/{1 / ratio:.1f} of {library_seconds:.2f} s of the library (target 1/{1 / target:.0f})"
    )
    if ratio > target:
        pytest.fail(f"1/{1 / ratio:.1f} of the library's time, not 1/{1 / target:.0f}")


def test_first_call(benchmark, frame, library):
    def call():
        return engine.detect_cosmics(frame, DEFAULTS, gain=1.0, rnoise=RNOISE)

    np.testing.assert_array_equal(call().mask, library[1])
    check(benchmark, call, library[0], 1 / 6)


@pytest.mark.parametrize(
    "change",
    [{"sigclip": c} for c in (3.0, 4.5, 7.0)] + [{"sigfrac": 0.5}, {"objlim": 4.0}],
    ids=str,
)
def test_change_of_a_threshold(benchmark, prepared, library, change):
    changed = replace(DEFAULTS, **change)
    check(benchmark, lambda: engine.detect(prepared, changed), library[0], 1 / 20)


def test_more_iterations(benchmark, prepared, library):
    two = engine.detect(prepared, replace(DEFAULTS, niter=2))
    np.testing.assert_array_equal(engine.detect(prepared, DEFAULTS, start=two).mask, library[1])
    check(benchmark, lambda: engine.detect(prepared, DEFAULTS, start=two), library[0], 1 / 4)
