"""The pictures of a report: frames as a whole, and stamps of hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.codes import INVALID_COLOUR, all_codes
from crmasks_widgets.core.typing import FloatArray
from crmasks_widgets.figures.images import block_mean
from crmasks_widgets.files.pictures import SMALL, data_address, palette_png

# Of a whole frame; larger ones are reduced by the mean of blocks.
MOST_PIXELS: Final = 900_000
# On either side of the central pixel of a stamp.
HALF_STAMP: Final = 12
STAMP: Final = 2 * HALF_STAMP + 1
GAP: Final = 1
# Grey levels: no eye tells more apart, and noise in more of them makes a file twice as large.
_GREYS: Final = 64
# Of the grey scale: a hit and the sky under it are both to be seen.
_POWER: Final = 0.5
_INVALID, _EMPTY, _FIRST_CODE = _GREYS, _GREYS + 1, _GREYS + 2

Limits = tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """A picture in a page.

    Attributes
    ----------
    address : str
        "data:image/png;base64,...".
    width, height : int
        Its pixels.
    """

    address: str
    width: int
    height: int


def _palette() -> npt.NDArray[np.uint8]:
    """Greys from black to white, then no value, nothing, and the codes of detections."""
    known = all_codes()
    palette = np.full((_FIRST_CODE + max(known) + 1, 4), 255, dtype=np.uint8)
    palette[:_GREYS, :3] = np.linspace(0, 255, _GREYS).round().astype(np.uint8)[:, None]
    palette[_INVALID, :3] = _rgb(INVALID_COLOUR)
    palette[_EMPTY] = 0
    palette[_FIRST_CODE, :3] = 24
    for number, code in known.items():
        palette[_FIRST_CODE + number, :3] = _rgb(code.colour)
    return palette


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _greys(values: FloatArray, limits: Limits) -> npt.NDArray[np.uint8]:
    low, high = limits
    known = np.isfinite(values)
    share = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
    levels = (share**_POWER * (_GREYS - 1)).round().astype(np.uint8)
    return np.where(known, levels, np.uint8(_INVALID))


def frame_picture(frame: FloatArray, limits: Limits) -> Picture:
    """Draw a frame as a whole.

    Parameters
    ----------
    frame : (ny, nx) ndarray
        ADU; what has no value is burgundy.
    limits : (low, high)
        Of the grey scale, ADU.

    Returns
    -------
    Picture
        Of at most `MOST_PIXELS` pixels, each the mean of a square block.
    """
    ny, nx = frame.shape
    factor = max(1, int(np.ceil(np.sqrt(ny * nx / MOST_PIXELS))))
    reduced, _ = block_mean(frame, (-(-ny // factor), -(-nx // factor)))
    return _picture(_greys(reduced, limits))


def hit_strip(
    frames: Sequence[FloatArray],
    codes: npt.NDArray[np.uint8],
    place: tuple[float, float],
    limits: Limits,
) -> Picture:
    """Draw what surrounds a hit: stamps of frames side by side, then who flagged which pixel.

    Parameters
    ----------
    frames : sequence of m (ny, nx) ndarray
        ADU.
    codes : (ny, nx) uint8
        Detection codes.
    place : (x, y)
        Centre of the hit, FITS pixels.
    limits : (low, high)
        Common grey scale, ADU.

    Returns
    -------
    Picture
        m + 1 stamps with `GAP` between, of `STAMP` pixels or as many as the frame has along an
        axis; at its border they are moved inside.
    """
    ny, nx = codes.shape
    window = _inside(place[1], ny), _inside(place[0], nx)
    stamps = [_greys(frame[window], limits) for frame in frames]
    stamps.append(codes[window] + np.uint8(_FIRST_CODE))
    height, width = stamps[0].shape
    strip = np.full((height, len(stamps) * (width + GAP) - GAP), _EMPTY, dtype=np.uint8)
    for i, stamp in enumerate(stamps):
        start = i * (width + GAP)
        strip[:, start : start + width] = stamp
    return _picture(strip)


def _inside(centre: float, n: int) -> slice:
    """Pixels of a stamp along an axis of a frame."""
    start = min(max(0, round(centre) - 1 - HALF_STAMP), max(0, n - STAMP))
    return slice(start, min(n, start + STAMP))


def density_picture(counts: npt.NDArray[np.int64]) -> Picture:
    """Draw a density of pixels: dark where there are many, nothing where there are none.

    Parameters
    ----------
    counts : (columns, rows) int64
        Pixels in each cell.

    Returns
    -------
    Picture
        A pixel a cell, logarithmic.
    """
    most = max(10, int(counts.max(initial=1)))
    share = np.log(np.maximum(counts, 1)) / np.log(most)
    levels = (1 + share * 254).round().astype(np.uint8)
    palette = np.zeros((256, 4), dtype=np.uint8)
    palette[1:, :3] = (120, 130, 145)
    palette[1:, 3] = np.linspace(60, 255, 255).round()
    indices = np.where(counts > 0, levels, np.uint8(0)).T
    png = palette_png(indices, palette, effort=SMALL)
    return Picture(data_address(png), counts.shape[0], counts.shape[1])


def _picture(indices: npt.NDArray[np.uint8]) -> Picture:
    height, width = indices.shape
    return Picture(data_address(palette_png(indices, _palette(), effort=SMALL)), width, height)
