"""A control for every parameter: what it shows, sends and refuses."""

import asyncio
import html
import threading

import pytest

from crmasks_widgets.dashboard.settings import controls_view
from crmasks_widgets.dashboard.settings.control_widgets import (
    LARGEST_EXACT,
    NumberEditor,
    PickEditor,
    TextEditor,
    TypedText,
    literal,
    parsed,
    span_of,
)
from crmasks_widgets.dashboard.settings.controls_view import (
    FIXED,
    UNUSED,
    ControlsView,
    help_of,
    title_of,
)
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.parameters import ParameterInfo, Range, parameter_table

from .bench import Bench, small_analysis

TABLE = {info.name: info for info in parameter_table()}


@pytest.fixture
def bench():
    return Bench(small_analysis())


@pytest.fixture
def view(bench):
    return opened(bench)


def opened(bench):
    """The view with every page made."""
    view = bench.add(ControlsView(bench.context))
    for index in range(len(view.tabs.children)):
        view.tabs.selected_index = index
    return view


def value(bench, name):
    return getattr(bench.state.model.parameters, name)


def test_every_parameter_has_its_place(view):
    assert view.tabs.titles == (
        "L.A.Cosmic", "MM diagram", "Significance", "General", "Exposures", "Not used here",
    )  # fmt: skip
    assert set(view.controls) | set(view._fixed) == set(TABLE)
    assert set(view._fixed) == {*FIXED, *UNUSED}
    kinds = {PickEditor: ("switch", "choice"), NumberEditor: ("integer", "number", "other"),
             TextEditor: ("integer", "other")}  # fmt: skip
    for name, control in view.controls.items():
        info, editor = TABLE[name], control.editor
        assert info.kind in kinds[type(editor)]
        field = editor.pick if isinstance(editor, PickEditor) else editor.text
        words = html.unescape(field.description)
        assert f">{name}{f' ({info.unit})' if info.unit else ''}<" in words
        assert info.help in words
        assert info.expected in words
    for name, fixed in view._fixed.items():
        assert fixed.text.disabled
        assert fixed.text.value == literal(getattr(small_analysis().parameters, name))


def test_a_page_is_made_when_it_is_opened(bench):
    view = bench.add(ControlsView(bench.context))
    assert {TABLE[name].group for name in view.controls} == {"lacosmic"}
    bench.state.update(mm_nsimulations=20)
    view.tabs.selected_index = 1
    assert view.controls["mm_nsimulations"].editor.text.value == "20"


def test_a_new_group_gets_a_page_of_its_own(bench, monkeypatch):
    new = ParameterInfo(
        "dilation", "significance_test", "integer", "sigma", 1, Range(0), (), "help", "rule"
    )
    table = [*(i for i in parameter_table() if i.name != "dilation"), new]
    monkeypatch.setattr(controls_view, "parameter_table", lambda: table)
    view = opened(bench)
    assert view.tabs.titles == (
        "L.A.Cosmic", "MM diagram", "Significance", "Significance test", "General", "Exposures",
        "Not used here",
    )  # fmt: skip
    view.controls["dilation"].editor.slider.value = 2
    assert value(bench, "dilation") == 2
    assert title_of("mm") == "MM diagram"


def test_a_slider_sends_while_it_moves_and_is_one_step_of_undo(bench, view):
    control = view.controls["la_sigclip"]
    slider = control.editor.slider
    assert slider.continuous_update
    seen = []
    for position in (5.4, 6.0, 7.2):
        slider.value = position
        seen.append((value(bench, "la_sigclip"), control.editor.text.value))
    assert seen == [(5.4, "5.4"), (6.0, "6"), (7.2, "7.2")]
    bench.state.undo()
    assert value(bench, "la_sigclip") == 5.0
    assert (slider.value, control.editor.text.value) == (5.0, "5")
    assert not bench.state.can_undo


def test_sliders_of_two_parameters_are_two_steps(bench, view):
    view.controls["la_sigclip"].editor.slider.value = 7.0
    view.controls["la_objlim"].editor.slider.value = 7.0
    bench.state.undo()
    assert (value(bench, "la_sigclip"), value(bench, "la_objlim")) == (7.0, 5.0)


def test_a_slider_is_not_moved_by_what_it_sent():
    """JupyterLab may move it on, in another thread, before the state has answered."""

    async def main():
        bench = Bench(small_analysis())

        class HandGoesOn:
            def render(self, model):
                if model.parameters.la_sigclip == 7.0:
                    thread = threading.Thread(target=lambda: setattr(slider, "value", 8.0))
                    thread.start()
                    thread.join()

        bench.add(HandGoesOn())
        slider = bench.add(ControlsView(bench.context)).controls["la_sigclip"].editor.slider
        written = []
        slider.observe(lambda change: written.append(change["new"]), "value")
        slider.value = 7.0
        await asyncio.sleep(0.05)
        assert bench.state.model.parameters.la_sigclip == 8.0
        assert slider.value == 8.0
        assert sorted(written) == [7.0, 8.0]

    asyncio.run(main())


def test_a_value_between_the_steps_is_kept(bench, view):
    """The page draws 4.765 on a step, and reports 4.8: that is no wish of the user."""
    editor = view.controls["la_psfbeta"].editor
    assert editor.text.value == "4.765"
    editor.slider.value = 4.8
    assert value(bench, "la_psfbeta") == 4.765
    editor.slider.value = 4.9
    assert value(bench, "la_psfbeta") == 4.9
    view.controls["la_satlevel"].editor.slider.value = 66000.0
    assert value(bench, "la_satlevel") == 65535.0


def test_a_typed_value_moves_and_widens_the_slider(bench, view):
    editor = view.controls["la_sigclip"].editor
    assert (editor.slider.min, editor.slider.max) == (0.2, 20.0)
    editor.text.value = "1e2"
    assert value(bench, "la_sigclip") == 100.0
    assert editor.slider.value == 100.0
    assert editor.slider.max > 150
    widened = editor.slider.max
    editor.slider.value = 90.0
    assert editor.slider.max == widened  # it does not shrink during a drag
    assert value(bench, "la_sigclip") == 90.0
    view.controls["bias"].editor.text.value = "-20"
    assert view.controls["bias"].editor.slider.min <= -20
    assert value(bench, "bias") == -20.0


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
        ("pixels_to_be_flagged_as_cr", "[[1, 2", "pixels_to_be_flagged_as_cr: line 1: "),
        ("flux_factor", "__import__('os')", "flux_factor: found "),
        ("mm_threshold_rnoise", "!!python/object:x {}", "mm_threshold_rnoise: line 1: found the"),
        ("regions_to_be_skipped", "<script>alert(1)</script>", "regions_to_be_skipped: found "),
    ],
)  # fmt: skip
def test_a_refused_value_is_said_beside_its_control(bench, view, name, text, message):
    before = bench.state.model
    control = view.controls[name]
    control.editor.text.value = text
    assert bench.state.model is before
    assert control.error.text.startswith(message)
    shown = control.error.widget
    assert shown.layout.display == ""
    assert "<" not in shown.value
    assert "\n" not in shown.value
    assert control.editor.text.value == text  # to be mended
    assert bench.errors == []
    assert not control.reset.disabled
    others = [other.error.text for other in view.controls.values() if other is not control]
    assert set(others) == {""}


def test_a_mended_value_takes_the_message_back(bench, view):
    control = view.controls["la_sigclip"]
    control.editor.text.value = "-1"
    control.editor.text.value = "5"  # as it was: nothing changes, but nothing is wrong either
    assert control.error.text == ""
    assert control.error.widget.layout.display == "none"
    control.editor.text.value = "-1"
    control.editor.text.value = "6"
    assert (control.error.text, value(bench, "la_sigclip")) == ("", 6.0)


def test_reset_goes_back_to_the_default(bench, view):
    control = view.controls["la_sigclip"]
    assert control.reset.disabled
    assert control.reset.tooltip == "Reset la_sigclip to 5"
    assert "crmasks-changed" not in control.widget._dom_classes
    control.editor.slider.value = 8.0
    assert not control.reset.disabled
    assert "crmasks-changed" in control.widget._dom_classes
    control.reset.click()
    assert value(bench, "la_sigclip") == 5.0
    assert (control.editor.text.value, control.editor.slider.value) == ("5", 5.0)
    assert control.reset.disabled
    assert "crmasks-changed" not in control.widget._dom_classes


def test_reset_takes_back_what_was_refused(bench, view):
    for name, bad in (("la_sigclip", "-1"), ("regions_to_be_skipped", "[1]")):
        control = view.controls[name]
        control.editor.text.value = bad
        control.reset.click()
        assert control.editor.text.value == literal(TABLE[name].default)
        assert control.error.text == ""
        assert control.reset.disabled
    assert not bench.state.can_undo


def test_a_refused_choice_goes_back(bench, view):
    bench.state.update(crmethod="mmcosmic")
    control = view.controls["use_lamedian"]
    control.editor.pick.value = True
    assert control.editor.pick.value is False
    assert control.error.text.startswith("use_lamedian: found true with crmethod mmcosmic")
    bench.state.update(crmethod="lacosmic")
    control.editor.pick.value = True
    assert value(bench, "use_lamedian") is True
    assert control.error.text == ""


def test_choices_are_those_of_the_table(bench, view):
    pick = view.controls["la_psfmodel"].editor.pick
    assert tuple(pick.options) == TABLE["la_psfmodel"].choices
    pick.value = "moffat"
    assert value(bench, "la_psfmodel") == "moffat"


def test_numbers_that_may_be_null(bench, view):
    editor = view.controls["mm_expected_false"].editor
    assert editor.text.value == "null"
    editor.slider.value = 12.0
    assert value(bench, "mm_expected_false") == 12.0
    for text in ("null", ""):
        bench.state.update(mm_expected_false=3.0)
        editor.text.value = text
        assert value(bench, "mm_expected_false") is None
        assert editor.text.value == "null"


def test_lists_are_written_and_read_as_yaml(bench, view):
    editor = view.controls["mm_fixed_points_in_boundary"].editor
    assert parsed(TypedText(editor.text.value), "x") == [
        [0, 25, 10000],
        [500, 110, 10000],
        [5000, 350, 10000],
    ]
    editor.text.value = "[[1, 2], [3e2, 4, 5]]"
    assert value(bench, "mm_fixed_points_in_boundary") == ((1, 2, 10000), (300, 4, 5))
    assert editor.text.value == "[[1.0, 2.0, 10000.0], [300.0, 4.0, 5.0]]"
    view.controls["flux_factor"].editor.text.value = "auto"
    assert value(bench, "flux_factor") == "auto"


def test_the_seed_may_be_none_or_large_and_is_drawn_where_needed(bench, view):
    control = view.controls["mm_seed"]
    assert isinstance(control.editor, TextEditor)  # JavaScript would round it
    control.editor.text.value = str(2**100)
    assert value(bench, "mm_seed") == 2**100
    control.reset.click()
    assert value(bench, "mm_seed") is None
    assert control.editor.text.value == "null"
    bench.state.update(mm_simulation="montecarlo")
    drawn = value(bench, "mm_seed")
    assert isinstance(drawn, int)
    control.reset.click()
    assert value(bench, "mm_seed") not in (None, drawn)


def test_controls_follow_a_file_without_sending_anything(bench, view):
    other = small_analysis(la_sigclip=9.5, crmethod="lacosmic", la_sepmed=False, semiwindow=200,
                           flux_factor=[1, 1.1, 0.9], mm_threshold=None)  # fmt: skip
    bench.state.adopt(other.parameters)
    for name, control in view.controls.items():
        editor, expected = control.editor, getattr(other.parameters, name)
        if isinstance(editor, PickEditor):
            assert editor.pick.value == expected
        else:
            assert editor.text.value == literal(expected)
        if isinstance(editor, NumberEditor) and expected is not None:
            assert abs(editor.slider.value - expected) <= editor.slider.step / 2
    bench.state.undo()
    assert not bench.state.can_undo
    assert bench.state.model.parameters == small_analysis().parameters


def test_an_error_of_the_engine_is_said_beside_the_control_too(bench, view, monkeypatch):
    def refuse(_):
        raise InputError("no <such> file")

    monkeypatch.setattr(bench.state, "_submit", refuse)
    view.controls["dilation"].editor.slider.value = 3
    assert view.controls["dilation"].error.widget.value == "no &lt;such&gt; file"
    assert value(bench, "dilation") == 1


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
