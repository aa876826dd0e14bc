"""Evidence from each exposure, and what exposures differ by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmasks_widgets.core.between import ALIKE, BetweenExposures
from crmasks_widgets.core.combine import median_square_factors, median_variance_factor
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance.evidence import hit_in_each
from crmasks_widgets.core.significance.level import measure_level
from crmasks_widgets.core.stack import stack_exposures

NX = 24
CENTRE = 10 * NX + 12
SKY = 100.0


def shown(charges, beside, source=0.0):
    """Whether the pixel in the middle is hit in all, with so much charge in and beside it."""
    cube = np.full((len(charges), 20, NX), SKY)
    cube[:, 10, 12] += source + np.asarray(charges, float)
    own = []
    for k, charge in enumerate(beside):
        place = (9, 11 + k % 3) if k < 3 else (11, 11 + k % 3)
        cube[k][place] += charge
        own.append(np.array([place[0] * NX + place[1]] if charge else [], np.int64))
    stack = stack_exposures(cube.astype(np.float32))
    level = measure_level(stack, Noise(1.0, 3.0), (1.0,) * len(charges))
    return bool(hit_in_each(level, stack, own, np.array([CENTRE]), np.array([SKY]))[0])


def test_each_exposure_has_to_show_a_track():
    assert shown([900, 500, 300], [400, 400, 400])
    for missing in range(3):
        beside = [400, 400, 400]
        beside[missing] = 0
        assert not shown([900, 500, 300], beside)
    # A faint one beside says nothing of so much charge.
    assert not shown([900, 500, 300], [400, 400, 50])


@given(st.floats(50, 1e4), st.integers(3, 5), st.floats(0, 1e4), st.integers(0, 2**32 - 1))
def test_a_source_stays_whatever_passes_beside_it(source, n, beside, seed):
    # It has the same light in all exposures, but for noise.
    noise = np.random.default_rng(seed).normal(0, 1, n) * np.sqrt(source + SKY + 9)
    assert not shown(np.clip(noise, -0.1 * source, 0.1 * source), [beside] * n, source)


@given(st.integers(0, 2**32 - 1))
def test_a_source_with_hits_in_all_but_two_exposures_stays(seed):
    rng = np.random.default_rng(seed)
    hits = rng.uniform(0, 5000, 4) * (np.arange(4) < 2)
    assert not shown(hits, [800] * 4, 1500.0)


def test_nothing_asked_nothing_shown():
    stack = stack_exposures(np.full((3, 5, 5), 9, np.float32))
    level = measure_level(stack, Noise(1.0, 3.0), (1.0, 1.0, 1.0))
    none = np.zeros(0, np.int64)
    assert hit_in_each(level, stack, [none] * 3, none, np.zeros(0)).shape == (0,)


# ---- differences ---------------------------------------------------------------------------------


def test_a_mean_of_all_has_no_error_from_differences():
    light = np.random.default_rng(0).normal(0, 9, (4, 5, 6)).astype(np.float32)
    made = BetweenExposures(light, np.full((5, 6), 7.0, np.float32))
    n = np.full((5, 6), 4)
    assert made.variance_of_mean(np.ones((4, 5, 6), bool), n) == pytest.approx(0, abs=1e-9)
    used = np.ones((4, 5, 6), bool)
    used[0] = False
    expected = (light[1:].mean(0) - light.mean(0)) ** 2 + 7 * (1 / 3 - 1 / 4)
    np.testing.assert_allclose(made.variance_of_mean(used, n), expected, rtol=1e-4)
    assert not ALIKE.variance_of_mean(used, n).any()
    np.testing.assert_array_equal(made.at(np.s_[2]).light, light[:, 2])


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_variance_of_a_median_of_exposures_that_differ(n, apart):
    rng = np.random.default_rng(5)
    light = (apart * rng.normal(size=(n, 200))).astype(np.float32)
    values = light[:, :, None] + rng.normal(size=(n, 200, 400))
    error = np.median(values, axis=0) - light.mean(axis=0)[:, None]
    factor = np.full(200, median_variance_factor(n))
    made = BetweenExposures(light, None).variance_of_median(
        np.ones(200), factor, np.full(200, n), np.zeros(200, bool)
    )
    assert made.mean() == pytest.approx(np.mean(error**2), rel=0.12)


@pytest.mark.parametrize("n", [3, 4, 5, 7])
def test_under_a_sky_that_drifts_the_middle_exposure_is_alone(n):
    light = np.repeat(np.linspace(-1.1, 1.1, n, dtype=np.float32)[:, None], 2, axis=1)
    values = light[:, :1] + np.random.default_rng(6).normal(size=(n, 100_000))
    made = BetweenExposures(light, None).variance_of_median(
        np.ones(2), np.full(2, median_variance_factor(n)), np.full(2, n), np.zeros(2, bool)
    )
    assert made == pytest.approx(np.mean(np.median(values, axis=0) ** 2), rel=0.06)


@pytest.mark.parametrize(("n", "high"), [(3, 1), (4, 1), (5, 1), (5, 2), (6, 2), (7, 3)])
def test_mean_squares_of_medians_with_high_values(n, high):
    values = np.random.default_rng(1).normal(size=(n, 200_000))
    values[:high] += 1e6
    middle = np.sort(values, axis=0)[(n - 1) // 2 : n // 2 + 1].mean(axis=0)
    assert median_square_factors(7)[n, high] == pytest.approx(np.mean(middle**2), rel=0.02)
    assert median_square_factors(7)[n, 0] == pytest.approx(median_variance_factor(n))
