"""How long a user waits for the dashboard, measured in the page.

A listener in the page notes when an event arrives there; an observer notes when the text of the
counts, or a picture of flags, is another one, and the frame after that is painted. With
`--round-trip`, all that the page and the server say to each other is held back as by a distance.
Prints a table; the exit status is 1 if a target is missed.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _distance import far_away
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.harness import OFFLINE, find_browser, running_lab

POINTS = ((0.0, 60.0, 1e4), (150.0, 90.0, 1e4), (5000.0, 300.0, 1e4))
QUIET = 1.5  # s
STEPS = (0, 8, 3, 11, 5)  # of the mouse, pixels
LONG, SWING = 2.0, 15  # of a drag that does not stop: s, pixels up and down
FRAME = 1000 / 60  # ms
CELL = """
import crmasks_widgets as cm
analysis = analysis.replace(mm_boundary_fit={fit!r}, mm_fixed_points_in_boundary={points})
dashboard = cm.Dashboard(analysis)
dashboard
"""
PREPARE = """
from crmasks_widgets.demo import demo_analysis
analysis = demo_analysis({shape})
"""
# Times of the page's clock, ms. A picture of the kernel counts when the frame after its change is
# painted; what the page draws by itself, when the frame that it is drawn for is.
WATCH = """() => {
    const log = (window.crmasksLog = {
        events: [], line: [], above: [], counts: [], overlay: [], image: [],
    });
    const drawn = (name) => setTimeout(() => log[name].push(performance.now()));
    const painted = (name) => requestAnimationFrame(
        () => setTimeout(() => log[name].push(performance.now())));
    for (const type of ["mousemove", "keydown"]) {
        window.addEventListener(type, () => log.events.push(performance.now()), true);
    }
    const root = document.querySelector(".crmasks-dashboard");
    const counts = root.querySelector(".crmasks-found");
    const line = root.querySelector(".crmasks-hand .boundary");
    new MutationObserver(() => drawn("line")).observe(line, { attributeFilter: ["d"] });
    root.addEventListener("crmasks-above", () => drawn("above"));
    let text = counts.innerText;
    new MutationObserver(() => {
        if (counts.innerText === text) return;
        text = counts.innerText;
        painted("counts");
    }).observe(counts, { childList: true, subtree: true, characterData: true });
    for (const [name, plot] of [["overlay", "observed"], ["image", "image"]]) {
        const figure = root.querySelector(`.crmasks-plot-${plot}`);
        new MutationObserver(() => painted(name))
            .observe(figure, { subtree: true, attributeFilter: ["href"] });
    }
}"""
# Times between frames as long as they are counted, ms.
FRAMES = """() => {
    const frames = (window.crmasksFrames = { times: [], counted: true });
    let last;
    const next = (now) => {
        if (last !== undefined) frames.times.push(now - last);
        last = now;
        if (frames.counted) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}"""
FRAME_TIMES = "() => { crmasksFrames.counted = false; return crmasksFrames.times; }"
CLEAR = "() => Object.values(window.crmasksLog).forEach((list) => (list.length = 0))"
# A figure has blank pictures of one pixel before it is drawn for the first time.
FIRST_PICTURE = """() => new Promise((resolve) => {
    const begun = performance.now(), known = new Set();
    let seen = false; // later frames are measured, and not held up by this
    const end = () => { seen = true; resolve(performance.now() - begun); };
    window.jupyterapp.commands.execute("notebook:run-cell");
    const look = () => {
        for (const picture of document.querySelectorAll(".crmasks-plot-image image")) {
            const href = picture.getAttribute("href");
            if (!href || known.has(href)) continue;
            known.add(href);
            const copy = new Image();
            copy.onload = () => copy.naturalWidth > 1 && end();
            copy.src = href;
        }
        if (!seen) requestAnimationFrame(look);
    };
    look();
})"""


@dataclass(frozen=True)
class Line:
    """One line of the table: times in ms, and what they may be at most (median, 95 %)."""

    what: str
    times: list[float]
    targets: tuple[float, float | None]

    @property
    def late(self) -> float:
        """Time that 95 % stay below."""
        ordered = sorted(self.times)
        return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]

    @property
    def met(self) -> bool:
        """Whether the targets are met."""
        median, late = self.targets
        return statistics.median(self.times) <= median and (late is None or self.late <= late)

    def __str__(self) -> str:
        """As a row of Markdown."""
        numbers = f"{len(self.times)} | {statistics.median(self.times):.0f} | {self.late:.0f}"
        median, late = self.targets
        target = f"{median:.0f}" if late is None else f"{median:.0f} / {late:.0f}"
        return f"| {self.what} | {numbers} | {target} | {'yes' if self.met else '**no**'} |"


def waited(screen, act, *kinds):
    """Do something; ms from its first event to the last of the first pictures of some kinds.

    A list of one time; an empty one where nothing was to be seen for `QUIET`.
    """
    at_rest(screen)
    screen.page.evaluate(CLEAR)
    act()
    at_rest(screen)
    log = screen.page.evaluate("window.crmasksLog")
    if not all(log[kind] for kind in kinds):
        return []
    return [max(log[kind][0] for kind in kinds) - log["events"][0]]


def between(screen, kind):
    """From the last event to the first picture of a kind, ms; empty where there was none."""
    log = screen.page.evaluate("window.crmasksLog")
    return [log[kind][0] - log["events"][0]] if log[kind] else []


def at_rest(screen):
    """Wait until nothing is painted any more."""
    seen, last = -1, time.monotonic()
    while time.monotonic() - last < QUIET:
        now = screen.page.evaluate("Object.values(window.crmasksLog).flat().length")
        if now != seen:
            seen, last = now, time.monotonic()
        screen.page.wait_for_timeout(50)


def grasped_point(screen):
    """Press on the second fixed point; its place."""
    at = screen.dashboard.locator(".crmasks-plot-observed .point circle")
    box = screen.at_rest(at.nth(1).bounding_box)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    return x, y


def long_drag_times(screen, n):
    """Move a fixed point without a pause; times of frames, and from its stop to the last picture.

    The hand holds the point while the masks come.
    """
    times = {"frames": [], "last": []}
    for _ in range(n):
        at_rest(screen)
        x, y = grasped_point(screen)
        screen.page.evaluate(CLEAR)
        screen.page.evaluate(FRAMES)
        end, step = time.monotonic() + LONG, 0
        while time.monotonic() < end:
            step += 1
            screen.page.mouse.move(x, y + abs(step % (2 * SWING) - SWING))
        times["frames"] += screen.page.evaluate(FRAME_TIMES)
        at_rest(screen)
        log = screen.page.evaluate("window.crmasksLog")
        painted = [time for kind in ("counts", "overlay", "image") for time in log[kind]]
        times["last"].append(max(painted) - log["events"][-1])
        screen.page.mouse.up()
    return times


def drag_times(screen, n):
    """Move a fixed point up and down, a step at a time; times to line, count and masks.

    Each step changes the count.
    """
    mouse = screen.page.mouse
    x, y = grasped_point(screen)
    mouse.move(x, y + 12, steps=3)
    times = {"line": [], "above": [], "masks": []}
    for i in range(n):
        height = y + 13 + STEPS[i % len(STEPS)]
        act = lambda height=height: mouse.move(x, height)  # noqa: E731
        times["masks"] += waited(screen, act, "counts", "overlay", "image")
        for kind in ("line", "above"):
            times[kind] += between(screen, kind)
    mouse.up()
    return times


def slider_times(screen, n):
    """Move the slider of a threshold of L.A.Cosmic by a tenth of its length, with a key."""
    field = screen.dashboard.locator(".crmasks-left input[id$='-la_sigclip']").locator("..")
    handle = field.locator("input[type=range]")
    handle.focus()
    times = []
    for i in range(n):
        key = "PageDown" if i % 2 else "PageUp"
        act = lambda key=key: screen.page.keyboard.press(key)  # noqa: E731
        times += waited(screen, act, "counts", "image")
    return times


def measure(browser, lab, shape, fit, n, round_trip):
    """Lines of the table for one kind of boundary; the round trip is in ms."""
    prepare, cell = PREPARE.format(shape=shape), CELL.format(fit=fit, points=POINTS)
    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(lab.dashboard(browser, prepare, shows=None))
        screen.page.evaluate(
            "code => { const cells = window.jupyterapp.shell.currentWidget.content;"
            " cells.activeCellIndex = 1; cells.activeCell.model.sharedModel.setSource(code); }",
            cell,
        )
        first = screen.page.evaluate(FIRST_PICTURE)
        screen.wait_for_results()
        screen.kernel.finish()
        screen.page.wait_for_timeout(3000)
        screen.page.evaluate(WATCH)
        yield Line(f"first picture, {fit}", [first], (5000 + 10 * round_trip, None))
        times = drag_times(screen, n)
        yield Line(f"line under the hand, {fit}", times["line"], (32, 32))
        yield Line(f"count under the hand, {fit}", times["above"], (32, 32))
        masks = (150 + 2 * round_trip, 300 + 2 * round_trip)
        yield Line(f"masks of a fixed point, {fit}", times["masks"], masks)
        times = long_drag_times(screen, max(3, n // 5))
        yield Line(f"frames of a long drag, {fit}", times["frames"], (FRAME + 1, 2 * FRAME + 1))
        yield Line(f"last masks after it, {fit}", times["last"], (150 + round_trip, None))
        screen.kernel.finish()
        yield Line(f"`la_sigclip`, {fit}", slider_times(screen, n), (500 + round_trip, None))


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", metavar=("NX", "NY"), nargs=2, type=int, default=(2016, 1596))
    parser.add_argument("--moves", type=int, default=30, help="of each kind (default: 30)")
    parser.add_argument("--round-trip", type=float, default=0, help="ms (default: none)")
    arguments = parser.parse_args()
    nx, ny = arguments.size
    away = arguments.round_trip
    lines = []
    print(f"{nx} x {ny} x 3, load {os.getloadavg()[0]:.1f}, round trip {away:.0f}; ms\n")
    print("| | n | median | 95 % | at most | met |\n|---|---|---|---|---|---|", flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as near,
        far_away(near.port, away / 1000) as port,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--disable-gpu", "--disable-quic", OFFLINE]
        )
        lab = near.seen_at(port) if away else near
        for fit in ("piecewise", "spline"):
            for line in measure(browser, lab, (ny, nx), fit, arguments.moves, away):
                print(line, flush=True)
                lines.append(line)
        browser.close()
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
