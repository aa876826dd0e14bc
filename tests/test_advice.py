"""Advice from trials: it holds where the truth is known, and is written only when asked for."""

import io
import re
import textwrap

import numpy as np
import pytest
import yaml
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets.analysis.advice import MOST_SIDE, Advice, advise
from crmasks_widgets.check_summary import Summary, in_order, print_summary, summarise
from crmasks_widgets.core.trials import Score, score_groups, score_pixels
from crmasks_widgets.demo import DETECTOR, demo_scene, score
from crmasks_widgets.ending import EXIT_BAD_INPUT, EXIT_EXISTS
from crmasks_widgets.screen import PlainConsole

from .conftest import write_exposures
from .real_data import DATA, needs_real_data


def mask_of(*pixels, shape=(12, 16)):
    mask = np.zeros(shape, dtype=bool)
    for y, x in pixels:
        mask[y, x] = True
    return mask


def test_scores_count_what_is_found_and_what_is_away_from_hits():
    hits = mask_of((2, 2), (2, 3), (9, 9))
    flagged = mask_of((2, 2), (2, 5), (2, 7), (7, 14))
    # (2, 5) is two pixels from a hit, (2, 7) and (7, 14) are further.
    assert score_pixels([flagged], [hits]) == Score(3, 1, 2)
    assert score_pixels([flagged] * 2, [hits, flagged]) == Score(7, 5, 2)
    assert score_groups(flagged, hits) == Score(2, 1, 2)
    assert score_groups(hits, hits).worth == 2
    assert np.isnan(score_groups(flagged, mask_of()).share)


LEVELS = {"gain": DETECTOR.gain, "rnoise": DETECTOR.rnoise, "bias": DETECTOR.bias}


@pytest.mark.parametrize(("kind", "kernel"), [("fibres", "median"), ("stars", None)])
@pytest.mark.slow
def test_who_takes_the_advice_gets_what_it_says(kind, kernel):
    scene = demo_scene(kind=kind, shape=(260, 260))
    exposures = cm.ExposureSet.from_arrays(list(scene.exposures))
    given = cm.Analysis(exposures, cm.Parameters(**LEVELS))
    advice = advise(given)
    assert advice.changes["crmethod"] == "significance"
    # Which reads no key of L.A.Cosmic and no displacements.
    assert not [name for name in advice.changes if name.startswith(("la_", "mm_"))]
    # A kernel of 2.5 pixels misses most hits between fibres; stars would be taken for hits.
    alone = advise(given.replace(crmethod="lacosmic"))
    assert alone.changes.get("la_fsmode") == kernel
    assert set(advice.reasons) == set(advice.changes)
    tuned = given.replace(**advice.changes)
    before, after = score(given, scene), score(tuned, scene)
    assert after.false_groups < before.false_groups / 4
    assert after.found_groups >= before.found_groups
    if kernel:
        sigma = np.sqrt(np.maximum(scene.truth, 0) / DETECTOR.gain + DETECTOR.rnoise**2)
        hit = scene.cosmic_rays > 5 * sigma
        shares = [
            np.mean([a.lacosmic(k + 1).mask[hit[k]].mean() for k in range(3)])
            for a in (given, given.replace(la_fsmode=kernel))
        ]
        assert shares[0] < 0.3 < 0.7 < shares[1]


@pytest.mark.parametrize("method", ["pycosmic", "mmcosmic", "significance"])
def test_advice_on_lacosmic_is_for_methods_that_ask_it(method):
    scene = demo_scene(kind="fibres", shape=(120, 120))
    exposures = cm.ExposureSet.from_arrays(list(scene.exposures))
    advice = advise(cm.Analysis(exposures, cm.Parameters(**LEVELS, crmethod=method)))
    assert not advice.exposures
    assert bool(advice.untried) == (not advice.median)
    assert not re.search("hits", advice.untried)  # of these there are many
    assert not [name for name in advice.changes if name.startswith("la_")]


def test_the_trials_see_the_middle_of_a_large_frame_and_no_region_that_is_skipped():
    frame = np.full((20, MOST_SIDE + 30), 50.0, np.float32)
    skipped = ((1, MOST_SIDE + 30, 1, 10),)
    rng = np.random.default_rng(5)
    frames = [frame + rng.normal(0, 3, frame.shape) for _ in range(3)]
    frames[0][2:5, 100:120] += 900
    parameters = cm.Parameters(gain=1.0, rnoise=3.0, bias=0.0)
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(frames), parameters)
    advice = advise(analysis)
    assert advice.region == (16, MOST_SIDE + 15, 1, 20)
    assert advice.exposures[0].score.hits >= 60
    few = advise(analysis.replace(regions_to_be_skipped=skipped, crmethod="lacosmic"))
    assert few.exposures == ()
    assert re.search(r"only \d+ pixels of hits", few.untried)


@pytest.mark.slow
def test_advice_is_written_only_when_asked_with_the_reason_beside_each_key(tmp_path, run_cli):
    scene = demo_scene(kind="fibres", shape=(150, 160))
    names = write_exposures(tmp_path, scene.exposures)
    text = cm.Parameters(images=names, interactive=False, **LEVELS).to_yaml()
    text = text.replace("\nrnoise:", "\n# from the night log\nrnoise:")
    text = re.sub(r"(\n  la_niter: 4 +# ).*", r"\1as in 2019", text)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    plain = run_cli(["check", "p.yaml"], tmp_path)
    assert plain.code == 0, plain.err
    assert "\n    requirements:\n      crmethod: mmcosmic\n" in plain.out
    assert "la_" not in plain.out  # which that method does not read
    # Where a file was found takes the room that it takes.
    lines = [line for line in plain.out.splitlines() if ": read from " not in line]
    assert max(map(len, lines)) <= 90
    assert len(plain.out.splitlines()) <= 24
    assert plain.out.splitlines()[-1].startswith("next: crmasks check p.yaml --write")
    assert sorted(tmp_path.iterdir()) == before
    refused = run_cli(["check", "p.yaml", "--write", "e1.fits"], tmp_path)
    assert refused.code == EXIT_BAD_INPUT
    written = run_cli(["check", "p.yaml", "--write", "tuned.yaml"], tmp_path)
    assert written.code == 0, written.err
    lines = (tmp_path / "tuned.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.strip().startswith("crmethod:"))
    assert "# crmasks check: finds" in line
    assert lines[lines.index("# from the night log") + 1].startswith("rnoise:")
    assert any(re.fullmatch("  la_niter: 4 +# as in 2019", line) for line in lines)
    assert written.out.splitlines()[-1].startswith("next: crmasks run tuned.yaml --output-dir")
    values = yaml.safe_load("\n".join(lines))
    assert values["requirements"]["crmethod"] == "mmcosmic"
    assert values["images"] == list(names)
    done = run_cli(["run", "tuned.yaml", "--no-figures", "--output-dir", "out"], tmp_path)
    assert done.code == 0, done.err
    again = run_cli(["check", "p.yaml", "--write", "tuned.yaml"], tmp_path)
    assert again.code == EXIT_EXISTS


def test_what_is_doubtful_has_its_line_of_yaml():
    scene = demo_scene(kind="fibres", shape=(200, 200))
    frames = [scene.exposures[0], 0.9 * (scene.exposures[1] - DETECTOR.bias) + DETECTOR.bias]
    exposures = cm.ExposureSet.from_arrays([*frames, scene.exposures[2]])
    wrong = LEVELS | {"gain": 2 * DETECTOR.gain}
    analysis = cm.Analysis(exposures, cm.Parameters(**wrong))
    nothing = Advice((1, 200, 1, 200), (), (), {}, {}, "nothing wanted")
    summary = summarise(analysis, nothing)
    assert summary.lines["gain"][0] == pytest.approx(DETECTOR.gain, rel=0.15)
    assert summary.lines["flux_factor"][0] == "auto"
    named = {line.split(":")[0] for line in summary.doubtful}
    assert {"noise", "gain", "flux_factor"} <= named
    assert any(line.startswith("displacement: at most 0.0") for line in summary.good)
    shown = io.StringIO()
    print_summary(summary, PlainConsole(file=shown, width=80))
    text = shown.getvalue()
    for line in (*summary.good, *summary.doubtful, *summary.unknown):
        assert line in " ".join(text.split())
    below = textwrap.dedent(text[text.index("    gain: ") :])
    given = yaml.safe_load(below)
    assert given["gain"] == summary.lines["gain"][0]
    assert given["requirements"]["flux_factor"] == "auto"
    # Once that is taken, nothing is left to do.
    better = analysis.replace(gain=DETECTOR.gain, flux_factor="auto")
    assert not summarise(better, nothing).lines


@needs_real_data
def test_on_real_exposures_with_real_tracks_false_groups_fall_and_nothing_is_lost():
    rows = slice(300, 700)

    def frames(name):
        paths = (DATA / "semireal" / f"semireal_x1_{i}{name}.fits.gz" for i in (1, 2, 3))
        return [fits.getdata(path)[rows].astype(np.float32) for path in paths]

    parameters = cm.Parameters(gain=1.0, rnoise=4.4, bias=0.0)
    given = cm.Analysis(cm.ExposureSet.from_arrays(frames("")), parameters)
    advice = advise(given)
    assert set(advice.changes) == {"flux_factor", "crmethod"}
    assert "groups are flagged where the exposures show no hit" in advice.reasons["crmethod"]
    first, best = advice.exposures[0].score, max(t.score.share for t in advice.exposures)
    assert first.share < 0.2 < 0.7 < best
    sigma = np.sqrt(np.maximum(given.stack.median2d, 0) + 4.4**2)
    double = (np.array(frames("_truth_cr")) > 5 * sigma).sum(axis=0) >= 2
    scores = [score_groups(a.mediancr, double) for a in (given, given.replace(**advice.changes))]
    assert scores[1].elsewhere < scores[0].elsewhere / 5
    assert scores[1].found >= scores[0].found


def test_trials_without_hits_of_the_median_tell_of_no_method():
    rng = np.random.default_rng(8)
    frames = [rng.normal(50, 3, (90, 90)).astype(np.float32) for _ in range(3)]
    frames[0][20:26, 30:40] += 500
    parameters = cm.Parameters(gain=5.0, rnoise=3.0, bias=0.0)
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(frames), parameters)
    advice = advise(analysis)
    assert advice.median[0].score.hits == 0
    assert "crmethod" not in advice.changes
    summary = summarise(analysis, advice)
    assert "crmethod" not in " ".join(summary.doubtful)
    expected = "method: the trials tell of none: the exposures show 0 hits of the median there"
    assert any(line.startswith(expected) for line in summary.unknown)


@needs_real_data
@pytest.mark.slow
def test_all_that_is_told_of_real_electrons_is_one_advice_and_one_figure(tmp_path, run_cli):
    files = sorted((DATA / "kast_blue_J1217").glob("*.fits.gz"))
    target = tmp_path / "p.yaml"
    made = run_cli(["init", *files, "--yes", "-o", target], tmp_path)
    checked = run_cli(["check", target, "--details"], tmp_path)
    assert (made.code, checked.code) == (0, 0), checked.err
    offsets = cm.Parameters.from_yaml(target).mm_xy_offsets
    assert offsets[2] == (0.072, -0.906)
    left = "displacement: at most 0.91 pixels, of which mm_xy_offsets leave at most 0.00"
    assert left in " ".join(checked.out.split())
    assert "exposure 3: flux +0.00 +/- 0.05 %; displacement +0.072, -0.906 +/-" in checked.out
    assert len(re.findall(r"displacement [-+x]", checked.out)) == 3  # one for each exposure
    advised = checked.out[checked.out.index("what to do") : checked.out.index("noise of one")]
    assert set(re.findall(r"crmethod: (\w+)", advised)) == {"significance"}
    assert "la_" not in advised
    assert not re.search(r"gain: \d|rnoise: \d", advised)
    for text in (made.out, made.err, checked.out, target.read_text()):
        assert "ADU" not in text
        assert "0.80" not in text  # the gain that would fit, though electrons have none


def said_of(summary):
    shown = io.StringIO()
    print_summary(summary, PlainConsole(file=shown, width=80))
    return shown.getvalue()


WRONG_GAIN = {"gain": (1.014, "fits")}
BETTER_KERNEL = {"la_fsmode": ("median", "")}


@pytest.mark.parametrize(
    ("summary", "there", "steps"),
    [
        (Summary(), True, ["run"]),
        (Summary(lines=WRONG_GAIN), True, ["put the lines above in p.yaml, if you agree", "run"]),
        (Summary(lines=WRONG_GAIN), False, ["run", "put the lines above in p.yaml, if you agree"]),
        (Summary(lines=WRONG_GAIN, tuned=BETTER_KERNEL), True,
         ["put the first lines above in p.yaml, if you agree", "run"]),
        (Summary(tuned=BETTER_KERNEL), True, ["run"]),
        (Summary(by_hand=["images: register them"]), True,
         ["do what is said above in words", "run"]),
    ],
)  # fmt: skip
def test_the_next_step_is_that_of_the_screen(summary, there, steps):
    assert in_order([Summary(), summary], "p.yaml", "run", there=there) == "; then ".join(steps)
    # What --write takes comes last, and each line stands once.
    text = said_of(summary)
    for names, title in ((summary.lines, "leaves them out"), (summary.tuned, "FILE does it")):
        assert (title in text) == bool(names)
        assert all(text.count(f"{name}: ") == 1 for name in names)
    if summary.lines and summary.tuned:
        assert text.index("leaves them out") < text.index("gain:") < text.index("FILE does it")
    assert ("nothing: the parameters serve" in text) == (summary == Summary())


def test_parameters_of_frames_that_tell_nothing_are_not_said_to_serve():
    frames = np.random.default_rng(1).normal(50, 5, (3, 8, 8)).astype(np.float32)
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(**LEVELS))
    nothing = Advice((1, 8, 1, 8), (), (), {}, {}, "too few")
    text = said_of(summarise(analysis, nothing))
    assert "parameters serve" not in text
    assert "the noise could not be compared" in text


def test_advice_is_told_in_its_own_order_and_of_several_detectors_is_not_written():
    frames = np.random.default_rng(1).normal(50, 5, (3, 8, 8)).astype(np.float32)
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(**LEVELS))
    names = [f"parameter_{i}" for i in range(9)]
    # Nine names of a set are in this order once in 362 880 times.
    reasons, changes = dict.fromkeys(names, "why"), dict.fromkeys(names, 1)
    summary = summarise(analysis, Advice((1, 8, 1, 8), (), (), reasons, changes), written=False)
    assert [line for line in summary.doubtful if "why" in line] == [f"{n}: why" for n in names]
    assert (list(summary.lines), summary.tuned) == (names, {})


@pytest.mark.parametrize("unit", ["electron", "adu"])
def test_no_gain_is_advised_for_electrons_and_one_that_many_hits_blur_says_so(unit):
    rng = np.random.default_rng(4)
    light = np.broadcast_to(np.linspace(20, 900, 300), (200, 300))
    frames = rng.poisson(light, (3, 200, 300)) + rng.normal(0, 4, (3, 200, 300))
    hit = rng.random(frames.shape) < 0.12
    frames[hit] += rng.exponential(60, hit.sum())
    headers = [fits.Header({"BUNIT": unit})] * 3
    exposures = cm.ExposureSet.from_arrays(list(frames.astype(np.float32)), headers=headers)
    nothing = Advice((1, 300, 1, 200), (), (), {}, {}, "nothing wanted")

    def checked(gain):
        analysis = cm.Analysis(exposures, cm.Parameters(gain=gain, rnoise=4.0, bias=0.0))
        return summarise(analysis, nothing)

    right, wrong = checked(1.0), checked(1.8)
    if unit == "electron":
        assert "gain" not in right.lines
        assert not re.search(r"gain \d|gain: |ADU", said_of(right))
        assert wrong.lines["gain"] == (1.0, "the exposures are in electrons")
        assert "whose gain is 1" in " ".join(wrong.doubtful)
    else:
        assert any(line.startswith("gain: 1 e-/ADU given") for line in right.doubtful)
        assert re.search(r"not to be trusted beyond \d+ %: many hits", right.lines["gain"][1])
