"""The level at which a detector clips, after bias and flux factor are taken away."""

import logging

import numpy as np
import pytest

from crmasks_widgets import Analysis, ExposureSet, ParameterError, Parameters
from crmasks_widgets.core.saturation import saturation_level


def test_a_frame_as_read_keeps_the_level():
    assert saturation_level(65535.0, 0.0) == 65535.0
    assert saturation_level(np.inf, 300.0, 0.9) == np.inf


def test_bias_and_factor_are_taken_away():
    clipped = np.float32(65535) - np.float32(1000.3)
    assert clipped / np.float32(1.1) >= saturation_level(65535.0, 1000.3, 1.1)
    assert saturation_level(65535.0, 1000.0, 1.1) == pytest.approx(64535 / 1.1, rel=1e-5)
    assert saturation_level(500.0, 1000.0) < 0


def test_a_map_of_the_bias_counts_where_it_is_high():
    bias = np.full((100, 100), 1000.0)
    bias[:50] += 4
    bias[3, 3] = 40_000
    assert saturation_level(65535.0, bias) == pytest.approx(65535 - 1004, abs=0.1)


def star(factors=(1.0, 1.0, 1.0), bias=1000.0, clip=20_000.0):
    """A saturated star, and beside it a hit in the second exposure."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:60, :64]
    light = 50 + 90_000 * np.exp(-((x - 30) ** 2 + (y - 25) ** 2) / 12)
    frames = [rng.poisson(f * light) + rng.normal(bias, 3, light.shape) for f in factors]
    frames[1][45, 45:49] += 3000
    return np.minimum(frames, clip)


@pytest.mark.parametrize("how", ["original", "simulated"])
@pytest.mark.parametrize("engine", ["fast", "astroscrappy"])
def test_what_clips_is_no_hit_whatever_the_bias(how, engine):
    factors = (1.0, 0.9, 1.2)
    parameters = Parameters(
        gain=1.0, rnoise=3.0, bias=1000.0, crmethod="lacosmic", la_satlevel=20_000.0,
        flux_factor=factors, apply_flux_factor_to=how, la_engine=engine, la_objlim=1.0,
        la_psffwhm_x=1.5, la_psffwhm_y=1.5,
    )  # fmt: skip
    analysis = Analysis(ExposureSet.from_arrays(list(star(factors))), parameters)
    clipped = star(factors) >= 20_000
    assert clipped.sum(axis=(1, 2)).min() > 20
    for number in (1, 2, 3):
        flagged = analysis.lacosmic(number).mask
        assert not (flagged & clipped[number - 1]).any()
        assert flagged[45, 46] == (number == 2)
    # As a level above the bias it is never reached, and the edge of what clips looks like hits.
    above = analysis.replace(la_satlevel=21_000.0)
    assert any((above.lacosmic(n).mask & clipped[n - 1]).any() for n in (1, 2, 3))


def test_a_level_below_the_bias_is_refused():
    parameters = Parameters(gain=1.0, rnoise=3.0, bias=1000.0, la_satlevel=900.0)
    analysis = Analysis(ExposureSet.from_arrays(list(star())), parameters)
    with pytest.raises(ParameterError, match=r"^la_satlevel: found 900, expected .* 1000$"):
        analysis.lacosmic("median")


def test_classes_know_the_raw_level():
    frames = star()
    frames[:2, 10, 10:13] = 20_000
    parameters = Parameters(
        gain=1.0, rnoise=3.0, bias=1000.0, crmethod="significance", la_satlevel=20_000.0
    )
    analysis = Analysis(ExposureSet.from_arrays(list(frames)), parameters)
    number = int(analysis.labels[10, 11])
    assert number > 0
    assert analysis.hits["class"][number - 1] == "saturated"
    assert analysis.replace(la_satlevel=20_100.0).hits["class"][number - 1] != "saturated"


def test_exposure_times_are_no_levels(caplog):
    frames = [100 + np.zeros((30, 30)), 100 + np.zeros((30, 30)), 300 + np.zeros((30, 30))]
    exposures = ExposureSet.from_arrays(frames)
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        made = Analysis(exposures, Parameters(rnoise=3.0, flux_factor=(300, 300, 900)))
        assert made.alignment.flux_factors == (1, 1, 3)
    assert "found a median of 300" in caplog.text
    assert "they are 1, 1, 3" in caplog.text
    caplog.clear()
    kept = made.replace(flux_factor=(1.0, 0.98, 0.947))
    assert kept.alignment.flux_factors == (1.0, 0.98, 0.947)
    assert not caplog.messages
    assert made.replace(flux_factor=300.0).alignment.flux_factors == (1, 1, 1)


@pytest.mark.parametrize("how", ["original", "simulated"])
def test_exposure_times_find_what_relative_factors_find(how):
    rng = np.random.default_rng(7)
    factors = np.array([1.0, 1.0, 3.0])
    frames = rng.poisson(200 * factors[:, None, None], (3, 64, 64)) + rng.normal(0, 3, (3, 64, 64))
    frames[:2, 20, 20:24] += 900
    exposures = ExposureSet.from_arrays(list(frames))
    made = {
        scale: Analysis(
            exposures,
            Parameters(
                rnoise=3.0, crmethod="mmcosmic", mm_seed=1, mm_nsimulations=2,
                apply_flux_factor_to=how, flux_factor=tuple(scale * factors),
            ),
        ).mediancr
        for scale in (1.0, 300.0)
    }  # fmt: skip
    assert made[1.0][20, 20:24].all()
    np.testing.assert_array_equal(made[1.0], made[300.0])


def test_absurd_factors_are_refused():
    with pytest.raises(ParameterError, match=r"^flux_factor: found 1 and 200, expected the bright"):
        Parameters(flux_factor=(1, 1, 200))
    assert Parameters(flux_factor=(1, 1, 90)).flux_factor == (1, 1, 90)
