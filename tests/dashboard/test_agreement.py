"""What is on screen is what its parameters make, and what the program makes of the saved file."""

import random

import numpy as np
import pytest
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.dashboard.model import edits

from ..conftest import LEVELS, QUICK, SHAPE, small_scene, write_exposures, write_yaml
from ..counts import count

N_EDITS = 12
CHOICES = {
    "la_sigclip": (4.0, 5.0, 7.5), "la_objlim": (2.0, 5.0), "la_niter": (1, 2),
    "crmethod": ("lacosmic", "mmcosmic", "mm_lacosmic", "significance"), "dilation": (0, 1, 2),
    "mm_boundary_fit": ("spline", "piecewise"), "mm_threshold": (0.0, 40.0, None),
    "flux_factor": (None, 1.1, "auto"), "bias": (95.0, 100.0), "gain": (1.4, 1.5),
    "sg_corrected": (("coincident",), ("coincident", "residual")), "use_lamedian": (True, False),
    "regions_to_be_skipped": (None, ((1, 9, 1, 9),)), "mm_nsimulations": (1, 2),
    "pixels_to_be_replaced_by_local_median": (None, ((20, 21, 3, 3),)),
}  # fmt: skip


def analysis_of(folder, from_files):
    settings = QUICK | {"mm_nsimulations": 1, "la_niter": 1}
    if not from_files:
        exposures = cm.ExposureSet.from_arrays(list(small_scene().exposures))
        return cm.Analysis(exposures, cm.Parameters(**LEVELS, **settings))
    images = write_exposures(folder, small_scene().exposures)
    return cm.load_analysis(write_yaml(folder / "given.yaml", images, **settings))


def stroke(rng):
    x, y = rng.randint(2, SHAPE[1] - 4), rng.randint(2, SHAPE[0] - 4)
    return [(x + i, y + j) for i in range(3) for j in range(2)]


def hit(rng, analysis):
    """FITS pixels of one of the hits on screen."""
    labels = analysis.labels
    if not labels.max():
        return []
    y, x = np.nonzero(labels == rng.randint(1, int(labels.max())))
    return [(int(i) + 1, int(j) + 1) for i, j in zip(x, y, strict=True)]


def edit(dashboard, rng):
    """Do what a user may do; what is refused changes nothing."""
    state = dashboard.state
    parameters = state.model.parameters
    kind = rng.choice(["value", "value", "paint", "erase", "hit", "drag", "drag", "undo", "redo"])
    if kind == "value":
        name = rng.choice(sorted(CHOICES))
        others = [value for value in CHOICES[name] if value != getattr(parameters, name)]
        state.update(**{name: rng.choice(others)})
    elif kind == "paint":
        state.update(**edits.flag_pixels(parameters, stroke(rng)))
    elif kind == "erase":
        state.update(**edits.erase_pixels(parameters, stroke(rng)))
    elif kind == "hit":
        act = rng.choice([edits.reject_hits, edits.leave_undecided, edits.ignore_hits])
        state.update(**act(parameters, hit(rng, dashboard.analysis)))
    elif kind == "drag":
        state.begin_gesture()
        for _ in range(3):
            points = ((0, 20 + rng.random() * 9), (500, 90 + rng.random() * 50), (5000, 350))
            state.update(mm_fixed_points_in_boundary=points)
        state.end_gesture()
    else:
        getattr(state, kind)()


def edited(dashboard, rng):
    for _ in range(N_EDITS):
        try:
            edit(dashboard, rng)
        except cm.ParameterError:
            continue  # as use_lamedian without L.A.Cosmic
        if rng.random() < 0.5:
            assert dashboard.wait(60)
    assert dashboard.wait(60)


@pytest.mark.parametrize("seed", range(count(2, 30)))
@pytest.mark.slow
def test_the_program_makes_the_masks_on_screen(tmp_path, seed):
    dashboard = cm.Dashboard(analysis_of(tmp_path, from_files=bool(seed % 2)))
    rng = random.Random(seed)  # noqa: S311
    try:
        edited(dashboard, rng)
        shown = dashboard.analysis
        assert shown.parameters == dashboard.state.model.parameters
        cm.save_session(shown, tmp_path / "session.yaml")
        _undo_and_redo_all(dashboard, shown)
    finally:
        dashboard.close()
    arguments = ["run", str(tmp_path / "session.yaml"), "--output-dir", str(tmp_path / "out")]
    assert cli.main([*arguments, "--no-figures", "--log-level", "ERROR"]) == 0
    with fits.open(tmp_path / "out" / "crmasks.fits") as hdus:
        for name, mask in shown.masks.items():
            np.testing.assert_array_equal(hdus[name].data, mask.astype(np.uint8), name)
    for kind in ("mediancr", "meancrt", "meancr"):
        made = fits.getdata(tmp_path / "out" / f"combined_{kind}.fits")
        np.testing.assert_array_equal(made, shown.combination(kind).data, kind)


def _undo_and_redo_all(dashboard, shown):
    state = dashboard.state
    while state.can_redo:
        state.redo()
    newest = state.model.parameters
    while state.can_undo:
        state.undo()
    assert dashboard.wait(60)
    while state.can_redo:
        state.redo()
    assert dashboard.wait(60)
    assert state.model.parameters == newest
    if newest == shown.parameters:
        for name, mask in dashboard.analysis.masks.items():
            np.testing.assert_array_equal(mask, shown.masks[name], name)


@pytest.mark.parametrize("seed", range(count(2, 30)))
@pytest.mark.slow
def test_a_result_on_screen_carries_the_parameters_that_it_was_made_from(tmp_path, seed):
    dashboard = cm.Dashboard(analysis_of(tmp_path, from_files=False))
    on_screen = {}

    def seen(model):
        # What is known now, before a later edit shares any of it.
        if model.ready("mediancr"):
            made = on_screen.setdefault(model.analysis.parameters, [])
            made.append(model.analysis.mediancr)

    dashboard.state.subscribe(seen)
    try:
        edited(dashboard, random.Random(1000 + seed))  # noqa: S311
        exposures = dashboard.analysis.exposures
    finally:
        dashboard.close()
    assert len(on_screen) > 2
    for parameters, masks in on_screen.items():
        direct = cm.Analysis(exposures, parameters).mediancr
        for mask in masks:
            np.testing.assert_array_equal(mask, direct)
