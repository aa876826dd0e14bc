"""Several detectors in one file: each is an analysis, and products are one file of each kind."""

import csv
import pickle

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

import crmasks_widgets as cm
from crmasks_widgets.batch.block import Task, run_block
from crmasks_widgets.batch.blocks import find_blocks, memory_of
from crmasks_widgets.ending import EXIT_BAD_INPUT
from crmasks_widgets.machine import memory_needed

from .conftest import FEW_FIGURES, LEVELS, QUICK, SHAPE, small_scene

SEEDS = {"CCD1": 11, "CCD2": 12, "CCD3": 13}
FRAMES = {name: small_scene(seed=seed).exposures for name, seed in SEEDS.items()}
GAINS = [1.5, 1.6, 1.7]


def write_camera(folder, names=tuple(SEEDS), versions=None):
    """Write three exposures of a camera of three detectors."""
    paths = []
    for i in range(3):
        hdus = [fits.PrimaryHDU(header=fits.Header({"OBJECT": "field", "EXPTIME": 900.0}))]
        for k, frames in enumerate(FRAMES.values()):
            version = versions[k] if versions else 1
            hdus.append(fits.ImageHDU(frames[i], name=names[k], ver=version))
        paths.append(folder / f"e{i + 1}.fits")
        fits.HDUList(hdus).writeto(paths[-1])
    return paths


def write_yaml(folder, extnum, **top):
    path = folder / "p.yaml"
    values = {"images": "e?.fits", "extnum": extnum, **LEVELS, **top}
    path.write_text(yaml.safe_dump({**values, "requirements": {**QUICK, "maxplots": 0}}))
    return path


def alone(extnum, folder, **top):
    path = folder / "alone.yaml"
    path.write_text(write_yaml(folder, extnum, **top).read_text())
    return cm.load_analysis(path)


@pytest.mark.parametrize("extnum", [[1, 2, 3], ["CCD1", "ccd2", 3], "all"])
def test_each_detector_is_an_analysis_of_its_own(tmp_path, extnum):
    write_camera(tmp_path)
    mosaic = cm.load_mosaic(write_yaml(tmp_path, extnum, gain=GAINS))
    assert mosaic.names == ("CCD1", "CCD2", "CCD3")
    assert [each.calibration.gain for each in mosaic] == GAINS
    assert [each.calibration.rnoise for each in mosaic] == [3.0] * 3
    for each, frames in zip(mosaic, FRAMES.values(), strict=True):
        np.testing.assert_array_equal(each.exposures.data, frames)
    assert mosaic["CCD2"] is mosaic.analyses[1]
    with pytest.raises(cm.InputError, match="detector: found X, expected one of CCD1"):
        _ = mosaic["X"]


def test_products_are_one_file_of_each_kind(tmp_path, run_cli):
    write_camera(tmp_path)
    path, out = write_yaml(tmp_path, [1, 3], gain=[1.5, 1.7]), tmp_path / "out"
    done = run_cli(["run", path, "--output-dir", out, "--no-figures"], tmp_path)
    assert done.code == 0, done.err
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} >= {
        "crmasks.fits", "hits.ecsv", "combined_meancr.fits", "mediancr_identified.csv",
    }  # fmt: skip
    expected = [alone(1, tmp_path), alone(3, tmp_path, gain=1.7)]
    for number, one in enumerate(expected, start=1):
        made = cm.Analysis(one.exposures, one.parameters)
        with fits.open(out / "combined_meancr.fits") as hdus:
            assert hdus[0].header["UUID"] != made.uuid
            assert hdus["SCI", number].header["UUID"] == made.uuid
            assert hdus["SCI", number].header["DETNAME"] == f"CCD{2 * number - 1}"
            combined = made.combination("meancr")
            np.testing.assert_array_equal(hdus["SCI", number].data, combined.data)
            np.testing.assert_array_equal(hdus["VARIANCE", number].data, combined.variance)
        with fits.open(out / "crmasks.fits") as hdus:
            for name, mask in made.masks.items():
                np.testing.assert_array_equal(hdus[name, number].data, mask)
            assert hdus["DETECTOR", number].header["FLUXF1"] == 1.0
    hits = Table.read(out / "hits.ecsv")
    assert hits.colnames[0] == "detector"
    counts = [int(np.sum(hits["detector"] == name)) for name in ("CCD1", "CCD3")]
    assert counts == [one.n_hits for one in expected]
    assert min(counts) > 0
    with (out / "mediancr_identified.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    masked = [sum(row["detector"] == name for row in rows) for name in ("CCD1", "CCD3")]
    assert masked == [int(one.mediancr.sum()) for one in expected]


@pytest.mark.slow
def test_masks_of_several_detectors_are_applied_again(tmp_path, run_cli):
    write_camera(tmp_path)
    path = write_yaml(tmp_path, "all")
    first = cm.load_mosaic(path)
    cm.save_all(first, tmp_path / "one")
    again = cm.load_mosaic(path, tmp_path / "one" / "crmasks.fits")
    cm.save_all(again, tmp_path / "two")
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(after.mediancr, before.mediancr)
    assert not (tmp_path / "two" / "crmasks.fits").exists()
    second = cm.load_analysis(path, tmp_path / "one" / "crmasks.fits", detector=2)
    np.testing.assert_array_equal(second.mediancr, first["CCD2"].mediancr)
    swapped = cm.load_mosaic(write_yaml(tmp_path, [2, 1]), tmp_path / "one" / "crmasks.fits")
    np.testing.assert_array_equal(swapped["CCD1"].mediancr, first["CCD1"].mediancr)
    cm.save_all(cm.load_mosaic(write_yaml(tmp_path, [1, 2])), tmp_path / "three")
    with pytest.raises(cm.InputError, match="found no extension with DETNAME = CCD3"):
        cm.load_mosaic(write_yaml(tmp_path, "all"), tmp_path / "three" / "crmasks.fits")


@pytest.mark.usefixtures("few_figures")
@pytest.mark.slow
def test_figures_have_the_number_of_the_detector(tmp_path, run_cli):
    write_camera(tmp_path)
    path, out = write_yaml(tmp_path, [1, 2]), tmp_path / "out"
    done = run_cli(["run", path, "--output-dir", out], tmp_path)
    assert done.code == 0, done.err
    names = {p.name for p in out.iterdir()}
    numbered = {name.replace(".", f"_detector{k}.") for name in FEW_FIGURES for k in (1, 2)}
    assert {name for name in names if name.endswith((".png", ".pdf"))} == numbered
    again = run_cli(["run", path, "--output-dir", out, "--overwrite", "--no-figures"], tmp_path)
    assert again.code == 0, again.err
    assert "warning" not in again.err
    assert not [p for p in out.iterdir() if p.suffix in (".png", ".pdf")]


def test_a_file_of_one_image_keeps_its_layout(tmp_path, run_cli):
    write_camera(tmp_path)
    path, out = write_yaml(tmp_path, 2), tmp_path / "out"
    done = run_cli(["run", path, "--output-dir", out, "--no-figures", "--reproducible"], tmp_path)
    assert done.code == 0, done.err
    cm.save_all(cm.load_analysis(path), tmp_path / "plain", reproducible=True)
    names = sorted(p.name for p in (tmp_path / "plain").iterdir())
    assert names
    for name in names:
        assert (out / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert fits.getdata(out / "combined_meancr.fits", 0).shape == SHAPE


def test_one_detector_is_opened_and_the_others_are_named(tmp_path, caplog):
    write_camera(tmp_path, ("SCI",) * 3, (1, 2, 3))
    path = write_yaml(tmp_path, "all")
    analysis = cm.load_analysis(path)
    np.testing.assert_array_equal(analysis.exposures.data, FRAMES["CCD1"])
    said = [r.getMessage() for r in caplog.records if "found the detectors" in r.getMessage()]
    assert len(said) == 1
    assert "1 (SCI), 2 (SCI,2), 3 (SCI,3); opening SCI" in said[0]
    for detector in (2, "SCI,2", "sci, 2"):
        analysis = cm.load_analysis(path, detector=detector)
        np.testing.assert_array_equal(analysis.exposures.data, FRAMES["CCD2"])
    for detector in (0, 4, "X"):
        with pytest.raises(cm.InputError, match=f"expected one {detector}"):
            cm.load_analysis(path, detector=detector)


REFUSED = {
    "list too short": ({"extnum": "all", "gain": [1.5, 1.6]}, "gain: found 2 values, expected one"),
    "an empty list": ({"extnum": []}, "extnum: found []"),
    "one twice": ({"extnum": [1, 1]}, "extnum: found [1, 1]"),
    "no extension": ({"extnum": [1, 7]}, "expected an extension 7"),
    "a bad item": ({"extnum": [1, -2]}, "detector -2: extnum: found -2"),
    "a bad value": ({"extnum": [1, 2], "gain": [1.5, 0]}, "detector 2: gain: found 0"),
    "a list for one": ({"extnum": 1, "gain": [1.5, 1.6]}, "gain: found [1.5, 1.6]"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_one_line(tmp_path, run_cli, kind):
    top, fragment = REFUSED[kind]
    write_camera(tmp_path)
    path = write_yaml(tmp_path, **top)
    done = run_cli(["run", path, "--output-dir", tmp_path / "out"], tmp_path)
    assert done.code == EXIT_BAD_INPUT, done.err
    assert fragment in done.err.strip().splitlines()[-1]
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_memory_is_that_of_all_detectors(tmp_path, monkeypatch):
    write_camera(tmp_path)
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", f"{memory_needed(3, SHAPE) + 0.1}")
    assert cm.load_analysis(write_yaml(tmp_path, "all"), detector=3).exposures.n == 3
    with pytest.raises(cm.InputError, match=r"9 such images need .* MiB of memory"):
        cm.load_mosaic(write_yaml(tmp_path, "all"))


def test_a_product_that_cannot_be_made_leaves_nothing_behind(tmp_path, monkeypatch):
    write_camera(tmp_path)
    mosaic = cm.load_mosaic(write_yaml(tmp_path, [1, 2]))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crmasks_widgets.products.mosaic._layer", full)
    with pytest.raises(cm.OutputError, match=r"combined_mediancr\.fits: could not be written"):
        cm.save_all(mosaic, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parameters_of_one_are_not_read_from_a_file_for_several(tmp_path):
    with pytest.raises(cm.ParameterError, match="several detectors, expected one here"):
        cm.Parameters.from_yaml(write_yaml(tmp_path, [1, 2]))


# ---- starting from files -------------------------------------------------------------------------


def with_gains(folder, gains=GAINS, **names):
    paths = write_camera(folder, **names)
    for path in paths:
        with fits.open(path, mode="update") as hdus:
            for hdu, gain in zip(hdus[1:], gains, strict=True):
                hdu.header["GAIN"] = (gain, "[e-/ADU]")
                hdu.header["RDNOISE"] = (3 * gain, "[e-]")
    return paths


def test_init_finds_the_detectors_of_a_file(tmp_path, run_cli):
    with_gains(tmp_path)
    target = tmp_path / "p.yaml"
    made = run_cli(["init", "e?.fits", "--yes", "-o", target, "--bias", "100"], tmp_path)
    assert made.code == 0, made.err
    values = yaml.safe_load(target.read_text())
    assert values["extnum"] == [1, 2, 3]
    assert values["gain"] == GAINS
    assert values["rnoise"] == 3.0
    assert values["bias"] == 100.0
    assert "CCD2: header: GAIN 1.6 e-/ADU" in target.read_text()
    assert len(cm.load_mosaic(target)) == 3


def test_init_takes_all_images_where_it_is_told(tmp_path, run_cli):
    with_gains(tmp_path, names=("A", "B", "SKY"))
    target = tmp_path / "p.yaml"
    command = ["init", "e?.fits", "--yes", "-o", target, "--bias", "100", "--overwrite"]
    made = run_cli([*command, "--extnum", "all"], tmp_path)
    assert made.code == 0, made.err
    assert yaml.safe_load(target.read_text())["extnum"] == [1, 2, 3]
    made = run_cli(command, tmp_path)
    assert made.code == 0, made.err
    assert yaml.safe_load(target.read_text())["extnum"] == 1


def test_what_holds_for_one_detector_alone(tmp_path, run_cli):
    write_camera(tmp_path)
    path = write_yaml(tmp_path, [1, 3])
    text = path.read_text() + (
        "crmasks_widgets:\n  of_each_detector:\n    - {}\n"
        "    - {pixels_to_be_ignored_as_cr: [[5, 6]], regions_to_be_skipped: [[1, 9, 1, 9]]}\n"
    )
    path.write_text(text)
    mosaic = cm.load_mosaic(path)
    first, second = (each.parameters for each in mosaic)
    assert (first.pixels_to_be_ignored_as_cr, first.regions_to_be_skipped) == (None, None)
    assert second.pixels_to_be_ignored_as_cr == ((5, 6),)
    cm.save_session(mosaic, tmp_path / "again.yaml")
    again = cm.load_mosaic(tmp_path / "again.yaml")
    assert [each.parameters.regions_to_be_skipped for each in again] == [None, ((1, 9, 1, 9),)]
    (block,) = find_blocks([tmp_path / "p.yaml"])
    assert block.error == ""
    assert block.several.parameters()[1].pixels_to_be_ignored_as_cr == ((5, 6),)
    for old, new, message in (
        ("    - {}\n", "", "of_each_detector: found 1 values, expected one or 2"),
        ("- {}", "- {dilation: 2}", "of_each_detector: found dilation, expected one of regions_to"),
        ("- {}", "- {dilatation: 2}", "of_each_detector: dilatation: "),
        ("- {}", "- 3", "expected a list with a mapping for each detector"),
        ("- {}", "- {pixels_to_be_ignored_as_cr: 3}", "detector 1: pixels_to_be_ignored_as_cr: "),
        (
            "extnum:\n- 1\n- 3\n",
            "extnum: 2\n",
            "found with one extension, expected several in extnum",
        ),
    ):
        assert old in text
        path.write_text(text.replace(old, new))
        done = run_cli(["run", path, "--output-dir", tmp_path / "out"], tmp_path)
        assert (done.code, message in done.err) == (EXIT_BAD_INPUT, True), done.err
    with pytest.raises(cm.ParameterError, match="found with one extension"):
        cm.Parameters.from_yaml(path)


def test_detectors_that_one_file_cannot_tell_of_are_not_saved(tmp_path):
    write_camera(tmp_path)
    mosaic = cm.load_mosaic(write_yaml(tmp_path, [1, 2]))
    first, second = mosaic
    apart = cm.Mosaic(mosaic.names, (first, second.replace(dilation=3)))
    twice = cm.Mosaic(mosaic.names, (first, first.replace(gain=2.0)))
    arrays = cm.Analysis(cm.ExposureSet.from_arrays(list(FRAMES["CCD1"])), first.parameters)
    for made, message in (
        (apart, "dilation: found 1 and 3, expected one value for all detectors"),
        (twice, "extnum: found 1 twice, expected an extension for each"),
        (cm.Mosaic(mosaic.names, (arrays, arrays)), "found detectors that are in no file"),
    ):
        with pytest.raises(cm.CrmasksError, match=message):
            cm.save_session(made, tmp_path / "no.yaml")
        assert not (tmp_path / "no.yaml").exists()


def test_images_without_names_are_not_taken_for_detectors_unasked(tmp_path, run_cli):
    with_gains(tmp_path, names=("",) * 3)
    target = tmp_path / "p.yaml"
    made = run_cli(["init", "e?.fits", "-o", target, "--bias", "100"], tmp_path)
    assert made.code == EXIT_BAD_INPUT
    assert "detector 1: extnum: " in made.err
    assert "extnum" not in yaml.safe_load(target.read_text())


def test_files_of_several_detectors_are_opened(tmp_path, caplog):
    paths = with_gains(tmp_path)
    for detector, name in ((None, "CCD1"), (2, "CCD2"), ("ccd3", "CCD3")):
        caplog.clear()
        analysis = cm.open_files(paths, bias=100.0, detector=detector)
        np.testing.assert_array_equal(analysis.exposures.data, FRAMES[name])
        assert analysis.parameters.gain == GAINS[int(name[-1]) - 1]
        named = "1 (CCD1), 2 (CCD2), 3 (CCD3); opening CCD1" in caplog.text
        assert named == (detector is None)
    with pytest.raises(cm.InputError, match="expected one 4"):
        cm.open_files(paths, detector=4)


@pytest.mark.parametrize("same", [True, False])
def test_the_overscan_of_each_detector_is_skipped(tmp_path, run_cli, same):
    rng = np.random.default_rng(2)
    ny, nx = SHAPE
    for i in range(3):
        hdus = [fits.PrimaryHDU(header=fits.Header({"OBJECT": "field"}))]
        for k, (name, frames) in enumerate(FRAMES.items()):
            overscan = rng.normal(100.0, 3.0, (ny, 24))
            left = k == 1 and not same
            whole = np.hstack([overscan, frames[i]] if left else [frames[i], overscan])
            section = f"[1:24,1:{ny}]" if left else f"[{nx + 1}:{nx + 24},1:{ny}]"
            header = fits.Header({"BIASSEC": section, "GAIN": 1.5})
            hdus.append(fits.ImageHDU(whole.astype(np.float32), header, name=name))
        fits.HDUList(hdus).writeto(tmp_path / f"e{i}.fits")
    target = tmp_path / "p.yaml"
    made = run_cli(["init", "e?.fits", "--yes", "-o", target], tmp_path)
    assert made.code == 0, made.err
    values = yaml.safe_load(target.read_text())
    assert values["bias"] == pytest.approx([100.0] * 3, abs=0.3)
    assert values["rnoise"] == pytest.approx([3.0] * 3, rel=0.05)
    skipped = values["requirements"]["regions_to_be_skipped"]
    right, left = (nx + 1, nx + 24, 1, ny), (1, 24, 1, ny)
    assert skipped == ([list(right)] if same else None)
    assert ("of_each_detector" in values.get("crmasks_widgets", {})) != same
    found = [each.parameters.regions_to_be_skipped for each in cm.load_mosaic(target)]
    assert found == [(right,), (right,) if same else (left,), (right,)]


@pytest.mark.parametrize(("extnum", "shared"), [([1, 3], False), ("all", False), ("all", True)])
@pytest.mark.slow
def test_a_block_of_several_detectors_is_run_as_by_itself(tmp_path, run_cli, extnum, shared):
    night, reference, out = (tmp_path / name for name in ("night", "reference", "out"))
    night.mkdir()
    write_camera(night)
    gains = GAINS if extnum == "all" else GAINS[::2]
    path, settings = write_yaml(night, extnum, gain=gains), None
    command = ["run", path, "--output-dir", reference, "--no-figures", "--reproducible"]
    assert run_cli(command, night).code == 0
    mosaic = cm.load_mosaic(path, seed=0)
    if shared:  # the block's own file only tells what its exposures are
        settings = path.rename(tmp_path / "shared.yaml")
        own = {
            "images": "e?.fits",
            "extnum": extnum,
            **LEVELS,
            "gain": gains,
            "requirements": {"maxplots": 3},
        }
        path.write_text(yaml.safe_dump(own))
    (block,) = find_blocks([night], settings)
    assert memory_of(block, figures=False) == len(mosaic) * memory_needed(3, SHAPE)
    task = pickle.loads(pickle.dumps(Task(block, out, figures=False)))  # noqa: S301 - our own
    outcome = run_block(task)
    assert outcome.state == "done", outcome
    for name in ("crmasks.fits", "combined_meancr.fits", "hits.ecsv"):
        assert (out / name).read_bytes() == (reference / name).read_bytes(), name
    assert outcome.record["parameters"]["gain"] == gains
    assert outcome.record["counts"]["hits"] == sum(each.n_hits for each in mosaic)
    pixels = sum(int(each.masks["MEDIANCR"].sum()) for each in mosaic)
    assert outcome.record["counts"]["MEDIANCR"] == pixels > 0
    assert run_block(task).state == "verified"


def test_lists_that_do_not_fit_are_the_fault_of_the_block_alone(tmp_path):
    write_camera(tmp_path)
    write_yaml(tmp_path, [1, 3], gain=GAINS)
    (block,) = find_blocks([tmp_path])
    assert block.parameters is None
    assert "gain: found 3 values, expected one or 2" in block.error
