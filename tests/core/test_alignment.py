"""Flux factors and offsets of simulated exposures are found again."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.alignment import measure_levels, measure_offsets, shifted


def scene(ny=120, nx=160):
    y, x = np.mgrid[:ny, :nx]
    light = 60.0 + 900 * np.exp(-0.5 * ((x - 50) / 1.5) ** 2) * (1 + np.sin(y / 9) / 2)
    for cy, cx in ((30, 90), (80, 120), (100, 30), (60, 75)):
        light += 4000 * np.exp(-0.5 * (((x - cx) / 1.4) ** 2 + ((y - cy) / 1.4) ** 2))
    return light


def exposures(factors=(1, 1, 1), offsets=((0, 0),) * 3, hits=True, seed=3):
    rng = np.random.default_rng(seed)
    frames = []
    for factor, (dx, dy) in zip(factors, offsets, strict=True):
        light = shifted(scene(), dx, dy) * factor
        frame = rng.poisson(light) + rng.normal(0, 3.4, light.shape)
        if hits:
            where = rng.random(light.shape) < 0.01
            frame[where] += rng.exponential(2000, where.sum())
        frames.append(frame)
    return cm.ExposureSet.from_arrays(frames)


@pytest.mark.parametrize("factors", [(1, 1, 1), (0.8, 1.0, 1.2), (0.4, 1.0, 1.9), (1, 0.98, 0.947)])
def test_auto_flux_factors(factors):
    """Unlike the reference's: not quantised, 1 is possible, no limit of 0.5-1.5."""
    analysis = cm.Analysis(exposures(factors), cm.Parameters(rnoise=3.4, flux_factor="auto"))
    found = np.array(analysis.alignment.flux_factors)
    np.testing.assert_allclose(found / found[1], np.array(factors) / factors[1], rtol=8e-3)
    assert analysis.alignment.n_bright > 1000


def test_auto_in_a_region_looks_only_there():
    data = exposures((1, 1, 1), hits=False)
    frames = data.data.copy()
    frames[2, :, 80:] *= 0.5
    wrong_right = cm.ExposureSet.from_arrays(list(frames))
    left = cm.Parameters(rnoise=3.4, flux_factor="auto", flux_factor_regions=((1, 80, 1, 120),))
    right = left.replace(flux_factor_regions=((81, 160, 1, 120),))
    found = [cm.Analysis(wrong_right, p).alignment.flux_factors[2] for p in (left, right)]
    np.testing.assert_allclose(found, [1.0, 0.5], atol=0.02)


def test_auto_without_light_warns_and_takes_one(caplog):
    rng = np.random.default_rng(1)
    dark = cm.ExposureSet.from_arrays([rng.normal(0, 3.4, (40, 40)) for _ in range(3)])
    analysis = cm.Analysis(dark, cm.Parameters(rnoise=3.4, flux_factor="auto"))
    assert analysis.alignment.flux_factors == (1.0, 1.0, 1.0)
    assert "found 0 pixels above 10 sigma, expected at least 100" in caplog.text


def test_exposures_without_light_where_the_median_is_bright_are_equally_bright():
    cube = np.stack([np.full((20, 20), level) for level in (-9000.0, 50.0, -100.0)])
    assert np.isfinite(measure_levels(cube, np.ones((20, 20), bool))[0]).all()


@pytest.mark.parametrize(
    ("value", "factors"),
    [(None, (1.0, 1.0, 1.0)), (0.5, (0.5, 0.5, 0.5)), ((0.9, 1.0, 1.1), (0.9, 1.0, 1.1))],
)
def test_given_flux_factors(value, factors):
    analysis = cm.Analysis(exposures(), cm.Parameters(flux_factor=value))
    assert analysis.alignment.flux_factors == factors
    assert analysis.alignment.n_bright is None


@pytest.mark.parametrize(
    "offsets",
    [
        ((0, 0), (0, 0), (0, 0)),
        ((-0.5, 0.0), (0.0, 0.0), (0.5, 0.0)),
        ((0.0, 0.0), (0.3, -0.7), (-0.4, 1.2)),
    ],
)
def test_offsets_are_found_in_spite_of_hits(offsets):
    """The reference finds 0.2-0.4 of 0.5 pixels."""
    parameters = cm.Parameters(rnoise=3.4, mm_crosscorr_region=(1, 160, 1, 120))
    found = np.array(cm.Analysis(exposures(offsets=offsets), parameters).alignment.offsets)
    expected = np.array(offsets) - np.median(offsets, axis=0)
    np.testing.assert_allclose(found, expected, atol=0.06)


def test_offsets_of_cutouts_with_invalid_pixels():
    cube = exposures(offsets=((0, 0), (1, 0), (0, 0)), hits=False).data.copy()
    cube[0, 40:43, 50] = np.nan
    np.testing.assert_allclose(measure_offsets(cube)[1], (1.0, 0.0), atol=0.06)


def test_shift_shares_out_the_area_and_keeps_the_border():
    row = np.arange(16.0, 21.0)[None, :].repeat(3, axis=0)
    np.testing.assert_allclose(shifted(row, 0.25, 0)[1], [16, 16.75, 17.75, 18.75, 19.75])
    np.testing.assert_allclose(shifted(row, -1, 0)[1], [17, 18, 19, 20, 20])


def test_given_offsets_displace_the_simulation_only():
    data = exposures()
    parameters = cm.Parameters(rnoise=3.4, mm_seed=5, mm_nsimulations=1)
    moved = cm.Analysis(data, parameters.replace(mm_xy_offsets=((0, 0), (0.5, 0), (-0.5, 0))))
    plain = cm.Analysis(data, parameters)
    np.testing.assert_array_equal(moved.stack.cube, plain.stack.cube)
    assert moved.plane.y_edges[-1] == 2 * plain.plane.y_edges[-1]
    assert moved.expected.cross_y.max() > plain.expected.cross_y.max()
