"""Which pixels of a large frame are looked at: blocks that no pattern of the frame can dodge."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from crmasks_widgets.core.typing import Float32Array, FloatArray, Int64Array

# Sides that a block may have, pixels: long beside what hits and sources are left out with, short
# enough for some hundred blocks, and of sums of two.
SIDES: Final = range(16, 33, 2)
# Pixels that are looked at, of a larger frame: all 3.2 million of 2016 x 1596 x 3 take 1.9 s, so
# many 0.3 s, and tell the variance of a class that has 1 % of them to 3 %.
ENOUGH: Final = 500_000
# The root of x^3 = x + 1. Multiples of 1 / x and of 1 / x^2, without their whole parts, are spread
# evenly, alone and in pairs (M. Roberts 2018, "The unreasonable effectiveness of quasirandom
# sequences").
PLASTIC: Final = 1.324717957244746


@dataclass(frozen=True)
class Blocks:
    """Equal rectangles of a frame, none of which overlaps another.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of each; even numbers.
    y, x : (k,) int64
        First row and column of each.
    """

    shape: tuple[int, int]
    y: Int64Array
    x: Int64Array

    def of(self, frame: FloatArray) -> FloatArray:
        """Cut the blocks out of a frame.

        Parameters
        ----------
        frame : (ny, nx) ndarray
            The frame that they were chosen for.

        Returns
        -------
        (k, rows, columns) ndarray
            Its values.
        """
        windows = np.lib.stride_tricks.sliding_window_view(frame, self.shape)
        return np.asarray(windows[self.y, self.x])

    def quarters(self, frame: FloatArray) -> Float32Array:
        """Squares of four neighbouring pixels of the blocks.

        Parameters
        ----------
        frame : (ny, nx) ndarray
            The frame that they were chosen for.

        Returns
        -------
        (4, k, rows / 2, columns / 2) float32
            Upper left, upper right, lower left, lower right pixel of each.
        """
        cut = self.of(frame)
        corners = [cut[:, y::2, x::2] for y in (0, 1) for x in (0, 1)]
        return np.stack(corners).astype(np.float32, copy=False)


def choose_blocks(shape: tuple[int, int]) -> Blocks:
    """Choose the pixels of a frame that are looked at: all, or about `ENOUGH` of them.

    A large frame is divided into touching tiles; of row i and column j of them one is taken where
    i / x + j / x^2, without its whole part, is below the share that is wanted, x being `PLASTIC`.
    Rows at a fixed stride see nothing but gaps where the pitch of fibres divides it. Here every
    row of tiles, and every column, has its share, so that all rows and all columns of the frame
    are seen alike, whatever its pattern, and wide frames of few rows as well. Nothing is drawn:
    the same frame has the same blocks.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame.

    Returns
    -------
    Blocks
        One that is the frame (without its last row or column where these are odd), or many.
    """
    ny, nx = shape
    height, width = (_side(length) for length in shape)
    if ny * nx <= ENOUGH or not height * width:
        corner = np.zeros(1, np.int64)
        return Blocks((ny // 2 * 2, nx // 2 * 2), corner, corner)
    n_rows, n_columns = ny // height, nx // width
    i, j = np.arange(n_rows)[:, None], np.arange(n_columns)
    share = ENOUGH / (n_rows * n_columns * height * width)
    row, column = np.nonzero((i / PLASTIC + j / PLASTIC**2) % 1 < share)
    return Blocks((height, width), row * height, column * width)


def _side(length: int) -> int:
    """Side of tiles that leave least of an axis over, the longest of those."""
    if length < SIDES[-1]:
        return length // 2 * 2
    return max(SIDES, key=lambda side: (length // side * side, side))
