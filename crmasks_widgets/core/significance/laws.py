"""From an excess over the minimum to its significance: exact laws of the statistics under noise.

The excess of a target over the minimum x of a pixel is divided by s, the noise of a single exposure
at the pixel's level. If nothing was hit, the probability that this ratio exceeds t follows from the
laws of the exposures, one integral over x for each statistic (H. A. David and H. N. Nagaraja, Order
Statistics, 3rd edition, Wiley 2003, chapters 2 and 5):

- exposure i: the density of the minimum of the others, times Q_i(x + t s);
- value of rank r (the median): the sum over the exposure j that is the minimum of f_j(x) times the
  probability that all others lie above x and at most r - 2 of them at or below x + t s;
- mean of n: the same with the probability that the others exceed x by more than n t s in all.

f and Q are density and survival function of an exposure, Poisson and normal noise together; where
exposures scatter with the signal, a negative binomial law is in the place of Poisson's. The
significance of an excess is the normal deviate of the same probability. All in electrons.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from crmasks_widgets.core.noise_laws import tabulate
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.significance.without_each import without_each
from crmasks_widgets.core.typing import Float64Array, IndexArray, NumberOrMap

Transform = npt.NDArray[np.complex128]

# Distance of the nodes, in units of the noise of the least noisy exposure. Nothing of the transform
# of a law is left beyond so many times the inverse of its noise (1e-12).
_NODE_STEP, _SPECTRUM_END = 0.15, 7.4
# Noise of the levels at which the laws are tabulated: one e-folding has so many, from the readout
# noise to this many times it; beyond, the laws are those of normal noise.
_LEVELS_PER_E, _BRIGHTEST = 3.0, 1000.0
_T_STEP, _T_TOP = 0.125, 12.0
# Probabilities below this are extrapolated: the laws end where 7e-13 is left.
_LEAST = 1e-11
_TINY = 1e-300
# Least that is left of a level when the noise that it has itself is taken away.
_LEAST_PART = 0.2
# Exposures of very different noise have thousands of nodes; so many are handled at once, and so
# many numbers (32 MiB). Of usual ones all fit.
_NODES_AT_ONCE, _NUMBERS_AT_ONCE = 2048, 1 << 22


@dataclass(frozen=True)
class ExposureNoise:
    """Noise of the exposures on a common scale, after each is divided by its flux factor.

    Attributes
    ----------
    factors : tuple of n floats
        Flux factors.
    rnoise : float
        Readout noise of an exposure before the division, electrons; at least `noise.MIN_RNOISE`.
    excess : float
        Variance over the square of the signal that comes on top.
    """

    factors: tuple[float, ...]
    rnoise: float
    excess: float = 0.0

    @property
    def n(self) -> int:
        """Number of exposures."""
        return len(self.factors)

    @property
    def photon_share(self) -> float:
        """Mean variance a signal of one electron brings."""
        return float(np.mean(1 / np.asarray(self.factors)))

    @property
    def readout(self) -> float:
        """Root mean square of the readout noises, electrons."""
        return float(self.rnoise * np.sqrt(np.mean(np.asarray(self.factors) ** -2.0)))

    def of(self, n: int) -> "ExposureNoise":
        """So many exposures; if fewer than there are, average ones.

        Parameters
        ----------
        n : int
            Number of exposures.

        Returns
        -------
        ExposureNoise
            Of n exposures.
        """
        if n == self.n:
            return self
        # Equal exposures of factor f have the variance (level + rnoise^2 / f) / f.
        factor = 1 / self.photon_share
        return ExposureNoise((factor,) * n, self.readout * factor, self.excess)

    @property
    def photons(self) -> PhotonLaw:
        """Law of the electrons."""
        return PhotonLaw.of_shape(1 / self.excess) if self.excess else POISSON

    def deviation(self, mean: float) -> float:
        """Noise of a single exposure at a level, electrons."""
        light = mean * self.photon_share + self.excess * mean**2
        return float(np.sqrt(light + self.readout**2))

    def mean_of(self, deviation: float) -> float:
        """Level at which a single exposure has this noise, electrons."""
        light = max(deviation**2 - self.readout**2, 0.0)
        half = self.photon_share / 2
        return float(light / (half + np.sqrt(half**2 + self.excess * light)))


@lru_cache(maxsize=64)
def minimum_shift(n: int) -> float:
    """How far the minimum of n exposures lies below their mean.

    Parameters
    ----------
    n : int
        Number of exposures.

    Returns
    -------
    float
        In units of the noise of one; 0.564, 0.846, 1.029 for n = 2, 3, 4.
    """
    x = np.linspace(-9, 9, 2001)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    density = n * normal * special.ndtr(-x) ** (n - 1)
    return float(-(x * density).sum() / density.sum())


def noise_at_minimum(
    minimum: npt.NDArray[np.floating],
    rnoise: NumberOrMap,
    noise: ExposureNoise,
    shift: float,
) -> npt.NDArray[np.floating]:
    """Noise of a single exposure at the level that lies so many sigma above a value.

    Solves s^2 = level + rnoise^2 + excess level^2 with level = value + shift s, for exposures of
    average noise.

    Parameters
    ----------
    minimum : ndarray
        Minimum over the exposures, electrons.
    rnoise : float or ndarray
        Readout noise before the division by flux factors, electrons.
    noise : ExposureNoise
        Tells the number of exposures and their factors.

    Returns
    -------
    ndarray
        Standard deviation, electrons; of the dtype of `minimum`.
    """
    half = shift * noise.photon_share / 2
    readout = rnoise * np.float32(noise.readout / noise.rnoise)
    dark = minimum * np.float32(noise.photon_share) + np.square(readout)
    if noise.excess:
        lit = np.maximum(minimum, 0)
        dark = dark + np.float32(noise.excess) * np.square(lit)
        more = np.float32(half) + np.float32(shift * noise.excess) * lit
        # Where noise grows by more than the level does, there is no end: a bound will do.
        part = np.float32(max(1 - noise.excess * shift**2, _LEAST_PART))
        level = (np.sqrt(np.maximum(part * dark + more * more, 0)) + more) / part
    else:
        level = np.sqrt(np.maximum(dark + np.float32(half * half), 0)) + np.float32(half)
    # Below, the level would be negative, and only the readout is left.
    positive = minimum > -np.float32(shift) * readout
    return np.asarray(np.where(positive, level, readout), minimum.dtype)


@dataclass(frozen=True)
class SignificanceTable:
    """Significance of an excess, by the noise of the pixel; below the first row, the first.

    Attributes
    ----------
    log_noise : (k,) float64
        Natural logarithm of the noise of a single exposure in electrons, equally spaced.
    values : (k, m) float32
        Significance of an excess of 0, 1, 2, ... steps of `step`, in sigma.
    step : float
        In units of the noise.
    """

    log_noise: Float64Array
    values: npt.NDArray[np.float32]
    step: float = _T_STEP

    def at(
        self, noise: npt.NDArray[np.floating], excess: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float32]:
        """Look up significances.

        Parameters
        ----------
        noise : (k,) ndarray
            Noise of a single exposure, electrons.
        excess : (k,) ndarray
            In units of the noise; negative counts as 0, NaN stays NaN.

        Returns
        -------
        (k,) float32
            In sigma; straight beyond the end of the table.
        """
        rows, columns = self.values.shape
        spacing = self.log_noise[1] - self.log_noise[0]
        row = (np.log(noise) - np.float32(self.log_noise[0])) * np.float32(1 / spacing)
        row = np.clip(row, 0, rows - 1)
        place = np.maximum(excess, 0) * np.float32(1 / self.step)
        known = np.isfinite(place)
        i = np.minimum(row.astype(np.int32), rows - 2)
        j = np.minimum(np.where(known, place, 0), columns - 2).astype(np.int32)
        u, v = row - i, place - j
        first = i * columns + j
        flat = self.values.ravel()
        low = flat[first] * (1 - v) + flat[first + 1] * v
        high = flat[first + columns] * (1 - v) + flat[first + columns + 1] * v
        return np.asarray(low * (1 - u) + high * u, np.float32)

    def excess_at(self, noise: float, significance: float) -> float:
        """Excess of a given significance.

        Parameters
        ----------
        noise : float
            Noise of a single exposure, electrons.
        significance : float
            In sigma.

        Returns
        -------
        float
            In units of the noise.
        """
        t = np.arange(self.values.shape[1]) * self.step
        rising = self.at(np.full(len(t), noise), t)
        return float(np.interp(significance, rising, t))


class _Level:
    """Laws of the exposures at one level, on common nodes; equal ones stand once."""

    def __init__(self, mean: float, noise: ExposureNoise) -> None:
        factors, index = np.unique(noise.factors, return_inverse=True)
        self.n, self.kinds = noise.n, index
        self.step = _node_step(mean, factors, noise)
        laws = [
            tabulate(
                np.array([mean]), self.step, float(factor), noise.rnoise / float(factor),
                noise.photons,
            )
            for factor in factors
        ]  # fmt: skip
        start = min(int(law.first[0]) for law in laws)
        stop = max(int(law.first[0]) + law.density.shape[1] for law in laws)
        self.x = np.arange(start, stop) * self.step
        self.densities = [
            _placed(law.density[0], int(law.first[0]) - start, stop - start, 0.0) for law in laws
        ]
        self.survivals = [
            _placed(law.survival[0], int(law.first[0]) - start, stop - start, 1.0) for law in laws
        ]
        self.noise = noise.deviation(mean)
        # No law is less smooth than the readout noise makes it.
        self._strides: IndexArray = np.maximum(
            _NODE_STEP * noise.rnoise / factors / self.step, 1
        ).astype(int)

    def density(self, k: int) -> Float64Array:
        """Density of exposure k at the nodes."""
        found: Float64Array = self.densities[self.kinds[k]]
        return found

    def above(self, kind: int, heights: Float64Array) -> Float64Array:
        """Survival function of a law at any heights, interpolated in the logarithm."""
        log = np.log(np.maximum(self.survivals[kind], _TINY))
        return np.asarray(np.exp(np.interp(heights, self.x, log, right=np.log(_TINY))))

    def cells(self) -> IndexArray:
        """Nodes at which what lies beyond a minimum is computed, and the nodes they stand for.

        Rows of first, node, and end. Each node stands for itself; of thousands, one for many where
        the less noisy exposures have no minimum: there, the noise of the others says for how many.
        """
        nodes = np.arange(len(self.x))
        if len(nodes) > _NODES_AT_ONCE:
            stride = np.full(len(nodes), int(self._strides.max()))
            for density, own in zip(self.densities, self._strides, strict=True):
                held = np.flatnonzero(density)
                near = slice(max(0, held[0] - stride[0]), held[-1] + stride[0])
                stride[near] = np.minimum(stride[near], own)
            chosen = [0]
            while (following := chosen[-1] + int(stride[chosen[-1]])) < len(stride):
                chosen.append(following)
            nodes = np.asarray(chosen)
        between = (nodes[1:] + nodes[:-1] + 1) // 2
        return np.stack([np.append(0, between), nodes, np.append(between, len(self.x))], axis=1)


def _node_step(mean: float, kinds: Float64Array, noise: ExposureNoise) -> float:
    """Distance of nodes that leaves nothing out of the transforms of the laws.

    With little readout noise, single electrons show: a transform repeats itself around the
    frequency of one electron. It must end before that, or beyond the readout noise's own.
    """
    rnoise = noise.rnoise
    deviations = np.sqrt(mean * kinds + noise.excess * (mean * kinds) ** 2 + rnoise**2)
    step = _NODE_STEP * float((deviations / kinds).min())
    # Nodes that lie closer for one exposure may show the electrons of another.
    for _ in kinds:
        end = np.pi / (step * kinds)
        shown = end > 2 * np.pi - _SPECTRUM_END / deviations
        needed = np.pi * rnoise / (_SPECTRUM_END * kinds[shown])
        step = min(step, float(needed.min(initial=np.inf)))
    return step


def _placed(values: Float64Array, offset: int, width: int, before: float) -> Float64Array:
    result = np.zeros(width)
    result[:offset] = before
    result[offset : offset + len(values)] = values
    return result


def _heights() -> Float64Array:
    return np.asarray(np.arange(0, _T_TOP + _T_STEP / 2, _T_STEP))


def _exposure_law(level: _Level, number: int) -> Float64Array:
    """P(exposure - minimum of the others > t s) for all t."""
    others = [k for k in range(level.n) if k != number]
    minimum = _density_of_minimum(level, others)
    total = np.zeros(len(_heights()))
    for start in range(0, len(level.x), _NODES_AT_ONCE):
        rows = slice(start, start + _NODES_AT_ONCE)
        heights = level.x[rows, None] + _heights() * level.noise
        total += minimum[rows] @ level.above(level.kinds[number], heights) * level.step
    return total


def _density_of_minimum(level: _Level, members: list[int]) -> Float64Array:
    total = np.zeros(len(level.x))
    for j in members:
        product = level.density(j).copy()
        for k in members:
            if k != j:
                product *= level.survivals[level.kinds[k]]
        total += product
    return total


def _rank_law(level: _Level, rank: int) -> Float64Array:
    """P(value of this rank - minimum > t s) for all t."""
    total = np.zeros(len(_heights()))
    for start in range(0, len(level.x), _NODES_AT_ONCE):
        total += _rank_part(level, rank, slice(start, start + _NODES_AT_ONCE))
    return total


def _rank_part(level: _Level, rank: int, rows: slice) -> Float64Array:
    """The same, of minima at some of the nodes."""
    heights = level.x[rows, None] + _heights() * level.noise
    above = [level.above(kind, heights) for kind in range(len(level.densities))]
    low = [
        np.maximum(survival[rows, None] - beyond, 0.0)
        for survival, beyond in zip(level.survivals, above, strict=True)
    ]

    def with_one(exactly: list[Float64Array], k: int) -> list[Float64Array]:
        # exactly[c]: probability that all are above x, and c of them not above the height
        kind = level.kinds[k]
        following = [p * above[kind] for p in exactly] + [np.zeros_like(heights)]
        for c, p in enumerate(exactly):
            following[c + 1] = following[c + 1] + p * low[kind]
        return following[: max(rank - 1, 1)]

    total = np.zeros(heights.shape[1])
    for j, exactly in without_each(level.n, [np.ones_like(heights)], with_one):
        as_minimum = level.density(j)[rows] @ np.sum(exactly, axis=0) * level.step
        if len(level.densities) == 1:
            return np.asarray(sum([as_minimum] * level.n))
        total += as_minimum
    return total


def _mean_law(level: _Level) -> Float64Array:
    """P(mean - minimum > t s) for all t."""
    width = 1 << ((level.n - 1) * len(level.x) - 1).bit_length()
    grid, heights = np.arange(width) * level.step, level.n * _heights() * level.noise
    at_once = max(1, _NUMBERS_AT_ONCE // (width * (len(level.densities) + 8)))
    cells, total = level.cells(), np.zeros((level.n, len(heights)))
    for start in range(0, len(cells), at_once):
        some = cells[start : start + at_once]
        for j, logs in _others_beyond(level, width, some[:, 1]):
            for (first, node, end), log in zip(some, logs, strict=True):
                density = level.density(j)[first:end]
                if density.any():
                    # Others that are certain to lie above are only farther away.
                    moved = (level.n - 1) * (np.arange(first, end) - node) * level.step
                    above = np.exp(np.interp(heights + moved[:, None], grid, log))
                    total[j] += density @ above
    if len(level.densities) == 1:
        return np.asarray(level.n * (total[0] * level.step))
    return np.asarray(sum(each * level.step for each in total))


def _others_beyond(
    level: _Level, width: int, nodes: IndexArray
) -> Iterator[tuple[int, Float64Array]]:
    """By exposure: probability that all others exceed some nodes, by more than a width in all.

    Logarithms, (nodes, width). Of equal exposures, the first stands for all.
    """
    size = len(level.x)
    index = np.minimum(nodes[:, None] + np.arange(size), size)
    transforms = []
    for density in level.densities:
        beyond = np.append(density, 0.0)[index] * level.step
        beyond[:, 0] /= 2
        transforms.append(np.fft.rfft(beyond, width, axis=1))

    nothing: Transform | float = 1.0

    def with_one(product: Transform | float, k: int) -> Transform | float:
        # Which factor is overwritten decides the last digit: here always one that is not kept.
        return np.asarray(product * transforms[level.kinds[k]].copy())

    for j, transform in without_each(level.n, nothing, with_one):
        sums = np.fft.irfft(transform, width, axis=1)
        tail = np.maximum(np.cumsum(sums[:, ::-1], axis=1)[:, ::-1] - sums / 2, 0.0)
        yield j, np.log(np.maximum(tail, _TINY))
        if len(transforms) == 1:
            return


@lru_cache(maxsize=256)
def significance_table(
    statistic: str, noise: ExposureNoise, *, number: int = 0, rank: int = 2
) -> SignificanceTable:
    """Tabulate the significance of a statistic.

    Parameters
    ----------
    statistic : {"exposure", "rank", "mean"}
        What is compared with the minimum.
    noise : ExposureNoise
        The exposures that are free of hits.
    number : int
        Index of the exposure, for "exposure".
    rank : int
        Rank of the value, the minimum being 1, for "rank".

    Returns
    -------
    SignificanceTable
        For noises from that of the readout on.
    """
    dark = noise.readout
    n_levels = int(np.log(max(_BRIGHTEST, 2.0)) * _LEVELS_PER_E) + 1
    log_noise = np.log(dark) + np.arange(n_levels) / _LEVELS_PER_E
    values = np.empty((n_levels, len(_heights())), np.float32)
    for row, log in enumerate(log_noise):
        # The last levels differ from normal noise by less than the table's rounding.
        level = _Level(noise.mean_of(float(np.exp(log))), noise)
        if statistic == "exposure":
            probability = _exposure_law(level, number)
        elif statistic == "rank":
            probability = _rank_law(level, rank)
        else:
            probability = _mean_law(level)
        values[row] = _as_significance(probability)
    return SignificanceTable(log_noise, values)


def _as_significance(probability: Float64Array) -> Float64Array:
    """Normal deviates; the far tail continues with the last slope."""
    known = np.count_nonzero(probability > _LEAST)
    deviates = -special.ndtri(np.clip(probability, _LEAST, 1 - 1e-6))
    if known < len(deviates):
        slope = deviates[known - 1] - deviates[known - 2]
        deviates[known:] = deviates[known - 1] + slope * np.arange(1, len(deviates) - known + 1)
    return np.asarray(deviates)
