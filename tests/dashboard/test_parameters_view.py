"""The form of all parameters: what it shows, sends and refuses."""

import re
from unittest import mock

import numpy as np
import pytest

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.settings import fields as fields_module
from crmasks_widgets.dashboard.settings.control_widgets import (
    LARGEST_EXACT,
    TypedText,
    in_labels,
    literal,
    parsed,
    span_of,
)
from crmasks_widgets.dashboard.settings.fields import (
    FIRST,
    FIRST_NAMES,
    FIXED,
    SHORT,
    UNITS,
    grouped,
    help_of,
    meaning_of_null,
    title_of,
)
from crmasks_widgets.dashboard.settings.parameters_view import MOST_QUICK, FormView, quick_names
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import ParameterInfo, Parameters, Range, parameter_table
from crmasks_widgets.parameters.types import METHODS

from .bench import Bench, small_analysis

TABLE = {info.name: info for info in parameter_table()}


@pytest.fixture
def bench():
    return Bench(small_analysis())


@pytest.fixture
def view(bench):
    return bench.add(FormView(bench.context))


def value(bench, name):
    return getattr(bench.state.model.parameters, name)


def field(view, name):
    """What the page is told of a field."""
    (found,) = [each for each in view.widget.fields if each["name"] == name]
    return found


def typed(view, name, text):
    """What the page sends when a text is typed."""
    view.widget._handle_custom_msg({"set": name, "text": text}, [])


def picked(view, name, value):
    """What the page sends when a switch or a word is chosen."""
    view.widget._handle_custom_msg({"set": name, "value": value}, [])


def reset(view, name):
    view.widget._handle_custom_msg({"reset": name}, [])


def said(view, **content):
    """What the page says in a message."""
    view.widget._handle_custom_msg(content, [])


def drag(view, name, *values, gesture="1", by_key=False):
    """What the page sends while a pointer moves a slider, and where it lets go."""
    said(view, hold=name, gesture=gesture, by_key=by_key)
    for value in values:
        view.widget.moving = {"name": name, "value": value, "gesture": gesture}
    said(view, drop=name, value=values[-1], gesture=gesture)


def test_every_parameter_has_its_field(view):
    titles = list(dict.fromkeys(each["group"] for each in view.widget.fields))
    assert titles == [
        "First of all", "L.A.Cosmic", "MM diagram", "Significance", "PyCosmic", "deepCR", "General",
        "Exposures", "Not used here",
    ]  # fmt: skip
    names = [each["name"] for each in view.widget.fields]
    assert names[:4] == ["gain", "rnoise", "bias", "crmethod"]
    assert names.index("mm_threshold") < names.index("mm_cr_coincidences")
    assert {each["name"] for each in view.widget.fields} == set(TABLE)
    assert len(view.widget.fields) == len(TABLE)
    for each in view.widget.fields:
        info = TABLE[each["name"]]
        assert info.help in each["help"]
        assert info.expected in each["help"]
        assert each["unit"] == UNITS.get(info.unit, info.unit)
        # What stands first is a word, not a key.
        assert not re.match("[a-z]+_[a-z]", each["words"].lower())
        assert bool(each["fixed"]) == (info.name in FIXED)
        assert view.widget.values[info.name]["text"] == literal(
            getattr(small_analysis().parameters, info.name)
        )


def test_a_new_group_gets_a_title_of_its_own(bench, monkeypatch):
    new = ParameterInfo(
        "semiwindow", "significance_test", "integer", "sigma", 1, Range(0), (), "help", "rule"
    )
    table = [*(i for i in parameter_table() if i.name != "semiwindow"), new]
    monkeypatch.setattr(fields_module, "parameter_table", lambda: table)
    view = bench.add(FormView(bench.context))
    assert field(view, "semiwindow")["group"] == "Significance test"
    drag(view, "semiwindow", 2)
    assert value(bench, "semiwindow") == 2
    assert title_of("mm") == "MM diagram"


def test_a_slider_sends_while_it_moves_and_is_one_step_of_undo_however_slow(bench, view):
    clock = [0.0]
    bench.state._clock = lambda: clock[0]
    seen = []
    said(view, hold="la_sigclip", gesture="1", by_key=False)
    for position in (5.4, 6.0, 7.2):
        clock[0] += 10.0
        view.widget.moving = {"name": "la_sigclip", "value": position, "gesture": "1"}
        seen.append((value(bench, "la_sigclip"), view.widget.values["la_sigclip"]["text"]))
    assert seen == [(5.4, "5.4"), (6.0, "6"), (7.2, "7.2")]
    said(view, drop="la_sigclip", value=7.3, gesture="1")
    drag(view, "la_sigclip", 8.0, gesture="2")
    bench.state.undo()
    assert value(bench, "la_sigclip") == 7.3
    bench.state.undo()
    assert value(bench, "la_sigclip") == 5.0
    assert view.widget.values["la_sigclip"] == {"text": "5", "number": 5.0}
    assert not bench.state.can_undo


def test_where_a_slider_is_let_go_holds_whatever_of_its_way_comes_late(bench, view):
    held_back = {"name": "la_sigclip", "value": 7.0, "gesture": "1"}
    drag(view, "la_sigclip", 6.0, 8.0)
    view.widget.moving = held_back
    assert value(bench, "la_sigclip") == 8.0
    bench.state.undo()
    view.widget.moving = held_back | {"value": 8.0}
    assert value(bench, "la_sigclip") == 5.0
    drag(view, "la_sigclip", 6.0, gesture="2")
    reset(view, "la_sigclip")
    view.widget.moving = held_back | {"gesture": "2"}
    assert value(bench, "la_sigclip") == 5.0


def test_a_slider_keeps_its_last_value_when_the_next_one_is_taken_at_once(bench, view):
    # While the kernel is busy the page sends the newest of all sliders alone.
    said(view, hold="la_sigclip", gesture="1", by_key=False)
    said(view, drop="la_sigclip", value=8.0, gesture="1")
    said(view, hold="la_objlim", gesture="2", by_key=True)
    view.widget.moving = {"name": "la_objlim", "value": 7.0, "gesture": "2"}
    assert (value(bench, "la_sigclip"), value(bench, "la_objlim")) == (8.0, 7.0)
    bench.state.undo()
    assert (value(bench, "la_sigclip"), value(bench, "la_objlim")) == (8.0, 5.0)


def test_keys_that_follow_each_other_closely_are_one_step_and_others_are_not(bench, view):
    clock = [0.0]
    bench.state._clock = lambda: clock[0]
    for number, position in enumerate((6.0, 7.0)):
        clock[0] += 0.5
        drag(view, "la_sigclip", position, gesture=str(number), by_key=True)
    clock[0] += 1.5
    drag(view, "la_sigclip", 8.0, gesture="3", by_key=True)
    bench.state.undo()
    assert value(bench, "la_sigclip") == 7.0
    bench.state.undo()
    assert value(bench, "la_sigclip") == 5.0


def test_a_page_that_goes_in_a_drag_lets_go_of_its_slider(bench, view):
    clock = [0.0]
    bench.state._clock = lambda: clock[0]
    said(view, hold="la_sigclip", gesture="1", by_key=True)
    view.widget.moving = {"name": "la_sigclip", "value": 6.0, "gesture": "1"}
    bench.tell(event="begun")
    view.widget.moving = {"name": "la_sigclip", "value": 9.0, "gesture": "1"}
    assert value(bench, "la_sigclip") == 6.0
    clock[0] += 2.0
    bench.state.update(gesture="slider la_sigclip ", la_sigclip=7.0)
    bench.state.undo()
    assert value(bench, "la_sigclip") == 6.0


def test_sliders_of_two_parameters_are_two_steps(bench, view):
    drag(view, "la_sigclip", 7.0)
    drag(view, "la_objlim", 7.0, gesture="2")
    bench.state.undo()
    assert (value(bench, "la_sigclip"), value(bench, "la_objlim")) == (7.0, 5.0)


def test_whole_numbers_stay_whole(bench, view):
    drag(view, "dilation", 3)
    assert value(bench, "dilation") == 3
    assert isinstance(value(bench, "dilation"), int)


def test_a_scale_that_follows_the_quantity(view):
    alarms = field(view, "sg_false_alarms")
    assert alarms["log"]
    assert alarms["low"] <= 0.01
    assert alarms["high"] >= 1000
    assert not field(view, "la_sigclip")["log"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("la_sigclip", "-1", "la_sigclip: found -1, expected a finite number above 0"),
        ("la_sigclip", "five", "la_sigclip: found 'five', expected a finite number above 0"),
        ("la_sigclip", "", "la_sigclip: found null, expected a finite number above 0"),
        ("la_psfsize", "10", "la_psfsize: found 10, expected an odd integer of at least 3"),
        ("dilation", "1.5", "dilation: found 1.5, expected an integer of at least 0"),
        ("gain", "0", "gain: found 0, expected a number above 0 or the path of a 2-D FITS image"),
        ("pixels_to_be_flagged_as_cr", "[[1, 2], [3]]",
         "pixels_to_be_flagged_as_cr: found [3], expected a list of [x, y] "
         "(FITS pixels, integers from 1 on) or null"),
        ("pixels_to_be_flagged_as_cr", "[[1, 2", "pixels_to_be_flagged_as_cr: line 2: "),
        ("flux_factor", "__import__('os')", "flux_factor: found "),
        ("mm_threshold_rnoise", "!!python/object:x {}", "mm_threshold_rnoise: line 1: found the"),
        ("regions_to_be_skipped", "<script>alert(1)</script>", "regions_to_be_skipped: found "),
    ],
)  # fmt: skip
def test_a_refused_value_is_said_beside_its_control(bench, view, name, text, message):
    before = bench.state.model
    typed(view, name, text)
    assert bench.state.model is before
    assert list(view.widget.errors) == [name]
    label = field(view, name)["words"].split(";")[0]
    assert view.widget.errors[name].startswith(message.replace(f"{name}:", f"{label}:"))
    assert "\n" not in view.widget.errors[name]
    assert bench.errors == []


def test_a_message_calls_its_control_what_the_control_is_called(bench):
    few = bench.add(FormView(bench.context, quick_names, compact=True))
    bench.state.update(crmethod="lacosmic")
    typed(few, "la_sigclip", "-1")
    rule = "found -1, expected a finite number above 0"
    assert few.widget.errors == {"la_sigclip": f"contrast with noise: {rule}"}
    labels = {"gain": "gain of all", "bias": "level"}
    for text, said in (
        ("gain: 3 was refused: bias: found 2; gain: found 3", "gain of all: 3 was refused: level: "
         "found 2; gain of all: found 3"),
        ("found gain, expected a bias", "found gain, expected a bias"),
        ("my_gain: found 1", "my_gain: found 1"),
        ("night1.yaml: gain: found 1", "night1.yaml: gain: found 1"),
    ):  # fmt: skip
        assert in_labels(text, labels) == said
    assert in_labels("gain: found 1", {}) == "gain: found 1"


def test_the_line_at_the_bottom_calls_parameters_what_their_controls_are_called(dashboard):
    session = dashboard.session
    session.dispatcher.call(lambda: dashboard.state.update(la_sigclip=-1.0))
    assert "contrast with noise: found -1" in session.status.message.value
    session.status.say("")
    session.fail("e1.yaml: dilation: found x")
    assert "e1.yaml: dilation: found x" in session.status.message.value


def test_what_moves_the_masks_comes_first_in_its_group():
    groups = {title: [info.name for info in infos] for title, infos in grouped().items()}
    assert groups[FIRST] == [*FIRST_NAMES]
    listed = [name for names in groups.values() for name in names]
    assert sorted(listed) == sorted(info.name for info in parameter_table())
    mm = DETECTORS["mm"]
    moving = [name for name in (*mm.quick, *mm.look_at) if name in groups["MM diagram"]]
    first = list(dict.fromkeys(moving))
    assert len(first) > 1
    assert groups["MM diagram"][: len(first)] == first


def test_a_mended_value_takes_the_message_back(bench, view):
    sent = []
    view.widget.send_state = lambda key, **_: sent.append(key)
    typed(view, "la_sigclip", "-1")
    assert view.widget.errors
    typed(view, "la_sigclip", "5")  # as it was: nothing changes, but nothing is wrong either
    assert view.widget.errors == {}
    assert sent[-1] == "values"  # the page shows what holds
    typed(view, "la_sigclip", "-1")
    typed(view, "la_sigclip", "6")
    assert (view.widget.errors, value(bench, "la_sigclip")) == ({}, 6.0)


def test_reset_goes_back_to_the_default_and_takes_back_what_was_refused(bench, view):
    assert field(view, "la_sigclip")["initial"] == "5"
    drag(view, "la_sigclip", 8.0)
    reset(view, "la_sigclip")
    assert value(bench, "la_sigclip") == 5.0
    typed(view, "regions_to_be_skipped", "[1]")
    assert view.widget.errors
    reset(view, "regions_to_be_skipped")
    assert view.widget.errors == {}


def test_a_refused_choice_is_shown_as_it_was(bench, view):
    bench.state.update(crmethod="mmcosmic")
    picked(view, "use_lamedian", True)
    assert value(bench, "use_lamedian") is False
    assert view.widget.errors["use_lamedian"].startswith(
        "Fill with the median as L.A.Cosmic or its like cleaned it, not with the minimum: found "
    )
    bench.state.update(crmethod="lacosmic")
    picked(view, "use_lamedian", True)
    assert value(bench, "use_lamedian") is True
    assert view.widget.errors == {}


def test_choices_are_those_of_the_table(bench, view):
    assert tuple(field(view, "la_psfmodel")["choices"]) == TABLE["la_psfmodel"].choices
    picked(view, "la_psfmodel", "moffat")
    assert value(bench, "la_psfmodel") == "moffat"


def test_numbers_that_may_be_null(bench, view):
    assert view.widget.values["mm_expected_false"] == {"text": "null", "number": None}
    drag(view, "mm_expected_false", 12.0)
    assert value(bench, "mm_expected_false") == 12.0
    for text in ("null", ""):
        bench.state.update(mm_expected_false=3.0)
        typed(view, "mm_expected_false", text)
        assert value(bench, "mm_expected_false") is None
        assert view.widget.values["mm_expected_false"]["text"] == "null"


def test_lists_are_written_and_read_as_yaml(bench, view):
    name = "mm_fixed_points_in_boundary"
    assert parsed(TypedText(view.widget.values[name]["text"]), "x") == [
        [0, 25, 10000],
        [500, 110, 10000],
        [5000, 350, 10000],
    ]
    typed(view, name, "[[1, 2], [3e2, 4, 5]]")
    assert value(bench, name) == ((1, 2, 10000), (300, 4, 5))
    assert view.widget.values[name]["text"] == "[[1.0, 2.0, 10000.0], [300.0, 4.0, 5.0]]"
    typed(view, "flux_factor", "auto")
    assert value(bench, "flux_factor") == "auto"


def test_the_seed_may_be_none_or_large_and_is_drawn_where_needed(bench, view):
    assert field(view, "mm_seed")["high"] is None  # JavaScript would round it
    typed(view, "mm_seed", str(2**100))
    assert value(bench, "mm_seed") == 2**100
    reset(view, "mm_seed")
    assert value(bench, "mm_seed") is None
    bench.state.update(mm_simulation="montecarlo")
    drawn = value(bench, "mm_seed")
    assert isinstance(drawn, int)
    reset(view, "mm_seed")
    assert value(bench, "mm_seed") not in (None, drawn)


def test_fields_follow_a_file_without_sending_anything(bench, view):
    other = small_analysis(la_sigclip=9.5, crmethod="lacosmic", la_sepmed=False, semiwindow=200,
                           flux_factor=[1, 1.1, 0.9], mm_threshold=None)  # fmt: skip
    bench.state.adopt(other.parameters)
    for name, shown in view.widget.values.items():
        assert shown["text"] == literal(getattr(other.parameters, name))
    bench.state.undo()
    assert not bench.state.can_undo
    assert bench.state.model.parameters == small_analysis().parameters


def test_an_error_of_the_engine_is_said_beside_the_control_too(bench, view, monkeypatch):
    def refuse(_):
        raise InputError("no <such> file")

    monkeypatch.setattr(bench.state, "_submit", refuse)
    drag(view, "dilation", 3)
    assert view.widget.errors == {"dilation": "no <such> file"}
    assert value(bench, "dilation") == 1


@pytest.mark.parametrize("method", METHODS)
def test_few_parameters_matter_beside_the_diagram(bench, method):
    bench.state.update(crmethod=method)
    view = bench.add(FormView(bench.context, quick_names, compact=True))
    names = [each["name"] for each in view.widget.fields]
    assert 2 <= len(names) <= MOST_QUICK
    assert "dilation" in names
    for key in METHODS[method]:
        assert any(name.startswith(DETECTORS[key].prefix) for name in names)
    assert view.widget.compact


def test_the_ends_of_a_slider_never_move(bench):
    view = bench.add(FormView(bench.context, quick_names, compact=True))
    bench.state.update(crmethod="mm_lacosmic")
    before = field(view, "la_sigclip")
    bench.state.update(la_sigclip=90.0)
    bench.state.update(crmethod="significance")
    bench.state.update(crmethod="mm_lacosmic")
    assert field(view, "la_sigclip") == before


def test_what_no_value_means_is_said_in_words():
    meanings = {name: meaning_of_null(TABLE[name]) for name in TABLE}
    assert meanings["la_sigclip_second"] == "as the first"
    assert meanings["mm_cr_coincidences"] == "minimum"
    assert meanings["mm_threshold"] == "lowest value of the boundary"
    assert (meanings["mm_expected_false"], meanings["flux_factor_regions"]) == ("off", "none")


def test_what_is_moved_beside_the_diagram_has_a_short_name():
    assert SHORT.keys() >= {name for row in DETECTORS.values() for name in row.quick}
    assert max(map(len, SHORT.values())) <= 24


def test_the_few_follow_the_method(bench):
    view = bench.add(FormView(bench.context, quick_names, compact=True))
    bench.state.update(crmethod="significance")
    names = [each["name"] for each in view.widget.fields]
    assert "sg_false_alarms" in names
    assert set(view.widget.values) == set(names)


@pytest.mark.parametrize("name", [n for n, info in TABLE.items() if info.range is not None])
def test_span_reaches_four_times_the_default_and_no_refused_value(name):
    info = TABLE[name]
    span = span_of(info, info.default)
    assert span.low < span.high
    assert (span.high - span.low) / span.step <= 250 or info.kind == "integer"
    if info.default:
        assert span.high >= min(4 * info.default, info.range.high or float("inf"))
    if info.range.low is not None and abs(info.range.low) < 1e6:
        assert span.low >= info.range.low
        assert not (info.range.open_low and span.low == info.range.low)
    if info.range.high is not None and info.range.high <= LARGEST_EXACT:
        assert span.high <= info.range.high


def test_spans():
    assert span_of(TABLE["la_sigclip"], 30.0).high == 120.0
    assert span_of(TABLE["la_psfsize"], 11).step == 2
    assert span_of(TABLE["maxplots"], -1).low == -1
    assert (span_of(TABLE["dilation"], 1).low, span_of(TABLE["dilation"], 1).step) == (0, 1)


@pytest.mark.parametrize(
    "written",
    [None, True, 0, -3, 2**100, 0.1, 1e-9, 65535.0, 1e300, "auto", "a: b", "#x", "1", "null", "é",
     "maps/gain 1.fits", ((1, 2), (3, 4)), (1.5, 1e-7), ()],
)  # fmt: skip
def test_literal_is_read_back(written):
    def plain(value):
        return [plain(item) for item in value] if isinstance(value, tuple) else value

    assert parsed(TypedText(literal(written)), "x") == plain(written)
    assert "\n" not in literal(written)


def test_help_says_default_and_rule():
    assert help_of(TABLE["la_sigclip"]) == (
        "la_sigclip: contrast with the noise that makes a hit. "
        "Expected: a finite number above 0. Default: 5"
    )
    with pytest.raises(ParameterError):
        parsed(TypedText("a: ["), "x")


def test_the_noise_check_offers_what_fits_better():
    random = np.random.default_rng(3)
    light = np.tile(np.linspace(20.0, 5000.0, 300), (200, 1))
    frames = [random.poisson(light) + random.normal(0, 3, light.shape) for _ in range(3)]
    given = Parameters(gain=2.0, rnoise=3.0, crmethod="lacosmic", la_niter=1)
    dashboard = Dashboard(Analysis(ExposureSet.from_arrays(frames), given))
    try:
        dashboard.session.drawer.open("Parameters")
        assert dashboard.wait(60)
        banner = dashboard.session.banner
        assert "gain <b>" in banner.text.value
        assert "(not 2)" in banner.text.value
        with mock.patch.object(dashboard.session.engine, "submit"):  # it takes its time
            dashboard.state.update(dilation=3)
            assert banner.button.layout.display == "none"
            dashboard.state.undo()
        assert banner.button.layout.display == ""
        banner.button.click()
        assert dashboard.wait(60)
        assert dashboard.state.model.parameters.gain == pytest.approx(1.0, rel=0.1)
        assert banner.better == {}
        assert banner.button.layout.display == "none"
        dashboard.session.drawer.open("")
        assert not banner.active
    finally:
        dashboard.close()
