"""A field of stars on a flat sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmasks_widgets.simulate.checks import SMALLEST_SIDE, check_offset, check_real, check_shape
from crmasks_widgets.simulate.light import Float64Array
from crmasks_widgets.simulate.random_streams import Stream, random_stream

"""Pixels: a smaller frame holds no whole star."""
REACH = 12.0
"""Radius in units of the FWHM to which a star is drawn; there a Moffat profile is below 1e-6."""


@dataclass(frozen=True)
class StarField:
    """What is in the field.

    Attributes
    ----------
    sky : float
        Sky, in ADU.
    density : float
        Stars per million pixels.
    faintest, brightest : float
        Total light of a star, in ADU. Between them, the number of stars brighter than F falls as
        F^-0.8.
    fwhm : float
        Full width at half maximum of a star, in pixels. Below 2 the stars are undersampled, and
        L.A.Cosmic takes them for cosmic rays.
    beta : float
        Exponent of the Moffat profile.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    sky: float = 120.0
    density: float = 600.0
    faintest: float = 300.0
    brightest: float = 3e5
    fwhm: float = 3.0
    beta: float = 4.765

    def __post_init__(self) -> None:
        check_real("stars.sky", self.sky, 0)
        check_real("stars.density", self.density, 0, 1e5)
        check_real("stars.faintest", self.faintest, 0, above=True)
        check_real("stars.brightest", self.brightest, self.faintest, 1e8, above=True)
        check_real("stars.fwhm", self.fwhm, 0.5, 50)
        check_real("stars.beta", self.beta, 1.5, 20)


def star_light(
    shape: tuple[int, int],
    stars: StarField | None = None,
    *,
    seed: int,
    offset: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Draw the noise-free light of a field of stars.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx), each at least 16.
    stars : StarField, optional
        The light; ``StarField()`` if None.
    seed : int
        Decides the places and the brightness of the stars; >= 0.
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
    stars = stars or StarField()
    dx, dy = check_offset("offset", offset)
    rng = random_stream(seed, Stream.LIGHT)
    number = rng.poisson(stars.density * ny * nx / 1e6)
    places_x, places_y = rng.uniform(0, nx, number) + dx, rng.uniform(0, ny, number) + dy
    least = (stars.faintest / stars.brightest) ** 0.8
    fluxes = stars.faintest * rng.uniform(least, 1, number) ** (-1 / 0.8)
    light = np.full((ny, nx), float(stars.sky))
    for x, y, flux in zip(places_x, places_y, fluxes, strict=True):
        _add_star(light, x, y, flux, stars)
    return light.astype(np.float32)


def _add_star(light: Float64Array, x: float, y: float, flux: float, stars: StarField) -> None:
    """Add a Moffat profile, taken at the centres of the pixels."""
    reach = REACH * stars.fwhm
    ny, nx = light.shape
    rows = slice(max(0, int(y - reach)), max(0, min(ny, int(y + reach) + 1)))
    columns = slice(max(0, int(x - reach)), max(0, min(nx, int(x + reach) + 1)))
    v, u = np.ogrid[rows, columns]
    alpha = stars.fwhm / (2 * np.sqrt(2 ** (1 / stars.beta) - 1))
    peak = flux * (stars.beta - 1) / (np.pi * alpha**2)
    distance2 = (u - x) ** 2 + (v - y) ** 2
    light[rows, columns] += peak * (1 + distance2 / alpha**2) ** -stars.beta
