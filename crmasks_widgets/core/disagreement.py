"""Exposures that are not equivalent: how much of the frame tells so, and in what they differ."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray

# A pixel disagrees where it is so many times its noise away from the median of the exposures; an
# exposure does where so many of its pixels do: crowds of hits touch less.
FAR, MOST_APART = 8.0, 0.15
# Of a few stars, most pixels see nothing. Where the median stands so far out of the frame, an
# exposure may lack this part of the light in this part of the pixels, if there are as many.
_LACKS, MOST_LACKING, _ENOUGH = 0.5, 0.5, 50
# Every so many rows and columns tell what is usual in a frame.
_SPARSE = 3


@dataclass(frozen=True)
class Disagreement:
    """How far the exposure that differs most is from the others.

    Attributes
    ----------
    number : int
        Of the exposure, from 1 on.
    part : float
        Part of the pixels in which it differs, from 0 to 1.
    of_light : bool
        Whether only the pixels with light count, where it lacks most of it.
    """

    number: int
    part: float
    of_light: bool = False

    @property
    def matters(self) -> bool:
        """Whether the exposures cannot be of one field and one time."""
        return self.part > (MOST_LACKING if self.of_light else MOST_APART)


def most_different(
    stack: Stack, noise: Noise, factors: tuple[float, ...], check: NoiseCheck | None = None
) -> Disagreement:
    """Find the exposure that is far from the median in most pixels, or that lacks its light.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors, ADU.
    noise : Noise
        Of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.
    check : NoiseCheck, optional
        Of the same exposures: the noise counts as it was observed if that is more.

    Returns
    -------
    Disagreement
        In the pixels that all exposures have; in those with light, if in all it would not matter.
    """
    faintest = min(factors)
    ratios = [row.white / row.predicted for row in check.classes] if check else []
    sigma = noise.sigma(stack.median2d * faintest) / faintest
    limit = FAR * max(1.0, min(ratios, default=1.0)) * sigma
    usable = stack.n_valid == stack.n
    apart = [(np.abs(frame - stack.median2d) > limit) & usable for frame in stack.cube]
    counts = [int(np.count_nonzero(pixels)) for pixels in apart]
    number = int(np.argmax(counts))
    found = Disagreement(number + 1, counts[number] / max(1, int(np.count_nonzero(usable))))
    return found if found.matters else _most_lacking(stack, sigma, usable) or found


def _most_lacking(
    stack: Stack, sigma: npt.NDArray[np.floating], usable: BoolArray
) -> Disagreement | None:
    """The exposure that lacks the light of the others in most of the bright pixels, if it matters.

    Hits add light, and not the same in two exposures.
    """
    height = stack.median2d - np.nanmedian(stack.median2d[::_SPARSE, ::_SPARSE])
    confirmed = stack.max2d - stack.median2d < _LACKS * height
    pixels = np.flatnonzero(usable & confirmed & (height > FAR * sigma))
    if len(pixels) < _ENOUGH:
        return None
    expected = height.ravel()[pixels]
    parts = []
    for exposure in stack.cube:
        light = exposure.ravel()[pixels] - np.nanmedian(exposure[::_SPARSE, ::_SPARSE])
        lacks = expected - light > np.maximum(_LACKS * expected, FAR * sigma.ravel()[pixels])
        parts.append(float(np.mean(lacks)))
    made = Disagreement(int(np.argmax(parts)) + 1, max(parts), of_light=True)
    return made if made.matters else None


def in_words(found: Disagreement, check: NoiseCheck) -> str:
    """Say that exposures are not equivalent, with all that is known of their differences.

    Parameters
    ----------
    found : Disagreement
        Which exposure, and where.
    check : NoiseCheck
        Brightness and displacement.

    Returns
    -------
    str
        One sentence.
    """
    brightness = ", ".join(f"{1 + deviation:.3g}" for deviation, _ in check.flux)
    places = ", ".join(f"({dx:+.2f}, {dy:+.2f})" for dx, dy, _ in check.offsets)
    flux = f"unknown, because {check.flux_unknown}" if check.flux_unknown else brightness
    offsets = f"unknown, because {check.offsets_unknown}" if check.offsets_unknown else places
    differs = (
        f"lacks more than half of the light in {found.part:.0%} of the bright pixels"
        if found.of_light
        else f"disagrees with the others in {found.part:.0%} of the pixels"
    )
    return (
        f"exposure {found.number} {differs}, expected equivalent exposures of one field: "
        f"brightness {flux}; displacement in pixels {offsets}"
    )
