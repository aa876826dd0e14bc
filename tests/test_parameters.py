"""Parameters: defaults, ranges, values that must agree, and the table that describes them."""

import math
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from crmasks_widgets import errors
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters import ParameterInfo, Parameters, Range, parameter_table

from .parameter_cases import TABLE, refused

OWN = {
    "more_combinations",
    "mm_cr_coincidences", "mm_synthetic", "mm_hist2d_min_neighbors", "mm_ydiag_max",
    "mm_dilation", "mm_threshold_for", "mm_photon_distribution", "mm_nbinom_shape",
    "la_sigclip_second", "la_sigfrac_second", "la_objlim_second",
    "pc_sigma_det", "pc_sigma_det_second", "pc_rlim", "pc_rlim_second", "pc_iterations",
    "pc_fwhm_gauss_x", "pc_fwhm_gauss_y", "pc_replace_box_x", "pc_replace_box_y",
    "pc_increase_radius", "dc_mask", "dc_threshold", "network_veto",
    "la_padwidth", "la_engine", "mm_threshold_rnoise", "mm_simulation", "mm_expected_false",
    "mediancr_pixels_rejected", "max_flagged_fraction", "dq_extension", "dq_bits",
    "bad_pixel_mask", "noise_extension", "noise_kind",
    "sg_false_alarms", "sg_growth", "mediancr_pixels_confirmed",
    "sg_background", "sg_measured_noise", "sg_corrected", "match_exposures",
}  # fmt: skip


def test_defaults_are_those_of_the_reference_and_its_first_example() -> None:
    expected = {
        "images": None, "extnum": 0, "gain": 1.0, "rnoise": 0.0, "bias": 0.0,
        "crmethod": "mm_lacosmic", "use_lamedian": False, "interactive": True,
        "flux_factor": None, "flux_factor_regions": None, "apply_flux_factor_to": "simulated",
        "dilation": 1, "regions_to_be_skipped": None, "pixels_to_be_flagged_as_cr": None,
        "pixels_to_be_ignored_as_cr": None, "pixels_to_be_replaced_by_local_median": None,
        "mediancr_pixels_rejected": None, "max_flagged_fraction": 0.5,
        "dq_extension": None, "dq_bits": None, "bad_pixel_mask": None,
        "noise_extension": None, "noise_kind": "auto", "mediancr_pixels_confirmed": None,
        "verify_cr": False, "semiwindow": 15, "color_scale": "minmax", "maxplots": -1,
        "la_gain_apply": True, "la_sigclip": 5.0, "la_sigfrac": 0.3, "la_objlim": 5.0,
        "la_sigclip_second": None, "la_sigfrac_second": None, "la_objlim_second": None,
        "la_satlevel": 65535.0, "la_niter": 4, "la_sepmed": True, "la_cleantype": "meanmask",
        "la_fsmode": "convolve", "la_psfmodel": "gaussxy", "la_psffwhm_x": 2.5,
        "la_psffwhm_y": 2.5, "la_psfsize": 11, "la_psfbeta": 4.765, "la_verbose": False,
        "la_padwidth": 0, "la_engine": "fast",
        "more_combinations": (),
        "pc_sigma_det": 5.0, "pc_sigma_det_second": 3.0, "pc_rlim": 1.2, "pc_rlim_second": None,
        "pc_iterations": 5, "pc_fwhm_gauss_x": 2.5, "pc_fwhm_gauss_y": 2.5,
        "pc_replace_box_x": 5, "pc_replace_box_y": 5, "pc_increase_radius": 0,
        "dc_mask": "ACS-WFC", "dc_threshold": 0.5, "network_veto": None,
        "mm_cr_coincidences": None, "mm_synthetic": "raw", "mm_hist2d_min_neighbors": 0,
        "mm_ydiag_max": 0.0, "mm_dilation": 0, "mm_threshold_for": "mm",
        "mm_photon_distribution": "poisson", "mm_nbinom_shape": 1000.0,
        "mm_simulation": "auto", "mm_expected_false": None,
        "mm_xy_offsets": None, "mm_crosscorr_region": None, "mm_boundary_fit": "spline",
        "mm_knots_splfit": 3, "mm_fixed_points_in_boundary": None, "mm_nsimulations": 10,
        "mm_niter_boundary_extension": 3, "mm_weight_boundary_extension": 10.0,
        "mm_threshold": 0.0, "mm_threshold_rnoise": None, "mm_minimum_max2d_rnoise": 5.0,
        "sg_false_alarms": 1.0, "sg_growth": 3.0, "sg_background": 32, "sg_measured_noise": True,
        "sg_corrected": ("coincident", "unstable", "saturated"),
        "match_exposures": "auto",
    }  # fmt: skip
    found = dict(Parameters(mm_seed=7))
    assert found.pop("mm_seed") == 7
    assert found == expected


def test_table_describes_every_field_in_one_line() -> None:
    assert list(TABLE) == list(Parameters.model_fields)
    parameters = Parameters()
    for name, info in TABLE.items():
        assert isinstance(info, ParameterInfo)
        assert info.group in {"exposures", "general", *DETECTORS}
        assert info.help
        assert "\n" not in info.help
        assert info.expected
        assert (info.range is not None) == (info.kind in ("integer", "number"))
        assert bool(info.choices) == (info.kind == "choice")
        if name != "mm_seed":
            assert info.default == getattr(parameters, name)
    assert {name for name, info in TABLE.items() if not info.in_reference} == OWN


def test_table_gives_group_unit_range_and_choices() -> None:
    assert TABLE["gain"].group == "exposures"
    assert TABLE["dilation"].group == "general"
    assert TABLE["la_sigclip"].group == "lacosmic"
    assert TABLE["mm_threshold"].group == "mm"
    assert (TABLE["rnoise"].unit, TABLE["la_satlevel"].unit) == ("ADU", "ADU")
    assert TABLE["la_sigclip"].range == Range(0, None, open_low=True)
    assert TABLE["mm_knots_splfit"].range == Range(2, 100)
    assert [str(TABLE[n].range) for n in ("la_sigclip", "la_niter", "maxplots")] == [
        "> 0", "≥ 1", "any",
    ]  # fmt: skip
    assert TABLE["sg_growth"].group == TABLE["match_exposures"].group == "significance"
    assert TABLE["crmethod"].choices == (
        "lacosmic", "mmcosmic", "mm_lacosmic", "pycosmic", "mm_pycosmic", "deepcr", "mm_deepcr",
        "significance", "significance_deepcr", "significance_lacosmic",
    )  # fmt: skip


def test_table_is_a_copy() -> None:
    parameter_table().clear()
    assert len(parameter_table()) == len(TABLE)


def test_piecewise_needs_two_points_of_different_x() -> None:
    rule = "expected at least 2 points of different x"
    refused(f"^mm_fixed_points_in_boundary: found 0, {rule}", mm_boundary_fit="piecewise")
    refused(
        f"found 1, {rule}",
        mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=[[0, 1]],
    )
    repeated = [[0, 1], [50, 2], [50, 3]]
    refused(
        f"found x = 50 2 times, {rule}",
        mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=repeated,
    )
    assert Parameters(mm_fixed_points_in_boundary=repeated).mm_boundary_fit == "spline"
    assert Parameters(crmethod="lacosmic", mm_boundary_fit="piecewise").crmethod == "lacosmic"


def test_lamedian_needs_lacosmic() -> None:
    refused(
        "^use_lamedian: found true with crmethod mmcosmic, expected lacosmic, mm_lacosmic, pyc",
        use_lamedian=True,
        crmethod="mmcosmic",
    )
    refused("^use_lamedian: found true", use_lamedian=True, crmethod="significance")
    for method in ("lacosmic", "significance_lacosmic"):
        assert Parameters(use_lamedian=True, crmethod=method).use_lamedian


def test_classes_of_hits_are_known_words_in_one_order() -> None:
    assert Parameters(sg_corrected=["saturated", "coincident"]).sg_corrected == (
        "coincident", "saturated",
    )  # fmt: skip
    assert Parameters(sg_corrected=[]).sg_corrected == ()
    refused("^sg_corrected: found .*, expected a list of some of", sg_corrected=["star"])
    refused("^sg_corrected: found 3, expected a list of some of", sg_corrected=3)
    refused("^sg_corrected: found .*, expected a list of some of", sg_corrected=[["coincident"]])


def test_lists_have_one_item_for_each_image() -> None:
    images = ["a", "b", "c"]
    refused(
        "^flux_factor: found 2 for 3 images, expected one each", images=images, flux_factor=[1, 1]
    )
    refused(
        "^mm_xy_offsets: found 1 for 3 images, expected one each",
        images=images,
        mm_xy_offsets=[[0, 0]],
    )
    assert Parameters(images=images, flux_factor=[1, 1, 2]).flux_factor == (1.0, 1.0, 2.0)
    assert Parameters(images=images, flux_factor=2).flux_factor == 2.0


def test_one_threshold_only() -> None:
    both = "^mm_threshold: found .* with mm_threshold_rnoise 3, expected one of them"
    refused(both, mm_threshold=10, mm_threshold_rnoise=3)
    refused(both, mm_threshold=0.0, mm_threshold_rnoise=3)
    for made in (
        Parameters(mm_threshold_rnoise=3),
        Parameters(mm_threshold=None, mm_threshold_rnoise=3),
    ):
        assert (made.mm_threshold, made.mm_threshold_rnoise) == (0.0, 3.0)
    assert Parameters(mm_threshold=None).mm_threshold is None


def test_every_wrong_value_is_named() -> None:
    refused(
        "^gain: found -1, .*; dilation: found 'x', .*; la_niter: found 0, ",
        gain=-1,
        dilation="x",
        la_niter=0,
    )


def test_frozen_compared_by_value_and_hashable() -> None:
    one, other = (Parameters(mm_seed=1, images=["a", "b", "c"]) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Parameters(mm_seed=2, images=["a", "b", "c"])
    with pytest.raises(ValidationError, match="frozen"):
        one.gain = 2.0
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes


def test_seed_is_drawn_once() -> None:
    simulating = {"mm_simulation": "montecarlo"}
    made = Parameters(mm_seed=None, **simulating)
    assert isinstance(made.mm_seed, int)
    assert len({Parameters(**simulating).mm_seed for _ in range(5)}) > 1
    assert made.replace(dilation=3).mm_seed == made.mm_seed
    assert Parameters.from_yaml_text(made.to_yaml()).mm_seed == made.mm_seed
    again = Parameters(mm_seed="none", **simulating)
    assert again.mm_seed != Parameters(mm_seed="none", **simulating).mm_seed


@pytest.mark.parametrize("how", ["auto", "exact"])
def test_no_seed_is_drawn_where_order_statistics_do(how: str) -> None:
    made = Parameters(mm_simulation=how)
    assert made.mm_seed is None
    assert Parameters.from_yaml_text(made.to_yaml()) == made
    assert made.replace(mm_simulation="montecarlo").mm_seed is not None
    text = "gain: 1\nrnoise: 3\nbias: 0\nrequirements: {dilation: 1}\n"
    text += "crmasks_widgets: {mm_simulation: %s}"
    if how == "auto":
        assert Parameters.from_yaml_text(text % how, seed=7).mm_seed is None
        assert Parameters.from_yaml_text(text % "montecarlo", seed=7).mm_seed == 7


def test_replace_checks_anew_and_leaves_the_old_alone() -> None:
    old = Parameters(mm_seed=5, la_sigclip=4)
    new = old.replace(la_sigclip=6, use_auxmedian=True)
    assert (old.la_sigclip, new.la_sigclip, new.use_lamedian, new.mm_seed) == (4.0, 6.0, True, 5)
    assert new.replace(la_sigclip=4, use_lamedian=False) == old
    with pytest.raises(
        ParameterError, match=r"^la_sigclip: found 0, expected a finite number above"
    ):
        old.replace(la_sigclip=0)
    with pytest.raises(ParameterError, match=r"^crmethod: found 'x'"):
        old.replace(crmethod="x")
    with pytest.raises(ParameterError, match="nearest is la_sigclip"):
        old.replace(la_sigclp=3)
    with pytest.raises(ParameterError, match="use_lamedian: found true with crmethod mmcosmic"):
        new.replace(crmethod="mmcosmic")


def test_replace_of_thresholds() -> None:
    relative = Parameters(mm_threshold=0.0).replace(mm_threshold_rnoise=3)
    assert (relative.mm_threshold, relative.mm_threshold_rnoise) == (0.0, 3.0)
    with pytest.raises(ParameterError, match="mm_threshold: found 2 with"):
        relative.replace(mm_threshold=2)
    absolute = relative.replace(mm_threshold=2, mm_threshold_rnoise=None)
    assert (absolute.mm_threshold, absolute.mm_threshold_rnoise) == (2.0, None)
    with pytest.raises(ParameterError, match=r"mm_threshold: found 2\.0 with"):
        absolute.replace(mm_threshold_rnoise=3)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("ls_niter", "la_niter"),
        ("pixels_to_be-flagged_as_cr", "pixels_to_be_flagged_as_cr"),
        ("mm_knots_split", "mm_knots_splfit"),
        ("LA_SIGCLIP", "la_sigclip"),
        ("gian", "gain"),
    ],
)
def test_unknown_name_names_the_nearest(wrong: str, near: str) -> None:
    refused(
        f"^{wrong}: found an unknown key, expected a known one; the nearest is {near}$",
        **{wrong: 1},
    )


@pytest.mark.process
def test_module_needs_no_numpy() -> None:
    """The parameters alone load fast, whatever else the package's own import brings in."""
    code = (
        "import sys, types\n"
        "package = types.ModuleType('crmasks_widgets')\n"
        f"package.__path__ = [{str(Path(errors.__file__).parent)!r}]\n"
        "sys.modules['crmasks_widgets'] = package\n"
        "import crmasks_widgets.parameters\n"
        "print(sorted({'numpy', 'astropy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


WRONG = [math.nan, math.inf, -math.inf, -1e300, 1e300, 2**200, {}, {"a": 1}, object(), 1j, b"x",
         [[]], [None], [{}], "\x00", ""]  # fmt: skip


def message_of(name: str, value: object) -> str:
    """Return why a value is refused; empty when it is accepted."""
    try:
        Parameters(**{name: value})
    except ParameterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", TABLE)
def test_every_field_refuses_what_is_none_of_its_values(name: str) -> None:
    """A field that had no rule at all would accept one of these."""
    limits = TABLE[name].range
    for value in WRONG:
        message = message_of(name, value)
        assert "\n" not in message
        if message:
            assert message.startswith(f"{name}: found ")
            assert ", expected " in message
            continue
        assert isinstance(value, int | float)
        assert math.isfinite(value)
        assert limits is None or limits.low is None or value > limits.low
        assert limits is None or limits.high is None or value <= limits.high


@pytest.mark.parametrize("name", TABLE)
def test_null_is_a_value_or_refused_for_every_field(name: str) -> None:
    info = TABLE[name]
    message = message_of(name, None)
    if info.nullable:
        assert message == ""
    else:
        assert message == f"{name}: found null, expected {info.expected}"
