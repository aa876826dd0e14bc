"""Do what Binder does, and look at the quickstart in a browser: `make test-long` runs this.

    python -m tests.binder_check [--lock]

Installs `binder/requirements.txt` in a fresh environment, runs `binder/postBuild` in a copy of the
checkout, starts JupyterLab on one core, runs the quickstart from the link of the badge, and fails
if server and kernels together take 2 GB or more. With ``--lock`` it first replaces the lock by the
newest versions that pyproject.toml allows.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from crmasks_widgets.lab import HOST, free_port

from .browser.harness import (
    NOTEBOOK,
    OFFLINE,
    TOKEN,
    Screen,
    as_root,
    environment,
    find_browser,
    watched_page,
)  # fmt: skip

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
QUICKSTART = "notebooks/01_quickstart.ipynb"
MOST_MEMORY = 2e9  # bytes
CORE = 0
START_SECONDS = 120.0
RUN_TO_DASHBOARD = f"""async () => {{
    const notebook = {NOTEBOOK}.content;
    const has = (cell) => cell.model.sharedModel.source.includes("Dashboard(");
    const shown = notebook.widgets.findIndex(has);
    while (notebook.activeCellIndex <= shown) {{
        await window.jupyterapp.commands.execute("notebook:run-cell-and-select-next");
    }}
    await notebook.scrollToItem(shown, "center");
}}"""


def run(*command, **options):
    """Run a command that must succeed."""
    subprocess.run([str(word) for word in command], check=True, **options)


def listed(name):
    """Lines of a file in binder/ without comments."""
    lines = (BINDER / name).read_text(encoding="utf-8").splitlines()
    return [line for line in (each.partition("#")[0].strip() for each in lines) if line]


def interpreter():
    """The Python that runtime.txt asks for."""
    (wanted,) = listed("runtime.txt")
    name = wanted.replace("-", "")
    if f"python{sys.version_info[0]}.{sys.version_info[1]}" == name:
        return sys.executable
    if path := shutil.which(name):
        return path
    raise SystemExit(f"binder/runtime.txt: found no {name} on this machine")


def install_debian_packages():
    """Those of apt.txt; without the right to, they have to be there."""
    packages = listed("apt.txt")
    if packages and os.geteuid() == 0:
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages)
    for package in packages:
        run("dpkg", "--status", package, stdout=subprocess.DEVNULL)


def new_environment(folder):
    """An empty virtual environment; its Python."""
    run(interpreter(), "-m", "venv", folder)
    return folder / "bin" / "python"


def checkout(folder):
    """Copy what is committed, or would be."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, files):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def write_lock(folder):
    """Replace the pins by what pip chooses today."""
    python = new_environment(folder / "newest")
    run(python, "-m", "pip", "install", "--quiet", f"{ROOT}[voila]", "hatchling")
    frozen = subprocess.run(
        [python, "-m", "pip", "freeze", "--exclude", "crmasks-widgets"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    path = BINDER / "requirements.txt"
    comments = re.findall(r"^#.*\n", path.read_text(encoding="utf-8"), re.MULTILINE)
    path.write_text("".join(comments) + frozen, encoding="utf-8")


class Memory(threading.Thread):
    """Watches the memory of a process and all that it started."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.peak, self.peak_shared, self._pid, self._over = 0, 0, pid, threading.Event()

    def run(self):
        """Look ten times a second."""
        while not self._over.wait(0.1):
            family = self._family()
            resident = sum(self._kilobytes(pid, "status", "VmRSS") for pid in family)
            shared = sum(self._kilobytes(pid, "smaps_rollup", "Pss") for pid in family)
            self.peak = max(self.peak, 1024 * resident)
            self.peak_shared = max(self.peak_shared, 1024 * shared)

    def stop(self):
        """End; the peaks stay."""
        self._over.set()
        self.join()

    def _family(self):
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # A name may hold spaces and brackets; the parent is the second word after it.
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        family = [self._pid]
        for member in family:
            family += [pid for pid, parent in parents.items() if parent == member]
        return family

    @staticmethod
    def _kilobytes(pid, name, key):
        with contextlib.suppress(OSError):
            found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{pid}/{name}").read_text(), re.M)
            return int(found[1]) if found else 0
        return 0


@contextlib.contextmanager
def server(python, folder, home):
    """JupyterLab on one core; its process and port."""
    port = free_port()
    variables = environment(home) | {"JUPYTER_TOKEN": TOKEN}
    del variables["PYTHONPATH"]  # or the checkout that this runs from would be used
    command = [
        "taskset", "--cpu-list", str(CORE), python, "-m", "jupyterlab", "--no-browser", *as_root(),
        f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        "--ServerApp.log_level=ERROR", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    process = subprocess.Popen([str(w) for w in command], cwd=folder, env=variables)
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait()


def answers(port):
    """Whether the server does."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=1.0)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("GET", f"/api/status?token={TOKEN}")
        return connection.getresponse().status == http.client.OK
    return False


def quickstart(page, port):
    """Open the quickstart as the badge does, run it, and use its dashboard; seconds of each."""
    started = time.monotonic()
    while not answers(port):
        if time.monotonic() - started > START_SECONDS:
            raise SystemExit(f"JupyterLab did not answer within {START_SECONDS:.0f} s")
        time.sleep(0.05)
    seconds = {"server": time.monotonic() - started}
    page.set_default_timeout(1000 * START_SECONDS)
    page.goto(f"http://{HOST}:{port}/lab/tree/{QUICKSTART}?token={TOKEN}", wait_until="commit")
    page.wait_for_function(
        f"() => window.jupyterapp && {NOTEBOOK}?.sessionContext?.session?.kernel"
    )
    page.get_by_role("heading", name="Quickstart").first.wait_for()
    seconds["page"] = time.monotonic() - started
    screen = Screen(page)
    # Cells out of sight are not drawn: go through them as a user does, with Shift+Enter.
    page.evaluate(RUN_TO_DASHBOARD)
    screen.wait_for_results()
    seconds["dashboard"] = time.monotonic() - started
    counts = screen.counts()
    screen.button("Next hit").click()
    screen.dashboard.get_by_text("hit 1 of").wait_for()
    screen.button("Reject").click()
    screen.until(lambda: screen.button("Undo").is_enabled(), "something to undo")
    screen.until(lambda: screen.counts() == counts, "the same counts")
    seconds["used"] = time.monotonic() - started
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-below')")
    outputs = f"{NOTEBOOK}.content.model.toJSON().cells.flatMap((cell) => cell.outputs ?? [])"
    page.wait_for_function(f"() => JSON.stringify({outputs}).includes('double hits found')")
    assert page.evaluate(f"() => {outputs}.filter((o) => o.output_type === 'error')") == []
    seconds["all cells"] = time.monotonic() - started
    return seconds


def main():
    """Install, start, look, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", action="store_true", help="write binder/requirements.txt anew")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if parser.parse_args().lock:
            write_lock(folder)
        install_debian_packages()
        started = time.monotonic()
        python = new_environment(folder / "venv")
        run(python, "-m", "pip", "install", "--quiet", "-r", BINDER / "requirements.txt")
        (copy := folder / "checkout").mkdir()
        checkout(copy)
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
        run("binder/postBuild", cwd=copy, env=variables)
        run(python, "-m", "pip", "check")
        installed = time.monotonic() - started
        (home := folder / "home").mkdir()
        with (
            server(python, copy, home) as (process, port),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=find_browser(), args=["--disable-gpu", OFFLINE]
            )
            memory = Memory(process.pid)
            memory.start()
            with watched_page(browser, port, "large") as page:
                seconds = quickstart(page, port)
            memory.stop()
            browser.close()
        products = list((copy / "notebooks" / "quickstart" / "products").iterdir())
        notebook = nbformat.read(copy / QUICKSTART, as_version=4)
        assert len([cell for cell in notebook.cells if cell.cell_type == "code"]) == 5
    times = ", ".join(f"{what} {second:.1f}" for what, second in seconds.items())
    sys.stdout.write(
        f"installed in {installed:.0f} s; {len(products)} products\n"
        f"seconds after the start: {times}\n"
        f"server and kernels on one core: at most {memory.peak / 1e6:.0f} MB resident, "
        f"{memory.peak_shared / 1e6:.0f} MB with shared pages counted once\n"
    )
    assert memory.peak < MOST_MEMORY, f"found {memory.peak:.3g} bytes, expected < {MOST_MEMORY:g}"


if __name__ == "__main__":
    main()
