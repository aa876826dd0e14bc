"""The stages that are looked at are those that detect."""

from dataclasses import replace

import numpy as np
import pytest

from crmasks_widgets.core.lacosmic.engine import detect, prepare
from crmasks_widgets.core.lacosmic.library import LacosmicSettings
from crmasks_widgets.core.lacosmic.stages import lacosmic_stages
from crmasks_widgets.simulate import THICK_CCD, Detector, expose, long_slit_light

LIGHT = long_slit_light((90, 110), seed=4)
SCENE = expose(LIGHT, seed=4, detector=Detector(1.7, 3.4), hits=THICK_CCD, hot_pixels=20)
FRAME = SCENE.exposures[0]
SETTINGS = {
    "defaults": LacosmicSettings(),
    "median": LacosmicSettings(fsmode="median", sepmed=False),
    "low": LacosmicSettings(sigclip=3.0, sigfrac=0.5, objlim=1.5),
    "saturated": LacosmicSettings(satlevel=900.0),
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_what_the_stages_flag_is_what_one_iteration_flags(settings):
    stages = lacosmic_stages(FRAME, settings, gain=1.7, rnoise=3.4)
    once = replace(settings, niter=1)
    mask = detect(prepare(FRAME, once, gain=1.7, rnoise=3.4), once).mask
    assert mask.sum() > 10
    np.testing.assert_array_equal(stages.flagged, mask)
    assert np.all(stages.sharp[stages.seeds])
    assert stages.seeds.sum() < stages.sharp.sum()


def test_the_stages_are_what_their_formulas_say():
    stages = lacosmic_stages(FRAME, LacosmicSettings(), gain=1.7, rnoise=3.4)
    y, x = 40, 50
    e = (FRAME * np.float32(1.7)).astype(float)
    fine = np.kron(e, np.ones((2, 2)))
    laplacian = 4 * fine
    for axis in (0, 1):
        laplacian -= np.roll(fine, 1, axis) + np.roll(fine, -1, axis)
    block = np.maximum(laplacian[2 * y : 2 * y + 2, 2 * x : 2 * x + 2], 0).mean()
    assert stages.laplacian[y, x] == pytest.approx(block, rel=1e-5)
    inside = stages.contrast != 0
    np.testing.assert_allclose(
        stages.contrast[inside], (stages.excess / stages.fine_structure)[inside], rtol=1e-5
    )
    assert stages.fine_structure.min() >= np.float32(0.01) * (1 - 1e-6)
    expected = np.sqrt(np.median(e) + (3.4 * 1.7) ** 2)
    assert np.median(stages.noise) == pytest.approx(expected, rel=0.03)
