"""How the stages of the local significance are computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Declared
from crmasks_widgets.core import noise_check
from crmasks_widgets.core.combine import median_variance_factors
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.significance import excess as significance
from crmasks_widgets.core.significance import hits as significance_hits
from crmasks_widgets.core.significance import level as significance_level
from crmasks_widgets.core.significance import local_estimate
from crmasks_widgets.core.stack import Stack

if TYPE_CHECKING:
    from crmasks_widgets.analysis.analysis import Analysis, Target

BoolFrame = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SignificanceLimits:
    """Significances that decide about the pixels of a target.

    Attributes
    ----------
    start : tuple of float
        A hit begins above the first, sigma. For the median, the others hold in pixels where one,
        two, ... exposures are hit by themselves, by the law of the exposures that are left.
    growth : float
        Pixels connected to it belong to the hit above this, sigma.
    """

    start: tuple[float, ...]
    growth: float


@dataclass(frozen=True)
class Coincidences:
    """Hits of the median.

    Attributes
    ----------
    found : Found
        Seeds, and all flagged pixels.
    everywhere : (k,) int64
        Flat indices of flagged pixels whose minimum is hit as well.
    start : tuple of float
        Thresholds, as in `SignificanceLimits`.
    """

    found: significance_hits.Found
    everywhere: npt.NDArray[np.int64]
    start: tuple[float, ...]


def _level(a: "Analysis", _: Declared) -> significance_level.Level:
    return significance_level.measure_level(
        a.result("scaled"), a.calibration.noise, a.alignment.flux_factors
    )


def _noise_check(a: "Analysis", _: Declared) -> noise_check.NoiseCheck:
    return noise_check.check_noise(
        a.result("scaled"), a.calibration.noise, a.alignment.flux_factors
    )


def _excess(a: "Analysis", p: Declared, target: "Target") -> npt.NDArray[np.float32]:
    return significance.excess_over_minimum(
        a.result("scaled"), a.result("level"), target, p.sg_background
    )


def _noise_scale(a: "Analysis", p: Declared) -> significance.NoiseScale:
    if not p.sg_measured_noise:
        return significance.PREDICTED
    return significance.measure_noise_scale(
        a.result("scaled"), a.result("level"), a.result("excess", "median")
    )


def _candidates(a: "Analysis", _: Declared, target: "Target") -> significance.Candidates:
    scale = a.result("noise_scale")
    excess = (a.fleeting if a.once else a.result)("excess", target)
    return significance.find_candidates(a.result("level"), target, excess, scale)


def _groups(a: "Analysis", p: Declared, target: "Target") -> significance_hits.Groups:
    nx = a.exposures.shape[1]
    return significance_hits.group_candidates(a.result("candidates", target), p.sg_growth, nx)


def _own_hits(a: "Analysis", p: Declared, target: "Target") -> significance_hits.Found:
    """Hits of the mean or of an exposure, from its own statistic alone."""
    candidates = a.result("candidates", target)
    start = significance_hits.threshold(p.sg_false_alarms, a.result("level").n_tested)
    seeds = candidates.pixels[candidates.significance > start]
    return significance_hits.grown_from(seeds, a.result("groups", target), a.exposures.shape)


def _coincidences(a: "Analysis", p: Declared) -> Coincidences:
    level, candidates = a.result("level"), a.result("candidates", "median")
    numbers = range(1, a.exposures.n + 1)
    hit = significance_hits.HitCounts.of(
        [a.result("own_hits", number).pixels for number in numbers], a.exposures.shape
    )
    start = significance_hits.median_thresholds(level, hit, p.sg_false_alarms)
    seeds = significance_hits.median_seeds(level, candidates, hit, start)
    found = significance_hits.grown_from(seeds, a.result("groups", "median"), a.exposures.shape)
    found = found.joined(significance_hits.hit_in_several(level, hit))
    # Where the minimum is hit too, the excess over it may be small: it betrays itself by its
    # surroundings, and is looked for beside the pixels found.
    around = grow(found.flagged, 1)
    everywhere = hit_everywhere(a, around, np.flatnonzero(around))
    return Coincidences(found.joined(everywhere), everywhere, start)


def hit_everywhere(
    a: "Analysis", masked: BoolFrame, pixels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Those of the pixels whose minimum stands out of what is not masked around them."""
    level, scaled = a.result("level"), a.result("scaled")
    lowest = local_estimate.lowest_interpolation(scaled.median2d, _usable(scaled, masked), pixels)
    # Most do not stand out of any interpolation, and need none with its error.
    excess = scaled.min2d.ravel()[pixels] - lowest
    sigma = significance_level.sigma_at(level, lowest, pixels)
    pixels = pixels[~(excess <= local_estimate.EVERYWHERE_SIGMA * sigma)]
    estimate = estimated_locally(a, masked, pixels)
    sigma = significance_level.sigma_at(level, estimate.value, pixels)
    return local_estimate.hit_everywhere(scaled.min2d, estimate, pixels, sigma)


def _usable(scaled: Stack, masked: BoolFrame) -> BoolFrame:
    return ~masked if scaled.valid is None else ~masked & (scaled.n_valid > 0)


def estimated_locally(
    a: "Analysis", masked: BoolFrame, pixels: npt.NDArray[np.int64]
) -> local_estimate.LocalEstimate:
    """Estimates of pixels from the median around them, masked pixels left out."""
    level, scaled = a.result("level"), a.result("scaled")
    shares = np.sqrt(median_variance_factors(scaled.n))[level.n_valid_at(pixels)]
    noise = level.sigma.ravel()[pixels] * shares
    return local_estimate.estimate_locally(scaled.median2d, _usable(scaled, masked), pixels, noise)


def _significant(a: "Analysis", _: Declared, target: "Target") -> significance_hits.Found:
    """Hits of a target, with what the others add to it.

    An exposure is hit as well where the median is and it exceeds the minimum enough to grow, and
    where all are; the mean, wherever an exposure is.
    """
    coincidences: Coincidences = a.result("coincidences")
    if target == "median":
        return coincidences.found
    own = a.result("own_hits", target)
    if target == "mean":
        numbers = range(1, a.exposures.n + 1)
        return own.joined(*(a.result("significant", number).pixels for number in numbers))
    high = a.result("groups", target).pixels
    joint = high[coincidences.found.flagged.ravel()[high]]
    grown = significance_hits.grown_from(joint, a.result("groups", target), a.exposures.shape)
    return own.joined(grown.pixels, coincidences.everywhere)


def _significance(a: "Analysis", _: Declared, target: "Target") -> npt.NDArray[np.float32]:
    level, excess = a.result("level"), a.result("excess", target)
    values = significance.significance_of(level, target, excess.ravel(), np.arange(excess.size))
    values /= a.result("noise_scale").at(level.contrast.ravel())
    values[~np.isfinite(values)] = np.nan
    return values.reshape(excess.shape)


def _significance_diagram(
    a: "Analysis", _: Declared, target: "Target"
) -> significance.SignificanceDiagram:
    return significance.count_significances(
        a.stack.min2d, a.result("significance", target), a.plane.x_edges
    )


def limits(a: "Analysis", target: "Target") -> SignificanceLimits:
    """Thresholds of a target; see `Analysis.significance_limits`."""
    growth = a.parameters.sg_growth
    if target == "median":
        return SignificanceLimits(a.result("coincidences").start, growth)
    n_tested = a.result("level").n_tested
    return SignificanceLimits(
        (significance_hits.threshold(a.parameters.sg_false_alarms, n_tested),), growth
    )


COMPUTE: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({
    "noise_check": _noise_check,
    "level": _level,
    "excess": _excess,
    "noise_scale": _noise_scale,
    "candidates": _candidates,
    "groups": _groups,
    "own_hits": _own_hits,
    "coincidences": _coincidences,
    "significant": _significant,
    "significance": _significance,
    "significance_diagram": _significance_diagram,
})  # fmt: skip
