"""Noise that the differences of exposures show, and what must not be taken for it."""

import numpy as np
import pytest
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.core.combine import exposure_variances
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.observed_noise import observe_noise
from crmasks_widgets.core.stack import stack_exposures

SHAPE = (160, 200)
GRADIENT = np.broadcast_to(np.linspace(20.0, 2000.0, SHAPE[1]), SHAPE)
FIBRES = 20 + 1500 * np.exp(-0.5 * ((np.arange(SHAPE[1]) % 7 - 3) / 1.2) ** 2) * np.ones(SHAPE)


def drawn(light, n=3, *, gain=1.0, rnoise=3.4, excess=0.0, seed=1):
    """Exposures of one scene, ADU, or of one scene each."""
    rng = np.random.default_rng(seed)
    electrons = np.broadcast_to(light, (n, *SHAPE)) * gain
    if excess:
        electrons = rng.gamma(1 / excess, electrons * excess)
    return (rng.poisson(electrons) / gain + rng.normal(0, rnoise, (n, *SHAPE))).astype(np.float32)


def observed(cube, given, factors=None):
    return observe_noise(stack_exposures(cube), given, factors or (1.0,) * len(cube))


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
