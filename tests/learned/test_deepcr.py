"""deepCR itself: the package's own masks, in time, and only where it is asked for."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from deepCR import deepCR

import crmasks_widgets as cm
from crmasks_widgets.core.learned.deepcr import load_deepcr
from crmasks_widgets.core.learned.tiles import hit_probability

from ..golden_cases import scene

# Of the package and of what it was written for.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("model", ["ACS-WFC", "WFC3-UVIS"])
def test_probabilities_are_those_of_the_package(model):
    frame = np.tile(scene("thick")[0], (2, 2))  # more than one tile
    with torch.inference_mode():
        expected = deepCR(mask=model, device="CPU").clean(
            frame.astype(np.float32), inpaint=False, binary=False, segment=False
        )
    found = hit_probability(frame.astype(np.float32), load_deepcr(model), gain=1.0)
    inner = (slice(12, -12),) * 2  # beyond the border the package takes zeros
    assert (expected[inner] > 0.5).sum() > 50
    np.testing.assert_allclose(found[inner], expected[inner], atol=2e-5)


@pytest.mark.parametrize("method", ["deepcr", "mm_deepcr", "significance_deepcr"])
def test_methods_find_hits_of_the_median(method):
    exposures = cm.ExposureSet.from_arrays(list(scene("smooth")))
    made = cm.Analysis(exposures, cm.Parameters(rnoise=3.4, crmethod=method))
    assert made.flags("median").by("deepcr").sum() > 50
    assert made.mediancr.any()
    assert made.combination("meancr").data.shape == exposures.shape


@pytest.mark.process
def test_importing_the_package_loads_no_torch():
    program = "import sys, crmasks_widgets as cm; cm.Parameters(); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"
