"""Exposures are read right, whatever FITS makes of their numbers, and never changed."""

import hashlib
import logging

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS

from crmasks_widgets import (
    Analysis,
    Calibration,
    ExposureSet,
    InputError,
    Parameters,
    read_calibration,
    read_exposures,
)

from .conftest import BOTH, LEVELS, QUICK, SHAPE, small_scene, wcs_header


def counts():
    """Exposures as whole numbers that every type holds."""
    return np.clip(np.rint(small_scene().exposures / 8), 0, 250).astype(np.int64)


def plain(frame):
    return fits.HDUList([fits.PrimaryHDU(frame.astype(np.float32))])


def of_type(dtype):
    return lambda frame: fits.HDUList([fits.PrimaryHDU(frame.astype(dtype))])


def scaled(frame):
    hdu = fits.PrimaryHDU(frame.astype(np.float32))
    hdu.scale("int16", bscale=0.5, bzero=100.0)
    return fits.HDUList([hdu])


def mef(frame):
    other = fits.ImageHDU(np.zeros((3, 4), np.float32), name="OTHER")
    image = fits.ImageHDU(frame.astype(np.int32), name="SCI")
    return fits.HDUList([fits.PrimaryHDU(), image, other])


def compressed(frame):
    return fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(frame.astype(np.int16))])


def named_primary(frame):
    hdu = fits.PrimaryHDU(frame.astype(np.uint16))
    hdu.header["EXTNAME"] = "SCI"
    return fits.HDUList([hdu])


KINDS = {
    "float32": (plain, ".fits", 0),
    "uint8": (of_type(np.uint8), ".fits", 0),
    "int8": (lambda f: of_type(np.int8)(f // 2), ".fits", 0),
    "int16": (of_type(np.int16), ".fits", 0),
    "uint16 (BZERO)": (of_type(np.uint16), ".fits", 0),
    "int32": (of_type(np.int32), ".fits", 0),
    "uint32 (BZERO)": (of_type(np.uint32), ".fits", 0),
    "int64": (of_type(np.int64), ".fits", 0),
    "float64": (of_type(np.float64), ".fits", 0),
    "big-endian": (of_type(">f4"), ".fits", 0),
    "little-endian int": (of_type("<i2"), ".fits", 0),
    "Fortran order": (lambda f: plain(np.asfortranarray(f)), ".fits", 0),
    "BSCALE": (scaled, ".fits", 0),
    "fits.gz": (of_type(np.uint16), ".fits.gz", 0),
    "fits.fz": (compressed, ".fits.fz", 0),
    "fits.fz, extnum 1": (compressed, ".fits.fz", 1),
    "MEF": (mef, ".fits", 1),
    "primary with EXTNAME": (named_primary, ".fits", 0),
}


def written(folder, frames, make, suffix=".fits"):
    paths = [folder / f"e{i}{suffix}" for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        make(frame).writeto(path)
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_fits_image_gives_the_same_values_and_masks(tmp_path, kind):
    make, suffix, extnum = KINDS[kind]
    frames = counts()
    paths = written(tmp_path, frames, make, suffix)
    before = [path.read_bytes() for path in paths]

    found = read_exposures(paths, extnum)

    expected = frames // 2 if kind == "int8" else frames
    assert found.data.dtype == np.float32
    assert found.data.dtype.isnative
    assert not found.data.flags.writeable
    np.testing.assert_array_equal(found.data, expected.astype(np.float32))
    assert found.valid is None
    assert [path.read_bytes() for path in paths] == before
    assert found.checksums == tuple(hashlib.sha256(text).hexdigest() for text in before)
    assert found.names == tuple(map(str, paths))
    method = BOTH if kind in ("uint16 (BZERO)", "fits.fz") else {}
    parameters = Parameters(**QUICK | method, **{**LEVELS, "bias": 12.0})
    masks = Analysis(found, parameters).masks
    reference = Analysis(ExposureSet.from_arrays(list(expected)), parameters).masks
    for name, mask in reference.items():
        np.testing.assert_array_equal(masks[name], mask, err_msg=name)
    assert masks["MEDIANCR"].any()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32"])
def test_blank_integers_are_invalid(tmp_path, dtype):
    def blanked(frame):
        hdu = fits.PrimaryHDU(frame.astype(dtype))
        offset = 0 if dtype in ("uint8", "int16", "int32") else 2 ** (8 * hdu.data.itemsize - 1)
        hdu.header["BLANK"] = 251 - offset
        return fits.HDUList([hdu])

    frames = counts()
    frames[1, 7, 9] = 251
    found = read_exposures(written(tmp_path, frames, blanked))
    assert found.valid is not None
    assert np.argwhere(~found.valid).tolist() == [[1, 7, 9]]
    good = np.delete(found.data.ravel(), np.flatnonzero(~found.valid))
    np.testing.assert_array_equal(good, np.delete(frames.ravel(), np.flatnonzero(~found.valid)))


@pytest.mark.parametrize("name", ["DQ", "MASK", "BPM"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_quality_extensions_mark_bad_pixels(tmp_path, name, dtype):
    def marked(frame):
        quality = np.zeros(frame.shape, dtype)
        quality[3, 4] = 4
        return fits.HDUList([*plain(frame), fits.ImageHDU(quality, name=name)])

    found = read_exposures(written(tmp_path, counts(), marked))
    assert np.argwhere(~found.valid).tolist() == [[i, 3, 4] for i in range(3)]


def test_quality_extensions_of_other_images_do_not_count(tmp_path):
    def marked(frame):
        bad = np.ones(frame.shape, np.uint8)
        second = fits.ImageHDU(bad, name="DQ", ver=2)
        small = fits.ImageHDU(bad[:10, :10], name="MASK")
        weights = fits.ImageHDU(bad, name="WEIGHT")
        return fits.HDUList([*plain(frame), second, small, weights])

    assert read_exposures(written(tmp_path, counts(), marked)).valid is None


def test_quality_extension_of_the_chosen_version(tmp_path):
    def marked(frame):
        hdus = [fits.PrimaryHDU()]
        for version in (1, 2):
            bad = np.zeros(frame.shape, np.uint8)
            bad[version, 0] = 1
            image = fits.ImageHDU(frame.astype(np.float32), name="SCI", ver=version)
            hdus += [image, fits.ImageHDU(bad, name="DQ", ver=version)]
        return fits.HDUList(hdus)

    found = read_exposures(written(tmp_path, counts(), marked), extnum=3)
    assert np.argwhere(~found.valid[0]).tolist() == [[2, 0]]


def test_values_that_are_not_finite_are_invalid(tmp_path):
    frames = counts().astype(np.float64)
    frames[0, 1, 2], frames[1, 3, 4], frames[2, 5, 6] = np.nan, np.inf, 1e300
    found = read_exposures(written(tmp_path, frames, of_type(np.float64)))
    assert np.argwhere(~found.valid).tolist() == [[0, 1, 2], [1, 3, 4], [2, 5, 6]]
    arrays = ExposureSet.from_arrays(list(frames))
    np.testing.assert_array_equal(arrays.valid, found.valid)


def test_header_of_an_extension_has_the_cards_of_the_primary(tmp_path):
    def two_headers(frame):
        primary = fits.PrimaryHDU()
        primary.header["TELESCOP"], primary.header["EXPTIME"] = "GTC", 1.0
        image = fits.ImageHDU(frame.astype(np.float32), wcs_header())
        return fits.HDUList([primary, image])

    header = read_exposures(written(tmp_path, counts(), two_headers), 1).headers[0]
    assert header["TELESCOP"] == "GTC"
    assert header["EXPTIME"] == 1200.0
    assert "XTENSION" not in header


def test_relative_paths_are_looked_for_in_every_folder_in_order(tmp_path, monkeypatch, caplog):
    first, second = tmp_path / "first", tmp_path / "second"
    frames = counts()
    for folder, shift in ((first, 0), (second, 1000)):
        folder.mkdir()
        written(folder, frames + shift, of_type(np.float32))
    (first / "e2.fits").unlink()
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.DEBUG, "crmasks_widgets"):
        found = read_exposures(["e0.fits", "e1.fits", "e2.fits"], folders=("first", "second"))
    np.testing.assert_array_equal(found.data[:2], frames[:2])
    np.testing.assert_array_equal(found.data[2], frames[2] + 1000)
    assert f"e2.fits is read from {second}" in caplog.text
    with pytest.raises(InputError, match=f"e9.fits: file not found, .*{first} and {second}"):
        read_exposures(["e0.fits", "e1.fits", "e9.fits"], folders=("first", "second"))


def test_folder_that_may_not_be_entered_is_an_input_error(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    with pytest.raises(InputError, match=r"e0.fits: .*Permission denied.*expected a FITS file"):
        read_exposures([tmp_path / f"e{i}.fits" for i in range(3)])


def test_arrays_are_copied_and_checksummed():
    frames = [frame.copy() for frame in small_scene().exposures]
    found = ExposureSet.from_arrays(frames)
    again = ExposureSet.from_arrays([frame.astype(np.float64) for frame in frames])
    assert found.checksums == again.checksums
    frames[0][:] = 0
    assert found.data[0].any()
    assert not found.data.flags.writeable
    assert found.names == ("exposure 1", "exposure 2", "exposure 3")
    assert (found.n, found.shape) == (3, SHAPE)
    assert ExposureSet.from_arrays(frames).checksums[0] != found.checksums[0]


def test_masks_of_arrays_count():
    frames = list(small_scene().exposures)
    bad = np.zeros(SHAPE, dtype=bool)
    bad[2, 3] = True
    ccd = CCDData(frames[0], unit="adu", mask=bad, meta=wcs_header())
    masked = np.ma.MaskedArray(frames[1], np.roll(bad, 1, axis=1))
    valid = np.ones((3, *SHAPE), dtype=bool)
    valid[2, 9, 9] = False
    found = ExposureSet.from_arrays([ccd, masked, frames[2]], valid=valid)
    assert np.argwhere(~found.valid).tolist() == [[0, 2, 3], [1, 2, 4], [2, 9, 9]]
    assert found.headers[0]["OBJECT"] == "NGC 1"
    assert not found.valid.flags.writeable
    whole = ExposureSet.from_arrays([CCDData(frames[0], unit="adu"), *frames[1:]])
    assert whole.valid is None
    assert whole.checksums[0] != found.checksums[0]


def test_ccddata_read_from_a_file_keeps_its_wcs(tmp_path):
    paths = [tmp_path / f"{i}.fits" for i in range(3)]
    for path, frame in zip(paths, small_scene().exposures, strict=True):
        fits.PrimaryHDU(frame, wcs_header()).writeto(path)
    found = ExposureSet.from_arrays([CCDData.read(path, unit=u.adu) for path in paths])
    sky = WCS(found.headers[0]).pixel_to_world(10, 20)
    assert sky.separation(WCS(wcs_header()).pixel_to_world(10, 20)) < 1e-6 * u.arcsec


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda f: f[:1], "found 1 exposures, expected at least 2"),
        (lambda f: [f[0], f[1][:-1], f[2]], "exposure 2: found a frame of 80 x 63 .* 80 x 64"),
        (lambda f: [f[0], f[1], f[2][0]], "exposure 3: found 1-D data"),
        (lambda f: [f[0], f[1] * 1j, f[2]], "exposure 2: found 2-D data of type complex"),
        (lambda f: [f[0], f[1] * np.nan, f[2]], "exposure 2: found no valid pixel"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_exposures_are_refused(change, found):
    with pytest.raises(InputError, match=found):
        ExposureSet.from_arrays(change(list(small_scene().exposures)))


def test_calibration_maps_and_numbers(tmp_path):
    gain = np.linspace(1, 2, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    path = tmp_path / "gain.fits"
    fits.PrimaryHDU(gain).writeto(path)
    found = read_calibration(Parameters(gain="gain.fits", rnoise=3.0), SHAPE, [tmp_path])
    np.testing.assert_array_equal(found.gain, gain.astype(np.float32))
    assert found.gain.dtype == np.float32
    assert not found.gain.flags.writeable
    assert (found.rnoise, found.bias) == (3.0, 0.0)
    assert found.checksums == {"gain": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert found.paths == {"gain": path}
    assert found.typical_gain == pytest.approx(1.5)
    back = found.updated(Parameters(gain=2.0), ["gain"], SHAPE)
    assert (back.gain, back.rnoise, back.checksums, back.paths) == (2.0, 3.0, {}, {})


def test_gain_map_reaches_the_masks(tmp_path):
    exposures = ExposureSet.from_arrays(list(small_scene().exposures))
    fits.PrimaryHDU(np.full(SHAPE, 1.5, np.float32)).writeto(tmp_path / "gain.fits")
    number = Parameters(**LEVELS, **QUICK)
    named = number.replace(gain="gain.fits")
    calibration = read_calibration(named, SHAPE, [tmp_path])
    assert isinstance(calibration, Calibration)
    one, other = Analysis(exposures, number), Analysis(exposures, named, calibration)
    for name, mask in one.masks.items():
        np.testing.assert_array_equal(mask, other.masks[name])
    assert one.uuid != other.uuid


def test_an_extension_with_coordinates_takes_none_from_the_primary(tmp_path):
    primary, extension = fits.PrimaryHDU(), fits.ImageHDU(np.ones((16, 16), np.float32))
    primary.header["OBJECT"], primary.header["CTYPE1"] = "NGC 1", "RA---TAN"
    primary.header["CD1_1"], primary.header["CRVAL1"] = 5.0, 120.0
    extension.header["CTYPE1"], extension.header["CDELT1"] = "LINEAR", 2.0
    paths = [tmp_path / f"m{i}.fits" for i in range(3)]
    for i, path in enumerate(paths):
        extension.data[0, 0] = i
        fits.HDUList([primary, extension]).writeto(path)
    header = read_exposures(paths, extnum=1).headers[0]
    assert (header["OBJECT"], header["CTYPE1"], header["CDELT1"]) == ("NGC 1", "LINEAR", 2.0)
    assert "CD1_1" not in header
    assert "CRVAL1" not in header


def test_a_copy_of_an_exposure_is_pointed_out(tmp_path, caplog):
    paths = [tmp_path / f"m{i}.fits" for i in range(3)]
    for value, path in zip((1, 2, 1), paths, strict=True):
        fits.PrimaryHDU(np.full((16, 16), value, np.float32)).writeto(path)
    read_exposures(paths)
    assert f"{paths[2]}: found the same content as in {paths[0]}" in caplog.text
