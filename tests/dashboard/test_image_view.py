"""The image: which frame it shows, what lies over it, and what is said of a pixel."""

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.core.codes import INVALID_COLOUR, all_codes
from crmasks_widgets.dashboard.drawing import overlays
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.stretches import colour_indices, colour_palette
from crmasks_widgets.dashboard.image.frames import celestial, sky_text
from crmasks_widgets.detectors import DETECTORS

from .bench import FIRST, SECOND, SHAPE, flat_frames
from .conftest import decoded
from .image_bench import at, drawn, edges, image_bench

MM_ONLY = DETECTORS["mm"].code


@pytest.fixture
def bench():
    return image_bench()


def test_the_whole_frame_is_drawn_upright_on_fits_axes(bench):
    view = bench.view
    assert edges(view) == (0.5, 80.5, 0.5, 60.5)
    assert list(view.layers.patch.mark.x) == [0.5, 80.5]
    assert list(view.layers.patch.mark.y) == [0.5, 60.5]
    bench.state.show(limits="minmax")
    shown = drawn(view)
    assert shown.shape[:2] == SHAPE
    bright = {(int(y), int(x)) for y, x in np.argwhere(shown[..., 0] > 200)}
    assert bright == {*FIRST, *SECOND}


def test_every_frame_can_be_shown_and_stays_in_the_browser(bench):
    view, analysis, seen = bench.view, bench.model.analysis, {}
    stack, fixed = analysis.stack, {k: analysis.combination(k).data for k in KINDS}
    frames = {"median": stack.median2d, "mean": stack.mean2d, "min": stack.min2d, **fixed}
    frames |= {str(i): frame for i, frame in enumerate(stack.cube, start=1)}
    frames["difference"] = stack.median2d - fixed["mediancr"]
    for key in view.display.keys:
        bench.state.show(frame=key)
        wanted = colour_indices(frames[key], view.layers.limits, "asinh")
        assert (drawn(view)[..., :3] == colour_palette("gray")[wanted][..., :3]).all()
        assert view.display.bar.state["shown"] == key
        seen[key] = view.layers.patch.mark.image, view.layers.patch.png
    for key, (buffer, png) in seen.items():
        bench.state.show(frame=key)
        assert view.layers.patch.mark.image is buffer
        assert buffer.value == png
    assert len({id(buffer) for buffer, _ in seen.values()}) == 10


def test_frames_share_the_limits_of_the_median_and_the_difference_has_its_own(bench):
    view = bench.view
    common = set()
    for key in set(view.display.keys) - {"difference"}:
        bench.state.show(frame=key)
        common.add(view.layers.limits)
    assert len(common) == 1
    bench.state.show(frame="difference")
    assert view.layers.limits not in common


def test_pictures_follow_stretch_colours_and_limits(bench):
    seen = {bench.view.layers.patch.png}
    for change in (
        {"stretch": "log"},
        {"colours": "magma"},
        {"limits": "percentile"},
        {"limits": "manual", "low": 190.0, "high": 230.0},
    ):
        bench.state.show(**change)
        seen.add(bench.view.layers.patch.png)
    assert len(seen) == 5
    assert bench.view.layers.limits == (190.0, 230.0)


def test_pixels_without_a_value_are_marked():
    frames = flat_frames()
    frames[:, 7, 9] = np.nan
    bench = image_bench(frames)
    assert tuple(drawn(bench.view)[7, 9, :3]) == rgb(INVALID_COLOUR)


def test_flags_lie_over_their_pixels(bench):
    shown = decoded(bench.view.layers.overlay.png)
    assert list(bench.view.layers.overlay.mark.x) == [0.5, 80.5]
    found = {(int(y), int(x)) for y, x in np.argwhere(shown[..., 3] > 0)}
    assert found == {*FIRST, *SECOND}
    assert tuple(shown[FIRST[0]][:3]) == rgb(all_codes()[MM_ONLY].colour)
    bench.state.show(opacity=0.0)
    assert not decoded(bench.view.layers.overlay.png)[..., 3].any()


def test_a_close_look_shows_shapes(bench):
    bench.state.show(image=(16.5, 24.5, 37.5, 43.5))
    shown = decoded(bench.view.layers.overlay.png)
    side = overlays.LARGEST_STENCIL
    left, low = bench.view.layers.overlay.mark.x[0], bench.view.layers.overlay.mark.y[0]
    y, x = SECOND[0]
    row, column = round(y + 1 - 0.5 - low) * side, round(x + 1 - 0.5 - left) * side
    cell = shown[row : row + side, column : column + side, 3]
    assert len(np.unique(cell)) == 2  # the shape, and its tint
    assert cell[side // 2].max() == cell.max()


def test_what_is_not_known_yet_leaves_the_decoded(bench):
    view, before = bench.view, bench.view.layers.patch.png
    analysis = bench.model.analysis.replace(bias=7.0)
    known = analysis.computed()
    view.render(bench.model.of(analysis))
    assert view.layers.patch.png == before
    assert analysis.computed() == known


def test_the_selected_hit_is_boxed_and_hits_are_numbered(bench):
    bench.state.select(pixel=SECOND[0])
    assert min(bench.view.layers.box.x) <= 20.5
    assert max(bench.view.layers.box.x) >= 22.5
    assert (min(bench.view.layers.box.x) + max(bench.view.layers.box.x)) / 2 == 21.5
    bench.press("#")
    assert list(bench.view.layers.numbers.text) == ["1", "2"]
    assert list(bench.view.layers.numbers.x) == [61.5, 22.5]
    bench.press("#")
    assert len(bench.view.layers.numbers.text) == 0


def test_the_diagram_decides_what_is_marked(bench):
    heights = {p: bench.model.analysis.stack.min2d[p] for p in (*FIRST, *SECOND)}
    lowest = min(heights, key=heights.get)
    bench.state.show(diagram=(heights[lowest] - 0.01, heights[lowest] + 0.01, 0.0, 1e4))
    shown = decoded(bench.view.layers.overlay.png)
    assert np.argwhere(shown[..., 3] > 0).tolist() == [list(lowest)]
    bench.state.show(diagram=None)
    bench.state.select(outline=((0, 500), (2000, 500), (2000, 5000), (0, 5000)))
    shown = decoded(bench.view.layers.overlay.png)
    brushed = np.argwhere(
        (shown[..., :3] == rgb(overlays.overlay_codes()[overlays.BRUSHED].colour)).all(-1)
    )
    assert {tuple(p) for p in brushed.tolist()} == {*FIRST, *SECOND}


def test_an_unchanged_model_sends_nothing(bench, monkeypatch):
    sent = []
    monkeypatch.setattr("ipywidgets.Widget.notify_change", lambda self, change: sent.append(change))
    bench.view.render(bench.model)
    assert sent == []


def test_the_readout_says_what_is_known_about_a_pixel(bench):
    y, x = SECOND[0]
    bench.page.pointer = at(y, x)
    text = bench.view.readout.value
    stack = bench.model.analysis.stack
    for frame in (*stack.cube, stack.min2d, stack.median2d):
        assert f"{frame[y, x]:.1f}" in text
    assert "x <b>21</b> y <b>41</b>" in text
    assert "MM in median" in text
    assert "MEDIANCR, MEANCRT" in text
    lowest, noise = float(stack.min2d[y, x]), bench.model.analysis.calibration.noise
    over = float(stack.median2d[y, x]) - lowest - (30 + 70 * lowest / 1000)
    assert f"{over / np.sqrt(lowest / noise.gain + 9):.1f} σ over the boundary" in text
    bench.press("i")
    bench.page.pointer = at(0, 0)
    assert bench.view.note.value == text
    assert "not flagged" in bench.view.readout.value
    bench.page.pointer = {}
    assert bench.view.readout.value == ""


def test_the_readout_gives_the_place_on_the_sky_where_a_header_tells_it():
    header = fits.Header()
    for key, value in {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 21.0,
        "CRPIX2": 41.0, "CDELT1": -1e-4, "CDELT2": 1e-4, "CUNIT1": "deg", "CUNIT2": "deg",
    }.items():  # fmt: skip
        header[key] = value
    assert sky_text(celestial(header), 40, 20) == "10h00m00.0s +02d00m00.0s"
    assert celestial(fits.Header()) is None
    header["CTYPE1"] = "nonsense"
    assert sky_text(celestial(header), 40, 20) == ""
