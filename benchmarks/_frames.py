"""Exposures with truth, for benchmarks that compare what finds and what combines.

Exposures are divided by their known flux factors and are in electrons above bias, so that every
program is given the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import semireal

import crmasks_widgets as cm
from crmasks_widgets.demo import SCENE_KINDS, demo_scene
from crmasks_widgets.exposures import read_exposures

Frame = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

DEMO_SHAPE = (400, 400)


@dataclass(frozen=True)
class Frames:
    """Exposures of one field, electrons.

    Attributes
    ----------
    name : str
        Of the set.
    cube : (n, ny, nx) float32
        Above bias, divided by the flux factors.
    scene : (ny, nx)
        The truth.
    deposits : (n, ny, nx)
        What cosmic rays left in each exposure, before it was divided.
    factors : tuple of float
        Flux factors.
    rnoise : float
        Of an exposure as it was read.
    """

    name: str
    cube: npt.NDArray[np.float32]
    scene: Frame
    deposits: Frame
    factors: tuple[float, ...]
    rnoise: float

    @property
    def exposures(self) -> cm.ExposureSet:
        """The exposures as they were read, for what knows flux factors itself."""
        factors = np.reshape(np.float32(self.factors), (-1, 1, 1))
        return cm.ExposureSet.from_arrays(list(self.cube * factors))

    @property
    def sigma(self) -> Frame:
        """Noise of one exposure."""
        return self.noise(self.scene)

    def noise(self, level: Frame) -> Frame:
        """Noise of one exposure of some light."""
        return np.sqrt(np.maximum(level, 0) + self.rnoise**2)

    def hits(self, least: float) -> npt.NDArray[np.int64]:
        """Number of exposures in which each pixel is hit by more than `least` sigma."""
        return np.count_nonzero(self.deposits > least * self.sigma, axis=0)


def semireal_frames(data: Path, name: str) -> Frames:
    """Read a semireal set, by its name."""
    folder = data / "semireal"
    truth = semireal.read_truth(folder, name)
    cube = read_exposures(semireal.exposure_paths(folder, name)).data
    divided = cube / np.reshape(np.float32(truth.factors), (-1, 1, 1))
    return Frames(
        f"semireal {name}", divided, truth.scene, truth.deposits, truth.factors, semireal.RNOISE
    )


def demo_frames() -> Iterator[Frames]:
    """Simulate the demo scenes."""
    for kind in SCENE_KINDS:
        made = demo_scene(DEMO_SHAPE, kind=kind)
        cube = np.asarray((made.exposures - made.bias) * made.gain, np.float32)
        yield Frames(
            f"demo {kind}", cube, made.truth[0] * made.gain, made.cosmic_rays * made.gain,
            made.flux_factors, made.rnoise * made.gain,
        )  # fmt: skip
