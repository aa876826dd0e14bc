"""A spectrograph fed by fibres, in the manner of MEGARA: the demo scene of the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmasks_widgets.simulate.checks import (
    SMALLEST_SIDE,
    check_offset,
    check_real,
    check_shape,
    check_whole,
)
from crmasks_widgets.simulate.cosmic_rays import Hits
from crmasks_widgets.simulate.detector import Detector, Scene, expose
from crmasks_widgets.simulate.light import FWHM, Float64Array
from crmasks_widgets.simulate.random_streams import Stream, random_stream

"""Pixels: on a smaller frame there is no room for two fibres and a line."""


@dataclass(frozen=True)
class Fibres:
    """Where the fibres lie, and what light comes through them. Wavelength runs along x.

    Attributes
    ----------
    spacing : float
        Distance between neighbouring fibres, in pixels.
    fwhm : float
        Full width at half maximum of a fibre across (y), in pixels.
    bundle : int
        Fibres between two dark gaps; each gap is as wide as two fibres.
    bow : float
        How far the traces rise from the middle of the frame to its ends, in pixels.
    smile : float
        How far lines bend in x from the middle fibre to the outermost, in pixels.
    sky : float
        Continuum of the sky at the centre of a fibre, in ADU.
    source : float
        Continuum of the object at the centre of its brightest fibre, in ADU.
    lines : float
        Emission lines of the sky per 1000 pixels of x.
    line_flux : float
        Median peak of the sky lines, in ADU; the brightest of 50 is about 20 times brighter.
    dark : int
        Fibres without light at each end of the slit, so that none is cut by the frame's border.
    clear : float
        How far sky lines keep from the left and right borders, in pixels.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    spacing: float = 6.0
    fwhm: float = 4.0
    bundle: int = 21
    bow: float = 8.0
    smile: float = 5.0
    sky: float = 25.0
    source: float = 300.0
    lines: float = 40.0
    line_flux: float = 400.0
    dark: int = 0
    clear: float = 0.0

    def __post_init__(self) -> None:
        check_real("fibres.spacing", self.spacing, 1, 1000)
        check_real("fibres.fwhm", self.fwhm, 0.5, 2 * self.spacing)
        check_whole("fibres.bundle", self.bundle, 1)
        check_real("fibres.bow", self.bow, -1000, 1000)
        check_real("fibres.smile", self.smile, -1000, 1000)
        check_real("fibres.sky", self.sky, 0)
        check_real("fibres.source", self.source, 0)
        check_real("fibres.lines", self.lines, 0, 500)
        check_real("fibres.line_flux", self.line_flux, 0)
        check_whole("fibres.dark", self.dark, 0)
        check_real("fibres.clear", self.clear, 0)


def fibre_spectrograph(
    shape: tuple[int, int],
    n_exposures: int = 3,
    *,
    seed: int,
    detector: Detector | None = None,
    hits: Hits | None = None,
    fibres: Fibres | None = None,
    hot_pixels: int = 20,
    flux_factors: Sequence[float] | None = None,
) -> Scene:
    """Simulate exposures of a fibre spectrograph with cosmic rays and hot pixels.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx), each at least 16; a frame of MEGARA rebinned by two is (2016, 1596).
    n_exposures : int
        Number n of exposures, >= 1.
    seed : int
        Seed of everything random, >= 0.
    detector : Detector, optional
        Gain, readout noise, bias, saturation; ``Detector()`` if None.
    hits : Hits, optional
        Cosmic rays; ``Hits()`` if None: the rate of 1200 s and 12 deliberate double hits.
    fibres : Fibres, optional
        The light; ``Fibres()`` if None.
    hot_pixels : int
        How many pixels have a dark current.
    flux_factors : sequence of float, optional
        Factors > 0 that multiply the light, one for each exposure; all 1 if None.

    Returns
    -------
    Scene
        The exposures and their truth.

    Raises
    ------
    ParameterError
        If a value is not usable; the message names it.

    Examples
    --------
    >>> scene = fibre_spectrograph((64, 96), seed=1)
    >>> scene.exposures.shape
    (3, 64, 96)
    """
    return expose(
        fibre_light(shape, fibres, seed=seed),
        n_exposures,
        seed=seed,
        detector=detector,
        hits=hits,
        hot_pixels=hot_pixels,
        flux_factors=flux_factors,
    )


def fibre_light(
    shape: tuple[int, int],
    fibres: Fibres | None = None,
    *,
    seed: int,
    offset: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Draw the noise-free light of a fibre spectrograph.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx), each at least 16.
    fibres : Fibres, optional
        The light; ``Fibres()`` if None.
    seed : int
        Decides the throughputs of the fibres and the places and strengths of the lines; >= 0.
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
    fibres = fibres or Fibres()
    rng = random_stream(seed, Stream.LIGHT)
    dx, dy = check_offset("offset", offset)
    y, x = np.arange(ny)[:, None] - dy, np.arange(nx)[None, :] - dx
    wavelength = x - fibres.smile * (2 * y / (ny - 1) - 1) ** 2
    sky, source = _spectra(rng, nx, fibres)
    throughput, filling = _fibre_weights(rng, ny, fibres)
    place = y - fibres.bow * (2 * x / (nx - 1) - 1) ** 2
    # Scattered light keeps the gaps from being perfectly black.
    light = np.full((ny, nx), 0.02 * fibres.sky)
    light += _profiles(place, throughput, fibres) * np.interp(wavelength, *sky)
    light += _profiles(place, throughput * filling, fibres) * np.interp(wavelength, *source)
    return light.astype(np.float32)


def _spectra(
    rng: np.random.Generator, nx: int, fibres: Fibres
) -> tuple[tuple[Float64Array, Float64Array], tuple[Float64Array, Float64Array]]:
    """Return the spectra of sky and object, each as places (tenths of a pixel) and ADU."""
    margin = abs(fibres.smile) + 10
    x = np.arange(-margin, nx + margin, 0.1)
    number = round(fibres.lines * nx / 1000)
    clear = min(fibres.clear, nx / 2)
    places = rng.uniform(clear, nx - clear, number)
    peaks = fibres.line_flux * np.exp(rng.normal(0, 1.4, number))
    width = rng.normal(1.4, 0.05, number)
    sky = np.full(x.size, fibres.sky, dtype=float)
    for place, peak, sigma in zip(places, peaks, width, strict=True):
        sky += peak * np.exp(-0.5 * ((x - place) / sigma) ** 2)
    relative = x / nx
    source = fibres.source * (0.75 + 0.25 * np.sin(2 * np.pi * (relative + rng.uniform())))
    for place in rng.uniform(0, nx, 1 + number // 3):
        source *= 1 - rng.uniform(0.2, 0.7) * np.exp(-0.5 * ((x - place) / 3) ** 2)
    return (x, sky), (x, source)


def _fibre_weights(
    rng: np.random.Generator, ny: int, fibres: Fibres
) -> tuple[Float64Array, Float64Array]:
    """Return the throughput of each fibre (0 in the gaps) and how much of the object it sees."""
    number = int(np.ceil(ny / fibres.spacing))
    index = np.arange(number)
    throughput = rng.normal(0.85, 0.08, number).clip(0.4, 1)
    throughput[index % (fibres.bundle + 2) >= fibres.bundle] = 0
    throughput[(index < fibres.dark) | (index >= number - fibres.dark)] = 0
    # Neighbours along the slit are not neighbours on the sky: the object comes and goes.
    distance = (index - number * rng.uniform(0.3, 0.7)) / max(number / 8, 1)
    filling = np.exp(-0.5 * distance**2) * rng.uniform(0.2, 1, number)
    return throughput, filling + 0.03


def _profiles(place: Float64Array, weights: Float64Array, fibres: Fibres) -> Float64Array:
    """Return the sum of the Gaussian profiles of the weighted fibres, (ny, nx).

    `place` is y with the bow taken out; fibre j lies at (j + 1/2) * spacing.
    """
    position = place / fibres.spacing - 0.5
    nearest = np.rint(position).astype(int)
    inverse = fibres.spacing * FWHM / fibres.fwhm
    total = np.zeros(place.shape)
    for neighbour in (-1, 0, 1):
        fibre = nearest + neighbour
        weight = np.where(
            (fibre >= 0) & (fibre < weights.size), weights[fibre.clip(0, weights.size - 1)], 0.0
        )
        total += weight * np.exp(-0.5 * (inverse * (position - fibre)) ** 2)
    return total
