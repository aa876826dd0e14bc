"""How sure each pixel of an image is, as an image beside it in its file says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.errors import InputError
from crmasks_widgets.files.quality import beside, check_pixels, frame_of

NoiseKind = Literal["stddev", "variance", "ivar"]

NOISE_NAMES: Final[Mapping[str, NoiseKind]] = MappingProxyType({
    **dict.fromkeys(
        ("ERR", "ERROR", "ERRORS", "STDDEV", "STD", "SIGMA", "NOISE", "RMS", "UNCERT",
         "UNCERTAINTY", "STDDEVUNCERTAINTY"),
        "stddev",
    ),
    **dict.fromkeys(("VAR", "VARIANCE", "VARIANCEUNCERTAINTY"), "variance"),
    **dict.fromkeys(("IVAR", "INVVAR", "INVERSEVARIANCE"), "ivar"),
})  # fmt: skip
"""What an image means, by its UTYPE (as `astropy.nddata` writes it) or EXTNAME."""

_TO_VARIANCE: Final[Mapping[NoiseKind, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]] = (
    MappingProxyType({
        "stddev": np.square,
        "variance": np.array,
        "ivar": np.reciprocal,
    })
)  # fmt: skip


@dataclass(frozen=True)
class NoiseChoice:
    """Which image tells the noise, and as what.

    Attributes
    ----------
    extension : int or str
        Number, name or ``NAME,VERSION``.
    kind : {"auto", "stddev", "variance", "ivar"}
        "auto": as UTYPE or EXTNAME say.
    """

    extension: int | str
    kind: NoiseKind | Literal["auto"] = "auto"


@dataclass(frozen=True)
class NoiseImage:
    """Noise of an image.

    Attributes
    ----------
    variance : (ny, nx) float32
        In the square of the image's unit; NaN where it is not known.
    remarks : tuple of str
        What the user should know about it.
    """

    variance: npt.NDArray[np.float32]
    remarks: tuple[str, ...]


def read_noise_image(
    hdus: fits.HDUList,
    image: fits.hdu.base.ExtensionHDU,
    plane: int | None,
    choice: NoiseChoice,
) -> NoiseImage:
    """Read the noise of an image.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    image : HDU
        Of it.
    plane : int or None
        Which image of a cube, from 0.
    choice : NoiseChoice
        Where.

    Returns
    -------
    NoiseImage
        Variances; values that are negative, zero or not finite tell nothing.

    Raises
    ------
    InputError
        There is no such image, it has another shape, or nothing tells what it means.
    """
    hdu = beside(hdus, image, choice.extension, "noise_extension")
    check_pixels(hdu, image, "noise_extension")
    kind = _kind_of(hdu, choice)
    values = frame_of(hdu, plane).astype(np.float64)
    known = np.isfinite(values) & (values > 0)
    variance = np.full(values.shape, np.nan, np.float32)
    with np.errstate(over="ignore", under="ignore"):
        variance[known] = _TO_VARIANCE[kind](values[known])
    variance[~(np.isfinite(variance) & (variance > 0))] = np.nan
    n = int(np.count_nonzero(np.isnan(variance)))
    what = f"extension {hdu.name or choice.extension}: found {n} values"
    remarks = (f"{what} that are negative, zero or not finite: those pixels are left out",)
    return NoiseImage(variance, remarks if n else ())


def _kind_of(hdu: fits.hdu.base.ExtensionHDU, choice: NoiseChoice) -> NoiseKind:
    if choice.kind != "auto":
        return choice.kind
    for text in (hdu.header.get("UTYPE", ""), hdu.name):
        kind = NOISE_NAMES.get(str(text).strip().upper())
        if kind:
            return kind
    msg = (
        f"noise_extension: found the name {hdu.name or 'none'}, which does not say what its values "
        "are, expected noise_kind: stddev, variance or ivar"
    )
    raise InputError(msg)
