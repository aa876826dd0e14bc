"""The dialog of files on a page: keys, focus, thousands of files, and what is opened in the end."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from astropy.io import fits
from ipywidgets import VBox

from crmasks_widgets import dashboard
from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.opening.view import OpenView
from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.files.finding import expand_names

from ..dashboard.bench import LONG_ENOUGH, Bench, small_analysis
from ..dashboard.test_open_view import described_on_disk
from .plain_page import PlainPage

MANY = 5000
SHEETS = Path(dashboard.__file__).parent


class Desk(PlainPage):
    """The dialog on a page, with a button from which it is opened."""

    def __init__(self, browser, folder):
        self.opened, self.complaints = [], []
        self.bench = Bench(small_analysis())
        self.view = OpenView(self.bench.context, self.opened.append)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        assert self.view.dialog
        # All style sheets, as in the dashboard: what one hides from the pointer must not be here.
        style = "".join(sheet.read_text("utf-8") for sheet in sorted(SHEETS.rglob("*.css")))
        super().__init__(page, self.view.widget, str(Page._css) + style)
        page.evaluate(
            """() => {
                const button = document.createElement("button");
                button.id = "from";
                document.body.append(button);
                button.focus();
            }"""
        )
        self.view.go(str(folder))
        self.view.dialog.opened = True
        self.answered()
        self.rows = page.locator("[data-number]")

    def answered(self):
        """Let the threads answer, and the page show it."""
        self.settle()
        self.view.wait(LONG_ENOUGH)
        self.settle()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        self.answered()

    def until(self, condition):
        """Let page and threads talk until something is so."""
        for _ in range(300):
            if condition():
                return
            self.page.wait_for_timeout(20)
            self.answered()
        raise AssertionError(self.page.locator("dialog").inner_text())

    def row(self, name):
        return next(row for row in self.view.dialog.proposal["rows"] if row["name"] == name)

    def focus(self):
        return self.page.evaluate("document.activeElement.id || document.activeElement.className")


@pytest.fixture
def desk(browser, tmp_path):
    (tmp_path / "sub").mkdir()
    described_on_disk(tmp_path, 1.5)
    desk = Desk(browser, tmp_path)
    yield desk
    desk.page.close()
    desk.view.close()
    assert desk.complaints == desk.bench.errors == []


def test_files_are_chosen_by_keys_and_opened(desk):
    desk.until(lambda: "90.5" in desk.rows.nth(2).inner_text())
    desk.press("End", "Shift+ArrowUp", "Shift+ArrowUp")
    assert desk.page.locator("[aria-selected=true]").count() == 3
    desk.until(lambda: desk.view.dialog.proposal)
    gain = desk.page.locator("input[name=gain]")
    assert gain.input_value() == "1.5"
    assert "GAIN" in gain.locator("..").inner_text()
    shaded = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert desk.page.locator(".crmasks-chosen canvas").first.evaluate(shaded) > 20
    opens = desk.page.get_by_role("button", name="Open", exact=True)
    gain.fill("-3")
    gain.press("Enter")
    desk.until(lambda: desk.page.get_by_role("alert").inner_text().startswith("gain: found -3"))
    assert opens.is_disabled()
    gain.fill("1.5")  # as it was proposed
    gain.press("Enter")
    desk.until(opens.is_enabled)
    gain.fill("2.5")
    gain.press("Enter")
    desk.until(lambda: desk.row("gain")["origin"] == "given")
    desk.page.locator(".crmasks-files-list").focus()
    desk.press("Enter")
    desk.until(lambda: desk.opened)
    assert [(a.exposures.n, a.parameters.gain) for a in desk.opened] == [(3, 2.5)]
    assert not desk.page.locator("dialog[open]").count()


def test_what_lies_together_is_offered_and_a_product_is_not_chosen(desk, tmp_path):
    masks = fits.HDUList(
        [fits.PrimaryHDU(), *(fits.ImageHDU(name=n) for n in ("MEDIANCR", "CRMASK1"))]
    )
    masks.writeto(tmp_path / "masks.fits")
    desk.view.go(str(tmp_path))
    desk.until(lambda: "masks of a run" in desk.rows.last.inner_text())
    desk.press("Control+a")
    assert len(desk.view._chosen) == 3
    desk.rows.last.click()
    desk.answered()
    assert len(desk.view._chosen) == 3
    for row in (2, 3, 4):
        desk.rows.nth(row).click()
    desk.answered()
    assert not desk.view._chosen
    offer = desk.page.get_by_role("button", name="3 exposures: <b>M 51</b> · 90.5 s")
    offer.click()
    desk.answered()
    assert [path[-7:] for path in desk.view._chosen] == ["e1.fits", "e2.fits", "e3.fits"]
    assert not offer.is_visible()


def test_escape_closes_and_gives_the_focus_back_and_tab_stays_inside(desk):
    assert desk.focus() == "crmasks-files-list"
    inside = desk.page.locator("dialog :focus")
    for key in ("Tab", "Shift+Tab"):
        for _ in range(8):
            desk.press(key)
            assert inside.count() == 1
    desk.press("Escape")
    assert (desk.focus(), desk.view.dialog.opened) == ("from", False)
    desk.view.show()
    desk.answered()
    assert desk.page.locator("dialog[open]").count() == 1


def test_folders_and_names_by_keys(desk, tmp_path):
    folder = desk.page.get_by_label("Folder, file or pattern")
    desk.press("Enter")
    desk.until(lambda: folder.input_value() == str(tmp_path / "sub"))
    desk.press("Backspace")
    desk.until(lambda: folder.input_value() == str(tmp_path))
    folder.fill("e[13].fits")
    folder.press("Enter")
    names = ["..", "e1.fits", "e3.fits"]
    desk.until(lambda: [row.split()[0] for row in desk.rows.all_inner_texts()] == names)
    folder.fill("<b>nowhere")
    folder.press("Enter")
    said = desk.page.get_by_role("alert")
    desk.until(lambda: "<b>nowhere: not found" in said.inner_text())


def test_rows_are_looked_at_once_numbered_as_by_a_pattern_and_known_by_ids_of_their_own(
    browser, tmp_path, monkeypatch
):
    looks = []
    monkeypatch.setattr(OpenView, "_look", lambda self, paths: looks.append(paths))
    described_on_disk(tmp_path, 1.5, (1, 2))
    shutil.copy(tmp_path / "e1.fits", tmp_path / "e10.fits")
    (tmp_path / "p.yml").touch()
    desk = Desk(browser, tmp_path)
    desk.until(lambda: looks)
    desk.press("ArrowDown")
    desk.page.evaluate("() => new Promise((done) => setTimeout(done, 100))")  # after that of rows
    desk.settle()
    names = [str(tmp_path / name) for name in ("e1.fits", "e10.fits", "e2.fits")]
    assert looks == [names]
    desk.press("End", " ", "Control+a")
    assert list(desk.view._chosen) == names == list(expand_names([f"{tmp_path}/*.fits"]))
    # A parameter file is chosen alone.
    desk.press("End", " ", "ArrowUp", " ")
    assert list(desk.view._chosen) == names[2:]
    other = OpenView(desk.bench.context, desk.opened.append)
    assert other.dialog
    desk._place(other.widget, "root")
    other.go(str(tmp_path))
    desk.until(lambda: other.dialog.listing)
    desk.settle()
    ids = desk.page.eval_on_selector_all("[role=option]", "rows => rows.map(({ id }) => id)")
    assert len(ids) == len(set(ids)) > 5
    for view in (desk.view, other):
        view.close()
    desk.page.close()
    assert desk.complaints == []


def test_thousands_of_files_make_a_page_of_rows(browser, tmp_path):
    for number in range(MANY):
        (tmp_path / f"f{number:04d}.fits").touch()
    desk = Desk(browser, tmp_path)
    assert desk.rows.count() < 60
    desk.press("End")
    last = f"f{MANY - 1}.fits"
    assert desk.rows.last.inner_text().startswith(last)
    desk.until(lambda: "not readable" in desk.rows.last.inner_text())
    desk.press("Control+a")
    desk.until(lambda: len(desk.view._chosen) == MANY)
    assert desk.page.locator(".crmasks-chosen-file").count() == 16
    assert desk.page.locator("dialog *").count() < 900
    desk.page.close()
    desk.view.close()
    assert desk.complaints == []


def test_settings_on_screen_are_kept_only_when_the_box_is_ticked(desk):
    desk.bench.state.update(dilation=3)
    desk.until(lambda: "90.5" in desk.rows.nth(2).inner_text())
    desk.press("End", "Shift+ArrowUp", "Shift+ArrowUp")
    box = desk.page.locator("input[name=keep]")
    desk.until(box.is_visible)
    assert "dilation: 3" in box.locator("..").inner_text()
    assert not box.is_checked()
    box.check()
    opens = desk.page.get_by_role("button", name="Open", exact=True)
    desk.until(opens.is_enabled)
    opens.click()
    desk.until(lambda: desk.opened)
    assert desk.opened[0].parameters.dilation == 3


def test_the_key_opens_it_again_after_escape(browser, tmp_path, monkeypatch):
    described_on_disk(tmp_path, 1.5)
    monkeypatch.chdir(tmp_path)
    with closing(Dashboard(small_analysis())) as shown:
        assert shown.wait(LONG_ENOUGH)
        session, opening = shown.session, shown.session.opening
        assert opening.dialog
        page = browser.new_page(viewport={"width": 1260, "height": 700})
        plain = PlainPage(page, VBox([session.page, session.status.widget, opening.widget]))
        page.focus("#root")
        for _ in range(2):
            for key in ("O", "Control+a"):
                page.keyboard.press(key)
                for _ in range(3):
                    plain.settle()
                    opening.wait(LONG_ENOUGH)
            assert len(opening._chosen) == 3
            assert page.locator("[aria-selected=true]").count() == 3
            page.keyboard.press("Escape")
            plain.settle()
            assert (opening.dialog.opened, opening._chosen) == (False, ())
            assert page.evaluate("document.activeElement.id") == "root"
        page.close()


def test_displacements_are_read_whole(desk):
    shown = {"unit": "", "differs": "", "missing": False, "certain": True, "fixed": True}
    shown |= {"origin": "measured", "words": "mm_xy_offsets", "name": "mm_xy_offsets"}
    offsets = "-0.087, 0.207; 0, 0; 0.072, -0.906"
    desk.view.dialog.proposal = {"title": "", "remarks": [], "rows": [shown | {"value": offsets}]}
    desk.settle()
    field = desk.page.locator("input[name=mm_xy_offsets]")
    assert field.input_value() == offsets
    assert field.evaluate("(field) => field.scrollWidth <= field.clientWidth")


def test_a_file_that_comes_later_does_not_move_the_keys(desk, tmp_path):
    at = desk.page.locator(".crmasks-file-at")
    desk.press("End")
    shutil.copy(tmp_path / "e1.fits", tmp_path / "e0.fits")
    desk.view.go(str(tmp_path))
    desk.until(lambda: desk.rows.count() == 6)
    assert at.inner_text().startswith("e3.fits")
    desk.press("Shift+ArrowUp")
    assert [path[-7:] for path in desk.view._chosen] == ["e2.fits", "e3.fits"]
    desk.view.go(str(tmp_path / "sub"))
    desk.until(lambda: desk.rows.count() == 1)
    assert at.inner_text().startswith("..")


def test_opened_again_after_escape_nothing_is_chosen_and_keys_choose(desk):
    desk.until(lambda: "90.5" in desk.rows.nth(2).inner_text())
    selected = desk.page.locator("[aria-selected=true]")
    keys = "End", "Shift+ArrowUp", "Shift+ArrowUp"
    desk.press(*keys)
    assert selected.count() == len(desk.view._chosen) == 3
    desk.press("Escape")
    desk.view.show()
    desk.answered()
    assert desk.focus() == "crmasks-files-list"
    assert selected.count() == len(desk.view._chosen) == 0
    desk.press(*keys)
    assert selected.count() == len(desk.view._chosen) == 3
    desk.until(lambda: desk.view.dialog.proposal)
