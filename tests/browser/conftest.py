"""One JupyterLab and one browser for all tests here; a page and a kernel for each."""

import contextlib

import pytest
from playwright.sync_api import sync_playwright

from .harness import OFFLINE, find_browser, running_lab, small_demo

POINTS = ((0.0, 60.0, 1e4), (150.0, 90.0, 1e4), (5000.0, 300.0, 1e4))
PIECEWISE = {"mm_boundary_fit": "piecewise", "mm_fixed_points_in_boundary": POINTS}


# Not for the session: while Playwright runs, asyncio believes that its loop runs in this thread,
# which other tests rely on not to be so.
@pytest.fixture(scope="package")
def browser():
    """The system's browser, without a window; it is never downloaded."""
    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--disable-gpu", "--disable-quic", OFFLINE]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """A running JupyterLab."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def open_dashboard(browser, lab):
    """Open a notebook whose cell shows a dashboard: open_dashboard(code, size=..., theme=...)."""
    with contextlib.ExitStack() as stack:
        yield lambda code=None, **options: stack.enter_context(
            lab.dashboard(browser, small_demo() if code is None else code, **options)
        )


@pytest.fixture
def screen(open_dashboard):
    """A dashboard with three fixed points that has computed everything."""
    shown = open_dashboard(small_demo(**PIECEWISE))
    shown.wait_for_results()
    shown.kernel.finish()
    return shown
