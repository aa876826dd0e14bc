"""Changes of parameters: what they reach is computed again, all else is kept."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES
from crmasks_widgets.core.learned.tiles import Network

from .analysis_cases import BASE, OFFSETS, POINTS, assert_same, everything
from .counts import count

CHANGES = {
    "gain": 1.7, "rnoise": 4.0, "bias": 201.0, "crmethod": "mmcosmic", "use_lamedian": True,
    "flux_factor": (1.0, 0.9, 1.1), "apply_flux_factor_to": "original", "dilation": 2,
    "regions_to_be_skipped": ((1, 20, 1, 20),), "pixels_to_be_flagged_as_cr": ((5, 7),),
    "pixels_to_be_ignored_as_cr": ((9, 9),), "mediancr_pixels_rejected": ((30, 30), (31, 30)),
    "pixels_to_be_replaced_by_local_median": ((30, 30, 3, 3),),
    "mediancr_pixels_confirmed": ((30, 30),),
    "la_gain_apply": False, "la_sigclip": 8.0, "la_sigfrac": 0.5, "la_objlim": 3.0,
    "la_sigclip_second": 3.0, "la_sigfrac_second": 0.2, "la_objlim_second": 2.0,
    "la_satlevel": 3000.0, "la_niter": 1, "la_sepmed": False, "la_cleantype": "medmask",
    "la_fsmode": "median", "la_psfmodel": "moffat", "la_psffwhm_x": 3.0, "la_psffwhm_y": 2.0,
    "la_psfsize": 7, "la_psfbeta": 3.0, "la_verbose": True, "la_padwidth": 5,
    "la_engine": "astroscrappy", "mm_simulation": "exact", "mm_expected_false": 5.0,
    "mm_xy_offsets": OFFSETS, "mm_boundary_fit": "piecewise",
    "mm_knots_splfit": 4, "mm_fixed_points_in_boundary": POINTS,
    "mm_nsimulations": 2, "mm_niter_boundary_extension": 1, "mm_weight_boundary_extension": 3.0,
    "mm_threshold": 45.0, "mm_threshold_rnoise": 12.0, "mm_minimum_max2d_rnoise": 9.0,
    "more_combinations": ("meancr2", "min"),
    "mm_cr_coincidences": 2, "mm_synthetic": "single", "mm_hist2d_min_neighbors": 5,
    "mm_ydiag_max": 90.0, "mm_dilation": 1, "mm_threshold_for": "all",
    "mm_photon_distribution": "nbinom", "mm_nbinom_shape": 30.0,
    "dc_mask": "WFC3-UVIS", "dc_threshold": 0.9, "network_veto": 0.4,
    "pc_sigma_det": 9.0, "pc_sigma_det_second": 2.5, "pc_rlim": 2.0, "pc_rlim_second": 0.8,
    "pc_iterations": 1, "pc_fwhm_gauss_x": 3.5, "pc_fwhm_gauss_y": 1.5, "pc_replace_box_x": 7,
    "pc_replace_box_y": 3, "pc_increase_radius": 1,
    "mm_seed": 4, "semiwindow": 7, "color_scale": "zscale", "maxplots": 3, "verify_cr": True,
    "dq_extension": "DQ", "dq_bits": (4,), "bad_pixel_mask": "m.fits",
    "noise_extension": "ERR", "noise_kind": "ivar",
    "interactive": True, "extnum": 1, "images": ("a.fits", "b.fits", "c.fits"),
    "sg_false_alarms": 20.0, "sg_growth": 4.0, "sg_background": 8, "sg_measured_noise": False,
    "sg_corrected": ("residual",), "match_exposures": "off", "max_flagged_fraction": 0.9,
}  # fmt: skip
# What reads the files and what only draws them changes no stage.
NO_STAGE = {
    "semiwindow", "color_scale", "maxplots", "verify_cr", "interactive", "extnum", "images",
    "dq_extension", "dq_bits", "bad_pixel_mask", "noise_extension", "noise_kind",
    "more_combinations",
}  # fmt: skip
UNTESTED = {"mm_crosscorr_region", "flux_factor_regions"}  # need another change beside them


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """The network of an extra, that sees no hit anywhere."""
    nothing = Network("stand-in", np.zeros_like, halo=0, step=1)
    monkeypatch.setattr("crmasks_widgets.analysis.stages.learned.load_deepcr", lambda _: nothing)


@cache
def computed(exposures, **changes):
    """An analysis of which all is known; shared, since none can be changed."""
    analysis = cm.Analysis(exposures, BASE.replace(**changes))
    everything(analysis)
    return analysis


def test_every_parameter_is_tried():
    assert CHANGES.keys() | UNTESTED == set(cm.Parameters.model_fields)


def needed(name, table=STAGES):
    """Stages that a parameter reaches, found from the table without its own code."""
    direct = {s for s, stage in table.items() if stage.reads(name)}
    while True:
        reached = direct | {
            s for s, stage in table.items() if any(stage.needs_stage(known) for known in direct)
        }
        if reached == direct:
            return direct
        direct = reached


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_change_equals_a_fresh_computation_and_keeps_the_rest(exposures, name):
    method = "significance" if name.startswith("sg_") else "mm_lacosmic"
    photons = "nbinom" if name == "mm_nbinom_shape" else BASE.mm_photon_distribution
    analysis = computed(exposures, crmethod=method, mm_photon_distribution=photons)
    before = analysis.computed()
    change = {name: CHANGES[name]}
    if name == "mm_boundary_fit":
        change["mm_fixed_points_in_boundary"] = CHANGES["mm_fixed_points_in_boundary"]
    changed = analysis.replace(**change)
    table = dict(STAGES)
    if "mm_fixed_points_in_boundary" in change:
        # The points are lower than what the noise reaches: the plane keeps its limits.
        table["plane"] = replace(STAGES["plane"], parameters=("gain", "rnoise", "mm_seed"))
    if name != "mm_synthetic":
        # The median is simulated as it is, whatever detects.
        table["synthetic"] = replace(STAGES["synthetic"], parameters=(), needs=())
    if name not in ("mm_photon_distribution", "mm_nbinom_shape"):
        # Photons are photons, however exposures scatter.
        table["photons"] = replace(STAGES["photons"], parameters=(), needs=())
    stale = set().union(*(needed(key, table) for key in change))
    assert changed.computed() == {key for key in before if key[0] not in stale}
    assert bool(stale) != (name in NO_STAGE)
    assert_same(everything(changed), everything(cm.Analysis(exposures, changed.parameters)))
    assert analysis.computed() == before


def test_what_the_simulations_do_not_use_leaves_them(exposures):
    analysis = cm.Analysis(exposures, BASE)
    _ = analysis.masks
    assert analysis.replace(mm_nbinom_shape=30.0).computed() == analysis.computed()
    cleaned = analysis.replace(mm_synthetic="median")
    assert ("simulated", None) not in cleaned.computed()
    _ = cleaned.masks
    for change, kept in (({"la_sigclip": 6.0}, False), ({"mm_dilation": 2}, True)):
        assert (("simulated", None) in cleaned.replace(**change).computed()) == kept
    assert ("peaks", "median") in cleaned.replace(la_sigclip_second=3.0).computed()


@settings(max_examples=count(5, 20))
@given(
    st.lists(st.sampled_from(sorted(CHANGES.keys() - {"mm_boundary_fit"})), max_size=5),
    st.sampled_from(["mm_lacosmic", "significance_lacosmic"]),
)
@pytest.mark.slow
def test_a_chain_of_changes_equals_a_fresh_computation(exposures, names, method):
    analysis = cm.Analysis(exposures, BASE.replace(crmethod=method))
    exact = {"mm_simulation", "mm_expected_false"}
    for name in names:
        if exact & set(names) and name == "mm_xy_offsets":
            continue  # displaced exposures have no exact diagram
        if name == "use_lamedian" and "lacosmic" not in analysis.parameters.detectors:
            continue
        if name == "crmethod" and analysis.parameters.use_lamedian:
            continue
        if name == "mm_threshold" and analysis.parameters.mm_threshold_rnoise is not None:
            continue
        analysis = analysis.replace(**{name: CHANGES[name]})
        _ = analysis.masks
    assert_same(everything(analysis), everything(cm.Analysis(exposures, analysis.parameters)))


def test_a_point_above_the_diagram_raises_it(exposures):
    analysis = cm.Analysis(exposures, BASE)
    top = analysis.plane.y_edges[-1]
    _ = analysis.expected
    high = analysis.replace(mm_fixed_points_in_boundary=((0.0, top, 1e4),))
    assert ("expected", None) not in high.computed()
    assert high.plane.y_edges[-1] == 2 * top
    low = high.replace(mm_fixed_points_in_boundary=((0.0, 10.0, 1e4),))
    assert low.plane.y_edges[-1] == top
    dragged = low.replace(mm_fixed_points_in_boundary=((0.0, 12.0, 1e4),))
    assert ("plane", None) in dragged.computed()
    fresh = cm.Analysis(exposures, dragged.parameters)
    np.testing.assert_array_equal(dragged.plane.y_edges, fresh.plane.y_edges)


@pytest.mark.parametrize(
    "name",
    ["exposures", "parameters", "calibration", "masks_checksum", "run", "checkpoint", "once", "x"],
)
def test_an_analysis_cannot_be_changed(exposures, name):
    with pytest.raises(AttributeError):
        setattr(cm.Analysis(exposures, BASE), name, None)


def test_uuid_follows_from_inputs_and_parameters(exposures):
    first = cm.Analysis(exposures, BASE)
    assert first.uuid == cm.Analysis(exposures, BASE).uuid
    assert first.uuid != first.replace(dilation=3).uuid
    data = exposures.data.copy()
    data[0, 0, 0] += 1
    assert first.uuid != cm.Analysis(cm.ExposureSet.from_arrays(list(data)), BASE).uuid
    assert first.uuid[14] == "5"
