"""The diagram in units of sigma, its thresholds, and the noise check."""

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import LevelClass, NoiseCheck
from crmasks_widgets.core.noise_remarks import fitted_parameters, remarks_on
from crmasks_widgets.dashboard.diagram.noise_banner import NoiseBanner
from crmasks_widgets.dashboard.diagram.noise_panel import (
    matching_text,
    noise_text,
)
from crmasks_widgets.dashboard.diagram.significance_view import SignificanceView
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.image.frames import pixel_line
from crmasks_widgets.dashboard.model.on_screen import detected_pixels
from crmasks_widgets.dashboard.page.status import HINT, found
from crmasks_widgets.detectors import DETECTORS

from ..conftest import small_scene
from .bench import Bench
from .conftest import decoded


@pytest.fixture(params=["significance", "significance_lacosmic"])
def dashboard(request):
    scene = small_scene()
    parameters = cm.Parameters(
        gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=5, mm_nsimulations=2,
        la_niter=2, crmethod=request.param,
    )  # fmt: skip
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(scene.exposures)), parameters)
    shown = cm.Dashboard(analysis)
    assert shown.wait(60)
    yield shown
    shown.close()


@pytest.fixture
def view(dashboard):
    return dashboard.session.significance


def look(dashboard, *, away=False):
    dashboard.session.significance.shown(not away)
    assert dashboard.wait(60)


def computed(dashboard):
    return {stage for stage, _ in dashboard.analysis.computed()}


def panel(dashboard):
    return dashboard.session.diagram.panels["observed"]


def levels(dashboard):
    return {level["text"].split()[0]: level["y"] for level in panel(dashboard).hand.scene["levels"]}


def test_the_noise_is_not_checked_while_nobody_looks(dashboard, view):
    assert not {"noise_check", "dispersions"} & computed(dashboard)
    assert view.panels.children == ()
    look(dashboard)
    assert "noise_check" in computed(dashboard)
    assert view.panels.children == (view.noise.widget,)


def test_the_diagram_is_in_sigma_with_its_thresholds_and_glyphs(dashboard):
    seen = set()
    for target in ("median", "mean", 2):
        dashboard.state.show(target=target)
        assert dashboard.wait(60)
        limits, shown = dashboard.analysis.significance_limits(target), panel(dashboard)
        assert levels(dashboard) == {"start": limits.start[0], "growth": limits.growth}
        assert shown.hand.axes["y"]["unit"] == "σ"
        _, codes = detected_pixels(dashboard.state.model)
        picture = decoded(shown.glyphs.png)
        colours = {tuple(c) for c in picture[picture[..., 3] == 255][:, :3].tolist()}
        assert len(codes) > 0
        for code in all_codes().values():
            assert (rgb(code.colour) in colours) == (code.number in codes), code.name
        seen.add(shown.density.png)
    assert len(seen) == 3


def test_every_significant_pixel_is_inside_and_a_click_selects_its_hit(dashboard):
    diagram, model = dashboard.session.diagram, dashboard.state.model
    x_min, x_max, y_min, y_max = diagram._gestures.limits
    pixels, x, y, _ = diagram._painter.flagged(model)
    assert ((x > x_min) & (x < x_max) & (y > y_min) & (y < y_max)).all()
    k = int(np.flatnonzero(dashboard.analysis.labels.ravel()[pixels])[0])
    at = {"x": (x[k] - x_min) / (x_max - x_min), "y": (y[k] - y_min) / (y_max - y_min)}
    dashboard.session.page._handle_custom_msg({"event": "click", "plot": "observed", **at}, [])
    found = dashboard.analysis.labels[dashboard.state.model.selection.pixel]
    assert found == dashboard.analysis.labels.ravel()[pixels[k]]


def test_its_view_is_not_that_of_the_diagram_in_adu(dashboard):
    limits = dashboard.session.diagram._gestures.limits
    dashboard.session.page.wheel = {"plot": "observed", "x": 0.5, "y": 0.5, "total": -200.0}
    display = dashboard.state.model.display
    assert display.sigma is not None
    assert display.diagram is None
    dashboard.state.update(crmethod="mmcosmic")
    assert dashboard.wait(60)
    hand = panel(dashboard).hand
    assert hand.axes["y"]["unit"] == "ADU"
    assert hand.scene["levels"] == []
    assert dashboard.session.diagram._gestures.limits != limits


def test_false_alarms_move_the_threshold_and_the_masks(dashboard, view):
    look(dashboard)
    before = levels(dashboard)["start"]
    view.editors["sg_false_alarms"].slider.value = 0.1
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.sg_false_alarms == pytest.approx(0.1)
    assert levels(dashboard)["start"] > before
    view.editors["sg_growth"].text.value = "2.5"
    assert dashboard.wait(60)
    assert dashboard.analysis.parameters.sg_growth == 2.5
    assert levels(dashboard)["growth"] == 2.5


def test_a_value_that_cannot_be_used_is_said_and_changes_nothing(dashboard, view):
    look(dashboard)
    before = dashboard.state.model.parameters
    view.editors["sg_growth"].text.value = "1"
    assert view._error.text.startswith("growth (\u03c3): found 1, expected")
    assert dashboard.state.model.parameters == before


def test_a_pixel_that_it_flags_is_read_out_as_such(dashboard):
    model = dashboard.state.model
    found = model.analysis.flags("median").found["significance"] & model.analysis.masks["MEDIANCR"]
    y, x = np.argwhere(found)[0]
    assert "significance in median · MEDIANCR" in pixel_line(model, int(y), int(x))


def test_another_method_offers_significance(dashboard, view):
    dashboard.state.update(crmethod="lacosmic")
    look(dashboard)
    assert "crmethod lacosmic" in view.how.value
    view.use.click()
    assert dashboard.wait(60)
    assert dashboard.state.model.parameters.crmethod == "significance"


def test_no_boundary_and_no_count_of_a_method_that_does_not_run(dashboard):
    assert panel(dashboard).hand.scene["curve"] is None
    names = {each["name"] for each in dashboard.session.status.widget.found["entries"]}
    assert names & {"significance", "both"}
    assert "MM" not in names
    assert HINT in dashboard.session.status.message.value


def test_opening_the_page_is_looking(dashboard, view):
    dashboard.session.drawer.open("Noise")
    assert view.active
    dashboard.session.drawer.open("Parameters")
    assert not view.active


@pytest.mark.slow
def test_fitted_gain_and_readout_noise_are_taken():
    # Many dark pixels, and bright ones.
    rng, level = np.random.default_rng(4), 3000 * np.linspace(0, 1, 40_000).reshape(200, 200) ** 4
    frames = rng.poisson(level * 1.5, (3, 200, 200)) / 1.5 + rng.normal(0, 3, (3, 200, 200))
    exposures = cm.ExposureSet.from_arrays(list(frames.astype(np.float32)))
    parameters = cm.Parameters(gain=2.0, rnoise=5.0, crmethod="significance", mm_seed=1)
    with closing(cm.Dashboard(cm.Analysis(exposures, parameters))) as dashboard:
        look(dashboard)
        take_fitted(dashboard, dashboard.session.significance)


def take_fitted(dashboard, view):
    check, noise = dashboard.analysis.noise_check, dashboard.analysis.calibration.noise
    assert view.noise.observed.x.tolist() == [c.predicted for c in check.classes]
    assert view.noise.observed.y.tolist() == [c.observed for c in check.classes]
    assert view.noise.text.value == noise_text(check, noise, remarks_on(check, noise, ()))
    assert view.noise.matching.value == matching_text(dashboard.analysis.matching)
    assert "Before the tests: " in view.noise.matching.value
    assert "Exposure 3: seeing " in view.noise.matching.value
    # No second brightness beside that of the noise check.
    assert "flux" not in view.noise.matching.value
    assert "Structure alone, against the mean of the exposures (" in view.noise.matching.value
    scatter = dashboard.analysis.dispersions.in_words.replace("+/-", "\u00b1")
    assert view.noise.scatter.value == f"S{scatter[1:]}."
    fitted = fitted_parameters(check, noise)
    assert fitted == {"gain": pytest.approx(1.5, rel=0.05), "rnoise": pytest.approx(3, rel=0.1)}
    assert "Look at gain" in view.noise.text.value
    assert "Look at rnoise" in view.noise.text.value
    with mock.patch.object(dashboard.session.engine, "submit"):  # it takes its time
        dashboard.state.update(dilation=3)
        assert view.noise.button.disabled
        dashboard.state.undo()
    view.noise.button.click()
    assert dashboard.wait(60)
    for name, value in fitted.items():
        assert getattr(dashboard.analysis.parameters, name) == value
    assert "The noise is as predicted." in view.noise.text.value


def test_nothing_is_offered_where_the_levels_do_not_tell(dashboard, view):
    look(dashboard)
    assert "unknown" in view.noise.text.value
    assert view.noise.button.disabled


CHECK = NoiseCheck(
    (LevelClass(100.0, 5000, 10.0, 12.0, 12.0),), 1.23456, 0.01, np.nan, np.nan,
    ((0.0, 0.001),) * 3, ((0.0, 0.0, 0.01),) * 3,
)  # fmt: skip


def test_what_is_not_known_is_not_offered_and_maps_are_kept():
    assert fitted_parameters(CHECK, Noise(1.5, 3.0)) == {"gain": 1.235}
    assert fitted_parameters(CHECK, Noise(np.full((2, 2), 1.5), 3.0)) == {}
    noise = Noise(1.5, 3.0)
    text = noise_text(CHECK, noise, remarks_on(CHECK, noise, ()))
    assert "1.20 times as much as predicted" in text
    assert "readout noise unknown" in text
    assert "<b>Look at gain</b>" in text


def checked(analysis, check):
    """What views ask of an analysis whose noise check came to this."""
    return SimpleNamespace(
        noise_check=check, noise=analysis.noise, parameters=analysis.parameters,
        exposures=analysis.exposures, computed=lambda: {("noise_check", None)},
    )  # fmt: skip


def test_no_gain_is_offered_where_the_exposures_are_in_electrons():
    frames = [np.random.default_rng(i).normal(100, 3, (20, 20)) for i in range(3)]
    for unit, offered in (("ADU", {"gain": 1.235}), ("electron", {})):
        headers = [fits.Header({"BUNIT": unit})] * 3
        exposures = cm.ExposureSet.from_arrays(frames, headers=headers)
        bench = Bench(cm.Analysis(exposures, cm.Parameters(gain=1, rnoise=3, crmethod="lacosmic")))
        banner, view = NoiseBanner(bench.context), SignificanceView(bench.context)
        for part in (banner, view):
            part.active = True
            part.render(bench.model.of(checked(bench.model.analysis, CHECK)))
        assert banner.better == view.noise.fitted == offered
        text = view.noise.text.value
        assert ("(1 given)" in text) == ("ADU" in text) == bool(offered)
        assert ("the gain of electrons is 1" in text) == (not offered)


def test_nothing_is_said_of_displacements_that_were_given():
    frames = [np.random.default_rng(i).normal(100, 3, (20, 20)) for i in range(3)]
    offsets = ((0.0, 0.0, 0.01), (0.0, 0.0, 0.01), (0.3, 0.0, 0.01))
    quiet = (LevelClass(100.0, 5000, 10.0, 10.0, 10.0),)
    check = replace(CHECK, classes=quiet, offsets=offsets)
    kind = {"crmethod": "lacosmic"}
    for given, said in ((None, True), (((0, 0), (0, 0), (0.3, 0)), False)):
        parameters = cm.Parameters(gain=CHECK.gain, rnoise=3, mm_xy_offsets=given, **kind)
        bench = Bench(cm.Analysis(cm.ExposureSet.from_arrays(frames), parameters))
        known = checked(bench.model.analysis, check)
        banner, view = NoiseBanner(bench.context), SignificanceView(bench.context)
        for part, text in ((banner, banner.text), (view, view.noise.text)):
            part.active = True
            part.render(bench.model.of(known))
            assert ("mm_xy_offsets" in text.value) == said


def test_counts_name_the_methods_that_found_something():
    counts = {"either": 3, "lacosmic only": 1, "mm only": 0, "significance only": 2, "both": 0}
    shown = found(counts, "mean", (2, 0), 5, frozenset({DETECTORS["lacosmic"].code}))
    assert shown["total"] == "2 hits · 5 pixels"
    assert [(e["name"], e["count"], e["hidden"]) for e in shown["entries"]] == [
        ("L.A.Cosmic", "1", True), ("significance", "2", False),
    ]  # fmt: skip
