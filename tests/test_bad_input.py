"""Bad input: one line that names what is wrong, exit code 2, and nothing written."""

import gzip
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from .bad_input_cases import refused
from .conftest import SHAPE, small_scene, write_exposures

RNG = np.random.default_rng(1)
NX, NY = SHAPE[1], SHAPE[0]
TEXTS = {
    "empty": ("", "params.yaml: top level: found ", "expected a mapping"),
    "a list": ("- 1\n- 2\n", "params.yaml: top level: found ", "expected a mapping"),
    "text": ("hello\n", "params.yaml: top level: found ", "expected a mapping"),
    "not YAML": ("a: [1, 2\nb: }", "params.yaml: line 2"),
    "a tag": ("images: !!python/object:os.system x\n", "params.yaml: line 1", "plain values"),
    "no requirements": ("images: [a, b, c]\ngain: 1\n", "requirements: found no such key"),
    "requirements a list": (
        "images: [a, b, c]\ngain: 1\nrnoise: 1\nbias: 0\nrequirements: [1]\n", "requirements: found"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_yaml_that_is_no_parameter_file(work, kind):
    text, *fragments = TEXTS[kind]
    (work.folder / "params.yaml").write_text(text)
    refused(work, *fragments)


def test_yaml_missing_a_folder_or_binary(work):
    refused(work, "params.yaml: No such file", "expected a YAML parameter file")
    (work.folder / "params.yaml").mkdir()
    refused(work, "params.yaml: Is a directory", "expected a YAML parameter file")
    (work.folder / "params.yaml").rmdir()
    (work.folder / "params.yaml").write_bytes(b"gain: \xff\xfe")
    refused(work, "params.yaml: found byte 7", "expected UTF-8")


SETTINGS = {
    "unknown key": ({"ls_niter": 4}, "ls_niter: found an unknown key", "nearest is la_niter"),
    "unknown with hyphen": (
        {"pixels_to_be-flagged_as_cr": []}, "nearest is pixels_to_be_flagged_as_cr",
    ),
    "wrong type": ({"dilation": "many"}, "dilation: found 'many', expected an integer"),
    "text for a switch": ({"use_lamedian": "maybe"}, "use_lamedian: found", "true or false"),
    "real for an integer": ({"la_niter": 2.5}, "la_niter: found 2.5, expected an integer"),
    "unknown choice": ({"crmethod": "magic"}, "crmethod: found 'magic'", "mmcosmic"),
    "out of range": ({"dilation": -1}, "dilation: found -1, expected an integer of at least 0"),
    "zero threshold": ({"la_sigclip": 0}, "la_sigclip: found 0", "above 0"),
    "not finite": ({"la_sigclip": float("nan")}, "la_sigclip: found", "finite number"),
    "even kernel": ({"la_psfsize": 10}, "la_psfsize: found 10", "odd"),
    "piecewise without points": (
        {"mm_fixed_points_in_boundary": None}, "mm_fixed_points_in_boundary: found 0", "at least 2",
    ),
    "piecewise with repeated x": (
        {"mm_fixed_points_in_boundary": [[5, 1], [9, 2], [5, 3]]},
        "mm_fixed_points_in_boundary: found x = 5 2 times", "different x",
    ),
    "both thresholds": (
        {"mm_threshold": 3.0, "mm_threshold_rnoise": 2.0}, "mm_threshold: found 3.0 with",
    ),
    "text to be executed": (
        {"mm_fixed_points_in_boundary": "__import__('os').mkdir('hacked')"},
        "mm_fixed_points_in_boundary: found",
    ),
    "flux factors for other exposures": (
        {"flux_factor": [1.0, 1.0]}, "flux_factor: found 2 for 3 images",
    ),
    "offsets for other exposures": (
        {"mm_xy_offsets": [[0, 0]]}, "mm_xy_offsets: found 1 for 3 images",
    ),
    "region outside": (
        {"regions_to_be_skipped": [[1, 10, 1, 5], [70, NX + 1, 1, NY]]},
        "regions_to_be_skipped: found region [70:81, 1:64]", "[1:80, 1:64]",
    ),
    "flux region outside": (
        {"flux_factor": "auto", "flux_factor_regions": ["[1:10, 1:65]"]},
        "flux_factor_regions: found region [1:10, 1:65]", "[1:80, 1:64]",
    ),
    "correlation region outside": (
        {"mm_crosscorr_region": "[1:81, 1:20]"}, "mm_crosscorr_region: found region [1:81, 1:20]",
    ),
    "region of pixel 0": ({"regions_to_be_skipped": [[0, 10, 1, 5]]}, "regions_to_be_skipped"),
    "region upside down": ({"regions_to_be_skipped": [[10, 1, 1, 5]]}, "regions_to_be_skipped"),
    "forced pixel outside": (
        {"pixels_to_be_flagged_as_cr": [[1, 1], [NX + 1, 5]]},
        "pixels_to_be_flagged_as_cr: found pixel [81, 5]", "[1:80, 1:64]",
    ),
    "ignored pixel outside": (
        {"pixels_to_be_ignored_as_cr": [[5, NY + 1]]},
        "pixels_to_be_ignored_as_cr: found pixel [5, 65]", "[1:80, 1:64]",
    ),
    "local median outside": (
        {"pixels_to_be_replaced_by_local_median": [[NX, NY + 1, 3, 3]]},
        "pixels_to_be_replaced_by_local_median: found pixel [80, 65]", "[1:80, 1:64]",
    ),
    "pixel 0": ({"pixels_to_be_flagged_as_cr": [[0, 1]]}, "pixels_to_be_flagged_as_cr: found"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings(work, kind):
    settings, *fragments = SETTINGS[kind]
    work.yaml(**settings)
    refused(work, "params.yaml: " if "outside" not in kind else "", *fragments)


TOP = {
    "gain 0": ({"gain": 0}, "gain: found 0", "above 0"),
    "gain < 0": ({"gain": -1.5}, "gain: found -1.5", "above 0"),
    "rnoise < 0": ({"rnoise": -0.1}, "rnoise: found -0.1", "at least 0"),
    "bias not finite": ({"bias": float("inf")}, "bias: found", "a number"),
    "extnum < 0": ({"extnum": -1}, "extnum: found -1"),
    "one image": ({"images": ["e1.fits"]}, "images: found 1", "at least 2"),
    "no images": ({"images": None}, "images: found none", "two or more"),
    "images a number": ({"images": 3}, "images: found 3"),
    "unknown top key": ({"gian": 1}, "gian: found an unknown key", "nearest is gain"),
    "gain below requirements": ({"rnoise": None}, "rnoise: found no such key"),
}


@pytest.mark.parametrize("kind", TOP)
def test_top_level(work, kind):
    top, *fragments = TOP[kind]
    work.yaml(top=top)
    refused(work, "params.yaml: ", *fragments)


def replace_second(work, hdus, name="e2.fits"):
    """Put something else in the place of the second exposure."""
    (work.folder / name).unlink(missing_ok=True)
    images = [work.images[0], name, work.images[2]]
    if isinstance(hdus, bytes):
        (work.folder / name).write_bytes(hdus)
    else:
        fits.HDUList(hdus).writeto(work.folder / name)
    return work.yaml(images=images)


FRAME = RNG.normal(100, 3, SHAPE).astype(np.float32)
TABLE = fits.BinTableHDU.from_columns([fits.Column("a", "K", array=[1, 2])])
IMAGES = {
    "not FITS": (b"SIMPLE, but no FITS\n" * 500, "not readable as FITS", "a whole FITS file"),
    "an empty file": (b"", "not readable as FITS", "a whole FITS file"),
    "empty primary": ([fits.PrimaryHDU()], "no data in extension 0", "2-D image"),
    "image in the extension": (
        [fits.PrimaryHDU(), fits.ImageHDU(FRAME, name="SCI")],
        "no data in extension 0", "2-D image", "an image is in extension 1 (SCI)",
    ),
    "1-D": ([fits.PrimaryHDU(FRAME[0])], "found 1-D data in extension 0", "2-D image"),
    "3-D": (
        [fits.PrimaryHDU(np.stack([FRAME] * 2))],
        "found 3-D data in extension 0", "2-D image", "e2.fits[0] to e2.fits[1]",
    ),
    "4-D": (
        [fits.PrimaryHDU(np.ones((2, 2, *SHAPE)))], "found 4-D data in extension 0", "2-D image"
    ),
    "other shape": (
        [fits.PrimaryHDU(FRAME[1:])], "found a frame of 80 x 63 pixels", "80 x 64", "e1.fits"
    ),
    "transposed": (
        [fits.PrimaryHDU(FRAME.T)], "found a frame of 64 x 80 pixels", "80 x 64", "e1.fits"
    ),
    "all NaN": ([fits.PrimaryHDU(FRAME * np.nan)], "found no valid pixel", "at least one"),
    "all marked bad": (
        [fits.PrimaryHDU(FRAME), fits.ImageHDU(np.ones(SHAPE, np.uint8), name="DQ")],
        "found no valid pixel", "at least one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", IMAGES)
def test_file_that_is_no_exposure(work, kind):
    hdus, *fragments = IMAGES[kind]
    replace_second(work, hdus)
    refused(work, "e2.fits: ", *fragments)


def test_table_and_wrong_extension_number(work):
    for name in work.images:
        (work.folder / name).unlink()
        fits.HDUList([fits.PrimaryHDU(FRAME), TABLE.copy()]).writeto(work.folder / name)
    work.yaml(top={"extnum": 1})
    refused(work, "e1.fits: found a table in extension 1", "expected a 2-D image")
    work.yaml(top={"extnum": 2})
    refused(work, "e1.fits: extnum: found 2 HDUs", "expected an extension 2")


@cache
def whole_files():
    """Bytes of an exposure in three wrappings."""
    quality = fits.ImageHDU(np.zeros(SHAPE, np.uint8), name="DQ")
    hdus = fits.HDUList([fits.PrimaryHDU(FRAME), quality])
    packed = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(FRAME.astype(np.int16))])
    found = {}
    for suffix, content in ((".fits", hdus), (".fits.fz", packed)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"whole{suffix}"
            content.writeto(path)
            found[suffix] = path.read_bytes()
    found[".fits.gz"] = gzip.compress(found[".fits"])
    return found


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz", ".fits.fz"])
@pytest.mark.parametrize("part", ["1 byte", 0.02, 0.1, 0.3, 0.55, 0.8, 0.87, 0.95, "all but 1"])
def test_truncated(work, suffix, part):
    whole = whole_files()[suffix]
    n = {"1 byte": 1, "all but 1": len(whole) - 1}.get(part) or int(part * len(whole))
    replace_second(work, whole[:n], f"cut{suffix}")
    refused(work, f"cut{suffix}: ", "expected a")


def test_damaged_gzip_is_noticed(work):
    whole = bytearray(gzip.compress(whole_files()[".fits"], compresslevel=0))
    whole[len(whole) // 2] ^= 16  # in the pixels: only the checksum at the end can tell
    replace_second(work, bytes(whole), "flipped.fits.gz")
    refused(work, "flipped.fits.gz: not readable as FITS (CRC check failed", "a whole FITS file")


def test_damaged_compressed_image_is_noticed(work):
    whole = bytearray(whole_files()[".fits.fz"])
    whole[-2880:] = b"\xff" * 2880
    whole[-5760:-2880] = b"\x55" * 2880
    replace_second(work, bytes(whole), "flipped.fits.fz")
    refused(work, "flipped.fits.fz: not readable as FITS (decompression", "a whole FITS file")


def test_header_that_promises_more_than_there_is(work):
    whole = whole_files()[".fits"]
    card = b"NAXIS1  =                   80"
    assert whole.count(card) == 2
    for number in (b"999999999", b"       -5"):
        false = whole.replace(card, b"NAXIS1  =            " + number)
        replace_second(work, false, "false.fits")
        refused(work, "false.fits: ", "a whole FITS file")
        replace_second(work, gzip.compress(false), "false.fits.gz")
        refused(work, "false.fits.gz: ", "a whole FITS file")


@pytest.mark.parametrize("method", ["mm_lacosmic", "significance"])
@pytest.mark.parametrize("value", [1e20, -3e30, 3.3e38, -3.3e38])
def test_fill_value_in_all_exposures_is_named_by_its_pixel(work, method, value):
    frames = np.array(small_scene().exposures)
    frames[:, 20, 30] = value
    write_exposures(work.folder, frames, ["f1.fits", "f2.fits", "f3.fits"])
    work.yaml(images=["f1.fits", "f2.fits", "f3.fits"], crmethod=method)
    refused(work, "pixel (31, 21): found ", f"{value:.4g}", "expected at most 1e+15", "DQ")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("gain: 1.5", "gain: 1.5 e-/ADU", "gain: found '1.5 e-/ADU', expected a number without a"),
        ("gain: 1.5", "gain: flat.fits", "gain: flat.fits: file not found, looked in "),
        ("gain: 1.5", "extnum: 3\ngain: 1.5", "e1.fits: extnum: found one HDU, number 0"),
        ("gain: 1.5", "gain: [1.5", ", expected lines such as gain: 1.5"),
        ("gain: 1.5", "gain: 1.5\nnights:\n\t- 1", "line 4: found a tab, expected blanks in front"),
        ("e2.fits", "params.yaml", "a valid FITS file.), expected a whole FITS file"),
    ],
)  # fmt: skip
def test_likely_mistakes_are_named_with_what_to_do(work, before, after, said):
    work.yaml()
    text = "images: [e1.fits, e2.fits, e3.fits]\ngain: 1.5\nrnoise: 3.0\nbias: 200.0\n"
    text += "requirements: {crmethod: lacosmic}\n"
    (work.folder / "params.yaml").write_text(text.replace(before, after), encoding="utf-8")
    refused(work, said)


def test_missing_file_and_folder(work):
    work.yaml(images=["e1.fits", "nowhere.fits", "e3.fits"])
    refused(work, "nowhere.fits: file not found, looked in", str(work.folder))
    (work.folder / "sub").mkdir()
    work.yaml(images=["e1.fits", "sub", "e3.fits"])
    refused(work, "sub: found a folder", "expected a FITS file")
    work.yaml(images=["e1.fits", "two\nlines.fits", "e3.fits"])
    refused(work, "images: found 'two\\nlines.fits'", "without control characters")


@pytest.mark.parametrize(
    "spelling", ["e1.fits", "./e1.fits", "absolute", "sub/../e1.fits", "symlink", "hardlink"]
)
def test_same_file_twice(work, spelling):
    (work.folder / "sub").mkdir()
    other = {"absolute": str(work.folder / "e1.fits")}.get(spelling, spelling)
    if spelling == "symlink":
        (work.folder / spelling).symlink_to("e1.fits")
    if spelling == "hardlink":
        (work.folder / spelling).hardlink_to(work.folder / "e1.fits")
    work.yaml(images=["e1.fits", "e2.fits", other])
    refused(work, f"{other}: found the same file as image 1 (e1.fits)", "a different exposure")


ONE_ZERO = np.ones(SHAPE, np.float32)
ONE_ZERO[11, 22] = 0
ONE_NAN = np.where(ONE_ZERO == 0, np.nan, ONE_ZERO)
MAPS = {
    "gain shape": ("gain", np.ones((5, 6)), "found a gain map of 6 x 5 pixels", "80 x 64"),
    "gain zero": ("gain", ONE_ZERO, "found gain = 0 at pixel (23, 12)", "expected > 0"),
    "gain NaN": ("gain", ONE_NAN, "found gain = nan at pixel (23, 12)", "expected > 0"),
    "rnoise < 0": ("rnoise", ONE_ZERO - 0.5, "found rnoise = -0.5 at pixel (23, 12)", ">= 0"),
    "bias NaN": ("bias", ONE_NAN, "found bias = nan at pixel (23, 12)", "expected finite"),
    "gain 3-D": ("gain", np.ones((2, *SHAPE)), "found 3-D data", "2-D image"),
}


@pytest.mark.parametrize("kind", MAPS)
def test_calibration_map(work, kind):
    key, values, *fragments = MAPS[kind]
    fits.PrimaryHDU(values.astype(np.float32)).writeto(work.folder / "map.fits")
    work.yaml(top={key: "map.fits"})
    refused(work, "map.fits: ", *fragments)


def test_calibration_map_missing_or_truncated(work):
    work.yaml(top={"gain": "map.fits"})
    refused(work, "map.fits: file not found")
    (work.folder / "map.fits").write_bytes((work.folder / "e1.fits").read_bytes()[:9000])
    refused(work, "map.fits: found a truncated")


def masks_file(path, n=3, shape=SHAPE, without=(), extra=(), cards=()):
    """Write masks; `without` names cards and extensions to leave out."""
    primary = fits.PrimaryHDU()
    for i in range(1, n + 1):
        primary.header[f"FLUXF{i}"] = 1.0
    names = ["MEDIANCR", "MEANCRT", *(f"CRMASK{i}" for i in range(1, n + 1))]
    hdus = [fits.ImageHDU(np.zeros(shape, np.uint8), name=name) for name in names]
    primary.header.update(dict(cards))
    for key in without:
        primary.header.remove(key, ignore_missing=True)
    kept = [hdu for hdu in hdus if hdu.name not in without]
    fits.HDUList([primary, *kept, *extra]).writeto(path, overwrite=True)


def table(name, format="K", **columns):
    made = [
        fits.Column(key, format if key == "X_width" else "K", array=[value])
        for key, value in columns.items()
    ]
    return fits.BinTableHDU.from_columns(made, name=name)


def undefined(name):
    """A mask whose values are 0, but for one that is none."""
    frame = np.zeros(SHAPE, np.float32)
    frame[2, 3] = np.nan
    return fits.ImageHDU(frame, name=name)


MASKS = {
    "wrong shape": (
        {"shape": (5, 6)}, "masks.fits: found shape (6, 5) in extension MEDIANCR", "(80, 64)"
    ),
    "more exposures": ({"n": 4}, "masks.fits: found extension CRMASK4", "masks of 3 exposures"),
    "fewer exposures": ({"n": 2}, "masks.fits: found no extension CRMASK3"),
    "no MEANCRT": ({"without": ["MEANCRT"]}, "masks.fits: found no extension MEANCRT"),
    "no flux factor": ({"without": ["FLUXF2"]}, "masks.fits: found FLUXF2 = None", "positive"),
    **{
        f"flux factor {value!r}": (
            {"cards": {"FLUXF2": value}}, f"masks.fits: found FLUXF2 = {value}", "at most 100 times"
        )
        for value in (1e300, 1e-300, 101.0, True)
    },
    "no lamedian": ({}, "masks.fits: found no extension LAMEDIAN", "use_lamedian is true"),
    "wrong lamedian": (
        {"extra": [fits.ImageHDU(np.zeros((5, 6), np.float32), name="LAMEDIAN")]},
        "masks.fits: found shape (6, 5) in extension LAMEDIAN", "(80, 64)",
    ),
    "no value": (
        {"without": ["CRMASK2"], "extra": [undefined("CRMASK2")]},
        "masks.fits: found nan in pixel [4, 3] of extension CRMASK2", "expected 0",
    ),
    "a table": (
        {"without": ["CRMASK2"], "extra": [table("CRMASK2", a=1)]},
        "masks.fits: found no image in extension CRMASK2",
    ),
    "RPMEDIAN without a column": (
        {"extra": [table("RPMEDIAN", X_pixel=1, Y_pixel=2)]}, "masks.fits: ", "X_width"
    ),
    **{
        f"RPMEDIAN of {value!r}": (
            {"extra": [table("RPMEDIAN", format, X_pixel=1, Y_pixel=2, X_width=value, Y_width=3)]},
            "masks.fits: found other values in X_width of extension RPMEDIAN", "whole numbers",
        )
        for format, value in (("D", 3.5), ("D", np.nan), ("D", np.inf), ("3A", "abc"), ("C", 1j))
    },
    "RPMEDIAN outside": (
        {"extra": [table("RPMEDIAN", X_pixel=81, Y_pixel=2, X_width=3, Y_width=3),
                   fits.ImageHDU(np.zeros(SHAPE, np.float32), name="LAMEDIAN")]},
        "pixels_to_be_replaced_by_local_median: found pixel [81, 2]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MASKS)
def test_masks_that_do_not_fit(work, kind):
    changes, *fragments = MASKS[kind]
    masks_file(work.folder / "masks.fits", **changes)
    work.yaml(crmethod="lacosmic", use_lamedian=True)
    refused(work, *fragments, arguments=["--crmasks", "masks.fits"])


def test_masks_file_that_is_none(work):
    work.yaml()
    refused(work, "no.fits: file not found", arguments=["--crmasks", "no.fits"])
    refused(work, "e1.fits: found no extension MEDIANCR", arguments=["--crmasks", "e1.fits"])
    refused(work, "params.yaml: not readable as FITS", arguments=["--crmasks", "params.yaml"])
    masks_file(work.folder / "masks.fits")
    whole = (work.folder / "masks.fits").read_bytes()
    (work.folder / "masks.fits").write_bytes(whole[: len(whole) // 2])
    refused(work, "masks.fits: found a truncated", arguments=["--crmasks", "masks.fits"])
