"""Pixels beside pixels, in frames small enough to write down."""

import numpy as np
import pytest
from scipy import ndimage

from crmasks_widgets.core import neighbours

FRAME = np.arange(20, dtype=np.float32).reshape(4, 5)
EVERY = np.arange(FRAME.size)


def test_a_box_goes_row_by_row_with_or_without_its_middle():
    assert neighbours.box(1)[:4] == [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
    assert len(neighbours.box(2)) == 25
    assert set(neighbours.box(2)) - set(neighbours.box(2, middle=False)) == {(0, 0)}


@pytest.mark.parametrize("dy", [-2, 0, 1, 7])
@pytest.mark.parametrize("dx", [-6, -1, 0, 2])
def test_beyond_the_border_stands_the_nearest_pixel_within(dy, dx):
    index, inside = neighbours.at_offset(FRAME.shape, EVERY, dy, dx)
    for pixel, at, within in zip(EVERY, index, inside, strict=True):
        y, x = divmod(int(pixel), 5)
        assert at == np.clip(y + dy, 0, 3) * 5 + np.clip(x + dx, 0, 4)
        assert within == (0 <= y + dy < 4 and 0 <= x + dx < 5)


def test_each_pixel_may_have_an_offset_of_its_own():
    index, inside = neighbours.at_offset(FRAME.shape, np.array([7, 7, 19]), np.array([1, 0, 1]), -1)
    assert index.tolist() == [11, 6, 18]
    assert inside.tolist() == [True, True, False]


def test_frames_that_lie_one_behind_another_are_no_neighbours():
    frames = np.stack([FRAME, FRAME + 100])
    last_of_first, first_of_second = 19, 20
    values = neighbours.values_at(frames, np.array([last_of_first, first_of_second]), 1, 0)
    np.testing.assert_array_equal(values, [np.nan, 105])
    values = neighbours.values_at(frames, np.array([last_of_first, first_of_second]), 0, -1)
    np.testing.assert_array_equal(values, [18, np.nan])


def test_around_a_pixel_in_a_corner_five_are_missing():
    index, inside = neighbours.around(FRAME.shape, np.array([0, 6]), middle=False)
    assert index[inside[:, 0], 0].tolist() == [1, 5, 6]
    assert index[:, 1].tolist() == [0, 1, 2, 5, 7, 10, 11, 12]
    assert inside[:, 1].all()
    assert len(neighbours.around(FRAME.shape, np.array([0]))[0]) == 9


def test_ranges_of_single_pixels_are_those_of_the_whole_frame():
    frames = np.random.default_rng(1).normal(0, 1, (2, 6, 7)).astype(np.float32)
    expected = [
        ndimage.maximum_filter(f, 3, mode="nearest") - ndimage.minimum_filter(f, 3, mode="nearest")
        for f in frames
    ]
    np.testing.assert_array_equal(neighbours.local_range(frames), expected)
    pixels = np.arange(42)
    at = neighbours.range_at(frames[0], pixels)
    np.testing.assert_array_equal(at, expected[0].ravel())
    assert at.dtype == neighbours.local_range(frames).dtype == np.float32


def test_the_range_at_a_pixel_leaves_out_what_is_no_number():
    frame = FRAME.copy()
    frame[0, 0] = frame[1, 1] = np.nan
    assert neighbours.range_at(frame, np.array([6]))[0] == 12 - 1
    assert np.isnan(neighbours.range_at(np.full_like(frame, np.nan), np.array([6]))[0])
