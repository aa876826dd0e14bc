"""Values of single parameters: what is refused, and in which words."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.parameters import Parameters

from .parameter_cases import TABLE, refused

INTEGERS = [info.name for info in TABLE.values() if info.kind == "integer"]
NUMBERS = [info.name for info in TABLE.values() if info.kind == "number"]
SWITCHES = [info.name for info in TABLE.values() if info.kind == "switch"]
CHOICES = [info.name for info in TABLE.values() if info.kind == "choice"]
NULLABLE_NUMBERS = {
    "mm_threshold", "mm_threshold_rnoise", "mm_expected_false", "mm_seed", "la_sigclip_second",
    "la_sigfrac_second", "la_objlim_second", "mm_cr_coincidences",
    "pc_sigma_det_second", "pc_rlim_second", "network_veto",
}  # fmt: skip
REGION_LISTS = ["flux_factor_regions", "regions_to_be_skipped"]
PIXEL_LISTS = [
    "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr", "mediancr_pixels_rejected",
    "mediancr_pixels_confirmed",
]  # fmt: skip


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
