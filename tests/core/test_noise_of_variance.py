"""A noise model from variances that somebody else worked out."""

import numpy as np
import pytest

from crmasks_widgets.core.noise_of_variance import noise_of_variance

SHAPE = (80, 100)
GAIN = 1.6


def exposures(level, rnoise, n, gain=GAIN):
    rng = np.random.default_rng(4)
    photons = rng.poisson(level * gain, (n, *SHAPE)) / gain
    return (photons + rng.normal(0, rnoise, photons.shape)).astype(np.float32)


@pytest.mark.parametrize("n", [3, 5, 9])
@pytest.mark.parametrize("level", [0, 50, 400, 20000])
def test_variances_are_what_was_given_at_the_level_of_the_exposures(level, n):
    variance = np.full(SHAPE, level / GAIN + 9, np.float32)
    noise = noise_of_variance(variance, exposures(level, 3, n).min(axis=0), n, GAIN)
    found = np.median(noise.sigma(np.full(SHAPE, level)) ** 2)
    assert found == pytest.approx(variance[0, 0], rel=0.05)
    assert noise.gain == pytest.approx(GAIN, rel=0.15)
    assert noise.rnoise.dtype == np.float32


def test_readout_noise_of_pixels_is_told_apart():
    rnoise = np.where(np.arange(SHAPE[1]) < 50, 3.0, 8.0) * np.ones(SHAPE)
    low = exposures(0, rnoise, 3).min(axis=0)
    noise = noise_of_variance(np.square(rnoise, dtype=np.float32), low, 3, GAIN)
    np.testing.assert_allclose(np.median(noise.rnoise, axis=0), rnoise[0], rtol=0.01)


def test_the_gain_is_raised_where_values_were_averaged_before():
    variance = np.full(SHAPE, (400 / GAIN + 9) / 4, np.float32)  # means of four
    low = exposures(400, 1.5, 3, gain=4 * GAIN).min(axis=0)
    noise = noise_of_variance(variance, low, 3, GAIN)
    assert 4 * GAIN < noise.gain < 5 * GAIN
    found = np.median(noise.sigma(np.full(SHAPE, 400.0)) ** 2)
    assert found == pytest.approx(variance[0, 0], rel=0.05)


def test_what_nobody_knows_has_the_noise_of_the_others():
    variance = np.full(SHAPE, 9, np.float32)
    low = np.zeros(SHAPE, np.float32)
    variance[3, 4], low[5, 6] = np.nan, np.nan
    noise = noise_of_variance(variance, low, 3, GAIN)
    np.testing.assert_array_equal(noise.rnoise, np.float32(3))
