"""Values for pixels that no exposure is left for, from their surroundings, with their errors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.neighbours import Offset, at_offset, box
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array, FloatArray, Pixels

Stencil = list[tuple[Pixels, Float64Array]]

# How far to look for valid pixels, how many to take on each side, and the half width of the window
# in which the same interpolation is tried on every second pixel that is known.
_REACH, _PER_SIDE, _TRIALS = 10, 2, 5
_FEWEST_TRIALS = 8
# A square error counts as so many times that in the middle at most, which is 2.7 sigma.
_OUTLIER = 16.0
# Along the row, and along the column. Where they part by more than so many errors, this part of
# the square of their difference is an error as well.
_DIRECTIONS = ((0, 1), (1, 0))
_APART, _PART = 3.0, 0.25
# A minimum so far above its surroundings is hit as well.
EVERYWHERE_SIGMA = 3.0
# Pixels are handled in groups, which bounds the memory.
_AT_ONCE = 1024


@dataclass(frozen=True)
class Known:
    """What is known of a frame.

    Attributes
    ----------
    value : (ny, nx) float32
        ADU.
    good : (ny, nx) bool
        Where it is clean.
    share : (ny, nx) float32
        Variance of the values, in that of a single exposure.
    more : (ny, nx) float32
        Variance that comes on top, ADU^2.
    sigma : callable
        Gives the noise of a single exposure from values (ADU) and flat indices, ADU.
    """

    value: Float32Array
    good: BoolArray
    share: Float32Array
    more: Float32Array
    sigma: Callable[[FloatArray, Pixels], FloatArray]

    def at(self, pixels: Pixels) -> tuple[Float64Array, Float64Array]:
        """Values and variances in some pixels.

        Parameters
        ----------
        pixels : (...) int64
            Flat indices.

        Returns
        -------
        value, variance : (...) float64
            ADU and ADU^2.
        """
        value = self.value.ravel()[pixels].astype(np.float64)
        variance = self.share.ravel()[pixels] * np.square(self.sigma(value, pixels))
        return value, np.asarray(variance + self.more.ravel()[pixels], np.float64)


@dataclass(frozen=True)
class LocalEstimate:
    """Values of pixels, from their surroundings.

    Attributes
    ----------
    value : (k,) float64
        ADU.
    variance : (k,) float64
        Expected square error, ADU^2; above 0.
    """

    value: Float64Array
    variance: Float64Array


def estimate_locally(known: Known, pixels: Pixels) -> LocalEstimate:
    """Interpolate pixels along their row or their column.

    On either side the two nearest good pixels are averaged and joined by a straight line. The same
    stencil is tried on the good pixels around. The direction in which its mean square error is less
    is taken: along a sky line or a spectrum, not across; the variance is that error without the
    noise of the pixels it was tried on, and that of the pixels it is made of. Where the other
    direction says something else, half of the difference is an error too. Where neither direction
    will do, the value is the median of the good pixels around, and the variance theirs.

    Parameters
    ----------
    known : Known
        The frame.
    pixels : (k,) int64
        Flat indices of the pixels wanted.

    Returns
    -------
    LocalEstimate
        NaN where no good pixel is within reach.
    """
    parts = [
        _estimate(_Places(known, pixels[start : start + _AT_ONCE]))
        for start in range(0, len(pixels), _AT_ONCE)
    ]
    if not parts:
        return LocalEstimate(np.zeros(0), np.zeros(0))
    return LocalEstimate(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Places:
    """Pixels of a frame, and what lies at an offset from them."""

    def __init__(self, known: Known, pixels: Pixels) -> None:
        self._known, self._pixels = known, pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def good_at(self, dy: Offset, dx: Offset) -> tuple[Pixels, BoolArray]:
        """Where the values are, and whether they are good."""
        at, inside = at_offset(self._known.good.shape, self._pixels, dy, dx)
        return at, inside & self._known.good.ravel()[at]

    def at(self, dy: Offset, dx: Offset) -> tuple[Float64Array, Float64Array, BoolArray]:
        """Values and variances, 0 where they are not good, and whether they are."""
        at, good = self.good_at(dy, dx)
        value, variance = self._known.at(at)
        return np.where(good, value, 0), np.where(good, variance, 0), good


def _estimate(places: _Places) -> tuple[Float64Array, Float64Array]:
    """Values and variances."""
    values, variances = np.stack([_interpolated(places, d) for d in _DIRECTIONS], axis=1)
    least = variances.argmin(axis=0)[None]
    value, variance = (np.take_along_axis(v, least, axis=0)[0] for v in (values, variances))
    apart = np.square(values - value) - _APART**2 * variances
    # A direction in which nothing is known says nothing.
    variance += _PART * np.maximum(np.where(np.isfinite(variances), apart, 0), 0).max(axis=0)
    unknown = ~np.isfinite(variance)
    if unknown.any():
        around = _surroundings(places)
        value = np.where(unknown, around.value, value)
        variance = np.where(unknown, around.variance, variance)
    return value, variance


def highest_interpolation(known: Known, pixels: Pixels) -> Float64Array:
    """Higher of the two values that `estimate_locally` chooses from, without their errors.

    Parameters
    ----------
    known : Known
        The frame.
    pixels : (k,) int64
        Flat indices of the pixels wanted.

    Returns
    -------
    (k,) float64
        ADU; NaN where no good pixel of the row or the column is within reach.
    """
    places = _Places(known, pixels)
    values = []
    for direction in _DIRECTIONS:
        stencil, is_known = _stencil(places, direction)
        value = _applied(places, stencil, direction, (0, 0))[0]
        values.append(np.where(is_known, value, np.nan))
    return np.asarray(np.fmax(*values))


def _interpolated(places: _Places, direction: tuple[int, int]) -> tuple[Float64Array, Float64Array]:
    """As `_estimate`, in one direction; the variance is infinite where that is impossible."""
    stencil, known = _stencil(places, direction)
    value, noise, _ = _applied(places, stencil, direction, (0, 0))
    structure = _trial_error(places, stencil, direction, value)
    return value, np.where(known, structure + noise, np.inf)


def _stencil(places: _Places, direction: tuple[int, int]) -> tuple[Stencil, BoolArray]:
    """Offsets and weights of the pixels to be joined, and where there are any."""
    (low, n_low), (high, n_high) = (_nearest(places, direction, sign) for sign in (-1, 1))
    far_low, far_high = (np.abs(np.nanmean(side, axis=1)) for side in (low, high))
    # A side without good pixels leaves all weight to the other.
    share = np.where(n_low == 0, 1.0, np.where(n_high == 0, 0.0, far_low / (far_low + far_high)))
    stencil = []
    for side, n, part in ((low, n_low, 1 - share), (high, n_high, share)):
        for offset in side.T:
            known = np.isfinite(offset) & (n > 0)
            steps = np.where(known, offset, 0).astype(np.int64)
            stencil.append((steps, np.where(known, part / np.maximum(n, 1), 0.0)))
    return stencil, n_low + n_high > 0


def _nearest(places: _Places, direction: tuple[int, int], sign: int) -> tuple[Float64Array, Pixels]:
    """Offsets of the nearest good pixels on one side, NaN for those missing; their number."""
    steps = sign * np.arange(1, _REACH + 1)[:, None]
    _, good = places.good_at(steps * direction[0], steps * direction[1])
    rank = np.cumsum(good, axis=0)
    number = np.minimum(rank[-1], _PER_SIDE)
    offsets = np.empty((len(places), _PER_SIDE))
    for k in range(_PER_SIDE):
        step = 1 + np.argmax(good & (rank == k + 1), axis=0)
        offsets[:, k] = np.where(number > k, sign * step, np.nan)
    # Without any, a finite distance keeps the arithmetic quiet; its weight is 0.
    offsets[number == 0, 0] = sign * _REACH
    return offsets, number


def _applied(
    places: _Places, stencil: Stencil, direction: tuple[int, int], shift: tuple[Offset, Offset]
) -> tuple[Float64Array, Float64Array, BoolArray]:
    """Interpolated values beside the pixels, their variances, and where all they need is good."""
    shape = np.broadcast_shapes(np.shape(shift[0]), (len(places),))
    value, noise, known = np.zeros(shape), np.zeros(shape), np.ones(shape, dtype=bool)
    for offset, weight in stencil:
        term, variance, good = places.at(
            shift[0] + direction[0] * offset, shift[1] + direction[1] * offset
        )
        value += weight * term
        noise += np.square(weight) * variance
        known &= good | (weight == 0)
    return value, noise, known


def _trial_error(
    places: _Places, stencil: Stencil, direction: tuple[int, int], wanted: Float64Array
) -> Float64Array:
    """Mean square error of a stencil on good pixels around, without their noise.

    Of those around, the half counts whose estimate is most like the one wanted: an error on the sky
    tells nothing of a star, nor that on the star beside of the sky. With too few of them it is
    infinite.
    """
    side = range(-_TRIALS, _TRIALS + 1, 2)
    shift = tuple(np.array([(dy, dx) for dy in side for dx in side]).T[:, :, None])
    truth, own, good = places.at(*shift)
    value, noise, known = _applied(places, stencil, direction, shift)
    known &= good
    number = known.sum(axis=0)
    unlike = np.where(known, np.abs(value - wanted), np.inf)
    counted = np.maximum(number // 2, np.minimum(number, _FEWEST_TRIALS))
    last = np.maximum(counted - 1, 0)[None]
    known &= unlike <= np.take_along_axis(np.sort(unlike, axis=0), last, axis=0)
    # A hit that nothing has found must not count as an error of the stencil.
    square = np.sort(np.where(known, np.square(value - truth), np.inf), axis=0)
    n = np.maximum(known.sum(axis=0), 1)
    middle = np.take_along_axis(square, (n - 1)[None] // 2, axis=0)[0]
    counts = np.arange(len(square))[:, None] < n
    limited = np.where(counts, np.minimum(square, _OUTLIER * middle), 0).sum(axis=0)
    expected = np.where(known, noise + own, 0).sum(axis=0)
    enough = number >= _FEWEST_TRIALS
    return np.where(enough, np.maximum(limited - expected, 0) / n, np.inf)


def _surroundings(places: _Places) -> LocalEstimate:
    """Median and variance of the good pixels within reach; NaN with fewer than two."""
    around = np.array([places.at(dy, dx) for dy, dx in box(_REACH)])
    values = np.ma.masked_array(around[:, 0], around[:, 2] == 0)
    few = values.count(axis=0) < 2
    median = np.ma.median(values, axis=0).filled(np.nan)  # type: ignore[no-untyped-call]
    variance = values.var(axis=0).filled(np.nan)
    return LocalEstimate(np.where(few, np.nan, median), np.where(few, np.nan, variance))


def stands_out(excess: FloatArray, estimate: LocalEstimate, sigma: FloatArray) -> BoolArray:
    """Tell in which pixels the minimum exceeds what their surroundings say.

    Parameters
    ----------
    excess : (k,) ndarray
        Minimum over the exposures minus the estimate, ADU.
    estimate : LocalEstimate
        Of the pixels.
    sigma : (k,) ndarray
        Noise of a single exposure at the level of the estimate, ADU.

    Returns
    -------
    (k,) bool
        True where it exceeds `EVERYWHERE_SIGMA` times the errors of both.
    """
    return np.asarray(excess > EVERYWHERE_SIGMA * np.sqrt(estimate.variance + np.square(sigma)))
