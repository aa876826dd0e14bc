"""Rows of the table of hits, and the table as a view of the list."""

import numpy as np
import pytest
from astropy.table import Table

from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.hits.table_rows import TableRows
from crmasks_widgets.dashboard.model import hit_list
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.model.hit_rows import Filter, columns_of, in_order, matching, texts
from crmasks_widgets.dashboard.model.review import chips

from .bench import Bench, small_analysis

PAGE = 3
SOME = Table({
    "number": [1, 2, 3, 4], "x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 4.0],
    "npix": [4, 9, 9, 1], "method": ["both", "MM only", "both", "both"],
    "class": ["double hit", "hot pixel", "double hit", "source"],
    "peak_over_min_1": [1.0, np.nan, 7.0, 2.0], "peak_over_min_2": [np.nan, np.nan, 1.0, 9.0],
    "noise_probability": [0.1, np.nan, 1e-20, 0.0], "reason": ["a<b>", "", "c", "d"],
})  # fmt: skip


class Rows:
    """The table alone, with the list that it shows."""

    plots, keys = (), {}

    def __init__(self, context):
        self._state, self.listing, self.selected = context.state, Listing(), []
        self.rows = TableRows(context, self.listing, self.select, self.again, page_rows=PAGE)
        self.listing.want(column="number")

    def select(self, row, *, more=False, up_to=False):
        if more or up_to:
            self.listing.choose(row, more=more, up_to=up_to)
            self.again()
            return
        self.selected.append(row)
        self._state.select(pixel=self.listing.hits.place(row))

    def again(self):
        self.render(self._state.model)

    def render(self, model):
        self.listing.follow(model)
        self.rows.render()


@pytest.fixture
def bench():
    made = Bench(
        small_analysis(crmethod="mm_lacosmic", la_niter=2, mm_simulation="exact"), at_once=True
    )
    made.add(Rows(made.context))
    return made


def table(bench):
    return bench.view.rows.widget


def send(bench, **message):
    table(bench)._handle_custom_msg(message, [])


def all_rows(bench):
    """Rows on all pages, in order."""
    while table(bench).before:
        send(bench, event="turn", by=-1)
    found = [row["number"] for row in table(bench).rows]
    while table(bench).after:
        send(bench, event="turn", by=1)
        found += [row["number"] for row in table(bench).rows]
    return found


def test_the_first_page_and_how_much_there_is(bench):
    hits, shown = bench.model.analysis.hits, table(bench)
    assert len(hits) > 2 * PAGE
    assert [row["number"] for row in shown.rows] == [0, 1, 2]
    assert shown.caption == f"{len(hits)} of {len(hits)} hits, rows 1 to {PAGE}"
    names = [column["name"] for column in shown.columns]
    assert names == ["number", "x", "y", "verdict", "npix", "method", "class", "significance",
                     "peak_over_min_1", "peak_over_min_2", "peak_over_min_3",
                     "max_median_minus_min", "noise_probability", "reason"]  # fmt: skip
    for row, hit in zip(shown.rows, hits, strict=False):
        assert row["cells"][:8] == [
            str(hit["number"]), f"{hit['x']:.1f}", f"{hit['y']:.1f}", "undecided",
            str(hit["npix"]), hit["method"], hit["class"], f"{hit['significance']:.1f}",
        ]  # fmt: skip
        assert all_codes()[
            next(c for c, code in all_codes().items() if code.colour == row["colour"])
        ].name == hit["method"]  # fmt: skip


def test_headers_sort(bench):
    hits = bench.model.analysis.hits
    send(bench, event="sort", column="npix")
    assert [hits["npix"][row] for row in all_rows(bench)] == sorted(hits["npix"], reverse=True)
    assert table(bench).order == {"column": "npix", "descending": True}
    send(bench, event="sort", column="npix")
    assert [hits["npix"][row] for row in all_rows(bench)] == sorted(hits["npix"])
    send(bench, event="sort", column="method")
    assert [hits["method"][row] for row in all_rows(bench)] == sorted(hits["method"])
    send(bench, event="sort", column="nothing_like_it")
    assert all_rows(bench) == list(range(len(hits)))


def test_pages_end(bench):
    send(bench, event="turn", by=-1)
    assert [row["number"] for row in table(bench).rows] == [0, 1, 2]
    assert all_rows(bench) == list(range(len(bench.model.analysis.hits)))
    last = table(bench).rows
    send(bench, event="turn", by=1)
    assert table(bench).rows == last


def test_a_row_selects_its_hit_and_others_are_chosen_with_it(bench):
    peaks = bench.view.listing.hits.peak.tolist()
    send(bench, event="select", at=peaks[2])
    assert bench.view.selected == [2]
    y, x = bench.model.selection.pixel
    assert bench.model.analysis.labels[y, x] == 3
    assert table(bench).selected == 2
    send(bench, event="select", at=peaks[0], more=True, up_to=False)
    assert [row["chosen"] for row in table(bench).rows] == [True, False, True]
    send(bench, event="select", at=10**6)
    assert bench.view.selected == [2]
    assert not bench.errors


def test_a_hit_selected_elsewhere_is_turned_to(bench):
    last = len(bench.model.analysis.hits) - 1
    bench.state.select(pixel=bench.view.listing.hits.place(last))
    assert table(bench).selected == last
    assert last in [row["number"] for row in table(bench).rows]
    send(bench, event="turn", by=-1)  # looking elsewhere does not unselect
    assert last not in [row["number"] for row in table(bench).rows]
    bench.view.listing.want(text="no such text")
    bench.view.again()
    assert table(bench).rows == []
    assert "the selected hit is not among them" in table(bench).caption


def test_a_verdict_is_written_in_its_row(bench):
    bench.state.update(mediancr_pixels_rejected=bench.view.listing.hits.pixels_of([1]))
    assert [row["verdict"] for row in table(bench).rows] == ["undecided", "rejected", "undecided"]
    assert [row["cells"][3] for row in table(bench).rows] == ["undecided", "rejected", "undecided"]
    assert [row["number"] for row in table(bench).rows] == [0, 1, 2]


def test_nothing_is_sent_when_nothing_changed(bench):
    revision = table(bench).revision
    bench.state.show(opacity=0.3)
    bench.state.publish(bench.model.analysis)
    assert table(bench).revision == revision


# ---- rows without a dashboard ------------------------------------------------------------------


def test_class_and_reason_are_shown_where_they_are_known():
    columns = columns_of(SOME)
    assert [c.name for c in columns] == ["number", "x", "y", "npix", "method", "class",
        "peak_over_min_1", "peak_over_min_2", "noise_probability", "reason"]  # fmt: skip
    assert [c.numeric for c in columns] == [True] * 4 + [False] * 2 + [True] * 3 + [False]
    assert texts(SOME, columns, np.array([2, 1])) == [
        ["3", "3.0", "3.0", "9", "both", "double hit", "7.0", "1.0", "1e-20", "c"],
        ["2", "2.0", "2.0", "9", "MM only", "hot pixel", "–", "–", "–", ""],
    ]


def test_order_of_equal_and_unknown_values():
    rows = np.arange(4)
    for column, down, expected in (
        ("npix", True, [1, 2, 0, 3]), ("npix", False, [3, 0, 1, 2]),
        ("noise_probability", False, [3, 2, 0, 1]), ("noise_probability", True, [0, 2, 3, 1]),
        ("class", False, [0, 2, 1, 3]), ("nothing", True, [0, 1, 2, 3]),
    ):  # fmt: skip
        assert in_order(SOME, rows, column, descending=down).tolist() == expected
    assert in_order(SOME, np.array([0, 3]), "npix", descending=True).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(Filter(), [1, 1, 1, 1]),
     (Filter(method="both", peak=2.0), [0, 0, 1, 1]), (Filter(peak=8), [0, 0, 0, 1]),
     (Filter(text="A<B>"), [1, 0, 0, 0]), (Filter(text="hot  9"), [0, 0, 0, 0])],
)  # fmt: skip
def test_matching(wanted, expected):
    assert matching(SOME, columns_of(SOME), wanted).astype(int).tolist() == expected


def test_kinds_of_hits_are_counted_once_for_a_list(monkeypatch):
    names = np.array(["low value", "coincident", "low value", "", "residual", "coincident"])
    table = Table({"number": np.arange(1, 7), "class": names, "method": np.full(6, "MM only")})
    nothing = np.zeros(0, np.int64)
    hits = HitList(table, nothing, nothing, np.zeros(6), np.zeros(6, bool), nothing, 1)
    verdicts = np.array(["undecided"] * 4 + ["confirmed"] * 2)
    first = chips(hits, verdicts)
    kinds = [(chip.key, chip.count) for chip in first if ":" in chip.key]
    assert kinds == [("class:coincident", 2), ("class:low value", 2), ("class:residual", 1)]
    assert [chip.count for chip in first[:3]] == [6, 4, 2]
    monkeypatch.setattr(hit_list, "Counter", None)
    assert chips(hits, verdicts[::-1])[3:] == first[3:]
