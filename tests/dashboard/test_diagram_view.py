"""What the diagram shows: flags, the boundary, what is expected, and what the page is sent."""

import numpy as np
import pytest

from crmasks_widgets.core.codes import BOTH, FORCED, all_codes
from crmasks_widgets.dashboard.diagram.scene import TAKEN_OUT
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.model.on_screen import detected_pixels
from crmasks_widgets.detectors import DETECTORS

from .boundary_hand import drag, points
from .conftest import POINTS, decoded

MM_ONLY = DETECTORS["mm"].code


def test_what_the_legend_hides_is_not_drawn(dashboard, view, hand):
    panel, colour = view.panels["observed"], rgb(all_codes()[MM_ONLY].colour)
    dashboard.state.show(hidden=frozenset({MM_ONLY}))
    picture = decoded(panel.glyphs.png)
    assert colour not in {tuple(c) for c in picture[picture[..., 3] == 255][:, :3].tolist()}
    assert hand.scene["hidden"] == [MM_ONLY]


def test_each_target_has_its_own_diagram_and_flags(dashboard, view):
    seen = set()
    for target in ("median", "mean", 2):
        view.target.value = target
        assert dashboard.wait(60)
        model = dashboard.state.model
        assert model.display.target == target
        pixels, codes = detected_pixels(model)
        flags = dashboard.analysis.flags(target)
        np.testing.assert_array_equal(pixels, np.flatnonzero(flags.either))
        assert np.count_nonzero(codes == BOTH) == flags.counts()["both"]
        assert np.count_nonzero(codes == MM_ONLY) == flags.counts()["mm only"]
        panel = view.panels["observed"]
        seen.add(panel.density.png)
        label = target if isinstance(target, str) else f"exposure {target}"
        assert panel.figure.axes[1].label.startswith(label)
    assert len(seen) == 3


def test_glyphs_on_screen_have_the_colours_of_what_is_flagged(dashboard, view):
    _, codes = detected_pixels(dashboard.state.model)
    picture = decoded(view.panels["observed"].glyphs.png)
    colours = {tuple(c) for c in picture[picture[..., 3] == 255][:, :3].tolist()}
    for code in all_codes().values():
        assert (rgb(code.colour) in colours) == (code.number in codes), code.name
    assert len(set(codes)) > 1


def test_the_diagram_counts_the_pixels_of_the_image_alone_if_asked(dashboard, view):
    panel = view.panels["observed"]
    whole = panel.density.png
    dashboard.state.show(image=(9.6, 40.2, 19.7, 50.0))
    assert panel.density.png == whole
    view.linked.value = True
    assert panel.density.png != whole
    pixels, _ = detected_pixels(dashboard.state.model)
    y, x = np.divmod(pixels, dashboard.analysis.exposures.shape[1])
    inside = dashboard.analysis.flags("median").either[20:51, 10:41]
    assert len(pixels) == np.count_nonzero(inside)
    assert ((x >= 10) & (x <= 40) & (y >= 20) & (y <= 50)).all()


def test_the_selected_hit_is_ringed_and_numbers_are_its_own(dashboard, view):
    labels = dashboard.analysis.labels
    y, x = np.argwhere(labels == 1)[0]
    panel, ring = view.panels["observed"], rgb("#f0b400")
    dashboard.state.select(pixel=None)
    assert ring not in set(map(tuple, decoded(panel.glyphs.png)[..., :3].reshape(-1, 3).tolist()))
    dashboard.state.select(pixel=(int(y), int(x)))
    assert ring in set(map(tuple, decoded(panel.glyphs.png)[..., :3].reshape(-1, 3).tolist()))
    view.numbers.value = True
    hit = dashboard.analysis.flags("median").either & (labels > 0)
    assert set(panel.numbers.text) == {str(n) for n in np.unique(labels[hit])}
    view.numbers.value = False
    assert len(panel.numbers.text) == 0


def test_iterations_of_a_spline_and_their_crosses_are_drawn_on_request(dashboard, view, hand):
    dashboard.state.update(mm_boundary_fit="spline")
    assert dashboard.wait(60)
    assert (hand.scene["iterations"], hand.scene["crosses"]) == ([], [])
    view.iterations.value = True
    fits = dashboard.analysis.boundary.iterations[:-1]
    assert [curve["c"] for curve in hand.scene["iterations"]] == [
        fit.spline.c.tolist() for fit in fits
    ]
    assert len(hand.scene["crosses"]) == len(dashboard.analysis.expected.cross_x)


def test_the_expected_diagram_is_a_line_over_the_observed_or_beside_it(dashboard, view):
    observed = view.panels["observed"]
    assert decoded(observed.contours.png)[..., 3].any()
    assert list(view.panels) == ["observed"]
    view.side.value = True
    assert [panel.widget for panel in (view.panels["expected"], observed)] == list(
        view._body.children
    )
    assert not decoded(observed.contours.png)[..., 3].any()
    assert decoded(view.panels["expected"].density.png)[..., 3].any()
    drag(view.panels["expected"].hand, 1, (480.0, 60.0))
    assert points(dashboard)[1] == (480.0, 60.0, 1e4)
    view.side.value = False
    assert view._body.children == (observed.widget,)


def test_the_threshold_is_drawn_where_one_is_asked_for(dashboard, hand):
    assert hand.scene["levels"] == []
    dashboard.state.update(mm_threshold=70.0)
    assert dashboard.wait(60)
    (level,) = hand.scene["levels"]
    assert (level["y"], level["text"], hand.scene["threshold"]) == (70.0, "threshold 70 ADU", 70.0)


def test_without_mm_there_is_no_boundary(dashboard, hand):
    dashboard.state.update(crmethod="lacosmic")
    assert dashboard.wait(60)
    assert hand.scene["curve"] is None
    assert not hand.scene["movable"]
    assert [entry["name"] for entry in hand.legend] == ["L.A.Cosmic"]


def unpacked(dashboard, hand):
    """Candidates and what else is flagged, as the page reads them."""
    n, m = len(hand.places) // 8, len(hand.rest) // 9
    x, y = np.frombuffer(hand.places, np.float32).reshape(2, n)
    rest = np.frombuffer(hand.rest, np.float32, 2 * m).reshape(2, m)
    codes = np.frombuffer(hand.others, np.uint8), np.frombuffer(hand.rest, np.uint8, m, 8 * m)
    return np.append(x, rest[0]), np.append(y, rest[1]), np.append(*codes), n


def test_the_page_can_judge_the_candidates_as_the_kernel_does(dashboard, view, hand):
    dashboard.state.update(crmethod="mm_lacosmic", pixels_to_be_flagged_as_cr=((5, 5),))
    assert dashboard.wait(60)
    x, y, others, n = unpacked(dashboard, hand)
    assert n == len(others[:n])
    for height in (110.0, 60.0):
        dashboard.state.update(mm_fixed_points_in_boundary=(POINTS[0], (500.0, height, 1.0)))
        assert dashboard.wait(60)
        above = (y > dashboard.analysis.boundary.boundary(x)) & (np.arange(len(x)) < n)
        assert above.sum() == dashboard.analysis.flags("median").found["mm"].sum()
        codes = np.where(above, [hand.combine[str(code)] for code in others], others)
        _, known = detected_pixels(dashboard.state.model)
        assert sorted(codes[codes > 0]) == sorted(known)
    assert FORCED in known


def test_candidates_are_sent_once(dashboard, hand):
    before, sent = hand.places, []
    hand.observe(lambda change: sent.append(change.name), ["places", "others", "rest"])
    drag(hand, 1, (480.0, 60.0), (470.0, 61.0))
    assert dashboard.wait(60)
    assert sent == []
    dashboard.state.update(crmethod="mm_lacosmic", la_sigclip=9.0)
    assert dashboard.wait(60)
    assert "places" not in sent
    assert hand.places == before


def test_glyphs_follow_theme_and_screen(dashboard, view, hand):
    page, panel = dashboard.session.page, view.panels["observed"]
    light, density = hand.stamps, panel.density.png
    page.dark = True
    assert hand.stamps["pictures"] != light["pictures"]
    assert panel.density.png != density
    page.sizes = {"observed": [960, 640]}
    hand.ratio = 2.0
    assert hand.stamps["side"] > light["side"]
    assert decoded(panel.glyphs.png).shape == (640, 960, 4)
    assert decoded(panel.density.png).shape[:2] == (107, 160)


@pytest.mark.parametrize(
    "listed", ["mediancr_pixels_rejected", "pixels_to_be_ignored_as_cr", "regions_to_be_skipped"]
)
def test_what_was_taken_out_has_no_glyph_and_is_not_counted(dashboard, view, hand, listed):
    state, nx = dashboard.state, dashboard.analysis.exposures.shape[1]
    dashboard.state.update(crmethod="mm_lacosmic")
    assert dashboard.wait(60)
    labels, (pixels, _) = dashboard.analysis.labels, detected_pixels(state.model)
    out = np.flatnonzero(labels == labels.ravel()[pixels].max())
    y, x = np.divmod(out, nx) + np.int64(1)
    skipped = ((int(x.min()), int(x.max()), int(y.min()), int(y.max())),)
    places = tuple((int(a), int(b)) for a, b in zip(x, y, strict=True))
    picture = view.panels["observed"].glyphs.png
    state.update(**{listed: skipped if listed == "regions_to_be_skipped" else places})
    assert dashboard.wait(60)
    left, _ = detected_pixels(state.model)
    np.testing.assert_array_equal(left, np.setdiff1d(pixels, out))
    assert len(left) < len(pixels)
    assert view.panels["observed"].glyphs.png != picture
    # The chips of the bar, and the page while a hand holds the line, say the same.
    chips = dashboard.session.status.widget.found["entries"]
    assert sum(int(chip["count"].replace(",", "")) for chip in chips) == len(left)
    x, y, others, n = unpacked(dashboard, hand)
    above = (y > dashboard.analysis.boundary.boundary(x)) & (np.arange(len(x)) < n)
    held = np.where(above, [hand.combine[str(code)] for code in others], others)
    assert np.count_nonzero((held > 0) & (held != TAKEN_OUT)) == len(left)
    if listed == "mediancr_pixels_rejected":  # it is out of the median alone
        view.target.value = "mean"
        assert dashboard.wait(60)
        found = dashboard.analysis.flags("mean").either.ravel()
        assert set(out[found[out]]) <= set(detected_pixels(state.model)[0])
