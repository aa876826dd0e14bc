"""The state of an analysis as a parameter file that runs anywhere and gives the same masks."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.errors import InputError, OutputError, ProductExistsError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, split_extension
from crmasks_widgets.exposures import CALIBRATION_NAMES, ExposureSet
from crmasks_widgets.files.reading import carried_over, plane_checksum, read_image, sha256_of
from crmasks_widgets.files.writing import (
    Product,
    Written,
    check_target,
    text_product,
    write_products,
)
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.comments import keep_comments
from crmasks_widgets.parameters.several import check_shared, yaml_of
from crmasks_widgets.parameters.yaml_text import read_text
from crmasks_widgets.regular_files import real
from crmasks_widgets.units import in_ascii


def save_session(
    analysis: Analysis | Mosaic,
    path: str | Path,
    *,
    overwrite: bool = False,
    reasons: Mapping[str, str] | None = None,
    comments_of: str | Path | None = None,
) -> list[Written]:
    """Write a parameter file with which ``crmasks run`` makes the masks of an analysis.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        Exposures, calibration and parameters.
    path : path
        Ends in ``.yaml`` or ``.yml``. Files that were read are named relative to its folder where
        they lie in it, else by their whole path. What came as arrays is written beside it as
        float32 FITS files, which are named by their content, and so never replace anything.
    overwrite : bool
        Replace an earlier parameter file.
    reasons : mapping, optional
        Why a parameter has its value, by its name: comments beside them instead of the help.
    comments_of : path, optional
        A parameter file whose comments are kept, but beside those that have reasons.

    Returns
    -------
    list of Written
        The FITS files that were not there yet, and the parameter file.

    Raises
    ------
    ProductExistsError
        A file is in the way.
    OutputError
        A file cannot be written, or the masks were read from a file: no parameters make them. Of
        several detectors: they are not those of one set of files.
    InputError
        An exposure or a map is no longer what was read.
    ParameterError
        Several detectors differ in what a parameter file has one value of.

    Examples
    --------
    >>> stricter = cm.load_analysis("demo/params.yaml").replace(la_sigclip=8)
    >>> written = cm.save_session(stricter, "session.yaml", overwrite=True)
    >>> cm.load_analysis("session.yaml").parameters.la_sigclip
    8.0
    """
    path = Path(path)
    several = isinstance(analysis, Mosaic) and analysis.several
    analyses = analysis.analyses if isinstance(analysis, Mosaic) else (analysis,)
    for each in analyses:
        if each.masks_checksum is not None:
            msg = f"{path}: found masks that were read from a file, expected masks made here"
            raise OutputError(msg)
        if several and not each.exposures.paths:
            msg = f"{path}: found detectors that are in no file, expected files that hold them all"
            raise OutputError(msg)
    check_target(path, YAML_SUFFIXES, analysis.sources, overwrite=overwrite)
    kept = [_kept(each, path.parent) for each in analyses]
    parameters = [own for own, _ in kept]
    frames = {frame.name: frame for _, own in kept for frame in own}
    if several:
        check_shared(parameters)
    unit = in_ascii(analyses[0].exposures.unit)
    text = yaml_of(parameters, reasons, None, unit)
    before = _comments_before(analyses) if comments_of is None else read_text(comments_of)
    if before:
        changed = {*(reasons or {}), *(_changed(analyses) if comments_of is None else ())}
        text = keep_comments(before, text, changed)
    missing = _missing(tuple(frames.values()), path.parent)
    products = [*missing, text_product(path.name, "parameters", text)]
    return write_products(products, path.parent, replace=overwrite)


def _comments_before(analyses: Sequence[Analysis]) -> str:
    """Text of the parameter file that all began with; empty without one."""
    texts = {"" if each.written is None else each.written[0] for each in analyses}
    return texts.pop() if len(texts) == 1 else ""


def _changed(analyses: Sequence[Analysis]) -> set[str]:
    """Parameters that are no longer what that file said: its comments on them are out of date."""
    return {
        name
        for each in analyses
        if each.written is not None
        for name, value in each.parameters
        if value != getattr(each.written[1], name)
    }


def _kept(analysis: Analysis, folder: Path) -> tuple[Parameters, tuple["_Frame", ...]]:
    """Parameters that name everything as seen from a folder, and what has to be written there."""
    exposures, calibration = analysis.exposures, analysis.calibration
    images = _images(analysis)
    maps = {
        name: _Frame(name, getattr(calibration, name), None, fits.Header())
        for name in CALIBRATION_NAMES
        if name not in calibration.paths and isinstance(getattr(calibration, name), np.ndarray)
    }
    changes: dict[str, Any] = {
        name: float(getattr(calibration, name)) for name in CALIBRATION_NAMES
        if name not in calibration.paths and name not in maps
    }  # fmt: skip
    for name, source in calibration.paths.items():
        whole = _named(source, calibration.checksums[name], None, folder)
        changes[name] = whole + _extension(analysis, name, source)
    changes |= {name: frame.name for name, frame in maps.items()}
    if images:
        changes |= {"images": tuple(frame.name for frame in images), "extnum": 0}
    else:
        planes = exposures.planes or (None,) * exposures.n
        read = zip(exposures.paths, exposures.checksums, planes, strict=True)
        changes["images"] = tuple(_named(*each, folder) for each in read)
        changes |= _as_read(exposures)
    return analysis.parameters.replace(**changes), (*images, *maps.values())


def _as_read(exposures: ExposureSet) -> dict[str, Any]:
    """Parameters with which files give these exposures, whatever those of the analysis say."""
    noise, quality = exposures.noise_choice, exposures.quality
    said: dict[str, Any] = {
        "extnum": exposures.extnum, "dq_extension": quality.extension, "dq_bits": quality.bits,
        "noise_extension": None if noise is None else noise.extension,
    }  # fmt: skip
    return said if noise is None else said | {"noise_kind": noise.kind}


def anchored(mosaic: Mosaic) -> Mosaic:
    """Name maps by their whole paths, so that they are found wherever one looks from.

    Parameters
    ----------
    mosaic : Mosaic
        As a parameter file says; its names may be relative to the folder of that file.

    Returns
    -------
    Mosaic
        Equal; nothing of it is computed.
    """
    return dataclasses.replace(mosaic, analyses=tuple(map(_anchored, mosaic)))


def _anchored(analysis: Analysis) -> Analysis:
    whole: dict[str, Any] = {
        name: str(real(path)) + _extension(analysis, name, path)
        for name, path in analysis.calibration.paths.items()
    }
    parameters = analysis.parameters.replace(**whole)
    text = None if analysis.written is None else (analysis.written[0], parameters)
    return Analysis(analysis.exposures, parameters, analysis.calibration, text)


def _extension(analysis: Analysis, name: str, path: Path) -> str:
    """Which extension of its file a map is in, as the parameters say."""
    file, extension = split_extension(getattr(analysis.parameters, name))
    return f"[{extension}]" if extension is not None and Path(file).name == path.name else ""


def _images(analysis: Analysis) -> tuple["_Frame", ...]:
    """Exposures that are in no file yet."""
    exposures = analysis.exposures
    if exposures.paths:
        return ()
    valid = exposures.valid if exposures.valid is not None else [None] * exposures.n
    return tuple(
        _Frame(f"exposure{i}", data, good, carried_over(header))
        for i, (data, good, header) in enumerate(
            zip(exposures.data, valid, exposures.headers, strict=True), start=1
        )
    )


class _Frame:
    """A frame to be written to a file whose name tells its content."""

    def __init__(
        self,
        stem: str,
        data: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        header: fits.Header,
    ) -> None:
        self.data = np.asarray(data, dtype=np.float32)
        self.valid = np.isfinite(self.data) if valid is None else valid
        self.header, self.what = header, stem
        digest = hashlib.sha256(np.ascontiguousarray(self.data).tobytes())
        digest.update(self.valid.tobytes())
        digest.update(header.tostring().encode())
        self.name = f"{stem}_{digest.hexdigest()[:12]}.fits"

    def write(self, path: Path) -> None:
        """Write the values, and where they are bad though finite."""
        hdus = fits.HDUList([fits.PrimaryHDU(self.data, self.header)])
        if not np.array_equal(self.valid, np.isfinite(self.data)):
            hdus.append(fits.ImageHDU((~self.valid).astype(np.uint8), name="DQ"))
        hdus.writeto(path, output_verify="silentfix+exception")

    def is_in(self, path: Path) -> bool:
        """Whether a file holds the same values."""
        try:
            plane = read_image(path, 0)
        except InputError:
            return False
        same = np.array_equal(plane.data, self.data, equal_nan=True)
        return same and np.array_equal(plane.valid, self.valid)


def _missing(frames: tuple[_Frame, ...], folder: Path) -> Iterator[Product]:
    """Frames to write; those that an earlier session wrote are there already."""
    for frame in frames:
        path = folder / frame.name
        if not os.path.exists(path):
            yield Product(frame.name, f"{frame.what} as FITS", frame.write)
        elif not frame.is_in(path):
            expected = f"expected {frame.what} of this analysis, or another name"
            msg = f"{path}: found another content, {expected}"
            raise ProductExistsError(msg)


def _named(source: Path, checksum: str, plane: int | None, folder: Path) -> str:
    """Name of an input in a parameter file, once it is sure to be what was read."""
    try:
        now = sha256_of(source)
    except OSError as error:
        msg = f"{source}: not readable any more ({error.strerror}), expected the file that was read"
        raise InputError(msg) from error
    if plane_checksum(now, plane) != checksum:
        msg = f"{source}: found another content than was read, expected the file as it was"
        raise InputError(msg)
    whole = real(source)
    inside = whole.is_relative_to(real(folder))
    name = (whole.relative_to(real(folder)) if inside else whole).as_posix()
    return name if plane is None else f"{name}[{plane}]"
