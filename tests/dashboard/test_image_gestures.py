"""Gestures on the image: zooming, choosing and painting."""

import pytest

from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image import tools as image_tools
from crmasks_widgets.dashboard.model import edits

from .bench import FIRST, SECOND, SHAPE
from .conftest import decoded
from .image_bench import at, edges, image_bench


@pytest.fixture
def bench():
    return image_bench()


def move(view, x_min, x_max, y_min, y_max):
    """What the page does when the user pans or zooms."""
    with view.x.hold_trait_notifications(), view.y.hold_trait_notifications():
        view.x.set_state({"min": x_min, "max": x_max})
        view.y.set_state({"min": y_min, "max": y_max})


def stroke(view, *points):
    """Drag the brush over FITS positions."""
    for k, (x, y) in enumerate(points):
        event = "dragstart" if k == 0 else "dragmove"
        view._brush._handle_custom_msg({"event": event, "domain": {"x": x, "y": y}}, [])
    x, y = points[-1]
    view._brush._handle_custom_msg({"event": "dragend", "domain": {"x": x, "y": y}}, [])


def test_a_zoom_tells_the_state_once_it_rests(bench):
    move(bench.view, 11.0, 51.0, 21.0, 51.0)
    assert bench.model.display.image == (10.0, 50.0, 20.0, 50.0)
    assert edges(bench.view) == (11.0, 51.0, 21.0, 51.0)
    x_min, x_max = bench.view.layers.patch.mark.x
    assert x_min < 11.0
    assert x_max > 51.0
    assert list(bench.view.layers.overview.mark.x) == [0.5, 80.5]


def test_limits_from_elsewhere_are_shown_in_square_pixels(bench):
    bench.state.show(image=(30.0, 40.0, 20.0, 50.0))
    x_min, x_max, y_min, y_max = edges(bench.view)
    assert (y_min, y_max) == (21.0, 51.0)
    assert (x_min + x_max) / 2 == 36.0
    assert x_max - x_min == pytest.approx(40.0)
    assert bench.model.display.image == (30.0, 40.0, 20.0, 50.0)
    bench.press("q")
    assert edges(bench.view) == (31.0, 41.0, 21.0, 51.0)
    bench.press("h")
    assert edges(bench.view) == (0.5, 80.5, 0.5, 60.5)


def test_buttons_and_the_wheel_zoom(bench):
    bench.press("+")
    assert bench.model.display.image == (19.5, 59.5, 14.5, 44.5)
    bench.press("-")
    assert edges(bench.view) == (0.5, 80.5, 0.5, 60.5)
    bench.view.tools.tools.value = image_tools.ZOOM_BOX
    bench.page.wheel = {"plot": "image", "x": 0.0, "y": 0.0, "total": -693.0}
    x_min, x_max, y_min, _ = edges(bench.view)
    assert (x_min, y_min) == (0.5, 0.5)
    assert x_max - x_min == pytest.approx(40, rel=1e-3)
    bench.view.tools.tools.value = image_tools.PAN
    bench.page.wheel = {"plot": "image", "x": 0.0, "y": 0.0, "total": 0.0}
    assert edges(bench.view)[1] == x_max  # bqplot turns this one itself


def test_a_box_is_zoomed_to(bench):
    view = bench.view
    bench.press("o")
    assert view.figure.interaction is view._box
    view._box.set_state({"brushing": True})
    view._box.set_state({"selected_x": [5.0, 45.0], "selected_y": [10.0, 40.0], "brushing": False})
    assert edges(view) == (5.0, 45.0, 10.0, 40.0)
    assert view._box.selected_x is None
    bench.press("p")
    assert view.figure.interaction is view._pan


def test_a_long_frame_fills_the_plot_at_first_and_is_seen_whole_on_request(bench):
    view = bench.view
    bench.page.sizes = {"image": [400, 150]}
    view.render(bench.model)
    assert edges(view) == (0.5, 80.5, 15.5, 45.5)
    bench.press("h")
    x_min, x_max, y_min, y_max = edges(view)
    assert (y_min, y_max) == (0.5, 60.5)
    assert x_max - x_min == pytest.approx(160)
    bench.press("h")
    assert edges(view) == (0.5, 80.5, 15.5, 45.5)
    # From anywhere else, too, it is the whole first.
    bench.press("+")
    bench.press("h")
    assert edges(view)[2:] == (0.5, 60.5)
    bench.press("h")
    assert bench.model.display.image is None


def test_a_part_of_the_frame_is_shown_in_a_map_and_chosen_there(bench):
    view = bench.view
    assert view.minimap.part == []
    bench.state.show(image=(9.5, 49.5, 14.5, 44.5))
    assert view.minimap.part == [10 / 80, 50 / 80, 15 / 60, 45 / 60]
    assert view.minimap.shape == [60, 80]
    assert decoded(view.minimap.png).shape[:2] == SHAPE
    view.minimap._handle_custom_msg({"x": 0.5, "y": 0.25}, [])
    x_min, x_max, y_min, y_max = edges(view)
    assert ((x_min + x_max) / 2, (y_min + y_max) / 2) == pytest.approx((40.5, 15.5), abs=0.6)
    assert x_max - x_min == 40.0


def test_what_is_selected_elsewhere_is_brought_on_screen_unless_the_image_is_kept(bench):
    picking.reveal(bench.state, SECOND[0])
    y, x = SECOND[0]
    assert bench.model.selection.pixel == SECOND[0]
    assert bench.model.display.image == (x - 60, x + 60, y - 60, y + 60)
    bench.state.show(image=(0.0, 20.0, 0.0, 15.0))
    picking.reveal(bench.state, FIRST[0])
    x_min, x_max, y_min, y_max = bench.model.display.image
    assert (x_max - x_min, y_max - y_min) == (20.0, 15.0)
    assert ((y_min + y_max) / 2, (x_min + x_max) / 2) == FIRST[0]
    bench.press("l")
    picking.reveal(bench.state, SECOND[0])
    assert bench.model.display.image == (x_min, x_max, y_min, y_max)
    assert bench.model.selection.pixel == SECOND[0]


def test_the_right_button_drags_the_contrast(bench):
    low, high = bench.view.layers.limits
    drag = {"plot": "image", "x": 0.0, "y": 0.0, "gesture": 1}
    bench.page.contrast = drag | {"x": 0.5}
    assert bench.view.layers.limits == pytest.approx((low + (high - low) / 2, high * 1.5 - low / 2))
    bench.page.contrast = drag | {"x": 0.0, "y": 1 / 3}
    assert bench.view.layers.limits == pytest.approx(((3 * low - high) / 2, (3 * high - low) / 2))
    assert bench.model.display.limits == "manual"
    bench.page.contrast = drag | {"plot": "diagram", "x": 0.3, "gesture": 2}
    assert bench.model.display.low == pytest.approx((3 * low - high) / 2)


def test_a_click_selects_the_hit_under_it_or_the_pixel(bench):
    bench.tell(event="click", **at(39, 19))
    assert bench.model.selection.pixel == SECOND[0]
    bench.tell(event="click", **at(3, 3))
    assert bench.model.selection.pixel == (3, 3)
    bench.tell(event="click", plot="diagram", x=0.5, y=0.5)
    assert bench.model.selection.pixel == (3, 3)


def test_a_stroke_paints_without_gaps_and_is_one_step_of_undo(bench):
    view = bench.view
    view.tools.tools.value = image_tools.PAINT
    assert view.figure.interaction is view._brush
    stroke(view, (5.0, 5.0), (9.4, 5.0))
    assert bench.model.parameters.pixels_to_be_flagged_as_cr == tuple((x, 5) for x in range(5, 10))
    assert bench.model.analysis.mediancr[4, 4:9].all()
    view.tools.size.value = 3
    stroke(view, (1.0, 60.0))
    forced = bench.model.parameters.pixels_to_be_flagged_as_cr
    assert {(1, 59), (1, 60), (2, 59), (2, 60)} <= set(forced)
    assert len(forced) == 9
    bench.state.undo()
    assert len(bench.model.parameters.pixels_to_be_flagged_as_cr) == 5
    bench.state.undo()
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None


def test_erasing_touches_only_what_is_flagged(bench):
    bench.view.tools.tools.value = image_tools.ERASE
    bench.view.tools.size.value = 9
    y, x = FIRST[0]
    stroke(bench.view, (x + 1, y + 1))
    wanted = tuple(sorted((b + 1, a + 1) for a, b in FIRST))
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == wanted
    assert not bench.model.analysis.mediancr[y, x]


def test_a_click_marks_a_pixel_for_a_local_median(bench):
    bench.view.tools.tools.value = image_tools.LOCAL_MEDIAN
    bench.view.tools.window[0].value, bench.view.tools.window[1].value = 7, 4
    bench.tell(event="click", **at(3, 9))
    assert getattr(bench.model.parameters, edits.LOCAL_MEDIAN) == ((10, 4, 7, 5),)
    assert bench.model.selection.pixel is None
