"""Cosmic rays: muons that go straight, electrons that wander, and spots.

Every hit is a chain of small deposits of charge along its path; each deposit spreads as a Gaussian
whose width grows with the way that the charge has to drift, and is then shared among the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from crmasks_widgets.errors import ParameterError
from crmasks_widgets.simulate.checks import check_real, check_shape, check_whole
from crmasks_widgets.simulate.light import Float64Array
from crmasks_widgets.simulate.random_streams import Stream, random_stream

STEP: Final = 0.35
"""Pixels of path between two deposits; well below 1, so that no track has gaps."""
REACH: Final = 3
"""Pixels on each side that a deposit may spread to: more than four times the widest diffusion."""
AT_ONCE: Final = 2**17
"""Deposits that are shared among pixels in one go: about 150 MB of intermediate arrays."""
LONGEST: Final = 4000.0
"""Longest track in pixels of path: a muon that grazes the sensor leaves the frame long before."""
LANDAU_WIDTH: Final = 0.12
"""Width of the Landau law over the most probable charge, typical of 10-50 um of silicon."""
LANDAU_CAP: Final = 12.0
"""Highest charge of one deposit in units of the most probable one; beyond, electrons escape."""
LANDAU_MODE: Final = -0.22278
"""Where the standard Landau law is highest."""
DELTA_RANGE: Final = 1.5
"""Shortest path of a delta ray in pixels; what stops earlier is part of the Landau law."""
DELTA_POWER: Final = 1.7
"""The range of slow electrons grows as their energy to this power; Katz & Penfold (1952, Rev. Mod.
Phys. 24, 28) have 1.8 at 50 keV and 1.6 at 200 keV."""
DELTA_LONGEST: Final = 60.0
"""Longest path of a delta ray in pixels."""


@dataclass(frozen=True)
class Hits:
    """How many cosmic rays there are in an exposure, and what they look like.

    Attributes
    ----------
    rate : float
        Expected number of hits per exposure and million pixels; 373 is what 1200 s of a 2016 x 1596
        frame of MEGARA has (about 1200 hits).
    double : int
        Deliberate coincidences: each is a pixel through which a hit passes in more than half of the
        exposures. Others come about by chance.
    muons, electrons, spots : float
        Shares of straight tracks, wandering tracks and spots; only their ratios matter.
    thickness : float
        Thickness of the sensor in pixels: a muon that comes in at 45 degrees leaves a track this
        long. About 3 for the usual back-illuminated CCD, 15 for a fully depleted thick one.
    charge : float
        Most probable charge of a muon per pixel of path, in electrons (80 per micrometre).
    diffusion : float
        Gaussian sigma in pixels of charge that drifts through the whole thickness.
    electron_length : float
        Mean path of a wandering electron, in pixels.
    slowing : float
        Charge per pixel of path at the end of an electron's track over that at its start, minus 1:
        slow electrons lose more energy.
    delta_rays : float
        Expected number of electrons that a muon knocks out per 100 pixels of its path, those that
        get further than `DELTA_RANGE`. For pixels of 15 um it is about 0.5.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    rate: float = 373.0
    double: int = 12
    muons: float = 0.6
    electrons: float = 0.2
    spots: float = 0.2
    thickness: float = 3.0
    charge: float = 1200.0
    diffusion: float = 0.5
    electron_length: float = 8.0
    slowing: float = 1.0
    delta_rays: float = 0.0

    def __post_init__(self) -> None:
        check_real("hits.rate", self.rate, 0, 1e6)
        check_whole("hits.double", self.double, 0)
        for name in ("muons", "electrons", "spots"):
            check_real(f"hits.{name}", getattr(self, name), 0)
        if self.muons + self.electrons + self.spots <= 0:
            raise ParameterError("hits: found only shares of 0, expected one kind of hit at least")
        check_real("hits.thickness", self.thickness, 0, 100, above=True)
        check_real("hits.charge", self.charge, 0, above=True)
        check_real("hits.diffusion", self.diffusion, 0, 0.7)
        check_real("hits.electron_length", self.electron_length, 0, 200, above=True)
        check_real("hits.slowing", self.slowing, 0, 100)
        check_real("hits.delta_rays", self.delta_rays, 0, 100)


THICK_CCD: Final = Hits(
    rate=270.0,
    double=0,
    muons=0.45,
    electrons=0.45,
    spots=0.1,
    thickness=10.0,
    charge=1200.0,
    diffusion=0.5,
    electron_length=15.0,
    slowing=4.0,
    delta_rays=0.5,
)
"""1200 s of a fully depleted red-sensitive CCD; matched to real frames (docs/demo-data.md)."""
THIN_CCD: Final = Hits(
    rate=50.0,
    double=0,
    muons=0.6,
    electrons=0.2,
    spots=0.2,
    thickness=1.0,
    charge=500.0,
    diffusion=0.2,
    electron_length=4.0,
    slowing=3.0,
    delta_rays=0.5,
)
"""1200 s of a back-illuminated, thinned CCD; matched to real frames (docs/demo-data.md)."""


class Deposits(NamedTuple):
    """Charge set free along tracks, one value a deposit.

    Attributes
    ----------
    x, y : (m,) float64 arrays
        Place in pixels; a pixel's centre has whole coordinates, starting at 0.
    charge : (m,) float64 array
        Electrons.
    sigma : (m,) float64 array
        Gaussian spread in pixels.
    """

    x: Float64Array
    y: Float64Array
    charge: Float64Array
    sigma: Float64Array


def cosmic_ray_images(
    shape: tuple[int, int], n_exposures: int, hits: Hits, *, seed: int
) -> NDArray[np.float32]:
    """Return the charge that cosmic rays leave in each exposure.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx).
    n_exposures : int
        Number n of exposures, >= 1.
    hits : Hits
        Rate and kinds.
    seed : int
        Seed of the simulation, >= 0. The hits by chance of an exposure depend on the seed and on
        its number, but not on `n_exposures` or on the deliberate coincidences.

    Returns
    -------
    (n, ny, nx) float32 array
        Electrons.

    Raises
    ------
    ParameterError
        If the shape, the number of exposures or the seed is not usable.
    """
    ny, nx = check_shape(shape)
    check_whole("n_exposures", n_exposures, 1)
    images = np.empty((n_exposures, ny, nx), np.float32)
    together = _coincidences((ny, nx), n_exposures, hits, seed)
    for k in range(n_exposures):
        rng = random_stream(seed, Stream.HITS, k)
        number = rng.poisson(hits.rate * ny * nx / 1e6)
        x, y = rng.uniform(-0.5, nx - 0.5, number), rng.uniform(-0.5, ny - 0.5, number)
        images[k] = _collect([_tracks(rng, x, y, hits), together[k]], (ny, nx))
    return images


def _coincidences(
    shape: tuple[int, int], n_exposures: int, hits: Hits, seed: int
) -> list[Deposits]:
    """Return the deposits of the deliberate coincidences in each exposure."""
    rng = random_stream(seed, Stream.COINCIDENCES)
    ny, nx = shape
    # A coincidence at the edge would show one half only: it would teach nothing.
    margin_y, margin_x = min(3, (ny - 1) // 2), min(3, (nx - 1) // 2)
    y = rng.integers(margin_y, ny - margin_y, hits.double)
    x = rng.integers(margin_x, nx - margin_x, hits.double)
    ranks = rng.random((hits.double, n_exposures)).argsort(axis=1)
    deposits = []
    for k in range(n_exposures):
        chosen = ranks[:, k] <= n_exposures // 2
        own = random_stream(seed, Stream.COINCIDENCES, k)
        jitter = own.uniform(-0.5, 0.5, (2, np.count_nonzero(chosen)))
        deposits.append(_tracks(own, x[chosen] + jitter[0], y[chosen] + jitter[1], hits))
    return deposits


def _tracks(rng: np.random.Generator, x: Float64Array, y: Float64Array, hits: Hits) -> Deposits:
    """Return the deposits of hits of every kind that pass through the places (x, y)."""
    shares = np.array([hits.muons, hits.electrons, hits.spots], dtype=float)
    kind = rng.choice(3, size=x.size, p=shares / shares.sum())
    makers = (_muons, _electrons, _spots)
    parts = [maker(rng, x[kind == i], y[kind == i], hits) for i, maker in enumerate(makers)]
    return _joined(parts)


def _joined(parts: list[Deposits]) -> Deposits:
    return Deposits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _muons(rng: np.random.Generator, x: Float64Array, y: Float64Array, hits: Hits) -> Deposits:
    """Return straight tracks centred on (x, y), through the whole thickness.

    Muons that come from everywhere cross a plane with a density cos(angle) sin(angle), so that
    cos^2(angle) is uniform: a share 1 / (1 + (l / thickness)^2) of the tracks is longer than l.
    """
    cos2 = np.maximum(rng.uniform(size=x.size), (hits.thickness / LONGEST) ** 2)
    path = hits.thickness / np.sqrt(cos2)
    length = hits.thickness * np.sqrt(1 / cos2 - 1)
    azimuth = rng.uniform(0, 2 * np.pi, x.size)
    steps = np.ceil(path / STEP).astype(int)
    track = np.repeat(np.arange(x.size), steps)
    first = np.repeat(np.cumsum(steps) - steps, steps)
    depth = (np.arange(track.size) - first + 0.5) / steps[track]
    along = (depth - 0.5) * length[track]
    way = path[track] / steps[track]
    straight = Deposits(
        x[track] + along * np.cos(azimuth[track]),
        y[track] + along * np.sin(azimuth[track]),
        hits.charge * way * _landau(rng, track.size),
        hits.diffusion * np.sqrt(depth),
    )
    # A generator of their own: with and without them, all other tracks are the same.
    return _joined([straight, _delta_rays(rng.spawn(1)[0], straight, way, hits)])


def _delta_rays(
    rng: np.random.Generator, straight: Deposits, way: Float64Array, hits: Hits
) -> Deposits:
    """Return the electrons that muons knock out of atoms on the `way` from deposit to deposit."""
    knocked = rng.random(way.size) < hits.delta_rays / 100 * way
    lengths = delta_ranges(rng, int(knocked.sum()))
    return _wander(rng, straight.x[knocked], straight.y[knocked], lengths, hits)


def delta_ranges(rng: np.random.Generator, size: int) -> Float64Array:
    """Draw the lengths of the paths of delta rays.

    Their number with an energy above T falls as 1 / T (Rutherford), and that with a range above r
    therefore as r^(-1 / `DELTA_POWER`).

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the randomness comes from.
    size : int
        How many.

    Returns
    -------
    (size,) float64 array
        Pixels, from `DELTA_RANGE` to `DELTA_LONGEST`.
    """
    return np.minimum(DELTA_RANGE * rng.uniform(size=size) ** -DELTA_POWER, DELTA_LONGEST)


def _electrons(rng: np.random.Generator, x: Float64Array, y: Float64Array, hits: Hits) -> Deposits:
    """Return tracks that begin at (x, y) and wander."""
    lengths = rng.exponential(hits.electron_length, x.size)
    return _wander(rng, x, y, np.minimum(lengths + 1, 8 * hits.electron_length), hits)


def _wander(
    rng: np.random.Generator, x: Float64Array, y: Float64Array, lengths: Float64Array, hits: Hits
) -> Deposits:
    """Return tracks of given lengths that begin at (x, y); slower and denser towards their end."""
    steps = np.ceil(lengths / STEP).astype(int)
    number = np.arange(steps.max(initial=0))
    alive = number < steps[:, None]
    done = np.where(alive, (number + 0.5) / steps[:, None], 0.0)
    turns = rng.normal(size=alive.shape) * np.sqrt(STEP) * (0.12 + 0.45 * done)
    heading = rng.uniform(0, 2 * np.pi, (x.size, 1)) + np.cumsum(turns, axis=1)
    # A part of the path goes in depth and does not show: few electrons fly along the sensor.
    stride = STEP * rng.uniform(0.5, 1, (x.size, 1))
    charge = hits.charge * STEP * (1 + hits.slowing * done**2) * rng.gamma(4, 1 / 4, alive.shape)
    sigma = hits.diffusion * np.sqrt(rng.uniform(size=(x.size, 1)))
    return Deposits(
        (x[:, None] + np.cumsum(stride * np.cos(heading), axis=1))[alive],
        (y[:, None] + np.cumsum(stride * np.sin(heading), axis=1))[alive],
        charge[alive],
        np.broadcast_to(sigma, alive.shape)[alive],
    )


def _spots(rng: np.random.Generator, x: Float64Array, y: Float64Array, hits: Hits) -> Deposits:
    """Return hits that end where they begin: X-rays, slow electrons."""
    charge = 1.5 * hits.charge * rng.lognormal(0, 0.8, x.size)
    return Deposits(x, y, charge, hits.diffusion * np.sqrt(rng.uniform(size=x.size)))


def _landau(rng: np.random.Generator, size: int) -> Float64Array:
    """Return charges of a Landau law with its mode at 1, cut at 0 and at `LANDAU_CAP`."""
    charge = 1 + LANDAU_WIDTH * (standard_landau(rng, size) - LANDAU_MODE)
    return np.clip(charge, 0, LANDAU_CAP)


def standard_landau(rng: np.random.Generator, size: int) -> Float64Array:
    """Draw numbers of the standard Landau law.

    The Landau law is the stable law with index 1 and skewness 1, which has a closed formula of a
    uniform and an exponential number (Chambers, Mallows & Stuck 1976, JASA 71, 340).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    size : int
        How many numbers.

    Returns
    -------
    (size,) float64 array
        Numbers with the density of ``scipy.stats.landau(loc=log(pi / 2), scale=pi / 2)``: that of
        Landau's paper, whose mode is at -0.22278.
    """
    angle = rng.uniform(-np.pi / 2, np.pi / 2, size)
    waiting = rng.exponential(size=size)
    lever = np.pi / 2 + angle
    return np.asarray(lever * np.tan(angle) - np.log(waiting * np.cos(angle) / lever))


def _collect(deposits: list[Deposits], shape: tuple[int, int]) -> Float64Array:
    """Share the charge of the deposits among the pixels: (ny, nx) electrons."""
    every = _joined(deposits)
    image = np.zeros(shape)
    for start in range(0, every.x.size, AT_ONCE):
        image += _share(Deposits(*(values[start : start + AT_ONCE] for values in every)), shape)
    return image


def _share(deposits: Deposits, shape: tuple[int, int]) -> Float64Array:
    """Do what `_collect` says for as many deposits as memory holds at once."""
    ny, nx = shape
    column, share_x = _shares(deposits.x, deposits.sigma)
    row, share_y = _shares(deposits.y, deposits.sigma)
    inside = ((row >= 0) & (row < ny))[:, :, None] & ((column >= 0) & (column < nx))[:, None, :]
    pixel = (row * nx)[:, :, None] + column[:, None, :]
    charge = deposits.charge[:, None, None] * share_y[:, :, None] * share_x[:, None, :]
    image = np.bincount(pixel[inside], charge[inside], minlength=ny * nx)
    return np.asarray(image, np.float64).reshape(ny, nx)


def _shares(position: Float64Array, sigma: Float64Array) -> tuple[NDArray[np.intp], Float64Array]:
    """Return the pixels about each position along one axis, and the share that each receives."""
    centre = np.floor(position + 0.5).astype(np.intp)
    pixels = centre[:, None] + np.arange(-REACH, REACH + 1)
    edges = centre[:, None] + np.arange(-REACH, REACH + 2) - 0.5
    # A sigma of 0 would divide 0 by 0 for a charge on the very edge of a pixel.
    below = ndtr((edges - position[:, None]) / np.maximum(sigma, 1e-3)[:, None])
    return pixels, np.diff(below, axis=1)
