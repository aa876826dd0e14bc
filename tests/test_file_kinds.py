"""A matrix of file kinds and what is expected of them; every file is made here."""

import bz2
import gzip
import io
import logging
import lzma
import re
import sys
import types
import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.units import Unit

from crmasks_widgets import (
    Analysis,
    ExposureSet,
    Parameters,
    load_analysis,
    read_exposures,
    save_all,
    save_session,
)
from crmasks_widgets.demo import score
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposures import read_calibration
from crmasks_widgets.files.quality import Quality
from crmasks_widgets.loading import read_analysis

from .conftest import LEVELS, QUICK, SHAPE, small_scene, write_yaml

NY, NX = SHAPE
FRAMES = small_scene().exposures
COUNTS = np.clip(np.rint(FRAMES), 0, 65535).astype(np.uint16)
BAD = (slice(5, 9), slice(10, 13))


def content(*hdus):
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def written(folder, make, suffix=".fits"):
    paths = [folder / f"e{i}{suffix}" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_bytes(make(i))
    return paths


def warned(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# ---- packed whole --------------------------------------------------------------------------------


def zipped(whole, names=("frame.fits",)):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, whole)
    return stream.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}
WHOLE = {
    "float32": lambda i: content(fits.PrimaryHDU(FRAMES[i])),
    "uint16": lambda i: content(fits.PrimaryHDU(COUNTS[i])),
    "extension": lambda i: content(fits.PrimaryHDU(), fits.ImageHDU(FRAMES[i], name="SCI")),
    "RICE": lambda i: content(fits.PrimaryHDU(), fits.CompImageHDU(COUNTS[i].astype(np.int16))),
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("kind", WHOLE)
def test_packed_files_are_read(tmp_path, packer, kind):
    paths = written(tmp_path, lambda i: PACKERS[packer](WHOLE[kind](i)), f".fits.{packer}")
    found = read_exposures(paths, 1 if kind == "extension" else 0)
    np.testing.assert_array_equal(found.data, COUNTS if kind in ("uint16", "RICE") else FRAMES)


BROKEN = {
    "zip of two": (zipped(b"x", ("a", "b")), "compressed by zip, with 2 files in it"),
    "gz of text": (gzip.compress(b"hello"), "what the gzip file holds"),
    "bz2 of text": (bz2.compress(b"hello"), "what the bzip2 file holds"),
    "xz of text": (lzma.compress(b"hello"), "what the xz file holds"),
    "cut gz": (gzip.compress(WHOLE["float32"](0))[:-300], "Compressed file ended before"),
    "cut bz2": (bz2.compress(WHOLE["float32"](0))[:-300], "Compressed file ended before"),
    "cut xz": (
        lzma.compress(WHOLE["float32"](0))[:-300],
        "the xz file ends before its last stream does",
    ),
    "cut zip": (zipped(WHOLE["float32"](0))[:-30], "not readable as FITS"),
    "bz2 bomb": (bz2.compress(b"SIMPLE  =") + 64 * bz2.compress(bytes(2**23)), "no END card in"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_packed_files_that_are_broken_are_refused_in_one_line(tmp_path, kind):
    paths = written(tmp_path, WHOLE["float32"])
    paths[1].write_bytes(BROKEN[kind][0])
    with pytest.raises(InputError) as caught:
        read_exposures(paths)
    message = str(caught.value)
    assert message.startswith(f"{paths[1]}: ")
    assert BROKEN[kind][1] in message
    assert "\n" not in message


def as_z(whole):
    """Write as compress does, without finding any repetition: codes of 9 bits, cleared in time."""
    codes = []
    for start in range(0, len(whole), 247):  # eight codes fill nine bytes: 247 and a clear fit
        codes += [*whole[start : start + 247], 256]
    out = bytearray(b"\x1f\x9d\x90")
    for start in range(0, len(codes), 8):
        part = codes[start : start + 8]
        bits = sum(code << (9 * i) for i, code in enumerate(part))
        out += bits.to_bytes((9 * len(part) + 7) // 8, "little")
    return bytes(out)


class PlainLZW(io.BytesIO):
    """What uncompresspy reads from a file of `as_z`, for who has not installed it."""

    def __init__(self, stream, *, warn_truncation):
        assert not warn_truncation
        body, content = stream.read()[3:], bytearray()
        for start in range(0, len(body), 9):
            part = body[start : start + 9]
            bits, n = int.from_bytes(part, "little"), 8 * len(part) // 9
            content += bytes(c for i in range(n) if (c := bits >> (9 * i) & 511) < 256)
        super().__init__(bytes(content))


def test_compress_is_read_where_its_package_is(tmp_path, monkeypatch):
    paths = written(tmp_path, lambda i: as_z(WHOLE["float32"](i)), ".fits.Z")
    monkeypatch.setitem(sys.modules, "uncompresspy", types.SimpleNamespace(LZWFile=PlainLZW))
    np.testing.assert_array_equal(read_exposures(paths).data, FRAMES)
    monkeypatch.setitem(sys.modules, "uncompresspy", None)
    message = r"e0.fits.Z: .*compressed by compress, as .Z: reading it needs the package uncompress"
    with pytest.raises(InputError, match=message):
        read_exposures(paths)


# ---- axes and cubes ------------------------------------------------------------------------------

AXES = {
    "3-D": lambda i: content(fits.PrimaryHDU(FRAMES[i][None])),
    "4-D": lambda i: content(fits.PrimaryHDU(FRAMES[i][None, None])),
    "3-D counts": lambda i: content(fits.PrimaryHDU(COUNTS[i][None])),
    "3-D RICE": lambda i: content(
        fits.PrimaryHDU(), fits.CompImageHDU(COUNTS[i][None].astype(np.int16))
    ),
}


@pytest.mark.parametrize("kind", AXES)
def test_axes_of_one_pixel_are_left_out(tmp_path, kind):
    found = read_exposures(written(tmp_path, AXES[kind]))
    expected = COUNTS if kind in ("3-D counts", "3-D RICE") else FRAMES
    np.testing.assert_array_equal(found.data, expected)


MARKED = np.zeros(SHAPE, np.uint8)
MARKED[BAD] = 4
CUBES = {
    "float32": [fits.PrimaryHDU(FRAMES)],
    "uint16": [fits.PrimaryHDU(COUNTS)],
    "4-D": [fits.PrimaryHDU(FRAMES[None])],
    "RICE": [fits.PrimaryHDU(), fits.CompImageHDU(COUNTS.astype(np.int16))],
    "one DQ for all": [fits.PrimaryHDU(FRAMES), fits.ImageHDU(MARKED, name="DQ")],
    "a DQ for each": [
        fits.PrimaryHDU(FRAMES), fits.ImageHDU(np.stack([MARKED, 0 * MARKED, MARKED]), name="DQ"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", CUBES)
def test_exposures_in_one_file(tmp_path, kind, caplog):
    path = tmp_path / "cube.fits"
    path.write_bytes(content(*(hdu.copy() for hdu in CUBES[kind])))
    names = [f"{path}[{i}]" for i in range(3)]
    found = read_exposures(names)
    np.testing.assert_array_equal(found.data, COUNTS if kind in ("uint16", "RICE") else FRAMES)
    assert found.names == tuple(names)
    assert found.paths == (path,) * 3
    assert len(set(found.checksums)) == 3
    bad = {"one DQ for all": (True, True, True), "a DQ for each": (True, False, True)}.get(kind)
    if bad is None:
        assert found.valid is None
    else:
        assert [not frame[BAD].any() for frame in found.valid] == list(bad)
    assert not warned(caplog)


REFUSED = {
    "no plane": ("", "found 3-D data in extension 0", "cube.fits[0] to cube.fits[2]"),
    "plane 3": ("[3]", "found 3 images in extension 0", "one [3] (counted from 0)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_planes_that_are_not_there(tmp_path, kind):
    path = tmp_path / "cube.fits"
    path.write_bytes(content(fits.PrimaryHDU(FRAMES)))
    suffix, *fragments = REFUSED[kind]
    with pytest.raises(InputError) as caught:
        read_exposures([f"{path}[0]", f"{path}[1]", f"{path}{suffix}"])
    assert all(fragment in str(caught.value) for fragment in fragments)


def test_the_same_plane_twice_is_the_same_exposure(tmp_path):
    path = tmp_path / "cube.fits"
    path.write_bytes(content(fits.PrimaryHDU(FRAMES)))
    with pytest.raises(InputError, match="found the same file as image 2"):
        read_exposures([f"{path}[{i}]" for i in (0, 1, 1)])


def test_a_file_that_is_called_like_a_plane_is_that_file(tmp_path):
    paths = [tmp_path / f"e[{i}]" for i in range(3)]
    for path, frame in zip(paths, FRAMES, strict=True):
        path.write_bytes(content(fits.PrimaryHDU(frame)))
    np.testing.assert_array_equal(read_exposures(paths).data, FRAMES)


# ---- extensions ----------------------------------------------------------------------------------


def mosaic(i):
    names = (("CCD", 1), ("CCD", 2), ("SCI", 1))
    images = [
        fits.ImageHDU(FRAMES[i] + k, name=name, ver=version)
        for k, (name, version) in enumerate(names)
    ]
    return content(fits.PrimaryHDU(), *images)


EXTENSIONS = {
    1: 0, 2: 1, 3: 2, "CCD": 0, "ccd": 0, "CCD,1": 0, "CCD,2": 1, "CCD, 2": 1, "SCI": 2,
}  # fmt: skip


@pytest.mark.parametrize("extnum", EXTENSIONS)
def test_extensions_by_number_and_name(tmp_path, extnum):
    found = read_exposures(written(tmp_path, mosaic), extnum)
    np.testing.assert_array_equal(found.data, FRAMES + np.float32(EXTENSIONS[extnum]))


@pytest.mark.parametrize(
    ("extnum", "fragments"),
    [
        ("CCD,3", ["found the extensions PRIMARY, CCD, CCD,2, SCI", "expected one CCD,3"]),
        ("DQ", ["expected one DQ"]),
        (4, ["found 4 HDUs", "expected an extension 4"]),
        (0, ["no data in extension 0", "images are in extensions 1 (CCD), 2 (CCD), 3 (SCI)"]),
    ],
)
def test_extensions_that_are_not_there(tmp_path, extnum, fragments):
    with pytest.raises(InputError) as caught:
        read_exposures(written(tmp_path, mosaic), extnum)
    assert all(fragment in str(caught.value) for fragment in fragments), str(caught.value)


def test_an_empty_primary_image_says_where_the_only_image_is(tmp_path):
    with pytest.raises(InputError) as caught:
        read_exposures(written(tmp_path, WHOLE["extension"]))
    assert str(caught.value).endswith(
        "e0.fits: found no data in extension 0, expected a 2-D image; an image is in extension 1 "
        "(SCI)"
    )


def test_a_parameter_file_names_extension_and_pattern(tmp_path, monkeypatch):
    written(tmp_path, mosaic)
    yaml = write_yaml(tmp_path / "p.yaml", [], top={"images": "e?.fits", "extnum": "CCD,2"})
    monkeypatch.chdir(tmp_path)
    analysis = load_analysis(yaml)
    np.testing.assert_array_equal(analysis.exposures.data, FRAMES + np.float32(1))
    assert analysis.parameters.images == ("e0.fits", "e1.fits", "e2.fits")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    yaml = write_yaml(tmp_path / "p.yaml", ["~/e0.fits", "~/e[1-2].fits"], top={"extnum": 3})
    assert load_analysis(yaml).exposures.n == 3
    yaml = write_yaml(tmp_path / "p.yaml", ["~/x*.fits"], top={"extnum": 3})
    with pytest.raises(InputError, match=r"^~/x\*.fits: found no file of this pattern"):
        load_analysis(yaml)


# ---- bad pixels ----------------------------------------------------------------------------------


def with_beside(values, name, ver=1, kind=np.uint8):
    return lambda i: content(
        fits.PrimaryHDU(FRAMES[i]), fits.ImageHDU(values.astype(kind), name=name, ver=ver)
    )


GOOD = np.where(MARKED, 0, 1)
MANY = np.where(np.arange(NX) < NX // 2, 1, 0) * np.ones((NY, 1))
NAMES = ("DQ", "MASK", "MASKS", "BPM", "QUALITY", "BADPIX", "BADPIXEL", "FLAGS")
QUALITIES = {
    **{name: (with_beside(MARKED, name), Quality(), MARKED > 0, "") for name in NAMES},
    "of real numbers": (with_beside(MARKED, "DQ", kind=np.float32), Quality(), MARKED > 0, ""),
    "another EXTVER": (with_beside(MARKED, "DQ", ver=2), Quality(), MARKED > 9, ""),
    "another shape": (with_beside(MARKED[:9], "DQ"), Quality(), MARKED > 9, ""),
    "good = 1": (with_beside(GOOD, "MASK"), Quality(), MARKED > 0, "taken as good = 1"),
    "bit set": (with_beside(MARKED, "DQ"), Quality(bits=(2, 4)), MARKED > 0, ""),
    "bit not set": (with_beside(MARKED, "DQ"), Quality(bits=(3,)), MARKED > 9, ""),
    "a name of its own": (with_beside(MARKED, "ODD"), Quality("ODD"), MARKED > 0, ""),
    "a number": (with_beside(MARKED, "ODD"), Quality(1), MARKED > 0, ""),
    "not used": (
        with_beside(MARKED, "ODD"), Quality(), MARKED > 9,
        "extension ODD: found integers, which are not used; if they mark bad pixels, set "
        "dq_extension: ODD",
    ),
    "not used, of counts": (
        lambda i: content(fits.PrimaryHDU(COUNTS[i]), fits.ImageHDU(MARKED, name="ODD")),
        Quality(), MARKED > 9, "extension ODD: found integers, which are not used",
    ),
    "much": (with_beside(MANY, "DQ"), Quality(), MANY > 0, "50.0 % of the pixels are left out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", QUALITIES)
def test_bad_pixels(tmp_path, kind, caplog):
    make, quality, bad, remark = QUALITIES[kind]
    found = read_exposures(written(tmp_path, make), quality=quality)
    valid = np.ones(FRAMES.shape, bool) if found.valid is None else found.valid
    np.testing.assert_array_equal(valid, np.broadcast_to(~bad, FRAMES.shape))
    said = warned(caplog)
    assert len(said) == bool(remark)
    assert all("e0.fits and 2 more: " in line and remark in line for line in said)


@pytest.mark.parametrize(
    ("quality", "fragment"),
    [
        (Quality("NOPE"), "dq_extension: found the extensions PRIMARY, SMALL, expected one NOPE"),
        (Quality("SMALL"), "dq_extension: found 80 x 9 pixels, expected 80 x 64"),
        (Quality(7), "dq_extension: found 2 HDUs, expected an extension 7"),
    ],
)
def test_quality_extensions_that_do_not_fit(tmp_path, quality, fragment):
    paths = written(tmp_path, with_beside(MARKED[:9], "SMALL"))
    with pytest.raises(InputError) as caught:
        read_exposures(paths, quality=quality)
    assert str(caught.value) == f"{paths[0]}: {fragment}"


def test_parameters_choose_the_quality_extension(tmp_path):
    names = [path.name for path in written(tmp_path, with_beside(MARKED, "ODD"))]
    yaml = write_yaml(tmp_path / "p.yaml", names)
    text = yaml.read_text() + "crmasks_widgets:\n  dq_extension: odd\n  dq_bits: [4, 8]\n"
    yaml.write_text(text)
    analysis = load_analysis(yaml)
    assert (analysis.parameters.dq_extension, analysis.parameters.dq_bits) == ("ODD", (4, 8))
    assert not analysis.exposures.valid[:, *BAD].any()


# ---- maps ----------------------------------------------------------------------------------------

MAP = np.full(SHAPE, 2.0, np.float32)
OTHER = np.full(SHAPE, 5.0, np.float32)
MAPS = {
    "primary": ([fits.PrimaryHDU(MAP)], ""),
    "3-D": ([fits.PrimaryHDU(MAP[None])], ""),
    "the only one": ([fits.PrimaryHDU(), fits.ImageHDU(MAP, name="X")], ""),
    "of the right shape": (
        [fits.PrimaryHDU(), fits.ImageHDU(OTHER[:5]), fits.ImageHDU(MAP, name="X")], "",
    ),
    "of the right name": (
        [fits.PrimaryHDU(), fits.ImageHDU(OTHER, name="B"), fits.ImageHDU(MAP, name="GAIN")], "",
    ),
    "by name": (
        [fits.PrimaryHDU(OTHER), fits.ImageHDU(OTHER, name="B"), fits.ImageHDU(MAP, name="C")],
        "[C]",
    ),
    "by number": (
        [fits.PrimaryHDU(OTHER), fits.ImageHDU(OTHER, name="B"), fits.ImageHDU(MAP)], "[2]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MAPS)
def test_maps_in_any_extension(tmp_path, kind):
    hdus, suffix = MAPS[kind]
    (tmp_path / "map.fits").write_bytes(content(*(hdu.copy() for hdu in hdus)))
    parameters = Parameters(gain=f"map.fits{suffix}")
    found = read_calibration(parameters, SHAPE, [tmp_path])
    np.testing.assert_array_equal(found.gain, MAP)


def test_one_of_several_maps_is_to_be_named(tmp_path):
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(MAP, name="A"), fits.ImageHDU(OTHER, name="B")]
    (tmp_path / "map.fits").write_bytes(content(*hdus))
    message = r"found maps in extensions 1 \(A\), 2 \(B\), expected one, or its name: map.fits\[EXT"
    with pytest.raises(InputError, match=message):
        read_calibration(Parameters(gain="map.fits"), SHAPE, [tmp_path])


# ---- header cards --------------------------------------------------------------------------------

HEADERS = {
    "value": (b"NGC 1234", b"NGC\t12\x004", "mended or dropped: OBJECT"),
    "comment of a card": (b"in seconds", b"in\x07seconds", "mended or dropped: EXPTIME"),
    "commentary": (b"hello there", b"hel\x01o\nther", "mended or dropped: COMMENT"),
    "keyword": (b"NOTE    ", b"NO\x01E    ", "mended or dropped: NO?E"),
    "number": (b"    12.5", b"  1\x002.5 ", "mended or dropped: VAL"),
    "no quote": (b"'abcdef  '", b"'abcdef   ", ""),
    "hierarchical": (b"long one", b"lo\x02g on", "mended or dropped: ESO X Y"),
    "not ASCII": (b"abcdef", b"ab\xe9\xe8ef", "bytes that are not ASCII"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_header_cards_that_cannot_be_written_are_cleaned_before_anything(tmp_path, kind, caplog):
    header = fits.Header()
    header["OBJECT"], header["NOTE"], header["VAL"] = "NGC 1234", "abcdef", 12.5
    header["EXPTIME"] = (900.0, "in seconds")
    header["COMMENT"], header["HIERARCH ESO X Y"] = "hello there", "long one"
    clean, dirty, remark = HEADERS[kind]
    dirty = dirty.ljust(len(clean))[: len(clean)]

    def make(i):
        whole = content(fits.PrimaryHDU(FRAMES[i], header))
        assert whole.count(clean) == 1
        return whole.replace(clean, dirty)

    exposures = read_exposures(written(tmp_path, make))
    np.testing.assert_array_equal(exposures.data, FRAMES)
    said = warned(caplog)
    assert len(said) == bool(remark)
    assert all(remark in line for line in said)
    assert all(line.isprintable() for line in said)
    analysis = Analysis(exposures, Parameters(**LEVELS | QUICK))
    out = save_all(analysis, tmp_path / "out")
    assert fits.getheader(out[0].path)["EXPTIME"] == 900.0


# ---- bad pixels in a file of their own -----------------------------------------------------------

MASKS = {
    "primary": ([fits.PrimaryHDU(MARKED)], "", None, MARKED > 0),
    "the only one": ([fits.PrimaryHDU(), fits.ImageHDU(MARKED, name="X")], "", None, MARKED > 0),
    "of a usual name": (
        [fits.PrimaryHDU(), fits.ImageHDU(MARKED * 0, name="X"), fits.ImageHDU(MARKED, name="BPM")],
        "", None, MARKED > 0,
    ),
    "by name": ([fits.PrimaryHDU(MARKED * 0), fits.ImageHDU(MARKED, name="X")], "[X]", None,
                MARKED > 0),
    "by number": ([fits.PrimaryHDU(MARKED * 0), fits.ImageHDU(MARKED)], "[1]", None, MARKED > 0),
    "good = 1": ([fits.PrimaryHDU(GOOD.astype(np.uint8))], "", None, MARKED > 0),
    "of real numbers": ([fits.PrimaryHDU(MARKED.astype(np.float32))], "", None, MARKED > 0),
    "bits": ([fits.PrimaryHDU(MARKED.astype(np.int32) * 2**24 + (MARKED == 0))], "", 2**26,
             MARKED > 0),
}  # fmt: skip


def masked_yaml(folder, beside, **own):
    names = [path.name for path in written(folder, beside)]
    yaml = write_yaml(folder / "p.yaml", names)
    lines = "".join(f"  {key}: {value}\n" for key, value in own.items())
    yaml.write_text(yaml.read_text() + (f"crmasks_widgets:\n{lines}" if own else ""))
    return yaml


@pytest.mark.parametrize("kind", MASKS)
def test_bad_pixels_in_a_file_of_their_own_add_to_those_beside(tmp_path, kind, caplog):
    hdus, suffix, bits, bad = MASKS[kind]
    (tmp_path / "mask.fits").write_bytes(content(*(hdu.copy() for hdu in hdus)))
    other = np.zeros(SHAPE, np.int32)
    other[40, 50] = 2**26
    yaml = masked_yaml(
        tmp_path, with_beside(other, "DQ", kind=np.int32),
        bad_pixel_mask=f"mask.fits{suffix}", **({"dq_bits": bits} if bits else {}),
    )  # fmt: skip
    analysis = load_analysis(yaml)
    expected = np.broadcast_to(~(bad | (other > 0)), FRAMES.shape)
    np.testing.assert_array_equal(analysis.exposures.valid, expected)
    assert len(warned(caplog)) == (kind == "good = 1")
    without = masked_yaml(tmp_path, with_beside(other, "DQ", kind=np.int32))
    assert analysis.uuid != load_analysis(without).uuid
    assert (tmp_path / "mask.fits") in analysis.sources


@pytest.mark.parametrize(
    ("hdus", "fragment"),
    [
        ([fits.PrimaryHDU(MARKED[:9])], "found a bad_pixel_mask of 80 x 9 pixels, expected 80 x 6"),
        ([fits.PrimaryHDU(np.ones(SHAPE, np.uint8))], "found all pixels of e0.fits bad"),
        (None, "file not found"),
    ],
)
def test_masks_that_do_not_fit_are_one_line(tmp_path, hdus, fragment, run_cli):
    if hdus is not None:
        (tmp_path / "mask.fits").write_bytes(content(*hdus))
    yaml = masked_yaml(tmp_path, WHOLE["float32"], bad_pixel_mask="mask.fits")
    done = run_cli(["run", yaml, "--output-dir", tmp_path / "out"], tmp_path)
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert "mask.fits: " in last
    assert fragment in last
    assert not (tmp_path / "out").exists()


def test_a_mask_of_bad_pixels_is_in_the_history_and_in_the_session(tmp_path):
    (tmp_path / "mask.fits").write_bytes(content(fits.PrimaryHDU(MARKED)))
    yaml = masked_yaml(tmp_path, WHOLE["float32"], bad_pixel_mask="mask.fits")
    analysis = load_analysis(yaml)
    out = save_all(analysis, tmp_path / "out")
    assert "bad_pixel_mask map sha256" in str(fits.getheader(out[0].path)["HISTORY"])
    save_session(analysis, tmp_path / "session.yaml")
    again = load_analysis(tmp_path / "session.yaml", folders=[tmp_path])
    assert again.parameters.bad_pixel_mask == "mask.fits"
    np.testing.assert_array_equal(again.exposures.valid, analysis.exposures.valid)


# ---- noise of each pixel -------------------------------------------------------------------------

SIGMA = np.linspace(2.0, 9.0, NX, dtype=np.float32) * np.ones((NY, 1), np.float32)
NOISES = {
    "ERR": SIGMA, "STDDEV": SIGMA, "VAR": SIGMA**2, "VARIANCE": SIGMA**2, "IVAR": SIGMA**-2,
}  # fmt: skip


def with_noise(values, name, utype=None):
    hdu = fits.ImageHDU(np.asarray(values), name=name)
    if utype:
        hdu.header["UTYPE"] = utype
    return lambda i: content(fits.PrimaryHDU(FRAMES[i]), hdu.copy())


@pytest.mark.parametrize("name", NOISES)
def test_noise_beside_the_image(tmp_path, name):
    analysis = load_analysis(
        masked_yaml(tmp_path, with_noise(NOISES[name], name), noise_extension=name)
    )
    np.testing.assert_allclose(analysis.exposures.variance, SIGMA**2, rtol=1e-5)
    assert analysis.exposures.valid is None
    dark = analysis.stack.min2d <= 0
    assert dark.any()
    np.testing.assert_allclose(analysis.noise.rnoise[dark], SIGMA[dark], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "utype", "kind", "values"),
    [
        ("UNCERT", "StdDevUncertainty", "auto", SIGMA),
        ("UNCERT", "VarianceUncertainty", "auto", SIGMA**2),
        ("UNCERT", "InverseVariance", "auto", SIGMA**-2),
        ("ODD", None, "stddev", SIGMA),
        ("ERR", None, "variance", SIGMA**2),
    ],
)
def test_what_the_noise_is_by_utype_or_as_the_user_says(tmp_path, name, utype, kind, values):
    yaml = masked_yaml(
        tmp_path, with_noise(values, name, utype), noise_extension=name, noise_kind=kind
    )
    np.testing.assert_allclose(load_analysis(yaml).exposures.variance, SIGMA**2, rtol=1e-5)


def test_noise_that_is_no_number_makes_a_pixel_invalid(tmp_path, caplog):
    values = SIGMA.copy()
    values[3, 4], values[5, 6], values[7, 8] = np.nan, -1, 0
    analysis = load_analysis(
        masked_yaml(tmp_path, with_noise(values, "ERR"), noise_extension="ERR")
    )
    assert np.argwhere(~analysis.exposures.valid[1]).tolist() == [[3, 4], [5, 6], [7, 8]]
    (line,) = warned(caplog)
    assert line.endswith(
        "e0.fits and 2 more: extension ERR: found 3 values that are negative, zero or not finite: "
        "those pixels are left out"
    )
    assert np.isfinite(analysis.noise.rnoise).all()


@pytest.mark.parametrize(
    ("make", "fragment"),
    [
        (with_noise(SIGMA[:9], "ERR"), "noise_extension: found 80 x 9 pixels, expected 80 x 64"),
        (with_noise(SIGMA, "ODD"), "noise_extension: found the extensions PRIMARY, ODD, expected"),
        (with_noise(-SIGMA, "ERR"), "found no valid pixel, expected at least one"),
    ],
)
def test_noise_that_does_not_fit_is_one_line(tmp_path, make, fragment, run_cli):
    yaml = masked_yaml(tmp_path, make, noise_extension="ERR")
    done = run_cli(["run", yaml, "--output-dir", tmp_path / "out"], tmp_path)
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert "e0.fits: " in last
    assert fragment in last


def test_a_name_that_says_nothing_about_the_noise_is_asked_about(tmp_path):
    yaml = masked_yaml(tmp_path, with_noise(SIGMA, "ODD"), noise_extension="ODD")
    with pytest.raises(InputError, match="expected noise_kind: stddev, variance or ivar"):
        load_analysis(yaml)


@pytest.mark.parametrize("method", ["mmcosmic", "significance"])
@pytest.mark.slow
def test_noise_of_each_pixel_decides_what_is_a_hit(tmp_path, method):
    rng = np.random.default_rng(8)
    shape = (96, 96)
    sigma = np.where(np.arange(96) < 48, 3.0, 30.0) * np.ones(shape)
    frames = rng.normal(0, 1, (3, *shape)) * sigma
    for x in (24, 72):  # as bright in both halves, in two exposures of three
        frames[:2, 40:43, x] += 90
    paths = []
    for i, frame in enumerate(frames):
        paths.append(tmp_path / f"e{i}.fits")
        hdus = fits.PrimaryHDU(frame.astype(np.float32)), fits.ImageHDU(sigma, name="ERR")
        paths[-1].write_bytes(content(*hdus))
    given = {
        "interactive": False, "crmethod": method, "gain": 1.0, "rnoise": 3.0, "dilation": 0,
        "mm_seed": 1, "images": tuple(map(str, paths)), "sg_measured_noise": False,
        "max_flagged_fraction": 1.0,
    }  # fmt: skip
    analysis = read_analysis(Parameters(**given, noise_extension="ERR"))
    np.testing.assert_allclose(analysis.noise.sigma(analysis.stack.min2d), sigma, rtol=0.3)
    blind = read_analysis(Parameters(**given))
    noisy = [int(each.mediancr[:, 48:].sum()) for each in (analysis, blind)]
    assert noisy[0] <= 20
    assert noisy[1] > 100
    if method == "significance":
        assert analysis.mediancr[40:43, 24].all()
    variance = analysis.combination("meancr").variance
    assert np.median(variance[:, :48]) == pytest.approx(9 / 3, rel=0.1)
    assert np.median(variance[:, 48:]) == pytest.approx(900 / 3, rel=0.1)


# ---- units ---------------------------------------------------------------------------------------


def with_unit(units, seconds=900.0):
    header = fits.Header({"EXPTIME": seconds})
    return lambda i: content(
        fits.PrimaryHDU(FRAMES[i], fits.Header([*header.cards, ("BUNIT", units[i])]))
    )


MIXED = {
    "counts and electrons": ["adu", "adu", "electron"],
    "a rate": ["electron", "electron/s", "electron"],
    "a flux": ["Jy", "adu", "adu"],
}


@pytest.mark.parametrize("kind", MIXED)
def test_exposures_of_different_units_are_refused(tmp_path, kind, run_cli):
    names = [path.name for path in written(tmp_path, with_unit(MIXED[kind]))]
    done = run_cli(
        ["run", write_yaml(tmp_path / "p.yaml", names), "--output-dir", tmp_path / "out"], tmp_path
    )
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert re.search(
        r"crmasks: .*e[12]\.fits: found BUNIT \S+, expected \S+ as in .*e0\.fits", last
    )
    assert not (tmp_path / "out").exists()


def test_spellings_of_one_unit_and_none_are_one(tmp_path):
    found = read_exposures(written(tmp_path, with_unit(["e-", "ELECTRONS", ""])))
    assert found.n == 3


def test_units_of_ccddata_count():
    made = [CCDData(frame, unit="electron") for frame in FRAMES]
    exposures = ExposureSet.from_arrays(made)
    assert {header["BUNIT"] for header in exposures.headers} == {"electron"}
    made[2] = CCDData(FRAMES[2], unit="adu")
    with pytest.raises(InputError, match="exposure 3: found BUNIT ADU, expected electron as in"):
        ExposureSet.from_arrays(made)


ODD_UNITS = {
    "electron": (1.5, "BUNIT: electrons, with gain: 1.5; set gain: 1 and rnoise in electrons"),
    "electron/s": (1.0, "BUNIT: electron/s, with gain: 1; set gain to that of the counts times E"),
    "electrons/sec": (1.0, "BUNIT: electron/s, with gain: 1; set gain"),
    "adu/s": (1.5, "BUNIT: ADU/s, with gain: 1.5; set gain"),
    "counts/s": (1.5, "BUNIT: ADU/s, with gain: 1.5; set gain to that of the counts times EXPTIME, "
                 "900 s, and rnoise per second"),
    "electron ": (1.0, ""), "adu": (1.5, ""), "counts": (1.5, ""), "adu / s": (1350.0, ""),
}  # fmt: skip


@pytest.mark.parametrize("unit", ODD_UNITS)
def test_a_gain_that_the_unit_does_not_allow_is_one_warning(tmp_path, unit, caplog):
    gain, remark = ODD_UNITS[unit]
    names = [path.name for path in written(tmp_path, with_unit([unit] * 3))]
    load_analysis(write_yaml(tmp_path / "p.yaml", names, top={"gain": gain}))
    said = warned(caplog)
    assert len(said) == bool(remark)
    assert all(line.startswith(remark) for line in said)


@pytest.mark.parametrize("unit", ["electron", "Jy"])
def test_products_carry_the_unit_of_their_values(tmp_path, unit):
    exposures = read_exposures(written(tmp_path, with_unit([unit] * 3)))
    given = LEVELS | QUICK | {"crmethod": "lacosmic", "la_gain_apply": False, "gain": 1.0}
    save_all(Analysis(exposures, Parameters(**given)), tmp_path / "out")
    with fits.open(tmp_path / "out" / "combined_meancr.fits") as hdus:
        units = [hdus[0].header["BUNIT"], hdus["VARIANCE"].header["BUNIT"]]
    assert [Unit(text) for text in units] == [Unit(unit), Unit(unit) ** 2]
    assert fits.getheader(tmp_path / "out" / "crmasks.fits", "LAMEDIAN")["BUNIT"] == unit


@pytest.mark.slow
def test_variances_that_gain_and_readout_noise_say_give_the_same_hits(tmp_path):
    shape = (120, 140)
    scene = small_scene(shape=shape)
    paths = []
    for i, frame in enumerate(scene.exposures):  # hits make noise of their own
        level = np.maximum(frame - LEVELS["bias"], 0)
        variance = level / LEVELS["gain"] + LEVELS["rnoise"] ** 2
        paths.append(str(tmp_path / f"e{i}.fits"))
        hdus = fits.PrimaryHDU(frame), fits.ImageHDU(variance.astype(np.float32), name="VAR")
        fits.HDUList(list(hdus)).writeto(paths[-1])
    given = LEVELS | {"interactive": False, "crmethod": "significance", "images": tuple(paths)}
    plain = read_analysis(Parameters(**given))
    made = read_analysis(Parameters(**given, noise_extension="VAR"))
    before, after = score(plain, scene), score(made, scene)
    assert before.found_groups == after.found_groups == before.true_groups > 2
    assert after.false_groups <= 1


def test_noise_of_a_hit_is_not_that_of_its_pixel(tmp_path):
    def make(i):
        values = SIGMA * (1 + 0.1 * i)
        values[10, 20] *= 9 if i < 2 else 1  # hit in two of three
        return content(fits.PrimaryHDU(FRAMES[i]), fits.ImageHDU(values, name="ERR"))

    variance = load_analysis(masked_yaml(tmp_path, make, noise_extension="ERR")).exposures.variance
    expected = (SIGMA * 1.1) ** 2
    expected[10, 20] = (SIGMA[10, 20] * 1.2) ** 2
    np.testing.assert_allclose(variance, expected, rtol=1e-5)
