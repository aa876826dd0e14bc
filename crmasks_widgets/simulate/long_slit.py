"""A long-slit spectrograph: sky lines along the slit, the trace of an object, emission lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmasks_widgets.simulate.checks import SMALLEST_SIDE, check_offset, check_real, check_shape
from crmasks_widgets.simulate.light import FWHM, Float64Array
from crmasks_widgets.simulate.random_streams import Stream, random_stream

"""Pixels: on a smaller frame there is no room for a trace and a line."""


@dataclass(frozen=True)
class LongSlit:
    """Where the light of a long slit falls. Wavelength runs along x, the slit along y.

    Attributes
    ----------
    sky : float
        Continuum of the sky, in ADU.
    lines : float
        Emission lines of the sky per 1000 pixels of x.
    line_flux : float
        Median peak of the sky lines, in ADU; the brightest of 50 is about 20 times brighter.
    tilt : float
        How far a sky line moves in x from the lower to the upper border, in pixels.
    line_fwhm : float
        Full width at half maximum of all lines along x, in pixels.
    source : float
        Continuum of the object at the peak of its trace, in ADU.
    seeing : float
        Full width at half maximum of the trace along y, in pixels.
    slope : float
        How far the trace rises from the left to the right border, in pixels.
    nebula : float
        Peak of the brightest emission line of the extended object, in ADU. It has five lines, over
        a third of the slit, that turn with its rotation.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    sky: float = 40.0
    lines: float = 40.0
    line_flux: float = 150.0
    tilt: float = 3.0
    line_fwhm: float = 3.3
    source: float = 1500.0
    seeing: float = 4.0
    slope: float = 6.0
    nebula: float = 1000.0

    def __post_init__(self) -> None:
        check_real("slit.sky", self.sky, 0)
        check_real("slit.lines", self.lines, 0, 500)
        check_real("slit.line_flux", self.line_flux, 0)
        check_real("slit.tilt", self.tilt, -1000, 1000)
        check_real("slit.line_fwhm", self.line_fwhm, 0.5, 100)
        check_real("slit.source", self.source, 0)
        check_real("slit.seeing", self.seeing, 0.5, 1000)
        check_real("slit.slope", self.slope, -1000, 1000)
        check_real("slit.nebula", self.nebula, 0)


def long_slit_light(
    shape: tuple[int, int],
    slit: LongSlit | None = None,
    *,
    seed: int,
    offset: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Draw the noise-free light of a long-slit spectrograph.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx), each at least 16.
    slit : LongSlit, optional
        The light; ``LongSlit()`` if None.
    seed : int
        Decides the places and strengths of the lines and the colour of the object; >= 0.
    offset : (dx, dy)
        How far all light lies to the right and up, in pixels.

    Returns
    -------
    (ny, nx) float32 array
        Expected light in ADU.

    Raises
    ------
    ParameterError
        If the shape, the seed or the offset is not usable.
    """
    ny, nx = check_shape(shape, SMALLEST_SIDE)
    slit = slit or LongSlit()
    dx, dy = check_offset("offset", offset)
    rng = random_stream(seed, Stream.LIGHT)
    y, x = np.arange(ny, dtype=float)[:, None] - dy, np.arange(nx, dtype=float)[None, :] - dx
    height = y / (ny - 1) - 0.5
    light = slit.sky + _sky_lines(rng, x - slit.tilt * height, nx, slit)
    centre: Float64Array = ny * rng.uniform(0.4, 0.6) + slit.slope * (x / (nx - 1) - 0.5)
    profile = np.exp(-0.5 * ((y - centre) * FWHM / slit.seeing) ** 2)
    light += slit.source * _continuum(rng, x, nx) * profile
    light += _nebula(rng, x, (y - centre) / ny, nx, slit)
    return light.astype(np.float32)


def _sky_lines(rng: np.random.Generator, x: Float64Array, nx: int, slit: LongSlit) -> Float64Array:
    """Return the sum of the sky lines at the straightened places x, ADU."""
    number = round(slit.lines * nx / 1000)
    margin = abs(slit.tilt)
    places = rng.uniform(-margin, nx + margin, number)
    peaks = slit.line_flux * np.exp(rng.normal(0, 1.4, number))
    # One fine table for all rows: a sum over lines and pixels would take seconds on large frames.
    fine = np.arange(np.min(x) - 1, np.max(x) + 1, 0.05)
    table = np.zeros(fine.size)
    for place, peak in zip(places, peaks, strict=True):
        table += peak * np.exp(-0.5 * ((fine - place) * FWHM / slit.line_fwhm) ** 2)
    return np.interp(x, fine, table)


def _continuum(rng: np.random.Generator, x: Float64Array, nx: int) -> Float64Array:
    """Return the relative spectrum of the object: a slope and absorption lines, at most 1."""
    spectrum = 0.7 + 0.3 * np.sin(np.pi * (x / nx + rng.uniform(-0.5, 0.5)))
    for place in rng.uniform(0, nx, 6):
        spectrum *= 1 - rng.uniform(0.2, 0.6) * np.exp(-0.5 * ((x - place) / 4) ** 2)
    return np.asarray(spectrum)


def _nebula(
    rng: np.random.Generator, x: Float64Array, along: Float64Array, nx: int, slit: LongSlit
) -> Float64Array:
    """Return the emission lines of the extended object; `along` is the place on the slit over ny.

    Its lines follow a rotation curve: small, sharp and tilted, they are what a detector of cosmic
    rays takes most easily for one.
    """
    shift = 4 * np.tanh(12 * along)
    extent = np.exp(-0.5 * (along / 0.15) ** 2)
    places, strengths = rng.uniform(0.05 * nx, 0.95 * nx, 5), rng.uniform(0.05, 1, 5)
    light = np.zeros(np.broadcast_shapes(x.shape, along.shape))
    for place, strength in zip(places, strengths / strengths.max(), strict=True):
        line = np.exp(-0.5 * ((x - place - shift) * FWHM / slit.line_fwhm) ** 2)
        light += slit.nebula * strength * extent * line
    return light
