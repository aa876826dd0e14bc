"""A real JupyterLab, a real browser, and what a user does with them."""

import ast
import contextlib
import json
import os
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import TimeoutError

import crmasks_widgets
from crmasks_widgets.lab import HOST, LAB, ask_server, free_port, serving
from crmasks_widgets.starting.notebook import KERNEL

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Bigger than the time of anything on a machine that is busy with something else.
PATIENCE = 60.0  # s
PAGES = 3  # loaded of a notebook, until a cell has run
TOKEN = "only-this-machine-can-ask"  # noqa: S105
SIZES = {"small": (1280, 800), "large": (1920, 1080)}
# Said by JupyterLab's loader about libraries of widgets; they work with the version that is there.
HARMLESS = ("Unsatisfied version", "No satisfying version")
# Said by anywidget after 2 s, of what is still being made: `page/hearing.js` mends what follows.
LATE = "[anywidget] Failed to initialize model."
# Nothing but this machine has an address.
OFFLINE = f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}"
SMALL_DEMO = """
import crmasks_widgets as cm
from crmasks_widgets.demo import demo_analysis
dashboard = cm.Dashboard(demo_analysis((200, 250)).replace({settings}))
dashboard
"""
# As a browser that has seen the dashboard before: no bubbles lie over what is tested.
VISITED = "try { document.cookie = 'crmasks-visited=1; path=/'; } catch {}"
NOTEBOOK = "window.jupyterapp.shell.currentWidget"


def small_demo(**settings):
    """Code of a cell that shows a dashboard of a small demo frame."""
    return SMALL_DEMO.format(settings=", ".join(f"{k}={v!r}" for k, v in settings.items()))


def find_browser():
    """Path of the system's browser; the tests fail where there is none."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    message = f"no browser: found none of {', '.join(BROWSERS)}; apt-get install chromium"
    return pytest.fail(message, pytrace=False)


def environment(folder):
    """Variables of a process that knows nothing of a user's own Jupyter."""
    names = {
        "HOME": "home", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython", "TMPDIR": "tmp",
    }  # fmt: skip
    paths = {variable: folder / name for variable, name in names.items()}
    for path in paths.values():
        path.mkdir(exist_ok=True)
    package = Path(crmasks_widgets.__file__).parents[1]
    return {**os.environ, **{k: str(v) for k, v in paths.items()}, "PYTHONPATH": str(package)}


def as_root():
    """JupyterLab asks for an option to run as root."""
    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


class Kernel:
    """Runs code where the dashboard lives, beside the page."""

    def __init__(self, connection):
        self._client = BlockingKernelClient(connection_file=str(connection))
        self._client.load_connection_file()
        self._client.start_channels()

    def run(self, code, answer="None"):
        """Run code, which leaves no trace in the notebook; the value of an expression after it."""
        reply = self._client.execute(
            code, silent=True, user_expressions={"answer": answer}, reply=True, timeout=PATIENCE
        )["content"]
        assert reply["status"] == "ok", reply.get("traceback", reply)
        result = reply["user_expressions"]["answer"]
        assert result["status"] == "ok", result
        return ast.literal_eval(result["data"]["text/plain"])

    def ask(self, expression):
        """Value of an expression of literals."""
        return self.run("", expression)

    def finish(self):
        """Let the dashboard compute to the end what it was asked for."""
        code = f"import asyncio\nidle = await asyncio.to_thread(dashboard.wait, {PATIENCE})"
        assert self.run(code, "idle")

    def close(self):
        """Stop listening."""
        self._client.stop_channels()


class Screen:
    """A page with a dashboard on it, and the kernel behind it."""

    def __init__(self, page, kernel=None):
        self.page, self.kernel = page, kernel
        self.dashboard = page.locator(".crmasks-dashboard")

    def again(self):
        """Run the cell again: another dashboard, on the same page."""
        self.page.mouse.up()
        self.page.mouse.move(1, 1)
        self.page.set_viewport_size(dict(zip(("width", "height"), SIZES["small"], strict=True)))
        # First from the page: what is still there would speak to widgets that are closed.
        self.page.evaluate(f"({CLEAR_FIRST_CELL})()")
        self.dashboard.wait_for(state="detached")
        self.kernel.run("dashboard.close()")
        self.page.evaluate(f"({RUN_FIRST_CELL})(true)")
        wait_for_widget(self.page, ".crmasks-dashboard")

    def until(self, condition, what):
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not (value := condition()):
            assert time.monotonic() < end, f"after {PATIENCE:.0f} s still not: {what}"
            self.page.wait_for_timeout(30)
        return value

    def at_rest(self, value):
        """Wait until a value is something, and stays the same; it."""
        seen = [None, None]

        def same():
            seen.append(value())
            self.page.wait_for_timeout(200)
            return seen[-1] and seen[-3] == seen[-2] == seen[-1]

        self.until(same, f"the same thing three times, found {seen[-1]}")
        return seen[-1]

    def counts(self):
        """Text of the counts by method, seen or not; empty before they are known."""
        # A locator finds elements in one step and reads them in the next: chips that come between
        # would be missing. While one dashboard takes the place of another, both are there.
        chips = self.page.evaluate(
            """() => document.querySelectorAll(".crmasks-found").length > 1 ? []
                : [...document.querySelectorAll(".crmasks-found .crmasks-chip")]
                .map((chip) => chip.textContent)"""
        )
        text = " ".join(" ".join(chips).split())
        return "" if "…" in text else text

    def wait_for_results(self):
        """Wait for the first computation; the counts."""
        self.dashboard.locator(".crmasks-top[data-busy=false]").wait_for()
        return self.until(self.counts, "counts")

    def changed(self, before):
        """Wait for other counts; the new ones."""

        def other():
            seen = self.counts()
            return "" if seen == before else seen

        return self.until(other, f"counts other than {before!r}")

    def button(self, words):
        """Button with these words on it, or as its name."""
        return self.dashboard.get_by_role("button", name=words, exact=True)

    def plot_names(self):
        """Names of the plots that are seen, in reading order."""
        return self.dashboard.locator(".crmasks-plot").evaluate_all(
            """all => all.filter((e) => e.getBoundingClientRect().width)
                .map((e) => [...e.classList].find((c) => c.startsWith("crmasks-plot-")))
                .map((c) => c.slice("crmasks-plot-".length))"""
        )

    def tab(self, title):
        """Open a tab."""
        self.dashboard.get_by_role("tab", name=title, exact=True).click()

    def drawer(self, page):
        """Open a page of the drawer."""
        if not self.dashboard.locator(".crmasks-drawer:not(.crmasks-unopened)").count():
            self.button("Parameters").click()
        self.dashboard.locator(".crmasks-drawer").get_by_role(
            "button", name=page, exact=True
        ).click()

    def close_drawer(self):
        """Close it."""
        self.dashboard.locator(".crmasks-drawer button.crmasks-icon-cross").click()

    def point(self, plot, x, y):
        """Place on the page, given as fractions of a plotting area from its lower left corner."""
        figure = self.dashboard.locator(f".crmasks-plot-{plot}")
        area = figure.locator(".plotarea_background")
        area = area.first if area.count() else figure
        area.scroll_into_view_if_needed()
        # What the page has still to lay out would move it from under the pointer.
        box = self.at_rest(area.bounding_box)
        return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

    def data_point(self, plot, x, y):
        """Place on the page of a point in the units of the axes, by the numbers at them.

        The image has no axes: where it is, its kernel knows.
        """
        if plot == "image":
            view = "dashboard.session.image"
            limits = self.kernel.ask(f"({view}.x.min, {view}.x.max, {view}.y.min, {view}.y.max)")
            left, right, low, high = limits
            return self.point(plot, (x - left) / (right - left), (y - low) / (high - low))
        figure = self.dashboard.locator(f".crmasks-plot-{plot}")
        if figure.locator(".crmasks-hand").count():  # axes may be curved
            self.at_rest(figure.bounding_box)
            return figure.locator(".crmasks-hand").evaluate(IN_HAND, [x, y])
        ticks = self.at_rest(lambda: figure.evaluate(TICKS))
        return [
            (a + (value - first) / (last - first) * (b - a))
            for value, ((first, a), (last, b)) in zip((x, y), ticks, strict=True)
        ]

    def move(self, plot, x, y):
        """Put the pointer there."""
        self.page.mouse.move(*self.point(plot, x, y))

    def click(self, plot, x, y):
        """Click there."""
        self.page.mouse.click(*self.point(plot, x, y))

    def drag(self, plot, start, end, steps=12):
        """Press, move and let go."""
        self.drag_on_page(self.point(plot, *start), self.point(plot, *end), steps)

    def drag_on_page(self, start, end, steps=12):
        """As `drag`, in page pixels."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()

    def picture(self, plot):
        """Addresses of the pictures in a plot: they change when it is drawn anew."""
        images = self.dashboard.locator(f".crmasks-plot-{plot} image")
        return images.evaluate_all("all => all.map(i => i.getAttribute('href'))")

    def shot(self, name):
        """Keep a screenshot for the documentation, if asked: CRMASKS_SCREENSHOTS=docs/images."""
        folder = os.environ.get("CRMASKS_SCREENSHOTS")
        if not folder:
            return
        before, box = self.page.viewport_size, self.dashboard.bounding_box()
        # What JupyterLab's panel hides by scrolling would be grey in the picture.
        self.page.set_viewport_size(before | {"height": int(box["height"]) + before["height"] // 2})
        self.page.mouse.move(1, 1)
        self.page.wait_for_timeout(1000)
        self.dashboard.screenshot(path=Path(folder) / f"{name}.png")
        self.page.set_viewport_size(before)

    def notebook(self):
        """What a wrong key would change: cells, how often each was run, the kernel, dialogs."""
        return self.page.evaluate(
            f"""() => {{
                const panel = {NOTEBOOK};
                const cells = panel.content.model.toJSON().cells;
                return {{
                    cells: cells.map((cell) => [cell.cell_type, cell.source]),
                    counts: cells.map((cell) => cell.execution_count),
                    outputs: panel.node.querySelectorAll(".crmasks-dashboard").length,
                    kernel: panel.sessionContext.session?.kernel?.id,
                    dialogs: document.querySelectorAll(".jp-Dialog").length,
                    panels: document.querySelectorAll(".jp-NotebookPanel").length,
                }};
            }}"""
        )


class Watch:
    """Notes what no page may do: ask for something elsewhere, or fail in JavaScript."""

    def __init__(self, context, home, complaints):
        self.complaints, self._home = complaints, home
        context.on("request", lambda request: self._asked(request.url))
        context.on(
            "page", lambda page: page.on("websocket", lambda socket: self._asked(socket.url))
        )
        context.on("console", self._said)
        context.on("weberror", lambda error: self._failed(error.error))

    def _note(self, kind, text):
        self.complaints.append(f"{kind}: {text}")

    def _failed(self, error):
        if error.message != LATE:
            self._note("JavaScript", error)

    def _asked(self, url):
        here = tuple(f"{scheme}://{self._home}/" for scheme in ("http", "ws"))
        if not url.startswith((*here, "data:", "blob:")):
            self._note("request", url)

    def _said(self, message):
        if message.type == "error" and not message.text.startswith(HARMLESS):
            self._note("console", message.text)


@contextlib.contextmanager
def watched_page(browser, port, size="small", complaints=None):
    """A page of its own, which may only talk to this port.

    A complaint fails the test, unless there is a list to put it in.
    """
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(VISITED)
    watch = Watch(context, f"{HOST}:{port}", [] if complaints is None else complaints)
    try:
        yield context.new_page()
    except BaseException as error:
        error.add_note(f"complaints of the page: {watch.complaints}")
        raise
    finally:
        context.close()
    assert complaints is not None or not watch.complaints, watch.complaints


def wait_for_widget(page, selector):
    """Wait until it is seen; a failure tells what is there instead."""
    try:
        page.wait_for_selector(selector)
    except TimeoutError as error:
        error.add_note(f"outputs: {page.locator('.jp-OutputArea').all_inner_texts()}")
        raise


class Lab:
    """A JupyterLab of the tests' own."""

    def __init__(self, folder, port, env):
        self.folder, self.port, self._env = folder, port, env

    def seen_at(self, port):
        """The same where something stands before it."""
        return Lab(self.folder, port, self._env)

    def ask(self, method, what, body=None):
        """Use the interface of the server."""
        return ask_server(self.port, TOKEN, method, what, body)

    def address(self, what):
        """Of a page."""
        return f"http://{HOST}:{self.port}/{what}?token={TOKEN}"

    def set_theme(self, name):
        """Choose the theme of the pages to come: Light or Dark."""
        what = "lab/api/settings/@jupyterlab/apputils-extension:themes"
        self.ask("PUT", what, {"raw": json.dumps({"theme": f"JupyterLab {name}"})})

    def _end_sessions(self, name):
        """Stop the kernels of a notebook."""
        for session in self.ask("GET", "api/sessions"):
            if session["path"] == name:
                self.ask("DELETE", f"api/sessions/{session['id']}")

    def _run_first_cell(self, page, name, shows):
        """Run it, and wait for what it shows, if anything; the identifier of its kernel.

        About one page in a hundred of JupyterLab loses what the kernel that it started says, and
        waits for ever, or shows nothing; a user would load it again. Here with another kernel:
        widgets that the first is making while the page asks which there are would be unknown to it.
        """
        steps = []
        for _ in range(PAGES):
            page.goto(self.address(f"doc/tree/{name}") + "&reset")
            page.evaluate(f"void ({RUN_FIRST_CELL})({json.dumps(bool(shows))})")
            end = time.monotonic() + PATIENCE / 2
            while time.monotonic() < end:
                if kernel := page.evaluate("window.kernelOfFirstCell"):
                    return kernel
                page.wait_for_timeout(50)
            steps.append(page.evaluate("window.stepOfFirstCell"))
            page.goto("about:blank")  # or it would complain that its kernel ended
            self._end_sessions(name)
        return pytest.fail(f"JupyterLab did not run a cell; it waited for: {', '.join(steps)}")

    @contextlib.contextmanager
    def dashboard(
        self, browser, code, size="small", theme="Light", shows=".crmasks-dashboard", before="",
        complaints=None,
    ):  # fmt: skip
        """Run a cell that shows a dashboard, or nothing, in a notebook of its own.

        What is `before` is run in the page before all else. A complaint of the page fails the
        test, unless there is a list to put it in.
        """
        path = self.folder / f"{time.monotonic_ns()}.ipynb"
        cells = [new_code_cell(code), new_code_cell("# another cell")]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
        self.set_theme(theme)
        with watched_page(browser, self.port, size, complaints) as page:
            page.add_init_script(before)
            kernel = self._run_first_cell(page, path.name, shows)
            outputs = page.evaluate(f"{NOTEBOOK}.content.model.toJSON().cells[0].outputs")
            assert all(output["output_type"] != "error" for output in outputs), outputs
            connection = Path(self._env["JUPYTER_RUNTIME_DIR"]) / f"kernel-{kernel}.json"
            with contextlib.closing(Kernel(connection)) as inside:
                if shows:
                    wait_for_widget(page, shows)
                yield Screen(page, inside)
        self._end_sessions(path.name)


IN_HAND = """(el, [x, y]) => {
    const { left, top } = el.getBoundingClientRect();
    return [left + el.clientLeft + el.crmasksHand.across(x), top + el.crmasksHand.up(y)];
}"""

# Of each axis the first and the last number, and where on the page its tick is.
TICKS = """figure => ["x", "y"].map((axis) => {
    const bottom = figure.querySelector(".plotarea_background").getBoundingClientRect().bottom;
    const all = [...figure.querySelectorAll(".axis")].map((e) => [...e.querySelectorAll(".tick")])
        .map((ticks) => ticks.map((tick) => {
            const line = tick.querySelector("line").getBoundingClientRect();
            const text = tick.querySelector("text");
            return [Number(text.textContent.replace("\u2212", "-")),
                axis === "x" ? (line.left + line.right) / 2 : (line.top + line.bottom) / 2];
        }).filter(([value]) => Number.isFinite(value)).sort((a, b) => a[0] - b[0]));
    const moved = (ticks) => ticks.length > 1 && Math.abs(ticks.at(-1)[1] - ticks[0][1]) > 5;
    const [found] = all.filter(moved);
    return [found[0], found.at(-1)];
})"""

CLEAR_FIRST_CELL = f"""() => {{
    {NOTEBOOK}.content.activeCellIndex = 0;
    return window.jupyterapp.commands.execute("notebook:clear-cell-output");
}}"""

RUN_FIRST_CELL = f"""async (shows) => {{
    const waitFor = (what) => {{ window.stepOfFirstCell = what; }};
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    waitFor("the notebook");
    while (!window.jupyterapp || !{NOTEBOOK}?.sessionContext) await pause();
    const panel = {NOTEBOOK};
    await panel.revealed;
    waitFor("the session");
    await panel.sessionContext.ready;
    waitFor("the kernel");
    const kernel = () => panel.sessionContext.session?.kernel;
    while (!kernel()) await pause();
    waitFor("the kernel to be idle");
    for (let i = 1; kernel()?.status !== "idle"; i += 1) {{
        // What it said before the page listened is lost; when asked, it says it again.
        if (i % 10 === 0) kernel()?.requestKernelInfo().catch(() => {{}});
        await pause();
    }}
    waitFor("the cell");
    panel.content.activeCellIndex = 0;
    await window.jupyterapp.commands.execute("notebook:run-cell");
    waitFor("what the cell shows");
    while (shows && !panel.content.model.toJSON().cells[0].outputs.length) await pause();
    window.kernelOfFirstCell = kernel().id;
}}"""


@contextlib.contextmanager
def running_lab(folder):
    """Start JupyterLab on an empty folder."""
    env, port, notebooks = environment(folder), free_port(), folder / "notebooks"
    notebooks.mkdir()
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"checkForUpdates": False, "fetchNews": "false", "doNotDisturbMode": True}
    path = settings / "notification.jupyterlab-settings"
    path.write_text(json.dumps(quiet), encoding="utf-8")
    command = [
        *LAB, *as_root(), f"--ServerApp.port={port}", f"--ServerApp.root_dir={notebooks}",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with serving(command, env | {"JUPYTER_TOKEN": TOKEN}, port):
        yield Lab(notebooks, port, env)
