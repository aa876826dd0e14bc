"""Which hits are to be looked at first."""

import tracemalloc
from math import comb

import numpy as np
import pytest
from scipy.special import ndtr

from crmasks_widgets.core.doubt import alike, largest_ratio, look_alike, most_doubtful_first
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures


def test_a_hit_exceeds_the_limit_by_its_best_pixel():
    excess = np.array([10.0, 30.0, 40.0, np.nan, 5.0])
    limit = np.array([10.0, 10.0, 100.0, 1.0, 0.0])
    hit = np.array([0, 0, 1, 1, 2])
    assert largest_ratio(excess, limit, hit, 4).tolist() == [3.0, 0.4, 0.0, 0.0]
    assert largest_ratio(excess[:0], limit[:0], hit[:0], 0).tolist() == []


def test_other_classes_come_first_and_then_what_is_near_the_limit():
    other = np.array([False, True, False, True, False])
    times = np.array([1.2, 9.0, 0.5, 3.0, 1.2])
    assert most_doubtful_first(other, times).tolist() == [3, 1, 2, 0, 4]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_exposures_are_alike_up_to_what_noise_does(n):
    """Once in a hundred hits of so many pixels, noise makes more."""
    values = np.random.default_rng(4).normal(size=(n, 40_000, 10)).astype(np.float32)
    excess = (np.median(values, axis=0) - values.min(axis=0)).max(axis=1)
    differ = ~alike(excess, np.full(len(excess), 10), n)
    assert 0.007 < differ.mean() < 0.013
    assert alike(np.array([2.0, 5.5, np.inf]), np.array([45, 1, 9]), n).tolist() == [
        True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("light", [20.0, 2000.0])
def test_photons_of_what_all_exposures_show_do_not_make_them_differ(n, light):
    """The minimum of faint light is low by chance: with its noise, one in ten differed."""
    rng, shape = np.random.default_rng(6), (300, 300)
    values = rng.poisson(light, (n, *shape)) + rng.normal(0, 3.8, (n, *shape))
    labels = np.kron(np.arange(1, 10_001).reshape(100, 100), np.ones((3, 3))).astype(np.int32)
    stack = stack_exposures(values.astype(np.float32))
    assert 0 < np.mean(~look_alike(labels, stack, Noise(1.0, 3.8))) < 0.013
    stack = stack_exposures((values + 60 * (np.arange(n) > 0)[:, None, None]).astype(np.float32))
    if light == 20.0:
        assert np.mean(look_alike(labels, stack, Noise(1.0, 3.8))) < 0.01


def by_the_integral(excess, pixels, n):
    """As `alike` defines it, summed over the lowest value for each hit by itself."""
    lowest = np.linspace(-8.0, 8.0, 321)
    density = np.exp(-(lowest**2) / 2) / np.sqrt(2 * np.pi) * (lowest[1] - lowest[0])
    reach = excess * (2 if n == 2 else 1)
    above, below = ndtr(-lowest - reach[:, None]), ndtr(lowest)
    between = 1 - above - below
    chance = sum(
        comb(n - 1, k) * between**k * above ** (n - 1 - k) for k in range(n // 2)
    )  # fmt: skip
    return pixels * n * (chance @ density) >= 0.01


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8])
def test_what_is_read_from_a_table_is_what_the_integral_says(n):
    random = np.random.default_rng(n)
    excess = np.append(random.uniform(0.0, 8.0, 2000), random.exponential(2.0, 2000))
    pixels = np.ceil(random.pareto(0.7, 4000)).clip(1, 10**6).astype(int)
    expected = by_the_integral(excess, pixels, n)
    assert 0.2 < expected.mean() < 0.8
    assert np.array_equal(alike(excess, pixels, n), expected)


def test_exposures_that_could_not_be_more_alike_are_and_what_is_not_known_is_not():
    asked = np.array([0.0, -1.0, np.nan, np.inf, 30.0])
    for n in (2, 3, 8, 100):
        assert alike(asked, np.full(5, 10**6), n).tolist() == [True, True, False, False, False]


def test_a_hundred_thousand_weak_hits_take_little_memory():
    """Where a line lies in the cloud, most of it is hits for a moment."""
    random = np.random.default_rng(1)
    excess, pixels = random.uniform(0.0, 6.0, 100_000), random.integers(1, 20, 100_000)
    tracemalloc.start()
    try:
        alike(excess, pixels, 3)
        assert tracemalloc.get_traced_memory()[1] < 30 * 2**20
    finally:
        tracemalloc.stop()
