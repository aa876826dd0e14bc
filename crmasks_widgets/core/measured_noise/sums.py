"""Sums of four neighbouring pixels of the differences of exposures."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.measured_noise.blocks import Blocks, choose_blocks
from crmasks_widgets.core.measured_noise.terms import Terms
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float32Array, Float64Array, FloatArray, NumberOrMap

# Squares of alternating sums of the mean are averaged over so many in both directions.
BESIDE: Final = 3


@dataclass(frozen=True)
class Sums:
    """Sums of four neighbouring pixels, of blocks of a frame.

    Normalised so that the variance of a sum is that of one pixel.

    Attributes
    ----------
    alternating, plain : (pairs, k, rows, columns) float32
        Of the differences of exposures: one diagonal less the other, and all four; ADU. NaN where
        one of the pixels has no value.
    level, light : (k, rows, columns) float32
        Of the median, at least 0, ADU: root mean square of the four, for bright ones scatter most,
        and their mean.
    common : (k, rows, columns) float32
        Alternating sums of the weighted mean of the exposures, ADU: of what they have in common.
    weights : (n, k, rows, columns) float32
        Of each exposure in it; their sum is 1. 0 where it has no value, NaN where none has.
    noise : Noise
        Given, of an exposure before it was divided; maps are those of the sums.
    factors : tuple of n floats
        Flux factors of the exposures.
    pairs : tuple of (int, int)
        Which exposures each difference is of, from 0.
    highest : float
        Highest level of a pixel of the whole median, ADU.
    """

    alternating: Float32Array
    plain: Float32Array
    level: Float32Array
    light: Float32Array
    common: Float32Array
    weights: Float32Array
    noise: Noise
    factors: tuple[float, ...]
    pairs: tuple[tuple[int, int], ...]
    highest: float

    @property
    def readout(self) -> FloatArray:
        """Given variance of readout of each sum, of an exposure that was not divided."""
        return np.broadcast_to(np.square(np.float32(self.noise.rnoise)), self.level.shape)

    @property
    def photons(self) -> FloatArray:
        """Given variance of the photons of each sum, of an exposure that was not divided."""
        return np.asarray(self.light / np.float32(self.noise.gain))

    def divided(self, power: int) -> Float64Array:
        """Tell what division leaves of a variance, in the differences of exposures.

        Parameters
        ----------
        power : int
            2 for readout, 1 for photons, 0 for what scatters with the signal.

        Returns
        -------
        (pairs,) float64
            Sum over both exposures.
        """
        factors = np.asarray(self.factors, np.float64)
        return np.asarray([factors[i] ** -power + factors[j] ** -power for i, j in self.pairs])

    def variance(self, terms: Terms) -> Float32Array:
        """Say what a changed noise makes of the differences.

        Parameters
        ----------
        terms : Terms
            The change.

        Returns
        -------
        (pairs, k, rows, columns) float32
            ADU squared.
        """
        readout, photons, excess = self._parts(terms)
        by_power = zip(map(self.divided, (2, 1, 0)), (readout, photons, excess), strict=True)
        return np.asarray(
            sum(np.multiply.outer(left.astype(np.float32), part) for left, part in by_power)
        )

    def uneven(self, terms: Terms) -> Float32Array:
        """Tell how much more uneven the light around each sum is than a changed noise makes it.

        Parameters
        ----------
        terms : Terms
            The change.

        Returns
        -------
        (k, rows, columns) float32
            Mean square of `common` over that of noise: 1 where there is nothing but noise.
        """
        of_noise = np.zeros_like(self.common)
        for weight, variance in zip(
            self.weights, _of_exposures(self._parts(terms), self.factors), strict=True
        ):
            of_noise += np.square(weight) * variance
        square = np.nan_to_num(np.square(self.common) / of_noise)
        return np.asarray(ndimage.uniform_filter(square, (1, BESIDE, BESIDE), mode="nearest"))

    def _parts(self, terms: Terms) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Variances of readout, of photons and of excess, of an exposure that was not divided."""
        changed = terms.of(self.noise)
        readout = np.broadcast_to(np.square(np.float32(changed.rnoise)), self.level.shape)
        photons = self.light / np.float32(changed.gain)
        return readout, photons, np.float32(changed.excess) * np.square(self.level)


def take_sums(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> Sums:
    """Take the sums of each exposure and the next.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    noise : Noise
        Given noise of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    Sums
        Of the whole frame, or of blocks of a large one.
    """
    n, blocks = stack.n, choose_blocks(stack.min2d.shape)
    pairs = tuple((i, (i + 1) % n) for i in range(n if n > 2 else n - 1))
    quarters = [blocks.quarters(frame) for frame in stack.cube]
    both = [_alternating_and_plain(quarters[i] - quarters[j]) for i, j in pairs]
    alternating, plain = np.array(both).swapaxes(0, 1)
    median = blocks.quarters(stack.median2d)
    light = np.maximum(np.mean(median, axis=0), 0)
    of_sums = Noise(
        1 / _mean_of_four(1 / noise.gain, blocks),
        np.sqrt(_mean_of_four(np.square(noise.rnoise), blocks)),
    )
    common, weights = _in_common(quarters, light, of_sums, factors)
    return Sums(
        alternating, plain, np.sqrt(np.mean(np.square(np.maximum(median, 0)), axis=0)), light,
        common, weights, of_sums, factors, pairs,
        float(np.max(stack.median2d, initial=0.0, where=np.isfinite(stack.median2d))),
    )  # fmt: skip


def _in_common(
    quarters: list[Float32Array], light: Float32Array, noise: Noise, factors: tuple[float, ...]
) -> tuple[Float32Array, Float32Array]:
    """Alternating sums of the weighted mean of exposures, and their weights.

    With weights that are inverse to the variances, a mean is independent of the differences: what
    is left out because of it takes nothing from their scatter, whatever the flux factors are. (A
    median of exposures that are not equally noisy follows the noisier, and so do differences.)
    """
    sums = np.array([_alternating_and_plain(each)[0] for each in quarters])
    known, readout = np.isfinite(sums), np.asarray(np.square(np.float32(noise.rnoise)))
    photons, none = np.asarray(light / np.float32(noise.gain)), np.zeros(1, np.float32)
    each = _of_exposures((readout, photons, none), factors)
    weights = known / np.array([np.broadcast_to(one, light.shape) for one in each])
    with np.errstate(invalid="ignore"):
        weights /= weights.sum(axis=0)
    return np.asarray(np.sum(weights * np.where(known, sums, 0), axis=0)), weights


def _of_exposures(
    parts: tuple[FloatArray, FloatArray, FloatArray], factors: tuple[float, ...]
) -> list[Float32Array]:
    """Variances of exposures that were divided: of readout, photons and excess before it."""
    readout, photons, excess = parts
    return [
        np.asarray(readout / np.float32(f**2) + photons / np.float32(f) + excess, np.float32)
        for f in factors
    ]


def _mean_of_four(value: NumberOrMap, blocks: Blocks) -> NumberOrMap:
    if not isinstance(value, np.ndarray):
        return value
    return np.asarray(np.mean(blocks.quarters(value), axis=0))


def _alternating_and_plain(quarters: Float32Array) -> tuple[Float32Array, Float32Array]:
    a, b, c, d = quarters
    return (a - b - c + d) / 2, (a + b + c + d) / 2
