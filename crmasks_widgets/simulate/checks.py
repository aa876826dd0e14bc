"""Checks of what a simulation is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from crmasks_widgets.errors import ParameterError

SMALLEST_SIDE = 16
"""Of a frame, pixels."""


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is not a whole number from `least` to `most`.

    Parameters
    ----------
    name : str
        How the message calls the value.
    value : object
        The value to look at.
    least, most : int
        The limits, both allowed; ``most=None`` means no upper limit.

    Raises
    ------
    ParameterError
        If the value is not an integer (bool does not count as one) or is outside the limits.
    """
    whole = int(value) if isinstance(value, (int, np.integer)) else None
    if (
        whole is None
        or isinstance(value, bool)
        or whole < least
        or (most is not None and whole > most)
    ):
        limits = f">= {least}" if most is None else f"from {least} to {most}"
        raise ParameterError(f"{name}: found {value!r}, expected a whole number {limits}")


def check_real(
    name: str,
    value: object,
    least: float = -np.inf,
    most: float = np.inf,
    *,
    above: bool = False,
) -> None:
    """Refuse what is not a finite real number from `least` to `most`.

    Parameters
    ----------
    name : str
        How the message calls the value.
    value : object
        The value to look at.
    least, most : float
        The limits, both allowed.
    above : bool
        If True, `least` itself is not allowed.

    Raises
    ------
    ParameterError
        If the value is not a number, not finite, or outside the limits.
    """
    number = np.nan
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        number = float(value)
    below = number <= least if above else number < least
    if not np.isfinite(number) or below or number > most:
        wanted = [f"{'>' if above else '>='} {least:g}"] if np.isfinite(least) else []
        wanted += [f"<= {most:g}"] if np.isfinite(most) else []
        limits = f" {' and '.join(wanted)}" if wanted else ""
        raise ParameterError(f"{name}: found {value!r}, expected a finite number{limits}")


def check_shape(shape: object, least: int = 1) -> tuple[int, int]:
    """Return a frame's shape as two integers.

    Parameters
    ----------
    shape : sequence of int
        (ny, nx).
    least : int
        The smallest side allowed.

    Returns
    -------
    tuple of int
        (ny, nx).

    Raises
    ------
    ParameterError
        If there are not two whole numbers >= `least`.
    """
    sides = tuple(shape) if isinstance(shape, Iterable) else ()
    if len(sides) != 2:
        raise ParameterError(f"shape: found {shape!r}, expected (ny, nx)")
    for name, side in zip(("ny", "nx"), sides, strict=True):
        check_whole(f"shape: {name}", side, least)
    return int(sides[0]), int(sides[1])


def check_offset(name: str, offset: object) -> tuple[float, float]:
    """Return a displacement as two numbers.

    Parameters
    ----------
    name : str
        How the message calls it.
    offset : sequence of float
        (dx, dy) in pixels.

    Returns
    -------
    tuple of float
        (dx, dy).

    Raises
    ------
    ParameterError
        If there are not two finite numbers within 1000 pixels.
    """
    sides = tuple(offset) if isinstance(offset, Iterable) else ()
    if len(sides) != 2:
        raise ParameterError(f"{name}: found {offset!r}, expected (dx, dy)")
    for axis, side in zip(("dx", "dy"), sides, strict=True):
        check_real(f"{name}: {axis}", side, -1000, 1000)
    return float(sides[0]), float(sides[1])
