"""What painting, erasing, rejecting and marking write into the parameters."""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from crmasks_widgets.core.hits import connected_groups
from crmasks_widgets.dashboard.image.picking import flagged_near
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.parameters import Parameters

pixel = st.tuples(st.integers(1, 6), st.integers(1, 6))
pixels = st.frozensets(pixel, max_size=12)
WINDOWS = ((5, 5, 3, 3),)


def parameters(forced=(), ignored=(), rejected=(), confirmed=(), windows=()):
    return Parameters(
        mm_seed=1,
        pixels_to_be_flagged_as_cr=tuple(sorted(forced)) or None,
        pixels_to_be_ignored_as_cr=tuple(sorted(ignored)) or None,
        mediancr_pixels_rejected=tuple(sorted(rejected)) or None,
        mediancr_pixels_confirmed=tuple(sorted(confirmed)) or None,
        pixels_to_be_replaced_by_local_median=tuple(windows) or None,
    )


some = st.builds(parameters, pixels, pixels, pixels, pixels)


def lists(p):
    """Pixels flagged, ignored, rejected and confirmed."""
    names = edits.FORCED, edits.IGNORED, edits.REJECTED, edits.CONFIRMED
    return [set(getattr(p, name) or ()) for name in names]


def test_painting_forces_a_pixel_and_frees_an_erased_one():
    p = parameters(forced=[(1, 1)], ignored=[(2, 2), (3, 3)], windows=WINDOWS)
    changes = edits.flag_pixels(p, [(4, 1), (2, 2), (4, 1), (5, 5)])
    assert changes == {
        edits.FORCED: ((1, 1), (4, 1)),
        edits.IGNORED: ((3, 3),),
        edits.LOCAL_MEDIAN: None,
    }


def test_erasing_frees_a_painted_pixel_and_ignores_a_detected_one():
    p = parameters(forced=[(1, 1)], ignored=[(2, 2)])
    changes = edits.erase_pixels(p, [(4, 1), (1, 1), (2, 2)])
    assert changes == {edits.FORCED: None, edits.IGNORED: ((2, 2), (4, 1))}


@given(some, pixels)
def test_painting_and_erasing_take_each_other_back_where_nothing_was_edited(p, stroke):
    edited = {*(p.pixels_to_be_flagged_as_cr or ()), *(p.pixels_to_be_ignored_as_cr or ())}
    assume(not edited & stroke)
    painted = p.replace(**edits.flag_pixels(p, stroke))
    assert painted.replace(**edits.erase_pixels(painted, stroke)) == p
    erased = p.replace(**edits.erase_pixels(p, stroke))
    assert erased.replace(**edits.flag_pixels(erased, stroke)) == p


@given(some, pixels)
def test_a_rejected_hit_is_in_one_list_only_and_can_be_left_undecided(p, hit):
    rejected = p.replace(**edits.reject_hits(p, hit))
    forced, ignored, out, confirmed = lists(rejected)
    assert hit <= out
    assert not hit & (forced | ignored | confirmed)
    before = lists(p)
    undecided = lists(rejected.replace(**edits.leave_undecided(rejected, hit)))
    assert undecided == [one - hit for one in before]


@given(some, pixels)
def test_a_confirmed_hit_has_one_pixel_in_the_list_and_nothing_against_it(p, hit):
    marks = sorted(hit)[:1]
    forced, ignored, rejected, confirmed = lists(p.replace(**edits.confirm_hits(p, hit, marks)))
    assert confirmed & hit == set(marks)
    assert confirmed - hit == lists(p)[3] - hit
    assert not hit & (ignored | rejected)
    assert forced == lists(p)[0]


@given(some, pixels)
def test_a_hit_that_is_no_cosmic_ray_is_in_one_list_only(p, hit):
    ignored = p.replace(**edits.ignore_hits(p, hit))
    forced, left_out, rejected, confirmed = lists(ignored)
    assert hit <= left_out
    assert not hit & (forced | rejected | confirmed)
    restored = ignored.replace(**edits.leave_undecided(ignored, hit))
    assert not hit & lists(restored)[1]


@given(some, pixels)
def test_lists_are_sorted_without_duplicates_and_never_empty(p, stroke):
    twice = [*stroke, *stroke]
    made = [
        edits.flag_pixels(p, twice), edits.erase_pixels(p, twice), edits.reject_hits(p, twice),
        edits.ignore_hits(p, twice), edits.leave_undecided(p, twice),
        edits.confirm_hits(p, twice, twice),
    ]  # fmt: skip
    for value in (value for changes in made for value in changes.values()):
        assert value is None or (value and list(value) == sorted(set(value)))


def test_a_local_median_is_set_changed_and_taken_back():
    p = parameters(windows=WINDOWS)
    p = p.replace(**edits.toggle_local_median(p, (2, 9), (5, 3)))
    assert p.pixels_to_be_replaced_by_local_median == ((2, 9, 5, 3), (5, 5, 3, 3))
    p = p.replace(**edits.toggle_local_median(p, (2, 9), (7, 7)))
    assert p.pixels_to_be_replaced_by_local_median == ((2, 9, 7, 7), (5, 5, 3, 3))
    p = p.replace(**edits.toggle_local_median(p, (2, 9), (7, 7)))
    assert p.pixels_to_be_replaced_by_local_median == WINDOWS
    p = p.replace(**edits.toggle_local_median(p, (5, 5), (3, 3)))
    assert p.pixels_to_be_replaced_by_local_median is None


def test_groups_touch_at_corners_too():
    listed = [(1, 1), (2, 2), (4, 4), (4, 5), (9, 1)]
    assert edits.connected(listed, (2, 2)) == ((1, 1), (2, 2))
    assert edits.connected(listed, (3, 3)) == ()


def calls_of(action):
    """How many functions of Python and C are called meanwhile."""
    calls = []
    sys.setprofile(lambda _frame, event, _what: calls.append(event))
    try:
        action()
    finally:
        sys.setprofile(None)
    return sum(event.endswith("call") for event in calls)


def test_many_listed_pixels_are_not_gone_through_one_by_one():
    """Of each list of verdicts, with every change."""
    few, many = ([3 * i for i in range(n)] for n in (10, 13_000))
    few, many = (np.array(pixels, np.int64) for pixels in (few, many))
    assert len(connected_groups(many, 40_000)) == len(many)
    few_calls = calls_of(lambda: connected_groups(few, 40_000))
    assert calls_of(lambda: connected_groups(many, 40_000)) < 1.5 * few_calls


def test_of_many_rejected_pixels_a_click_looks_at_the_near_ones():
    far = tuple((x, y) for x in range(20, 3000, 3) for y in range(1, 40, 3))
    models = [
        SimpleNamespace(ready=lambda *_: False, parameters=parameters(rejected=((9, 5), *more)))
        for more in ((), far)
    ]
    assert [flagged_near(model, (5, 6), 3.0) for model in models] == [(4, 8), (4, 8)]
    assert [flagged_near(model, (5, 3), 3.0) for model in models] == [None, None]
    few, many = (calls_of(partial(flagged_near, model, (5, 6), 3.0)) for model in models)
    assert many == few
