"""The expected diagram by order statistics against Monte Carlo, on a full frame.

Run with `python -m pytest benchmarks/test_expectation_speed.py`. Each test measures both in the
same process, so that the ratio does not depend on the machine; processor time is compared, which
other work on the machine disturbs least. Only three equal exposures have a limit; the ratios of the
other cases are reported (`-s` prints them).
"""

# ruff: noqa: S101
import time

import numpy as np
import pytest

from crmasks_widgets.core.mm.diagram import plane_of
from crmasks_widgets.core.mm.exact import exact_diagram
from crmasks_widgets.core.mm.simulation import exposure_signals, simulate_diagram
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.demo import demo_scene

SHAPE = (2016, 1596)
LIMIT = 1 / 10
EQUAL_3 = (1.0, 1.0, 1.0)
CASES = [
    (EQUAL_3, 1.7),
    (EQUAL_3, 1.0),
    ((1.0,) * 4, 1.7),
    ((1.0,) * 5, 1.7),
    ((0.8, 1.0, 1.2), 1.7),
    ((0.8, 0.9, 1.1, 1.2), 1.7),
    ((0.8, 0.9, 1.0, 1.1, 1.2), 1.7),
]


@pytest.fixture(scope="module")
def frames():
    """Median and minimum of the demo's exposures, ADU."""
    scene = demo_scene(SHAPE)
    cube = scene.exposures - np.float32(scene.detector.bias)
    return np.median(cube, axis=0), cube.min(axis=0)


def prepared(frames, factors, gain):
    median, low = frames
    noise, n = Noise(gain, 3.4), len(factors)
    plane = plane_of(low, n, noise, np.random.default_rng(0))
    return plane, exposure_signals(median, factors, ((0, 0),) * n), noise


@pytest.mark.parametrize(("factors", "gain"), CASES)
def test_time_against_five_simulations(benchmark, frames, factors, gain):
    plane, signals, noise = prepared(frames, factors, gain)
    started = time.process_time()
    simulate_diagram(plane, signals, noise, np.random.default_rng(1), n_simulations=5)
    simulated = time.process_time() - started
    rounds = 3
    started = time.process_time()
    benchmark.pedantic(
        exact_diagram, (plane, signals, noise), {"n_simulations": 5}, rounds=rounds, iterations=1
    )
    ratio = (time.process_time() - started) / rounds / simulated
    benchmark.extra_info["ratio to 5 simulations"] = round(ratio, 4)
    print(f"\nfactors {factors}, gain {gain}: {ratio:.3f} of 5 simulations ({simulated:.1f} s)")
    if factors == EQUAL_3:
        assert ratio < LIMIT


@pytest.mark.parametrize(("factors", "gain"), CASES)
def test_agreement_with_200_simulations_of_a_full_frame(frames, factors, gain):
    """Chi-square over all bins with at least 10 expected counts in 200 simulations.

    Takes minutes for each case; `-k agreement -s` prints the chi-squares. Every pixel is drawn 200
    times, so that the counts of a bin scatter slightly less than independent ones.
    """
    n_simulations = 200
    plane, signals, noise = prepared(frames, factors, gain)
    started = time.process_time()
    exact = exact_diagram(plane, signals, noise, n_simulations=n_simulations)
    took = time.process_time() - started
    drawn = simulate_diagram(
        plane, signals, noise, np.random.default_rng(2), n_simulations=n_simulations
    )
    expected, counts = (n_simulations * d.histogram for d in (exact, drawn))
    large = expected >= 10
    chi2 = float(((counts - expected)[large] ** 2 / expected[large]).sum())
    degrees = int(np.count_nonzero(large))
    rest = counts[~large].sum(), expected[~large].sum()
    print(
        f"\nfactors {factors}, gain {gain}: chi2 {chi2:.0f} for {degrees} bins, other bins "
        f"{rest[0]} counts, {rest[1]:.1f} expected; exact in {took:.1f} s"
    )
    assert abs(chi2 - degrees) < 5 * np.sqrt(2 * degrees)
