"""What a user decided about hits, and how far hits stand out."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.hits import label_hits, significance
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.core.verdicts import CONFIRMED, REJECTED, UNJUDGED, verdicts


def mask(*pixels, shape=(8, 10)):
    made = np.zeros(shape, dtype=bool)
    for pixel in pixels:
        made[pixel] = True
    return made


def test_a_rejected_hit_is_rejected_whole_and_one_pixel_confirms():
    labels = label_hits(mask((1, 1), (1, 2), (3, 4), (3, 5), (6, 6), (6, 8)))
    assert labels.max() == 4
    told = verdicts(labels, mask((1, 2), (3, 4), (7, 0)), mask((3, 4), (3, 5), (6, 6), (1, 1)))
    assert told.tolist() == [CONFIRMED, REJECTED, REJECTED, UNJUDGED]
    assert verdicts(np.zeros((8, 10), np.int32), mask(), mask()).tolist() == []


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
    rejected = whole.replace(mediancr_pixels_rejected=pixels)
    np.testing.assert_array_equal(rejected.labels, whole.labels)
    np.testing.assert_array_equal(rejected.mediancr, whole.mediancr & (whole.labels != 1))
    assert whole.hits["verdict"][0] == UNJUDGED
    assert rejected.hits["verdict"][0] == REJECTED
    told = [name for name in whole.hits.colnames if name not in ("verdict", "corrected")]
    for name in told:
        np.testing.assert_array_equal(rejected.hits[name], whole.hits[name], err_msg=name)
    confirmed = whole.replace(mediancr_pixels_confirmed=pixels[:1])
    assert confirmed.hits["verdict"][0] == CONFIRMED
    for name, made in whole.masks.items():
        np.testing.assert_array_equal(confirmed.masks[name], made, err_msg=name)
    if method == "significance":
        assert whole.hits["corrected"][0]
        assert not rejected.hits["corrected"][0]
