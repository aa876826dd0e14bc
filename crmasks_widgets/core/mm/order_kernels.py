"""Joint law of the minimum and the median of independent exposures on a grid of nodes.

The joint densities of order statistics: H. A. David and H. N. Nagaraja, Order Statistics (3rd
edition, Wiley 2003), section 2.2 for equal laws and section 5.2 for different ones.

Notation: exposure k has the density f_k and the survival function Q_k(s) = P(S_k > s). Let exposure
i be the minimum, at x. Each of the others lies above x; of these others,

- for odd N = 2m + 1, the median is above y >= x if and only if at most m - 1 are not above y;
- for even N = 2m, the median is the mean of the two middle values A <= B. It is above y if A > y,
  that is if at most m - 2 of the others are not above y; or if A = a <= y and B > 2y - a: exposure
  j is at a, m - 2 of the rest lie between x and a, and m above 2y - a.

Both are sums of products in which only survival functions occur, so that small probabilities keep
their relative precision.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.lib.stride_tricks import as_strided

from crmasks_widgets.core.typing import Float64Array

Powers = tuple[int, ...]

# Integral over one cell from the six nodes around it (closed Lagrange formula, times 1440).
CELL_WEIGHTS = np.array([11.0, -93.0, 802.0, 802.0, -93.0, 11.0]) / 1440
# Nodes of that formula before the cell, and after it.
_BEFORE, _AFTER = 2, 3
STENCIL = _BEFORE + 1 + _AFTER


def add_exceedance(
    out: Float64Array,
    weight: float,
    densities: Sequence[Float64Array],
    survivals: Sequence[Float64Array],
    counts: Sequence[int],
    step: float,
) -> None:
    """Add the density of the minimum at each node, with the median a given height above or more.

    Parameters
    ----------
    out : (n, n) float64
        To [i, j] is added the density (a ADU) of minimum = node i and median - minimum > j * step.
    weight : float
        Times this.
    densities, survivals : sequences of (n,) float64
        Law of each kind of exposure at nodes of equal distance: probability a ADU, and probability
        of a value above the node. The last node is above all laws.
    counts : sequence of int
        Exposures of each kind; 3 or more in all.
    step : float
        Distance of the nodes, ADU.
    """
    total = sum(counts)
    at_most = (total - 3) // 2 if total % 2 else total // 2 - 2
    ends = [int(np.count_nonzero(survival)) for survival in survivals]
    for i, density in enumerate(densities):
        others = [count - (k == i) for k, count in enumerate(counts)]
        support = np.flatnonzero(density)
        if not len(support):
            continue
        # Some nodes before the support, so that stencils never look beyond the nodes.
        start, stop = max(0, int(support[0]) - STENCIL), int(support[-1]) + 1
        width = _highest_median(ends, others) - start
        if width <= 0:
            continue
        here = [survival[start:] for survival in survivals]
        shape = min(stop - start, width), width
        at_x = [survival[: shape[0], None] for survival in here]
        share = _all_above_x_most_above_y(
            [_window(values, shape) for values in here], at_x, others, at_most
        )
        if total % 2 == 0:
            share += _split_middle([d[start:] for d in densities], here, others, step, shape)
        share *= weight * counts[i] * density[start : start + shape[0], None]
        out[start : start + shape[0], :width] += share


def _highest_median(ends: Sequence[int], others: Sequence[int]) -> int:
    """First node that no median reaches, given where each law ends."""
    falling = sorted(np.repeat(ends, others), reverse=True)
    half = (len(falling) + 1) // 2
    if len(falling) % 2 == 0:
        return int(falling[half])
    return int(falling[half - 1] + falling[half]) // 2 + 1


def _window(values: Float64Array, shape: tuple[int, int]) -> Float64Array:
    """View whose [i, j] is values[i + j], 0 beyond the end."""
    padded = _extended(values, shape[0] + shape[1])
    return as_strided(padded, shape, (padded.strides[0],) * 2, writeable=False)


def _extended(values: Float64Array, size: int) -> Float64Array:
    """So many values, 0 beyond the end."""
    result = np.zeros(size)
    result[: len(values)] = values[:size]
    return result


def _all_above_x_most_above_y(
    above_y: Sequence[Float64Array],
    above_x: Sequence[Float64Array],
    counts: Sequence[int],
    at_most: int,
) -> Float64Array:
    """Probability that all exposures are above x, and at most so many of them not above y.

    Exposures are taken one after the other: `chances[c]` is the probability that those taken so far
    are all above x, c of them not above y.
    """
    each = [k for k, count in enumerate(counts) for _ in range(count)]
    if at_most == 0:
        return reduce(np.multiply, [above_y[k] for k in each])
    between = [at_x - at_y for at_x, at_y in zip(above_x, above_y, strict=True)]
    chances = [above_y[each[0]], between[each[0]]]
    for k in each[1:]:
        as_many = [chance * above_y[k] for chance in chances]
        one_more = [chance * between[k] for chance in chances[:at_most]]
        chances = [
            as_many[0],
            *map(np.add, one_more, as_many[1:]),
            *one_more[len(as_many) - 1 :],
        ]
    return np.asarray(sum(chances))


def _split_middle(
    densities: Sequence[Float64Array],
    survivals: Sequence[Float64Array],
    counts: Sequence[int],
    step: float,
    shape: tuple[int, int],
) -> Float64Array:
    """Probability that the lower middle value is at most y and the upper one makes up for it.

    The integral over a runs at fixed y from a = y down to a = x, in steps l of the grid: a is node
    p - l and 2y - a node p + l, if y is node p. What depends on x is multiplied out of the
    integrand; one running sum over l then serves all x.
    """
    n = shape[1]
    m = (sum(counts) + 1) // 2
    below = [_diagonals(values, -1, n) for values in survivals]
    above = [_diagonals(values, 1, n) for values in survivals]
    integrands: dict[Powers, Float64Array] = {}
    for j, density in enumerate(densities):
        if not counts[j] or not density.any():
            continue
        rest = list(counts)
        rest[j] -= 1
        at_a = counts[j] * _diagonals(density, -1, n)
        for powers, value in _between(below, above, rest, m - 2).items():
            term = value * at_a
            integrands[powers] = integrands[powers] + term if powers in integrands else term
    result = np.zeros(shape)
    for powers, integrand in integrands.items():
        part = _at_minimum(_running_integral(integrand, step), shape[0])
        for survival, power in zip(survivals, powers, strict=True):
            part = part * survival[: shape[0], None] ** power if power else part
        result += part
    return result


def _between(
    below: Sequence[Float64Array], above: Sequence[Float64Array], counts: Sequence[int], chosen: int
) -> dict[Powers, Float64Array]:
    """Sum over the ways to have so many exposures between x and a, and the rest above b.

    The factor Q(x) - Q(a) of the former is multiplied out; the result belongs to powers of Q(x),
    one power for each kind.
    """
    none = (0,) * len(counts)
    states: dict[tuple[int, Powers], Float64Array] = {(0, none): np.ones((1, 1))}
    for k, count in enumerate(counts):
        for _ in range(count):
            following: dict[tuple[int, Powers], Float64Array] = {}
            for (c, powers), value in states.items():
                raised = (*powers[:k], powers[k] + 1, *powers[k + 1 :])
                _add(following, (c, powers), value * above[k])
                if c < chosen:
                    _add(following, (c + 1, powers), -value * below[k])
                    _add(following, (c + 1, raised), value)
            states = following
    return {powers: value for (c, powers), value in states.items() if c == chosen}


def _add(
    states: dict[tuple[int, Powers], Float64Array], key: tuple[int, Powers], value: Float64Array
) -> None:
    states[key] = states[key] + value if key in states else value


def _diagonals(values: Float64Array, direction: int, n: int) -> Float64Array:
    """View whose [p, l + 2] is values[p + direction * l], for p < n and l from -2 to n + 2.

    Before the first node stands the first value, beyond the last 0.
    """
    width = n + _BEFORE + _AFTER
    padded = np.concatenate([np.full(width, values[0]), _extended(values, 2 * width)])
    unit = padded.strides[0]
    return as_strided(
        padded[width - direction * _BEFORE :], (n, width), (unit, direction * unit), writeable=False
    )


def _running_integral(integrand: Float64Array, step: float) -> Float64Array:
    """Integral over l from 0 to j, for j from 0 to n - 1; the integrand begins at l = -2."""
    n_cells = integrand.shape[1] - _BEFORE - _AFTER - 1
    cells = np.zeros((len(integrand), n_cells))
    for shift, weight in enumerate(CELL_WEIGHTS):
        cells += weight * integrand[:, shift : shift + n_cells]
    result = np.zeros((len(integrand), n_cells + 1))
    np.cumsum(cells, axis=1, out=result[:, 1:])
    result *= step
    return result


def _at_minimum(by_median: Float64Array, n_rows: int) -> Float64Array:
    """Rearrange [p, j] with y at node p to [i, j] with x at node i = p - j."""
    n = len(by_median)
    padded = np.concatenate([by_median, np.zeros((n_rows, n))])
    down, across = padded.strides
    return as_strided(padded, (n_rows, n), (down, down + across), writeable=False)
