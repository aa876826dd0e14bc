"""PyCosmic: each threshold as the paper defines it, written out pixel by pixel."""

import numpy as np
import pytest
from scipy import ndimage

from crmasks_widgets.core.lacosmic.library import nothing_valid
from crmasks_widgets.core.pycosmic import PycosmicSettings, detect_cosmics
from crmasks_widgets.errors import Cancelled

NOISE = {"gain": 1.0, "rnoise": 3.0}
LAPLACE = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 4


def laplacian(image):
    """On a grid twice as fine, without what is negative, summed over the pixels of the frame."""
    fine = ndimage.convolve(np.kron(image, np.ones((2, 2))), LAPLACE, mode="nearest")
    ny, nx = image.shape
    return np.maximum(fine, 0).reshape(ny, 2, nx, 2).sum(axis=(1, 3))


def first_iteration(frame, settings, rnoise):
    box = (settings.box_y, settings.box_x)
    median = ndimage.median_filter(frame, box, mode="nearest")
    significance = laplacian(frame) / (2 * np.sqrt(np.maximum(median, 0) + rnoise**2))
    excess = significance - ndimage.median_filter(significance, (5, 5), mode="nearest")
    widths = np.array([settings.fwhm_y, settings.fwhm_x]) / (2 * np.sqrt(2 * np.log(2)))
    smooth = ndimage.gaussian_filter(frame, widths, mode="nearest")
    sharpness = laplacian(np.maximum(frame / smooth, 0))
    return (excess > settings.sigma_det) & (sharpness > settings.rlim)


def scene(seed=3):
    """Noisy fibres of FWHM 3 pixels, and hits of one pixel between and on them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:60, :70]
    light = 40 + 900 * np.exp(-0.5 * (((x % 10) - 5) / 1.3) ** 2) * (1 + 0.2 * np.sin(y / 9))
    frame = rng.poisson(light) + rng.normal(0, 3, light.shape)
    hits = np.zeros(light.shape, bool)
    hits[8::12, 3::9] = True
    frame[hits] += 900
    return frame.astype(np.float32), hits


@pytest.mark.parametrize(
    "changes", [{}, {"box_x": 7, "box_y": 3, "fwhm_x": 1.8}, {"rlim": 0.5, "sigma_det": 3.0}]
)
def test_the_first_iteration_is_that_of_the_paper(changes):
    frame, _ = scene()
    settings = PycosmicSettings(iterations=1, **changes)
    found = detect_cosmics(frame, settings, **NOISE).mask
    expected = first_iteration(frame.astype(float), settings, 3.0)
    inner = (slice(10, -10),) * 2
    assert expected[inner].sum() > 5
    assert np.array_equal(found[inner], expected[inner])


def test_hits_are_found_at_the_border_too_and_fibres_are_not_hits():
    frame, hits = scene()
    frame[0, 23] += 900
    hits[0, 23] = True
    result = detect_cosmics(frame, PycosmicSettings(), **NOISE)
    assert np.array_equal(result.mask, hits)
    at = np.array(np.nonzero(hits))
    assert (np.abs(result.cleaned[tuple(at)] - frame[tuple(at)]) > 300).mean() > 0.8


def test_later_iterations_find_what_filled_pixels_uncover():
    frame = np.random.default_rng(1).normal(0, 3, (40, 40)).astype(np.float32) + 100
    frame[18:22, 18:22] += 5000
    masks = [
        detect_cosmics(frame, PycosmicSettings(iterations=n), **NOISE).mask[18:22, 18:22].sum()
        for n in (1, 2, 5)
    ]
    assert masks[0] < masks[1] <= masks[2] == 16
    result = detect_cosmics(frame, PycosmicSettings(), **NOISE)
    # The median of a box without any good pixel is that of the frame.
    assert (np.abs(result.filled - 100) < 10).all()


def test_gain_makes_electrons_of_frame_and_noise():
    frame, _ = scene()
    plain = detect_cosmics(frame, PycosmicSettings(), **NOISE)
    adu = detect_cosmics(frame / np.float32(2), PycosmicSettings(), gain=2.0, rnoise=1.5)
    assert np.array_equal(plain.mask, adu.mask)
    np.testing.assert_allclose(adu.filled * 2, plain.filled, rtol=1e-6)


def test_the_mask_grows_by_the_radius():
    frame, hits = scene()
    settings = PycosmicSettings(increase_radius=1)
    grown = detect_cosmics(frame, settings, **NOISE).mask
    assert np.array_equal(grown, ndimage.binary_dilation(hits, np.ones((3, 3))))


def test_invalid_pixels_are_neither_flagged_nor_used():
    frame, hits = scene()
    valid = np.ones(frame.shape, bool)
    valid[30:33] = False
    broken = np.where(valid, frame, np.float32(np.nan))
    result = detect_cosmics(broken, PycosmicSettings(), valid=valid, **NOISE)
    assert np.array_equal(result.mask, hits & valid)
    nothing = detect_cosmics(broken, PycosmicSettings(), valid=np.zeros_like(valid), **NOISE)
    assert np.array_equal(nothing.mask, nothing_valid(broken).mask)


def test_progress_is_told_and_a_run_is_cancelled_between_its_steps():
    frame, _ = scene()
    told = []
    detect_cosmics(frame, PycosmicSettings(), **NOISE, checkpoint=told.append)
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1

    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        detect_cosmics(frame, PycosmicSettings(), **NOISE, checkpoint=stop)
