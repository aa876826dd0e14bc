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
from crmasks_widgets.core.mm.exact import (
    ExactDiagram,
    exact_diagram,
    false_alarm_boundary,
    no_exact_law,
)
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import FIXED_SEED

logger = logging.getLogger(__name__)


def plane(read: Reader) -> tuple[diagram.Plane, dict[str, Any]]:
    """Bins of the diagram, and where the random numbers that found them have come to."""
    rng = np.random.default_rng(FIXED_SEED if read.p.mm_seed is None else read.p.mm_seed)
    stack = read("stack")
    bins = diagram.plane_of(
        stack.min2d,
        stack.n,
        read.noise,
        rng,
        highest_fixed_point=_highest(read.p.mm_fixed_points_in_boundary),
        displaced=read("alignment").displaced,
    )
    return bins, dict(rng.bit_generator.state)


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
    reached = bins.y_edges[-1] / diagram.headroom(displaced=displaced)
    return heights[0] == heights[1] or max(heights) < reached


def _simulated_factors(read: Reader) -> tuple[float, ...]:
    """Levels at which the exposures of the stack lie."""
    factors: tuple[float, ...] = read("alignment").flux_factors
    return (1.0,) * len(factors) if read.p.apply_flux_factor_to == "original" else factors


def _usable(read: Reader) -> npt.NDArray[np.bool_] | None:
    valid = read("stack").valid
    return None if valid is None else np.logical_and.reduce(valid)


def _needs_no_simulations(read: Reader) -> bool:
    """Whether order statistics are asked for, or do where no seed asks for simulations."""
    if read.p.mm_simulation != "auto":
        return bool(read.p.mm_simulation == "exact")
    if read.p.mm_seed is not None:
        return False
    why = "exposures are displaced" if read("alignment").displaced else ""
    why = why or no_exact_law(read.noise)
    if why:
        logger.info("mm_simulation: auto: %s: simulations, with seed %d", why, FIXED_SEED)
    return not why


def expected(read: Reader) -> simulation.ExpectedDiagram:
    """Diagram that equivalent exposures would give."""
    if _needs_no_simulations(read):
        law: ExactDiagram = read("exact")
        return law
    bins, state = read("plane")
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    factors, offsets = _simulated_factors(read), read("alignment").offsets
    return simulation.simulate_diagram(
        bins,
        simulation.exposure_signals(read("stack").median2d, factors, offsets),
        read.noise,
        rng,
        n_simulations=read.p.mm_nsimulations,
        usable=_usable(read),
        checkpoint=read.checkpoint,
    )


def exact(read: Reader) -> ExactDiagram:
    """The same diagram from order statistics."""
    if read("alignment").displaced:
        msg = (
            "mm_simulation: exact: found exposures displaced by mm_xy_offsets or "
            "mm_crosscorr_region, expected none (montecarlo simulates them)"
        )
        raise ParameterError(msg)
    (scene,) = simulation.exposure_signals(read("stack").median2d, (1.0,), ((0.0, 0.0),))
    return exact_diagram(
        read("plane")[0],
        (scene.astype(np.float64), _simulated_factors(read)),
        read.noise,
        n_simulations=read.p.mm_nsimulations,
        usable=_usable(read),
        checkpoint=read.checkpoint,
    )


def observed(read: Reader, target: Target) -> npt.NDArray[np.int64]:
    """Diagram of the data."""
    stack, bins = read("stack"), read("plane")[0]
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
