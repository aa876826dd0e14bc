"""What the teaching notebooks compute is right, and their figures show it."""

import dataclasses

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.combine import median_variance_factor
from crmasks_widgets.core.lacosmic.library import LacosmicSettings
from crmasks_widgets.core.lacosmic.stages import lacosmic_stages
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.figures import teaching as figures
from crmasks_widgets.simulate import Detector, Hits, expose
from crmasks_widgets.teaching import (
    combination_errors,
    expected_survivors,
    judge,
    judge_exposure,
    judge_median,
    lesson_scene,
    lesson_stack,
    repeated_pixel,
    share_hit,
)

SMALL = (60, 80)
NO_HITS = Hits(rate=0, double=0)


def flat_scene(rays, level=100.0, rnoise=0.0):
    """Exposures of a flat light with hits where they are wanted: (n, ny, nx) ADU."""
    made = expose(
        np.full(rays.shape[1:], level),
        len(rays),
        seed=1,
        detector=Detector(1.0, rnoise),
        hits=NO_HITS,
    )
    rays = rays.astype(np.float32)
    return dataclasses.replace(made, exposures=made.exposures + rays, cosmic_rays=rays)


@pytest.mark.slow
def test_light_and_hits_grow_with_time_and_rate():
    short, long = (lesson_scene(s, 1.0, 3, shape=SMALL, seed=2) for s in (600, 1200))
    np.testing.assert_allclose(long.truth, 2 * short.truth, rtol=1e-6)
    shares = [
        np.mean([share_hit(lesson_scene(s, r, 3, seed=i)) for i in range(12)])
        for s, r in ((1200, 1), (2400, 1), (1200, 2))
    ]
    assert shares[1] / shares[0] == pytest.approx(2, rel=0.3)
    assert shares[2] / shares[0] == pytest.approx(2, rel=0.3)
    assert not lesson_scene(600, 0, shape=SMALL).hits.any()


def test_order_statistics_of_a_pixel():
    ordered = repeated_pixel(400, 5, rnoise=10)
    assert np.all(np.diff(ordered, axis=1) >= 0)
    variance = 400 + 100
    assert ordered.mean() == pytest.approx(400, abs=0.3)
    assert ordered.var() == pytest.approx(variance, rel=0.02)
    median = np.var(ordered[:, 2]) / variance
    assert median == pytest.approx(median_variance_factor(5), rel=0.03)


@pytest.mark.parametrize(
    ("n", "p", "share"),
    [(1, 0.1, 0.1), (3, 0.1, 3 * 0.01 * 0.9 + 0.001), (4, 0.1, 4 * 0.001 * 0.9 + 0.0001)],
)
def test_expected_survivors_are_the_binomial_terms(n, p, share):
    assert expected_survivors(n, p, 5000) == pytest.approx(5000 * share)


def test_survivors_are_as_many_as_expected():
    made = [lesson_scene(2400, 2, 3, seed=seed) for seed in range(25)]
    expected = np.mean([expected_survivors(3, share_hit(s), s.double_hits.size) for s in made])
    seen = [s.double_hits.sum() for s in made]
    assert abs(np.mean(seen) - expected) < 4 * np.std(seen) / np.sqrt(len(seen))


def test_a_verdict_counts_found_missed_and_false():
    rays = np.zeros((3, 4, 50))
    rays[:2, 0, :10] = 500  # double hits, found
    rays[:2, 1, :5] = 35  # double hits, too faint for the boundary
    rays[0, 2, :20] = 500  # single hits: the median does not care
    rays[0, 3, 30], rays[1, 3, 30] = 500, 15  # the second is touched, not hit
    scene = flat_scene(rays)
    exposures = scene.exposures.copy()
    rays[0, 3, :2] = 500  # hit once: the median has no reason to be high
    exposures[:, 3, :4] = np.array([[100], [400], [400]])  # flagged all the same
    exposures[:, 3, 30] = (100, 300, 300)
    exposures[:, 1, :5] = np.array([[100], [110], [130]])
    exposures[:, 0, :10] = np.array([[100], [600], [600]])
    scene = dataclasses.replace(scene, exposures=exposures, cosmic_rays=rays.astype(np.float32))
    verdict = judge(scene, {0: 120, 1000: 120})
    assert verdict.found.sum() == 10
    assert verdict.missed.sum() == 5
    assert verdict.false.sum() == 4
    assert not verdict.false[3, 30]
    assert verdict.marks == pytest.approx(100 * 20 / 29)
    assert str(verdict) == "10 of 15 pixels found, 4 false ones: 69 of 100"
    assert judge(scene, {0: 1e9, 1: 1e9}).marks == 0
    nothing = flat_scene(np.zeros((3, 4, 50)))
    assert judge(nothing, {0: 1e9, 1: 1e9}).marks == 100


def test_a_boundary_may_slope_and_exposures_have_bias_and_factors():
    light = np.full((40, 60), 400.0)
    made = expose(
        light, 3, seed=3, detector=Detector(1.0, 3.0, 500.0), hits=Hits(rate=0, double=30),
        flux_factors=(1.0, 0.9, 1.1),
    )  # fmt: skip
    stack = lesson_stack(made)
    assert np.median(stack.median2d) == pytest.approx(400, rel=0.02)
    assert judge(made, {0: 0.0, 800: 240.0}).marks > 80
    assert judge(made, {0: 240.0, 400: 0.0}).marks < 60


def test_an_exposure_is_judged_by_its_own_hits():
    scene = lesson_scene(1200, 5, 2, shape=SMALL)
    for number in (1, 2):
        own = scene.hits[number - 1]
        verdict = judge_exposure(scene, number, own)
        assert (verdict.marks, verdict.found.sum()) == (100, own.sum())
        other = judge_exposure(scene, number, scene.hits[2 - number])
        assert other.marks < 60
        assert other.false.sum() > 0


def test_errors_of_combinations_are_told_apart_by_what_was_hit():
    rays = np.zeros((3, 2, 3000))
    rays[0, 0, :1000] = 5000
    rays[:2, 1, :100] = 5000
    scene = flat_scene(rays, level=400.0)
    exact = {"truth": scene.mean_truth, "high": scene.mean_truth + 20.0 * 6}
    table = combination_errors(exact, scene)
    assert list(table["exposures hit"]) == ["none", "up to half", "more than half"] * 2
    assert list(table["pixels"]) == [4900, 1000, 100] * 2
    np.testing.assert_allclose(table["mean error"], [0] * 3 + [6] * 3, atol=1e-5)
    np.testing.assert_allclose(table["rms error"], [0] * 3 + [6] * 3, atol=1e-5)
    assert list(table["beyond 5 sigma"]) == [0, 0, 0, 4900, 1000, 100]
    noisy = combination_errors({"median": lesson_stack(scene).median2d}, scene)
    expected = np.sqrt(median_variance_factor(3))
    assert noisy["rms error"][0] == pytest.approx(expected, rel=0.04)
    untouched = flat_scene(np.zeros((3, 2, 30)))
    clean = combination_errors({"truth": untouched.mean_truth}, untouched)
    assert np.isnan(clean["rms error"][2])


@pytest.mark.parametrize(
    "make", [lambda: lesson_scene(0), lambda: lesson_scene(600, -1), lambda: lesson_scene(np.nan)]
)
def test_impossible_lessons_are_refused(make):
    with pytest.raises(ParameterError, match="seconds, rate: found"):
        make()


# Figures


def labels(figure):
    return {
        text.get_text()
        for axes in figure.axes
        if axes.get_legend() is not None
        for text in axes.get_legend().get_texts()
    }


@pytest.mark.slow
def test_every_axis_has_a_label_with_its_unit(tmp_path):
    scene = lesson_scene(2400, 3, 3, shape=SMALL)
    frame = scene.exposures[0]
    stages = lacosmic_stages(frame, LacosmicSettings(), gain=1.0, rnoise=3.4)
    frames = {"median": lesson_stack(scene).median2d, "mean": lesson_stack(scene).mean2d}
    points = {100.0: 60.0, 1000.0: 150.0}
    drawn = {
        "order": figures.order_figure(repeated_pixel(100, 3, size=2000), 100),
        "exposures": figures.exposures_figure(scene),
        "diagram": figures.diagram_figure(scene, points, judge(scene, points)),
        "stages": figures.stages_figure(frame, stages, 5.0, 5.0),
        "errors": figures.error_figure(frames, scene),
    }
    for name, figure in drawn.items():
        figure.savefig(tmp_path / f"{name}.png", dpi=40)
        text = " ".join(
            axes.get_xlabel() + axes.get_ylabel() + axes.get_title() for axes in figure.axes
        )
        assert any(unit in text for unit in ("electrons", "sigma", "pixel")), name
    assert {"minimum", "median", "maximum", "truth"} <= labels(drawn["order"])
    verdict = judge(scene, points)
    assert f"found: {verdict.found.sum()}" in labels(drawn["diagram"])
    assert f"false: {verdict.false.sum()}" in labels(drawn["diagram"])


def test_pixels_are_marked_where_they_lie():
    scene = lesson_scene(2400, 3, 3, shape=SMALL)
    figure = figures.exposures_figure(scene)
    (marks,) = figure.axes[1].collections
    y, x = np.nonzero(scene.double_hits)
    np.testing.assert_array_equal(marks.get_offsets(), np.column_stack([x, y]) + 1)
    points = {0.0: 60.0, 1000.0: 150.0}
    verdict = judge(scene, points)
    stack = lesson_stack(scene)
    found = figures.diagram_figure(scene, points, verdict).axes[0].collections[1]
    np.testing.assert_allclose(found.get_offsets()[:, 0], stack.min2d[verdict.found], rtol=1e-6)


def spline_analysis(scene):
    parameters = cm.Parameters(rnoise=scene.rnoise, crmethod="mmcosmic", mm_seed=1)
    return cm.Analysis(cm.ExposureSet.from_arrays(list(scene.exposures)), parameters)


def test_a_part_of_the_diagram_marks_what_lies_in_it(tmp_path):
    scene = lesson_scene(2400, 3, 3, shape=SMALL)
    analysis = spline_analysis(scene)
    verdict = judge_median(scene, analysis.flags("median").either)
    stack = analysis.stack
    height = stack.median2d - stack.min2d
    limits = (float(stack.min2d.min()), 300.0, 0.0, float(np.median(height[verdict.found])))
    figure = figures.flagged_figure(analysis, verdict, limits)
    figure.savefig(tmp_path / "part.png", dpi=40)
    left, right = figure.axes[:2]
    inside = verdict.found & (stack.min2d <= limits[1]) & (height <= limits[3])
    assert 0 < inside.sum() < verdict.found.sum()
    in_diagram, in_image = left.collections[1].get_offsets(), right.collections[0].get_offsets()
    np.testing.assert_allclose(in_diagram[:, 1], height[inside], rtol=1e-6)
    y, x = np.nonzero(inside)
    np.testing.assert_array_equal(in_image, np.column_stack([x, y]) + 1)
    line = left.lines[0]
    np.testing.assert_allclose(line.get_ydata(), analysis.boundary.boundary(line.get_xdata()))
    assert "ADU" in left.get_xlabel()
    assert "ADU" in left.get_ylabel()


def test_hits_stand_below_each_other_and_are_outlined(tmp_path):
    scene = lesson_scene(2400, 3, 3, shape=SMALL)
    analysis = spline_analysis(scene)
    numbers = [1, len(analysis.hits)]
    figure = figures.hits_figure(analysis, {f"no. {number}": number for number in numbers}, 4)
    figure.savefig(tmp_path / "hits.png", dpi=40)
    panels = np.reshape(figure.axes[:10], (2, 5))
    for row, number in zip(panels, numbers, strict=True):
        hit = analysis.hits[number - 1]
        for axes, frame in zip(row, [*analysis.stack.cube, analysis.stack.median2d], strict=False):
            assert np.array_equal(axes.images[0].get_array(), frame)
            x, y = (np.asarray(values) for values in axes.lines[0].get_data())
            assert (np.nanmin(x), np.nanmax(x)) == (hit["xmin"] - 0.5, hit["xmax"] + 0.5)
            assert (np.nanmin(y), np.nanmax(y)) == (hit["ymin"] - 0.5, hit["ymax"] + 0.5)
        last = row[-1].images[0].get_array()
        assert np.array_equal(last, analysis.combination("mediancr").data)
        assert row[0].get_ylabel().startswith(f"no. {number}")


def test_errors_beyond_the_axis_are_not_hidden():
    scene = lesson_scene(600, 0, 3, shape=SMALL)
    figure = figures.error_figure({"high": scene.mean_truth + 1e5}, scene)
    heights = figure.axes[0].patches[0].get_xy()[:, 1]
    assert heights.max() == pytest.approx(100)
