"""Parity with numina-crmasks 0.40.0, where its files say more than those of 0.36."""

import json

import numpy as np
import pytest
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets.loading import apply_masks

from . import golden_cases

LATER = golden_cases.GOLDEN / "later"
NAMES = sorted(path.stem for path in LATER.glob("*.yaml"))


def analysis_of(scene, text, name):
    parameters = cm.Parameters.from_yaml_text(text, name)
    exposures = golden_cases.scene(scene)
    return cm.Analysis(cm.ExposureSet.from_arrays(list(exposures)), parameters)


def read(name):
    with fits.open(LATER / f"{name}.fits.gz") as hdus:
        arrays = {hdu.name: np.array(hdu.data) for hdu in hdus[1:]}
        scene = hdus[0].header["SCENE"]
    return arrays, analysis_of(scene, (LATER / f"{name}.yaml").read_text(), name)


@pytest.mark.parametrize("name", NAMES)
def test_masks_without_dice_are_those_of_the_later_reference(name):
    arrays, analysis = read(name)
    for mask_name, mask in analysis.masks.items():
        differing = np.count_nonzero(mask != (arrays[mask_name] > 0))
        assert differing == 0, mask_name
    assert len(analysis.masks) == analysis.exposures.n + 2


def test_meancr2_and_combinations_without_masks_are_those_of_the_later_reference(tmp_path):
    arrays, analysis = read("meancr2")
    assert np.array_equal(analysis.meancr_mask, arrays["MEANCR"] > 0)
    for kind in ("meancr2", "mean", "median", "min"):
        made = analysis.combination(kind)
        expected = arrays[f"{kind.upper()}_DATA"]
        np.testing.assert_allclose(made.data, expected, rtol=1e-6, atol=1e-4)
        assert (made.variance > 0).all()
    filled = analysis.meancr_mask & (made.data != analysis.combination("meancr").data)
    assert filled.any()
    again = analysis.combination("meancr2")
    one = 3.4**2 + np.maximum(again.data[filled], 0)  # the minimum is one exposure
    np.testing.assert_allclose(again.variance[filled], one, rtol=1e-5)
    assert (again.map[filled] == 1).all()
    written = {item.path.name for item in cm.save_all(analysis, tmp_path)}
    assert {f"combined_{kind}.fits" for kind in ("meancr2", "mean", "median", "min")} <= written
    again = apply_masks(analysis, tmp_path / "crmasks.fits").combination("meancr2").data
    assert np.array_equal(again, analysis.combination("meancr2").data)


def test_masks_of_the_later_reference_are_applied_with_its_cleaned_median(tmp_path):
    arrays, analysis = read("pairs")
    names = ["MEDIANCR", "MEANCRT", "CRMASK1", "CRMASK2", "CRMASK3", "MEANCR", "AUXCLEAN"]
    hdus = fits.HDUList([fits.PrimaryHDU()])
    for number in (1, 2, 3):
        hdus[0].header[f"FLUXF{number}"] = 1.0
    hdus.extend(fits.ImageHDU(arrays[name], name=name) for name in names)
    hdus.writeto(tmp_path / "crmasks.fits")
    parameters = analysis.parameters.replace(use_lamedian=True)
    made = apply_masks(cm.Analysis(analysis.exposures, parameters), tmp_path / "crmasks.fits")
    median, mask = analysis.stack.median2d, arrays["MEDIANCR"] > 0
    cleaned = mask & (arrays["AUXCLEAN"] != median)
    assert cleaned.any()
    data = made.combination("mediancr").data
    np.testing.assert_allclose(data[cleaned], arrays["AUXCLEAN"][cleaned], rtol=1e-6)


SERIES = json.loads((LATER / "series.json").read_text())


@pytest.mark.parametrize("name", sorted(SERIES))
def test_simulated_diagrams_flag_as_many_pixels_as_those_of_the_later_reference(name):
    """The same seeds and nearly the same draws: what is left is below the scatter of seeds."""
    expected = np.array(SERIES[name]["counts"])
    analysis = analysis_of(SERIES[name]["scene"], (LATER / f"series_{name}.txt").read_text(), name)
    found = [
        np.count_nonzero(analysis.replace(mm_seed=seed).result("flagged_mm", "median"))
        for seed in range(1, len(expected) + 1)
    ]
    # Medians: with one seed in many, the heaviest weights pull a spline through few crosses down.
    error = expected.std(ddof=1) / np.sqrt(len(expected))
    assert abs(np.median(found) - np.median(expected)) <= 2 * error + 1
