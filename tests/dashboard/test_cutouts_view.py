"""The cutouts of a hit: what they show, and what is decided there."""

import numpy as np
import pytest

from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.core.detectors import DETECTORS
from crmasks_widgets.dashboard.drawing import cutouts, overlays
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.hits.cutouts_view import CutoutsView
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.tools import ERASE, LOCAL_MEDIAN, PAINT

from .bench import FIRST, SECOND, SHAPE, Bench, flat_frames
from .conftest import decoded

MM_ONLY = DETECTORS["mm"].code

OUTLINE = rgb(overlays.overlay_codes()[overlays.BRUSHED].colour)


@pytest.fixture
def bench():
    made = Bench.of(CutoutsView, semiwindow=4)
    made.page.sizes = {"cutouts": [900, 170]}
    return made


def fits_pixels(pixels):
    return tuple(sorted((x + 1, y + 1) for y, x in pixels))


def panel(view, k):
    """Colours of the middle of every pixel in panel k."""
    panels = view._panels
    x, y = panels.corner(k)
    whole = decoded(view.image.png)
    rows = y + panels.side // 2 + panels.side * np.arange(panels.height)
    columns = x + panels.side // 2 + panels.side * np.arange(panels.width)
    return whole[rows[:, None], columns]


def click(bench, k, pixel):
    """Click an array index in panel k."""
    view = bench.view
    x, y = view._panels.corner(k)
    x += (pixel[1] - view._part[1].start + 0.5) * view._panels.side
    y += (pixel[0] - view._part[0].start + 0.5) * view._panels.side
    width, height = view.x.max - view.x.min, view.y.max - view.y.min
    bench.tell(
        event="click", plot="cutouts", x=(x - view.x.min) / width, y=(y - view.y.min) / height
    )


def test_next_and_previous_go_through_the_hits_in_raster_order(bench):
    seen = []
    for key in ("j", "ArrowRight", "j", "k", "ArrowLeft"):
        bench.press(key)
        seen.append(picking.subject(bench.model).number)
    assert seen == [1, 2, 1, 2, 1]
    assert bench.model.selection.pixel in FIRST
    bench.state.select(pixel=(20, 5))  # between both
    bench.press("j")
    assert picking.subject(bench.model).number == 2
    bench.state.select(pixel=(20, 5))
    bench.press("k")
    assert picking.subject(bench.model).number == 1


def test_the_image_moves_to_a_hit_that_it_does_not_show(bench):
    bench.state.show(image=(0.0, 10.0, 0.0, 10.0))
    bench.press("j")
    x_min, x_max, y_min, y_max = bench.model.display.image
    y, x = bench.model.selection.pixel
    assert x_min <= x <= x_max
    assert y_min <= y <= y_max
    assert (x_max - x_min, y_max - y_min) == (10.0, 10.0)


def test_panels_show_exposures_median_codes_and_corrected_on_one_scale(bench):
    bench.state.show(stretch="linear")
    bench.state.select(pixel=SECOND[0])
    view, stack = bench.view, bench.model.analysis.stack
    assert list(view.names.text) == [
        "exposure 1", "exposure 2", "exposure 3", "median", "why flagged", "corrected median",
    ]  # fmt: skip
    part = view._part
    median = stack.median2d[part]
    low, high = median.min(), median.max()
    fixed = bench.model.analysis.combination("mediancr").data[part]
    for k, frame in ((0, stack.cube[0][part]), (3, median), (5, fixed)):
        wanted = 255 * np.clip((frame - low) / (high - low), 0, 1)
        assert abs(panel(view, k)[..., 0].astype(int) - wanted).max() <= 3
    codes = panel(view, 4)
    y, x = SECOND[0][0] - part[0].start, SECOND[0][1] - part[1].start
    assert tuple(codes[0, 0, :3]) == (235, 235, 235)
    shown = {tuple(c) for c in decoded(view.image.png)[..., :3].reshape(-1, 3)}
    assert rgb(all_codes()[MM_ONLY].colour) in shown
    assert OUTLINE in shown
    assert tuple(codes[y, x, :3]) != (235, 235, 235)


def test_rejecting_takes_the_hit_out_of_mediancr_and_accepting_puts_it_back(bench):
    bench.state.select(pixel=(SECOND[0][0] + 1, SECOND[0][1] - 1))  # beside it
    before = bench.model.analysis.mediancr.copy()
    bench.view.reject.click()
    assert bench.model.parameters.mediancr_pixels_rejected == fits_pixels(SECOND)
    assert not any(bench.model.analysis.mediancr[p] for p in SECOND)
    assert bench.model.selection.pixel in SECOND
    assert bench.view.reject.description == "Accept"
    assert "rejected" in bench.view.title.value
    assert any("rejected at x" in name for name, _ in bench.view.taken_out.options)
    bench.view.reject.click()
    assert bench.model.parameters.mediancr_pixels_rejected is None
    assert (bench.model.analysis.mediancr == before).all()
    assert bench.view.reject.description == "Reject"
    assert len(bench.view.taken_out.options) == 1


def test_a_hit_that_is_no_cosmic_ray_leaves_every_mask_and_comes_back(bench):
    bench.state.select(pixel=FIRST[0])
    bench.press("V")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == fits_pixels(FIRST)
    assert not any(mask[FIRST[0]] for mask in bench.model.analysis.masks.values())
    assert bench.view.ignore.description == "May be a cosmic ray"
    assert bench.view.reject.disabled
    bench.press("V")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr is None
    assert bench.model.analysis.mediancr[FIRST[0]]


def test_what_was_taken_out_can_be_found_again(bench):
    bench.state.select(pixel=FIRST[0])
    bench.press("v")
    bench.press("j")
    assert bench.model.selection.pixel in SECOND
    bench.view.taken_out.value = bench.view.taken_out.options[1][1]
    assert bench.model.selection.pixel in FIRST
    assert bench.view.taken_out.label == "taken out: 1"
    assert bench.view.reject.description == "Accept"


def test_pixels_are_painted_erased_and_marked_by_clicks(bench):
    bench.state.select(pixel=SECOND[0])
    click(bench, 0, (42, 18))
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None  # a look changes nothing
    bench.view.tools.value = PAINT
    click(bench, 0, (42, 18))
    assert bench.model.parameters.pixels_to_be_flagged_as_cr == ((19, 43),)
    bench.view.tools.value = ERASE
    click(bench, 5, SECOND[0])
    click(bench, 5, (43, 18))  # not flagged
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == fits_pixels(SECOND[:1])
    bench.view.tools.value = LOCAL_MEDIAN
    click(bench, 3, (43, 18))
    assert bench.model.parameters.pixels_to_be_replaced_by_local_median == ((19, 44, 5, 5),)
    assert not bench.errors


def test_ticks_are_fits_pixels(bench):
    bench.state.select(pixel=SECOND[0])
    x_axis = bench.view.axes[0]
    panels, part = bench.view._panels, bench.view._part
    for place, text in x_axis.tick_labels.items():
        row, column = panels.pixel(float(place), 1.0)
        assert row == 0
        assert int(text) == part[1].start + column + 1
    assert len(x_axis.tick_values) == 3 * panels.columns


def test_cutouts_are_made_larger_and_wider(bench):
    bench.state.select(pixel=SECOND[0])
    bench.press("-")
    assert bench.view._panels.width == 15
    bench.press("+")
    bench.press("+")
    bench.press("+")
    assert bench.view._panels.width == 5


@pytest.mark.parametrize("n", [3, 5, 9])
def test_any_number_of_exposures_finds_room(n):
    bench = Bench.of(CutoutsView, flat_frames(n), semiwindow=30)
    bench.page.sizes = {"cutouts": [560, 400]}
    bench.state.select(pixel=(0, 79))  # a corner of the frame
    panels = bench.view._panels
    assert panels.count == n + 3
    assert (panels.height, panels.width) == (31, 31)
    assert panels.columns * panels.rows >= panels.count
    assert "no hit here" in bench.view.title.value
    assert not bench.errors


def test_panels_become_as_large_as_the_plot_allows():
    assert cutouts.arrange(6, (31, 31), (1100, 200)).columns == 6
    assert cutouts.arrange(6, (31, 31), (500, 400)).columns == 3
    assert cutouts.arrange(6, (31, 31), (100, 900)).columns == 1
    assert cutouts.arrange(6, (31, 31), (1, 1)).side >= 1


def test_positions_between_panels_are_no_pixels():
    panels = cutouts.arrange(6, (9, 9), (500, 400))
    assert panels.columns == 3
    assert panels.corner(0)[1] > panels.corner(3)[1] == 0  # reading order
    for k in range(6):
        x, y = panels.corner(k)
        assert panels.pixel(x, y) == (0, 0)
        assert panels.pixel(x + 9 * panels.side - 1, y + 9 * panels.side - 1) == (8, 8)
        assert panels.pixel(x - 1, y) is None
        assert panels.pixel(x, y + 9 * panels.side) is None


def test_nothing_selected_says_what_to_do(bench):
    assert "Click a flagged pixel" in bench.view.title.value
    assert bench.view.reject.disabled
    assert bench.model.analysis.exposures.shape == SHAPE


def test_no_plot_is_seen_while_nothing_is_selected(bench):
    seen = []
    for pixel in (None, FIRST[0], None):
        bench.state.select(pixel=pixel)
        seen.append("crmasks-unseen" not in bench.view.figure._dom_classes)
    assert seen == [False, True, False]
