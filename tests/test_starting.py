"""From FITS files alone to a parameter file that runs, or to an analysis."""

import io
import re

import numpy as np
import pytest
import yaml
from astropy.io import fits
from rich.console import Console

import crmasks_widgets as cm
from crmasks_widgets.core.photon_transfer import PhotonTransfer
from crmasks_widgets.demo import DETECTOR, SCENE_KINDS, demo_scene, write_demo
from crmasks_widgets.ending import EXIT_BAD_INPUT, EXIT_EXISTS
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.proposals.levels import Proposal
from crmasks_widgets.proposals.start import find_exposures, start_from
from crmasks_widgets.starting.begin import Answers, begin

from .conftest import small_scene, wcs_header
from .real_data import DATA, needs_real_data


def write_frames(folder, frames, **cards):
    """Write frames as e1.fits ... with these header cards; a list has one value for each."""
    folder.mkdir(exist_ok=True)
    paths = []
    for i, frame in enumerate(frames):
        header = fits.Header({"OBJECT": "field", "EXPTIME": 1200.0, "FILTER": "R"})
        for key, value in cards.items():
            header[key] = value[i] if isinstance(value, list) else value
        paths.append(folder / f"e{i + 1}.fits")
        fits.writeto(paths[-1], np.asarray(frame, np.float32), header)
    return paths


def values_of(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_headers_are_taken_in_our_units_and_the_file_runs(tmp_path, run_cli):
    write_frames(tmp_path / "night", small_scene().exposures, GAIN=1.5, RDNOISE=4.5)
    target = tmp_path / "params.yaml"
    made = run_cli(["init", tmp_path / "night", "--yes", "-o", target, "--bias", "100"], tmp_path)
    assert made.code == 0, made.err
    values = values_of(target)
    # The header's readout noise is in electrons, ours in ADU.
    assert (values["gain"], values["rnoise"], values["bias"]) == (1.5, 3.0, 100)
    assert len(values["images"]) == 3
    text = target.read_text(encoding="utf-8")
    assert "GAIN" in text.split("gain:")[1].splitlines()[0]
    done = run_cli(["run", target, "--output-dir", tmp_path / "out", "--no-figures"], tmp_path)
    assert done.code == 0, done.err


def test_without_a_terminal_nothing_is_guessed(tmp_path, run_cli):
    paths = write_frames(tmp_path / "night", small_scene().exposures)
    target = tmp_path / "params.yaml"
    made = run_cli(["init", *paths, "-o", target], tmp_path)
    assert made.code == EXIT_BAD_INPUT
    assert "Traceback" not in made.err
    last = made.err.strip().splitlines()[-1]
    assert last.startswith("crmasks: ")
    assert "--yes" in last
    if target.exists():
        assert not {"gain", "rnoise"} & set(values_of(target))


def test_the_scatter_of_the_exposures_tells_gain_and_noise(tmp_path, run_cli):
    scene = demo_scene(kind="fibres", shape=(300, 300))
    write_frames(tmp_path / "night", scene.exposures)
    target = tmp_path / "params.yaml"
    made = run_cli(
        ["init", tmp_path / "night", "--yes", "-o", target, "--bias", str(DETECTOR.bias)], tmp_path
    )
    assert made.code == 0, made.err
    values = values_of(target)
    assert values["gain"] == pytest.approx(DETECTOR.gain, rel=0.05)
    assert values["rnoise"] == pytest.approx(DETECTOR.rnoise, rel=0.05)


def test_overscan_tells_the_bias(tmp_path, run_cli):
    frames, rng = [], np.random.default_rng(3)
    for frame in small_scene().exposures:
        ny = frame.shape[0]
        frames.append(np.hstack([frame, rng.normal(100.0, 3.0, (ny, 24))]))
    nx = frames[0].shape[1]
    cards = {"BIASSEC": f"[{nx - 23}:{nx},1:{ny}]", "GAIN": 1.5}
    write_frames(tmp_path / "night", frames, **cards)
    target = tmp_path / "params.yaml"
    made = run_cli(["init", tmp_path / "night", "--yes", "-o", target], tmp_path)
    assert made.code == 0, made.err
    assert values_of(target)["bias"] == pytest.approx(100.0, abs=0.3)
    assert values_of(target)["rnoise"] == pytest.approx(3.0, rel=0.05)


def test_groups_have_a_file_each(tmp_path, run_cli):
    cards = {"GAIN": 1.5, "RDNOISE": 4.5}
    write_frames(tmp_path / "night", small_scene().exposures, **cards)
    other = write_frames(tmp_path / "more", small_scene().exposures, **cards, FILTER="B")
    for path in other:
        path.rename(tmp_path / "night" / f"b_{path.name}")
    made = run_cli(
        ["init", tmp_path / "night", "--yes", "-o", tmp_path / "p.yaml", "--bias", "100"], tmp_path
    )
    assert made.code == 0, made.err
    written = sorted(path.name for path in tmp_path.glob("p*.yaml"))
    assert len(written) == 2
    names = [set(values_of(tmp_path / name)["images"]) for name in written]
    assert not names[0] & names[1]
    again = run_cli(["init", tmp_path / "night", "--yes", "-o", tmp_path / "p.yaml"], tmp_path)
    assert (again.code, "another name, or --overwrite" in again.err) == (EXIT_EXISTS, True)


@pytest.mark.parametrize(
    ("card", "values", "word"),
    [
        ("EXPTIME", [1200.0, 1200.0, 600.0], "EXPTIME"), ("FILTER", ["R", "R", "V"], "FILTER"),
        ("CCDSUM", ["1 1", "1 1", "2 2"], "binning"), ("OBJECT", ["a", "a", "b"], "OBJECT"),
        ("GAIN", [1.5, 1.5, 2.5], "GAIN"),
    ],
)  # fmt: skip
def test_what_disagrees_is_one_warning(tmp_path, run_cli, card, values, word):
    paths = write_frames(tmp_path / "night", small_scene().exposures, **{card: values})
    target = tmp_path / "p.yaml"
    top = {"images": [str(path) for path in paths], "gain": 1.5, "rnoise": 3.0, "bias": 100.0}
    target.write_text(yaml.safe_dump({**top, "requirements": {"crmethod": "lacosmic"}}))
    done = run_cli(["run", target, "--output-dir", tmp_path / "out", "--no-figures"], tmp_path)
    assert done.code == 0, done.err
    assert (
        sum(word in line for line in done.err.splitlines() if line.startswith("warning: ")) == 1
    ), done.err


def test_names_stay_whole_in_a_narrow_terminal(tmp_path, run_cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    more = {"OBJECT": "NGC 1234", "EXPTIME": 1200.0, "FILTER": "none", "RA": 7.6, "DEC": -1.2}
    for folder in ("a_night_of_september", "another_night"):
        write_frames(tmp_path / folder, small_scene().exposures, GAIN=1.5, RDNOISE=4.5, **more)
    made = run_cli(["init", *tmp_path.glob("*night*"), "--yes", "--bias", "100"], tmp_path)
    assert made.code == 0, made.err
    table = made.out[: made.out.index("the same in all: ")].splitlines()
    assert max(map(len, table)) <= 80
    for path in tmp_path.glob("*/*.fits"):
        assert sum(f" {path.relative_to(tmp_path)} " in line for line in table) == 1
    same = next(line for line in made.out.splitlines() if line.startswith("the same in all: "))
    assert f"folder {tmp_path}" in same
    assert ("NGC 1234" in same) != any("NGC 1234" in line for line in table)


def test_a_displacement_by_the_wcs_is_one_warning(tmp_path, run_cli):
    header = wcs_header()
    paths = write_frames(tmp_path / "night", small_scene().exposures, **dict(header.items()))
    with fits.open(paths[2], mode="update") as hdus:
        hdus[0].header["CRPIX1"] += 2.0
        hdus[0].header["CRPIX2"] -= 1.5
    target = tmp_path / "p.yaml"
    top = {"images": [str(path) for path in paths], "gain": 1.5, "rnoise": 3.0, "bias": 100.0}
    target.write_text(yaml.safe_dump({**top, "requirements": {"crmethod": "lacosmic"}}))
    done = run_cli(["check", target], tmp_path)
    assert done.code == 0, done.err
    (line,) = [line for line in done.err.splitlines() if "WCS: " in line]
    assert line.startswith("warning: WCS: against ")
    assert f"+2.0, -1.5 pixels in {paths[2]}" in line
    with fits.open(paths[2], mode="update") as hdus:
        hdus[0].header["CRPIX1"] -= 1.8
        hdus[0].header["CRPIX2"] += 1.5
    assert "WCS" not in run_cli(["check", target], tmp_path).err


AMPLIFIERS = {
    "letters": ({"GAINA": 1.4, "GAINB": 1.6, "RDNOISEA": 4.2, "RDNOISEB": 4.8}, 1.5, 3.0),
    "numbers": ({"GAIN1": 1.5, "GAIN2": 1.5, "RDNOISE1": 4.5, "RDNOISE2": 4.5}, 1.5, 3.0),
    "ESO": (
        {"HIERARCH ESO DET OUT1 CONAD": 1.4, "HIERARCH ESO DET OUT2 CONAD": 1.6,
         "HIERARCH ESO DET OUT1 RON": 4.4, "HIERARCH ESO DET OUT2 RON": 4.6},
        1.5, 3.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", AMPLIFIERS)
def test_amplifiers_are_averaged_and_said(tmp_path, run_cli, kind):
    cards, gain, rnoise = AMPLIFIERS[kind]
    write_frames(tmp_path / "night", small_scene().exposures, **cards)
    target = tmp_path / "p.yaml"
    command = ["init", tmp_path / "night", "-o", target, "--bias", "100"]
    made = run_cli([*command, "--yes"], tmp_path)
    assert made.code == 0, made.err
    values = values_of(target)
    assert values["gain"] == pytest.approx(gain)
    assert values["rnoise"] == pytest.approx(rnoise)
    differ = len({v for k, v in cards.items() if "RDN" not in k and "RON" not in k}) > 1
    assert ("a map would tell them apart" in target.read_text()) == differ
    target.unlink()
    if differ:  # nothing is averaged unasked
        assert run_cli(command, tmp_path).code == EXIT_BAD_INPUT
        assert "gain" not in values_of(target)


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self):
        return True


def at_terminal(monkeypatch, files, target, answers):
    """What `crmasks init` says to who types these lines."""
    monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in answers)))
    console = Console(file=io.StringIO(), force_terminal=True, soft_wrap=True, no_color=True)
    try:
        begin([str(path) for path in files], target, Answers({}), console)
    finally:
        said = console.file.getvalue()
    return said


def test_answers_are_taken_refused_and_typed(tmp_path, monkeypatch):
    paths = write_frames(tmp_path / "night", small_scene().exposures, GAIN=1.5)
    target = tmp_path / "p.yaml"
    said = at_terminal(monkeypatch, paths, target, ["maybe", "-3", "1.6", "97", "2.9"])
    values = values_of(target)
    assert (values["gain"], values["rnoise"], values["bias"]) == (1.6, 2.9, 97.0)
    assert "maybe: file not found" in said  # asked again
    assert "gain: found -3" in said
    assert target.read_text().count("; given") == 3


@pytest.mark.slow
def test_a_bias_that_is_typed_tells_the_readout_noise(tmp_path, monkeypatch):
    paths = write_frames(tmp_path / "night", demo_scene(shape=(260, 300)).exposures - 5)
    target = tmp_path / "p.yaml"
    at_terminal(monkeypatch, paths, target, ["1.7", "990", "y"])
    dark = values_of(target)["rnoise"]
    at_terminal(monkeypatch, paths, tmp_path / "q.yaml", ["1.7", "995", "y"])
    rnoise = values_of(tmp_path / "q.yaml")["rnoise"]
    assert rnoise == pytest.approx(DETECTOR.rnoise, rel=0.05)
    # A level that is 5 ADU too low makes light of it.
    assert dark == pytest.approx((rnoise**2 - 5 / 1.7) ** 0.5, rel=0.02)


def test_yes_takes_and_no_leaves_out(tmp_path, monkeypatch):
    cards = {"GAIN": 1.5, "RDNOISE": 4.5}
    paths = write_frames(tmp_path / "night", small_scene().exposures, **cards)
    target = tmp_path / "p.yaml"
    with pytest.raises(cm.InputError, match="bias: missing: refused"):
        at_terminal(monkeypatch, paths, target, ["y", "n", "yes"])
    values = values_of(target)
    assert (values["gain"], values["rnoise"]) == (1.5, 3.0)
    assert "bias" not in values


def test_a_key_that_answers_nothing_is_told_what_does(tmp_path, monkeypatch):
    paths = write_frames(tmp_path / "night", small_scene().exposures, GAIN=1.5)
    said = at_terminal(monkeypatch, paths, tmp_path / "p.yaml", ["", "y", "x", "97", "2.9"])
    assert "gain: found nothing, expected y, n or a value\n" in said
    assert re.search("x: file not found.*; or y to take it, n to leave it out\n", said)
    with pytest.raises(cm.InputError, match=r"^bias: found the end of the input, expected"):
        at_terminal(monkeypatch, paths, tmp_path / "q.yaml", ["y"])
    assert not (tmp_path / "q.yaml").exists()


def test_readout_noise_of_a_header_stays_where_it_needs_no_gain(tmp_path):
    refused = {"gain": Proposal("gain", None, "missing: refused", False)}
    frames = small_scene().exposures

    def rnoise(**cards):
        paths = write_frames(tmp_path / "_".join(map(str, cards.values())), frames, **cards)
        (group,) = find_exposures([str(path) for path in paths]).usable
        _, _, told, *_ = start_from(group.detectors[0]).proposals(refused)
        return told

    told = rnoise(BUNIT="electron", RDNOISE=4.5)
    assert (told.name, told.value, told.certain) == ("rnoise", 4.5, True)
    assert told.origin == "header: RDNOISE 4.5"
    told = rnoise(BUNIT="adu", RDNOISE=4.5)
    assert told.value is None
    assert told.origin == "missing: header: RDNOISE 4.5, which is in ADU only with a gain"
    told = rnoise(BUNIT="adu")
    assert told.origin == "missing: nothing tells it without a gain"


# What init says where neither headers nor exposures tell a value.
NOT_TOLD = ("unknown", "missing", "not to be trusted", "known to", "not certain")


def told_or_said(path, truth):
    """Gain and readout noise of a parameter file: near the truth, or said not to be known."""
    values, lines = values_of(path), path.read_text(encoding="utf-8").splitlines()
    told = {}
    for name, true in truth.items():
        line = next(line for line in lines if line.removeprefix("# ").startswith(f"{name}:"))
        near = name in values and values[name] == pytest.approx(true, rel=0.05)
        assert near or any(words in line for words in NOT_TOLD), line
        told[name] = near
    return told


@pytest.mark.parametrize("bias", [None, DETECTOR.bias])
@pytest.mark.parametrize("kind", SCENE_KINDS)
@pytest.mark.slow
def test_gain_and_readout_noise_of_demo_scenes(tmp_path, run_cli, kind, bias):
    """Without a card in the header: within 5 per cent, or said to be unknown."""
    scene = demo_scene(kind=kind, shape=(260, 300))
    write_frames(tmp_path / "night", scene.exposures)
    target = tmp_path / "p.yaml"
    command = ["init", tmp_path / "night", "--yes", "-o", target]
    run_cli(command if bias is None else [*command, "--bias", str(bias)], tmp_path)
    truth = {"gain": DETECTOR.gain, "rnoise": DETECTOR.rnoise}
    told = told_or_said(target, truth)
    if kind == "fibres":  # with pixels between them that no light reaches
        assert all(told.values())
    if kind == "longslit":
        assert told["gain"]
        # Sky in each pixel: only a bias tells how much of the noise is its.
        assert told["rnoise"] == (bias is not None)


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_demo_files_start_with_what_their_headers_say(tmp_path, run_cli, kind):
    write_demo(tmp_path / "demo", (80, 100), kind=kind)
    target = tmp_path / "p.yaml"
    images = Parameters.from_yaml(tmp_path / "demo" / "params.yaml").images
    files = [tmp_path / "demo" / name for name in images]
    made = run_cli(["init", *files, "--yes", "-o", target], tmp_path)
    if made.code:
        assert "missing" in made.err
    told_or_said(target, {"gain": DETECTOR.gain, "rnoise": DETECTOR.rnoise})


@needs_real_data
def test_real_exposures_start_with_what_their_headers_say(tmp_path, run_cli):
    folder = DATA / "kast_red_2018gdg"
    target = tmp_path / "p.yaml"
    files = sorted(folder.glob("kast_red_e_*.fits.gz"))
    assert len(files) == 3
    made = run_cli(["init", *files, "-o", target], tmp_path)
    assert made.code == 0, made.err
    values = values_of(target)
    assert (values["gain"], values["bias"]) == (1.0, 0.0)
    assert values["rnoise"] == pytest.approx(4.4, rel=0.05)
    written = target.read_text()
    assert "the exposures scatter by so many" in written  # as far as very many hits let them tell
    assert "ADU" not in written
    assert "# e-; header: RDNOISE 4.4; dark pixels scatter by it" in written
    check = cm.load_analysis(target).noise_check
    assert check.gain < 0.95  # which is told nowhere: electrons have the gain 1
    assert values["requirements"]["flux_factor"] == "auto"
    assert cm.load_analysis(target).n_hits < 60  # 237 as if they were equally bright


def test_the_error_of_a_readout_noise_holds_that_of_the_gain():
    found = PhotonTransfer(1.6, 0.16, 1100.0, 74.0, 0.7, 0.0)
    value, error = found.rnoise(1000.0, 1.6)
    assert (value, error) == pytest.approx((11.5**0.5, 0.7 / (2 * 11.5**0.5)))
    doubtful, more = found.rnoise(1000.0, 1.6, 0.016)
    assert doubtful == value
    assert more == pytest.approx(np.hypot(0.7, 62.5 * 0.01) / (2 * value))
    assert np.isnan(found.rnoise(1000.0, 1.6, 0.16)).all()


def test_files_are_opened_without_a_parameter_file(tmp_path):
    paths = write_frames(
        tmp_path / "night", small_scene().exposures, GAIN=1.5, RDNOISE=4.5, OBJECT="field"
    )
    analysis = cm.open_files(paths, bias=100.0)
    assert (analysis.parameters.gain, analysis.parameters.rnoise) == (1.5, 3.0)
    np.testing.assert_array_equal(analysis.exposures.data, np.float32(small_scene().exposures))
    with pytest.raises(cm.InputError, match="file not found"):
        cm.open_files(tmp_path / "nothing")


def unlike(flux, dx, seed=4):
    """Frames of a scene with fine structure; the third exposure is fainter and displaced."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :180]
    frames = []
    for factor, shift in ((1.0, 0.0), (1.0, 0.0), (flux, dx)):
        light = factor * 800 * (1.02 + np.sin((x - shift) / 3.0) * np.sin(y / 4.0))
        frames.append(100 + rng.poisson(light * 1.5) / 1.5 + rng.normal(0, 3, light.shape))
    return frames


def test_exposures_that_are_none_of_one_field_are_opened_without_a_flux_factor(tmp_path):
    for i, frame in enumerate(unlike(0.004, 0.0), start=1):
        fits.PrimaryHDU(frame.astype(np.float32)).writeto(tmp_path / f"e{i}.fits")
    opened = cm.open_files(tmp_path, gain=1.5, rnoise=3, bias=100)
    assert opened.parameters.flux_factor is None


@pytest.mark.parametrize(("flux", "dx"), [(0.94, 0.4), (1.0, 0.4), (1.0, 0.0)])
def test_files_opened_directly_take_flux_factors_and_displacements_where_needed(
    tmp_path, caplog, flux, dx
):
    caplog.set_level("INFO", "crmasks_widgets")
    paths = write_frames(tmp_path, unlike(flux, dx), GAIN=1.5, RDNOISE=4.5)
    parameters = cm.open_files(paths, bias=100.0, gain=1.5).parameters
    assert parameters.flux_factor == ("auto" if flux != 1 else None)
    assert (parameters.mm_xy_offsets is not None) == (dx != 0)
    if dx:
        assert parameters.mm_xy_offsets[2][0] == pytest.approx(dx, abs=0.05)
        region = (1, 180, 1, 160)
        measured = cm.open_files(paths, bias=100.0, gain=1.5, mm_crosscorr_region=region)
        assert measured.parameters.mm_xy_offsets is None
    assert ("flux_factor: auto taken" in caplog.text) == (flux != 1)
    caplog.clear()
    given = cm.open_files(paths, bias=100.0, gain=1.5, flux_factor=None).parameters
    assert given.flux_factor is None
    assert "flux_factor" not in caplog.text


@pytest.mark.parametrize(("flux", "dx"), [(0.94, 0.0), (1.0, 0.4), (1.0, 0.0)])
@pytest.mark.slow
def test_what_exposures_differ_by_is_proposed_and_the_run_says_nothing_of_it(
    tmp_path, run_cli, flux, dx
):
    write_frames(tmp_path / "night", unlike(flux, dx), GAIN=1.5, RDNOISE=4.5)
    target = tmp_path / "p.yaml"
    made = run_cli(
        ["init", tmp_path / "night", "--yes", "-o", target, "--bias", "100", "--gain", "1.5"],
        tmp_path,
    )
    assert made.code == 0, made.err
    assert "crmasks check" in made.out.splitlines()[-1]
    if flux != 1:  # FITS files can be checked as they are
        files = sorted(map(str, (tmp_path / "night").glob("*.fits")))
        checked = run_cli(["check", *files, "--details"], tmp_path)
        assert (checked.code, "observed over predicted:" in checked.out) == (0, True), checked.err
        assert checked.out.splitlines()[-1].startswith(f"next: crmasks init {files[0]}")
    values = values_of(target)["requirements"]
    assert values["flux_factor"] == ("auto" if flux != 1 else None)
    if flux != 1:
        third = re.search(r"flux_factor: auto.*, ([0-9.]+) \(", made.out).group(1)
        assert float(third) == pytest.approx(flux, abs=0.002)
    offsets = values["mm_xy_offsets"]
    if dx:
        assert offsets[2] == pytest.approx([dx, 0.0], abs=0.05)
    else:
        assert offsets is None
    for given, expected in ((None, flux != 1), ("auto", False)):
        plain = cm.Parameters.from_yaml(target).replace(flux_factor=given).to_yaml()
        (tmp_path / "again.yaml").write_text(plain, encoding="utf-8")
        run = ["run", tmp_path / "again.yaml", "--no-figures", "--overwrite"]
        done = run_cli([*run, "--output-dir", tmp_path / "out"], tmp_path)
        assert done.code == 0, done.err
        assert ("flux_factor: null" in done.err) == expected


def test_what_init_says_of_a_file_that_cannot_run_is_true_and_said_once(tmp_path, run_cli):
    write_frames(tmp_path / "ADU_night", small_scene().exposures, BUNIT="electron")
    target = tmp_path / "p.yaml"
    made = run_cli(["init", tmp_path / "ADU_night", "-o", target, "--bias", "100"], tmp_path)
    assert made.code == EXIT_BAD_INPUT
    said = made.out + made.err
    assert f"{target}: written without rnoise, which a run needs" in said
    assert f"{target}: written\n" not in said
    assert said.count("written") == 1
    text = target.read_text()
    assert "ADU_night/" in text
    assert "ADU" not in text.replace("ADU_night", "")
    assert "bias: 100.0" in text
    given = run_cli(
        ["init", tmp_path / "ADU_night", "-o", target, "--overwrite", "--bias", "100",
         "--rnoise", "3"], tmp_path,
    )  # fmt: skip
    assert given.code == 0, given.err
    assert f"{target}: written\n" in given.out + given.err
