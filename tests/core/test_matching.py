"""Matching: what displacement, seeing, flux and sky make of exposures is taken away, no more."""

from functools import cache

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import erf

from crmasks_widgets.core.matching.kernels import (
    CENTRE,
    RADIUS,
    SIDE,
    convolve,
    convolve_tiles,
    slopes,
    taps_inside,
)
from crmasks_widgets.core.matching.match import match_exposures, unmatched
from crmasks_widgets.core.matching.reference import clean_mean, lone_pixels
from crmasks_widgets.core.matching.samples import choose_tiles
from crmasks_widgets.core.matching.sky import N_SKY, measure_sky
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures

from ..counts import cases, count

GAIN, RNOISE, SKY = 1.7, 3.4, 100.0
NOISE = Noise(GAIN, RNOISE)
SHAPE = (200, 220)
FWHM = 2.3548


def profile(n, centres, sigma):
    """Gaussians integrated over pixels, (len(centres), n)."""
    edges = np.arange(n + 1) - 0.5
    integral = erf((edges - np.asarray(centres)[:, None]) / (sigma * np.sqrt(2)))
    return np.diff(integral, axis=1) / 2


def star_field(place=(0, 0), ratio=1.0, fwhm=3.0, peak=9000.0, n=80, shape=SHAPE, flux=1.0):
    rng = np.random.default_rng(5)
    ny, nx = shape
    x, y = rng.uniform(3, nx - 4, n), rng.uniform(3, ny - 4, n)
    sigma = fwhm / FWHM
    fluxes = flux * peak * 10 ** rng.uniform(-1.5, 0, n) * 2 * np.pi * sigma**2
    down = profile(ny, y + place[1], sigma * ratio)
    return SKY + np.einsum("k,ky,kx->yx", fluxes, down, profile(nx, x + place[0], sigma * ratio))


def fibre_frame(place=(0, 0), ratio=1.0, shape=SHAPE):
    rng = np.random.default_rng(6)
    ny, nx = shape
    centres = np.arange(3, nx, 7)
    spectrum = np.repeat(1 + 0.2 * np.sin(np.arange(ny) / 17)[None], len(centres), 0)
    for knots in rng.uniform(0, ny, (3, len(centres))):
        spectrum = spectrum + 9 * profile(ny, knots + place[1], 1.2 * ratio)
    for line in rng.uniform(0, ny, 8):
        spectrum = spectrum + 6 * profile(ny, np.full(len(centres), line + place[1]), 1.1 * ratio)
    light = 2000 * rng.uniform(0.3, 1.2, len(centres))
    return 20 + np.einsum("k,ky,kx->yx", light, spectrum, profile(nx, centres + place[0], 1.1))


SCENES = {"stars": star_field, "fibres": fibre_frame}


def expose(light, seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.maximum(light, 0) * GAIN) / GAIN
    return np.asarray(counts + rng.normal(0, RNOISE, light.shape), np.float32)


def exposures_of(lights, seed=1):
    return np.stack([expose(light, (seed, k)) for k, light in enumerate(lights)])


def match(cube, valid=None, factors=None):
    factors = (1.0,) * len(cube) if factors is None else factors
    return match_exposures(stack_exposures(cube, valid=valid), NOISE, factors)


def sigma_of(light):
    return np.sqrt(np.maximum(light, 0) / GAIN + RNOISE**2)


def places(shift):
    offsets = np.array([(0, 0), (shift, -shift / 2), (-shift / 3, shift)])
    return offsets - offsets.mean(axis=0)


@cache
def displaced(scene, shift):
    """Lights, exposures and their matching; of displacements whose mean is 0."""
    lights = np.stack([SCENES[scene](place) for place in places(shift)])
    cube = exposures_of(lights)
    return lights, cube, match(cube)


def unlikeness(lights, taken=0):
    """What lights differ by from their mean, in sigma."""
    rest = lights - taken
    return np.abs(rest - rest.mean(axis=0)) / sigma_of(lights.mean(axis=0))


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("shift", cases([0.05, 0.3], [0.05, 0.1, 0.2, 0.3, 0.5]))
def test_displacements_are_found_within_their_errors(scene, shift):
    _, _, found = displaced(scene, shift)
    assert found.matched
    for exposure, (dx, dy) in zip(found.exposures, places(shift), strict=True):
        for (value, error), true in ((exposure.dx, dx), (exposure.dy, dy)):
            assert error < 0.01
            # A small part of the shift is the own error of an interpolation by seven pixels.
            assert abs(value - true) < 4 * error + 0.025 * shift


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("shift", cases([0.3], [0.1, 0.3, 0.5]))
def test_what_a_displacement_makes_is_taken_away(scene, shift):
    lights, cube, found = displaced(scene, shift)
    before, after = unlikeness(lights), unlikeness(lights, cube - found.cube)
    assert before.max() > 50 * shift
    assert after.max() < 0.25 * before.max()
    assert np.quantile(after, 0.999) < 0.12 * np.quantile(before, 0.999)


@pytest.mark.parametrize("ratio", cases([1.12], [1.05, 1.12, 1.25]))
def test_seeing_is_found_and_taken_away(ratio):
    ratios = np.array([1, np.sqrt(ratio), ratio])
    lights = np.stack([star_field(ratio=r) for r in ratios])
    cube = exposures_of(lights)
    found = match(cube)
    true = ratios / np.sqrt(np.mean(ratios**2))
    np.testing.assert_allclose([e.seeing[0] for e in found.exposures], true, atol=0.012)
    after = unlikeness(lights, cube - found.cube)
    assert np.quantile(after, 0.999) < 0.15 * np.quantile(unlikeness(lights), 0.999)


def test_flux_and_sky_are_found():
    lights = np.stack([star_field(flux=1.03), star_field() + 4.0, star_field(flux=0.97) - 4.0])
    found = match(exposures_of(lights)).exposures
    for exposure, flux, sky in zip(found, (1.03, 1.0, 0.97), (0.0, 4.0, -4.0), strict=True):
        assert abs(exposure.flux[0] - flux) < 4 * exposure.flux[1]
        # The sky is divided among a constant and what runs along rows and columns.
        assert abs(exposure.sky[0] - sky) < max(4 * exposure.sky[1], 1.0)
    assert all(e.flux[1] < 0.005 for e in found)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("n", cases([2, 4], [2, 3, 4, 7]))
def test_equivalent_exposures_are_left_as_they_are(scene, n):
    light = SCENES[scene]()
    for seed in range(count(1, 3)):
        cube = exposures_of([light] * n, seed=100 + seed)
        stack = stack_exposures(cube)
        found = match_exposures(stack, NOISE, (1.0,) * n)
        assert found.cube is stack.cube
        assert not found.matched
        assert "alike" in found.reason
        for exposure in found.exposures:
            assert abs(exposure.dx[0]) < 5 * exposure.dx[1] < 0.05
            assert abs(exposure.flux[0] - 1) < 5 * exposure.flux[1] < 0.05


def test_equivalent_exposures_full_of_hits_are_left_as_they_are():
    cube = exposures_of([star_field()] * 3)
    rng = np.random.default_rng(2)
    for exposure in cube:
        hit = rng.random(SHAPE) < 0.02
        exposure[hit | np.roll(hit, 1, 1)] += rng.exponential(800)
    assert not match(cube).matched


@pytest.mark.parametrize("n", [2, 3, 5])
def test_pixels_that_are_hit_alone_are_no_hot_pixels(n):
    # All in one exposure, beside the fibres, where exposures may differ by more before they are
    # matched: a part of what hot pixels have would explain all of them.
    light = fibre_frame()
    cube = exposures_of([light] * n)
    y, x = np.random.default_rng(7).integers(5, 195, (2, 200))
    hit = cube.copy()
    hit[1, y, x] += 15 * np.sqrt(n) * sigma_of(light)[y, x]
    found = match(hit)
    assert not found.matched


@pytest.mark.parametrize("n", cases([2, 3], [2, 3, 5]))
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.slow
def test_a_hit_keeps_its_excess(scene, n):
    offsets = np.random.default_rng(4).uniform(-0.2, 0.2, (n, 2))
    lights = np.stack([SCENES[scene](place) for place in offsets - offsets.mean(axis=0)])
    cube = exposures_of(lights)
    rng = np.random.default_rng(3)
    y, x = rng.integers(4, 190, 150), rng.integers(4, 210, 150)
    number = rng.integers(0, n, 150)
    height = 40 * sigma_of(lights.mean(axis=0))[y, x]
    hit = cube.copy()
    np.add.at(hit, (number, y, x), height)
    without, found = match(cube), match(hit)
    kept = (found.cube - without.cube)[number, y, x] / height
    # Less than half of two hundredths, but where hits come to lie beside each other on structure.
    assert np.median(np.abs(kept - 1)) < 0.002
    assert np.count_nonzero(np.abs(kept - 1) > 0.02) <= 3
    # The others do not learn of it.
    others = found.cube - without.cube
    others[number, y, x] = 0
    assert np.quantile(np.abs(others) / sigma_of(lights.mean(axis=0)), 0.999) < 0.3


def test_hot_pixels_and_bad_columns_stay_where_they_are():
    lights = np.stack([star_field(place) for place in places(0.3)])
    rng = np.random.default_rng(8)
    y, x = rng.integers(5, 190, 60), rng.integers(5, 210, 60)
    charge = rng.uniform(200, 5000, 60)
    detector = np.zeros(SHAPE)
    detector[y, x] = charge
    detector[:, 77] += 600
    cube = exposures_of(lights + detector)
    found = match(cube)
    assert found.matched
    for exposure, (dx, dy) in zip(found.exposures, places(0.3), strict=True):
        assert np.hypot(exposure.dx[0] - dx, exposure.dy[0] - dy) < 0.02
    away = np.abs(cube - found.cube) / sigma_of(lights.mean(axis=0) + detector)
    near = ndimage.binary_dilation(detector > 0, np.ones((3, 3)))
    empty = near & (lights.max(axis=0) < SKY + 5)
    assert np.count_nonzero(empty) > 800
    assert np.quantile(away[:, empty], 0.995) < 1.0


def test_what_the_exposures_do_not_bear_out_is_not_taken_away():
    # Clusters of hot pixels look like sources, but do not move with them.
    lights = np.stack([star_field(place) for place in places(0.3)])
    rng = np.random.default_rng(8)
    y, x = rng.integers(5, 190, 50), rng.integers(5, 210, 50)
    detector = np.zeros(SHAPE)
    for dy, dx in ((0, 0), (0, 1), (1, 0)):
        detector[y + dy, x + dx] = rng.uniform(500, 3000, 50)
    cube = exposures_of(lights + detector)
    found = match(cube)
    assert found.matched
    empty = (detector > 0) & (lights.max(axis=0) < SKY + 5)
    assert np.count_nonzero(empty) > 100
    away = np.abs(cube - found.cube)[:, empty] / sigma_of(SKY + detector[empty])
    assert np.quantile(away, 0.9) < 0.5


def test_hot_pixels_that_do_not_follow_the_flux_are_matched():
    factors = (0.7, 1.0, 1.4)
    rng = np.random.default_rng(9)
    detector = np.zeros(SHAPE)
    detector[rng.integers(5, 190, 80), rng.integers(5, 210, 80)] = rng.uniform(500, 4000, 80)
    lights = np.stack([factor * star_field() + detector for factor in factors])
    divided = exposures_of(lights) / np.array(factors, np.float32)[:, None, None]
    found = match(divided, factors=factors)
    hot = detector > 0
    scaled = lights / np.array(factors)[:, None, None]
    before, after = unlikeness(scaled)[:, hot], unlikeness(scaled, divided - found.cube)[:, hot]
    assert np.median(before) > 5
    assert np.quantile(after, 0.9) < 1.5


def test_invalid_pixels_stay_invalid_and_change_little_else():
    lights, cube, whole = displaced("stars", 0.3)
    valid = np.random.default_rng(1).random(cube.shape) > 0.02
    valid[0, :, :6] = valid[:, 90:93, 100:110] = False
    found = match(cube, valid=valid)
    np.testing.assert_array_equal(np.isnan(found.cube), ~valid)
    after = unlikeness(lights, np.where(valid, cube - found.cube, cube - whole.cube))
    assert np.quantile(after, 0.999) < 0.2 * np.quantile(unlikeness(lights), 0.999)


def test_a_frame_with_nothing_to_match_says_so():
    cube = exposures_of([np.full(SHAPE, 50.0), np.full(SHAPE, 51.0), np.full(SHAPE, 49.0)])
    stack = stack_exposures(cube)
    found = match_exposures(stack, NOISE, (1.0,) * 3)
    assert found.cube is stack.cube
    assert found.reason.startswith("nothing to match: ")
    assert all(np.isnan(e.dx).all() and np.isnan(e.flux).all() for e in found.exposures)


@pytest.mark.parametrize("shape", [(6, 300), (300, 6)])
def test_a_frame_smaller_than_a_kernel_is_not_matched(shape):
    cube = exposures_of([np.full(shape, 50.0)] * 3)
    assert not match(cube).matched


def test_two_exposures_are_matched():
    lights = np.stack([star_field((0.15, -0.1)), star_field((-0.15, 0.1))])
    cube = exposures_of(lights)
    found = match(cube)
    assert abs(found.exposures[0].dx[0] - 0.15) < 0.01
    assert abs(found.exposures[1].dy[0] - 0.1) < 0.01
    after = unlikeness(lights, cube - found.cube)
    assert np.quantile(after, 0.999) < 0.15 * np.quantile(unlikeness(lights), 0.999)


def test_noise_stays_as_it_was_and_white():
    lights, cube, found = displaced("stars", 0.3)
    noise = (found.cube - found.cube.mean(axis=0)) - (cube - cube.mean(axis=0))
    flat = ndimage.maximum_filter(lights.max(axis=0), 9) < SKY + 3
    assert np.count_nonzero(flat) > 5000
    # Nothing is added where there is nothing to move.
    assert noise[:, flat].std() < 0.03 * sigma_of(SKY)
    difference = (found.cube[0] - found.cube[1])[:, 1:] * flat[:, 1:]
    beside = (found.cube[0] - found.cube[1])[:, :-1] * flat[:, :-1]
    assert abs(np.sum(difference * beside) / np.sum(difference**2)) < 0.02


def test_maps_of_gain_and_readout_noise_are_used():
    _, cube, plain = displaced("fibres", 0.3)
    noise = Noise(np.full(SHAPE, GAIN, np.float32), np.full(SHAPE, RNOISE, np.float32))
    mapped = match_exposures(stack_exposures(cube), noise, (1.0,) * 3)
    np.testing.assert_allclose(mapped.cube, plain.cube, atol=0.05)


def test_of_a_large_frame_some_tiles_tell_enough():
    shape = (420, 440)
    lights = np.stack([star_field(place, n=250, shape=shape) for place in places(0.3)])
    cube = exposures_of(lights)
    stack = stack_exposures(cube)
    sigma = np.asarray(sigma_of(stack.median2d), np.float32)
    assert len(choose_tiles(stack.median2d, sigma).rows) <= 128 < 14 * 14
    found = match(cube)
    for exposure, (dx, dy) in zip(found.exposures, places(0.3), strict=True):
        assert np.hypot(exposure.dx[0] - dx, exposure.dy[0] - dy) < 0.01
    after = unlikeness(lights, cube - found.cube)
    assert np.quantile(after, 0.999) < 0.12 * np.quantile(unlikeness(lights), 0.999)


def rotated_field(angle, shape=(300, 300)):
    """Stars whose places differ by a rotation about the centre of the frame."""
    rng = np.random.default_rng(11)
    y, x = rng.uniform(4, shape[0] - 5, 150), rng.uniform(4, shape[1] - 5, 150)
    flux = 9000 * 10 ** rng.uniform(-1.5, 0, 150) * 2 * np.pi * (2.5 / FWHM) ** 2
    down = profile(shape[0], y + angle * (x - shape[1] / 2), 2.5 / FWHM)
    over = profile(shape[1], x - angle * (y - shape[0] / 2), 2.5 / FWHM)
    return SKY + np.einsum("k,ky,kx->yx", flux, down, over)


def test_rotated_exposures_are_matched():
    # By a tenth of a pixel at the borders.
    lights = np.stack([rotated_field(angle) for angle in (0, 0.1 / 150, -0.1 / 150)])
    cube = exposures_of(lights)
    before, after = unlikeness(lights), unlikeness(lights, cube - match(cube).cube)
    assert before.max() > 8
    assert after.max() < 0.3 * before.max()


def test_slopes_are_those_of_a_polynomial():
    y, x = np.mgrid[:30, :40].astype(np.float32)
    along_x, along_y = slopes(0.01 * x**3 + 0.5 * y**2)
    inner = (slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(along_x[inner], 0.03 * x[inner] ** 2, rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(along_y[inner], y[inner], rtol=1e-3, atol=2e-3)


def test_at_the_borders_the_taps_inside_predict():
    lights, cube, found = displaced("fibres", 0.3)
    before, after = unlikeness(lights), unlikeness(lights, cube - found.cube)
    border = np.ones(SHAPE, dtype=bool)
    border[RADIUS:-RADIUS, RADIUS:-RADIUS] = False
    assert np.quantile(after[:, border], 0.99) < 0.35 * np.quantile(before[:, border], 0.99)


def test_exposures_can_be_left_unmatched():
    stack = stack_exposures(exposures_of([star_field(), star_field((0.3, 0))]))
    found = unmatched(stack)
    assert found.cube is stack.cube
    assert not found.matched


def test_convolution_is_that_of_textbooks():
    rng = np.random.default_rng(0)
    frame = rng.normal(size=(40, 50)).astype(np.float32)
    kernels = rng.normal(size=(2, SIDE, SIDE))
    everywhere = np.broadcast_to(kernels[:, None, None], (2, *(SIDE,) * 4))
    expected = [ndimage.convolve(frame.astype(float), k, mode="constant") for k in kernels]
    np.testing.assert_allclose(convolve(frame, everywhere), expected, atol=1e-4)
    tiles = np.stack([frame, frame[::-1]])
    np.testing.assert_allclose(convolve_tiles(tiles, kernels)[:, 0], expected, atol=1e-4)


def test_a_tap_moves_the_frame_its_way():
    frame = np.zeros((20, 20), np.float32)
    frame[10, 10] = 1
    kernel = np.zeros((SIDE, SIDE))
    kernel[RADIUS + 2, RADIUS - 1] = 1
    moved = convolve(frame, np.broadcast_to(kernel, (1, *(SIDE,) * 4)))[0]
    assert np.argwhere(moved).tolist() == [[12, 9]]


def test_taps_inside_are_those_that_take_pixels_of_the_frame():
    assert taps_inside(0, 0).all()
    assert taps_inside(-3, 3)[CENTRE]
    frame = np.zeros((9, 9), np.float32)
    for missing, place in ((3, 0), (1, 2), (-2, 7)):
        used = taps_inside(missing, 0).reshape(SIDE, SIDE)
        for i in range(SIDE):
            y = place - (i - RADIUS)
            assert used[i].all() == (0 <= y < len(frame))


def test_stars_are_not_lone_pixels_and_hot_pixels_are():
    sigma = np.full(SHAPE, sigma_of(SKY), np.float32)
    for fwhm in (1.6, 2.0, 3.0):
        light = np.asarray(star_field(fwhm=fwhm), np.float32)
        assert not lone_pixels(light, sigma).any(), fwhm
    light = np.asarray(fibre_frame(), np.float32)
    assert not lone_pixels(light, np.full(SHAPE, 5, np.float32)).any()
    light[100, 101] += 500
    found = lone_pixels(light, np.full(SHAPE, 5, np.float32))
    assert np.argwhere(found).tolist() == [[100, 101]]
    assert abs(found[100, 101] - 500) < 60


def test_the_clean_mean_leaves_hits_out():
    rng = np.random.default_rng(0)
    planes = [rng.normal(100, 5, SHAPE).astype(np.float32) for _ in range(3)]
    plain = np.mean(planes, axis=0)
    planes[0][50, 60] += 500
    planes[0][80, 90] += 500
    planes[1][80, 90] += 300
    sigma, slack = np.full(SHAPE, 5, np.float32), np.zeros(SHAPE, np.float32)
    mean, doubtful = clean_mean(planes, sigma, slack)
    assert doubtful[80, 90]
    assert np.count_nonzero(doubtful) <= 3
    assert abs(mean[50, 60] - 100) < 12
    assert abs(mean[80, 90] - 100) < 15
    other = np.abs(mean - plain) > 0.01
    assert np.count_nonzero(other) < 0.005 * mean.size


def test_terms_of_the_sky_are_the_same_by_rows_and_by_tiles():
    sky = measure_sky(np.asarray(fibre_frame(), np.float32))
    weights = np.random.default_rng(0).normal(size=N_SKY)
    rows, columns = np.arange(30, 50), np.arange(100, 140)
    terms = sky.terms_in(rows, columns)
    expected = sky.combined(weights).rows(slice(30, 50))[:, 100:140]
    np.testing.assert_allclose(np.tensordot(weights, terms, 1), expected, rtol=1e-3, atol=0.05)


def test_a_bad_column_is_no_sky():
    frame = np.asarray(star_field(n=10), np.float32)
    frame += np.random.default_rng(0).normal(0, 3, SHAPE).astype(np.float32)
    frame[:, 40] += 200
    found = measure_sky(frame).bad_lines()
    assert abs(np.median(found[:, 40]) - 200) < 10
    assert not np.delete(found, 40, axis=1).any()
