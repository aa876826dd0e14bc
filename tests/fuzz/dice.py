"""Choices of a generator: from a seed, or from bytes that a guided fuzzer hands in."""

import random


class Dice:
    """Where all choices of a case come from: the same source makes the same case."""

    def __init__(self, source):
        self._bytes = list(source) if isinstance(source, bytes) else None
        self._random = None if isinstance(source, bytes) else random.Random(source)  # noqa: S311

    def below(self, n):
        """An integer from 0 to n - 1; 0 once the bytes are used up."""
        if self._random is not None:
            return self._random.randrange(n)
        given = [self._bytes.pop() if self._bytes else 0 for _ in range((n.bit_length() + 7) // 8)]
        return int.from_bytes(bytes(given), "big") % n

    def integer(self, low, high):
        """An integer of a range, both ends included."""
        return low + self.below(high - low + 1)

    def one(self, *choices):
        """One of several values."""
        return choices[self.below(len(choices))]

    def of(self, choices):
        """One of a collection."""
        return self.one(*choices)

    def chance(self, percent):
        """Whether something happens that does so in so many of 100 cases."""
        return self.below(100) >= 100 - percent

    def some(self, choices, most):
        """Up to `most` of a collection, each once."""
        rest, found = list(choices), []
        for _ in range(min(self.below(most + 1), len(rest))):
            found.append(rest.pop(self.below(len(rest))))
        return found
