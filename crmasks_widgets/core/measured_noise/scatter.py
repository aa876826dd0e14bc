"""The width of a normal law of which some values, far out, are something else."""

from typing import Final

import numpy as np
from scipy.special import erf

from crmasks_widgets.core.typing import FloatArray

# Values beyond so many sigma are left out: of a normal law one in 370, of hits nearly all.
CLIP: Final = 3.0
# Part of a normal law within one sigma, from which the rounds start, and the variance of what is
# left of it within CLIP sigma (of the truncated normal law).
CORE: Final = float(erf(np.sqrt(0.5)))
LEFT: Final = float(
    1 - 2 * CLIP * np.exp(-(CLIP**2) / 2) / np.sqrt(2 * np.pi) / erf(CLIP / np.sqrt(2))
)
# Variance of the square of this scatter over that of the mean square of as many normal values
# (benchmarks/measured_noise.py).
LOSS: Final = 1.13
# Each round leaves a ninth of what the one before was off by: c f(c) (c^2 - v) / (p v) at c = CLIP,
# with f the normal density, p the part within c and v = LEFT.
_ROUNDS: Final = 6


def scatter_of(values: FloatArray) -> float:
    """Measure the standard deviation of a normal law from what is not far out.

    Parameters
    ----------
    values : (k,) ndarray
        At least one, of mean 0.

    Returns
    -------
    float
        In their unit; 0 where most of them are 0.
    """
    found = float(np.quantile(np.abs(values), CORE))
    for _ in range(_ROUNDS):
        inside = values[np.abs(values) < CLIP * found]
        if not len(inside):
            return 0.0
        found = float(np.sqrt(np.mean(np.square(inside), dtype=np.float64) / LEFT))
    return found
