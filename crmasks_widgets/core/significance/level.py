"""The level and the noise of every pixel, from the minima in it and around it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.neighbours import box, local_range
from crmasks_widgets.core.noise import MIN_RNOISE, Noise, at_pixels
from crmasks_widgets.core.significance.laws import (
    ExposureNoise,
    minimum_shift,
    noise_at_minimum,
)
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float32Array, NumberOrMap, Pixels

# A pixel's level is taken from its surroundings, but no further from what its own minimum allows.
_LEVEL_BOX, _LEVEL_ABOVE = 5, 4.0
# What noise makes of the range of nine minima, of a second difference, of the height above the
# lowest place near, and of that of a mean of eight, sigma.
_NOISE_RANGE, _NOISE_BEND, _NOISE_HEIGHT, _NOISE_MEAN = 4.0, 5.5, 4.0, 1.0
# Where the lowest place near a pixel is looked for; a star of FWHM 1.5 pixels rises above it so
# many times the mean of the eight pixels around, and noise by so much, sigma.
_GROUND_BOX, _SHARPEST, _ALONE = 7, 8.0, 3.0
# A minimum is an outlier if it lies so far below the minima around it: in sigma, and in units of
# half the range of the middle six of the eight.
_LOW_SIGMA, _LOW_RANGE = 3.0, 2.5
# So many pixels give a typical value.
_ENOUGH_PIXELS = 100_000


@dataclass(frozen=True)
class Level:
    """What the statistics of a pixel are measured in.

    Attributes
    ----------
    minimum : (ny, nx) float32
        Minimum over the exposures, or over the pixels around where it is an outlier, ADU.
    sigma : (ny, nx) float32
        Noise of a single exposure, ADU.
    contrast : (ny, nx) float32
        How steep and how high the minimum is in each pixel: its range and curvature within 3 x 3
        pixels and its height above those around, without what noise makes of them, added in
        squares; in units of `sigma`.
    gain : float or (ny, nx) ndarray
        e-/ADU.
    rnoise : float or (ny, nx) ndarray
        Readout noise of an exposure before it was divided by its flux factor, electrons.
    factors : tuple of n floats
        Flux factors by which the exposures were divided.
    n_valid : (ny, nx) int16
        Number of valid exposures.
    numbers : tuple of int
        Numbers of valid exposures, from 2 on, that occur.
    n_tested : int
        Pixels with two valid exposures or more.
    typical_noise : float
        Median noise of a single exposure, electrons.
    excess : float
        Variance over the square of the signal that is not of photons and readout.
    """

    minimum: Float32Array
    sigma: Float32Array
    contrast: Float32Array
    gain: NumberOrMap
    rnoise: NumberOrMap
    factors: tuple[float, ...]
    n_valid: npt.NDArray[np.int16]
    numbers: tuple[int, ...]
    n_tested: int
    typical_noise: float
    excess: float = 0.0

    def n_valid_at(self, pixels: Pixels) -> npt.NDArray[np.int16]:
        """Numbers of valid exposures in some pixels."""
        if self.n_tested == self.sigma.size and len(self.numbers) == 1:
            return np.full(len(pixels), self.numbers[0], np.int16)
        return self.n_valid.ravel()[pixels]

    def noise(self, n: int, rnoise: float | None = None) -> ExposureNoise:
        """Noise of n exposures, by default with the median readout noise."""
        value = float(np.median(self.rnoise)) if rnoise is None else rnoise
        return ExposureNoise(self.factors, value, self.excess).of(n)


def measure_level(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> Level:
    """Find the level and the noise of every pixel.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors.
    noise : Noise
        Of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    Level
        The noise follows from the mean of the minima around a pixel, without its own, kept within
        what its own minimum makes likely.
    """
    gain = noise.gain
    rnoise = np.maximum(noise.rnoise * gain, MIN_RNOISE)
    if np.ndim(rnoise) == 0:
        rnoise = float(rnoise)
    law = ExposureNoise(factors, float(np.median(rnoise)), noise.excess)
    minimum = np.asarray(stack.min2d * gain, np.float32)
    filled = minimum
    if stack.valid is not None:
        filled = np.nan_to_num(minimum, nan=float(np.nanmedian(minimum)))
    highest = minimum + _LEVEL_ABOVE * noise_at_minimum(minimum, rnoise, law, _LEVEL_ABOVE)
    likely = np.clip(_surroundings(filled), minimum, highest)
    electrons = noise_at_minimum(likely, rnoise, law, minimum_shift(law.n))
    contrast = _structure(np.asarray(filled / electrons, np.float32))
    sigma = np.asarray(electrons / gain, np.float32)
    counts = _pixels_by_number(stack)
    return Level(
        _without_low_outliers(stack, sigma), sigma, contrast,
        gain, rnoise, factors, stack.n_valid, tuple(counts), sum(counts.values()),
        float(np.nanmedian(electrons.ravel()[:: max(1, electrons.size // _ENOUGH_PIXELS)])),
        noise.excess,
    )  # fmt: skip


def _pixels_by_number(stack: Stack) -> dict[int, int]:
    """Pixels by their number of valid exposures, from 2 on."""
    if stack.valid is None:
        return {stack.n: stack.min2d.size} if stack.n > 1 else {}
    counts = np.bincount(stack.n_valid.ravel())
    return {n: int(count) for n, count in enumerate(counts) if n > 1 and count}


def _structure(frame: Float32Array) -> Float32Array:
    """Range, twice the curvature, and height of each pixel, without those of noise.

    Range and curvature are those of 3 x 3 pixels, height is that above the lowest place near. What
    a displaced exposure differs by is bounded by the range; what another image quality does to a
    peak, by curvature and height. A pixel that stands alone is no image of anything.
    """
    smooth = ndimage.uniform_filter(frame, 3)
    ground = ndimage.minimum_filter(smooth, _GROUND_BOX)
    beside = np.maximum((9 * smooth - frame) / 8 - ground - np.float32(_NOISE_MEAN), 0)
    frame = np.minimum(frame, ground + np.float32(_ALONE) + np.float32(_SHARPEST) * beside)
    padded = np.pad(frame, 1, mode="edge")
    along_x = np.abs(2 * frame - padded[1:-1, :-2] - padded[1:-1, 2:])
    along_y = np.abs(2 * frame - padded[:-2, 1:-1] - padded[2:, 1:-1])
    bend = np.square(np.maximum(along_x, along_y)) - np.float32(_NOISE_BEND**2)
    square = np.square(local_range(frame)) - np.float32(_NOISE_RANGE**2)
    height = np.maximum(frame - ground - np.float32(_NOISE_HEIGHT), 0)
    return np.asarray(
        np.sqrt(np.maximum(square, 0) + np.maximum(bend, 0) + np.square(height)), np.float32
    )


def _surroundings(frame: Float32Array) -> Float32Array:
    """Highest of the means along the row, along the column and in a box, without the pixel itself.

    On a fibre or a sky line, one of them runs along the crest.
    """
    size = _LEVEL_BOX
    along_x = ndimage.uniform_filter1d(frame, size, axis=1, mode="mirror")
    along_y = ndimage.uniform_filter1d(frame, size, axis=0, mode="mirror")
    square = ndimage.uniform_filter1d(along_x, size, axis=0, mode="mirror")
    for mean, n in ((along_x, size), (along_y, size), (square, size * size)):
        mean -= frame / np.float32(n)
        mean *= np.float32(n / (n - 1))
    return np.asarray(np.maximum(np.maximum(along_x, along_y), square), np.float32)


def _without_low_outliers(stack: Stack, sigma: Float32Array) -> Float32Array:
    """Minimum, replaced by its surroundings where noise makes a single exposure low.

    All others would seem to be hit there. Only pixels whose median is far above are looked at.
    """
    minimum = stack.min2d.copy()
    y, x = np.nonzero(stack.median2d - stack.min2d > _LOW_SIGMA * sigma)
    padded = np.pad(stack.min2d, 1, mode="reflect")
    around = [padded[1 + y + dy, 1 + x + dx] for dy, dx in box(1, middle=False)]
    ordered = np.sort(around, axis=0)
    typical, half = (ordered[3] + ordered[4]) / 2, (ordered[6] - ordered[1]) / 2
    depth = typical - minimum[y, x]
    all_known = np.isfinite(ordered[-1])  # sorting puts NaN last
    low = all_known & (depth > _LOW_SIGMA * sigma[y, x]) & (depth > _LOW_RANGE * half)
    minimum[y[low], x[low]] = typical[low]
    return minimum


def sigma_at(
    level: Level, value: npt.NDArray[np.floating], pixels: Pixels
) -> npt.NDArray[np.floating]:
    """Noise of an average exposure at a given level.

    Parameters
    ----------
    level : Level
        Gain and readout noise.
    value : (k,) ndarray
        Level, ADU.
    pixels : (k,) int64
        Flat indices of the pixels.

    Returns
    -------
    (k,) ndarray
        Standard deviation, ADU.
    """
    gain, rnoise = at_pixels(level.gain, pixels), at_pixels(level.rnoise, pixels)
    law = level.noise(len(level.factors))
    readout = np.square(rnoise * law.readout / law.rnoise)
    light = np.maximum(value * gain, 0)
    variance = light * law.photon_share + readout
    if level.excess:
        variance = variance + level.excess * np.square(light)
    return np.asarray(np.sqrt(variance) / gain)
