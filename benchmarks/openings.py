"""Whether the first view of the dashboard is always complete: pages opened again and again.

In Lab the page that `crmasks lab` opens is opened so many times, each in a browser context of its
own, on one kernel; in Voila each page has a kernel of its own. A view is complete when the bar is
at rest, the counts are there, and diagram, image and gallery are drawn. With `--busy`, so many
processes compute beside it. Run:
python benchmarks/openings.py --lab 200 --voila 50 --busy 2. Prints a table, and what was missing.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.harness import OFFLINE, find_browser, watched_page
from tests.browser.test_lab import crmasks_lab

PATIENCE = 120_000  # ms
# What has to be there, by what shows that it is.
PARTS = {
    "rest": ".crmasks-top[data-busy=false]",
    "counts": ".crmasks-found .crmasks-chip.crmasks-total",
    "diagram": ".crmasks-left .crmasks-plot image[href]",
    "image": ".crmasks-right .crmasks-plot image[href]",
    "line": ".crmasks-hand path.boundary[d]",
    "gallery": ".crmasks-gallery-host[data-drawn]",
    "sliders": ".crmasks-compact .crmasks-field",
}
SPIN = "while True: pass"


@contextlib.contextmanager
def busy(n):
    """So many processes that compute all the time."""
    others = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def look(browser, port, url):
    """Open the page once: seconds until it is complete, what is missing, and complaints."""
    complaints = []
    with watched_page(browser, port, complaints=complaints) as page:
        began = time.monotonic()
        page.goto(url, wait_until="commit", timeout=PATIENCE)
        missing = []
        for part, selector in PARTS.items():
            left = PATIENCE - 1000 * (time.monotonic() - began)
            try:
                page.locator(selector).first.wait_for(state="attached", timeout=max(2000, left))
            except Error:
                missing.append(part)
        took = time.monotonic() - began
    return took, missing, complaints


def open_often(browser, n, *arguments):
    """Open a page of one server so many times; prints what was not as it should be."""
    times, incomplete = [], 0
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        crmasks_lab(Path(folder), *arguments) as (_, url, port),
    ):
        for number in range(1, n + 1):
            took, missing, complaints = look(browser, port, url)
            times.append(took)
            incomplete += bool(missing)
            if missing or complaints:
                print(f"opening {number}: missing {missing}; said {complaints[:3]}", flush=True)
    return times, incomplete


def main():
    """Open, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lab", type=int, default=200)
    parser.add_argument("--voila", type=int, default=50)
    parser.add_argument("--busy", type=int, default=0)
    arguments = parser.parse_args()
    rows, failed = [], 0
    with sync_playwright() as playwright, busy(arguments.busy):
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--disable-gpu", "--disable-quic", OFFLINE]
        )
        for name, n, more in (("Lab", arguments.lab, ()), ("Voila", arguments.voila, ("--voila",))):
            if n:
                before = os.getloadavg()[0]
                times, incomplete = open_often(browser, n, *more)
                failed += incomplete
                rows.append(
                    f"| {name} | {n} | {incomplete} | {statistics.median(times):.1f} "
                    f"| {max(times):.1f} | {before:.0f} to {os.getloadavg()[0]:.0f} |"
                )
        browser.close()
    print("| page | openings | incomplete | median, s | slowest, s | load |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
