"""The noise of one exposure: photons and readout."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Noise:
    """The detector's noise model.

    Attributes
    ----------
    gain : float or (ny, nx) ndarray
        e-/ADU.
    rnoise : float or (ny, nx) ndarray
        Readout noise, ADU.
    """

    gain: float | npt.NDArray[np.floating]
    rnoise: float | npt.NDArray[np.floating]

    @property
    def typical_gain(self) -> float:
        """Median gain, e-/ADU."""
        return float(np.median(self.gain))

    @property
    def typical_rnoise(self) -> float:
        """Median readout noise, ADU."""
        return float(np.median(self.rnoise))

    def sigma(self, signal: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
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
        return np.asarray(np.sqrt(np.maximum(signal, 0) / self.gain + np.square(self.rnoise)))

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
        return Noise(gain, rnoise)
