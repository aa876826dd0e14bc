"""Stages of the local significance."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.between import BetweenExposures
from crmasks_widgets.core.low import LowValues, find_low, leave_out
from crmasks_widgets.core.matching import match
from crmasks_widgets.core.measured_noise.measure import MeasuredNoise, measure_noise
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.significance import hits
from crmasks_widgets.core.significance.everywhere import (
    Coincidences,
    find_coincidences,
    hits_of_exposure,
)
from crmasks_widgets.core.significance.excess import (
    Candidates,
    SignificanceDiagram,
    count_significances,
    excess_over_minimum,
    find_candidates,
    rescaled,
    significance_map,
)
from crmasks_widgets.core.significance.level import Level, measure_level
from crmasks_widgets.core.significance.noise_scale import MATCHED, PREDICTED, NoiseScale
from crmasks_widgets.core.significance.of_sources import without_sources
from crmasks_widgets.core.significance.scatter import (
    find_crossings,
    measure_noise_scale,
    unknown_differences,
)
from crmasks_widgets.core.stack import Stack, stack_of
from crmasks_widgets.core.typing import BoolArray


def matching(read: Reader) -> match.Matching:
    """Exposures less what displacement, seeing, flux and sky make of them."""
    stack: Stack = read("scaled")
    if read.p.match_exposures == "off":
        return match.unmatched(stack)
    return match.match_exposures(stack, read.noise, read("alignment").flux_factors)


def matched(read: Reader) -> Stack:
    """The same as a stack."""
    scaled: Stack = read("scaled")
    found: match.Matching = read("matching")
    return stack_of(found.cube, scaled.valid) if found.matched else scaled


def measured_noise(read: Reader) -> MeasuredNoise:
    """What the exposures say about their noise."""
    return measure_noise(read("matched"), read.noise, read("alignment").flux_factors)


def noise_in_use(read: Reader) -> Noise:
    """Noise of an exposure: as given, or as the exposures show where they say otherwise."""
    if not read.p.sg_measured_noise:
        return read.noise
    found: Noise = read("measured_noise").noise
    return found


def expected_false(read: Reader) -> float:
    """False groups in all exposures together because they scatter more than they are judged by."""
    ny, nx = read.exposures.shape
    start = hits.threshold(read.p.sg_false_alarms, ny * nx)
    given = not read.p.sg_measured_noise
    rate = read("measured_noise").false_alarms(start, given=given)
    return float(rate * read.exposures.n * ny * nx)


def low_by_given_noise(read: Reader) -> LowValues:
    """Values of single exposures that are no light, for methods that go by the given noise."""
    return find_low(read("matched"), read.noise, read("alignment").flux_factors)


def low(read: Reader) -> LowValues:
    """Values of single exposures that are no light."""
    noise: Noise = read("noise_in_use")
    if noise is read.noise:
        known: LowValues = read("low_by_given_noise")
        return known
    return find_low(read("matched"), noise, read("alignment").flux_factors)


def tested(read: Reader) -> Stack:
    """What tests look at: matched exposures without their low values."""
    return leave_out(read("matched"), read("low"))


def clean(read: Reader) -> Stack:
    """What combinations are made of: exposures on one scale without their low values."""
    return leave_out(read("scaled"), read("low"))


def between(read: Reader) -> BetweenExposures:
    """What exposures differ by apart from noise and hits."""
    scales = [read("high", number).noise for number in range(1, read.exposures.n + 1)]
    light = read("clean").cube - read("tested").cube if read("matching").matched else None
    return BetweenExposures(light, unknown_differences(read("level"), scales))


def level(read: Reader) -> Level:
    """Level and noise of every pixel."""
    return measure_level(read("tested"), read("noise_in_use"), read("alignment").flux_factors)


def crossings(read: Reader) -> BoolArray:
    """Pixels whose contrast may be that of hits."""
    return find_crossings(read("tested"), read("level"))


def excess(read: Reader, target: Target) -> npt.NDArray[np.float32]:
    """Excess of a target over the minimum and over what is smooth, in sigma."""
    return excess_over_minimum(read("tested"), read("level"), target, read.p.sg_background)


def high(read: Reader, target: Target) -> Candidates:
    """Pixels of a target that stand out of the noise measured in it."""
    level, values = read("level"), read("excess", target, keep=not read.once)
    scale = PREDICTED
    if read.p.sg_measured_noise:
        flat = None if target == "median" else read("high", "median").noise.flat
        crossings = read("crossings")
        scale = measure_noise_scale(read("tested"), level, target, values, crossings, flat)
    return find_candidates(level, target, values, scale)


def noise_scale(read: Reader) -> NoiseScale:
    """Measured noise, relative to what gain and readout noise say."""
    if not read.p.sg_measured_noise:
        return PREDICTED
    targets = ("mean", *range(1, read.exposures.n + 1))
    of_median: NoiseScale = read("high", "median").noise
    least = MATCHED if read("matching").matched else 0.0
    return of_median.joined([read("high", target).noise for target in targets], least)


def candidates(read: Reader, target: Target) -> Candidates:
    """Pixels of a target that any threshold may reach."""
    return rescaled(read("high", target), read("level"), read("noise_scale"))


def groups(read: Reader, target: Target) -> hits.Groups:
    """Which candidates grow together."""
    nx = read.exposures.shape[1]
    return hits.group_candidates(read("candidates", target), read.p.sg_growth, nx)


def own_hits(read: Reader, target: Target) -> hits.Found:
    """Hits of the mean or of an exposure, from its own statistic alone."""
    found = read("candidates", target)
    start = hits.threshold(read.p.sg_false_alarms, read("level").n_tested)
    seeds = found.pixels[found.significance > start]
    grown = hits.grown_from(seeds, read("groups", target), read.exposures.shape)
    return without_sources(grown, read("tested"), read("level"), target, read("low").of_sources)


def coincidences(read: Reader) -> Coincidences:
    """Hits of the median."""
    own = [read("own_hits", number) for number in range(1, read.exposures.n + 1)]
    of_sources = np.concatenate([read("low").of_sources, *(each.of_sources for each in own)])
    return find_coincidences(
        read("level"), read("tested"), read("candidates", "median"), read("groups", "median"),
        [each.pixels for each in own], of_sources, read.p.sg_false_alarms,
    )  # fmt: skip


def significant(read: Reader, target: Target) -> hits.Found:
    """Hits of a target, with what the others add to it."""
    coincident = read("coincidences")
    if target == "median":
        found: hits.Found = coincident.found
        return found
    own: hits.Found = read("own_hits", target)
    if target == "mean":
        numbers = range(1, read.exposures.n + 1)
        return own.joined(*(read("significant", number).pixels for number in numbers))
    return hits_of_exposure(own, coincident, read("groups", target))


def significance(read: Reader, target: Target) -> npt.NDArray[np.float32]:
    """Significance of every pixel."""
    return significance_map(read("level"), target, read("excess", target), read("noise_scale"))


def significance_diagram(read: Reader, target: Target) -> SignificanceDiagram:
    """Density of the pixels in significance and minimum."""
    minimum, edges = read("stack").min2d, read("plane")[0].x_edges
    return count_significances(minimum, read("significance", target), edges)
