"""A matrix of file kinds and what is expected of them; every file is made here."""

import bz2
import gzip
import io
import lzma
import sys
import types
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import Analysis, Parameters, load_analysis, read_exposures, save_all
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposures import read_calibration

from .conftest import LEVELS, QUICK, SHAPE, write_yaml
from .file_cases import BAD, COUNTS, FRAMES, MARKED, WHOLE, content, warned, written


def zipped(whole, names=("frame.fits",)):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, whole)
    return stream.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}


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
