"""What is drawn over a frame."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmasks_widgets.core.codes import BOTH
from crmasks_widgets.dashboard.drawing import overlays
from crmasks_widgets.dashboard.drawing.viewport import whole_window
from crmasks_widgets.detectors import DETECTORS

from .bench import FIRST, SECOND, SHAPE, Bench

MM_ONLY = DETECTORS["mm"].code


class NoView:
    def __init__(self, context):
        pass

    def render(self, model):
        pass


def marked(pixels, codes):
    return overlays.Marked(np.array(pixels, np.int64), np.array(codes, np.uint8))


@given(
    st.lists(st.tuples(st.integers(0, 49), st.integers(0, 69), st.sampled_from(range(1, 10)))),
    st.integers(1, 40),
)
def test_no_marked_block_is_lost_and_the_highest_code_stays(found, most):
    window = whole_window((50, 70), (most, most))
    pixels = [y * 70 + x for y, x, _ in found]
    drawn = overlays.overlay_indices(marked(pixels, [c for *_, c in found]), 70, window)
    wanted = np.zeros(drawn.shape, int)
    for y, x, code in found:
        block = y // window.block, x // window.block
        wanted[block] = max(wanted[block], code)
    assert (drawn == wanted).all()


@pytest.mark.parametrize("side", range(7, overlays.LARGEST_STENCIL + 1))
def test_shapes_tell_the_codes_without_colour(side):
    window = whole_window((1, 1), (1, 1))
    shapes = {
        (overlays.overlay_indices(marked([0], [code]), 1, window, side) == code).tobytes()
        for code in overlays.overlay_codes()
    }
    assert len(shapes) == len(overlays.overlay_codes())


def test_a_brushed_pixel_keeps_the_shape_of_its_code():
    window = whole_window((1, 1), (1, 1))
    plain = overlays.overlay_indices(marked([0], [BOTH]), 1, window, 12)
    both = overlays.overlay_indices(marked([0, 0], [BOTH, overlays.BRUSHED]), 1, window, 12)
    changed = both != plain
    assert (both[changed] == overlays.BRUSHED).all()
    assert (both == BOTH).any()


def test_shapes_come_where_there_is_room():
    assert overlays.stencil_size(6.9) == 1
    assert overlays.stencil_size(7.5) == 7
    assert overlays.stencil_size(80.0) == overlays.LARGEST_STENCIL


def test_opacity_scales_every_colour_but_nothing():
    table = overlays.overlay_palette(0.5)
    assert table[0].tolist() == [0, 0, 0, 0]
    assert table[MM_ONLY].tolist() == [0x00, 0x72, 0xB2, 128]
    assert 0 < table[MM_ONLY + overlays.TINTED, 3] < 128


@pytest.mark.parametrize("target", ["median", "mean", 1])
def test_masked_pixels_have_the_codes_of_the_analysis(target):
    bench = Bench.of(NoView, pixels_to_be_flagged_as_cr=[[3, 2]], dilation=1)
    model = replace(bench.model, display=replace(bench.model.display, target=target))
    assert overlays.mask_ready(model)
    found = overlays.masked_pixels(model)
    codes = np.zeros(SHAPE, np.uint8)
    codes.ravel()[found.pixels] = found.codes
    assert (codes == model.analysis.codes(target)).all()
    assert np.count_nonzero(codes == MM_ONLY) >= len(FIRST) + len(SECOND)


def test_a_zoomed_diagram_shows_only_its_own_pixels():
    bench = Bench.of(NoView)
    heights = {p: bench.model.analysis.stack.min2d[p] for p in (*FIRST, *SECOND)}
    lowest = min(heights, key=heights.get)
    limits = (heights[lowest] - 0.01, heights[lowest] + 0.01, 0.0, 1e4)
    bench.state.show(diagram=limits)
    found = overlays.masked_pixels(bench.model)
    assert found.pixels.tolist() == [lowest[0] * SHAPE[1] + lowest[1]]


def test_what_was_taken_out_by_hand_is_marked():
    bench = Bench.of(
        NoView,
        mediancr_pixels_rejected=[[1, 1]],
        pixels_to_be_ignored_as_cr=[[2, 1]],
        pixels_to_be_replaced_by_local_median=[[1, 2, 3, 3]],
    )
    found = overlays.edited_pixels(bench.model)
    assert dict(zip(found.pixels.tolist(), found.codes.tolist(), strict=True)) == {
        0: overlays.REJECTED,
        1: overlays.IGNORED,
        SHAPE[1]: overlays.LOCAL_MEDIAN,
    }


def test_brushed_pixels_are_those_inside_the_outline():
    bench = Bench.of(NoView)
    assert overlays.brushed_pixels(bench.model).pixels.size == 0
    bench.state.select(outline=((0, 500), (2000, 500), (2000, 5000), (0, 5000)))
    found = overlays.brushed_pixels(bench.model).pixels
    assert sorted(found) == sorted(y * SHAPE[1] + x for y, x in (*FIRST, *SECOND))
