"""What a user decided about hits, and how far hits stand out."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.hits import groups_inside, label_hits, significance
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.core.verdicts import (
    CONFIRMED,
    IGNORED,
    REJECTED,
    UNDECIDED,
    lost_hits,
    verdicts,
)


def mask(*pixels, shape=(8, 10)):
    made = np.zeros(shape, dtype=bool)
    for pixel in pixels:
        made[pixel] = True
    return made


def test_a_rejected_hit_is_rejected_whole_and_one_pixel_confirms():
    labels = label_hits(mask((1, 1), (1, 2), (3, 4), (3, 5), (6, 6), (6, 8)))
    assert labels.max() == 4
    rejected = mask((3, 4), (3, 5), (6, 6), (1, 1))
    told = verdicts(labels, mask((1, 2), (3, 4), (7, 0)), rejected, mask((6, 6), (3, 4)))
    assert told.tolist() == [CONFIRMED, REJECTED, IGNORED, UNDECIDED]
    assert verdicts(np.zeros((8, 10), np.int32), mask(), mask(), mask()).tolist() == []


def test_a_verdict_is_lost_where_no_hit_is_in_or_beside_its_pixels():
    labels = label_hits(mask((1, 1), (7, 9)))
    confirmed = mask((1, 1), (0, 0), (2, 2), (1, 3), (4, 4), (5, 5), (7, 0), (6, 4))
    lost = lost_hits(labels, confirmed, mask((7, 0), (7, 8), (5, 7)), mask((6, 4), (3, 0)))
    # (0, 0) and (2, 2) are beside a hit; (4, 4) and (5, 5) belong together, (7, 0) was rejected
    # later, (6, 4) and (3, 0) ignored. No row goes on in the next one: (1, 9) is not beside (2, 0).
    places = [[tuple(divmod(int(p), 10)) for p in group] for group in lost.confirmed]
    assert places == [[(1, 3)], [(4, 4), (5, 5)]]
    assert [group.tolist() for group in lost.rejected] == [[57], [70]]
    wrapped = lost_hits(label_hits(mask((2, 0))), mask((1, 9)), mask((0, 9)), mask())
    assert (wrapped.confirmed[0].tolist(), wrapped.rejected[0].tolist()) == ([19], [9])
    none = lost_hits(labels, mask(), mask(), confirmed)
    assert (none.confirmed, none.rejected) == ((), ())


def test_groups_that_lie_in_an_area_as_a_whole():
    groups = mask((1, 1), (2, 2), (4, 4), (6, 6), (6, 7))
    inside = groups_inside(groups, mask((1, 1), (2, 2), (4, 4), (4, 5), (6, 6)))
    np.testing.assert_array_equal(inside, mask((1, 1), (2, 2), (4, 4)))
    assert not groups_inside(mask(), ~mask()).any()


def test_significance_is_that_of_the_pixel_that_stands_out_most():
    data = np.full((3, 8, 10), 100.0, np.float32)
    data[1:, 2, 3], data[1:, 2, 4] = 150.0, 400.0
    data[:, 2, 4] += 800.0  # brighter, so noisier there
    labels = label_hits(mask((2, 3), (2, 4)))
    found = significance(labels, stack_exposures(data), Noise(2.0, 5.0))
    np.testing.assert_allclose(found, [300.0 / np.sqrt(900.0 / 2.0 + 25.0)])
    silent = significance(labels, stack_exposures(data - 900.0), Noise(2.0, 0.0))
    assert silent.tolist() == [np.inf]


@pytest.mark.parametrize("method", ["mm_lacosmic", "significance"])
def test_a_verdict_changes_no_number_and_no_class(planted, method):
    whole = cm.Analysis(
        cm.ExposureSet.from_arrays(list(planted)),
        cm.Parameters(rnoise=3.0, crmethod=method, mm_seed=1, dilation=1),
    )
    assert whole.n_hits > 0
    ys, xs = np.nonzero(whole.labels == 1)
    pixels = [(int(x) + 1, int(y) + 1) for y, x in zip(ys, xs, strict=True)]
    assert whole.hits["verdict"][0] == UNDECIDED
    told = [name for name in whole.hits.colnames if name not in ("verdict", "corrected")]
    for key, word in (
        ("mediancr_pixels_rejected", REJECTED), ("pixels_to_be_ignored_as_cr", IGNORED),
    ):  # fmt: skip
        out = whole.replace(**{key: pixels})
        np.testing.assert_array_equal(out.labels, whole.labels)
        np.testing.assert_array_equal(out.mediancr, whole.mediancr & (whole.labels != 1))
        assert out.hits["verdict"][0] == word
        assert "corrected" not in out.hits.colnames or not out.hits["corrected"][0]
        for name in told:
            np.testing.assert_array_equal(out.hits[name], whole.hits[name], err_msg=name)
    part = whole.replace(pixels_to_be_ignored_as_cr=pixels[:1])
    assert part.hits["npix"][0] == len(pixels) - 1  # a hit that was trimmed is smaller
    confirmed = whole.replace(mediancr_pixels_confirmed=pixels[:1])
    assert confirmed.hits["verdict"][0] == CONFIRMED
    for name, made in whole.masks.items():
        np.testing.assert_array_equal(confirmed.masks[name], made, err_msg=name)
