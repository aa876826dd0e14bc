"""The image on a page: limits under the hand, regions that are drawn and changed."""

import base64
from pathlib import Path

import pytest

from crmasks_widgets.dashboard.image import over
from crmasks_widgets.dashboard.image.view import ImageView
from crmasks_widgets.dashboard.page.page import Page

from ..dashboard.bench import Bench
from .plain_page import PlainPage


@pytest.fixture
def levels(browser):
    """The panel of the limits, on a page without Jupyter."""
    bench = Bench.of(ImageView)
    bench.view.display.toggle_levels()
    page = browser.new_page(viewport={"width": 400, "height": 400})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    plain = PlainPage(page, bench.view.display.levels.widget, str(Page._css))
    plain.bench = bench
    yield plain
    page.close()
    assert complaints == []
    assert bench.errors == []


def handle(shown, side):
    return shown.page.get_by_role("slider", name=f"{side} limit")


def at(shown, value):
    """Where on the page the histogram has a value."""
    box = shown.page.locator(".crmasks-levels-plot").bounding_box()
    low, high = shown.bench.view.display.levels.widget.state["range"]
    return box["x"] + (value - low) / (high - low) * box["width"], box["y"] + 30


def test_a_limit_follows_the_pointer_and_the_other_stays(levels):
    low, high = levels.bench.view.layers.limits
    mouse = levels.page.mouse
    mouse.move(*at(levels, high))
    mouse.down()
    middle = (low + high) / 2
    mouse.move(*at(levels, (middle + high) / 2), steps=3)
    levels.settle()
    assert levels.bench.view.layers.limits == pytest.approx((low, (middle + high) / 2), abs=0.2)
    mouse.move(*at(levels, middle), steps=3)
    mouse.up()
    # Where it was let go counts, though Jupyter holds states back while the kernel is busy.
    levels.page.evaluate(
        "() => window.sent.sort((one, other) => ('state' in one) - ('state' in other))"
    )
    levels.settle()
    assert levels.bench.view.layers.limits == pytest.approx((low, middle), abs=0.2)
    assert levels.bench.model.display.limits == "manual"
    place = handle(levels, "High").bounding_box()
    assert place["x"] + place["width"] / 2 == pytest.approx(at(levels, middle)[0], abs=1.5)


def test_the_histogram_has_numbers_along_its_axis(levels):
    first, last = levels.bench.view.display.levels.widget.state["range"]
    axis = levels.page.locator(".crmasks-levels-axis")
    said = axis.locator("span").all_inner_texts()
    numbers = [float(text.replace("\u2212", "-")) for text in said]
    assert 2 <= len(numbers) <= 6
    assert first <= numbers[0] < numbers[-1] <= last
    box, third = axis.bounding_box(), axis.locator("span").nth(1).bounding_box()
    part = (third["x"] + third["width"] / 2 - box["x"]) / box["width"]
    assert first + part * (last - first) == pytest.approx(numbers[1], abs=0.02 * (last - first))


def test_keys_and_numbers_set_limits_and_wrong_ones_are_refused(levels):
    low, high = levels.bench.view.layers.limits
    first, last = levels.bench.view.display.levels.widget.state["range"]
    handle(levels, "Low").focus()
    levels.press("ArrowRight")
    step = (last - first) / 200
    assert levels.bench.view.layers.limits == pytest.approx((low + step, high))
    said = handle(levels, "Low").get_attribute("aria-valuetext")
    assert float(said.removesuffix(" ADU")) == pytest.approx(low + step, abs=0.1)
    field = levels.page.get_by_label("Low limit, ADU")
    field.fill("400")
    levels.press("Enter")
    error = levels.page.locator(".crmasks-error")
    assert "Low limit: found 400, expected less than" in error.inner_text()
    # It stays where it was typed until it is mended, also when the user goes elsewhere.
    field.blur()
    assert (field.input_value(), field.get_attribute("aria-invalid")) == ("400", "true")
    other = levels.page.get_by_label("High limit, ADU")
    for wrong, expected in (("-5", "more than"), ("much", "a number"), ("", "a number")):
        other.fill(wrong)
        levels.press("Enter")
        found = f"High limit: found {wrong or 'nothing'}, expected {expected}"
        assert found in error.inner_text()
    assert levels.bench.view.layers.limits == pytest.approx((low + step, high))
    levels.page.get_by_role("button", name="min–max").click()
    levels.settle()
    assert levels.bench.model.display.limits == "minmax"
    assert levels.page.locator(".crmasks-error").inner_text() == ""


REGIONS = "dashboard.state.model.parameters.regions_to_be_skipped"


def test_a_region_is_drawn_moved_resized_and_removed(screen):
    def now(expected):
        screen.until(lambda: screen.kernel.ask(REGIONS) == expected, expected)

    screen.move("image", 0.5, 0.5)
    screen.page.keyboard.press("R")
    screen.dashboard.locator(".crmasks-over.active").wait_for()

    def drag(start, end):
        screen.drag_on_page(*(screen.data_point("image", *place) for place in (start, end)))

    drag((20, 90), (60, 60))
    now(((20, 60, 60, 90),))
    label = screen.dashboard.locator(".crmasks-over text")
    screen.until(lambda: label.text_content() == "skipped 1 · 20:60, 60:90", "its place in words")
    drag((40, 75), (45, 70))
    now(((25, 65, 55, 85),))
    drag((65.5, 54.5), (75.5, 59.5))
    now(((25, 75, 60, 85),))
    screen.page.keyboard.press("ArrowUp")
    now(((25, 75, 61, 86),))
    screen.page.keyboard.press("Delete")
    now(None)
    for expected in (((25, 75, 61, 86),), ((25, 75, 60, 85),), ((25, 65, 55, 85),)):
        screen.button("Undo").click()
        now(expected)
    assert screen.notebook()["dialogs"] == 0


BOXES = "data:text/javascript;base64," + base64.b64encode(
    Path(over.__file__).with_name("boxes.js").read_bytes()
).decode()  # fmt: skip


CALLS = {
    "boxBetween([7.6, 3.2], [-5, 90], [60, 80])": [1, 8, 3, 60],
    "movedBox([2, 5, 10, 20], [-3.2, 1.6], [60, 80])": [1, 4, 12, 22],
    "movedBox([2, 5, 10, 20], [99, 99], [60, 80])": [77, 80, 50, 60],
    "draggedBox([2, 5, 10, 20], 'ne', [4, 50], [60, 80])": [2, 9, 10, 60],
    "draggedBox([2, 5, 10, 20], 'w', [40, 5], [60, 80])": [5, 5, 10, 20],
    "draggedBox([2, 5, 10, 20], 's', [0, -20], [60, 80])": [2, 5, 1, 20],
}


def test_boxes_under_the_hand_stay_inside_the_frame(levels):
    calls = ", ".join(f"m.{call}" for call in CALLS)
    code = f"async () => {{ const m = await import('{BOXES}'); return [{calls}]; }}"
    assert levels.page.evaluate(code) == list(CALLS.values())
