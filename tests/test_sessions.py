"""A saved session, run by the program, gives the masks of the analysis bit for bit."""

import re
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.files.quality import Quality

from .conftest import LEVELS, QUICK, SHAPE, small_scene, wcs_header, write_exposures, write_yaml

BOTH = {**QUICK, "crmethod": "mm_lacosmic", "la_niter": 2}
EDITS = {
    "pixels_to_be_flagged_as_cr": [[3, 4], [80, 64]],
    "pixels_to_be_ignored_as_cr": [[40, 30], [41, 30]],
    "mediancr_pixels_rejected": [[10, 10]],
    "mediancr_pixels_confirmed": [[11, 10]],
    "pixels_to_be_replaced_by_local_median": [[20, 21, 3, 3]],
    "regions_to_be_skipped": [[1, 5, 1, 5]],
}


def analysis_of(arrays, *, calibration=None, valid=None, headers=None, **settings):
    exposures = cm.ExposureSet.from_arrays(arrays, valid=valid, headers=headers)
    return cm.Analysis(exposures, cm.Parameters(**{**LEVELS, **BOTH, **settings}), calibration)


def run(yaml_path, folder):
    arguments = ["run", str(yaml_path), "--output-dir", str(folder), "--no-figures"]
    assert cli.main([*arguments, "--log-level", "ERROR"]) == 0
    with fits.open(folder / "crmasks.fits") as hdus:
        return {hdu.name: np.array(hdu.data) for hdu in hdus if hdu.name.startswith(("M", "CR"))}


def assert_same_masks(analysis, made):
    assert set(made) == set(analysis.masks)
    for name, mask in analysis.masks.items():
        np.testing.assert_array_equal(made[name].astype(bool), mask, name)
    assert np.count_nonzero(analysis.masks["MEDIANCR"]) > 20


def spoiled_frames():
    """Frames with values of every bad kind, and where finite ones are bad."""
    frames = [np.array(frame) for frame in small_scene().exposures]
    frames[0][5, 7], frames[1][8, 9], frames[2][10, 11] = np.nan, np.inf, -np.inf
    valid = np.ones((3, *SHAPE), dtype=bool)
    valid[0, 20:23, 30:33] = valid[2, 40, :] = False
    return frames, valid


def test_the_extension_that_was_read_is_saved(tmp_path):
    """Parameters at their defaults do not say which one it was."""
    paths = []
    for i, frame in enumerate(small_scene().exposures, start=1):
        bad = np.zeros(SHAPE, np.uint8)
        bad[3 * i, 5] = 4
        hdus = [fits.PrimaryHDU(np.zeros(SHAPE)), fits.ImageHDU(frame, name="SCI")]
        fits.HDUList([*hdus, fits.ImageHDU(bad, name="FLAW")]).writeto(tmp_path / f"e{i}.fits")
        paths.append(tmp_path / f"e{i}.fits")
    exposures = cm.read_exposures(paths, extnum="SCI", quality=Quality("FLAW", (4,)))
    analysis = cm.Analysis(exposures, cm.Parameters(**LEVELS, **BOTH))
    assert analysis.exposures.valid is not None
    cm.save_session(analysis, tmp_path / "s.yaml")
    assert_same_masks(analysis, run(tmp_path / "s.yaml", tmp_path / "o"))


@pytest.mark.parametrize("edits", [{}, EDITS], ids=["plain", "edited by hand"])
def test_session_from_arrays(tmp_path, edits):
    frames, valid = spoiled_frames()
    analysis = analysis_of(frames, valid=valid, **edits)
    folder = tmp_path / "my nights" / "field 1"
    written = cm.save_session(analysis, folder / "session 1.yaml")
    assert [item.path.parent for item in written] == [folder] * 4
    assert_same_masks(analysis, run(folder / "session 1.yaml", tmp_path / "out"))


def test_folder_of_a_session_from_arrays_can_be_moved(tmp_path, monkeypatch):
    analysis = analysis_of(small_scene().exposures)
    cm.save_session(analysis, tmp_path / "a" / "s.yaml")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.move(tmp_path / "a", tmp_path / "b")
    images = cm.Parameters.from_yaml(tmp_path / "b" / "s.yaml").images
    assert all("/" not in name for name in images)
    assert_same_masks(analysis, run(tmp_path / "b" / "s.yaml", tmp_path / "out"))


def test_headers_are_kept_without_what_describes_another_file(tmp_path):
    header = wcs_header()
    header["BZERO"], header["EXTNAME"] = 32768, "DQ"
    analysis = analysis_of(small_scene().exposures, headers=[header] * 3)
    cm.save_session(analysis, tmp_path / "s.yaml")
    again = cm.load_analysis(tmp_path / "s.yaml")
    for kept in again.exposures.headers:
        assert (kept["OBJECT"], kept["CRVAL1"], kept["EXPTIME"]) == ("NGC 1", 120.25, 1200.0)
        assert "BZERO" not in kept
        assert "EXTNAME" not in kept
    np.testing.assert_array_equal(again.exposures.data, analysis.exposures.data)
    assert again.exposures.data.dtype == np.float32


def test_ccddata_comes_back_with_its_mask(tmp_path):
    masks = np.zeros((3, *SHAPE), dtype=bool)
    masks[1, 3, 4] = True
    frames = [
        CCDData(frame, unit="adu", mask=mask)
        for frame, mask in zip(small_scene().exposures, masks, strict=True)
    ]
    analysis = analysis_of(frames)
    cm.save_session(analysis, tmp_path / "s.yaml")
    again = cm.load_analysis(tmp_path / "s.yaml").exposures
    np.testing.assert_array_equal(again.valid, ~masks)


def test_calibration_given_as_arrays_or_beside_the_parameters(tmp_path):
    rng = np.random.default_rng(1)
    gain = rng.uniform(1.4, 1.6, SHAPE).astype(np.float32)
    calibration = cm.Calibration(gain=gain, rnoise=3.0, bias=99.5)
    analysis = analysis_of(small_scene().exposures, calibration=calibration)
    cm.save_session(analysis, tmp_path / "s.yaml")
    again = cm.load_analysis(tmp_path / "s.yaml")
    np.testing.assert_array_equal(again.calibration.gain, gain)
    assert (again.calibration.bias, again.calibration.rnoise) == (99.5, 3.0)
    assert_same_masks(analysis, run(tmp_path / "s.yaml", tmp_path / "out"))


def files_with_a_map(folder):
    """Exposures with bad pixels, a map and a parameter file, in a folder with a space."""
    folder.mkdir(parents=True)
    frames, valid = spoiled_frames()
    names = write_exposures(folder, frames)
    for name, good in zip(names, valid, strict=True):
        fits.append(folder / name, (~good).astype(np.uint8), fits.Header({"EXTNAME": "DQ"}))
    rnoise = np.full(SHAPE, 3.0, np.float32)
    rnoise[:, 40:] = 3.5
    fits.writeto(folder / "rnoise map.fits", rnoise)
    write_yaml(folder / "p.yaml", names, top={"rnoise": "rnoise map.fits"}, **BOTH)
    return cm.load_analysis(folder / "p.yaml")


def test_session_of_files_in_its_own_folder_names_them_relatively(tmp_path):
    analysis = files_with_a_map(tmp_path / "raw data").replace(**EDITS, la_sigclip=6)
    written = cm.save_session(analysis, tmp_path / "s.yaml")
    assert [item.path for item in written] == [tmp_path / "s.yaml"]
    parameters = cm.Parameters.from_yaml(tmp_path / "s.yaml")
    assert parameters.images == tuple(f"raw data/e{i}.fits" for i in (1, 2, 3))
    assert parameters.rnoise == "raw data/rnoise map.fits"
    assert_same_masks(analysis, run(tmp_path / "s.yaml", tmp_path / "out"))


def test_session_of_files_in_another_folder_names_them_wholly(tmp_path, monkeypatch):
    analysis = files_with_a_map(tmp_path / "raw data")
    cm.save_session(analysis, tmp_path / "sessions" / "s.yaml")
    parameters = cm.Parameters.from_yaml(tmp_path / "sessions" / "s.yaml")
    whole = (tmp_path / "raw data").resolve()
    assert parameters.images == tuple(str(whole / f"e{i}.fits") for i in (1, 2, 3))
    assert parameters.rnoise == str(whole / "rnoise map.fits")
    monkeypatch.chdir(tmp_path)
    assert_same_masks(analysis, run(tmp_path / "sessions" / "s.yaml", tmp_path / "out"))


def test_extension_is_kept_for_files_and_dropped_for_arrays(tmp_path):
    names = []
    for i, frame in enumerate(small_scene().exposures, start=1):
        hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(frame)])
        hdus.writeto(tmp_path / f"x{i}.fits")
        names.append(f"x{i}.fits")
    write_yaml(tmp_path / "p.yaml", names, top={"extnum": 1}, **BOTH)
    analysis = cm.load_analysis(tmp_path / "p.yaml")
    cm.save_session(analysis, tmp_path / "s.yaml")
    assert_same_masks(analysis, run(tmp_path / "s.yaml", tmp_path / "out"))
    of_arrays = analysis_of(small_scene().exposures, extnum=1)
    cm.save_session(of_arrays, tmp_path / "t.yaml")
    assert_same_masks(of_arrays, run(tmp_path / "t.yaml", tmp_path / "out2"))


def test_saving_again_writes_the_parameters_only(tmp_path):
    analysis = analysis_of(small_scene().exposures)
    assert len(cm.save_session(analysis, tmp_path / "s.yaml")) == 4
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.fits")}
    changed = analysis.replace(dilation=2)
    written = cm.save_session(changed, tmp_path / "s.yaml", overwrite=True)
    assert [item.path.name for item in written] == ["s.yaml"]
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.fits")}
    assert_same_masks(changed, run(tmp_path / "s.yaml", tmp_path / "out"))


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder, analysis, path, pattern, *, error=cm.OutputError, **options):
    before = content(folder)
    with pytest.raises(error, match=pattern) as caught:
        cm.save_session(analysis, path, **options)
    assert "\n" not in str(caught.value)
    assert content(folder) == before


def test_what_must_not_be_replaced(tmp_path):
    analysis = files_with_a_map(tmp_path / "raw data")
    (tmp_path / "s.yaml").write_text("mine")
    (tmp_path / "folder.yaml").mkdir()
    refused(tmp_path, analysis, tmp_path / "s.yaml", "s.yaml: found a file",
            error=cm.ProductExistsError)  # fmt: skip
    refused(tmp_path, analysis, tmp_path / "raw data" / "e1.fits", "expected .yaml", overwrite=True)
    refused(tmp_path, analysis, tmp_path / "folder.yaml", "found a folder", overwrite=True)
    refused(tmp_path, analysis, tmp_path / "s.yaml" / "t.yaml", "not writable")


def test_another_file_in_the_place_of_an_exposure_is_never_replaced(tmp_path):
    analysis = analysis_of(small_scene().exposures)
    first = cm.save_session(analysis, tmp_path / "s.yaml")[0].path
    fits.writeto(first, np.zeros(SHAPE), overwrite=True)
    refused(tmp_path, analysis, tmp_path / "s.yaml", "exposure1_.*found another content",
            error=cm.ProductExistsError, overwrite=True)  # fmt: skip
    first.write_text("not FITS")
    refused(tmp_path, analysis, tmp_path / "s.yaml", "exposure1_.*found another content",
            error=cm.ProductExistsError, overwrite=True)  # fmt: skip


def test_files_that_changed_since_they_were_read(tmp_path):
    analysis = files_with_a_map(tmp_path / "raw data")
    rnoise = tmp_path / "raw data" / "rnoise map.fits"
    fits.writeto(rnoise, np.full(SHAPE, 9.0, np.float32), overwrite=True)
    refused(tmp_path, analysis, tmp_path / "s.yaml", "rnoise map.fits: found another content",
            error=cm.InputError)  # fmt: skip
    rnoise.unlink()
    refused(tmp_path, analysis, tmp_path / "s.yaml", "rnoise map.fits: not readable",
            error=cm.InputError)  # fmt: skip


def test_masks_of_a_file_are_not_said_to_come_from_parameters(tmp_path):
    analysis = files_with_a_map(tmp_path / "raw data")
    cm.save_all(analysis, tmp_path / "out")
    applied = cm.apply_masks(analysis, tmp_path / "out" / "crmasks.fits")
    refused(tmp_path, applied, tmp_path / "s.yaml", "masks that were read from a file")


def test_nothing_is_left_when_the_disk_is_full(tmp_path, monkeypatch):
    analysis = analysis_of(small_scene().exposures)
    write = fits.HDUList.writeto

    def full(self, path, **options):
        write(self, path, **options)
        if "exposure3" in str(path):
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(fits.HDUList, "writeto", full)
    refused(tmp_path, analysis, tmp_path / "new" / "s.yaml", "No space left on device")
    assert not (tmp_path / "new").exists()


def test_a_session_keeps_comments_on_what_has_not_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_exposures(tmp_path, small_scene().exposures)
    text = cm.Parameters(images=("e1.fits", "e2.fits", "e3.fits"), **LEVELS).to_yaml(
        {"gain": "header: GAIN 1.5", "rnoise": "header: RON 3", "la_sigclip": "by hand"}
    )
    (tmp_path / "p.yaml").write_text(text.replace("\nbias", "\n# from the log\nbias"))
    analysis = cm.load_analysis("p.yaml").replace(rnoise=4.0, la_sigclip=7.0)
    cm.save_session(analysis, "session.yaml")
    written = (tmp_path / "session.yaml").read_text()
    before = (tmp_path / "p.yaml").read_text()
    assert written.count("\n\n") == before.count("\n\n")
    assert re.search(r"gain: 1.5 +# e-/ADU; header: GAIN 1.5", written)
    assert "# from the log\nbias: 100.0" in written
    assert "header: RON 3" not in written
    assert "by hand" not in written
    assert cm.load_analysis("session.yaml").parameters.rnoise == 4.0
