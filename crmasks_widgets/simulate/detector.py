"""From noise-free light to exposures: flux, photon noise, hot pixels, cosmic rays, readout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmasks_widgets.errors import ParameterError
from crmasks_widgets.simulate.checks import check_offset, check_real, check_shape, check_whole
from crmasks_widgets.simulate.cosmic_rays import Hits, cosmic_ray_images
from crmasks_widgets.simulate.random_streams import Stream, random_stream

Frames = NDArray[np.float32]

HIT_SIGMA = 3.0
"""A pixel counts as hit when the charge deposited in it is above this many standard deviations."""
BRIGHTEST = 1e9
"""Most electrons that a pixel may hold; far above any real pixel, far below where Poisson fails."""


@dataclass(frozen=True)
class Detector:
    """A CCD and its electronics.

    Attributes
    ----------
    gain : float
        Electrons per ADU, > 0.
    rnoise : float
        Readout noise in ADU, >= 0.
    bias : float
        Level without light in ADU.
    saturation : float or None
        Highest value that is read, in ADU and with the bias; None means no limit.
    bad_columns : int
        How many columns have a defect, from some row up to the top: every second one, from the
        first on, holds back most of its charge, the others leak (about 50 to 500 ADU an exposure).

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    gain: float = 1.0
    rnoise: float = 3.4
    bias: float = 0.0
    saturation: float | None = None
    bad_columns: int = 0

    def __post_init__(self) -> None:
        check_real("detector.gain", self.gain, 0, above=True)
        check_real("detector.rnoise", self.rnoise, 0)
        check_real("detector.bias", self.bias)
        if self.saturation is not None:
            check_real("detector.saturation", self.saturation, self.bias, above=True)
        check_whole("detector.bad_columns", self.bad_columns, 0)


@dataclass(frozen=True, eq=False)
class Scene:
    """Simulated exposures of one field, and all that is true of them; n exposures of (ny, nx).

    Attributes
    ----------
    exposures : (n, ny, nx) float32 array
        What is read, in ADU, bias included.
    truth : (n, ny, nx) float32 array
        What each exposure would show without noise, cosmic rays and bias, in ADU: the light times
        the flux factor of the exposure, less what bad columns hold back, and the dark current.
    cosmic_rays : (n, ny, nx) float32 array
        Charge left by cosmic rays, in ADU; added to the exposures as it is.
    hot_pixels : (ny, nx) bool array
        The pixels with a dark current, the same in all exposures.
    bad_columns : (ny, nx) bool array
        The pixels of columns with a defect, the same in all exposures.
    detector : Detector
        Gain, readout noise, bias.
    flux_factors : tuple of float
        Light of each exposure over that of the scene.
    seed : int
        The seed that it was made with.

    Notes
    -----
    All arrays are read-only.
    """

    exposures: Frames
    truth: Frames
    cosmic_rays: Frames
    hot_pixels: NDArray[np.bool_]
    bad_columns: NDArray[np.bool_]
    detector: Detector
    flux_factors: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        masks = (self.hot_pixels, self.bad_columns)
        for array in (self.exposures, self.truth, self.cosmic_rays, *masks):
            array.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of exposures."""
        return len(self.exposures)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a frame, (ny, nx)."""
        return self.hot_pixels.shape[0], self.hot_pixels.shape[1]

    @property
    def gain(self) -> float:
        """Electrons per ADU."""
        return self.detector.gain

    @property
    def rnoise(self) -> float:
        """Readout noise in ADU."""
        return self.detector.rnoise

    @property
    def bias(self) -> float:
        """Level without light in ADU."""
        return self.detector.bias

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """Pixels that read the highest value there is: (n, ny, nx) bool."""
        limit = np.inf if self.detector.saturation is None else self.detector.saturation
        return np.asarray(self.exposures >= np.float32(limit))

    @property
    def sigma(self) -> Frames:
        """True standard deviation of each pixel of each exposure in ADU: (n, ny, nx) float32."""
        return np.asarray(np.sqrt(self.truth / self.gain + self.rnoise**2), np.float32)

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Pixels that a cosmic ray lifts by more than 3 sigma: (n, ny, nx) bool."""
        return self.cosmic_rays > HIT_SIGMA * self.sigma

    @property
    def double_hits(self) -> NDArray[np.bool_]:
        """Pixels where the median fails: (ny, nx) bool.

        Those hit in more than half of the exposures; of two, whose median is the mean, in one.
        """
        enough = self.n // 2 if self.n > 2 else 0
        return np.asarray(np.count_nonzero(self.hits, axis=0) > enough)

    @property
    def mean_truth(self) -> Frames:
        """What a perfect combination would give, in ADU: (ny, nx) float32.

        The mean of the true exposures, each divided by its flux factor.
        """
        factors = np.asarray(self.flux_factors, np.float32)[:, None, None]
        return np.asarray(np.mean(self.truth / factors, axis=0))


class DrawLight(Protocol):
    """A function that draws noise-free light anywhere: `fibre_light` and the like."""

    def __call__(self, *, offset: tuple[float, float]) -> Frames:
        """Draw the light `offset` = (dx, dy) pixels to the right and up: (ny, nx), ADU."""


def displaced(draw: DrawLight, offsets: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """Draw the light of exposures that are displaced against each other, for `expose`.

    The light is drawn anew at every place, not interpolated: its truth is exact.

    Parameters
    ----------
    draw : callable
        Such as ``functools.partial(fibre_light, shape, seed=1)``.
    offsets : sequence of (dx, dy)
        For each exposure, how far its light lies to the right and up, in pixels.

    Returns
    -------
    (n, ny, nx) float32 array
        Expected light of each exposure in ADU.

    Raises
    ------
    ParameterError
        If there is no offset, or one is not usable.
    """
    places = [check_offset(f"offsets: exposure {k}", place) for k, place in enumerate(offsets, 1)]
    if not places:
        raise ParameterError("offsets: found none, expected (dx, dy) for each exposure")
    return np.stack([draw(offset=place) for place in places])


def expose(
    light: ArrayLike,
    n_exposures: int = 3,
    *,
    seed: int,
    detector: Detector | None = None,
    hits: Hits | None = None,
    hot_pixels: int = 0,
    flux_factors: Sequence[float] | None = None,
) -> Scene:
    """Expose a noise-free image of light several times.

    An exposure is the sum of Poisson(light * flux factor * gain) / gain, the same for its hot
    pixels and leaking columns, the charge of its cosmic rays, Normal(0, rnoise), and the bias.
    Light, hot pixels, bad columns, cosmic rays and noise have random streams of their own: changing
    one leaves the others alone.

    Parameters
    ----------
    light : (ny, nx) or (n, ny, nx) array_like
        Expected light in ADU, >= 0: one image for all exposures, or one for each.
    n_exposures : int
        Number n of exposures, >= 1.
    seed : int
        Seed of everything random, >= 0.
    detector : Detector, optional
        Gain, readout noise, bias, saturation, bad columns; ``Detector()`` if None.
    hits : Hits, optional
        Cosmic rays; ``Hits()`` if None. ``Hits(rate=0, double=0)`` makes none.
    hot_pixels : int
        How many pixels have a dark current (about 100 to 10000 ADU an exposure).
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
    """
    detector, hits = detector or Detector(), hits or Hits()
    check_whole("n_exposures", n_exposures, 1)
    factors = _check_factors(flux_factors, n_exposures)
    cube = _check_light(light, n_exposures)
    shape = check_shape(cube.shape[1:])
    hot = _hot_pixels(shape, hot_pixels, seed)
    columns = _bad_columns(shape, detector.bad_columns, seed)
    light_of = cube * np.asarray(factors, np.float32)[:, None, None]
    truth = light_of * columns.passed + (hot + columns.leaked)
    if np.max(truth) * detector.gain > BRIGHTEST:
        raise ParameterError(
            f"light: found {np.max(truth) * detector.gain:.3g} electrons in a pixel, "
            f"expected at most {BRIGHTEST:.0e}"
        )
    rays = cosmic_ray_images(shape, n_exposures, hits, seed=seed)
    rays /= np.float32(detector.gain)
    exposures = np.empty_like(truth)
    for k in range(n_exposures):
        sources = _Sources(cube[k] * factors[k], hot, columns, rays[k])
        exposures[k] = _read(sources, detector, seed=seed, number=k)
    return Scene(exposures, truth, rays, hot > 0, columns.bad, detector, factors, int(seed))


class _Columns(NamedTuple):
    """What bad columns do, (ny, nx): the share of light that passes, what leaks (ADU), where."""

    passed: Frames
    leaked: Frames
    bad: NDArray[np.bool_]


class _Sources(NamedTuple):
    """What one exposure is made of, all (ny, nx) and in ADU but the columns."""

    light: Frames
    hot: Frames
    columns: _Columns
    rays: Frames


def _read(sources: _Sources, detector: Detector, *, seed: int, number: int) -> Frames:
    """Return one exposure with its noise; `number` counts the exposures from 0."""
    gain = detector.gain
    rng = random_stream(seed, Stream.NOISE, number)
    signal = rng.normal(0, detector.rnoise, sources.light.shape)
    electrons = rng.poisson(np.asarray(sources.light, float) * gain)
    _apply_columns(
        electrons, sources.columns, gain, random_stream(seed, Stream.COLUMN_NOISE, number)
    )
    signal += electrons / gain
    # How many random numbers Poisson takes depends on the mean: with the light and the dark current
    # in one draw, one more hot pixel would change the noise of every pixel after it.
    own = random_stream(seed, Stream.HOT_NOISE, number)
    burning = sources.hot > 0
    signal[burning] += own.poisson(np.asarray(sources.hot[burning], float) * gain) / gain
    signal += sources.rays
    signal += detector.bias
    if detector.saturation is not None:
        np.minimum(signal, detector.saturation, out=signal)
    return signal.astype(np.float32)


def _apply_columns(
    electrons: NDArray[np.int64], columns: _Columns, gain: float, rng: np.random.Generator
) -> None:
    """Take away and add electrons in bad columns; a share of a Poisson number is one again."""
    bad = columns.bad
    passed = rng.binomial(electrons[bad], np.asarray(columns.passed[bad], float))
    electrons[bad] = passed + rng.poisson(np.asarray(columns.leaked[bad], float) * gain)


def _bad_columns(shape: tuple[int, int], number: int, seed: int) -> _Columns:
    """Return what the columns with a defect do; the defect is in the lower half of the frame."""
    ny, nx = shape
    check_whole("detector.bad_columns", number, 0, nx)
    rng = random_stream(seed, Stream.BAD_COLUMNS)
    columns = _Columns(
        np.ones(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, bool)
    )
    for i, x in enumerate(rng.permutation(nx)[:number]):
        rows = slice(int(rng.integers(0, ny // 2 + 1)), ny)
        passed, leaked = rng.uniform(0.05, 0.5), np.exp(rng.uniform(np.log(50), np.log(500)))
        columns.bad[rows, x] = True
        if i % 2 == 0:
            columns.passed[rows, x] = passed
        else:
            columns.leaked[rows, x] = leaked
    return columns


def _hot_pixels(shape: tuple[int, int], number: int, seed: int) -> Frames:
    """Return the dark current of an exposure in ADU, 0 except in `number` pixels: (ny, nx)."""
    ny, nx = shape
    check_whole("hot_pixels", number, 0, ny * nx)
    rng = random_stream(seed, Stream.HOT_PIXELS)
    current = np.zeros(ny * nx, np.float32)
    places = rng.permutation(ny * nx)[:number]
    current[places] = np.clip(rng.lognormal(np.log(1000), 1, number), 100, 10000)
    return current.reshape(ny, nx)


def _check_light(light: ArrayLike, n_exposures: int) -> Frames:
    """Return the light of every exposure, (n, ny, nx) float32, or refuse it."""
    try:
        array = np.asarray(light, dtype=np.float32)
    except (TypeError, ValueError):
        raise ParameterError("light: found values that are not numbers, expected ADU") from None
    if array.ndim == 2:
        array = np.broadcast_to(array, (n_exposures, *array.shape))
    if array.ndim != 3 or array.size == 0 or len(array) != n_exposures:
        raise ParameterError(
            f"light: found shape {np.shape(light)}, expected (ny, nx) or ({n_exposures}, ny, nx)"
        )
    if not np.all(np.isfinite(array)) or np.min(array) < 0:
        raise ParameterError("light: found negative or not finite values, expected >= 0 ADU")
    return array


def _check_factors(factors: Any, n_exposures: int) -> tuple[float, ...]:
    """Return the flux factors, one for each exposure, or refuse them."""
    if factors is None:
        return (1.0,) * n_exposures
    values = list(factors) if np.iterable(factors) and not isinstance(factors, str) else []
    if len(values) != n_exposures:
        raise ParameterError(
            f"flux_factors: found {factors!r}, expected {n_exposures} numbers, one an exposure"
        )
    for k, factor in enumerate(values, 1):
        check_real(f"flux_factors: exposure {k}", factor, 0, above=True)
    return tuple(float(factor) for factor in values)
