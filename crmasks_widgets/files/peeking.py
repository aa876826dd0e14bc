"""A quick look at a file: what its headers say, and a thumbnail; at a cost that has a bound."""

import os
import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.errors import InputError
from crmasks_widgets.files.finding import ImageFacts, images_in
from crmasks_widgets.files.reading import open_fits
from crmasks_widgets.machine import MIB

# What is packed whole has to be unpacked whole.
MOST_PACKED: Final = 64 * MIB
_PACKED: Final = re.compile(r".*\.(gz|bz2|xz|Z|zip)\Z", re.S)


def peek(path: Path) -> tuple[ImageFacts, ...]:
    """Say which images are in a file, by its headers alone.

    Parameters
    ----------
    path : Path
        FITS file.

    Returns
    -------
    tuple of ImageFacts
        At least one.

    Raises
    ------
    InputError
        As of `images_in`; no image is in it; or it is too large to be unpacked for this.
    """
    try:
        size = os.stat(path).st_size if _PACKED.match(path.name) else 0
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from error
    if size > MOST_PACKED:
        msg = f"{path}: found {size // MIB} MiB, packed; only up to {MOST_PACKED // MIB} are shown"
        raise InputError(msg)
    images = images_in(path)
    if not images:
        raise InputError(f"{path}: found no image, expected an exposure")
    return images


def thumbnail(image: ImageFacts, side: int) -> npt.NDArray[np.float32]:
    """Read some of the pixels of an image, evenly spaced.

    Parameters
    ----------
    image : ImageFacts
        Of a cube the first plane is taken.
    side : int
        Pixels that the longer side has at most.

    Returns
    -------
    (ny, nx) float32
        ADU.

    Raises
    ------
    InputError
        They cannot be read.
    """
    step = max(1, -(-max(image.shape) // side))
    # A side that is shorter than a step is one pixel, not none.
    rows, columns = (slice(step // 2, None, step) if n > step else slice(0, 1) for n in image.shape)
    with open_fits(image.path, image.number, summed=False) as (hdus, _):
        section = hdus[image.number].section
        first = (0,) * (len(section.shape) - 2)
        numbers = range(image.shape[0])[rows]
        picture = [np.asarray(section[(*first, y, slice(None))])[columns] for y in numbers]
        return np.array(picture, np.float32)
