"""Parameters that are written are read back equal, by people and by the reference."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crmasks_widgets.hit_classes import CLASSES
from crmasks_widgets.parameters import ParameterInfo, Parameters
from crmasks_widgets.parameters.comments import keep_comments
from crmasks_widgets.parameters.yaml_text import dump_yaml, load_yaml

from .counts import count
from .parameter_cases import TABLE

positive = st.floats(1e-15, 1e15)
finite = st.just(0.0) | positive | positive.map(lambda number: -number)
coordinate = st.integers(1, 5000)
span = st.tuples(coordinate, coordinate).map(sorted)
region = st.tuples(span, span).map(lambda r: (*r[0], *r[1]))
name_text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1
).filter(lambda t: t.strip() and t.strip().lower() != "none")


def is_number_text(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


map_name = name_text.filter(lambda t: not is_number_text(t))


def values_of(info: ParameterInfo) -> st.SearchStrategy[object]:
    """Draw accepted values of a parameter."""
    if info.kind == "switch":
        return st.booleans()
    if info.kind == "choice":
        return st.sampled_from(info.choices)
    if info.range is None:
        return OTHER[info.name]
    low, high = info.range.low, info.range.high
    if info.kind == "integer":
        drawn: st.SearchStrategy[object] = st.integers(int(low or 0), int(high or 0))
        if info.nullable:
            return drawn | st.none()
        return drawn.filter(lambda n: n % 2) if info.step == 2 else drawn
    if low is None:
        number = finite
    else:
        number = st.floats(low or 1e-30, info.range.high or 1e30)
        number |= st.just(low) if not info.range.open_low else number
    return number | st.none() if info.expected.endswith("null") else number


three = st.lists(name_text, min_size=3, max_size=3)
OTHER = {
    "images": st.none() | three,
    "extnum": st.integers(0, 2**31 - 1) | st.sampled_from(["SCI", "SCI,2"]),
    "dq_extension": st.none() | st.integers(0, 2**31 - 1) | st.sampled_from(["DQ", "MASK,3"]),
    "dq_bits": st.none() | st.lists(st.integers(1, 2**31 - 1)),
    "bad_pixel_mask": st.none() | st.sampled_from(["mask.fits", "a b/mask.fits[BPM]"]),
    "noise_extension": st.none() | st.sampled_from([2, "ERR", "VAR,3"]),
    "noise_kind": st.sampled_from(["auto", "stddev", "variance", "ivar"]),
    "gain": positive | map_name,
    "rnoise": st.just(0.0) | positive | map_name,
    "bias": finite | map_name,
    "flux_factor": st.none()
    | st.just("auto")
    | positive
    | st.lists(st.floats(0.3, 30), min_size=3, max_size=3),
    "flux_factor_regions": st.none() | st.lists(region, min_size=1),
    "regions_to_be_skipped": st.none() | st.lists(region, min_size=1),
    "pixels_to_be_flagged_as_cr": st.none() | st.lists(st.tuples(coordinate, coordinate)),
    "pixels_to_be_ignored_as_cr": st.none() | st.lists(st.tuples(coordinate, coordinate)),
    "mediancr_pixels_rejected": st.none() | st.lists(st.tuples(coordinate, coordinate)),
    "mediancr_pixels_confirmed": st.none() | st.lists(st.tuples(coordinate, coordinate)),
    "pixels_to_be_replaced_by_local_median": st.none()
    | st.lists(st.tuples(coordinate, coordinate, st.just(3), st.sampled_from([1, 5]))),
    "more_combinations": st.lists(st.sampled_from(["mean", "median", "min"])),
    "sg_corrected": st.lists(st.sampled_from(CLASSES)),
    "mm_xy_offsets": st.none() | st.lists(st.tuples(finite, finite), min_size=3, max_size=3),
    "mm_crosscorr_region": st.none() | region.map(lambda r: (r[0], r[1] + 10, r[2], r[3] + 10)),
    "mm_fixed_points_in_boundary": st.lists(
        st.tuples(finite, finite) | st.tuples(finite, finite, positive),
        min_size=2,
        unique_by=lambda point: point[0],
    ),
}


@st.composite
def parameters(draw: st.DrawFn) -> Parameters:
    """Draw accepted parameters, with every key set."""
    drawn = {name: draw(values_of(info)) for name, info in TABLE.items()}
    if drawn["mm_threshold_rnoise"] is not None:
        drawn["mm_threshold"] = None
    if drawn["mm_xy_offsets"] is not None:
        drawn["mm_crosscorr_region"] = None
    if drawn["crmethod"] in ("mmcosmic", "significance"):
        drawn["use_lamedian"] = False
    if drawn["flux_factor"] != "auto":
        drawn["flux_factor_regions"] = None
    return Parameters(**drawn)


@given(made=parameters())
@settings(max_examples=count(40, 200), deadline=None)
@pytest.mark.slow
def test_written_parameters_are_read_back_equal(made: Parameters) -> None:
    text = made.to_yaml()
    assert Parameters.from_yaml_text(text) == made
    # An ordinary YAML 1.1 reader, such as the reference's, sees the same types.
    content = yaml.safe_load(text)
    flat = {k: v for k, v in content.items() if k not in ("requirements", "crmasks_widgets")}
    assert set(flat) <= {"images", "extnum", "gain", "rnoise", "bias"}
    flat |= content["requirements"]
    own = {n: as_lists(info.default) for n, info in TABLE.items() if not info.in_reference}
    flat |= own | content.get("crmasks_widgets", {})
    special = {"flux_factor", "mm_threshold", "mm_threshold_rnoise", "images"}
    for name in set(TABLE) - special:
        value = getattr(made, name)
        assert flat[name] == as_lists(value), name
        assert type(flat[name]) is type(as_lists(value)), name


def as_lists(value: object) -> object:
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def written(**given_values: object) -> dict[str, object]:
    """Return what an ordinary YAML reader finds in the file that is written."""
    return yaml.safe_load(Parameters(**given_values).to_yaml())


def test_flux_factor_is_written_as_the_reference_reads_it() -> None:
    assert written(flux_factor=1)["requirements"]["flux_factor"] == "1.0"
    assert written(flux_factor=[1, 2])["requirements"]["flux_factor"] == [1.0, 2.0]
    assert written(flux_factor="auto")["requirements"]["flux_factor"] == "auto"
    assert written()["requirements"]["flux_factor"] is None


def test_relative_threshold_is_written_twice() -> None:
    content = written(mm_threshold_rnoise=3, rnoise=4.5)
    assert content["requirements"]["mm_threshold"] == 13.5
    assert "mm_threshold_rnoise" not in content["requirements"]
    assert content["crmasks_widgets"] == {"mm_threshold_rnoise": 3.0}
    assert written(mm_threshold_rnoise=3, rnoise="map.fits")["requirements"]["mm_threshold"] == 0.0
    assert "crmasks_widgets" not in written(mm_threshold=3)
    largest = written(mm_threshold_rnoise=1e30, rnoise=1e15)["requirements"]["mm_threshold"]
    assert largest == pytest.approx(1e45)


def test_file_names_that_look_like_something_else() -> None:
    long = "a map of the gain " * 20 + "# with a mark: and 'quotes'"
    names = ["1e5", "1.0E6", "012", "1:30", "null", "yes", "2024-01-01", "é", "- a", "*a", " b "]
    made = Parameters(images=names, gain=long, bias="~")
    assert Parameters.from_yaml_text(made.to_yaml()) == made
    content = written(images=names, gain=long)
    assert (content["images"], content["gain"]) == (names, long)


@pytest.mark.parametrize(
    ("given_values", "comment"),
    [
        (
            {"gain": "map.fits"},
            "# numina-crmasks 0.36.0 cannot read a map or a list: give it a number\ngain:",
        ),
        ({"mm_threshold": None}, "# numina-crmasks 0.36.0 cannot run with null.*\n  mm_threshold:"),
        (
            {"verify_cr": True, "interactive": False},
            "# numina.* interactive: true only\n  verify_cr:",
        ),
        (
            {"la_verbose": True, "crmethod": "mmcosmic"},
            "# numina-.* set it false\n  la_verbose: true",
        ),
        (
            {"crmethod": "significance"},
            "  # numina-crmasks 0.36.0 cannot run this.*\n  crmethod: significance",
        ),
        ({}, "# images: a list of at least 2 FITS files, needed to run this file\nextnum: 0"),
        ({"mm_threshold_rnoise": 3}, "# for numina-crmasks 0.36.0: .*\n  mm_threshold: "),
    ],
)
def test_what_the_reference_cannot_do_is_said(
    given_values: dict[str, object], comment: str
) -> None:
    assert re.search(comment, Parameters(**given_values).to_yaml())


def test_file_is_readable() -> None:
    text = Parameters(mm_seed=3).to_yaml()
    assert [line.strip() for line in text.splitlines() if "----" in line] == [
        "# ---- exposures and detector ----", "# ---- general ----", "# ---- L.A.Cosmic ----",
        "# ---- Median-Minimum ----",
    ]  # fmt: skip
    assert (
        "  la_satlevel: 65535.0                # saturation level as read, bias included (ADU)\n"
        in text
    )
    for name, info in TABLE.items():
        if name != "images" and info.in_reference:
            assert re.search(rf"^ *{name}:.*  # {re.escape(info.help)}", text, re.MULTILINE)


@pytest.mark.parametrize("rows", [((1, 2), (30, 4)), ((1.5, 2.0, 1e17), (-1e-7, 0.0, 12)), ((7,),)])
def test_rows_of_numbers_are_written_as_by_pyyaml(rows):
    listed = {"key": [list(row) for row in rows]}
    text = dump_yaml("key", rows)
    assert text == yaml.safe_dump(listed, default_flow_style=None, width=10**6)
    assert load_yaml(text, "text") == listed


def test_comments_of_a_file_are_kept_beside_what_stays():
    before = (
        "# night of the 3rd\n\nimages:  # of one field\n- a #1.fits   # clouds\n- b.fits\n"
        "gain: 1.5  # measured\nrequirements:\n    # a note\n    la_sigclip: 6  # old\n"
        "    text: |\n      # no comment\n    gone: 1\n# the end\n"
    )
    after = (
        "# made\nimages:\n  - a #1.fits\n  - b.fits\ngain: 1.50  # e-/ADU\nrequirements:\n"
        "  # ---- section ----\n  la_sigclip: 5  # new\n"
    )
    kept = keep_comments(before, after, {"la_sigclip"}).splitlines()
    assert [" ".join(line.split()) for line in kept] == [
        "# made", "# night of the 3rd", "images: # of one field", "- a #1.fits # clouds",
        "- b.fits",
        "gain: 1.50 # measured", "requirements:", "# ---- section ----", "# a note",
        "la_sigclip: 5 # new", "# the end",
    ]  # fmt: skip
