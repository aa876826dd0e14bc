"""How each stage of an `Analysis` is computed: from parameters to the core's plain arguments."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis import runaway
from crmasks_widgets.analysis.graph import Declared
from crmasks_widgets.analysis.stages import masks as masks_stages
from crmasks_widgets.analysis.stages import significance as significance_stages
from crmasks_widgets.core import alignment as align
from crmasks_widgets.core import combine, masks, regions, stack
from crmasks_widgets.core.lacosmic import engine as lacosmic_engine
from crmasks_widgets.core.lacosmic import library as lacosmic
from crmasks_widgets.core.mm import boundary, diagram
from crmasks_widgets.core.mm import exact as order_statistics
from crmasks_widgets.core.mm import simulation as expectation
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import DETECTORS

if TYPE_CHECKING:
    from crmasks_widgets.analysis.analysis import Analysis, Target

logger = logging.getLogger(__name__)

_EDIT_LISTS = (
    "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr",
    "pixels_to_be_replaced_by_local_median", "mediancr_pixels_rejected",
)  # fmt: skip


def _alignment(a: "Analysis", p: Declared) -> align.Alignment:
    n, n_bright = a.exposures.n, None
    offsets = p.mm_xy_offsets or ((0.0, 0.0),) * n
    factors = _given_flux_factors(p.flux_factor, n)
    if factors is None or p.mm_crosscorr_region is not None:
        plain = _stacked(a, None)
        if factors is None:
            bright = _bright_pixels(a, p, plain)
            n_bright = int(np.count_nonzero(bright))
            factors = align.flux_factors_from(plain.cube, bright)
        if p.mm_crosscorr_region is not None:
            key = "mm_crosscorr_region"
            rows, columns = regions.region_slices(p.mm_crosscorr_region, a.exposures.shape, key)
            offsets = align.measure_offsets(plain.cube[:, rows, columns])
    return align.Alignment(factors, tuple(offsets), n_bright)


def _given_flux_factors(value: Any, n: int) -> tuple[float, ...] | None:
    """Flux factors that need no measurement, or None."""
    if value == "auto":
        return None
    if value is None:
        return (1.0,) * n
    return (float(value),) * n if isinstance(value, int | float) else tuple(value)


def _bright_pixels(a: "Analysis", p: Declared, plain: stack.Stack) -> npt.NDArray[np.bool_]:
    inside = None
    if p.flux_factor_regions:
        key = "flux_factor_regions"
        inside = regions.region_mask(p.flux_factor_regions, a.exposures.shape, key)
    bright = align.bright_pixels(plain.median2d, a.calibration.noise, inside)
    if np.count_nonzero(bright) < align.MIN_PIXELS:
        logger.warning(
            "flux_factor: auto: found %d pixels above %g sigma, expected at least %d; "
            "all factors are set to 1",
            np.count_nonzero(bright),
            align.MIN_SIGNAL_TO_NOISE,
            align.MIN_PIXELS,
        )
    return bright


def _stack(a: "Analysis", p: Declared) -> stack.Stack:
    factors = a.alignment.flux_factors if p.apply_flux_factor_to == "original" else None
    return _stacked(a, factors)


def _scaled(a: "Analysis", p: Declared) -> stack.Stack:
    factors = a.alignment.flux_factors
    if p.apply_flux_factor_to == "original" or set(factors) == {1.0}:
        return a.stack
    return _stacked(a, factors)


def _stacked(a: "Analysis", factors: tuple[float, ...] | None) -> stack.Stack:
    if factors is not None and set(factors) == {1.0}:
        factors = None
    return stack.stack_exposures(a.exposures.data, a.calibration.bias, factors, a.exposures.valid)


def _lacosmic_settings(p: Declared, names: tuple[str, ...]) -> lacosmic.LacosmicSettings:
    return lacosmic.LacosmicSettings(**{n: getattr(p, f"la_{n}") for n in names})


_THRESHOLDS = ("sigclip", "sigfrac", "objlim", "niter", "cleantype")
_SETTINGS = tuple(lacosmic.LacosmicSettings.__dataclass_fields__)


def _prepared(
    a: "Analysis", p: Declared, target: "Target"
) -> lacosmic_engine.PreparedTarget | None:
    names = tuple(name for name in _SETTINGS if name not in _THRESHOLDS)
    return lacosmic_engine.prepare_target(
        a.stack.target(target), _lacosmic_settings(p, names), **_lacosmic_noise(a, target)
    )


def _lacosmic_noise(a: "Analysis", target: "Target") -> dict[str, Any]:
    return {
        "gain": a.calibration.typical_gain,
        "rnoise": a.calibration.typical_rnoise,
        "valid": a.stack.target_valid(target),
        "checkpoint": a.checkpoint,
    }


def _lacosmic(a: "Analysis", p: Declared, target: "Target") -> lacosmic.LacosmicResult:
    maps = [name for name in ("gain", "rnoise") if np.ndim(getattr(a.calibration, name))]
    if maps and target == "median":
        logger.warning("%s: L.A.Cosmic takes the median of the map", " and ".join(maps))
    settings, frame = _lacosmic_settings(p, _SETTINGS), a.stack.target(target)
    fast = p.la_engine == "fast" and lacosmic_engine.supports(settings)
    prepared = a.result("prepared", target) if fast and not a.once else None
    if prepared is None:
        detect = lacosmic_engine.detect_cosmics if fast else lacosmic.detect_cosmics
        result = detect(frame, settings, **_lacosmic_noise(a, target))
    else:
        valid = a.stack.target_valid(target)
        result = lacosmic_engine.detect_target(
            frame, prepared, settings, valid=valid, checkpoint=a.checkpoint
        )
    level = logging.INFO if p.la_verbose else logging.DEBUG
    logger.log(level, "L.A.Cosmic on %s: %d pixels", target, np.count_nonzero(result.mask))
    return result


def _plane(a: "Analysis", p: Declared) -> tuple[diagram.Plane, dict[str, Any]]:
    rng = np.random.default_rng(p.mm_seed)
    fixed = p.mm_fixed_points_in_boundary or ()
    plane = diagram.plane_of(
        a.stack.min2d,
        a.stack.n,
        a.calibration.noise,
        rng,
        highest_fixed_point=max((y for _, y, _ in fixed), default=0.0),
        displaced=a.alignment.displaced,
    )
    return plane, dict(rng.bit_generator.state)


def unaffected(a: "Analysis", parameters: Parameters, changed: set[str]) -> tuple[str, ...]:
    """Name the stages that come out the same although they read a parameter that changed.

    Fixed points matter to the plane by the height of the highest alone, and only if that changes
    above what the noise reaches. A dragged point must not start the simulations again.

    Parameters
    ----------
    a : Analysis
        Before the change.
    parameters : Parameters
        After the change.
    changed : set of str
        Names of the parameters that differ.

    Returns
    -------
    tuple of str
        Keys of the stage table.
    """
    only_points = changed <= {"mm_fixed_points_in_boundary", "mm_boundary_fit"}
    if not only_points or ("plane", None) not in a.computed():
        return ()
    before, after = (
        max((y for _, y, _ in p.mm_fixed_points_in_boundary or ()), default=0.0)
        for p in (a.parameters, parameters)
    )
    reached = a.plane.y_edges[-1] / diagram.headroom(displaced=a.alignment.displaced)
    return ("plane",) if before == after or max(before, after) < reached else ()


def _simulated_factors(a: "Analysis", p: Declared) -> tuple[float, ...]:
    """Levels at which the exposures of the stack lie."""
    factors = a.alignment.flux_factors
    return (1.0,) * len(factors) if p.apply_flux_factor_to == "original" else factors


def _usable(a: "Analysis") -> npt.NDArray[np.bool_] | None:
    valid = a.stack.valid
    return None if valid is None else np.logical_and.reduce(valid)


def _expected(a: "Analysis", p: Declared) -> expectation.ExpectedDiagram:
    if p.mm_simulation == "exact":
        return a.result("exact")
    plane, state = a.result("plane")
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    factors, offsets = _simulated_factors(a, p), a.alignment.offsets
    return expectation.simulate_diagram(
        plane,
        expectation.exposure_signals(a.stack.median2d, factors, offsets),
        a.calibration.noise,
        rng,
        n_simulations=p.mm_nsimulations,
        usable=_usable(a),
        checkpoint=a.checkpoint,
    )


def _exact(a: "Analysis", p: Declared) -> order_statistics.ExactDiagram:
    if a.alignment.displaced:
        msg = (
            "mm_simulation: exact: found exposures displaced by mm_xy_offsets or "
            "mm_crosscorr_region, expected none (montecarlo simulates them)"
        )
        raise ParameterError(msg)
    (scene,) = expectation.exposure_signals(a.stack.median2d, (1.0,), ((0.0, 0.0),))
    return order_statistics.exact_diagram(
        a.plane,
        (scene.astype(np.float64), _simulated_factors(a, p)),
        a.calibration.noise,
        n_simulations=p.mm_nsimulations,
        usable=_usable(a),
        checkpoint=a.checkpoint,
    )


def _observed(a: "Analysis", _: Declared, target: "Target") -> npt.NDArray[np.int64]:
    stack = a.stack
    return a.plane.histogram(stack.min2d, stack.target(target) - stack.min2d)


def _boundary(a: "Analysis", p: Declared) -> boundary.BoundaryFit:
    if p.mm_expected_false is not None:
        tail = a.result("exact").tail
        x, y = order_statistics.false_alarm_boundary(tail, p.mm_expected_false, a.plane)
        curve = boundary.Boundary("exact", x, y)
        return boundary.BoundaryFit(curve, (curve,))
    fixed = p.mm_fixed_points_in_boundary or ()
    if p.mm_boundary_fit == "piecewise":
        curve = boundary.piecewise_boundary(fixed)
        return boundary.BoundaryFit(curve, (curve,))
    return boundary.spline_boundary(
        a.expected.cross_x,
        a.expected.cross_y,
        fixed,
        n_knots=p.mm_knots_splfit,
        n_extensions=p.mm_niter_boundary_extension,
        extension_weight=p.mm_weight_boundary_extension,
    )


def _threshold(a: "Analysis", p: Declared) -> float | npt.NDArray[np.float32]:
    if p.mm_threshold_rnoise is not None:
        return p.mm_threshold_rnoise * a.calibration.rnoise
    if p.mm_threshold is not None:
        return float(p.mm_threshold)
    edges = a.plane.x_edges
    return a.boundary.boundary.lowest(float(edges[0]), float(edges[-1]))


def _flags(a: "Analysis", p: Declared, target: "Target") -> masks.Flags:
    detectors = DETECTORS[p.crmethod]
    nothing = np.zeros(a.exposures.shape, dtype=bool)
    la = mm = significant = nothing
    if "mm" in detectors:
        mm = masks.mm_flags(
            a.stack.target(target),
            a.stack,
            a.boundary.boundary,
            a.threshold,
            p.mm_minimum_max2d_rnoise * a.calibration.rnoise,
        )
    if "lacosmic" in detectors:
        la = a.lacosmic(target).mask
    if "significance" in detectors:
        significant = a.result("significant", target).flagged
    flags, valid = masks.Flags(la, mm, significant), a.stack.target_valid(target)
    n_valid = nothing.size if valid is None else int(np.count_nonzero(valid))
    runaway.check_flags(flags, target, n_valid, detectors, p.max_flagged_fraction)
    return flags


def _edits(a: "Analysis", p: Declared) -> masks.HandEdits:
    shape = a.exposures.shape
    lists = {
        name: regions.pixel_mask(getattr(p, name), shape, name)
        for name in _EDIT_LISTS
        if name != "pixels_to_be_replaced_by_local_median"
    }
    boxes = p.pixels_to_be_replaced_by_local_median or ()
    allowed = ~regions.region_mask(p.regions_to_be_skipped, shape, "regions_to_be_skipped")
    forced = lists["pixels_to_be_flagged_as_cr"]
    refused = lists["pixels_to_be_ignored_as_cr"] | regions.pixel_mask(
        tuple((x, y) for x, y, _, _ in boxes), shape, "pixels_to_be_replaced_by_local_median"
    )
    rejected = lists["mediancr_pixels_rejected"]
    return masks.HandEdits((allowed | forced) & ~refused, forced & ~refused, rejected & ~forced)


def _combination(a: "Analysis", p: Declared, kind: combine.Kind) -> combine.Combination:
    scaled = a.result("scaled")
    factors = a.alignment.flux_factors
    fill, better = scaled.min2d, None
    if "significance" in DETECTORS[p.crmethod]:
        better = a.result("fill")
        fill = better.value
    if p.use_lamedian:
        cleaned = a.lacosmic("median")
        # Cleaned before it was divided: the median of the factors is the factor of the median.
        divisor = 1.0 if p.apply_flux_factor_to == "original" else float(np.median(factors))
        fill = fill.copy()
        fill[cleaned.mask] = cleaned.filled / np.float32(divisor)
    parts = combine.Ingredients(
        scaled,
        a.mediancr,
        a.result("masks"),
        fill,
        a.calibration.noise,
        factors,
        combine.median_variance_factors(scaled.n),
        None if better is None else better.variance,
        None if better is None else better.count,
    )
    made = combine.combine(kind, parts)
    boxes = p.pixels_to_be_replaced_by_local_median
    return combine.replace_by_local_median(made, boxes) if boxes else made


def check_against_frame(parameters: Parameters, exposures: ExposureSet) -> None:
    """Refuse what does not fit the exposures before anything is computed."""
    shape, n = exposures.shape, exposures.n
    for key in ("flux_factor_regions", "regions_to_be_skipped"):
        regions.region_mask(getattr(parameters, key), shape, key)
    if parameters.mm_crosscorr_region is not None:
        regions.region_slices(parameters.mm_crosscorr_region, shape, "mm_crosscorr_region")
    for key in _EDIT_LISTS:
        for pixel in getattr(parameters, key) or ():
            regions.pixel_index(pixel[0], pixel[1], shape, key)
    for key in ("flux_factor", "mm_xy_offsets"):
        value = getattr(parameters, key)
        if isinstance(value, tuple) and len(value) != n:
            msg = f"{key}: found {len(value)} items, expected {n}, one for each exposure"
            raise ParameterError(msg)


COMPUTE: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({
    "alignment": _alignment,
    "stack": _stack,
    "prepared": _prepared,
    "lacosmic": _lacosmic,
    "plane": _plane,
    "exact": _exact,
    "expected": _expected,
    "observed": _observed,
    "boundary": _boundary,
    "threshold": _threshold,
    "scaled": _scaled,
    **significance_stages.COMPUTE,
    "flags": _flags,
    "edits": _edits,
    **masks_stages.COMPUTE,
    "combination": _combination,
})  # fmt: skip
