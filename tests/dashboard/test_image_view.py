"""The image: what it shows, and what gestures on it change."""


import numpy as np
import pytest
from astropy.io import fits
from bqplot import LinearScale

from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.core.codes import INVALID_COLOUR, all_codes
from crmasks_widgets.dashboard.drawing import overlays
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.stretches import colour_indices, colour_palette
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image import tools as image_tools
from crmasks_widgets.dashboard.image.frames import celestial, sky_text
from crmasks_widgets.dashboard.image.view import ImageView
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.plots.image_buffers import ImageBuffers, Same
from crmasks_widgets.detectors import DETECTORS

from .bench import FIRST, SECOND, SHAPE, Bench, flat_frames
from .conftest import decoded

MM_ONLY = DETECTORS["mm"].code

SIZE = [400, 300]  # five screen pixels to a pixel: the whole frame fills the plot


@pytest.fixture
def bench():
    made = Bench.of(ImageView)
    made.page.sizes = {"image": SIZE}
    made.view.render(made.model)
    return made


def at(y, x):
    """Fractions of the plot of an array index, with the whole frame on screen."""
    return {"plot": "image", "x": (x + 0.5) / SHAPE[1], "y": (y + 0.5) / SHAPE[0]}


def edges(view):
    return view.x.min, view.x.max, view.y.min, view.y.max


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


def drawn(view):
    return decoded(view.layers.patch.png)


# Drawing


def test_the_whole_frame_is_drawn_upright_on_fits_axes(bench):
    view = bench.view
    assert edges(view) == (0.5, 80.5, 0.5, 60.5)
    assert list(view.layers.patch.mark.x) == [0.5, 80.5]
    assert list(view.layers.patch.mark.y) == [0.5, 60.5]
    bench.state.show(limits="minmax")
    shown = drawn(view)
    assert shown.shape[:2] == SHAPE
    bright = {(int(y), int(x)) for y, x in np.argwhere(shown[..., 0] > 200)}
    assert bright == {*FIRST, *SECOND}


def test_every_frame_can_be_shown_and_stays_in_the_browser(bench):
    view, analysis, seen = bench.view, bench.model.analysis, {}
    stack, fixed = analysis.stack, {k: analysis.combination(k).data for k in KINDS}
    frames = {"median": stack.median2d, "mean": stack.mean2d, "min": stack.min2d, **fixed}
    frames |= {str(i): frame for i, frame in enumerate(stack.cube, start=1)}
    frames["difference"] = stack.median2d - fixed["mediancr"]
    for key in view.display.keys:
        bench.state.show(frame=key)
        wanted = colour_indices(frames[key], view.layers.limits, "asinh")
        assert (drawn(view)[..., :3] == colour_palette("gray")[wanted][..., :3]).all()
        assert view.display.bar.state["shown"] == key
        seen[key] = view.layers.patch.mark.image, view.layers.patch.png
    for key, (buffer, png) in seen.items():
        bench.state.show(frame=key)
        assert view.layers.patch.mark.image is buffer
        assert buffer.value == png
    assert len({id(buffer) for buffer, _ in seen.values()}) == 10


def test_frames_share_the_limits_of_the_median_and_the_difference_has_its_own(bench):
    view = bench.view
    common = set()
    for key in set(view.display.keys) - {"difference"}:
        bench.state.show(frame=key)
        common.add(view.layers.limits)
    assert len(common) == 1
    bench.state.show(frame="difference")
    assert view.layers.limits not in common


def test_pictures_follow_stretch_colours_and_limits(bench):
    seen = {bench.view.layers.patch.png}
    for change in (
        {"stretch": "log"},
        {"colours": "magma"},
        {"limits": "percentile"},
        {"limits": "manual", "low": 190.0, "high": 230.0},
    ):
        bench.state.show(**change)
        seen.add(bench.view.layers.patch.png)
    assert len(seen) == 5
    assert bench.view.layers.limits == (190.0, 230.0)


def test_pixels_without_a_value_are_marked():
    frames = flat_frames()
    frames[:, 7, 9] = np.nan
    bench = Bench.of(ImageView, frames)
    bench.page.sizes = {"image": SIZE}
    bench.view.render(bench.model)
    assert tuple(drawn(bench.view)[7, 9, :3]) == rgb(INVALID_COLOUR)


def test_flags_lie_over_their_pixels(bench):
    shown = decoded(bench.view.layers.overlay.png)
    assert list(bench.view.layers.overlay.mark.x) == [0.5, 80.5]
    found = {(int(y), int(x)) for y, x in np.argwhere(shown[..., 3] > 0)}
    assert found == {*FIRST, *SECOND}
    assert tuple(shown[FIRST[0]][:3]) == rgb(all_codes()[MM_ONLY].colour)
    bench.state.show(opacity=0.0)
    assert not decoded(bench.view.layers.overlay.png)[..., 3].any()


def test_a_close_look_shows_shapes(bench):
    bench.state.show(image=(16.5, 24.5, 37.5, 43.5))
    shown = decoded(bench.view.layers.overlay.png)
    side = overlays.LARGEST_STENCIL
    left, low = bench.view.layers.overlay.mark.x[0], bench.view.layers.overlay.mark.y[0]
    y, x = SECOND[0]
    row, column = round(y + 1 - 0.5 - low) * side, round(x + 1 - 0.5 - left) * side
    cell = shown[row : row + side, column : column + side, 3]
    assert len(np.unique(cell)) == 2  # the shape, and its tint
    assert cell[side // 2].max() == cell.max()


def test_what_is_not_known_yet_leaves_the_decoded(bench):
    view, before = bench.view, bench.view.layers.patch.png
    analysis = bench.model.analysis.replace(bias=7.0)
    known = analysis.computed()
    view.render(bench.model.of(analysis))
    assert view.layers.patch.png == before
    assert analysis.computed() == known


def test_the_selected_hit_is_boxed_and_hits_are_numbered(bench):
    bench.state.select(pixel=SECOND[0])
    assert min(bench.view.layers.box.x) <= 20.5
    assert max(bench.view.layers.box.x) >= 22.5
    assert (min(bench.view.layers.box.x) + max(bench.view.layers.box.x)) / 2 == 21.5
    bench.press("#")
    assert list(bench.view.layers.numbers.text) == ["1", "2"]
    assert list(bench.view.layers.numbers.x) == [61.5, 22.5]
    bench.press("#")
    assert len(bench.view.layers.numbers.text) == 0


# What is on screen


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
    assert bench.model.display.image is None


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


# Selecting, painting


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


# Controls and keys


def test_the_layers_panel_sets_the_display_and_follows_it(bench):
    assert bench.view.display.layers is None
    bench.view.display.toggle_layers()
    panel = bench.view.display.layers
    panel.opacity.value = 0.25
    assert bench.model.display.opacity == 0.25
    bench.state.show(follow=False)
    assert panel.follow.value is False
    panel.minuend.value = "2"
    display = bench.model.display
    assert (display.frame, display.minuend, display.subtrahend) == ("difference", "2", "mediancr")


def moved(panel, low, high):
    """What the page sends of the limits under the hand."""
    count = panel.widget.moved.get("count", 0) + 1
    panel.widget.set_state({"moved": {"low": low, "high": high, "count": count}})


@pytest.fixture
def levels(bench):
    bench.view.display.toggle_levels()
    return bench.view.display.levels


def test_limits_follow_the_hand_and_wrong_ones_change_nothing(bench, levels):
    state = levels.widget.state
    assert tuple(state["limits"]) == bench.view.layers.limits
    assert (state["kind"], sum(state["counts"])) == ("zscale", SHAPE[0] * SHAPE[1] - 5)
    low, within = state["limits"][0], state["range"]
    moved(levels, low, 203.0)
    assert bench.view.layers.limits == (low, 203.0)
    assert levels.widget.state["range"] == within
    assert (levels.widget.state["kind"], levels.widget.state["answered"]) == ("manual", 1)
    moved(levels, 400.0, 203.0)
    assert "Low: found 400, expected less than 203" in levels.widget.state["message"]
    assert bench.view.layers.limits == (low, 203.0)
    bench.press(",")
    assert levels.widget.state["limits"] == list(bench.view.layers.limits)
    assert levels.widget.state["range"][1] > 1100
    assert sum(levels.widget.state["counts"]) == SHAPE[0] * SHAPE[1]


def test_stretch_and_colours_are_chosen_in_the_panel(bench, levels):
    levels.widget._handle_custom_msg({"set": {"stretch": "sqrt"}}, [])
    assert bench.model.display.stretch == "sqrt"
    ramp = levels.widget.state["ramp"]
    assert (ramp[0], ramp[-1]) == ("#000000", "#ffffff")
    assert int(ramp[len(ramp) // 4][1:3], 16) == pytest.approx(255 * 0.5, abs=5)
    levels.widget._handle_custom_msg({"close": True}, [])
    assert levels.widget.layout.display == "none"


def test_limits_for_a_difference_are_not_those_for_frames(bench):
    bench.state.show(limits="manual", low=190.0, high=230.0)
    show(bench, show="difference")
    assert bench.view.layers.limits != (190.0, 230.0)
    bench.page.contrast = {"plot": "image", "x": 0.1, "y": 0.0, "gesture": 1}
    by_hand = bench.view.layers.limits
    assert (bench.model.display.limits, by_hand[0]) == ("manual", bench.model.display.low)
    show(bench, show="median")
    assert bench.view.layers.limits != by_hand


def show(bench, **content):
    """What the page sends of the row of frames."""
    bench.view.display.bar._handle_custom_msg(content, [])


def test_the_difference_is_of_the_frame_before_and_its_correction(bench):
    show(bench, show="2")
    assert "difference: exposure 2 − corr" in bench.view.display.bar.state["titles"]["difference"]
    show(bench, show="difference")
    assert bench.view.caption.value == "<span>exposure 2 − corrected median</span>"
    stack, fixed = bench.model.analysis.stack, bench.model.analysis.combination("mediancr").data
    wanted = colour_indices(stack.target(2) - fixed, bench.view.layers.limits, "asinh")
    assert (drawn(bench.view)[..., 0] == colour_palette("gray")[wanted][..., 0]).all()
    show(bench, show="mediancr")
    show(bench, show="difference")
    assert bench.model.display.minuend == "2"


def test_frames_that_are_marked_take_turns(bench):
    for key in ("3", "median", "difference", "difference"):
        show(bench, mark=key)
    assert bench.model.display.blink == ("median", "3")
    shown = []
    for key in ("b", "b", "B"):
        bench.press(key)
        shown.append(bench.model.display.frame)
    assert shown == ["3", "median", "3"]
    bench.state.show(frame="1")
    bench.press("B")
    assert bench.model.display.frame == "3"


def test_keys_choose_frames_and_blink(bench):
    shown = []
    for key in ("0", "1", "3", "m", "t", "t", "t", "t", "t", "b", "B", "B"):
        bench.press(key)
        shown.append(bench.model.display.frame)
    assert shown == ["mean", "1", "3", "median", "mean", "1", "2", "3", "mean", "meancrt", "mean",
                     "difference"]  # fmt: skip
    # Frames take turns in the order of the bar.
    buttons = [key for key, _ in bench.view.display.bar.state["frames"]]
    assert list(bench.view.display.keys[: len(buttons)]) == buttons
    assert not {"x", "z", "4"} & bench.view.keys.keys()
    bar = bench.view.display.bar
    show(bench, play=True)
    assert bar.state["playing"]
    show(bench, step=1)
    assert (bench.model.display.frame, bar.state["steps"]) == ("mean", 1)
    show(bench, play=False)
    show(bench, step=1)
    assert (bench.model.display.frame, bar.state["steps"]) == ("mean", 2)


def test_the_readout_says_what_is_known_about_a_pixel(bench):
    y, x = SECOND[0]
    bench.page.pointer = at(y, x)
    text = bench.view.readout.value
    stack = bench.model.analysis.stack
    for frame in (*stack.cube, stack.min2d, stack.median2d):
        assert f"{frame[y, x]:.1f}" in text
    assert "x <b>21</b> y <b>41</b>" in text
    assert "MM in median" in text
    assert "MEDIANCR, MEANCRT" in text
    lowest, noise = float(stack.min2d[y, x]), bench.model.analysis.calibration.noise
    over = float(stack.median2d[y, x]) - lowest - (30 + 70 * lowest / 1000)
    assert f"{over / np.sqrt(lowest / noise.gain + 9):.1f} σ over the boundary" in text
    bench.press("i")
    bench.page.pointer = at(0, 0)
    assert bench.view.note.value == text
    assert "not flagged" in bench.view.readout.value
    bench.page.pointer = {}
    assert bench.view.readout.value == ""


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


def test_buttons_choose_frames_and_follow_them(bench):
    bar = bench.view.display.bar
    assert [key for key, _ in bar.state["frames"]] == [
        "median", "mediancr", "min", "1", "2", "3", "difference",
    ]  # fmt: skip
    assert [key for key, _ in bar.state["others"]] == ["mean", "meancrt", "meancr"]
    show(bench, show="mediancr")
    assert bench.model.display.frame == bar.state["shown"] == "mediancr"


def test_the_picture_is_saved_by_the_page(bench):
    sent = []
    bench.view.figure.send = lambda content, buffers=None: sent.append(content)
    bench.press("s")
    assert sent[0]["type"] == "save_png"
    assert sent[0]["filename"] == "crmasks_image_median.png"


def test_opacity_keys_stay_within_their_range(bench):
    for _ in range(12):
        bench.press("]")
    assert bench.model.display.opacity == 1.0
    for _ in range(12):
        bench.press("[")
    assert bench.model.display.opacity == 0.0


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


def test_the_readout_gives_the_place_on_the_sky_where_a_header_tells_it():
    header = fits.Header()
    for key, value in {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 21.0,
        "CRPIX2": 41.0, "CDELT1": -1e-4, "CDELT2": 1e-4, "CUNIT1": "deg", "CUNIT2": "deg",
    }.items():  # fmt: skip
        header[key] = value
    assert sky_text(celestial(header), 40, 20) == "10h00m00.0s +02d00m00.0s"
    assert celestial(fits.Header()) is None
    header["CTYPE1"] = "nonsense"
    assert sky_text(celestial(header), 40, 20) == ""


# The buffers


def test_image_buffers_make_each_picture_once_and_forget_the_oldest():
    scales = {"x": LinearScale(), "y": LinearScale()}
    buffers, made = ImageBuffers(scales, 2), []

    def show(name):
        def make():
            made.append(name)
            return name.encode(), (0, 1, 0, 1)

        buffers.show(name, make)
        assert buffers.png == name.encode()

    for name in ("a", "b", "a", "c", "a", "b"):
        show(name)
    assert made == ["a", "b", "c", "b"]


def test_a_key_of_an_object_ends_with_it():
    class Thing:
        pass

    thing, other = Thing(), Thing()
    key = Same(thing)
    assert key == Same(thing)
    assert hash(key) == hash(Same(thing))
    assert key != Same(other)
    del thing
    assert key != Same(other)
    assert key != key.__class__(other)


def test_the_diagram_decides_what_is_marked(bench):
    heights = {p: bench.model.analysis.stack.min2d[p] for p in (*FIRST, *SECOND)}
    lowest = min(heights, key=heights.get)
    bench.state.show(diagram=(heights[lowest] - 0.01, heights[lowest] + 0.01, 0.0, 1e4))
    shown = decoded(bench.view.layers.overlay.png)
    assert np.argwhere(shown[..., 3] > 0).tolist() == [list(lowest)]
    bench.state.show(diagram=None)
    bench.state.select(outline=((0, 500), (2000, 500), (2000, 5000), (0, 5000)))
    shown = decoded(bench.view.layers.overlay.png)
    brushed = np.argwhere(
        (shown[..., :3] == rgb(overlays.overlay_codes()[overlays.BRUSHED].colour)).all(-1)
    )
    assert {tuple(p) for p in brushed.tolist()} == {*FIRST, *SECOND}


def test_an_unchanged_model_sends_nothing(bench, monkeypatch):
    sent = []
    monkeypatch.setattr("ipywidgets.Widget.notify_change", lambda self, change: sent.append(change))
    bench.view.render(bench.model)
    assert sent == []
