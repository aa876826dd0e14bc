"""Regions, pixels and points as a user writes them, turned into tuples of numbers.

Coordinates are those of FITS: the first pixel is 1, and both ends of a region belong to it.
"""

from typing import Any, Final

from crmasks_widgets.parameters.info import LARGEST
from crmasks_widgets.parameters.values import (
    REGION_TEXT,
    SPAN_TEXT,
    RefusedValueError,
    items_of,
    real,
    unwrapped,
)

Region = tuple[int, int, int, int]

DEFAULT_WEIGHT: Final = 10000.0
"""Weight of a fixed point of the boundary that is given without one."""

SMALLEST_CORRELATION_AREA: Final = 100
"""Fewest pixels of the region that measures offsets."""


def regions(value: Any) -> tuple[Region, ...]:
    """Check a list of regions, or one region alone.

    Parameters
    ----------
    value : object
        Lists ``[xmin, xmax, ymin, ymax]`` or text ``[xmin:xmax, ymin:ymax]``, FITS pixels.

    Returns
    -------
    tuple of (int, int, int, int)
        The regions.

    Raises
    ------
    RefusedValueError
        When one is not a region.
    """
    items = items_of(value)
    alone = all(not isinstance(item, list) and not _is_region_text(item) for item in items)
    return tuple(region(item) for item in ([items] if alone else items))


def region(value: Any) -> Region:
    """Check one region.

    Parameters
    ----------
    value : object
        List ``[xmin, xmax, ymin, ymax]`` or text ``[xmin:xmax, ymin:ymax]``, FITS pixels.

    Returns
    -------
    tuple of int
        xmin, xmax, ymin, ymax, both ends included.

    Raises
    ------
    RefusedValueError
        When it is not four integers from 1 on, or an upper limit lies below the lower one.
    """
    limits = items_of(unwrapped(value))
    if len(limits) == 2 and all(isinstance(i, str) and SPAN_TEXT.fullmatch(i) for i in limits):
        # Without quotes, YAML makes [1:150, 1:300] a list of two texts.
        limits = [int(limit) for text in limits for limit in text.split(":")]
    if len(limits) != 4:
        raise RefusedValueError(value)
    xmin, xmax, ymin, ymax = (_coordinate(limit, value) for limit in limits)
    if xmin > xmax or ymin > ymax:
        raise RefusedValueError(value)
    return xmin, xmax, ymin, ymax


def correlation_region(value: Any) -> Region:
    """Check the region that measures offsets, which must have room for a correlation.

    Parameters
    ----------
    value : object
        As for `region`.

    Returns
    -------
    tuple of int
        xmin, xmax, ymin, ymax.

    Raises
    ------
    RefusedValueError
        When it is not a region, or too small.
    """
    xmin, xmax, ymin, ymax = limits = region(value)
    area = (xmax - xmin + 1) * (ymax - ymin + 1)
    if xmin == xmax or ymin == ymax or area < SMALLEST_CORRELATION_AREA:
        raise RefusedValueError(value)
    return limits


def pixels(value: Any) -> tuple[tuple[int, int], ...]:
    """Check a list of pixels.

    Parameters
    ----------
    value : object
        Lists ``[x, y]``, FITS pixels.

    Returns
    -------
    tuple of (int, int)
        The pixels.

    Raises
    ------
    RefusedValueError
        When one is not two integers from 1 on.
    """
    return tuple(
        (_coordinate(x, item), _coordinate(y, item))
        for item in items_of(value)
        for x, y in [items_of(item, 2)]
    )


def windows(value: Any) -> tuple[tuple[int, int, int, int], ...]:
    """Check a list of pixels with the widths of the windows of their local medians.

    Parameters
    ----------
    value : object
        Lists ``[x, y, x_width, y_width]``, FITS pixels.

    Returns
    -------
    tuple of (int, int, int, int)
        The pixels and widths.

    Raises
    ------
    RefusedValueError
        When one is not four integers from 1 on, or a width is even, or the window has fewer than
        three pixels.
    """
    found = []
    for item in items_of(value):
        x, y, x_width, y_width = (_coordinate(number, item) for number in items_of(item, 4))
        if x_width % 2 == 0 or y_width % 2 == 0 or x_width * y_width < 3:
            raise RefusedValueError(item)
        found.append((x, y, x_width, y_width))
    return tuple(found)


def offsets(value: Any) -> tuple[tuple[float, float], ...]:
    """Check a list of offsets.

    Parameters
    ----------
    value : object
        Lists ``[dx, dy]``, pixels.

    Returns
    -------
    tuple of (float, float)
        The offsets.

    Raises
    ------
    RefusedValueError
        When one is not two finite numbers.
    """
    return tuple((real(dx), real(dy)) for item in items_of(value) for dx, dy in [items_of(item, 2)])


def fixed_points(value: Any) -> tuple[tuple[float, float, float], ...]:
    """Check a list of points that the boundary should pass through.

    Parameters
    ----------
    value : object
        Lists ``[x, y]`` (ADU) or ``[x, y, weight]``.

    Returns
    -------
    tuple of (float, float, float)
        x, y and weight; `DEFAULT_WEIGHT` where none is given.

    Raises
    ------
    RefusedValueError
        When one is not two or three finite numbers, or a weight is not above 0.
    """
    found = []
    for item in items_of(value):
        if not isinstance(item, list) or len(item) not in (2, 3):
            raise RefusedValueError(item)
        weight = real(item[2], above=0) if len(item) == 3 else DEFAULT_WEIGHT
        found.append((real(item[0]), real(item[1]), weight))
    return tuple(found)


def _coordinate(value: object, whole: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise RefusedValueError(whole)
    return value


def _is_region_text(value: object) -> bool:
    return isinstance(value, str) and REGION_TEXT.fullmatch(value.strip()) is not None
