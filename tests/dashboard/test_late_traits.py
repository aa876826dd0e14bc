"""Jupyter holds traits back while the kernel is busy, and no message: what comes late is old."""

import pytest

from .bench import press
from .image_bench import image_bench


@pytest.fixture
def bench():
    return image_bench()


def test_limits_that_come_after_their_handle_was_let_go(bench):
    bench.view.display.toggle_levels()
    widget = bench.view.display.levels.widget
    widget._handle_custom_msg({"drop": {"low": 190.0, "high": 230.0, "count": 3}}, [])
    assert bench.view.layers.limits == (190.0, 230.0)
    widget._handle_custom_msg({"set": {"limits": "minmax"}, "count": 4}, [])
    chosen = bench.view.layers.limits
    widget.set_state({"moved": {"low": 195.0, "high": 235.0, "count": 2}})
    widget.set_state({"moved": {"low": 190.0, "high": 230.0, "count": 3}})
    widget._handle_custom_msg({"drop": {"low": 190.0, "high": 230.0, "count": 3}}, [])
    assert (bench.model.display.limits, bench.view.layers.limits) == ("minmax", chosen)
    widget.set_state({"moved": {"low": 195.0, "high": 235.0, "count": 5}})
    assert bench.view.layers.limits == (195.0, 235.0)


def test_a_contrast_that_comes_after_its_drag_has_ended(bench):
    drag = {"plot": "image", "x": 0.1, "y": 0.0, "gesture": "one"}
    bench.tell(event="contrast", **drag | {"x": 0.2})
    there = bench.view.layers.limits
    assert bench.model.display.limits == "manual"
    bench.page.set_state({"contrast": drag})
    assert bench.view.layers.limits == there
    bench.press("/")
    bench.page.set_state({"contrast": drag | {"x": 0.2}})
    assert bench.model.display.limits == "zscale"
    # The next one begins where this one ended, though the first of it is the same.
    bench.tell(event="contrast", **drag | {"gesture": "two"})
    assert bench.model.display.limits == "manual"


def test_a_key_means_the_place_where_the_pointer_is_and_comes_after_the_wheel(dashboard):
    page = dashboard.session.page
    dashboard.session.image.tools.tools.value = "box"  # with pan, the page zooms by itself
    at = {"plot": "image", "x": 0.5, "y": 0.5}
    page.set_state({"pointer": at | {"x": 0.1}})
    wheel = at | {"total": -300.0}
    press(page, "h", at=at, wheel=wheel)
    there = dashboard.state.model.display.image
    page.set_state({"wheel": wheel})
    assert dashboard.state.model.display.image == there
    assert page.pointer == at
    page.set_state({"wheel": at | {"total": -600.0}})
    assert dashboard.state.model.display.image != there
