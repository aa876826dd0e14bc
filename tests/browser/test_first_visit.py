"""Four bubbles for who has never been here: shown once, and found again in the help."""

import pytest
from ipywidgets import VBox

from crmasks_widgets.dashboard.page.help import HelpView
from crmasks_widgets.dashboard.page.page import Page

from ..dashboard.bench import Bench, small_analysis
from .plain_page import PlainPage

VIEWS = """() => document.getElementById("root").insertAdjacentHTML("beforeend", `
    <div class="crmasks-top" data-busy="true"></div>
    <div class="crmasks-left"><div class="crmasks-plot" style="height: 300px"></div></div>
    <div class="crmasks-below"><div class="crmasks-gallery" style="height: 100px"></div></div>`)"""
READY = "document.querySelector('.crmasks-top').dataset.busy = 'false'"


@pytest.fixture
def visit(browser):
    """Pages of one browser that has never been here, at a port of 127.0.0.1.

    visit(stores=False) keeps nothing.
    """
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(20_000)
    context.route("**/*", lambda route: route.fulfill(body="<body>", content_type="text/html"))

    def come(stores=True, port=80):
        page = context.new_page()
        # A page without an address has no cookies.
        page.goto(f"http://127.0.0.1:{port}/" if stores else "about:blank")
        help_view = HelpView(Bench(small_analysis()).context, lambda _: None, {})
        plain = PlainPage(page, VBox([Page(), help_view.widget]))
        page.ask_for_help = lambda: (help_view.toggle(), plain.settle())
        page.evaluate(VIEWS)
        page.evaluate(READY)
        return page

    yield come
    context.close()


def bubble(page):
    return page.get_by_role("dialog", name="First steps")


@pytest.mark.parametrize("stores", [True, False])
def test_four_bubbles_are_seen_once(visit, stores):
    page = visit(stores)
    for number, title in enumerate(("The cloud", "The line", "A hit", "Your verdict"), start=1):
        bubble(page).get_by_text(title, exact=True).wait_for()
        bubble(page).get_by_text(f"{number} of 4").wait_for()
        described = bubble(page).get_attribute("aria-describedby")
        assert page.locator(f"#{described}").inner_text()
        box, mark = bubble(page).bounding_box(), page.locator(".crmasks-marked").bounding_box()
        assert min(box["x"], box["y"], mark["width"], mark["height"]) >= 0
        assert box["x"] + box["width"] <= 1000
        page.keyboard.press("Enter")  # the focus is on Next
    bubble(page).wait_for(state="detached")
    page.ask_for_help()
    page.get_by_role("button", name="Show the first steps").press("Enter")
    bubble(page).get_by_text("The cloud", exact=True).wait_for()
    page.keyboard.press("Escape")
    bubble(page).wait_for(state="detached")
    if stores:
        again = visit(port=8899)  # as the server of the next day
        again.evaluate("() => window.rest()")
        assert not bubble(again).count()


def test_skip_ends_them_and_nothing_is_shown_before_there_is_something_to_see(visit):
    page = visit()
    bubble(page).get_by_role("button", name="Skip").click()
    bubble(page).wait_for(state="detached")
    assert not page.locator(".crmasks-marked").count()
