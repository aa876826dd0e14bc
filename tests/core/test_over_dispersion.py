"""Scatter beyond that of photons: nothing where there is none, the shape where there is one."""

import re

import numpy as np
import pytest

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.over_dispersion import (
    OverDispersion,
    OverDispersions,
    measure_over_dispersion,
)
from crmasks_widgets.core.photons import PhotonLaw
from crmasks_widgets.core.stack import stack_exposures

GAIN, RNOISE = 1.6, 4.0
SCENE = np.tile(1200 * np.exp(-(((np.arange(240) - 120) / 50) ** 2)), (200, 1))


def measured(law, n=3, seed=1, hits=0.0, factors=None):
    rng = np.random.default_rng(seed)
    factors = factors or (1.0,) * n
    frames = []
    for factor in factors:
        frame = law.draw(rng, SCENE * factor * GAIN) / GAIN + rng.normal(0, RNOISE, SCENE.shape)
        frame[rng.random(SCENE.shape) < hits] += 3000.0
        frames.append(frame / factor)
    stack = stack_exposures(np.array(frames, np.float32), 0.0)
    return measure_over_dispersion(stack, Noise(GAIN, RNOISE), factors)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_photons_scatter_as_photons(n):
    values = [measured(PhotonLaw(), n, seed) for seed in range(4)]
    pulls = [value.excess[0] / value.excess[1] for value in values]
    assert abs(np.mean(pulls)) < 3
    assert np.max(np.abs(pulls)) < 5
    assert all(value.shape[0] == np.inf or value.shape[0] > 20_000 for value in values)
    assert all(abs(c.ratio - 1) < 0.06 for value in values for c in value.classes)


@pytest.mark.parametrize("shape", [60.0, 800.0])
@pytest.mark.parametrize("hits", [0.0, 0.01])
def test_a_shape_is_found_whatever_hits_single_exposures(shape, hits):
    found = measured(PhotonLaw.of_shape(shape), hits=hits)
    assert found.is_known
    assert found.shape[0] == pytest.approx(shape, rel=0.12)
    assert found.shape[1] < 0.05 * shape
    bright = [c for c in found.classes if c.level > 700]
    assert len(bright) > 3
    assert all(1 / c.excess == pytest.approx(shape, rel=0.3) for c in bright)


def test_exposures_of_other_brightness_are_no_scatter():
    found = measured(PhotonLaw.of_shape(200.0), factors=(0.7, 1.0, 1.4))
    assert found.shape[0] == pytest.approx(200, rel=0.15)


def test_the_scatter_may_depend_on_the_level():
    law = PhotonLaw((100.0, 1000.0), (0.02, 0.002))
    found = measured(law)
    # Between the levels of the classes, as the law that made the exposures.
    for electrons in (300.0, 600.0, 1500.0):
        expected = law.excess_at(electrons)
        assert found.law.excess_at(electrons) == pytest.approx(expected, rel=0.25)


def test_what_is_found_is_said_with_the_shape_that_numina_needs():
    many, few = measured(PhotonLaw.of_shape(100.0)), measured(PhotonLaw())
    text = OverDispersions(many, few).in_words
    shape, _ = many.shape
    said = re.search(r"mm_nbinom_shape: ([0-9.]+) \(\+/- ([0-9.]+)\) would say the same", text)
    assert float(said[1]) == pytest.approx(shape, rel=0.01)
    assert 0 < float(said[2]) < 40
    assert f"photons: {100 / np.sqrt(shape):.1f} % of the signal" in text
    assert "after matching: none seen (below " in text
    nothing = OverDispersion(())
    assert not nothing.is_known
    assert nothing.law.is_poisson
    assert "unknown" in OverDispersions(nothing, nothing).in_words
