"""Fine structure of L.A.Cosmic by matched filter: the point-spread kernel and its convolutions.

The image f is sum(K D / N²) / sum(K / N²), with frame D, noise N and point-spread function K: the
flux of a source that has the shape of K, which a cosmic ray has not. Every kernel is taken apart
into a few products of a column and a row (one for the Gaussians), so that a convolution runs along
rows, then along columns. Beyond the border D / N² and 1 / N² are 0.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.lacosmic.medians import in_chunks
from crmasks_widgets.core.typing import Float32Array, IndexArray

# Singular values below this fraction of the first are the rounding of the float32 kernel.
SMALLEST_TERM = 2e-7


class Taps(NamedTuple):
    """One separable term: weights along columns (dy = -h..h) and along rows, (2h + 1,) float32."""

    column: Float32Array
    row: Float32Array


def model_kernel(model: str, fwhm: float, beta: float, size: int) -> Float32Array:
    """Point-spread function with the roundings of astroscrappy 1.3.

    Parameters
    ----------
    model : {"gauss", "gaussx", "gaussy", "moffat"}
        Shape.
    fwhm : float
        Full width at half maximum, pixels.
    beta : float
        Exponent of the Moffat function.
    size : int
        Side, pixels, odd.

    Returns
    -------
    (size, size) float32
        With unit sum.
    """
    u = np.arange(size) - size // 2
    x, y = np.meshgrid(u, u)
    width, exponent = np.float32(fwhm), float(np.float32(beta))
    if model == "moffat":
        alpha = float(width) / 2 / np.sqrt(2 ** (1 / exponent) - 1)
        profile = (1 + (x**2 + y**2) / alpha / alpha) ** -exponent
    else:
        r2 = {"gauss": x**2 + y**2, "gaussx": x**2, "gaussy": y**2}[model]
        profile = np.exp(-0.5 * r2 / (float(width * width) / 2.35482 / 2.35482))
    kernel: Float32Array = profile.astype(np.float32)
    kernel /= kernel.sum()
    return kernel


def separable_terms(kernel: Float32Array) -> tuple[Taps, ...]:
    """Take a kernel apart into products of a column and a row.

    Parameters
    ----------
    kernel : (size, size) float32
        Of a convolution; size odd.

    Returns
    -------
    tuple of Taps
        Weights of the neighbours, that is, of the turned kernel.
    """
    left, values, right = np.linalg.svd(kernel[::-1, ::-1].astype(np.float64))
    return tuple(
        Taps(
            (left[:, k] * np.sqrt(value)).astype(np.float32),
            (right[k] * np.sqrt(value)).astype(np.float32),
        )
        for k, value in enumerate(values)
        if value > SMALLEST_TERM * values[0]
    )


def _weighted(frame: npt.ArrayLike, noise: Float32Array, out: Float32Array) -> None:
    # Divided twice, as the library does: the square of the noise would be rounded otherwise.
    np.divide(frame, noise, out=out)
    out /= noise


def _total(parts: Iterable[Float32Array]) -> Float32Array:
    return functools.reduce(np.add, parts)


def _along(values: Float32Array, taps: Float32Array, axis: int) -> Float32Array:
    n = values.shape[axis] - taps.size + 1
    before = (slice(None),) * axis
    total: Float32Array = values[(*before, slice(n))] * taps[0]
    product = np.empty_like(total)
    for k in range(1, taps.size):
        total += np.multiply(values[(*before, slice(k, k + n))], taps[k], out=product)
    return total


def matched_rows(
    frame: Float32Array, noise: Float32Array, rows: slice, terms: tuple[Taps, ...]
) -> Float32Array:
    """Matched filter of some rows.

    Parameters
    ----------
    frame, noise : (ny, nx) float32
        Electrons.
    rows : slice
        Rows wanted.
    terms : tuple of Taps
        The kernel.

    Returns
    -------
    (rows, nx) float32
        Electrons.
    """
    ny, nx = frame.shape
    half = terms[0].row.size // 2
    low, high = max(0, rows.start - half), min(ny, rows.stop + half)
    padded = np.zeros((rows.stop - rows.start + 2 * half, nx + 2 * half), np.float32)
    top = low - (rows.start - half)
    inner = padded[top : top + high - low, half : half + nx]
    sums = []
    for values in (frame[low:high], np.float32(1)):
        _weighted(values, noise[low:high], inner)
        sums.append(_total(_along(_along(padded, t.row, 1), t.column, 0) for t in terms))
    ratio: Float32Array = sums[0] / sums[1]
    return ratio


class MatchedFilter:
    """Matched filter at single pixels, with room for the intermediate frames.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frames.
    terms : tuple of Taps
        The kernel.
    """

    def __init__(self, shape: tuple[int, int], terms: tuple[Taps, ...]) -> None:
        ny, nx = shape
        half = terms[0].row.size // 2
        self._shape, self._terms, self._half = shape, terms, half
        # The margins are never written and stay 0.
        self._weighted = np.zeros((ny + 2 * half, nx + 2 * half), np.float32)
        self._along_rows = np.zeros((ny + 2 * half, nx), np.float32)

    def at(self, frame: Float32Array, noise: Float32Array, points: IndexArray) -> Float32Array:
        """Evaluate the filter: the same values as `matched_rows`.

        Parameters
        ----------
        frame, noise : (ny, nx) float32
            Electrons.
        points : (n,) int
            Flat indices.

        Returns
        -------
        (n,) float32
            Electrons.
        """
        nx, half = self._shape[1], self._half
        rows = self._near(points, nx, self._along_rows.size)
        inside = slice(*np.searchsorted(rows, [half * nx, self._along_rows.size - half * nx]))
        rows = rows[inside] - half * nx
        width = nx + 2 * half
        padded = self._near(rows + (rows // nx) * 2 * half + half * width, 1, self._weighted.size)
        y, x = np.divmod(padded, width)
        seen = (x >= half) & (x < half + nx)
        padded, original = padded[seen], ((y - half) * nx + x - half)[seen]
        sums = []
        local_noise = noise.ravel().take(original)
        for values in (frame.ravel().take(original), np.float32(1)):
            self._weighted.ravel()[padded] = values / local_noise / local_noise
            sums.append(_total(self._term(rows, points, taps) for taps in self._terms))
        ratio: Float32Array = sums[0] / sums[1]
        return ratio

    def _near(self, points: IndexArray, step: int, size: int) -> IndexArray:
        """Flat indices of all that the taps of some pixels, `step` apart, touch."""
        marks = np.zeros(size, bool)
        for k in range(2 * self._half + 1):
            marks[points + k * step] = True
        return np.flatnonzero(marks)

    def _term(self, rows: IndexArray, points: IndexArray, taps: Taps) -> Float32Array:
        nx, half = self._shape[1], self._half
        weighted, along_rows = self._weighted.ravel(), self._along_rows.ravel()

        def row(some: IndexArray) -> Float32Array:
            corner = some + (some // nx) * (2 * half) + half * self._weighted.shape[1]
            return _sum_of_taps(weighted, corner, 1, taps.row)

        along_rows[rows + half * nx] = in_chunks(row, rows)
        return in_chunks(lambda some: _sum_of_taps(along_rows, some, nx, taps.column), points)


def _sum_of_taps(
    flat: Float32Array, first: IndexArray, step: int, taps: Float32Array
) -> Float32Array:
    total: Float32Array = flat.take(first) * taps[0]
    for k in range(1, taps.size):
        total += flat.take(first + k * step) * taps[k]
    return total
