"""All but one of many things, combined, for each of them: what order statistics are made of."""

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

# Up to so many, each combination is made from the beginning.
_FEW = 12


def without_each(n: int, start: T, with_one: Callable[[T, int], T]) -> Iterator[tuple[int, T]]:
    """Combine all but one of n things, for each of them.

    Parameters
    ----------
    n : int
        Number of things.
    start : object
        Combination of none.
    with_one : callable
        Combination, and the number of a thing to be added to it; returns a new one.

    Yields
    ------
    number : int
        Of the thing left out, from 0.
    combination : object
        Of all others. Few are combined in their order; of many, halves are shared, so that n log n
        steps are enough.
    """
    if n > _FEW:
        yield from _without_each(range(n), start, with_one)
        return
    for left_out in range(n):
        made = start
        for number in range(n):
            if number != left_out:
                made = with_one(made, number)
        yield left_out, made


def _without_each(
    numbers: range, made: T, with_one: Callable[[T, int], T]
) -> Iterator[tuple[int, T]]:
    if len(numbers) == 1:
        yield numbers[0], made
        return
    half = len(numbers) // 2
    for inside, outside in ((numbers[:half], numbers[half:]), (numbers[half:], numbers[:half])):
        rest = made
        for number in outside:
            rest = with_one(rest, number)
        yield from _without_each(inside, rest, with_one)
