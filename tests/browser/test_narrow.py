"""Bars where there is little width: nothing is cut, and nothing lies over anything else."""

import pytest
from ipywidgets import VBox

from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.page.topbar import TopBar

from ..dashboard.bench import small_analysis
from .plain_page import PlainPage

STYLE = "#root { display: block !important; width: 100%; height: 700px; }"
# Bars and what is on them, of which one is not inside its bar.
OUTSIDE = """() => [
    ...document.querySelectorAll(".crmasks-top, .crmasks-hit-bar"),
].flatMap((bar) => {
    const { left, right, top, bottom } = bar.getBoundingClientRect();
    return [...bar.children].filter((part) => {
        const box = part.getBoundingClientRect();
        if (!box.width || getComputedStyle(part).visibility === "hidden") return false;
        return box.left < left - 1 || box.right > right + 1 || box.top < top - 1
            || box.bottom > bottom + 1 || part.scrollHeight > part.clientHeight + 4;
    }).map((part) => part.className);
})"""

REACHED = """(part) => {
    part.scrollIntoView();
    const { left, right } = part.getBoundingClientRect();
    const row = part.parentElement.getBoundingClientRect();
    return left >= Math.max(0, row.left) && right <= Math.min(innerWidth, row.right) + 1;
}"""


@pytest.mark.parametrize("width", [390, 600, 1280])
def test_bars_hold_what_is_on_them(browser, width):
    dashboard = Dashboard(small_analysis())
    assert dashboard.wait(60)
    session = dashboard.session
    page = browser.new_page(viewport={"width": width, "height": 760})
    PlainPage(page, VBox([session.page, session.status.widget, session.hits.bar]), STYLE)
    assert page.evaluate(OUTSIDE) == []
    # Words are seen as a whole; where there is no room for all, each can be moved into it.
    methods = page.locator(".crmasks-methods")
    cut = methods.evaluate("e => e.scrollWidth - e.clientWidth")
    assert (cut > 0) == (width < 400)
    if cut > 0:
        assert methods.evaluate("e => getComputedStyle(e).overflowX") == "auto"
    for part in methods.locator("> *").all():
        assert part.evaluate(REACHED), part.inner_text()
    page.close()
    dashboard.close()


@pytest.mark.parametrize("method", ["mm_lacosmic", "mm_pycosmic"])  # a button, and under "more"
def test_what_was_found_and_how_long_it_took_are_seen_as_a_whole(browser, method):
    dashboard = Dashboard(small_analysis())
    assert dashboard.wait(60)
    shown = dashboard.session.status.widget
    bar = TopBar(methods=shown.methods, pages=shown.pages, busy=False)  # that nothing else changes
    entries = [
        {"code": k, "symbol": "+", "colour": "#fff", "name": "L.A.Cosmic", "count": "123",
         "hidden": False}
        for k in range(3)
    ]  # fmt: skip
    bar.found = {"total": "145 hits, 12 out · 1444 pixels", "help": "", "entries": entries}
    bar.method = method
    bar.subject, bar.doing = "demo fibre spectrograph, the first of its nights", "0.029 s ✓"
    page = browser.new_page(viewport={"width": 1280, "height": 760})
    PlainPage(page, VBox([dashboard.session.page, bar]), STYLE)
    for part in (".crmasks-found", ".crmasks-doing", ".crmasks-methods"):
        cut = page.locator(part).evaluate("e => e.scrollWidth - e.clientWidth")
        assert cut <= 0, part
    page.close()
    dashboard.close()
