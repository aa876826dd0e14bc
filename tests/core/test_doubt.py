"""Which hits are to be looked at first."""

import numpy as np
import pytest

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
