"""The table of hits: order, filters, linking, pages; what is sent to the page."""

import numpy as np
import pytest
from astropy.table import Table

from crmasks_widgets.core.codes import all_codes, colours_by_name
from crmasks_widgets.dashboard.hits.table_view import TableView, central_pixel
from crmasks_widgets.dashboard.model import hit_rows
from crmasks_widgets.dashboard.model.hit_rows import Filter, columns_of, in_order, matching, texts
from crmasks_widgets.dashboard.model.selection import selected_hit

from .bench import Bench, small_analysis

PAGE = 3


@pytest.fixture
def bench():
    bench = Bench(small_analysis(crmethod="mm_lacosmic", la_niter=2, mm_simulation="exact"))
    bench.settle()
    return bench


@pytest.fixture
def view(bench):
    return bench.add(TableView(bench.context, page_rows=PAGE))


def hits(bench):
    return bench.state.model.analysis.hits


def send(view, **message):
    view.table._handle_custom_msg(message, [])


def all_numbers(view):
    """Numbers of the hits on all pages, in order."""
    while view.table.before:
        send(view, event="turn", by=-1)
    numbers = [row["number"] for row in view.table.rows]
    while view.table.after:
        send(view, event="turn", by=1)
        numbers += [row["number"] for row in view.table.rows]
    return numbers


def test_the_first_page_and_how_much_there_is(bench, view):
    table = hits(bench)
    assert len(table) > 2 * PAGE
    assert [row["number"] for row in view.table.rows] == [1, 2, 3]
    assert view.table.caption == f"{len(table)} of {len(table)} hits, rows 1 to {PAGE}"
    names = [column["name"] for column in view.table.columns]
    assert names == ["number", "x", "y", "npix", "method", "peak_over_min_1", "peak_over_min_2",
                     "peak_over_min_3", "max_median_minus_min", "noise_probability"]  # fmt: skip
    for row, hit in zip(view.table.rows, table, strict=False):
        assert row["cells"][:5] == [str(hit["number"]), f"{hit['x']:.1f}", f"{hit['y']:.1f}",
                                    str(hit["npix"]), hit["method"]]  # fmt: skip
        assert row["cells"][6] == f"{hit['peak_over_min_2']:.1f}"
        assert all_codes()[
            next(c for c, code in all_codes().items() if code.colour == row["colour"])
        ].name == hit["method"]  # fmt: skip


def test_nothing_is_computed_and_nothing_shown_before_it_is_known():
    analysis = small_analysis()
    bench = Bench(analysis)
    view = bench.add(TableView(bench.context))
    assert view.table.rows == []
    assert analysis.computed() == frozenset()


def test_headers_sort(bench, view):
    table = hits(bench)
    send(view, event="sort", column="npix")
    found = all_numbers(view)
    assert [table["npix"][n - 1] for n in found] == sorted(table["npix"], reverse=True)
    assert view.table.order == {"column": "npix", "descending": True}
    send(view, event="sort", column="npix")
    assert [table["npix"][n - 1] for n in all_numbers(view)] == sorted(table["npix"])
    send(view, event="sort", column="method")
    assert [table["method"][n - 1] for n in all_numbers(view)] == sorted(table["method"])
    send(view, event="sort", column="number")
    assert all_numbers(view) == list(table["number"])
    send(view, event="sort", column="nothing_like_it")
    assert all_numbers(view) == list(table["number"])


def test_filters(bench, view):
    table = hits(bench)
    assert set(view.method.options) == {"any", *colours_by_name()}
    view.method.value = "MM only"
    assert all_numbers(view) == [h["number"] for h in table if h["method"] == "MM only"]
    view.method.value = "any"
    peaks = np.max([table[f"peak_over_min_{i}"] for i in (1, 2, 3)], axis=0)
    view.peak.value = float(np.median(peaks))
    assert all_numbers(view) == [int(n) for n in table["number"][peaks >= view.peak.value]]
    view.peak.value = 0.0
    view.text.value = "BOTH"
    assert all_numbers(view) == [h["number"] for h in table if h["method"] == "both"]
    assert view.table.caption.startswith(f"{len(all_numbers(view))} of {len(table)} hits")
    view.text.value = "no such text"
    assert view.table.rows == []
    assert view.table.caption == f"0 of {len(table)} hits"
    assert view.kind.layout.display == "none"


def test_a_filter_goes_to_the_first_page(bench, view):
    send(view, event="turn", by=1)
    assert view.table.before
    view.text.value = "."
    assert not view.table.before


def test_pages_end(bench, view):
    send(view, event="turn", by=-1)
    assert [row["number"] for row in view.table.rows] == [1, 2, 3]
    assert all_numbers(view) == list(hits(bench)["number"])
    last = view.table.rows
    send(view, event="turn", by=1)
    assert view.table.rows == last


def test_a_row_selects_its_hit(bench, view):
    send(view, event="select", number=3)
    y, x = bench.state.model.selection.pixel
    model = bench.state.model
    assert model.analysis.labels[y, x] == 3
    assert selected_hit(model) == 3
    assert view.table.selected == 3
    send(view, event="select", number=10**6)
    assert bench.state.model is model
    assert bench.errors == []


def test_the_pixel_of_a_hit_is_the_one_nearest_its_centre(bench):
    model = bench.state.model
    for hit in model.analysis.hits:
        y, x = central_pixel(model, hit["number"])
        ys, xs = np.nonzero(model.analysis.labels == hit["number"])
        distances = np.hypot(ys + 1 - hit["y"], xs + 1 - hit["x"])
        assert np.hypot(y + 1 - hit["y"], x + 1 - hit["x"]) == distances.min()
        assert (y, x) in set(zip(ys.tolist(), xs.tolist(), strict=True))
    assert central_pixel(model, 0) is None


def test_a_hit_selected_elsewhere_is_turned_to(bench, view):
    number = len(hits(bench))
    bench.state.select(pixel=central_pixel(bench.state.model, number))
    assert view.table.selected == number
    assert number in [row["number"] for row in view.table.rows]
    send(view, event="turn", by=-1)  # looking elsewhere does not unselect
    assert number not in [row["number"] for row in view.table.rows]
    view.text.value = f"no {number}"
    assert f"hit {number} is selected but not among them" in view.table.caption
    bench.state.select(pixel=None)
    assert view.table.selected == 0


def test_zoom_of_the_image_restricts_the_rows(bench, view):
    labels = bench.state.model.analysis.labels
    bench.state.show(image=(9.6, 40.4, 19.6, 50.4))
    inside = set(np.unique(labels[20:51, 10:41])) - {0}
    assert 0 < len(inside) < labels.max()
    assert set(all_numbers(view)) == inside
    bench.state.show(image=None)
    assert len(all_numbers(view)) == labels.max()


def around_hit(bench, number, target):
    """Limits around the first pixel of a hit in a diagram, and which hits are inside."""
    analysis = bench.state.model.analysis
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
def test_zoom_of_the_diagram_restricts_the_rows(bench, view, target):
    limits, expected = around_hit(bench, 3, target)
    bench.state.show(diagram=limits, target=target)
    assert set(all_numbers(view)) == expected


def test_brushed_hits_are_marked(bench, view):
    (x_min, x_max, y_min, y_max), expected = around_hit(bench, 5, "median")
    bench.state.select(outline=((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)))
    marked = set()
    for number in all_numbers(view):
        bench.state.select(pixel=central_pixel(bench.state.model, number))
        row = next(row for row in view.table.rows if row["number"] == number)
        assert row["cells"][0].startswith("◆") == row["brushed"]
        marked |= {number} if row["brushed"] else set()
    assert marked == expected
    assert f"◆ {len(expected)} in the selected area" in view.table.caption
    bench.state.select(outline=())
    assert "◆" not in view.table.caption


def test_the_table_follows_the_masks(bench, view):
    n = len(hits(bench))
    bench.state.update(mediancr_pixels_rejected=[
        [x + 1, y + 1] for y, x in np.argwhere(bench.state.model.analysis.labels == 2)
    ])  # fmt: skip
    assert f"of {n} hits" in view.table.caption  # until the new ones are known
    bench.settle()
    assert f"of {n - 1} hits" in view.table.caption


def test_a_chosen_method_stays_while_hits_change(bench, view):
    view.method.value = "both"
    bench.state.update(crmethod="mmcosmic")
    bench.settle()
    assert view.method.value == "both"
    assert view.table.rows == []
    bench.state.undo()
    bench.settle()
    assert len(view.table.rows) > 0


def test_nothing_is_sent_when_nothing_changed(bench, view):
    revision = view.table.revision
    bench.state.show(opacity=0.3)
    bench.state.publish(bench.state.model.analysis)
    assert view.table.revision == revision


# ---- rows without a dashboard ------------------------------------------------------------------

SOME = Table({
    "number": [1, 2, 3, 4], "x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 4.0],
    "npix": [4, 9, 9, 1], "method": ["both", "MM only", "both", "both"],
    "class": ["double hit", "hot pixel", "double hit", "source"],
    "peak_over_min_1": [1.0, np.nan, 7.0, 2.0], "peak_over_min_2": [np.nan, np.nan, 1.0, 9.0],
    "noise_probability": [0.1, np.nan, 1e-20, 0.0], "reason": ["a<b>", "", "c", "d"],
})  # fmt: skip


def test_class_and_reason_are_shown_where_they_are_known(bench):
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
    [(Filter(), [1, 1, 1, 1]), (Filter(kind="double hit"), [1, 0, 1, 0]),
     (Filter(method="both", peak=2.0), [0, 0, 1, 1]), (Filter(peak=8), [0, 0, 0, 1]),
     (Filter(text="A<B>"), [1, 0, 0, 0]), (Filter(text="hot  9"), [0, 0, 0, 0])],
)  # fmt: skip
def test_matching(wanted, expected):
    assert matching(SOME, columns_of(SOME), wanted).astype(int).tolist() == expected


def test_a_class_can_be_filtered_in_the_view(bench, view, monkeypatch):
    analysis = bench.state.model.analysis
    table = analysis.hits
    table["class"] = ["hot pixel" if i % 2 else "double hit" for i in range(len(table))]
    analysis._results._slots["hits", None].value = table
    bench.state.refresh()
    assert view.kind.layout.display == ""
    view.kind.value = "hot pixel"
    assert all_numbers(view) == [n for n in table["number"] if n % 2 == 0]


def test_no_hits_at_all():
    bench = Bench(small_analysis(mm_threshold=1e6))
    view = bench.add(TableView(bench.context))
    bench.settle()
    assert view.table.rows == []
    assert view.table.caption == "0 of 0 hits"
    send(view, event="sort", column="npix")
    view.peak.value = 5.0
    bench.state.select(outline=((0, 0), (10, 0), (10, 10)), pixel=(3, 3))
    assert bench.errors == []
    assert hit_rows.ANY in view.method.options
