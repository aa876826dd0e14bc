"""Masks of an earlier run, or of numina-crmasks, as those of an `Analysis`."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.core.alignment import Alignment
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.masks import Masks
from crmasks_widgets.core.targets import mask_name
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.files.history import image_checksums, order_of
from crmasks_widgets.files.reading import find_file, open_fits
from crmasks_widgets.parameters.types import LARGEST_FLUX_RATIO

logger = logging.getLogger(__name__)

# A pixel that was not cleaned differs from the median at most by the rounding of its way through
# electrons, which is this part of it.
ROUNDING = 1e-6


def apply_masks(analysis: Analysis, path: str | Path, detector: str | None = None) -> Analysis:
    """Take masks, flux factors and local medians from a file instead of computing them.

    The masks of exposures are found by the checksums in the file's HISTORY, in whatever order the
    exposures come. A file without them, such as those of numina-crmasks, is taken in its own order.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.
    path : path
        `crmasks.fits` of this package or of numina-crmasks.
    detector : str, optional
        Name of one of several detectors in the file.

    Returns
    -------
    Analysis
        Its combinations follow from the masks of the file.

    Raises
    ------
    InputError
        The file is no masks file, or was made from other exposures.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> written = cm.save_all(analysis, "products", overwrite=True)
    >>> again = cm.apply_masks(analysis, "products/crmasks.fits")
    >>> bool((again.masks["MEDIANCR"] == analysis.masks["MEDIANCR"]).all())
    True
    """
    path = find_file(path, (".",))
    n = analysis.exposures.n
    with open_fits(path) as (whole, checksum):
        hdus = whole if detector is None else _layer(whole, detector, path)
        if (beyond := mask_name(n + 1)) in hdus:
            msg = f"{path}: found extension {beyond}, expected masks of {n} exposures"
            raise InputError(msg)
        header = hdus[0].header
        numbers = _numbers(header, path, analysis.exposures)
        names = [mask_name("median"), mask_name("mean"), *map(mask_name, numbers)]
        masks = [_mask(hdus, name, path, analysis.exposures.shape) for name in names]
        factors = tuple(_flux_factor(hdus, i, path) for i in numbers)
        boxes = _boxes(hdus, path)
        lamedian = _lamedian(hdus, path, analysis)
        wanted = "meancr2" in analysis.parameters.more_combinations
        again = _mask(hdus, "MEANCR", path, analysis.exposures.shape) if wanted else None
    if boxes:
        analysis = analysis.replace(pixels_to_be_replaced_by_local_median=boxes)
    if not image_checksums(header):
        logger.warning(
            "%s: found no checksums of exposures in HISTORY, expected those of crmasks_widgets: "
            "its masks are taken for those of the exposures, in this order",
            path,
        )
    results: dict[tuple[str, Target | None], Any] = {
        ("alignment", None): Alignment(factors, ((0.0, 0.0),) * n),
        **_valid_masks(masks, analysis),
        **({} if again is None else {("meancr_mask", None): again}),
    }
    applied = analysis.preset(results, checksum, path)
    if lamedian is None:
        return applied
    median = applied.stack.median2d
    replaced = np.abs(lamedian - median) > ROUNDING * np.abs(median)
    cleaned = LacosmicResult(replaced, median, lamedian[replaced])
    return analysis.preset({**results, ("cleaned", "median"): cleaned}, checksum, path)


def _layer(hdus: fits.HDUList, detector: str, path: Path) -> fits.HDUList:
    """Take the HDUs of one detector out of a product of several.

    By name: checksums are those of whole files, and do not tell its detectors apart.
    """
    own = [hdu for hdu in hdus if hdu.header.get("DETNAME") == detector]
    if not own:
        msg = f"{path}: found no extension with DETNAME = {detector}, expected masks of it"
        raise InputError(msg)
    return fits.HDUList(own)


def _numbers(header: fits.Header, path: Path, exposures: ExposureSet) -> list[int]:
    """Number in a masks file of each exposure at hand."""
    made_from = image_checksums(header)
    if not made_from:
        return list(range(1, exposures.n + 1))
    order = order_of(made_from, exposures.checksums)
    if order is None:
        strange = [
            name
            for name, checksum in zip(exposures.names, exposures.checksums, strict=True)
            if checksum not in made_from
        ]
        found = f"no masks of {', '.join(strange)}" if strange else f"masks of {len(made_from)}"
        msg = f"{path}: found {found}, expected those of the exposures (checksums in HISTORY)"
        raise InputError(msg)
    if order != sorted(order):
        numbers = ", ".join(str(place + 1) for place in order)
        logger.info("%s: exposures in another order: they are its numbers %s", path, numbers)
    return [place + 1 for place in order]


def _valid_masks(
    masks: list[npt.NDArray[np.bool_]], analysis: Analysis
) -> dict[tuple[str, Target | None], Any]:
    valid = analysis.exposures.valid
    if valid is not None:
        goods = [valid.any(axis=0)] * 2 + list(valid)
        masks = [mask & good for mask, good in zip(masks, goods, strict=True)]
    return {
        ("found", None): masks[0],
        ("mediancr", None): masks[0],
        ("masks", None): Masks(masks[1], tuple(masks[2:])),
    }


def _mask(
    hdus: fits.HDUList, name: str, path: Path, shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    if name not in hdus:
        msg = f"{path}: found no extension {name}, expected one as in crmasks.fits"
        raise InputError(msg)
    frame = _frame(hdus[name], path, shape)
    if frame.dtype.kind == "f" and (odd := np.argwhere(~np.isfinite(frame))).size:
        y, x = odd[0]
        msg = (
            f"{path}: found {frame[y, x]} in pixel [{x + 1}, {y + 1}] of extension {name}, "
            "expected 0, or 1 for a hit"
        )
        raise InputError(msg)
    return np.asarray(frame != 0, dtype=bool)


def _frame(hdu: fits.ImageHDU, path: Path, shape: tuple[int, int]) -> npt.NDArray[Any]:
    if not hdu.is_image or hdu.shape != shape:
        found = f"shape {hdu.shape[::-1]}" if hdu.is_image else "no image"
        msg = (
            f"{path}: found {found} in extension {hdu.name}, "
            f"expected {shape[::-1]} (NAXIS1, NAXIS2) as in the exposures"
        )
        raise InputError(msg)
    return np.asarray(hdu.data)


def _flux_factor(hdus: fits.HDUList, number: int, path: Path) -> float:
    value = hdus[0].header.get(f"FLUXF{number}")
    most = LARGEST_FLUX_RATIO
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not 1 / most <= value <= most:
        msg = (
            f"{path}: found FLUXF{number} = {value}, expected a positive number, "
            f"at most {most:g} times more or less than 1"
        )
        raise InputError(msg)
    return float(value)


def _boxes(hdus: fits.HDUList, path: Path) -> tuple[tuple[int, ...], ...]:
    if "RPMEDIAN" not in hdus:
        return ()
    table = hdus["RPMEDIAN"].data
    names = ("X_pixel", "Y_pixel", "X_width", "Y_width")
    columns = [_whole_numbers(np.asarray(table[name]), name, path) for name in names]
    return tuple(tuple(int(v) for v in row) for row in zip(*columns, strict=True))


def _whole(column: npt.NDArray[Any]) -> bool:
    return bool((np.isfinite(column) & (np.trunc(column) == column)).all())


def _whole_numbers(column: npt.NDArray[Any], name: str, path: Path) -> npt.NDArray[Any]:
    kind = column.dtype.kind
    if column.ndim != 1 or kind not in "iuf" or (kind == "f" and not _whole(column)):
        msg = f"{path}: found other values in {name} of extension RPMEDIAN, expected whole numbers"
        raise InputError(msg)
    return column


def _lamedian(hdus: fits.HDUList, path: Path, analysis: Analysis) -> npt.NDArray[np.float32] | None:
    """Cleaned median in ADU; numina-crmasks writes electrons and does not say so."""
    if not analysis.parameters.use_lamedian:
        return None
    name = next((name for name in ("LAMEDIAN", "AUXCLEAN") if name in hdus), None)
    if name is None:
        msg = f"{path}: found no extension LAMEDIAN, expected one since use_lamedian is true"
        raise InputError(msg)
    hdu = hdus[name]
    data = _frame(hdu, path, analysis.exposures.shape).astype(np.float32)
    if hdu.header.get("BUNIT", "electron") == "electron":
        data = data / np.float32(analysis.calibration.typical_gain)
    return data
