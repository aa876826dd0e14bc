"""Every run ends, and soon: nothing is waited for that never comes."""

import bz2
import contextlib
import io
import lzma
import os
import signal
import socket

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets.errors import InputError
from crmasks_widgets.files import structure, unpacking
from crmasks_widgets.files.reading import read_image
from crmasks_widgets.files.xz import XzStreams

from .test_bad_input import FRAME

PATIENCE = 60  # s, on the busiest machine


@pytest.fixture(autouse=True)
def _it_ends():
    """A test that would wait for ever fails instead."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def too_late(*_):
        raise AssertionError(f"it did not end within {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# ---- what is no regular file ---------------------------------------------------------------------


@contextlib.contextmanager
def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)  # the whole path may be too long for a socket
        yield


SPECIAL = {
    "a pipe": lambda path: os.mkfifo(path),
    "a socket": bound_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@contextlib.contextmanager
def special(kind, path):
    """Put something that is no regular file at a path."""
    path.unlink(missing_ok=True)
    made = SPECIAL[kind](path)
    with made or contextlib.nullcontext():
        yield
    path.unlink()


@pytest.mark.parametrize("kind", SPECIAL)
def test_only_regular_files_are_read(work, run_cli, kind):
    fits.PrimaryHDU(np.ones((64, 80), np.float32)).writeto(work.folder / "map.fits")
    (work.folder / "masks.fits").touch()
    cases = {
        "params.yaml": (work.yaml, ["run"], f"found {kind}, no regular file, expected a YAML"),
        "e2.fits": (work.yaml, ["run"], "found a folder or device, expected a FITS file"),
        "map.fits": (
            lambda: work.yaml(top={"gain": "map.fits"}), ["run"], "found a folder or device",
        ),
        "masks.fits": (work.yaml, ["run", "--crmasks", "masks.fits"], "found a folder or device"),
    }  # fmt: skip
    for name, (prepare, (command, *more), text) in cases.items():
        kept = (work.folder / name).read_bytes() if (work.folder / name).exists() else b""
        if name != "params.yaml":
            prepare()
        with special(kind, work.folder / name):
            result = run_cli([command, "params.yaml", "--output-dir", "out", *more], work.folder)
        assert (result.code, result.err.count("\n")) == (2, 1), (name, result)
        assert f"{name}: {text}" in result.err
        (work.folder / name).write_bytes(kept)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["blocks.csv", "blocks.ecsv"])
def test_only_regular_files_are_read_by_a_batch(work, run_cli, kind, name):
    work.yaml()
    with special(kind, work.folder / name):
        result = run_cli(["batch", name, "--parameters", "params.yaml"], work.folder)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert f"{name}: found {kind}, no regular file" in result.err


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["crmasks.fits", "hits.ecsv", "combined_meancr.fits"])
def test_only_files_are_replaced(work, kind, name):
    work.yaml()
    work.out.mkdir()
    if kind == "a device":  # a link, which is replaced and not followed
        (work.out / name).symlink_to("/dev/zero")
        assert work.run("--overwrite").code == 0
        assert (work.out / name).is_file()
        return
    with special(kind, work.out / name):
        result = work.run("--overwrite")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert f"{name}: found {kind}, expected a file or nothing" in result.err


# ---- sizes in headers, and what is packed --------------------------------------------------------


def three_images():
    stream = io.BytesIO()
    hdus = [fits.PrimaryHDU(FRAME), fits.ImageHDU(FRAME), fits.ImageHDU(FRAME)]
    fits.HDUList(hdus).writeto(stream)
    return stream.getvalue()


@pytest.mark.parametrize("extension", [0, 1, 2])
@pytest.mark.parametrize("card", ["NAXIS1", "NAXIS2"])
@pytest.mark.parametrize("value", [-1, -45, -90, -(2**62)])
def test_a_size_below_zero_is_named(tmp_path, extension, card, value):
    whole, at = three_images(), -1
    for _ in range(extension + 1):
        at = whole.index(card.encode() + b"  =", at + 1)
    false = whole[:at] + f"{card}  = {value:20d}".encode() + whole[at + 30 :]
    path = tmp_path / "false.fits"
    path.write_bytes(false)
    with pytest.raises(InputError, match=rf"{card} = {value} in extension {extension}, at least 0"):
        read_image(path, 0)


def test_the_layout_is_followed_as_astropy_sees_it(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("a", "PJ()", array=[[1, 2], [3]])])
    packed = fits.CompImageHDU(FRAME.astype(np.int16))
    hdus = fits.HDUList([fits.PrimaryHDU(FRAME), table, packed, fits.ImageHDU()])
    hdus.writeto(tmp_path / "all.fits")
    size = (tmp_path / "all.fits").stat().st_size
    with (tmp_path / "all.fits").open("rb") as stream:
        assert structure.follow(stream, size, 1e9) == size
        assert stream.tell() == 0
        assert structure.follow(stream, None, 1e9) == size
        with pytest.raises(OSError, match="bearable"):
            structure.follow(stream, None, size - 1)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_what_unfolds_to_more_than_it_announces_is_not_unfolded(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(unpacking, "_MOST_UNPACKED", (1, 2**20))
    whole = three_images()
    (tmp_path / "bomb.fits").write_bytes(pack(whole + bytes(2**24)))
    with pytest.raises(InputError, match=r"compressed: more than \d+ bytes, \d+ announced"):
        read_image(tmp_path / "bomb.fits", 0)
    false = whole.replace(b"                  80", b"              800000", 1)
    (tmp_path / "bomb.fits").write_bytes(pack(false))
    with pytest.raises(InputError, match="bytes announced up to extension 0"):
        read_image(tmp_path / "bomb.fits", 0)


def test_an_xz_file_may_have_several_streams(tmp_path):
    whole = three_images()
    streams = [lzma.compress(whole[:5000]), lzma.compress(b""), lzma.compress(whole[5000:])]
    path = tmp_path / "streams.fits.xz"
    path.write_bytes(b"".join(streams) + bytes(8))
    assert np.array_equal(read_image(path, 2).data, FRAME)
    stream = io.BufferedReader(XzStreams(io.BytesIO(path.read_bytes()), 2**28))
    assert stream.seek(0, io.SEEK_END) == len(whole)
    assert (stream.seek(4990), stream.read(20)) == (4990, whole[4990:5010])
    assert stream.seek(-10, io.SEEK_CUR) == 5000
    path.write_bytes(b"".join(streams)[:-40])
    with pytest.raises(InputError, match="ends before its last stream does"):
        read_image(path, 0)


def test_a_dictionary_that_takes_all_memory_is_refused(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}]
    packed = bytearray(lzma.compress(three_images(), filters=filters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpacking, "_MOST_DICTIONARY", 2**20)
        first = lzma.compress(three_images()[:2880], preset=0)
        patch.setattr(unpacking, "_MOST_DICTIONARY", 2**19)
        for before in (b"", first):
            (tmp_path / "big.fits.xz").write_bytes(before + packed)
            with pytest.raises(InputError, match="Memory usage limit exceeded"):
                read_image(tmp_path / "big.fits.xz", 0)
        (tmp_path / "big.fits.xz").write_bytes(packed)
    assert read_image(tmp_path / "big.fits.xz", 0).data.shape == FRAME.shape
