"""The expected diagram from order statistics: against scipy, and against simulations."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from crmasks_widgets.core import noise_laws as laws
from crmasks_widgets.core.mm.diagram import Plane, plane_of
from crmasks_widgets.core.mm.exact import exact_diagram, false_alarm_boundary
from crmasks_widgets.core.mm.order_kernels import add_exceedance
from crmasks_widgets.core.mm.simulation import Sample, exposure_signals, simulate_diagram
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.photons import PhotonLaw
from crmasks_widgets.errors import Cancelled, InputError, ParameterError

from ..counts import cases

NORMAL = stats.norm
STEP = 0.05
NODES = np.arange(-8, 8 + STEP / 2, STEP)
N_SIMULATIONS = 200


def scene(ny=80, nx=100, peak=3000.0):
    y, x = np.mgrid[:ny, :nx]
    return peak * np.exp(-0.5 * ((x - nx / 2) / 17) ** 2 - 0.5 * ((y - ny / 2) / 14) ** 2)


def plane_for(image, n, noise):
    rng = np.random.default_rng(3)
    draws = rng.poisson(image * noise.gain, (n, *image.shape)) / noise.gain
    draws += rng.normal(0, noise.rnoise, draws.shape)
    return plane_of(draws.min(axis=0), n, noise, rng)


def kernel(shifts, counts):
    """Table of unit normal laws with these means, and where it was made."""
    densities = [NORMAL.pdf(NODES - shift) for shift in shifts]
    survivals = [NORMAL.sf(NODES - shift) for shift in shifts]
    for values in (*densities, *survivals):
        values[-1] = 0
    out = np.zeros((len(NODES), len(NODES)))
    add_exceedance(out, 1.0, densities, survivals, counts, STEP)
    return out


def joint_density(point, order, n):
    """Joint density of some order statistics of n unit normals (David & Nagaraja, 2.2.2)."""
    cdf = [0.0, *(NORMAL.cdf(s) for s in point), 1.0]
    ranks = [0, *order, n + 1]
    value = math.factorial(n) * math.prod(NORMAL.pdf(s) for s in point)
    for (lower, a), (upper, b) in pairwise(zip(cdf, ranks, strict=True)):
        value = value * (upper - lower) ** (b - a - 1) / math.factorial(b - a - 1)
    return value


def over(low, high):
    """Nodes and weights of a Gauss-Legendre rule, along a new last axis."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    half = (np.asarray(high) - np.asarray(low))[..., None] / 2
    return np.asarray(low)[..., None] + half * (nodes + 1), half * weights


@pytest.mark.parametrize("n", [3, 5, 7])
@pytest.mark.parametrize(("i", "j"), [(140, 16), (120, 48), (152, 80)])
def test_odd_numbers_against_numerical_integration(n, i, j):
    x, y = NODES[i], NODES[i] + j * STEP
    median, weight = over(y, y + 8)
    expected = (joint_density((x, median), (1, (n + 1) // 2), n) * weight).sum()
    np.testing.assert_allclose(kernel([0.0], [n])[i, j], expected, rtol=1e-9)


@pytest.mark.parametrize("n", [4, 6, 8])
@pytest.mark.parametrize(("i", "j"), [(140, 16), (120, 48), (152, 64)])
def test_even_numbers_against_numerical_integration(n, i, j):
    x, y = NODES[i], NODES[i] + j * STEP
    expected = 0.0
    for low, high in ((x, y), (y, y + 8)):
        a, weight_a = over(low, high)
        least = np.maximum(a, 2 * y - a)
        b, weight_b = over(least, least + 8)
        point = (x, a[:, None], b)
        density = joint_density(point, (1, n // 2, n // 2 + 1), n)
        expected += (density * weight_a[:, None] * weight_b).sum()
    np.testing.assert_allclose(kernel([0.0], [n])[i, j], expected, rtol=2e-5)


@pytest.mark.parametrize("counts", [(1, 2), (2, 2), (1, 4), (3, 3), (4, 4)])
def test_kinds_of_equal_law_are_one_kind(counts):
    one = kernel([0.0], [sum(counts)])
    np.testing.assert_allclose(kernel([0.0, 0.0], counts), one, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("shifts", [(0, 1, 2.5), (-1, 0, 0.5, 2), (-1, 0, 1, 2, 2.5), (0, 3, 3, 3),
                                    (-1, -0.5, 0, 0.5, 1, 2)])  # fmt: skip
def test_different_laws_against_draws(shifts):
    kinds, counts = np.unique(shifts, return_counts=True)
    table = kernel(kinds.tolist(), counts.tolist())
    n_draws = 400_000
    draws = np.random.default_rng(8).normal(0, 1, (n_draws, len(shifts))) + np.array(shifts)
    low, height = draws.min(axis=1), np.median(draws, axis=1) - draws.min(axis=1)
    for j in (0, 12, 24, 40, 56):
        expected = table[:, j].sum() * STEP * n_draws
        found = np.count_nonzero(height > j * STEP)
        assert abs(found - expected) < 4.5 * np.sqrt(expected * (1 - expected / n_draws) + 1)
        moment = (table[:, j] * NODES).sum() * STEP * n_draws
        assert abs(low[height > j * STEP].sum() - moment) < 6 * np.sqrt(expected + 1)


@pytest.mark.parametrize(
    ("mean", "gain", "rnoise"), [(0.0, 1.7, 3.4), (0.7, 1.0, 1.0), (20.0, 0.5, 4.0), (4e4, 2.0, 3)]
)
def test_laws_against_scipy_down_to_the_tails(mean, gain, rnoise):
    step = 0.2 * float(laws.deviation(mean, gain, rnoise))
    table = laws.tabulate(np.array([mean]), step, gain, rnoise)
    s = (table.first[0] + np.arange(table.density.shape[1])) * step
    width = 12 * np.sqrt(mean * gain) + 60
    k = np.arange(max(0, int(mean * gain - width)), int(mean * gain + width))
    weight = stats.poisson.pmf(k, mean * gain) if mean else (k == 0).astype(float)
    z = (s[:, None] - k / gain) / rnoise
    density, survival = (NORMAL.pdf(z) @ weight) / rnoise, NORMAL.sf(z) @ weight
    np.testing.assert_allclose(table.density[0], density, atol=2e-14 / step)
    np.testing.assert_allclose(table.survival[0], survival, atol=5e-13)
    tail = (survival > 1e-8) & (survival < 1e-5)
    assert tail.any()
    np.testing.assert_allclose(table.survival[0][tail], survival[tail], rtol=1e-4)


@pytest.mark.parametrize(("mean", "shape"), [(0.0, 50), (30.0, 20), (900.0, 200), (4e4, 1e4)])
def test_negative_binomial_laws_against_scipy_down_to_the_tails(mean, shape):
    gain, rnoise, photons = 1.6, 3.0, PhotonLaw.of_shape(shape)
    width = float(laws.deviation(mean, gain, rnoise, photons))
    m = mean * gain
    np.testing.assert_allclose((width * gain) ** 2, m + m**2 / shape + (rnoise * gain) ** 2)
    step = 0.2 * width
    table = laws.tabulate(np.array([mean]), step, gain, rnoise, photons)
    s = (table.first[0] + np.arange(table.density.shape[1])) * step
    k = np.arange(max(0, int(m - 12 * width * gain)), int(m + 20 * width * gain))
    weight = stats.nbinom.pmf(k, shape, shape / (shape + m))
    z = (s[:, None] - k / gain) / rnoise
    survival = NORMAL.sf(z) @ weight
    np.testing.assert_allclose(table.density[0], (NORMAL.pdf(z) @ weight) / rnoise, atol=5e-13)
    np.testing.assert_allclose(table.survival[0], survival, atol=2e-12)
    tail = (survival > 1e-8) & (survival < 1e-5)
    assert tail.any()
    np.testing.assert_allclose(table.survival[0][tail], survival[tail], rtol=2e-4)


def chi_square(expected, counts):
    """Chi-square over bins of at least 10 expected counts, all others being one bin."""
    large = expected >= 10
    expected = np.append(expected[large], expected[~large].sum())
    counts = np.append(counts[large], counts[~large].sum())
    return float(((counts - expected) ** 2 / expected).sum()), len(expected)


SCATTERED = [
    ((1.0,) * 3, 1.0, 0.6),
    ((1.0,) * 4, 2.0, 0.35),
    ((1.0,) * 5, 0.5, 3.4),
    ((0.8, 0.9, 1.1, 1.2), 1.7, 3.4),
    ((1.0, 1.0, 1.2), 1.7, 3.4),
]
ALL_SCATTERED = [
    *SCATTERED,
    ((1.0,) * 3, 1.7, 3.4),
    ((1.0,) * 4, 1.0, 3.4),
    ((1.0,) * 6, 1.7, 3.4),
    ((0.8, 1.0, 1.2), 1.7, 3.4),
    ((0.8, 0.9, 1.0, 1.1, 1.2), 1.7, 3.4),
]


@pytest.mark.parametrize(("factors", "gain", "rnoise"), cases(SCATTERED, ALL_SCATTERED))
@pytest.mark.slow
def test_simulations_scatter_about_it(factors, gain, rnoise):
    noise, n = Noise(gain, rnoise), len(factors)
    image = scene(peak=600.0)
    plane = plane_for(image, n, noise)
    signals = exposure_signals(image, factors, ((0, 0),) * n)
    exact = exact_diagram(plane, signals, noise, n_simulations=N_SIMULATIONS)
    drawn = simulate_diagram(
        plane, signals, noise, np.random.default_rng(5), n_simulations=N_SIMULATIONS
    )
    found, degrees = chi_square(exact.histogram * N_SIMULATIONS, drawn.histogram * N_SIMULATIONS)
    assert degrees > 800
    # Every pixel is drawn as often as there are simulations, which scatters a little less than
    # independent counts do.
    assert -6 < (found - degrees) / np.sqrt(2 * degrees) < 4
    total = exact.histogram.sum() * N_SIMULATIONS
    assert abs(total - drawn.histogram.sum() * N_SIMULATIONS) < 5 * np.sqrt(image.size * 20)
    common, a, b = np.intersect1d(exact.cross_x, drawn.cross_x, return_indices=True)
    assert len(common) >= 75
    height = np.median(exact.cross_y[a] - drawn.cross_y[b]) / plane.y_edges[1]
    assert abs(height) < 1.5


@pytest.mark.parametrize(
    "photons",
    [PhotonLaw.of_shape(200), PhotonLaw.of_shape(15), PhotonLaw((9, 90, 900), (0, 0.02, 0.004))],
)
@pytest.mark.slow
def test_simulations_with_more_scatter_than_photons_have_scatter_about_it(photons):
    noise, image, n_simulations = Noise(1.7, 3.4), scene(peak=600.0), 60
    plane = plane_of(image, 3, noise, np.random.default_rng(3), photons=photons)
    signals = exposure_signals(image, (0.9, 1.0, 1.1), ((0, 0),) * 3)
    exact = exact_diagram(plane, signals, noise, n_simulations=n_simulations, photons=photons)
    rng = np.random.default_rng(5)
    drawn = simulate_diagram(
        plane, signals, noise, rng, n_simulations=n_simulations, sample=Sample(photons)
    )
    found, degrees = chi_square(exact.histogram * n_simulations, drawn.histogram * n_simulations)
    assert degrees > 400
    assert -6 < (found - degrees) / np.sqrt(2 * degrees) < 4


def test_all_pixels_are_somewhere():
    noise = Noise(1.7, 3.4)
    image = scene()
    usable = np.random.default_rng(1).random(image.shape) < 0.7
    plane = Plane(np.linspace(-60, 4000, 101), np.linspace(0, 900, 101))
    for n in (3, 4):
        exact = exact_diagram(plane, (image, (1.0,) * n), noise, n_simulations=5, usable=usable)
        np.testing.assert_allclose(exact.histogram.sum(), usable.sum(), rtol=1e-7)
        assert exact.tail.n_pixels == usable.sum()


def test_levels_can_be_gathered():
    """Frames of few levels are not gathered; together they are."""
    rng = np.random.default_rng(4)
    frames = rng.permutation(rng.gamma(0.5, 800.0, 1600)).reshape(8, 20, 10)
    noise = Noise(1.7, 3.4)
    plane = plane_for(frames.reshape(8, -1), 3, noise)
    together = exact_diagram(plane, (frames.reshape(8, -1), (1.0,) * 3), noise, n_simulations=5)
    alone = sum(exact_diagram(plane, (f, (1.0,) * 3), noise, n_simulations=5).histogram
                for f in frames)  # fmt: skip
    difference = np.abs(together.histogram - alone)
    assert difference.max() < 1e-4
    assert difference.sum() < 1e-4 * frames.size


def test_crosses_stand_where_one_pixel_is_left():
    """In a frame of one level the count above a height is a closed formula."""
    level, noise, shape = 400.0, Noise(1.7, 3.4), (50, 40)
    sigma = float(laws.deviation(level, 1.7, 3.4))
    k = np.arange(300, 1100)
    weight = stats.poisson.pmf(k, level * 1.7)

    def law(s):
        z = (np.asarray(s)[..., None] - k / 1.7) / 3.4
        return NORMAL.pdf(z) @ weight / 3.4, NORMAL.sf(z) @ weight

    plane = Plane(np.linspace(level - 5 * sigma, level + 5 * sigma, 11), np.linspace(0, 200, 41))
    exact = exact_diagram(plane, (np.full(shape, level), (1.0,) * 3), noise, n_simulations=200)
    for x, y in zip(exact.cross_x, exact.cross_y, strict=True):
        nodes = x + np.linspace(-sigma / 2, sigma / 2, 201)
        density, _ = law(nodes)
        above = integrate.simpson(3 * density * law(nodes + y)[1] ** 2, x=nodes) * 2000
        np.testing.assert_allclose(above, 1 / 200, rtol=0.05)
    density, survival = law(plane.x_edges)
    columns = -np.diff(survival**3) * 2000
    assert len(exact.cross_x) == np.count_nonzero(columns >= 1 / 200) < 10


def test_probability_of_noise_down_to_1e_12():
    level, noise = 100.0, Noise(2.0, 4.0)
    plane = Plane(np.linspace(0, 200, 101), np.linspace(0, 150, 101))
    tail = exact_diagram(plane, (np.full((30, 30), level), (1.0,) * 3), noise, n_simulations=5).tail
    k = np.arange(0, 800)
    weight = stats.poisson.pmf(k, level * 2)
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(75, 115, 21), np.linspace(0, 60, 41)))
    upper, everything = (NORMAL.sf((s[:, None] - k / 2) / 4) @ weight for s in (x + y, x))
    expected = (upper / everything) ** 2
    found = tail.exceedance(x, y)
    looked_at = expected > 1e-12
    assert expected[looked_at].min() < 1e-11
    np.testing.assert_allclose(np.log(found[looked_at]), np.log(expected[looked_at]), atol=0.1)
    assert tail.exceedance(90.0, -1.0) == 1
    assert tail.exceedance(90.0, 1e5) == 0
    assert np.isnan(tail.exceedance([np.nan, 90.0], [1.0, np.nan])).all()
    # Below all minima the same median is as improbable as at the lowest one.
    lowest = tail.support[0]
    np.testing.assert_allclose(tail.exceedance(lowest - 50, 90.0), tail.exceedance(lowest, 40.0))


@pytest.mark.parametrize("n", [3, 4])
def test_as_many_false_pixels_as_asked_for(n):
    noise, wanted, n_draws = Noise(1.7, 3.4), 20.0, 60
    image = scene()
    plane = plane_for(image, n, noise)
    tail = exact_diagram(plane, (image, (1.0,) * n), noise, n_simulations=5).tail
    x, b = false_alarm_boundary(tail, wanted, plane)
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(tail.exceedance(x, b), wanted / image.size, rtol=1e-6)
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(n_draws):
        draws = rng.poisson(image * 1.7, (n, *image.shape)) / 1.7
        draws += rng.normal(0, 3.4, draws.shape)
        low = draws.min(axis=0)
        found += np.count_nonzero(np.median(draws, axis=0) - low > np.interp(low, x, b))
    assert abs(found - wanted * n_draws) < 4 * np.sqrt(wanted * n_draws)
    places, _ = false_alarm_boundary(tail, wanted, plane, plane.x_centres)
    np.testing.assert_array_equal(places, plane.x_centres)
    with pytest.raises(ParameterError, match="mm_expected_false: found 0, expected more than 0"):
        false_alarm_boundary(tail, 0.0, plane)


def test_same_every_time_and_can_be_stopped():
    noise, image = Noise(1.7, 3.4), scene()
    plane = plane_for(image, 3, noise)
    done = []
    first, second = (
        exact_diagram(plane, [image] * 3, noise, n_simulations=5, checkpoint=done.append)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.histogram, second.histogram)
    assert done[-1] == 1
    assert min(done) > 0

    def stop(fraction):
        raise Cancelled(str(fraction))

    with pytest.raises(Cancelled):
        exact_diagram(plane, [image] * 3, noise, n_simulations=5, checkpoint=stop)


@pytest.mark.parametrize(
    ("signals", "noise", "error", "message"),
    [
        ([scene()] * 3, Noise(np.full((80, 100), 1.7), 3.4), ParameterError, "gain is a map"),
        ([scene()] * 3, Noise(1.7, np.full((80, 100), 3.4)), ParameterError, "rnoise is a map"),
        ([scene()] * 3, Noise(1.7, 0.1), ParameterError, r"0\.17 e-, expected at least 0\.6"),
        ([scene(), scene(), np.roll(scene(), 1)], Noise(1.7, 3.4), InputError, "displaced"),
        ([scene()] * 2, Noise(1.7, 3.4), InputError, "found 2 exposures, expected at least 3"),
        ([scene() - 1] * 3, Noise(1.7, 3.4), InputError, "negative or infinite"),
        ((scene(), (1.0, 0.0, 1.0)), Noise(1.7, 3.4), InputError, "negative or infinite"),
    ],
)
def test_what_it_cannot_do_is_said(signals, noise, error, message):
    plane = Plane(np.linspace(-20, 4000, 101), np.linspace(0, 500, 101))
    with pytest.raises(error, match=message):
        exact_diagram(plane, signals, noise, n_simulations=5)


def test_needs_pixels_and_equal_rows():
    noise, image = Noise(1.7, 3.4), scene()
    plane = Plane(np.linspace(-20, 4000, 101), np.linspace(0, 500, 101))
    nowhere = np.zeros(image.shape, bool)
    with pytest.raises(InputError, match="no pixel to count"):
        exact_diagram(plane, [image] * 3, noise, n_simulations=5, usable=nowhere)
    uneven = Plane(plane.x_edges, np.geomspace(1, 500, 101))
    with pytest.raises(InputError, match="rows of unequal height"):
        exact_diagram(uneven, [image] * 3, noise, n_simulations=5)
