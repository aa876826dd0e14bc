"""Which part of a frame is on screen, and its pixels at the resolution of the screen."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmasks_widgets.dashboard.drawing import viewport
from crmasks_widgets.dashboard.drawing.viewport import Window

sizes = st.tuples(st.integers(1, 900), st.integers(1, 900))
shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))


@given(shapes, sizes)
def test_fitted_limits_hold_the_given_ones_in_square_pixels(shape, size):
    limits = viewport.frame_limits(shape)
    x_min, x_max, y_min, y_max = fitted = viewport.fitted(limits, size)
    assert x_min <= limits[0] + 1e-9
    assert limits[1] - 1e-9 <= x_max
    assert (y_max - y_min) / size[1] == pytest.approx((x_max - x_min) / size[0], rel=0.011)
    assert viewport.fitted(fitted, size) == fitted


def test_zoom_keeps_its_centre_and_ends_at_a_few_pixels():
    limits = (0.0, 100.0, 0.0, 50.0)
    assert viewport.zoomed(limits, 0.5, (20.0, 10.0)) == (10.0, 60.0, 5.0, 30.0)
    x_min, x_max, y_min, y_max = viewport.zoomed(limits, 1e-6)
    assert (x_max - x_min, y_max - y_min) == pytest.approx((8.0, 4.0))
    assert viewport.around((7, 3), limits) == (-47.0, 53.0, -18.0, 32.0)


@given(shapes, sizes, st.data())
@settings(max_examples=200)
def test_a_window_covers_what_is_on_screen_in_blocks_that_the_screen_shows(shape, size, data):
    def edges(n):
        low = data.draw(st.floats(-10, n))
        return low, low + data.draw(st.floats(0.5, 2.0 * n + 1))

    limits = (*edges(shape[1]), *edges(shape[0]))
    window = viewport.covering_window(limits, shape, size, margin=0.0)
    rows, columns = viewport.visible(limits, shape)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        assert window is None
        return
    assert window.x <= columns.start
    assert window.y <= rows.start
    assert window.x + window.columns * window.block >= columns.stop
    assert window.y + window.rows * window.block >= rows.stop
    assert window.x % window.block == window.y % window.block == 0
    assert window.block == 1 or window.block * viewport.screen_pixels(limits, size) >= 1 - 1e-9


def test_nothing_is_drawn_where_the_frame_is_not_on_screen():
    assert (
        viewport.covering_window((200.0, 300.0, 0.0, 9.0), (20, 30), (90, 90), margin=0.5) is None
    )


@given(shapes, st.integers(1, 9), st.booleans())
def test_block_means_are_the_means_of_the_valid_pixels(shape, block, some_invalid):
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    frame = rng.normal(50, 9, shape).astype(np.float32)
    if some_invalid:
        frame[rng.random(shape) < 0.3] = np.nan
        frame[:block, :block] = np.nan
    window = Window(0, 0, -(-shape[1] // block), -(-shape[0] // block), block)
    means = viewport.block_means(frame, window)
    for row in range(window.rows):
        for column in range(window.columns):
            part = frame[row * block : (row + 1) * block, column * block : (column + 1) * block]
            valid = part[np.isfinite(part)]
            wanted = valid.mean() if valid.size else np.nan
            assert means[row, column] == pytest.approx(wanted, rel=1e-5, nan_ok=True)


def test_an_overview_needs_no_more_blocks_than_allowed():
    window = viewport.whole_window((4096, 2000), (400, 300))
    assert window == Window(0, 0, 143, 293, 14)
    assert window.extent == (-0.5, 2001.5, -0.5, 4101.5)


def test_limits_are_moved_over_the_frame_and_keep_their_size():
    inside = partial(viewport.moved_inside, shape=(60, 80))
    assert inside((10, 30, 5, 25)) == (10, 30, 5, 25)
    assert inside((70, 90, -10, 10)) == (59.5, 79.5, -0.5, 19.5)
    assert inside((-20, 100, 50, 70)) == (-20, 100, 39.5, 59.5)
