"""Reading one image of one FITS file, with errors for the user who named the file."""

import contextlib
import gzip
import hashlib
import logging
import math
import os
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.verify import VerifyError, VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning

from crmasks_widgets.errors import CrmasksError, InputError, on_one_line
from crmasks_widgets.machine import LIMIT_VARIABLE, available_memory, memory_needed

try:
    # What the decoders of compressed images raise is not public.
    from astropy.io.fits.hdu.compressed._compression import CfitsioException
except ImportError:
    CfitsioException = OSError

logger = logging.getLogger(__name__)

WCS_CARDS = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)\d+|(CD|PC|PV|PS)\d+_\d+|WCS.*|LONPOLE|LATPOLE|RADESYS"
    r"|EQUINOX|(A|B|AP|BP)_(ORDER|\d+_\d+)"
)
QUALITY_NAMES = ("DQ", "MASK", "BPM")
# Cards that describe the file they came from, not the sky.
_FOREIGN_CARDS = (
    "BLANK", "BSCALE", "BZERO", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX", "DATE", "EXTNAME",
    "EXTVER", "EXTLEVEL", "INHERIT", "UUID",
)  # fmt: skip
# What astropy and the decompressors raise for files that are cut, corrupt or no FITS at all.
_UNREADABLE = (
    OSError, TypeError, ValueError, KeyError, IndexError, EOFError, AttributeError,
    zlib.error, VerifyError, MemoryError, OverflowError, RuntimeError, CfitsioException,
)  # fmt: skip
_TRUNCATED = ("File may have been truncated", "Error validating header for HDU")
_GZIP_MAGIC = b"\x1f\x8b"
_FITS_MAGIC = b"SIMPLE  ="
# Frames of real detectors shrink to a tenth; small files of constants, more.
_MOST_UNPACKED = (64, 2**28)  # times the size of the file, and bytes on top


@dataclass
class ImagePlane:
    """One image as read.

    Attributes
    ----------
    data : (ny, nx) float32
        Values, native byte order.
    valid : (ny, nx) bool
        False where not finite or marked as bad.
    name : str
        What messages call it.
    header : astropy.io.fits.Header
        Header of the image, with the cards of the primary header that it lacks.
    checksum : str
        SHA-256 of the file.
    path : Path or None
        The file.
    """

    data: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    name: str
    header: fits.Header
    checksum: str
    path: Path | None


def find_file(path: str | Path, folders: Sequence[str | Path]) -> Path:
    """Find a file; a relative path is looked for in each folder.

    Parameters
    ----------
    path : str or Path
        As the user wrote it.
    folders : sequence of paths
        Tried in this order.

    Returns
    -------
    Path
        The first that exists.

    Raises
    ------
    InputError
        Not found, or not a file.
    """
    tried = [Path(folder) / path for folder in folders]
    for candidate in dict.fromkeys(tried):
        try:
            if candidate.is_file():
                logger.debug("%s is read from %s", path, candidate.parent.resolve())
                return candidate
            exists = candidate.exists()
        except OSError as error:
            msg = f"{candidate}: cannot be looked for ({error.strerror}), expected a FITS file"
            raise InputError(msg) from error
        if exists:
            msg = f"{candidate}: found a folder or device, expected a FITS file"
            raise InputError(msg)
    where = " and ".join(str(f.resolve()) for f in dict.fromkeys(Path(f) for f in folders))
    msg = f"{path}: file not found, looked in {where}"
    raise InputError(msg)


def sha256_of(path: Path) -> str:
    """Checksum of a file as 64 hexadecimal digits; raises OSError if it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def open_fits(path: Path, extnum: int | None = None) -> Iterator[tuple[fits.HDUList, str]]:
    """Open a FITS file for reading; whatever is wrong with it becomes an `InputError`.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extnum : int, optional
        What is looked for in it, for messages.

    Yields
    ------
    hdus : astropy.io.fits.HDUList
        Open inside the context.
    checksum : str
        SHA-256 of the file.

    Raises
    ------
    InputError
        Names the file, what was found and what was expected.
    """
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            # A truncated file is first announced by a warning; here it is an error at once.
            warnings.simplefilter("ignore", VerifyWarning)
            for message in _TRUNCATED:
                warnings.filterwarnings("error", message, AstropyUserWarning)
            with path.open("rb") as stream:
                checksum = hashlib.file_digest(stream, "sha256").hexdigest()
                stream.seek(0)
                # Unsigned integers as floats: as integers, astropy does not look at their BLANK.
                with (
                    _unzipped(stream) as (content, size),
                    fits.open(content, memmap=False, uint=False) as hdus,
                ):
                    _check_extent(hdus, size)
                    yield hdus, checksum
    except CrmasksError:
        raise
    except (AstropyUserWarning, *_UNREADABLE) as error:
        damaged = isinstance(error, AstropyUserWarning)
        what = "found a truncated or damaged file" if damaged else "not readable as FITS"
        wanted = "" if extnum is None else f" with an image in extension {extnum}"
        msg = f"{path}: {what} ({_one_line(error)}), expected a whole FITS file{wanted}"
        raise InputError(msg) from error


def _check_extent(hdus: fits.HDUList, size: int) -> None:
    """Refuse headers that promise more than there is, before memory is taken for it."""
    for number, hdu in enumerate(hdus):
        place = hdu.fileinfo()
        if place["datLoc"] + place["datSpan"] > size:
            msg = (
                f"File may have been truncated: {place['datSpan']} bytes announced in "
                f"extension {number} from byte {place['datLoc']} on, {size} bytes in all"
            )
            raise AstropyUserWarning(msg)


@contextlib.contextmanager
def _unzipped(stream: IO[bytes]) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, int]]:
    """Content of a file, unpacked if it is gzip, and its size."""
    zipped = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    packed = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if not zipped:
        yield stream, packed
        return
    with gzip.GzipFile(fileobj=stream) as content:
        if content.read(len(_FITS_MAGIC)) != _FITS_MAGIC:
            raise OSError("no SIMPLE card found in what the gzip file holds")
        times, more = _MOST_UNPACKED
        # To the end, where its checksum is: on a damaged header, astropy might never stop reading.
        while content.read(2**20):
            if content.tell() > times * packed + more:
                raise OSError(f"more than {content.tell()} bytes unpacked from {packed}")
        size = content.tell()
        content.seek(0)
        yield content, size


def carried_over(header: fits.Header) -> fits.Header:
    """Cards of a header that hold for a file made from its own.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Of an exposure.

    Returns
    -------
    astropy.io.fits.Header
        A copy without what describes the file rather than the sky.
    """
    carried = header.copy(strip=True)
    for card in _FOREIGN_CARDS:
        carried.remove(card, ignore_missing=True, remove_all=True)
    return carried


def read_image(path: Path, extnum: int, n: int = 1) -> ImagePlane:
    """Read one 2-D image.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extnum : int
        HDU number, from 0.
    n : int
        How many images of its size a run will hold.

    Returns
    -------
    ImagePlane
        Its own copy of the data.

    Raises
    ------
    InputError
        Names the file, the HDU, what was found and what was expected; also when a run would need
        more memory than there is.
    """
    with open_fits(path, extnum) as (hdus, checksum):
        hdu = _image_hdu(hdus, path, extnum)
        _check_image(hdu, path, extnum)
        _check_memory(hdu, path, extnum, n)
        return _read_plane(hdus, hdu, path, checksum)


def _one_line(error: BaseException) -> str:
    text = on_one_line(error) or type(error).__name__
    if isinstance(error, KeyError):
        text = f"no such key: {text}"  # alone, a key says nothing
    return text if len(text) <= 160 else text[:157] + "..."


def _check_image(hdu: fits.hdu.base.ExtensionHDU, path: Path, extnum: int) -> None:
    if not hdu.shape or 0 in hdu.shape:
        msg = f"{path}: found no data in extension {extnum}, expected a 2-D image"
        raise InputError(msg)
    if len(hdu.shape) != 2:
        msg = f"{path}: found {len(hdu.shape)}-D data in extension {extnum}, expected a 2-D image"
        raise InputError(msg)
    if isinstance(hdu, fits.CompImageHDU):
        if min(hdu.tile_shape) < 1:
            msg = (
                f"{path}: found tiles of {hdu.tile_shape[::-1]} pixels in the compressed image in "
                f"extension {extnum}, expected sides of at least 1"
            )
            raise InputError(msg)
        sides = zip(hdu.shape, hdu.tile_shape, strict=True)
        tiles, rows = math.prod(-(-side // tile) for side, tile in sides), len(hdu.compressed_data)
        if tiles != rows:
            msg = (
                f"{path}: found {rows} tiles of the compressed image in extension {extnum}, "
                f"expected {tiles}"
            )
            raise InputError(msg)


def _check_memory(hdu: fits.hdu.base.ExtensionHDU, path: Path, extnum: int, n: int) -> None:
    needed, free = memory_needed(n, hdu.shape), available_memory()
    if needed > free:
        ny, nx = hdu.shape
        msg = (
            f"{path}: found {nx} x {ny} pixels in extension {extnum}: {n} such images need "
            f"{math.ceil(needed)} MiB of memory, expected at most {math.floor(free)} MiB "
            f"(what is free, or {LIMIT_VARIABLE})"
        )
        raise InputError(msg)


def _read_plane(
    hdus: fits.HDUList, hdu: fits.hdu.base.ExtensionHDU, path: Path, checksum: str
) -> ImagePlane:
    header = hdu.header.copy(strip=True)
    if hdu is not hdus[0]:
        header.extend(_inherited(hdus[0].header, header), unique=True)
    data = hdu.data.astype(np.float32)
    valid = np.isfinite(data) & ~_marked_bad(hdus, hdu, data.shape)
    return ImagePlane(data, valid, str(path), header, checksum, path)


def _inherited(primary: fits.Header, own: fits.Header) -> fits.Header:
    """Primary header for an extension; without its coordinates where the extension has its own."""
    inherited = primary.copy(strip=True)
    if "CTYPE1" in own:
        for card in [card for card in inherited if WCS_CARDS.fullmatch(card)]:
            del inherited[card]
    return inherited


def _image_hdu(hdus: fits.HDUList, path: Path, extnum: int) -> fits.hdu.base.ExtensionHDU:
    try:
        hdu = hdus[extnum]
    except IndexError:
        msg = f"{path}: found {len(hdus)} HDUs, expected an extension {extnum}"
        raise InputError(msg) from None
    if extnum == 0 and hdu.header["NAXIS"] == 0 and _first_is_compressed(hdus):
        logger.debug("%s: the compressed primary image lies in extension 1", path)
        hdu = hdus[1]
    if not hdu.is_image:
        kind = "a table" if isinstance(hdu, fits.TableHDU | fits.BinTableHDU) else "no image"
        msg = f"{path}: found {kind} in extension {extnum}, expected a 2-D image"
        raise InputError(msg)
    return hdu


def _first_is_compressed(hdus: fits.HDUList) -> bool:
    try:
        return isinstance(hdus[1], fits.CompImageHDU)
    except IndexError:
        return False


def _marked_bad(
    hdus: fits.HDUList, image: fits.hdu.base.ExtensionHDU, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Bad pixels by the quality extensions that belong to an image (same EXTVER, same shape)."""
    bad = np.zeros(shape, dtype=bool)
    for hdu in hdus:
        if hdu is image or not hdu.is_image or hdu.name not in QUALITY_NAMES:
            continue
        if hdu.ver == image.ver and hdu.shape == shape:
            bad |= np.nan_to_num(hdu.data, nan=1) != 0
    return bad
