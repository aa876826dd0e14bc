"""Gain and readout noise from the exposures alone, and how far they can be believed.

The variance of an exposure is a straight line over its level, V(m) = V0 + (m - m0) / gain: its
slope tells the gain whatever the bias is, but the readout noise is known only once the level
without light is, rnoise^2 = V(bias).
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck, check_noise
from crmasks_widgets.core.stack import Stack, stack_exposures
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array

# The darkest level is that of so many per cent of the pixels, averaged over boxes of this side.
_DARK, _BOX = 0.5, 5
# Rounds: the classes of level are as wide as the noise, which the round before knows better.
_ROUNDS = 2
# Parts of all differences that define a scatter, with their place in a normal law, sigma: one of
# its core, one that takes in the foot of the hits.
_CORE, _FOOT = (0.2, 0.25335), (0.9, 1.64485)
_ENOUGH = 500_000
_SQUARE_IS_A_NUMBER: Final = float(np.sqrt(np.finfo(np.float64).max))
PRECISE: Final = 0.05
"""Relative error below which the exposures tell a value."""


@dataclass(frozen=True)
class PhotonTransfer:
    """What the exposures say about their noise.

    Attributes
    ----------
    gain, gain_error : float
        Inverse slope of variance over level and its standard error, e-/ADU; NaN where the levels
        do not tell.
    dark_level : float
        Level of the darkest pixels, ADU as read.
    dark_variance, dark_variance_error : float
        Variance of an exposure at that level and its standard error, ADU squared.
    tails : float
        How much larger the gain's inverse may look because the differences are no normal law, as
        many faint hits make them; relative.
    """

    gain: float
    gain_error: float
    dark_level: float
    dark_variance: float
    dark_variance_error: float
    tails: float

    @property
    def tells_gain(self) -> bool:
        """Whether the gain is known to 5 per cent."""
        return bool(max(self.gain_error / self.gain, self.tails) < PRECISE)

    def rnoise(self, bias: float, gain: float, gain_error: float = 0.0) -> tuple[float, float]:
        """Readout noise that a bias and a gain mean.

        Parameters
        ----------
        bias : float
            ADU.
        gain, gain_error : float
            With its standard error, e-/ADU: it tells how much of the variance is that of light.

        Returns
        -------
        rnoise, error : float
            ADU; NaN where a level is darker than this bias allows, or too little is known.
        """
        light = (self.dark_level - bias) / gain
        variance = self.dark_variance - light
        error = float(np.hypot(self.dark_variance_error, light * gain_error / gain))
        if not variance > 2 * error:
            return np.nan, np.nan
        rnoise = float(np.sqrt(variance))
        return rnoise, error / (2 * rnoise)

    def bias(self, rnoise: float, gain: float) -> tuple[float, float]:
        """Bias that a readout noise and a gain mean.

        Parameters
        ----------
        rnoise : float
            ADU.
        gain : float
            e-/ADU.

        Returns
        -------
        bias, error : float
            ADU; NaN where too little is known.
        """
        if not rnoise < _SQUARE_IS_A_NUMBER:
            return np.nan, np.nan
        excess = self.dark_variance - rnoise**2
        return self.dark_level - excess * gain, self.dark_variance_error * gain


def measure_photon_transfer(
    data: Float32Array, valid: BoolArray | None = None, *, seed: int = 0
) -> PhotonTransfer:
    """Measure the noise of equivalent exposures by their differences.

    Parameters
    ----------
    data : (n, ny, nx) float32
        Exposures as read, ADU.
    valid : (n, ny, nx) bool, optional
        False for values to be left out.
    seed : int
        Of the dither that makes whole numbers continuous.

    Returns
    -------
    PhotonTransfer
        NaN for what the frames do not tell.
    """
    dark = _dark_level(stack_exposures(data, 0.0, None, valid))
    stack = stack_exposures(data, dark, None, valid)
    ones = (1.0,) * len(data)
    noise = Noise(1.0, _first_guess(stack))
    for _ in range(_ROUNDS):
        check = check_noise(stack, noise, ones)
        gain = check.gain if np.isfinite(check.gain) else noise.typical_gain
        rnoise = check.rnoise if np.isfinite(check.rnoise) else noise.typical_rnoise
        noise = Noise(gain, rnoise)
    dark, variance, error = _darkest(check, dark)
    tails = measure_tails(stack, noise, seed=seed)
    return PhotonTransfer(check.gain, check.gain_error, dark, variance, error, tails)


def _darkest(check: NoiseCheck, dark: float) -> tuple[float, float, float]:
    """Level as read, variance there, and its error: from the line, or from the darkest class."""
    if np.isfinite(check.rnoise):
        return dark, check.rnoise**2, 2 * check.rnoise * check.rnoise_error
    if not check.classes:
        return dark, np.nan, np.nan
    first = check.classes[0]
    variance = first.white**2
    return dark + first.level, variance, variance * float(np.sqrt(2 / first.n_pixels))


def _dark_level(stack: Stack) -> float:
    """Level of the darkest pixels; those of no exposure are left out."""
    known = np.isfinite(stack.median2d) & (stack.n_valid > 0)
    smooth = ndimage.uniform_filter(np.where(known, stack.median2d, 0), _BOX, mode="nearest")
    inside = ndimage.uniform_filter(known.astype(np.float32), _BOX, mode="nearest") > 1 - 1e-3
    usable = inside & known
    return float(np.percentile(smooth[usable] if usable.any() else smooth, _DARK))


def _first_guess(stack: Stack) -> float:
    """Core of the differences of the darker half of the pixels, ADU."""
    dark = stack.median2d <= np.nanmedian(stack.median2d)
    differences = (stack.cube[0] - stack.cube[1])[dark]
    known = np.abs(differences[np.isfinite(differences)])
    return max(float(np.quantile(known, 0.6827)) / np.sqrt(2), 0.1) if known.size else 1.0


def trusted_to(tails: float) -> str:
    """Say beyond what a fitted gain is not to be trusted; empty where many hits do not blur it."""
    return f"not to be trusted beyond {100 * tails:.0f} %: many hits" if tails >= PRECISE else ""


def measure_tails(stack: Stack, noise: Noise, *, seed: int = 0) -> float:
    """Tell how far a gain that was fitted to differences is to be trusted.

    Parameters
    ----------
    stack : Stack
        Exposures, ADU.
    noise : Noise
        Of an exposure.
    seed : int
        Of the dither that makes whole numbers continuous.

    Returns
    -------
    float
        Square of the scatter with the foot of the hits over that of the core, minus 1; NaN where
        nothing is valid.
    """
    rng = np.random.default_rng(seed)
    sigma = np.asarray(noise.sigma(np.maximum(np.nan_to_num(stack.median2d), 0)), np.float32)
    values = np.abs(np.concatenate([_white(stack, i, j, sigma, rng)
                                    for i, j in combinations(range(stack.n), 2)]))  # fmt: skip
    values = values[:: max(1, len(values) // _ENOUGH)]
    if not len(values):
        return np.nan
    core, foot = (float(np.quantile(values, part)) / unit for part, unit in (_CORE, _FOOT))
    return max((foot / core) ** 2 - 1, 0.0) if core > 0 else np.nan


def _white(
    stack: Stack, i: int, j: int, sigma: Float32Array, rng: np.random.Generator
) -> Float64Array:
    """Differences between neighbours of the difference of two exposures, in units of the noise."""
    difference = (stack.cube[i] - stack.cube[j]).astype(np.float64)
    difference += rng.uniform(-0.5, 0.5, difference.shape)
    width = 2 * (difference.shape[1] // 2)
    left, right = difference[:, :width:2], difference[:, 1:width:2]
    unit = np.hypot(sigma[:, :width:2], sigma[:, 1:width:2])
    white = ((left - right) / unit).ravel()
    return np.asarray(white[np.isfinite(white)])
