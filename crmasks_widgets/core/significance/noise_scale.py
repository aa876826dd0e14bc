"""How much exposures scatter beyond gain and readout noise, where nothing is and on structure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.typing import Float32Array, Float64Array, FloatArray, Int64Array

# What a tail of many pixels tells is exceeded by single ones: displacement has a direction, and
# image quality acts most on the peaks.
_SAFETY = 1.5

# Part of the contrast by which exposures that had to be matched still differ somewhere: the image
# quality is not the same over a frame.
MATCHED = 0.01


@dataclass(frozen=True)
class NoiseScale:
    """How much a target scatters, relative to the noise model.

    Attributes
    ----------
    flat : float
        Ratio to the noise model where the frame has no structure, at least 1.
    contrast : (k,) float64
        Median contrast of each class of pixels with structure, rising.
    structure : (k,) float64
        What displacement and image quality add to the noise there, as a part of the contrast.
    n_pixels : (k,) int64
        Pixels of each class.
    """

    flat: float
    contrast: Float64Array
    structure: Float64Array
    n_pixels: Int64Array

    def joined(self, others: Sequence["NoiseScale"], least: float = 0.0) -> "NoiseScale":
        """What structure adds in the worst of several targets.

        What displaces one exposure against the others moves their minimum as well.

        Parameters
        ----------
        others : sequence of NoiseScale
            Measured in the same classes.
        least : float
            Part of the contrast that is taken for granted.

        Returns
        -------
        NoiseScale
            With the highest of each class.
        """
        highest = np.max([scale.structure for scale in (self, *others)], axis=0)
        return NoiseScale(self.flat, self.contrast, np.maximum(highest, least), self.n_pixels)

    @property
    def typical_structure(self) -> float:
        """Mean over the pixels with structure of what is added, as a part of the contrast."""
        if not self.n_pixels.sum():
            return 0.0
        return float(np.average(self.structure, weights=self.n_pixels))

    def added(self, contrast: FloatArray) -> Float64Array:
        """Standard deviation that structure adds.

        Parameters
        ----------
        contrast : (k,) ndarray
            In units of the noise of a single exposure.

        Returns
        -------
        (k,) float64
            In the same units.
        """
        if not self.structure.any():
            return np.zeros(np.shape(contrast))
        return np.asarray(np.interp(contrast, self.contrast, self.structure) * contrast)

    def at(self, contrast: FloatArray) -> Float32Array:
        """Divisor of significances.

        Parameters
        ----------
        contrast : (k,) ndarray
            In units of the noise of a single exposure.

        Returns
        -------
        (k,) float32
            At least 1. Where structure adds noise, half as much again as was measured.
        """
        return np.asarray(self.flat * np.hypot(1, _SAFETY * self.added(contrast)), np.float32)


PREDICTED = NoiseScale(1.0, np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
"""The noise that gain and readout noise say."""
