"""The selected hit, large: what is drawn, and what is done to its pixels."""

import numpy as np
import pytest

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.dashboard.drawing import cutouts, overlays, stamps
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.hits.large import ERASE, LOCAL_MEDIAN, PAINT
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters

from .bench import FLAT, SECOND, Bench, flat_frames
from .hits_bench import fits_pixels

MM_ONLY = DETECTORS["mm"].code
OUTLINE = rgb(overlays.overlay_codes()[overlays.BRUSHED].colour)


class Pictures:
    """What the page was sent to draw."""

    def __init__(self, view):
        self.sent = []
        view.large.detail.send = lambda content, buffers=None: self.sent.append((content, buffers))

    @property
    def content(self):
        return self.sent[-1][0]

    @property
    def colours(self):
        """Red, green and blue of the drawn pixels, the lowest row first."""
        palette = np.frombuffer(self.view_palette, np.uint8).reshape(256, 4)
        drawn = np.frombuffer(self.sent[-1][1][0], np.uint8).reshape(self.content["shape"])
        return palette[drawn][..., :3]


@pytest.fixture
def bench():
    made = Bench.of(HitsView, semiwindow=4)
    made.pictures = Pictures(made.view)
    made.pictures.view_palette = made.view.large.detail.palette
    made.view.large.detail.size = [900, 170, 1]
    return made


def panel(bench, k):
    """Colours of the middle of every pixel in panel k."""
    panels = bench.view.large._panels
    x, y = panels.corner(k)
    rows = y + panels.side // 2 + panels.side * np.arange(panels.height)
    columns = x + panels.side // 2 + panels.side * np.arange(panels.width)
    return bench.pictures.colours[rows[:, None], columns]


def say(bench, **message):
    bench.view.large.detail._handle_custom_msg(message, [])


def do(bench, what, value=True):
    at = bench.view.large.detail.state["at"]
    say(bench, event="do", what=what, value=value, at=at)


def click(bench, k, pixel):
    """Click an array index in panel k."""
    large = bench.view.large
    x, y = large._panels.corner(k)
    x += (pixel[1] - large._part[1].start + 0.5) * large._panels.side
    y += (pixel[0] - large._part[0].start + 0.5) * large._panels.side
    say(bench, event="click", x=x, y=y, layout=bench.pictures.content["layout"])


def test_panels_show_exposures_median_codes_and_corrected_on_one_scale(bench):
    bench.state.select(pixel=SECOND[0])
    content, stack = bench.pictures.content, bench.model.analysis.stack
    names = [panel["name"] for panel in content["panels"]]
    assert names == ["exp. 1", "exp. 2", "exp. 3", "median", "why", "corrected"]
    part = bench.view.large._part
    median = stack.median2d[part]
    whole = [*stack.cube, stack.median2d]
    middle = bench.view.large.middle(bench.view.listing.selected)
    low, high = (float(limit[0]) for limit in stamps.limits(whole, [middle]))
    fixed = bench.model.analysis.combination("mediancr").data[part]
    shades = cutouts.palette("magma")
    for k, frame in ((0, stack.cube[0][part]), (3, median), (5, fixed)):
        wanted = shades[cutouts.value_panel(frame, (low, high), "linear")][..., :3]
        assert (panel(bench, k) == wanted).all()
    codes = panel(bench, 4)
    y, x = SECOND[0][0] - part[0].start, SECOND[0][1] - part[1].start
    assert tuple(codes[0, 0]) == (34, 34, 34)
    shown = {tuple(c) for c in bench.pictures.colours.reshape(-1, 3)}
    assert rgb(all_codes()[MM_ONLY].colour) in shown
    assert OUTLINE in shown
    assert tuple(codes[y, x]) != (34, 34, 34)


def test_cuts_go_through_the_hit_along_its_row_and_column(bench):
    bench.state.select(pixel=SECOND[0])
    content, (_, *buffers) = bench.pictures.sent[-1]
    stack, part = bench.model.analysis.stack, bench.view.large._part
    along, across = content["cuts"]
    y, x = across["at"] - 1, along["at"] - 1
    assert (y, x) in SECOND
    assert (along["label"], across["label"]) == (f"row y {y + 1}, peak", f"column x {x + 1}, peak")
    assert (along["first"], across["first"]) == (part[1].start + 1, part[0].start + 1)
    fixed = bench.model.analysis.combination("mediancr").data
    frames = [*stack.cube, stack.median2d, fixed]
    row, column = (np.frombuffer(b, np.float32).reshape(5, -1) for b in buffers)
    np.testing.assert_array_equal(row, [frame[y, part[1]] for frame in frames])
    np.testing.assert_array_equal(column, [frame[part[0], x] for frame in frames])
    lines = [one["name"] for one in content["panels"] if one["line"]]
    assert lines == ["exp. 1", "exp. 2", "exp. 3", "median", "corrected"]


def test_a_low_picture_has_no_room_for_cuts(bench):
    bench.state.select(pixel=SECOND[0])
    side = bench.view.large._panels.side
    bench.view.large.detail.size = [900, 95, 1]
    assert bench.view.large._panels.side >= side - 1  # all of the height is theirs
    bench.view.large.detail.size = [1800, 340, 2]
    assert bench.view.large._panels.side in (2 * side, 2 * side + 1)


def test_panels_fill_the_width_and_cuts_get_the_rest(bench):
    bench.state.select(pixel=SECOND[0])
    panels = 3 + 3  # exposures, median, why, corrected
    for height, free in ((126, 46), (400, 46), (80, 0)):  # the last is too low for cuts
        bench.view.large.detail.size = [437, height, 1]
        do(bench, "draw")
        drawn = bench.view.large._panels
        assert (drawn.columns, drawn.count) == (panels, panels)
        assert panels * (drawn.width + 1) * drawn.side > 437 - panels * drawn.side
        assert height - bench.pictures.content["shape"][0] >= free


def test_words_say_where_and_why(bench):
    bench.state.select(pixel=SECOND[0])
    state = bench.view.large.detail.state
    assert (state["name"], state["kind"], state["place"]) == ("Hit 2", "MM", "middle x 22 y 41")
    hits = bench.model.analysis.hits
    assert state["why"].startswith(f"bright in 1 and 3, {hits['significance'][1]:.0f} σ, ")
    assert state["why"].endswith(" × the limit, 3 pixels")
    assert state["can_judge"]
    bench.state.select(pixel=(20, 5))
    state = bench.view.large.detail.state
    assert (state["name"], state["kind"]) == ("x 6, y 21", "no hit here")
    assert not state["can_judge"]
    assert bench.pictures.content["name"] == "x 6, y 21"


def test_a_verdict_is_shown_and_given_by_the_buttons(bench):
    bench.state.select(pixel=(SECOND[0][0] + 1, SECOND[0][1] - 1))  # beside it
    do(bench, "judge", "rejected")
    assert bench.model.parameters.mediancr_pixels_rejected == fits_pixels(SECOND)
    bench.state.select(pixel=SECOND[0])
    assert bench.view.large.detail.state["verdict"] == "rejected"
    do(bench, "judge", "undecided")
    assert bench.model.parameters.mediancr_pixels_rejected is None


def test_pixels_are_painted_erased_and_marked_by_clicks(bench):
    bench.state.select(pixel=SECOND[0])
    click(bench, 0, (42, 18))
    assert bench.model.parameters.pixels_to_be_flagged_as_cr is None  # a look changes nothing
    do(bench, "tool", PAINT)
    click(bench, 0, (42, 18))
    assert bench.model.parameters.pixels_to_be_flagged_as_cr == ((19, 43),)
    bench.state.select(pixel=SECOND[1])
    do(bench, "tool", ERASE)
    click(bench, 5, SECOND[0])
    click(bench, 5, (43, 18))  # not flagged
    assert bench.model.parameters.pixels_to_be_ignored_as_cr == fits_pixels(SECOND[:1])
    do(bench, "tool", LOCAL_MEDIAN)
    do(bench, "widths", [5, 8])
    click(bench, 3, (43, 18))
    assert bench.model.parameters.pixels_to_be_replaced_by_local_median == ((19, 44, 5, 9),)
    do(bench, "tool", LOCAL_MEDIAN)
    assert bench.view.large.detail.state["tool"] == "look"
    say(bench, event="click", x=-5.0, y=-5.0, layout=bench.pictures.content["layout"])
    assert not bench.errors


def test_the_picture_is_made_larger_and_wider(bench):
    bench.state.select(pixel=SECOND[0])
    width = bench.view.large._panels.width
    bench.press("-")
    assert bench.view.large._panels.width == width + 6
    bench.press("+")
    bench.press("+")
    assert bench.view.large._panels.width == width - 6
    for _ in range(9):
        bench.press("+")
    assert bench.view.large._panels.width == 5
    bench.press("-")
    assert bench.view.large._panels.width == 11


def test_a_stretch_is_for_all_pictures_of_hits(bench):
    bench.state.select(pixel=SECOND[0])
    stamps = []
    bench.view.gallery.send = lambda content, buffers=None: stamps.append(buffers)
    before = panel(bench, 3)
    do(bench, "stretch", "asinh")
    assert (panel(bench, 3) != before).any()
    assert len(stamps) == 1
    do(bench, "stretch", "none of these")
    assert bench.view.large.detail.state["stretch"] == "asinh"


def test_saving_is_left_to_the_page(bench):
    bench.press("s")
    assert bench.pictures.content == {"event": "save", "name": "crmasks_hit.png"}


def test_the_same_is_not_sent_twice_unless_the_page_asks(bench):
    bench.state.select(pixel=SECOND[0])
    count = len(bench.pictures.sent)
    bench.state.show(opacity=0.3)
    bench.state.publish(bench.model.analysis)
    assert len(bench.pictures.sent) == count
    do(bench, "draw")
    assert len(bench.pictures.sent) == count + 1


@pytest.mark.parametrize("n", [3, 5, 9])
def test_any_number_of_exposures_finds_room(n):
    bench = Bench.of(HitsView, flat_frames(n), semiwindow=30)
    bench.view.large.detail.size = [560, 400, 1]
    bench.state.select(pixel=(0, 79))  # a corner of the frame
    panels = bench.view.large._panels
    assert panels.count == n + 3
    assert (panels.height, panels.width) == (7, 7)
    assert panels.columns * panels.rows >= panels.count
    assert panels.shape[0] <= 400
    assert panels.shape[1] <= 560
    assert not bench.errors


def test_panels_become_as_large_as_the_plot_allows():
    assert cutouts.arrange(6, (31, 31), (1100, 200)).columns == 6
    assert cutouts.arrange(6, (31, 31), (500, 400)).columns == 3
    assert cutouts.arrange(6, (31, 31), (100, 900)).columns == 1
    assert cutouts.arrange(6, (31, 31), (1, 1)).side >= 1


def test_positions_between_panels_are_no_pixels():
    panels = cutouts.arrange(6, (9, 9), (500, 400))
    assert panels.columns == 3
    assert panels.corner(0)[1] > panels.corner(3)[1] == 0  # reading order
    for k in range(6):
        x, y = panels.corner(k)
        assert panels.pixel(x, y) == (0, 0)
        assert panels.pixel(x + 9 * panels.side - 1, y + 9 * panels.side - 1) == (8, 8)
        assert panels.pixel(x - 1, y) is None
        assert panels.pixel(x, y + 9 * panels.side) is None


def test_a_hit_larger_than_its_picture_is_shown_where_it_is_brightest():
    frames = np.random.default_rng(4).normal(200, 3, (3, 80, 90)).astype(np.float32)
    frames[:2, 40, 5:85] += 300
    frames[:2, 40, 7] += 900
    exposures = ExposureSet.from_arrays(list(frames))
    large = Bench(Analysis(exposures, Parameters(**FLAT)), at_once=True)
    view = large.add(HitsView(large.context))
    large.state.select(pixel=(40, 45))
    assert large.errors == []
    assert view.large._part[1].start <= 7 < view.large._part[1].stop
