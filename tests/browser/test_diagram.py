"""Gestures in the diagram, made with the mouse."""

import pytest
from PIL import Image

from crmasks_widgets.dashboard.diagram.gestures import TOOLS

from .conftest import POINTS

PLACES = """(plot) => [...document.querySelectorAll(`.crmasks-plot-${plot} .point circle`)]
    .map((e) => e.getBoundingClientRect())
    .map((b) => [b.x + b.width / 2, b.y + b.height / 2])"""
# What the page said is above the line, while something was dragged.
LISTEN = """() => {
    window.crmasksAbove = [];
    document.addEventListener("crmasks-above", (e) => window.crmasksAbove.push(e.detail.above));
}"""


def points(screen):
    return screen.kernel.ask("dashboard.state.model.parameters.mm_fixed_points_in_boundary")


def places(screen, plot="observed"):
    """Where a user sees the fixed points, page pixels."""
    # In one step: a locator finds elements in one, and reads them in the next.
    return screen.page.evaluate(PLACES, plot)


def line_place(screen, x):
    """Where the line is at x, page pixels."""
    y = screen.kernel.ask(f"float(dashboard.analysis.boundary.boundary({x}))")
    return screen.data_point("observed", x, y)


def flagged_by_mm(screen):
    return screen.kernel.ask("int(dashboard.analysis.flags('median').found['mm'].sum())")


def drag(screen, start, end):
    screen.page.mouse.move(*start)
    screen.page.mouse.down()
    screen.page.mouse.move(*end, steps=6)


def test_masks_follow_a_fixed_point_and_the_page_is_ahead_of_them(screen):
    screen.page.evaluate(LISTEN)
    counts = screen.counts()
    drag(screen, line_place(screen, 150.0), screen.data_point("observed", 220.0, 45.0))
    low = screen.changed(counts)
    above = screen.page.evaluate("window.crmasksAbove.at(-1)")
    screen.kernel.finish()
    assert above == flagged_by_mm(screen)
    screen.page.mouse.move(*screen.data_point("observed", 160.0, 70.0), steps=6)
    screen.changed(low)
    screen.page.mouse.up()
    screen.until(lambda: screen.page.evaluate("window.crmasksAbove.at(-1)") is None, "an answer")
    first, second, third = points(screen)
    assert (first, third) == (POINTS[0], POINTS[2])
    assert second[1] < POINTS[1][1]
    at = screen.data_point("observed", *second[:2])
    assert max(abs(a - b) for a, b in zip(at, places(screen)[1], strict=True)) < 1
    screen.button("Undo").click()
    screen.until(lambda: points(screen) == POINTS, "the points of before")
    screen.until(lambda: screen.counts() == counts, "the counts of before")
    # A move that the page had held back must not come after the undo.
    assert screen.at_rest(lambda: points(screen)) == POINTS
    assert not screen.button("Undo").is_enabled()


def test_the_line_itself_is_dragged_and_its_point_removed(screen):
    start = line_place(screen, 1000.0)
    end = screen.data_point("observed", 600.0, 40.0)
    drag(screen, start, end)
    screen.page.mouse.up()
    screen.until(lambda: len(points(screen)) == 4, "a fourth point")
    screen.until(lambda: len(places(screen)) == 4, "it on the page")
    *before, born = screen.at_rest(lambda: points(screen))
    assert tuple(before) == POINTS
    assert born[:2] == (pytest.approx(600, rel=0.05), pytest.approx(40, rel=0.1))
    screen.page.mouse.move(end[0] + 1, end[1])
    screen.page.keyboard.press("Delete")
    screen.until(lambda: points(screen) == POINTS, "three points again")


def test_a_click_on_a_point_takes_exact_numbers_and_alt_removes_it(screen):
    place = screen.at_rest(lambda: places(screen))[1]
    screen.page.mouse.click(*place)
    field = screen.dashboard.get_by_label("y (ADU) of point 2")
    field.fill("high")
    field.press("Enter")
    field.fill("77.125")
    field.press("Enter")
    screen.until(lambda: points(screen)[1] == (150.0, 77.125, 1e4), "the number")
    screen.until(lambda: places(screen)[1] != place, "a moved point")
    place = screen.at_rest(lambda: places(screen))[1]
    screen.page.keyboard.down("Alt")
    screen.page.mouse.click(*place)
    screen.page.keyboard.up("Alt")
    screen.until(lambda: points(screen) == (POINTS[0], POINTS[2]), "two points")


def test_a_double_click_adds_a_point_and_d_deletes_it(screen):
    screen.page.mouse.dblclick(*screen.point("observed", 0.6, 0.8))
    screen.until(lambda: len(points(screen)) == 4, "a fourth point")
    screen.page.keyboard.press("d")
    screen.until(lambda: points(screen) == POINTS, "three points again")


def test_the_wheel_zooms_and_home_returns(screen):
    ticks = screen.dashboard.locator(".crmasks-plot-observed .tick text").all_text_contents
    whole = screen.at_rest(ticks)
    assert {"0", "100", "1000"} <= set(whole)
    screen.move("observed", 0.1, 0.1)
    screen.page.mouse.wheel(0, -400)
    screen.until(lambda: ticks() != whole, "other numbers at the axes")
    screen.dashboard.get_by_title("Show everything (h)").click()
    screen.until(lambda: ticks() == whole, "the numbers of before")


def test_the_camera_saves_what_is_seen(screen):
    with screen.page.expect_download() as waiting:
        screen.dashboard.get_by_title("Save as PNG").first.click()
    saved = Image.open(waiting.value.path()).convert("RGB")
    box = screen.dashboard.locator(".crmasks-plot-observed").bounding_box()
    assert saved.size == (round(box["width"]), round(box["height"]))
    counts = saved.getcolors(1 << 24)
    colours = {colour for _, colour in counts}
    assert max(counts)[1] == (255, 255, 255)  # the page
    assert (213, 94, 0) in colours  # the line
    assert len(colours) > 100  # the density


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_an_area_is_selected_and_the_line_is_in_hand_again(screen, tool):
    screen.dashboard.get_by_title(TOOLS[tool], exact=True).click()
    screen.drag("observed", (0.01, 0.5), (0.4, 0.9))
    outline = screen.at_rest(lambda: screen.kernel.ask("dashboard.state.model.selection.outline"))
    x, y = zip(*outline, strict=True)
    assert max(x) - min(x) > 50
    assert max(y) - min(y) > 100
    screen.until(
        lambda: screen.dashboard.locator(".crmasks-hand.active").count() == 1, "the line in hand"
    )
