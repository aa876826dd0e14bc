"""The hits on a page: cards drawn, scrolled, clicked, judged by keys; only what is seen is sent."""

import io

import numpy as np
import pytest
from PIL import Image

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

from ..dashboard.bench import FLAT, Bench
from .plain_page import PlainPage

STYLE = str(Page._css) + "#root > .crmasks-pane { width: 1200px; height: 230px; }"
SIDE, STEP = 400, 10
NAMES = (["median", "corrected"], ["med.", "corr."])


def many_hits():
    """Exposures with a hit in every tenth pixel of every tenth row, the later the fainter."""
    frames = np.random.default_rng(1).normal(200, 3, (3, SIDE, SIDE)).astype(np.float32)
    places = np.arange(4, SIDE, STEP)
    strength = 900 - 0.3 * np.arange(len(places) ** 2).reshape(len(places), -1)
    for i in (0, 1):
        frames[i][np.ix_(places, places)] += strength
    return frames


@pytest.fixture
def shown(browser):
    """A pane with 1600 hits on a page."""
    exposures = ExposureSet.from_arrays(list(many_hits()))
    bench = Bench(Analysis(exposures, Parameters(**FLAT)), at_once=True)
    view = bench.add(HitsView(bench.context))
    page = browser.new_page(viewport={"width": 1260, "height": 300})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    plain = PlainPage(page, view.widget, STYLE)
    plain.bench, plain.view = bench, view
    yield plain
    page.close()
    assert complaints == []
    assert bench.errors == []


def gallery(shown):
    return shown.page.locator(".crmasks-gallery")


def drawn(shown):
    """First card on screen, the one after the last, and how many are kept."""
    text = shown.page.locator(".crmasks-gallery-host").get_attribute("data-drawn")
    return [int(number) for number in text.split()]


def card(shown, position):
    """Box of a card on the page: what the module itself says."""
    code = """async ([source, width, height, panels, count, position]) => {
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        const { layout, corner, namesOf } = await import(url);
        const grid = layout(width, height, panels, count);
        return [corner(grid, position), { ...grid, names: namesOf(panels, grid.stamp) }];
    }"""
    element = gallery(shown)
    size = element.evaluate("e => [e.clientWidth, e.clientHeight, e.scrollTop]")
    view = shown.view.gallery
    place, grid = shown.page.evaluate(
        code, [str(view._esm), *size[:2], view.panels, view.count, position]
    )
    box = element.bounding_box()
    return box["x"] + place["x"], box["y"] + place["y"] - size[2], grid


def colours(shown):
    picture = Image.open(io.BytesIO(gallery(shown).screenshot())).convert("RGB")
    return np.asarray(picture)


def click(shown, position, *held):
    x, y, _ = card(shown, position)
    shown.click(x + 40, y + 6, held)


def test_cards_are_drawn_and_only_those_near_are_sent(shown):
    assert shown.view.gallery.count == 1600
    first, last, kept = drawn(shown)
    assert first == 0
    assert 6 <= last <= kept <= 120
    picture = colours(shown)
    assert len({tuple(c) for c in picture.reshape(-1, 3)}) > 100
    x, y, grid = card(shown, 0)
    assert grid["names"] in (["1", "2", "3", *words] for words in NAMES)
    box = gallery(shown).bounding_box()
    left, top = round(x - box["x"]), round(y - box["y"])
    for k in range(5):  # each is written above its stamp
        from_ = left + 3 + k * (grid["stamp"] + 2)
        above = picture[top + 23 : top + 33, from_ : from_ + grid["stamp"]]
        assert above.max() - above.min() > 100
    gallery(shown).evaluate("e => { e.scrollTop = e.scrollHeight / 2; }")
    shown.settle()
    first, last, kept = drawn(shown)
    assert 600 < first < last < 1000
    assert kept < 200
    assert (colours(shown) != picture).any()
    asked = shown.view._window
    assert asked[0] <= first < last <= asked[1]
    gallery(shown).evaluate("e => { e.scrollTop = e.scrollHeight; }")
    shown.settle()
    assert drawn(shown)[1] == 1600


def test_what_is_far_or_out_of_date_is_not_kept(shown):
    once = drawn(shown)[2]
    for part in np.linspace(0, 1, 9):
        gallery(shown).evaluate(f"e => {{ e.scrollTop = {part} * e.scrollHeight; }}")
        shown.settle()
    assert drawn(shown)[2] <= 6 * once
    for screens in range(6):
        gallery(shown).evaluate(f"e => {{ e.scrollTop = {screens} * e.clientHeight; }}")
        shown.settle()
    first, last, kept = drawn(shown)
    assert kept > 3 * (last - first)
    shown.view.listing.want(column="strength")
    shown.view._again()
    shown.settle()
    first, last, kept = drawn(shown)
    # In the order before they were others. What is kept is what was asked for last, three times
    # what was seen then, of which a row may have gone since.
    asked = shown.view._window
    assert asked[0] <= first < last <= asked[1]
    assert last - first <= kept == asked[1] - asked[0]
    assert kept <= 3 * (last - first + card(shown, 0)[2]["columns"])


def test_a_click_selects_a_card_and_keys_go_on_from_there(shown):
    click(shown, 3)
    assert shown.view.gallery.selected == 3
    grid = card(shown, 3)[2]
    for key, position in (
        ("ArrowRight", 4), ("ArrowDown", 4 + grid["columns"]), ("ArrowLeft", 3 + grid["columns"]),
        ("End", 1599), ("Home", 0),
    ):  # fmt: skip
        shown.press(key)
        assert shown.view.gallery.selected == position
        first, last, _ = drawn(shown)
        assert first <= position < last
    hit = shown.page.locator(".crmasks-hit-title b").inner_text()
    assert hit == f"Hit {shown.view.listing.row_of(0) + 1}"


def test_buttons_of_a_card_judge_and_a_rejected_one_is_drawn_struck_through(shown):
    x, y, grid = card(shown, 2)
    shown.click(x + grid["width"] - 36, y + 11)
    row = shown.view.listing.row_of(2)
    assert shown.view.listing.verdicts[row] == "confirmed"
    assert shown.view.gallery.selected == 3
    x, y, grid = card(shown, 3)
    shown.click(x + grid["width"] - 14, y + 11)
    assert shown.view.listing.verdicts[shown.view.listing.row_of(3)] == "rejected"
    shown.page.mouse.move(5, 290)
    shown.settle()
    box, picture = gallery(shown).bounding_box(), colours(shown)
    brightest = []
    for position in (3, 5):
        x, y, _ = card(shown, position)
        left, top = round(x - box["x"]) + 4, round(y - box["y"]) + 22
        brightest.append(int(picture[top + 4 : top + 24, left + 4 : left + 90].max()))
    # Fainter on the dark that pictures lie on.
    assert brightest[0] < 0.7 * brightest[1]
    assert "2 of 1,600" in shown.page.locator(".crmasks-reviewed").inner_text()


def test_gestures_on_a_page_that_is_behind_mean_what_it_shows(shown):
    click(shown, 3)
    for _ in range(3):
        shown.page.keyboard.press("ArrowRight")
    shown.settle()
    assert shown.view.gallery.selected == 6
    shown.press("Home")
    shown.page.locator("[data-chip=undecided]").click()
    shown.settle()
    listing = shown.view.listing
    row, (x, y, grid) = listing.row_of(0), card(shown, 0)
    for _ in range(2):
        shown.page.mouse.click(x + grid["width"] - 14, y + 11)
    shown.settle()
    assert listing.verdicts[row] == "rejected"
    assert listing.judged == 1


def test_a_click_around_a_change_is_not_lost(shown):
    def click_around(target):
        """Press and let go, and let the kernel change something in between."""
        box = target.bounding_box()
        shown.page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2)
        shown.page.mouse.down()
        shown.view.judge("rejected")
        shown.settle()
        shown.page.mouse.up()
        shown.settle()

    click(shown, 3)
    click_around(shown.page.locator("[data-chip=undecided]"))
    assert shown.view.listing.wanted.chip == "undecided"
    click_around(shown.page.locator("[data-chip=all]"))  # where rows stay where they are
    click_around(shown.page.get_by_role("button", name="Table"))
    assert shown.page.locator("[data-chip=rejected] b").inner_text() == "3"
    shown.view._select(shown.view.listing.row_of(0))  # all that is looked at is on screen
    shown.settle()
    row = shown.page.locator("tbody tr").nth(2)
    at = int(row.get_attribute("data-at"))
    click_around(row)
    listing = shown.view.listing
    assert listing.hits.peak[listing.selected] == at
    assert shown.page.locator("tr[aria-current]").get_attribute("data-at") == str(at)
    assert shown.page.locator("tbody tr[tabindex='0']").count() == 2
    click_around(shown.page.get_by_role("columnheader", name="peak 1").get_by_role("button"))
    assert listing.wanted.column == "peak_over_min_1"
    assert listing.judged == 5


def test_several_cards_are_chosen_with_shift_and_control(shown):
    click(shown, 0)
    click(shown, 3, "Shift")
    click(shown, 5, "Control")
    rows = [shown.view.listing.row_of(position) for position in (0, 1, 2, 3, 5)]
    assert sorted(shown.view.listing.chosen) == sorted(rows)
    shown.page.locator(".crmasks-verdict[data-verdict=rejected]").click()
    shown.settle()
    assert {shown.view.listing.verdicts[row] for row in rows} == {"rejected"}


def test_the_gallery_fills_its_width_and_follows_it(shown):
    wide = card(shown, 0)[2]
    room = gallery(shown).evaluate("e => e.clientWidth")
    assert room - wide["columns"] * (wide["width"] + 5) < 6
    shown.page.add_style_tag(content="#root > .crmasks-pane { width: 800px !important; }")
    shown.settle()
    narrow = card(shown, 0)[2]
    assert narrow["columns"] < wide["columns"]
    canvas = gallery(shown).locator("canvas")
    assert (
        canvas.evaluate("e => [e.width, e.clientWidth]")
        == [gallery(shown).evaluate("e => e.clientWidth")] * 2
    )


def test_chips_filters_and_order_of_the_head(shown):
    page = shown.page
    page.get_by_role("button", name="Table").click()
    shown.settle()
    assert page.locator("tbody tr").count() == 100
    page.get_by_role("button", name="Gallery").click()
    shown.settle()
    page.get_by_label("Order of the hits").select_option("strongest first")
    shown.settle()
    assert shown.view.listing.wanted.column == "strength"
    page.get_by_role("button", name="More filters").click()
    least = page.get_by_label("Least excess over the minimum")
    least.fill("890")
    least.press("Tab")
    shown.settle()
    assert 0 < shown.view.gallery.count < 100
    page.get_by_role("button", name="show all").click()
    shown.settle()
    assert shown.view.gallery.count == 1600
    page.keyboard.press("Escape")
    assert not page.get_by_label("Least excess over the minimum").is_visible()


def test_a_picture_of_the_hit_takes_clicks_where_its_pixels_are(shown):
    click(shown, 1)
    shown.page.get_by_title("Click a pixel that is a cosmic-ray hit").click()
    shown.settle()
    large = shown.view.large
    panels, part = large._panels, large._part
    x, y = panels.corner(0)
    height = panels.shape[0]
    box = shown.page.locator(".crmasks-hit-picture canvas").bounding_box()
    # The pixel in the second column and the second row from below.
    shown.click(box["x"] + x + 1.5 * panels.side, box["y"] + height - y - 1.5 * panels.side)
    expected = (part[1].start + 2, part[0].start + 2)
    assert shown.bench.model.parameters.pixels_to_be_flagged_as_cr == (expected,)


# Those that are not seen whole where they are.
HIDDEN = """chips => chips.filter((chip) => {
    const { left, right, top, bottom } = chip.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [[left + 8, y], [right - 8, y], [x, top + 3], [x, bottom - 3]].some(([x, y]) =>
        !chip.contains(document.elementFromPoint(x, y)));
}).map((chip) => chip.textContent)"""


def test_the_first_cards_are_seen_once_others_vanish(shown):
    gallery(shown).evaluate("e => { e.scrollTop = e.scrollHeight / 2; }")
    shown.settle()
    assert drawn(shown)[0] > 600
    shown.view.listing.want(column="strength", peak=600.0)
    shown.view._again()
    shown.settle()
    assert 900 < shown.view.gallery.count < 1100
    assert drawn(shown)[0] == 0
    click(shown, 2)
    gallery(shown).evaluate("e => { e.scrollTop = e.scrollHeight / 2; }")
    shown.view.listing.want(peak=700.0)
    shown.view._again()
    shown.settle()
    first, last, _ = drawn(shown)
    assert first <= shown.view.gallery.selected < last


def heights(shown):
    """Upper edges of what lies below the head, and its height."""
    boxes = [gallery(shown).bounding_box(), shown.page.locator(".crmasks-hit-bar").bounding_box()]
    return [box[name] for box in boxes for name in ("y", "height")]


# The longest words of a list, and the room that it has for them beside its arrow.
WORDS_AND_ROOM = """list => {
    const context = document.createElement("canvas").getContext("2d");
    context.font = getComputedStyle(list).font;
    const words = Math.max(...[...list.options].map((e) => context.measureText(e.text).width));
    return [words, list.clientWidth - 18];
}"""


# The list is so wide in windows of 1920, 1280, 1024, 900 and 390 pixels.
@pytest.mark.parametrize("width", [1241, 825, 659, 560, 378])
def test_order_and_chips_are_read_whole(shown, width):
    shown.page.set_viewport_size({"width": width + 60, "height": 300})
    shown.page.locator(".crmasks-hits").evaluate(f"e => {{ e.style.width = '{width}px'; }}")
    shown.page.add_style_tag(content=".crmasks-hits .crmasks-hit-side { display: none; }")
    more = [
        {"key": f"class:{k}", "label": k, "count": 17, "tone": "#888"}
        for k in ("one low", "all alike")
    ]
    state = shown.view.bar.state
    shown.view.bar.state = state | {"chips": [*state["chips"], *more]}
    shown.settle()
    order = shown.page.locator(".crmasks-hit-bar > select")
    words, room = order.evaluate(WORDS_AND_ROOM)
    assert words <= room
    inside = shown.page.locator(".crmasks-hit-bar").bounding_box()
    box = order.bounding_box()
    assert box["x"] + box["width"] <= inside["x"] + inside["width"]
    chips = shown.page.locator(".crmasks-choice")
    hidden = chips.evaluate_all(HIDDEN)
    assert hidden == [] or width < 600


def test_no_row_of_the_table_shows_through_its_head(shown):
    page = shown.page
    shown.bench.press("j")
    shown.bench.press("n")
    shown.settle()
    page.get_by_role("button", name="Table", exact=True).click()
    shown.settle()
    scroller, out = page.locator(".crmasks-table"), page.locator(".crmasks-table tr.out")
    top = scroller.bounding_box()["y"]
    scroller.evaluate("(e, by) => { e.scrollTop += by; }", out.bounding_box()["y"] - top)
    row, head = out.bounding_box(), page.locator(".crmasks-table th").first.bounding_box()
    assert head["y"] <= row["y"] + 2 < head["y"] + head["height"]
    on_top = "([x, y]) => document.elementFromPoint(x, y).closest('thead') !== null"
    assert page.evaluate(on_top, [row["x"] + 40, row["y"] + 2])


@pytest.mark.parametrize(("width", "seen"), [(1900, 5), (1270, 5), (590, 5), (380, 4)])
def test_every_verdict_has_a_chip_on_one_line_and_nothing_moves_with_it(shown, width, seen):
    shown.page.set_viewport_size({"width": width + 60, "height": 300})
    shown.page.locator(".crmasks-hits").evaluate(f"e => {{ e.style.width = '{width}px'; }}")
    if width < 900:  # there the large hit is below
        shown.page.add_style_tag(content=".crmasks-hits .crmasks-hit-side { display: none; }")
    shown.settle()
    before = heights(shown)
    shown.bench.press("j")
    for key in "yynN":
        shown.bench.press(key)
    shown.settle()
    assert heights(shown) == before
    chips = shown.page.locator(".crmasks-choice")
    texts = [text.split() for text in chips.all_text_contents()]
    assert texts[1:5] == [
        ["undecided", "1,596"], ["confirmed", "2"], ["rejected", "1"], ["ignored", "1"],
    ]  # fmt: skip
    assert len({round(chip.bounding_box()["y"]) for chip in chips.all()}) == 1
    hidden = chips.evaluate_all(HIDDEN)
    assert not {"".join(text) for text in texts[:seen]} & {"".join(t.split()) for t in hidden}
    # What is out of sight is hinted at.
    assert not hidden or shown.page.locator(".crmasks-choices").get_attribute("data-more")
    chips.nth(3).click()  # the page scrolls to it
    shown.settle()
    assert shown.view.gallery.count == 1
    assert heights(shown) == before
