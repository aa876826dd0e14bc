"""The cube of equivalent exposures and its frames over the exposure axis."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import BoolArray, Float32Array, Pixels

# Rows handled at once: a block of three exposures of 2000 columns then stays in a core's cache.
BLOCK_ROWS = 32

# Each of two can be compared with the other; methods that need more say so in the registry.
MIN_EXPOSURES = 2


# No detector counts so much; what does is a fill value. Far beyond it, single precision overflows.
LARGEST_VALUE: Final = 1e15


@dataclass(frozen=True)
class Stack:
    """Exposures ready to be compared, and what a user looks at first.

    Attributes
    ----------
    cube : (n, ny, nx) float32
        Bias-subtracted exposures in ADU, divided by their flux factors where these apply to the
        exposures themselves. Invalid pixels are NaN.
    min2d, median2d, mean2d, max2d : (ny, nx) float32
        Frames over the valid values of each pixel, ADU; NaN where no exposure is valid.
    valid : (n, ny, nx) bool or None
        False where an exposure has no usable value; None when all are usable.
    n_valid : (ny, nx) int16
        Number of valid exposures in each pixel.
    """

    cube: Float32Array
    min2d: Float32Array
    median2d: Float32Array
    mean2d: Float32Array
    max2d: Float32Array
    valid: BoolArray | None
    n_valid: npt.NDArray[np.int16]

    @property
    def n(self) -> int:
        """Number of exposures."""
        return int(self.cube.shape[0])

    def rows(self, rows: slice) -> "Stack":
        """Some rows of everything.

        Parameters
        ----------
        rows : slice
            Of the y axis.

        Returns
        -------
        Stack
            Views.
        """
        return Stack(
            self.cube[:, rows],
            self.min2d[rows],
            self.median2d[rows],
            self.mean2d[rows],
            self.max2d[rows],
            None if self.valid is None else self.valid[:, rows],
            self.n_valid[rows],
        )

    def without(self, exposure: npt.NDArray[np.int64], pixels: npt.NDArray[np.int64]) -> "Stack":
        """The same exposures with some values left out.

        Parameters
        ----------
        exposure, pixels : (k,) int64
            Index of the exposure, from 0, and flat index of the pixel of each.

        Returns
        -------
        Stack
            New arrays.
        """
        cube = self.cube.copy()
        valid = np.ones(cube.shape, dtype=bool) if self.valid is None else self.valid.copy()
        cube.reshape(self.n, -1)[exposure, pixels] = np.nan
        valid.reshape(self.n, -1)[exposure, pixels] = False
        low, middle, mean, high = (
            frame.copy() for frame in (self.min2d, self.median2d, self.mean2d, self.max2d)
        )
        where = np.unique(pixels)
        _mend_invalid((low, middle, mean, high), cube, where)
        n_valid = np.array(self.n_valid)
        n_valid.ravel()[where] = valid.reshape(self.n, -1)[:, where].sum(axis=0)
        return Stack(cube, low, middle, mean, high, valid, n_valid)

    def target(self, target: str | int) -> Float32Array:
        """Frame that a detection looks at.

        Parameters
        ----------
        target : {"median", "mean"} or int
            An integer is the number of an exposure, from 1 to n.

        Returns
        -------
        (ny, nx) float32
            The frame, ADU.
        """
        if target == "median":
            return self.median2d
        if target == "mean":
            return self.mean2d
        frame: Float32Array = self.cube[int(target) - 1]
        return frame

    def target_valid(self, target: str | int) -> BoolArray | None:
        """Pixels of a target that hold a usable value, or None when all do.

        Parameters
        ----------
        target : {"median", "mean"} or int
            As in `target`.

        Returns
        -------
        (ny, nx) bool or None
            False where the frame is NaN.
        """
        if self.valid is None:
            return None
        if isinstance(target, int):
            exposure: BoolArray = self.valid[target - 1]
            return exposure
        return self.n_valid > 0


def sorted_planes(planes: list[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.floating]]:
    """Sort equally shaped arrays against each other, element by element.

    Whole planes are compared (an odd-even transposition network), which for the few exposures of an
    observing block is far quicker than sorting along the first axis of a cube.

    Parameters
    ----------
    planes : list of ndarray
        Equally shaped arrays without NaN.

    Returns
    -------
    list of ndarray
        The lowest values first; new arrays.
    """
    planes = list(planes)
    for turn in range(len(planes)):
        for i in range(turn % 2, len(planes) - 1, 2):
            low, high = planes[i], planes[i + 1]
            planes[i], planes[i + 1] = np.minimum(low, high), np.maximum(low, high)
    return planes


def middle(ordered: list[npt.NDArray[np.floating]]) -> npt.NDArray[np.floating]:
    """Median of sorted planes: the central one, or the mean of the two central ones.

    Parameters
    ----------
    ordered : list of ndarray
        What `sorted_planes` returns.

    Returns
    -------
    ndarray
        In the planes' own dtype.
    """
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return np.asarray((ordered[half - 1] + ordered[half]) / 2)


def _frames(cube: Float32Array) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
    """Minimum, median, mean and maximum of a cube without NaN, block by block."""
    ny, nx = cube.shape[1:]
    out = tuple(np.empty((ny, nx), np.float32) for _ in range(4))
    for start in range(0, ny, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = cube[:, rows]
        ordered = sorted_planes(list(block))
        out[0][rows], out[1][rows], out[3][rows] = ordered[0], middle(ordered), ordered[-1]
        np.mean(block, axis=0, out=out[2][rows])
    return out[0], out[1], out[2], out[3]


def _mend_invalid(frames: tuple[Float32Array, ...], cube: Float32Array, pixels: Pixels) -> None:
    """Overwrite the frames where at least one exposure is invalid, from the valid ones alone."""
    values = np.ma.masked_invalid(cube.reshape(len(cube), -1)[:, pixels])
    median = np.ma.median(values, axis=0)  # type: ignore[no-untyped-call]
    statistics = (values.min(0), median, values.mean(0), values.max(0))
    for frame, statistic in zip(frames, statistics, strict=True):
        frame.ravel()[pixels] = np.ma.filled(statistic.astype(np.float32), np.nan)


def stack_exposures(
    data: Float32Array,
    bias: float | Float32Array = 0.0,
    flux_factors: tuple[float, ...] | None = None,
    valid: BoolArray | None = None,
) -> Stack:
    """Subtract the bias, divide by the flux factors and take the frames over the exposures.

    docs/method.md, Preparation; invalid pixels are left out exposure by exposure.

    Parameters
    ----------
    data : (n, ny, nx) float32
        Exposures, ADU.
    bias : float or (ny, nx) float32
        Bias level, ADU.
    flux_factors : tuple of n floats, optional
        Divisors of the exposures; none when the factors act on the simulations only.
    valid : (n, ny, nx) bool, optional
        False for pixels to be left out.

    Returns
    -------
    Stack
        All frames float32, ADU.
    """
    cube = data - np.asarray(bias, dtype=np.float32)
    if flux_factors is not None:
        for exposure, factor in zip(cube, flux_factors, strict=True):
            exposure /= np.float32(factor)
    return stack_of(cube, valid)


def stack_of(cube: Float32Array, valid: BoolArray | None = None) -> Stack:
    """Take the frames over exposures that are ready to be compared.

    Parameters
    ----------
    cube : (n, ny, nx) float32
        Exposures, ADU; kept, and set to NaN where they are invalid.
    valid : (n, ny, nx) bool, optional
        False for pixels to be left out.

    Returns
    -------
    Stack
        All frames float32, ADU.
    """
    if valid is not None and valid.all():
        valid = None
    if valid is None:
        n_valid = np.broadcast_to(np.int16(cube.shape[0]), cube.shape[1:])
        frames = _frames(cube)
    else:
        n_valid = valid.sum(axis=0, dtype=np.int16)
        frames = _frames(np.where(valid, cube, np.float32(0)))
        cube[~valid] = np.nan
        _mend_invalid(frames, cube, np.flatnonzero(n_valid < cube.shape[0]))
    return Stack(cube, *frames, valid=valid, n_valid=n_valid)
