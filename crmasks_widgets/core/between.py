"""What exposures differ by apart from noise and hits, and what that does to combinations of them.

A value made of some of the exposures is not what all of them would give: displaced, or taken under
another sky, the others would have had more light there or less. The combinations are left as they
are; their variances say it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import BoolArray, Float32Array, FloatArray

# Variance between exposures, in units of that of the noise, at which their light decides half of
# the time which of them is in the middle: for the place of the median, and for its noise. Fitted,
# with the power of that variance, to simulations; right to 6 % on average, of 3 exposures to 2 %.
_OF_THREE, _OF_FOUR = (17.5, 2.2, 1.5), (5.0, 2.7, 1.0)


@dataclass(frozen=True)
class BetweenExposures:
    """Light by which exposures differ in a pixel.

    Attributes
    ----------
    light : (n, ...) float32 or None
        Difference of each exposure from what they have in common, as far as it is known, ADU; None
        if they are equivalent.
    unknown : (...) float32 or None
        Variance between the exposures that structure leaves besides, ADU^2; None if there is none.
    """

    light: Float32Array | None
    unknown: Float32Array | None

    def at(self, where: Any) -> "BetweenExposures":
        """Differences in some pixels.

        Parameters
        ----------
        where : index
            Of a frame.

        Returns
        -------
        BetweenExposures
            Views or copies, as the index makes them.
        """
        return BetweenExposures(
            None if self.light is None else np.stack([frame[where] for frame in self.light]),
            None if self.unknown is None else self.unknown[where],
        )

    def variance_of_mean(self, used: BoolArray, n_valid: npt.NDArray[np.integer]) -> FloatArray:
        """Square error of a mean over some exposures, as that over all.

        Parameters
        ----------
        used : (n, ...) bool
            Exposures that the mean is made of.
        n_valid : (...) ndarray
            Exposures that there are.

        Returns
        -------
        (...) ndarray
            ADU^2; what noise does comes on top.
        """
        n = np.maximum(used.sum(axis=0), 1)
        variance = np.zeros(used.shape[1:], np.float32)
        if self.light is not None:
            of_used = np.where(used, self.light, 0).sum(axis=0) / n
            variance += np.square(np.nan_to_num(of_used - _mean(self.light)))
        if self.unknown is not None:
            variance += self.unknown * np.maximum(1 / n - 1 / np.maximum(n_valid, 1), 0)
        return variance

    def variance_of_median(
        self,
        noise: FloatArray,
        factor: FloatArray,
        n_valid: npt.NDArray[np.integer],
        hit: BoolArray,
    ) -> FloatArray:
        """Variance of a median over all exposures, as an estimate of their mean.

        Parameters
        ----------
        noise : (...) ndarray
            Variance of an exposure, ADU^2.
        factor : (...) ndarray
            That of a median of equivalent exposures, in its units.
        n_valid : (...) ndarray
            Exposures that there are.
        hit : (...) bool
            Where some are known to be hit, so that the median is a higher one of the others.

        Returns
        -------
        (...) ndarray
            ADU^2, the noise included. With differences far below the noise, that of a median; far
            above it, that of the one exposure which happens to be in the middle.
        """
        variance = noise * factor
        if self.light is not None:
            mean = _mean(self.light)
            between = np.nan_to_num(_mean(np.square(self.light - mean)))
            off = np.square(np.nan_to_num(np.median(self.light, axis=0) - mean))
            n = len(self.light)
            place, scatter, power = _middle(n)
            ratio = (between / np.maximum(noise, np.finfo(np.float32).tiny)) ** np.float32(power)
            # Far above the noise, one exposure is in the middle, or the mean of two.
            single = 1.0 if n % 2 else 0.5
            one = ratio / (ratio + place) * off
            one = one + ratio / (ratio + scatter) * noise * np.maximum(single - factor, 0)
            variance = variance + np.where(hit, np.maximum(one, between), one)
        if self.unknown is not None:
            share = np.maximum(factor - 1 / np.maximum(n_valid, 1), 0)
            variance = variance + self.unknown * share
        return np.asarray(variance, np.float32)


ALIKE = BetweenExposures(None, None)
"""Exposures that differ by nothing but noise and hits."""


def _middle(n: int) -> tuple[float, float, float]:
    """Variances at which light and noise of n exposures weigh the same, and their power."""
    if n <= 4:
        return _OF_THREE if n <= 3 else _OF_FOUR
    return 12.0, 1.5 * (n - 1) if n % 2 else 0.8 * n, 1.1


def _mean(frames: FloatArray) -> FloatArray:
    """Mean over the first axis of the known values; NaN where there are none."""
    known = np.isfinite(frames)
    count = known.sum(axis=0)
    total = np.where(known, frames, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
