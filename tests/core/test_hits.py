"""Hits: 8-connected groups and one row for each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from crmasks_widgets.core import hits as hitlist
from crmasks_widgets.core.codes import BOTH, DILATION, FORCED
from crmasks_widgets.core.hits import hit_table, label_hits
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.detectors import DETECTORS

LACOSMIC_ONLY = DETECTORS["lacosmic"].code
MM_ONLY = DETECTORS["mm"].code


def scene():
    data = np.full((3, 8, 10), 100.0, np.float32)
    data[1, 1:3, 2] = [300.0, 250.0]
    data[2, 1:3, 2] = [500.0, 180.0]
    data[1:, 6, 8] = 140.0
    codes = np.zeros((8, 10), np.uint8)
    codes[1, 2], codes[2, 3] = BOTH, DILATION  # touch at a corner
    codes[2, 2] = MM_ONLY
    codes[6, 8] = LACOSMIC_ONLY
    return data, codes


def test_groups_that_touch_at_a_corner_are_one():
    _, codes = scene()
    codes[2, 2] = 0
    labels = label_hits(codes > 0)
    assert labels[1, 2] == labels[2, 3] == 1
    assert labels[6, 8] == 2
    assert labels.max() == 2
    assert labels.dtype == np.int32


@given(hnp.arrays(np.bool_, (12, 9), elements=st.sampled_from([False, False, False, True])))
def test_a_list_of_pixels_is_numbered_as_the_frame_is(mask):
    expected, _ = ndimage.label(mask, np.ones((3, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hitlist, "SPARSE", 1.0)
        np.testing.assert_array_equal(label_hits(mask), expected)
        patch.setattr(hitlist, "SPARSE", 0.0)
        np.testing.assert_array_equal(label_hits(mask), expected)


def test_rows():
    data, codes = scene()
    table = hit_table(label_hits(codes > 0), codes, stack_exposures(data))
    first, second = table[0], table[1]
    assert table["number"].tolist() == [1, 2]
    np.testing.assert_allclose([first["x"], first["y"]], [10 / 3, 8 / 3])
    assert [first[c] for c in ("xmin", "xmax", "ymin", "ymax")] == [3, 4, 2, 3]
    names = ("npix", "n_both", "n_mm", "n_dilated", "n_lacosmic", "n_forced")
    assert [first[c] for c in names] == [3, 1, 1, 1, 0, 0]
    assert [first[f"peak_over_min_{i}"] for i in (1, 2, 3)] == [0.0, 200.0, 400.0]
    assert first["max_median_minus_min"] == 200.0
    assert (first["method"], second["method"]) == ("both", "L.A.Cosmic only")
    assert [second[c] for c in ("x", "y", "xmin", "ymax", "npix")] == [9.0, 7.0, 9, 7, 1]
    assert table["x"].unit == "pix"
    assert table["max_median_minus_min"].unit == "adu"


def test_methods_of_whole_hits():
    data, codes = scene()
    codes[...] = 0
    codes[0, 0], codes[0, 1] = MM_ONLY, LACOSMIC_ONLY
    codes[3, 0], codes[5, 0], codes[7, 0] = MM_ONLY, FORCED, DILATION
    table = hit_table(label_hits(codes > 0), codes, stack_exposures(data))
    assert table["method"].tolist() == ["both", "MM only", "set by hand", "dilation"]


def test_no_hit_gives_an_empty_table_with_all_columns():
    data, codes = scene()
    table = hit_table(label_hits(codes > 99), codes, stack_exposures(data))
    assert len(table) == 0
    assert "peak_over_min_3" in table.colnames


@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 4))))
def test_pixels_that_belong_together_are_those_of_one_label(mask):
    pixels = np.flatnonzero(mask)
    found = hitlist.connected(pixels, mask.shape[1]) if len(pixels) else pixels
    labels = ndimage.label(mask, np.ones((3, 3)))[0].ravel()[pixels]
    assert len(set(zip(found.tolist(), labels.tolist(), strict=True))) == len(set(labels.tolist()))
    assert len(set(found.tolist())) == len(set(labels.tolist()))


@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_connected_groups_are_the_labels_in_raster_order(mask):
    labels = label_hits(mask).ravel()
    expected = [np.flatnonzero(labels == n).tolist() for n in range(1, labels.max(initial=0) + 1)]
    found = hitlist.connected_groups(np.flatnonzero(mask), mask.shape[1])
    assert [group.tolist() for group in found] == expected


def test_groups_touch_at_corners_and_not_around_the_edge():
    pixels = np.array([0, 4, 5, 11, 19])  # (y, x) of 5 columns: 0,0 0,4 1,0 2,1 3,4
    found = hitlist.connected_groups(pixels, 5)
    assert [group.tolist() for group in found] == [[0, 5, 11], [4], [19]]
    assert hitlist.connected_groups(pixels[:0], 5) == ()


def test_pixels_are_sorted_by_their_hits_once_for_all_columns(monkeypatch):
    data, codes = scene()
    labels, sorts, argsort = label_hits(codes > 0), [], np.argsort
    monkeypatch.setattr(np, "argsort", lambda *a, **k: sorts.append(a) or argsort(*a, **k))
    hit_table(labels, codes, stack_exposures(data))
    assert len(sorts) == 1
