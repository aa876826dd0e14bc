"""Bad pixels of a detector, in a file of their own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crmasks_widgets.errors import InputError
from crmasks_widgets.files.finding import find_map
from crmasks_widgets.files.quality import QUALITY_NAMES, frame_of, marks, named_hdu, shape_of_image
from crmasks_widgets.files.reading import open_fits


@dataclass(frozen=True)
class BadPixels:
    """A mask of bad pixels.

    Attributes
    ----------
    bad : (ny, nx) bool
        True for a bad pixel.
    path : Path
        Its file.
    checksum : str
        SHA-256 of the file.
    remark : str
        What the user should know about it; often empty.
    """

    bad: npt.NDArray[np.bool_]
    path: Path
    checksum: str
    remark: str


def read_bad_pixels(
    path: Path,
    extension: int | str | None,
    shape: tuple[int, int],
    bits: tuple[int, ...] | None = None,
) -> BadPixels:
    """Read a mask of bad pixels.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    extension : int or str, optional
        That holds it; by default the primary image, the only one of this shape, or the one of
        them with a usual name.
    shape : (ny, nx)
        Of the exposures.
    bits : tuple of int, optional
        That mark a bad pixel; all by default.

    Returns
    -------
    BadPixels
        By values other than 0; a mask of ones and few zeros marks the good ones.

    Raises
    ------
    InputError
        The file cannot be read, or holds no such image.
    """
    chosen = find_map(path, shape, QUALITY_NAMES) if extension is None else extension
    with open_fits(path) as (hdus, checksum):
        hdu = named_hdu(hdus, chosen, str(path))
        found = shape_of_image(hdu) if hdu.is_image else ()
        if found != shape:
            size = " x ".join(map(str, found[::-1])) or "no"
            msg = (
                f"{path}: found a bad_pixel_mask of {size} pixels, expected {shape[1]} x "
                f"{shape[0]} as in the exposures"
            )
            raise InputError(msg)
        bad, remark = marks(frame_of(hdu, None), bits)
    return BadPixels(bad, path, checksum, remark)
