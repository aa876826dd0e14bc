"""What is warned of while files are opened and masks computed: shown as long as it is true."""

import logging
import re
import sys
import threading
import warnings
from contextlib import closing

import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard import app
from crmasks_widgets.dashboard.page.remarks import PACKAGE, RemarkHandler, remarks_told
from crmasks_widgets.dashboard.page.status import HINT
from crmasks_widgets.errors import CrmasksWarning, InputError

from .conftest import POINTS


def test_what_a_computation_warns_of_stands_in_the_line_at_the_bottom(dashboard):
    status = dashboard.session.status
    low = tuple((x, 8.0, weight) for x, _, weight in POINTS)
    dashboard.state.update(mm_fixed_points_in_boundary=low, max_flagged_fraction=1.0)
    assert dashboard.wait(60)
    assert "expected cosmic rays in far fewer" in status.message.value
    status.say("saved")
    assert "saved" in status.message.value
    status.say("")
    assert "far fewer" in status.message.value


def runaway(y):
    """A boundary so low that the dashboard warns of what is flagged."""
    return tuple((x, y, weight) for x, _, weight in POINTS)


def test_what_a_computation_warns_of_goes_with_the_result_it_was_said_of(dashboard):
    status = dashboard.session.status
    status.remark("gain: is a guess")
    dashboard.state.update(mm_fixed_points_in_boundary=runaway(8.0), max_flagged_fraction=1.0)
    assert dashboard.wait(60)
    assert "far fewer" in status.message.value
    dashboard.state.update(dilation=2)  # nothing is detected anew, nothing warned of again
    assert dashboard.wait(60)
    assert "far fewer" in status.message.value
    before = status.message.value
    dashboard.state.update(mm_fixed_points_in_boundary=runaway(9.0))
    assert dashboard.wait(60)
    assert status.message.value != before
    assert status.message.value.count("exposure 1: found") == 1
    dashboard.state.undo()
    assert dashboard.wait(60)
    assert status.message.value == before
    dashboard.state.update(mm_fixed_points_in_boundary=POINTS)
    assert dashboard.wait(60)
    assert "far fewer" not in status.message.value
    assert "gain: is a guess" in status.message.value


def test_what_was_warned_of_before_an_error_goes_with_what_is_refused(dashboard):
    status, said = dashboard.session.status, []
    status.message.observe(lambda change: said.append(change["new"]), "value")
    dashboard.state.update(
        flux_factor=(11.0, 11.0, 12.0),
        apply_flux_factor_to="original",
        mm_fixed_points_in_boundary=runaway(2.0),
        max_flagged_fraction=0.1,
    )
    assert dashboard.wait(60)
    assert "found a median of 11" in " ".join(said)
    assert "max_flagged_fraction" in status.message.value
    status.say("")
    assert status.message.value.endswith(f"{HINT}</span>")


def words(line):
    """What is read of some HTML."""
    return re.sub("<[^>]*>", "", line)


def test_what_opening_warns_of_stands_there_too_and_not_below_the_cell(
    analysis, monkeypatch, recwarn
):
    def opened(names):
        logging.getLogger("crmasks_widgets.x").warning("gain: %s is a guess", names[0])
        warnings.warn("a key without meaning", CrmasksWarning, stacklevel=1)
        warnings.warn("of another package", DeprecationWarning, stacklevel=1)
        return analysis

    monkeypatch.setattr(app, "open_detectors", opened)
    with closing(cm.open("e1.fits")) as shown:
        line = shown.session.status.message.value
        assert "2 remarks: gain: e1.fits is a guess \u00b7 a key without meaning" in words(line)
        assert [str(each.message) for each in recwarn] == ["of another package"]
    # A closed dashboard hears nothing any more.
    assert not [each for each in PACKAGE.handlers if isinstance(each, RemarkHandler)]


def test_what_was_warned_of_is_logged_where_nothing_can_be_opened(monkeypatch, caplog, recwarn):
    def opened(names):
        warnings.warn("gain is a guess", CrmasksWarning, stacklevel=1)
        warnings.warn("of another package", DeprecationWarning, stacklevel=1)
        raise InputError("gain: found -1")

    monkeypatch.setattr(app, "open_detectors", opened)
    with pytest.raises(InputError, match="found -1"):
        cm.open("e1.fits")
    assert [record.getMessage() for record in caplog.records] == ["gain is a guess"]
    assert [str(each.message) for each in recwarn] == ["of another package"]


def test_only_warnings_of_the_thread_that_opens_are_told_of_its_opening(recwarn):
    told = []

    def elsewhere():
        warnings.warn("elsewhere", CrmasksWarning, stacklevel=1)

    with remarks_told(told.append):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        warnings.warn("mine", CrmasksWarning, stacklevel=1)
    warnings.warn("later", CrmasksWarning, stacklevel=1)
    assert told == ["mine"]
    assert [str(each.message) for each in recwarn] == ["elsewhere", "later"]


def test_a_warning_of_another_thread_is_printed_as_ever(monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(sys.stdout))
    heard = []
    for _ in range(2):  # two dashboards print it once
        PACKAGE.addHandler(RemarkHandler(lambda _: False, heard.append))
    with remarks_told(heard.append):
        logging.getLogger("crmasks_widgets.x").warning("mine")
    logging.getLogger("crmasks_widgets.x").warning("elsewhere")
    for handler in list(PACKAGE.handlers):
        PACKAGE.removeHandler(handler)
    assert heard == ["mine"]
    assert capsys.readouterr().out == "elsewhere\n"


def test_what_a_comparison_warns_of_goes_with_the_comparison(dashboard):
    session = dashboard.session
    status, comparison = session.status, session.hits.comparison
    dashboard.state.update(
        crmethod="lacosmic", mm_fixed_points_in_boundary=runaway(8.0), max_flagged_fraction=1.0
    )
    assert dashboard.wait(60)
    assert "far fewer" not in status.message.value
    comparison.ask(dashboard.analysis, "mmcosmic")
    assert comparison.engine.wait(60)
    session.dispatcher.drain()
    remark = words(status.message.value)
    assert "compared with MM: the median: found" in remark
    assert "far fewer" in remark
    peaks = session.hits.listing.hits.peaks_of((0,))
    dashboard.state.update(mediancr_pixels_confirmed=peaks)  # the hits stay where they are
    assert dashboard.wait(60)
    assert "far fewer" in status.message.value
    comparison.ask(dashboard.analysis, "pycosmic")
    assert "far fewer" not in status.message.value
    assert comparison.engine.wait(60)
    comparison.ask(dashboard.analysis, "")
    assert status.message.value.endswith(f"{HINT}</span>")
    session.hits.close()
    assert len([each for each in PACKAGE.handlers if isinstance(each, RemarkHandler)]) == 1
