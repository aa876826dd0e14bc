"""What the page draws over the diagram and moves by itself: line, points, levels, candidates."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets import detectors
from crmasks_widgets.analysis import Target
from crmasks_widgets.core import codes
from crmasks_widgets.core.masks import Flags, HandEdits
from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.dashboard.diagram.reading import Reading
from crmasks_widgets.dashboard.drawing.glyphs import glyphs
from crmasks_widgets.dashboard.model.on_screen import left_flagged
from crmasks_widgets.dashboard.model.points import WEIGHT, Points
from crmasks_widgets.dashboard.model.state import ViewModel

# So many pixels are sent to the page, those first that stand out most from their noise.
MOST: Final = 20_000
TAKEN_OUT: Final = 255
"""Code of a candidate that the user took out: no line flags it, and no glyph has it."""
_DIGITS: Final = 2
# Straight lines stay within this part of the height of a curve that they are put in place of.
_OFF: Final = 0.03
_MOST_POINTS: Final = 12
_SAMPLES: Final = 400


def curve_of(boundary: Boundary) -> dict[str, Any]:
    """A boundary as the page computes it: straight lines between knots, or a cubic spline.

    Parameters
    ----------
    boundary : Boundary
        The one to draw.

    Returns
    -------
    dict
        "x" and "y" of the knots, or "t" and "c", knots and coefficients of the B-spline.
    """
    if boundary.spline is None:
        return {"x": boundary.knots.tolist(), "y": boundary.values.tolist()}
    return {"t": boundary.spline.t.tolist(), "c": boundary.spline.c.tolist()}


def movable(model: ViewModel) -> bool:
    """Whether fixed points move the boundary."""
    p = model.parameters
    return p.has_boundary and p.mm_expected_false is None


def line_scene(model: ViewModel) -> dict[str, Any]:
    """Boundary, its points and what belongs to them.

    Parameters
    ----------
    model : ViewModel
        A boundary through fixed points is drawn by the newest ones, ahead of the masks.

    Returns
    -------
    dict
        "points" (x, y, weight), "movable", "fit", "curve", "iterations", "crosses", "levels",
        "threshold", "hidden" codes, and "settled": whether curve and flags are those of the points.
    """
    p, analysis = model.parameters, model.analysis
    known = analysis.parameters.has_boundary and model.ready("boundary")
    fit = analysis.boundary if known else None
    shown = fit if p.has_boundary else None
    scene: dict[str, Any] = {
        "points": [list(point) for point in p.mm_fixed_points_in_boundary or ()],
        "movable": movable(model),
        "fit": p.mm_boundary_fit,
        "curve": None if shown is None else curve_of(shown.boundary),
        "iterations": [],
        "crosses": [],
        "levels": mm_levels(model) if shown is not None else [],
        "threshold": None,
        "hidden": sorted(model.display.hidden),
        "settled": analysis.parameters == p and model.ready(("flags", model.display.target)),
    }
    if scene["levels"]:
        scene["threshold"] = scene["levels"][0]["y"]
    if shown is not None and model.display.iterations:
        scene["iterations"] = [curve_of(curve) for curve in shown.iterations[:-1]]
        if model.ready("expected"):
            expected = analysis.expected
            scene["crosses"] = np.stack([expected.cross_x, expected.cross_y], axis=1).tolist()
    return scene


def mm_levels(model: ViewModel) -> list[dict[str, Any]]:
    """The threshold of MM, where one is asked for."""
    p = model.analysis.parameters
    if not model.ready("threshold") or (p.mm_threshold or p.mm_threshold_rnoise) is None:
        return []
    height = float(np.median(model.analysis.threshold))
    text = f"threshold {height:.4g} {model.analysis.exposures.unit}"
    return [{"y": height, "text": text, "dashed": True}]


def sigma_levels(model: ViewModel) -> list[dict[str, Any]]:
    """Thresholds of the significance, once they are known."""
    target = model.display.target
    if not model.ready("coincidences" if target == "median" else "level"):
        return []
    limits = model.analysis.significance_limits(target)
    return [
        {"y": limits.growth, "text": f"growth {limits.growth:.2f} \u03c3", "dashed": True},
        {"y": limits.start[0], "text": f"start {limits.start[0]:.2f} \u03c3", "dashed": False},
    ]


def combinations(keys: tuple[str, ...]) -> dict[int, int]:
    """Code of a pixel above the boundary by its code from the others; 0 is no flag at all."""
    rows = detectors.rows(keys)
    alone = next(row.code for row in detectors.DETECTORS.values() if row.has_boundary)
    both = {row.code: codes.BOTH for row in rows if not row.has_boundary}
    return {0: alone, codes.FORCED: alone, codes.BOTH: codes.BOTH, TAKEN_OUT: 0, **both}


def candidates(model: ViewModel, reading: Reading) -> npt.NDArray[np.int64]:
    """Pixels that a boundary may reach, at most `MOST`.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready.
    reading : Reading
        Its diagram.

    Returns
    -------
    (k,) int64
        Flat indices, rising.
    """
    noise = model.analysis.calibration
    bright = model.analysis.stack.max2d > model.analysis.parameters.mm_minimum_max2d_rnoise * (
        noise.rnoise
    )
    least = max(noise.typical_rnoise, 1e-3)
    variance = least**2 + np.maximum(reading.x, 0) / noise.typical_gain
    excess = np.where(bright & np.isfinite(reading.y), reading.y / np.sqrt(variance), 0).ravel()
    kept = min(MOST, excess.size)
    found = np.argpartition(excess, excess.size - kept)[excess.size - kept :]
    return np.sort(found[excess[found] > 0])


def without_boundary(found: Mapping[str, BoolArray]) -> dict[str, BoolArray]:
    """What detectors flag of whom the diagram shows no boundary, by their keys."""
    return {row.key: found[row.key] for row in detectors.rows(found) if not row.has_boundary}


def codes_of_others(flags: Flags, edits: HandEdits, target: Target) -> npt.NDArray[np.uint8]:
    """Codes of pixels from all detectors without a boundary, and from the user's hand.

    Parameters
    ----------
    flags : Flags
        Of the target on screen.
    edits : HandEdits
        What was set by hand, or taken out.
    target : str or int
        What is on screen.

    Returns
    -------
    (ny * nx,) uint8
        0 where none found them, `TAKEN_OUT` where that does not matter.
    """
    code = np.where(edits.forced, codes.FORCED, 0).astype(np.uint8)
    if others := without_boundary(flags.found):
        found = Flags(others).codes()
        code = np.where(found > 0, found, code)
    code[~left_flagged(edits, target) & ~edits.forced] = TAKEN_OUT
    return code.ravel()


def packed(*columns: npt.NDArray[Any]) -> bytes:
    """Columns one after the other: float32 places, then uint8 codes."""
    return b"".join(np.ascontiguousarray(column).tobytes() for column in columns)


def legend(keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Glyphs that can be on screen: code and name."""
    numbers = [detectors.DETECTORS[key].code for key in keys]
    numbers += [codes.BOTH] if len(keys) > 1 else []
    known: Mapping[int, codes.Code] = codes.all_codes()
    rows = detectors.rows(keys)
    names = {row.code: row.name for row in rows}
    return [
        {"code": number, "name": names.get(number, known[number].name)}
        for number in numbers
        if number in glyphs()
    ]


def by_hand(x: float, y: float) -> tuple[float, float]:
    """Round: a pointer is not exact to more than this, and a parameter file is easier to read."""
    return round(x, _DIGITS), round(y, _DIGITS)


def points_on(boundary: Boundary, edges: npt.NDArray[np.float64]) -> Points:
    """Fixed points on a boundary, whose straight lines stay close to it.

    Parameters
    ----------
    boundary : Boundary
        Where they lie.
    edges : (k,) float64
        Of the plane along x, ADU.

    Returns
    -------
    tuple of (x, y, weight)
        Rising along x, as few as serve: the chord of a curve that rises as noise does lies below
        it, in the cloud.
    """
    # Close together where there is little light: noise rises fast there.
    x = edges[0] + (edges[-1] - edges[0]) * np.linspace(0.0, 1.0, _SAMPLES) ** 2
    y = boundary(x)
    kept = [0, _SAMPLES - 1]
    while len(kept) < _MOST_POINTS:
        off = np.abs(np.interp(x, x[kept], y[kept]) - y) / np.maximum(np.abs(y), 1.0)
        worst = int(np.argmax(off))
        if off[worst] <= _OFF:
            break
        kept = sorted([*kept, worst])
    places = zip(x[kept].tolist(), y[kept].tolist(), strict=True)
    return tuple((*by_hand(*place), WEIGHT) for place in places)
