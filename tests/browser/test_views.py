"""The views are one: what is done in one of them is seen in all."""

import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from crmasks_widgets.dashboard.model.state import SAME_GESTURE

from .harness import SIZES

NO_STROKE = "dashboard.session.image._painting._stroke is None"

# Whether all of an element lies on top, in the window, and none of its text is cut.
READABLE = """(e) => {
    e.style.pointerEvents = "auto";
    const { left, right, top, bottom } = e.getBoundingClientRect();
    const on = [[left + 2, top + 2], [right - 2, top + 2], [left + 2, bottom - 2],
        [right - 2, bottom - 2]].every(([x, y]) => document.elementFromPoint(x, y) === e);
    e.style.pointerEvents = "";
    return on && e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight;
}"""


def parameter(screen, name):
    return screen.kernel.ask(f"dashboard.state.model.parameters.{name}")


def field(screen, name):
    """The field of a parameter in the drawer: its slider and its text."""
    row = screen.dashboard.locator(f".crmasks-drawer input[id$='-{name}']").locator("..")
    return row.locator("input[type=range]"), row.locator("input[type=text]"), row


def hit_pixel(screen):
    """FITS pixel (x, y) in the middle of a hit on screen, not under the map, and its number."""
    return screen.kernel.run(
        "hits = dashboard.analysis.hits\n"
        "x, y = (getattr(dashboard.session.image, axis) for axis in 'xy')\n"
        "seen = [row for row in hits if x.min + 3 < row['x'] < (x.min + x.max) / 2"
        " and y.min + 5 < row['y'] < y.max - 3]\n"
        "row = max(seen, key=lambda row: row['npix'])\n"
        "y, x = dashboard.session.hits.listing.hits.place(int(row['number']) - 1)",
        "(int(x) + 1, int(y) + 1, int(row['number']))",
    )


def number_of_colours(png):
    return len(np.unique(np.asarray(Image.open(io.BytesIO(png)).convert("L"))))


def test_a_slider_of_lacosmic_changes_the_masks(screen):
    counts, before = screen.counts(), parameter(screen, "la_sigclip")
    screen.drawer("Parameters")
    slider, text, _ = field(screen, "la_sigclip")
    slider.focus()
    for _ in range(5):
        screen.page.keyboard.press("ArrowRight")
    screen.changed(counts)
    screen.until(lambda: parameter(screen, "la_sigclip") > before, "a higher threshold")
    screen.until(
        lambda: float(text.input_value()) == parameter(screen, "la_sigclip"), "it in its field"
    )


def test_a_slider_that_rests_while_it_is_held_is_undone_in_one_step(screen):
    before = parameter(screen, "la_sigclip")
    screen.drawer("Parameters")
    slider, mouse, page = field(screen, "la_sigclip")[0], screen.page.mouse, screen.page
    slider.scroll_into_view_if_needed()
    box = screen.at_rest(slider.bounding_box)
    part = slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    x, y = box["x"] + 8 + part * (box["width"] - 16), box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    for step in (1, 2):
        last = parameter(screen, "la_sigclip")
        mouse.move(x + 10 * step, y, steps=3)
        screen.until(lambda last=last: parameter(screen, "la_sigclip") > last, "a higher value")
        page.wait_for_timeout(1000 * SAME_GESTURE + 200)
    mouse.up()
    screen.button("Undo").click()
    screen.until(lambda: parameter(screen, "la_sigclip") == before, "the value of before")


def test_where_a_slider_of_the_points_is_let_go_is_a_message(screen):
    place = "dashboard.state.model.parameters.mm_fixed_points_in_boundary[1][1]"
    screen.drawer("Boundary")
    before = screen.kernel.ask(place)
    handle = screen.dashboard.locator(".crmasks-point .noUi-handle").nth(3)  # y of the second
    screen.kernel.run(
        "editor = dashboard.session.points.rows[1].y\n"
        "told, heard = [], dashboard.session.page.on_msg(lambda _, said, __: told.append(said))"
    )
    box = screen.at_rest(handle.bounding_box)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x + 40, y, steps=4)
    screen.page.mouse.up()
    ended = "[said for said in told if said['event'] == 'release']"
    screen.until(lambda: screen.kernel.ask(ended), "the end of the drag")
    ((name, value),) = {(said["slider"], said["value"]) for said in screen.kernel.ask(ended)}
    assert name == screen.kernel.ask("editor.slider.model_id")
    # Values of widgets wait for the answers to earlier ones; messages do not.
    screen.until(lambda: screen.kernel.ask("editor.slider.value") == value, "the slider's value")
    assert before < value == pytest.approx(screen.kernel.ask(place))


def test_only_the_user_moves_a_slider(screen):
    screen.drawer("Parameters")
    slider, text, _ = field(screen, "la_sigclip")
    slider.wait_for()
    screen.kernel.run(
        "form = dashboard.session.parameters.widget\n"
        "reports, take = [], form.set_state\n"
        "form.set_state = lambda state: (reports.append(state.get('moving')), take(state))"
    )
    # Between the steps, which are 0.2 apart.
    for value in np.linspace(5, 9, 31)[1:].round(2):
        screen.kernel.run(f"dashboard.state.update(la_sigclip={value})")
    screen.until(lambda: text.input_value() == "9", "9 on the page")
    slider.focus()
    screen.page.keyboard.press("ArrowRight")
    # Messages come in their order: what the page has to say of earlier values is there by then.
    screen.until(lambda: parameter(screen, "la_sigclip") > 9.1, "the step of the user")
    moved = [each["value"] for each in screen.kernel.ask("reports") if each]
    assert moved == [parameter(screen, "la_sigclip")]


def test_a_value_that_cannot_be_is_refused_beside_its_control(screen):
    counts = screen.counts()
    screen.drawer("Parameters")
    _, text, row = field(screen, "la_sigclip")
    text.fill("minus two")
    text.press("Enter")
    message = row.locator(".crmasks-field-error")
    screen.until(lambda: "makes a hit: found 'minus two', expected" in message.inner_text(), "why")
    assert screen.counts() == counts
    assert not screen.button("Undo").is_enabled()


def refused(row):
    """Whether a field says that what it shows is not taken."""
    return row.locator("input[aria-invalid=true]").count() > 0


def test_why_a_value_was_refused_is_read_beside_the_diagram_too(screen):
    form = screen.dashboard.locator(".crmasks-compact")
    screen.kernel.run("dashboard.state.update(crmethod='lacosmic')")
    screen.kernel.finish()
    rows = form.locator(".crmasks-field")
    for size in SIZES.values():
        screen.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        for row in rows.all():
            text = row.locator("input[type=text]")
            holds = text.input_value()
            text.fill("-4")
            text.press("Enter")
            message = form.locator(".crmasks-field-error", has_text="found -4")
            screen.until(lambda row=row: refused(row), "why it was refused")
            assert f"Not taken, {holds} stays: " in message.inner_text()
            assert message.evaluate(READABLE)
            edge = "e => getComputedStyle(e).borderTopColor"
            assert text.evaluate(edge) == message.evaluate(edge)
            text.press("Escape")
            screen.until(lambda row=row: not refused(row), "no error any more")
            assert text.input_value() == holds


def test_a_search_finds_a_parameter_by_its_words(screen):
    screen.drawer("Parameters")
    screen.dashboard.get_by_label("Search parameters").fill("fine structure contrast makes")
    rows = screen.dashboard.locator(".crmasks-drawer .crmasks-field:visible code")
    screen.until(lambda: rows.all_inner_texts() == ["la_objlim"], "one parameter")


def test_the_drawer_lies_over_the_views_and_moves_nothing(screen):
    before = screen.at_rest(lambda: [screen.point(plot, 0, 0) for plot in screen.plot_names()])
    screen.drawer("Parameters")
    assert [screen.point(plot, 0, 0) for plot in screen.plot_names()] == before
    screen.close_drawer()
    screen.dashboard.locator(".crmasks-drawer.crmasks-unopened").wait_for(state="attached")


SCROLLS = """e => [...e.querySelectorAll("*")].filter((each) =>
    /auto|scroll/.test(getComputedStyle(each).overflowY) && each.clientHeight &&
    (each.scrollHeight > each.clientHeight || each.scrollWidth > each.clientWidth))
    .map((each) => [...each.classList].find((name) => name.startsWith("crmasks")) ?? each.className)
"""


def test_in_the_drawer_one_thing_scrolls_and_nothing_is_squeezed(screen):
    drawer = screen.dashboard.locator(".crmasks-drawer")
    screen.drawer("Parameters")
    line = drawer.locator(".crmasks-banner .widget-html-content")
    screen.until(lambda: "computing" not in line.inner_text(), "the noise check")
    assert drawer.evaluate(SCROLLS) == ["crmasks-drawer-body"]
    within, box = drawer.locator(".crmasks-banner").bounding_box(), line.bounding_box()
    assert within["y"] <= box["y"]
    assert box["y"] + box["height"] <= within["y"] + within["height"]
    screen.drawer("Noise")
    screen.until(lambda: "Fitted" in drawer.inner_text(), "the noise in words")
    assert set(drawer.evaluate(SCROLLS)) <= {"crmasks-drawer-body"}
    body = drawer.locator(".crmasks-drawer-body")
    assert body.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert body.inner_text().startswith("Noise")


def large(screen):
    """The selected hit, large."""
    return screen.dashboard.locator(".crmasks-hit")


def test_a_click_on_a_flagged_pixel_is_seen_in_every_view(screen):
    x, y, number = hit_pixel(screen)
    screen.page.mouse.click(*screen.data_point("image", x, y))
    title = large(screen).get_by_text(f"Hit {number}", exact=True)
    title.wait_for()
    canvas = large(screen).locator("canvas").first
    screen.until(lambda: number_of_colours(canvas.screenshot()) > 20, "panels")
    screen.shot("dashboard_hit")
    screen.button("Table").click()
    row = screen.dashboard.locator("tr[aria-current=true]")
    screen.until(lambda: row.count() == 1, "a row of the table")
    assert row.locator("td").first.inner_text() == str(number)
    screen.dashboard.get_by_role("button", name="In 3-D (c)").click()
    legend = screen.dashboard.get_by_text("1 to 3, median, corrected")
    one = legend.inner_text()
    surfaces = screen.dashboard.locator(".crmasks-plot-volume canvas").first
    screen.until(lambda: number_of_colours(surfaces.screenshot()) > 100, "painted surfaces")
    screen.page.keyboard.press("j")
    screen.until(lambda: legend.inner_text() not in ("", one), "surfaces of the next hit")


def test_a_row_of_the_table_selects_its_hit(screen):
    screen.button("Table").click()
    row = screen.dashboard.locator("tbody tr[data-number]").nth(2)
    number = row.locator("td").first.inner_text()
    row.click()
    large(screen).get_by_text(f"Hit {number}", exact=True).wait_for()


def test_blink_changes_the_frame_until_it_is_stopped(screen):
    frame = "dashboard.state.model.display.frame"
    shown, pictures = {screen.kernel.ask(frame)}, {tuple(screen.picture("image"))}
    blink = screen.dashboard.locator("button[title^='Blink']")
    blink.click()

    def look():
        shown.add(screen.kernel.ask(frame))
        pictures.add(tuple(screen.picture("image")))
        return len(shown) > 2 and len(pictures) > 2

    screen.until(look, "three frames")
    blink.click()
    screen.at_rest(lambda: screen.kernel.ask(frame))
    screen.move("image", 0.5, 0.5)
    screen.page.keyboard.press("2")
    screen.until(lambda: screen.kernel.ask("dashboard.state.model.display.frame") == "2", "key 2")


def test_paint_undo_and_redo(screen):
    painted = "pixels_to_be_flagged_as_cr"
    screen.dashboard.locator(".crmasks-right button[title^='Paint']").click()
    # Until the mouse has the tool it pans.
    screen.dashboard.get_by_role("spinbutton", name="Brush").wait_for()
    screen.dashboard.locator(".crmasks-plot-image [style*=crosshair]").wait_for()
    start, end = screen.at_rest(lambda: [screen.data_point("image", x, 60) for x in (40, 52)])
    picture = screen.picture("image")
    screen.drag_on_page(start, end)
    screen.until(lambda: (51, 60) in (parameter(screen, painted) or ()), "the end of the stroke")
    screen.until(lambda: screen.kernel.ask(NO_STROKE), "the end of the gesture")
    pixels = parameter(screen, painted)
    assert {(41, 60), (51, 60)} <= set(pixels)
    screen.until(lambda: screen.picture("image") != picture, "another picture")
    screen.button("Undo").click()
    screen.until(lambda: parameter(screen, painted) is None, "nothing painted")
    screen.button("Redo").click()
    screen.until(lambda: parameter(screen, painted) == pixels, "the same pixels")


def test_what_is_saved_gives_the_masks_of_the_screen(screen, tmp_path):
    x, y, number = hit_pixel(screen)
    screen.page.mouse.click(*screen.data_point("image", x, y))
    large(screen).get_by_text(f"Hit {number}", exact=True).wait_for()
    screen.page.keyboard.press("n")
    screen.until(lambda: parameter(screen, "mediancr_pixels_rejected"), "a rejected hit")
    screen.kernel.finish()
    screen.drawer("Files")
    path = tmp_path / "session.yaml"
    screen.dashboard.get_by_label("write YAML").fill(str(path))
    screen.button("Save YAML").click()
    screen.dashboard.get_by_text("wrote").wait_for()
    command = [sys.executable, "-m", "crmasks_widgets", "run", str(path), "--no-figures"]
    subprocess.run([*command, "--output-dir", "out"], cwd=tmp_path, check=True, capture_output=True)
    screen.kernel.run(
        "import numpy as np\n"
        "masks = dashboard.analysis.masks\n"
        f"np.savez({str(tmp_path / 'screen.npz')!r}, **{{k: masks[k] for k in masks}})"
    )
    shown = np.load(tmp_path / "screen.npz")
    with fits.open(tmp_path / "out" / "crmasks.fits") as hdus:
        assert set(shown) == {"MEDIANCR", "MEANCRT", "CRMASK1", "CRMASK2", "CRMASK3"}
        for name in shown:
            assert np.array_equal(hdus[name].data.astype(bool), shown[name]), name
        assert not hdus["MEDIANCR"].data[y - 1, x - 1]


def test_the_menu_of_files_opens_closes_and_saves(screen):
    button = screen.dashboard.locator(".crmasks-top .crmasks-icon-save")
    menu = screen.dashboard.get_by_role("menu")
    assert not screen.dashboard.locator(".crmasks-menu").count()
    for close in (button.click, lambda: screen.page.keyboard.press("Escape")):
        button.click()
        menu.wait_for()
        close()
        menu.wait_for(state="hidden")
    screen.kernel.finish()
    button.click()
    screen.page.keyboard.press("ArrowUp")
    with screen.page.expect_download() as download:
        screen.page.keyboard.press("ArrowUp")
        screen.page.keyboard.press("Enter")
    assert download.value.suggested_filename == "crmasks_image_median.png"
    button.click()
    menu.get_by_text("Names and folders…").click()
    screen.button("Write report").wait_for()
    screen.close_drawer()
