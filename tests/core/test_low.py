"""Exposures that read low where the others agree, and constants that hold no light."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from crmasks_widgets.core.low import find_low, hits_of_low_values, leave_out
from crmasks_widgets.core.no_light import constants_without_light
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.order import range_exceeded
from crmasks_widgets.core.stack import stack_exposures

NOISE = Noise(1.0, 4.0)


def star_and_sky(n, seed=1, shape=(60, 64)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = 200 + 9000 * np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / (2 * 1.3**2))
    rng = np.random.default_rng(seed)
    return rng.poisson(light, (n, *shape)) + rng.normal(0, 4, (n, *shape)), light


def low_in(cube):
    stack = stack_exposures(np.asarray(cube, np.float32))
    found = find_low(stack, NOISE, (1.0,) * stack.n)
    return stack, found, {divmod(int(p), stack.min2d.shape[1]) for p in found.pixels}


@pytest.mark.parametrize("n", [3, 4, 5, 7])
def test_what_lies_far_below_all_others_is_low(n):
    cube, light = star_and_sky(n)
    sigma = np.sqrt(light + 16)
    places = [(5, 5), (50, 10), (30, 30)]
    for k, (y, x) in enumerate(places):
        cube[k % n, y, x] = light[y, x] - (12 * sigma[y, x] if k < 2 else light[y, x])
    stack, found, where = low_in(cube)
    assert where == set(places)
    assert sorted(found.exposure.tolist()) == sorted(k % n for k in range(3))
    left = leave_out(stack, found)
    for y, x in places:
        assert left.n_valid[y, x] == n - 1
        assert abs(left.min2d[y, x] - light[y, x]) < 5 * sigma[y, x]
    others = left.n_valid == n
    for frame in ("min2d", "median2d", "mean2d", "max2d"):
        np.testing.assert_array_equal(getattr(left, frame)[others], getattr(stack, frame)[others])


@given(st.integers(3, 6), st.integers(0, 2**32 - 1))
def test_no_hit_makes_the_others_low(n, seed):
    # Hits of any charge in all exposures but one, two of them alike, on the sky.
    cube, _ = star_and_sky(n, seed)
    rng = np.random.default_rng(seed)
    for y, x in ((8, 8), (8, 9), (50, 50), (12, 40)):
        charge = rng.uniform(200, 5000, n - 1)
        charge[-1] = charge[0] if n < 5 else 1.5 * charge[0]
        cube[1:, y, x] += charge
    _, found, _ = low_in(cube)
    assert len(found) == 0


def test_of_equivalent_exposures_nothing_is_low():
    assert len(low_in(star_and_sky(3)[0])[1]) == 0
    assert len(low_in(star_and_sky(6)[0])[1]) == 0


@pytest.mark.parametrize("where", [np.s_[:, :6], np.s_[31, :], np.s_[10:20, 40:52]])
def test_a_border_a_row_and_a_block_are_low(where):
    cube, _ = star_and_sky(3)
    cube[2][where] = np.random.default_rng(2).normal(0, 4, cube[2][where].shape)
    stack, found, _ = low_in(cube)
    marked = np.zeros(stack.min2d.shape, bool)
    marked.ravel()[found.pixels] = True
    assert marked[where].mean() > 0.9
    assert set(found.exposure) == {2}
    marked[where] = False
    assert not marked.any()


def test_hits_are_told_from_low_exposures_by_number():
    cube, _ = star_and_sky(3)
    cube[1, 5, 5] = cube[2, 10, 10] = 0
    stack, found, _ = low_in(cube)
    labels = np.zeros(stack.min2d.shape, np.int32)
    labels[5, 5:7], labels[20, 20], labels[10, 10] = 1, 2, 3
    assert hits_of_low_values(labels, labels > 0, found, 3).tolist() == [2, 0, 3]
    assert hits_of_low_values(0 * labels, labels > 0, found, 3).tolist() == []
    labels[5, 5:8] = 1  # a low pixel beside others says nothing about these
    assert hits_of_low_values(labels, labels > 0, found, 3).tolist() == [0, 0, 3]


@pytest.mark.parametrize("n", [4, 5, 7, 10])
def test_low_values_are_seen_however_many_others_scatter(n):
    # The more there are, the further their lowest lies below their middle, and the highest above.
    sigma = np.sqrt(216)
    cube = 200 + np.random.default_rng(0).normal(0, sigma, (n, 120, 120))
    low = np.zeros((120, 120), bool)
    low[3::6, 3::6] = True
    cube[0, low] -= 9 * sigma
    _, found, _ = low_in(cube)
    assert low.ravel()[found.pixels].all()
    assert len(found) > 0.95 * low.sum()


def test_ranges_are_exceeded_as_rarely_as_that_of_two():
    values = np.random.default_rng(3).normal(size=(7, 400_000))
    for n in (2, 3, 5, 7):
        beyond = np.ptp(values[:n], axis=0) > range_exceeded(n, 3.0)
        assert beyond.mean() == pytest.approx(2 * ndtr(-3 / np.sqrt(2)), rel=0.05)


@pytest.mark.parametrize("kind", ["moved", "varies"])
def test_a_source_that_moved_or_varies_is_not_low(kind):
    y, x = np.mgrid[:40, :44]

    def light(dx=0.0, part=1.0):
        return 200 + part * 9000 * np.exp(-((y - 20) ** 2 + (x - 20.4 - dx) ** 2) / 2 / 0.8**2)

    rng = np.random.default_rng(4)
    scenes = [light()] * 3 + [light(0.6) if kind == "moved" else light(part=0.6)]
    cube = np.array([rng.poisson(s) + rng.normal(0, 4, s.shape) for s in scenes])
    cube[3, 5, 5] = 0
    _, found, where = low_in(cube)
    assert where == {(5, 5)}
    assert len(found.of_sources)
    # A pixel of it that is dead in the last exposure is low.
    cube[3] = cube[0]
    cube[3, 20, 20] = 0
    assert low_in(cube)[2] == {(20, 20)}


# ---- constants -----------------------------------------------------------------------------------


def no_light(data):
    data = np.asarray(data, np.float32)
    return constants_without_light(data, np.isfinite(data))


@pytest.mark.parametrize("value", [0.0, -999.0, 1e-30])
@pytest.mark.parametrize("where", [np.s_[:, :3], np.s_[-1, :], np.s_[20:40, 10:30]])
def test_borders_and_blocks_of_a_constant_are_found(value, where):
    data = np.random.default_rng(0).normal(1000, 10, (50, 60))
    data[where] = value
    data[5, 30] = value  # alone, it may be a dead pixel
    (found,) = no_light(data)
    assert found.value == pytest.approx(value)
    expected = np.zeros(data.shape, bool)
    expected[where] = True
    np.testing.assert_array_equal(found.pixels, expected)


def test_two_constants_are_two():
    data = np.random.default_rng(0).normal(1000, 10, (50, 60))
    data[:, :3], data[-2:] = -999, 0
    assert [found.value for found in no_light(data)] == [-999, 0]


@pytest.mark.parametrize(
    "data",
    [
        np.full((30, 30), 7.0),
        np.random.default_rng(1).poisson(0.5, (60, 60)),  # a dark frame in whole numbers
        np.random.default_rng(1).normal(0, 3, (60, 60)).clip(0),  # clipped at 0
        np.random.default_rng(1).normal(0.1, 0.4, (60, 60)).clip(0).round(),  # and rounded
        np.random.default_rng(1).normal(0.1, 0.4, (60, 60)).clip(0).round() / 1.7,  # in e-
        np.random.default_rng(1).normal(900, 30, (60, 60)).clip(None, 900),  # saturated
        np.full((3, 4), np.nan),
    ],
)
def test_real_data_hold_no_such_constants(data):
    assert no_light(data) == []
