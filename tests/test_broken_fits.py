"""Broken and hostile FITS files: read, or refused in one line, in bounded memory, and closed."""

import gzip
import io
import os
import tracemalloc
from functools import cache

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import ExposureSet, InputError, read_exposures
from crmasks_widgets.files.reading import read_image
from crmasks_widgets.machine import MIB, available_memory, memory_needed

from .conftest import SHAPE
from .counts import count

FRAME = np.random.default_rng(1).normal(100, 3, SHAPE).astype(np.float32)
MOST_MIB = 64
BLOCK = 2880


def content(*hdus):
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


@cache
def whole_files():
    """Content and extension of an exposure in the wrappings that exposures come in."""
    quality = fits.ImageHDU(np.zeros(SHAPE, np.uint8), name="DQ")
    plain = content(fits.PrimaryHDU(FRAME), quality)
    counts = FRAME.astype(np.uint16)
    found = {
        "float32.fits": (plain, 0),
        "uint16.fits": (content(fits.PrimaryHDU(counts), quality), 0),
        "mef.fits": (content(fits.PrimaryHDU(), fits.ImageHDU(FRAME, name="SCI")), 1),
        "packed.fits.gz": (gzip.compress(plain), 0),
        "stored.fits.gz": (gzip.compress(plain, compresslevel=0), 0),
    }
    for kind in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"):
        image = fits.CompImageHDU(counts.astype(np.int16), compression_type=kind)
        found[f"{kind}.fits.fz"] = (content(fits.PrimaryHDU(), image), 1)
    quantised = fits.CompImageHDU(FRAME)
    return found | {"quantised.fits.fz": (content(fits.PrimaryHDU(), quantised), 1)}


def cut(whole, rng):
    return whole[: rng.integers(len(whole))]


def flipped(whole, rng):
    for _ in range(rng.integers(1, 20)):
        whole[rng.integers(len(whole))] ^= 1 << rng.integers(8)
    return whole


def flipped_header(whole, rng):
    end = min(len(whole), 3 * BLOCK)
    for _ in range(rng.integers(1, 10)):
        whole[rng.integers(end)] ^= 1 << rng.integers(8)
    return whole


def other_digits(whole, rng):
    digits = [i for i, byte in enumerate(whole[: 3 * BLOCK]) if chr(byte).isdigit()]
    for _ in range(rng.integers(1, 4)):
        whole[rng.choice(digits)] = ord("0") + rng.integers(10)
    return whole


def shifted(whole, rng):
    at = rng.integers(len(whole))
    return whole[:at] + whole[at + rng.integers(1, 200) :]


MUTATIONS = (cut, flipped, flipped_header, other_digits, shifted)


def open_files():
    return {os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{n}")}  # fmt: skip


def read_or_refused(path, extnum):
    """Whether a file was read; else it was refused as it should be."""
    tracemalloc.start()
    try:
        plane = read_image(path, extnum)
    except InputError as error:
        message = str(error)
        assert message.startswith(f"{path}: "), message
        assert f"extension {extnum}" in message, message
        assert "\n" not in message
        assert len(message) < 500
        plane = None
    finally:
        peak = tracemalloc.get_traced_memory()[1] / MIB
        tracemalloc.stop()
    assert peak <= MOST_MIB
    assert str(path) not in open_files()
    return plane is not None


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.slow
def test_mutated_file_is_read_or_refused_in_one_line(tmp_path, mutation):
    rng = np.random.default_rng(MUTATIONS.index(mutation))
    read = []
    for _ in range(count(2, 10)):
        for name, (whole, extnum) in whole_files().items():
            path = tmp_path / name
            path.write_bytes(mutation(bytearray(whole), rng))
            read.append(read_or_refused(path, extnum))
    assert not all(read)
    assert any(read) is (mutation in (flipped, flipped_header, other_digits)) or mutation is shifted


def test_the_files_are_good_without_mutation(tmp_path):
    for name, (whole, extnum) in whole_files().items():
        (tmp_path / name).write_bytes(whole)
        assert read_or_refused(tmp_path / name, extnum), name


def header(**cards):
    """A primary header with nothing after it."""
    lines = [f"{key:8}= {value:>20}" for key, value in cards.items()]
    text = "".join(line.ljust(80) for line in [*lines, "END"])
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode()


HUGE = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": 10**9, "NAXIS2": 10**9}


def larger(whole, side, axis=1):
    """A compressed image of 100 by 100 pixels that says to be larger."""
    card = f"ZNAXIS{axis} = {100:>20}".encode()
    assert whole.count(card) == 1
    return whole.replace(card, f"ZNAXIS{axis} = {side:>20}".encode())


@cache
def bombs():
    """Little files that unfold to much."""
    zeros = bytes(2**24)
    packed = gzip.compress(header(**HUGE | {"NAXIS1": 4, "NAXIS2": 4})) + 40 * gzip.compress(zeros)
    tiles = content(fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((100, 100), np.int16)))
    many = [fits.ImageHDU(np.zeros((2, 2)), name=f"X{i}") for i in range(50)]
    return {
        "huge.fits": header(**HUGE),
        "large.fits": header(**HUGE | {"NAXIS1": 20000, "NAXIS2": 20000}),
        "large.fits.gz": gzip.compress(header(**HUGE | {"NAXIS1": 20000, "NAXIS2": 20000})),
        "huge.fits.gz": gzip.compress(header(**HUGE)),
        "huge_integers.fits": header(**HUGE | {"BITPIX": 8, "NAXIS1": 2**62, "NAXIS2": 2**62}),
        "many_axes.fits": header(**HUGE | {"NAXIS": 999}),
        "negative.fits": header(**HUGE | {"NAXIS1": -5}),
        "bitpix.fits": header(**HUGE | {"BITPIX": 7}),
        "zeros.fits.gz": gzip.compress(zeros),
        "bomb.fits.gz": packed,
        "huge_tiles.fits": larger(tiles, 10_000_000_100),
        "no_tiles.fits": tiles.replace(b"ZTILE2  =                    1",
                                       b"ZTILE2  =                    0"),
        "large_tiles.fits": larger(larger(tiles, 20_000), 20_000, axis=2),
        "endless_header.fits": header(SIMPLE="T")[:80] + b"COMMENT x".ljust(80) * 100_000,
        "text.fits": b"SIMPLE, but no FITS\n" * 500,
        "empty.fits": b"",
        "no_image.fits": content(fits.PrimaryHDU(), *many)[:-BLOCK],
        "packed_text.fits.gz": gzip.compress(b"hello"),
    }  # fmt: skip


BOMBS = (
    "huge.fits", "large.fits", "large.fits.gz", "huge.fits.gz", "huge_integers.fits",
    "many_axes.fits", "negative.fits", "bitpix.fits", "zeros.fits.gz", "bomb.fits.gz",
    "huge_tiles.fits", "no_tiles.fits", "large_tiles.fits", "endless_header.fits", "text.fits",
    "empty.fits", "no_image.fits", "packed_text.fits.gz",
)  # fmt: skip


def test_every_bomb_is_tried():
    assert set(BOMBS) == bombs().keys()


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.slow
def test_bomb_is_refused_before_memory_is_taken(tmp_path, monkeypatch, name):
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", "1e9")  # of a machine that could hold it
    path = tmp_path / name
    path.write_bytes(bombs()[name])
    assert not read_or_refused(path, 1 if "tiles" in name else 0)


def test_memory_is_known_before_exposures_are_read(tmp_path, monkeypatch):
    paths = [tmp_path / f"e{i}.fits" for i in range(3)]
    for i, path in enumerate(paths):
        fits.PrimaryHDU(FRAME + i).writeto(path)
    needed = memory_needed(3, SHAPE)
    assert needed == 8 * 3 * FRAME.nbytes / MIB + 250
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", f"{needed}")
    assert read_exposures(paths).n == 3
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", f"{needed - 0.1}")
    read = []
    with monkeypatch.context() as patch:
        patch.setattr("crmasks_widgets.files.reading._read_plane", read.append)
        with pytest.raises(InputError) as caught:
            read_exposures(paths)
    assert not read
    assert str(caught.value) == (
        f"{paths[0]}: found 80 x 64 pixels in extension 0: 3 such images need 251 MiB of memory, "
        "expected at most 250 MiB (what is free, or CRMASKS_MEMORY_LIMIT)"
    )


def test_available_memory_of_machines_and_containers(tmp_path, monkeypatch):
    monkeypatch.delenv("CRMASKS_MEMORY_LIMIT", raising=False)
    meminfo, groups = tmp_path / "meminfo", tmp_path / "groups"
    (groups / "memory").mkdir(parents=True)
    assert available_memory(meminfo, groups) == np.inf
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:    4194304 kB\nx: y\n")
    assert available_memory(meminfo, groups) == 4096
    for name, text in (("limit_in_bytes", 1000 * MIB), ("usage_in_bytes", 700 * MIB)):
        (groups / "memory" / f"memory.{name}").write_text(f"{text}\n")
    (groups / "memory" / "memory.stat").write_text(f"cache 5\ninactive_file {100 * MIB}\n")
    assert available_memory(meminfo, groups) == 400
    for name, text in (("max", 500 * MIB), ("current", 300 * MIB), ("stat", "anon 5")):
        (groups / f"memory.{name}").write_text(f"{text}\n")
    assert available_memory(meminfo, groups) == 200
    (groups / "memory.max").write_text("max\n")
    assert available_memory(meminfo, groups) == 4096
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", "123")
    assert available_memory(meminfo, groups) == 123
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", "a lot")
    with pytest.raises(ValueError, match="found 'a lot', expected MiB"):
        available_memory(meminfo, groups)


LAYOUTS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "read-only": lambda frame: np.frombuffer(frame.tobytes(), frame.dtype).reshape(frame.shape),
    "big-endian": lambda frame: frame.astype(frame.dtype.newbyteorder(">")),
    "every second column": lambda frame: np.repeat(frame, 2, axis=1)[:, ::2],
    "float64": lambda frame: frame.astype(np.float64),
    "uint16": lambda frame: frame.astype(np.uint16),
    "int32": lambda frame: frame.astype(np.int32),
}


@pytest.mark.parametrize("layout", [*LAYOUTS, "memory-mapped"])
def test_arrays_of_every_layout_are_copied_and_left_alone(tmp_path, layout):
    frames = [np.rint(FRAME) + i for i in range(3)]
    if layout == "memory-mapped":
        given = []
        for i, frame in enumerate(frames):
            given.append(np.memmap(tmp_path / f"{i}", frame.dtype, "w+", shape=frame.shape))
            given[-1][:] = frame
    else:
        given = [LAYOUTS[layout](frame) for frame in frames]
    before = [array.tobytes() for array in given]
    exposures = ExposureSet.from_arrays(given)
    assert exposures.data.flags.c_contiguous
    assert exposures.data.dtype == np.float32
    assert exposures.data.dtype.isnative
    assert not any(np.shares_memory(exposures.data, array) for array in given)
    np.testing.assert_array_equal(exposures.data, frames)
    assert [array.tobytes() for array in given] == before
