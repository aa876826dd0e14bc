"""Parity with numina-crmasks 0.36.0: the same masks, pixel by pixel."""

import numpy as np
import pytest
from astropy.io import fits

import crmasks_widgets as cm

from . import golden_cases
from .counts import count
from .real_data import DATA, needs_real_data

KAST = DATA / "kast_red_2018gdg"
# Median pixels above the boundary that the reference prints for params_spline.yaml, seeds 1-20.
SPLINE_COUNTS = (
    344, 355, 140, 245, 189, 248, 179, 169, 148, 183,
    145, 238, 223, 221, 179, 184, 222, 229, 147, 150,
)  # fmt: skip
# Where the crosses are the same, the two solvers leave 0.01 ADU between their splines.
SPLINE_TOLERANCE = 2


def analysis_of(case):
    parameters = cm.Parameters.from_yaml_text(case.yaml, case.name)
    return cm.Analysis(cm.ExposureSet.from_arrays(list(case.exposures)), parameters)


@pytest.mark.parametrize("name", golden_cases.names())
def test_masks_of_golden_scenes(name):
    case = golden_cases.load(name)
    analysis = analysis_of(case)
    allowed = SPLINE_TOLERANCE if analysis.parameters.mm_boundary_fit == "spline" else 0
    compared = 0
    for mask_name, mask in analysis.masks.items():
        differing = np.count_nonzero(mask != case.arrays[mask_name])
        assert differing <= allowed, mask_name
        compared += 1
    assert compared == len(case.exposures) + 2
    if case.counts:
        counts = analysis.flags("median").counts()
        found = [counts[k] for k in ("either", "lacosmic only", "mm only", "both")]
        expected = [case.counts[k] for k in ("EITHER", "LAONLY", "MMONLY", "BOTH")]
        assert np.abs(np.subtract(found, expected)).max() <= allowed
    if "LAMEDIAN" in case.arrays:
        cleaned = analysis.lacosmic("median").cleaned
        np.testing.assert_allclose(cleaned, case.arrays["LAMEDIAN"], atol=1e-3)


@pytest.mark.parametrize("name", [n for n in golden_cases.names() if "lamedian" not in n])
def test_combinations_of_golden_scenes(name):
    case = golden_cases.load(name)
    if "MEDIANCR_DATA" not in case.arrays:
        assert "MEDIANCR_MAP" not in case.arrays
        return
    analysis = analysis_of(case)
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.combination(kind)
        expected = case.arrays[f"{kind.upper()}_DATA"]
        np.testing.assert_allclose(made.data, expected, rtol=1e-6, atol=1e-4)
        expected_map = case.arrays[f"{kind.upper()}_MAP"].copy()
        if kind == "meancrt":
            # The reference writes 1 where it took a median of all exposures.
            medians = analysis.masks["MEANCRT"] & ~analysis.masks["MEDIANCR"]
            assert (expected_map[medians] == 1).all()
            expected_map[medians] = len(case.exposures)
        np.testing.assert_array_equal(made.map, expected_map)


def test_lamedian_fills_where_lacosmic_cleaned_and_no_hit_is_left_elsewhere():
    """The reference leaves the hit in MM-only and dilated pixels."""
    case = golden_cases.load("use_lamedian")
    analysis = analysis_of(case)
    made, mask = analysis.combination("mediancr").data, analysis.masks["MEDIANCR"]
    cleaned = mask & analysis.lacosmic("median").mask
    reference = case.arrays["MEDIANCR_DATA"]
    np.testing.assert_array_equal(made[cleaned], reference[cleaned])
    rest = mask & ~cleaned
    np.testing.assert_array_equal(reference[rest], analysis.stack.median2d[rest])
    np.testing.assert_array_equal(made[rest], analysis.stack.min2d[rest])


def kast(name):
    parameters = cm.Parameters.from_yaml(KAST / f"params_{name}.yaml")
    return cm.Analysis(cm.read_exposures(parameters.images, 0, [KAST]), parameters)


@needs_real_data
@pytest.mark.parametrize(("name", "allowed"), [("piecewise", 0), ("spline", SPLINE_TOLERANCE)])
def test_masks_of_three_real_exposures(name, allowed):
    analysis = kast(name)
    with fits.open(KAST / f"reference_{name}_crmasks.fits.gz") as hdus:
        for mask_name, mask in analysis.masks.items():
            assert np.count_nonzero(mask != (hdus[mask_name].data > 0)) <= allowed, mask_name
        cleaned = analysis.lacosmic("median").cleaned
        np.testing.assert_allclose(cleaned, hdus["LAMEDIAN"].data, atol=1e-3)


@needs_real_data
def test_the_same_seed_gives_the_counts_of_the_reference():
    """Agreement pixel for pixel is far inside the agreement of medians over 20 seeds."""
    analysis = kast("spline").replace(crmethod="mmcosmic")
    expected = SPLINE_COUNTS[: count(2, 20)]
    counts = [
        analysis.replace(mm_seed=seed).flags("median").counts()["either"]
        for seed in range(1, len(expected) + 1)
    ]
    assert np.abs(np.subtract(counts, expected)).max() <= SPLINE_TOLERANCE
