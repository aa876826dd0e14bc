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
    low, high = _limits(cut[:, -2])
    scaled = (cut - low) / np.maximum(high - low, np.float32(1e-30))
    return stretches.colour_indices(scaled, (0.0, 1.0), stretch)


def _limits(cut: npt.NDArray[np.float32]) -> tuple[Any, Any]:
    """Extremes of each stamp, (k, 1, 1, 1); 0 and 1 where nothing is finite."""
    finite = np.isfinite(cut)
    low = np.where(finite, cut, np.inf).min(axis=(1, 2))
    high = np.where(finite, cut, -np.inf).max(axis=(1, 2))
    none = ~finite.any(axis=(1, 2))
    low[none], high[none] = 0.0, 1.0
    return low[:, None, None, None], high[:, None, None, None]
