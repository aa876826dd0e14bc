"""What only a real page can tell of the dashboard as a whole."""

import string

import pytest

from .harness import watched_page

FRAME_OF_LAB = 160  # pixels of the height of a page
DARK = "dashboard.session.page.dark"  # what draws in WebGL has to know
# Restart the kernel, interrupt it, delete a cell; cut, and what closes a figure elsewhere.
SHORTCUTS = ["0", "0", "i", "i", "d", "d", "x", "q", "Enter", "Shift+Enter", "Control+Enter"]


def test_no_key_reaches_jupyterlab(open_dashboard):
    screen = open_dashboard()
    screen.wait_for_results()
    page = screen.page
    before = screen.notebook()
    assert before["counts"] == [1, None]
    for plot in [None, *screen.plot_names()]:
        # The notebook, in command mode, has the focus until the pointer comes over the dashboard.
        page.mouse.move(5, 5)
        page.locator(".jp-InputPrompt").first.click()
        page.keyboard.press("Escape")
        box = screen.dashboard.bounding_box()
        page.mouse.move(
            *((box["x"] + 20, box["y"] + 10) if plot is None else screen.point(plot, 0.5, 0.5))
        )
        page.wait_for_function(
            "document.querySelector('.crmasks-dashboard').contains(document.activeElement)"
        )
        letters = string.ascii_letters.replace("O", "")
        # The last opens the dialog of files, under which nothing answers.
        for key in [*letters, *string.digits, *SHORTCUTS, "O"]:
            page.keyboard.press(key)
        page.wait_for_selector("dialog.crmasks-open")
        assert screen.notebook() == before
        page.locator("dialog.crmasks-open").press("Escape")
        page.wait_for_selector("dialog.crmasks-open", state="hidden")
    assert screen.kernel.ask("dashboard is not None")


def test_an_error_is_shown_in_one_line_and_the_last_good_state_stays(open_dashboard):
    screen = open_dashboard()
    counts = screen.wait_for_results()
    screen.kernel.run("dashboard.state.update(dilation=2)")
    screen.kernel.finish()
    screen.kernel.run(
        "def broken(model):\n"
        "    raise RuntimeError('two\\nlines <img src=x onerror=\"window.injected=1\">')\n"
        "dashboard.state.subscribe(broken)"
    )
    screen.button("Undo").click()
    message = screen.dashboard.locator(".crmasks-foot .crmasks-error")
    message.wait_for()
    text = 'unexpected RuntimeError: two lines <img src=x onerror="window.injected=1">'
    assert message.inner_text().strip() == text
    assert not screen.page.evaluate("window.injected")
    screen.until(lambda: screen.counts() == counts, "the counts of before")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_every_text_is_readable_and_everything_fits(open_dashboard, theme):
    size = "large" if theme == "Dark" else "small"
    screen = open_dashboard(theme=theme, size=size)
    screen.wait_for_results()
    assert screen.page.evaluate(LOW_CONTRAST) == []
    screen.until(lambda: screen.kernel.ask(DARK) == (theme == "Dark"), "the theme in the kernel")
    assert screen.page.evaluate(LABELS_INSIDE) == []
    box, view = screen.dashboard.bounding_box(), screen.page.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= view["width"]
    for plot in screen.plot_names():
        _, lowest = screen.point(plot, 0.5, 0.0)
        assert lowest - box["y"] < view["height"] - FRAME_OF_LAB, plot
    assert screen.dashboard.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    # No glyph lies under the legend.
    legend = screen.dashboard.locator(".crmasks-legend").bounding_box()
    _, highest = screen.point("observed", 0.5, 1.0)
    assert legend["y"] + legend["height"] <= highest
    screen.shot(f"dashboard_{theme.lower()}")


def test_the_dashboard_fills_what_there_is_whatever_the_size(open_dashboard):
    """Pixels stay square, and pictures are drawn for the screen, after every change of size."""
    screen = open_dashboard()
    screen.wait_for_results()
    for width, height in ((1280, 800), (1100, 700), (1920, 1080), (1400, 640), (1280, 800)):
        screen.page.set_viewport_size({"width": width, "height": height})
        area = screen.dashboard.locator(".crmasks-plot-image .plotarea_background")
        size = screen.at_rest(area.bounding_box)

        def drawn(size=size):
            view = "dashboard.session.image"
            left, right, low, high, wide, high_ = screen.kernel.ask(
                f"({view}.x.min, {view}.x.max, {view}.y.min, {view}.y.max, *{view}._size)"
            )
            square = (right - left) / size["width"] * size["height"] / (high - low)
            told = abs(wide - size["width"]) <= 1 and abs(high_ - size["height"]) <= 1
            return told and abs(square - 1) < 0.02

        screen.until(drawn, f"square pixels at {width} x {height}")
        box = screen.dashboard.bounding_box()
        assert box["x"] + box["width"] <= width
        assert screen.dashboard.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    # Where the image has the width for itself, its tools stay together.
    screen.page.set_viewport_size({"width": 560, "height": 900})
    screen.dashboard.get_by_role("tab", name="Image").click()
    tools = screen.dashboard.locator(".crmasks-right .crmasks-together > button")
    tools.last.wait_for()
    assert len({round(tool.bounding_box()["y"]) for tool in tools.all()}) == 1
    bar = screen.dashboard.locator(".crmasks-right .crmasks-tools").bounding_box()
    assert abs(bar["y"] - tools.first.bounding_box()["y"]) < 5
    # Sliders leave the diagram its height.
    screen.dashboard.get_by_role("tab", name="Diagram").click()
    plot = screen.dashboard.locator(".crmasks-plot-observed .plotarea_background")
    assert screen.at_rest(plot.bounding_box)["height"] > 150


def test_names_of_files_are_shown_as_text(open_dashboard):
    name = '<img src=x onerror="window.injected=1">'
    screen = open_dashboard(
        "import crmasks_widgets as cm\n"
        "from crmasks_widgets.demo import demo_scene\n"
        "frames = list(demo_scene((100, 120)).exposures)\n"
        f"exposures = cm.ExposureSet.from_arrays(frames, names=['{name}', 'b', 'c'])\n"
        "parameters = cm.Parameters(gain=1.7, rnoise=3.4, bias=1000.0)\n"
        "dashboard = cm.Dashboard(cm.Analysis(exposures, parameters))\n"
        "dashboard"
    )
    screen.wait_for_results()
    assert not screen.page.evaluate("window.injected")
    assert screen.dashboard.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ("fetch('https://example.org/a.js').catch(() => {})", "request: https://example.org/a.js"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "request: http://127.0.0.1:9/"),
        ("setTimeout(() => { throw new Error('a mistake') })", "JavaScript: a mistake"),
        ("console.error('a mistake')", "console: a mistake"),
    ],
)
def test_the_watch_sees_what_must_not_be(browser, mistake, complaint):
    complaints = []
    with watched_page(browser, 1, complaints=complaints) as page:
        page.evaluate(mistake)
        page.wait_for_timeout(100)
    assert complaint in complaints


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1"])
def test_nothing_elsewhere_can_be_reached(browser, host):
    with (
        watched_page(browser, 1, complaints=[]) as page,
        page.expect_event("requestfailed") as failed,
    ):
        page.evaluate("url => void fetch(url).catch(() => {})", f"http://{host}/")
    assert failed.value.failure == "net::ERR_NAME_NOT_RESOLVED"


# Names of axes stand beside the plots that they belong to.
LABELS_INSIDE = """() => [...document.querySelectorAll(".crmasks-plot text.axislabel")]
    .filter((label) => {
        const area = label.closest(".crmasks-plot").querySelector(".plotarea_background")
            .getBoundingClientRect();
        const { left, right, top, bottom } = label.getBoundingClientRect();
        const [x, y] = [(left + right) / 2, (top + bottom) / 2];
        return area.left < x && x < area.right && area.top < y && y < area.bottom;
    }).map((label) => label.textContent)"""

# WCAG 2, level AA: 4.5 between text and what is behind it, 3 for symbols; what is disabled is
# exempt.
LOW_CONTRAST = """() => {
    const root = document.querySelector(".crmasks-dashboard");
    const parse = (text) => {
        const found = text.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
        const unit = text.startsWith("color(srgb") ? 255 : 1; // mixed colours are written so
        return found.map((value, i) => (i < 3 ? unit * value : value));
    };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] > 0.5) return colour;
        }
        return [255, 255, 255];
    };
    const bad = [];
    for (const node of root.querySelectorAll("*")) {
        const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        const box = node.getBoundingClientRect();
        if (!own || !box.width || node.closest(":disabled, style, script")) continue;
        const style = getComputedStyle(node);
        const unseen = style.visibility === "hidden" || style.opacity === "0";
        if (unseen || style.fontSize === "0px") continue; // a name for screen readers
        const svg = node instanceof SVGElement;
        const [a, b] = [parse(svg ? style.fill : style.color), behind(node)].map(light);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const enough = /[\\p{L}\\p{N}]/u.test(node.textContent) ? 4.5 : 3;
        const said = node.textContent.trim().slice(0, 40);
        if (ratio < enough) bad.push(`${said}: ${ratio.toFixed(1)}`);
    }
    return bad;
}"""


def test_what_the_page_makes_late_hears_the_kernel_all_the_same(open_dashboard):
    # anywidget gives a model two seconds to be made; here none.
    before = """{
        const later = AbortSignal.timeout.bind(AbortSignal);
        const over = { addEventListener: (_, act) => { window.givenUp += 1; act(); } };
        window.givenUp = 0;
        AbortSignal.timeout = (ms) => (ms === 2000 ? over : later(ms));
    }"""
    shown = open_dashboard(before=before)
    counts = shown.wait_for_results()
    assert shown.page.evaluate("givenUp") > 10
    shown.kernel.run("dashboard.state.update(crmethod='lacosmic')")
    other = shown.changed(counts)
    shown.button("Undo").click()
    assert shown.changed(other) == counts
    shown.dashboard.locator(".crmasks-gallery-host[data-drawn]").wait_for()
