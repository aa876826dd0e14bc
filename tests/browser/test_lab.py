"""`crmasks lab`, as a user starts and ends it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat

from crmasks_widgets.lab_kernels import LOAD

from .harness import (
    NOTEBOOK,
    PATIENCE,
    Kernel,
    Screen,
    as_root,
    environment,
    wait_for_widget,
    watched_page,
)

URL = re.compile(r"the dashboard will be open at (http://127\.0\.0\.1:(\d+)/\S+)")


@contextlib.contextmanager
def crmasks_lab(folder, *arguments):
    """Start the program in a folder; its process, and the page it says is open."""
    home = folder / "home-of-the-test"
    home.mkdir()
    log = home / "log"
    command = [sys.executable, "-m", "crmasks_widgets", "lab", "--no-browser", *as_root()]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, *arguments], cwd=folder, env=environment(home),
            stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while not (found := URL.search(log.read_text(errors="replace"))):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.1)
        yield process, found[1], int(found[2])
    finally:
        process.terminate()
        process.wait(PATIENCE)


def only_kernel(folder):
    """The one kernel that was started, by its connection file."""
    (path,) = Path(folder).rglob("kernel-*.json")
    return Kernel(path)


def is_running(pid):
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def react(screen):
    """Change a parameter from Python, and take it back by the button."""
    counts = screen.wait_for_results()
    assert not screen.button("Undo").is_enabled()
    screen.kernel.run("dashboard.state.update(crmethod='lacosmic')")
    other = screen.changed(counts)
    assert re.search(r"^\d+ hits · [\d,]+ pixels × L\.A\.Cosmic [\d,]+ px$", other)
    screen.button("Undo").click()
    assert screen.changed(other) == counts


def test_jupyterlab_opens_with_the_dashboard_computed(browser, work):
    work.yaml(crmethod="mm_lacosmic", la_niter=2)
    with crmasks_lab(work.folder, "params.yaml") as (process, url, port):
        with (
            watched_page(browser, port) as page,
            contextlib.closing(only_kernel(work.folder)) as kernel,
        ):
            page.goto(url)
            wait_for_widget(page, ".crmasks-dashboard")
            react(Screen(page, kernel))
            pid = kernel.ask("__import__('os').getpid()")
            # It began before the server.
            assert LOAD in kernel.ask("__import__('sys').argv")
            # What the program stored is what the page shows: nobody ran the cell again.
            cells = page.evaluate(f"{NOTEBOOK}.content.model.toJSON().cells")
            assert [cell["execution_count"] for cell in cells] == [1]
            # The still picture in it follows, although this page did not run the cell.
            text = f"{NOTEBOOK}.content.model.toJSON().cells[0].outputs.at(-1).data['text/plain']"
            Screen(page).until(lambda: "hits" in page.evaluate(text), "hits in the notebook")
            # The notebook steps back, and is one click away.
            assert not page.locator(".jp-NotebookPanel-toolbar").first.is_visible()
            page.get_by_role("button", name="Notebook", exact=True).click()
            page.locator(".jp-NotebookPanel-toolbar").first.wait_for()
            # No question of JupyterLab lies over it, although no setting of a user forbids that.
            assert page.locator(".Toastify__toast").all_inner_texts() == []
        assert is_running(pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert not is_running(pid)
    notebook = nbformat.read(work.folder / "crmasks-params.ipynb", as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1]


def test_a_cell_that_fails_ends_the_program_in_one_line(work):
    work.yaml()
    env = environment(work.folder)
    startup = Path(env["IPYTHONDIR"]) / "profile_default" / "startup" / "00-broken.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(
        "import crmasks_widgets\n"
        "def fail(path):\n    raise OSError('two\\nlines')\n"
        "crmasks_widgets.open = fail\n"
    )
    command = [sys.executable, "-m", "crmasks_widgets", "lab", "--no-browser", *as_root()]
    done = subprocess.run(
        [*command, "params.yaml"], cwd=work.folder, env=env, capture_output=True, text=True,
        check=False, timeout=2 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2
    assert "crmasks: the dashboard was not opened: OSError: two lines\n" in done.stderr
    assert "Traceback" not in done.stderr


# What scrolls around the dashboard, and how much of an element is not cut by those around it.
SCROLLING = """() => {
    const found = [];
    let each = document.querySelector(".crmasks-dashboard");
    while ((each = each.parentElement)) {
        if (each.scrollHeight > each.clientHeight) found.push(each.className || each.tagName);
    }
    return found;
}"""
SEEN = """(element) => new Promise((resolve) => {
    new IntersectionObserver(([seen]) => resolve(seen.intersectionRatio)).observe(element);
})"""


def test_voila_shows_the_dashboard_alone(browser, work):
    work.yaml(crmethod="mm_lacosmic", la_niter=2)
    with crmasks_lab(work.folder, "--voila", "params.yaml") as (process, url, port):
        with watched_page(browser, port) as page:
            page.goto(url, wait_until="commit")
            page.get_by_text("Executing 1 of 1").wait_for()
            wait_for_widget(page, ".crmasks-dashboard")
            assert page.locator(".jp-InputArea, #loading").count() == 0
            # Nothing but the dashboard is there to be scrolled, and nothing of it is cut.
            assert page.evaluate(SCROLLING) == []
            assert page.locator(".crmasks-legend").first.evaluate(SEEN) > 0.99
            with contextlib.closing(only_kernel(work.folder)) as kernel:
                react(Screen(page, kernel))
            links = page.locator("[href], [src]").evaluate_all(
                "all => all.map(n => n.href ?? n.src)"
            )
            assert not [link for link in links if "cdn" in link]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_voila_lets_nobody_in_without_the_token(browser, work):
    work.yaml()
    with (
        crmasks_lab(work.folder, "--voila", "params.yaml") as (_, url, port),
        watched_page(browser, port, complaints=[]) as page,
    ):
        page.goto(url.split("?")[0])
        assert page.url.split("?")[0].endswith("/login")
