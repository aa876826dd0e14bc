"""Exposures that are not equivalent: how much of the frame tells so, and in what they differ."""

import numpy as np

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.stack import Stack

# A pixel disagrees where it is so many times its noise away from the median of the exposures; an
# exposure does where so many of its pixels do: crowds of hits touch less.
FAR, MOST_APART = 8.0, 0.15


def most_different(
    stack: Stack, noise: Noise, factors: tuple[float, ...], check: NoiseCheck | None = None
) -> tuple[int, float]:
    """Find the exposure that is far from the median in most pixels.

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
    int
        Number of the exposure, from 1 on.
    float
        Part of the pixels that all exposures have, from 0 to 1.
    """
    faintest = min(factors)
    ratios = [row.white / row.predicted for row in check.classes] if check else []
    sigma = noise.sigma(stack.median2d * faintest) / faintest
    limit = FAR * max(1.0, min(ratios, default=1.0)) * sigma
    usable = stack.n_valid == stack.n
    apart = [(np.abs(frame - stack.median2d) > limit) & usable for frame in stack.cube]
    counts = [int(np.count_nonzero(pixels)) for pixels in apart]
    number = int(np.argmax(counts))
    return number + 1, counts[number] / max(1, int(np.count_nonzero(usable)))


def in_words(number: int, part: float, check: NoiseCheck) -> str:
    """Say that exposures are not equivalent, with all that is known of their differences.

    Parameters
    ----------
    number, part : int, float
        As `most_different` finds them.
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
    return (
        f"exposure {number} disagrees with the others in {part:.0%} of the pixels, expected "
        f"equivalent exposures of one field: brightness {flux}; displacement in pixels {offsets}"
    )
