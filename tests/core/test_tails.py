"""Two runs of L.A.Cosmic: groups of the second that the first has found something of."""

import numpy as np

from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.lacosmic.tails import with_tails


def test_tails_of_a_peak_are_added_and_faint_groups_are_not():
    frame = np.arange(48, dtype=np.float32).reshape(6, 8)
    first, second = np.zeros((2, 6, 8), bool)
    first[1, 1] = first[5, 0] = True  # the second run does not flag the latter
    second[1, 1] = second[2, 2] = second[3, 2] = True  # touching at a corner
    second[4, 6] = True
    filled = -np.arange(1, 5, dtype=np.float32)
    made = with_tails(
        LacosmicResult(first, frame, np.zeros(2, np.float32)), LacosmicResult(second, frame, filled)
    )
    assert [tuple(p) for p in np.argwhere(made.mask)] == [(1, 1), (2, 2), (3, 2)]
    assert made.filled.tolist() == [-1, -2, -3]
    assert made.cleaned[1, 1] == -1
    assert made.cleaned[4, 6] == frame[4, 6]
