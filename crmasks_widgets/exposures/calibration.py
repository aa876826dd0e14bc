"""Gain, readout noise and bias, as numbers or maps, and a mask of bad pixels."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import Float32Array
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import FITS_NAME, split_extension
from crmasks_widgets.files.bad_pixels import BadPixels, read_bad_pixels
from crmasks_widgets.files.finding import find_map
from crmasks_widgets.files.reading import ImagePlane, at_home, find_file, read_image
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import USABLE

CALIBRATION_NAMES = ("gain", "rnoise", "bias")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Gain, readout noise and bias, each one number or a map of the frame's shape.

    Attributes
    ----------
    gain : float or (ny, nx) float32
        e-/ADU.
    rnoise : float or (ny, nx) float32
        ADU.
    bias : float or (ny, nx) float32
        ADU.
    checksums : dict
        SHA-256 of the files that maps were read from, by parameter name; of `bad_pixel_mask`, too.
    paths : dict
        Those files.

    Examples
    --------
    >>> gains = np.full((64, 80), 1.7, dtype=np.float32)
    >>> gains[:, 40:] = 1.5  # another amplifier
    >>> calibration = cm.Calibration(gain=gains, rnoise=3.4)
    >>> round(calibration.typical_gain, 2), calibration.typical_rnoise
    (1.6, 3.4)
    """

    gain: float | Float32Array = 1.0
    rnoise: float | Float32Array = 0.0
    bias: float | Float32Array = 0.0
    checksums: dict[str, str] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    @property
    def typical_gain(self) -> float:
        """Median gain, e-/ADU."""
        return self.noise.typical_gain

    @property
    def typical_rnoise(self) -> float:
        """Median readout noise, ADU."""
        return self.noise.typical_rnoise

    @property
    def noise(self) -> Noise:
        """Noise of an exposure, as the core takes it."""
        return Noise(self.gain, self.rnoise)

    def with_mask(self, mask: BadPixels) -> "Calibration":
        """Remember where the bad pixels of the exposures come from."""
        return replace(
            self,
            checksums=self.checksums | {"bad_pixel_mask": mask.checksum},
            paths=self.paths | {"bad_pixel_mask": mask.path},
        )

    def updated(
        self,
        parameters: Parameters,
        names: Iterable[str],
        shape: tuple[int, int],
        folders: Sequence[str | Path] = (".",),
    ) -> "Calibration":
        """Take some of the three anew from parameters and keep the others.

        Parameters
        ----------
        parameters : Parameters
            Numbers, or paths of maps.
        names : iterable of {"gain", "rnoise", "bias"}
            Those to be taken anew.
        shape : (ny, nx)
            Shape that a map must have.
        folders : sequence of paths
            Where relative paths are looked for.

        Returns
        -------
        Calibration
            A new one.

        Raises
        ------
        InputError
            As in `read_calibration`.
        """
        values: dict[str, Any] = {name: getattr(self, name) for name in CALIBRATION_NAMES}
        checksums, paths = dict(self.checksums), dict(self.paths)
        for name in names:
            checksums.pop(name, None)
            paths.pop(name, None)
            value = getattr(parameters, name)
            if isinstance(value, str):
                paths[name], extension = _map_of(name, value, folders)
                if extension is None:
                    extension = find_map(paths[name], shape, _MAP_NAMES[name])
                plane = read_image(paths[name], extension)
                values[name] = _checked_map(plane, name, shape)
                checksums[name] = plane.checksum
            else:
                values[name] = float(value)
        return Calibration(**values, checksums=checksums, paths=paths)


_MAP_NAMES = {
    "gain": ("GAIN", "GAINMAP"),
    "rnoise": ("RNOISE", "RDNOISE", "READNOISE", "RON"),
    "bias": ("BIAS", "SUPERBIAS"),
}


def _map_of(name: str, value: str, folders: Sequence[str | Path]) -> tuple[Path, int | str | None]:
    """Where a map is, or what is wrong with what was given for it."""
    try:
        return _located_map(value, folders)
    except InputError as error:
        if FITS_NAME.match(split_extension(value)[0]):
            raise InputError(f"{name}: {error}") from None
        msg = (
            f"{name}: found {value!r}, expected a number without a unit, or the name of a FITS file"
        )
        raise InputError(msg) from None


def _located_map(name: str, folders: Sequence[str | Path]) -> tuple[Path, int | str | None]:
    """File, and extension where the name ends in one and is not that of a file itself."""
    file, extension = split_extension(name)
    if extension is None or any(os.path.isfile(Path(folder) / at_home(name)) for folder in folders):
        return find_file(name, folders), None
    return find_file(file, folders), extension


def read_mask(
    parameters: Parameters, shape: tuple[int, int], folders: Sequence[str | Path] = (".",)
) -> BadPixels | None:
    """Read the mask of bad pixels that parameters name.

    Parameters
    ----------
    parameters : Parameters
        `bad_pixel_mask` and `dq_bits` are used.
    shape : (ny, nx)
        Of the exposures.
    folders : sequence of paths
        Where a relative path is looked for.

    Returns
    -------
    BadPixels or None
        None where none is named.

    Raises
    ------
    InputError
        It cannot be read, or has another shape.
    """
    if parameters.bad_pixel_mask is None:
        return None
    path, extension = _located_map(parameters.bad_pixel_mask, folders)
    return read_bad_pixels(path, extension, shape, parameters.dq_bits)


_MAP_RULES = {"gain": ("> 0", np.greater), "rnoise": (">= 0", np.greater_equal)}


def read_calibration(
    parameters: Parameters, shape: tuple[int, int], folders: Sequence[str | Path] = (".",)
) -> Calibration:
    """Open the maps that parameters name; numbers are taken as they are.

    Parameters
    ----------
    parameters : Parameters
        `gain`, `rnoise` and `bias` are used.
    shape : (ny, nx)
        Shape that a map must have.
    folders : sequence of paths
        Where relative paths are looked for.

    Returns
    -------
    Calibration
        Numbers and read-only maps.

    Raises
    ------
    InputError
        File missing or unreadable, wrong shape, or a value out of range (the pixel is named).

    Examples
    --------
    >>> parameters = cm.Parameters(gain=1.7, rnoise=3.4)
    >>> cm.read_calibration(parameters, (64, 80)).rnoise
    3.4
    """
    return Calibration().updated(parameters, CALIBRATION_NAMES, shape, folders)


def _checked_map(plane: ImagePlane, name: str, shape: tuple[int, int]) -> Float32Array:
    if plane.data.shape != shape:
        ny, nx = plane.data.shape
        msg = (
            f"{plane.name}: found a {name} map of {nx} x {ny} pixels, "
            f"expected {shape[1]} x {shape[0]} as in the exposures"
        )
        raise InputError(msg)
    rule, holds = _MAP_RULES.get(name, ("finite", None))
    bad = ~plane.valid
    if holds is not None:
        bad |= ~holds(plane.data, 0)
    if not bad.any():
        low, high = USABLE[name]
        rule, bad = f"{low:g} to {high:g}", (plane.data < low) | (plane.data > high)
    if bad.any():
        y, x = np.argwhere(bad)[0]
        msg = (
            f"{plane.name}: found {name} = {plane.data[y, x]:g} at pixel ({x + 1}, {y + 1}), "
            f"expected {rule}"
        )
        raise InputError(msg)
    plane.data.flags.writeable = False
    return plane.data
