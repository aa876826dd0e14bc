"""From FITS files alone to a parameter file that runs, or to an analysis."""

import numpy as np
import pytest
import yaml
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets.cli import EXIT_BAD_INPUT
from crmasks_widgets.demo import DETECTOR, demo_scene

from .conftest import small_scene


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


def test_files_are_opened_without_a_parameter_file(tmp_path):
    paths = write_frames(
        tmp_path / "night", small_scene().exposures, GAIN=1.5, RDNOISE=4.5, OBJECT="field"
    )
    analysis = cm.open_files(paths, bias=100.0)
    assert (analysis.parameters.gain, analysis.parameters.rnoise) == (1.5, 3.0)
    np.testing.assert_array_equal(analysis.exposures.data, np.float32(small_scene().exposures))
    with pytest.raises(cm.InputError, match="file not found"):
        cm.open_files(tmp_path / "nothing")
