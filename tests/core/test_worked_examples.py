"""Worked examples of what the reference does, number by number."""

import numpy as np
import pytest

import crmasks_widgets as cm

# exposures; min, median, mean, max; MEDIANCR; MEANCRT; CRMASK1-3; mediancr, meancrt, meancr; MAP
EXAMPLES = [
    ((100, 108, 5000), (100, 108, 1736, 5000), 0, 1, (0, 0, 1), (108, 108, 104), 2),
    ((100, 4000, 5000), (100, 4000, 9100 / 3, 5000), 1, 1, (0, 1, 1), (100, 100, 100), 1),
    ((3000, 4000, 5000), (3000, 4000, 4000, 5000), 1, 1, (0, 1, 1), (3000, 3000, 3000), 1),
    ((-20, 5, 12), (-20, 5, -1, 12), 0, 0, (0, 0, 0), (5, -1, -1), 3),
]
FLAT_30 = {
    "crmethod": "mmcosmic",
    "mm_boundary_fit": "piecewise",
    "mm_fixed_points_in_boundary": ((0, 30), (1, 30)),
    "dilation": 0,
    "gain": 1.0,
    "rnoise": 3.4,
}


def analysis_of(values, **changes):
    frames = np.broadcast_to(np.array(values, np.float32)[:, None, None], (len(values), 1, 2))
    parameters = cm.Parameters(**{**FLAT_30, **changes})
    return cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)


@pytest.mark.parametrize(
    ("values", "frames", "mediancr", "meancrt", "crmasks", "combined", "map_"), EXAMPLES
)
def test_example(values, frames, mediancr, meancrt, crmasks, combined, map_):
    analysis = analysis_of(values)
    stack = analysis.stack
    found = [f[0, 0] for f in (stack.min2d, stack.median2d, stack.mean2d, stack.max2d)]
    np.testing.assert_allclose(found, frames, rtol=1e-6)
    masks = [analysis.masks[name][0, 0] for name in ("MEDIANCR", "MEANCRT")]
    assert masks == [mediancr, meancrt]
    assert [analysis.masks[f"CRMASK{i}"][0, 0] for i in (1, 2, 3)] == list(crmasks)
    kinds = ("mediancr", "meancrt", "meancr")
    values = [analysis.combination(kind).data[0, 0] for kind in kinds]
    np.testing.assert_allclose(values, combined, rtol=1e-6)
    assert analysis.combination("meancr").map[0, 0] == map_


def test_the_maximum_saves_a_pixel_with_one_low_exposure():
    assert (
        not analysis_of((-20, 5, 12), mm_fixed_points_in_boundary=((0, 20), (1, 20)))
        .masks["MEDIANCR"]
        .any()
    )
    lower = {"mm_minimum_max2d_rnoise": 3.0, "mm_fixed_points_in_boundary": ((0, 20), (1, 20))}
    assert analysis_of((-20, 5, 12), **lower).masks["MEDIANCR"].all()


def test_a_bias_changes_no_mask():
    plain = analysis_of((100, 108, 5000))
    biased = analysis_of((1100, 1108, 6000), bias=1000.0)
    for name, mask in plain.masks.items():
        np.testing.assert_array_equal(biased.masks[name], mask)


def test_dilation_of_one_isolated_detection():
    frames = np.full((3, 9, 9), 100.0, np.float32)
    frames[1:, 4, 4] = 4000.0
    analysis = cm.Analysis(
        cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(**{**FLAT_30, "dilation": 1})
    )
    counts = {name: int(mask.sum()) for name, mask in analysis.masks.items()}
    assert counts == {"MEDIANCR": 9, "MEANCRT": 25, "CRMASK1": 0, "CRMASK2": 9, "CRMASK3": 9}


def test_local_median_at_the_corner_sees_the_five_others_of_its_clipped_box():
    frame = np.arange(30, dtype=np.float32).reshape(6, 5)
    frame[0, 0] = 900.0
    parameters = cm.Parameters(**FLAT_30, pixels_to_be_replaced_by_local_median=((1, 1, 3, 5),))
    analysis = cm.Analysis(cm.ExposureSet.from_arrays([frame] * 3), parameters)
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.combination(kind)
        assert made.data[0, 0] == np.median([1, 5, 6, 10, 11])
        assert made.data[0, 1] == 1.0
        assert made.variance[0, 0] > 0
