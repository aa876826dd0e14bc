"""Regions that are drawn, changed and removed on the image."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.image.view import ImageView
from crmasks_widgets.dashboard.model.region_edits import (
    CORRELATION,
    FLUX,
    SKIPPED,
    drawn_regions,
    put_region,
    remove_region,
)
from crmasks_widgets.errors import CrmasksWarning
from crmasks_widgets.parameters import Parameters

from .bench import FIRST, SECOND, SHAPE, Bench

ONE, OTHER, THIRD = (1, 10, 2, 20), (5, 5, 7, 7), (3, 30, 4, 40)


def test_regions_of_all_kinds_are_listed_with_their_labels():
    assert drawn_regions(Parameters()) == ()
    with pytest.warns(CrmasksWarning, match="flux_factor_regions has no effect"):
        parameters = Parameters(**{SKIPPED: [ONE, OTHER], FLUX: [THIRD], CORRELATION: THIRD})
    listed = [(one.kind, one.index, one.box, one.label) for one in drawn_regions(parameters)]
    assert listed == [
        (SKIPPED, 0, ONE, "skipped 1"),
        (SKIPPED, 1, OTHER, "skipped 2"),
        (FLUX, 0, THIRD, "flux factor 1 (unused)"),
        (CORRELATION, 0, THIRD, "cross-correlation"),
    ]
    (used,) = drawn_regions(Parameters(**{FLUX: [ONE], "flux_factor": "auto"}))
    assert used.label == "flux factor 1"


@pytest.mark.parametrize("kind", [SKIPPED, FLUX])
def test_a_list_of_regions_is_changed_in_place(kind):
    settings = {"flux_factor": "auto"} if kind == FLUX else {}
    parameters = Parameters(**{kind: [ONE, OTHER]}, **settings)
    assert put_region(parameters, kind, None, THIRD) == {kind: (ONE, OTHER, THIRD)}
    assert put_region(parameters, kind, 0, THIRD) == {kind: (THIRD, OTHER)}
    assert remove_region(parameters, kind, 0) == {kind: (OTHER,)}
    assert remove_region(parameters.replace(**{kind: [ONE]}), kind, 0) == {kind: None}


def test_there_is_one_region_for_the_cross_correlation():
    parameters = Parameters(**put_region(Parameters(), CORRELATION, None, ONE))
    assert parameters.mm_crosscorr_region == ONE
    assert put_region(parameters, CORRELATION, None, THIRD) == {CORRELATION: THIRD}
    assert remove_region(parameters, CORRELATION, 0) == {CORRELATION: None}


@pytest.fixture
def bench():
    return Bench.of(ImageView)


def say(bench, event, **content):
    """What the page sends at the end of a gesture."""
    over = bench.view.over.widget
    over._handle_custom_msg({"event": event, "count": over.answered + 1, **content}, [])


def test_a_region_that_is_drawn_is_a_parameter_and_one_step_of_undo(bench):
    assert bench.model.analysis.mediancr[FIRST[0]]
    say(bench, "put", kind=SKIPPED, before=None, box=[55, 70, 1, 20])
    assert bench.model.parameters.regions_to_be_skipped == ((55, 70, 1, 20),)
    assert not bench.model.analysis.mediancr[FIRST[0]]
    over = bench.view.over.widget
    assert (over.regions[0]["box"], over.answered) == ([55, 70, 1, 20], 1)
    say(bench, "put", kind=SKIPPED, before=[55, 70, 1, 20], box=[1, 5, 1, 5])
    bench.state.undo()
    assert over.regions[0]["box"] == [55, 70, 1, 20]
    bench.state.undo()
    assert over.regions == []


def test_keys_in_a_row_are_one_step_of_undo(bench):
    say(bench, "put", kind=SKIPPED, before=None, box=[1, 5, 1, 5])
    for left in (2, 3, 4):
        before, box = [left - 1, left + 3, 1, 5], [left, left + 4, 1, 5]
        say(bench, "put", kind=SKIPPED, before=before, box=box, by_key=True)
    bench.state.undo()
    assert bench.model.parameters.regions_to_be_skipped == ((1, 5, 1, 5),)
    say(bench, "remove", kind=SKIPPED, before=[1, 5, 1, 5])
    assert bench.model.parameters.regions_to_be_skipped is None


def test_a_region_is_meant_by_where_the_page_shows_it(bench):
    one, other, third = [1, 5, 1, 5], [10, 15, 1, 5], [20, 25, 1, 5]
    bench.state.update(regions_to_be_skipped=[one, other, third])
    for _ in range(2):  # as on a page that is behind
        say(bench, "remove", kind=SKIPPED, before=one)
        assert bench.model.parameters.regions_to_be_skipped == (tuple(other), tuple(third))
    say(bench, "put", kind=SKIPPED, before=one, box=[30, 35, 1, 5])
    say(bench, "put", kind=SKIPPED, before=third, box=[40, 45, 1, 5])
    assert bench.model.parameters.regions_to_be_skipped == (tuple(other), (40, 45, 1, 5))
    assert bench.view.over.widget.answered == 4


def test_a_region_that_cannot_be_is_refused_and_the_page_told(bench):
    say(bench, "put", kind=CORRELATION, before=None, box=[3, 3, 1, 5])
    assert "mm_crosscorr_region: found [3, 3, 1, 5]" in bench.errors[0]
    assert bench.view.over.widget.answered == 1
    assert bench.model.parameters.mm_crosscorr_region is None


def test_the_tool_gives_the_pointer_to_the_regions(bench):
    view = bench.view
    bench.press("R")
    assert view.over.widget.active
    assert view.figure.interaction is None
    bench.press("p")
    assert not view.over.widget.active
    assert view.figure.interaction is not None


def test_a_ring_lies_around_each_hit(bench):
    rings = np.frombuffer(bench.view.over.widget.hits, np.float32).reshape(-1, 3)
    for (x, y, radius), pixels in zip(rings, (FIRST, SECOND), strict=True):
        for row, column in pixels:
            assert np.hypot(column + 1 - x, row + 1 - y) < radius < max(SHAPE) / 10
    bench.state.show(rings=False)
    assert bench.view.over.widget.hits == b""
