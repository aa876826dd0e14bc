"""The stages of an `Analysis`, in the order of computation: reading this is reading the program.

A row says how a stage is computed, which parameters it reads, and which stages it needs; its
function can read nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from crmasks_widgets.analysis.graph import Stage
from crmasks_widgets.analysis.stages import (
    basic,
    cleaning,
    lacosmic,
    learned,
    masks,
    mm,
    pycosmic,
    significance,
)
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.parameters.later import PAIRS

_NOISE = ("gain", "rnoise")
# Detectors that tell what a frame would be without hits, before the diagram is simulated.
_ONE_FRAME = tuple(
    f"flagged_{key}" for key, row in DETECTORS.items() if row.looks_at == "one frame"
)
_PREPARATION = (
    *_NOISE, "bias", "apply_flux_factor_to", "la_satlevel", "la_sepmed", "la_fsmode",
    "la_psfmodel", "la_psffwhm_x", "la_psffwhm_y", "la_psfsize", "la_psfbeta", "la_padwidth",
)  # fmt: skip
_LACOSMIC = (
    *_PREPARATION, "la_sigclip", "la_sigfrac", "la_objlim", "la_niter", "la_cleantype",
    "la_engine", "la_verbose", "la_gain_apply",
)  # fmt: skip
_TWO_RUNS = (*_LACOSMIC, *(f"{name}_second" for name in PAIRS))
_PYCOSMIC = (
    *_NOISE, "pc_sigma_det", "pc_sigma_det_second", "pc_rlim", "pc_rlim_second", "pc_iterations",
    "pc_fwhm_gauss_x", "pc_fwhm_gauss_y", "pc_replace_box_x", "pc_replace_box_y",
    "pc_increase_radius",
)  # fmt: skip
# Stages that make a cleaned frame.
_CLEANING = tuple(row.stage for row in DETECTORS.values() if row.cleans)
_COMBINING = (
    *_NOISE, "use_lamedian", "apply_flux_factor_to", "crmethod",
    "pixels_to_be_replaced_by_local_median",
)  # fmt: skip
_COMBINED = (
    "mediancr", "masks", "fill", "flags", "edits", "scaled", "clean", "between", "cleaned",
    "alignment", "noise_in_use",
)  # fmt: skip

STAGES: Final[Mapping[str, Stage]] = MappingProxyType({
    # The exposures side by side.
    "alignment": Stage(
        basic.alignment,
        (
            "bias", *_NOISE, "flux_factor", "flux_factor_regions", "mm_xy_offsets",
            "mm_crosscorr_region",
        ),
    ),
    "stack": Stage(basic.stack, ("bias", "apply_flux_factor_to"), ("alignment",)),
    "scaled": Stage(basic.scaled, ("bias", "apply_flux_factor_to"), ("alignment", "stack")),
    "brightness": Stage(basic.brightness, (*_NOISE, "flux_factor"), ("stack",)),
    "over_dispersion": Stage(basic.over_dispersion, _NOISE, ("scaled", "alignment")),
    # L.A.Cosmic.
    "prepared": Stage(
        lacosmic.prepared,
        _PREPARATION,
        ("stack", "alignment"),
    ),
    "peaks": Stage(lacosmic.peaks, _LACOSMIC, ("prepared", "stack", "alignment")),
    "lacosmic": Stage(
        lacosmic.lacosmic,
        _TWO_RUNS,
        ("peaks", "prepared", "stack", "alignment"),
    ),
    "flagged_lacosmic": Stage(masks.flagged_lacosmic, (), ("lacosmic",)),
    # PyCosmic.
    "pycosmic": Stage(pycosmic.pycosmic, _PYCOSMIC, ("stack",)),
    "flagged_pycosmic": Stage(pycosmic.flagged_pycosmic, (), ("pycosmic",)),
    # deepCR.
    "network": Stage(learned.network, ("dc_mask",), ()),
    "probability": Stage(learned.probability, _NOISE, ("network", "stack")),
    "deepcr": Stage(learned.deepcr, ("dc_threshold",), ("probability", "stack")),
    "flagged_deepcr": Stage(learned.flagged_deepcr, (), ("deepcr",)),
    # Frames as a detector of the method cleaned them.
    "cleaned": Stage(cleaning.cleaned, ("crmethod",), _CLEANING),
    # The Median-Minimum diagram.
    "mm_stack": Stage(mm.mm_stack, ("mm_cr_coincidences",), ("stack",)),
    "synthetic": Stage(
        mm.synthetic, ("mm_synthetic", "crmethod"), ("mm_stack", "cleaned", *_ONE_FRAME)
    ),
    "photons": Stage(
        mm.photons, ("mm_photon_distribution", "mm_nbinom_shape"), ("over_dispersion",)
    ),
    "plane": Stage(
        mm.plane,
        (*_NOISE, "mm_seed", "mm_fixed_points_in_boundary", "mm_ydiag_max"),
        ("mm_stack", "photons", "alignment"),
    ),
    "exact": Stage(
        mm.exact,
        (*_NOISE, "mm_nsimulations", "apply_flux_factor_to", "mm_cr_coincidences"),
        ("plane", "synthetic", "photons", "stack", "alignment"),
    ),
    "simulated": Stage(
        mm.simulated,
        (
            *_NOISE, "mm_nsimulations", "apply_flux_factor_to", "mm_simulation", "mm_seed",
            "mm_cr_coincidences",
        ),
        ("exact", "plane", "synthetic", "photons", "stack", "alignment"),
    ),
    "expected": Stage(mm.expected, ("mm_hist2d_min_neighbors",), ("simulated",)),
    "observed": Stage(mm.observed, (), ("plane", "mm_stack")),
    "boundary": Stage(
        mm.boundary,
        (
            "mm_boundary_fit", "mm_fixed_points_in_boundary", "mm_knots_splfit",
            "mm_niter_boundary_extension", "mm_weight_boundary_extension", "mm_expected_false",
        ),
        ("expected", "exact", "plane", "brightness"),
    ),
    "threshold": Stage(
        mm.threshold, ("rnoise", "mm_threshold", "mm_threshold_rnoise"), ("boundary", "plane")
    ),
    # Local significance.
    "matching": Stage(
        significance.matching, (*_NOISE, "match_exposures"), ("scaled", "alignment")
    ),
    "matched": Stage(significance.matched, (), ("matching", "scaled")),
    "noise_check": Stage(basic.noise_check, _NOISE, ("scaled", "matched", "alignment")),
    "dispersions": Stage(
        basic.dispersions, _NOISE, ("over_dispersion", "matched", "alignment")
    ),
    "apart": Stage(basic.apart, _NOISE, ("scaled", "alignment")),
    "disagreement": Stage(basic.disagreement, _NOISE, ("noise_check", "scaled", "alignment")),
    "measured_noise": Stage(significance.measured_noise, _NOISE, ("matched", "alignment")),
    "noise_in_use": Stage(
        significance.noise_in_use, (*_NOISE, "sg_measured_noise"), ("measured_noise",)
    ),
    "low_by_given_noise": Stage(
        significance.low_by_given_noise, _NOISE, ("matched", "alignment")
    ),
    "low": Stage(
        significance.low, _NOISE, ("low_by_given_noise", "matched", "alignment", "noise_in_use")
    ),
    "tested": Stage(significance.tested, (), ("matched", "low")),
    "clean": Stage(significance.clean, (), ("scaled", "low")),
    "expected_false": Stage(
        significance.expected_false, ("sg_measured_noise", "sg_false_alarms"), ("measured_noise",)
    ),
    "level": Stage(significance.level, (), ("tested", "noise_in_use", "alignment")),
    "crossings": Stage(significance.crossings, (), ("level", "tested")),
    "excess": Stage(significance.excess, ("sg_background",), ("level", "tested")),
    "high": Stage(
        significance.high,
        ("sg_measured_noise",),
        ("excess", "level", "tested", "crossings", "high"),
    ),
    "noise_scale": Stage(
        significance.noise_scale, ("sg_measured_noise",), ("high", "matching"),
    ),
    "candidates": Stage(significance.candidates, (), ("high", "level", "noise_scale")),
    "between": Stage(
        significance.between, (), ("level", "high", "clean", "tested", "matching")
    ),
    "groups": Stage(significance.groups, ("sg_growth",), ("candidates",)),
    "own_hits": Stage(
        significance.own_hits,
        ("sg_false_alarms",),
        ("groups", "candidates", "level", "tested", "low"),
    ),
    "coincidences": Stage(
        significance.coincidences,
        ("sg_false_alarms",),
        ("own_hits", "groups", "candidates", "level", "tested", "low"),
    ),
    "significant": Stage(
        significance.significant, (), ("coincidences", "own_hits", "groups", "significant")
    ),
    "significance": Stage(significance.significance, (), ("excess", "noise_scale", "level")),
    "significance_diagram": Stage(
        significance.significance_diagram, (), ("significance", "plane", "stack")
    ),
    # From detections to masks and combinations.
    "flagged_mm": Stage(
        masks.flagged_mm,
        ("rnoise", "mm_minimum_max2d_rnoise", "mm_dilation"),
        ("boundary", "threshold", "mm_stack"),
    ),
    "flagged_significance": Stage(masks.flagged_significance, (), ("significant",)),
    "flags": Stage(
        masks.flags,
        ("crmethod", "max_flagged_fraction", "mm_threshold_for"),
        ("flagged_*", "threshold", "mm_stack", "stack", "apart", "disagreement"),
    ),
    "edits": Stage(
        masks.edits,
        (
            "regions_to_be_skipped", "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr",
            "pixels_to_be_replaced_by_local_median", "mediancr_pixels_rejected",
        ),
    ),
    "listed": Stage(
        masks.listed, ("dilation", "pixels_to_be_ignored_as_cr"), ("flags", "edits", "stack")
    ),
    "found": Stage(masks.found, (), ("listed", "edits")),
    "labels": Stage(masks.labels, (), ("listed",)),
    "everywhere": Stage(
        masks.everywhere,
        (),
        ("coincidences", "own_hits", "listed", "flags", "edits", "level", "tested"),
    ),
    "classes": Stage(
        masks.classes,
        ("la_satlevel", "bias"),
        (
            "labels", "everywhere", "flags", "edits", "noise_scale", "level", "tested", "clean",
            "alignment",
        ),
    ),
    "opinion": Stage(
        learned.opinion, (*_NOISE, "crmethod"), ("labels", "stack", "network", "probability")
    ),
    "listed_only": Stage(
        masks.listed_only, ("crmethod", "sg_corrected", "network_veto"), ("classes", "opinion")
    ),
    "mediancr": Stage(
        masks.mediancr, ("crmethod", "network_veto"), ("found", "labels", "listed_only", "edits")
    ),
    "masks": Stage(
        masks.masks,
        (*_NOISE, "dilation", "crmethod", "network_veto"),
        ("flags", "edits", "stack", "found", "mediancr", "noise_in_use"),
    ),
    "lost": Stage(
        masks.lost,
        ("mediancr_pixels_confirmed", "pixels_to_be_ignored_as_cr"),
        ("labels", "edits"),
    ),
    "hits": Stage(
        masks.hits,
        (
            *_NOISE, "mm_simulation", "crmethod", "network_veto", "mediancr_pixels_confirmed",
            "pixels_to_be_ignored_as_cr",
        ),
        (
            "labels", "listed", "flags", "edits", "stack", "exact", "classes", "low_by_given_noise",
            "opinion", "listed_only", "lost",
        ),
    ),
    "fill": Stage(
        masks.fill,
        (),
        (
            "mediancr", "found", "masks", "flags", "edits", "clean", "alignment", "level",
            "everywhere", "between", "noise_in_use",
        ),
    ),
    "combination": Stage(masks.combination, _COMBINING, _COMBINED),
    # On request.
    "left_over": Stage(
        cleaning.left_over,
        tuple(dict.fromkeys((*_TWO_RUNS, *_PYCOSMIC, "dc_threshold", "crmethod"))),
        ("combination", "stack", "alignment", "network"),
    ),
    "meancr_mask": Stage(masks.meancr_mask, ("dilation",), ("left_over", "edits", "stack")),
    "more": Stage(masks.more, _COMBINING, (*_COMBINED, "combination", "meancr_mask")),
})  # fmt: skip
