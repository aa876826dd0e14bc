"""The demo exposures are what their truth says they are, and the seed alone decides them."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage, stats

from crmasks_widgets.errors import ParameterError
from crmasks_widgets.simulate import (
    Detector,
    Fibres,
    Hits,
    Scene,
    cosmic_ray_images,
    expose,
    fibre_light,
    fibre_spectrograph,
)
from crmasks_widgets.simulate.cosmic_rays import standard_landau

SHAPE = (64, 80)
NO_HITS = Hits(rate=0, double=0)
ARRAYS = ("exposures", "truth", "cosmic_rays", "hot_pixels")


def scenes_equal(a: Scene, b: Scene) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ARRAYS)


# What a seed decides


def test_same_seed_same_scene_and_another_seed_another():
    first = fibre_spectrograph(SHAPE, seed=7)
    assert scenes_equal(first, fibre_spectrograph(SHAPE, seed=7))
    assert not scenes_equal(first, fibre_spectrograph(SHAPE, seed=8))


def test_global_random_state_is_neither_read_nor_changed():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the point is that nobody touches it
    fibre_spectrograph(SHAPE, seed=7)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_hits_are_added_and_change_no_other_pixel():
    with_hits = fibre_spectrograph(SHAPE, seed=3, hits=Hits(rate=3000))
    without = fibre_spectrograph(SHAPE, seed=3, hits=NO_HITS)
    assert not without.cosmic_rays.any()
    difference = with_hits.exposures.astype(float) - without.exposures
    np.testing.assert_allclose(difference, with_hits.cosmic_rays, rtol=1e-5, atol=0.01)
    untouched = with_hits.cosmic_rays == 0
    assert untouched.mean() > 0.5
    assert np.array_equal(with_hits.exposures[untouched], without.exposures[untouched])


def test_hot_pixels_change_no_other_pixel_and_the_first_ones_stay():
    few = fibre_spectrograph(SHAPE, seed=3, hot_pixels=5)
    many = fibre_spectrograph(SHAPE, seed=3, hot_pixels=50)
    assert np.count_nonzero(few.hot_pixels) == 5
    assert np.count_nonzero(many.hot_pixels) == 50
    assert np.all(many.hot_pixels[few.hot_pixels])
    cold = ~many.hot_pixels
    assert np.array_equal(few.exposures[:, cold], many.exposures[:, cold])
    assert np.array_equal(few.truth[:, few.hot_pixels], many.truth[:, few.hot_pixels])


def test_more_exposures_begin_with_the_same_ones():
    hits = Hits(rate=2000, double=0)
    three = fibre_spectrograph(SHAPE, 3, seed=5, hits=hits)
    five = fibre_spectrograph(SHAPE, 5, seed=5, hits=hits)
    assert np.array_equal(five.exposures[:3], three.exposures)


# Noise


@pytest.mark.parametrize(("gain", "rnoise", "bias"), [(1.0, 3.4, 0.0), (1.7, 5.0, 300.0)])
@pytest.mark.parametrize("level", [0.0, 4.0, 250.0, 20000.0])
def test_mean_and_variance_are_those_of_the_truth(gain, rnoise, bias, level):
    scene = expose(
        np.full((200, 200), level), 3, seed=11, detector=Detector(gain, rnoise, bias), hits=NO_HITS
    )
    residual = scene.exposures.astype(float) - scene.truth - bias
    size, variance = residual.size, level / gain + rnoise**2
    np.testing.assert_allclose(scene.sigma, np.sqrt(variance), rtol=1e-6)
    assert abs(residual.mean()) < 5 * np.sqrt(variance / size)
    # The relative error of a variance is sqrt((2 + excess kurtosis) / size); here < 0.007.
    assert abs(residual.var() / variance - 1) < 0.03
    correlation = np.corrcoef(residual.reshape(3, -1))
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 5 / np.sqrt(size / 3)


def test_without_readout_noise_every_value_is_a_whole_number_of_electrons():
    scene = expose(
        np.full((50, 50), 30.0),
        seed=1,
        detector=Detector(2.0, 0.0, 10.0),
        hits=NO_HITS,
        hot_pixels=9,
    )
    electrons = (scene.exposures - 10.0) * 2
    assert np.array_equal(electrons, np.round(electrons))


def test_hot_pixels_are_the_same_in_all_exposures_and_noisy():
    scene = expose(np.zeros((100, 100)), 5, seed=2, hits=NO_HITS, hot_pixels=400)
    current = scene.truth[:, scene.hot_pixels]
    assert np.all(current == current[0])
    assert current.min() >= 100
    assert current.max() <= 10000
    pull = (scene.exposures - scene.truth)[:, scene.hot_pixels] / scene.sigma[:, scene.hot_pixels]
    assert abs(pull.std() - 1) < 0.1
    assert not np.array_equal(scene.exposures[0], scene.exposures[1])


def test_flux_factors_scale_the_light_but_not_dark_current_or_hits():
    factors = (1.0, 0.5, 2.0)
    plain = fibre_spectrograph(SHAPE, seed=4)
    scaled = fibre_spectrograph(SHAPE, seed=4, flux_factors=factors)
    assert scaled.flux_factors == factors
    assert np.array_equal(scaled.cosmic_rays, plain.cosmic_rays)
    cold, hot = ~plain.hot_pixels, plain.hot_pixels
    for k, factor in enumerate(factors):
        np.testing.assert_allclose(scaled.truth[k][cold], factor * plain.truth[k][cold], rtol=1e-6)
        light = fibre_light(SHAPE, seed=4)[hot]
        np.testing.assert_allclose(
            scaled.truth[k][hot] - factor * light, plain.truth[k][hot] - light, rtol=1e-4
        )
    np.testing.assert_allclose(scaled.mean_truth[cold], plain.mean_truth[cold], rtol=1e-5)


def test_bias_and_gain_do_what_they_say():
    plain = fibre_spectrograph(SHAPE, seed=4)
    raised = fibre_spectrograph(SHAPE, seed=4, detector=Detector(bias=300.0))
    np.testing.assert_allclose(raised.exposures - 300.0, plain.exposures, atol=0.01, rtol=1e-5)
    assert np.array_equal(raised.truth, plain.truth)
    double_gain = fibre_spectrograph(SHAPE, seed=4, detector=Detector(gain=2.0))
    np.testing.assert_allclose(double_gain.cosmic_rays, plain.cosmic_rays / 2, rtol=1e-6)
    assert (raised.gain, raised.rnoise, raised.bias) == (1.0, 3.4, 300.0)


def test_saturation_cuts_what_is_read_but_not_the_truth():
    scene = expose(
        np.full((20, 20), 900.0), seed=1, detector=Detector(bias=100.0, saturation=1000.0)
    )
    assert scene.exposures.max() == 1000.0
    assert 0.3 < np.mean(scene.exposures == 1000.0) < 0.7
    assert np.all(scene.truth == 900.0)


# Hits


def test_landau_numbers_follow_the_law():
    numbers = standard_landau(np.random.default_rng(1), 20000)
    law = stats.landau(loc=np.log(np.pi / 2), scale=np.pi / 2)
    assert stats.kstest(numbers, law.cdf).pvalue > 0.001


@pytest.mark.parametrize(("n", "needed"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_double_hit_is_one_that_spoils_the_median(n, needed):
    scene = expose(np.zeros((3, 10)), n, seed=1, hits=NO_HITS)
    rays = np.zeros((n, 3, 10), np.float32)
    for pixel in range(n + 1):
        rays[:pixel, 1, pixel] = 100
    rays[:, 2, 3] = 3 * 3.4 * 0.999
    rays[:, 2, 4] = 3 * 3.4 * 1.001
    doubled = dataclasses.replace(scene, cosmic_rays=rays).double_hits
    assert np.array_equal(np.flatnonzero(doubled[1]), np.arange(needed, n + 1))
    assert np.array_equal(np.flatnonzero(doubled[2]), [4])
    assert not doubled[0].any()


@pytest.mark.parametrize("n", [3, 4, 5])
def test_deliberate_coincidences_make_double_hits(n):
    wanted = 40
    scene = expose(np.full((300, 300), 20.0), n, seed=9, hits=Hits(rate=0, double=wanted))
    assert scene.exposures.shape == (n, 300, 300)
    found = ndimage.label(scene.double_hits, np.ones((3, 3)))[1]
    # A few coincide in faint charge only, or share their place; most must show.
    assert 0.8 * wanted <= found <= wanted
    hit_exposures = scene.hits.any(axis=(1, 2))
    assert hit_exposures.all()
    assert np.all(np.count_nonzero(scene.hits, axis=0) <= n)


def test_rate_is_the_number_of_hits_per_million_pixels():
    # Spots alone, without spread: one pixel each.
    hits = Hits(rate=500, double=0, muons=0, electrons=0, diffusion=0)
    images = cosmic_ray_images((1000, 1000), 4, hits, seed=3)
    for image in images:
        assert abs(np.count_nonzero(image > 1) - 500) < 5 * np.sqrt(500)


def test_charge_is_kept_inside_the_frame():
    # A frame far larger than the tracks: only those at its edge lose charge.
    hits = Hits(rate=100, double=0, muons=0, electrons=0, diffusion=0.7)
    spread = cosmic_ray_images((1000, 1000), 1, hits, seed=3).sum(dtype=float)
    sharp = cosmic_ray_images((1000, 1000), 1, dataclasses.replace(hits, diffusion=0), seed=3).sum(
        dtype=float
    )
    assert abs(spread / sharp - 1) < 0.02


def test_muons_are_straight_and_longer_in_a_thicker_sensor():
    def extents(thickness: float) -> np.ndarray:
        hits = Hits(rate=40, double=0, electrons=0, spots=0, thickness=thickness, diffusion=0.3)
        charge = cosmic_ray_images((1500, 1500), 1, hits, seed=6)[0]
        labels, _ = ndimage.label(charge > 50, np.ones((3, 3)))
        boxes = ndimage.find_objects(labels)
        sides = np.array([[s.stop - s.start for s in box] for box in boxes])
        # A straight thin track fills about its longest side; a wandering or thick one much more.
        areas = ndimage.sum(charge > 50, labels, np.arange(1, len(boxes) + 1))
        assert np.median(areas / sides.max(axis=1)) < 4
        return np.hypot(*(sides - 1).T)

    thin, thick = np.median(extents(3)), np.median(extents(15))
    # At the median angle, 45 degrees, the track is as long as the sensor is thick.
    assert 2 < thin < 7
    assert 11 < thick < 21


def test_no_hit_leaves_negative_charge_and_tiny_frames_work():
    scene = expose(np.zeros((1, 2)), 3, seed=1, hits=Hits(rate=1e6, double=5))
    assert scene.cosmic_rays.min() >= 0
    assert np.isfinite(scene.exposures).all()


# The fibres


def test_fibres_are_bright_ridges_with_dark_gaps_and_common_lines():
    fibres = Fibres(bow=0, smile=0, bundle=8, lines=30)
    light = fibre_light((240, 200), fibres, seed=2)
    assert light.dtype == np.float32
    assert light.min() > 0
    across = np.median(light, axis=1)
    ridges = np.arange(40) * 6 + 3
    valleys = np.arange(1, 40) * 6
    lit = across[ridges] > 5
    assert np.count_nonzero(~lit) == 8  # four gaps of two fibres
    assert np.median(across[ridges][lit]) > 1.1 * np.median(across[valleys])
    # Lines are at the same x in all fibres when nothing bends them.
    peaks = light[ridges[lit]].argmax(axis=1)
    assert np.ptp(peaks) <= 1


def test_light_of_sky_and_of_the_object_add_up_to_the_whole():
    both = Fibres(sky=25, source=300)
    sky = fibre_light((60, 80), dataclasses.replace(both, source=0), seed=2)
    source = fibre_light((60, 80), dataclasses.replace(both, sky=0, line_flux=0), seed=2)
    whole = fibre_light((60, 80), both, seed=2)
    assert sky.sum() > 0
    assert source.sum() > 0
    np.testing.assert_allclose(sky + source, whole, rtol=1e-5)


def test_bow_bends_the_traces_and_smile_the_lines():
    straight = Fibres(bow=0, smile=0)
    bowed = fibre_light((96, 121), dataclasses.replace(straight, bow=4.0), seed=2)
    smiling = fibre_light((97, 121), dataclasses.replace(straight, smile=3.0), seed=2)
    plain = fibre_light((96, 121), straight, seed=2)
    taller = fibre_light((97, 121), straight, seed=2)
    np.testing.assert_allclose(bowed[:, 60], plain[:, 60], rtol=1e-5)
    np.testing.assert_allclose(bowed[4:, 0], plain[:-4, 0], rtol=1e-5)
    np.testing.assert_allclose(smiling[48, 10:-10], taller[48, 10:-10], rtol=0.1)
    np.testing.assert_allclose(smiling[0, 13:-10], taller[0, 10:-13], rtol=0.1)


def test_a_scene_may_change_from_exposure_to_exposure():
    light = np.stack([np.full((8, 9), level) for level in (10.0, 20.0, 30.0)])
    scene = expose(light, 3, seed=1, hits=NO_HITS)
    assert np.array_equal(scene.truth, light)
    assert scene.n == 3
    assert scene.shape == (8, 9)


def test_arrays_cannot_be_changed_by_accident_and_inputs_are_left_alone():
    light = np.full((8, 9), 10.0)
    scene = expose(light, seed=1)
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(scene, name)[...] = 0
        assert getattr(scene, name).dtype == (bool if name == "hot_pixels" else np.float32)
    assert light.flags.writeable
    assert np.all(light == 10.0)


# Values that cannot be used


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Detector(gain=0), r"detector\.gain: found 0, expected a finite number > 0"),
        (lambda: Detector(rnoise=-1), r"detector\.rnoise: found -1, .* >= 0"),
        (lambda: Detector(bias=float("nan")), r"detector\.bias: found nan"),
        (lambda: Detector(bias=100, saturation=50), r"detector\.saturation: found 50, .* > 100"),
        (lambda: Hits(rate=-1), r"hits\.rate: found -1"),
        (lambda: Hits(double=1.5), r"hits\.double: found 1\.5, expected a whole number >= 0"),
        (lambda: Hits(muons=0, electrons=0, spots=0), "only shares of 0"),
        (lambda: Hits(diffusion=3), r"hits\.diffusion: found 3, .* <= 0\.7"),
        (lambda: Hits(thickness="thick"), r"hits\.thickness: found 'thick'"),
        (lambda: Fibres(spacing=0), r"fibres\.spacing: found 0"),
        (lambda: Fibres(bundle=0), r"fibres\.bundle: found 0, expected a whole number >= 1"),
        (lambda: Fibres(fwhm=100), r"fibres\.fwhm: found 100"),
        (
            lambda: fibre_spectrograph((10, 80), seed=1),
            "ny: found 10, expected a whole number >= 16",
        ),
        (lambda: fibre_spectrograph((80,), seed=1), r"shape: found \(80,\), expected \(ny, nx\)"),
        (lambda: fibre_spectrograph(80, seed=1), r"shape: found 80, expected \(ny, nx\)"),
        (lambda: fibre_spectrograph(SHAPE, seed=-1), "seed: found -1"),
        (lambda: fibre_spectrograph(SHAPE, seed=None), "seed: found None"),
        (lambda: fibre_spectrograph(SHAPE, 0, seed=1), "n_exposures: found 0"),
        (lambda: fibre_spectrograph(SHAPE, True, seed=1), "n_exposures: found True"),
        (
            lambda: fibre_spectrograph(SHAPE, seed=1, hot_pixels=99999),
            "hot_pixels: found 99999, expected a whole number from 0 to 5120",
        ),
        (
            lambda: fibre_spectrograph(SHAPE, seed=1, flux_factors=(1, 2)),
            r"flux_factors: found \(1, 2\), expected 3 numbers",
        ),
        (
            lambda: fibre_spectrograph(SHAPE, seed=1, flux_factors=(1, 0, 1)),
            "flux_factors: exposure 2: found 0",
        ),
        (lambda: fibre_spectrograph(SHAPE, seed=1, flux_factors=1.0), "flux_factors: found 1.0"),
        (lambda: expose([[1.0, -1.0]], seed=1), "light: found negative"),
        (lambda: expose([[1.0, np.inf]], seed=1), "light: found negative or not finite"),
        (lambda: expose([1.0, 2.0], seed=1), r"light: found shape \(2,\)"),
        (lambda: expose(np.ones((2, 4, 4)), 3, seed=1), r"light: found shape \(2, 4, 4\)"),
        (lambda: expose([["dark"]], seed=1), "light: found values that are not numbers"),
        (lambda: expose([[1e12]], seed=1), r"light: found 1e\+12 electrons"),
        (lambda: cosmic_ray_images((0, 5), 3, Hits(), seed=1), "ny: found 0"),
    ],
)
def test_bad_values_are_named_in_one_line(make, message):
    with pytest.raises(ParameterError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
