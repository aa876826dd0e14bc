"""Verdicts on hits: how they are given, what they change, and how they are taken back."""

import numpy as np
import pytest

from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.report.facts import headline

from .bench import FIRST, SECOND, Bench, small_analysis
from .hits_bench import choose, fits_pixels, say, shown, verdicts, watched


@pytest.fixture
def bench():
    """Two hits in flat frames; every change is computed at once."""
    return Bench.of(HitsView, semiwindow=4)


def test_one_key_judges_and_goes_on_to_the_next(bench):
    bench.press("j")
    first = bench.view.listing.selected
    bench.press("y")
    assert bench.view.listing.verdicts[first] == CONFIRMED
    second = bench.view.listing.selected
    assert second != first
    bench.press("n")
    assert bench.view.listing.verdicts[second] == REJECTED
    assert bench.view.bar.state["reviewed"] == "2 of 2"
    p = bench.model.parameters
    pixels = {0: FIRST, 1: SECOND}
    assert p.mediancr_pixels_rejected == fits_pixels(pixels[second])
    assert len(p.mediancr_pixels_confirmed) == 1
    assert p.mediancr_pixels_confirmed[0] in fits_pixels(pixels[first])
    mask = bench.model.analysis.mediancr
    assert not any(mask[pixel] for pixel in pixels[second])
    assert all(mask[pixel] for pixel in pixels[first])


def test_a_rejected_hit_keeps_its_place_and_number_and_can_be_taken_back(bench):
    view, cards = watched(bench)
    names = [card["name"] for card in cards.newest]
    bench.state.select(pixel=FIRST[0])
    before = bench.model.parameters
    bench.press("n")
    assert [card["name"] for card in cards.newest] == names
    assert [card["verdict"] for card in cards.newest].count("rejected") == 1
    assert bench.model.analysis.hits["verdict"].tolist() == [REJECTED, UNDECIDED]
    bench.state.select(pixel=FIRST[0])
    assert view.listing.selected == 0
    bench.press("u")
    assert bench.model.parameters == before
    bench.state.undo()
    assert verdicts(bench) == [REJECTED, UNDECIDED]
    bench.state.undo()
    assert verdicts(bench) == [UNDECIDED, UNDECIDED]


def test_verdicts_are_told_before_the_masks_follow():
    bench = Bench(small_analysis())
    bench.settle()
    bench.model.analysis.result("mediancr")
    view = bench.add(HitsView(bench.context))
    view.go(1)
    row = view.listing.selected
    bench.press("n")
    assert view.listing.verdicts[row] == REJECTED  # not computed yet
    assert "rejected" in [chip["key"] for chip in view.bar.state["chips"]]
    n = len(view.listing.hits)
    bench.settle()
    assert len(view.listing.hits) == n


def test_a_hit_that_is_no_cosmic_ray_anywhere_stays_in_the_list(bench):
    bench.state.select(pixel=FIRST[0])
    bench.press("N")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == fits_pixels(FIRST)
    assert not any(mask[FIRST[0]] for mask in bench.model.analysis.masks.values())
    assert verdicts(bench) == [IGNORED, UNDECIDED]
    view, cards = watched(bench)
    assert sorted((c["name"], c["verdict"]) for c in cards.newest) == [
        ("1", IGNORED), ("2", UNDECIDED),
    ]  # fmt: skip
    bench.state.select(pixel=FIRST[1])
    assert view.listing.verdicts[view.listing.selected] == IGNORED
    bench.press("u")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr is None
    assert verdicts(bench) == [UNDECIDED, UNDECIDED]


def test_other_pixels_that_are_in_no_mask_are_listed_without_a_number(bench):
    trimmed = fits_pixels(FIRST)[:1]
    bench.state.update(pixels_to_be_ignored_as_cr=((5, 5), (5, 6), *trimmed))
    _, cards = watched(bench)
    told = [(c["name"], c["kind"], c["place"].split(" · ")[1]) for c in cards.newest]
    others = [("–", "ignored", "1 px"), ("–", "ignored", "2 px")]
    assert sorted(told) == sorted([("1", "MM", "1 px"), ("2", "MM", "3 px"), *others])
    choose(bench, "chip", "ignored")
    choose(bench, "text", "5.5")
    assert len(shown(bench)) == 1
    bench.press("j")
    bench.press("u")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == trimmed


def test_hits_with_a_verdict_that_are_not_found_now_are_counted_and_shown(bench):
    bench.state.select(pixel=FIRST[0])
    bench.press("y")
    bench.state.update(mm_threshold=30_000.0)  # nothing is so high
    bench.settle()
    assert len(bench.model.analysis.hits) == 0
    confirmed = bench.model.parameters.mediancr_pixels_confirmed
    state = bench.view.bar.state
    counts = {chip["key"]: chip["count"] for chip in state["chips"]}
    assert counts["confirmed"] == len(confirmed) == 1
    # The bar at the top counts the hits that there are.
    (everything,) = (chip for chip in state["chips"] if chip["key"] == "all")
    assert (everything["count"], everything["beside"]) == (0, 1)
    assert state["reviewed"] == "0 of 0"
    assert {chip["label"]: chip["count"] for chip in state["chips"]}["not found"] == 1
    assert headline(bench.model.analysis)[0] == (
        "0", "hits in the median (1 confirmed and not found)",
    )  # fmt: skip
    choose(bench, "chip", "confirmed")
    bench.press("j")
    bench.settle()
    assert bench.view.large.detail.state["name"] == "Not found now"
    bench.state.update(mm_threshold=0.0)
    bench.settle()
    assert verdicts(bench) == [CONFIRMED, UNDECIDED]


@pytest.mark.parametrize("key", ["y", "n", "N"])
def test_undo_selects_the_hit_whose_verdict_it_takes_back(many, key):
    many.press("j")
    judged = many.view.listing.hits.place(many.view.listing.selected)
    many.press(key)
    second = many.model.selection.pixel
    assert second != judged
    for step in (many.state.undo, many.state.redo, many.state.undo):
        many.state.select(pixel=second)
        step()
        assert many.model.selection.pixel == judged
    # What is judged now is that hit, not the next one.
    many.press("n")
    (rejected,) = np.flatnonzero(many.view.listing.verdicts == REJECTED)
    assert many.view.listing.hits.place(rejected) == judged
    many.state.update(dilation=2)
    many.state.select(pixel=second)
    many.state.undo()
    assert many.model.selection.pixel == second


def test_only_other_parameters_give_a_hit_another_number_and_that_is_said(many):
    labels, view = many.model.analysis.labels, many.view
    for row in range(len(view.listing.hits)):
        many.state.select(pixel=view.listing.hits.place(row))
        many.press("nyN"[row % 3])
    assert np.array_equal(many.model.analysis.labels, labels)
    last = len(view.listing.hits) - 1
    many.state.select(pixel=view.listing.hits.place(last))
    assert view.large.detail.state["name"] == f"Hit {last + 1}"
    row = view.listing.hits.table[0]
    left = int(row["xmin"]), int(row["xmax"]), int(row["ymin"]), int(row["ymax"])
    many.state.update(regions_to_be_skipped=(left,))
    assert view.large.detail.state["name"] == f"Hit {last} (was {last + 1})"
    many.state.undo()
    assert view.large.detail.state["name"] == f"Hit {last + 1}"


def test_several_hits_are_judged_together_in_one_step(many):
    many.press("j")
    listing = many.view.listing
    peaks = [int(listing.hits.peak[row]) for row in listing.shown]
    say(many.view.gallery, event="pick", at=peaks[3], more=False, up_to=True)
    say(many.view.gallery, event="pick", at=peaks[5], more=True, up_to=False)
    say(many.view.gallery, event="pick", at=peaks[1], more=True, up_to=False)  # not any more
    rows = [many.view.listing.row_of(position) for position in (0, 2, 3, 5)]
    assert sorted(many.view.listing.chosen) == sorted(rows)
    assert many.view.large.detail.state["place"].startswith("4 chosen")
    many.press("y")
    told = many.view.listing.verdicts
    assert set(np.flatnonzero(told == CONFIRMED)) == set(rows)
    assert many.view.listing.position(many.view.listing.selected) == 6
    assert len(many.model.parameters.mediancr_pixels_confirmed) == 4
    many.state.undo()
    assert set(many.view.listing.verdicts) == {UNDECIDED}
    assert set(many.view.listing.chosen) == set(rows)


def test_the_buttons_of_a_card_judge_it_and_take_it_back(bench):
    at = int(bench.view.listing.hits.peak[1])
    for verdict in (REJECTED, UNDECIDED):
        say(bench.view.gallery, event="judge", at=at, verdict=verdict)
        assert bench.view.listing.verdicts[1] == verdict
    say(bench.view.gallery, event="judge", at=99, verdict=REJECTED)
    assert not bench.errors


def test_a_painted_hit_is_rejected_too(bench):
    bench.state.update(pixels_to_be_flagged_as_cr=[[5, 5]])
    bench.state.select(pixel=(4, 4))
    bench.press("n")
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None
    assert not bench.model.analysis.mediancr[4, 4]


def test_screen_report_and_log_count_the_same_hits_that_are_not_found(bench, caplog):
    ys, xs = np.nonzero(bench.model.analysis.labels)
    beside = (int(xs[0]) + 1, int(ys[0]))  # the row below the first pixel of the first hit
    # In one, beside one, two that were one hit, and one alone.
    listed = ((int(xs[0]) + 1, int(ys[0]) + 1), beside, (2, 2), (3, 3), (60, 5))
    bench.state.update(mediancr_pixels_confirmed=listed)
    bench.settle()
    chips = {chip["label"]: chip["count"] for chip in bench.view.bar.state["chips"]}
    assert chips["not found"] == 2
    hits = "hits in the median (1 confirmed, 2 confirmed and not found)"
    assert headline(bench.model.analysis)[0] == ("2", hits)
    (said,) = {r.getMessage() for r in caplog.records if "confirmed" in r.getMessage()}
    assert said.startswith(
        "mediancr_pixels_confirmed: found no hit at 2 of its places (first [2, 2])"
    )
