"""Parameters: defaults, ranges, values that must agree, and the table that describes them."""

import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crmasks_widgets import errors
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.parameters import ParameterInfo, Parameters, Range, parameter_table

TABLE = {info.name: info for info in parameter_table()}
INTEGERS = [info.name for info in TABLE.values() if info.kind == "integer"]
NUMBERS = [info.name for info in TABLE.values() if info.kind == "number"]
SWITCHES = [info.name for info in TABLE.values() if info.kind == "switch"]
CHOICES = [info.name for info in TABLE.values() if info.kind == "choice"]
NULLABLE_NUMBERS = {
    "mm_threshold", "mm_threshold_rnoise", "mm_expected_false", "mm_seed", "la_sigclip_second",
    "la_sigfrac_second", "la_objlim_second", "mm_cr_coincidences",
    "pc_sigma_det_second", "pc_rlim_second",
}  # fmt: skip
REGION_LISTS = ["flux_factor_regions", "regions_to_be_skipped"]
PIXEL_LISTS = [
    "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr", "mediancr_pixels_rejected",
    "mediancr_pixels_confirmed",
]  # fmt: skip


def refused(message: str, **given_values: object) -> None:
    """Assert that values are refused with a one-line message that matches."""
    with pytest.raises(ParameterError, match=message) as caught:
        Parameters(**given_values)
    assert "\n" not in str(caught.value)


OWN = {
    "more_combinations",
    "mm_cr_coincidences", "mm_synthetic", "mm_hist2d_min_neighbors", "mm_ydiag_max",
    "mm_dilation", "mm_threshold_for", "mm_photon_distribution", "mm_nbinom_shape",
    "la_sigclip_second", "la_sigfrac_second", "la_objlim_second",
    "pc_sigma_det", "pc_sigma_det_second", "pc_rlim", "pc_rlim_second", "pc_iterations",
    "pc_fwhm_gauss_x", "pc_fwhm_gauss_y", "pc_replace_box_x", "pc_replace_box_y",
    "pc_increase_radius", "dc_mask", "dc_threshold",
    "la_padwidth", "la_engine", "mm_threshold_rnoise", "mm_simulation", "mm_expected_false",
    "mediancr_pixels_rejected", "max_flagged_fraction", "dq_extension", "dq_bits",
    "bad_pixel_mask", "noise_extension", "noise_kind",
    "sg_false_alarms", "sg_growth", "mediancr_pixels_confirmed",
    "sg_background", "sg_measured_noise", "sg_corrected", "match_exposures",
}  # fmt: skip

# ---- defaults and the table --------------------------------------------------------------------


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
        "dc_mask": "ACS-WFC", "dc_threshold": 0.5,
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


# ---- numbers, switches, choices ----------------------------------------------------------------


@pytest.mark.parametrize("name", INTEGERS + NUMBERS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_number_below_its_range_is_refused(name: str, data: st.DataObject) -> None:
    limits = TABLE[name].range
    assert limits is not None
    if limits.low is None:
        return
    if TABLE[name].kind == "integer":
        value: float = data.draw(st.integers(max_value=int(limits.low) - 1))
    else:
        value = data.draw(st.floats(max_value=limits.low, exclude_max=not limits.open_low))
    refused(f"^{name}: found ", **{name: value})


@pytest.mark.parametrize("name", INTEGERS)
@given(beyond=st.integers(min_value=1))
@settings(max_examples=20, deadline=None)
def test_integer_above_its_range_is_refused(name: str, beyond: int) -> None:
    limits = TABLE[name].range
    assert limits is not None
    assert limits.high is not None
    high = int(limits.high)
    refused(
        rf"^{name}: found .*, expected at most {high}$", **{name: high + high % 2 + 2 * beyond - 1}
    )


@pytest.mark.parametrize("name", INTEGERS + NUMBERS)
def test_number_at_its_limits(name: str) -> None:
    limits = TABLE[name].range
    assert limits is not None
    if limits.low is not None and not limits.open_low:
        assert getattr(Parameters(**{name: limits.low}), name) == limits.low
    elif limits.low is not None:
        refused(f"^{name}: found 0", **{name: limits.low})
        assert getattr(Parameters(**{name: 1e-9}), name) == 1e-9


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "5", "x", True, [5], {}, 2j])
@pytest.mark.parametrize("name", INTEGERS + NUMBERS)
def test_no_finite_number_is_refused(name: str, value: object) -> None:
    refused(f"^{name}: found .*, expected ", **{name: value})


@pytest.mark.parametrize("name", INTEGERS + NUMBERS)
@pytest.mark.parametrize("value", [None, "none"])
def test_null_is_refused_where_it_means_nothing(name: str, value: object) -> None:
    if name in NULLABLE_NUMBERS:
        assert Parameters(**{name: value}) is not None
    else:
        refused(f"^{name}: found (null|'none'), expected ", **{name: value})


@pytest.mark.parametrize("value", [1.5, 3.0])
@pytest.mark.parametrize("name", INTEGERS)
def test_float_is_no_integer(name: str, value: float) -> None:
    refused(rf"^{name}: found {value}, expected an (odd )?integer", **{name: value})


@pytest.mark.parametrize("name", [name for name in NUMBERS if TABLE[name].range.high])
def test_number_above_its_range_is_refused(name: str) -> None:
    high = TABLE[name].range.high
    assert getattr(Parameters(**{name: high}), name) == high
    refused(
        rf"^{name}: found .*, expected at most {high}$", **{name: math.nextafter(high, math.inf)}
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_integer_is_a_number(name: str) -> None:
    given = 3 if TABLE[name].range.high is None else int(TABLE[name].range.high)
    value = getattr(Parameters(**{name: given}), name)
    assert value == given
    assert type(value) is float


def test_kernel_side_is_odd() -> None:
    refused(
        "^la_psfsize: found 12, expected an odd integer of at least 3, at most 101$", la_psfsize=12
    )
    assert Parameters(la_psfsize=13).la_psfsize == 13


@pytest.mark.parametrize("name", ["la_sigclip", "la_niter", "gain"])
def test_number_of_thousands_of_digits_is_refused(name: str) -> None:
    refused(f"^{name}: found a number of thousands of digits", **{name: 10**5000})


@pytest.mark.parametrize("value", [0, 1, "true", None, 1.0, []])
@pytest.mark.parametrize("name", SWITCHES)
def test_switch_is_true_or_false(name: str, value: object) -> None:
    refused(f"^{name}: found .*, expected true or false$", **{name: value})
    assert getattr(Parameters(**{name: True}), name) is True


@pytest.mark.parametrize("name", CHOICES)
def test_choice_is_one_of_its_words(name: str) -> None:
    for word in TABLE[name].choices:
        points = [(0, 1), (1, 2)]
        made = Parameters(**{"mm_fixed_points_in_boundary": points, name: word})
        assert getattr(made, name) == word
    for value in ("other", None, 1, TABLE[name].choices[0].swapcase()):
        refused(f"^{name}: found .*, expected .*{TABLE[name].choices[-1]}$", **{name: value})


def test_numbers_of_numpy_become_plain() -> None:
    made = Parameters(
        gain=np.float32(2),
        dilation=np.int16(2),
        la_sepmed=np.bool_(False),
        la_sigclip=np.float64(4),
        pixels_to_be_ignored_as_cr=np.array([[1, 2], [3, 4]]),
        images=[Path("a"), "b", "c"],
    )
    assert (made.gain, made.dilation, made.la_sepmed, made.la_sigclip) == (2.0, 2, False, 4.0)
    assert type(made.la_sigclip) is float
    assert made.pixels_to_be_ignored_as_cr == ((1, 2), (3, 4))
    assert made.images == ("a", "b", "c")
    refused(r"^gain: found 0\.0, expected", gain=np.float64(0))
    refused(r"^la_niter: found 0, expected", la_niter=np.int64(0))


def test_message_is_one_short_line_whatever_was_given() -> None:
    class Strange:
        def __repr__(self) -> str:
            return "one line\n" * 100

    refused("^dilation: found one line one line .*, expected an integer", dilation=Strange())
    with pytest.raises(ParameterError) as caught:
        Parameters(flux_factor=[["x" * 1000] * 1000] * 1000)
    assert len(str(caught.value)) < 250


# ---- gain, readout noise, bias, images ---------------------------------------------------------


@pytest.mark.parametrize("name", ["gain", "rnoise", "bias"])
def test_level_is_a_number_or_a_path(name: str) -> None:
    assert getattr(Parameters(**{name: 3}), name) == 3.0
    assert getattr(Parameters(**{name: "map.fits"}), name) == "map.fits"
    for value in (math.nan, math.inf, "1.0", "nan", "", " ", None, "none", True, [1.0], "a\nb"):
        refused(f"^{name}: found .*, expected a ", **{name: value})


def test_range_of_gain_readout_noise_and_bias() -> None:
    refused("^gain: found 0, expected a number above 0 or the path", gain=0)
    refused("^gain: found -1.5, expected a number above 0", gain=-1.5)
    refused("^rnoise: found -0.1, expected a number of at least 0", rnoise=-0.1)
    assert (Parameters(rnoise=0).rnoise, Parameters(bias=-5).bias) == (0.0, -5.0)


def test_extension() -> None:
    for value, kept in {3: 3, "3": 3, "sci": "SCI", "SCI, 2": "SCI,2", "CCD 1,1": "CCD 1"}.items():
        assert Parameters(extnum=value).extnum == kept
    for value in (-1, 1.5, True, "", "none", "SCI,x", "a[1]", "é", 2**31, None):
        refused("^extnum: found .*, expected a number of at least 0, a name", extnum=value)


def test_images() -> None:
    assert Parameters(images=["a", "b", "c"]).images == ("a", "b", "c")
    assert Parameters(images="none").images is None
    refused("^images: found 1 file name, expected at least 2$", images=["a"])
    refused("^images: found 0 file names", images=[])
    refused("^images: found 'a.fits', expected a list of at least 2 file names", images="a.fits")
    for pattern in ("night1/*.fits", "night_[1-3].fits", "~/night?.fits", "night1/"):
        assert Parameters(images=pattern).images == (pattern,)
        assert Parameters(images=[pattern], flux_factor=[1, 2, 3]).images == (pattern,)
    refused("^images: found 1 file name", images=["cube.fits[0]"])
    refused("^images: found 3, expected a list", images=["a", "b", 3])
    refused("^images: found '', expected a list", images=["a", "b", ""])


# ---- flux factors, regions, pixels, points -----------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None), ("none", None), ("None", None), ("auto", "auto"), ("Auto", "auto"),
        (1, 1.0), (0.9, 0.9), ("1.0", 1.0), ("1e-1", 0.1), ([1, 2.5], (1.0, 2.5)),
        ("[0.78, 1.01, 1.11]", (0.78, 1.01, 1.11)), ("(0.78, 1)", (0.78, 1.0)), ([], None),
    ],
)  # fmt: skip
def test_flux_factor(value: object, kept: object) -> None:
    assert Parameters(flux_factor=value).flux_factor == kept


@pytest.mark.parametrize(
    "value",
    [0, -1, math.nan, math.inf, True, "x", "[1, 2", "[1, NaN]", "[1, 0]", [1, -1], [[1]], ["1"], {},
     "[1, true]", "true", "{}", "__import__('os').getcwd()", "[" * 100000, "1" * 5000],
)  # fmt: skip
def test_flux_factor_that_is_none(value: object) -> None:
    refused(
        "^flux_factor: found .*, expected none, auto, a number above 0, or a list",
        flux_factor=value,
    )


@pytest.mark.parametrize("name", REGION_LISTS)
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None), ("none", None), ([], None),
        ([[1, 150, 2, 300]], ((1, 150, 2, 300),)),
        ([1, 150, 2, 300], ((1, 150, 2, 300),)),
        ([7, 7, 8, 8], ((7, 7, 8, 8),)),
        ("[1:150, 2:300]", ((1, 150, 2, 300),)),
        ("[1, 150, 2, 300]", ((1, 150, 2, 300),)),
        (["1:150", "2:300"], ((1, 150, 2, 300),)),
        (["[1:2,3:4]", [5, 6, 7, 8]], ((1, 2, 3, 4), (5, 6, 7, 8))),
        ("[[1:2, 3:4], [5, 6, 7, 8]]", ((1, 2, 3, 4), (5, 6, 7, 8))),
        ("((1, 2, 3, 4), (5, 6, 7, 8))", ((1, 2, 3, 4), (5, 6, 7, 8))),
    ],
)  # fmt: skip
def test_regions(name: str, value: object, kept: object) -> None:
    made = Parameters(flux_factor="auto", **{name: value})
    assert getattr(made, name) == kept


@pytest.mark.parametrize("name", REGION_LISTS)
@pytest.mark.parametrize(
    "value",
    [[[1, 2, 3]], [[1, 2, 3, 4, 5]], [[2, 1, 1, 2]], [[1, 2, 4, 3]], [[0, 2, 1, 2]], [1.5, 2, 1, 2],
     "[1:2]", "[0:2, 1:2]", "[1:2, 3:4", "x", 5, {}, [[True, 2, 1, 2]], [[1, 2**31, 1, 2]], [[]],
     "[1:2, 3:4] + [5]", ["1:2", "3"], [None], True],
)  # fmt: skip
def test_regions_that_are_none(name: str, value: object) -> None:
    refused(rf"^{name}: found .*, expected a list of \[xmin, xmax, ymin, ymax\]", **{name: value})


def test_region_of_the_documents_spelling() -> None:
    made = Parameters(flux_factor="auto", flux_factor_region="[1:150, 1:300]")
    assert made.flux_factor_regions == ((1, 150, 1, 300),)
    refused(
        "^flux_factor_region: found together with flux_factor_regions, expected one of them$",
        flux_factor_regions=None,
        flux_factor_region=None,
    )


def test_regions_without_auto_have_no_effect_and_say_so() -> None:
    with pytest.warns(CrmasksWarning, match="flux_factor_regions has no effect"):
        Parameters(flux_factor_regions=[1, 2, 3, 4])


def test_correlation_region() -> None:
    assert Parameters(mm_crosscorr_region="[1:10, 11:20]").mm_crosscorr_region == (1, 10, 11, 20)
    assert Parameters(mm_crosscorr_region=[1, 10, 1, 10]).mm_crosscorr_region == (1, 10, 1, 10)
    assert Parameters(mm_crosscorr_region="none").mm_crosscorr_region is None
    for value in ([1, 9, 1, 11], [1, 1, 1, 200], [1, 200, 5, 5], [[1, 20, 1, 20]], "x", 3):
        refused("^mm_crosscorr_region: found .* at least 100 pixels", mm_crosscorr_region=value)
    refused(
        "^mm_xy_offsets: found with mm_crosscorr_region, expected one of them",
        mm_crosscorr_region=[1, 20, 1, 20],
        mm_xy_offsets=[[0, 0]],
    )


@pytest.mark.parametrize("name", PIXEL_LISTS)
def test_pixels(name: str) -> None:
    assert getattr(Parameters(**{name: [[1, 2], (3, 4)]}), name) == ((1, 2), (3, 4))
    assert getattr(Parameters(**{name: "[[1, 2], [3, 4]]"}), name) == ((1, 2), (3, 4))
    assert getattr(Parameters(**{name: "none"}), name) is None
    for value in ([1, 2], [[1]], [[1, 2, 3]], [[0, 1]], [[1, -1]], [[1.0, 2]], "[[1, 2]", 7, "x"):
        refused(rf"^{name}: found .*, expected a list of \[x, y\]", **{name: value})


def test_pixels_of_local_median() -> None:
    name = "pixels_to_be_replaced_by_local_median"
    found = Parameters(**{name: [[5, 6, 1, 3], [7, 8, 3, 1]]})
    assert getattr(found, name) == ((5, 6, 1, 3), (7, 8, 3, 1))
    for value in ([5, 6, 2, 3], [5, 6, 3, 4], [5, 6, 1, 1], [0, 6, 3, 3], [5, 6, 3], [5, 6, -3, 3]):
        refused(rf"^{name}: found \[{value[0]}, .*, expected .* odd widths", **{name: [value]})


def test_offsets() -> None:
    assert Parameters(mm_xy_offsets=[[0, 0.5], [1, -1]]).mm_xy_offsets == ((0.0, 0.5), (1.0, -1.0))
    assert Parameters(mm_xy_offsets="[(0, 0.5)]").mm_xy_offsets == ((0.0, 0.5),)
    for value in ([0, 0.5], [[0]], [[0, math.nan]], [["0", 1]], "[[0, Infinity]]", 0):
        refused(r"^mm_xy_offsets: found .*, expected a list of \[dx, dy\]", mm_xy_offsets=value)


def test_fixed_points_have_the_default_weight() -> None:
    found = Parameters(mm_fixed_points_in_boundary=[[0, 40], [50, 60.5, 3]])
    assert found.mm_fixed_points_in_boundary == ((0.0, 40.0, 10000.0), (50.0, 60.5, 3.0))
    name = "mm_fixed_points_in_boundary"
    for value in ([[0]], [[0, 1, 2, 3]], [[0, 1, 0]], [[0, 1, -1]], [[math.inf, 1]], [0, 1], "x()"):
        refused(
            rf"^{name}: found .*, expected a list of \[x, y\] or \[x, y, weight\]", **{name: value}
        )


def test_text_is_never_run(tmp_path: Path) -> None:
    """The reference runs the text of one of these keys; here it is a wrong value."""
    trace = tmp_path / "trace"
    for name in TABLE:
        paths = ("gain", "rnoise", "bias", "bad_pixel_mask")
        if TABLE[name].kind == "other" and name not in paths:
            refused(f"^{name}: ", **{name: f"[open({str(trace)!r}, 'w')]"})
    assert not trace.exists()


# ---- values that must agree --------------------------------------------------------------------


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


# ---- one value among values --------------------------------------------------------------------


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


# ---- every field ---------------------------------------------------------------------------------

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
