"""L.A.Cosmic: the library's answer, in ADU, for every shape and with invalid pixels."""

import subprocess
import sys

import astroscrappy
import numpy as np
import pytest

from crmasks_widgets.core.lacosmic import library as lacosmic
from crmasks_widgets.core.lacosmic.library import (
    LacosmicSettings,
    detect_cosmics,
    elliptical_kernel,
)


def frame(shape=(60, 70), seed=1, level=40.0, gain=1.0, rnoise=4.0):
    rng = np.random.default_rng(seed)
    image = rng.poisson(np.full(shape, level * gain)) / gain + rng.normal(0, rnoise, shape)
    where = rng.random(shape) < 0.01
    image[where] += rng.exponential(800, where.sum())
    return image.astype(np.float32)


@pytest.mark.parametrize("gain", [1.0, 2.5])
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"sepmed": False}, {"cleantype": "idw"}, {"cleantype": "medmask"}, {"niter": 1},
        {"fsmode": "median"}, {"sigclip": 8.0, "objlim": 2.0, "sigfrac": 0.5}, {"satlevel": 500.0},
    ],
)  # fmt: skip
def test_the_library_is_called_in_electrons(gain, changes):
    """Noise in electrons, cleaned frame back in ADU."""
    image, settings = frame(gain=gain), LacosmicSettings(**changes)
    result = detect_cosmics(image, settings, gain=gain, rnoise=4.0)
    arguments = {
        name: getattr(settings, name)
        for name in ("sigclip", "sigfrac", "objlim", "niter", "sepmed", "cleantype", "fsmode")
    }
    mask, cleaned = astroscrappy.detect_cosmics(
        image * np.float32(gain),
        gain=1.0,
        readnoise=4.0 * gain,
        satlevel=settings.satlevel * gain,
        psfk=elliptical_kernel(2.5, 2.5, 11),
        **arguments,
    )
    assert result.mask.any()
    np.testing.assert_array_equal(result.mask, mask)
    np.testing.assert_allclose(result.cleaned, cleaned / gain, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(result.cleaned[~result.mask], image[~result.mask])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gauss", {"psfmodel": "gauss", "psffwhm": 3.0}),
        ("moffat", {"psfmodel": "moffat", "psffwhm": 3.0}),
        ("gaussx", {"psfmodel": "gaussx", "psffwhm": 2.0}),
        ("gaussy", {"psfmodel": "gaussy", "psffwhm": 4.0}),
    ],
)
def test_widths_of_the_kernels(monkeypatch, model, expected):
    seen = {}

    def spy(image, **arguments):
        seen.update(arguments)
        return np.zeros(image.shape, bool), image

    monkeypatch.setattr(astroscrappy, "detect_cosmics", spy)
    settings = LacosmicSettings(psfmodel=model, psffwhm_x=2.0, psffwhm_y=4.0, psfsize=9)
    detect_cosmics(frame(), settings, gain=1.0, rnoise=4.0)
    assert {key: seen[key] for key in expected} == expected
    assert "psfk" not in seen
    assert seen["psfsize"] == 9


def test_elliptical_kernel():
    kernel = elliptical_kernel(2.5, 2.5, 11)
    assert kernel[5, 5] == pytest.approx(0.141207, abs=1e-6)
    assert kernel[5, 6] == pytest.approx(0.090614, abs=1e-6)
    assert kernel.sum() == pytest.approx(1.0)
    wide = elliptical_kernel(5.0, 2.0, 11)
    assert wide[5, 8] > wide[8, 5]  # x is the second index


def test_invalid_pixels_are_not_flagged_and_do_not_disturb_the_others():
    image = frame()
    valid = np.ones(image.shape, bool)
    valid[20:22, 30:32] = False
    spoilt = np.where(valid, image, np.nan).astype(np.float32)
    result = detect_cosmics(spoilt, LacosmicSettings(), gain=1.0, rnoise=4.0, valid=valid)
    plain = detect_cosmics(image, LacosmicSettings(), gain=1.0, rnoise=4.0)
    assert not result.mask[~valid].any()
    assert np.isnan(result.cleaned[~valid]).all()
    far = np.ones(image.shape, bool)
    far[8:34, 18:44] = False
    np.testing.assert_array_equal(result.mask[far], plain.mask[far])
    nothing = detect_cosmics(
        spoilt, LacosmicSettings(), gain=1.0, rnoise=4.0, valid=np.zeros_like(valid)
    )
    assert not nothing.mask.any()


def test_small_frames_are_mirrored_first():
    image = frame((9, 40))
    result = detect_cosmics(image, LacosmicSettings(), gain=1.0, rnoise=4.0)
    padded = np.pad(image, ((4, 4), (0, 0)), mode="reflect")
    mask, _ = astroscrappy.detect_cosmics(
        padded, sigclip=5.0, readnoise=4.0, satlevel=65535.0, fsmode="convolve",
        psfk=elliptical_kernel(2.5, 2.5, 11),
    )  # fmt: skip
    np.testing.assert_array_equal(result.mask, mask[4:13])


@pytest.mark.process
def test_no_shape_kills_the_process():
    code = """
import numpy as np
from crmasks_widgets.core.lacosmic import LacosmicSettings, detect_cosmics
rng = np.random.default_rng(0)
for ny in (1, 2, 3, 5, 8, 15, 16, 17):
    for nx in (1, 2, 3, 7, 16, 50):
        for sepmed in (True, False):
            image = rng.normal(100, 10, (ny, nx)).astype(np.float32)
            result = detect_cosmics(image, LacosmicSettings(sepmed=sepmed), gain=1.0, rnoise=4.0)
            assert result.mask.shape == (ny, nx)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_tiles_of_a_huge_frame_join_without_a_seam(monkeypatch):
    image = frame((150, 40))
    whole = detect_cosmics(image, LacosmicSettings(), gain=1.0, rnoise=4.0)
    monkeypatch.setattr(lacosmic, "MAX_PIXELS", 60 * 40)
    steps = []
    tiled = detect_cosmics(image, LacosmicSettings(), gain=1.0, rnoise=4.0, checkpoint=steps.append)
    assert len(steps) == 3
    assert steps[-1] == 1.0
    np.testing.assert_array_equal(tiled.mask, whole.mask)
    np.testing.assert_allclose(tiled.cleaned, whole.cleaned, rtol=1e-4)
