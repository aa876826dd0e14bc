"""Stages: lazy, shared, complete; and what hand edits, thresholds and maps do to the masks."""

import operator
import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES, graph
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.analysis.schedule import compute_all, jobs_at_once
from crmasks_widgets.core.codes import FORCED
from crmasks_widgets.core.learned.tiles import Network
from crmasks_widgets.core.mm.exact import ExactDiagram
from crmasks_widgets.machine import available_cpus
from crmasks_widgets.simulate import Detector, Hits, fibre_spectrograph

from .counts import count

BASE = cm.Parameters(
    rnoise=3.4, gain=1.5, bias=200.0, mm_nsimulations=1, mm_seed=3, la_niter=2, interactive=False
)
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
    "mm_xy_offsets": ((0.0, 0.0), (0.3, 0.0), (0.0, -0.2)), "mm_boundary_fit": "piecewise",
    "mm_knots_splfit": 4, "mm_fixed_points_in_boundary": ((0.0, 40.0, 1e4), (500.0, 90.0, 1e4)),
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


@pytest.fixture(scope="module")
def exposures():
    scene = fibre_spectrograph(
        (60, 72), seed=4, detector=Detector(1.5, 3.4, 200.0), hits=Hits(rate=4000, double=6)
    )
    return cm.ExposureSet.from_arrays(list(scene.exposures))


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


def everything(analysis):
    """All results that a user can read, as arrays."""
    out = dict(analysis.masks)
    out["labels"] = analysis.labels
    for target in analysis.targets:
        out[f"codes {target}"] = analysis.codes(target)
        out[f"observed {target}"] = analysis.observed(target)
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.result("combination", kind)
        out |= {f"{kind} {k}": v for k, v in vars(made).items()}
    if analysis.parameters.cleans:
        out["meancr2"] = analysis.combination("meancr2").data
    out["crosses"] = analysis.expected.cross_y
    out["boundary"] = analysis.boundary.boundary(np.linspace(-50, 3000, 50))
    out["problematic"] = analysis.problematic
    return out


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


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


def reader_of(exposures, name):
    analysis = cm.Analysis(exposures, BASE)
    inputs = graph.Inputs(exposures, BASE, analysis.calibration)
    return graph.Reader(STAGES[name], inputs, lambda stage, target, keep: (stage, target, keep))


def test_a_stage_cannot_read_what_its_row_does_not_declare(exposures):
    read = reader_of(exposures, "stack")
    assert read.p.apply_flux_factor_to == "simulated"
    assert read("alignment") == ("alignment", None, True)
    assert read.bias == BASE.bias
    for unread in ("p.dilation", "noise", "rnoise"):
        with pytest.raises(graph.UndeclaredError, match=r"does not declare that .* is read"):
            operator.attrgetter(unread)(read)
    with pytest.raises(graph.UndeclaredError, match="does not declare that masks is needed"):
        read("masks")


def test_a_stage_that_reads_more_than_its_row_is_refused_in_production(exposures, monkeypatch):
    greedy = replace(STAGES["labels"], compute=lambda read: read("masks"))
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", {**STAGES, "labels": greedy})
    with pytest.raises(graph.UndeclaredError, match="masks"):
        _ = cm.Analysis(exposures, BASE).labels


@pytest.mark.parametrize(
    "name",
    ["exposures", "parameters", "calibration", "masks_checksum", "run", "checkpoint", "once", "x"],
)
def test_an_analysis_cannot_be_changed(exposures, name):
    with pytest.raises(AttributeError):
        setattr(cm.Analysis(exposures, BASE), name, None)


def test_the_table_is_in_the_order_of_computation():
    seen = set()
    for name, stage in STAGES.items():
        # The mean's hits contain those of the exposures: one target of a stage may need others.
        seen.add(name)
        assert not [later for later in STAGES.keys() - seen if stage.needs_stage(later)], name


def with_stage(name, compute):
    return {**STAGES, name: replace(STAGES[name], compute=compute)}


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


def test_stages_are_computed_when_first_read(exposures):
    analysis = cm.Analysis(exposures, BASE)
    assert not analysis.computed()
    _ = analysis.stack
    assert {stage for stage, _ in analysis.computed()} == {"stack"}
    piecewise = analysis.replace(
        mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=CHANGES["mm_fixed_points_in_boundary"],
    )
    _ = piecewise.masks
    assert "expected" not in {stage for stage, _ in piecewise.computed()}


def test_a_failed_stage_leaves_nothing_behind(exposures, monkeypatch):
    analysis = cm.Analysis(exposures, BASE)
    calls = []

    def fail_once(read):
        calls.append(1)
        if len(calls) == 1:
            raise cm.Cancelled("stopped")
        return "second"

    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", with_stage("labels", fail_once))
    with pytest.raises(cm.Cancelled):
        analysis.result("labels")
    assert not analysis.computed()
    assert analysis.result("labels") == "second"


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_change_nothing(exposures, threads):
    analysis = cm.Analysis(exposures, BASE)
    done = list(compute_all(analysis, threads))
    assert done[0] == ("stack", None)
    assert ("lacosmic", 3) in done
    assert done[-1] == ("masks", None)
    assert_same(everything(analysis), everything(cm.Analysis(exposures, BASE)))


def test_what_is_computed_can_be_followed_and_stopped(exposures):
    analysis, seen = cm.Analysis(exposures, BASE), []

    def stop(fraction):
        seen.append(fraction)
        if len(seen) == 3:
            raise cm.Cancelled("stopped")

    with pytest.raises(cm.Cancelled):
        _ = analysis.under(Run(stop)).masks
    assert not any(stage == "masks" for stage, _ in analysis.computed())
    again = []
    _ = analysis.under(Run(again.append)).masks
    assert again
    assert max(again) <= 1.0
    assert ("masks", None) in analysis.computed()
    assert_same(everything(analysis), everything(cm.Analysis(exposures, BASE)))


def test_a_fleeting_result_is_not_kept_and_a_kept_one_stays(exposures):
    analysis = cm.Analysis(exposures, BASE)
    first = analysis.fleeting("combination", "mediancr").data
    assert ("combination", "mediancr") not in analysis.computed()
    kept = analysis.result("combination", "mediancr")
    np.testing.assert_array_equal(kept.data, first)
    assert analysis.fleeting("combination", "mediancr") is kept
    assert analysis.combination("mediancr").data is kept.data


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 4),
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "150000 100000\n"}, 1),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
)
def test_threads_keep_to_the_quota_of_a_container(tmp_path, monkeypatch, files, cpus):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_cpus(tmp_path) == cpus


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_stages_at_once_than_threads(exposures, threads, monkeypatch):
    busy, most, lock, inner = [], [], threading.Lock(), STAGES["lacosmic"].compute
    first_ones = threading.Barrier(threads)

    def watched(*arguments):
        with lock:
            busy.append(arguments)
            most.append(len(busy))
            waits = len(most) <= threads
        if waits:
            # So many do run side by side; and one too many has time to begin.
            first_ones.wait(20)
            time.sleep(0.05)
        result = inner(*arguments)
        with lock:
            busy.remove(arguments)
        return result

    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", with_stage("lacosmic", watched))
    analysis = cm.Analysis(exposures, BASE.replace(crmethod="lacosmic"))
    before = threading.active_count()
    list(compute_all(analysis, threads))
    assert max(most) == threads
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("threads", "n", "shape", "jobs"),
    [
        (1, 3, (4096, 4096), 1),
        (8, 3, (4096, 4096), 2),
        (8, 3, (2016, 1596), 2),
        (8, 9, (2048, 2048), 5),
        (4, 3, (512, 512), 4),
        (4, 3, (30_000, 30_000), 2),
    ],
)
def test_large_frames_limit_the_stages_at_once(threads, n, shape, jobs):
    assert jobs_at_once(threads, n, shape) == jobs


def test_a_stage_read_by_two_threads_is_computed_once(exposures, monkeypatch):
    calls = []
    original = STAGES["stack"].compute

    def counted(read):
        calls.append(1)
        return original(read)

    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", with_stage("stack", counted))
    analysis = cm.Analysis(exposures, BASE)
    threads = [threading.Thread(target=lambda: analysis.stack) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_hand_edits(exposures):
    plain = cm.Analysis(exposures, BASE)
    y, x = np.argwhere(plain.masks["MEDIANCR"])[3]
    free = np.argwhere(~plain.masks["MEANCRT"])[700]
    edited = plain.replace(
        pixels_to_be_ignored_as_cr=((int(x) + 1, int(y) + 1),),
        pixels_to_be_flagged_as_cr=((int(free[1]) + 1, int(free[0]) + 1),),
    )
    for name, mask in edited.masks.items():
        assert not mask[y, x], name
    assert edited.masks["MEDIANCR"][tuple(free)]
    assert edited.codes("median")[tuple(free)] == FORCED
    assert edited.masks["MEDIANCR"].sum() == plain.masks["MEDIANCR"].sum()


def test_skipped_regions_win_over_dilation_and_lose_to_forced_pixels(exposures):
    everything_skipped = cm.Analysis(
        exposures,
        BASE.replace(
            regions_to_be_skipped=((1, 72, 1, 60),), pixels_to_be_flagged_as_cr=((10, 20),)
        ),
    )
    assert np.argwhere(everything_skipped.masks["MEDIANCR"]).tolist() == [[19, 9]]
    assert len(everything_skipped.hits) == 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pixels_to_be_flagged_as_cr", ((73, 1),), r"found pixel \[73, 1\], expected one inside"),
        ("pixels_to_be_replaced_by_local_median", ((1, 61, 3, 3),), r"found pixel \[1, 61\]"),
        ("regions_to_be_skipped", ((60, 73, 1, 5),), r"found region \[60:73, 1:5\]"),
        ("mm_crosscorr_region", (1, 73, 1, 60), r"found region \[1:73, 1:60\]"),
        ("flux_factor", (1.0, 1.0), "found 2 items, expected 3"),
        ("mm_xy_offsets", ((0.0, 0.0),) * 4, "found 4 items, expected 3"),
    ],
)
def test_what_does_not_fit_the_exposures_is_refused_at_once(exposures, key, value, message):
    with pytest.raises(cm.ParameterError, match=f"{key}: {message}"):
        cm.Analysis(exposures, BASE.replace(**{key: value}))


def test_thresholds(exposures):
    analysis = cm.Analysis(exposures, BASE)
    assert analysis.threshold == 0.0
    assert analysis.replace(mm_threshold=45.0).threshold == 45.0
    assert analysis.replace(mm_threshold_rnoise=3.0).threshold == pytest.approx(3 * 3.4)
    automatic = analysis.replace(mm_threshold=None)
    curve, edges = automatic.boundary.boundary, automatic.plane.x_edges
    assert automatic.threshold == pytest.approx(curve(np.linspace(edges[0], edges[-1], 5000)).min())


def test_maps_of_gain_and_noise_equal_numbers_where_they_are_constant(exposures, caplog):
    shape = exposures.shape
    maps = cm.Calibration(
        gain=np.full(shape, 1.5, np.float32),
        rnoise=np.full(shape, 3.4, np.float32),
        bias=np.full(shape, 200.0, np.float32),
    )
    mapped, plain = (cm.Analysis(exposures, BASE, c) for c in (maps, None))
    for name, mask in plain.masks.items():
        np.testing.assert_array_equal(mapped.masks[name], mask, err_msg=name)
    assert "gain and rnoise: L.A.Cosmic takes the median of the map" in caplog.text


def test_a_noisy_half_needs_more_to_be_flagged(exposures):
    noise = np.full(exposures.shape, 3.4, np.float32)
    noise[:, 36:] = 1e6
    calibration = cm.Calibration(gain=1.5, rnoise=noise, bias=200.0)
    flat = BASE.replace(
        crmethod="mmcosmic", mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=((0.0, 60.0), (1.0, 60.0)),
    )  # fmt: skip
    mm = cm.Analysis(exposures, flat, calibration).flags("median").by("mm")
    assert mm[:, :36].any()
    assert not mm[:, 36:].any()


def test_problematic_pixels_are_those_no_exposure_is_left_for(exposures):
    valid = np.ones((3, *exposures.shape), bool)
    plain = cm.Analysis(exposures, BASE)
    only_two = plain.masks["CRMASK2"] & plain.masks["CRMASK3"] & ~plain.masks["CRMASK1"]
    y, x = np.argwhere(only_two)[0]
    valid[0, y, x] = False
    partly = cm.ExposureSet.from_arrays(list(exposures.data), valid=valid)
    analysis = cm.Analysis(partly, BASE)
    np.testing.assert_array_equal(
        analysis.problematic,
        np.logical_and.reduce([analysis.masks[f"CRMASK{i}"] | ~valid[i - 1] for i in (1, 2, 3)]),
    )
    codes = plain.problematic_codes
    assert set(np.unique(codes)) <= {0, 1, 2}
    own = np.logical_and.reduce([plain.detections(i).either for i in (1, 2, 3)])
    np.testing.assert_array_equal(codes == 2, own & plain.problematic)


def test_invalid_pixels_leave_the_detection_elsewhere_alone(exposures):
    """Same boundary, same flags: bad pixels neither spread nor move a statistic."""
    flat = BASE.replace(
        crmethod="mmcosmic", mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=((0.0, 60.0), (1.0, 60.0)), dilation=0,
    )  # fmt: skip
    data = exposures.data.copy()
    data[:, 10:13, 10:13] = np.nan
    data[1, 40, 40] = np.inf
    spoilt = cm.Analysis(cm.ExposureSet.from_arrays(list(data)), flat)
    plain = cm.Analysis(exposures, flat)
    same = np.ones(exposures.shape, bool)
    same[10:13, 10:13] = same[40, 40] = False
    for name, mask in plain.masks.items():
        np.testing.assert_array_equal(spoilt.masks[name][same], mask[same])
        assert not spoilt.masks[name][10:13, 10:13].any()
    assert not spoilt.masks["CRMASK2"][40, 40]


def test_uuid_follows_from_inputs_and_parameters(exposures):
    first = cm.Analysis(exposures, BASE)
    assert first.uuid == cm.Analysis(exposures, BASE).uuid
    assert first.uuid != first.replace(dilation=3).uuid
    data = exposures.data.copy()
    data[0, 0, 0] += 1
    assert first.uuid != cm.Analysis(cm.ExposureSet.from_arrays(list(data)), BASE).uuid
    assert first.uuid[14] == "5"


def test_the_exact_diagram_needs_no_seed_and_gives_every_hit_its_probability(exposures):
    analysis = cm.Analysis(exposures, BASE.replace(mm_simulation="exact"))
    crosses = analysis.expected.cross_y
    monte_carlo = analysis.replace(mm_simulation="montecarlo", mm_nsimulations=50)
    total = monte_carlo.expected.histogram.sum()
    assert analysis.expected.histogram.sum() == pytest.approx(total, rel=1e-3)
    assert len(crosses) > 5
    hits = analysis.hits
    assert "noise_probability" not in monte_carlo.hits.colnames
    assert ((hits["noise_probability"] >= 0) & (hits["noise_probability"] <= 1)).all()
    found = hits[hits["n_mm"] + hits["n_both"] > 0]
    assert len(found) > 3
    # A hit in the median lifts the level that the noise is expected of, but rarely by enough.
    assert np.median(found["noise_probability"]) < 1e-6


def test_without_a_seed_order_statistics_do(exposures):
    unseeded = cm.Analysis(exposures, BASE.replace(mm_seed=None))
    assert isinstance(unseeded.expected, ExactDiagram)
    exact = unseeded.replace(mm_simulation="exact")
    np.testing.assert_array_equal(exact.expected.histogram, unseeded.expected.histogram)
    # A seed asks for the reference's draws.
    seeded = unseeded.replace(mm_seed=3)
    assert not isinstance(seeded.expected, ExactDiagram)
    drawn = seeded.replace(mm_simulation="montecarlo").expected
    np.testing.assert_array_equal(drawn.histogram, seeded.expected.histogram)
    assert cm.Analysis(exposures, BASE.replace(mm_seed=None)).uuid == unseeded.uuid


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mm_xy_offsets": CHANGES["mm_xy_offsets"]}, "exposures displaced"),
        ({"rnoise": 0.1}, "found a readout noise of 0.15 e-"),
    ],
)
def test_where_there_is_no_exact_law_simulations_do_with_a_fixed_seed(
    exposures, change, why, caplog
):
    unseeded = cm.Analysis(exposures, BASE.replace(mm_seed=None, **change))
    with caplog.at_level("INFO", "crmasks_widgets"):
        histogram = unseeded.expected.histogram
    assert f"mm_simulation: auto: {why}" in caplog.text
    assert "simulations, with seed 0" in caplog.text
    seeded = unseeded.replace(mm_seed=0)
    np.testing.assert_array_equal(seeded.expected.histogram, histogram)


def test_the_boundary_can_be_asked_for_by_its_false_pixels(exposures):
    asked = [
        cm.Analysis(exposures, BASE.replace(crmethod="mmcosmic", mm_expected_false=m))
        for m in (0.1, 100.0)
    ]
    strict, lenient = (a.boundary.boundary for a in asked)
    assert strict.kind == "exact"
    x = np.linspace(0, 500, 50)
    assert (strict(x) > lenient(x)).all()
    counts = [a.flags("median").counts()["either"] for a in asked]
    assert counts[0] + 30 < counts[1] < counts[0] + 300
    assert ("expected", None) not in asked[0].computed()


def test_the_measured_scatter_lifts_the_boundary_as_the_shape_it_names():
    rng = np.random.default_rng(2)
    electrons = np.tile(np.linspace(20, 900, 200), (150, 1))
    drawn = rng.negative_binomial(90, 90 / (90 + electrons), (3, *electrons.shape))
    frames = (drawn + rng.normal(0, 3.4, drawn.shape)).astype(np.float32)
    exposures = cm.ExposureSet.from_arrays(list(frames))
    plain = cm.Analysis(exposures, cm.Parameters(rnoise=3.4, crmethod="mmcosmic"))
    measured = plain.replace(mm_photon_distribution="measured")
    shape, _ = plain.dispersions.plain.shape
    assert shape == pytest.approx(90, rel=0.1)
    same = plain.replace(mm_photon_distribution="nbinom", mm_nbinom_shape=shape)
    flagged = [np.count_nonzero(a.flags("median").either) for a in (plain, measured, same)]
    assert flagged[0] > 100
    assert max(flagged[1:]) < 20
    x = np.array([300.0, 600.0])
    heights = [a.boundary.boundary(x) for a in (plain, measured, same)]
    assert (heights[1] > 1.5 * heights[0]).all()
    np.testing.assert_allclose(heights[1], heights[2], rtol=0.15)
    assert "matching" not in {stage for stage, _ in measured.replace(rnoise=3.5).computed()}


def test_displaced_exposures_have_no_exact_diagram(exposures):
    parameters = BASE.replace(mm_simulation="exact", mm_xy_offsets=CHANGES["mm_xy_offsets"])
    with pytest.raises(cm.ParameterError, match="exact: found exposures displaced"):
        _ = cm.Analysis(exposures, parameters).expected
