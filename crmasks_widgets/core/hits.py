"""Connected masked pixels as a table of hits."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from crmasks_widgets import detectors
from crmasks_widgets.core import codes
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float64Array

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
# With a smaller part of the frame masked, joining single pixels beats scanning the frame.
SPARSE = 1e-2


def label_hits(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number the 8-connected groups of a mask in raster order.

    Parameters
    ----------
    mask : (ny, nx) bool
        Masked pixels.

    Returns
    -------
    (ny, nx) int32
        0 outside the mask, then 1, 2, ...
    """
    numbered = np.zeros(mask.shape, dtype=np.int32)
    pixels = np.flatnonzero(mask)
    if len(pixels) > SPARSE * mask.size:
        ndimage.label(mask, structure=EIGHT_NEIGHBOURS, output=numbered)
        return numbered
    numbered.ravel()[pixels] = _in_raster_order(pixels, mask.shape[1]) + 1
    return numbered


def connected_groups(pixels: npt.NDArray[np.int64], nx: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Split pixels into their 8-connected groups.

    Parameters
    ----------
    pixels : (k,) int64
        Flat indices, rising.
    nx : int
        Columns of the frame.

    Returns
    -------
    tuple of (m,) int64
        Flat indices of each group, rising; the groups in raster order of their first pixels.
    """
    number = _in_raster_order(pixels, nx) + 1
    hits = _PixelsOfHits.of(number, int(number.max(initial=0)))
    ends = [*hits.starts.tolist(), len(pixels)]
    return tuple([pixels[hits.order[first:end]] for first, end in pairwise(ends)])


def _in_raster_order(pixels: npt.NDArray[np.int64], nx: int) -> npt.NDArray[np.int64]:
    """Number of the group of each pixel, from 0, in raster order of their first pixels."""
    if not len(pixels):
        return pixels
    group = connected(pixels, nx)
    _, firsts, inverse = np.unique(group, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(firsts))[inverse])


def groups_inside(mask: npt.NDArray[np.bool_], area: npt.NDArray[np.bool_]) -> BoolArray:
    """Pixels of the groups of a mask that lie in an area as a whole.

    Parameters
    ----------
    mask, area : (ny, nx) bool
        A mask, and where its groups may lie.

    Returns
    -------
    (ny, nx) bool
        Subset of `mask`.
    """
    labels = label_hits(mask)
    outside = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    outside[labels[mask & ~area]] = True
    return np.asarray(mask & ~outside[labels])


def groups_touching(mask: npt.NDArray[np.bool_], seeds: npt.NDArray[np.bool_]) -> BoolArray:
    """Pixels of the groups of a mask that hold at least one seed.

    Parameters
    ----------
    mask, seeds : (ny, nx) bool
        A mask, and pixels of it or of others.

    Returns
    -------
    (ny, nx) bool
        Subset of `mask`.
    """
    labels = label_hits(mask)
    kept = np.zeros(int(labels.max(initial=0)) + 1, dtype=bool)
    kept[labels[mask & seeds]] = True
    return np.asarray(mask & kept[labels])


def connected(pixels: npt.NDArray[np.int64], nx: int) -> npt.NDArray[np.int32]:
    """Tell which pixels belong together.

    Parameters
    ----------
    pixels : (k,) int64
        Flat indices, rising.
    nx : int
        Columns of the frame.

    Returns
    -------
    (k,) int32
        Number of the 8-connected group of each, from 0, in no order.
    """
    # To a later neighbour, index and column; in two columns the first two have one index.
    steps = ((1, 1), (nx - 1, -1), (nx, 0), (nx + 1, 1))
    pairs = [_neighbours(pixels, nx, step, column) for step, column in steps]
    first, second = np.concatenate(pairs, axis=1)
    graph = sparse.coo_array((np.ones(len(first), bool), (first, second)), shape=(len(pixels),) * 2)
    return np.asarray(csgraph.connected_components(graph, directed=False)[1])


def _neighbours(
    pixels: npt.NDArray[np.int64], nx: int, step: int, column: int
) -> npt.NDArray[np.int64]:
    """Pairs of positions in a sorted list of pixels that are one step apart, (2, k)."""
    x = pixels % nx + column
    wanted = np.where((x >= 0) & (x < nx), pixels + step, -1)
    position = np.minimum(np.searchsorted(pixels, wanted), len(pixels) - 1)
    found = np.flatnonzero(pixels[position] == wanted)
    return np.stack([found, position[found]])


def hit_table(
    labels: npt.NDArray[np.int32], pixel_codes: npt.NDArray[np.uint8], stack: Stack
) -> Table:
    """Describe every hit in one row.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    pixel_codes : (ny, nx) uint8
        Detection codes of their pixels.
    stack : Stack
        Values of the exposures, ADU.

    Returns
    -------
    astropy.table.Table
        number; x, y: mean position, FITS pixels (the first is 1); xmin, xmax, ymin, ymax: FITS
        limits, both included; npix and the pixels by code; method: name of the strongest
        evidence; peak_over_min_i: largest excess of exposure i over the minimum, ADU, and
        max_median_minus_min, ADU.
    """
    pixels = np.flatnonzero(labels > 0)
    number = labels.ravel()[pixels]
    y, x = np.divmod(pixels, labels.shape[1])
    n = int(labels.max(initial=0))
    hits = _PixelsOfHits.of(number, n)
    table = Table({"number": np.arange(1, n + 1, dtype=np.int32)})
    table["x"], table["y"] = _mean(x + 1, number, n), _mean(y + 1, number, n)
    for name, values in (("x", x + 1), ("y", y + 1)):
        table[f"{name}min"] = hits.extreme(np.minimum, values)
        table[f"{name}max"] = hits.extreme(np.maximum, values)
    table["npix"] = np.bincount(number, minlength=n + 1)[1:]
    code = pixel_codes.ravel()[pixels]
    for name, value in _counted().items():
        table[name] = np.bincount(number[code == value], minlength=n + 1)[1:]
    table["method"] = _methods(table)
    minimum = stack.min2d.ravel()[pixels]
    for i in range(stack.n):
        excess = stack.cube[i].ravel()[pixels] - minimum
        table[f"peak_over_min_{i + 1}"] = hits.extreme(np.fmax, excess)
    excess = stack.median2d.ravel()[pixels] - minimum
    table["max_median_minus_min"] = hits.extreme(np.fmax, excess)
    return _with_units(table, stack.n)


def highest_of_each(
    number: npt.NDArray[np.integer], excess: npt.NDArray[np.floating], pixels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Choose the pixel of each hit that stands out most.

    Parameters
    ----------
    number : (k,) int
        Which hit each pixel belongs to.
    excess : (k,) float
        Median - minimum of the pixels, ADU.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    (n,) int64
        Flat indices, in the order of the numbers.
    """
    order = np.lexsort((-np.nan_to_num(excess), number))
    _, first = np.unique(number[order], return_index=True)
    return np.asarray(pixels[order][first])


def significance(
    labels: npt.NDArray[np.int32],
    stack: Stack,
    noise: Noise,
    at: Literal["minimum", "median"] = "minimum",
) -> npt.NDArray[np.float64]:
    """By how much the median exceeds the minimum in each hit, in units of the noise.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    stack : Stack
        Values of the exposures, ADU.
    noise : Noise
        Of one exposure.
    at : {"minimum", "median"}
        What it is the noise of: of what is there without a hit, or of what all exposures have in
        common if none is hit.

    Returns
    -------
    (n,) float64
        Of the pixel of each hit where it is largest, sigma of one exposure; infinite where an
        exposure has no noise.
    """
    pixels = np.flatnonzero(labels > 0)
    minimum = stack.min2d.ravel()[pixels].astype(np.float64)
    median = stack.median2d.ravel()[pixels]
    height = median - minimum
    sigma = noise.at(pixels).sigma(minimum if at == "minimum" else median.astype(np.float64))
    in_sigma = np.full(len(pixels), np.inf)
    np.divide(height, sigma, out=in_sigma, where=sigma > 0)
    hits = _PixelsOfHits.of(labels.ravel()[pixels], int(labels.max(initial=0)))
    return np.asarray(hits.extreme(np.fmax, in_sigma), np.float64)


def least_probability(
    labels: npt.NDArray[np.int32],
    stack: Stack,
    noise_probability: Callable[[Float64Array, Float64Array], Float64Array],
) -> Float64Array:
    """Probability that noise alone lifts a pixel as high as the most unlikely one of each hit.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    stack : Stack
        Values of the exposures, ADU.
    noise_probability : callable
        P(median - min > y | min = x) of arrays x and y, ADU.

    Returns
    -------
    (n,) float64
        One value a hit, for a single pixel: a frame has many.
    """
    pixels = np.flatnonzero(labels > 0)
    minimum = stack.min2d.ravel()[pixels].astype(np.float64)
    height = stack.median2d.ravel()[pixels] - minimum
    probability = noise_probability(minimum, height)
    hits = _PixelsOfHits.of(labels.ravel()[pixels], int(labels.max(initial=0)))
    return np.asarray(hits.extreme(np.fmin, probability))


def _mean(
    values: npt.NDArray[np.int64], number: npt.NDArray[np.int32], n: int
) -> npt.NDArray[np.float64]:
    counts = np.bincount(number, minlength=n + 1)[1:]
    return np.asarray(np.bincount(number, values, minlength=n + 1)[1:] / counts)


@dataclass(frozen=True, eq=False)
class _PixelsOfHits:
    """Pixels sorted by the hits that they belong to, once for all that is asked of them.

    Attributes
    ----------
    order : (k,) int64
        Indices that put the pixels of each hit together.
    starts : (n,) int64
        Where the pixels of each hit begin in that order.
    """

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, number: npt.NDArray[np.integer], n: int) -> "_PixelsOfHits":
        """Sort pixels by the number of their hit, from 1 to n; every hit has pixels."""
        sizes = np.bincount(number, minlength=n + 1)[1:]
        return cls(np.argsort(number, kind="stable"), np.cumsum(sizes) - sizes)

    def extreme(self, ufunc: np.ufunc, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Smallest or largest value of each hit."""
        ordered: npt.NDArray[np.generic] = values[self.order]
        return np.asarray(ufunc.reduceat(ordered, self.starts)) if len(self.starts) else ordered[:0]


def _counted() -> dict[str, int]:
    """Codes whose pixels have a column of their own, by its name."""
    alone = {f"n_{key}": row.code for key, row in detectors.DETECTORS.items()}
    return {
        **alone, "n_both": codes.BOTH, "n_dilated": codes.DILATION, "n_forced": codes.FORCED
    }  # fmt: skip


def _methods(table: Table) -> npt.NDArray[np.str_]:
    """Strongest evidence of each hit, all its pixels taken together."""
    rows = detectors.DETECTORS.values()
    found = [table[f"n_{row.key}"] > 0 for row in rows]
    both = (table["n_both"] > 0) | (np.sum(found, axis=0) > 1)
    code = np.select(
        [both, *found, table["n_forced"] > 0],
        [codes.BOTH, *(row.code for row in rows), codes.FORCED],
        codes.DILATION,
    )
    known = codes.all_codes()
    names = np.zeros(max(known) + 1, dtype="U20")
    for number, meaning in known.items():
        names[number] = meaning.name
    return np.asarray(names[code])


def _with_units(table: Table, n: int) -> Table:
    for name in ("x", "y", "xmin", "xmax", "ymin", "ymax"):
        table[name].unit = "pix"
    for name in (*(f"peak_over_min_{i + 1}" for i in range(n)), "max_median_minus_min"):
        table[name].unit = "adu"
        table[name].format = ".2f"
    table["x"].format = table["y"].format = ".2f"
    return table
