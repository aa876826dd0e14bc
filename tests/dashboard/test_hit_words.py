"""Hits in words, and what comes next in a review."""

import numpy as np
import pytest
from astropy.table import Table

from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.hits import words
from crmasks_widgets.dashboard.model import review
from crmasks_widgets.hit_classes import (
    ALIKE_NAME,
    CLASS_NAMES,
    LOW_NAME,
    PLAIN_NAME,
    SHORT_NAMES,
)

ROW = Table({"significance": [33.4], "npix": [18], "number": [2], "x": [41.0], "y": [79.4]})[0]


def test_why_a_hit_is_one_in_a_line():
    assert words.why(ROW, (1, 2), 4.12) == "bright in 1 and 2, 33 σ, 4.1 × the limit, 18 pixels"
    one = Table({"significance": [2.94], "npix": [1]})[0]
    assert words.why(one, (), 250.0) == (
        "alike in all exposures, 2.9 σ, far above the limit, 1 pixel"
    )
    assert (words.strength(ROW), words.place(ROW)) == ("33 σ", "41, 79 · 18 px")


@pytest.mark.parametrize(
    ("numbers", "text"), [((), ""), ((1,), "1"), ((1, 2), "1 and 2"), ((1, 2, 4), "1, 2 and 4")]
)
def test_numbers_as_a_person_says_them(numbers, text):
    assert words.listed(numbers) == text


def test_classes_have_a_word_and_methods_their_colour():
    assert words.kind("class", CLASS_NAMES["residual"]) == "residual"
    names = (PLAIN_NAME, ALIKE_NAME, LOW_NAME)
    assert [words.kind("class", name) for name in names] == ["differ", "all alike", "one low"]
    # A class says what values look like, a verdict what was decided, and neither is "hit".
    assert not set(SHORT_NAMES.values()) & {"hit", CONFIRMED, REJECTED, IGNORED, UNDECIDED}
    assert words.kind("method", "MM only") == "MM"
    sure = words.tone("class", CLASS_NAMES["coincident"])
    assert sure != words.tone("class", CLASS_NAMES["residual"])
    assert words.tone("method", "MM only") != words.tone("method", "both")


def test_the_next_is_the_next_without_a_verdict_and_begins_anew_at_the_end():
    shown = np.array([4, 2, 0, 3, 1])
    told = np.array(["undecided", "confirmed", "undecided", "rejected", "undecided"])
    assert review.next_undecided(shown, told, (4,)) == 2
    assert review.next_undecided(shown, told, (0,)) == 4
    assert review.next_undecided(shown, told, (2, 0)) == 4
    all_told = np.full(5, "confirmed")
    assert review.next_undecided(shown, all_told, (0,)) == 3
    assert review.next_undecided(shown[:1], told, (4,)) == -1


def test_steps_and_ranges_follow_the_order_shown():
    shown = np.array([4, 2, 0, 3, 1])
    assert [review.step(shown, row, 1) for row in (4, 1, -1, 9)] == [2, 4, 4, 4]
    assert [review.step(shown, row, -1) for row in (4, 1, -1)] == [1, 3, 1]
    assert review.step(shown[:0], 4, 1) == -1
    assert review.between(shown, 3, 2) == (2, 0, 3)
    assert review.between(shown, 7, 2) == (2,)
