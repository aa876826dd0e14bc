"""Local estimates, pixels hit everywhere, fill values, classes of hits, and the noise check."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.fill import Spoilt, best_fill
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance import classes as hit_classes
from crmasks_widgets.core.significance.everywhere import Everywhere, estimate_around
from crmasks_widgets.core.significance.known import known_values
from crmasks_widgets.core.significance.level import measure_level
from crmasks_widgets.core.significance.local_estimate import (
    Known,
    LocalEstimate,
    estimate_locally,
    highest_interpolation,
    stands_out,
)
from crmasks_widgets.core.significance.noise_scale import PREDICTED, NoiseScale
from crmasks_widgets.core.stack import stack_exposures

NOISE = Noise(1.0, 4.0)


def lines(shape=(60, 70), along="x"):
    """Bright sharp lines: along one axis everything is known, across nothing is."""
    ny, nx = shape if along == "x" else shape[::-1]
    y = np.arange(ny)
    profile = 50 + sum(900 * np.exp(-0.5 * ((y - c) / 1.1) ** 2) for c in (12.3, 31.8, 47.0))
    frame = np.repeat(profile[:, None], nx, axis=1).astype(np.float32)
    return frame if along == "x" else np.ascontiguousarray(frame.T)


def known(frame, good, noise=4.0):
    ones, more = np.ones(frame.shape, np.float32), np.zeros(frame.shape, np.float32)
    return Known(frame, good, ones, more, lambda value, _: np.full(value.shape, noise))


@pytest.mark.parametrize("along", ["x", "y"])
def test_estimates_run_along_lines(along):
    truth = lines(along=along)
    frame = truth + np.random.default_rng(1).normal(0, 4, truth.shape).astype(np.float32)
    good = np.ones(frame.shape, bool)
    good[28:34, 28:34] = False
    pixels = np.flatnonzero(~good)
    found = estimate_locally(known(frame, good), pixels)
    pull = (found.value - truth.ravel()[pixels]) / np.sqrt(found.variance)
    assert 0.4 < np.sqrt(np.mean(pull**2)) < 1.6
    assert np.abs(found.value - truth.ravel()[pixels]).max() < 15


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_estimates_are_finite_wherever_anything_is_known(ny, nx, seed):
    rng = np.random.default_rng(seed)
    frame = rng.normal(100, 5, (ny, nx)).astype(np.float32)
    good = rng.random((ny, nx)) < 0.5
    pixels = np.flatnonzero(~good)
    found = estimate_locally(known(np.where(good, frame, np.nan), good, 5.0), pixels)
    if ny < 10 and nx < 10 and good.sum() >= 2:
        assert np.isfinite(found.value).all()
    is_known = np.isfinite(found.value)
    assert (found.variance[is_known] >= 0).all()
    assert (np.abs(found.value[is_known] - 100) < 40).all()


def test_a_minimum_stands_out_by_three_times_both_errors():
    estimate = LocalEstimate(np.full(2, 10.0), np.full(2, 9.0))
    out = stands_out(np.array([15.1, 14.9]), estimate, np.full(2, 4.0))
    assert out.tolist() == [True, False]


def test_the_error_of_an_estimate_is_that_of_the_light_around():
    # The noise of the hits themselves, which is far more, says nothing.
    rng, pulls = np.random.default_rng(8), []
    for _ in range(4):
        cube = rng.poisson(100, (3, 80, 84)) + rng.normal(0, 4, (3, 80, 84))
        masked = np.zeros((80, 84), bool)
        masked[5:75:7, 5:80:6] = True
        cube[:, masked] += rng.uniform(2000, 9000, (3, masked.sum()))
        stack = stack_exposures(cube.astype(np.float32))
        level, pixels = measure_level(stack, NOISE, (1.0,) * 3), np.flatnonzero(masked)
        found = estimate_around(level, stack, masked, [masked] * 3, pixels)
        pulls.append((found.value - 100) / np.sqrt(found.variance))
    assert 0.9 < np.sqrt(np.mean(np.square(pulls))) < 1.15


def test_the_error_of_an_estimate_is_that_on_structure_like_it():
    # A star between dark sky: interpolated over its core, it is off by far more than on the sky.
    y, x = np.mgrid[:61, :61]
    star = 100 + 9000 * np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / (2 * 2.0**2))
    frame = (star + np.random.default_rng(3).normal(0, 4, star.shape)).astype(np.float32)
    good = np.ones(frame.shape, bool)
    good[30, 30] = False
    found = estimate_locally(known(frame, good), np.array([30 * 61 + 30]))
    assert np.sqrt(found.variance[0]) > 0.3 * abs(found.value[0] - star[30, 30]) > 100


def test_a_hit_around_does_not_count_as_an_error():
    frame = np.random.default_rng(4).normal(100, 4, (41, 41)).astype(np.float32)
    frame[19, 25] = frame[23, 17] = frame[15, 15] = 9000
    good = np.ones(frame.shape, bool)
    good[20, 20] = False
    found = estimate_locally(known(frame, good), np.array([20 * 41 + 20]))
    assert np.sqrt(found.variance[0]) < 12


def test_no_estimate_lies_above_the_highest_interpolation():
    rng = np.random.default_rng(2)
    frame = rng.normal(100, 5, (60, 70)).astype(np.float32)
    good = rng.random(frame.shape) < 0.9
    # At the corners, where too little is known, the median of all around is taken.
    good[:6], good[-6:] = True, True
    pixels = np.flatnonzero(~good)
    highest = highest_interpolation(known(frame, good), pixels)
    found = estimate_locally(known(frame, good, 5.0), pixels)
    assert (highest >= found.value).all()
    assert 0.4 < np.mean(highest == found.value) < 0.6
    # Nothing known in the row and the column.
    good[30], good[:, 30] = False, False
    assert np.isnan(highest_interpolation(known(frame, good), np.array([30 * 70 + 30]))).all()


def test_where_directions_part_half_of_their_difference_is_an_error():
    # A bright column: along it the pixel is 500, along the row 100, as is nearly all around.
    frame = np.random.default_rng(7).normal(100, 4, (41, 41)).astype(np.float32)
    frame[:, 20] += 400
    frame[10:31, 20] -= 400
    frame[18:23, 20] += 400
    good = np.ones(frame.shape, bool)
    good[19:22, 19:22] = False
    found = estimate_locally(known(frame, good), np.array([20 * 41 + 20]))
    assert np.sqrt(found.variance[0]) > 90
    assert found.value[0] == pytest.approx(100, abs=12) or found.value[0] > 250


def test_a_star_under_two_tracks_is_known_from_the_clean_exposures_beside():
    y, x = np.mgrid[:41, :41]
    star = 100 + 2000 * np.exp(-((y - 20) ** 2 + (x - 20) ** 2) / (2 * 1.5**2))
    rng = np.random.default_rng(5)
    cube = rng.poisson(star, (3, 41, 41)) + rng.normal(0, 4, (3, 41, 41))
    hit = [np.zeros((41, 41), bool) for _ in range(3)]
    hit[0][20, :], hit[1][:, 20], hit[2][20, 20] = True, True, True
    for exposure, mask in zip(cube, hit, strict=True):
        exposure[mask] += 5000
    stack = stack_exposures(cube.astype(np.float32))
    level = measure_level(stack, NOISE, (1.0,) * 3)
    masked = np.zeros((41, 41), bool)
    masked[14:27, 14:27] = True
    made = known_values(level, stack, masked, hit)
    assert not made.good[20, 20]
    assert made.good.sum() == 41 * 41 - 1
    value, variance = made.at(np.flatnonzero(made.good))
    off = (value - star[made.good]) / np.sqrt(variance)
    assert 0.9 < np.sqrt(np.mean(off**2)) < 1.1
    (value,) = estimate_locally(made, np.array([20 * 41 + 20])).value
    poorer = dataclasses.replace(made, good=~masked)
    (without,) = estimate_locally(poorer, np.array([20 * 41 + 20])).value
    assert without < 200 < 1200 < value < 2100


# ---- fill ----------------------------------------------------------------------------------------


def filled(masked, hit, cube=None, factors=(1.0, 1.0, 1.0), *, shown=False, between=ALIKE):
    cube = np.full((3, 4, 4), 100.0, np.float32) if cube is None else cube
    stack = stack_exposures(cube)
    wanted = np.zeros((4, 4), bool)
    wanted[1, 1] = True
    masks = [[np.zeros((4, 4), bool) for _ in range(3)] for _ in range(2)]
    for frames, numbers in zip(masks, (masked, hit), strict=True):
        for number in numbers:
            frames[number][1, 1] = True
    return best_fill(
        stack, Spoilt(*masks, wanted & shown), wanted,
        lambda pixels: LocalEstimate(np.full(len(pixels), 77.0), np.full(len(pixels), 5.0)),
        NOISE, factors, between,
    )  # fmt: skip


def test_fill_is_the_mean_of_what_is_left():
    cube = np.full((3, 4, 4), 100.0, np.float32)
    cube[1] += 10
    made = filled([0], [0], cube)
    assert made.value[1, 1] == 105.0
    assert made.variance[1, 1] == pytest.approx((105 + 16) / 2)
    assert made.count[1, 1] == 2
    assert np.isnan(made.variance[0, 0])
    # Masked by dilation everywhere, hit in one: the other two are used.
    assert filled([0, 1, 2], [0], cube).count[1, 1] == 2
    assert filled([0, 1, 2], [0], cube).value[1, 1] == 105.0


def test_only_where_each_exposure_shows_a_hit_the_local_estimate_fills():
    made = filled([0, 1, 2], [0, 1, 2], shown=True)
    assert (made.value[1, 1], made.variance[1, 1], made.count[1, 1]) == (77.0, 5.0, 0)
    made = filled([0, 1, 2], [0, 1, 2])
    assert (made.value[1, 1], made.count[1, 1]) == (100.0, 3)


def test_beside_a_hit_only_what_agrees_with_the_lowest_is_used():
    cube = np.full((3, 4, 4), 100.0, np.float32)
    cube[0] += 900
    cube[1] += 60  # the end of a track that was not found
    made = filled([0, 1, 2], [0], cube)
    assert (made.value[1, 1], made.count[1, 1]) == (100.0, 1)


def test_what_the_exposures_left_out_differ_by_is_in_the_variance():
    light = np.zeros((3, 4, 4), np.float32)
    light[0] = 30.0
    made = filled([0], [0], between=BetweenExposures(light, np.full((4, 4), 12.0, np.float32)))
    # All would give 10 more, and 12 (1/2 - 1/3).
    assert made.variance[1, 1] == pytest.approx((100 + 16) / 2 + 100 + 2)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_variance_counts_the_photons_before_the_division(factor):
    made = filled([1, 2], [1, 2], factors=(factor, 1.0, 1.0))
    assert made.variance[1, 1] == pytest.approx((16 + 100 * factor) / factor**2)


# ---- classes -------------------------------------------------------------------------------------


MOVED = NoiseScale(1.0, np.array([10.0]), np.array([0.1]), np.array([500]))


def classified(
    cube, where, standing=(), saturation=65535.0, factors=(1.0, 1.0, 1.0), noise=PREDICTED,
    taken_away=0.0,
):  # fmt: skip
    scaled = stack_exposures(np.asarray(cube, np.float32))
    stack = stack_exposures(np.asarray(cube - taken_away, np.float32))
    level = measure_level(stack, NOISE, factors)
    labels = np.zeros(stack.min2d.shape, np.int32)
    everywhere = Everywhere(labels > 0, labels > 0)
    for y, x in where:
        labels[y, x] = 1
    for y, x in standing:
        everywhere.standing[y, x] = True
    return hit_classes.classify_hits(
        labels, labels > 0, everywhere, stack, scaled, level, noise, saturation
    )


def test_each_class_has_its_signs():
    rng = np.random.default_rng(2)
    cube = lines() + rng.normal(0, 4, (3, 60, 70))
    hit = cube.copy()
    hit[:2, 22, 20:24] += np.array([[900], [400]])
    place = [(22, x) for x in range(20, 24)]
    found = classified(hit, place)
    assert found.names.tolist() == ["coincident"]
    assert "hit in 2 exposures" in found.reasons[0]
    assert classified(hit, place, saturation=300.0).names.tolist() == ["saturated"]
    # What matching takes away does not count for what the detector saw.
    matched = classified(hit, place, saturation=300.0, taken_away=250.0)
    assert matched.names.tolist() == ["saturated"]
    kept = classified(hit, place, standing=place[:1])
    assert kept.names.tolist() == ["coincident"]
    assert "1 stand out in all, no track in each: the lowest stays" in kept.reasons[0]
    assert classified(hit, place[:1], standing=place[:1]).names.tolist() == ["unstable"]
    alike = cube.copy()
    alike[:2, 22, 20:24] += np.array([[500], [400]])
    assert classified(alike, place).names.tolist() == ["unstable"]
    alike[0, 23, 24] += 200  # a track that goes on
    assert classified(alike, place).names.tolist() == ["coincident"]
    residual = cube.copy()
    residual[:2, 11, 30] += 60
    assert classified(residual, [(11, 30)], noise=MOVED).names.tolist() == ["residual"]
    # Where exposures do not differ on structure, it is none.
    assert classified(residual, [(11, 30)]).names.tolist() != ["residual"]
    residual[0, 11, 30] += 4000
    assert classified(residual, [(11, 30)], noise=MOVED).names.tolist() != ["residual"]


@pytest.mark.parametrize("kind", ["charge", "flux"])
def test_what_has_the_same_charge_in_all_exposures_is_a_hot_pixel(kind):
    factors, rng = np.array([0.7, 1.0, 1.4])[:, None, None], np.random.default_rng(3)
    added = np.zeros((3, 60, 70))
    added[:, 22, 30] = 2000 if kind == "charge" else 2000 * factors[:, 0, 0]
    frames = rng.poisson(lines() * factors + added) + rng.normal(0, 4, added.shape)
    found = classified(frames / factors, [(22, 30)], factors=tuple(factors.ravel()))
    assert (found.names[0] == "hot") == (kind == "charge")
    # Of equal exposures nothing is told.
    assert classified(frames, [(22, 30)]).names[0] != "hot"


def test_no_hit_has_no_class():
    assert len(classified(np.full((3, 9, 9), 5.0), []).names) == 0
    assert classified(np.full((3, 9, 9), 5.0), []).outside(("coincident",)).tolist() == [False]


def test_without_any_noise_the_lowest_value_is_a_fill():
    # A negative value has no photon noise: without readout noise its sigma is 0.
    stack = stack_exposures(np.stack([np.full((2, 2), v, np.float32) for v in (-1, 5, 9)]))
    all_masked = tuple(np.ones((2, 2), bool) for _ in range(3))
    nowhere = np.zeros((2, 2), bool)
    spoilt = Spoilt(all_masked, all_masked, nowhere)
    with np.errstate(invalid="raise"):
        fill = best_fill(
            stack, spoilt, ~nowhere, lambda pixels: LocalEstimate(np.zeros(0), np.zeros(0)),
            Noise(1.0, 0.0), (1.0, 1.0, 1.0),
        )  # fmt: skip
    assert (fill.value == -1).all()
    assert (fill.count == 1).all()
