"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) as astroscrappy defines it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float32Array
from crmasks_widgets.errors import ParameterError

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
    padwidth : int
        Rows and columns by which the frame is mirrored beyond its borders, so that hits there are
        found; pixels.
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
    padwidth: int = 0


@dataclass(frozen=True)
class LacosmicResult:
    """Flags of one target, and what replaces the flagged pixels.

    Attributes
    ----------
    mask : (ny, nx) bool
        Flagged pixels.
    frame : (ny, nx) float32
        The frame as observed, ADU. Invalid pixels are NaN.
    filled : (k,) float32
        Values of the flagged pixels in raster order, ADU.
    """

    mask: BoolArray
    frame: Float32Array
    filled: Float32Array

    @property
    def cleaned(self) -> Float32Array:
        """The frame with flagged pixels replaced, ADU; (ny, nx) float32, a new array."""
        cleaned: Float32Array = self.frame.copy()
        cleaned[self.mask] = self.filled
        return cleaned


def elliptical_kernel(fwhm_x: float, fwhm_y: float, size: int) -> Float32Array:
    """Gaussian kernel with a width of its own along each axis (docs/method.md, L.A.Cosmic).

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


@dataclass(frozen=True)
class ExtendedFrame:
    """A frame as the detector can take it: without gaps, and with sides that are long enough.

    Attributes
    ----------
    frame : (my, mx) float32
        ADU. Invalid pixels hold the value of the nearest valid one, for the sake of their
        neighbours; beyond the borders the frame is mirrored.
    masked : (my, mx) bool or None
        True for invalid pixels.
    inner : tuple of slice
        Where the frame itself lies.
    """

    frame: Float32Array
    masked: BoolArray | None
    inner: tuple[slice, slice]


def extend(frame: Float32Array, valid: BoolArray | None, padwidth: int) -> ExtendedFrame:
    """Fill invalid pixels and mirror a frame beyond its borders.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, with at least one valid pixel.
    valid : (ny, nx) bool or None
        False for pixels to be left out.
    padwidth : int
        Width of the mirrored margin, pixels; more where a side is below `MIN_SIDE`.

    Returns
    -------
    ExtendedFrame
        The frame itself where nothing is to be done.
    """
    filled = frame
    if valid is not None:
        nearest = ndimage.distance_transform_edt(
            ~valid, return_distances=False, return_indices=True
        )
        filled = frame[tuple(nearest)]
    margins = [(max(padwidth, (MIN_SIDE - side + 1) // 2),) * 2 for side in frame.shape]
    inner = tuple(slice(m, m + side) for (m, _), side in zip(margins, frame.shape, strict=True))
    masked = None if valid is None else ~valid
    if any(margin for margin, _ in margins):
        filled = np.pad(filled, margins, mode="reflect")
        masked = None if masked is None else np.pad(masked, margins, mode="reflect")
    return ExtendedFrame(filled, masked, (inner[0], inner[1]))


def detect_cosmics(
    frame: Float32Array,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> LacosmicResult:
    """Flag the cosmic rays of one frame by astroscrappy.

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
        False for pixels to be left out; they are never flagged.
    checkpoint : callable, optional
        Called with the fraction done after each tile; may raise `Cancelled`.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    if valid is not None and not valid.any():
        return nothing_valid(frame)
    extended = extend(frame, valid, settings.padwidth)
    mask = np.empty(extended.frame.shape, dtype=bool)
    cleaned = np.empty(extended.frame.shape, dtype=np.float32)
    tiles = list(_tiles(mask.shape, HALO_PER_ITERATION * settings.niter))
    for done, (inner, outer) in enumerate(tiles, start=1):
        bad = None if extended.masked is None else extended.masked[outer]
        crop = tuple(
            slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)
        )
        tile = _call(extended.frame[outer], settings, gain, rnoise, bad)
        mask[inner], cleaned[inner] = (part[crop] for part in tile)
        if checkpoint is not None:
            checkpoint(done / len(tiles))
    return result_of(frame, mask[extended.inner], cleaned[extended.inner], valid)


def nothing_valid(frame: Float32Array) -> LacosmicResult:
    """Result for a frame without a valid pixel.

    Parameters
    ----------
    frame : (ny, nx) float32
        Any values.

    Returns
    -------
    LacosmicResult
        No flag, all NaN.
    """
    nothing = np.empty(0, np.float32)
    return LacosmicResult(np.zeros(frame.shape, bool), np.full_like(frame, np.nan), nothing)


def result_of(
    frame: Float32Array, mask: BoolArray, cleaned: Float32Array, valid: BoolArray | None
) -> LacosmicResult:
    """Make the result of a detection.

    Parameters
    ----------
    frame : (ny, nx) float32
        As observed, ADU; NaN where not valid.
    mask : (ny, nx) bool
        Flags.
    cleaned : (ny, nx) float32
        ADU.
    valid : (ny, nx) bool or None
        Where False: not flagged.

    Returns
    -------
    LacosmicResult
        Shares the frame.
    """
    flagged = np.array(mask) if valid is None else mask & valid
    return LacosmicResult(flagged, frame, cleaned[flagged])


def _call(
    frame: Float32Array,
    settings: LacosmicSettings,
    gain: float,
    rnoise: float,
    bad: BoolArray | None,
) -> tuple[BoolArray, Float32Array]:
    # There are machines for which it cannot be had; the rest of the package runs there.
    try:
        import astroscrappy
    except ImportError as error:
        msg = (
            f"astroscrappy: found no such package, expected it for la_engine: astroscrappy and "
            f"for la_cleantype {settings.cleantype} on this frame ({error})"
        )
        raise ParameterError(msg) from error
    mask, cleaned = astroscrappy.detect_cosmics(
        frame,
        inmask=bad,
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
    return np.asarray(mask, bool), np.asarray(cleaned, np.float32)


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
