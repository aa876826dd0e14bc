"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) as astroscrappy defines it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import astroscrappy
import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatFrame = npt.NDArray[np.float32]
BoolFrame = npt.NDArray[np.bool_]
Checkpoint = Callable[[float], None]

# The library can crash the process on frames with a shorter side, and counts pixels of its twice
# finer grid in 32-bit integers.
MIN_SIDE = 16
MAX_PIXELS = 2**26
# One iteration looks at most this far: a 7x7 median of a 3x3 median, and two growths.
HALO_PER_ITERATION = 8


@dataclass(frozen=True)
class LacosmicSettings:
    """What the detector is told, in its own units.

    Attributes
    ----------
    sigclip, sigfrac, objlim : float
        Thresholds: Laplacian to noise, fraction of it for neighbours, contrast to fine structure.
    satlevel : float
        Saturation level, ADU.
    niter : int
        Iterations.
    sepmed : bool
        Separable median instead of the full one.
    cleantype : {"median", "medmask", "meanmask", "idw"}
        How flagged pixels are filled.
    fsmode : {"median", "convolve"}
        How the fine structure is made.
    psfmodel : {"gauss", "moffat", "gaussx", "gaussy", "gaussxy"}
        Kernel of the convolution.
    psffwhm_x, psffwhm_y : float
        Widths of the kernel, pixels.
    psfsize : int
        Side of the kernel, pixels, odd.
    psfbeta : float
        Exponent of the Moffat kernel.
    """

    sigclip: float = 5.0
    sigfrac: float = 0.3
    objlim: float = 5.0
    satlevel: float = 65535.0
    niter: int = 4
    sepmed: bool = True
    cleantype: str = "meanmask"
    fsmode: str = "convolve"
    psfmodel: str = "gaussxy"
    psffwhm_x: float = 2.5
    psffwhm_y: float = 2.5
    psfsize: int = 11
    psfbeta: float = 4.765


@dataclass(frozen=True)
class LacosmicResult:
    """Flags and cleaned frame of one target.

    Attributes
    ----------
    mask : (ny, nx) bool
        Flagged pixels.
    cleaned : (ny, nx) float32
        The frame with flagged pixels replaced, ADU. Invalid pixels are NaN.
    """

    mask: BoolFrame
    cleaned: FloatFrame


def elliptical_kernel(fwhm_x: float, fwhm_y: float, size: int) -> FloatFrame:
    """Gaussian kernel with a width of its own along each axis (section 7).

    Parameters
    ----------
    fwhm_x, fwhm_y : float
        Full widths at half maximum, pixels.
    size : int
        Side, pixels, odd.

    Returns
    -------
    (size, size) float32
        With unit sum.
    """
    to_sigma = 1 / (2 * np.sqrt(2 * np.log(2)))
    v, u = np.mgrid[:size, :size] - size // 2
    kernel = np.exp(-0.5 * ((u / (fwhm_x * to_sigma)) ** 2 + (v / (fwhm_y * to_sigma)) ** 2))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _point_spread(settings: LacosmicSettings) -> dict[str, Any]:
    x, y = settings.psffwhm_x, settings.psffwhm_y
    if settings.psfmodel == "gaussxy":
        return {"psfk": elliptical_kernel(x, y, settings.psfsize)}
    fwhm = {"gaussx": x, "gaussy": y}.get(settings.psfmodel, (x + y) / 2)
    return {"psfmodel": settings.psfmodel, "psffwhm": fwhm}


def detect_cosmics(
    frame: FloatFrame,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: BoolFrame | None = None,
    checkpoint: Checkpoint | None = None,
) -> LacosmicResult:
    """Flag the cosmic rays of one frame.

    The library is called in electrons, noise included. Frames with a side below 16 pixels are
    mirrored beyond their borders first, and frames of more than 2^26 pixels are worked on in
    overlapping tiles, since such shapes can crash it.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias.
    settings : LacosmicSettings
        Thresholds and kernel.
    gain : float
        e-/ADU, positive.
    rnoise : float
        ADU.
    valid : (ny, nx) bool, optional
        False for pixels to be left out. Their value is replaced by that of the nearest valid pixel
        for the sake of their neighbours; they are never flagged.
    checkpoint : callable, optional
        Called with the fraction done after each tile; may raise `Cancelled`.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    if valid is not None and not valid.any():
        return LacosmicResult(np.zeros(frame.shape, bool), np.full_like(frame, np.nan))
    filled = frame if valid is None else _fill_from_nearest(frame, valid)
    mask = np.empty(frame.shape, dtype=bool)
    cleaned = np.empty(frame.shape, dtype=np.float32)
    tiles = list(_tiles(frame.shape, HALO_PER_ITERATION * settings.niter))
    for done, (inner, outer) in enumerate(tiles, start=1):
        bad = None if valid is None else ~valid[outer]
        crop = tuple(
            slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)
        )
        tile_mask, tile_cleaned = _call(filled[outer], settings, gain, rnoise, bad)
        mask[inner], cleaned[inner] = tile_mask[crop], tile_cleaned[crop]
        if checkpoint is not None:
            checkpoint(done / len(tiles))
    # Without a flag there is nothing to clean: the way through electrons must not change a value.
    cleaned = np.where(mask, cleaned, frame)
    if valid is not None:
        mask &= valid
        cleaned[~valid] = np.nan
    return LacosmicResult(mask, cleaned)


def _call(
    frame: FloatFrame,
    settings: LacosmicSettings,
    gain: float,
    rnoise: float,
    bad: BoolFrame | None,
) -> tuple[BoolFrame, FloatFrame]:
    margins = [(max(0, MIN_SIDE - side + 1) // 2,) * 2 for side in frame.shape]
    padded = np.pad(frame, margins, mode="symmetric")
    mask, cleaned = astroscrappy.detect_cosmics(
        padded,
        inmask=None if bad is None else np.pad(bad, margins, mode="symmetric"),
        sigclip=settings.sigclip,
        sigfrac=settings.sigfrac,
        objlim=settings.objlim,
        gain=gain,
        readnoise=rnoise * gain,
        satlevel=settings.satlevel * gain,
        niter=settings.niter,
        sepmed=settings.sepmed,
        cleantype=settings.cleantype,
        fsmode=settings.fsmode,
        psfsize=settings.psfsize,
        psfbeta=settings.psfbeta,
        **_point_spread(settings),
    )
    inner = tuple(
        slice(low, low + side) for (low, _), side in zip(margins, frame.shape, strict=True)
    )
    return np.asarray(mask[inner], bool), np.asarray(cleaned[inner], np.float32)


def _fill_from_nearest(frame: FloatFrame, valid: BoolFrame) -> FloatFrame:
    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    filled: FloatFrame = frame[tuple(nearest)]
    return filled


def _tiles(
    shape: tuple[int, ...], halo: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Inner and outer slices of row bands small enough for the library."""
    ny, nx = shape
    n_bands = -(-ny * nx // MAX_PIXELS)
    edges = np.linspace(0, ny, n_bands + 1).astype(int)
    for low, high in itertools.pairwise(edges.tolist()):
        outer = slice(max(0, low - halo), min(ny, high + halo))
        yield (slice(low, high), slice(0, nx)), (outer, slice(0, nx))
