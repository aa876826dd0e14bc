"""From a YAML file to an `Analysis`."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from crmasks_widgets.analysis import Analysis, memory_beyond
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, split_plane
from crmasks_widgets.exposures import read_calibration, read_exposures, read_mask
from crmasks_widgets.files.finding import expand_names, how_to_begin, images_in
from crmasks_widgets.files.headers import describe
from crmasks_widgets.files.noise_image import NoiseChoice
from crmasks_widgets.files.quality import Quality
from crmasks_widgets.files.reading import find_file
from crmasks_widgets.loading.applying import apply_masks
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.several import ParameterFile, read_parameter_file
from crmasks_widgets.proposals.differences import contradictions, disagreements
from crmasks_widgets.regular_files import real

logger = logging.getLogger(__name__)

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
        msg += "" if files else how_to_begin(source)
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
    read = read_analysis(found.parameters[number - 1], found.folders)
    analysis = _with_text(read, found.file)
    return analysis if crmasks is None else apply_masks(analysis, crmasks, found.layer(number))


def load_mosaic(
    path: str | Path,
    crmasks: str | Path | None = None,
    *,
    folders: Sequence[str | Path] | None = None,
    seed: int | None = None,
    figures: bool = False,
) -> Mosaic:
    """Read a parameter file for several detectors, each of which is an analysis.

    Parameters
    ----------
    path, crmasks, folders, seed
        As of `load_analysis`.
    figures : bool
        Whether figures are going to be drawn, for which there has to be memory, too.

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
    return _mosaic(_detectors(path, folders, seed), crmasks, figures=figures)


def read_mosaic(
    file: ParameterFile, folders: Sequence[str | Path] = (".",), *, figures: bool = False
) -> Mosaic:
    """Read everything that a parameter file names, for each of its detectors.

    Parameters
    ----------
    file : ParameterFile
        With `images`.
    folders : sequence of paths
        Where relative paths are looked for, in this order.
    figures : bool
        As of `load_mosaic`.

    Returns
    -------
    Mosaic
        Nothing of it is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.
    """
    return _mosaic(_detectors_of(file, tuple(folders)), None, figures=figures)


def _with_text(analysis: Analysis, file: ParameterFile) -> Analysis:
    """Let an analysis know the parameter file that it began with, whose comments are kept."""
    if not file.text:
        return analysis
    written = file.text, analysis.parameters
    return Analysis(analysis.exposures, analysis.parameters, analysis.calibration, written)


def _mosaic(found: "_Detectors", crmasks: str | Path | None, *, figures: bool) -> Mosaic:
    analyses: list[Analysis] = []
    said: set[str] = set()
    for number, parameters in enumerate(found.parameters, start=1):
        left = len(found.parameters) - number + 1
        read = _read(parameters, found.folders, left, said, figures=figures)
        analysis = _with_text(read, found.file)
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


def read_analysis(
    parameters: Parameters, folders: Sequence[str | Path] = (".",), *, figures: bool = False
) -> Analysis:
    """Read everything that parameters name.

    Parameters
    ----------
    parameters : Parameters
        With `images`.
    folders : sequence of paths
        Where relative paths are looked for, in this order.
    figures : bool
        As of `load_mosaic`.

    Returns
    -------
    Analysis
        Nothing is computed yet.

    Raises
    ------
    ParameterError, InputError
        In one line: which file or key, what was found, what was expected.
    """
    return _read(parameters, folders, 1, set(), figures=figures)


def _read(
    parameters: Parameters, folders: Sequence[str | Path], n_detectors: int, said: set[str], *,
    figures: bool,
) -> Analysis:  # fmt: skip
    """Read one of several detectors; what was said of an earlier one is not said again."""
    images = expand_names(parameters.images or (), folders)
    if images != parameters.images:
        parameters = parameters.replace(images=images)
    noise = parameters.noise_extension
    choice = None if noise is None else NoiseChoice(noise, parameters.noise_kind)
    beyond = memory_beyond(parameters, len(images) if figures else 0)
    exposures = read_exposures(
        images, parameters.extnum, folders, Quality(parameters.dq_extension, parameters.dq_bits),
        choice, n_detectors=n_detectors, beyond=beyond,
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
