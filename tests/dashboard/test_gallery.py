"""The gallery: which cards are sent, and what their stamps show."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.drawing import stamps, stretches
from crmasks_widgets.dashboard.hits.view import HitsView

from .bench import Bench
from .hits_bench import say, watched


@pytest.fixture
def bench():
    """Two hits in flat frames; every change is computed at once."""
    return Bench.of(HitsView, semiwindow=4)


def test_only_what_is_asked_for_is_sent(many):
    view, cards = watched(many)
    n = len(view.listing.hits)
    say(view.gallery, event="window", first=2, last=5)
    message, (stamps_sent,) = cards.sent[-1]
    assert (message["first"], len(message["cards"]), message["fresh"]) == (2, 3, False)
    sides = [card["side"] for card in message["cards"]]
    assert len(stamps_sent) == sum(5 * side * side for side in sides)
    assert view.gallery.count == n > 5
    many.press("j")
    assert (cards.sent[-1][0]["first"], len(cards.newest)) == (2, 3)
    count = len(cards.sent)
    many.state.show(opacity=0.3)
    many.state.publish(many.model.analysis)
    assert len(cards.sent) == count  # nothing that is seen has changed


def test_stamps_are_the_exposures_the_median_and_what_is_corrected(bench):
    view, cards = watched(bench)
    message, (sent,) = cards.sent[-1]
    card, side = message["cards"][0], message["cards"][0]["side"]
    row = view.listing.row_of(0)
    y, x = view.listing.hits.centre(row)
    made = np.frombuffer(sent, np.uint8)[: 5 * side * side].reshape(5, side, side)
    stack = bench.model.analysis.stack
    part = slice(y - side // 2, y + side // 2 + 1), slice(x - side // 2, x + side // 2 + 1)
    median = stack.median2d[part]
    j, i = view.large.middle(row)
    near = stack.median2d[j - 4 : j + 5, i - 4 : i + 5]
    low, scatter = near.min(), 1.4826 * np.median(abs(near - np.median(near)))
    high = np.median(near) + 40 * scatter
    assert high < median.max()  # else the surroundings of a bright hit would be black
    fixed = bench.model.analysis.combination("mediancr").data[part]
    for k, frame in ((0, stack.cube[0][part]), (3, median), (4, fixed)):
        wanted = 254 * np.clip((frame - low) / (high - low), 0, 1)
        assert abs(made[k].astype(int) - wanted).max() <= 1
    assert card["strength"].endswith("σ")
    assert view.gallery.palette == stretches.colour_palette("magma").tobytes()


def test_stamps_beyond_the_frame_have_no_value():
    frame = np.arange(12.0).reshape(3, 4)
    places = [(0, 0), (2, 3)]
    made = stamps.stamps([frame, frame, frame], places, places, 1, "linear")
    assert made.shape == (2, 3, 3, 3)
    assert (made[0, :, 0, :] == stretches.INVALID).all()
    assert (made[0, :, 1:, 1:] != stretches.INVALID).all()
    assert (made[1, :, 2, :] == stretches.INVALID).all()
    assert made[0, 1, 1, 1] == 0
    assert made[1, 1, 1, 1] == 254
    empty = [np.full((3, 3), np.nan)] * 3
    nothing = stamps.stamps(empty, [(1, 1)], [(1, 1)], 1, "linear")
    assert (nothing == stretches.INVALID).all()


def test_a_faint_hit_on_a_bright_line_is_seen():
    light = 20_000 * np.exp(-0.5 * ((np.arange(40) - 20) / 1.5) ** 2) + 50
    frames = np.random.default_rng(3).normal(light, 5, (3, 40, 40)).astype(np.float32)
    frames[0, 20, 19] += 1500
    frames[1, 20, 19] += 1400
    median = np.median(frames, axis=0)
    made = stamps.stamps([*frames, median, frames[2]], [(20, 20)], [(20, 19)], 6, "linear")[0]
    hit = made[:, 6, 5].astype(int)
    assert min(hit[[0, 1, 3]]) - max(hit[[2, 4]]) > 40  # 18 of 254 from dark to the line's ridge
    assert made[2, 0, 0] == 0
    assert made[2, 0, 6] == 254


def test_a_long_hit_has_a_wider_stamp():
    assert stamps.half_side(1) == stamps.LEAST_HALF
    assert stamps.half_side(8) == 12
    assert stamps.half_side(500) == stamps.LARGEST_HALF
