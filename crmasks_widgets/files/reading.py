"""Reading one image of one FITS file, with errors for the user who named the file."""

import contextlib
import hashlib
import logging
import math
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits.verify import VerifyError, VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning

from crmasks_widgets.errors import CrmasksError, InputError, on_one_line
from crmasks_widgets.files.cards import cleaned, header_remarks
from crmasks_widgets.files.noise_image import NoiseChoice, NoiseImage, read_noise_image
from crmasks_widgets.files.quality import (
    MUCH,
    QUALITY_NAMES,
    Quality,
    frame_of,
    marked_bad,
    named_hdu,
    shape_of_image,
)
from crmasks_widgets.files.unpacking import UNPACKING_ERRORS, unpacked
from crmasks_widgets.machine import (
    LIMIT_VARIABLE,
    NOTHING,
    Beyond,
    available_memory,
    memory_needed,
)
from crmasks_widgets.regular_files import at_home as at_home
from crmasks_widgets.regular_files import open_regular, real

try:
    # What the decoders of compressed images raise is not public.
    from astropy.io.fits.hdu.compressed._compression import CfitsioException
except ImportError:
    CfitsioException = OSError

ANY = Quality()
_FOREIGN_BYTES = "non-ASCII characters are present"
logger = logging.getLogger(__name__)

WCS_CARDS = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)\d+|(CD|PC|PV|PS)\d+_\d+|WCS.*|LONPOLE|LATPOLE|RADESYS"
    r"|EQUINOX|(A|B|AP|BP)_(ORDER|\d+_\d+)"
)
# Cards that describe the file they came from, not the sky.
_FOREIGN_CARDS = (
    "BLANK", "BSCALE", "BZERO", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX", "DATE", "EXTNAME",
    "EXTVER", "EXTLEVEL", "INHERIT", "UUID",
)  # fmt: skip
# What astropy and the decompressors raise for files that are cut, corrupt or no FITS at all.
_UNREADABLE = (
    OSError, TypeError, ValueError, KeyError, IndexError, EOFError, AttributeError,
    zlib.error, VerifyError, MemoryError, OverflowError, RuntimeError, CfitsioException,
    *UNPACKING_ERRORS,
)  # fmt: skip
_TRUNCATED = ("File may have been truncated", "Error validating header for HDU")


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
        SHA-256 of the file, or as of `plane_checksum`.
    path : Path or None
        The file.
    plane : int or None
        Which image of a cube, from 0.
    remarks : tuple of str
        What the user should know about it, without its name.
    variance : (ny, nx) float32 or None
        Of the values, as an image beside it says.
    """

    data: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    name: str
    header: fits.Header
    checksum: str
    path: Path | None
    plane: int | None = None
    remarks: tuple[str, ...] = ()
    variance: npt.NDArray[np.float32] | None = None


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
    tried = [Path(folder) / at_home(path) for folder in folders]
    for candidate in dict.fromkeys(tried):
        try:
            if candidate.is_file():
                logger.debug("%s is read from %s", path, real(candidate.parent))
                return candidate
            exists = candidate.exists()
        except OSError as error:
            msg = f"{candidate}: cannot be looked for ({error.strerror}), expected a FITS file"
            raise InputError(msg) from error
        if exists:
            msg = f"{candidate}: found a folder or device, expected a FITS file"
            raise InputError(msg)
    where = " and ".join(str(real(f)) for f in dict.fromkeys(Path(f) for f in folders))
    msg = f"{path}: file not found, looked in {where}; expected a name from there, or a whole path"
    raise InputError(msg)


def plane_checksum(checksum: str, plane: int | None) -> str:
    """Tell apart the exposures of one file.

    Parameters
    ----------
    checksum : str
        SHA-256 of the file.
    plane : int or None
        Of a cube, from 0.

    Returns
    -------
    str
        That of the file, or, for a plane, one of both, as long.
    """
    if plane is None:
        return checksum
    return hashlib.sha256(f"{checksum}[{plane}]".encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Checksum of a file as 64 hexadecimal digits; raises OSError if it cannot be read."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def open_fits(
    path: Path, extnum: int | str | None = None, *, summed: bool = True
) -> Iterator[tuple[fits.HDUList, str]]:
    """Open a FITS file for reading; whatever is wrong with it becomes an `InputError`.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extnum : int or str, optional
        What is looked for in it, for messages.
    summed : bool
        Make the checksum, for which all of the file is read.

    Yields
    ------
    hdus : astropy.io.fits.HDUList
        Open inside the context.
    checksum : str
        SHA-256 of the file; empty if not `summed`.

    Raises
    ------
    InputError
        Names the file, what was found and what was expected.
    """
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            # A truncated file is first announced by a warning; here it is an error at once.
            warnings.simplefilter("ignore", VerifyWarning)
            # They are read as question marks, which the remarks on an image tell.
            warnings.filterwarnings("ignore", _FOREIGN_BYTES, AstropyUserWarning)
            for message in _TRUNCATED:
                warnings.filterwarnings("error", message, AstropyUserWarning)
            with open_regular(path) as stream:
                checksum = hashlib.file_digest(stream, "sha256").hexdigest() if summed else ""
                stream.seek(0)
                # Unsigned integers as floats: as integers, astropy does not look at their BLANK.
                with (
                    unpacked(stream) as (content, size),
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


def read_image(
    path: Path,
    extnum: int | str,
    n: int = 1,
    plane: int | None = None,
    quality: Quality = ANY,
    noise: NoiseChoice | None = None,
    beyond: Beyond = NOTHING,
) -> ImagePlane:
    """Read one 2-D image; axes of one pixel in front of its two are left out.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extnum : int or str
        HDU number, from 0, or its EXTNAME, with a comma and the EXTVER if need be.
    n : int
        How many images of its size a run will hold.
    plane : int, optional
        Which image of a cube, from 0.
    quality : Quality
        Which images beside it mark bad pixels, and by which bits.
    noise : NoiseChoice, optional
        Which image beside it tells its noise.
    beyond : Beyond
        Memory that the run asks for beyond that of any.

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
        _check_image(hdus, hdu, path, extnum)
        _check_plane(hdu, path, extnum, plane)
        _check_memory(hdu, path, extnum, n, beyond)
        try:
            read = _read_plane(hdus, hdu, path, plane, quality)
            if noise is not None:
                _add_noise(read, read_noise_image(hdus, hdu, plane, noise))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        read.checksum = plane_checksum(checksum, plane)
    part = float(np.mean(~read.valid))
    if MUCH < part < 1:
        read.remarks += (f"{100 * part:.1f} % of the pixels are left out as invalid",)
    return read


def _add_noise(plane: ImagePlane, noise: NoiseImage) -> None:
    plane.variance = noise.variance
    plane.valid &= np.isfinite(noise.variance)
    plane.remarks += noise.remarks


def frame_shape(path: Path, extnum: int | str) -> tuple[int, int]:
    """Tell the shape of an image, or of the images of a cube, without reading it.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extnum : int or str
        As of `read_image`.

    Returns
    -------
    (ny, nx)
        Of one image.

    Raises
    ------
    InputError
        As of `read_image`.
    """
    with open_fits(path, extnum) as (hdus, _):
        hdu = _image_hdu(hdus, path, extnum)
        _check_image(hdus, hdu, path, extnum)
        ny, nx = shape_of_image(hdu)[-2:]
        return ny, nx


def _one_line(error: BaseException) -> str:
    # What astropy advises its callers is no advice to a user.
    text = on_one_line(error).split(" If this is really a FITS file")[0] or type(error).__name__
    if isinstance(error, KeyError):
        text = f"no such key: {text}"  # alone, a key says nothing
    return text if len(text) <= 160 else text[:157] + "..."


def _check_image(
    hdus: fits.HDUList, hdu: fits.hdu.base.ExtensionHDU, path: Path, extnum: int | str
) -> None:
    if not hdu.shape or 0 in hdu.shape:
        there = _images_elsewhere(hdus, hdu)
        msg = f"{path}: found no data in extension {extnum}, expected a 2-D image{there}"
        raise InputError(msg)
    if len(hdu.shape) < 2 or len(shape_of_image(hdu)) > 3:
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


def _images_elsewhere(hdus: fits.HDUList, hdu: fits.hdu.base.ExtensionHDU) -> str:
    """Where in a file the user may find what is not here."""
    others = [
        f"{number} ({other.name})" if other.name else str(number)
        for number, other in enumerate(hdus)
        if other is not hdu and other.is_image and len(other.shape) > 1
        and other.name not in QUALITY_NAMES
    ]  # fmt: skip
    if not others:
        return ""
    if len(others) == 1:
        return f"; an image is in extension {others[0]}"
    return f"; images are in extensions {', '.join(others[:4])}{' and more' * (len(others) > 4)}"


def _check_plane(
    hdu: fits.hdu.base.ExtensionHDU, path: Path, extnum: int | str, plane: int | None
) -> None:
    shape = shape_of_image(hdu)
    n_planes = shape[0] if len(shape) == 3 else 1
    if len(shape) == 3 and plane is None:
        msg = (
            f"{path}: found 3-D data in extension {extnum}, expected a 2-D image, or the name of "
            f"one of the {n_planes} in it: {path.name}[0] to {path.name}[{n_planes - 1}]"
        )
        raise InputError(msg)
    if plane is not None and plane >= n_planes:
        msg = (
            f"{path}: found {n_planes} image{'s' * (n_planes > 1)} in extension {extnum}, expected "
            f"one [{plane}] (counted from 0)"
        )
        raise InputError(msg)


def _check_memory(
    hdu: fits.hdu.base.ExtensionHDU, path: Path, extnum: int | str, n: int, beyond: Beyond
) -> None:
    ny, nx = shape_of_image(hdu)[-2:]
    needed, free = memory_needed(n, (ny, nx), beyond), available_memory()
    if needed > free:
        msg = (
            f"{path}: found {nx} x {ny} pixels in extension {extnum}: {n} such images need "
            f"{math.ceil(needed)} MiB of memory, expected at most {math.floor(free)} MiB "
            f"(what is free, or {LIMIT_VARIABLE})"
        )
        raise InputError(msg)


def _read_plane(
    hdus: fits.HDUList, hdu: fits.hdu.base.ExtensionHDU, path: Path, plane: int | None,
    quality: Quality,
) -> ImagePlane:  # fmt: skip
    name = str(path) if plane is None else f"{path}[{plane}]"
    header, changed = cleaned(inherited_header(hdus, hdu))
    data = frame_of(hdu, plane).astype(np.float32)
    marked = marked_bad(hdus, hdu, plane, quality)
    valid = np.isfinite(data) & ~marked.bad
    remarks = (*marked.remarks, *header_remarks((hdus[0], hdu), changed))
    return ImagePlane(data, valid, name, header, "", path, plane, remarks)


def inherited_header(hdus: fits.HDUList, hdu: fits.hdu.base.ExtensionHDU) -> fits.Header:
    """Gather what the headers of a file say about one of its images.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    hdu : HDU
        Of it.

    Returns
    -------
    astropy.io.fits.Header
        A copy, with the cards of the primary header that it lacks.
    """
    header = hdu.header.copy(strip=True)
    if hdu is not hdus[0]:
        header.extend(_inherited(hdus[0].header, header), unique=True)
    return header


def _inherited(primary: fits.Header, own: fits.Header) -> fits.Header:
    """Primary header for an extension; without its coordinates where the extension has its own."""
    inherited = primary.copy(strip=True)
    if "CTYPE1" in own:
        for card in [card for card in inherited if WCS_CARDS.fullmatch(card)]:
            del inherited[card]
    return inherited


def _image_hdu(hdus: fits.HDUList, path: Path, extnum: int | str) -> fits.hdu.base.ExtensionHDU:
    hdu = named_hdu(hdus, extnum, f"{path}: extnum")
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
