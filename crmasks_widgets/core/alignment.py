"""How the exposures differ in level and position: flux factors and offsets."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import BoolArray, FloatArray

# A ratio says something about the level only where the signal stands well above its noise.
MIN_SIGNAL_TO_NOISE = 10.0
MIN_PIXELS = 100
# Given flux factors whose median differs from 1 by more than this factor are no levels.
OWN_LEVEL = 2.0
# A pixel in which two exposures differ by more than so many times the typical scatter tells of a
# hit, a hot or a saturated pixel, not of the level. Fewer would cut what seeing and drift make of
# sources.
AGREEING = 5.0
# The first look for such pixels is from where half of all pixels lie, the last from where the light
# does.
LOOKS = 2
# Rounding of shares, which is all that exposures without noise differ by.
_ROUNDING = 1e-9
# Precision of the offsets, 1 / UPSAMPLING pixels; the reference's value.
UPSAMPLING = 100


@dataclass(frozen=True)
class Alignment:
    """Level and position of each exposure against the median.

    Attributes
    ----------
    flux_factors : tuple of n floats
        Level of an exposure divided by that of the median.
    offsets : tuple of n (dx, dy)
        Pixels; positive dx means that the scene of the exposure lies at larger x.
    n_bright : int or None
        Pixels that determined the factors; None when they were given.
    """

    flux_factors: tuple[float, ...]
    offsets: tuple[tuple[float, float], ...]
    n_bright: int | None = None

    @property
    def displaced(self) -> bool:
        """Whether any exposure is displaced."""
        return any(offset != (0, 0) for offset in self.offsets)


def bright_pixels(median2d: FloatArray, noise: Noise, region: BoolArray | None = None) -> BoolArray:
    """Pixels that stand well above their noise.

    Parameters
    ----------
    median2d : (ny, nx) ndarray
        Median over the exposures, ADU.
    noise : Noise
        Noise of one exposure.
    region : (ny, nx) bool, optional
        Pixels to choose from.

    Returns
    -------
    (ny, nx) bool
        True above ten times the noise of one exposure.
    """
    bright: BoolArray = median2d > MIN_SIGNAL_TO_NOISE * noise.sigma(median2d)
    return bright if region is None else bright & region


def relative_factors(given: tuple[float, ...]) -> tuple[float, ...]:
    """Given flux factors, relative to the typical exposure.

    Their absolute value is a choice of level near 1, where it is kept: the combinations come out at
    it, as those of the reference. Exposure times in seconds are no choice of level.

    Parameters
    ----------
    given : tuple of n floats
        Positive.

    Returns
    -------
    tuple of n floats
        As given where their median lies within a factor `OWN_LEVEL` of 1, else divided by it.
    """
    middle = float(np.median(given))
    if 1 / OWN_LEVEL <= middle <= OWN_LEVEL:
        return given
    return tuple(factor / middle for factor in given)


def measure_levels(cube: FloatArray, bright: BoolArray) -> tuple[tuple[float, ...], float]:
    """Relative levels of the exposures, whatever is wrong in single pixels.

    Exposures are compared in pairs: the median of a / (a + b) over the bright pixels in which both
    agree within their scatter, each weighted by its signal. It is not biased by the noise of
    either. A pixel that is a hit, hot, saturated or dead in one exposure is left out, however much
    it reads: it tells nothing of the level, and its signal would outweigh all others. (A ratio to
    the median frame would be drawn to 1, since that frame holds the very values of the exposures.)
    The levels that explain all pairs best are divided by their median, where the median frame lies.
    Replaces the reference's search for the edge of a histogram, which answers in steps of 0.01 and
    never 1 (docs/decisions.md, What was mended).

    Parameters
    ----------
    cube : (n, ny, nx) ndarray
        Bias-subtracted exposures, ADU; NaN is left out.
    bright : (ny, nx) bool
        Pixels to be used.

    Returns
    -------
    factors : tuple of n floats
        Level of each exposure divided by that of the median; all 1 with fewer than `MIN_PIXELS`
        bright pixels.
    error : float
        Standard error of a ratio of two, relative, as the pixels themselves scatter: by their
        noise, and by what displacement and seeing make of sources. 0 where too few pixels tell.
    """
    values = cube[:, bright].astype(np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    if values.shape[1] < MIN_PIXELS:
        return (1.0,) * len(cube), 0.0
    found = [_typical_share(values[i], values[j]) for i, j in combinations(range(len(cube)), 2)]
    shares, errors = np.array(found).T
    levels = np.exp(_from_pairs(np.log(1 / shares - 1)[:, None], len(cube))[:, 0])
    factors = tuple(float(level) for level in levels / np.median(levels))
    return factors, float(np.sqrt(np.mean((errors / (shares * (1 - shares))) ** 2)))


def _typical_share(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median of a / (a + b), weighted by signal, and its error; a half where no light tells."""
    signal = a + b
    positive = signal > 0
    if not positive.any():
        return 0.5, 0.0
    a, b, signal = a[positive], b[positive], signal[positive]
    shares = np.clip(a / signal, 1e-6, 1 - 1e-6)
    share, error = float(np.quantile(shares, 0.5, method="lower")), 0.0
    for _ in range(LOOKS):
        agreeing = _agreeing(a, b, share / (1 - share)) | (np.abs(shares - share) <= _ROUNDING)
        share, error = _weighted_median(shares[agreeing], signal[agreeing])
    return share, error


def _agreeing(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], ratio: float
) -> npt.NDArray[np.bool_]:
    """Pixels in which a and ratio * b differ no more than is typical of them, by photon noise."""
    noise = np.sqrt(np.maximum(a + ratio**2 * b, 0))
    difference = np.abs(a - ratio * b)
    telling = noise > 0
    if not telling.any():
        return telling
    scatter = 1.4826 * np.median(difference[telling] / noise[telling])
    return np.asarray(telling & (difference <= AGREEING * scatter * noise))


def _weighted_median(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Weighted median, and its error: half of what holds one sigma of the weight that lies below.

    Each weight lies below or above by chance, so that sigma is half the root of their squares.
    """
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    half, sigma = cumulative[-1] / 2, np.sqrt(np.sum(weights**2)) / 2
    places = np.searchsorted(cumulative, [half - sigma, half, half + sigma])
    low, middle, high = values[order[np.minimum(places, len(order) - 1)]]
    return float(middle), float(high - low) / 2


def _from_pairs(differences: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Values whose differences (second minus first of each pair) fit best, with zero mean."""
    pairs = list(combinations(range(n), 2))
    design = np.zeros((len(pairs), n))
    for row, (i, j) in enumerate(pairs):
        design[row, i], design[row, j] = -1.0, 1.0
    return np.asarray(np.linalg.lstsq(design, differences, rcond=None)[0])


def shifted(frame: FloatArray, dx: float, dy: float) -> npt.NDArray[np.float64]:
    """Move a frame by fractions of a pixel, each pixel sharing out its area.

    Beyond the border the outermost value is repeated, so that border pixels lose no flux.

    Parameters
    ----------
    frame : (ny, nx) ndarray
        Without NaN.
    dx, dy : float
        Pixels towards larger x and y.

    Returns
    -------
    (ny, nx) float64
        Same units as the frame.
    """
    moved: npt.NDArray[np.float64] = ndimage.shift(
        np.asarray(frame, np.float64), (dy, dx), order=1, mode="nearest"
    )
    return moved


def _prepared(frame: FloatArray) -> npt.NDArray[np.float64]:
    """Free a cut-out of hits, of its level and of its borders, before it is correlated.

    A 3x3 median takes hits away without moving what is displaced, which clipping against the
    median of displaced exposures would (docs/decisions.md, What was mended).
    """
    from scipy.signal.windows import tukey

    filled = np.where(np.isfinite(frame), frame, np.nanmedian(frame))
    smooth = ndimage.median_filter(filled.astype(np.float64), size=3, mode="nearest")
    window = np.outer(tukey(frame.shape[0], 0.25), tukey(frame.shape[1], 0.25))
    return np.asarray((smooth - smooth.mean()) * window, np.float64)


def measure_offsets(cutouts: FloatArray) -> tuple[tuple[float, float], ...]:
    """Measure the displacement of each exposure by cross-correlation.

    Every pair of exposures is correlated; the offsets that explain all pairs best are centred on
    their median, where the median frame lies.

    Parameters
    ----------
    cutouts : (n, ny, nx) ndarray
        The region of each exposure to be correlated, ADU; NaN is filled with the median.

    Returns
    -------
    tuple of n (dx, dy)
        Pixels.
    """
    from skimage.registration import phase_cross_correlation

    frames = [_prepared(cutout) for cutout in cutouts]
    measured = []
    for i, j in combinations(range(len(frames)), 2):
        # The function answers how far the second image must move to lie on the first.
        move, _, _ = phase_cross_correlation(
            frames[i], frames[j], upsample_factor=UPSAMPLING, normalization=None
        )
        measured.append(-np.asarray(move))
    offsets = _from_pairs(np.array(measured), len(frames))
    offsets -= np.median(offsets, axis=0)
    return tuple((round(float(dx), 4) + 0.0, round(float(dy), 4) + 0.0) for dy, dx in offsets)
