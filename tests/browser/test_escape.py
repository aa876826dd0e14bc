"""Esc closes what lies over the views, wherever the focus is."""

from functools import partial

import pytest
from ipywidgets import VBox

from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.page.context import Shortcut
from crmasks_widgets.dashboard.page.page import Page

from ..dashboard.bench import small_analysis
from .plain_page import PlainPage

# Any control that the drawer can have, as the browser makes it.
CONTROLS = """(root) => {
    for (const type of ["text", "search", "checkbox", "range", "button"]) {
        const made = document.createElement("input");
        Object.assign(made, { type, id: `have-${type}` });
        root.append(made);
    }
    const [list, area] = ["select", "textarea"].map((tag) => document.createElement(tag));
    list.id = "have-select";
    area.id = "have-textarea";
    root.append(list, area);
}"""
STYLE = "#root { display: block !important; height: 600px; }"
TYPES = ("text", "search", "checkbox", "range", "button", "select", "textarea")


@pytest.fixture
def shown(browser):
    """A dashboard of which a page without Jupyter shows bar and sliders."""
    dashboard = Dashboard(small_analysis())
    assert dashboard.wait(60)
    page = browser.new_page(viewport={"width": 1260, "height": 700})
    session = dashboard.session
    parts = [session.page, session.status.widget, session.quick.widget, session.help.widget]
    plain = PlainPage(page, VBox(parts), STYLE)
    page.locator("#root").evaluate(CONTROLS)
    plain.session = session
    yield plain
    page.close()
    dashboard.close()


def test_the_drawer_closes_from_any_control(shown):
    session = shown.session
    for kind in TYPES:
        session.drawer.open("Parameters")
        shown.page.focus(f"#have-{kind}")
        shown.press("Escape")
        assert session.drawer.page == "", kind
        # Keys are the dashboard's again, not those of a control that nobody sees.
        assert shown.page.evaluate("document.activeElement.id") == "root", kind


def test_what_lies_on_top_is_closed_first(shown):
    session, page = shown.session, shown.page
    session.image.display.toggle_levels()
    session.diagram.more.click()
    session.drawer.open("Parameters")
    page.get_by_role("button", name="Files").click()
    menu = page.get_by_role("menu")
    session.help.toggle()
    shown.settle()
    help_panel = page.get_by_role("dialog", name="Help and keys")
    assert help_panel.get_by_text("close what is open, or stop computing").count() == 1
    page.focus("#root")
    open_now = [
        lambda: menu.is_visible(),
        lambda: help_panel.is_visible(),
        lambda: session.drawer.page != "",
        lambda: "crmasks-unseen" not in session.diagram.options._dom_classes,
        lambda: session.image.display.levels.widget.layout.display != "none",
    ]
    for closed in range(len(open_now) + 1):
        assert [each() for each in open_now] == [i >= closed for i in range(len(open_now))]
        shown.press("Escape")
    assert session.status.widget.doing.endswith("✓")


def test_what_was_typed_is_taken_back_first(shown):
    session, page = shown.session, shown.page
    session.drawer.open("Parameters")
    field = page.locator(".crmasks-compact input[type=text]").first
    before = field.input_value()
    field.fill("77")
    shown.press("Escape")
    assert field.input_value() == before
    assert session.drawer.page == "Parameters"
    shown.press("Escape")
    assert session.drawer.page == ""
    assert not session.state.can_undo


FOOT = """(root, html) => {
    root.insertAdjacentHTML("beforeend", `<div class="crmasks-foot" style="width: 300px">
        <div class="widget-html"><div class="widget-html-content">${html}</div></div></div>`);
}"""


def test_a_remark_is_read_as_a_whole_by_click_and_key_and_moves_nothing(shown):
    page, status = shown.page, shown.session.status
    status.remark("exposure 1: found 21.4% of the pixels flagged, expected in far fewer")
    status.remark("the last word")
    page.add_style_tag(content=str(Page._css))
    page.locator("#root").evaluate(FOOT, status.message.value)
    line, last = page.locator("summary"), page.get_by_text("the last word")
    foot = page.locator(".crmasks-foot")
    places = "all => all.map((e) => JSON.stringify(e.getBoundingClientRect()))"
    others = page.locator("#root > :not(.crmasks-foot)")

    def seen():
        within, box = foot.bounding_box(), last.bounding_box()
        right = box["x"] + box["width"] <= within["x"] + within["width"]
        return right and box["y"] + box["height"] <= within["y"] + within["height"]

    before = others.evaluate_all(places)
    assert not seen()
    line.click()
    assert seen()
    assert others.evaluate_all(places) == before
    shown.press("Enter")
    assert not seen()
    shown.press("Enter")
    assert seen()
    shown.session.drawer.open("Parameters")
    shown.press("Escape")
    assert not seen()
    assert shown.session.drawer.page == "Parameters"


@pytest.mark.parametrize(
    "goes",
    [
        "e => e.remove()", "e => { e.disabled = true }", "e => { e.hidden = true }",
        "e => { e.style.visibility = 'hidden' }", "e => e.parentElement.classList.add('hidden')",
    ],
)  # fmt: skip
def test_a_button_that_goes_leaves_the_keys_to_the_dashboard(shown, goes):
    page = shown.page
    page.locator("#root").evaluate(
        "(root) => root.insertAdjacentHTML('beforeend', '<p><button id=goes>Back</button></p>')"
    )
    page.click("#goes")
    assert page.evaluate("document.activeElement.id") == "goes"
    page.locator("#goes").evaluate(goes)
    shown.settle()
    page.wait_for_function("document.activeElement.id === 'root'")
    shown.press("?")
    assert shown.session.help.widget.shown


def test_a_pane_has_its_keys_beside_its_plot_too(shown):
    page, done = shown.page, []
    for view in (shown.session.image, shown.session.hits):
        view.keys = {"+": Shortcut("larger", partial(done.append, view.plots[0]))}
    page.locator("#root").evaluate(
        """(root) => root.insertAdjacentHTML("beforeend", ["image", "hit"].map((name) =>
            `<div class="crmasks-pane"><button id="of-${name}">3-D</button>
            <div class="crmasks-plot crmasks-plot-${name}"></div></div>`).join(""))"""
    )
    for name in ("hit", "image"):
        page.hover(f"#of-{name}")
        shown.press("+")
        assert done.pop() == name
    # Where the pointer is nowhere, the focus tells.
    page.mouse.move(1, 1)
    page.hover("#have-search")
    page.focus("#of-hit")
    shown.press("+")
    assert done == ["hit"]


def test_who_leaves_the_dashboard_is_not_called_back(shown):
    page = shown.page
    page.locator("#root").evaluate(
        "(root) => root.insertAdjacentHTML('beforeend', '<p><button id=goes>Back</button></p>')"
    )
    page.focus("#goes")
    page.evaluate("document.activeElement.blur()")
    shown.settle()
    page.evaluate("document.getElementById('goes').remove()")
    shown.press("?")
    assert page.evaluate("document.activeElement === document.body")
    assert not shown.session.help.widget.shown
