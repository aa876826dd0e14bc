"""Values for pixels that no exposure is left for, from their surroundings, with their errors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatFrame = npt.NDArray[np.float32]
BoolFrame = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.int64]

# How far to look for valid pixels, how many to take on each side, and the half width of the window
# in which the same interpolation is tried on pixels that are known.
_REACH, _PER_SIDE, _TRIALS = 10, 2, 5
_FEWEST_TRIALS = 8
# A minimum so far above its surroundings is hit as well.
EVERYWHERE_SIGMA = 3.0
# Pixels are handled in groups, which bounds the memory.
_AT_ONCE = 2048


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

    value: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


def estimate_locally(
    frame: FloatFrame, good: BoolFrame, pixels: Pixels, noise: FloatFrame
) -> LocalEstimate:
    """Interpolate pixels along their row or their column.

    On either side the two nearest good pixels are averaged and joined by a straight line. The same
    stencil is tried on the good pixels around. The direction in which its mean square error is less
    is taken: along a sky line or a spectrum, not across; the variance is that error without the
    noise of the pixels it was tried on, but at least half of it. Where neither direction will do,
    the value is the median of the good pixels around, and the variance theirs.

    Parameters
    ----------
    frame : (ny, nx) float32
        Clean where `good`, ADU.
    good : (ny, nx) bool
        Pixels to be used.
    pixels : (k,) int64
        Flat indices of the pixels wanted.
    noise : (ny, nx) float32
        Standard deviation of `frame`, ADU.

    Returns
    -------
    LocalEstimate
        NaN where no good pixel is within reach.
    """
    parts = [
        _estimate(frame, good, pixels[start : start + _AT_ONCE])
        for start in range(0, len(pixels), _AT_ONCE)
    ]
    if not parts:
        return LocalEstimate(np.zeros(0), np.zeros(0))
    error = np.concatenate([part.variance for part in parts])
    own = np.square(noise.ravel()[pixels])
    return LocalEstimate(
        np.concatenate([part.value for part in parts]), np.maximum(error - own, error / 2)
    )


def _estimate(frame: FloatFrame, good: BoolFrame, pixels: Pixels) -> LocalEstimate:
    margin = _REACH + _TRIALS
    values = np.pad(np.where(good, frame, 0).astype(np.float64), margin)
    usable = np.pad(good, margin)
    y, x = np.divmod(pixels, frame.shape[1])
    at = y + margin, x + margin
    along_x = _interpolated(values, usable, at, (0, 1))
    along_y = _interpolated(values, usable, at, (1, 0))
    choose_y = along_y.variance < along_x.variance
    value = np.where(choose_y, along_y.value, along_x.value)
    variance = np.where(choose_y, along_y.variance, along_x.variance)
    for i in np.flatnonzero(~np.isfinite(variance)):
        value[i], variance[i] = _surroundings(values, usable, at[0][i], at[1][i])
    return LocalEstimate(value, variance)


def _interpolated(
    values: npt.NDArray[np.float64],
    usable: BoolFrame,
    at: tuple[Pixels, Pixels],
    direction: tuple[int, int],
) -> LocalEstimate:
    """Interpolate in one direction; the variance is infinite where that is impossible."""
    steps = np.arange(1, _REACH + 1)
    offsets, weights = [], []
    sides = [_nearest(usable, at, direction, sign * steps) for sign in (-1, 1)]
    (low, n_low), (high, n_high) = sides
    far_low, far_high = (np.abs(np.nanmean(side, axis=1)) for side in (low, high))
    # A side without good pixels leaves all weight to the other.
    total = far_low + far_high
    share_high = np.where(n_low == 0, 1.0, np.where(n_high == 0, 0.0, far_low / total))
    for side, n, share in ((low, n_low, 1 - share_high), (high, n_high, share_high)):
        for column in range(_PER_SIDE):
            known = np.isfinite(side[:, column])
            offsets.append(np.where(known, side[:, column], 0).astype(np.int64))
            weights.append(np.where(known & (n > 0), share / np.maximum(n, 1), 0.0))
    value = np.zeros(len(at[0]))
    for offset, weight in zip(offsets, weights, strict=True):
        value += weight * values[at[0] + direction[0] * offset, at[1] + direction[1] * offset]
    variance = _trial_error(values, usable, at, direction, (offsets, weights))
    return LocalEstimate(value, np.where(n_low + n_high > 0, variance, np.inf))


def _nearest(
    usable: BoolFrame,
    at: tuple[Pixels, Pixels],
    direction: tuple[int, int],
    steps: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Offsets of the nearest good pixels on one side, NaN for those missing; their number."""
    found = usable[at[0][:, None] + direction[0] * steps, at[1][:, None] + direction[1] * steps]
    order = np.cumsum(found, axis=1)
    offsets = np.full((len(found), _PER_SIDE), np.nan)
    for k in range(_PER_SIDE):
        hit = found & (order == k + 1)
        rows = hit.any(axis=1)
        offsets[rows, k] = steps[np.argmax(hit[rows], axis=1)]
    number = np.minimum(order[:, -1], _PER_SIDE)
    # Without any, a finite distance keeps the arithmetic quiet; its weight is 0.
    offsets[number == 0, 0] = steps[-1]
    return offsets, number


def _trial_error(
    values: npt.NDArray[np.float64],
    usable: BoolFrame,
    at: tuple[Pixels, Pixels],
    direction: tuple[int, int],
    stencil: tuple[list[Pixels], list[npt.NDArray[np.float64]]],
) -> npt.NDArray[np.float64]:
    """Mean square error of a stencil on the good pixels around; infinite with too few of them."""
    square, number = np.zeros(len(at[0])), np.zeros(len(at[0]), np.int64)
    for dy in range(-_TRIALS, _TRIALS + 1):
        for dx in range(-_TRIALS, _TRIALS + 1):
            y, x = at[0] + dy, at[1] + dx
            known = usable[y, x].copy()
            error = -values[y, x]
            for offset, weight in zip(*stencil, strict=True):
                place = y + direction[0] * offset, x + direction[1] * offset
                known &= usable[place] | (weight == 0)
                error += weight * values[place]
            square += np.where(known, error**2, 0)
            number += known
    return np.where(number >= _FEWEST_TRIALS, square / np.maximum(number, 1), np.inf)


def _surroundings(
    values: npt.NDArray[np.float64], usable: BoolFrame, y: int, x: int
) -> tuple[float, float]:
    box = (slice(y - _REACH, y + _REACH + 1), slice(x - _REACH, x + _REACH + 1))
    around = values[box][usable[box]]
    if len(around) < 2:
        return np.nan, np.nan
    return float(np.median(around)), float(around.var())


def hit_everywhere(
    lowest: FloatFrame, estimate: LocalEstimate, pixels: Pixels, sigma: FloatFrame
) -> BoolFrame:
    """Find the pixels whose minimum is hit as well.

    Parameters
    ----------
    lowest : (ny, nx) float32
        Minimum over the exposures, ADU.
    estimate : LocalEstimate
        Of the pixels.
    pixels : (k,) int64
        Flat indices of pixels whose other exposures are hit.
    sigma : (k,) ndarray
        Noise of a single exposure at the level of the estimate, ADU.

    Returns
    -------
    (ny, nx) bool
        Where the minimum lies above the estimate by `EVERYWHERE_SIGMA` times the noise of both.
    """
    spread = np.sqrt(estimate.variance + np.square(sigma))
    everywhere = np.zeros(lowest.shape, dtype=bool)
    excess = lowest.ravel()[pixels] - estimate.value
    everywhere.ravel()[pixels] = excess > EVERYWHERE_SIGMA * spread
    return everywhere
