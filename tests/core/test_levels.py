"""Flux factors say the level of an exposure, whatever single pixels of it read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmasks_widgets as cm
from crmasks_widgets.core.alignment import measure_levels
from crmasks_widgets.core.brightness import measure_brightness
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.demo import demo_scene
from crmasks_widgets.simulate import expose
from tests.counts import count

# Full wells, converters, sums of many frames, what a broken file holds.
READINGS = (-1e9, -1e6, -5000.0, 0.0, 2e4, 65535.0, 2e5, 1e6, 1e9, 3e38, np.nan)


def scene(kind="fibres", n=3, factors=None, seed=3):
    made = demo_scene((60, 80), seed=seed, kind=kind, n_exposures=n)
    if factors:
        made = expose(made.truth[0], n, seed=seed, detector=made.detector, flux_factors=factors)
    noise = Noise(made.detector.gain, made.detector.rnoise)
    return np.asarray(made.exposures) - np.float32(made.detector.bias), noise


def brightness(cube, noise):
    valid = np.isfinite(cube)
    return measure_brightness(stack_exposures(cube, 0.0, None, valid), noise)


SCENES = {(kind, n): scene(kind, n) for kind in ("fibres", "longslit", "stars") for n in (2, 3, 5)}
BEFORE = {key: brightness(*each) for key, each in SCENES.items()}


@settings(max_examples=count(40, 1000))
@given(st.data())
def test_no_reading_of_some_pixels_moves_a_factor_by_more_than_its_error(data):
    key = data.draw(st.sampled_from(sorted(SCENES)))
    (cube, noise), before = SCENES[key], BEFORE[key]
    cube = cube.copy()
    frame = cube[data.draw(st.integers(0, len(cube) - 1))]
    number, among = data.draw(st.integers(1, 12)), data.draw(st.sampled_from((12, 300, frame.size)))
    brightest = np.argsort(np.median(cube, axis=0), axis=None)[::-1][:among]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pixels = rng.choice(brightest, number, replace=False)
    frame.ravel()[pixels] = data.draw(st.sampled_from(READINGS))
    after = np.array(brightness(cube, noise).factors)
    assert np.abs(after - before.factors).max() <= before.error


@pytest.mark.parametrize("reading", [1e6, 1e9])
@pytest.mark.parametrize("method", ["mm_lacosmic", "significance"])
def test_one_pixel_changes_neither_auto_nor_the_verdict_on_it(caplog, method, reading):
    cube, noise = scene()
    cube[1].ravel()[np.argmax(np.median(cube, axis=0))] = reading
    exposures = cm.ExposureSet.from_arrays(list(cube))
    p = cm.Parameters(
        gain=noise.gain, rnoise=noise.rnoise, bias=0.0, crmethod=method, flux_factor="auto"
    )
    factors = cm.Analysis(exposures, p).alignment.flux_factors
    np.testing.assert_allclose(factors, 1, atol=0.006)
    cm.Analysis(exposures, p.replace(flux_factor=None, crmethod="mmcosmic")).masks  # noqa: B018
    assert "times as bright" not in caplog.text


@pytest.mark.parametrize("kind", ["fibres", "longslit", "stars"])
def test_factors_are_found_within_their_error(kind):
    factors, deviations = (1.0, 0.5, 1.9), []
    for seed in range(6):
        cube, noise = scene(kind, 3, factors, seed)
        found = brightness(cube, noise)
        deviations.append((np.array(found.factors) / factors - 1) / found.error)
    assert np.sqrt(np.mean(np.square(deviations))) < 1.2


def test_the_error_is_that_of_exposures_which_are_not_alike():
    """Stars that are displaced tell of the level less well than their photons do."""
    y, x = np.mgrid[:80, :80] % 16 - 8
    rng = np.random.default_rng(1)
    lights = [50 + 4e4 * np.exp(-((x - dx) ** 2 + y**2) / 4.5) for dx in (0.0, 0.3, -0.2)]
    cube = np.stack([rng.poisson(light) + rng.normal(0, 3, light.shape) for light in lights])
    alike = np.stack([rng.poisson(lights[0]) + rng.normal(0, 3, x.shape) for _ in lights])
    bright = np.median(cube, axis=0) > 200
    assert measure_levels(cube, bright)[1] > 3 * measure_levels(alike, bright)[1]
    assert brightness(cube.astype(np.float32), Noise(1.0, 3.0)).error > 0.0015


def test_a_saturated_star_of_one_exposure_does_not_outweigh_the_field():
    """Nine pixels that hold nearly half of all light, and clip in one exposure."""
    rng = np.random.default_rng(2)
    light = np.full((40, 50), 250.0)
    light[20:23, 20:23] = 5e4
    cube = rng.poisson(light, (3, 40, 50)).astype(np.float32)
    alone, _ = measure_levels(cube, np.ones(light.shape, bool))
    cube[1, 20:23, 20:23] = 65535.0
    np.testing.assert_allclose(
        measure_levels(cube, np.ones(light.shape, bool))[0], alone, atol=4e-3
    )


def test_exposures_without_noise_are_compared_all_the_same():
    light = np.linspace(100, 3000, 400).reshape(20, 20)
    cube = light * np.array([0.7, 1.0, 1.9])[:, None, None]
    factors, error = measure_levels(cube, np.ones(light.shape, bool))
    np.testing.assert_allclose(factors, [0.7, 1.0, 1.9], rtol=1e-6)
    assert error < 1e-6


@pytest.mark.parametrize("ratio", [0.0, 1 / 150])
def test_auto_refuses_exposures_that_are_none_of_one_field(ratio):
    """As given factors are: laws of such exposures would not fit into memory."""
    rng = np.random.default_rng(4)
    light = rng.poisson(3e4, (3, 40, 40)).astype(np.float64)
    light[2] = rng.poisson(3e4 * ratio, (40, 40)) + rng.normal(0, 3, (40, 40))
    exposures = cm.ExposureSet.from_arrays(list(light), names=("a.fits", "b.fits", "c.fits"))
    analysis = cm.Analysis(exposures, cm.Parameters(rnoise=3.0, flux_factor="auto"))
    rule = "expected the brightest exposure at most 100 times as bright as the faintest"
    with pytest.raises(cm.ParameterError, match=f"^flux_factor: auto: found [ab].fits .*{rule}$"):
        analysis.alignment  # noqa: B018
