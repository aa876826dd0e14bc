"""Fixed points of the boundary as parameters hold them: moved, added, removed; no widgets.

A point keeps its place in the tuple while it moves, also past another one: what holds it by its
index does not lose it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from crmasks_widgets.parameters.coordinates import DEFAULT_WEIGHT

Point = tuple[float, float, float]
Points = tuple[Point, ...]
WEIGHT: Final = DEFAULT_WEIGHT


def moved(points: Points, index: int, x: float, y: float) -> Points:
    """Put a point elsewhere.

    Parameters
    ----------
    points : tuple of (x, y, weight)
        ADU.
    index : int
        Which one.
    x, y : float
        Where to, ADU.

    Returns
    -------
    tuple of (x, y, weight)
        The point has the same index and weight.
    """
    return replaced(points, index, (float(x), float(y), points[index][2]))


def weighted(points: Points, index: int, weight: float) -> Points:
    """Give a point another weight."""
    x, y, _ = points[index]
    return replaced(points, index, (x, y, weight))


def replaced(points: Points, index: int, point: Point) -> Points:
    """Put another point in the place of one."""
    return (*points[:index], point, *points[index + 1 :])


def added(points: Points, x: float, y: float, weight: float = WEIGHT) -> Points:
    """Add a point, as the last one."""
    return (*points, (float(x), float(y), weight))


def removed(points: Points, index: int) -> Points:
    """Take a point away."""
    return (*points[:index], *points[index + 1 :])


def rising(points: Points) -> tuple[int, ...]:
    """Indices of points in the order of their x."""
    return tuple(sorted(range(len(points)), key=lambda index: points[index][:2]))


def widest_gap(abscissae: Sequence[float], low: float, high: float) -> float:
    """Middle of the widest gap between abscissae.

    Parameters
    ----------
    abscissae : sequence of float
        ADU, in any order; those outside the limits do not count.
    low, high : float
        Limits, ADU.

    Returns
    -------
    float
        ADU; of gaps of equal width, the first.
    """
    edges = [low, *sorted(x for x in abscissae if low < x < high), high]
    widths = [right - left for left, right in pairwise(edges)]
    first = widths.index(max(widths))
    return (edges[first] + edges[first + 1]) / 2
