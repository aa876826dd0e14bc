"""The stages of an `Analysis`, in the order of computation: reading this is reading the program."""

from types import MappingProxyType
from typing import Final

from crmasks_widgets.analysis.graph import Stage

_FLUX = ("flux_factor", "flux_factor_regions")
_EDITS = (
    "regions_to_be_skipped", "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr",
    "pixels_to_be_replaced_by_local_median", "mediancr_pixels_rejected",
)  # fmt: skip

STAGES: Final = MappingProxyType({
    "alignment": Stage(("bias", "gain", "rnoise", *_FLUX, "mm_xy_offsets", "mm_crosscorr_region")),
    "stack": Stage(("bias", "apply_flux_factor_to"), ("alignment",)),
    "prepared": Stage(
        (
            "gain", "rnoise", "la_satlevel", "la_sepmed", "la_fsmode", "la_psfmodel",
            "la_psffwhm_x", "la_psffwhm_y", "la_psfsize", "la_psfbeta", "la_padwidth",
        ),
        ("stack",),
    ),
    "lacosmic": Stage(("gain", "rnoise", "la_*"), ("prepared", "stack")),
    "plane": Stage(
        ("gain", "rnoise", "mm_seed", "mm_fixed_points_in_boundary"), ("stack", "alignment")
    ),
    "exact": Stage(
        ("gain", "rnoise", "mm_nsimulations", "apply_flux_factor_to"),
        ("plane", "stack", "alignment"),
    ),
    "expected": Stage(
        ("gain", "rnoise", "mm_nsimulations", "apply_flux_factor_to", "mm_simulation"),
        ("exact", "plane", "stack", "alignment"),
    ),
    "observed": Stage((), ("plane", "stack")),
    "boundary": Stage(
        (
            "mm_boundary_fit", "mm_fixed_points_in_boundary", "mm_knots_splfit",
            "mm_niter_boundary_extension", "mm_weight_boundary_extension", "mm_expected_false",
        ),
        ("expected", "exact", "plane"),
    ),
    "threshold": Stage(("rnoise", "mm_threshold", "mm_threshold_rnoise"), ("boundary", "plane")),
    "scaled": Stage(("bias", "apply_flux_factor_to"), ("alignment", "stack")),
    "noise_check": Stage(("gain", "rnoise"), ("scaled", "alignment")),
    "level": Stage(("gain", "rnoise"), ("scaled", "alignment")),
    "excess": Stage(("sg_background",), ("level", "scaled")),
    "noise_scale": Stage(("sg_measured_noise",), ("excess", "level", "scaled")),
    "candidates": Stage((), ("excess", "noise_scale", "level")),
    "groups": Stage(("sg_growth",), ("candidates",)),
    "own_hits": Stage(("sg_false_alarms",), ("groups", "candidates", "level")),
    "coincidences": Stage(
        ("sg_false_alarms",), ("own_hits", "groups", "candidates", "level", "scaled")
    ),
    "significant": Stage((), ("coincidences", "own_hits", "groups")),
    "significance": Stage((), ("excess", "noise_scale", "level")),
    "significance_diagram": Stage((), ("significance", "plane", "stack")),
    "flags": Stage(
        ("rnoise", "crmethod", "mm_minimum_max2d_rnoise", "max_flagged_fraction"),
        ("lacosmic", "boundary", "threshold", "stack", "significant"),
    ),
    "edits": Stage(_EDITS),
    "found": Stage(("dilation",), ("flags", "edits", "stack")),
    "labels": Stage((), ("found",)),
    "everywhere": Stage((), ("coincidences", "found", "flags", "edits", "level", "scaled")),
    "classes": Stage(
        ("la_satlevel",), ("labels", "everywhere", "flags", "edits", "level", "scaled")
    ),
    "mediancr": Stage(("crmethod", "sg_corrected"), ("found", "labels", "classes", "edits")),
    "masks": Stage(
        ("gain", "rnoise", "dilation", "crmethod"),
        ("flags", "edits", "stack", "found", "mediancr"),
    ),
    "hits": Stage(
        ("mm_simulation", "sg_corrected", "crmethod"),
        ("labels", "found", "flags", "edits", "stack", "exact", "classes"),
    ),
    "fill": Stage(
        ("gain", "rnoise"),
        ("mediancr", "found", "masks", "flags", "edits", "scaled", "alignment", "level"),
    ),
    "combination": Stage(
        (
            "gain", "rnoise", "use_lamedian", "apply_flux_factor_to", "crmethod",
            "pixels_to_be_replaced_by_local_median",
        ),
        ("mediancr", "masks", "fill", "scaled", "lacosmic", "alignment"),
    ),
})  # fmt: skip
