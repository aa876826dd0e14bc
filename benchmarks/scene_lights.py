"""Lights of small scenes, each drawn anew as an exposure sees it: nothing is resampled.

A light is called with random numbers and a `View`; called again with numbers of the same seed and
another view, it draws the same objects elsewhere, blurred otherwise, under another sky.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

SIDE = 260
FWHM = 2 * np.sqrt(2 * np.log(2))
BETA = 4.0
REACH = 10
Frame = npt.NDArray[np.float64]
Places = npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How one exposure sees the light: displacement in pixels, ratios of seeing, flux and sky.

    `lines` is the strength of the sky's emission lines over what `sky` alone would make of them.
    """

    dx: float = 0.0
    dy: float = 0.0
    seeing: float = 1.0
    flux: float = 1.0
    sky: float = 1.0
    lines: float = 1.0


Draw = Callable[[np.random.Generator, View], tuple[Frame, Places]]


def grid(view: View) -> tuple[Frame, Frame]:
    """Return y (ny, 1) and x (1, nx) in the frame of the undisplaced light."""
    places = np.arange(SIDE, dtype=float)
    return places[:, None] - view.dy, places[None, :] - view.dx


def bell(distance: Frame, fwhm: float) -> Frame:
    """Return the share of a Gaussian of this width that falls into a pixel at this distance."""
    scale = FWHM / fwhm
    return np.asarray(ndtr((distance + 0.5) * scale) - ndtr((distance - 0.5) * scale))


def add_star(light: Frame, x: float, y: float, flux: float, fwhm: float) -> None:
    """Add a Moffat profile of total light `flux`, averaged over 3 x 3 places in each pixel."""
    reach = REACH * fwhm
    rows = slice(max(0, int(y - reach)), max(0, int(y + reach) + 1))
    columns = slice(max(0, int(x - reach)), max(0, int(x + reach) + 1))
    window = light[rows, columns]
    if not window.size:
        return
    v = np.arange(window.shape[0])[:, None] + rows.start - y
    u = np.arange(window.shape[1])[None, :] + columns.start - x
    alpha2 = fwhm**2 / (4 * (2 ** (1 / BETA) - 1))
    peak = flux * (BETA - 1) / (np.pi * alpha2)
    thirds = (-1 / 3, 0.0, 1 / 3)
    for a in thirds:
        for b in thirds:
            window += peak / 9 * (1 + ((u + a) ** 2 + (v + b) ** 2) / alpha2) ** -BETA


def power_law(rng: np.random.Generator, number: int, faintest: float, brightest: float) -> Frame:
    """Return fluxes, brightest first; the number brighter than F falls as F^-0.7."""
    least = (faintest / brightest) ** 0.7
    return np.sort(faintest * rng.uniform(least, 1, number) ** (-1 / 0.7))[::-1]


def places_of(rng: np.random.Generator, number: int) -> tuple[Frame, Frame]:
    """Return x, y of sources anywhere in the frame and a little outside."""
    return rng.uniform(-4, SIDE + 4, number), rng.uniform(-4, SIDE + 4, number)


def spectrum(rng: np.random.Generator, lines: int, median: float) -> Callable[..., Frame]:
    """Return a function of x that draws emission lines of FWHM about 2.6 pixels, in ADU."""
    centres = rng.uniform(-20, SIDE + 20, lines)
    peaks = median * np.exp(rng.normal(0, 1.3, lines))
    widths = rng.uniform(2.3, 2.9, lines)

    def drawn(x: Frame, blur: float = 1.0) -> Frame:
        total = np.zeros(x.shape)
        for centre, peak, width in zip(centres, peaks, widths, strict=True):
            total += peak * width * bell(x - centre, width * blur)
        return total

    return drawn


def continuum(rng: np.random.Generator) -> Callable[[Frame], Frame]:
    """Return a function of x: a smooth relative continuum with absorption lines."""
    phase, centres = rng.uniform(0, 6), rng.uniform(0, SIDE, 7)
    depths, widths = rng.uniform(0.1, 0.6, 7), rng.uniform(2.5, 8, 7)

    def drawn(x: Frame) -> Frame:
        total = 0.8 + 0.2 * np.sin(x / SIDE * 4 + phase)
        for centre, depth, width in zip(centres, depths, widths, strict=True):
            total = total * (1 - depth * width * bell(x - centre, width) / 1.1)
        return total

    return drawn


@dataclass(frozen=True)
class FibreLight:
    """Fibres along x: pitch and FWHM in pixels, bow of the fibres, sky, object and knots in ADU."""

    pitch: float = 7.0
    fwhm: float = 3.0
    bow: float = 0.0
    sky: float = 40.0
    source: float = 150.0
    lines: int = 14
    line_flux: float = 300.0
    knots: int = 25
    knot_flux: float = 3000.0

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure."""
        y, x = grid(view)
        number = int(SIDE / self.pitch) + 3
        centre = (np.arange(number) - 1) * self.pitch + rng.uniform(0, self.pitch)
        through = rng.normal(0.9, 0.07, number).clip(0.5, 1.1)
        through[rng.integers(2, number - 2, max(1, number // 25))] = 0.02
        seen = rng.uniform(0.1, 1, number) * (0.1 + np.sin(np.arange(number) / number * np.pi))
        sky_lines, colour = spectrum(rng, self.lines, self.line_flux), continuum(rng)
        sky = view.sky * (self.sky + view.lines * sky_lines(x))
        bow = self.bow * (2 * x / SIDE - 1) ** 2
        owner = rng.integers(1, number - 1, self.knots)
        knot_x = rng.uniform(2, SIDE - 2, self.knots)
        peaks = power_law(rng, self.knots, self.knot_flux / 20, self.knot_flux * 2)
        light = np.full((SIDE, SIDE), 0.05 * self.sky * view.sky)
        for j in range(number):
            trace = sky + self.source * seen[j] * colour(x)
            for k in np.flatnonzero(owner == j):
                trace = trace + peaks[k] * 2.6 * bell(x - knot_x[k], 2.6 * view.seeing)
            width = self.fwhm * view.seeing
            light += through[j] * trace * self.fwhm * bell(y - centre[j] - bow, width)
        knot_y = centre[owner] + self.bow * (2 * knot_x / SIDE - 1) ** 2
        return light, np.column_stack([knot_x, knot_y])


@dataclass(frozen=True)
class EchelleLight:
    """Curved orders: distance and width in pixels, blaze, absorption, sky or arc lines, ADU."""

    distance: float = 22.0
    width: float = 9.0
    fwhm: float = 2.6
    curve: float = 9.0
    rise: float = 14.0
    sky: float = 25.0
    source: float = 900.0
    lines: int = 10
    line_flux: float = 250.0

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure."""
        y, x = grid(view)
        u = 2 * x / SIDE - 1
        light = np.full((SIDE, SIDE), 8.0)
        start, found = rng.uniform(0, self.distance), []
        for order in range(-2, int(SIDE / self.distance) + 3):
            sky_lines, colour = spectrum(rng, self.lines, self.line_flux), continuum(rng)
            centre = start + order * self.distance + self.curve * u**2 + self.rise * u
            blaze = np.sinc(0.8 * (u - rng.uniform(-0.2, 0.2))) ** 2
            along = y - centre
            slit = ndtr((along + self.width / 2) * 1.2) - ndtr((along - self.width / 2) * 1.2)
            # Lines across a slit are tilted: the grating works out of plane.
            lines = sky_lines(x + 0.12 * along, view.seeing if not self.source else 1.0)
            light += slit * blaze * view.sky * (self.sky + view.lines * lines)
            strength = self.source * rng.uniform(0.5, 1.2)
            star = self.fwhm * bell(along + 0.8, self.fwhm * view.seeing)
            light += star * blaze * strength * colour(x)
            found.append([SIDE / 2, float(np.interp(SIDE / 2, x[0], centre[0])) - 0.8])
        return light, np.asarray([place for place in found if 0 < place[1] < SIDE])


@dataclass(frozen=True)
class StarLight:
    """Stars on a sky: number, FWHM in pixels, total fluxes and sky in ADU."""

    number: int = 100
    fwhm: float = 2.5
    faintest: float = 500.0
    brightest: float = 2e5
    sky: float = 80.0
    gradient: float = 0.1

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure."""
        y, x = grid(View())
        light = self.sky * view.sky * (1 + self.gradient * (x + 0.5 * y) / SIDE)
        places_x, places_y = places_of(rng, self.number)
        fluxes = power_law(rng, self.number, self.faintest, self.brightest)
        for a, b, flux in zip(places_x, places_y, fluxes, strict=True):
            add_star(light, a + view.dx, b + view.dy, flux, self.fwhm * view.seeing)
        return light, np.column_stack([places_x, places_y])


@dataclass(frozen=True)
class SlitLight:
    """A long slit: wavelength along x, tilted sky lines, two traces, knots of a nebula, ADU."""

    sky: float = 60.0
    lines: int = 16
    line_flux: float = 350.0
    tilt: float = 5.0
    source: float = 1500.0
    fwhm: float = 4.0
    slope: float = 5.0
    knots: int = 8
    knot_flux: float = 1500.0

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure."""
        y, x = grid(view)
        slit = 1 - 0.06 * np.cos(np.arange(SIDE)[:, None] / 23.0) ** 2
        sky_lines = spectrum(rng, self.lines, self.line_flux)
        shift = self.tilt * (y / SIDE - 0.5) + 1.5 * (2 * y / SIDE - 1) ** 2
        light = view.sky * (self.sky + view.lines * sky_lines(x - shift))
        width = self.fwhm * view.seeing
        for place, share in ((0.38, 1.0), (0.77, 0.15)):
            centre = SIDE * (place + rng.uniform(-0.04, 0.04)) + self.slope * (x / SIDE - 0.5)
            profile = self.fwhm * bell(y - centre, width)
            light = light + share * self.source * continuum(rng)(x) * profile
        knot_x, knot_y = rng.uniform(5, SIDE - 5, (2, self.knots))
        for a, b, peak in zip(
            knot_x, knot_y, power_law(rng, self.knots, 100, self.knot_flux), strict=True
        ):
            core = self.fwhm * bell(y - b, width) * 2.8 * bell(x - a, 2.8)
            light = light + peak * core
        return light * slit, np.column_stack([knot_x, knot_y])


@dataclass(frozen=True)
class GalaxyLight:
    """Extended objects: exponential discs as sums of Gaussians, knots in them, and a few stars."""

    number: int = 4
    scale: float = 14.0
    peak: float = 900.0
    fwhm: float = 2.6
    knots: int = 12
    stars: StarLight = StarLight(number=15, fwhm=2.6, brightest=6e4)

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure; blurring adds to the variances, which is exact."""
        light, places = self.stars(rng, view)
        seeing2 = (self.fwhm * view.seeing / FWHM) ** 2
        centres = rng.uniform(35, SIDE - 35, (self.number, 2))
        moved = np.array([view.dx, view.dy])
        for centre in centres:
            size, ratio, angle = (
                self.scale * rng.uniform(0.4, 1.3),
                rng.uniform(0.3, 1),
                rng.uniform(0, 3),
            )
            peak = self.peak * rng.uniform(0.3, 1)
            # Six Gaussians follow an exponential within 5 % from 0.05 to 4 scale lengths.
            for share, width in zip(
                (0.10, 0.17, 0.24, 0.26, 0.17, 0.05), (0.08, 0.22, 0.48, 0.9, 1.5, 2.4), strict=True
            ):
                axes = (size * width) ** 2 * np.array([1, ratio**2])
                add_ellipse(light, centre + moved, peak * share, axes, angle, seeing2)
            radius, turn = size * rng.uniform(0.5, 2.5, self.knots), rng.uniform(0, 7, self.knots)
            along, across = radius * np.cos(turn), ratio * radius * np.sin(turn)
            knots = centre + np.column_stack(
                [along * np.cos(angle) - across * np.sin(angle),
                 along * np.sin(angle) + across * np.cos(angle)]
            )  # fmt: skip
            for knot, flux in zip(knots, power_law(rng, self.knots, 300, 2e4), strict=True):
                x, y = knot + moved
                add_star(light, x, y, flux, self.fwhm * view.seeing)
            places = np.concatenate([places, knots])
        return light, np.concatenate([places, centres])


def add_ellipse(
    light: Frame, centre: Frame, peak: float, axes: Frame, angle: float, seeing2: float
) -> None:
    """Add a Gaussian of these variances along its axes, blurred by a round one of `seeing2`."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag(axes + seeing2) @ turn.T
    (a, b), (_, d) = np.linalg.inv(covariance)
    y, x = np.arange(SIDE)[:, None] - centre[1], np.arange(SIDE)[None, :] - centre[0]
    height = peak * np.sqrt(axes.prod() / (axes + seeing2).prod())
    light += height * np.exp(-0.5 * (a * x**2 + 2 * b * x * y + d * y**2))


@dataclass(frozen=True)
class DarkLight:
    """A dark: a level, the glow of an amplifier in one corner, in ADU."""

    level: float = 6.0
    glow: float = 40.0

    def __call__(self, rng: np.random.Generator, view: View) -> tuple[Frame, Places]:
        """Draw the light of one exposure; a dark has no place to be displaced."""
        y, x = grid(View())
        slope = rng.uniform(0.8, 1.2)
        light = self.level * (1 + 0.2 * slope * y / SIDE) + self.glow * np.exp(-(x + y) / 40)
        return view.sky * light, np.zeros((0, 2))
