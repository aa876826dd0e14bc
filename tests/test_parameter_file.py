"""The parameter file: layouts that are read, hostile text, and what is written."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.parameters import Parameters

from .parameter_cases import TABLE

TOP = "images: [e1.fits, e2.fits, e3.fits]\ngain: 1.0\nrnoise: 3.4\nbias: 0.0\n"
# The settings of the two example files of the reference's document, which differ in the boundary.
EXAMPLE = """\
images:
  - exposure1.fits
  - exposure2.fits
  - exposure3.fits
extnum: 0
gain: 1.0
rnoise: 3.4
bias: 0.0
requirements:
  crmethod: mm_lacosmic
  use_lamedian: False
  interactive: True
  flux_factor: none
  flux_factor_regions: null
  apply_flux_factor_to: simulated
  dilation: 1
  regions_to_be_skipped: null
  pixels_to_be_flagged_as_cr: null
  pixels_to_be_ignored_as_cr: null
  pixels_to_be_replaced_by_local_median: null
  verify_cr: False
  semiwindow: 15
  color_scale: minmax
  maxplots: -1
  la_gain_apply: True
  la_sigclip: 5.0
  la_sigfrac: 0.3
  la_objlim: 5.0
  la_satlevel: 65535.0
  la_niter: 4
  la_sepmed: True
  la_cleantype: meanmask
  la_fsmode: convolve
  la_psfmodel: gaussxy
  la_psffwhm_x: 2.5
  la_psffwhm_y: 2.5
  la_psfsize: 11
  la_psfbeta: 4.765
  la_verbose: True
  mm_crosscorr_region: null
  mm_boundary_fit: BOUNDARY
  mm_knots_splfit: 3
  mm_fixed_points_in_boundary: POINTS
  mm_nsimulations: 5
  mm_niter_boundary_extension: 3
  mm_weight_boundary_extension: 10.0
  mm_threshold: 0.0
  mm_minimum_max2d_rnoise: 5.0
  mm_seed: 123456
"""
EXAMPLE_1 = EXAMPLE.replace("BOUNDARY", "spline").replace("POINTS", "null")
EXAMPLE_2 = EXAMPLE.replace("BOUNDARY", "piecewise").replace(
    "POINTS", "\n    - [0, 40]\n    - [50, 60]\n    - [150, 80]"
)


def read(requirements: str, top: str = TOP) -> Parameters:
    """Read a file whose requirements block is the given text (flow style or indented lines)."""
    return Parameters.from_yaml_text(f"{top}requirements: {requirements}\n", source="p.yaml")


@pytest.mark.parametrize("text", [EXAMPLE_1, EXAMPLE_2])
def test_example_files_are_read_and_written_again(text: str) -> None:
    made = Parameters.from_yaml_text(text)
    content = yaml.safe_load(text)
    flat = {k: v for k, v in content.items() if k != "requirements"} | content["requirements"]
    points = flat.pop("mm_fixed_points_in_boundary")
    assert flat.pop("flux_factor") == "none"
    for name, value in flat.items():
        assert getattr(made, name) == (tuple(value) if isinstance(value, list) else value), name
    assert made.flux_factor is None
    kept = points and tuple((float(x), float(y), 10000.0) for x, y in points)
    assert made.mm_fixed_points_in_boundary == kept
    assert Parameters.from_yaml_text(made.to_yaml()) == made


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + EXAMPLE_1.replace("\n", "\r\n").encode())
    assert Parameters.from_yaml(file) == Parameters.from_yaml_text(EXAMPLE_1)
    file.write_text(EXAMPLE_1.replace("la_niter: 4", "la_niter: 0"))
    with pytest.raises(
        ParameterError, match=rf"^{re.escape(str(file))}: la_niter: found 0, expected"
    ):
        Parameters.from_yaml(str(file))


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no\.yaml: No such file.*expected a YAML parameter"):
        Parameters.from_yaml(tmp_path / "no.yaml")
    with pytest.raises(ParameterError, match="expected a YAML parameter file"):
        Parameters.from_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(
        ParameterError, match=r"latin\.yaml: found byte 6 not to be text, expected UTF-8"
    ):
        Parameters.from_yaml(tmp_path / "latin.yaml")


def test_numbers_that_yaml_calls_text_are_numbers() -> None:
    made = read("{la_satlevel: 1.0E6, la_sigclip: 1e1, la_objlim: 5., la_sigfrac: .3}")
    assert (made.la_satlevel, made.la_sigclip) == (1e6, 10.0)
    assert (made.la_objlim, made.la_sigfrac) == (5.0, 0.3)
    with pytest.raises(ParameterError, match="la_niter: found '012', expected an integer"):
        read("{la_niter: 012}")
    with pytest.raises(ParameterError, match="la_niter: found '1:30', expected an integer"):
        read("{la_niter: 1:30}")
    with pytest.raises(ParameterError, match="la_sigclip: found inf, expected a finite number"):
        read("{la_sigclip: 1e999}")


def test_regions_of_the_document_in_yaml() -> None:
    expected = ((1, 150, 1, 30),)
    for text in ('"[1:150, 1:30]"', "[1:150, 1:30]", "[1, 150, 1, 30]", "[[1, 150, 1, 30]]"):
        made = read(f"{{flux_factor: auto, flux_factor_region: {text}}}")
        assert made.flux_factor_regions == expected, text


def test_null_level_is_its_default_with_a_warning() -> None:
    top = "images: [a, b, c]\ngain: null\nrnoise: 3\nbias: none\n"
    with pytest.warns(CrmasksWarning) as caught:
        made = read("{dilation: 2}", top=top)
    assert [str(w.message) for w in caught] == [
        "p.yaml: gain is null, going on with 1.0",
        "p.yaml: bias is null, going on with 0.0",
    ]
    assert (made.gain, made.rnoise, made.bias) == (1.0, 3.0, 0.0)


@pytest.mark.parametrize("key", ["gain", "rnoise", "bias"])
def test_missing_level_is_an_error(key: str) -> None:
    top = "\n".join(line for line in TOP.splitlines() if not line.startswith(key)) + "\n"
    with pytest.raises(
        ParameterError, match=rf"^p\.yaml: {key}: found no such key, expected a number"
    ):
        read("{dilation: 2}", top=top)


@pytest.mark.parametrize(
    "text", ["requirements:\n  la_niter: 2\n", "la_niter: 2\n", "use_auxmedian: no\nla_niter: 2\n"]
)
def test_block_of_a_recipe(text: str) -> None:
    with pytest.warns(CrmasksWarning, match="no gain, rnoise and bias found.*gain 1.0, rnoise 0.0"):
        made = Parameters.from_yaml_text(text)
    assert (made.la_niter, made.gain, made.images) == (2, 1.0, None)


RECIPE = """id: 8_LcbImage_LR-R_crmasks
mode: MegaraCrDetection
instrument: MEGARA
frames:
 - a.fits
 - b.fits
 - c.fits
"""
LEVELS = "gain: 1.7\nrnoise: 2.0\nbias: 0\n"


@pytest.mark.parametrize(
    "requirements",
    ["", "requirements:\n flux_factor: auto\n save_preprocessed: True\n", "requirements:\n"],
)
def test_file_of_the_recipe_of_megaradrp_is_a_parameter_file(requirements: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrmasksWarning)
        made = Parameters.from_yaml_text(RECIPE + LEVELS + requirements)
    assert (made.images, made.gain, made.dilation) == (("a.fits", "b.fits", "c.fits"), 1.7, 1)
    assert made.flux_factor == ("auto" if "auto" in requirements else None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECIPE, "gain: found no such key in a file of MegaraCrDetection, .*gain, rnoise, bias"),
        (RECIPE + "gain: 1\nbias: 0\n", "rnoise: found no such key .*expected rnoise beside"),
        (RECIPE.replace("CrDet", "Lcb") + LEVELS, "mode: found 'MegaraLcbection', expected Me"),
        (RECIPE + LEVELS + "images: [x.fits, y.fits]\n", "frames: found with images"),
        (RECIPE + LEVELS + "observer: me\n", "observer"),
    ],
)
def test_file_of_a_recipe_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Parameters.from_yaml_text(text)


def test_block_that_has_nothing_but_another_spelling() -> None:
    with pytest.warns(CrmasksWarning, match="no gain, rnoise and bias found"):
        assert Parameters.from_yaml_text("use_auxmedian: true\n").use_lamedian


def test_null_that_the_reference_accepts_is_the_default() -> None:
    with pytest.warns(
        CrmasksWarning, match="null, going on with the defaults: la_psfbeta, la_sigclip"
    ):
        made = read("{la_sigclip: null, la_psfbeta: none}")
    assert (made.la_sigclip, made.la_psfbeta) == (5.0, 4.765)
    with pytest.raises(ParameterError, match="dilation: found null, expected an integer"):
        read("{dilation: null}")


def test_keys_of_later_versions(caplog) -> None:
    assert read("{use_auxmedian: true}").use_lamedian
    with pytest.raises(ParameterError, match=r"use_(aux|la)median: found together with use_"):
        read("{use_auxmedian: true, use_lamedian: true}")
    with pytest.warns(CrmasksWarning) as caught:
        read("{dc_verbose: true, pc_verbose: true, nn_model: NRES, debug: true, dilation: 0}")
    assert [str(w.message) for w in caught] == [
        "p.yaml: without effect here: dc_verbose, debug, nn_model, pc_verbose"
    ]
    # The default of a recipe, which is no name of a model.
    assert read("{dc_mask: ACS_WFC}").dc_mask == "ACS-WFC"
    with pytest.raises(ParameterError, match="dc_mask: found 'ACS', expected ACS-WFC or WFC3-UVIS"):
        read("{dc_mask: ACS}")
    with pytest.raises(
        ParameterError,
        match="crmethod: found mm_conn, which needs the detector Cosmic-CoNN, expected one",
    ):
        read("{crmethod: mm_conn}")
    # What a file of those versions leaves out means what it means there.
    assert read("{mm_dilation: 1}").mm_synthetic == "median"
    assert "mm_dilation is of numina-crmasks 0.37 to 0.40, whose defaults hold: mm_synthetic:" in (
        caplog.text
    )
    assert read("{mm_dilation: 1}").mm_threshold_for == "all"
    assert read("{mm_dilation: 1, mm_synthetic: single}").mm_synthetic == "single"
    assert read("{la_sigclip: [5, 3]}").mm_synthetic == "median"
    for key in ("dilation", "la_padwidth", "mm_threshold_rnoise"):  # of any version, or ours
        assert read(f"{{{key}: 1}}").mm_synthetic == "raw"
    four = ("meancr2", "mean", "median", "min")
    assert read("{mm_dilation: 1}").more_combinations == four
    assert read("{mm_dilation: 1, crmethod: significance}").more_combinations == ()
    with pytest.raises(ParameterError, match="more_combinations: found meancr2 with crmethod mmco"):
        read("{crmethod: mmcosmic, more_combinations: meancr2}")
    later = read("{mm_dilation: 1, mm_nbinom_shape: 60}")
    assert Parameters.from_yaml_text(later.to_yaml()) == later
    pairs = read("{la_sigclip: [5.0, 3.0], la_objlim: [4.0, 4.0], la_sigfrac: 0.2}")
    assert (pairs.la_sigclip, pairs.la_sigclip_second) == (5.0, 3.0)
    assert (pairs.la_objlim, pairs.la_objlim_second, pairs.la_sigfrac_second) == (4.0, None, None)
    assert Parameters.from_yaml_text(pairs.to_yaml()) == pairs
    assert (
        read("{dilation: 0}").pc_sigma_det_second
        == read("{pc_sigma_det: [4, 3]}").pc_sigma_det_second
        == 3
    )
    assert read("{pc_sigma_det: 4}").pc_sigma_det_second is None
    with pytest.raises(ParameterError, match=r"la_sigclip: found \[5, 3, 2\], expected a number"):
        read("{la_sigclip: [5, 3, 2]}")
    with pytest.raises(ParameterError, match="la_sigclip_second: found -3, expected a finite"):
        read("{la_sigclip: [5, -3]}")
    made = read("{mm_threshold_rnoise: 3}")
    assert (made.mm_threshold, made.mm_threshold_rnoise) == (0.0, 3.0)
    with pytest.raises(
        ParameterError, match=r"mm_threshold: found 0\.0 with mm_threshold_rnoise 3"
    ):
        read("{mm_threshold_rnoise: 3, mm_threshold: 0.0}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "top level: found null, expected a mapping"),
        ("- 1\n", r"top level: found \[1\], expected a mapping"),
        ("just words\n", "top level: found 'just words', expected a mapping"),
        (TOP, "requirements: found no such key, expected the mapping of settings"),
        (TOP + "requirements:\n", "requirements: found null, expected a mapping"),
        (TOP + "requirements: {}\n", "requirements: found {}, expected a mapping"),
        (TOP + "requirements: [1]\n", r"requirements: found \[1\], expected a mapping"),
        (TOP + "la_niter: 2\n", "la_niter: found at the top level, expected it under requirements"),
        (TOP + "use_auxmedian: no\n", "use_auxmedian: found at the top level, expected it under"),
        (TOP + "requirements: {gain: 2}\n", "gain: found under requirements, expected it at"),
        (TOP + "requirments: {la_niter: 2}\n", "requirments: .*unknown.*nearest is requirements"),
        ("requirments: {la_niter: 2}\n", "requirments: .*unknown.*nearest is requirements"),
        (TOP + "requirements: {ls_niter: 2}\n", "ls_niter: .*unknown.*the nearest is la_niter"),
        (TOP + "biass: 2\nrequirements: {la_niter: 2}\n", "biass: .*the nearest is bias"),
        (TOP + "requirements: {'a\\nb': 2}\n", r"'a\\\\nb': .*unknown"),
        (TOP + 'requirements: {"a\\nb": 2}\n', r"'a\\nb': .*unknown"),
        (TOP + "requirements: {la_niter: 2}\ncrmasks_widgets: {mm_treshold: 2}\n",
         "mm_treshold: .*the nearest is mm_threshold_for"),
        (TOP + "requirements: {la_niter: 2}\ncrmasks_widgets: {dilation: 2}\n",
         "dilation: found under crmasks_widgets, expected it once, under requirements"),
        (TOP + "requirements: {la_niter: 2}\ncrmasks_widgets: {gain: 2}\n",
         "gain: found under crmasks_widgets, expected it once, under the top level"),
        (TOP + "requirements: {mm_threshold_rnoise: 1}\n"
         "crmasks_widgets: {mm_threshold_rnoise: 2}\n",
         "mm_threshold_rnoise: found under crmasks_widgets, expected it once"),
        (TOP + "requirements: {mm_threshold: 7.0}\ncrmasks_widgets: {mm_threshold_rnoise: 2}\n",
         "mm_threshold: found 7.0 with mm_threshold_rnoise 2"),
    ],
)  # fmt: skip
def test_layout_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=rf"^p\.yaml: {message}") as caught:
        Parameters.from_yaml_text(text, source="p.yaml")
    assert "\n" not in str(caught.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gain: !!python/object/apply:os.system ['touch t']\n", "line 1: found the tag '!!python"),
        ("a: 1\nb: !!python/name:os.system\n", "line 2: found the tag '!!python/name:os.system'"),
        ("a: !mine 1\n", "line 1: found the tag '!mine', expected plain values"),
        ("a: !!binary aGk=\n", "line 1: found the tag '!!binary'"),
        ("a: !!set {b}\n", "line 1: found the tag '!!set'"),
        ("a: !!int x\n", "line 1: found a value that cannot be read"),
        (BOMB, "line 1: found an anchor or an alias, expected plain values"),
        ("a: &x 1\n", "line 1: found an anchor"),
        ("a: 1\nb: *x\n", "line 2: found an anchor or an alias"),
        ("<<: {a: 1}\n", "'<<': found an unknown key"),
        ("a: 1\nb: 2\na: 3\n", r"line 3: found the key 'a' again.*first on line 1"),
        ("requirements:\n  dilation: 1\n  dilation: 1\n", "line 3: found the key 'dilation' again"),
        ("1: 2\n", "line 1: found a key that is not text"),
        ("[1, 2]: 3\n", "line 1: found a key that is not text"),
        ("on: 3\n", "line 1: found a key that is not text"),
        ("a: " + "[" * 50 + "]" * 50 + "\n", "line 1: found more than 10 lists or mappings"),
        ("a: " + "[" * 300000, "line 1: "),
        ("".join(" " * i + "a:\n" for i in range(50)), "line 10: found more than 10 lists"),
        ("a: 1\n---\nb: 2\n", "line 2: expected a single document"),
        ("a: [1\n", "line 2: "),
        ("a: 'x\n", "line 2: "),
        ("a:\n\tb: 1\n", "line 2: "),
        ("a: b: c\n", "line 1: "),
        ("a: \x00\n", ".*(special|control) characters are not allowed.*expected YAML text"),
        ("a: \ud800\n", "found character 4 to be half of one"),
        ("a: " + "9" * 5000 + "\n", "line 1: found a value that cannot be read"),
        ("# " + "x" * 1024 * 1024, "found 1048578 characters, expected at most 1048576"),
    ],
)  # fmt: skip
def test_hostile_text_is_refused(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=rf"^p\.yaml: {message}") as caught:
        Parameters.from_yaml_text(text, source="p.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert list(tmp_path.iterdir()) == []


def test_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as stream:
        stream.truncate(2**40)  # a sparse file of a tebibyte
    with pytest.raises(ParameterError, match="expected at most 1048576"):
        Parameters.from_yaml(file)


def refusal(make: Callable[[], Parameters]) -> str:
    """Return the message with which parameters are refused; empty when they are accepted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrmasksWarning)
        try:
            made = make()
        except ParameterError as error:
            return str(error)
        # What is accepted can be written and read again.
        return "" if Parameters.from_yaml_text(made.to_yaml()) == made else "lost\nin writing"


@given(text=st.text() | st.binary().map(lambda b: b.decode("latin-1")))
@settings(deadline=None)
def test_any_text_is_refused_in_one_line_or_read(text: str) -> None:
    assert "\n" not in refusal(lambda: Parameters.from_yaml_text(text))


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    name=st.sampled_from(sorted(TABLE)),
)
@settings(deadline=None)
@pytest.mark.slow
def test_any_value_is_refused_in_one_line_or_kept(value: object, name: str) -> None:
    message = refusal(lambda: Parameters(**{name: value}))
    assert "\n" not in message
    assert message == "" or message.startswith((name, "mm_fixed_points_in_boundary"))
