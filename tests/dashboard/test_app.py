"""The dashboard as a whole: what is asked for is computed and shown, errors are said."""

import asyncio
import threading
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from bqplot import Axis
from ipywidgets.widgets.widget import _instances as instances

import crmasks_widgets as cm
from crmasks_widgets.dashboard.opening.words import proposal_of
from crmasks_widgets.dashboard.page.status import HINT, method_buttons
from crmasks_widgets.errors import Cancelled, InputError
from crmasks_widgets.parameters.types import METHODS
from crmasks_widgets.proposals.levels import Proposal
from crmasks_widgets.report.facts import headline
from crmasks_widgets.starting.opening import Beginning
from crmasks_widgets.units import in_unit

from ..conftest import SHAPE, small_scene
from .bench import press
from .conftest import POINTS


def test_it_is_shown_as_the_last_line_of_a_cell(dashboard):
    (kind, *_) = [key for key in dashboard._repr_mimebundle_() if "widget-view" in key]
    assert kind == "application/vnd.jupyter.widget-view+json"


def test_a_change_is_computed_as_it_would_be_without_a_dashboard(dashboard, analysis):
    dashboard.state.update(la_sigclip=7.0, dilation=2)
    assert dashboard.wait(60)
    plain = cm.Analysis(analysis.exposures, dashboard.state.model.parameters)
    for name, mask in plain.masks.items():
        assert (mask == dashboard.analysis.masks[name]).all(), name
    bar = dashboard.session.status.widget
    assert bar.found["total"].endswith(f"{plain.mediancr.sum():,} pixels")
    assert bar.found["total"].startswith(f"{len(plain.hits)} hits")
    assert bar.doing.endswith(" s ✓")
    assert not bar.busy


def test_a_change_that_does_not_fit_the_frame_is_refused(dashboard):
    before = dashboard.state.model
    with pytest.raises(cm.ParameterError, match="pixels_to_be_ignored_as_cr"):
        dashboard.state.update(pixels_to_be_ignored_as_cr=((9999, 1),))
    assert dashboard.state.model == before


def test_a_pixel_outside_the_frame_selects_nothing(dashboard):
    ny, nx = SHAPE
    for pixel in ((-1, 3), (3, -1), (ny, 0), (0, nx), (9999, 9999)):
        dashboard.state.select(pixel=(ny - 1, nx - 1))
        assert dashboard.state.model.selection.pixel is not None
        dashboard.state.select(pixel=pixel)
        assert dashboard.state.model.selection.pixel is None


def test_an_error_in_a_computation_is_said_and_the_last_good_state_stays(dashboard, monkeypatch):
    good = dashboard.state.model.parameters
    shown = dashboard.session.status.widget.found

    def fail(*_):
        raise InputError("mm_boundary_fit: found <nothing>, expected points")

    monkeypatch.setattr("crmasks_widgets.analysis.stages.mm.piecewise_boundary", fail)
    dashboard.state.update(mm_fixed_points_in_boundary=((0.0, 30.0, 1.0), (900.0, 99.0, 1.0)))
    assert dashboard.wait(60)
    assert "found &lt;nothing&gt;, expected points" in dashboard.session.status.message.value
    assert dashboard.state.model.parameters == good
    assert dashboard.session.status.widget.found == shown
    monkeypatch.undo()
    dashboard.state.redo()
    assert dashboard.wait(60)
    assert dashboard.analysis.parameters.mm_fixed_points_in_boundary[1][0] == 900.0


@pytest.mark.parametrize("ended", ["by an error", "by hand"])
def test_what_is_shown_after_an_end_half_way_is_what_was_computed_last(
    dashboard, monkeypatch, tmp_path, ended
):
    """Stages before the end had been shown: another bias had changed the whole picture."""
    good, entered, go_on = dashboard.analysis, threading.Event(), threading.Event()

    def end(*_, **__):
        entered.set()
        assert go_on.wait(30)
        raise InputError("no good") if ended == "by an error" else Cancelled("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("crmasks_widgets.analysis.stages.masks.build_masks", end)
        dashboard.state.update(bias=good.parameters.bias - 2.0)
        assert entered.wait(30)
        dashboard.session.dispatcher.drain()
        assert dashboard.state.model.analysis is not good
        if ended == "by hand":
            press(dashboard.session.page, "Escape")
        go_on.set()
        assert dashboard.wait(60)
    model = dashboard.state.model
    assert model.analysis is good
    assert model.parameters == good.parameters
    assert model.ready("masks")
    assert cm.save_session(model.analysis, tmp_path / "s.yaml")


def test_an_error_that_is_heard_late_takes_nothing_back(dashboard, monkeypatch):
    def fail(*_, **__):
        raise InputError("no good")

    with monkeypatch.context() as patch:
        patch.setattr("crmasks_widgets.analysis.stages.masks.build_masks", fail)
        dashboard.state.update(dilation=3)
        assert dashboard.session.engine.wait(60)  # the error is not heard yet
    dashboard.state.update(dilation=2)
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.dilation == 2
    assert dashboard.state.model.analysis.parameters.dilation == 2
    assert "no good" not in dashboard.session.status.message.value


def test_an_unexpected_exception_in_a_callback_is_said_in_one_line(dashboard, caplog):
    def fail():
        raise RuntimeError("two\nlines <b>")

    dashboard.session.dispatcher.call(fail)
    assert (
        ">unexpected RuntimeError: two lines &lt;b&gt;<" in dashboard.session.status.message.value
    )
    assert "error in a callback" in caplog.text


def test_cancel_returns_to_what_was_computed_and_redo_asks_again(dashboard, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def wait(*_, **__):
        started.set()
        assert go_on.wait(30)
        raise Cancelled("stopped")

    monkeypatch.setattr("crmasks_widgets.analysis.stages.mm.piecewise_boundary", wait)
    before = dashboard.state.model.parameters
    dashboard.state.update(mm_fixed_points_in_boundary=((0.0, 30.0, 1.0), (900.0, 99.0, 1.0)))
    assert started.wait(30)
    press(dashboard.session.page, "Escape")
    go_on.set()
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters == before
    assert (dashboard.state.can_undo, dashboard.state.can_redo) == (False, True)
    monkeypatch.undo()
    dashboard.session.status.widget._handle_custom_msg({"do": "redo"}, [])
    assert dashboard.wait(60)
    assert dashboard.analysis.parameters.mm_fixed_points_in_boundary[0][1] == 30.0


@pytest.mark.parametrize("key", ["x", "q", "Q", "X", "z"])
def test_keys_without_a_meaning_do_nothing(dashboard, key):
    before = dashboard.state.model
    press(dashboard.session.page, key, at={"plot": "observed"})
    assert dashboard.state.model == before
    assert HINT in dashboard.session.status.message.value


def test_keys_undo_and_redo(dashboard):
    dashboard.state.update(dilation=3)
    for redo, shift in (("y", False), ("Y", False), ("Z", True)):  # large ones of Caps Lock, too
        press(dashboard.session.page, "z", control=True)
        assert dashboard.state.model.parameters.dilation == 1
        press(dashboard.session.page, redo, control=True, shift=shift)
        assert dashboard.state.model.parameters.dilation == 3
    assert dashboard.wait(60)


def test_in_a_running_loop_results_arrive_by_themselves_on_the_loop(analysis):
    async def use():
        shown = cm.Dashboard(analysis)
        threads = set()
        shown.state.subscribe(lambda _: threads.add(threading.get_ident()))
        handler = shown.session.dispatcher.handler(lambda: shown.state.update(la_sigclip=9.0))
        await asyncio.to_thread(handler)  # as JupyterLab does
        assert await asyncio.to_thread(shown.wait, 60)
        await asyncio.sleep(0.1)
        wanted = shown.state.model.parameters
        assert wanted.la_sigclip == 9.0
        assert shown.state.model.analysis.parameters == wanted
        assert threads == {threading.get_ident()}
        shown.close()

    asyncio.run(use())


def test_closing_ends_the_worker(analysis):
    before = {thread.name for thread in threading.enumerate()}
    shown = cm.Dashboard(analysis)
    shown.close()
    assert {thread.name for thread in threading.enumerate()} == before


@pytest.mark.parametrize("used", [True, False])
def test_whatever_is_closed_may_be_closed_again(analysis, used):
    """By hand, at the end of a `with`, and by who opens something else."""
    widgets = set(instances)
    shown = cm.Dashboard(analysis)
    session = shown.session
    if used:
        assert shown.wait(60)
        session.opening.show()
        closed = [session.files, session.image.layers.overview, session.hits.comparison]
    else:
        closed = []
    closed += [
        shown, shown.camera, session, shown._saves, shown._on_page, session.engine,
        session.hits, session.image, session.image.layers, session.opening,
    ]  # fmt: skip
    shown.close()
    for each in closed:
        each.close()
        each.close()
    assert shown.wait(60)
    assert set(instances) <= widgets


def test_every_axis_says_on_which_side_it_is(dashboard):
    """Otherwise the page chooses, and may forget it."""
    dashboard.session.drawer.open("Noise")
    axes = [widget for widget in dashboard.session._made if isinstance(widget, Axis)]
    assert len(axes) >= 4
    for axis in axes:
        assert axis.side in ("left", "right", "bottom")
        assert (axis.orientation == "vertical") is (axis.side != "bottom")


def test_it_opens_on_the_most_doubtful_hit_and_leaves_the_image_as_it_is(dashboard):
    listing, state = dashboard.session.hits.listing, dashboard.state
    assert listing.selected == int(listing.shown[0]) >= 0
    assert state.model.display.image is None
    state.select(pixel=None)
    state.update(dilation=2)
    dashboard.wait()
    assert listing.selected == -1  # what the user has left is not selected again


def test_the_bar_says_what_is_looked_at_and_changes_the_method(dashboard):
    bar = dashboard.session.status.widget
    assert bar.facts.startswith("3 exposures · ")
    assert [each["value"] for each in bar.methods] == list(METHODS)
    # What is there to compare with waits behind the others, which fill the bar already.
    assert [each["value"] for each in bar.methods if not each["more"]] == [
        "lacosmic", "mmcosmic", "mm_lacosmic", "significance", "significance_lacosmic",
    ]  # fmt: skip
    bar._handle_custom_msg({"method": "lacosmic"}, [])
    assert dashboard.wait(60)
    assert bar.method == "lacosmic"
    assert {each["name"] for each in bar.found["entries"]} == {"L.A.Cosmic"}
    dashboard.state.undo()
    assert bar.method == dashboard.state.model.parameters.crmethod


def test_a_legend_hides_the_pixels_of_its_method_and_nothing_else(dashboard):
    bar, overlay = dashboard.session.status.widget, dashboard.session.image.layers.overlay
    masks, before = dashboard.analysis.masks, overlay.png
    entry = bar.found["entries"][0]
    bar._handle_custom_msg({"legend": entry["code"]}, [])
    assert overlay.png != before
    assert bar.found["entries"][0]["hidden"]
    for name, mask in masks.items():
        assert (dashboard.analysis.masks[name] == mask).all()
    bar._handle_custom_msg({"legend": entry["code"]}, [])
    assert overlay.png == before


def test_the_bar_counts_hits_and_pixels_that_stand(dashboard):
    bar, analysis = dashboard.session.status.widget, dashboard.analysis
    hit = analysis.labels == 1
    flagged = analysis.flags("median").either
    n_hits, n_pixels = len(analysis.hits), int(flagged.sum())

    def total():
        return sum(int(chip["count"]) for chip in bar.found["entries"])

    # As the report says: hits with those that were rejected, pixels after dilation.
    (hits, _), (masked, what), *_ = headline(analysis)
    assert (int(hits), what) == (n_hits, "pixels in MEDIANCR")
    assert bar.found["total"] == f"{n_hits} hits · {masked} pixels"
    assert int(masked) > n_pixels == total()
    pixels = tuple((int(x) + 1, int(y) + 1) for y, x in zip(*np.nonzero(hit), strict=True))
    (y,), (x,) = (axis[:1] for axis in np.nonzero(analysis.labels == 0))
    free = ((int(x) + 1, int(y) + 1),)
    dashboard.state.update(mediancr_pixels_rejected=pixels, pixels_to_be_flagged_as_cr=free)
    assert dashboard.wait(60)
    left = n_pixels - int((flagged & hit).sum())
    assert 0 < left < n_pixels
    (hits, _), (masked, _), *_ = headline(dashboard.analysis)
    assert int(hits) == n_hits + 1  # one out, one painted
    assert bar.found["total"] == f"{hits} hits, 1 out · {masked} pixels"
    assert total() == left + 1
    assert bar.found["help"].startswith("Hits of the median, 1 of them rejected or ignored. ")
    assert [c["count"] for c in bar.found["entries"] if c["name"] == "by hand"] == ["1"]
    # What is rejected is out of the median alone.
    dashboard.state.show(target=1)
    assert bar.found["total"].endswith(f" {dashboard.analysis.masks['CRMASK1'].sum()} pixels")
    assert total() == dashboard.analysis.flags(1).either.sum()


def test_the_drawer_opens_over_the_views_and_closes(dashboard):
    session = dashboard.session
    bar, drawer = session.status.widget, session.drawer
    assert "crmasks-unopened" in drawer.widget._dom_classes
    bar._handle_custom_msg({"page": "Parameters"}, [])
    assert drawer.page == bar.page == "Parameters"
    assert "crmasks-unopened" not in drawer.widget._dom_classes
    # Help lies over all, also over what the drawer shows.
    press(session.page, "?")
    assert session.help.widget.shown
    assert (drawer.page, bar.page) == ("Parameters", "Help")
    press(session.page, "Escape")
    assert not session.help.widget.shown
    assert bar.page == "Parameters"
    press(session.page, "Escape")
    assert drawer.page == bar.page == ""
    bar._handle_custom_msg({"page": "Help"}, [])
    bar._handle_custom_msg({"page": "Help"}, [])
    assert (session.help.widget.shown, bar.page) == (False, "")


def choose(dashboard, text):
    """Choose what the icon of files offers, wait until it is done; the line at the bottom."""
    bar = dashboard.session.status.widget
    (menu,) = [page for page in bar.pages if page["menu"]]
    number = [entry["text"] for entry in menu["menu"]].index(text)
    bar._handle_custom_msg({"menu": menu["name"], "chosen": number}, [])
    assert dashboard.session.files.wait(60)
    return dashboard.session.status.message.value


def test_the_menu_saves_under_names_that_are_free(dashboard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "files" not in vars(dashboard.session)
    for text, names in {
        "Parameters (YAML)": ("session.yaml", "session-2.yaml"),
        "Report (HTML)": ("report.html", "report-2.html"),
        "Hits as DS9 regions": ("hits.reg", "hits-2.reg"),
        "Hits as CSV": ("hits.csv", "hits-2.csv"),
        "Hits as ECSV": ("hits.ecsv", "hits-2.ecsv"),
    }.items():
        for name in names:
            said = choose(dashboard, text)
            assert ">wrote " in said
            assert str(tmp_path) in said
            assert "crmasks-error" not in said
            assert (tmp_path / name).is_file()
    files = dashboard.session.files
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    files.hits.value = "hits.csv/x.reg"
    assert "crmasks-error" in (said := choose(dashboard, "Hits as CSV"))
    assert ">hits.csv: not writable" in said
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
    files.report.value, files.overwrite.value = "hits.csv", True
    assert "expected .html" in choose(dashboard, "Report (HTML)")
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
    choose(dashboard, "Names and folders…")
    assert dashboard.session.drawer.page == "Files"


def test_the_icon_and_a_key_open_the_dialog_of_files(dashboard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opening = dashboard.session.opening
    assert not opening.widget.children
    for ask in (
        lambda: dashboard.session.status.widget._handle_custom_msg({"page": "Open"}, []),
        lambda: press(dashboard.session.page, "O"),
    ):
        ask()
        opening.wait(60)
        assert opening.dialog.opened
        assert opening.dialog.listing["folder"] == str(tmp_path)
        assert dashboard.session.drawer.page == ""
        opening.shut()


def test_a_dashboard_opens_with_few_widgets_and_leaves_none(analysis):
    before = set(instances)
    dashboard = cm.Dashboard(analysis)
    assert dashboard.wait(60)
    assert len(set(instances) - before) <= 250
    for page in ("Parameters", "Boundary", "Noise", "Files"):
        dashboard.session.drawer.open(page)
        assert dashboard.wait(60)
    dashboard.session.opening.show()
    dashboard.session.opening.wait(60)
    dashboard.close()
    assert set(instances) <= before


def test_values_in_electrons_are_called_so():
    headers = [fits.Header({"BUNIT": "electron"}) for _ in range(3)]
    exposures = cm.ExposureSet.from_arrays(list(small_scene().exposures), headers=headers)
    parameters = cm.Parameters(
        gain=1.0, rnoise=3.0, crmethod="mmcosmic", mm_boundary_fit="piecewise", mm_threshold=20.0,
        mm_fixed_points_in_boundary=POINTS,
    )  # fmt: skip
    with closing(cm.Dashboard(cm.Analysis(exposures, parameters))) as shown:
        assert shown.wait(60)
        session = shown.session
        hand = session.diagram.panels["observed"].hand
        names = [hand.axes[axis]["name"] for axis in "xy"]
        assert names == ["minimum \u2212 bias", "median \u2212 minimum"]
        assert [hand.axes[axis]["unit"] for axis in "xy"] == ["e\u207b", "e\u207b"]
        label = session.diagram.panels["observed"].axes[0].label
        assert label == "minimum \u2212 bias (e\u207b)"
        assert hand.scene["threshold"] == 20
        assert "20 e\u207b" in hand.scene["levels"][0]["text"]
        units = {field["unit"] for field in session.quick.widget.fields}
        assert "e\u207b" in units
        assert "ADU" not in units
        session.hits._turn_to("table")
        session.hits._again()
        helps = " ".join(column["help"] for column in session.hits.table.widget.columns)
        assert "e\u207b" in helps
        assert "ADU" not in helps
        assert session.hits.bar.state["unit"] == "e\u207b"
    assert in_unit("2 ADU (of 1.1 e-/ADU)", "e\u207b") == "2 e\u207b (of 1.1 e-/e-)"


def test_the_unit_is_changed_in_words_of_ours_alone():
    said = (
        Proposal("extnum", 1, "the only image, ADU", certain=True),
        Proposal("rnoise", 3.0, "header: RON 3 ADU, in ADU_night.fits", False),
    )
    header = fits.Header({"BUNIT": "electron"})
    exposures = cm.ExposureSet.from_arrays(list(small_scene().exposures), headers=[header] * 3)
    start = SimpleNamespace(exposures=exposures)
    shown = proposal_of(Beginning(("1",), (start,), (said,), ("ADU 3.fits: left out",)))
    assert shown["remarks"] == ["ADU 3.fits: left out"]
    assert [row["origin"] for row in shown["rows"]] == [
        "the only image, ADU", "header: RON 3 ADU, in ADU_night.fits",
    ]  # fmt: skip
    assert [row["unit"] for row in shown["rows"]] == ["", "e\u207b"]
    assert in_unit("ADU_night.fits, 3 ADU, 2 ADU/s", "e-") == "ADU_night.fits, 3 e-, 2 ADU/s"


def test_methods_are_spelled_as_they_are_and_the_drawer_opens_on_that_which_is_set(dashboard):
    labels = {each["value"]: each["label"] for each in method_buttons()}
    assert labels["deepcr"] == "deepCR"
    assert labels["mm_pycosmic"] == "MM + PyCosmic"
    assert labels["significance_lacosmic"] == "Sig. + L.A."
    form = dashboard.session.parameters.widget
    dashboard.state.update(crmethod="significance")
    assert form.sections == ["First of all", "Significance"]
    assert "Significance" in {field["group"] for field in form.fields}
