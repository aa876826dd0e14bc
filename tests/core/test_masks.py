"""Flags become masks: the formulas of docs/method.md, hand edits and invalid pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from crmasks_widgets import Analysis, ExposureSet, Parameters
from crmasks_widgets.core import masks as masking
from crmasks_widgets.core.codes import BOTH, DILATION, FORCED
from crmasks_widgets.core.masks import (
    Flags,
    HandEdits,
    build_masks,
    build_mediancr,
    detection_codes,
    grow,
    mm_flags,
)
from crmasks_widgets.core.mm.boundary import piecewise_boundary
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.detectors import DETECTORS

LACOSMIC_ONLY = DETECTORS["lacosmic"].code
MM_ONLY = DETECTORS["mm"].code
SIGNIFICANCE_ONLY = DETECTORS["significance"].code

SHAPE = (9, 11)
NOISE = Noise(1.0, 1.0)
MASK = hnp.arrays(np.bool_, SHAPE, elements=st.sampled_from([False] * 9 + [True]))


def cube():
    return np.full((3, *SHAPE), 100.0, np.float32)


def hand_edits(forbidden=None, forced=None, rejected=None):
    masks = [pixels() if mask is None else mask for mask in (forbidden, forced, rejected)]
    return HandEdits(~masks[0], *masks[1:])


def pixels(*where):
    mask = np.zeros(SHAPE, bool)
    for y, x in where:
        mask[y, x] = True
    return mask


@pytest.mark.parametrize("limit", [0.0, 1.0])
@given(mask=MASK, dilation=st.integers(0, 12))
def test_growth_is_the_dilation_of_scipy(limit, mask, dilation):
    """Pixel by pixel and as a filter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "SPARSE", limit)
        _check_growth(mask, dilation)


def _check_growth(mask, dilation):
    expected = mask
    if dilation:
        expected = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=dilation)
    np.testing.assert_array_equal(grow(mask, dilation), expected)


@given(st.lists(MASK, min_size=5, max_size=5), st.integers(0, 2))
def test_formulas(flags, dilation):
    """With D the dilation: D(med), D(mean or MEDIANCR), D(i and MEANCRT)."""
    median, mean, *singles = flags
    stack = stack_exposures(cube())
    named = {"median": median, "mean": mean} | dict(enumerate(singles, start=1))
    masks = build_masks(named, stack, hand_edits(), NOISE, dilation)

    def dilated(m):
        return ndimage.binary_dilation(m, np.ones((3, 3)), dilation) if dilation else m

    mediancr = build_mediancr(median, stack, hand_edits(), dilation)
    np.testing.assert_array_equal(mediancr, dilated(median))
    np.testing.assert_array_equal(masks.meancrt, dilated(mean | mediancr))
    for mask, single in zip(masks.exposures, singles, strict=True):
        np.testing.assert_array_equal(mask, dilated(single & masks.meancrt))
    assert not (mediancr & ~masks.meancrt).any()


@given(st.lists(MASK, min_size=5, max_size=5), MASK, MASK, st.integers(0, 2))
def test_forbidden_pixels_stay_out_and_forced_ones_come_in(flags, forbidden, forced, dilation):
    stack = stack_exposures(cube())
    named = {"median": flags[0], "mean": flags[1]} | dict(enumerate(flags[2:], start=1))
    edits, plain_edits = hand_edits(forbidden, forced), hand_edits(forbidden)
    masks = build_masks(named, stack, edits, NOISE, dilation)
    plain = build_masks(named, stack, plain_edits, NOISE, dilation)
    mediancr = build_mediancr(flags[0], stack, edits, dilation)
    wanted = forced & ~forbidden
    for mask in (mediancr, masks.meancrt, *masks.exposures):
        assert not (mask & forbidden).any()
    # forced pixels are added to what there is, without dilation
    without = build_mediancr(flags[0], stack, plain_edits, dilation)
    np.testing.assert_array_equal(mediancr, without | wanted)
    np.testing.assert_array_equal(masks.meancrt, plain.meancrt | wanted)


@given(st.lists(MASK, min_size=5, max_size=5), MASK, st.integers(0, 2))
def test_a_rejected_hit_leaves_mediancr_and_what_it_adds_elsewhere(flags, rejected, dilation):
    stack = stack_exposures(cube())
    named = {"median": flags[0], "mean": flags[1]} | dict(enumerate(flags[2:], start=1))
    edits = hand_edits(rejected=rejected)
    mediancr = build_mediancr(flags[0], stack, edits, dilation)
    np.testing.assert_array_equal(mediancr, grow(flags[0], dilation) & ~rejected)
    masks = build_masks(named, stack, edits, NOISE, dilation)
    # MEANCRT and the exposures still show what their own data flag.
    np.testing.assert_array_equal(masks.meancrt, grow(flags[1] | mediancr, dilation))
    for mask, single in zip(masks.exposures, flags[2:], strict=True):
        np.testing.assert_array_equal(mask, grow(single & masks.meancrt, dilation))


def test_a_pixel_set_by_hand_is_not_rejected_with_its_hit(planted):
    parameters = Parameters(
        rnoise=3.0, crmethod="lacosmic", mm_seed=1, mediancr_pixels_rejected=((21, 41), (22, 41))
    )
    analysis = Analysis(ExposureSet.from_arrays(list(planted)), parameters)
    assert not analysis.mediancr[40, 20:22].any()
    assert analysis.mediancr[41, 20]
    forced = analysis.replace(pixels_to_be_flagged_as_cr=((21, 41),))
    assert forced.mediancr[40, 20:22].tolist() == [True, False]


def test_a_forced_pixel_is_masked_in_the_exposures_that_deviate():
    data = cube()
    data[1, 4, 5] += 31.0
    data[2, 4, 5] += 29.0
    stack = stack_exposures(data)
    nothing = dict.fromkeys(("median", "mean", 1, 2, 3), pixels())
    edits = hand_edits(forced=pixels((4, 5)))
    masks = build_masks(nothing, stack, edits, Noise(100 / 99, 1.0), 3)
    assert masks.meancrt.sum() == build_mediancr(pixels(), stack, edits, 3).sum() == 1
    assert [bool(m[4, 5]) for m in masks.exposures] == [False, True, False]


def test_a_forced_pixel_changes_no_other():
    data = cube()
    data[1, 4, 5] += 31.0
    data[1, 2, 2] += 31.0
    nothing = dict.fromkeys(("median", "mean", 1, 2, 3), pixels())
    edits = hand_edits(forced=pixels((4, 5)))
    masks = build_masks(nothing, stack_exposures(data), edits, Noise(100 / 99, 1.0), 3)
    np.testing.assert_array_equal(masks.exposures, [pixels(), pixels((4, 5)), pixels()])


def test_nested_masks_of_exposures_stay_inside_meancrt():
    flags = dict.fromkeys(("median", 2, 3), pixels())
    flags |= {"mean": pixels((4, 4)), 1: pixels((4, 5))}
    plain, nested = (
        build_masks(flags, stack_exposures(cube()), hand_edits(), NOISE, 1, nested=nested)
        for nested in (False, True)
    )
    assert (plain.exposures[0] & ~plain.meancrt).any()
    np.testing.assert_array_equal(
        nested.exposures, [mask & plain.meancrt for mask in plain.exposures]
    )


def test_invalid_pixels_are_in_no_mask_and_do_not_spread():
    valid = np.ones((3, *SHAPE), bool)
    valid[:, 2, 2] = False  # in no exposure
    valid[0, 6, 6] = False  # in one of them
    stack = stack_exposures(cube(), valid=valid)
    everything = dict.fromkeys(("median", "mean", 1, 2, 3), pixels((2, 3), (6, 6)))
    masks = build_masks(everything, stack, hand_edits(), NOISE, 1)
    assert not build_mediancr(everything["median"], stack, hand_edits(), 1)[2, 2]
    assert not masks.meancrt[2, 2]
    assert not any(m[2, 2] for m in masks.exposures)
    assert [bool(m[6, 6]) for m in masks.exposures] == [False, True, True]


def test_all_three_rules_are_strict():
    """Target - min above the boundary and the threshold, maximum above its limit."""
    data = np.zeros((3, 1, 4), np.float32)
    data[1] = data[2] = [[30.0, 30.1, 31.0, 31.0]]
    data[2, 0, 3] = 40.0
    stack = stack_exposures(data)
    flat = piecewise_boundary(((0.0, 30.0, 1.0), (1.0, 30.0, 1.0)))
    flags = mm_flags(stack.median2d, stack, flat, 0.0, 0.0)
    assert flags.tolist() == [[False, True, True, True]]
    assert mm_flags(stack.median2d, stack, flat, 30.5, 0.0).tolist() == [[False, False, True, True]]
    assert mm_flags(stack.median2d, stack, flat, 31.0, 0.0).sum() == 0
    assert mm_flags(stack.median2d, stack, flat, 0.0, 31.0).tolist() == [[False] * 3 + [True]]
    threshold = np.array([[0.0, 40.0, 0.0, 0.0]])
    assert mm_flags(stack.median2d, stack, flat, threshold, 0.0).tolist() == [
        [False, False, True, True]
    ]


def test_nan_is_never_flagged():
    valid = np.ones((3, 1, 2), bool)
    valid[:, 0, 0] = False
    stack = stack_exposures(np.full((3, 1, 2), 50.0, np.float32), valid=valid)
    low = piecewise_boundary(((0.0, -1.0, 1.0), (1.0, -1.0, 1.0)))
    assert mm_flags(stack.median2d, stack, low, -5.0, -5.0).tolist() == [[False, True]]


def flags_of(*places):
    keys = ("lacosmic", "mm", "significance")
    return Flags({key: pixels(*at) for key, at in zip(keys, places, strict=True)})


def test_a_detector_that_takes_no_part_flags_nothing():
    flags = Flags({"mm": pixels((1, 1))})
    assert flags.by("mm").sum() == 1
    assert not flags.by("lacosmic").any()
    others = {f"{key} only": 0 for key in DETECTORS if key != "mm"}
    assert flags.counts() == {"either": 1, "mm only": 1, "both": 0} | others


def test_counts_by_method():
    flags = flags_of([(0, 0), (1, 1)], [(1, 1), (2, 2), (3, 3)], [(0, 0), (4, 4)])
    expected = {"lacosmic only": 0, "mm only": 2, "significance only": 1, "both": 2}
    others = {f"{key} only": 0 for key in DETECTORS}
    assert flags.counts() == {"either": 5} | others | expected


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ((0, 0), LACOSMIC_ONLY), ((1, 1), BOTH), ((2, 2), MM_ONLY),
        ((3, 3), DILATION), ((4, 4), FORCED), ((5, 5), 0),
        ((6, 6), BOTH), ((7, 7), SIGNIFICANCE_ONLY),
    ],
)  # fmt: skip
def test_codes_say_why(where, code):
    flags = flags_of([(0, 0), (1, 1), (5, 5)], [(1, 1), (2, 2), (6, 6)], [(6, 6), (7, 7)])
    mask = pixels((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (7, 7))
    codes = detection_codes(flags, mask, hand_edits(forced=pixels((4, 4))))
    assert codes[where] == code
