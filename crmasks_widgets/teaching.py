"""What the teaching notebooks compute: why a median fails, who finds it, what a remedy costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from scipy import stats

from crmasks_widgets.core.masks import mm_flags
from crmasks_widgets.core.mm.boundary import piecewise_boundary
from crmasks_widgets.core.stack import Stack, stack_exposures
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.simulate import THICK_CCD, Detector, LongSlit, Scene, expose, long_slit_light

REFERENCE_TIME: Final = 1200.0
"""Seconds that the light and the rate of hits of a lesson refer to."""
LESSON_SHAPE: Final = (200, 250)
LESSON_DETECTOR: Final = Detector(gain=1.0, rnoise=3.4)
# What is brighter than this many readout noises in one exposure at least counts as a hit.
LEAST_MAXIMUM: Final = 5.0
# Beyond this many sigma of a single exposure an error is no noise any more.
OUTLIER: Final = 5.0


def lesson_scene(
    seconds: float = REFERENCE_TIME,
    rate: float = 1.0,
    n_exposures: int = 3,
    *,
    shape: tuple[int, int] = LESSON_SHAPE,
    seed: int = 1,
) -> Scene:
    """Simulate exposures of a long slit, for any exposure time and rate of hits.

    Light and hits grow with the time; gain 1, so that ADU are electrons, and bias 0.

    Parameters
    ----------
    seconds : float
        Exposure time of each exposure, > 0.
    rate : float
        Rate of hits in units of that of `THICK_CCD` (225 per million pixels and 1000 s), >= 0.
    n_exposures : int
        At least 1.
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.

    Returns
    -------
    Scene
        The exposures and their truth.

    Raises
    ------
    ParameterError
        If a value is not usable.
    """
    if not (seconds > 0 and rate >= 0):
        raise ParameterError(
            f"seconds, rate: found {seconds!r}, {rate!r}, expected more than 0 s and a rate >= 0"
        )
    relative = seconds / REFERENCE_TIME
    slit = LongSlit(source=600.0, nebula=500.0)
    return expose(
        relative * long_slit_light(shape, slit, seed=seed),
        n_exposures,
        seed=seed,
        detector=LESSON_DETECTOR,
        hits=replace(THICK_CCD, rate=THICK_CCD.rate * rate * relative),
    )


def lesson_stack(scene: Scene) -> Stack:
    """Take minimum, median, mean and maximum of the exposures of a scene.

    Parameters
    ----------
    scene : Scene
        Any.

    Returns
    -------
    Stack
        Without bias, divided by the flux factors.
    """
    return stack_exposures(scene.exposures, scene.bias, scene.flux_factors)


def share_hit(scene: Scene) -> float:
    """Share of the pixels of one exposure that are hit, a mean over the exposures.

    Parameters
    ----------
    scene : Scene
        Its `hits` say what is hit: more than 3 sigma.

    Returns
    -------
    float
        Between 0 and 1.
    """
    return float(scene.hits.mean())


def expected_survivors(n_exposures: int, share: float, n_pixels: int) -> float:
    """How many pixels are hit in more than half of the exposures, if hits are independent.

    Parameters
    ----------
    n_exposures : int
        N, at least 1.
    share : float
        Share p of the pixels that is hit in an exposure.
    n_pixels : int
        Pixels of a frame.

    Returns
    -------
    float
        Pixels times the sum of the binomial probabilities of N // 2 + 1 ... N hits.
    """
    return float(n_pixels * stats.binom.sf(n_exposures // 2, n_exposures, share))


def repeated_pixel(
    level: float, n_exposures: int, *, size: int = 100_000, rnoise: float = 3.4, seed: int = 1
) -> npt.NDArray[np.float64]:
    """Expose one pixel very often, N times each time, and sort each N: the order statistics.

    Parameters
    ----------
    level : float
        Expected electrons, >= 0.
    n_exposures : int
        N.
    size : int
        How often.
    rnoise : float
        Readout noise, electrons.
    seed : int
        Of the noise.

    Returns
    -------
    (size, N) float64
        Electrons, rising along the second axis: minimum first, maximum last.
    """
    rng = np.random.default_rng(seed)
    shape = (size, n_exposures)
    return np.sort(rng.poisson(level, shape) + rng.normal(0, rnoise, shape), axis=1)


@dataclass(frozen=True)
class Verdict:
    """What was flagged, beside the truth; (ny, nx) bool each.

    Attributes
    ----------
    found : ndarray
        Flagged and hit.
    missed : ndarray
        Hit by more than 3 sigma and not flagged.
    false : ndarray
        Flagged without more than 1 sigma of a hit.
    """

    found: BoolArray
    missed: BoolArray
    false: BoolArray

    @property
    def marks(self) -> float:
        """Marks out of 100: F1, the harmonic mean of the shares that are found and that are true.

        100 if there is nothing to find and nothing is flagged.
        """
        found, missed, false = map(np.count_nonzero, (self.found, self.missed, self.false))
        total = 2 * found + missed + false
        return 100.0 * 2 * found / total if total else 100.0

    def __str__(self) -> str:
        found, missed, false = map(np.count_nonzero, (self.found, self.missed, self.false))
        return (
            f"{found} of {found + missed} pixels found, {false} false ones: {self.marks:.0f} of 100"
        )


def judge(scene: Scene, points: Mapping[float, float]) -> Verdict:
    """Compare what lies above a boundary with the truth.

    Parameters
    ----------
    scene : Scene
        Knows what was hit.
    points : mapping of float to float
        Height of the boundary (median - minimum) at some minima, ADU; straight lines between
        them. At least two.

    Returns
    -------
    Verdict
        For pixels hit in more than half of the exposures. Where it takes hits of 1 to 3 sigma to
        make up more than half, a pixel counts neither for nor against.
    """
    stack = lesson_stack(scene)
    boundary = piecewise_boundary(tuple((x, y, 1.0) for x, y in points.items()))
    return judge_median(
        scene, mm_flags(stack.median2d, stack, boundary, 0.0, LEAST_MAXIMUM * scene.rnoise)
    )


def judge_median(scene: Scene, flagged: BoolArray) -> Verdict:
    """Compare what a detector flags in the median with the truth.

    Parameters
    ----------
    scene : Scene
        Knows what was hit.
    flagged : (ny, nx) bool ndarray
        What was flagged, before dilation.

    Returns
    -------
    Verdict
        As of `judge`.
    """
    truth = scene.double_hits
    touched = np.count_nonzero(scene.cosmic_rays > scene.sigma, axis=0) > scene.n // 2
    return Verdict(flagged & truth, truth & ~flagged, flagged & ~touched)


def judge_exposure(scene: Scene, number: int, flagged: BoolArray) -> Verdict:
    """Compare what a detector flags in one exposure with the truth.

    Parameters
    ----------
    scene : Scene
        Knows what was hit.
    number : int
        Which exposure, from 1.
    flagged : (ny, nx) bool ndarray
        What was flagged.

    Returns
    -------
    Verdict
        For the hits of this exposure alone; 1 to 3 sigma count neither for nor against.
    """
    truth = scene.hits[number - 1]
    touched = scene.cosmic_rays[number - 1] > scene.sigma[number - 1]
    return Verdict(flagged & truth, truth & ~flagged, flagged & ~touched)


def combination_errors(frames: Mapping[str, npt.NDArray[np.floating]], scene: Scene) -> Table:
    """Compare combinations with what a perfect one would give.

    Parameters
    ----------
    frames : mapping of str to (ny, nx) ndarray
        Combinations without bias, ADU.
    scene : Scene
        Its `mean_truth` is the perfect one.

    Returns
    -------
    Table
        For each combination, and for pixels hit in no exposure, in some, and in more than half of
        them: their number, mean error and rms error in sigma of a single exposure, and the number
        of errors beyond 5 sigma. Bad columns and saturated pixels are left out.
    """
    factors = np.reshape(scene.flux_factors, (-1, 1, 1))
    sigma = np.sqrt(np.mean((scene.sigma / factors) ** 2, axis=0))
    hit = np.count_nonzero(scene.hits, axis=0)
    usable = ~scene.bad_columns & ~scene.saturated.any(axis=0)
    places = {
        "none": usable & (hit == 0),
        "up to half": usable & (hit > 0) & (hit <= scene.n // 2),
        "more than half": usable & (hit > scene.n // 2),
    }
    rows = []
    for name, frame in frames.items():
        error = (frame - scene.mean_truth) / sigma
        for where, pixels in places.items():
            here = error[pixels]
            mean, rms = (np.mean(here), np.sqrt(np.mean(here**2))) if here.size else (np.nan,) * 2
            outliers = np.count_nonzero(np.abs(here) > OUTLIER)
            rows.append((name, where, here.size, float(mean), float(rms), outliers))
    names = ("combination", "exposures hit", "pixels", "mean error", "rms error", "beyond 5 sigma")
    table = Table(rows=rows, names=names)
    for column in ("mean error", "rms error"):
        table[column].info.format = ".3f"
    return table
