"""From `crmasks lab` to the first picture of the demo, in a page that is open from the start.

The page is loaded when the program says where; the picture counts when the dashboard is at rest.
With `--other`, starts of another tree alternate with those of this one, under the same load. Run:
python benchmarks/lab_start.py --starts 5. Prints a table: seconds, and processor seconds of all
processes of the program (the browser's are not among them).
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.harness import OFFLINE, VISITED, as_root, environment, find_browser

HERE = Path(__file__).parents[1]
URL = re.compile(r"open at (http://\S+)")
PATIENCE = 180_000  # ms
MOST = 8.0  # s, on two idle processors


def spent(pid):
    """Processor seconds of a process and those it started."""
    all_times = [pid.cpu_times(), *(child.cpu_times() for child in pid.children(recursive=True))]
    return sum(t.user + t.system + t.children_user + t.children_system for t in all_times)


def start(browser, tree):
    """Seconds to the address, to the dashboard's frame and to the finished picture; processor."""
    folder = Path(tempfile.mkdtemp())
    env = environment(folder) | {"PYTHONPATH": str(tree)}
    (folder / "work").mkdir()
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(VISITED)
    began = time.monotonic()
    command = [sys.executable, "-m", "crmasks_widgets", "lab", "--no-browser", *as_root()]
    with subprocess.Popen(
        command, cwd=folder / "work", env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            found = next(filter(None, map(URL.search, process.stdout)))
            times = [time.monotonic() - began]
            page.goto(found[1])
            for selector in (".crmasks-dashboard", ".crmasks-top[data-busy=false]"):
                page.wait_for_selector(selector, timeout=PATIENCE)
                times.append(time.monotonic() - began)
            times.append(spent(psutil.Process(process.pid)))
        finally:
            page.close()
            process.terminate()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)
    return times


def main():
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--other", type=Path, help="another tree of the package")
    arguments = parser.parse_args()
    trees = [HERE, *filter(None, [arguments.other])]
    times = {tree: [] for tree in trees}
    print(f"load {os.getloadavg()[0]:.1f}; medians, s")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--disable-gpu", "--disable-quic", OFFLINE]
        )
        for _ in range(arguments.starts):
            for tree in trees:
                times[tree].append(start(browser, tree))
        browser.close()
    print("| tree | address | frame | picture | processor |\n|---|---|---|---|---|")
    medians = {
        tree: [statistics.median(column) for column in zip(*times[tree], strict=True)]
        for tree in trees
    }
    for tree, values in medians.items():
        print(f"| {tree.name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0 if medians[HERE][2] <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
