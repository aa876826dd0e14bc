"""Stages of the local significance."""

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.matching import match
from crmasks_widgets.core.significance import everywhere as hit_in_all
from crmasks_widgets.core.significance import excess as tests
from crmasks_widgets.core.significance import hits
from crmasks_widgets.core.significance import level as levels
from crmasks_widgets.core.stack import Stack, stack_of


def matching(read: Reader) -> match.Matching:
    """Exposures less what displacement, seeing, flux and sky make of them."""
    stack: Stack = read("scaled")
    if read.p.match_exposures == "off":
        return match.unmatched(stack)
    return match.match_exposures(stack, read.noise, read("alignment").flux_factors)


def matched(read: Reader) -> Stack:
    """The same as a stack: what tests look at."""
    scaled: Stack = read("scaled")
    found: match.Matching = read("matching")
    return stack_of(found.cube, scaled.valid) if found.matched else scaled


def level(read: Reader) -> levels.Level:
    """Level and noise of every pixel."""
    return levels.measure_level(read("matched"), read.noise, read("alignment").flux_factors)


def excess(read: Reader, target: Target) -> npt.NDArray[np.float32]:
    """Excess of a target over the minimum and over what is smooth, in sigma."""
    return tests.excess_over_minimum(read("matched"), read("level"), target, read.p.sg_background)


def noise_scale(read: Reader) -> tests.NoiseScale:
    """Measured noise, relative to what gain and readout noise say."""
    if not read.p.sg_measured_noise:
        return tests.PREDICTED
    return tests.measure_noise_scale(read("matched"), read("level"), read("excess", "median"))


def candidates(read: Reader, target: Target) -> tests.Candidates:
    """Pixels of a target that any threshold may reach."""
    values = read("excess", target, keep=not read.once)
    return tests.find_candidates(read("level"), target, values, read("noise_scale"))


def groups(read: Reader, target: Target) -> hits.Groups:
    """Which candidates grow together."""
    nx = read.exposures.shape[1]
    return hits.group_candidates(read("candidates", target), read.p.sg_growth, nx)


def own_hits(read: Reader, target: Target) -> hits.Found:
    """Hits of the mean or of an exposure, from its own statistic alone."""
    found = read("candidates", target)
    start = hits.threshold(read.p.sg_false_alarms, read("level").n_tested)
    seeds = found.pixels[found.significance > start]
    return hits.grown_from(seeds, read("groups", target), read.exposures.shape)


def coincidences(read: Reader) -> hit_in_all.Coincidences:
    """Hits of the median."""
    own = [read("own_hits", number).pixels for number in range(1, read.exposures.n + 1)]
    return hit_in_all.find_coincidences(
        read("level"), read("matched"), read("candidates", "median"), read("groups", "median"),
        own, read.p.sg_false_alarms,
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
    return hit_in_all.hits_of_exposure(own, coincident, read("groups", target))


def significance(read: Reader, target: Target) -> npt.NDArray[np.float32]:
    """Significance of every pixel."""
    return tests.significance_map(
        read("level"), target, read("excess", target), read("noise_scale")
    )


def significance_diagram(read: Reader, target: Target) -> tests.SignificanceDiagram:
    """Density of the pixels in significance and minimum."""
    minimum, edges = read("stack").min2d, read("plane")[0].x_edges
    return tests.count_significances(minimum, read("significance", target), edges)
