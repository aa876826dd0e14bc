"""The law of the electrons of an exposure: Poisson, or with more scatter than photons have."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import Float64Array

LEAST_EXCESS: Final = 1e-9
"""1 / shape of levels at which a law is Poisson's while it is not at others."""


@dataclass(frozen=True)
class PhotonLaw:
    """A negative binomial law: of mean m and variance m + m^2 / shape.

    Such is the law of photons whose mean follows a gamma distribution of that shape, and so has a
    relative scatter of 1 / sqrt(shape), from exposure to exposure.

    Attributes
    ----------
    levels : tuple of k float
        Means at which the shape is known, electrons, rising and positive; none for the law of
        Poisson.
    excess : tuple of k float
        1 / shape there, at least 0. Between the levels it is interpolated along the logarithm of
        the level; beyond them it keeps its end values.
    """

    levels: tuple[float, ...] = ()
    excess: tuple[float, ...] = ()

    @classmethod
    def of_shape(cls, shape: float) -> "PhotonLaw":
        """One shape at all levels.

        Parameters
        ----------
        shape : float
            More than 0.

        Returns
        -------
        PhotonLaw
            Nearly that of Poisson where the shape is much above the mean.
        """
        return cls((1.0,), (1 / shape,))

    @property
    def is_poisson(self) -> bool:
        """Whether nothing is added to the scatter of photons."""
        return not any(self.excess)

    def excess_at(self, electrons: npt.ArrayLike) -> Float64Array:
        """1 / shape at some means.

        Parameters
        ----------
        electrons : array_like
            Means, at least 0.

        Returns
        -------
        ndarray of float64
            At least 0; shaped like the means.
        """
        means = np.asarray(electrons, dtype=np.float64)
        if self.is_poisson:
            return np.zeros_like(means)
        if len(self.levels) == 1:
            return np.full_like(means, self.excess[0])
        places = np.log(np.maximum(means, self.levels[0]))
        return np.asarray(np.interp(places, np.log(self.levels), self.excess))

    def draw(
        self, rng: np.random.Generator, electrons: npt.ArrayLike, size: int | None = None
    ) -> npt.NDArray[np.int64]:
        """Draw numbers of electrons.

        Parameters
        ----------
        rng : numpy Generator
            Source of the draws.
        electrons : array_like
            Means, at least 0.
        size : int, optional
            How many, of one mean.

        Returns
        -------
        ndarray of int64
            Shaped like the means, or (size,).
        """
        means = np.asarray(electrons, dtype=np.float64)
        if self.is_poisson:
            return np.asarray(rng.poisson(means, size))
        shape = 1 / np.maximum(self.excess_at(means), LEAST_EXCESS)
        return np.asarray(rng.negative_binomial(shape, shape / (shape + means), size))


POISSON: Final = PhotonLaw()
"""The law of photons."""
