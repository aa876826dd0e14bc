"""Which hits are to be looked at first."""

import numpy as np

from crmasks_widgets.core.doubt import largest_ratio, most_doubtful_first


def test_a_hit_exceeds_the_limit_by_its_best_pixel():
    excess = np.array([10.0, 30.0, 40.0, np.nan, 5.0])
    limit = np.array([10.0, 10.0, 100.0, 1.0, 0.0])
    hit = np.array([0, 0, 1, 1, 2])
    assert largest_ratio(excess, limit, hit, 4).tolist() == [3.0, 0.4, 0.0, 0.0]
    assert largest_ratio(excess[:0], limit[:0], hit[:0], 0).tolist() == []


def test_other_classes_come_first_and_then_what_is_near_the_limit():
    other = np.array([False, True, False, True, False])
    times = np.array([1.2, 9.0, 0.5, 3.0, 1.2])
    assert most_doubtful_first(other, times).tolist() == [3, 1, 2, 0, 4]
