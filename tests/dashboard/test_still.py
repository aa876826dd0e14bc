"""What a page without widgets shows of a dashboard."""

import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

import crmasks_widgets as cm
from crmasks_widgets.dashboard import still
from crmasks_widgets.dashboard.model.state import State

from .bench import small_analysis
from .conftest import decoded


def model_of(analysis):
    return State(analysis, lambda parameters: None).model


def test_a_dashboard_has_a_picture_and_a_text(dashboard):
    bundle = dashboard._repr_mimebundle_()
    assert any("widget-view" in kind for kind in bundle)
    analysis = dashboard.analysis
    ny, nx = analysis.exposures.shape
    assert f"3 exposures of {nx} x {ny} pixels, {analysis.n_hits} hits" in bundle["text/plain"]
    picture = decoded(base64.b64decode(bundle["image/png"]))
    assert picture.shape[:2] == (ny, 2 * nx + 8)
    marked = (picture[:, nx + 8 :, :3] == still.HIT).all(axis=-1)
    np.testing.assert_array_equal(marked, analysis.mediancr)
    assert not (picture[:, :nx, :3] == still.HIT).all(axis=-1).any()


def test_nothing_is_computed_for_a_picture():
    analysis = small_analysis()
    fresh = cm.Analysis(analysis.exposures, analysis.parameters)
    model = model_of(fresh)
    picture = Image.open(io.BytesIO(still.still_png(model)))
    assert picture.size == fresh.exposures.shape[::-1]
    assert "hits" not in still.still_text(model)
    assert not fresh.computed()


def test_a_large_frame_is_sampled_and_no_hit_is_lost(monkeypatch):
    analysis = small_analysis()
    monkeypatch.setattr(still, "LONGEST_SIDE", 20)
    assert analysis.mediancr.any()
    model = model_of(analysis)
    picture = decoded(still.still_png(model))
    step = -(-max(analysis.exposures.shape) // 20)
    ny, nx = (-(-side // step) for side in analysis.exposures.shape)
    assert picture.shape[:2] == (ny, 2 * nx + 8)
    marked = (picture[:, nx + 8 :, :3] == still.HIT).all(axis=-1)
    blocks = {(y // step, x // step) for y, x in np.argwhere(analysis.mediancr)}
    assert {tuple(place) for place in np.argwhere(marked)} == blocks


def test_limits_set_by_hand_hold():
    analysis = small_analysis()
    model = model_of(analysis)
    display = replace(model.display, limits="manual", low=1e6, high=2e6)
    dark = decoded(still.still_png(replace(model, display=display)))
    nx = analysis.exposures.shape[1]
    assert len(np.unique(dark[:, :nx, :3])) == 1


def test_of_a_long_frame_the_middle_is_drawn_and_a_wide_one_lies_above_its_mask():
    frames = np.random.default_rng(2).normal(200, 3, (3, 300, 40)).astype(np.float32)
    for frame in frames[:2]:
        frame[[5, 150], 20] += 900
    for turned in (False, True):
        cube = frames.transpose(0, 2, 1) if turned else frames
        analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(cube)), small_analysis().parameters)
        masked = analysis.mediancr
        assert masked.any(axis=0 if turned else 1)[[5, 150]].all()
        picture = decoded(still.still_png(model_of(analysis)))
        assert picture.shape[:2] == ((88, 80) if turned else (80, 88))
        marked = (picture[..., :3] == still.HIT).all(axis=-1)
        half = marked[:40] if turned else marked[:, 48:]
        middle = slice(110, 190)
        np.testing.assert_array_equal(half, masked[:, middle] if turned else masked[middle])
        assert "In the picture, the middle." in still.still_text(model_of(analysis))
