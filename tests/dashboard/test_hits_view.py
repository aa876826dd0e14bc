"""Going through the hits: the gallery, the table, verdicts, filters, comparisons."""

import numpy as np
import pytest

from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNJUDGED
from crmasks_widgets.dashboard.drawing import stamps, stretches
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.dashboard.model import hit_rows
from crmasks_widgets.report.facts import headline

from .bench import FIRST, SECOND, Bench, small_analysis


class Cards:
    """What the gallery was sent."""

    def __init__(self, view):
        self.sent = []
        view.gallery.send = lambda content, buffers=None: self.sent.append((content, buffers))

    @property
    def newest(self):
        return self.sent[-1][0]["cards"]


def watched(bench):
    """The view, and what is sent to its gallery from now on."""
    bench.view._sent = type(bench.view._sent)()
    cards = Cards(bench.view)
    bench.state.refresh()
    return bench.view, cards


@pytest.fixture
def bench():
    """Two hits in flat frames; every change is computed at once."""
    return Bench.of(HitsView, semiwindow=4)


@pytest.fixture
def many():
    """Some dozen hits of two methods."""
    made = Bench(small_analysis(crmethod="mm_lacosmic", la_niter=2), at_once=True)
    made.add(HitsView(made.context))
    return made


def say(widget, **message):
    widget._handle_custom_msg(message, [])


def choose(bench, name, value):
    say(bench.view.bar, event="set", name=name, value=value)


def fits_pixels(pixels):
    return tuple(sorted((x + 1, y + 1) for y, x in pixels))


def verdicts(bench):
    return bench.view.listing.verdicts.tolist()


def shown(bench):
    return bench.view.listing.shown.tolist()


# ---- verdicts ----------------------------------------------------------------------------------


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
    assert bench.model.analysis.hits["verdict"].tolist() == [REJECTED, UNJUDGED]
    bench.state.select(pixel=FIRST[0])
    assert view.listing.selected == 0
    bench.press("u")
    assert bench.model.parameters == before
    bench.state.undo()
    assert verdicts(bench) == [REJECTED, UNJUDGED]
    bench.state.undo()
    assert verdicts(bench) == [UNJUDGED, UNJUDGED]


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
    assert verdicts(bench) == [IGNORED, UNJUDGED]
    view, cards = watched(bench)
    assert sorted((c["name"], c["verdict"]) for c in cards.newest) == [
        ("1", IGNORED), ("2", UNJUDGED),
    ]  # fmt: skip
    bench.state.select(pixel=FIRST[1])
    assert view.listing.verdicts[view.listing.selected] == IGNORED
    bench.press("u")
    assert bench.model.parameters.pixels_to_be_ignored_as_cr is None
    assert verdicts(bench) == [UNJUDGED, UNJUDGED]


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
    assert verdicts(bench) == [CONFIRMED, UNJUDGED]


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
    say(many.view.gallery, event="pick", position=3, more=False, up_to=True)
    say(many.view.gallery, event="pick", position=5, more=True, up_to=False)
    say(many.view.gallery, event="pick", position=1, more=True, up_to=False)  # not any more
    rows = [many.view.listing.row_of(position) for position in (0, 2, 3, 5)]
    assert sorted(many.view.listing.chosen) == sorted(rows)
    assert many.view.large.detail.state["place"].startswith("4 chosen")
    many.press("y")
    told = many.view.listing.verdicts
    assert set(np.flatnonzero(told == CONFIRMED)) == set(rows)
    assert many.view.listing.position(many.view.listing.selected) == 6
    assert len(many.model.parameters.mediancr_pixels_confirmed) == 4
    many.state.undo()
    assert set(many.view.listing.verdicts) == {UNJUDGED}
    assert set(many.view.listing.chosen) == set(rows)


def test_the_buttons_of_a_card_judge_it_and_take_it_back(bench):
    position = bench.view.listing.position(1)
    say(bench.view.gallery, event="judge", position=position, verdict=REJECTED)
    assert bench.view.listing.verdicts[1] == REJECTED
    say(bench.view.gallery, event="judge", position=position, verdict=REJECTED)
    assert bench.view.listing.verdicts[1] == UNJUDGED
    say(bench.view.gallery, event="judge", position=99, verdict=REJECTED)
    assert not bench.errors


def test_a_painted_hit_is_rejected_too(bench):
    bench.state.update(pixels_to_be_flagged_as_cr=[[5, 5]])
    bench.state.select(pixel=(4, 4))
    bench.press("n")
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None
    assert not bench.model.analysis.mediancr[4, 4]


# ---- the gallery -------------------------------------------------------------------------------


def test_only_what_is_asked_for_is_sent(many):
    view, cards = watched(many)
    n = len(view.listing.hits)
    say(view.gallery, event="window", first=2, last=5)
    message, (stamps_sent,) = cards.sent[-1]
    assert (message["first"], len(message["cards"]), message["fresh"]) == (2, 3, False)
    sides = [card["side"] for card in message["cards"]]
    assert len(stamps_sent) == sum(5 * side * side for side in sides)
    assert view.gallery.count == n > 5
    many.press("j")
    assert (cards.sent[-1][0]["first"], len(cards.newest)) == (2, 3)
    count = len(cards.sent)
    many.state.show(opacity=0.3)
    many.state.publish(many.model.analysis)
    assert len(cards.sent) == count  # nothing that is seen has changed


def test_stamps_are_the_exposures_the_median_and_what_is_corrected(bench):
    view, cards = watched(bench)
    message, (sent,) = cards.sent[-1]
    card, side = message["cards"][0], message["cards"][0]["side"]
    row = view.listing.row_of(0)
    y, x = view.listing.hits.centre(row)
    made = np.frombuffer(sent, np.uint8)[: 5 * side * side].reshape(5, side, side)
    stack = bench.model.analysis.stack
    part = slice(y - side // 2, y + side // 2 + 1), slice(x - side // 2, x + side // 2 + 1)
    median = stack.median2d[part]
    j, i = view.large.middle(row)
    near = stack.median2d[j - 4 : j + 5, i - 4 : i + 5]
    low, scatter = near.min(), 1.4826 * np.median(abs(near - np.median(near)))
    high = np.median(near) + 40 * scatter
    assert high < median.max()  # else the surroundings of a bright hit would be black
    fixed = bench.model.analysis.combination("mediancr").data[part]
    for k, frame in ((0, stack.cube[0][part]), (3, median), (4, fixed)):
        wanted = 254 * np.clip((frame - low) / (high - low), 0, 1)
        assert abs(made[k].astype(int) - wanted).max() <= 1
    assert card["strength"].endswith("σ")
    assert view.gallery.palette == stretches.colour_palette("magma").tobytes()


def test_stamps_beyond_the_frame_have_no_value():
    frame = np.arange(12.0).reshape(3, 4)
    places = [(0, 0), (2, 3)]
    made = stamps.stamps([frame, frame, frame], places, places, 1, "linear")
    assert made.shape == (2, 3, 3, 3)
    assert (made[0, :, 0, :] == stretches.INVALID).all()
    assert (made[0, :, 1:, 1:] != stretches.INVALID).all()
    assert (made[1, :, 2, :] == stretches.INVALID).all()
    assert made[0, 1, 1, 1] == 0
    assert made[1, 1, 1, 1] == 254
    empty = [np.full((3, 3), np.nan)] * 3
    nothing = stamps.stamps(empty, [(1, 1)], [(1, 1)], 1, "linear")
    assert (nothing == stretches.INVALID).all()


def test_a_faint_hit_on_a_bright_line_is_seen():
    light = 20_000 * np.exp(-0.5 * ((np.arange(40) - 20) / 1.5) ** 2) + 50
    frames = np.random.default_rng(3).normal(light, 5, (3, 40, 40)).astype(np.float32)
    frames[0, 20, 19] += 1500
    frames[1, 20, 19] += 1400
    median = np.median(frames, axis=0)
    made = stamps.stamps([*frames, median, frames[2]], [(20, 20)], [(20, 19)], 6, "linear")[0]
    hit = made[:, 6, 5].astype(int)
    assert min(hit[[0, 1, 3]]) - max(hit[[2, 4]]) > 40  # 18 of 254 from dark to the line's ridge
    assert made[2, 0, 0] == 0
    assert made[2, 0, 6] == 254


def test_a_long_hit_has_a_wider_stamp():
    assert stamps.half_side(1) == stamps.LEAST_HALF
    assert stamps.half_side(8) == 12
    assert stamps.half_side(500) == stamps.LARGEST_HALF


# ---- order and filters -------------------------------------------------------------------------


def test_the_most_doubtful_come_first_and_the_order_can_be_changed(many):
    times = many.view.listing.hits.times
    assert shown(many) == np.argsort(times, kind="stable").tolist()
    choose(many, "order", "strength")
    strength = np.asarray(many.model.analysis.hits["significance"])
    assert strength[shown(many)].tolist() == sorted(strength, reverse=True)
    choose(many, "order", "position")
    assert shown(many) == list(range(len(times)))


def test_chips_count_and_filter(many):
    for key in "nyyN":
        many.press("j")
        many.press(key)
    state = many.view.bar.state
    counts = {chip["key"]: chip["count"] for chip in state["chips"]}
    n = len(many.view.listing.hits)
    assert list(counts.items())[:5] == [
        ("all", n), ("unjudged", n - 4), ("confirmed", 2), ("rejected", 1), ("ignored", 1),
    ]  # fmt: skip
    assert sum(count for key, count in counts.items() if ":" in key) == n
    for key, count in counts.items():
        choose(many, "chip", key)
        assert len(shown(many)) == many.view.gallery.count == count
    choose(many, "chip", "ignored")
    many.press("j")
    many.press("u")
    assert shown(many) == []
    assert {chip["key"]: chip["count"] for chip in many.view.bar.state["chips"]}["ignored"] == 0
    choose(many, "chip", "unjudged")
    before = shown(many)
    many.press("j")
    first = many.view.listing.selected
    many.press("y")
    assert shown(many) == [row for row in before if row != first]
    assert many.view.listing.selected == before[(before.index(first) + 1) % len(before)]


def test_filters_of_the_panel(many):
    table = many.model.analysis.hits
    choose(many, "method", "MM only")
    assert sorted(shown(many)) == np.flatnonzero(table["method"] == "MM only").tolist()
    assert many.view.bar.state["more"] == 1
    choose(many, "clear", True)
    peaks = np.max([table[f"peak_over_min_{i}"] for i in (1, 2, 3)], axis=0)
    least = float(np.median(peaks))
    choose(many, "peak", least)
    assert sorted(shown(many)) == np.flatnonzero(peaks >= least).tolist()
    choose(many, "clear", True)
    choose(many, "text", "BOTH")
    assert sorted(shown(many)) == np.flatnonzero(table["method"] == "both").tolist()
    choose(many, "text", "no such text")
    assert shown(many) == []
    assert many.view.gallery.count == 0
    many.press("j")
    many.press("y")  # nothing is chosen
    assert many.model.parameters.mediancr_pixels_confirmed is None
    assert not many.errors


def test_only_what_image_and_diagram_show_on_request(many):
    labels = many.model.analysis.labels
    many.state.show(image=(9.6, 40.4, 19.6, 50.4))
    assert len(shown(many)) == labels.max()  # a look at one hit takes no other away
    choose(many, "on_screen", True)
    inside = set(np.unique(labels[20:51, 10:41])) - {0}
    assert 0 < len(inside) < labels.max()
    assert {row + 1 for row in shown(many)} == inside
    many.state.show(image=None)
    assert len(shown(many)) == labels.max()


def around_hit(bench, number, target):
    """Limits around the first pixel of a hit in a diagram, and which hits are inside."""
    analysis = bench.model.analysis
    stack, labels = analysis.stack, analysis.labels
    x, y = stack.min2d, stack.target(target) - stack.min2d
    at = tuple(np.argwhere(labels == number)[0])
    x_min, x_max, y_min, y_max = x[at] - 4.0, x[at] + 4.0, y[at] - 15.0, y[at] + 15.0
    inside = (x > x_min) & (x < x_max) & (y > y_min) & (y < y_max)
    numbers = set(np.unique(labels[inside])) - {0}
    assert number in numbers
    assert len(numbers) < labels.max()
    return tuple(float(limit) for limit in (x_min, x_max, y_min, y_max)), numbers


@pytest.mark.parametrize("target", ["median", "mean", 2])
def test_zoom_of_the_diagram_restricts_the_hits_on_request(many, target):
    limits, expected = around_hit(many, 3, target)
    choose(many, "on_screen", True)
    many.state.show(diagram=limits, target=target)
    assert {row + 1 for row in shown(many)} == expected


def test_brushed_hits_are_marked(many):
    view, cards = watched(many)
    (x_min, x_max, y_min, y_max), expected = around_hit(many, 5, "median")
    many.state.select(outline=((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)))
    assert {card["name"] for card in cards.newest if card["brushed"]} == set(map(str, expected))
    choose(many, "view", "table")
    rows = view.table.widget.rows
    assert {row["number"] + 1 for row in rows if row["brushed"]} == expected
    assert all(row["cells"][0].startswith("◆") == row["brushed"] for row in rows)
    assert f"◆ {len(expected)} in the selected area" in view.table.widget.caption


# ---- selection ---------------------------------------------------------------------------------


def test_next_and_previous_follow_the_order_shown(many):
    order, seen = shown(many), []
    for key in ("j", "ArrowRight", "j", "k", "ArrowLeft"):
        many.press(key)
        seen.append(many.view.listing.selected)
    assert seen == [order[i] for i in (0, 1, 2, 1, 0)]
    many.press("k")
    assert many.view.listing.selected == order[-1]


def test_a_hit_selected_elsewhere_is_brought_on_screen(many):
    row = shown(many)[-1]
    many.state.select(pixel=many.view.listing.hits.place(row))
    assert many.view.gallery.selected == len(shown(many)) - 1
    assert f"hit {row + 1} " in many.view.gallery.spoken
    many.state.select(pixel=None)
    assert many.view.gallery.selected == -1
    assert many.view.large.detail.state["empty"]


def test_the_place_of_a_hit_is_its_pixel_nearest_the_centre(many):
    hits, labels = many.view.listing.hits, many.model.analysis.labels
    for row, hit in enumerate(hits.table):
        y, x = hits.place(row)
        ys, xs = np.nonzero(labels == row + 1)
        far = np.hypot(ys + 1 - hit["y"], xs + 1 - hit["x"])
        assert np.hypot(y + 1 - hit["y"], x + 1 - hit["x"]) == far.min()
        assert labels[y, x] == row + 1
        assert hits.row_at((y, x)) == row


def test_the_image_moves_to_a_hit_that_it_does_not_show(bench):
    bench.state.show(image=(0.0, 10.0, 0.0, 10.0))
    bench.press("j")
    x_min, x_max, y_min, y_max = bench.model.display.image
    y, x = bench.model.selection.pixel
    assert x_min <= x <= x_max
    assert y_min <= y <= y_max
    assert (x_max - x_min, y_max - y_min) == (10.0, 10.0)


def test_a_list_that_is_not_known_yet_shows_and_does_nothing():
    analysis = small_analysis()
    made = Bench(analysis)
    view = made.add(HitsView(made.context))
    for key in ("j", "y", "n", "u", "N", "c", "c", "+", "s"):
        made.press(key)
    assert view.gallery.count == 0
    assert analysis.computed() == frozenset()
    assert not made.errors


def test_no_hits_at_all():
    made = Bench(small_analysis(mm_threshold=1e6), at_once=True)
    view = made.add(HitsView(made.context))
    assert view.gallery.count == 0
    assert view.bar.state["reviewed"] == "0 of 0"
    choose(made, "view", "table")
    assert view.table.widget.caption == "0 of 0 hits"
    say(view.table.widget, event="sort", column="npix")
    choose(made, "peak", 5)
    made.state.select(outline=((0, 0), (10, 0), (10, 10)), pixel=(3, 3))
    made.press("y")
    assert made.errors == []
    assert hit_rows.ANY in view.bar.state["methods"]


# ---- comparison --------------------------------------------------------------------------------


def compare(bench, method):
    choose(bench, "other", method)
    bench.view.comparison.engine.wait(60)
    bench.dispatcher.drain()


def test_another_method_tells_which_hits_it_finds(many):
    others = [name for name, _ in many.view.bar.state["others"]]
    assert many.model.parameters.crmethod not in others
    compare(many, "mmcosmic")
    try:
        other = many.model.analysis.replace(crmethod="mmcosmic").labels
        labels = many.model.analysis.labels
        found = {int(n) - 1 for n in np.unique(labels[other > 0])} - {-1}
        assert 0 < len(found) < labels.max()
        assert many.view.bar.state["comparison"].startswith(f"finds {len(found)} of these")
        n_others = many.view.bar.state["n_others"]
        assert n_others == len(set(np.unique(other)) - set(np.unique(other[labels > 0])) - {0})
        choose(many, "compared", "also")
        assert set(shown(many)) == found
        choose(many, "compared", "not")
        assert set(shown(many)) == set(range(labels.max())) - found
        many.press("j")
        many.press("n")  # no verdict takes the comparison away
        assert many.view.bar.state["other"] == "mmcosmic"
        many.state.update(mm_threshold=1000.0)
        assert many.view.bar.state["other"] == ""
        assert many.view.listing.wanted.compared == ""
        choose(many, "other", "")
        assert not many.errors
    finally:
        many.view.close()


def test_hits_that_only_another_method_finds_are_gone_to_one_by_one(many):
    many.state.update(crmethod="mmcosmic")
    compare(many, "mm_lacosmic")
    try:
        labels = many.model.analysis.labels
        other = many.model.analysis.replace(crmethod="mm_lacosmic").labels
        only = set(np.unique(other)) - set(np.unique(other[labels > 0])) - {0}
        assert many.view.bar.state["n_others"] == len(only) > 1
        seen = []
        for _ in range(len(only) + 1):
            choose(many, "next_other", True)
            seen.append(int(other[many.model.selection.pixel]))
        assert set(seen) == only
        assert seen[0] == seen[-1]
        choose(many, "other", "")
        choose(many, "next_other", True)
        assert many.view.bar.state["n_others"] == 0
        assert not many.errors
    finally:
        many.view.close()


def test_a_method_that_cannot_be_computed_says_why_and_changes_nothing(many):
    many.state.update(crmethod="mmcosmic")
    flagged = many.model.analysis.flags("median").either
    many.state.update(max_flagged_fraction=1.01 * flagged.mean())  # not enough for two methods
    before = shown(many)
    compare(many, "mm_lacosmic")
    try:
        assert "max_flagged_fraction" in many.errors[-1]
        assert many.view.bar.state["other"] == ""
        assert shown(many) == before
    finally:
        many.view.close()
