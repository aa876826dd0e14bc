"""Two exposures: each is compared with the other, and what is hit in both is called lost."""

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.demo import demo_scene
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.figures.diagnostics import Detected, diagnostic_figure
from crmasks_widgets.parameters.types import METHODS
from crmasks_widgets.report import report_html

from .counts import count

SQUARE = np.ones((3, 3), dtype=bool)


def analysis_of(scene, frames=None, **settings):
    given = {"gain": scene.gain, "rnoise": scene.rnoise, "bias": scene.bias}
    parameters = cm.Parameters(crmethod="significance", **given, **settings)
    exposures = cm.ExposureSet.from_arrays(list(scene.exposures if frames is None else frames))
    return cm.Analysis(exposures, parameters)


def quiet_frames(scene, seed):
    """The scene without cosmic rays, hot pixels and bad columns."""
    rng = np.random.default_rng(seed)
    light = np.maximum(scene.truth, 0)
    noise = rng.normal(scene.bias, scene.rnoise, light.shape)
    return np.rint(rng.poisson(light * scene.gain) / scene.gain + noise).astype(np.float32)


@pytest.fixture(scope="module")
def scene():
    return demo_scene((300, 400), seed=3, n_exposures=2)


@pytest.fixture(scope="module")
def analysis(scene):
    return analysis_of(scene)


def test_each_exposure_shows_the_hits_of_its_own(scene, analysis):
    height = scene.cosmic_rays / scene.sigma
    for number in (1, 2):
        mine, other = height[number - 1], height[2 - number]
        strong = (mine > 12) & (other < 1)
        assert np.count_nonzero(strong) > 300
        assert np.mean(analysis.mask(number)[strong]) >= 0.99
        found = ndimage.label(analysis.detections(number).either, SQUARE)[0]
        true = ndimage.binary_dilation(scene.cosmic_rays[number - 1] > 0, SQUARE) | scene.hot_pixels
        assert len(np.setdiff1d(found, found[true])) <= 3


@pytest.mark.parametrize("kind", ["fibres", "stars"])
@pytest.mark.slow
def test_false_alarms_are_what_was_asked_for(kind):
    n = count(8, 50)
    groups = 0
    for seed in range(n):
        scene = demo_scene((128, 160), seed=seed, kind=kind, n_exposures=2)
        quiet = analysis_of(scene, quiet_frames(scene, seed), sg_false_alarms=5.0)
        groups += ndimage.label(quiet.detections("median").either, SQUARE)[1]
    assert groups <= 5 * n + 3 * np.sqrt(5 * n)


@pytest.mark.parametrize("kind", ["mediancr", "meancrt", "meancr"])
def test_combinations_are_made_of_what_is_left(scene, analysis, kind):
    made = analysis.combination(kind)
    hit = scene.hits
    pull = (made.data - scene.mean_truth) / np.sqrt(made.variance)
    alone = hit.any(axis=0) & ~ndimage.binary_dilation(hit.all(axis=0), SQUARE, iterations=2)
    assert np.count_nonzero(alone) > 500
    assert np.std(pull[~hit.any(axis=0)]) == pytest.approx(1, abs=0.03)
    assert np.std(pull[alone]) == pytest.approx(1, abs=0.12)
    assert np.mean(np.abs(pull[alone]) > 5) < 0.005
    assert (made.map[alone] == 1).mean() > 0.9


def test_what_is_hit_in_both_is_named():
    rng = np.random.default_rng(5)
    frames = rng.normal(100, 3, (2, 60, 60)).astype(np.float32)
    frames[0, 30, 20:30] += 900  # tracks that cross in one pixel
    frames[1, 25:36, 25] += 400
    frames[0, 10, 10:13] += 500
    parameters = cm.Parameters(crmethod="significance", gain=1.0, rnoise=3.0)
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)
    assert analysis.problematic[30, 25]
    reasons = {str(row["reason"]) for row in analysis.hits}
    assert any("in all" in reason for reason in reasons)
    assert any(reason.endswith("3 pixels hit in 1 exposure") for reason in reasons)
    assert set(analysis.hits["class"]) == {"exposures differ"}
    # Each exposure shows its own track, and they disagree: the crossing has an estimate.
    assert analysis.combination("mediancr").data[30, 25] == pytest.approx(100, abs=15)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"significance"}))
def test_methods_that_need_three_say_so(analysis, method):
    with pytest.raises(ParameterError, match=f"crmethod: found {method} with 2 exposures"):
        analysis.replace(crmethod=method)


def test_the_diagram_of_two_is_minimum_and_range(analysis):
    found = Detected(analysis, "median")
    stack = analysis.stack
    np.testing.assert_array_equal(found.height, stack.max2d - stack.min2d)
    (panel, *_) = diagnostic_figure(analysis, "median").axes
    assert panel.get_ylabel() == "maximum − minimum (ADU)"
    assert "No hit" not in report_html(analysis)


def test_from_two_files_alone_to_products(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "d", "--size", "120", "100", "--exposures", "2", "--no-figures"]) == 0
    assert "true hits found" in capsys.readouterr().out
    assert cli.main(["init", "d/exposure1.fits", "d/exposure2.fits", "--yes"]) == 0
    text = (tmp_path / "params.yaml").read_text()
    assert "crmethod: significance" in text
    assert "need at least 3" in text
    assert cli.main(["run", "params.yaml", "--output-dir", "o", "--no-figures"]) == 0
    with fits.open("o/crmasks.fits") as hdus:
        assert [hdu.name for hdu in hdus][1:5] == ["MEDIANCR", "MEANCRT", "CRMASK1", "CRMASK2"]
