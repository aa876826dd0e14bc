"""One JupyterLab and one browser for all tests here."""

import contextlib
from functools import partial

import pytest
from playwright.sync_api import sync_playwright

from .harness import OFFLINE, find_browser, running_lab, small_demo

POINTS = ((0.0, 60.0, 1e4), (150.0, 90.0, 1e4), (5000.0, 300.0, 1e4))
PIECEWISE = {"mm_boundary_fit": "piecewise", "mm_fixed_points_in_boundary": POINTS}
PASSED = pytest.StashKey[bool]()


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[PASSED] = item.stash.get(PASSED, True) and report.passed
    return report


class Shared:
    """A page and a kernel for the tests of a module, of which each has a dashboard of its own."""

    def __init__(self, browser, lab):
        self._open = partial(lab.dashboard, browser, small_demo(**PIECEWISE))
        self._stack, self._screen, self._complaints = contextlib.ExitStack(), None, []

    def dashboard(self):
        if self._screen is None:
            opened = self._open(complaints=self._complaints)
            self._screen = self._stack.enter_context(opened)
        else:
            self._screen.again()
        return self._screen

    def done(self, passed):
        """After a test: one that failed may have left anything behind."""
        if not passed or self._complaints:
            self.close()

    def close(self):
        """Close the page; what it complained of, to the end, is an error of the last test."""
        self._stack.close()
        self._screen = None
        complaints, self._complaints[:] = list(self._complaints), []
        assert not complaints, complaints


@pytest.fixture(scope="module")
def shared(browser, lab):
    """What `screen` shares between tests."""
    with contextlib.closing(Shared(browser, lab)) as one:
        yield one


@pytest.fixture
def screen(shared, request):
    """A dashboard with three fixed points that has computed everything."""
    ready = False
    try:
        shown = shared.dashboard()
        shown.wait_for_results()
        shown.kernel.finish()
        ready = True
        yield shown
    finally:
        shared.done(ready and request.node.stash[PASSED])
