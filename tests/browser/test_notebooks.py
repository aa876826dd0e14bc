"""Notebooks of the package as pages of Voila: no code, no kernel in sight, and they answer."""

import contextlib
import re
import shutil
from pathlib import Path

import nbformat

from crmasks_widgets.lab import SETTINGS, VOILA, free_port, serving

from .harness import HOST, TOKEN, Screen, environment, watched_page

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

# Whether Voila runs this cell, or a later one, or has run all.
REACHED = r"""(cell) => {
    const said = document.querySelector("#loading")?.textContent.match(/Executing (\d+) of/);
    return !document.querySelector("#loading") || Number(said?.[1]) >= cell;
}"""


@contextlib.contextmanager
def voila_page(browser, folder, name):
    """A page with a notebook on it, when all its cells have run; how many there are."""
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", folder)
    (home := folder / "home-of-the-test").mkdir()
    port = free_port()
    variables = {"JUPYTER_TOKEN": TOKEN, "JUPYTER_PATH": str(SETTINGS)}
    command = [*VOILA, f"--Voila.port={port}", str(folder / f"{name}.ipynb")]
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    with (
        serving(command, environment(home) | variables, port),
        watched_page(browser, port) as page,
    ):
        page.goto(f"http://{HOST}:{port}/?token={TOKEN}", wait_until="commit")
        page.get_by_text(f"of {len(cells)}").wait_for()
        # Each cell may take as long as a page may, not all of them together.
        for cell in range(2, len(cells) + 1):
            page.wait_for_function(REACHED, arg=cell)
        page.wait_for_selector("#loading", state="detached")
        assert page.locator(".jp-CodeCell .jp-InputArea").count() == 0
        assert page.get_by_text("Traceback").count() == 0
        yield page


def test_the_quickstart_is_a_page(browser, tmp_path):
    with voila_page(browser, tmp_path, "01_quickstart") as page:
        screen = Screen(page)
        screen.wait_for_results()
        screen.move("image", 0.5, 0.5)
        page.keyboard.press("j")
        screen.dashboard.locator(".crmasks-hit").get_by_text(re.compile(r"^Hit \d+$")).wait_for()
        assert "of 9 double hits found" in page.inner_text("body")
        screen.shot("voila_quickstart")
    assert (tmp_path / "quickstart" / "products" / "combined_meancr.fits").exists()


def test_the_lesson_is_a_page_and_its_sliders_move_it(browser, tmp_path):
    with voila_page(browser, tmp_path, "05_why_the_median_fails") as page:
        screen = Screen(page)
        words, handle = page.get_by_text("half below"), page.get_by_role("slider").first
        before, picture = words.inner_text(), page.locator("img.widget-image").first
        source = picture.get_attribute("src")
        handle.focus()
        page.keyboard.press("ArrowRight")
        screen.until(lambda: words.inner_text() != before, "other numbers")
        screen.until(lambda: picture.get_attribute("src") != source, "another picture")
        answer = page.locator("details").first
        assert not answer.locator("p").first.is_visible()
        answer.locator("summary").click()
        assert answer.locator("p").first.is_visible()
