"""Stages of the Median-Minimum diagram."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.mm import diagram, simulation
from crmasks_widgets.core.mm.boundary import (
    Boundary,
    BoundaryFit,
    piecewise_boundary,
    spline_boundary,
)
from crmasks_widgets.core.mm.coincidences import lowest_averaged
from crmasks_widgets.core.mm.exact import (
    MOST_EXPOSURES,
    ExactDiagram,
    exact_diagram,
    false_alarm_boundary,
    no_exact_law,
)
from crmasks_widgets.core.mm.synthetic import Synthetic, cleaned_exposures, cleaned_median
from crmasks_widgets.core.ordinary import ordinary_range
from crmasks_widgets.core.photons import POISSON, PhotonLaw
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, FloatArray
from crmasks_widgets.detectors import rows
from crmasks_widgets.errors import InputError, ParameterError
from crmasks_widgets.parameters import Parameters, types
from crmasks_widgets.parameters.types import FIXED_SEED

logger = logging.getLogger(__name__)


def mm_stack(read: Reader) -> Stack:
    """The stack, with what stands for the minimum where more than one exposure is surely good."""
    stack: Stack = read("stack")
    coincidences = read.p.mm_cr_coincidences
    return stack if coincidences is None else lowest_averaged(stack, coincidences)


def synthetic(read: Reader) -> Synthetic | None:
    """Scenes without the hits of the other detectors; None where the median is taken as it is."""
    others = [row for row in rows(types.METHODS[read.p.crmethod]) if row.looks_at == "one frame"]
    if read.p.mm_synthetic == "raw" or not others:
        return None
    stack = read("mm_stack")

    def flagged(target: Target) -> BoolArray:
        found = [read(f"flagged_{row.key}", target) for row in others]
        return np.asarray(np.logical_or.reduce(found))

    numbers = range(1, stack.n + 1)
    median, exposures = flagged("median"), [flagged(number) for number in numbers]
    if read.p.mm_synthetic == "median":
        return cleaned_median(stack, median, exposures)
    cleaned = [
        np.where(hit, stack.min2d, stack.target(k))
        for k, hit in zip(numbers, exposures, strict=True)
    ]
    for row in others:
        if row.cleans:
            cleaned = [read("cleaned", number).cleaned for number in numbers]
    return cleaned_exposures(cleaned, median, exposures)


def photons(read: Reader) -> PhotonLaw:
    """Law of the electrons in the simulated exposures."""
    if read.p.mm_photon_distribution == "nbinom":
        return PhotonLaw.of_shape(read.p.mm_nbinom_shape)
    if read.p.mm_photon_distribution == "measured":
        law: PhotonLaw = read("over_dispersion").law
        return law
    return POISSON


def plane(read: Reader) -> tuple[diagram.Plane, dict[str, Any]]:
    """Bins of the diagram, and where the random numbers that found them have come to."""
    rng = np.random.default_rng(FIXED_SEED if read.p.mm_seed is None else read.p.mm_seed)
    stack = read("mm_stack")
    _name_pixels_apart(stack)
    bins = diagram.plane_of(
        stack.min2d,
        stack.n,
        read.noise,
        rng,
        highest_fixed_point=_highest(read.p.mm_fixed_points_in_boundary),
        displaced=read("alignment").displaced,
        height=read.p.mm_ydiag_max,
        photons=read("photons"),
    )
    return bins, dict(rng.bit_generator.state)


def _name_pixels_apart(stack: Stack) -> None:
    """Say which pixels the diagram leaves out because they lie far apart from all others."""
    lowest, highest = ordinary_range(stack.min2d)
    apart = (stack.min2d < lowest) | (stack.min2d > highest)
    if apart.any():
        y, x = np.argwhere(apart)[0]
        logger.warning(
            "pixel (%d, %d): found %.6g in every exposure, all others from %.6g to %.6g: the "
            "diagram leaves it out%s; marked as bad (DQ, NaN) it is left out everywhere",
            x + 1, y + 1, stack.min2d[y, x], lowest, highest,
            f" with {n - 1} more" if (n := np.count_nonzero(apart)) > 1 else "",
        )  # fmt: skip


def _highest(points: tuple[tuple[float, float, float], ...] | None) -> float:
    return max((y for _, y, _ in points or ()), default=0.0)


def same_plane(
    before: Parameters,
    after: Parameters,
    changed: set[str],
    bins: diagram.Plane,
    *,
    displaced: bool,
) -> bool:
    """Tell whether the plane comes out the same although fixed points changed.

    They matter to it by the height of the highest alone, and only if that changes above what the
    noise reaches. A dragged point must not start the simulations again.

    Parameters
    ----------
    before, after : Parameters
        Of the two analyses.
    changed : set of str
        Names of the parameters that differ.
    bins : Plane
        Before the change.
    displaced : bool
        True when the exposures are displaced against each other.

    Returns
    -------
    bool
        False whenever anything else changed.
    """
    if not changed <= {"mm_fixed_points_in_boundary", "mm_boundary_fit"}:
        return False
    heights = [_highest(p.mm_fixed_points_in_boundary) for p in (before, after)]
    reached = after.mm_ydiag_max or bins.y_edges[-1] / diagram.headroom(displaced=displaced)
    return heights[0] == heights[1] or max(heights) < reached


def same_sources(before: Parameters, after: Parameters) -> list[str]:
    """Name stages whose parameters do not matter as others are set.

    Parameters
    ----------
    before, after : Parameters
        Of two analyses.

    Returns
    -------
    list of str
        What is simulated from, where it is the median as it is, whatever detects; the law of the
        photons, where it has no shape.
    """
    same = []
    if before.mm_synthetic == after.mm_synthetic == "raw":
        same.append("synthetic")
    if before.mm_photon_distribution == after.mm_photon_distribution == "poisson":
        same.append("photons")
    return same


def _simulated_factors(read: Reader) -> tuple[float, ...]:
    """Levels at which the exposures of the stack lie."""
    factors: tuple[float, ...] = read("alignment").flux_factors
    return (1.0,) * len(factors) if read.p.apply_flux_factor_to == "original" else factors


def _usable(read: Reader) -> npt.NDArray[np.bool_] | None:
    valid, cleaned = read("stack").valid, read("synthetic")
    usable = None if valid is None else np.logical_and.reduce(valid)
    if usable is not None and not usable.any():
        msg = (
            "exposures: found no pixel that is valid in all of them, expected some: the diagram "
            "compares exposures there (crmethod: significance needs none)"
        )
        raise InputError(msg)
    if cleaned is None:
        return usable
    return ~cleaned.left_out if usable is None else usable & ~cleaned.left_out


def _no_order_statistics(read: Reader) -> str:
    """Say why the diagram cannot be had without simulations; empty where it can."""
    if read("alignment").displaced:
        return "exposures displaced by mm_xy_offsets or mm_crosscorr_region"
    cleaned = read("synthetic")
    if cleaned is not None and len(cleaned.scenes) > 1:
        return "mm_synthetic: single, which gives each exposure a scene of its own"
    if read("stack").n > MOST_EXPOSURES:
        return f"{read('stack').n} exposures, more than the {MOST_EXPOSURES} that it can do"
    if _n_lowest(read) > 1:
        return f"mm_cr_coincidences: {read.p.mm_cr_coincidences}, which averages the lowest values"
    return ""


def _n_lowest(read: Reader) -> int:
    """Lowest values of a pixel that are averaged in the place of its minimum."""
    coincidences, n = read.p.mm_cr_coincidences, read("stack").n
    return 1 if coincidences is None else max(1, n - coincidences)


def _needs_no_simulations(read: Reader) -> bool:
    """Whether order statistics are asked for, or do where no seed asks for simulations."""
    if read.p.mm_simulation != "auto":
        return bool(read.p.mm_simulation == "exact")
    if read.p.mm_seed is not None:
        return False
    why = _no_order_statistics(read) or no_exact_law(read.noise)
    if why:
        logger.info("mm_simulation: auto: %s: simulations, with seed %d", why, FIXED_SEED)
    return not why


def _signals(read: Reader) -> list[FloatArray]:
    """Mean signal of each exposure to be simulated."""
    factors, offsets = _simulated_factors(read), read("alignment").offsets
    cleaned = read("synthetic")
    if cleaned is None:
        return simulation.exposure_signals(read("stack").median2d, factors, offsets)
    if len(cleaned.scenes) == 1:
        return simulation.exposure_signals(cleaned.scenes[0], factors, offsets)
    # Each exposure has its own level and place already.
    here = ((0.0, 0.0),)
    return [simulation.exposure_signals(scene, (1.0,), here)[0] for scene in cleaned.scenes]


def simulated(read: Reader) -> simulation.ExpectedDiagram:
    """Diagram that equivalent exposures would give."""
    if _needs_no_simulations(read):
        law: ExactDiagram = read("exact")
        return law
    bins, state = read("plane")
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return simulation.simulate_diagram(
        bins,
        _signals(read),
        read.noise,
        rng,
        n_simulations=read.p.mm_nsimulations,
        usable=_usable(read),
        sample=simulation.Sample(read("photons"), _n_lowest(read)),
        checkpoint=read.checkpoint,
    )


def expected(read: Reader) -> simulation.ExpectedDiagram:
    """The same without isolated bins of the simulations."""
    made: simulation.ExpectedDiagram = read("simulated")
    if isinstance(made, ExactDiagram):
        return made
    return simulation.without_isolated(made, read.p.mm_hist2d_min_neighbors)


def exact(read: Reader) -> ExactDiagram:
    """The same diagram from order statistics."""
    why = _no_order_statistics(read)
    if why:
        msg = f"mm_simulation: exact: found {why}, expected none (montecarlo simulates it)"
        raise ParameterError(msg)
    cleaned = read("synthetic")
    source = read("stack").median2d if cleaned is None else cleaned.scenes[0]
    (scene,) = simulation.exposure_signals(source, (1.0,), ((0.0, 0.0),))
    return exact_diagram(
        read("plane")[0],
        (scene.astype(np.float64), _simulated_factors(read)),
        read.noise,
        n_simulations=read.p.mm_nsimulations,
        usable=_usable(read),
        photons=read("photons"),
        checkpoint=read.checkpoint,
    )


def observed(read: Reader, target: Target) -> npt.NDArray[np.int64]:
    """Diagram of the data."""
    stack, bins = read("mm_stack"), read("plane")[0]
    counts: npt.NDArray[np.int64] = bins.histogram(stack.min2d, stack.target(target) - stack.min2d)
    return counts


def boundary(read: Reader) -> BoundaryFit:
    """Detection boundary."""
    if read.p.mm_expected_false is not None:
        tail = read("exact").tail
        x, y = false_alarm_boundary(tail, read.p.mm_expected_false, read("plane")[0])
        curve = Boundary("exact", x, y)
        return BoundaryFit(curve, (curve,))
    fixed = read.p.mm_fixed_points_in_boundary or ()
    if read.p.mm_boundary_fit == "piecewise":
        curve = piecewise_boundary(fixed)
        return BoundaryFit(curve, (curve,))
    read("brightness")  # says where equal exposures are simulated for unequal ones
    crosses = read("expected")
    return spline_boundary(
        crosses.cross_x,
        crosses.cross_y,
        fixed,
        n_knots=read.p.mm_knots_splfit,
        n_extensions=read.p.mm_niter_boundary_extension,
        extension_weight=read.p.mm_weight_boundary_extension,
    )


def threshold(read: Reader) -> float | npt.NDArray[np.float32]:
    """Lowest target - min2d that is flagged, ADU."""
    if read.p.mm_threshold_rnoise is not None:
        least: float | npt.NDArray[np.float32] = read.p.mm_threshold_rnoise * read.rnoise
        return least
    if read.p.mm_threshold is not None:
        return float(read.p.mm_threshold)
    edges, fit = read("plane")[0].x_edges, read("boundary")
    return float(fit.boundary.lowest(float(edges[0]), float(edges[-1])))
