"""What a hit of the median is, judged from the exposures themselves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.neighbours import around
from crmasks_widgets.core.noise import Noise, at_pixels
from crmasks_widgets.core.significance.everywhere import Everywhere
from crmasks_widgets.core.significance.level import Level
from crmasks_widgets.core.significance.noise_scale import NoiseScale
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.hit_classes import COINCIDENT, HOT, RESIDUAL, SATURATED, UNSTABLE

# A bad pixel is alone, or bleeds into one neighbour.
_FEW_PIXELS = 2
# Pixels that are bad together; what stands out less, in sigma, is noise or no pixel of a track; of
# two exposures, an unstable pixel has at least so much of the higher one in the lower.
_PATTERN, _STANDS_OUT, _ALIKE = 4, 5.0, 0.5
# Charges of two exposures are the same within so many sigma of both.
_SAME = 4.0
# Structure that adds so much to the noise, sigma, is a sign that exposures differ.
_DIFFER = 0.5
# An excess below this part of the contrast around it is what a displacement of a third of a pixel,
# or a flux that differs by so much, leaves of a line or a star.
_RESIDUAL_PART = 1 / 3


@dataclass(frozen=True)
class HitClasses:
    """Classes of the hits of the median.

    Attributes
    ----------
    names : (n,) str
        Words of `crmasks_widgets.hit_classes`, in the order of the hits' numbers.
    reasons : (n,) str
        Why, in a few words and figures.
    significance : (n,) float64
        Largest excess of the median over the minimum, sigma.
    """

    names: npt.NDArray[np.str_]
    reasons: npt.NDArray[np.str_]
    significance: npt.NDArray[np.float64]

    def outside(self, chosen: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Hits of other classes.

        Parameters
        ----------
        chosen : tuple of str
            Words of `crmasks_widgets.hit_classes`.

        Returns
        -------
        (n + 1,) bool
            By number of the hit; 0, which is no hit, is False.
        """
        return np.concatenate([[False], ~np.isin(self.names, chosen)])


def classify_hits(
    labels: npt.NDArray[np.int32],
    evidence: npt.NDArray[np.bool_],
    everywhere: Everywhere,
    stack: Stack,
    scaled: Stack,
    level: Level,
    noise: NoiseScale,
    saturation: float,
) -> HitClasses:
    """Give every hit of the median a class and a reason.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    evidence : (ny, nx) bool
        Pixels that were detected; the others are there by dilation or by hand.
    everywhere : Everywhere
        Pixels that stand out of their surroundings in every exposure.
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    scaled : Stack
        The same before they were matched: what the detector saw, ADU.
    level : Level
        Noise and contrast of the pixels.
    noise : NoiseScale
        What structure adds to the noise of the median.
    saturation : float
        Level from which on the detector saturates, ADU.

    Returns
    -------
    HitClasses
        saturated: the median reaches the saturation level. unstable: one or two pixels that stand
        out in all exposures; or up to four that do so alike in two exposures, while beside them no
        exposure shows anything of a track. residual: where exposures are found to differ on
        structure, no exposure's excess over the minimum anywhere reaches a third of the
        contrast around. hot: in one or two pixels, all
        exposures have the same charge above the pixels around before they are divided by their
        flux factors, which makes it differ. coincident: all others.
    """
    n = int(labels.max(initial=0))
    pixels = np.flatnonzero(labels > 0)
    number = labels.ravel()[pixels]
    detected = evidence.ravel()[pixels]
    alone = np.bincount(number[detected], minlength=n + 1) == 0
    counted = detected | alone[number]  # pixels set by hand have nothing but themselves
    pixels, number = pixels[counted], number[counted]
    n_pixels = np.bincount(number, minlength=n + 1)
    n_hit_in_all, n_standing = (
        np.bincount(number[frame.ravel()[pixels]], minlength=n + 1)
        for frame in (everywhere.hit, everywhere.standing)
    )
    sigma = level.sigma.ravel()[pixels]
    excess = excess_in_sigma(pixels, stack, level)
    contrast = np.maximum(level.contrast.ravel()[pixels], 1e-6)
    high = stack.cube.reshape(stack.n, -1)[:, pixels] - level.minimum.ravel()[pixels]
    part = largest_of_each(np.fmax.reduce(high, axis=0) / (sigma * contrast), number, n)
    part[largest_of_each(noise.added(contrast), number, n) < _DIFFER] = np.inf
    peak = largest_of_each(excess, number, n)
    brightest = largest_of_each(scaled.median2d.ravel()[pixels], number, n)
    n_hit = largest_of_each((high > 3 * sigma).sum(axis=0).astype(float), number, n)
    alike = -largest_of_each(-_ratio_of_two(high, sigma), number, n)
    alike[np.unique(number[_beside(pixels, stack, level)])] = 0
    n_same = np.bincount(number[_same_charge(pixels, scaled, level)], minlength=n + 1)
    rows = [
        _Signs(
            bool(brightest[k] >= saturation), n_pixels[k], n_hit_in_all[k], n_standing[k],
            n_same[k], alike[k], part[k], peak[k], n_hit[k],
        ).judged()
        for k in range(1, n + 1)
    ]  # fmt: skip
    names, reasons = (np.array([r[i] for r in rows], f"U{size}") for i, size in ((0, 10), (1, 80)))
    return HitClasses(names, reasons, peak[1:])


def excess_in_sigma(
    pixels: npt.NDArray[np.int64], stack: Stack, level: Level
) -> npt.NDArray[np.floating]:
    """By how much the median exceeds the minimum in some pixels.

    Parameters
    ----------
    pixels : (k,) int64
        Flat indices.
    stack : Stack
        Exposures divided by their flux factors and matched, ADU.
    level : Level
        Minimum and noise of the pixels.

    Returns
    -------
    (k,) float
        Sigma of one exposure, as the significance of a hit is the largest of.
    """
    median, minimum = stack.median2d.ravel()[pixels], level.minimum.ravel()[pixels]
    return np.asarray((median - minimum) / level.sigma.ravel()[pixels])


def _ratio_of_two(
    high: npt.NDArray[np.floating], sigma: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Second of the exposures' excesses over the highest, 0 where it does not stand out."""
    if len(high) < 2:
        return np.zeros(high.shape[1])
    ordered = np.sort(np.nan_to_num(high, nan=-np.inf), axis=0)
    stands_out = ordered[-2] > _STANDS_OUT * sigma
    ratio = np.zeros(high.shape[1])
    ratio[stands_out] = ordered[-2][stands_out] / ordered[-1][stands_out]
    return ratio


def _beside(pixels: npt.NDArray[np.int64], stack: Stack, level: Level) -> npt.NDArray[np.bool_]:
    """Whether an exposure stands out in a neighbour that is none of the pixels."""
    beside, other = _others_around(pixels, stack.min2d.shape)
    excess = stack.max2d.ravel()[beside] - level.minimum.ravel()[beside]
    found = other & (excess > _STANDS_OUT * level.sigma.ravel()[beside])
    return np.asarray(found.any(axis=0))


def _others_around(
    pixels: npt.NDArray[np.int64], shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Flat indices (8, k) of the pixels around; whether they exist and are none of the pixels."""
    beside, inside = around(shape, pixels, middle=False)
    return beside, inside & ~np.isin(beside, pixels)


def _same_charge(
    pixels: npt.NDArray[np.int64], stack: Stack, level: Level
) -> npt.NDArray[np.bool_]:
    """Whether all exposures have the same charge, not the same flux, above the pixels around."""
    factors = np.asarray(level.factors)[:, None]
    if not len(pixels) or np.ptp(factors) == 0:
        return np.zeros(len(pixels), dtype=bool)
    beside, other = _others_around(pixels, stack.min2d.shape)
    others = np.ma.masked_array(stack.median2d.ravel()[beside], ~other)
    level_around = np.ma.median(others, axis=0).filled(np.nan)  # type: ignore[no-untyped-call]
    cube = stack.cube.reshape(stack.n, -1)[:, pixels]
    charge = (cube - level_around) * factors
    gain, rnoise = at_pixels(level.gain, pixels), at_pixels(level.rnoise, pixels)
    noise = Noise(gain, rnoise / gain, level.excess).sigma(cube * factors)
    stands_out = (charge > _STANDS_OUT * noise).all(axis=0)
    spread = charge.max(axis=0) - charge.min(axis=0)
    return np.asarray(stands_out & (spread < _SAME * np.sqrt(2) * noise.max(axis=0)))


@dataclass(frozen=True)
class _Signs:
    """What tells the class of a hit: numbers of pixels, and figures of the strongest."""

    saturated: bool
    n_pixels: int
    n_hit_in_all: int
    n_standing: int
    n_same: int
    alike: float
    part: float
    peak: float
    n_hit: float

    def judged(self) -> tuple[str, str]:
        """Class and reason."""
        few = self.n_pixels <= _FEW_PIXELS
        if few and self.n_same == self.n_pixels:
            return HOT, "the same charge in all exposures, which their flux factors make differ"
        if self.saturated:
            return SATURATED, "the median reaches the saturation level"
        if few and self.n_standing == self.n_pixels:
            return UNSTABLE, "stands out in all exposures, nothing around does: the lowest stays"
        if self.alike > _ALIKE and self.n_pixels <= _PATTERN:
            number = max(int(self.n_hit), 2)
            return UNSTABLE, f"alike in {number} exposures, nothing beside it in any"
        if self.part < _RESIDUAL_PART:
            return RESIDUAL, f"{self.peak:.1f} sigma, {self.part:.2f} of the contrast around"
        return COINCIDENT, f"{self.peak:.1f} sigma, {self._coincidence()}"

    def _coincidence(self) -> str:
        if self.n_standing:
            return f"{self.n_standing} stand out in all, no track in each: the lowest stays"
        if self.n_hit_in_all:
            return f"{self.n_hit_in_all} pixels hit in all exposures"
        pixels = "1 pixel" if self.n_pixels == 1 else f"{self.n_pixels} pixels"
        n_hit = max(int(self.n_hit), 1)
        return f"{pixels} hit in {n_hit} exposure{'' if n_hit == 1 else 's'}"


def largest_of_each(
    values: npt.NDArray[np.floating], number: npt.NDArray[np.int32], n: int
) -> npt.NDArray[np.float64]:
    """Find the largest value of each hit.

    Parameters
    ----------
    values : (k,) float
        Of pixels; NaN is left out.
    number : (k,) int32
        Hit of each pixel, from 1.
    n : int
        Hits.

    Returns
    -------
    (n + 1,) float64
        By number; -inf for one without a value.
    """
    result = np.full(n + 1, -np.inf)
    np.fmax.at(result, number, values)
    return result
