"""The list of hits: its order, what filters leave of it, and going through it."""

import dataclasses

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.dashboard.model import hit_rows
from crmasks_widgets.dashboard.model.hit_list import list_hits
from crmasks_widgets.hit_classes import ALIKE_NAME

from .bench import Bench, small_analysis
from .hits_bench import choose, say, shown, watched


@pytest.fixture
def bench():
    """Two hits in flat frames; every change is computed at once."""
    return Bench.of(HitsView, semiwindow=4)


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
        ("all", n), ("undecided", n - 4), ("confirmed", 2), ("rejected", 1), ("ignored", 1),
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
    choose(many, "chip", "undecided")
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
    assert view.gallery.empty == "Hits are shown here once they are computed"
    assert analysis.computed() == frozenset()
    assert not made.errors


def test_no_hits_at_all():
    made = Bench(small_analysis(mm_threshold=1e6), at_once=True)
    view = made.add(HitsView(made.context))
    assert view.gallery.count == 0
    assert view.gallery.empty == "No hits to show"
    assert view.bar.state["reviewed"] == "0 of 0"
    choose(made, "view", "table")
    assert view.table.widget.caption == "0 of 0 hits"
    say(view.table.widget, event="sort", column="npix")
    choose(made, "peak", 5)
    made.state.select(outline=((0, 0), (10, 0), (10, 10)), pixel=(3, 3))
    made.press("y")
    assert made.errors == []
    assert hit_rows.ANY in view.bar.state["methods"]


def test_noise_that_came_with_the_exposures_tells_what_looks_alike():
    frames = np.full((3, 20, 24), 200.0)
    frames[1:, 10, 12] += 60.0  # 20 sigma by the readout noise, 1 by the variances
    parameters = cm.Parameters(
        gain=1.0, rnoise=3.0, bias=100.0, crmethod="lacosmic",
        pixels_to_be_flagged_as_cr=((13, 11),),
        dilation=0,
    )  # fmt: skip
    plain = cm.ExposureSet.from_arrays(list(frames))
    noisy = dataclasses.replace(plain, variance=np.full((20, 24), 3600.0, np.float32))
    for exposures, same in ((plain, False), (noisy, True)):
        analysis = cm.Analysis(exposures, parameters)
        assert list_hits(Bench(analysis).model).alike.tolist() == [same]
    assert list(analysis.hits["class"]) == [ALIKE_NAME]
