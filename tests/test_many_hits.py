"""A line that was dragged into the cloud makes a hit of every other pixel, for a moment."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.analysis.run import Run


@pytest.fixture(scope="module")
def noise():
    """Exposures of nothing but noise, and a boundary that goes through the middle of it."""
    random = np.random.default_rng(3)
    frames = [random.normal(100.0, 5.0, (60, 80)).astype(np.float32) for _ in range(3)]
    settings = cm.Parameters(
        crmethod="mmcosmic", gain=4.0, rnoise=3.0, dilation=0, max_flagged_fraction=1.0,
        mm_boundary_fit="piecewise", mm_fixed_points_in_boundary=((0, 5.0, 1), (500, 5.0, 1)),
    )  # fmt: skip
    return cm.Analysis(cm.ExposureSet.from_arrays(frames), settings)


def test_the_table_of_hits_can_be_given_up_before_they_are_compared(noise):
    told = []

    def stop(fraction):
        told.append(fraction)
        raise cm.Cancelled("stopped")

    assert noise.labels.max() > 100
    with pytest.raises(cm.Cancelled):
        noise.under(Run(stop)).result("hits")
    assert told == [0.5]
    assert len(noise.result("hits")) == noise.labels.max()
