"""Long slit, star field, displaced exposures, defects of the sensor, and delta rays."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from scipy import ndimage, stats

from crmasks_widgets.demo import DETECTOR, SCENE_KINDS, demo_scene
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.simulate import (
    THICK_CCD,
    THIN_CCD,
    Detector,
    Hits,
    LongSlit,
    StarField,
    cosmic_ray_images,
    displaced,
    expose,
    fibre_light,
    long_slit_light,
    star_light,
)
from crmasks_widgets.simulate.cosmic_rays import delta_ranges

SHAPE = (120, 160)
NO_HITS = Hits(rate=0, double=0)
LIGHTS = {"fibres": fibre_light, "slit": long_slit_light, "stars": star_light}


# Long slit


def test_sky_lines_run_along_the_slit_and_tilt_moves_their_ends():
    sky_only = LongSlit(source=0, nebula=0, tilt=0)
    straight = long_slit_light((101, 160), sky_only, seed=2)
    assert np.all(straight == straight[:1])
    assert straight.min() >= 40
    assert straight.max() > 100
    tilted = long_slit_light((101, 160), dataclasses.replace(sky_only, tilt=8.0), seed=2)
    np.testing.assert_allclose(tilted[0, :-8], tilted[100, 8:], rtol=1e-4)
    assert not np.allclose(tilted[0], tilted[100], rtol=0.1)


def test_the_trace_rises_and_is_as_wide_as_the_seeing():
    slit = LongSlit(sky=0, lines=0, nebula=0, slope=12, seeing=5)
    light = long_slit_light((200, 161), slit, seed=2).astype(float)
    rows = np.arange(200)[:, None]
    centre = (light * rows).sum(axis=0) / light.sum(axis=0)
    assert centre[160] - centre[0] == pytest.approx(12, abs=0.01)
    width = np.sqrt((light * (rows - centre) ** 2).sum(axis=0) / light.sum(axis=0))
    np.testing.assert_allclose(width * np.sqrt(8 * np.log(2)), 5, rtol=0.01)
    assert light.max() <= 1500


def test_emission_lines_have_the_height_asked_for():
    bare = LongSlit(sky=0, lines=0, source=0, slope=0)
    light = long_slit_light((200, 600), bare, seed=5)
    assert light.max() == pytest.approx(1000, rel=0.1)
    middle, edge = light[80:120].max(), light[:5].max()
    assert edge < 0.05 * middle


# Star field


def test_stars_have_the_light_width_and_number_asked_for():
    one = StarField(sky=0, density=1e4, faintest=999, brightest=1001, fwhm=4.0)
    light = star_light((400, 400), one, seed=3).astype(float)
    number = light.sum() / 1000
    assert abs(number - 1600) < 5 * np.sqrt(1600)
    single = dataclasses.replace(one, density=20, faintest=1e6, brightest=1.0001e6)
    light = star_light((400, 400), single, seed=1).astype(float)
    y, x = np.unravel_index(light.argmax(), light.shape)
    above = light[y - 6 : y + 7, x - 6 : x + 7] > light.max() / 2
    # The area above half of the peak is a disc of the FWHM.
    assert above.sum() == pytest.approx(np.pi * 4, abs=5)


def test_faint_stars_outnumber_bright_ones_by_the_law():
    scene = StarField(sky=0, density=3000, faintest=100, brightest=1e5, fwhm=1.0, beta=20)
    light = star_light((1000, 1000), scene, seed=3)
    peaks = light == ndimage.maximum_filter(light, 9)
    share = np.mean(light[peaks & (light > 60)] > 600)
    assert share == pytest.approx(10**-0.8, abs=0.06)


# Displaced exposures


@pytest.mark.parametrize("draw", LIGHTS.values(), ids=list(LIGHTS))
def test_a_whole_pixel_of_offset_moves_the_light_by_a_pixel(draw):
    here = draw(SHAPE, seed=6)
    there = draw(SHAPE, seed=6, offset=(3, -2))
    assert np.array_equal(here, draw(SHAPE, seed=6, offset=(0, 0)))
    np.testing.assert_allclose(there[:-2, 3:], here[2:, :-3], rtol=1e-4, atol=1e-3)
    assert not np.allclose(there, here, rtol=0.01)


def test_displaced_exposures_keep_their_truth():
    draw = partial(long_slit_light, SHAPE, seed=6)
    offsets = [(0, 0), (0.5, 0), (-0.25, 0.3)]
    light = displaced(draw, offsets)
    scene = expose(light, 3, seed=1, hits=NO_HITS, flux_factors=(1, 0.5, 2))
    for k, (offset, factor) in enumerate(zip(offsets, (1, 0.5, 2), strict=True)):
        np.testing.assert_allclose(scene.truth[k], factor * draw(offset=offset), rtol=1e-6)
    np.testing.assert_allclose(scene.mean_truth, light.mean(axis=0), rtol=1e-5)


# Defects of the sensor


def test_bad_columns_hold_back_or_leak_and_change_no_other_pixel():
    light = np.full((300, 60), 400.0)
    good = expose(light, 3, seed=2, hits=NO_HITS, detector=Detector(gain=2.0))
    scene = expose(light, 3, seed=2, hits=NO_HITS, detector=Detector(gain=2.0, bad_columns=4))
    bad = scene.bad_columns
    assert np.array_equal(scene.exposures[:, ~bad], good.exposures[:, ~bad])
    columns = np.flatnonzero(bad.any(axis=0))
    assert columns.size == 4
    starts = bad[:, columns].argmax(axis=0)
    assert np.all(bad[:, columns].sum(axis=0) == 300 - starts)
    assert np.all(starts <= 150)
    levels = scene.truth[0, 299, columns]
    assert np.count_nonzero(levels < 0.51 * 400) == 2
    assert np.count_nonzero(levels >= 450) == 2
    pull = (scene.exposures - scene.truth)[:, bad] / scene.sigma[:, bad]
    assert abs(pull.mean()) < 5 / np.sqrt(pull.size)
    assert abs(pull.std() - 1) < 0.06
    few = expose(light, 3, seed=2, hits=NO_HITS, detector=Detector(gain=2.0, bad_columns=2))
    assert np.all(bad[few.bad_columns])
    assert np.array_equal(few.truth[:, few.bad_columns], scene.truth[:, few.bad_columns])


def test_bad_columns_are_no_hot_pixels_and_both_may_meet():
    scene = expose(np.zeros((40, 8)), 3, seed=2, detector=Detector(bad_columns=8), hot_pixels=320)
    assert scene.hot_pixels.all()
    assert 8 * 20 <= scene.bad_columns.sum() < 320
    assert scene.truth[:, scene.bad_columns].min() >= 100


def test_saturated_pixels_are_known():
    light = np.full((20, 20), 900.0)
    scene = expose(light, seed=1, hits=NO_HITS, detector=Detector(bias=100, saturation=1000.0))
    assert np.array_equal(scene.saturated, scene.exposures == 1000)
    assert 0.3 < scene.saturated.mean() < 0.7
    assert not expose(light, seed=1, hits=NO_HITS).saturated.any()


# Tracks


def test_delta_rays_are_added_to_muons_and_change_nothing_else():
    hits = Hits(rate=300, double=3, thickness=10)
    plain = cosmic_ray_images((400, 400), 2, hits, seed=3)
    more = cosmic_ray_images((400, 400), 2, dataclasses.replace(hits, delta_rays=3), seed=3)
    assert np.all(more >= plain - 1e-3)
    assert np.count_nonzero(more > plain + 100) > 50
    muons = dataclasses.replace(hits, electrons=0, spots=0, double=0)
    without = dataclasses.replace(hits, muons=0, double=0, delta_rays=3)
    assert np.array_equal(
        cosmic_ray_images((200, 200), 1, without, seed=3),
        cosmic_ray_images((200, 200), 1, dataclasses.replace(without, delta_rays=0), seed=3),
    )
    ten, one = (
        cosmic_ray_images((400, 400), 2, dataclasses.replace(muons, delta_rays=d), seed=3)
        - cosmic_ray_images((400, 400), 2, muons, seed=3)
        for d in (10, 1)
    )
    assert ten.sum() == pytest.approx(10 * one.sum(), rel=0.6)


def test_delta_rays_have_the_ranges_of_the_law():
    ranges = delta_ranges(np.random.default_rng(1), 20000)
    assert ranges.min() >= 1.5
    assert ranges.max() == 60
    # Number above an energy as 1 / energy, energy as range^(1 / 1.7).
    for length in (3, 15, 50):
        assert np.mean(ranges > length) == pytest.approx((1.5 / length) ** (1 / 1.7), abs=0.015)


def test_slow_electrons_leave_more_charge():
    hits = Hits(rate=300, double=0, muons=0, spots=0)
    charge = [
        cosmic_ray_images((600, 600), 1, dataclasses.replace(hits, slowing=s), seed=3).sum()
        for s in (0, 3)
    ]
    # The mean of 1 + 3 t^2 along a track is 2, whatever its length; some charge leaves the frame.
    assert charge[1] / charge[0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(("hits", "low", "high"), [(THICK_CCD, 7, 15), (THIN_CCD, 1, 4)])
def test_hits_of_real_sensors_have_the_measured_extent(hits, low, high):
    many = dataclasses.replace(hits, rate=150)
    charge = cosmic_ray_images((1000, 1000), 1, many, seed=6)[0]
    labels, n = ndimage.label(charge > 60, np.ones((3, 3)))
    sides = [[s.stop - s.start for s in box] for box in ndimage.find_objects(labels)]
    assert n > 90
    assert low < np.median(np.hypot(*np.transpose(sides))) < high


# Demo scenes


@pytest.mark.parametrize("kind", SCENE_KINDS)
@pytest.mark.parametrize("n", [3, 5])
def test_demo_scenes_of_every_kind_and_number(kind, n):
    scene = demo_scene((64, 80), kind=kind, n_exposures=n, seed=4)
    assert (scene.n, scene.shape) == (n, (64, 80))
    assert scene.double_hits.sum() >= 4
    pull = (scene.exposures - scene.truth - scene.cosmic_rays - DETECTOR.bias) / scene.sigma
    assert stats.kstest(pull[:, ~scene.hot_pixels][:, ::7].ravel(), "norm").pvalue > 1e-4


def test_the_demo_scene_of_the_seed_does_not_change():
    # Masks, pictures and numbers in the documentation follow from these pixels.
    scene = demo_scene((100, 120))
    assert scene.exposures[0, 50, 60] == pytest.approx(1582.3834, abs=1e-3)
    assert scene.exposures.sum(dtype=float) == pytest.approx(39184102.5, rel=1e-8)
    assert scene.cosmic_rays.sum(dtype=float) == pytest.approx(115869.205, rel=1e-7)
    assert int(scene.double_hits.sum()) == 26


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: demo_scene(SHAPE, kind="galaxy"), "kind: found 'galaxy', expected one of fibres"),
        (lambda: demo_scene(SHAPE, n_exposures=1), "n_exposures: found 1, expected at least 2"),
        (lambda: Detector(bad_columns=-1), r"detector\.bad_columns: found -1"),
        (
            lambda: expose(np.ones((4, 4)), seed=1, detector=Detector(bad_columns=5)),
            r"detector\.bad_columns: found 5, expected a whole number from 0 to 4",
        ),
        (lambda: Hits(delta_rays=-1), r"hits\.delta_rays: found -1"),
        (lambda: Hits(slowing=1e9), r"hits\.slowing: found 1e\+?0?9|hits\.slowing"),
        (lambda: LongSlit(seeing=0), r"slit\.seeing: found 0"),
        (lambda: StarField(brightest=1), r"stars\.brightest: found 1, .* > 300"),
        (lambda: long_slit_light((10, 80), seed=1), "ny: found 10"),
        (lambda: star_light(80, seed=1), "shape: found 80"),
        (lambda: star_light(SHAPE, seed=1, offset=3), r"offset: found 3, expected \(dx, dy\)"),
        (lambda: star_light(SHAPE, seed=1, offset=(np.nan, 0)), "offset: dx: found nan"),
        (
            lambda: displaced(partial(star_light, SHAPE, seed=1), [(0, 0), (0, "far")]),
            "offsets: exposure 2: dy: found 'far'",
        ),
        (lambda: displaced(partial(star_light, SHAPE, seed=1), []), "offsets: found none"),
    ],
)
def test_bad_values_are_named_in_one_line(make, message):
    with pytest.raises(ParameterError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
