"""What is smooth over the frame, or runs along its rows or columns: sky, its lines, bad columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.typing import Float32Array, FloatArray, IndexArray

# Terms: a plane and its squares; what runs along columns and along rows, with two derivatives.
N_POLYNOMIAL, N_ALONG = 6, 3
N_SKY = N_POLYNOMIAL + 2 * N_ALONG
# What runs along an axis is the median of so many pixels: lines of the sky may be tilted.
_BLOCK = 16
# Pixels that are interpolated at once: few blocks count for them.
_STEP = 256
# A column or row is bad if it differs from its neighbours by so many times the scatter of all, its
# neighbours from theirs by less than a part of that, in so many of its blocks.
_ALONE, _NEIGHBOURS, _BLOCKS = 6.0, 0.15, 0.5


@dataclass(frozen=True)
class Along:
    """What runs along an axis.

    Attributes
    ----------
    terms : (3, n_blocks, n_across) float32
        Medians of blocks of pixels, and their first two derivatives across the axis, ADU.
    bad : (n_blocks, n_across) float32
        What single lines of the detector differ from their neighbours by, ADU; not in `terms`.
    weights : (n_along, n_blocks) float32
        Straight lines between the centres of the blocks.
    """

    terms: Float32Array
    bad: Float32Array
    weights: Float32Array


@dataclass(frozen=True)
class Sky:
    """Smooth parts of a frame.

    Attributes
    ----------
    shape : (ny, nx)
        Of the frame.
    columns, rows : Along
        What runs along columns, and along rows.
    """

    shape: tuple[int, int]
    columns: Along
    rows: Along

    def bad_lines(self) -> Float32Array:
        """What bad columns and rows differ from their neighbours by.

        Returns
        -------
        (ny, nx) float32
            ADU.
        """
        if not (self.columns.bad.any() or self.rows.bad.any()):
            return np.zeros(self.shape, np.float32)
        down = self.columns.weights @ self.columns.bad
        return np.asarray(down + self.rows.bad.T @ self.rows.weights.T, np.float32)

    def combined(self, weights: FloatArray) -> "Smooth":
        """Sum of the terms.

        Parameters
        ----------
        weights : (12,) ndarray
            Of the constant, x, y, x y, x^2, y^2 (from -1 to 1 over the frame), and of `Along.terms`
            of columns and of rows.

        Returns
        -------
        Smooth
            To be asked for rows.
        """
        w = np.asarray(weights, np.float32)
        parts = w[N_POLYNOMIAL:].reshape(2, N_ALONG)
        down = np.tensordot(parts[0], self.columns.terms, 1)
        over = np.tensordot(parts[1], self.rows.terms, 1)
        return Smooth(self, w, down, np.ascontiguousarray(over.T))

    def terms_in(self, rows: IndexArray, columns: IndexArray) -> Float32Array:
        """Every term in a part of the frame.

        Parameters
        ----------
        rows : (h,) int
            Rows; those that occur twice are answered twice.
        columns : (w,) int
            Columns.

        Returns
        -------
        (12, h, w) float32
            In the order of `combined`; the polynomial without unit, the others in ADU.
        """
        y = _coordinate(rows, self.shape[0])[:, None]
        x = _coordinate(columns, self.shape[1])[None]
        one = np.ones((len(rows), len(columns)), np.float32)
        plane = [one, one * x, one * y, x * y, one * x * x, one * y * y]
        down = [self.columns.weights[rows] @ term[:, columns] for term in self.columns.terms]
        over = [(self.rows.weights[columns] @ term[:, rows]).T for term in self.rows.terms]
        return np.stack(plane + down + over)


@dataclass(frozen=True)
class Smooth:
    """Sum of the terms of a sky.

    Attributes
    ----------
    sky : Sky
        The terms.
    weights : (12,) float32
        Theirs.
    down : (n_blocks, nx) float32
        What runs along the columns, block by block, ADU.
    over : (ny, n_blocks) float32
        What runs along the rows.
    """

    sky: Sky
    weights: Float32Array
    down: Float32Array
    over: Float32Array

    def rows(self, rows: slice) -> Float32Array:
        """Values in some rows, (h, nx) float32, ADU."""
        x, y = coordinates(self.sky.shape, rows)
        w, one = self.weights, np.ones
        weights, near = _near(self.sky.columns.weights[rows])
        left = (weights, one((len(y), 1)), (w[2] * y + w[5] * y * y)[:, None], y[:, None])
        right = (self.down[near], [w[0] + w[1] * x + w[4] * x * x], one((1, len(x))), [w[3] * x])
        total = np.matmul(*(np.asarray(np.concatenate(part, axis), np.float32)
                            for axis, part in ((1, left), (0, right))))  # fmt: skip
        if self.over.any():
            for start in range(0, len(x), _STEP):
                some = slice(start, start + _STEP)
                weights, near = _near(self.sky.rows.weights[some])
                total[:, some] += self.over[rows, near] @ weights.T
        return np.asarray(total, np.float32)


def _near(weights: Float32Array) -> tuple[Float32Array, slice]:
    """Weights of the few blocks that count for some pixels, and which these are."""
    used = np.flatnonzero(weights.any(axis=0))
    near = slice(int(used[0]), int(used[-1]) + 1)
    return weights[:, near], near


def measure_sky(frame: Float32Array) -> Sky:
    """Find what runs along the columns and along the rows of a frame.

    Parameters
    ----------
    frame : (ny, nx) float32
        Median of the exposures, ADU; without NaN.

    Returns
    -------
    Sky
        Medians of 16 pixels.
    """
    ny, nx = frame.shape
    return Sky((ny, nx), _along(frame.T), _along(frame))


def coordinates(shape: tuple[int, int], rows: slice) -> tuple[Float32Array, Float32Array]:
    """Place in the frame, from -1 to 1.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame.
    rows : slice
        Of the y axis.

    Returns
    -------
    x, y : (nx,), (h,) float32
        Of the columns and of the rows.
    """
    ny, nx = shape
    return _coordinate(np.arange(nx), nx), _coordinate(np.arange(ny), ny)[rows]


def _coordinate(pixels: IndexArray, n: int) -> Float32Array:
    return np.asarray(2 * pixels / max(n - 1, 1) - 1, np.float32)


def _along(frame: Float32Array) -> Along:
    """Medians of the blocks of every row (of a transposed frame: of every column)."""
    n = frame.shape[1]
    n_blocks = max(1, n // _BLOCK)
    edges = np.append(np.arange(n_blocks) * _BLOCK, n)
    medians = np.stack([_median(frame[:, a:b]) for a, b in _pairs(edges)])
    bad = _bad_lines(medians)
    first = np.gradient(medians - bad, axis=1)
    second = np.gradient(first, axis=1)
    # There, differences are of one side only.
    second[:, :2] = second[:, -2:] = 0
    centres = (edges[:-1] + edges[1:] - 1) / 2
    weights = [np.interp(np.arange(n), centres, unit) for unit in np.eye(n_blocks)]
    terms = np.asarray(np.stack([medians - bad, first, second]), np.float32)
    return Along(terms, bad, np.asarray(np.transpose(weights), np.float32, order="C"))


def _pairs(edges: IndexArray) -> Iterator[tuple[int, int]]:
    return zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _median(block: Float32Array) -> Float32Array:
    """Median along the second axis."""
    ordered = np.sort(np.ascontiguousarray(block), axis=1)
    size = ordered.shape[1]
    return np.asarray((ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2, np.float32)


def _bad_lines(medians: Float32Array) -> Float32Array:
    """What lines that stand out alone in most of their blocks differ from their neighbours by."""
    padded = np.pad(medians, ((0, 0), (2, 2)), mode="edge")
    near = (padded[:, 1:-3] + padded[:, 3:-1]) / 2
    far = (padded[:, :-4] + padded[:, 4:]) / 2
    excess = medians - near
    scatter = 1.4826 * np.median(np.abs(excess - np.median(excess)))
    alone = np.abs(excess) > _ALONE * scatter
    alone &= np.abs(near - far) < _NEIGHBOURS * np.abs(excess) + scatter
    alone &= alone.mean(axis=0) >= _BLOCKS
    return np.asarray(np.where(alone, excess, 0), np.float32)
