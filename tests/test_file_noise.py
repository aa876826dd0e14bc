"""Noise beside an image, units, and what they do to hits."""

import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.units import Unit

from crmasks_widgets import (
    Analysis,
    ExposureSet,
    Parameters,
    load_analysis,
    read_exposures,
    save_all,
)
from crmasks_widgets.demo import score
from crmasks_widgets.errors import InputError
from crmasks_widgets.loading import read_analysis

from .conftest import LEVELS, QUICK, small_scene, write_yaml
from .file_cases import FRAMES, NX, NY, content, masked_yaml, warned, written

SIGMA = np.linspace(2.0, 9.0, NX, dtype=np.float32) * np.ones((NY, 1), np.float32)
NOISES = {
    "ERR": SIGMA, "STDDEV": SIGMA, "VAR": SIGMA**2, "VARIANCE": SIGMA**2, "IVAR": SIGMA**-2,
}  # fmt: skip


def with_noise(values, name, utype=None):
    hdu = fits.ImageHDU(np.asarray(values), name=name)
    if utype:
        hdu.header["UTYPE"] = utype
    return lambda i: content(fits.PrimaryHDU(FRAMES[i]), hdu.copy())


@pytest.mark.parametrize("name", NOISES)
def test_noise_beside_the_image(tmp_path, name):
    analysis = load_analysis(
        masked_yaml(tmp_path, with_noise(NOISES[name], name), noise_extension=name)
    )
    np.testing.assert_allclose(analysis.exposures.variance, SIGMA**2, rtol=1e-5)
    assert analysis.exposures.valid is None
    dark = analysis.stack.min2d <= 0
    assert dark.any()
    np.testing.assert_allclose(analysis.noise.rnoise[dark], SIGMA[dark], rtol=1e-5)


def test_cards_of_the_noise_are_those_of_the_variances_that_came_with_the_exposures(tmp_path):
    level = np.full((NY, NX), 7.0, np.float32)
    yaml = masked_yaml(tmp_path, with_noise(level, "ERR"), noise_extension="ERR")
    analysis = load_analysis(yaml)
    meta = analysis.combination("meancr").to_ccddata().meta
    assert analysis.parameters.rnoise < 4
    assert meta["RDNOISE"] / meta["GAIN"] == pytest.approx(
        analysis.noise.typical_rnoise / np.sqrt(analysis.exposures.n)
    )
    assert meta["RDNOISE"] / meta["GAIN"] > 5 / np.sqrt(analysis.exposures.n)
    assert meta["GAIN"] == pytest.approx(analysis.noise.typical_gain * analysis.exposures.n)


@pytest.mark.parametrize(
    ("name", "utype", "kind", "values"),
    [
        ("UNCERT", "StdDevUncertainty", "auto", SIGMA),
        ("UNCERT", "VarianceUncertainty", "auto", SIGMA**2),
        ("UNCERT", "InverseVariance", "auto", SIGMA**-2),
        ("ODD", None, "stddev", SIGMA),
        ("ERR", None, "variance", SIGMA**2),
    ],
)
def test_what_the_noise_is_by_utype_or_as_the_user_says(tmp_path, name, utype, kind, values):
    yaml = masked_yaml(
        tmp_path, with_noise(values, name, utype), noise_extension=name, noise_kind=kind
    )
    np.testing.assert_allclose(load_analysis(yaml).exposures.variance, SIGMA**2, rtol=1e-5)


def test_noise_that_is_no_number_makes_a_pixel_invalid(tmp_path, caplog):
    values = SIGMA.copy()
    values[3, 4], values[5, 6], values[7, 8] = np.nan, -1, 0
    analysis = load_analysis(
        masked_yaml(tmp_path, with_noise(values, "ERR"), noise_extension="ERR")
    )
    assert np.argwhere(~analysis.exposures.valid[1]).tolist() == [[3, 4], [5, 6], [7, 8]]
    (line,) = warned(caplog)
    assert line.endswith(
        "e0.fits and 2 more: extension ERR: found 3 values that are negative, zero or not finite: "
        "those pixels are left out"
    )
    assert np.isfinite(analysis.noise.rnoise).all()


@pytest.mark.parametrize(
    ("make", "fragment"),
    [
        (with_noise(SIGMA[:9], "ERR"), "noise_extension: found 80 x 9 pixels, expected 80 x 64"),
        (with_noise(SIGMA, "ODD"), "noise_extension: found the extensions PRIMARY, ODD, expected"),
        (with_noise(-SIGMA, "ERR"), "found no valid pixel, expected at least one"),
    ],
)
def test_noise_that_does_not_fit_is_one_line(tmp_path, make, fragment, run_cli):
    yaml = masked_yaml(tmp_path, make, noise_extension="ERR")
    done = run_cli(["run", yaml, "--output-dir", tmp_path / "out"], tmp_path)
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert "e0.fits: " in last
    assert fragment in last


def test_a_name_that_says_nothing_about_the_noise_is_asked_about(tmp_path):
    yaml = masked_yaml(tmp_path, with_noise(SIGMA, "ODD"), noise_extension="ODD")
    with pytest.raises(InputError, match="expected noise_kind: stddev, variance or ivar"):
        load_analysis(yaml)


@pytest.mark.parametrize("method", ["mmcosmic", "significance"])
@pytest.mark.slow
def test_noise_of_each_pixel_decides_what_is_a_hit(tmp_path, method):
    rng = np.random.default_rng(8)
    shape = (96, 96)
    sigma = np.where(np.arange(96) < 48, 3.0, 30.0) * np.ones(shape)
    frames = rng.normal(0, 1, (3, *shape)) * sigma
    for x in (24, 72):  # as bright in both halves, in two exposures of three
        frames[:2, 40:43, x] += 90
    paths = []
    for i, frame in enumerate(frames):
        paths.append(tmp_path / f"e{i}.fits")
        hdus = fits.PrimaryHDU(frame.astype(np.float32)), fits.ImageHDU(sigma, name="ERR")
        paths[-1].write_bytes(content(*hdus))
    given = {
        "interactive": False, "crmethod": method, "gain": 1.0, "rnoise": 3.0, "dilation": 0,
        "mm_seed": 1, "images": tuple(map(str, paths)), "sg_measured_noise": False,
        "max_flagged_fraction": 1.0,
    }  # fmt: skip
    analysis = read_analysis(Parameters(**given, noise_extension="ERR"))
    np.testing.assert_allclose(analysis.noise.sigma(analysis.stack.min2d), sigma, rtol=0.3)
    blind = read_analysis(Parameters(**given))
    noisy = [int(each.mediancr[:, 48:].sum()) for each in (analysis, blind)]
    assert noisy[0] <= 20
    assert noisy[1] > 100
    if method == "significance":
        assert analysis.mediancr[40:43, 24].all()
    variance = analysis.combination("meancr").variance
    assert np.median(variance[:, :48]) == pytest.approx(9 / 3, rel=0.1)
    assert np.median(variance[:, 48:]) == pytest.approx(900 / 3, rel=0.1)


def with_unit(units, seconds=900.0):
    header = fits.Header({"EXPTIME": seconds})
    return lambda i: content(
        fits.PrimaryHDU(FRAMES[i], fits.Header([*header.cards, ("BUNIT", units[i])]))
    )


MIXED = {
    "counts and electrons": ["adu", "adu", "electron"],
    "a rate": ["electron", "electron/s", "electron"],
    "a flux": ["Jy", "adu", "adu"],
}


@pytest.mark.parametrize("kind", MIXED)
def test_exposures_of_different_units_are_refused(tmp_path, kind, run_cli):
    names = [path.name for path in written(tmp_path, with_unit(MIXED[kind]))]
    done = run_cli(
        ["run", write_yaml(tmp_path / "p.yaml", names), "--output-dir", tmp_path / "out"], tmp_path
    )
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert re.search(
        r"crmasks: .*e[12]\.fits: found BUNIT \S+, expected \S+ as in .*e0\.fits", last
    )
    assert not (tmp_path / "out").exists()


def test_spellings_of_one_unit_and_none_are_one(tmp_path):
    found = read_exposures(written(tmp_path, with_unit(["e-", "ELECTRONS", ""])))
    assert found.n == 3


def test_units_of_ccddata_count():
    made = [CCDData(frame, unit="electron") for frame in FRAMES]
    exposures = ExposureSet.from_arrays(made)
    assert {header["BUNIT"] for header in exposures.headers} == {"electron"}
    made[2] = CCDData(FRAMES[2], unit="adu")
    with pytest.raises(InputError, match="exposure 3: found BUNIT ADU, expected electron as in"):
        ExposureSet.from_arrays(made)


ODD_UNITS = {
    "electron": (1.5, "BUNIT: electrons, with gain: 1.5; set gain: 1 and rnoise in electrons"),
    "electron/s": (1.0, "BUNIT: electron/s, with gain: 1; set gain to that of the counts times E"),
    "electrons/sec": (1.0, "BUNIT: electron/s, with gain: 1; set gain"),
    "adu/s": (1.5, "BUNIT: ADU/s, with gain: 1.5; set gain"),
    "counts/s": (1.5, "BUNIT: ADU/s, with gain: 1.5; set gain to that of the counts times EXPTIME, "
                 "900 s, and rnoise per second"),
    "electron ": (1.0, ""), "adu": (1.5, ""), "counts": (1.5, ""), "adu / s": (1350.0, ""),
}  # fmt: skip


@pytest.mark.parametrize("unit", ODD_UNITS)
def test_a_gain_that_the_unit_does_not_allow_is_one_warning(tmp_path, unit, caplog):
    gain, remark = ODD_UNITS[unit]
    names = [path.name for path in written(tmp_path, with_unit([unit] * 3))]
    load_analysis(write_yaml(tmp_path / "p.yaml", names, top={"gain": gain}))
    said = warned(caplog)
    assert len(said) == bool(remark)
    assert all(line.startswith(remark) for line in said)


@pytest.mark.parametrize("unit", ["electron", "Jy"])
def test_products_carry_the_unit_of_their_values(tmp_path, unit):
    exposures = read_exposures(written(tmp_path, with_unit([unit] * 3)))
    given = LEVELS | QUICK | {"crmethod": "lacosmic", "la_gain_apply": False, "gain": 1.0}
    save_all(Analysis(exposures, Parameters(**given)), tmp_path / "out")
    with fits.open(tmp_path / "out" / "combined_meancr.fits") as hdus:
        units = [hdus[0].header["BUNIT"], hdus["VARIANCE"].header["BUNIT"]]
    assert [Unit(text) for text in units] == [Unit(unit), Unit(unit) ** 2]
    assert fits.getheader(tmp_path / "out" / "crmasks.fits", "LAMEDIAN")["BUNIT"] == unit


@pytest.mark.slow
def test_variances_that_gain_and_readout_noise_say_give_the_same_hits(tmp_path):
    shape = (120, 140)
    scene = small_scene(shape=shape)
    paths = []
    for i, frame in enumerate(scene.exposures):  # hits make noise of their own
        level = np.maximum(frame - LEVELS["bias"], 0)
        variance = level / LEVELS["gain"] + LEVELS["rnoise"] ** 2
        paths.append(str(tmp_path / f"e{i}.fits"))
        hdus = fits.PrimaryHDU(frame), fits.ImageHDU(variance.astype(np.float32), name="VAR")
        fits.HDUList(list(hdus)).writeto(paths[-1])
    given = LEVELS | {"interactive": False, "crmethod": "significance", "images": tuple(paths)}
    plain = read_analysis(Parameters(**given))
    made = read_analysis(Parameters(**given, noise_extension="VAR"))
    before, after = score(plain, scene), score(made, scene)
    assert before.found_groups == after.found_groups == before.true_groups > 2
    assert after.false_groups <= 1


def test_noise_of_a_hit_is_not_that_of_its_pixel(tmp_path):
    def make(i):
        values = SIGMA * (1 + 0.1 * i)
        values[10, 20] *= 9 if i < 2 else 1  # hit in two of three
        return content(fits.PrimaryHDU(FRAMES[i]), fits.ImageHDU(values, name="ERR"))

    variance = load_analysis(masked_yaml(tmp_path, make, noise_extension="ERR")).exposures.variance
    expected = (SIGMA * 1.1) ** 2
    expected[10, 20] = (SIGMA[10, 20] * 1.2) ** 2
    np.testing.assert_allclose(variance, expected, rtol=1e-5)
