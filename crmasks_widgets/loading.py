"""From a YAML file, and masks of an earlier run, to an `Analysis`."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.core.alignment import Alignment
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.masks import Masks
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposures import ExposureSet, read_calibration, read_exposures
from crmasks_widgets.files.finding import expand_names
from crmasks_widgets.files.headers import describe
from crmasks_widgets.files.history import image_checksums, order_of
from crmasks_widgets.files.quality import Quality
from crmasks_widgets.files.reading import find_file, open_fits
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.proposals.differences import contradictions, disagreements

logger = logging.getLogger(__name__)

# A pixel that was not cleaned differs from the median at most by the rounding of its way through
# electrons, which is this part of it.
ROUNDING = 1e-6


def load_analysis(
    path: str | Path,
    crmasks: str | Path | None = None,
    *,
    folders: Sequence[str | Path] | None = None,
    seed: int | None = None,
) -> Analysis:
    """Read a parameter file and everything it names.

    Parameters
    ----------
    path : path
        YAML file, of this package or of numina-crmasks.
    crmasks : path, optional
        Masks to be applied instead of being made: `crmasks.fits` of this package or of
        numina-crmasks.
    folders : sequence of paths, optional
        Where the relative paths of the parameter file are looked for, in this order; by default in
        the current folder, then in that of the parameter file.
    seed : int, optional
        Taken where the parameter file would have `mm_seed` drawn.

    Returns
    -------
    Analysis
        Nothing is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.
    """
    parameters = Parameters.from_yaml(path, seed)
    if parameters.images is None:
        msg = f"{path}: images: found none, expected a list of three or more FITS files"
        raise ParameterError(msg)
    folders = (Path(), Path(path).parent) if folders is None else folders
    analysis = read_analysis(parameters, folders)
    return analysis if crmasks is None else apply_masks(analysis, crmasks)


def read_analysis(parameters: Parameters, folders: Sequence[str | Path] = (".",)) -> Analysis:
    """Read everything that parameters name.

    Parameters
    ----------
    parameters : Parameters
        With `images`.
    folders : sequence of paths
        Where relative paths are looked for, in this order.

    Returns
    -------
    Analysis
        Nothing is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.
    """
    images = expand_names(parameters.images or (), folders)
    quality = Quality(parameters.dq_extension, parameters.dq_bits)
    if images != parameters.images:
        parameters = parameters.replace(images=images)
    exposures = read_exposures(images, parameters.extnum, folders, quality)
    for name, found in zip(images, exposures.paths, strict=True):
        logger.info("%s: read from %s", name, found.resolve())
    facts = [describe(header) for header in exposures.headers]
    for text in disagreements(images, exposures.headers, facts, exposures.shape):
        logger.warning("%s", text)
    for text in contradictions(parameters, facts):
        logger.warning("%s", text)
    # Products name them as the user did, so that they do not depend on where they lie.
    exposures = dataclasses.replace(exposures, names=images)
    calibration = read_calibration(parameters, exposures.shape, folders)
    for key, found in calibration.paths.items():
        logger.info("%s map: read from %s", key, found.resolve())
    return Analysis(exposures, parameters, calibration)


def apply_masks(analysis: Analysis, path: str | Path) -> Analysis:
    """Take masks, flux factors and local medians from a file instead of computing them.

    The masks of exposures are found by the checksums in the file's HISTORY, in whatever order the
    exposures come. A file without them, such as those of numina-crmasks, is taken in its own order.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.
    path : path
        `crmasks.fits` of this package or of numina-crmasks.

    Returns
    -------
    Analysis
        Its combinations follow from the masks of the file.

    Raises
    ------
    InputError
        The file is no masks file, or was made from other exposures.
    """
    path = find_file(path, (".",))
    n = analysis.exposures.n
    with open_fits(path) as (hdus, checksum):
        if f"CRMASK{n + 1}" in hdus:
            msg = f"{path}: found extension CRMASK{n + 1}, expected masks of {n} exposures"
            raise InputError(msg)
        header = hdus[0].header
        numbers = _numbers(header, path, analysis.exposures)
        names = ["MEDIANCR", "MEANCRT", *(f"CRMASK{i}" for i in numbers)]
        masks = [_mask(hdus, name, path, analysis.exposures.shape) for name in names]
        factors = tuple(_flux_factor(hdus, i, path) for i in numbers)
        boxes = _boxes(hdus)
        lamedian = _lamedian(hdus, path, analysis)
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
    }
    applied = analysis.preset(results, checksum, path)
    if lamedian is None:
        return applied
    median = applied.stack.median2d
    replaced = np.abs(lamedian - median) > ROUNDING * np.abs(median)
    cleaned = LacosmicResult(replaced, median, lamedian[replaced])
    return analysis.preset({**results, ("lacosmic", "median"): cleaned}, checksum, path)


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
    return np.asarray(_frame(hdus[name], path, shape) != 0, dtype=bool)


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
    if not isinstance(value, int | float) or not 0 < value < np.inf:
        msg = f"{path}: found FLUXF{number} = {value}, expected a positive number"
        raise InputError(msg)
    return float(value)


def _boxes(hdus: fits.HDUList) -> tuple[tuple[int, ...], ...]:
    if "RPMEDIAN" not in hdus:
        return ()
    table = hdus["RPMEDIAN"].data
    columns = (table[name] for name in ("X_pixel", "Y_pixel", "X_width", "Y_width"))
    return tuple(tuple(int(v) for v in row) for row in zip(*columns, strict=True))


def _lamedian(hdus: fits.HDUList, path: Path, analysis: Analysis) -> npt.NDArray[np.float32] | None:
    """Cleaned median in ADU; numina-crmasks writes electrons and does not say so."""
    if not analysis.parameters.use_lamedian:
        return None
    if "LAMEDIAN" not in hdus:
        msg = f"{path}: found no extension LAMEDIAN, expected one since use_lamedian is true"
        raise InputError(msg)
    hdu = hdus["LAMEDIAN"]
    data = _frame(hdu, path, analysis.exposures.shape).astype(np.float32)
    if hdu.header.get("BUNIT", "electron") == "electron":
        data = data / np.float32(analysis.calibration.typical_gain)
    return data
