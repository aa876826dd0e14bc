"""Which pixels of an image are bad, as images beside it in its file say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.errors import InputError

QUALITY_NAMES: Final = ("DQ", "MASK", "MASKS", "BPM", "QUALITY", "BADPIX", "BADPIXEL", "FLAGS")
"""EXTNAMEs of images in which values other than 0 mark bad pixels."""

MUCH: Final = 0.2
"""Part of the pixels beyond which a word is due about those that are left out."""

# A mask of zeros and ones in which there are so many ones marks the good ones.
_MOSTLY_ONES: Final = 0.8


@dataclass(frozen=True)
class Quality:
    """Which quality image counts, and what of it.

    Attributes
    ----------
    extension : int or str or None
        Number, name or ``NAME,VERSION``; None for all images of a usual name.
    bits : tuple of int, or None
        Bits that mark a bad pixel, or sums of them; None for all.
    """

    extension: int | str | None = None
    bits: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Marked:
    """Bad pixels of an image.

    Attributes
    ----------
    bad : (ny, nx) bool
        True for a bad pixel.
    remarks : tuple of str
        What the user should know about it.
    """

    bad: npt.NDArray[np.bool_]
    remarks: tuple[str, ...]


def marked_bad(
    hdus: fits.HDUList, image: fits.hdu.base.ExtensionHDU, plane: int | None, quality: Quality
) -> Marked:
    """Find the bad pixels of an image.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    image : HDU
        Of it.
    plane : int or None
        Which image of a cube, from 0.
    quality : Quality
        What counts.

    Returns
    -------
    Marked
        By all quality images of the same EXTVER and shape, or by the one that was named.

    Raises
    ------
    InputError
        The one that was named has another shape.
    """
    shape = shape_of_image(image)
    bad, remarks = np.zeros(shape[-2:], dtype=bool), []
    for hdu in _beside(hdus, image, quality):
        if quality.extension is not None:
            check_pixels(hdu, image, "dq_extension")
        elif not has_pixels_of(hdu, image):
            continue
        marked, remark = marks(frame_of(hdu, plane), quality.bits)
        bad |= marked
        if remark:
            remarks.append(f"extension {hdu.name}: {remark}")
    if quality.extension is None:
        remarks += _unused(hdus, image, shape)
    return Marked(bad, tuple(remarks))


def _beside(
    hdus: fits.HDUList, image: fits.hdu.base.ExtensionHDU, quality: Quality
) -> Iterator[fits.hdu.base.ExtensionHDU]:
    if quality.extension is not None:
        yield beside(hdus, image, quality.extension, "dq_extension")
        return
    for hdu in hdus:
        usual = hdu is not image and hdu.is_image and hdu.name in QUALITY_NAMES
        if usual and hdu.ver == image.ver:
            yield hdu


def marks(
    values: npt.NDArray[Any], bits: tuple[int, ...] | None
) -> tuple[npt.NDArray[np.bool_], str]:
    """Tell bad pixels by the values of a quality image.

    Parameters
    ----------
    values : (ny, nx) ndarray
        Of it.
    bits : tuple of int, or None
        Bits that mark a bad pixel; None for all.

    Returns
    -------
    bad : (ny, nx) bool
        True for a bad pixel.
    remark : str
        What the user should know; often empty.
    """
    filled = np.nan_to_num(values, nan=1)
    if bits is not None:
        counted = np.bitwise_or.reduce(bits)
        return (filled.astype(np.int64) & counted) != 0, ""
    bad = np.asarray(filled != 0, dtype=bool)
    part = float(bad.mean())
    if _MOSTLY_ONES < part < 1 and bool(np.all(filled[bad] == 1)):
        return ~bad, f"found ones in {100 * part:.1f} % of the pixels, taken as good = 1"
    return bad, ""


def _unused(
    hdus: fits.HDUList, image: fits.hdu.base.ExtensionHDU, shape: tuple[int, ...]
) -> list[str]:
    """Images of integers that might mark bad pixels: of bytes only, where counts are integers."""
    own = image.header["BITPIX"]
    most = 64 if own < 0 else 8 if own > 8 else 0
    names = [
        hdu.name or str(number)
        for number, hdu in enumerate(hdus)
        if hdu is not image and hdu.is_image and hdu.name not in QUALITY_NAMES
        and 0 < hdu.header["BITPIX"] <= most and shape_of_image(hdu) == shape
    ]  # fmt: skip
    return [f"extension {name}: found integers, which are not used; if they mark bad pixels, "
            f"set dq_extension: {name}" for name in names]  # fmt: skip


def has_pixels_of(hdu: fits.hdu.base.ExtensionHDU, image: fits.hdu.base.ExtensionHDU) -> bool:
    """Whether an HDU has a pixel for each of an image, or of each plane of a cube."""
    shape = shape_of_image(image)
    return shape_of_image(hdu) in (shape, shape[-2:])


def check_pixels(
    hdu: fits.hdu.base.ExtensionHDU, image: fits.hdu.base.ExtensionHDU, what: str
) -> None:
    """Refuse what was named to go with an image and has other pixels.

    Parameters
    ----------
    hdu, image : HDU
        What was named, and the image.
    what : str
        What it is called in messages.

    Raises
    ------
    InputError
        It has another shape.
    """
    if not has_pixels_of(hdu, image):
        shape = shape_of_image(image)
        found = " x ".join(map(str, shape_of_image(hdu)[::-1])) or "no"
        msg = f"{what}: found {found} pixels, expected {shape[-1]} x {shape[-2]}"
        raise InputError(msg)


def beside(
    hdus: fits.HDUList,
    image: fits.hdu.base.ExtensionHDU,
    extension: int | str,
    what: str,
) -> fits.hdu.base.ExtensionHDU:
    """Find what belongs to an image: of a name alone, the HDU of its own EXTVER comes first.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    image : HDU
        Of it.
    extension : int or str
        Number from 0, EXTNAME, or ``NAME,VERSION``.
    what : str
        What it is called in messages.

    Returns
    -------
    HDU
        It.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(extension, str) and "," not in extension:
        for hdu in hdus:
            if (hdu.name, hdu.ver) == (extension.upper(), image.ver):
                return hdu
    return named_hdu(hdus, extension, what)


def named_hdu(hdus: fits.HDUList, extension: int | str, what: str) -> fits.hdu.base.ExtensionHDU:
    """Find an HDU by number or name.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    extension : int or str
        Number from 0, EXTNAME, or ``NAME,VERSION``.
    what : str
        What it is called in messages.

    Returns
    -------
    HDU
        It.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(extension, int):
        try:
            return hdus[extension]
        except IndexError:
            there = f"{len(hdus)} HDUs" if len(hdus) > 1 else "one HDU, number 0"
            msg = f"{what}: found {there}, expected an extension {extension}"
            raise InputError(msg) from None
    name, _, version = extension.partition(",")
    wanted = (name.strip().upper(), int(version or 1))
    for hdu in hdus:
        if (hdu.name, hdu.ver) == wanted:
            return hdu
    there = ", ".join(f"{h.name},{h.ver}" if h.ver != 1 else h.name for h in hdus if h.name)
    msg = f"{what}: found the extensions {there or 'without names'}, expected one {extension}"
    raise InputError(msg)


def shape_of_image(hdu: fits.hdu.base.ExtensionHDU) -> tuple[int, ...]:
    """Tell the shape of an image without axes of one pixel in front.

    Parameters
    ----------
    hdu : HDU
        An image.

    Returns
    -------
    tuple of int
        (ny, nx) where there are no more axes; as it is for fewer than three; empty for no data.
    """
    shape = tuple(int(side) for side in hdu.shape)
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def frame_of(hdu: fits.hdu.base.ExtensionHDU, plane: int | None) -> npt.NDArray[Any]:
    """Values of an image, or of one plane of a cube.

    Parameters
    ----------
    hdu : HDU
        An image.
    plane : int or None
        Which one, from 0.

    Returns
    -------
    (ny, nx) ndarray
        As the file has them; of a cube, only the plane is read.
    """
    shape = shape_of_image(hdu)
    with np.errstate(invalid="ignore", over="ignore"):  # by BSCALE; what comes out is invalid
        if len(shape) == 3:
            in_front = (0,) * (len(hdu.shape) - 3)
            return np.asarray(hdu.section[(*in_front, plane or 0)])
        return np.asarray(hdu.data.reshape(shape))
