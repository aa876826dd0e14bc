"""Small scenes worked out by hand: value, variance and map of each combination."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

import crmasks_widgets as cm
from crmasks_widgets.core.combine import (
    ROWS_AT_ONCE,
    Combination,
    median_variance_factor,
    median_variance_factors,
    minimum_square_error,
    replace_by_local_median,
)
from crmasks_widgets.core.noise import MIN_RNOISE, Noise
from crmasks_widgets.core.unequal_median import share_of_median

KINDS = ("mediancr", "meancrt", "meancr")
GAIN, RNOISE = 2.0, 3.0


def variance_of(value, factor=1.0):
    """Variance of one exposure that shows this value after its division by the factor."""
    return (RNOISE**2 + max(value, 0.0) * factor / GAIN) / factor**2


def analysis_of(exposures, height=1, **changes):
    """Exposures as rows of pixels, so many times; boundary at 50 ADU, no dilation."""
    frames = [np.array([row] * height, np.float32) for row in exposures]
    settings = {
        "crmethod": "mmcosmic",
        "mm_boundary_fit": "piecewise",
        "mm_fixed_points_in_boundary": ((0, 50), (1, 50)),
        "dilation": 0,
        "gain": GAIN,
        "rnoise": RNOISE,
    }
    return cm.Analysis(cm.ExposureSet.from_arrays(frames), cm.Parameters(**settings | changes))


# Pixels: clean; single hit; hits in the majority; hits in all but one; weak everywhere.
SCENES = {
    3: [[100, 100, 100, -4], [103, 104, 900, -1], [106, 800, 950, 2]],
    4: [[100, 100, 100, -4], [102, 102, 102, -2], [104, 105, 900, 0], [110, 800, 950, 2]],
    5: [
        [100, 100, 100, -4],
        [101, 102, 101, -2],
        [104, 105, 800, 0],
        [107, 108, 900, 2],
        [110, 800, 950, 9],
    ],
}
# n: (median of the clean pixel, mean of it, unmasked values of every pixel in meancr)
UNMASKED = {3: [3, 2, 1, 3], 4: [4, 3, 2, 4], 5: [5, 4, 2, 5]}
COEFFICIENT = {3: 0.449, 4: 0.298, 5: 0.287}


@pytest.mark.parametrize("n", SCENES)
def test_variance_of_the_minimum_is_its_mean_square_error(n):
    made = analysis_of(SCENES[n], more_combinations=("min",)).combination("min")
    np.testing.assert_array_equal(made.data[0], np.min(SCENES[n], axis=0))
    expected = [variance_of(value) * minimum_square_error(n) for value in made.data[0]]
    np.testing.assert_allclose(made.variance[0], expected, rtol=1e-5)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_values_and_maps(n):
    rows = np.array(SCENES[n], float)
    analysis = analysis_of(SCENES[n])
    median, mean = np.median(rows, axis=0), rows.mean(axis=0)
    low = rows.min(axis=0)
    expected = {
        "mediancr": [median[0], median[1], low[2], median[3]],
        "meancrt": [mean[0], median[1], low[2], mean[3]],
        "meancr": [np.sort(rows[:, i])[:k].mean() for i, k in enumerate(UNMASKED[n])],
    }
    maps = {"mediancr": [n, n, 1, n], "meancrt": [n, n, 1, n], "meancr": UNMASKED[n]}
    for kind in KINDS:
        made = analysis.combination(kind)
        np.testing.assert_allclose(made.data[0], expected[kind], rtol=1e-6)
        assert made.map[0].tolist() == maps[kind], kind


def test_every_row_is_combined_whatever_was_in_memory_before(monkeypatch):
    """Of a frame higher than wide, and of more rows than are worked on at a time."""
    rows = [[100.0] * 4, [102.0] * 4, [107.0] * 4]
    analysis = analysis_of(rows, height=2 * ROWS_AT_ONCE + 3)
    monkeypatch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, 77, dtype))
    for kind, value in (("mediancr", 102.0), ("meancrt", 103.0), ("meancr", 103.0)):
        made = analysis.combination(kind)
        assert np.unique(made.data).tolist() == [value]
        assert np.unique(made.map).tolist() == [3]
        assert len(np.unique(made.variance)) == 1


@pytest.mark.parametrize("n", [3, 4, 5])
def test_variances(n):
    analysis = analysis_of(SCENES[n])
    data = {kind: analysis.combination(kind).data[0].astype(float) for kind in KINDS}
    c = COEFFICIENT[n]
    v = {kind: [variance_of(value) for value in values] for kind, values in data.items()}
    expected = {
        "mediancr": [
            c * v["mediancr"][0], c * v["mediancr"][1], v["mediancr"][2], c * v["mediancr"][3],
        ],
        "meancrt": [v["meancrt"][0] / n, c * v["meancrt"][1], v["meancrt"][2], v["meancrt"][3] / n],
        "meancr": [v["meancr"][i] / k for i, k in enumerate(UNMASKED[n])],
    }  # fmt: skip
    for kind in KINDS:
        np.testing.assert_allclose(
            analysis.combination(kind).variance[0], expected[kind], rtol=2e-3, err_msg=kind
        )


def test_a_pixel_masked_everywhere_holds_the_minimum_with_the_variance_of_one_value():
    rows = [[100.0] * 3, [900.0] * 3, [950.0] * 3]
    analysis = analysis_of(rows, pixels_to_be_flagged_as_cr=((2, 1),))
    # exposure 1 is the minimum: only dilation could mask it too
    grown = analysis_of(
        [[100, 700, 100], [900, 100, 900], [950, 950, 100]], dilation=1
    ).combination("meancr")
    assert analysis.combination("meancr").map[0].tolist() == [1, 1, 1]
    lost = grown.map[0] == 0
    assert lost.any()
    np.testing.assert_allclose(grown.data[0][lost], 100.0)
    np.testing.assert_allclose(grown.variance[0][lost], variance_of(100.0), rtol=1e-5)


@pytest.mark.parametrize("apply_to", ["original", "simulated"])
def test_flux_factors_divide_the_exposures_and_their_variance(apply_to):
    factors = (0.5, 1.0, 2.0)
    rows = [[50.0, 50.0], [100.0, 100.0], [200.0, 8000.0]]
    changes = {
        "flux_factor": factors,
        "apply_flux_factor_to": apply_to,
        "mm_fixed_points_in_boundary": ((0, 500), (1, 500)),
    }
    analysis = analysis_of(rows, **changes)
    meancr = analysis.combination("meancr")
    np.testing.assert_allclose(meancr.data[0], [100.0, 100.0])
    singles = [variance_of(100.0, f) for f in factors]
    np.testing.assert_allclose(
        meancr.variance[0], [sum(singles) / 9, sum(singles[:2]) / 4], rtol=1e-5
    )
    median = analysis.combination("mediancr")
    drawn = np.random.default_rng(1).normal(0, np.sqrt(singles), (200_000, 3))
    np.testing.assert_allclose(median.variance[0], np.median(drawn, axis=1).var(), rtol=0.02)


@pytest.mark.parametrize("excess", [0.0, 0.02])
@pytest.mark.parametrize("factors", [(1, 3, 0.3), (1, 2, 0.5, 0.5), (0.3, 1, 3, 1, 1), (1, 3)])
def test_the_median_of_exposures_of_other_brightness_has_its_own_variance(factors, excess):
    light, sets = np.array([3.0, 100.0, 3000.0]), 40_000
    sigma = np.sqrt(
        [[variance_of(level, f) + excess * level**2 for level in light] for f in factors]
    )
    drawn = np.random.default_rng(2).normal(0, sigma[:, None], (len(factors), sets, 3))
    valid = np.ones((len(factors), 3, 2), dtype=bool)
    valid[0, :, 1] = False
    noise, value = Noise(GAIN, RNOISE, excess), light[:, None].repeat(2, axis=1)
    share = share_of_median(value, noise, factors, valid)
    for column, used in enumerate((slice(None), slice(1, None))):
        n = len(factors[used])
        true = np.median(drawn[used], axis=0).var(axis=0)
        said = median_variance_factor(n) * np.mean(sigma[used] ** 2, axis=0) * share[:, column]
        np.testing.assert_allclose(said, true, rtol=0.035)
    maps = Noise(np.full(value.shape, GAIN), RNOISE * np.linspace(0.5, 2, 6).reshape(3, 2), excess)
    by_pixel = share_of_median(value, maps, factors, valid)
    for place in np.ndindex(value.shape):
        one = Noise(GAIN, maps.rnoise[place], excess)
        alone = share_of_median(value[place][None], one, factors, valid[:, *place][:, None])
        assert by_pixel[place] == pytest.approx(alone[0], rel=0.01)


def test_of_many_exposures_few_may_be_valid():
    factors = (1, 3, 0.3, *[1] * 6)
    valid = np.zeros((9, 4), dtype=bool)
    for number in range(4):
        valid[: number + 1, number] = True
    share = share_of_median(np.full(4, 100.0), Noise(GAIN, RNOISE), factors, valid)
    few = share_of_median(np.full(4, 100.0), Noise(GAIN, RNOISE), factors[:4], valid[:4])
    np.testing.assert_array_equal(share, few)
    assert (share[:2] == 1).all()
    assert (share[2:] < 0.9).all()


def test_a_minimum_has_the_variance_of_the_exposure_that_it_came_from():
    rows = [[60.0], [4000.0], [8000.0]]
    analysis = analysis_of(rows, flux_factor=(0.5, 1.0, 2.0), apply_flux_factor_to="original")
    made = analysis.combination("mediancr")
    assert made.data[0, 0] == 120.0
    np.testing.assert_allclose(made.variance[0, 0], variance_of(120.0, 0.5), rtol=1e-5)


def test_variance_is_never_zero_and_predicts_the_scatter():
    rng = np.random.default_rng(5)
    scene = np.full((60, 400), 80.0)
    frames = [
        rng.poisson(scene * GAIN) / GAIN + rng.normal(0, RNOISE, scene.shape) for _ in range(5)
    ]
    far = {"mm_fixed_points_in_boundary": ((0, 1e6), (1, 1e6))}
    exposures = cm.ExposureSet.from_arrays(frames)
    analysis = cm.Analysis(exposures, analysis_of([[1], [1], [1]], **far).parameters)
    for kind in KINDS:
        made = analysis.combination(kind)
        assert (made.variance > 0).all()
        np.testing.assert_allclose(made.data.var(), made.variance.mean(), rtol=0.04)


def test_without_readout_noise_dark_pixels_have_a_variance():
    rows = [[0.0, 0.0, 5.0], [0.0, 0.0, 6.0], [0.0, 1.0, 4.0]]
    exposures = cm.ExposureSet.from_arrays([np.array([row]) for row in rows])
    parameters = analysis_of(rows, max_flagged_fraction=1.0).parameters.replace(rnoise=0.0)
    analysis = cm.Analysis(exposures, parameters)
    for kind in KINDS:
        variance = analysis.combination(kind).variance
        assert (variance >= (MIN_RNOISE / parameters.gain) ** 2 / 3 * 0.999).all()


def test_invalid_values_are_not_used_and_counted():
    nan = np.nan
    frames = [[100.0, nan, nan, 120.0], [103.0, 104.0, nan, nan], [np.inf, 110.0, nan, nan]]
    with pytest.raises(cm.InputError, match="no valid pixel"):
        analysis_of([[np.nan], [1.0], [1.0]])
    analysis = analysis_of(frames)
    for kind in KINDS:
        made = analysis.combination(kind)
        np.testing.assert_allclose(made.data[0, [0, 1, 3]], [101.5, 107.0, 120.0])
        assert np.isnan(made.data[0, 2])
        assert np.isnan(made.variance[0, 2])
        assert made.map[0].tolist() == [2, 2, 0, 1]
        expected = [variance_of(101.5) / 2, variance_of(107.0) / 2, variance_of(120.0)]
        np.testing.assert_allclose(made.variance[0, [0, 1, 3]], expected, rtol=1e-5)


def test_lamedian_fills_what_lacosmic_cleaned_and_the_minimum_the_rest(monkeypatch):
    analysis = analysis_of(
        [[100.0] * 4, [900.0] * 4, [950.0] * 4], crmethod="mm_lacosmic", use_lamedian=True
    )
    mask = np.array([[True, False, False, True]])
    median, values = analysis.stack.median2d, np.full(2, 123, np.float32)
    from crmasks_widgets.core.lacosmic.library import LacosmicResult

    preset = {("lacosmic", t): LacosmicResult(mask, median, values) for t in analysis.targets}
    filled = analysis.preset(preset, "from a test")
    for kind in ("mediancr", "meancrt"):
        np.testing.assert_allclose(filled.combination(kind).data[0], [123, 100, 100, 123])
    # meancr still has exposure 1, which no mask holds
    np.testing.assert_allclose(filled.combination("meancr").data[0][1:3], 100)


@pytest.mark.parametrize(
    ("n", "factor"), [(1, 1.0), (2, 0.5), (3, 0.44867), (4, 0.29819), (5, 0.28683), (7, 0.21045)]
)
def test_variance_of_medians(n, factor):
    assert median_variance_factor(n) == pytest.approx(factor, abs=2e-4)


@pytest.mark.parametrize("n", [6, 9, 30])
def test_variance_of_medians_by_drawing(n):
    draws = np.median(stats.norm.rvs(size=(200_000, n), random_state=n), axis=1)
    assert median_variance_factor(n) == pytest.approx(draws.var(), rel=0.015)


def test_factors_stand_at_their_numbers():
    factors = [np.nan, *map(median_variance_factor, (1, 2, 3, 4))]
    np.testing.assert_allclose(median_variance_factors(4), factors, rtol=1e-6)


def test_variance_of_the_median_of_two_is_that_of_their_mean():
    assert median_variance_factor(2) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(("x", "y"), [(4, 5), (1, 1), (7, 9), (7, 1)])
@pytest.mark.parametrize("width", [3, 7])
def test_local_median_takes_the_box_around_the_pixel_and_nothing_else(x, y, width):
    frame = np.random.default_rng(3).permutation(63).reshape(9, 7).astype(np.float32)
    variance, count = 2 * frame + 1, np.full(frame.shape, 3, np.int16)
    made = replace_by_local_median(Combination(frame, variance, count), ((x, y, width, 5),))
    around = [
        frame[j, i]
        for j in range(9)
        for i in range(7)
        if abs(j + 1 - y) <= 2 and abs(i + 1 - x) <= width // 2 and (i + 1, j + 1) != (x, y)
    ]
    assert made.data[y - 1, x - 1] == np.float32(np.median(around))
    factor = median_variance_factor(len(around))
    np.testing.assert_allclose(
        made.variance[y - 1, x - 1], (2 * np.mean(around) + 1) * factor, rtol=1e-6
    )
    made.data[y - 1, x - 1] = frame[y - 1, x - 1]
    np.testing.assert_array_equal(made.data, frame)


def test_what_exposures_differ_by_is_in_the_variance_of_a_mean_of_some(monkeypatch):
    from crmasks_widgets.core import combine as combine_module
    from crmasks_widgets.core.between import BetweenExposures

    kept, combine = [], combine_module.combine

    def keep(kind, parts):
        kept.append(parts)
        return combine(kind, parts)

    monkeypatch.setattr(combine_module, "combine", keep)
    plain = analysis_of(SCENES[3]).combination("meancr")
    unknown = np.full((1, 4), 40.0, np.float32)
    differing = dataclasses.replace(kept[-1], between=BetweenExposures(None, unknown))
    more = combine("meancr", differing).variance - plain.variance
    assert (more[0, 1:3] > 1).all()
