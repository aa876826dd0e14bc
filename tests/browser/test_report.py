"""The report, opened from a disk: it asks for nothing, fails nowhere, and its parts are in hand."""

import pytest

from crmasks_widgets.demo import demo_analysis
from crmasks_widgets.report import save_report


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    analysis = demo_analysis((160, 200)).replace(dilation=1)
    return save_report(analysis, tmp_path_factory.mktemp("report") / "report.html").path


@pytest.fixture
def opened(browser, path):
    """Opens the report: opened(script=False) in a browser that runs none."""
    contexts, complaints = [], []

    def come(script=True):
        context = browser.new_context(
            viewport={"width": 1200, "height": 900}, java_script_enabled=script
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda message: complaints.append(message.text))
        context.on("request", lambda request: complaints.append(request.url))
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield come
    for context in contexts:
        context.close()
    asked = [one for one in complaints if not one.startswith("data:")]
    assert asked == [path.as_uri()]


def test_frames_are_compared_in_place(opened):
    page = opened()
    frames, slider = page.locator(".frames"), page.locator(".wipe")
    corrected = frames.locator("figure").nth(1)
    seen = {}
    for value in ("0", "100"):
        slider.fill(value)
        seen[value] = frames.screenshot()
    assert seen["0"] != seen["100"]
    blink = page.get_by_role("button", name="blink")
    blink.click()
    for state in ("hidden", "visible", "hidden"):
        corrected.wait_for(state=state)
    page.get_by_role("button", name="stop").click()
    corrected.wait_for(state="visible")
    assert frames.screenshot() == seen["100"]


def test_marks_lead_to_hits_whatever_is_chosen(opened):
    page = opened()
    cards = page.locator("article")
    numbers = "all => all.filter((e) => !e.hidden).map((e) => Number(e.dataset.number))"
    strength = "all => all.map((e) => Number(e.dataset.significance))"
    everything = cards.evaluate_all(numbers)
    assert len(everything) > 3
    page.locator(".order").select_option("strong")
    strongest = cards.evaluate_all(strength)
    assert strongest == sorted(strongest, reverse=True)
    page.locator(".method").select_option(index=1)
    some = cards.evaluate_all(numbers)
    assert 0 < len(some) < len(everything)
    away = next(number for number in everything if number not in some)
    card = page.locator(f"article[data-number='{away}']")
    link = page.locator(f".diagram a[data-hit='{card.get_attribute('data-hit')}']").first
    link.hover(force=True)
    assert "lit" in card.get_attribute("class")
    link.click(force=True)
    card.wait_for(state="visible")
    assert page.url.endswith(f"#{card.get_attribute('id')}")
    assert card.evaluate("e => e.getBoundingClientRect().top < innerHeight")


def test_parameters_are_selected_to_be_copied(opened):
    page = opened()
    page.get_by_text("all parameters, as a file for").click()
    page.locator(".copy").click()
    text = page.locator("pre").inner_text()
    assert "crmethod:" in text
    assert page.evaluate("getSelection().toString()").strip() == text.strip()


def test_without_scripts_nothing_is_missing_and_nothing_offered_in_vain(opened):
    page = opened(script=False)
    assert page.locator("figure img").first.is_visible()
    assert page.locator("article").last.is_visible()
    assert not page.locator(".tools:visible").count()
