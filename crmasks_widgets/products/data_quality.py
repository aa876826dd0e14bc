"""Data quality of each pixel, bit by bit, for pipelines that want one image of flags."""

import math
from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.saturation import saturation_level
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.files.world import world_cards


class QualityBit(IntFlag):
    """What is known of a pixel; 256 and its doubles are hits of exposure 1, 2 and so on."""

    MEDIAN = 1
    DILATED = 2
    LOCAL = 4
    INVALID = 8
    SATURATED = 16
    EXPOSURE_1 = 256


MEANINGS: Final = {
    QualityBit.MEDIAN: "in MEDIANCR",
    QualityBit.DILATED: "in MEDIANCR by dilation alone",
    QualityBit.LOCAL: "replaced from its surroundings",
    QualityBit.INVALID: "invalid in an exposure",
    QualityBit.SATURATED: "saturated in an exposure",
}
_FIRST: Final = 8
_BITS: Final = ((31, np.int32), (63, np.int64))


def _type(exposures: ExposureSet) -> type[np.int32] | type[np.int64]:
    """Smallest type that has a bit for each exposure; with more than 55, the last ones share."""
    return next((kind for bits, kind in _BITS if _FIRST + exposures.n <= bits), np.int64)


def _bit(number: int) -> int:
    """Value of the bit of an exposure, counted from 1."""
    return int(1 << min(_FIRST + number - 1, _BITS[-1][0] - 1))


def quality_bytes(exposures: ExposureSet) -> int:
    """Bytes of the image; `exposures` are those of the run."""
    return math.prod(exposures.shape) * np.dtype(_type(exposures)).itemsize


def quality(analysis: Analysis) -> npt.NDArray[np.integer]:
    """Flag every pixel.

    Parameters
    ----------
    analysis : Analysis
        Its masks, and the combination mediancr.

    Returns
    -------
    (ny, nx) int32, or int64 from 24 exposures on
        0 where nothing is wrong, else a sum of `QualityBit` and of 256 << (i - 1) for each exposure
        i in whose mask the pixel is.
    """
    exposures = analysis.exposures
    flags = np.zeros(exposures.shape, _type(exposures))

    def mark(where: npt.NDArray[np.bool_], value: int) -> None:
        flags[where] |= flags.dtype.type(value)

    mask = analysis.mediancr
    mark(mask, QualityBit.MEDIAN)
    mark(mask & ~analysis.detections("median").either & ~analysis.edits.forced, QualityBit.DILATED)
    mark(_local(analysis), QualityBit.LOCAL)
    mark(_invalid(analysis), QualityBit.INVALID)
    mark(_saturated(analysis), QualityBit.SATURATED)
    for number in range(1, exposures.n + 1):
        mark(analysis.mask(number), _bit(number))
    return flags


def _local(analysis: Analysis) -> npt.NDArray[np.bool_]:
    """Pixels of mediancr that no exposure enters, but their neighbours."""
    made = analysis.fleeting("combination", "mediancr")
    local: npt.NDArray[np.bool_] = (made.map == 0) & np.isfinite(made.data)
    for x, y, _, _ in analysis.parameters.pixels_to_be_replaced_by_local_median or ():
        local[y - 1, x - 1] = True
    return local


def _invalid(analysis: Analysis) -> npt.NDArray[np.bool_]:
    valid = analysis.exposures.valid
    if valid is None:
        return np.zeros(analysis.exposures.shape, dtype=bool)
    return np.asarray(~valid.all(axis=0))


def _saturated(analysis: Analysis) -> npt.NDArray[np.bool_]:
    level = saturation_level(analysis.parameters.la_satlevel, 0.0)
    where = np.zeros(analysis.exposures.shape, dtype=bool)
    for exposure in analysis.exposures.data:
        where |= exposure >= level
    return where


def quality_hdus(analysis: Analysis) -> fits.HDUList:
    """Make the FITS file of the data quality.

    Parameters
    ----------
    analysis : Analysis
        Source.

    Returns
    -------
    astropy.io.fits.HDUList
        PRIMARY without data; DQ as `quality` makes it, its bits explained in its header.
    """
    primary = fits.PrimaryHDU()
    primary.header["UUID"] = (analysis.uuid, "identifier of the run")
    image = fits.ImageHDU(quality(analysis), name="DQ")
    image.header.extend(world_cards(analysis.exposures.headers[0]))
    image.header["UUID"] = analysis.uuid
    for bit, meaning in MEANINGS.items():
        image.header[f"DQBIT{int(bit).bit_length() - 1}"] = (int(bit), meaning)
    for number in range(1, analysis.exposures.n + 1):
        value = _bit(number)
        image.header[f"DQBIT{value.bit_length() - 1}"] = (value, f"in CRMASK{number}")
    return fits.HDUList([primary, image])
