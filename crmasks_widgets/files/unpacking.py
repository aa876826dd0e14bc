"""Content of files packed whole, by gzip, bzip2, xz, zip or compress, told by their first bytes."""

import bz2
import contextlib
import gzip
import importlib
import io
import lzma
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

from crmasks_widgets.files.structure import follow
from crmasks_widgets.files.xz import MAGIC, XzStreams
from crmasks_widgets.machine import MIB, available_memory

_FITS_MAGIC: Final = b"SIMPLE  ="
# Frames of real detectors shrink to a tenth; small files of constants, more.
_MOST_UNPACKED: Final = (64, 2**28)  # times the size of the file, and bytes on top
_MOST_DICTIONARY: Final = 256 * MIB  # xz -9 takes a quarter of it
UNPACKING_ERRORS: Final = (lzma.LZMAError, zipfile.BadZipFile)
"""What the decompressors raise beyond OSError, EOFError and zlib.error."""


def _only_member(stream: IO[bytes]) -> IO[bytes]:
    members = zipfile.ZipFile(stream).infolist()
    if len(members) != 1:
        raise OSError(f"compressed by zip, with {len(members)} files in it, expected one")
    return zipfile.ZipFile(stream).open(members[0])


def _xz(stream: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(XzStreams(stream, _MOST_DICTIONARY))


def _uncompressed(stream: IO[bytes]) -> Any:
    try:
        package = importlib.import_module("uncompresspy")
    except ImportError:
        raise OSError(
            "compressed by compress, as .Z: reading it needs the package uncompresspy, or unpack it"
        ) from None
    return package.LZWFile(stream, warn_truncation=False)  # that it is cut is seen by its size


_PACKERS: Final[tuple[tuple[bytes, str, Callable[[IO[bytes]], Any]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", "bzip2", bz2.BZ2File),
    (MAGIC, "xz", _xz),
    (b"PK\x03\x04", "zip", _only_member),
    (b"\x1f\x9d", "compress", _uncompressed),
)


@contextlib.contextmanager
def unpacked(stream: IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """Give the content of a file, unpacked if it is packed.

    Parameters
    ----------
    stream : binary file
        At its beginning.

    Yields
    ------
    content : binary file
        At its beginning.
    size : int
        Bytes in it.

    Raises
    ------
    OSError
        No FITS file is inside, it unfolds to suspiciously much, or it is packed in a way that is
        not read.
    """
    head = stream.read(6)
    packed = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    found = next(
        ((name, opened) for magic, name, opened in _PACKERS if head.startswith(magic)), None
    )
    if found is None:
        yield stream, follow(stream, packed, math.inf)
        return
    name, opened = found
    with opened(stream) as content:
        if content.read(len(_FITS_MAGIC)) != _FITS_MAGIC:
            raise OSError(f"no SIMPLE card found in what the {name} file holds")
        content.seek(0)
        times, more = _MOST_UNPACKED
        yield content, follow(content, None, min(times * packed + more, available_memory() * MIB))
