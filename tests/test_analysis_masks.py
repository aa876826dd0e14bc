"""What hand edits, regions, thresholds, maps of the noise and bad pixels do to the masks."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.codes import FORCED

from .analysis_cases import BASE


def test_hand_edits(exposures):
    plain = cm.Analysis(exposures, BASE)
    y, x = np.argwhere(plain.masks["MEDIANCR"])[3]
    free = np.argwhere(~plain.masks["MEANCRT"])[700]
    edited = plain.replace(
        pixels_to_be_ignored_as_cr=((int(x) + 1, int(y) + 1),),
        pixels_to_be_flagged_as_cr=((int(free[1]) + 1, int(free[0]) + 1),),
    )
    for name, mask in edited.masks.items():
        assert not mask[y, x], name
    assert edited.masks["MEDIANCR"][tuple(free)]
    assert edited.codes("median")[tuple(free)] == FORCED
    assert edited.masks["MEDIANCR"].sum() == plain.masks["MEDIANCR"].sum()


def test_skipped_regions_win_over_dilation_and_lose_to_forced_pixels(exposures):
    everything_skipped = cm.Analysis(
        exposures,
        BASE.replace(
            regions_to_be_skipped=((1, 72, 1, 60),), pixels_to_be_flagged_as_cr=((10, 20),)
        ),
    )
    assert np.argwhere(everything_skipped.masks["MEDIANCR"]).tolist() == [[19, 9]]
    assert len(everything_skipped.hits) == 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pixels_to_be_flagged_as_cr", ((73, 1),), r"found pixel \[73, 1\], expected one inside"),
        ("pixels_to_be_replaced_by_local_median", ((1, 61, 3, 3),), r"found pixel \[1, 61\]"),
        ("regions_to_be_skipped", ((60, 73, 1, 5),), r"found region \[60:73, 1:5\]"),
        ("mm_crosscorr_region", (1, 73, 1, 60), r"found region \[1:73, 1:60\]"),
        ("flux_factor", (1.0, 1.0), "found 2 items, expected 3"),
        ("mm_xy_offsets", ((0.0, 0.0),) * 4, "found 4 items, expected 3"),
    ],
)
def test_what_does_not_fit_the_exposures_is_refused_at_once(exposures, key, value, message):
    with pytest.raises(cm.ParameterError, match=f"{key}: {message}"):
        cm.Analysis(exposures, BASE.replace(**{key: value}))


def test_thresholds(exposures):
    analysis = cm.Analysis(exposures, BASE)
    assert analysis.threshold == 0.0
    assert analysis.replace(mm_threshold=45.0).threshold == 45.0
    assert analysis.replace(mm_threshold_rnoise=3.0).threshold == pytest.approx(3 * 3.4)
    automatic = analysis.replace(mm_threshold=None)
    curve, edges = automatic.boundary.boundary, automatic.plane.x_edges
    assert automatic.threshold == pytest.approx(curve(np.linspace(edges[0], edges[-1], 5000)).min())


def test_maps_of_gain_and_noise_equal_numbers_where_they_are_constant(exposures, caplog):
    shape = exposures.shape
    maps = cm.Calibration(
        gain=np.full(shape, 1.5, np.float32),
        rnoise=np.full(shape, 3.4, np.float32),
        bias=np.full(shape, 200.0, np.float32),
    )
    mapped, plain = (cm.Analysis(exposures, BASE, c) for c in (maps, None))
    for name, mask in plain.masks.items():
        np.testing.assert_array_equal(mapped.masks[name], mask, err_msg=name)
    assert "gain and rnoise: L.A.Cosmic takes the median of the map" in caplog.text


def test_a_noisy_half_needs_more_to_be_flagged(exposures):
    noise = np.full(exposures.shape, 3.4, np.float32)
    noise[:, 36:] = 1e6
    calibration = cm.Calibration(gain=1.5, rnoise=noise, bias=200.0)
    flat = BASE.replace(
        crmethod="mmcosmic", mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=((0.0, 60.0), (1.0, 60.0)),
    )  # fmt: skip
    mm = cm.Analysis(exposures, flat, calibration).flags("median").by("mm")
    assert mm[:, :36].any()
    assert not mm[:, 36:].any()


def test_problematic_pixels_are_those_no_exposure_is_left_for(exposures):
    valid = np.ones((3, *exposures.shape), bool)
    plain = cm.Analysis(exposures, BASE)
    only_two = plain.masks["CRMASK2"] & plain.masks["CRMASK3"] & ~plain.masks["CRMASK1"]
    y, x = np.argwhere(only_two)[0]
    valid[0, y, x] = False
    partly = cm.ExposureSet.from_arrays(list(exposures.data), valid=valid)
    analysis = cm.Analysis(partly, BASE)
    np.testing.assert_array_equal(
        analysis.problematic,
        np.logical_and.reduce([analysis.masks[f"CRMASK{i}"] | ~valid[i - 1] for i in (1, 2, 3)]),
    )
    codes = plain.problematic_codes
    assert set(np.unique(codes)) <= {0, 1, 2}
    own = np.logical_and.reduce([plain.detections(i).either for i in (1, 2, 3)])
    np.testing.assert_array_equal(codes == 2, own & plain.problematic)


def test_invalid_pixels_leave_the_detection_elsewhere_alone(exposures):
    """Same boundary, same flags: bad pixels neither spread nor move a statistic."""
    flat = BASE.replace(
        crmethod="mmcosmic", mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=((0.0, 60.0), (1.0, 60.0)), dilation=0,
    )  # fmt: skip
    data = exposures.data.copy()
    data[:, 10:13, 10:13] = np.nan
    data[1, 40, 40] = np.inf
    spoilt = cm.Analysis(cm.ExposureSet.from_arrays(list(data)), flat)
    plain = cm.Analysis(exposures, flat)
    same = np.ones(exposures.shape, bool)
    same[10:13, 10:13] = same[40, 40] = False
    for name, mask in plain.masks.items():
        np.testing.assert_array_equal(spoilt.masks[name][same], mask[same])
        assert not spoilt.masks[name][10:13, 10:13].any()
    assert not spoilt.masks["CRMASK2"][40, 40]
