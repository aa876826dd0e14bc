"""Detections that flag everything are refused with advice; the noise alone flags nothing."""

import logging
import re
from functools import cache

import numpy as np
import pytest

from crmasks_widgets import Analysis, ExposureSet, ParameterError, Parameters
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.errors import InputError

from .conftest import LEVELS, QUICK, SHAPE, small_scene

DIAGRAM = {"crmethod": "mmcosmic", "mm_boundary_fit": "spline", "mm_seed": None,
           "mm_fixed_points_in_boundary": None}  # fmt: skip
WILD = {"crmethod": "lacosmic", "la_sigclip": 0.01, "la_sigfrac": 0.01, "la_objlim": 0.0}


def analysis_of(frames=None, valid=None, **settings):
    frames = small_scene().exposures if frames is None else frames
    exposures = ExposureSet.from_arrays(list(frames), valid=valid)
    return Analysis(exposures, Parameters(**LEVELS | QUICK | settings))


def test_runaway_detection_is_refused_and_leaves_what_there_was():
    good = analysis_of()
    before = {name: mask.copy() for name, mask in good.masks.items()}
    wild = good.replace(**WILD)
    with pytest.raises(ParameterError) as caught:
        _ = wild.masks
    message = str(caught.value)
    assert message.startswith("the median: found ")
    assert "% of the pixels flagged, expected at most 50.0% (max_flagged_fraction): " in message
    assert message.endswith("look at bias, gain, rnoise, flux_factor, la_sigclip and la_objlim")
    assert ("flags", "median") not in wild.computed()
    for name, mask in good.masks.items():
        np.testing.assert_array_equal(mask, before[name])
    assert wild.replace(max_flagged_fraction=1.0).mediancr.mean() > 0.5
    back = wild.replace(crmethod="mmcosmic")
    np.testing.assert_array_equal(back.mediancr, good.mediancr)


def test_wrong_bias_is_noticed_in_the_frame_where_it_shows(caplog):
    frames = np.array(small_scene().exposures)
    frames[1] += 1000
    made = analysis_of(frames, pixels_to_be_ignored_as_cr=((1, 1),))
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        assert made.flags(2).either.mean() > 0.5
    (message,) = caplog.messages
    assert message.startswith("exposure 2 disagrees with the others in ")
    assert not made.flags("median").either.all()
    frames[2] += 1000
    with pytest.raises(
        ParameterError, match=r"^the median: found .*: exposure 1 disagrees with the others"
    ):
        _ = analysis_of(frames).masks


@pytest.mark.parametrize(
    ("value", "which", "says"),
    [
        (-32768, slice(None), r"pixel \(31, 21\): found -3\d{4} in every exposure"),
        (1e9, slice(None), r"pixel \(31, 21\): found 1e\+09 in every exposure"),
        (-32768, 0, r"exposure 1: found 1 pixels far below .* \(31, 21\) with -32768"),
    ],
)
def test_a_pixel_apart_from_all_others_is_named_and_changes_no_other(value, which, says, caplog):
    frames = np.random.default_rng(3).normal(140, 6, (3, *SHAPE)).astype(np.float32)
    frames[:2, 40:42, 10:60:8] += 300
    plain = analysis_of(frames, **DIAGRAM).masks
    frames[which, 20, 30] = value
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        masks = analysis_of(frames, **DIAGRAM).masks
    (message,) = caplog.messages
    assert re.match(says, message)
    for name, mask in masks.items():
        changed = mask != plain[name]
        changed[18:23, 28:33] = False
        assert np.count_nonzero(changed) <= 2
    assert masks["MEDIANCR"][40:42, 10:60:8].all()


def test_exposures_that_share_no_valid_pixel_or_are_saturated_are_refused_in_words():
    frames = np.random.default_rng(3).normal(140, 6, (3, *SHAPE)).astype(np.float32)
    third = np.arange(SHAPE[0])[:, None] * 3 // SHAPE[0] + np.zeros(SHAPE, int)
    with pytest.raises(InputError, match=r"found no pixel that is valid in all of them"):
        _ = analysis_of(frames, [third != k for k in range(3)], **DIAGRAM).masks
    frames[:2] = 65535
    with pytest.raises(InputError, match=r"the median of each is far above .* saturated"):
        _ = analysis_of(frames, **DIAGRAM).masks


def stars(dx, dy, number=220):
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:150, :160]
    light = np.full(x.shape, 40.0)
    for u, v, peak in rng.uniform((0, 0, 500), (160, 150, 9000), (number, 3)):
        light += peak * np.exp(-((x - u - dx) ** 2 + (y - v - dy) ** 2) / 5)
    return light


@cache
def different():
    """Light of three exposures, and what is said of it."""
    here = stars(0, 0)
    return {
        "displaced": ([here, stars(6, -5), stars(-7, 4)], "(+0.00, +0.00), (+6.0"),
        "brighter": ([here, here, 3 * here], "brightness 1, 1, 3"),
        "another field": (
            [here, here[::-1], here[:, ::-1]],
            "displacement in pixels unknown, because the correlation of exposures 1 and 2 has no "
            "peak",
        ),
    }


@pytest.mark.parametrize("method", ["mm_lacosmic", "significance"])
@pytest.mark.parametrize("kind", ["displaced", "brighter", "another field"])
@pytest.mark.slow
def test_exposures_that_disagree_everywhere_are_said_to_once_with_numbers(kind, method, caplog):
    lights, said = different()[kind]
    rng = np.random.default_rng(1)
    frames = [rng.poisson(light) + rng.normal(0, 3, light.shape) for light in lights]
    settings = Parameters(
        gain=1.0, rnoise=3.0, crmethod=method, mm_nsimulations=1, max_flagged_fraction=1.0
    )
    made = Analysis(ExposureSet.from_arrays(frames), settings)
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        for target in made.targets:
            _ = made.flags(target)
    (message,) = [m for m in caplog.messages if "flagged" in m or "disagree" in m]
    assert "disagrees with the others in" in message
    assert said in message
    part = int(message.split("%")[0].split()[-1])
    assert 15 <= part <= 100


def test_of_a_few_stars_the_light_that_is_lacking_tells(caplog):
    rng = np.random.default_rng(1)
    for dx, part in ((0.5, 0), (4.0, 60)):
        lights = [stars(0, 0, 9), stars(0, 0, 9), stars(dx, 0, 9)]
        frames = [rng.poisson(light) + rng.normal(0, 3, light.shape) for light in lights]
        frames[0][20:50, 20:22] += 900  # hit in two exposures of three
        frames[1][20:50, 20:22] += 2500
        caplog.clear()
        with caplog.at_level(logging.WARNING, "crmasks_widgets"):
            _ = Analysis(
                ExposureSet.from_arrays(frames), Parameters(rnoise=3.0, crmethod="significance")
            ).masks
        said = [m for m in caplog.messages if m.startswith("exposure 3 lacks more than half")]
        assert len(said) == bool(part)
    assert int(said[0].split("%")[0].split()[-1]) >= part
    assert "displacement in pixels (+0.0" in said[0]
    assert ", (+4.0" in said[0]


def test_crowds_of_hits_are_no_disagreement(caplog):
    rng = np.random.default_rng(1)
    frames = rng.poisson(100.0, (5, 100, 100)) + rng.normal(0, 3, (5, 100, 100))
    frames[rng.random(frames.shape) < 0.08] += 2000
    made = Analysis(
        ExposureSet.from_arrays(list(frames)), Parameters(rnoise=3.0, crmethod="significance")
    )
    assert made.result("disagreement") == ""


@pytest.mark.parametrize(("displacement", "said"), [(0.0, False), (0.4, True)])
def test_sharp_sources_that_differ_after_matching_are_said_to_hide_hits(displacement, said, caplog):
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:120, :120]
    stars = rng.uniform(4, 116, (150, 2))
    frames = []
    for shift in (0.0, displacement, -displacement):
        light = np.full(y.shape, 60.0)
        for py, px in stars:
            light += 4000 * np.exp(-((x - px - shift) ** 2 + (y - py) ** 2) / (2 * 0.5**2))
        frames.append((rng.poisson(light) + rng.normal(0, 3, y.shape)).astype(np.float32))
    analysis = Analysis(
        ExposureSet.from_arrays(frames),
        Parameters(crmethod="significance", gain=1.0, rnoise=3.0, bias=0.0),
    )
    list(compute_all(analysis))
    texts = [text for text in caplog.messages if "of their contrast where they are steep" in text]
    assert len(texts) == said
    if said:
        hidden = float(re.search(r"in ([0-9]+) % of the pixels hits begin", texts[0])[1])
        divisor = analysis.noise_scale.at(analysis.result("level").contrast.ravel())
        assert hidden == pytest.approx(100 * np.mean(4.8 * divisor > 12), abs=1.5)
        assert hidden > 5


def test_very_much_is_pointed_out(caplog):
    flagged = analysis_of().flags("mean").either.mean()
    assert 0 < flagged < 0.2
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        _ = analysis_of().flags("mean")
    assert not caplog.messages
    frames = np.array(small_scene().exposures)
    frames[0, :20] += 1000  # of 64 rows
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        _ = analysis_of(frames).flags(1)
    (message,) = caplog.messages
    assert message.startswith("exposure 1 disagrees with the others in 31% of the pixels")
    frames[1, :20] += 1000
    with pytest.raises(ParameterError, match=r"expected at most 25\.0%"):
        _ = analysis_of(frames, max_flagged_fraction=0.25).flags("median")


def test_a_part_of_the_valid_pixels_counts():
    frames = np.array(small_scene().exposures)
    frames[:2, :20] += 1000
    valid = np.ones(frames.shape, bool)
    valid[:, 30:] = False
    with pytest.raises(ParameterError, match="the median: found 6"):
        _ = analysis_of(frames, valid).flags("median")


def test_a_few_pixels_are_not_judged():
    frames = np.zeros((3, 30, 30), np.float32)
    frames[1:] += 1000
    made = analysis_of(frames, crmethod="mmcosmic", bias=0.0)
    assert made.flags("median").either.all()


def test_the_cap_counts_what_is_detected_not_what_a_user_says():
    y, x = np.mgrid[1 : SHAPE[0] + 1, 1 : SHAPE[1] + 1]
    everywhere = tuple(zip(x.ravel().tolist(), y.ravel().tolist(), strict=True))
    made = analysis_of(pixels_to_be_flagged_as_cr=everywhere)
    assert made.mediancr.all()


METHODS = (
    "lacosmic",
    "mmcosmic",
    "mm_lacosmic",
    "pycosmic",
    "significance",
    "significance_lacosmic",
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 200.0, 20000.0])
def test_constant_frames_have_no_hits(method, level):
    frames = np.full((3, *SHAPE), 100.0 + level, np.float32)
    settings = {"crmethod": method, "mm_seed": 1, "mm_nsimulations": 2}
    exposures = ExposureSet.from_arrays(list(frames))
    made = Analysis(exposures, Parameters(**LEVELS, **settings))
    for name, mask in made.masks.items():
        assert not mask.any(), name


@pytest.mark.parametrize(
    "settings",
    [
        {"crmethod": "lacosmic"}, {"crmethod": "significance"},
        {"crmethod": "significance_lacosmic"},
        {"crmethod": "mm_lacosmic", "mm_expected_false": 0.5},
    ],
)  # fmt: skip
def test_noise_alone_is_hardly_ever_a_hit(settings):
    """No more than one group in MEDIANCR of a frame of pure noise.

    The boundary of the reference, mm_boundary_fit, promises no such thing: it runs where its
    simulations end, and noise is above it now and then.
    """
    rng = np.random.default_rng(5)
    electrons = rng.poisson(300.0, (3, 200, 200)) + rng.normal(0, 4.5, (3, 200, 200))
    exposures = ExposureSet.from_arrays(list(100.0 + electrons / 1.5))
    made = Analysis(exposures, Parameters(**LEVELS, **settings, mm_seed=1))
    assert made.labels.max() <= 1
