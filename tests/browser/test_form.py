"""Fields of parameters on a page: nothing is cut, and the ends of sliders stay."""

import pytest

from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.dashboard.settings.parameters_view import FormView, quick_names
from crmasks_widgets.parameters.types import METHODS

from ..dashboard.bench import Bench, small_analysis
from .plain_page import PlainPage

STYLE = str(Page._css) + "#root { display: block !important; width: 508px; height: 700px; }"
CUT = """all => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""


@pytest.fixture
def shown(browser):
    """The few fields below the diagram, as wide as it is in a window of 1280 pixels."""
    bench = Bench(small_analysis(), at_once=True)
    view = bench.add(FormView(bench.context, quick_names, compact=True))
    page = browser.new_page(viewport={"width": 700, "height": 800})
    plain = PlainPage(page, view.widget, STYLE)
    plain.bench = bench
    yield plain
    page.close()


def test_names_are_whole_and_sliders_long_in_every_method(shown):
    # Without the extra that deepCR needs, its methods are refused.
    for method in [name for name, keys in METHODS.items() if "deepcr" not in keys]:
        shown.bench.state.update(crmethod=method)
        shown.settle()
        rows = shown.page.locator(".crmasks-field")
        assert shown.page.locator(".crmasks-field-name").evaluate_all(CUT) == []
        widths = rows.locator("input[type=range]").evaluate_all(
            "all => all.map((e) => e.clientWidth)"
        )
        assert len(widths) == rows.count()
        assert min(widths) >= 90
        assert shown.page.locator(".crmasks-compact").bounding_box()["height"] <= 90


@pytest.mark.parametrize(
    ("width", "count", "rows"),
    [
        (784, 6, [3, 3]), (940, 6, [6]), (508, 6, [3, 3]), (640, 6, [3, 3]), (784, 5, [5]),
        (640, 5, [3, 2]), (340, 6, [2, 2, 2]), (120, 4, [1, 1, 1, 1]),
    ],
)  # fmt: skip
def test_no_field_is_alone_in_a_row_that_could_be_even(shown, width, count, rows):
    method = {4: "lacosmic", 5: "mm_pycosmic", 6: "mm_lacosmic"}[count]
    shown.bench.state.update(crmethod=method)
    shown.settle()
    fields = shown.page.locator(".crmasks-field")
    assert fields.count() == count
    shown.page.set_viewport_size({"width": 1000, "height": 800})
    shown.page.evaluate(f"document.querySelector('#root').style.width = '{width}px'")
    shown.settle()
    tops = fields.evaluate_all("all => all.map((e) => Math.round(e.getBoundingClientRect().y))")
    assert [tops.count(top) for top in sorted(set(tops))] == rows


def field(shown, words, kind):
    row = shown.page.locator(".crmasks-field").filter(has_text=words)
    return row.locator(f"input[type={kind}]")


def test_what_is_typed_is_sent_whatever_else_changes_meanwhile_and_escape_takes_it_back(shown):
    bench = shown.bench
    bench.state.update(crmethod="lacosmic")
    shown.settle()
    text = field(shown, "contrast with noise", "text")
    text.click()
    text.fill("9")
    bench.state.update(dilation=2)
    shown.settle()
    assert text.input_value() == "9"
    shown.press("Enter")
    assert bench.model.parameters.la_sigclip == 9
    text.fill("10")
    bench.state.update(la_sigclip=7.0)
    shown.settle()
    assert text.input_value() == "10"
    escape = 'new KeyboardEvent("keydown", { key: "Escape", cancelable: true })'
    assert not text.evaluate(f"e => e.dispatchEvent({escape})")  # it is not for the drawer
    assert text.input_value() == "7"
    shown.press("Tab")
    assert bench.model.parameters.la_sigclip == 7


def test_where_a_slider_is_let_go_arrives_before_all_that_comes_later(shown):
    # Jupyter holds states back while the kernel is busy, and messages never.
    late = "() => window.sent.sort((one, other) => ('state' in one) - ('state' in other))"
    bench = shown.bench
    bench.state.update(crmethod="lacosmic")
    shown.settle()
    slider = field(shown, "contrast with noise", "range")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    mouse = shown.page.mouse
    mouse.move(box["x"] + 20, middle)
    mouse.down()
    for part in (0.4, 0.5, 0.7):
        mouse.move(box["x"] + part * box["width"], middle)
    mouse.up()
    shown.page.evaluate(late)
    shown.settle()
    placed = bench.model.parameters.la_sigclip
    assert placed == float(field(shown, "contrast with noise", "text").input_value()) > 5
    for _ in range(3):
        shown.page.keyboard.press("ArrowRight")
    shown.page.evaluate(late)
    shown.settle()
    stepped = bench.model.parameters.la_sigclip
    assert stepped == float(slider.input_value()) > placed
    slider.fill(str(stepped + 1))  # as a screen reader moves it, without key or pointer
    shown.settle()
    assert bench.model.parameters.la_sigclip == float(slider.input_value()) > stepped
    for expected in (stepped, placed, 5.0):
        bench.state.undo()
        assert bench.model.parameters.la_sigclip == expected


def test_what_is_set_moves_the_slider_and_not_its_ends(shown):
    shown.bench.state.update(crmethod="lacosmic")
    shown.settle()
    row = shown.page.locator(".crmasks-field").filter(has_text="contrast with noise")
    slider, text = row.locator("input[type=range]"), row.locator("input[type=text]")
    ends = slider.evaluate("e => [e.min, e.max, e.step]")
    text.fill("90")
    shown.press("Enter")
    assert shown.bench.model.parameters.la_sigclip == 90
    assert slider.evaluate("e => [e.min, e.max, e.step]") == ends
    assert slider.evaluate("e => e.value === e.max")
    assert text.input_value() == "90"


def test_no_value_is_said_in_words_and_can_be_set_by_leaving_the_field_empty(shown):
    state = shown.bench.state
    state.update(crmethod="mmcosmic")
    shown.settle()
    row = shown.page.locator(".crmasks-field").filter(has_text="median − min")
    text = row.locator("input[type=text]")
    text.fill("")
    shown.press("Enter")
    assert state.model.parameters.mm_threshold is None
    assert text.get_attribute("placeholder") == "lowest value of the boundary"
    assert text.input_value() == ""
    assert "crmasks-field-off" in row.get_attribute("class")


def test_the_whole_form_opens_on_what_is_needed_first_and_the_section_of_the_method(browser):
    bench = Bench(small_analysis(crmethod="significance"), at_once=True)
    view = bench.add(FormView(bench.context))
    page = browser.new_page(viewport={"width": 700, "height": 800})
    style = STYLE + "#root { overflow: auto; }"
    plain = PlainPage(page, view.widget, style)
    plain.settle()
    top = page.locator("#root").bounding_box()["y"]
    heading = page.get_by_role("heading", name="First of all").bounding_box()["y"]
    assert top < heading < top + 80
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    gain = page.locator(".crmasks-field").filter(has=page.get_by_text("gain", exact=True))
    slider, unit = (gain.locator(part).bounding_box() for part in ("[type=range]", ".crmasks-unit"))
    assert unit["y"] < slider["y"] + slider["height"]
    bench.state.update(crmethod="mm_lacosmic")
    plain.settle()
    titles = page.get_by_role("heading").all_inner_texts()
    assert titles[1] == "Significance"  # nothing moves under the pointer
    for shown in ("none", ""):
        page.locator("#root > *").evaluate("(e, shown) => { e.style.display = shown; }", shown)
        plain.settle()
    titles = page.get_by_role("heading").all_inner_texts()
    assert [title.upper() for title in titles[1:3]] == ["MM DIAGRAM", "L.A.COSMIC"]
    page.close()
