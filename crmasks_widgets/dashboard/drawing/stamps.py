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


def half_side(half_of_hit: int) -> int:
    """Half the side of the stamp of a hit, pixels, from half its longer side."""
    return min(LARGEST_HALF, max(LEAST_HALF, half_of_hit + _ROOM))


def stamps(
    frames: Sequence[Frame], centres: Sequence[tuple[int, int]], half: int, stretch: str
) -> UINT8:
    """Cut out the surroundings of some pixels.

    Parameters
    ----------
    frames : sequence of m (ny, nx) float
        ADU; the last but one is the one whose stamp sets the limits of all of that pixel.
    centres : sequence of k (y, x)
        Array indices.
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
    middle = np.array(centres, np.int64).reshape(-1, 2)
    around = np.arange(-half, half + 1)
    ys, xs = (middle[:, i, None] + around for i in (0, 1))
    ny, nx = frames[0].shape
    outside = ((ys < 0) | (ys >= ny))[:, :, None] | ((xs < 0) | (xs >= nx))[:, None, :]
    index = np.clip(ys, 0, ny - 1)[:, :, None], np.clip(xs, 0, nx - 1)[:, None, :]
    cut = np.stack([frame[index] for frame in frames], axis=1).astype(np.float32)
    np.copyto(cut, np.nan, where=outside[:, None])
    low, high = (limit[:, None, None, None] for limit in limits(cut[:, -2]))
    scaled = (cut - low) / np.maximum(high - low, np.float32(1e-30))
    return stretches.colour_indices(scaled, (0.0, 1.0), stretch)


def limits(cut: npt.NDArray[np.floating]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Colour limits of stamps, in which what surrounds a hit is seen as well.

    Parameters
    ----------
    cut : (k, side, side) float
        ADU.

    Returns
    -------
    low, high : (k,) float
        The least value, and the largest one or, if that is less, so many times the scatter above
        the median; 0 and 1 where nothing is finite.
    """
    finite = np.isfinite(cut)
    low = np.where(finite, cut, np.inf).min(axis=(1, 2))
    high = np.where(finite, cut, -np.inf).max(axis=(1, 2))
    none = ~finite.any(axis=(1, 2))
    known = np.where(none[:, None, None], 0.0, cut)
    middle = np.nanmedian(known, axis=(1, 2))
    scatter = _SIGMA * np.nanmedian(np.abs(known - middle[:, None, None]), axis=(1, 2))
    high = np.where(scatter > 0, np.minimum(high, middle + _BRIGHTEST * scatter), high)
    low[none], high[none] = 0.0, 1.0
    return low, high
