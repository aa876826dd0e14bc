"""Random streams and checks of values that the rooms of the simulation share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from crmasks_widgets.errors import ParameterError

SMALLEST_SIDE = 16
"""Of a frame, pixels."""

Float64Array = NDArray[np.float64]


class Stream(IntEnum):
    """What a random stream is for; its number is part of what a seed means: never change one."""

    LIGHT = 0
    HOT_PIXELS = 1
    COINCIDENCES = 2
    HITS = 3
    NOISE = 4
    HOT_NOISE = 5
    BAD_COLUMNS = 6
    COLUMN_NOISE = 7


FWHM = float(2 * np.sqrt(2 * np.log(2)))
"""Full width at half maximum of a Gaussian over its sigma."""


def random_stream(seed: int, stream: Stream, *index: int) -> np.random.Generator:
    """Return the generator of one purpose (and exposure).

    Every purpose has a stream of its own, so that, for example, more hot pixels leave the noise as
    it was, and the first three of five exposures are the three that the same seed makes alone.

    Parameters
    ----------
    seed : int
        The seed of the whole simulation, >= 0.
    stream : Stream
        What the numbers are for.
    *index : int
        The number of the exposure (from 0) or of the coincidence, where there is one.

    Returns
    -------
    numpy.random.Generator
        A generator that depends on the arguments alone.

    Raises
    ------
    ParameterError
        If the seed is not a whole number >= 0.
    """
    check_whole("seed", seed, 0)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(stream, *index)))


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
