"""Fixed points of the boundary, as parameters hold them: moved, added, removed."""

from typing import Final

Points = tuple[tuple[float, float, float], ...]
DEFAULT_WEIGHT: Final = 10_000.0


def moved(points: Points, index: int, x: float, y: float) -> Points:
    """Put a point somewhere else; it keeps its place in the list and its weight."""
    return (*points[:index], (float(x), float(y), points[index][2]), *points[index + 1 :])


def added(points: Points, x: float, y: float) -> Points:
    """Add a point at the end of the list."""
    return (*points, (float(x), float(y), DEFAULT_WEIGHT))


def removed(points: Points, index: int) -> Points | None:
    """Take a point away; None when none is left, as parameters want it."""
    return (*points[:index], *points[index + 1 :]) or None
