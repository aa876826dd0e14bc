"""Gestures in the diagram, made with the mouse."""

import pytest

from .conftest import POINTS


def points(screen):
    return screen.kernel.ask("dashboard.state.model.parameters.mm_fixed_points_in_boundary")


def places(screen, plot):
    """Where a user sees the fixed points, page pixels."""
    boxes = screen.dashboard.locator(f".crmasks-plot-{plot} .dot").evaluate_all(
        """all => all.filter((e) => getComputedStyle(e).fill === "rgb(204, 121, 167)")
            .map((e) => e.getBoundingClientRect())"""
    )
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]


@pytest.mark.parametrize("plot", ["expected", "observed"])
def test_masks_follow_a_fixed_point_while_it_is_dragged(screen, plot):
    counts, mouse = screen.counts(), screen.page.mouse
    x, y = screen.at_rest(lambda: places(screen, plot))[1]
    picture = screen.picture("observed")
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 2, y + 30, steps=6)
    low = screen.changed(counts)
    mouse.move(x + 4, y + 15, steps=6)
    screen.changed(low)
    mouse.up()
    screen.until(lambda: screen.picture("observed") != picture, "a new picture")
    first, second, third = points(screen)
    assert (first, third) == (POINTS[0], POINTS[2])
    assert second[1] < POINTS[1][1]
    screen.button("Undo").click()
    screen.until(lambda: points(screen) == POINTS, "the points of before")
    screen.until(lambda: screen.counts() == counts, "the counts of before")
    # A move that the page had held back must not come after the undo.
    assert screen.at_rest(lambda: points(screen)) == POINTS
    assert not screen.button("Undo").is_enabled()


def test_a_double_click_adds_a_point_and_d_deletes_it(screen):
    # Not in the upper half: a point there lets the diagram grow, and the pointer is elsewhere then.
    place = screen.point("observed", 0.6, 0.3)
    screen.page.mouse.dblclick(*place)
    screen.until(lambda: len(points(screen)) == 4, "a fourth point")
    screen.page.keyboard.press("d")
    screen.until(lambda: points(screen) == POINTS, "three points again")


def test_the_wheel_zooms_and_home_returns(screen):
    ticks = screen.dashboard.locator(".crmasks-plot-observed .tick text").all_inner_texts
    whole = ticks()
    screen.move("observed", 0.1, 0.1)
    screen.page.mouse.wheel(0, -400)
    screen.until(lambda: ticks() != whole, "other numbers at the axes")
    screen.button("Whole diagram").click()
    screen.until(lambda: ticks() == whole, "the numbers of before")


@pytest.mark.parametrize("tool", ["Brush", "Lasso"])
def test_an_area_is_selected(screen, tool):
    screen.button(tool).click()
    screen.drag("observed", (0.01, 0.5), (0.4, 0.9))
    outline = screen.at_rest(lambda: screen.kernel.ask("dashboard.state.model.selection.outline"))
    x, y = zip(*outline, strict=True)
    assert max(x) - min(x) > 100
    assert max(y) - min(y) > 100
    screen.button("Clear selection").click()
    empty = "dashboard.state.model.selection.outline == ()"
    screen.until(lambda: screen.kernel.ask(empty), "no outline")
