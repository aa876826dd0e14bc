"""Laws, background, thresholds and growth of the local significance."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance import excess as sg
from crmasks_widgets.core.significance import hits, laws
from crmasks_widgets.core.significance.background import running_background
from crmasks_widgets.core.significance.laws import (
    ExposureNoise,
    minimum_shift,
    noise_at_minimum,
    significance_table,
)
from crmasks_widgets.core.significance.level import measure_level
from crmasks_widgets.core.significance.noise_scale import PREDICTED
from crmasks_widgets.core.significance.scatter import find_crossings, measure_noise_scale
from crmasks_widgets.core.significance.without_each import without_each
from crmasks_widgets.core.stack import stack_exposures

EQUAL = ExposureNoise((1.0, 1.0, 1.0), 4.0)


def normal_table(statistic, noise, **kind):
    """Significances in the limit of normal noise: the brightest level of the table."""
    table = significance_table(statistic, noise, **kind)
    return table.values[-1], np.arange(table.values.shape[1]) * table.step


@pytest.mark.parametrize("n", [2, 12, 13, 40])
def test_each_is_left_out_of_all_others(n):
    steps = []

    def with_one(numbers, number):
        steps.append(number)
        return numbers | {number}

    made = dict(without_each(n, frozenset(), with_one))
    assert made == {i: frozenset(range(n)) - {i} for i in range(n)}
    assert len(steps) <= max(12 * 11, 7 * n)


def test_laws_of_very_unequal_noise_fit_into_memory(monkeypatch):
    noise = ExposureNoise((0.03, 1.0, 1.0), 3.4)
    tracemalloc.start()
    try:
        laws._rank_law(laws._Level(0.0, noise), 2)
        found = laws._mean_law(laws._Level(0.0, noise))
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert peak < 64  # each node beside each: 1300
    rng = np.random.default_rng(4)
    drawn = rng.normal(0, 3.4, (3, 200_000)) / np.array(noise.factors)[:, None]
    above = (drawn.mean(axis=0) - drawn.min(axis=0)) / noise.readout
    for i in (1, 4, 8, 16):
        assert found[i] == pytest.approx((above > i / 8).mean(), abs=0.005)
    # All at once or in parts, of all nodes or of those that are enough.
    level = laws._Level(0.0, ExposureNoise((0.2, 1.0, 1.0), 3.4))
    whole = laws._mean_law(level), laws._rank_law(level, 2)
    for name, small, rel in (("_NUMBERS_AT_ONCE", 1 << 17, 1e-6), ("_NODES_AT_ONCE", 100, 0.003)):
        monkeypatch.setattr(laws, name, small)
        parts = laws._mean_law(level), laws._rank_law(level, 2)
        for part, expected in zip(parts, whole, strict=True):
            likely = expected > 1e-9
            assert part[likely] == pytest.approx(expected[likely], rel=rel)
    assert len(level.cells()) < 0.9 * len(level.x)


def test_two_exposures_differ_by_a_normal_law():
    # exposure 1 - exposure 2 has the variance 2: its significance is the excess over sqrt(2).
    values, t = normal_table("exposure", ExposureNoise((1.0, 1.0), 4.0))
    assert values == pytest.approx(t / np.sqrt(2), abs=0.02)


def test_the_gap_of_three_exposures_is_that_of_the_textbook():
    # P(median - min > t) = 3 int f(x) Q(x + t)^2 dx for three equal normal laws.
    values, t = normal_table("rank", EQUAL, rank=2)
    x = np.linspace(-9, 9, 4001)[:, None]
    probability = (3 * stats.norm.pdf(x) * stats.norm.sf(x + t) ** 2).sum(axis=0) * (x[1] - x[0])
    assert values[1:50] == pytest.approx(stats.norm.isf(probability)[1:50], abs=0.02)


@pytest.mark.parametrize("factors", [(1.0, 1.0, 1.0), (1.0, 0.8, 1.3, 1.0)])
@pytest.mark.parametrize(
    ("level", "part"), [(0.0, 0.0), (40.0, 0.0), (4000.0, 0.0), (40.0, 0.02), (4000.0, 0.02)]
)
def test_laws_agree_with_simulations(factors, level, part):
    noise, rng, n = ExposureNoise(factors, 3.0, part), np.random.default_rng(8), len(factors)
    f, shape = np.array(factors)[:, None], (len(factors), 400_000)
    light = np.broadcast_to(level * f, shape)
    if part:
        light = rng.gamma(1 / part, part * light)
    cube = (rng.poisson(light) + rng.normal(0, 3.0, shape)) / f
    minimum, ordered = cube.min(axis=0), np.sort(cube, axis=0)
    variance = level * noise.photon_share + noise.readout**2 + part * level**2
    sigma = np.full(cube.shape[1], np.sqrt(variance))
    tried = {
        "exposure": (cube[1] - minimum, {"number": 1}),
        "rank": (ordered[n // 2] - minimum, {"rank": n // 2 + 1}),
        "mean": (cube.mean(axis=0) - minimum, {}),
    }
    for statistic, (excess, kind) in tried.items():
        found = significance_table(statistic, noise, **kind).at(sigma, excess / sigma)
        for limit in (1.0, 2.0, 3.0):
            expected = stats.norm.sf(limit) * cube.shape[1]
            above = np.count_nonzero(found > limit)
            assert above - expected < 5 * np.sqrt(expected) + 0.01 * expected, statistic
            # The more likely of two laws counts where exposures scatter with the signal.
            least = 0.5 if part else 0.99
            assert above > least * expected - 5 * np.sqrt(expected), statistic


def test_single_electrons_show_where_the_readout_noise_is_low():
    # Two exposures differ by what two Poisson numbers do, and by normal noise.
    rnoise = 0.6
    table = significance_table("exposure", ExposureNoise((1.0, 1.0), rnoise))
    steps, t = np.arange(-120, 121)[:, None], np.arange(0.125, 12, 0.125)
    for mean in (0.5, 3.0, 6.0, 10.0, 15.0, 40.0):
        sigma = np.sqrt(mean + rnoise**2)
        beyond = stats.norm.sf((t * sigma - steps) / (rnoise * np.sqrt(2)))
        expected = stats.norm.isf((stats.skellam.pmf(steps, mean, mean) * beyond).sum(axis=0))
        known = expected < 6.5
        found = table.at(np.full(len(t), sigma), t)
        assert found[known] == pytest.approx(expected[known], abs=0.03), mean


@given(
    st.lists(st.floats(0.5, 2.0), min_size=2, max_size=6).map(tuple), st.floats(0.6, 50.0),
    st.sampled_from(["exposure", "rank", "mean"]),
)  # fmt: skip
@example((1.0, 2.0, 2.0, 0.5), 0.6, "exposure")
@settings(max_examples=15, deadline=None)
@pytest.mark.slow
def test_significance_rises_with_the_excess(factors, rnoise, statistic):
    noise = ExposureNoise(factors, rnoise)
    table = significance_table(statistic, noise, number=1, rank=len(factors) // 2 + 1)
    assert np.isfinite(table.values).all()
    assert (np.diff(table.values[:, 1:], axis=1) > 0).all()
    # What is far beyond the table, which ends at 12, goes on rising.
    sigma = np.full(3, noise.readout)
    last, near, far = table.at(sigma, np.array([12.0, 15.0, 1500.0]))
    assert 5 < last < near < far


@given(
    st.floats(-50, 1e5), st.floats(0.6, 30), st.integers(2, 8),
    st.sampled_from([0.0, 0.001, 0.02, 0.1]),
)  # fmt: skip
def test_noise_at_a_minimum_solves_its_equation(minimum, rnoise, n, excess):
    law, shift = ExposureNoise((1.0,) * n, rnoise, excess), minimum_shift(n)
    (sigma,) = noise_at_minimum(np.array([minimum]), rnoise, law, shift)
    level = max(minimum + shift * sigma, 0.0)
    # A minimum below 0 is lifted to a level that is small beside the readout noise.
    exact = minimum > 0 or not excess
    assert sigma == pytest.approx(law.deviation(level), rel=1e-4 if exact else 0.1)
    assert law.mean_of(law.deviation(level)) == pytest.approx(level, rel=1e-6, abs=1e-6)


def test_minimum_shift_is_that_of_order_statistics():
    assert [round(minimum_shift(n), 3) for n in (2, 3, 4)] == [0.564, 0.846, 1.029]


# ---- background ----------------------------------------------------------------------------------


def test_background_follows_a_line_and_not_a_track():
    frame = np.zeros((96, 128), np.float32)
    frame[40] = 5.0
    frame[60, 30:60] = 100.0  # longer than half a block, shorter than a block and a half
    along_x, along_y = running_background(frame, 32)
    assert along_x[40] == pytest.approx(5.0)
    assert not along_x[60].any()
    assert not along_y.any()


@given(st.integers(1, 70), st.integers(1, 70), st.integers(8, 40))
def test_background_of_a_constant_is_the_constant(ny, nx, size):
    frame = np.full((ny, nx), 3.5, np.float32)
    frame[0, 0] = np.nan
    for along in running_background(frame, size):
        assert along.shape == frame.shape
        if ny > 2 and nx > 2:
            assert along[1:, 1:] == pytest.approx(3.5, rel=1e-5)


# ---- frames --------------------------------------------------------------------------------------


def stacked(cube, factors=None, valid=None):
    return stack_exposures(np.asarray(cube, np.float32), 0.0, factors, valid)


def flat(n=3, level=50.0, rnoise=4.0, seed=0, shape=(200, 220)):
    rng = np.random.default_rng(seed)
    return rng.poisson(level, (n, *shape)) + rng.normal(0, rnoise, (n, *shape))


def test_the_upper_central_value_is_tested_for_even_numbers():
    cube = np.stack([np.full((8, 9), v, np.float32) for v in (4.0, 1.0, 3.0, 2.0)])
    assert (sg.tested_values(stacked(cube), "median") == 3.0).all()
    cube[0, 2, 2] = np.nan
    values = sg.tested_values(stacked(cube, valid=np.isfinite(cube)), "median")
    assert values[2, 2] == 2.0
    assert values[3, 3] == 3.0


def test_a_single_low_value_does_not_make_the_others_hits():
    cube = np.full((3, 30, 30), 100.0) + np.random.default_rng(0).normal(0, 1, (3, 30, 30))
    cube[1, 10, 10] = 40.0
    stack = stacked(cube)
    level = measure_level(stack, Noise(1.0, 1.0), (1.0, 1.0, 1.0))
    assert stack.min2d[10, 10] == 40.0
    assert level.minimum[10, 10] == pytest.approx(90, abs=12)
    assert np.count_nonzero(level.minimum != stack.min2d) < 5


def test_noise_of_a_level_is_that_of_the_model():
    level = measure_level(stacked(flat()), Noise(2.0, 4.0), (1.0, 1.0, 1.0))
    assert np.median(level.sigma) == pytest.approx(np.sqrt(50 / 2 + 16), rel=0.05)


@pytest.mark.parametrize("target", ["median", "mean", 2])
def test_significance_of_noise_is_normal(target):
    stack = stacked(flat(shape=(400, 400)))
    level = measure_level(stack, Noise(1.0, 4.0), (1.0, 1.0, 1.0))
    excess = sg.excess_over_minimum(stack, level, target, 32).ravel()
    found = sg.significance_of(level, target, excess, np.arange(excess.size))
    for limit in (1.0, 2.0, 3.0):
        share = np.count_nonzero(found > limit) / found.size
        assert 0.5 * stats.norm.sf(limit) < share < 1.1 * stats.norm.sf(limit)


def test_maps_of_gain_and_readout_noise_count_pixel_by_pixel():
    rng = np.random.default_rng(5)
    rnoise = np.where(np.arange(300) < 150, 2.0, 12.0) * np.ones((300, 1))
    cube = 30 + rng.normal(0, 1, (3, 300, 300)) * np.sqrt(30 + rnoise**2)
    stack = stacked(cube)
    level = measure_level(stack, Noise(np.ones((300, 300)), rnoise), (1.0, 1.0, 1.0))
    excess = sg.excess_over_minimum(stack, level, "median", 32).ravel()
    found = sg.significance_of(level, "median", excess, np.arange(excess.size)).reshape(300, 300)
    for half in (found[:, :140], found[:, 160:]):
        assert np.mean(half > 2.0) == pytest.approx(stats.norm.sf(2.0), rel=0.35)


def test_more_noise_than_predicted_is_measured():
    stack = stacked(flat(rnoise=4.0, level=0.0))
    level = measure_level(stack, Noise(1.0, 3.0), (1.0, 1.0, 1.0))
    excess = sg.excess_over_minimum(stack, level, "median", 32)
    scale = measure_noise_scale(stack, level, "median", excess, find_crossings(stack, level))
    assert scale.flat == pytest.approx(4 / 3, rel=0.15)
    assert scale.at(np.array([0.0, 1.0])) == pytest.approx(scale.flat, rel=0.1)
    right = measure_level(stack, Noise(1.0, 4.0), (1.0, 1.0, 1.0))
    excess = sg.excess_over_minimum(stack, right, "median", 32)
    scale = measure_noise_scale(stack, right, "median", excess, find_crossings(stack, right))
    assert scale.at(np.zeros(1)) == pytest.approx(1, abs=0.1)


def stars(displacement, hit_share=0.0, seed=8):
    """Three exposures of 120 stars, the second displaced; hits in a part of the pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:300, :300]
    places = rng.uniform(8, 292, (120, 2))
    cube = np.full((3, 300, 300), 50.0)
    for px, py in places:
        box = (slice(int(py) - 7, int(py) + 8), slice(int(px) - 7, int(px) + 8))
        for k, dx in enumerate((0.0, displacement, 0.0)):
            square = (x[box] - px - dx) ** 2 + (y[box] - py) ** 2
            cube[k][box] += 3000 * np.exp(-square / 4.5)
    cube = rng.poisson(cube) + rng.normal(0, 4, cube.shape)
    return stacked(cube + 800 * (rng.random(cube.shape) < hit_share))


def scales(stack):
    level = measure_level(stack, Noise(1.0, 4.0), (1.0, 1.0, 1.0))
    for target in ("median", 1, 2, 3):
        excess = sg.excess_over_minimum(stack, level, target, 32)
        yield (
            target,
            level,
            excess,
            measure_noise_scale(stack, level, target, excess, find_crossings(stack, level)),
        )


@pytest.mark.parametrize("hit_share", [0.0, 0.05])
def test_structure_of_equivalent_exposures_adds_nothing(hit_share):
    for _, _, _, scale in scales(stars(0.0, hit_share)):
        assert (scale.added(np.array([10.0, 30.0, 60.0])) < 0.5).all()


def test_what_a_displacement_leaves_is_noise_of_steep_places():
    stack = stars(0.3)
    for target, level, excess, scale in scales(stack):
        assert scale.flat == pytest.approx(1, abs=0.1)
        # No star is a hit.
        found = sg.find_candidates(level, target, excess, scale)
        assert found.significance.max() < 6
    assert scale.added(np.array([40.0]))[0] > 2


def test_of_a_few_stars_a_small_displacement_is_taken_for_granted():
    y, x = np.mgrid[:60, :60]
    star = 50 + 3000 * np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / 2)
    cube = star + np.random.default_rng(2).normal(0, 4, (3, 60, 60))
    *_, (_, _, _, scale) = scales(stacked(cube))
    assert 0 < scale.n_pixels.sum() < 150
    assert (scale.structure >= 0.05).all()


def test_crossing_tracks_are_no_structure_of_the_frame():
    # On a faint sky, hits of all exposures make the only contrast there is.
    rng = np.random.default_rng(3)
    cube = rng.poisson(50, (3, 300, 300)) + rng.normal(0, 4, (3, 300, 300))
    for y, x in rng.integers(5, 295, (60, 2)):
        charges = rng.permutation([200, 900, 3000])
        cube[:, y : y + 2, x : x + 2] += charges[:, None, None] * rng.uniform(0.5, 1, (3, 2, 2))
    for target, level, excess, scale in scales(stacked(cube)):
        assert np.count_nonzero(level.contrast > 8) > 400, target
        assert (scale.added(np.array([10.0, 30.0, 60.0])) <= 3.0).all(), target
        found = sg.find_candidates(level, target, excess, scale)
        assert np.count_nonzero(found.significance > 10) > 60, target


def test_candidates_are_all_pixels_of_the_least_significance():
    stack = stacked(flat())
    level = measure_level(stack, Noise(1.0, 4.0), (1.0, 1.0, 1.0))
    excess = sg.excess_over_minimum(stack, level, 1, 32)
    found = sg.find_candidates(level, 1, excess, PREDICTED)
    every = sg.significance_of(level, 1, excess.ravel(), np.arange(excess.size))
    np.testing.assert_array_equal(found.pixels, np.flatnonzero(every >= sg.LEAST_SIGNIFICANCE))


# ---- hits ----------------------------------------------------------------------------------------


def test_threshold_follows_from_the_false_alarms():
    assert hits.threshold(10, 1000) == pytest.approx(stats.norm.isf(0.01))
    assert hits.threshold(900, 1000) == sg.LEAST_SIGNIFICANCE
    assert hits.threshold(0.1, 10**6) > hits.threshold(1, 10**6) > hits.threshold(1, 10**5)


def candidates(significance, pixels):
    values = np.asarray(significance, np.float32)
    ones = np.ones(len(values), np.float32)
    return sg.Candidates(np.asarray(pixels, np.int64), values, ones, values, PREDICTED)


def test_growth_follows_connected_pixels():
    # A row of 10 columns: pixels 2, 3, 4 hang together; 6 is alone; 14 touches 3 and 4 below.
    found = candidates([3.5, 6.0, 3.1, 3.9, 3.2], [2, 3, 4, 6, 14])
    groups = hits.group_candidates(found, 3.0, 10)
    grown = hits.grown_from(np.array([3]), groups, (2, 10))
    assert np.flatnonzero(grown.flagged).tolist() == [2, 3, 4, 14]
    assert np.flatnonzero(grown.seeds).tolist() == [3]
    stricter = hits.grown_from(np.array([3]), hits.group_candidates(found, 3.3, 10), (2, 10))
    assert np.flatnonzero(stricter.flagged).tolist() == [2, 3]


def test_the_median_suffers_where_several_exposures_are_hit():
    # Mean of the third and fourth of six normal values: with 2 more above, of 8 exposures.
    fewest = [hits.fewest_harmful(n) for n in range(2, 12)]
    assert fewest == [1, 2, 2, 2, 2, 2, 2, 3, 3, 3]
    for n, needed in ((2, 1), (3, 2), (4, 2), (5, 2), (9, 3)):
        level = measure_level(stacked(flat(n=n, shape=(20, 20))), Noise(1.0, 4.0), (1.0,) * n)
        by_exposure = [np.array([0, 21])] * (needed - 1) + [np.array([0])]
        hit = hits.HitCounts.of(by_exposure, (20, 20))
        assert hits.hit_in_several(level, hit).tolist() == [0]


def test_pixels_with_a_hit_exposure_need_the_law_of_the_others():
    level = measure_level(stacked(flat()), Noise(1.0, 4.0), (1.0, 1.0, 1.0))
    hit = hits.HitCounts.of([np.arange(10 * 220)], level.sigma.shape)
    start = hits.median_thresholds(level, hit, 1.0)
    assert start[0] == pytest.approx(stats.norm.isf(0.78 / (190 * 220)))
    assert start[1] == pytest.approx(stats.norm.isf(1e-4))
    pixels = np.array([0, 100 * 220])
    three = sg.significance_of(level, "median", np.array([5.4, 5.4]), pixels)
    two = sg.significance_of(level, "median", np.array([5.4, 5.4]), pixels, 1)
    assert (two < three - 0.5).all()
    high, ones = np.array([5.4, 5.4], np.float32), np.ones(2, np.float32)
    found = sg.Candidates(pixels, high, ones, three, PREDICTED)
    assert hits.median_seeds(level, found, hit, (4.0, 4.0)).tolist() == [100 * 220]
