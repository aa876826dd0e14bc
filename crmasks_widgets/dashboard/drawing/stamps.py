"""Small pictures of many hits at once, each on a scale of its own."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing import stretches

UINT8 = npt.NDArray[np.uint8]
Frame = npt.NDArray[Any]
# Half sides, pixels: room around a hit without making of it a dot.
LEAST_HALF: Final = 6
LARGEST_HALF: Final = 20
_ROOM: Final = 4
_SIGMA: Final = 1.4826  # median deviations to a standard deviation
_BRIGHTEST: Final = 40.0  # a hit as bright as this, in scatters of its surroundings, is white
# Half sides of what is near a hit, and of what is next to it; pixels.
_NEAR, _NEXT = 4, 2
# How far what is shown goes below and above a hit, in heights of the hit, and the least height, in
# distances of the median from the minimum: on the flank of a bright line all else is too far away.
_BELOW, _ABOVE, _LEAST = 2.0, 1.0, 6.0


def half_side(half_of_hit: int) -> int:
    """Half the side of the stamp of a hit, pixels, from half its longer side."""
    return min(LARGEST_HALF, max(LEAST_HALF, half_of_hit + _ROOM))


def stamps(
    frames: Sequence[Frame],
    centres: Sequence[tuple[int, int]],
    middles: Sequence[tuple[int, int]],
    half: int,
    stretch: str,
) -> UINT8:
    """Cut out the surroundings of some pixels.

    Parameters
    ----------
    frames : sequence of m (ny, nx) float
        ADU: exposures, median, corrected.
    centres : sequence of k (y, x)
        Array indices.
    middles : sequence of k (y, x)
        Pixels of the hits that colours are chosen for.
    half : int
        Half the side, pixels.
    stretch : str
        Key of `stretches.STRETCHES`.

    Returns
    -------
    (k, m, side, side) uint8
        Rows of `stretches.colour_palette`, the first row of a stamp lowest; beyond the frame as
        pixels without a value.
    """
    cut = _cut_out(frames, centres, half)
    low, high = (limit[:, None, None, None] for limit in limits(frames[:-1], middles))
    scaled = (cut - low) / np.maximum(high - low, np.float32(1e-30))
    return stretches.colour_indices(scaled, (0.0, 1.0), stretch)


def _cut_out(
    frames: Sequence[Frame], centres: Sequence[tuple[int, int]], half: int
) -> npt.NDArray[np.float32]:
    """What surrounds k pixels in m frames, (k, m, side, side); NaN beyond the frame."""
    middle = np.array(centres, np.int64).reshape(-1, 2)
    around = np.arange(-half, half + 1)
    ys, xs = (middle[:, i, None] + around for i in (0, 1))
    ny, nx = frames[0].shape
    outside = ((ys < 0) | (ys >= ny))[:, :, None] | ((xs < 0) | (xs >= nx))[:, None, :]
    index = np.clip(ys, 0, ny - 1)[:, :, None], np.clip(xs, 0, nx - 1)[:, None, :]
    cut = np.stack([frame[index] for frame in frames], axis=1).astype(np.float32)
    np.copyto(cut, np.nan, where=outside[:, None])
    return cut


def limits(
    frames: Sequence[Frame], places: Sequence[tuple[int, int]]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Colour limits in which hits are seen against what is next to them.

    Parameters
    ----------
    frames : sequence of (ny, nx) float
        ADU: exposures, and their median last.
    places : sequence of k (y, x)
        Array indices of a pixel of each hit.

    Returns
    -------
    low, high : (k,) float
        ADU. Around a hit on the sky, the least value near it, and the largest one or, if that is
        less, so many times the scatter above the median. On a bright line, which would need all
        colours for itself, only what lies a few heights of the hit below and above it. 0 and 1
        where nothing is finite.
    """
    cut = _cut_out(frames, places, _NEAR)
    cut[~np.isfinite(cut)] = np.nan
    none = np.isnan(cut[:, -1]).all(axis=(1, 2))
    cut[none] = 0.0
    low, high = _range_near(cut[:, -1])
    below, above = _range_of_hit(cut)
    tight_low, tight_high = np.fmax(low, below), np.fmin(high, above)
    rising = tight_high > tight_low
    low, high = np.where(rising, tight_low, low), np.where(rising, tight_high, high)
    low[none], high[none] = 0.0, 1.0
    return low, high


def _median_of_each(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Median of what is finite in each of (k, ny, nx) values, NaN where nothing is.

    `numpy.nanmedian` goes through masked arrays for such small frames, and takes ten times as long.
    """
    ordered = np.sort(values.reshape(len(values), -1), axis=1)  # NaN last
    n = np.maximum(np.isfinite(ordered).sum(axis=1), 1)
    each = np.arange(len(values))
    middle: npt.NDArray[np.float32] = ordered[each, (n - 1) // 2] + ordered[each, n // 2]
    return middle / np.float32(2)


def _range_near(median: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Least value near hits, and the largest that leaves the scatter around it a colour."""
    low, high = np.nanmin(median, axis=(1, 2)), np.nanmax(median, axis=(1, 2))
    middle = _median_of_each(median)
    scatter = _SIGMA * _median_of_each(np.abs(median - middle[:, None, None]))
    return low, np.where(scatter > 0, np.minimum(high, middle + _BRIGHTEST * scatter), high)


def _range_of_hit(cut: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """So many heights of a hit below and above it: NaN where it has no value.

    Its height is over the least exposure, or over what is next to it where all are alike.
    """
    side = slice(_NEAR - _NEXT, _NEAR + _NEXT + 1)
    least, median = np.fmin.reduce(cut[:, :-1], axis=1), cut[:, -1]
    noise = _median_of_each((median - least)[:, side, side])
    top = median[:, _NEAR, _NEAR]
    foot = np.fmin(least[:, _NEAR, _NEAR], _median_of_each(median[:, side, side]))
    height = np.fmax(top - foot, _LEAST * noise)
    return foot - _BELOW * height, top + _ABOVE * height
