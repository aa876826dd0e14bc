"""Bars where there is little width: nothing is cut, and nothing lies over anything else."""

import pytest
from ipywidgets import VBox

from crmasks_widgets.dashboard.app import Dashboard

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
