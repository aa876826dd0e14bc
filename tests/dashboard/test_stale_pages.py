"""A page may show what is not so any more: what it says means what it shows, or nothing."""

import numpy as np
import pytest

from crmasks_widgets.core.verdicts import CONFIRMED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.hits.view import HitsView

from .bench import FIRST, SECOND, Bench, small_analysis


@pytest.fixture
def many():
    """Some dozen hits, of which those are shown that are undecided."""
    made = Bench(small_analysis(crmethod="mm_lacosmic", la_niter=2), at_once=True)
    made.add(HitsView(made.context))
    say(made.view.bar, event="set", name="chip", value=UNDECIDED)
    return made


def say(widget, **message):
    widget._handle_custom_msg(message, [])


def peaks(bench):
    """What the page knows the hits by, in the order of the cards."""
    listing = bench.view.listing
    return [int(listing.hits.peak[row]) for row in listing.shown]


def told(bench, peak):
    listing = bench.view.listing
    (row,) = np.flatnonzero(listing.hits.peak == peak)
    return listing.verdicts[row]


def chosen(bench):
    """Places of the chosen hits among those shown."""
    listing = bench.view.listing
    return sorted(listing.position(row) for row in listing.chosen)


def test_two_clicks_on_one_card_judge_no_card_that_was_not_seen(many):
    first, second, *_ = peaks(many)
    for _ in range(2):
        say(many.view.gallery, event="judge", at=first, verdict=REJECTED)
    assert (told(many, first), told(many, second)) == (REJECTED, UNDECIDED)
    assert many.view.listing.judged == 1
    say(many.view.gallery, event="pick", at=first, more=True, up_to=False)
    say(many.view.gallery, event="pick", at=first, more=False, up_to=False)
    assert chosen(many) == [0]


def test_a_card_means_its_hit_though_masks_have_changed_under_the_pointer(many):
    *_, last = peaks(many)
    table = many.view.listing.hits.table
    ends = ("xmin", "xmax", "ymin", "ymax")
    row = int(many.view.listing.shown[0])
    many.state.update(regions_to_be_skipped=(tuple(int(table[row][name]) for name in ends),))
    assert many.view.listing.row_with(last) >= 0
    say(many.view.gallery, event="judge", at=last, verdict=CONFIRMED)
    assert told(many, last) == CONFIRMED
    assert many.view.listing.judged == 1


def test_a_row_of_the_table_means_its_hit(many):
    say(many.view.bar, event="set", name="view", value="table")
    first, second, *_ = (row["at"] for row in many.view.table.widget.rows)
    say(many.view.table.widget, event="select", at=first, more=False, up_to=False)
    many.press("n")
    many.state.refresh()
    say(many.view.table.widget, event="select", at=second, more=False, up_to=False)
    listing = many.view.listing
    assert listing.hits.peak[listing.selected] == second
    say(many.view.table.widget, event="select", at=first, more=False, up_to=False)
    assert listing.hits.peak[listing.selected] == second


def test_two_clicks_on_a_verdict_beside_the_large_hit_judge_one(many):
    many.press("j")
    detail = many.view.large.detail
    at = detail.state["at"]
    for _ in range(2):
        say(detail, event="do", what="judge", value=REJECTED, at=at)
    assert told(many, at) == REJECTED
    assert many.view.listing.judged == 1
    say(detail, event="do", what="judge", value=CONFIRMED, at=detail.state["at"])
    assert many.view.listing.judged == 2


def test_a_click_in_the_picture_of_another_hit_paints_nothing():
    bench = Bench.of(HitsView, semiwindow=4)
    sent = []
    large = bench.view.large
    large.detail.send = lambda content, buffers=None: sent.append(content)
    bench.state.select(pixel=FIRST[0])
    seen = sent[-1]["layout"]
    say(large.detail, event="do", what="tool", value="paint", at=-1)
    x, y = large._panels.corner(0)
    bench.state.select(pixel=SECOND[0])
    say(large.detail, event="click", x=x + 1.0, y=y + 1.0, layout=seen)
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None
    shown = sent[-1]["layout"]
    for right in (0, 2):  # two in a row, before the page has the next picture
        at = x + (right + 0.5) * large._panels.side
        say(large.detail, event="click", x=at, y=y + 1.0, layout=shown)
    assert len(bench.model.parameters.pixels_to_be_flagged_as_cr) == 2


def test_an_arrow_held_down_goes_on_from_what_it_selects_next(many):
    gallery = many.view.gallery
    say(gallery, event="step", by=-len(peaks(many)), up_to=False)
    for _ in range(3):
        say(gallery, event="step", by=1, up_to=False)
    assert gallery.selected == 3
    for _ in range(2):
        say(gallery, event="step", by=1, up_to=True)
    assert chosen(many) == [3, 4, 5]
    for _ in range(3):
        say(gallery, event="step", by=-1, up_to=True)
    assert chosen(many) == [2, 3]
    say(gallery, event="step", by=len(peaks(many)), up_to=False)
    assert gallery.selected == len(peaks(many)) - 1
    say(gallery, event="step", by=1, up_to=False)
    assert gallery.selected == len(peaks(many)) - 1


def test_the_selected_hit_is_always_among_those_that_a_verdict_is_for(many):
    first, second, *_ = peaks(many)
    pick = {"event": "pick", "up_to": False}
    say(many.view.gallery, **pick, at=first, more=False)
    say(many.view.gallery, **pick, at=first, more=True)
    assert chosen(many) == [0]
    say(many.view.gallery, **pick, at=second, more=True)
    assert chosen(many) == [0, 1]
    say(many.view.gallery, **pick, at=first, more=True)
    assert chosen(many) == [1]
    assert many.view.gallery.selected == 1
    many.press("y")
    assert (told(many, first), told(many, second)) == (UNDECIDED, CONFIRMED)
