"""Noise that the differences of exposures show, and what must not be taken for it."""

import numpy as np
import pytest
from scipy import ndimage, stats

import crmasks_widgets as cm
from crmasks_widgets.core.combine import exposure_variances
from crmasks_widgets.core.measured_noise import blocks, levels, scatter
from crmasks_widgets.core.measured_noise.measure import measure_noise
from crmasks_widgets.core.measured_noise.sums import BESIDE, take_sums
from crmasks_widgets.core.measured_noise.terms import GIVEN, Terms
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures

SHAPE = (160, 200)
GRADIENT = np.broadcast_to(np.linspace(20.0, 2000.0, SHAPE[1]), SHAPE)
FIBRES = 20 + 1500 * np.exp(-0.5 * ((np.arange(SHAPE[1]) % 7 - 3) / 1.2) ** 2) * np.ones(SHAPE)


def drawn(light, n=3, *, gain=1.0, rnoise=3.4, excess=0.0, seed=1, shape=SHAPE):
    """Exposures of one scene, ADU, or of one scene each."""
    rng = np.random.default_rng(seed)
    electrons = np.broadcast_to(light, (n, *shape)) * gain
    if excess:
        electrons = rng.gamma(1 / excess, electrons * excess)
    return (rng.poisson(electrons) / gain + rng.normal(0, rnoise, (n, *shape))).astype(np.float32)


def observed(cube, given, factors=None):
    return measure_noise(stack_exposures(cube), given, factors or (1.0,) * len(cube))


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("light", [GRADIENT, FIBRES], ids=["gradient", "fibres"])
def test_what_was_given_stands_where_it_is_true(light, n):
    given = Noise(1.5, 3.4)
    found = observed(drawn(light, n, gain=1.5), given)
    assert found.noise is given
    assert not found.differs
    assert found.false_alarms(4.7, given=True) < 1e-6


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Noise(3.0, 3.4), Noise(1.5, 3.4)),
        (Noise(0.75, 3.4), Noise(1.5, 3.4)),
        (Noise(1.5, 3.4), Noise(1.5, 3.4, 0.02)),
        (Noise(1.5, 3.4), Noise(1.5, 3.4, 0.003)),
        (Noise(1.5, 3.4), Noise(1.5, 20.0)),
        (Noise(1.5, 20.0), Noise(1.5, 3.4)),
        (Noise(np.full(SHAPE, 1.5), np.full(SHAPE, 3.4)), Noise(1.5, 3.4, 0.005)),
    ],
)
@pytest.mark.parametrize("light", [GRADIENT, FIBRES], ids=["gradient", "fibres"])
def test_the_noise_follows_the_level(light, given, expected):
    rnoise, excess = expected.rnoise, expected.excess
    cube = drawn(light, 3, gain=1.5, rnoise=rnoise, excess=excess)
    found = observed(cube, given)
    assert found.differs
    for level in (100.0, 400.0, 1500.0):
        sigma = np.unique(found.noise.sigma(np.full(SHAPE, level, np.float32)))
        assert len(sigma) == 1
        assert sigma[0] == pytest.approx(float(expected.sigma(level)), rel=0.1), level
    # What is left over is less than what was there.
    assert found.false_alarms(4.7, given=False) < 3e-6
    wider = (expected.sigma(light) > 1.2 * given.sigma(light)).any()
    assert (found.false_alarms(4.7, given=True) > 3e-6) == wider


def test_exposures_of_unequal_flux_show_the_same_noise():
    factors = (0.6, 1.0, 1.5)
    scene = np.stack([factor * GRADIENT for factor in factors])
    cube = drawn(scene, excess=0.01) / np.array(factors, np.float32)[:, None, None]
    found = observed(cube, Noise(1.0, 3.4), factors).noise
    assert found.excess == pytest.approx(0.01, rel=0.1)
    assert found.gain == pytest.approx(1.0, rel=0.1)
    each = exposure_variances(np.full(SHAPE, 500.0), found, factors)
    for made, factor in zip(each, factors, strict=True):
        variance = (500 * factor + 3.4**2) / factor**2 + 0.01 * 500**2
        assert np.unique(made) == pytest.approx([variance], rel=0.1)


def stars(peak, sky, n=25):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rng = np.random.default_rng(3)
    places = rng.uniform(5, 155, (n, 2))
    images = (np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.2**2)) for py, px in places)
    return sky + peak * sum(images)


@pytest.mark.parametrize(
    ("rnoise", "given"), [(3.0, 5.0), (3.0, 2.0), (6.0, 3.0), (3.4, 2.0), (3.0, 6.0)]
)
def test_a_flat_sky_says_nothing_of_the_noise_of_stars(rnoise, given):
    cube = drawn(stars(20_000.0, 20.0), rnoise=rnoise)
    found = observed(cube, Noise(1.0, given))
    true = Noise(1.0, rnoise)
    for level in (20.0, 300.0, 20_000.0):
        assert found.noise.sigma(level) == pytest.approx(float(true.sigma(level)), rel=0.05)


def test_where_terms_fit_as_well_that_is_said():
    found = observed(drawn(stars(20_000.0, 20.0)), Noise(2.0, 3.4))
    assert found.known_to == pytest.approx(20, rel=0.3)
    assert found.noise.sigma(20.0) == pytest.approx(float(Noise(1.0, 3.4).sigma(20.0)), rel=0.05)
    # Many levels do tell, and a flat sky alone has none that is not known.
    assert observed(drawn(GRADIENT), Noise(2.0, 3.4)).known_to == np.inf
    assert observed(drawn(np.full(SHAPE, 1000.0)), Noise(2.0, 3.4)).known_to == np.inf


def test_where_no_noise_fits_the_given_one_stands():
    cube = drawn(GRADIENT)
    bent = np.where(cube > 1000, 1000 + (cube - 1000) / 2, cube)
    given = Noise(1.0, 3.4)
    found = observed(bent, given)
    assert found.noise is given
    assert found.misfit > 40


def test_displacement_tracks_and_saturation_are_no_noise():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rng = np.random.default_rng(3)
    places = rng.uniform(5, 155, (60, 2))
    stars = [
        30 + sum(
            3000 * np.exp(-((x - px - dx) ** 2 + (y - py + dx) ** 2) / (2 * 1.3**2))
            for py, px in places
        )
        for dx in (0.0, 0.2, -0.2)
    ]  # fmt: skip
    cube = np.minimum(drawn(np.array(stars), seed=4), 2500)
    for frame in cube:
        for start in rng.integers(0, 140, (40, 2)):
            steps = np.arange(rng.integers(2, 15))
            frame[start[0] + steps, start[1] + steps // 2] += rng.uniform(20, 400)
    assert not observed(cube, Noise(1.0, 3.4)).differs


def test_what_neighbours_have_in_common_is_noise_as_well():
    cube = drawn(GRADIENT, rnoise=5.0)
    moved = (cube + np.roll(cube, 1, axis=2)) / 2
    # A pixel of them has half the variance, all of which the plain sums see, and more.
    sigma = observed(moved, Noise(1.0, 5.0)).noise.sigma(GRADIENT)
    assert (sigma > 0.95 * np.sqrt((GRADIENT + 25) / 2)).all()


def test_exposures_without_noise_say_nothing():
    given = Noise(1.0, 3.0)
    assert observed(np.full((3, *SHAPE), 7.0, np.float32), given).noise is given
    assert observed(np.full((2, *SHAPE), np.nan, np.float32), given).noise is given
    assert observed(np.ones((2, 1, 5), np.float32), given).noise is given


@pytest.mark.parametrize(
    ("light", "n", "excess", "gain"),
    [
        (FIBRES, 2, 0.005, 1.0), (GRADIENT, 3, 0.02, 1.0),
        (FIBRES, 3, 0.0, 2.0), (FIBRES, 4, 0.02, 0.5),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_masks_and_variances_go_by_it(light, n, excess, gain):
    exposures = cm.ExposureSet.from_arrays(list(drawn(light, n, excess=excess, seed=n)))
    analysis = cm.Analysis(
        exposures, cm.Parameters(crmethod="significance", gain=gain, rnoise=3.4, bias=0.0)
    )
    groups = {k: ndimage.label(m, np.ones((3, 3)))[1] for k, m in analysis.masks.items()}
    # One is expected in each exposure and in the median; 5 come once in 250 frames.
    assert groups["MEDIANCR"] <= 4
    assert groups["MEANCRT"] <= 3 * n
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.combination(kind)
        pull = np.sqrt(np.mean((made.data - light) ** 2 / made.variance))
        assert 0.9 < pull < 1.1, kind
    given = analysis.replace(sg_measured_noise=False).combination("mean")
    ratio = given.variance / (np.maximum(given.data, 0) / gain + 3.4**2)
    assert np.median(ratio) == pytest.approx(1 / n, rel=0.01)


def test_noise_is_no_low_value_by_a_gain_that_is_wrong():
    exposures = cm.ExposureSet.from_arrays(list(drawn(GRADIENT, 4)))
    p = cm.Parameters(crmethod="significance", gain=4.0, rnoise=3.4, bias=0.0)
    analysis = cm.Analysis(exposures, p)
    assert len(analysis.result("low_by_given_noise")) > 20
    assert len(analysis.result("low")) == 0
    # Where the given noise is used, nothing is looked for twice.
    given = analysis.replace(sg_measured_noise=False)
    assert given.result("low") is given.result("low_by_given_noise")


def test_blocks_lie_in_the_frame_apart_and_are_about_as_many_pixels_as_wanted():
    for shape in ((2016, 1596), (708, 707), (20, 60_000), (60_000, 20), (3, 400_000), (4100, 4096)):
        chosen = blocks.choose_blocks(shape)
        seen = np.zeros(shape, np.uint8)
        for y, x in zip(chosen.y, chosen.x, strict=True):
            seen[y : y + chosen.shape[0], x : x + chosen.shape[1]] += 1
        assert seen.max() == 1, shape
        assert seen.sum() == len(chosen.y) * np.prod(chosen.shape), shape
        assert 0.97 < seen.sum() / blocks.ENOUGH < 1.01, shape
        assert np.array_equal(blocks.choose_blocks(shape).x, chosen.x)
    assert blocks.choose_blocks((7, 9)).shape == (6, 8)
    assert pytest.approx(blocks.PLASTIC + 1, rel=1e-15) == blocks.PLASTIC**3


@pytest.mark.parametrize("axis", [0, 1])
def test_blocks_see_every_part_of_a_pattern_alike(axis):
    chosen = blocks.choose_blocks((2016, 1596))
    first = (chosen.y, chosen.x)[axis]
    lines = (first[:, None] + np.arange(chosen.shape[axis])).ravel()
    for pitch in range(2, 121):
        of_all = np.bincount(np.arange((2016, 1596)[axis]) % pitch) / (2016, 1596)[axis]
        share = np.bincount(lines % pitch, minlength=pitch) / len(lines) / of_all
        assert 0.8 < share.min() <= share.max() < 1.2, pitch


LARGE = ((400, 600), (20, 12_000), (12_000, 20), (2, 120_000))


@pytest.mark.parametrize(
    ("shape", "pitch", "axis"),
    [
        *((LARGE[0], pitch, axis) for pitch in (4, 6, 8, 24) for axis in (0, 1)),
        (LARGE[1], 8, 0), (LARGE[1], 8, 1), (LARGE[2], 8, 0), (LARGE[2], 8, 1), (LARGE[3], 8, 1),
    ],
)  # fmt: skip
def test_a_part_of_a_large_frame_shows_the_noise_of_all_of_it(monkeypatch, shape, pitch, axis):
    across = np.indices(shape)[axis]
    peaks = np.random.default_rng(5).uniform(300, 3000, shape[axis] // pitch + 1)[across // pitch]
    fibres = 20 + peaks * np.exp(-0.5 * ((across % pitch - (pitch - 1) / 2) * 9 / pitch) ** 2)
    cube = drawn(fibres, 2, shape=shape, excess=0.005)
    given, found = Noise(1.0, 3.4), {}
    for enough in (50_000, cube[0].size):
        monkeypatch.setattr(blocks, "ENOUGH", enough)
        found[enough] = observed(cube, given)
    part, whole = (each.noise for each in found.values())
    assert all(each.differs for each in found.values())
    for level in (20.0, 300.0, 1500.0):
        assert part.sigma(level) == pytest.approx(whole.sigma(level), rel=0.03), level
        assert part.sigma(level) == pytest.approx(Noise(1.0, 3.4, 0.005).sigma(level), rel=0.05)


UNEQUAL = ((1.0, 1.0, 1.0), (1.0, 0.3, 1.0), (0.1, 1.0, 1.0), (0.5, 1.0, 0.3, 1.0), (2.0, 0.4))


@pytest.mark.parametrize("factors", UNEQUAL)
@pytest.mark.parametrize("level", [3.0, 3000.0])
def test_what_noise_makes_of_the_mean_is_known_for_any_flux(factors, level):
    scale = np.array(factors, np.float32)[:, None, None]
    cube = drawn(level * scale * np.ones(SHAPE), len(factors), rnoise=5.0) / scale
    sums = take_sums(stack_exposures(cube), Noise(1.0, 4.0), factors)
    changed = Terms(5.0**2 - 4.0**2, 1.0, 0.0)
    assert np.mean(sums.uneven(changed)) == pytest.approx(1, rel=0.05)
    for variance, sum_of in zip(sums.variance(changed), sums.alternating, strict=True):
        assert np.mean(sum_of**2 / variance) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("factors", UNEQUAL)
def test_unequal_flux_neither_loses_noise_nor_lets_sources_pass(factors):
    scale = np.array(factors, np.float32)[:, None, None]
    cube = drawn(GRADIENT * scale, len(factors)) / scale
    sums = take_sums(stack_exposures(cube), Noise(1.0, 3.4), factors)
    used = levels.variances_by_level(sums, GIVEN).number.sum() / sums.alternating.size
    # What is lost is noise that is as uneven as light, and what lies beside noise of 4 sigma.
    assert 0.93 < used < 0.99
    moved = np.array([ndimage.shift(stars(3000.0, 30.0), d, order=3) for d in (0, 0.3, -0.3, 0.2)])
    cube = drawn(moved[: len(factors)] * scale, len(factors)) / scale
    assert not observed(cube, Noise(1.0, 3.4), factors).differs


@pytest.mark.parametrize("factors", UNEQUAL)
def test_a_wrong_gain_is_seen_for_any_flux(factors):
    scale = np.array(factors, np.float32)[:, None, None]
    cube = drawn(GRADIENT * scale, len(factors)) / scale
    found = observed(cube, Noise(2.0, 3.4), factors)
    assert found.noise.gain == pytest.approx(1.0, rel=0.06)


@pytest.mark.parametrize("side", [8, 16, 24, 32, 48, 64, 80])
def test_few_pixels_tell_the_noise_or_leave_it_as_given(side):
    light = np.broadcast_to(np.linspace(20.0, 2000.0, side), (side, side))
    true, given = Noise(1.0, 3.4), Noise(2.0, 3.4)
    for seed in range(4):
        found = observed(drawn(light, seed=seed, shape=light.shape), given)
        assert found.differs == (side > 60) or 24 < side < 60
        for level in (20.0, 500.0, 2000.0):
            ratio = found.noise.sigma(level) / (true if found.differs else given).sigma(level)
            assert 0.8 < ratio < 1.2


def test_constants_are_what_they_are_said_to_be():
    assert pytest.approx(stats.norm.cdf(1) - stats.norm.cdf(-1)) == scatter.CORE
    assert pytest.approx(stats.truncnorm.var(-scatter.CLIP, scatter.CLIP)) == scatter.LEFT
    # Noise that is taken for a source: one in 28.
    uneven = stats.chi2.sf(levels._UNEVEN * BESIDE**2, BESIDE**2)
    assert uneven == pytest.approx(1 / 28, rel=0.02)
    # Noise that is taken for a hit: one in 16 000.
    assert 2 * stats.norm.sf(levels._HIT) == pytest.approx(1 / 16_000, rel=0.02)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_error_of_a_variance_is_that_of_many_tries(n):
    rng = np.random.default_rng(n)
    pairs = [(i, (i + 1) % n) for i in range(n if n > 2 else 1)]
    number, tries = 400, 600
    values = rng.normal(size=(tries, n, number)).astype(np.float32)
    squares = [
        scatter.scatter_of(np.concatenate([one[i] - one[j] for i, j in pairs])) ** 2 / 2
        for one in values
    ]
    loss = scatter.LOSS * (levels._SHARED if n > 2 else 1)
    expected = np.sqrt(2 * loss / (number * len(pairs)))
    assert np.std(squares) == pytest.approx(expected, rel=0.1)
    assert np.mean(squares) == pytest.approx(1, rel=0.01)
