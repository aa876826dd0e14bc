"""How the stages from flagged pixels to masks, hits and fill values are computed."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from crmasks_widgets.analysis.graph import Declared
from crmasks_widgets.analysis.stages.significance import estimated_locally, hit_everywhere
from crmasks_widgets.core import fill, hits, masks
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.significance import classes as hit_classes
from crmasks_widgets.parameters.types import DETECTORS

if TYPE_CHECKING:
    from crmasks_widgets.analysis.analysis import Analysis

BoolFrame = npt.NDArray[np.bool_]


def _found(a: "Analysis", p: Declared) -> npt.NDArray[np.bool_]:
    flagged = a.result("flags", "median").either
    return masks.build_mediancr(flagged, a.stack, a.edits, p.dilation)


def _build_masks(a: "Analysis", p: Declared) -> masks.Masks:
    flags = {t: a.result("flags", t).either for t in a.targets}
    nested = "significance" in DETECTORS[p.crmethod]
    edits = a.edits
    if nested:
        listed_only = a.result("found") & ~a.mediancr
        edits = dataclasses.replace(edits, allowed=edits.allowed & ~listed_only)
    return masks.build_masks(flags, a.stack, edits, a.calibration.noise, p.dilation, nested=nested)


def _labels(a: "Analysis", _: Declared) -> npt.NDArray[np.int32]:
    return hits.label_hits(a.result("found"))


def _hits(a: "Analysis", p: Declared) -> Table:
    codes = masks.detection_codes(a.flags("median"), a.result("found"), a.edits)
    table = hits.hit_table(a.labels, codes, a.stack)
    if "significance" in DETECTORS[p.crmethod]:
        classes = a.result("classes")
        table["class"] = np.array([hit_classes.CLASS_NAMES[k] for k in classes.names], "U28")
        table["reason"] = classes.reasons
        table["corrected"] = ~classes.outside(p.sg_corrected)[1:]
    if p.mm_simulation == "exact":
        tail = a.result("exact").tail
        table["noise_probability"] = hits.least_probability(a.labels, a.stack, tail.exceedance)
        table["noise_probability"].format = ".3g"
    return table


def _everywhere(a: "Analysis", _: Declared) -> BoolFrame:
    coincidences = a.result("coincidences")
    everywhere = np.zeros(a.exposures.shape, dtype=bool)
    everywhere.ravel()[coincidences.everywhere] = True
    others = np.flatnonzero(a.flags("median").either & ~coincidences.found.flagged)
    if len(others):
        around = grow(a.result("found"), 1)
        everywhere.ravel()[hit_everywhere(a, around, others)] = True
    return everywhere


def _classes(a: "Analysis", p: Declared) -> hit_classes.HitClasses:
    return hit_classes.classify_hits(
        a.labels, a.flags("median").either, a.result("everywhere"), a.result("scaled"),
        a.result("level"), p.la_satlevel,
    )  # fmt: skip


def _mediancr(a: "Analysis", p: Declared) -> BoolFrame:
    found: BoolFrame = a.result("found")
    if "significance" not in DETECTORS[p.crmethod]:
        return found
    listed_only = a.result("classes").outside(p.sg_corrected)
    if not listed_only.any():
        return found
    # What a person flags is not a matter of its class.
    kept: BoolFrame = found & (~listed_only[a.labels] | a.edits.forced)
    return kept


def _fill(a: "Analysis", _: Declared) -> fill.Fill:
    scaled, masks = a.result("scaled"), a.result("masks")
    numbers = range(1, scaled.n + 1)
    hit = [a.flags(i).either | (a.edits.forced & a.mask(i)) for i in numbers]
    lost = np.logical_and.reduce(masks.exposures)
    return fill.best_fill(
        scaled, masks.exposures, hit, a.mediancr | lost,
        lambda pixels: estimated_locally(a, a.result("found"), pixels),
        a.calibration.noise, a.alignment.flux_factors,
    )  # fmt: skip


COMPUTE: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({
    "found": _found,
    "labels": _labels,
    "everywhere": _everywhere,
    "classes": _classes,
    "mediancr": _mediancr,
    "masks": _build_masks,
    "hits": _hits,
    "fill": _fill,
})  # fmt: skip
