"""Out: what is saved, what is refused."""

import asyncio
import os
import threading
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from regions import Regions

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.settings import files_view
from crmasks_widgets.dashboard.settings.files_parts import SAVED, account
from crmasks_widgets.dashboard.settings.files_view import FilesView
from crmasks_widgets.dashboard.settings.save_queue import Save, SaveQueue
from crmasks_widgets.files.writing import Written
from crmasks_widgets.products.session import save_session
from crmasks_widgets.report import report_html

from ..conftest import small_scene, write_exposures
from .bench import LONG_ENOUGH, Bench, small_analysis


def view_of(analysis, figures=None):
    bench = Bench(analysis)
    view = bench.add(FilesView(bench.context, figures))
    bench.settle()
    return bench, view


def press(view, text):
    """Press a button, wait until it is done; its line."""
    line = next(line for line in view._lines.values() if line.button.description == text)
    line.button.click()
    assert view.wait(LONG_ENOUGH)
    assert not line.button.disabled
    assert view.stop.disabled
    return line


def exposures_on_disk(folder):
    write_exposures(folder, small_scene().exposures)


@pytest.mark.parametrize(
    ("button", "field", "text", "message"),
    [
        ("Save YAML", "session", "x.fits", "x.fits: found a name that ends in '.fits', expected"),
        ("Export hits", "hits", "x.doc", "x.doc: found a name that ends in '.doc', expected"),
        (
            "Export hits",
            "hits",
            "e1.fits/x.csv",
            "e1.fits: not writable (Not a directory), expected",
        ),
        ("Write products", "folder", "e1.fits", "e1.fits: not writable"),
        ("Write report", "report", "r.pdf", "r.pdf: found a name that ends in '.pdf', expected"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_there(work, button, field, text, message):
    exposures_on_disk(work)
    bench, view = view_of(small_analysis())
    getattr(view, field).value = text
    before = sorted(work.rglob("*"))
    line = press(view, button)
    assert line.error.text.startswith(message)
    assert "<" not in line.error.widget.value
    assert "\n" not in line.error.widget.value
    assert (bench.errors, sorted(work.rglob("*"))) == ([], before)
    assert line.done.value == ""


@pytest.mark.parametrize("what", SAVED)
@pytest.mark.parametrize("button", [True, False])
def test_no_name_that_can_be_typed_is_unexpected(work, what, button):
    """Each is refused in one line that says it as it was typed, or written; what is there stays."""
    exposures_on_disk(work)
    (work / "dir.yaml").mkdir()
    (work / "link").symlink_to("link")
    os.mkfifo(work / "pipe.yaml")
    inputs = {path: path.read_bytes() for path in work.glob("*.fits")}
    bench, view = view_of(small_analysis())
    field = {"yaml": "session", "products": "folder", "report": "report"}.get(what, "hits")
    actions = {"session": view._save_yaml, "folder": view._save_products,
               "report": view._save_report, "hits": view._save_hits}  # fmt: skip
    view.with_figures.value = False
    long = "x" * 300
    for name in (
        " ", ".", "sub/..", "~nobody-here/x", "a\0b.yaml", f"{long}.yaml", f"{long[:252]}.yaml",
        f"{long[:248]}.yaml", "link/x.yaml", "dir.yaml", "pipe.yaml", "e1.fits", "e1.fits/x.yaml",
        "\ud800.yaml", "*.yaml", *(["/"] if what != "products" else []),
    ):  # fmt: skip
        getattr(view, field).value = name
        told = Told()
        if button:
            line = view._lines[actions[field]]
            line.say("")
            view._start(actions[field])
            assert view.wait(LONG_ENOUGH)
            told.failed, told.said = [line.error.text], [line.done.value]
        else:
            view.save(what, told)
            assert view.wait(LONG_ENOUGH)
        text = (told.failed or [""])[-1] or told.said[-1]
        assert text, name
        assert bench.errors == [], name
        assert "unexpected" not in text
        assert "\n" not in text
        assert "-2" not in text or text.startswith("wrote")
        text.encode()
    assert inputs == {path: path.read_bytes() for path in inputs}
    assert not list(work.glob("e*-2*"))


def test_saved_yaml_runs_to_the_masks_on_screen(work):
    bench, view = view_of(small_analysis())
    bench.state.update(dilation=2, pixels_to_be_flagged_as_cr=[[5, 6]])
    bench.settle()
    view.session.value = "out/my session.yaml"
    line = press(view, "Save YAML")
    assert "4 files" in line.done.value
    arguments = ["run", "out/my session.yaml", "--output-dir", "run", "--no-figures"]
    assert cli.main([*arguments, "--log-level", "ERROR"]) == 0
    with fits.open(work / "run" / "crmasks.fits") as hdus:
        for name, mask in bench.state.model.analysis.masks.items():
            np.testing.assert_array_equal(hdus[name].data.astype(bool), mask)


def test_saved_yaml_keeps_comments_on_what_has_not_changed(work):
    exposures_on_disk(work)
    names = ("e1.fits", "e2.fits", "e3.fits")
    given = cm.Parameters(images=names, gain=1.5, rnoise=3.0, bias=100.0, mm_seed=1)
    text = given.to_yaml({"gain": "from the manual", "rnoise": "from darks"})
    (work / "p.yaml").write_text(text.replace("\nbias", "\n# from the log\nbias"))
    bench, view = view_of(cm.load_analysis(work / "p.yaml"))
    bench.state.update(rnoise=4.0)
    bench.settle()
    view.session.value = "s.yaml"
    assert press(view, "Save YAML").error.text == ""
    written = (work / "s.yaml").read_text()
    assert "; from the manual\n" in written
    assert "# from the log\nbias: 100.0" in written
    assert "from darks" not in written  # 3 was, and 4 is not


def test_nothing_is_replaced_unless_it_is_ticked(work):
    bench, view = view_of(small_analysis())
    for button, field, name in (
        ("Save YAML", view.session, "s.yaml"), ("Export hits", view.hits, "h.reg"),
        ("Write products", view.folder, "products"), ("Write report", view.report, "r.html"),
    ):  # fmt: skip
        field.value = name
        assert press(view, button).error.text == ""
        before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
        bench.state.update(dilation=bench.state.model.parameters.dilation + 1)
        bench.settle()
        refused = press(view, button).error.text
        assert "found" in refused
        assert ", or a tick at “replace existing files” to replace " in refused
        assert "--" not in refused
        assert before == {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
        view.overwrite.value = True
        line = press(view, button)
        assert (line.error.text, line.done.value[:5]) == ("", "wrote")
        assert before != {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
        view.overwrite.value = False


def test_hits_are_exported_as_their_suffix_says(work):
    bench, view = view_of(small_analysis())
    n = len(bench.state.model.analysis.hits)
    read = {
        "hits.reg": lambda path: Regions.read(path, format="ds9"),
        "hits.csv": lambda path: Table.read(path, format="ascii.csv"),
        "hits.ECSV": lambda path: Table.read(path, format="ascii.ecsv"),
    }
    for name, reader in read.items():
        view.hits.value = name
        assert press(view, "Export hits").error.text == ""
        assert len(reader(work / name)) == n


def test_the_report_is_of_what_is_on_screen(work):
    bench, view = view_of(small_analysis())
    bench.state.update(dilation=3)
    bench.settle()
    view.report.value = "out/my report.html"
    line = press(view, "Write report")
    assert line.done.value.startswith(f"wrote {work.resolve()}/out/my report.html (")
    text = (work / "out" / "my report.html").read_text(encoding="utf-8")
    assert text == report_html(bench.state.model.analysis)


def test_products_with_and_without_figures(work, few_figures):
    analysis = small_analysis(maxplots=0)
    _, view = view_of(analysis, few_figures)
    view.with_figures.value = False
    line = press(view, "Write products")
    written = [path.name for path in (work / "products").iterdir()]
    assert f"wrote {len(written)} files to {work.resolve()}/products" in line.done.value
    assert {"crmasks.fits", "hits.ecsv", "combined_meancr.fits"} <= set(written)
    assert not [name for name in written if name.endswith((".png", ".pdf"))]
    view.with_figures.value, view.folder.value = True, "with figures"
    press(view, "Write products")
    assert (work / "with figures" / "diagnostic_mediancr.png").is_file()
    _, plain = view_of(analysis)
    assert plain.with_figures.disabled
    assert not plain.with_figures.value


class Told:
    """The line at the bottom of the page."""

    def __init__(self):
        self.said, self.failed = [], []

    def say(self, text):
        self.said.append(text)

    def fail(self, text):
        self.failed.append(text)


@pytest.fixture
def held(work, few_figures):
    """Products that are being drawn until they may go on: their view and line, and the event."""
    drawing, go_on = threading.Event(), threading.Event()

    def figures(analysis):
        for job in few_figures(analysis):
            drawing.set()
            assert go_on.wait(LONG_ENOUGH)
            yield job

    _, view = view_of(small_analysis(maxplots=0), figures)
    line = view._lines[view._save_products]
    line.button.click()
    assert drawing.wait(LONG_ENOUGH)
    yield view, line, go_on
    go_on.set()
    assert view.wait(LONG_ENOUGH)


def test_what_is_asked_for_while_something_is_written_is_written_after_it(work, held):
    view, line, go_on = held
    report, told = view._lines[view._save_report], Told()
    report.button.click()
    assert report.done.value == "waits until this is written: products"
    assert report.button.disabled
    view.save("products", told)
    view.save("csv", told)
    assert told.said[-1] == "waits until this is written: products, report, products"
    assert not (work / "report.html").exists()
    go_on.set()
    assert view.wait(LONG_ENOUGH)
    assert "wrote" in line.done.value
    assert "wrote" in report.done.value
    assert told.failed == []
    assert "products: working… (then hits)" in told.said
    assert told.said[-1].count("wrote") == 2
    written = {path.name for path in work.iterdir()}
    assert written == {"products", "report.html", "products-2", "hits.csv"}
    assert not report.button.disabled
    assert view.stop.disabled


def test_what_fails_holds_up_nothing_that_waits(work, held):
    view, _, go_on = held
    told, other = Told(), Told()
    (work / "report.html").mkdir()
    view.overwrite.value = True
    view.save("report", told)
    view.save("yaml", told)
    view.save("csv", other)
    go_on.set()
    assert view.wait(LONG_ENOUGH)
    assert "wrote" in told.failed[-1]
    assert "report.html" in told.failed[-1]
    assert "wrote" in other.said[-1]
    assert other.failed == []


def test_writing_can_be_stopped_with_all_that_waits(work, held):
    view, line, go_on = held
    yaml = view._lines[view._save_yaml]
    yaml.button.click()
    assert line.button.disabled
    assert not view.stop.disabled
    view.stop.click()
    go_on.set()
    assert view.wait(LONG_ENOUGH)
    assert line.error.text == yaml.error.text == "stopped; nothing was written"
    assert not yaml.button.disabled
    assert list(work.iterdir()) == []
    assert press(view, "Write products").error.text == ""  # and again, to the end
    assert (work / "products" / "diagnostic_mediancr.png").is_file()


def test_what_is_given_up_is_said_and_what_is_asked_for_after_that_is_written(work, held):
    view, line, go_on = held
    told = Told()
    view._queue.add(Save("first", lambda: [], told))
    view._queue.add(Save("second", lambda: [], told))
    view._queue.add(Save("again", lambda: [], line))
    view.stop.click()
    assert told.failed == ["first, second: stopped; nothing was written"]
    view.save("yaml", told)
    go_on.set()
    assert view.wait(LONG_ENOUGH)
    both = "stopped; nothing was written; again: stopped; nothing was written"
    assert line.error.text == both
    assert told.said[-1].startswith("wrote")
    assert (work / "session.yaml").is_file()


@pytest.fixture
def leaving(work, monkeypatch):
    """A dashboard that writes something slow, with something that waits; and what lets it go on."""
    go_on = threading.Event()

    def slow(analysis, path, *, overwrite):
        assert go_on.wait(LONG_ENOUGH)
        return save_session(analysis, path, overwrite=overwrite)

    monkeypatch.setattr(files_view, "save_session", slow)
    analysis = small_analysis()
    shown = Dashboard(analysis)
    assert shown.wait(LONG_ENOUGH)
    files, status = shown.session.files, shown.session.status
    files.save("yaml", status)
    files.save("csv", status)
    yield shown, files, go_on
    go_on.set()
    assert files.wait(LONG_ENOUGH)
    if shown.widget.comm is not None:
        shown.close()


def test_what_waits_is_written_though_other_files_are_opened(work, leaving):
    shown, files, go_on = leaving
    shown.open(small_analysis())
    stop = shown.session.files.stop
    assert not stop.disabled
    go_on.set()
    assert files.wait(LONG_ENOUGH)
    assert (work / "session.yaml").exists()
    assert (work / "hits.csv").exists()
    said = shown.session.status.message.value
    assert "hits: wrote " in said
    assert "; wrote 4 files" in said
    assert stop.disabled


def test_what_waits_can_be_stopped_from_the_page_of_other_files(work, leaving):
    shown, files, go_on = leaving
    shown.open(small_analysis())
    shown.session.files.stop.click()
    go_on.set()
    assert files.wait(LONG_ENOUGH)
    assert not (work / "hits.csv").exists()
    assert "hits: stopped; nothing was written" in shown.session.status.message.value


def test_what_waits_is_written_though_the_dashboard_is_closed(work, leaving, caplog):
    shown, files, go_on = leaving
    (work / "report.html").mkdir()
    files.overwrite.value = True
    files.save("report", shown.session.status)
    shown.close()
    go_on.set()
    files._queue._executor.shutdown(wait=True)  # nobody listens any more
    assert (work / "session.yaml").exists()
    assert (work / "hits.csv").exists()
    (record,) = [r for r in caplog.records if r.levelname == "WARNING"]
    assert "report: report.html: found a folder, expected a file" in record.getMessage()


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ((12,), "0.012 kB"),
        ((5400,), "5.4 kB"),
        ((1_234_567,), "1.23 MB"),
        ((600_000,) * 2, "1.2 MB"),
    ],
)
def test_sizes_are_in_units_that_can_be_read(work, sizes, shown):
    text = account([Written(work / "a.fits", "a letter", size) for size in sizes])
    assert text.endswith(f"({shown})")


def written(path):
    path.write_bytes(b"x")
    return Written(path, "a letter", 1)


@pytest.mark.parametrize("at_home", [True, False])
def test_all_that_waits_is_written_once_waiting_ends(work, at_home):
    async def main():
        queue = SaveQueue(Dispatcher(pytest.fail))
        paths = [work / name for name in "abc"]
        for path in paths:
            queue.add(Save(path.name, partial(written, path), Told()))
        wait = partial(queue.wait, LONG_ENOUGH)
        assert wait() if at_home else await asyncio.to_thread(wait)
        assert all(path.exists() for path in paths)
        assert not queue.busy

    asyncio.run(main())


def test_an_unexpected_error_is_shown_and_does_not_block(work):
    def figures(analysis):
        raise RuntimeError("boom")
        yield

    bench, view = view_of(small_analysis(), figures)
    line = press(view, "Write products")
    assert (line.done.value, line.error.text) == ("", "unexpected RuntimeError: boom")
    assert bench.errors == ["unexpected RuntimeError: boom"]
    assert list(work.iterdir()) == []
    view.with_figures.value = False
    assert press(view, "Write products").error.text == ""


def test_what_is_not_computed_yet_is_not_saved(work):
    bench, view = view_of(small_analysis())
    bench.state.update(dilation=4)  # asked for, but not published
    for button in ("Save YAML", "Write products", "Write report", "Export hits"):
        assert "still being computed" in press(view, button).error.text
    assert list(work.iterdir()) == []


def test_fields_and_buttons_stand_under_each_other():
    _, view = view_of(small_analysis())
    buttons = [*(line.button for line in view._lines.values()), view.stop]
    assert len({button.layout.width for button in buttons}) == 1
    assert buttons[0].layout.width.endswith("px")
    for line in view._lines.values():
        field, button = line.widget.children[0].children  # and nothing between them
        assert button is line.button
        assert field.style.description_width == view.session.style.description_width
