"""Are exposures equally bright? The ratios that flux factors would be, and whether they matter."""

from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.alignment import bright_pixels, measure_levels
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack

# A difference is one beyond so many standard errors and so much in itself.
SIGNIFICANT, LEAST = 4.0, 0.005
# Rows in steps leave about so many pixels, which tell ratios to one part in a thousand.
_ENOUGH_PIXELS = 250_000
# Standard error of a median over that of a mean, for normal noise.
_OF_MEDIAN = 1.2533


@dataclass(frozen=True)
class Brightness:
    """How bright exposures are beside each other.

    Attributes
    ----------
    factors : tuple of n floats
        Level of each exposure divided by that of the median, as `flux_factor: auto` measures it;
        all 1 where too few pixels are bright.
    error : float
        Standard error of a factor: by the noise of the pixels, or as they scatter where that is
        more, as it is of exposures that are displaced or of other seeing; infinite where none is
        bright.
    """

    factors: tuple[float, ...]
    error: float

    @property
    def differs(self) -> bool:
        """Whether any differs from 1 by more than its noise and half a per cent."""
        allowed = max(SIGNIFICANT * self.error, LEAST)
        return any(abs(factor - 1) > allowed for factor in self.factors)

    @property
    def ratio(self) -> float:
        """The brightest over the faintest."""
        return max(self.factors) / min(self.factors)

    @property
    def in_words(self) -> str:
        """The factors with their error."""
        digits = max(3, int(np.ceil(-np.log10(self.error)))) if 0 < self.error < 1 else 3
        numbers = ", ".join(f"{factor:.{digits}f}" for factor in self.factors)
        return f"{numbers} (+/- {self.error:.1g})"


def measure_brightness(stack: Stack, noise: Noise) -> Brightness:
    """Compare exposures where they are bright.

    Parameters
    ----------
    stack : Stack
        Exposures as they are, ADU.
    noise : Noise
        Of one exposure.

    Returns
    -------
    Brightness
        From rows in steps where the frame is large.
    """
    rows = slice(None, None, max(1, stack.median2d.size // _ENOUGH_PIXELS))
    median, noise = np.nan_to_num(stack.median2d[rows]), noise.rows(rows)
    bright = bright_pixels(median, noise)
    factors, scatter = measure_levels(stack.cube[:, rows], bright)
    light = median[bright].astype(np.float64)
    if not light.size:
        return Brightness(factors, np.inf)
    sigma = noise.sigma(median)[bright].astype(np.float64)
    # Of a median weighted by light, where a ratio holds the noise of two exposures: the brightest
    # pixels weigh more than their noise allows, which makes the error larger than that of a mean.
    weight, density = np.sqrt(np.square(light).sum()), np.sum(light**2 / sigma)
    return Brightness(factors, max(scatter, float(_OF_MEDIAN * np.sqrt(2) * weight / density)))
