"""From a YAML file, and masks of an earlier run, to an `Analysis`."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis, Target, memory_beyond
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.core.alignment import Alignment
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.masks import Masks
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, split_plane
from crmasks_widgets.exposures import ExposureSet, read_calibration, read_exposures, read_mask
from crmasks_widgets.files.finding import expand_names, images_in
from crmasks_widgets.files.given_noise import NoiseChoice
from crmasks_widgets.files.headers import describe
from crmasks_widgets.files.history import image_checksums, order_of
from crmasks_widgets.files.quality import Quality
from crmasks_widgets.files.reading import find_file, open_fits
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.several import ParameterFile, read_parameter_file
from crmasks_widgets.proposals.differences import contradictions, disagreements
from crmasks_widgets.regular_files import real

logger = logging.getLogger(__name__)

# A pixel that was not cleaned differs from the median at most by the rounding of its way through
# electrons, which is this part of it.
ROUNDING = 1e-6
_MOST_NAMED = 4


def parameter_file_of(source: str | Path) -> Path:
    """Find the parameter file that a user means.

    Parameters
    ----------
    source : path
        The file itself, or a folder with one.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The folder has none or several.
    """
    source = Path(source)
    if not os.path.isdir(source):
        return source
    files = sorted(path for path in source.iterdir() if path.suffix.lower() in YAML_SUFFIXES)
    if len(files) != 1:
        names = ", ".join(path.name for path in files[:_MOST_NAMED])
        more = ", ..." if len(files) > _MOST_NAMED else ""
        found = f"{len(files)} parameter files ({names}{more})" if files else "no parameter file"
        msg = f"{source}: found {found}, expected one (.yaml or .yml), or its name"
        raise InputError(msg)
    return files[0]


def load_analysis(
    path: str | Path,
    crmasks: str | Path | None = None,
    *,
    folders: Sequence[str | Path] | None = None,
    seed: int | None = None,
    detector: int | str | None = None,
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
    detector : int or str, optional
        Which one of a file for several detectors: number from 1, or name. The first by default,
        with a warning that names the others.

    Returns
    -------
    Analysis
        Nothing is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> analysis.exposures.names
    ('exposure1.fits', 'exposure2.fits', 'exposure3.fits')
    """
    found = _detectors(path, folders, seed)
    number = number_of(found.names, detector, found.file.source)
    analysis = read_analysis(found.parameters[number - 1], found.folders)
    return analysis if crmasks is None else apply_masks(analysis, crmasks, found.layer(number))


def load_mosaic(
    path: str | Path,
    crmasks: str | Path | None = None,
    *,
    folders: Sequence[str | Path] | None = None,
    seed: int | None = None,
) -> Mosaic:
    """Read a parameter file for several detectors, each of which is an analysis.

    Parameters
    ----------
    path, crmasks, folders, seed
        As of `load_analysis`.

    Returns
    -------
    Mosaic
        Of one for a parameter file whose `extnum` is one extension.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.

    Examples
    --------
    >>> mosaic = cm.load_mosaic("demo/params.yaml")
    >>> len(mosaic), mosaic.several
    (1, False)
    """
    return _mosaic(_detectors(path, folders, seed), crmasks)


def read_mosaic(file: ParameterFile, folders: Sequence[str | Path] = (".",)) -> Mosaic:
    """Read everything that a parameter file names, for each of its detectors.

    Parameters
    ----------
    file : ParameterFile
        With `images`.
    folders : sequence of paths
        Where relative paths are looked for, in this order.

    Returns
    -------
    Mosaic
        Nothing of it is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.
    """
    return _mosaic(_detectors_of(file, tuple(folders)), None)


def _mosaic(found: "_Detectors", crmasks: str | Path | None) -> Mosaic:
    analyses: list[Analysis] = []
    said: set[str] = set()
    for number, parameters in enumerate(found.parameters, start=1):
        left = len(found.parameters) - number + 1
        analysis = _read(parameters, found.folders, left, said)
        if crmasks is not None:
            analysis = apply_masks(analysis, crmasks, found.layer(number))
        analyses.append(analysis)
    return Mosaic(found.names, tuple(analyses), several=found.file.is_of_several)


@dataclasses.dataclass(frozen=True)
class _Detectors:
    """The detectors of a parameter file: how they are called, and the parameters of each."""

    file: ParameterFile
    names: tuple[str, ...]
    parameters: tuple[Parameters, ...]
    folders: tuple[str | Path, ...]

    def layer(self, number: int) -> str | None:
        """Name of a detector in the products; None in those of one detector."""
        return self.names[number - 1] if self.file.is_of_several else None


def _detectors(
    path: str | Path, folders: Sequence[str | Path] | None, seed: int | None
) -> _Detectors:
    places = (Path(), Path(path).parent) if folders is None else tuple(folders)
    return _detectors_of(read_parameter_file(path, seed), places)


def _detectors_of(file: ParameterFile, places: tuple[str | Path, ...]) -> _Detectors:
    if file.images is None:
        msg = f"{file.source}: images: found none, expected a list of two or more FITS files"
        raise ParameterError(msg)
    if not file.is_of_several:
        parameters = file.parameters()
        return _Detectors(file, (str(parameters[0].extnum),), parameters, places)
    there = _images_of(file.images, places)
    parameters = file.parameters(file.extensions or tuple(there))
    numbers = [each.extnum for each in parameters]
    names = [there.get(number, str(number)) for number in numbers]
    distinct = len(set(names)) == len(names)
    return _Detectors(file, tuple(names if distinct else map(str, numbers)), parameters, places)


def _images_of(images: Sequence[str], folders: Sequence[str | Path]) -> dict[int | str, str]:
    """Names of the images of the first exposure by their numbers."""
    first = expand_names(images, folders)[0]
    path = find_file(split_plane(first)[0], folders)
    found = images_in(path)
    if not found:
        msg = f"{path}: found no image, expected those of several detectors"
        raise InputError(msg)
    return {image.number: image.name or str(image.number) for image in found}


def number_of(names: Sequence[str], detector: int | str | None, source: str) -> int:
    """Choose one of several detectors.

    Parameters
    ----------
    names : sequence of str
        Of the detectors.
    detector : int or str, optional
        Number from 1, or name; None for the first, with a warning if there are more.
    source : str
        What messages begin with.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    InputError
        There is no such detector.
    """
    there = ", ".join(f"{number} ({name})" for number, name in enumerate(names, start=1))
    if detector is None:
        if len(names) > 1:
            logger.warning(
                "%s: found the detectors %s; opening %s, detector=2 or a name opens another",
                source, there, names[0],
            )  # fmt: skip
        return 1
    wanted = str(detector).replace(" ", "").upper()
    for number, name in enumerate(names, start=1):
        if detector == number or wanted == name.upper():
            return number
    msg = f"{source}: found the detectors {there}, expected one {detector}"
    raise InputError(msg)


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
    return _read(parameters, folders, 1, set())


def _read(
    parameters: Parameters, folders: Sequence[str | Path], n_detectors: int, said: set[str]
) -> Analysis:
    """Read one of several detectors; what was said of an earlier one is not said again."""
    images = expand_names(parameters.images or (), folders)
    if images != parameters.images:
        parameters = parameters.replace(images=images)
    noise = parameters.noise_extension
    choice = None if noise is None else NoiseChoice(noise, parameters.noise_kind)
    exposures = read_exposures(
        images, parameters.extnum, folders, Quality(parameters.dq_extension, parameters.dq_bits),
        choice, n_detectors=n_detectors, beyond=memory_beyond(parameters),
    )  # fmt: skip
    for name, found in zip(images, exposures.paths, strict=True):
        logger.info("%s: read from %s", name, real(found))
    facts = [describe(header) for header in exposures.headers]
    remarks = [
        *disagreements(images, exposures.headers, facts, exposures.shape),
        *contradictions(parameters, facts),
    ]
    for text in remarks:
        if text not in said:
            logger.warning("%s", text)
    said.update(remarks)
    # Products name them as the user did, so that they do not depend on where they lie.
    exposures = dataclasses.replace(exposures, names=images)
    calibration = read_calibration(parameters, exposures.shape, folders)
    mask = read_mask(parameters, exposures.shape, folders)
    if mask is not None:
        if mask.remark:
            logger.warning("%s: %s", mask.path, mask.remark)
        exposures = exposures.without(mask.bad, str(mask.path))
        calibration = calibration.with_mask(mask)
    for key, path in calibration.paths.items():
        logger.info("%s map: read from %s", key, real(path))
    return Analysis(exposures, parameters, calibration)


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
    name = next((name for name in ("LAMEDIAN", "AUXCLEAN") if name in hdus), None)
    if name is None:
        msg = f"{path}: found no extension LAMEDIAN, expected one since use_lamedian is true"
        raise InputError(msg)
    hdu = hdus[name]
    data = _frame(hdu, path, analysis.exposures.shape).astype(np.float32)
    if hdu.header.get("BUNIT", "electron") == "electron":
        data = data / np.float32(analysis.calibration.typical_gain)
    return data
