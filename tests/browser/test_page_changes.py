"""What the page looks at when something in it changes: little, and no more than once a frame."""

import base64

import pytest
from ipywidgets import VBox

from crmasks_widgets.dashboard.page.page import Page

from .plain_page import PlainPage

COUNTED = """() => {
    window.asked = { looks: 0, stills: 0 };
    const count = (owner, name, key) => {
        const before = owner[name];
        owner[name] = function (...given) {
            window.asked[key] += 1;
            return before.apply(this, given);
        };
    };
    count(document.getElementById("root"), "querySelectorAll", "looks");
    count(window, "atob", "stills");
}"""
CHANGES = """async () => {
    const root = document.getElementById("root");
    for (let i = 0; i < 60; i += 1) {
        root.append(document.createElement("p"));
        await Promise.resolve(); // so that each is told apart
    }
    await window.rest();
    return window.asked;
}"""
ADDED = """async (png) => {
    const child = document.createElement("div");
    child.className = "jp-OutputArea-child";
    const source = `data:image/png;base64,${png}`;
    child.innerHTML = `<div class="jp-RenderedImage"><img src="${source}"></div>`;
    document.querySelector(".jp-OutputArea").append(child);
    await window.rest();
}"""


class InNotebook(PlainPage):
    """A dashboard in the output of a cell."""

    def _place(self, widget, parent):
        if parent == "root":
            self.page.evaluate(
                """() => {
                    const root = document.getElementById("root");
                    root.insertAdjacentHTML("beforebegin", `<div class="jp-OutputArea">
                        <div class="jp-OutputArea-child" id="output"></div></div>`);
                    document.getElementById("output").append(root);
                }"""
            )
        super()._place(widget, parent)


@pytest.fixture
def shown(browser):
    page = browser.new_page()
    page.add_init_script("document.cookie = 'crmasks-visited=1; path=/'")
    page.route("**/*", lambda route: route.fulfill(body="<body>", content_type="text/html"))
    page.goto("http://127.0.0.1/")
    plain = InNotebook(page, VBox([Page()]))
    plain.settle()
    page.evaluate(COUNTED)
    yield plain
    page.close()


def test_many_changes_in_a_frame_are_looked_at_once(shown):
    asked = shown.page.evaluate(CHANGES)
    assert 1 <= asked["looks"] <= 10
    assert asked["stills"] == 0


def test_a_still_picture_that_is_added_beside_the_dashboard_is_hidden(shown):
    for text, hidden in (("crmasks-still one", True), ("another picture", False)):
        shown.page.evaluate(ADDED, base64.b64encode(b"\\x89PNG" + text.encode()).decode())
        added = shown.page.locator(".jp-OutputArea-child").last
        assert ("crmasks-not-needed" in added.get_attribute("class").split()) == hidden
