"""The cube and its frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crmasks_widgets.core.stack import middle, sorted_planes, stack_exposures

VALUES = st.floats(-1e4, 1e5, width=32)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(3, 8), st.integers(1, 5), st.integers(1, 5)),
        elements=VALUES,
    )
)
def test_frames_are_those_of_numpy(data):
    stack = stack_exposures(data)
    np.testing.assert_array_equal(stack.min2d, data.min(axis=0))
    np.testing.assert_array_equal(stack.max2d, data.max(axis=0))
    np.testing.assert_array_equal(stack.median2d, np.median(data, axis=0))
    np.testing.assert_array_equal(stack.mean2d, np.mean(data, axis=0))
    assert stack.median2d.dtype == np.float32
    assert stack.valid is None
    assert (stack.n_valid == len(data)).all()


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=VALUES))
def test_planes_are_sorted_element_by_element(planes):
    ordered = sorted_planes(list(planes))
    np.testing.assert_array_equal(np.array(ordered), np.sort(planes, axis=0))
    np.testing.assert_array_equal(middle(ordered), np.median(planes, axis=0))


@settings(max_examples=50)
@given(
    hnp.arrays(np.float32, (4, 3, 5), elements=VALUES),
    hnp.arrays(np.bool_, (4, 3, 5)),
)
def test_invalid_values_are_left_out_exposure_by_exposure(data, valid):
    stack = stack_exposures(data, valid=valid)
    for y, x in np.ndindex(3, 5):
        kept = data[valid[:, y, x], y, x]
        assert stack.n_valid[y, x] == len(kept)
        frames = [f[y, x] for f in (stack.min2d, stack.median2d, stack.mean2d, stack.max2d)]
        if len(kept) == 0:
            assert np.isnan(frames).all()
            continue
        expected = [kept.min(), np.median(kept), kept.mean(), kept.max()]
        np.testing.assert_allclose(frames, expected, rtol=1e-5)
    if not valid.all():
        assert np.isnan(stack.cube[~valid]).all()


def test_bias_is_subtracted_before_the_flux_factor_divides():
    data = np.full((3, 2, 2), 1100.0, np.float32)
    stack = stack_exposures(data, bias=1000.0, flux_factors=(0.5, 1.0, 2.0))
    assert stack.cube[:, 0, 0].tolist() == [200.0, 100.0, 50.0]
    assert (data == 1100).all()


def test_bias_may_be_a_map():
    bias = np.array([[0.0, 10.0]], np.float32)
    stack = stack_exposures(np.full((3, 1, 2), 10.0, np.float32), bias=bias)
    assert stack.mean2d.tolist() == [[10.0, 0.0]]


def test_targets_are_the_frames_and_the_exposures():
    data = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    stack = stack_exposures(data)
    assert stack.target("median") is stack.median2d
    assert stack.target("mean") is stack.mean2d
    np.testing.assert_array_equal(stack.target(2), data[1])


@pytest.mark.parametrize(("target", "expected"), [("median", True), ("mean", True), (1, False)])
def test_a_pixel_is_valid_in_the_frames_while_one_exposure_is(target, expected):
    valid = np.ones((3, 1, 2), bool)
    valid[0, 0, 0] = False
    stack = stack_exposures(np.zeros((3, 1, 2), np.float32), valid=valid)
    assert stack.target_valid(target)[0, 0] == expected
