"""How far normal values spread: their range, by the number of values."""

from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr


@cache
def range_exceeded(n: int, of_two: float) -> float:
    """Range that n values exceed as rarely as two values exceed another one.

    Parameters
    ----------
    n : int
        Number of values, 2 or more.
    of_two : float
        Distance of two values, in units of their standard deviation.

    Returns
    -------
    float
        In the same units: for 4.5 of two, 4.9, 5.2 and 5.6 of 3, 4 and 7.
    """
    chance = 1 - _within(2, of_two)
    return float(brentq(lambda limit: 1 - _within(n, limit) - chance, of_two - 1e-6, of_two + 10))


def _within(n: int, limit: float) -> float:
    """Probability that n normal values lie within a range."""
    x = np.linspace(-9.0, 9.0, 3601)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return float(n * (density * (ndtr(x + limit) - ndtr(x)) ** (n - 1)).sum() * (x[1] - x[0]))
