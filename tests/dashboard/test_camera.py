"""Several detectors in one dashboard: one at a time, and all of them saved."""

import csv
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from regions import Regions

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.dashboard import still
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.page.help import name_of

from ..test_mosaics import write_camera, write_yaml
from .bench import press

NAMES = ("CCD1", "CCD2")


@pytest.fixture
def work(tmp_path, monkeypatch):
    write_camera(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def camera(work):
    """A dashboard of two detectors, whose gains differ."""
    made = cm.Dashboard(cm.load_mosaic(write_yaml(work, [1, 2], gain=[1.5, 1.6])))
    assert made.wait(60)
    yield made
    made.close()


def choose(dashboard, number):
    """Choose a detector in the bar that is on screen."""
    bar = dashboard.session.status.widget
    assert bar in dashboard.widget.children
    bar._handle_custom_msg({"detector": number}, [])
    dashboard.session.dispatcher.drain()
    assert dashboard.wait(60)


def a_hit(analysis):
    y, x = np.nonzero(analysis.labels == 1)
    return [(int(i) + 1, int(j) + 1) for i, j in zip(x, y, strict=True)]


def pressed(dashboard, what):
    files = dashboard.session.files
    files.save(what, dashboard.session.status)
    assert files.wait(60)
    return dashboard.session.status.message.value


def test_the_bar_lists_detectors_where_there_are_several(camera, analysis):
    bar = camera.session.status.widget
    assert (tuple(bar.detectors), bar.detector) == (NAMES, 0)
    choose(camera, 1)
    assert camera.session.status.widget.detector == 1
    assert camera.session.status.widget is not bar
    assert camera.analysis.parameters.gain == 1.6
    assert "Dashboard: detector CCD2, 3 exposures" in camera._repr_mimebundle_()["text/plain"]
    camera.choose("CCD1")
    assert camera.session.status.widget is bar
    with pytest.raises(cm.InputError, match="detector: found 3, expected one of CCD1, CCD2"):
        camera.choose(3)
    camera.open(analysis)
    assert camera.session.status.widget.detectors == []


def test_each_detector_keeps_what_is_its_own_and_the_rest_is_shared(camera):
    first = camera.state
    points = ((0.0, 35.0, 1e4), (600.0, 150.0, 1e4), (5000.0, 400.0, 1e4))
    first.update(mm_fixed_points_in_boundary=points)
    first.update(dilation=3)
    first.show(stretch="linear", image=(1.0, 9.0, 1.0, 9.0))
    choose(camera, 1)
    second = camera.state
    assert second.model.parameters.dilation == 3
    assert second.model.parameters.mm_fixed_points_in_boundary != points
    assert (second.model.display.stretch, second.model.display.image) == ("linear", None)
    assert not second.can_undo  # it begins with what was shared by then
    rejected = edits.reject_hits(second.model.parameters, a_hit(camera.analysis))
    second.update(**rejected)
    second.update(dilation=2)
    choose(camera, 0)
    assert camera.state is first
    now = first.model.parameters
    assert (now.dilation, now.mediancr_pixels_rejected) == (2, None)
    assert now.mm_fixed_points_in_boundary == points
    first.undo()
    assert first.model.parameters.dilation == 3
    first.undo()
    assert first.model.parameters.dilation == 1
    choose(camera, 1)
    assert second.model.parameters.dilation == 1
    assert second.model.parameters.mediancr_pixels_rejected is not None


def test_the_still_picture_is_that_of_the_detector_on_screen_and_of_its_look(camera, monkeypatch):
    kept = []
    output = SimpleNamespace(update=lambda bundle, raw: kept.append(bundle))
    monkeypatch.setattr(still, "display", lambda *_, **__: output)
    camera._ipython_display_()
    for number, name in ((1, "CCD2"), (0, "CCD1"), (1, "CCD2")):  # there and back
        choose(camera, number)
        assert f"detector {name}," in kept[-1]["text/plain"]
    before = kept[-1]["image/png"]
    camera.state.show(stretch="linear")
    assert kept[-1]["image/png"] != before
    known = len(kept)
    camera.state.show(rings=False)
    assert len(kept) == known


def test_what_is_still_being_computed_is_that_of_no_detector(camera, work, monkeypatch):
    before = camera.analysis.parameters.la_sigclip
    monkeypatch.setattr(camera.session.engine, "submit", lambda parameters: None)
    camera.state.update(la_sigclip=before + 4)
    assert [each.parameters.la_sigclip for each in camera.mosaic] == [before] * 2
    cm.save_session(camera.mosaic, work / "session.yaml")


@pytest.mark.slow
def test_the_list_of_keys_is_that_of_the_code_for_every_detector(camera):
    for number in (0, 1):
        choose(camera, number)
        session = camera.session
        keys = {(name_of(key), view) for view in session.views for key in view.keys}
        sections = session.help.widget.sections
        assert sections[0]["title"] == "Pointer"
        listed = [key for group in sections[1:] for key, _ in group["keys"]]
        assert sorted(listed) == sorted(key for key, _ in keys)
        # Each does something, and where several views know it, first where the pointer is.
        for view in (session.diagram, session.image, session.hits):
            for key in view.keys:
                asked = []
                others = [other for other in session.views if key in other.keys]
                for other in others:
                    found = replace(other.keys[key], action=partial(asked.append, other))
                    other.keys = {**other.keys, key: found}
                press(session.page, key, at={"plot": view.plots[0]})
                assert asked == [view], key


def test_what_cannot_be_shared_is_said_and_the_detector_stays(camera, monkeypatch):
    choose(camera, 1)
    camera.state.update(crmethod="significance")
    camera.state.update(mm_fixed_points_in_boundary=None)
    choose(camera, 0)
    camera.state.update(crmethod="mmcosmic")
    shown, told = camera.session, []
    monkeypatch.setattr(shown.status.widget, "send", told.append)
    choose(camera, 1)
    assert camera.session is shown
    assert told == [{"event": "stays"}]  # or the page would wait for another
    said = shown.status.message.value
    assert "on the boundary: found 0, expected at least 2 points" in said


@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.slow
def test_the_program_makes_the_masks_of_every_detector(camera, work, looked):
    """Also of one that was never looked at."""
    camera.state.update(**edits.ignore_hits(camera.state.model.parameters, a_hit(camera.analysis)))
    camera.state.update(pixels_to_be_flagged_as_cr=((30, 31),), dilation=1)
    assert camera.wait(60)
    if looked:
        choose(camera, 1)
        points = ((0.0, 45.0, 1e4), (600.0, 150.0, 1e4), (5000.0, 400.0, 1e4))
        camera.state.update(mm_fixed_points_in_boundary=points)
        camera.state.update(**edits.reject_hits(camera.state.model.parameters,
                                                a_hit(camera.analysis)), dilation=2)  # fmt: skip
        assert camera.wait(60)
    camera.session.files.with_figures.value = False
    for what in ("yaml", "products", "report", "csv", "ecsv", "regions"):
        assert "wrote" in pressed(camera, what), what
    mosaic = camera.mosaic
    assert [each.parameters.dilation for each in mosaic] == [1 + looked] * 2
    run = ["run", "session.yaml", "--output-dir", "out", "--no-figures", "--log-level", "ERROR"]
    assert cli.main(run) == 0
    for folder in ("out", "products"):
        with fits.open(work / folder / "crmasks.fits") as hdus:
            for number, each in enumerate(mosaic, start=1):
                assert each.mediancr.any()
                for name, mask in each.masks.items():
                    np.testing.assert_array_equal(hdus[name, number].data, mask)
        with fits.open(work / folder / "combined_mediancr.fits") as hdus:
            for number, each in enumerate(mosaic, start=1):
                data = each.combination("mediancr").data
                np.testing.assert_array_equal(hdus["SCI", number].data, data)
    if looked:
        for name, mask in camera.analysis.masks.items():  # what is on screen
            np.testing.assert_array_equal(mosaic["CCD2"].masks[name], mask)
    with (work / "hits.csv").open() as stream:
        found = [row["detector"] for row in csv.DictReader(stream)]
    assert [found.count(name) for name in NAMES] == [each.n_hits for each in mosaic]
    assert len(Regions.read(work / "hits.reg")) == camera.analysis.n_hits
    page = (work / "report.html").read_text()
    assert all(name in page for name in NAMES)


def page_says(session, event):
    session.page._handle_custom_msg({"event": event}, [])


def test_a_detector_waits_until_all_of_another_was_made_on_the_page(camera):
    first = camera.session
    page_says(first, "begun")
    camera.choose(2)
    second = camera.session
    assert camera.widget.children == first.widgets
    page_says(first, "made")
    assert camera.widget.children == second.widgets
    told = []
    second.page.send = told.append
    for number in (1, 2, 1):
        camera.choose(number)
    assert told == [{"event": "leaves"}] * 2
    page_says(first, "made")  # in another output
    assert camera.widget.children == second.widgets
    page_says(second, "made")
    assert camera.widget.children == first.widgets


def test_a_detector_that_was_left_and_chosen_again_stays(camera):
    first, told = camera.session, []
    first.page.send = told.append
    page_says(first, "begun")
    for number in (2, 1):
        camera.choose(number)
    page_says(first, "made")
    assert camera.widget.children == first.widgets
    assert told == [{"event": "leaves"}, {"event": "stays"}]


def test_what_is_left_stops_at_once_and_goes_when_the_page_has_made_it(camera, analysis):
    left, told = camera.session, []
    left.page.send = told.append
    page_says(left, "begun")
    camera.open(analysis)
    assert told == [{"event": "leaves"}]
    with pytest.raises(RuntimeError, match="closed"):
        left.engine.submit(left.state.model.parameters)
    # What is done to it until then is done to nothing, and nothing is said to be wrong.
    before, said = left.state.model, left.status.message.value
    left.quick.widget._handle_custom_msg({"drop": "dilation", "value": 3, "gesture": "1"}, [])
    left.status.widget._handle_custom_msg({"method": "lacosmic"}, [])
    left.image.x.max = 3.0
    assert (left.state.model, left.status.message.value) == (before, said)
    assert camera.widget.children == left.widgets
    assert left.page.comm is not None
    page_says(left, "made")
    assert camera.widget.children == camera.session.widgets
    assert left.page.comm is None


def test_files_of_several_detectors_are_opened_with_all_of_them(camera, work):
    choose(camera, 1)
    opening = camera.session.opening
    opening.choose([str(work / "p.yaml")])
    opening.accept()
    opening.wait(60)
    assert camera.session.opening is not opening
    assert tuple(camera.session.status.widget.detectors) == NAMES
    for path in work.glob("e?.fits"):
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                hdu.header["BUNIT"] = "adu"
                hdu.header["GAIN"] = (1.5, "[electron/adu]")
                hdu.header["RDNOISE"], hdu.header["BIASLEV"] = (3.0, "[adu]"), (100.0, "[adu]")
            hdus["CCD2"].header["GAIN"] = (1.6, "[electron/adu]")
    opening = camera.session.opening
    opening.choose([str(path) for path in sorted(work.glob("e?.fits"))])
    opening.wait(60)
    rows = {row["name"]: row for row in opening.dialog.proposal["rows"]}
    assert rows["gain"]["differs"] == "1.5, 1.6"
    assert "detector CCD2: header: GAIN 1.6" in rows["gain"]["origin"]
    opening.give({"bias": "99"})
    opening.accept()
    opening.wait(60)
    assert [each.parameters.bias for each in camera.mosaic] == [99.0] * 3
    assert tuple(camera.session.status.widget.detectors) == (*NAMES, "CCD3")
    shown = cm.open("e?.fits")
    assert shown.camera.names == (*NAMES, "CCD3")
    shown.close()
