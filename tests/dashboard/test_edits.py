"""What painting, erasing, rejecting and marking write into the parameters."""

from hypothesis import assume, given
from hypothesis import strategies as st

from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.parameters import Parameters

pixel = st.tuples(st.integers(1, 6), st.integers(1, 6))
pixels = st.frozensets(pixel, max_size=12)
WINDOWS = ((5, 5, 3, 3),)


def parameters(forced=(), ignored=(), rejected=(), windows=()):
    return Parameters(
        mm_seed=1,
        pixels_to_be_flagged_as_cr=tuple(sorted(forced)) or None,
        pixels_to_be_ignored_as_cr=tuple(sorted(ignored)) or None,
        mediancr_pixels_rejected=tuple(sorted(rejected)) or None,
        pixels_to_be_replaced_by_local_median=tuple(windows) or None,
    )


some = st.builds(parameters, pixels, pixels, pixels)


def lists(p):
    return p.pixels_to_be_flagged_as_cr, p.pixels_to_be_ignored_as_cr, p.mediancr_pixels_rejected


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
def test_accepting_takes_back_a_rejection(p, hit):
    p = p.replace(**edits.accept_hit(p, hit))  # none of it was rejected before
    rejected = p.replace(**edits.reject_hit(p, hit))
    accepted = rejected.replace(**edits.accept_hit(rejected, hit))
    forced, ignored, refused = lists(p)
    assert lists(accepted) == (tuple(x for x in forced or () if x not in hit) or None,
                               ignored, refused)  # fmt: skip
    assert hit <= set(rejected.mediancr_pixels_rejected or ())


@given(some, pixels)
def test_a_hit_that_is_no_cosmic_ray_is_in_one_list_only(p, hit):
    ignored = p.replace(**edits.ignore_hit(p, hit))
    forced, left_out, rejected = (set(listed or ()) for listed in lists(ignored))
    assert hit <= left_out
    assert not hit & (forced | rejected)
    restored = ignored.replace(**edits.restore_hit(ignored, hit))
    assert not hit & set(restored.pixels_to_be_ignored_as_cr or ())


@given(some, pixels)
def test_lists_are_sorted_without_duplicates_and_never_empty(p, stroke):
    for action in (edits.flag_pixels, edits.erase_pixels, edits.reject_hit, edits.ignore_hit):
        for value in action(p, [*stroke, *stroke]).values():
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
    assert edits.groups(listed) == (((1, 1), (2, 2)), ((4, 4), (4, 5)), ((9, 1),))
    assert edits.groups(None) == ()


@given(pixels)
def test_groups_hold_every_pixel_once(listed):
    found = [one for group in edits.groups(listed) for one in group]
    assert sorted(found) == sorted(listed)
