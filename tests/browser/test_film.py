"""What a user does first, in one go: the line is dragged, a hit is looked at, and judged."""

from .film import Film
from .test_diagram import LISTEN, line_place

DEMO = """
import crmasks_widgets as cm
from crmasks_widgets.demo import demo_analysis
dashboard = cm.Dashboard(demo_analysis())
dashboard
"""
REVIEWED = ".crmasks-reviewed"


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_line_is_dragged_a_hit_selected_and_judged(open_dashboard):
    screen = open_dashboard(DEMO)
    # As `crmasks lab` shows it: as high as the window.
    screen.page.set_viewport_size({"width": 1280, "height": 1000})
    before = screen.wait_for_results()
    screen.kernel.finish()
    film, page = Film(screen), screen.page
    page.evaluate(LISTEN)
    x, y = line_place(screen, 60.0)
    film.shoot(900, (x + 60, y - 90))
    film.move((x, y))
    page.mouse.down()
    film.move((x + 6, y - 55), steps=12, milliseconds=70)
    film.move((x - 4, y + 8), steps=14, milliseconds=70)
    # Counted by the page, while the line is in the hand.
    above = page.evaluate("window.crmasksAbove.filter((number) => number !== null)")
    assert len(set(above)) > 2, above
    page.mouse.up()
    screen.changed(before)
    screen.kernel.finish()
    film.shoot(900)

    gallery = screen.dashboard.locator(".crmasks-gallery")
    box = gallery.bounding_box()
    film.move((box["x"] + box["width"] * 0.3, box["y"] + 40))
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + 40)
    title = screen.dashboard.locator(".crmasks-hit-title")
    screen.until(lambda: title.inner_text().startswith("Hit "), "a hit that is selected")
    first = title.inner_text()
    screen.at_rest(lambda: screen.picture("image"))
    film.shoot(1400)

    reviewed = screen.dashboard.locator(REVIEWED)
    film.move(middle(screen.dashboard.locator("[data-verdict=confirmed]")))
    page.keyboard.press("y")
    screen.until(lambda: reviewed.inner_text().startswith("1 of"), "one verdict")
    screen.until(lambda: title.inner_text() != first, "the next hit")
    screen.at_rest(lambda: screen.picture("image"))
    film.shoot(1200)
    film.move(middle(screen.dashboard.locator("[data-verdict=rejected]")), steps=3)
    page.keyboard.press("n")
    screen.until(lambda: reviewed.inner_text().startswith("2 of"), "two verdicts")
    screen.kernel.finish()
    screen.at_rest(lambda: screen.picture("image"))
    film.shoot(1800)
    film.write("dashboard_moving")
