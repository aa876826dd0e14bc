"""Medians of small windows by minima and maxima of whole arrays.

Sorted pairs and triples of neighbours are made once and shared by all windows they belong to, so
that a running median of nine takes 18 operations on arrays. Pixels so near the border that their
window would leave the frame keep their value.
"""

from collections.abc import Callable, Iterator

import numpy as np

from crmasks_widgets.core.typing import BoolArray, Float32Array, IndexArray

ValuesAt = Callable[[IndexArray], Float32Array]

# Windows are gathered for that many pixels at a time: their values stay in the cache.
CHUNK = 4096
# Rows worked on at a time hold about that many pixels, for the same reason.
BLOCK_PIXELS = 65536
# So many values of a frame tell where its median is to 1% of the ranks, at 5 sigma.
SAMPLE = 65536
SAMPLE_RANKS = 0.01


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of a frame, a few at a time.

    Parameters
    ----------
    shape : (ny, nx)
        Of the frame.

    Yields
    ------
    slice
        From top to bottom.
    """
    step = max(8, BLOCK_PIXELS // shape[1])
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def _median3(a: Float32Array, b: Float32Array, c: Float32Array) -> Float32Array:
    median: Float32Array = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return median


def _sorted_triples(
    a: Float32Array, b: Float32Array, c: Float32Array
) -> tuple[Float32Array, Float32Array, Float32Array]:
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(low, c), np.maximum(low, np.minimum(high, c)), np.maximum(high, c)


def running_median(values: Float32Array, width: int, axis: int) -> Float32Array:
    """Median of each run of neighbours along one axis.

    Parameters
    ----------
    values : (...) float32
        Without NaN.
    width : {3, 5, 7, 9}
        Length of a run.
    axis : int
        From 0.

    Returns
    -------
    (...) float32
        Shorter by ``width - 1`` along `axis`.
    """

    def run(array: Float32Array, start: int, shorter: int = width - 1) -> Float32Array:
        stop = start + values.shape[axis] - shorter
        return array[(slice(None),) * axis + (slice(start, stop),)]

    if width == 3:
        return _median3(run(values, 0), run(values, 1), run(values, 2))
    if width == 5:
        low = np.minimum(run(values, 0, 1), run(values, 1, 1))
        high = np.maximum(run(values, 0, 1), run(values, 1, 1))
        # The two middle ones of two sorted pairs are among these two.
        p = np.maximum(run(low, 0), run(low, 3))
        q = np.minimum(run(high, 0), run(high, 3))
        return _median3(p, q, run(values, 2))
    low, middle, high = _sorted_triples(*(run(values, start, 2) for start in range(3)))
    if width == 9:
        lows = np.maximum(np.maximum(run(low, 0), run(low, 3)), run(low, 6))
        highs = np.minimum(np.minimum(run(high, 0), run(high, 3)), run(high, 6))
        middles = _median3(run(middle, 0), run(middle, 3), run(middle, 6))
        return _median3(lows, middles, highs)
    # Width 7: the third and fourth of the two sorted triples enclose the median.
    a, b = ([run(x, start) for x in (low, middle, high)] for start in (0, 4))
    third = np.minimum(
        np.minimum(a[2], b[2]), np.minimum(np.maximum(a[0], b[1]), np.maximum(a[1], b[0]))
    )
    fourth = np.maximum(
        np.maximum(a[0], b[0]), np.maximum(np.minimum(a[2], b[1]), np.minimum(a[1], b[2]))
    )
    median: Float32Array = np.maximum(third, np.minimum(run(values, 3), fourth))
    return median


def _network(n: int) -> list[tuple[int, int]]:
    """Compare-exchanges that sort `n` items (Batcher's merge exchange; Knuth 5.2.2 M)."""
    steps = []
    top = 1 << (n - 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        while d:
            steps += [(i, i + d) for i in range(n - d) if i & p == r]
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return steps


def _sort(items: list[Float32Array], wanted: set[int] | None = None) -> list[Float32Array]:
    """Sort arrays element by element; only the `wanted` ranks are made, the others are rubbish."""
    live = set(range(len(items))) if wanted is None else set(wanted)
    program = []
    for low, high in reversed(_network(len(items))):
        if low in live or high in live:
            program.append((low, high, low in live, high in live))
            live |= {low, high}
    items = list(items)
    for low, high, need_low, need_high in reversed(program):
        a, b = items[low], items[high]
        if need_low:
            items[low] = np.minimum(a, b)
        if need_high:
            items[high] = np.maximum(a, b)
    return items


def _median25(columns: list[list[Float32Array]]) -> Float32Array:
    """Median of 25 given as five columns, each sorted upwards.

    With the rows sorted too, an element that has 13 others above it, or below it, cannot be the
    median; the median of the 13 that remain is that of all.
    """
    remain = []
    for rank in range(5):
        wanted = {j for j in range(5) if (rank + 1) * (j + 1) <= 13 and (5 - rank) * (5 - j) <= 13}
        row = _sort([column[rank] for column in columns], wanted)
        remain += [row[j] for j in sorted(wanted)]
    return _sort(remain, {6})[6]


def _block_median(block: Float32Array, width: int, separable: bool) -> Float32Array:
    if separable:
        return running_median(running_median(block, width, 1), width, 0)
    ny, nx = (side - width + 1 for side in block.shape)
    sorted_columns = _sort([block[i : i + ny] for i in range(width)])
    if width == 3:
        low, middle, high = sorted_columns
        lows = np.maximum(np.maximum(low[:, :nx], low[:, 1 : nx + 1]), low[:, 2:])
        highs = np.minimum(np.minimum(high[:, :nx], high[:, 1 : nx + 1]), high[:, 2:])
        return _median3(lows, running_median(middle, 3, 1), highs)
    return _median25([[c[:, j : j + nx] for c in sorted_columns] for j in range(5)])


def median_rows(frame: Float32Array, rows: slice, width: int, separable: bool) -> Float32Array:
    """Median-filter some rows of a frame.

    Parameters
    ----------
    frame : (ny, nx) float32
        Without NaN.
    rows : slice
        Rows wanted.
    width : int
        Side of the window: 3, 5, 7, 9 if separable, else 3 or 5.
    separable : bool
        Median along rows, then along columns, instead of the median of the square.

    Returns
    -------
    (rows, nx) float32
        Pixels within ``width // 2`` of the border of the frame as they were.
    """
    half = width // 2
    filtered = frame[rows].copy()
    low, high = max(rows.start, half), min(rows.stop, frame.shape[0] - half)
    if high > low and frame.shape[1] >= width:
        median = _block_median(frame[low - half : high + half], width, separable)
        filtered[low - rows.start : high - rows.start, half:-half] = median
    return filtered


def _window(width: int, nx: int) -> IndexArray:
    steps = np.arange(width) - width // 2
    return (steps[:, None] * nx + steps).ravel()


def interior(points: IndexArray, shape: tuple[int, int], margin: int) -> BoolArray:
    """Tell which pixels lie at least `margin` from the border.

    Parameters
    ----------
    points : (n,) int
        Flat indices.
    shape : (ny, nx)
        Of the frame.
    margin : int
        Pixels.

    Returns
    -------
    (n,) bool
    """
    ny, nx = shape
    y, x = np.divmod(points, nx)
    return (y >= margin) & (y < ny - margin) & (x >= margin) & (x < nx - margin)


def in_chunks(function: ValuesAt, points: IndexArray) -> Float32Array:
    """Evaluate `function` on a few points at a time.

    Parameters
    ----------
    function : callable
        From (m,) flat indices to (m,) float32.
    points : (n,) int
        Flat indices.

    Returns
    -------
    (n,) float32
    """
    values = np.empty(points.size, np.float32)
    for start in range(0, points.size, CHUNK):
        some = slice(start, start + CHUNK)
        values[some] = function(points[some])
    return values


def median_at(frame: Float32Array, points: IndexArray, width: int, separable: bool) -> Float32Array:
    """Median-filter a frame at some pixels only: the same values as `median_rows`.

    Parameters
    ----------
    frame : (ny, nx) float32
        C-contiguous, without NaN.
    points : (n,) int
        Flat indices.
    width : int
        Side of the window: 3, 5, 7, 9 if separable, else odd.
    separable : bool
        Median along rows, then along columns, instead of the median of the square.

    Returns
    -------
    (n,) float32
        The pixel itself within ``width // 2`` of the border of the frame.
    """
    flat, window = frame.ravel(), _window(width, frame.shape[1])
    inside = interior(points, (frame.shape[0], frame.shape[1]), width // 2)

    def separable_median(some: IndexArray) -> Float32Array:
        patch = flat.take(window[:, None] + some).reshape(width, width, -1)
        median: Float32Array = running_median(running_median(patch, width, 1), width, 0)[0, 0]
        return median

    def square_median(some: IndexArray) -> Float32Array:
        patch = flat.take(some[:, None] + window)
        middle = window.size // 2
        patch.partition(middle, axis=1)
        median: Float32Array = patch[:, middle]
        return median

    medians: Float32Array = flat.take(points)
    medians[inside] = in_chunks(separable_median if separable else square_median, points[inside])
    return medians


def lower_median(frame: Float32Array, left_out: BoolArray | None) -> np.float32:
    """Median of a frame, the lower of the two middle values of an even number.

    Only values between two of a sample, on either side of the median, are put in order: neither a
    copy of the frame nor its partition is needed.

    Parameters
    ----------
    frame : (ny, nx) float32
        Without NaN.
    left_out : (ny, nx) bool or None
        True for pixels that do not count; not all.

    Returns
    -------
    float32
    """
    every = max(1, frame.size // SAMPLE)
    kept = slice(None) if left_out is None else ~left_out.ravel()[::every]
    sample = np.sort(frame.ravel()[::every][kept])
    n_good = frame.size - (0 if left_out is None else int(np.count_nonzero(left_out)))
    rank = (n_good - 1) // 2
    low, high = (round(len(sample) * (0.5 + sign * SAMPLE_RANKS)) for sign in (-1, 1))
    if every > 1 and low < high < len(sample):
        below = frame < sample[low]
        within = frame <= sample[high]
        within &= ~below
        if left_out is not None:
            below &= ~left_out
            within &= ~left_out
        rank_within = rank - int(np.count_nonzero(below))
        values = frame[within]
        if 0 <= rank_within < values.size:
            return np.float32(np.partition(values, rank_within)[rank_within])
    good = frame.ravel() if left_out is None else frame[~left_out]
    return np.float32(np.partition(good, rank)[rank])
