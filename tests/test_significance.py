"""Runs with crmethod: significance, from exposures to masks, combinations, tables and the check."""

import re
from functools import cache

import numpy as np
import pytest
from astropy.table import Table
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.core.codes import BOTH, DILATION
from crmasks_widgets.core.masks import grow
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.hit_classes import ALIKE_NAME, CLASS_NAMES, CLASSES, LOW_REASON, PLAIN_NAME
from crmasks_widgets.simulate import Detector, Hits, fibre_spectrograph

from . import golden_cases
from .conftest import LEVELS

SIGNIFICANCE_ONLY = DETECTORS["significance"].code

BASE = cm.Parameters(
    gain=1.5, rnoise=3.0, bias=100.0, crmethod="significance", interactive=False, mm_seed=1
)
DETECTOR = Detector(gain=1.5, rnoise=3.0, bias=100.0)


@cache
def scene(n=3, double=8, seed=3, shape=(160, 180)):
    hits = Hits(rate=1500.0, double=double)
    return fibre_spectrograph(shape, n, seed=seed, detector=DETECTOR, hits=hits)


def run(made, **changes):
    exposures = cm.ExposureSet.from_arrays(list(made.exposures))
    return cm.Analysis(exposures, BASE.replace(**changes))


def sigma(made):
    return np.sqrt(np.maximum(made.truth[0], 0) / 1.5 + 9)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_hits_are_found_and_nothing_else(n):
    made = scene(n)
    analysis = run(made)
    hit = made.cosmic_rays > 5 * sigma(made)
    double = hit.sum(axis=0) >= 2
    assert double.sum() > 10
    # A second hit of 5 to 6 sigma, alone beside a strong one, is at the limit of what noise hides.
    assert np.count_nonzero(analysis.mediancr & double) >= 0.95 * double.sum()
    clear = (made.cosmic_rays > 8 * sigma(made)).sum(axis=0) >= 2
    assert np.count_nonzero(analysis.mediancr & clear) == clear.sum()
    near = grow((made.cosmic_rays > 3 * sigma(made)).sum(axis=0) >= 2, 2)
    assert len(analysis.hits) - len(np.unique(analysis.labels[near & analysis.mediancr])) <= 2
    bare = analysis.replace(dilation=0)
    for i in range(1, n + 1):
        strong = made.cosmic_rays[i - 1] > 12 * sigma(made)
        assert np.count_nonzero(bare.mask(i) & strong) >= 0.95 * strong.sum()


@pytest.mark.parametrize(
    ("shape", "measured", "said"), [(50.0, True, False), (1000.0, False, True), (1e9, False, False)]
)
def test_scatter_that_follows_the_level_leaves_few_false_groups_or_they_are_announced(
    shape, measured, said, caplog
):
    rng = np.random.default_rng(1)
    level = np.broadcast_to(np.linspace(20, 3000, 200), (3, 150, 200))
    frames = rng.negative_binomial(shape, shape / (shape + level)) + rng.normal(0, 3, level.shape)
    analysis = cm.Analysis(
        cm.ExposureSet.from_arrays(list(frames.astype(np.float32))),
        BASE.replace(gain=1.0, bias=0.0, sg_measured_noise=measured),
    )
    with caplog.at_level("INFO"):
        list(compute_all(analysis))
    found = ndimage.label(analysis.masks["MEANCRT"], np.ones((3, 3)))[1]
    texts = [text for text in caplog.messages if "false groups are expected" in text]
    assert len(texts) == said
    used = [text for text in caplog.messages if "another noise than was given" in text]
    assert len(used) == (measured and shape < 1e9)
    if used:
        excess = float(re.search(r"excess (\S+) in place", used[0])[1])
        assert excess == pytest.approx(1 / shape, rel=0.1)
    # One was asked for in each of three exposures.
    assert said or found <= 6
    if said:
        announced = float(re.search(r"up to about (\S+) false groups", texts[0])[1])
        assert found > 15
        assert found / 2 < announced < 3 * found
        assert ndimage.label(analysis.masks["MEDIANCR"], np.ones((3, 3)))[1] < found


@pytest.mark.parametrize("method", ["significance", "significance_lacosmic"])
@pytest.mark.parametrize("dilation", [0, 2])
def test_masks_are_nested(method, dilation):
    analysis = run(scene(), crmethod=method, dilation=dilation)
    masks = analysis.masks
    assert masks["MEDIANCR"].any()
    for name, mask in masks.items():
        assert not (mask & ~masks["MEANCRT"]).any(), name
    for i in (1, 2, 3):
        assert not (analysis.flags(i).by("significance") & ~masks["MEANCRT"]).any()


def test_codes_and_counts_tell_the_detector():
    analysis = run(scene())
    assert set(np.unique(analysis.codes())) <= {0, DILATION, SIGNIFICANCE_ONLY}
    counts = analysis.flags("median").counts()
    assert counts["either"] == counts["significance only"] > 0
    assert set(analysis.hits["method"]) == {"significance only"}
    assert (analysis.hits["n_significance"] > 0).all()
    both = run(scene(), crmethod="significance_lacosmic")
    assert BOTH in both.codes(1)
    for target in both.targets:
        flags = both.result("flags", target)
        np.testing.assert_array_equal(flags.by("lacosmic"), both.lacosmic(target).mask)
        np.testing.assert_array_equal(
            flags.by("significance"), run(scene()).result("flags", target).by("significance")
        )


def test_the_frame_of_significances_is_what_decides():
    analysis = run(scene(), dilation=0)
    for target in analysis.targets:
        limits = analysis.significance_limits(target)
        frame = analysis.significance(target)
        assert frame.dtype == np.float32
        found = analysis.result("significant", target)
        if target != "median":
            np.testing.assert_array_equal(found.seeds, frame > limits.start[0])
        assert limits.growth == 3.0
        own = analysis.result("groups", target)
        assert set(own.pixels) == set(np.flatnonzero(frame >= limits.growth))
    stricter = analysis.replace(sg_false_alarms=1e-4)
    assert stricter.significance_limits(1).start[0] > analysis.significance_limits(1).start[0]
    assert stricter.result("significant", 1).seeds.sum() <= found.seeds.sum()


def test_no_hits_no_false_alarms_beyond_those_accepted():
    rng = np.random.default_rng(7)
    n_false = {"median": 0, 1: 0}
    for _ in range(8):
        level = rng.uniform(5, 500)
        frames = rng.poisson(level, (3, 200, 200)) + rng.normal(0, 4, (3, 200, 200))
        exposures = cm.ExposureSet.from_arrays(list(frames))
        made = cm.Analysis(
            exposures, cm.Parameters(rnoise=4.0, crmethod="significance", sg_false_alarms=3.0)
        )
        for target in n_false:
            n_false[target] += int(made.result("significant", target).seeds.sum())
    # 24 are accepted; chance exceeds 24 + 4 sqrt(24) once in 10000 times.
    assert all(count <= 44 for count in n_false.values())
    assert n_false[1] >= 3


def crossing(charges=(900, 700, 400), ways=((0, 1), (1, 0), (1, 1)), source=0.0):
    """Three tracks of seven pixels, one an exposure, that cross in the pixel (40, 50)."""
    rng = np.random.default_rng(4)
    frames = 200 + rng.normal(0, 3, (3, 80, 90))
    frames[:, 40, 50] += source
    for frame, charge, (dy, dx) in zip(frames, charges, ways, strict=True):
        for step in range(-3, 4):
            frame[40 + step * dy, 50 + step * dx] += charge
    parameters = cm.Parameters(rnoise=3.0, gain=1e4, crmethod="significance")
    return cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)


def test_where_the_tracks_of_all_exposures_cross_a_local_estimate_fills():
    analysis = crossing()
    assert analysis.problematic[40, 50]
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.combination(kind)
        assert abs(made.data[40, 50] - 200) < 12
        assert made.map[40, 50] == 0
        assert (made.variance > 0).all()
    hit = analysis.hits[analysis.labels[40, 50] - 1]
    assert "1 pixels hit in all exposures" in hit["reason"]
    old = analysis.replace(crmethod="mmcosmic")
    assert old.combination("mediancr").data[40, 50] > 500


@pytest.mark.parametrize(
    ("charges", "ways"),
    [
        ((900, 700, 0), ((0, 1), (1, 0), (1, 1))),  # one exposure is clean
        ((900, 700, 50), ((0, 1), (1, 0), (0, 0))),  # the lowest has nothing beside the pixel
        ((0, 0, 0), ((0, 0), (0, 0), (0, 0))),
    ],
)
def test_what_no_track_of_each_exposure_explains_is_kept(charges, ways):
    # A source of one pixel stands at the crossing; it stays, and the map says how many exposures.
    analysis = crossing(charges, ways, source=600.0)
    for kind in ("mediancr", "meancr"):
        made = analysis.combination(kind)
        assert made.data[40, 50] > 790
        assert made.map[40, 50] > 0
    if any(charges):
        reason = analysis.hits[analysis.labels[40, 50] - 1]["reason"]
        assert "the lowest stays" in reason


def test_an_exposure_that_reads_low_is_left_out():
    made = scene(5, double=0)
    frames = np.array(made.exposures)
    frames[1, 20, :] = 100.0  # a dropped row
    frames[3, 60, 40] = 100.0
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), BASE.replace(bias=100.0))
    light = made.truth.mean(axis=0)
    deep = light[20] > 10 * sigma(made)[20]
    for kind in ("mediancr", "meancr"):
        combined = analysis.combination(kind)
        error = (combined.data[20] - light[20])[deep] / np.sqrt(combined.variance[20][deep])
        assert np.median(np.abs(error)) < 1.5
        assert np.median(combined.map[20][deep]) == 4
    old = analysis.replace(crmethod="mmcosmic", mm_nsimulations=2)
    assert "one exposure low" in old.hits["class"]
    assert LOW_REASON.format(2) in old.hits["reason"]


def test_masked_median_pixels_take_the_mean_of_what_is_left():
    analysis = run(scene(5))
    made, where = analysis.combination("mediancr"), analysis.mediancr & ~analysis.problematic
    cube = np.ma.masked_array(analysis.stack.cube, [analysis.mask(i) for i in range(1, 6)])
    np.testing.assert_allclose(made.data[where], cube.mean(axis=0)[where], rtol=1e-5)
    np.testing.assert_array_equal(made.map[where], cube.count(axis=0)[where])


def test_each_hit_has_a_class_and_only_those_chosen_are_corrected():
    analysis = run(scene())
    table = analysis.hits
    assert set(table["class"]) <= set(CLASS_NAMES.values())
    assert "coincident hit" in table["class"]
    assert all(table["reason"])
    assert table["corrected"].all()
    kept = run(scene(), sg_corrected=tuple(c for c in CLASSES if c != "coincident"))
    listed = kept.hits
    assert len(listed) == len(table)
    np.testing.assert_array_equal(listed["corrected"], table["class"] != "coincident hit")
    numbers = listed["number"][listed["corrected"]]
    np.testing.assert_array_equal(kept.mediancr, np.isin(kept.labels, numbers))
    for name, mask in kept.masks.items():
        assert not (mask & (kept.labels > 0) & ~kept.mediancr).any(), name
    plain = run(scene(), crmethod="mmcosmic", mm_nsimulations=2).hits
    assert set(plain["class"]) == {PLAIN_NAME, ALIKE_NAME}
    weak = np.asarray(plain["class"]) == ALIKE_NAME
    assert plain["significance"][weak].max() < np.median(plain["significance"][~weak])


def test_hot_pixels_are_listed_where_fluxes_differ_and_a_user_may_flag_them():
    factors, rng = np.array([0.7, 1.0, 1.4])[:, None, None], np.random.default_rng(6)
    charge = np.zeros((60, 70))
    charge[20, 30] = 2000
    frames = rng.poisson(50 * factors + charge) + rng.normal(0, 3, (3, 60, 70))
    frames[:2, 40, 40:42] += 500
    parameters = cm.Parameters(
        rnoise=3.0, crmethod="significance", flux_factor=tuple(factors.ravel()),
        apply_flux_factor_to="original", sg_measured_noise=False,
    )  # fmt: skip
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)
    hot = analysis.hits[analysis.labels[20, 30] - 1]
    assert (hot["class"], hot["corrected"]) == ("hot pixel, same in all", False)
    assert not any(mask[20, 30] for mask in analysis.masks.values())
    assert analysis.mediancr[40, 40:42].all()
    flagged = analysis.replace(pixels_to_be_flagged_as_cr=((31, 21),))
    assert flagged.mediancr[20, 30]
    all_classes = analysis.replace(sg_corrected=CLASSES)
    assert all_classes.mediancr[20, 30]


def test_invalid_pixels_take_no_part():
    frames = np.array(scene().exposures)
    frames[0, 20:30, 20:30] = np.nan
    frames[:, 50, 50] = np.nan
    frames[:2, 60, 60] = np.nan
    frames[1, 25, 25] += 3000
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), BASE)
    # Of two exposures, one hit spoils the median.
    assert analysis.mediancr[25, 25]
    assert not analysis.mask(1)[20:30, 20:30].any()
    assert not any(mask[50, 50] for mask in analysis.masks.values())
    assert analysis.combination("mediancr").data[25, 25] == analysis.stack.cube[2, 25, 25]
    for target in analysis.targets:
        assert np.isnan(analysis.significance(target)[[50, 60], [50, 60]]).all()
        assert not analysis.flags(target).either[[50, 60], [50, 60]].any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (17, 5)])
def test_frames_of_any_size(shape):
    frames = np.random.default_rng(0).normal(100, 3, (3, *shape))
    parameters = cm.Parameters(rnoise=3.0, gain=1e4, crmethod="significance")
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)
    assert analysis.masks["MEANCRT"].shape == shape
    assert np.isfinite(analysis.combination("mediancr").data).all()
    assert len(analysis.hits) == analysis.labels.max()


def test_without_readout_noise_nothing_fails():
    frames = np.random.default_rng(0).poisson(0.2, (3, 60, 60)).astype(float)
    frames[:2, 30, 30] += 50
    analysis = cm.Analysis(
        cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(crmethod="significance", dilation=0)
    )
    assert analysis.mediancr[30, 30]
    assert analysis.mediancr.sum() < 5


def test_a_run_writes_the_classes_and_says_what_it_did(work):
    work.yaml(crmethod="significance")
    result = work.run()
    assert (result.code, result.err) == (0, "")
    assert "significance of exposure 3:" in result.out
    assert "sig. only" in result.out
    hits = Table.read(work.out / "hits.ecsv", format="ascii.ecsv")
    assert {"class", "reason", "corrected"} <= set(hits.colnames)


def test_check_compares_noise_and_names_a_parameter(work, run_cli):
    work.yaml()
    first = run_cli(["check", "params.yaml"], work.folder)
    assert first.code == 0
    assert "good\n  noise: the exposures scatter 1.0" in first.out
    assert "observed over predicted:" not in first.out
    good = run_cli(["check", "params.yaml", "--details"], work.folder)
    assert good.out.startswith(first.out[: first.out.index("what to do")])
    assert "observed over predicted:" in good.out
    assert "before tests of significance: the exposures are alike" in good.out
    assert "scatter beyond that of photons: " in good.out
    assert "exposure 3: seeing " in good.out
    files = run_cli(["check", "e1.fits", "e2.fits", "e3.fits"], work.folder)
    assert (files.code, "crmasks init --gain" in files.err) == (2, True)  # no header tells it
    for more, word in (
        ([], "a FITS file, expected a parameter file"),
        (["e2.fits"], "init, check"),
    ):
        wrong = run_cli(["run", "e1.fits", *more], work.folder)
        assert (wrong.code, word in wrong.err) == (2, True), wrong.err
    work.yaml(top={"rnoise": 3 * LEVELS["rnoise"]})
    bad = run_cli(["check", "params.yaml"], work.folder)
    assert bad.code == 0
    doubtful = bad.out[bad.out.index("doubtful\n") :]
    assert "  rnoise: " in doubtful
    assert "\n  rnoise: compare it with headers" in doubtful  # one level of light fits nothing
    work.yaml(top={"rnoise": 3 * LEVELS["rnoise"]}, crmethod="significance")
    used = run_cli(["check", "params.yaml", "--details"], work.folder).out
    given = f"rnoise {3 * LEVELS['rnoise']:.4g}"
    assert used.count("noise in use: gain") == 2
    assert given in used[used.index("as the exposures show, in place of") :].split("\n\n")[0]
    assert run_cli(["check", "nothing.yaml"], work.folder).code == 2


@pytest.mark.parametrize("name", golden_cases.SIGNIFICANCE)
def test_masks_are_the_frozen_ones(name):
    analysis, frozen = (
        golden_cases.significance_analysis(name), golden_cases.significance_masks(name)
    )  # fmt: skip
    assert frozen["MEDIANCR"].any()
    for mask, frame in analysis.masks.items():
        np.testing.assert_array_equal(frame, frozen[mask], mask)
    for column in ("x", "y", "npix", "class"):
        np.testing.assert_array_equal(analysis.hits[column], frozen[column], column)
