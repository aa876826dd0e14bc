"""Which part of the dashboard is paper: as white as the page, and outside the image.

White lines of a spectrum are no empty place, so the image counts as a picture whatever it shows;
the white of the diagram, of bars, cards and fields counts as paper. A tint hides paper from this
measure, so two others are told beside it: what is light, whatever its tint, and what is empty:
light squares of 16 pixels of one shade, where nothing stands. The dashboard of the demo is looked
at as it opens, and with a hit selected. Run: python benchmarks/dashboard_share.py
[--size WIDTH HEIGHT]...; it prints a table. The exit status is 1 if paper, or what is empty, is
above the target.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from lab_start import PATIENCE, URL
from PIL import Image
from playwright.sync_api import sync_playwright
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.harness import OFFLINE, as_root, environment, find_browser

HERE = Path(__file__).parents[1]
SIZES = [[1280, 800], [1920, 1080], [2560, 1440]]
WHITE, LIGHT = 250, 225
SQUARE, SHADE = 16, 4  # pixels of the screen; levels of 255 by which one shade may vary
MOST = 0.35
BOX = "e => { const b = e.getBoundingClientRect(); return [[b.y, b.bottom], [b.x, b.right]] }"


def part_of_paper(page):
    """Parts of the dashboard's pixels on the screen that are paper, light and empty."""
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    least = picture.min(axis=2)
    inside, whole = (
        tuple(slice(round(low), round(high)) for low, high in page.locator(name).evaluate(BOX))
        for name in (".crmasks-stage", ".crmasks-dashboard")
    )
    image = np.zeros(least.shape, bool)
    image[inside] = True
    seen = [(~image & (least >= limit))[whole].mean() for limit in (WHITE, LIGHT)]
    return [*map(float, seen), float((~image & empty(least))[whole].mean())]


def empty(least):
    """Pixels that lie in a light square of one shade."""
    high = ndimage.maximum_filter(least, SQUARE, mode="constant", cval=255)
    low = ndimage.minimum_filter(least, SQUARE, mode="constant", cval=0)
    flat = (high - low <= SHADE) & (low >= LIGHT)
    # From the middles of the squares to all of their pixels; the filter's middle is off by one.
    return ndimage.maximum_filter(flat, SQUARE, origin=-1)


def look(browser, url, size):
    """Parts as the dashboard opens, and with a hit selected."""
    page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.goto(url)
    page.wait_for_selector(".crmasks-top[data-busy=false]", timeout=PATIENCE)
    page.wait_for_timeout(1500)
    first = part_of_paper(page)
    page.locator(".crmasks-gallery").click(position={"x": 60, "y": 60})
    page.locator(".crmasks-hit[data-drawn]").wait_for()
    page.wait_for_timeout(1500)
    chosen = part_of_paper(page)
    page.close()
    return first, chosen


def main():
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", nargs=2, type=int, action="append", help="of the window, pixels")
    sizes = parser.parse_args().size or SIZES
    folder = Path(tempfile.mkdtemp())
    (folder / "work").mkdir()
    env = environment(folder) | {"PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "crmasks_widgets", "lab", "--no-browser", *as_root()]
    worst = 0.0
    print("| window | at first | light | empty | hit selected | light | empty |")
    print("|---|---|---|---|---|---|---|")
    with (
        subprocess.Popen(
            command, cwd=folder / "work", env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process,
        sync_playwright() as playwright,
    ):  # fmt: skip
        try:
            found = next(filter(None, map(URL.search, process.stdout)))
            browser = playwright.chromium.launch(
                executable_path=find_browser(), args=["--disable-gpu", "--disable-quic", OFFLINE]
            )
            for size in sizes:
                parts = look(browser, found[1], size)
                worst = max(worst, *(max(paper, bare) for paper, _, bare in parts))
                told = "".join(f" {part:.0%} |" for pair in parts for part in pair)
                print(f"| {size[0]} × {size[1]} |{told}")
            browser.close()
        finally:
            process.terminate()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
