"""FITS pixel coordinates and regions to array indices: the only place where 1 is subtracted."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.errors import ParameterError

Region = tuple[int, int, int, int]
_FEW: Final = 16


def region_slices(region: Region, shape: tuple[int, int], key: str) -> tuple[slice, slice]:
    """Array slices of a FITS region.

    Parameters
    ----------
    region : (xmin, xmax, ymin, ymax)
        FITS pixels, both ends included.
    shape : (ny, nx)
        Shape of the frame.
    key : str
        Parameter that holds the region, for the message.

    Returns
    -------
    tuple of slice
        For y and x.

    Raises
    ------
    ParameterError
        The region is not inside the frame.
    """
    xmin, xmax, ymin, ymax = region
    ny, nx = shape
    if not (1 <= xmin <= xmax <= nx and 1 <= ymin <= ymax <= ny):
        msg = (
            f"{key}: found region [{xmin}:{xmax}, {ymin}:{ymax}], "
            f"expected one inside the frame [1:{nx}, 1:{ny}]"
        )
        raise ParameterError(msg)
    return slice(ymin - 1, ymax), slice(xmin - 1, xmax)


def pixel_index(x: int, y: int, shape: tuple[int, int], key: str) -> tuple[int, int]:
    """Array index of a FITS pixel.

    Parameters
    ----------
    x, y : int
        FITS pixel, the first is 1.
    shape : (ny, nx)
        Shape of the frame.
    key : str
        Parameter that holds the pixel, for the message.

    Returns
    -------
    tuple of int
        (y - 1, x - 1).

    Raises
    ------
    ParameterError
        The pixel is outside the frame.
    """
    ny, nx = shape
    if not (1 <= x <= nx and 1 <= y <= ny):
        msg = f"{key}: found pixel [{x}, {y}], expected one inside the frame [1:{nx}, 1:{ny}]"
        raise ParameterError(msg)
    return y - 1, x - 1


def region_mask(
    regions: tuple[Region, ...] | None, shape: tuple[int, int], key: str
) -> npt.NDArray[np.bool_]:
    """Pixels inside at least one region.

    Parameters
    ----------
    regions : tuple of (xmin, xmax, ymin, ymax), or None
        FITS pixels, both ends included.
    shape : (ny, nx)
        Shape of the frame.
    key : str
        Parameter that holds the regions, for the message.

    Returns
    -------
    (ny, nx) bool
        All False without regions.

    Raises
    ------
    ParameterError
        A region is not inside the frame.
    """
    slices = [region_slices(region, shape, key) for region in regions or ()]
    if len(slices) > _FEW:
        return _inside_many(slices, shape)
    mask = np.zeros(shape, dtype=bool)
    for place in slices:
        mask[place] = True
    return mask


def _inside_many(
    slices: Sequence[tuple[slice, slice]], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Count at their corners in how many regions each pixel is: each costs the same, large or not.

    Parameters
    ----------
    slices : sequence of tuple of slice
        For y and x.
    shape : (ny, nx)
        Shape of the frame.

    Returns
    -------
    (ny, nx) bool
        True in at least one.
    """
    edges = np.array([(y.start, y.stop, x.start, x.stop) for y, x in slices])
    change = np.zeros((shape[0] + 1, shape[1] + 1), np.int32)
    for sign, y, x in ((1, 0, 2), (-1, 0, 3), (-1, 1, 2), (1, 1, 3)):
        np.add.at(change, (edges[:, y], edges[:, x]), sign)
    np.cumsum(change, axis=0, out=change)
    np.cumsum(change, axis=1, out=change)
    return np.asarray(change[:-1, :-1] > 0)


def pixel_mask(
    pixels: tuple[tuple[int, int], ...] | None, shape: tuple[int, int], key: str
) -> npt.NDArray[np.bool_]:
    """Pixels of a list.

    Parameters
    ----------
    pixels : tuple of (x, y), or None
        FITS pixels.
    shape : (ny, nx)
        Shape of the frame.
    key : str
        Parameter that holds the list, for the message.

    Returns
    -------
    (ny, nx) bool
        All False without pixels.

    Raises
    ------
    ParameterError
        A pixel is outside the frame.
    """
    mask = np.zeros(shape, dtype=bool)
    for x, y in pixels or ():
        mask[pixel_index(x, y, shape, key)] = True
    return mask
