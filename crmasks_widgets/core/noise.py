"""The noise of one exposure: photons, readout, and what scatters with the signal."""

from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.typing import FloatArray, NumberOrMap, Pixels

# Electrons. With a smaller readout noise, single electrons show in the laws of exposures.
MIN_RNOISE = 0.6


def at_pixels(value: NumberOrMap, pixels: Pixels) -> NumberOrMap:
    """Values of a map at some pixels; a number stays what it is.

    Parameters
    ----------
    value : float or (ny, nx) ndarray
        One number for all pixels, or one for each.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    float or (k,) ndarray
        In the unit of `value`.
    """
    return value.ravel()[pixels] if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Noise:
    """The detector's noise model.

    Attributes
    ----------
    gain : float or (ny, nx) ndarray
        e-/ADU.
    rnoise : float or (ny, nx) ndarray
        Readout noise, ADU.
    excess : float
        Variance over the square of the signal that comes on top of photons and readout.
    """

    gain: NumberOrMap
    rnoise: NumberOrMap
    excess: float = 0.0

    @property
    def typical_gain(self) -> float:
        """Median gain, e-/ADU."""
        return float(np.median(self.gain))

    @property
    def typical_rnoise(self) -> float:
        """Median readout noise, ADU."""
        return float(np.median(self.rnoise))

    def usable(self) -> "Noise":
        """Give the same, with `MIN_RNOISE` in the place of a smaller readout noise.

        Returns
        -------
        Noise
            Dark pixels have a noise, too.
        """
        least = MIN_RNOISE / self.gain
        if isinstance(self.rnoise, np.ndarray) or isinstance(least, np.ndarray):
            return Noise(self.gain, np.maximum(self.rnoise, least), self.excess)
        return Noise(self.gain, max(self.rnoise, least), self.excess)

    def sigma(self, signal: FloatArray) -> FloatArray:
        """Noise of one exposure.

        Parameters
        ----------
        signal : (ny, nx) ndarray
            ADU; negative values count as 0.

        Returns
        -------
        (ny, nx) ndarray
            Standard deviation, ADU.
        """
        light = np.maximum(signal, 0)
        variance = light / self.gain + np.square(self.rnoise)
        return np.asarray(np.sqrt(variance + self.scatter(light)))

    def scatter(self, signal: FloatArray) -> FloatArray | float:
        """Variance beyond that of photons and readout.

        Parameters
        ----------
        signal : ndarray
            ADU, at least 0; of an exposure as it is or divided by its flux factor.

        Returns
        -------
        ndarray, or 0
            In the square of the unit of the signal.
        """
        return np.asarray(np.float32(self.excess) * np.square(signal)) if self.excess else 0.0

    def rows(self, rows: slice) -> "Noise":
        """Noise of some rows.

        Parameters
        ----------
        rows : slice
            Of the y axis.

        Returns
        -------
        Noise
            Numbers as they are, views of maps.
        """
        gain, rnoise = (
            value[rows] if isinstance(value, np.ndarray) else value
            for value in (self.gain, self.rnoise)
        )
        return Noise(gain, rnoise, self.excess)

    def at(self, pixels: Pixels) -> "Noise":
        """Noise of some pixels.

        Parameters
        ----------
        pixels : (k,) int64
            Flat indices.

        Returns
        -------
        Noise
            Numbers as they are, (k,) values of maps.
        """
        gain, rnoise = at_pixels(self.gain, pixels), at_pixels(self.rnoise, pixels)
        return Noise(gain, rnoise, self.excess)
