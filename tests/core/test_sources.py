"""What a source's own light explains, and what it does not."""

import numpy as np
import pytest

from crmasks_widgets.core.sources import missing_beside, predicted_by_sources

SHAPE = (40, 44)
PLACE = (19, 21)


def star(flux=3000.0, dx=0.0, width=1.0):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    square = (y - PLACE[0]) ** 2 + (x - PLACE[1] - dx) ** 2
    return 100 + flux * np.exp(-square / 2 / width**2)


def predicted_part(difference, reference, place=PLACE):
    rng = np.random.default_rng(2)
    sigma = np.sqrt(reference + 10)
    noisy = difference + rng.normal(0, sigma)
    pixel = place[0] * SHAPE[1] + place[1]
    found = predicted_by_sources(noisy, reference, sigma, np.array([pixel]))
    return found[0] / noisy[place]


@pytest.mark.parametrize("change", [0.2, 0.5, -0.3])
def test_a_star_that_varies_is_predicted_from_its_own_wings(change):
    reference = star()
    assert predicted_part(change * (reference - 100), reference) == pytest.approx(1, abs=0.4)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_hit_on_a_star_is_not(length):
    hit = np.zeros(SHAPE)
    hit[PLACE[0], PLACE[1] : PLACE[1] + length] = 1000
    assert predicted_part(hit, star()) < 0.2


def test_a_line_that_is_brighter_for_some_pixels_is_no_source():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    line = 100 + 3000 * np.exp(-((y - PLACE[0]) ** 2) / 2)
    assert predicted_part(0.3 * (line - 100) * (abs(x - PLACE[1]) < 4), line) == 0


def test_more_than_its_own_light_is_no_change_of_a_source():
    reference = star(flux=500.0)
    assert predicted_part(4 * (reference - 100), reference) == 0


def test_the_light_of_a_displaced_star_is_missing_on_its_other_side():
    others = np.stack([star(), star(), star()])
    moved, sigma = star(dx=0.5), np.sqrt(star())
    pixels = np.array([PLACE[0] * SHAPE[1] + PLACE[1] + 1, 3 * SHAPE[1] + 3])
    excess = (moved - others[0]).ravel()[pixels]
    missing = missing_beside(moved, others, sigma, pixels)
    assert missing[0] > excess[0] > 0
    assert missing[1] == 0
    # Others that differ from each other by as much say nothing.
    others[0] -= 3000
    assert missing_beside(others[1] * 1.0, others[[0, 2]], sigma, pixels).tolist() == [0, 0]


def test_at_the_border_and_of_nothing_nothing_is_said():
    reference = star()
    corner = np.array([0, SHAPE[1] - 1])
    assert predicted_by_sources(reference - 100, reference, reference, corner).tolist() == [0, 0]
    none = np.zeros(0, np.int64)
    assert len(predicted_by_sources(reference, reference, reference, none)) == 0
