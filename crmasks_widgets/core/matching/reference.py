"""The clean frame that all exposures are predicted from, and what of it cannot move."""

from collections.abc import Sequence

import numpy as np

from crmasks_widgets.core.significance.laws import minimum_shift
from crmasks_widgets.core.stack import BLOCK_ROWS, middle, sorted_planes
from crmasks_widgets.core.typing import BoolArray, Float32Array, FloatArray, Pixels

# An exposure is hit where it lies so far above the minimum, and above the median, in sigma.
_ABOVE_MINIMUM, _ABOVE_MEDIAN = 5.0, 3.5
# Where the median is hit, the minimum is not believed if the others exceed it by more than this
# part of what it stands out by itself.
_UNLIKE = 0.5
# A pixel stands out alone if it exceeds its neighbours by so many sigma, and these theirs by less
# than a part of that, and some noise.
_ALONE, _NEIGHBOURS, _NOISE = 6.0, 0.15, 1.0
# A hot pixel stands out in every exposure, by such a part of what it does in the mean.
_IN_ALL = 0.5
# Pixels handled at once.
_PIXELS = 1 << 16


def local_range(frames: Float32Array) -> Float32Array:
    """Highest minus lowest value of the 3 x 3 pixels around each.

    Parameters
    ----------
    frames : (..., ny, nx) float32
        A frame, or tiles.

    Returns
    -------
    (..., ny, nx) float32
        In the unit of the frames; at their borders, of the pixels inside.
    """
    before = ((0, 0),) * (frames.ndim - 2)
    high = low = np.pad(frames, (*before, (1, 1), (1, 1)), mode="edge")
    for cut in (np.s_[..., :-2], np.s_[..., 1:-1], np.s_[..., 2:]), (
        np.s_[..., :-2, :], np.s_[..., 1:-1, :], np.s_[..., 2:, :]
    ):  # fmt: skip
        high = np.maximum(np.maximum(high[cut[0]], high[cut[1]]), high[cut[2]])
        low = np.minimum(np.minimum(low[cut[0]], low[cut[1]]), low[cut[2]])
    return np.asarray(np.subtract(high, low, out=high), np.float32)


def box_mean(frames: Float32Array) -> Float32Array:
    """Mean of the 3 x 3 pixels around each.

    Parameters
    ----------
    frames : (..., ny, nx) float32
        A frame, or tiles.

    Returns
    -------
    (..., ny, nx) float32
        In the unit of the frames; beyond the borders the outermost values count.
    """
    before = ((0, 0),) * (frames.ndim - 2)
    padded = np.pad(frames, (*before, (1, 1), (1, 1)), mode="edge")
    rows = padded[..., :-2, :] + padded[..., 1:-1, :]
    rows += padded[..., 2:, :]
    total = rows[..., :-2] + rows[..., 1:-1]
    total += rows[..., 2:]
    total *= np.float32(1 / 9)
    return np.asarray(total, np.float32)


def clean_mean(
    planes: Sequence[Float32Array], sigma: Float32Array, slack: Float32Array
) -> tuple[Float32Array, BoolArray]:
    """Average over the exposures what is not hit.

    The mean, since differences that are predicted of all exposures add up to nothing: it does not
    depend on the frame they were predicted from.

    Parameters
    ----------
    planes : sequence of n (..., ny, nx) float32
        Exposures, as frames or as tiles; without NaN.
    sigma : (..., ny, nx) float32
        Noise of one exposure, ADU.
    slack : (..., ny, nx) float32
        What exposures may differ by besides noise, ADU.

    Returns
    -------
    mean : (..., ny, nx) float32
        ADU.
    doubtful : (..., ny, nx) bool
        Where the median of the exposures is hit, and the mean is made of the minimum.
    """
    mean = np.empty_like(planes[0])
    doubtful = np.empty(mean.shape, dtype=bool)
    medians, lows = np.empty_like(mean), np.empty_like(mean)
    for start in range(0, len(mean), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        ordered = sorted_planes([plane[rows] for plane in planes])
        low, median = ordered[0], np.asarray(middle(ordered), np.float32)
        limit = low + np.float32(_ABOVE_MINIMUM) * sigma[rows]
        doubtful[rows] = median > limit + slack[rows]
        if len(planes) > 2:
            np.minimum(limit, median + np.float32(_ABOVE_MEDIAN) * sigma[rows], out=limit)
        limit += slack[rows]
        total, number = low.copy(), np.ones_like(low)
        for plane in ordered[1:]:
            kept = plane <= limit
            total += plane * kept
            number += kept
        mean[rows], medians[rows], lows[rows] = total / number, median, low
    at = np.flatnonzero(doubtful)
    if len(at):
        shift = np.float32(minimum_shift(len(planes)))
        likely = lows.ravel()[at] + shift * sigma.ravel()[at]
        around = _around(medians, doubtful, at)
        # Where most exposures are hit the last one may be as well; a source that is displaced
        # differs by a part of what it stands out by.
        rise = medians.ravel()[at] - lows.ravel()[at]
        unlike = rise > _UNLIKE * (lows.ravel()[at] - around)
        mean.ravel()[at] = np.where(unlike, np.fmin(likely, around), likely)
    return mean, doubtful


def _around(frames: Float32Array, left_out: BoolArray, pixels: Pixels) -> FloatArray:
    """Weighted mean of the 5 x 5 pixels around some, without those left out; NaN without any."""
    ny, nx = frames.shape[-2:]
    *tile, y, x = np.unravel_index(pixels, frames.shape)
    total, weights = np.zeros(len(pixels)), np.zeros(len(pixels))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            at = (*tile, np.clip(y + dy, 0, ny - 1), np.clip(x + dx, 0, nx - 1))
            weight = ~left_out[at] * np.exp(-(dy**2 + dx**2) / 2)
            total += frames[at] * weight
            weights += weight
    return np.where(weights > 0, total / np.where(weights > 0, weights, 1), np.nan)


def lone_pixels(frames: Float32Array, sigma: Float32Array) -> Float32Array:
    """Find single pixels that stand out alone, as those of a detector do and no source does.

    Along rows or columns, such a pixel differs from its two neighbours, these do not differ from
    the next ones, and beside it nothing does. However sharp a star is, its neighbours show it.

    Parameters
    ----------
    frames : (..., ny, nx) float32
        A frame, or tiles; without NaN.
    sigma : (..., ny, nx) float32
        Noise of one exposure, ADU.

    Returns
    -------
    (..., ny, nx) float32
        What such a pixel differs from its neighbours by, ADU; 0 elsewhere, and within two pixels of
        the borders.
    """
    out = np.zeros_like(frames)
    flat, result = frames.ravel(), out.ravel()
    row = frames.shape[-1]
    for along, across in ((row, 1), (1, row)):
        at = _standing_out(frames, sigma, along)
        near = (flat[at - along] + flat[at + along]) / 2
        far = (flat[at - 2 * along] + flat[at + 2 * along]) / 2
        excess = flat[at] - near
        beside = [
            flat[at + side] - (flat[at + side - along] + flat[at + side + along]) / 2
            for side in (-across, across)
        ]
        limit = _NEIGHBOURS * np.abs(excess) + _NOISE * sigma.ravel()[at]
        alone = (np.abs(near - far) < limit) & (np.abs(beside[0] + beside[1]) / 2 < limit)
        alone &= np.abs(excess) > np.abs(result[at])
        result[at[alone]] = excess[alone]
    return out


def hits_that_stand_out_alone(
    planes: Sequence[Float32Array], mean: Float32Array, lone: Float32Array
) -> Pixels:
    """Find pixels that stand out alone in some exposures and not in all, as no hot pixel does.

    Parameters
    ----------
    planes : sequence of n (..., ny, nx) float32
        Exposures, as frames or as tiles; without NaN.
    mean : (..., ny, nx) float32
        Of the exposures, ADU.
    lone : (..., ny, nx) float32
        `lone_pixels` of it.

    Returns
    -------
    (k,) int64
        Flat indices.
    """
    at = np.flatnonzero(lone > 0)
    low = np.min([plane.ravel()[at] for plane in planes], axis=0)
    hit = mean.ravel()[at] - low > np.float32(_IN_ALL) * lone.ravel()[at]
    return np.asarray(at[hit], np.int64)


def _standing_out(frames: Float32Array, sigma: Float32Array, along: int) -> Pixels:
    """Pixels that differ from the mean of their two neighbours, borders left out."""
    flat, noise, found = frames.ravel(), sigma.ravel(), []
    for start in range(along, flat.size - along, _PIXELS):
        stop = min(start + _PIXELS, flat.size - along)
        excess = flat[start - along : stop - along] + flat[start + along : stop + along]
        excess *= np.float32(-0.5)
        excess += flat[start:stop]
        high = np.abs(excess, out=excess) > np.float32(_ALONE) * noise[start:stop]
        found.append(np.flatnonzero(high) + start)
    pixels = np.concatenate(found)
    ny, nx = frames.shape[-2:]
    y, x = np.divmod(pixels % (ny * nx), nx)
    return np.asarray(pixels[(y >= 2) & (y < ny - 2) & (x >= 2) & (x < nx - 2)], np.int64)
