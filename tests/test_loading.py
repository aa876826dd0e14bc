"""Parameter files and masks: what is read back gives what was computed."""

import logging

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import (
    Analysis,
    ExposureSet,
    InputError,
    Parameters,
    apply_masks,
    load_analysis,
    save_all,
)
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.files.history import image_checksums, image_line, order_of

from . import golden_cases
from .conftest import (
    BOTH,
    LEVELS,
    QUICK,
    SHAPE,
    small_scene,
    wcs_header,
    write_exposures,
    write_yaml,
)

KINDS = ("mediancr", "meancrt", "meancr")


def assert_same(one, other):
    for kind in KINDS:
        first, second = one.combination(kind), other.combination(kind)
        for field in ("data", "variance", "map"):
            np.testing.assert_array_equal(
                getattr(first, field), getattr(second, field), err_msg=f"{kind} {field}"
            )


def invalid_pixels():
    """Some values that no exposure, one, or all but one may use; hits among them."""
    valid = np.ones((3, *SHAPE), dtype=bool)
    valid[0, 5:9, 5:9] = False
    valid[:2, 30, 30:40] = False
    valid[:, 50, 60:63] = False
    return valid


CASES = {
    "plain": {},
    "L.A.Cosmic": BOTH,
    "lamedian": BOTH | {"use_lamedian": True},
    "lamedian in ADU": BOTH | {"use_lamedian": True, "la_gain_apply": False},
    "lamedian, idw": BOTH | {"use_lamedian": True, "la_cleantype": "idw", "gain": 0.37},
    "flux factors": {"flux_factor": (0.9, 1.0, 1.23456789012345)},
    "flux factors on the exposures": BOTH
    | {
        "flux_factor": (0.9, 1.0, 1.1), "apply_flux_factor_to": "original", "use_lamedian": True,
    },
    "measured flux factors": {"flux_factor": "auto"},
    "local medians": {"pixels_to_be_replaced_by_local_median": ((9, 9, 3, 3), (9, 8, 5, 1))},
    "invalid pixels": BOTH | {"use_lamedian": True, "valid": True},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_own_masks_give_the_same_combinations(tmp_path, case):
    settings = dict(CASES[case])
    valid = invalid_pixels() if settings.pop("valid", False) else None
    exposures = ExposureSet.from_arrays(list(small_scene().exposures), valid=valid)
    made = Analysis(exposures, Parameters(**LEVELS | QUICK | settings))
    save_all(made, tmp_path)
    # The boxes come from the file too.
    plain = made.parameters.replace(pixels_to_be_replaced_by_local_median=None)
    applied = apply_masks(Analysis(exposures, plain), tmp_path / "crmasks.fits")
    for name, mask in made.masks.items():
        np.testing.assert_array_equal(applied.masks[name], mask)
    assert applied.alignment.flux_factors == made.alignment.flux_factors
    assert made.masks["MEDIANCR"].any()
    if case == "measured flux factors":
        assert len(set(made.alignment.flux_factors)) == 3
    assert_same(made, applied)
    assert applied.uuid != made.uuid
    assert applied.masks_checksum is not None


def test_masks_are_not_computed_anew(tmp_path, monkeypatch):
    made = Analysis(
        ExposureSet.from_arrays(list(small_scene().exposures)), Parameters(**LEVELS | QUICK)
    )
    save_all(made, tmp_path)
    applied = apply_masks(made.replace(dilation=3, mm_threshold=1e6), tmp_path / "crmasks.fits")
    list(compute_all(applied, detections=False))
    assert not {"flags", "boundary", "lacosmic"} & {stage for stage, _ in applied.computed()}
    assert_same(made, applied)


@pytest.mark.parametrize("n", [3, 4])
def test_program_applies_masks(work, run_cli, n):
    names = write_exposures(
        work.folder, small_scene(n=n).exposures, [f"f{i}.fits" for i in range(n)]
    )
    work.yaml(images=names, **BOTH, use_lamedian=True)
    assert work.run("--output-dir", "made").code == 0
    result = work.run("--crmasks", "made/crmasks.fits", "--output-dir", "applied")
    assert result.code == 0, result
    written = {path.name for path in (work.folder / "applied").iterdir()}
    assert written == {f"combined_{kind}.fits" for kind in KINDS}
    for name in written:
        for i in range(3):
            one, other = (fits.getdata(work.folder / d / name, i) for d in ("made", "applied"))
            np.testing.assert_array_equal(one, other)
        history = "".join(map(str, fits.getheader(work.folder / "applied" / name)["HISTORY"]))
        assert "masks sha256" in history


def test_applied_masks_survive_in_their_own_folder(work):
    work.yaml()
    assert work.run().code == 0
    masks = (work.out / "crmasks.fits").read_bytes()
    assert work.run("--crmasks", "out/crmasks.fits").code == 4
    result = work.run("--crmasks", "out/crmasks.fits", "--overwrite")
    assert result.code == 0, result
    assert (work.out / "crmasks.fits").read_bytes() == masks
    # The rest of the earlier run belongs to it, and this run does not make it.
    assert work.products() == {"crmasks.fits", *(f"combined_{kind}.fits" for kind in KINDS)}
    # As the only product-like file in the folder, it is no obstacle either.
    for kind in KINDS:
        (work.out / f"combined_{kind}.fits").unlink()
    assert work.run("--crmasks", "out/crmasks.fits").code == 0
    assert (work.out / "crmasks.fits").read_bytes() == masks


# ---- masks of the reference ----------------------------------------------------------------------


def reference_masks(path, case, gain=1.0, boxes=None):
    """Write masks as numina-crmasks does: no BUNIT, LAMEDIAN in electrons."""
    primary = fits.PrimaryHDU()
    primary.header["UUID"] = "8e1a7c1e-1e9b-4f0e-8a75-d2a2c0b2e0aa"
    for i in range(1, len(case.exposures) + 1):
        primary.header[f"FLUXF{i}"] = 1.0
    primary.header.add_history("- crmethod = mm_lacosmic")
    hdus = [primary]
    names = ["MEDIANCR", "MEANCRT", *(f"CRMASK{i}" for i in range(1, len(case.exposures) + 1))]
    hdus += [fits.ImageHDU(case.arrays[name].astype(np.uint8), name=name) for name in names]
    if "LAMEDIAN" in case.arrays:
        electrons = case.arrays["LAMEDIAN"] * np.float32(gain)
        hdus.append(fits.ImageHDU(electrons, name="LAMEDIAN"))
    if boxes:
        columns = [
            fits.Column(name, "K", array=values)
            for name, values in zip(
                ("X_pixel", "Y_pixel", "X_width", "Y_width"), zip(*boxes, strict=True), strict=True
            )
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="RPMEDIAN"))
    fits.HDUList(hdus).writeto(path)
    return path


def applied_golden(tmp_path, name, **changes):
    case = golden_cases.load(name)
    gain = changes.get("gain", 1.0)
    path = reference_masks(tmp_path / "masks.fits", case, gain)
    exposures = ExposureSet.from_arrays(list(case.exposures))
    parameters = Parameters.from_yaml_text(case.yaml).replace(**changes)
    return case, apply_masks(Analysis(exposures, parameters), path)


@pytest.mark.parametrize(
    "name", ["dilation_0", "mmcosmic", "piecewise_3", "piecewise_4", "piecewise_5"]
)
def test_masks_of_the_reference_give_its_combinations(tmp_path, name):
    case, applied = applied_golden(tmp_path, name)
    for kind in KINDS:
        made = applied.combination(kind)
        data, count = case.arrays[f"{kind.upper()}_DATA"], case.arrays[f"{kind.upper()}_MAP"]
        np.testing.assert_allclose(made.data, data, rtol=1e-6, atol=1e-3)
        if kind != "meancrt":  # there the reference counts 1 for medians of all exposures
            np.testing.assert_array_equal(made.map, count)


@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_lamedian_of_the_reference(tmp_path, gain):
    case, applied = applied_golden(tmp_path, "use_lamedian", gain=gain)
    data, mask = applied.combination("mediancr").data, case.arrays["MEDIANCR"]
    median = np.median(case.exposures, axis=0)
    cleaned = mask & (case.arrays["LAMEDIAN"] != median)
    assert cleaned.any()
    expected = case.arrays["MEDIANCR_DATA"]
    np.testing.assert_allclose(data[~mask | cleaned], expected[~mask | cleaned], rtol=1e-6)
    # Where L.A.Cosmic flagged nothing, the reference leaves the hit; here the minimum stands.
    left = mask & ~cleaned
    assert left.any()
    np.testing.assert_array_equal(data[left], case.exposures.min(axis=0)[left])


def test_local_medians_of_the_reference(tmp_path):
    case = golden_cases.load("piecewise_3")
    path = reference_masks(tmp_path / "masks.fits", case, boxes=[(20, 30, 3, 3), (21, 30, 5, 1)])
    exposures = ExposureSet.from_arrays(list(case.exposures))
    applied = apply_masks(Analysis(exposures, Parameters.from_yaml_text(case.yaml)), path)
    data = case.arrays["MEDIANCR_DATA"].copy()
    ring = np.delete(data[28:31, 18:21].ravel(), 4)
    data[29, 19] = np.median(ring)
    data[29, 20] = np.median(np.delete(data[29, 18:23], 2))
    np.testing.assert_allclose(applied.combination("mediancr").data, data, rtol=1e-6)


def test_invalid_pixels_are_never_masked(tmp_path):
    case = golden_cases.load("piecewise_3")
    path = reference_masks(tmp_path / "masks.fits", case)
    y, x = np.argwhere(case.arrays["CRMASK1"])[0]
    v, u = np.argwhere(case.arrays["MEDIANCR"])[0]
    frames = np.array(case.exposures)
    frames[0, y, x] = np.nan
    frames[:, v, u] = np.nan
    exposures = ExposureSet.from_arrays(list(frames))
    applied = apply_masks(Analysis(exposures, Parameters.from_yaml_text(case.yaml)), path)
    assert not applied.masks["CRMASK1"][y, x]
    assert not applied.masks["MEDIANCR"][v, u]
    for kind in KINDS:
        made = applied.combination(kind)
        assert np.isnan(made.data[v, u])
        assert made.map[v, u] == 0
        assert np.isfinite(made.data[y, x]) or (y, x) == (v, u)


# ---- where files are looked for ------------------------------------------------------------------


@pytest.fixture
def two_places(tmp_path, monkeypatch):
    """A YAML file in one folder, run from another; exposures in both."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, shift in ((here, 0), (there, 500)):
        folder.mkdir()
        write_exposures(folder, small_scene().exposures + np.float32(shift))
        fits.PrimaryHDU(np.full(SHAPE, 2 + shift, np.float32), wcs_header()).writeto(
            folder / "gain.fits"
        )
    monkeypatch.chdir(here)
    names = ["e1.fits", "e2.fits", "e3.fits"]
    return here, there, write_yaml(there / "params.yaml", names, top={"gain": "gain.fits"})


def test_paths_are_looked_for_in_the_current_folder_first(two_places, caplog):
    here, there, yaml = two_places
    with caplog.at_level(logging.INFO, "crmasks_widgets"):
        found = load_analysis(yaml)
    np.testing.assert_array_equal(found.exposures.data, small_scene().exposures)
    assert found.calibration.typical_gain == 2
    assert f"e2.fits: read from {here / 'e2.fits'}" in caplog.text
    assert f"gain map: read from {here / 'gain.fits'}" in caplog.text
    (here / "e2.fits").unlink()
    (here / "gain.fits").unlink()
    with caplog.at_level(logging.INFO, "crmasks_widgets"):
        found = load_analysis(yaml)
    np.testing.assert_array_equal(
        found.exposures.data[1], small_scene().exposures[1] + np.float32(500)
    )
    assert found.calibration.typical_gain == 502
    assert f"e2.fits: read from {there / 'e2.fits'}" in caplog.text
    (there / "e2.fits").unlink()
    with pytest.raises(InputError, match=f"e2.fits: file not found, looked in {here} and {there}"):
        load_analysis(yaml)


def test_folders_can_be_given(two_places):
    _, there, yaml = two_places
    found = load_analysis(yaml, folders=[there])
    assert found.calibration.typical_gain == 502
    assert all(path.parent == there for path in found.exposures.paths)


def test_masks_of_the_command_line_are_looked_for_in_the_current_folder(two_places):
    here, there, yaml = two_places
    save_all(load_analysis(yaml), there)
    with pytest.raises(
        InputError, match=f"crmasks.fits: file not found, looked in {here}; expected a name"
    ):
        load_analysis(yaml, "crmasks.fits")
    assert load_analysis(yaml, there / "crmasks.fits").masks_checksum is not None


def test_masks_that_were_applied_stay_where_they_are(tmp_path):
    """They are an input, though they are called like a product that this run does not make."""
    made = Analysis(
        ExposureSet.from_arrays(list(small_scene().exposures)), Parameters(**LEVELS | QUICK)
    )
    save_all(made, tmp_path)
    path = tmp_path / "crmasks.fits"
    before = path.read_bytes()
    applied = apply_masks(made, path)
    assert applied.sources == (path,)
    save_all(applied, tmp_path, overwrite=True)
    assert path.read_bytes() == before
    assert not (tmp_path / "hits.ecsv").exists()
    assert made.sources == applied.replace(dilation=3).sources == ()


def test_lamedian_close_to_the_median_counts_as_cleaned(tmp_path):
    exposures = ExposureSet.from_arrays(list(small_scene().exposures))
    settings = LEVELS | QUICK | BOTH | {"use_lamedian": True}
    made = Analysis(exposures, Parameters(**settings))
    save_all(made, tmp_path)
    y, x = np.argwhere(made.masks["MEDIANCR"] & ~made.lacosmic("median").mask)[0]
    value = made.stack.median2d[y, x] + np.float32(0.01)
    with fits.open(tmp_path / "crmasks.fits", mode="update") as hdus:
        hdus["LAMEDIAN"].data[y, x] = value * np.float32(1.5)
    applied = apply_masks(made, tmp_path / "crmasks.fits").combination("mediancr").data
    assert applied[y, x] == pytest.approx(value, rel=1e-6)
    assert made.combination("mediancr").data[y, x] == made.stack.min2d[y, x]


def differing_exposures(work):
    """Three files of one field that differ in brightness, and products made from them."""
    frames = small_scene().exposures * np.array([1.0, 1.2, 0.9], np.float32)[:, None, None]
    names = write_exposures(work.folder, frames, ["a.fits", "b.fits", "c.fits"])
    settings = BOTH | {"flux_factor": [1.0, 1.2, 0.9], "apply_flux_factor_to": "original"}
    work.yaml(images=names, **settings)
    assert work.run("--output-dir", "made").code == 0
    return names, settings


def test_masks_find_their_exposures_in_any_order(work):
    names, settings = differing_exposures(work)
    settings = settings | {"flux_factor": [0.9, 1.0, 1.2]}
    work.yaml(images=[names[2], names[0], names[1]], **settings)
    result = work.run("--crmasks", "made/crmasks.fits", "--output-dir", "applied")
    assert result.code == 0, result
    assert "in another order: they are its numbers 3, 1, 2" in result.out
    header = fits.getheader(work.folder / "applied" / "combined_meancr.fits")
    assert [header[f"FLUXF{i}"] for i in (1, 2, 3)] == [0.9, 1.0, 1.2]
    for kind in KINDS:
        made, applied = (
            fits.getdata(work.folder / d / f"combined_{kind}.fits") for d in ("made", "applied")
        )
        np.testing.assert_allclose(applied, made, rtol=1e-5, atol=1e-3)


def test_masks_of_another_field_are_refused(work):
    names, settings = differing_exposures(work)
    write_exposures(work.folder, [small_scene().exposures[0] + 1], ["other.fits"])
    work.yaml(images=[names[0], "other.fits", names[1]], **settings)
    result = work.run("--crmasks", "made/crmasks.fits", "--output-dir", "applied")
    assert result.code == 2
    expected = "made/crmasks.fits: found no masks of other.fits, expected those of the exposures"
    assert expected in result.err
    assert not (work.folder / "applied").exists()


def test_masks_without_checksums_are_taken_in_their_order(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "crmasks_widgets"):
        applied_golden(tmp_path, "piecewise_3")
    assert "found no checksums of exposures in HISTORY" in caplog.text


def test_checksums_survive_the_breaks_of_long_lines():
    names = ["a" * k for k in range(1, 150)]
    sums = tuple(f"{k:064x}" for k in range(len(names)))
    header = fits.Header()
    for name, checksum in zip(names, sums, strict=True):
        header.add_history(image_line(name, checksum))
    header.add_history(f"bias map sha256 {7:064x}")
    assert image_checksums(header) == sums
    assert image_checksums(fits.Header()) == ()


def test_equal_exposures_have_a_mask_each():
    assert order_of(("x", "y", "x"), ("x", "x", "y")) == [0, 2, 1]
    assert order_of(("x", "y", "x"), ("x", "y", "y")) is None
