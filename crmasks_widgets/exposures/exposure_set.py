"""Equivalent exposures of one field, as they come from files, arrays or CCDData."""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.core.no_light import constants_without_light
from crmasks_widgets.core.stack import MIN_EXPOSURES, stack_of
from crmasks_widgets.core.typing import BoolArray, Float32Array
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import split_plane
from crmasks_widgets.exposures.fill_values import leave_out_far_below, leave_out_fill_values
from crmasks_widgets.files.headers import unit_in
from crmasks_widgets.files.noise_image import NoiseChoice
from crmasks_widgets.files.quality import MUCH, Quality
from crmasks_widgets.files.reading import ANY, ImagePlane, at_home, find_file, read_image
from crmasks_widgets.machine import NOTHING, Beyond

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ExposureSet:
    """Equivalent exposures of one field.

    Attributes
    ----------
    data : (n, ny, nx) float32
        Values as read, ADU; read-only. No bias, factor or other parameter is applied.
    names : tuple of n str
        File names, or what stands for them.
    headers : tuple of n astropy.io.fits.Header
        Headers; empty for arrays.
    valid : (n, ny, nx) bool or None
        False where a value is not finite, marked as bad or beyond `core.stack.LARGEST_VALUE`, and
        in borders and blocks of a constant that is no light; None when all are usable. Read-only.
    checksums : tuple of n str
        SHA-256 of the files, or of the arrays where there is no file; of planes of a cube, as of
        `files.reading.plane_checksum`.
    paths : tuple of Path
        The files; empty for arrays.
    planes : tuple of (int or None)
        Which images of cubes, from 0; empty for arrays.
    variance : (ny, nx) float32 or None
        Of an exposure, ADU squared: the median of what the files say, or the least where hits
        lifted that; None where gain and readout noise tell it. Read-only.
    extnum : int or str
        Extension of the files that they were read from.
    quality, noise_choice : Quality, NoiseChoice or None
        Which extensions told the bad pixels and the noise.

    Examples
    --------
    >>> frames = [np.full((64, 80), level, dtype=np.float32) for level in (198, 201, 203)]
    >>> frames[0][5, 7] = np.nan
    >>> exposures = cm.ExposureSet.from_arrays(frames)
    >>> exposures.n, exposures.shape, bool(exposures.valid[0, 5, 7])
    (3, (64, 80), False)
    """

    data: Float32Array
    names: tuple[str, ...]
    headers: tuple[fits.Header, ...]
    valid: BoolArray | None
    checksums: tuple[str, ...]
    paths: tuple[Path, ...] = field(default=())
    planes: tuple[int | None, ...] = field(default=())
    variance: Float32Array | None = None
    extnum: int | str = 0
    quality: Quality = ANY
    noise_choice: NoiseChoice | None = None

    @property
    def n(self) -> int:
        """Number of exposures."""
        return int(self.data.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of a frame."""
        return int(self.data.shape[1]), int(self.data.shape[2])

    @property
    def unit(self) -> str:
        """Unit of the values for the user: that of BUNIT, ADU where no header has one."""
        units = (unit for header in self.headers if (unit := unit_in(header)))
        return next(units, "ADU").replace("electron", "e\u207b")

    @property
    def in_electrons(self) -> bool:
        """Whether all headers say that the values are electrons, whose gain is 1."""
        return bool(self.headers) and all(unit_in(h) == "electron" for h in self.headers)

    @classmethod
    def from_arrays(
        cls,
        arrays: Sequence[Any],
        *,
        names: Sequence[str] | None = None,
        valid: npt.ArrayLike | None = None,
        headers: Sequence[fits.Header] | None = None,
    ) -> "ExposureSet":
        """Take exposures from arrays, masked arrays or `astropy.nddata.CCDData`.

        Parameters
        ----------
        arrays : sequence of n (ny, nx) arrays, CCDData or NDData
            ADU, or the unit that they have, which products carry as BUNIT. A mask (True = bad) is
            used, and so are header and WCS.
        names : sequence of n str, optional
            How messages and products call them; "exposure 1" and so on by default.
        valid : (n, ny, nx) array_like of bool, optional
            False for values to be left out. Values that are not finite are left out in any case.
        headers : sequence of n Header, optional
            Headers to be carried over to the products.

        Returns
        -------
        ExposureSet
            With its own copy of the values.

        Raises
        ------
        InputError
            Fewer than two, not 2-D, not numbers, of different shapes or units, or without a
            valid pixel.
        """
        names = tuple(names or (f"exposure {i + 1}" for i in range(len(arrays))))
        planes = [_plane_from_array(array, name) for array, name in zip(arrays, names, strict=True)]
        if valid is not None:
            for plane, good in zip(planes, np.asarray(valid, dtype=bool), strict=True):
                plane.valid &= good
        if headers is not None:
            for plane, header in zip(planes, headers, strict=True):
                plane.header = header.copy()
        return cls._from_planes(planes)

    @classmethod
    def _from_planes(cls, planes: list[ImagePlane]) -> "ExposureSet":
        if len(planes) < MIN_EXPOSURES:
            msg = f"images: found {len(planes)} exposures, expected at least {MIN_EXPOSURES}"
            raise InputError(msg)
        first = planes[0]
        for plane in planes:
            if plane.data.shape != first.data.shape:
                msg = (
                    f"{plane.name}: found a frame of {_size(plane)} pixels, "
                    f"expected {_size(first)} as in {first.name}"
                )
                raise InputError(msg)
            _leave_out_constants(plane)
            _refuse_empty(plane)
        leave_out_fill_values(planes)
        leave_out_far_below(planes)
        for plane in planes:
            _refuse_empty(plane)
        _check_units(planes)
        data = np.stack([plane.data for plane in planes])
        valid = np.stack([plane.valid for plane in planes])
        variance = _median_variance([plane.variance for plane in planes], valid)
        data.flags.writeable = valid.flags.writeable = False
        return cls(
            data=data,
            names=tuple(plane.name for plane in planes),
            headers=tuple(plane.header for plane in planes),
            valid=None if valid.all() else valid,
            checksums=tuple(plane.checksum for plane in planes),
            paths=tuple(plane.path for plane in planes if plane.path is not None),
            planes=tuple(plane.plane for plane in planes if plane.path is not None),
            variance=variance,
        )

    def without(self, bad: BoolArray, source: str) -> "ExposureSet":
        """Leave out bad pixels in all exposures.

        Parameters
        ----------
        bad : (ny, nx) bool
            True for a bad pixel.
        source : str
            Where that comes from, for messages.

        Returns
        -------
        ExposureSet
            Shares the data.

        Raises
        ------
        InputError
            Nothing of an exposure would be left.
        """
        before = np.ones(self.data.shape, dtype=bool) if self.valid is None else self.valid
        valid = before & ~bad
        for name, good in zip(self.names, valid, strict=True):
            if not good.any():
                msg = f"{source}: found all pixels of {name} bad, expected some good ones"
                raise InputError(msg)
        if np.mean(bad) > MUCH:
            logger.warning("%s: found %.1f %% of the pixels bad", source, 100 * np.mean(bad))
        valid.flags.writeable = False
        return replace(self, valid=None if valid.all() else valid)


def _check_units(planes: Sequence[ImagePlane]) -> None:
    """Refuse exposures of different units; what has none is taken for one of the others."""
    known = [(plane.name, unit) for plane in planes if (unit := unit_in(plane.header))]
    for name, unit in known[1:]:
        if unit != known[0][1]:
            msg = f"{name}: found BUNIT {unit}, expected {known[0][1]} as in {known[0][0]}"
            raise InputError(msg)


def _refuse_empty(plane: ImagePlane) -> None:
    if not plane.valid.any():
        raise InputError(f"{plane.name}: found no valid pixel, expected at least one")


def _leave_out_constants(plane: ImagePlane) -> None:
    """Mark borders and blocks of a constant that is no light as invalid, and say so."""
    for found in constants_without_light(plane.data, plane.valid):
        plane.valid &= ~found.pixels
        logger.warning(
            "%s: found %d pixels of the constant %g in rows, columns or blocks, far below all "
            "others: they hold no light and are left out",
            plane.name,
            np.count_nonzero(found.pixels),
            found.value,
        )


# Files often have the variance of a pixel from its own value, and so that of hits. The noise of a
# value changes its variance by less than this factor.
_HIT_VARIANCE = 2.0


def _median_variance(
    variances: Sequence[Float32Array | None], valid: BoolArray
) -> Float32Array | None:
    """Variance of an exposure without what hits add to it."""
    known = [variance for variance in variances if variance is not None]
    if not known:
        return None
    stack = stack_of(np.stack(known), valid)
    hit = stack.median2d > _HIT_VARIANCE * stack.min2d
    variance = np.where(hit, stack.min2d, stack.median2d)
    variance.flags.writeable = False
    return variance


def _size(plane: ImagePlane) -> str:
    ny, nx = plane.data.shape
    return f"{nx} x {ny}"


def _plane_from_array(array: Any, name: str) -> ImagePlane:
    values = np.asarray(getattr(array, "data", array) if _is_ccddata(array) else array)
    if values.ndim != 2 or values.dtype.kind not in "iufb":
        msg = f"{name}: found {values.ndim}-D data of type {values.dtype}, expected a 2-D image"
        raise InputError(msg)
    with np.errstate(over="ignore"):
        data = values.astype(np.float32, order="C")
    valid = np.isfinite(data)
    mask = getattr(array, "mask", None)
    if mask is not None:
        valid &= ~np.broadcast_to(np.asarray(mask, dtype=bool), data.shape)
    header = fits.Header()
    if _is_ccddata(array):
        header = _header_of(array)
    checksum = hashlib.sha256(np.ascontiguousarray(data).tobytes() + valid.tobytes()).hexdigest()
    return ImagePlane(data, valid, name, header, checksum, None)


def _is_ccddata(array: Any) -> bool:
    # NDData is told by what it has, so that astropy.nddata is imported only by those who use it.
    return all(hasattr(array, name) for name in ("data", "mask", "unit", "meta", "uncertainty"))


def _header_of(array: Any) -> fits.Header:
    """Cards of CCDData or NDData, with its coordinates and its unit."""
    header = fits.Header(array.meta)
    if array.wcs is not None:
        # On reading a file, CCDData takes the cards of the WCS out of the header.
        wcs = getattr(array.wcs, "low_level_wcs", array.wcs)
        if hasattr(wcs, "to_header"):
            header.update(wcs.to_header(relax=True))
    if array.unit is not None:
        header["BUNIT"] = str(array.unit)
    return header


def read_exposures(
    paths: Sequence[str | Path],
    extnum: int | str = 0,
    folders: Sequence[str | Path] = (".",),
    quality: Quality = ANY,
    noise: NoiseChoice | None = None,
    *,
    n_detectors: int = 1,
    beyond: Beyond = NOTHING,
) -> ExposureSet:
    """Read equivalent exposures from FITS files.

    Every numeric FITS type is read, scaled or unsigned integers and compressed files (`.gz`, `.fz`,
    `.bz2`, `.xz`, `.zip`) included. An extension of the same shape called DQ, MASK, MASKS, BPM,
    QUALITY, BADPIX, BADPIXEL or FLAGS marks bad pixels by non-zero values; one of zeros and ones,
    most of them ones, marks the good ones.

    Parameters
    ----------
    paths : sequence of at least 2 paths
        The files; ``cube.fits[0]`` is the first image of a cube. Relative ones are looked for in
        `folders`, in this order.
    extnum : int or str
        Extension to be read: its number, 0 for the primary one, or its name, ``SCI`` or ``SCI,2``
        (EXTNAME and EXTVER). A compressed primary image (`.fits.fz`) lies in
        extension 1 and is found there.
    folders : sequence of paths
        Where to look.
    quality : Quality
        Which extension marks bad pixels, and by which bits.
    noise : NoiseChoice, optional
        Which extension tells the noise of each pixel.
    n_detectors : int
        How many such sets a run will hold.
    beyond : Beyond
        Memory that the run asks for beyond that of any.

    Returns
    -------
    ExposureSet
        float32 values in ADU.

    Raises
    ------
    InputError
        Names the file, what was found and what was expected.

    Examples
    --------
    >>> exposures = cm.read_exposures([f"demo/exposure{i}.fits" for i in (1, 2, 3)])
    >>> exposures.data.shape, str(exposures.data.dtype)
    ((3, 64, 80), 'float32')
    """
    found = [_located(path, folders) for path in paths]
    for i, (path, plane) in enumerate(found):
        for j in range(i):
            if plane == found[j][1] and path.samefile(found[j][0]):
                msg = (
                    f"{paths[i]}: found the same file as image {j + 1} ({paths[j]}), "
                    "expected a different exposure"
                )
                raise InputError(msg)
    n = len(found) * n_detectors
    planes = [read_image(path, extnum, n, plane, quality, noise, beyond) for path, plane in found]
    exposures = replace(
        ExposureSet._from_planes(planes), extnum=extnum, quality=quality, noise_choice=noise
    )
    _pass_on_remarks(planes)
    _warn_of_copies(exposures)
    return exposures


def _pass_on_remarks(planes: Sequence[ImagePlane]) -> None:
    """Say once what holds for several files."""
    who: dict[str, list[str]] = {}
    for plane in planes:
        for remark in plane.remarks:
            who.setdefault(remark, []).append(plane.name)
    for remark, names in who.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        logger.warning("%s%s: %s", names[0], more, remark)


def _located(path: str | Path, folders: Sequence[str | Path]) -> tuple[Path, int | None]:
    """File, and plane of a cube where the name ends in one and is not that of a file itself."""
    file, plane = split_plane(path)
    if plane is None or any(os.path.isfile(Path(folder) / at_home(path)) for folder in folders):
        return find_file(path, folders), None
    return find_file(file, folders), plane


def _warn_of_copies(exposures: ExposureSet) -> None:
    for i, checksum in enumerate(exposures.checksums):
        first = exposures.checksums.index(checksum)
        if first < i:
            logger.warning(
                "%s: found the same content as in %s, expected a different exposure",
                exposures.names[i],
                exposures.names[first],
            )
