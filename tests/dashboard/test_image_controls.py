"""What the image's panels, bar of frames and keys set."""

import pytest

from crmasks_widgets.dashboard.drawing.stretches import colour_indices, colour_palette

from .bench import SHAPE
from .image_bench import drawn, image_bench, show


@pytest.fixture
def bench():
    return image_bench()


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
    levels.widget._handle_custom_msg({"set": {"stretch": "sqrt"}, "count": 1}, [])
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
