"""Products as other programs read them: uncertainties, world coordinates, headers, flags."""

import math
import subprocess

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, VarianceUncertainty
from astropy.time import Time
from astropy.wcs import WCS

from crmasks_widgets import Analysis, ExposureSet, InputError, Parameters, save_all
from crmasks_widgets.analysis.noise_in_use import noise_lines
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.core.combine import median_variance_factor
from crmasks_widgets.files.headers import describe
from crmasks_widgets.products.data_quality import MEANINGS, QualityBit, quality
from crmasks_widgets.products.images import masks_hdus
from crmasks_widgets.report import facts, report_html

from .conftest import BOTH, LEVELS, QUICK, SHAPE, small_scene, wcs_header

LENGTHS = (1200.0, 1200.0, 1170.0)
AIRMASSES = (1.10, 1.20, 1.36)
MOMENTS = ("2026-03-01T01:00:00.000", "2026-03-01T01:21:00.000", "2026-03-01T01:42:30.000")
CARDS = ("GAIN", "RDNOISE", "RELSCAT")
SKY = {"CTYPE1", "CRVAL1", "CRPIX1", "CD1_1", "CD2_2", "CUNIT1"}


def exposure_headers(**more):
    headers = []
    for i, (length, airmass, moment) in enumerate(zip(LENGTHS, AIRMASSES, MOMENTS, strict=True)):
        header = wcs_header()
        header["EXPTIME"], header["AIRMASS"], header["DATE-OBS"] = length, airmass, moment
        header["MJD-OBS"] = float(Time(moment).mjd)
        header["FILENAME"], header["UT"] = f"e{i}.fits", "01:00"
        header["GAIN"], header["RDNOISE"], header["EGAIN"] = 1.7, 3.4, 1.7
        header.update(more)
        headers.append(header)
    return headers


def analysis_of(headers=None, valid=None, **settings):
    exposures = ExposureSet.from_arrays(
        list(small_scene().exposures), headers=headers or exposure_headers(), valid=valid
    )
    return Analysis(exposures, Parameters(**LEVELS | QUICK | settings))


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("products")
    analysis = analysis_of(**BOTH)
    save_all(analysis, folder)
    return analysis, folder


@pytest.mark.parametrize("kind", KINDS)
def test_ccddata_reads_the_variance_as_a_variance(products, kind):
    analysis, folder = products
    path = folder / f"combined_{kind}.fits"
    read = CCDData.read(path, hdu_uncertainty="VARIANCE")
    assert isinstance(read.uncertainty, VarianceUncertainty)
    assert (read.unit, read.uncertainty.unit) == (u.adu, u.adu**2)
    np.testing.assert_array_equal(read.uncertainty.array, analysis.combination(kind).variance)
    assert read.wcs.wcs.ctype[0] == "RA---TAN"
    doubled = read.multiply(2)
    np.testing.assert_allclose(doubled.uncertainty.array, 4 * read.uncertainty.array, rtol=1e-6)


def test_every_image_has_the_coordinates_of_the_exposures(products):
    _, folder = products
    expected = WCS(wcs_header()).pixel_to_world(11, 17)
    n_images = 0
    for path in folder.glob("*.fits"):
        with fits.open(path) as hdus:
            hdus.verify("exception")
            for hdu in hdus:
                if hdu.is_image and hdu.data is not None:
                    n_images += 1
                    there = WCS(hdu.header).pixel_to_world(11, 17)
                    assert there.separation(expected) < 1e-8 * u.arcsec
    assert n_images == 3 * 3 + 6 + 1


def lookup(version):
    """Cards of a description that needs a table, and those that must be gone."""
    if version == "table":
        return {"CTYPE1": "WAVE-TAB", "PS1_0": "WCS-TAB", "PS1_1": "COORDS", "PV1_1": 1}, SKY
    if version == "alternate":
        return {
            "CTYPE1A": "WAVE-TAB", "CTYPE2A": "LINEAR", "CRPIX1A": 1.0, "PS1_0A": "WCS-TAB"
        }, {"CTYPE1A", "CRPIX1A", "PS1_0A", "CTYPE2A"}  # fmt: skip
    if version == "d2im":
        return {"D2IMDIS1": "LOOKUP", "D2IM1.EXTVER": 1.0, "D2IMERR1": 0.1}, {
            "D2IMDIS1", "D2IMERR1"
        }  # fmt: skip
    return {"CPDIS1": "LOOKUP", "DP1.EXTVER": 1.0, "CPERR1": 0.1}, {"CPDIS1", "CPERR1"}


@pytest.mark.parametrize("version", ["table", "alternate", "d2im", "cpdis"])
def test_cards_that_need_a_table_are_left_out_with_a_word(tmp_path, version):
    cards, gone = lookup(version)
    save_all(analysis_of(exposure_headers(**cards)), tmp_path)
    for path in tmp_path.glob("*.fits"):
        with fits.open(path) as hdus:
            for hdu in hdus:
                assert not gone & set(hdu.header), (path, hdu.name)
                if not hdu.is_image or hdu.data is None:
                    continue
                WCS(hdu.header)
                if version != "table":
                    assert set(hdu.header) >= SKY, (path, hdu.name)
    header = fits.getheader(tmp_path / "combined_meancr.fits")
    assert any("lookup table" in str(line) for line in header["COMMENT"])


def test_the_header_says_what_a_combination_is(products):
    _, folder = products
    for kind in KINDS:
        header = fits.getheader(folder / f"combined_{kind}.fits")
        assert header["NCOMBINE"] == 3
        assert header["EXPTIME"] == pytest.approx(np.mean(LENGTHS))
        assert "mean of 3" in header.comments["EXPTIME"]
        assert header["TEXPTIME"] == pytest.approx(sum(LENGTHS))
        assert header["AIRMASS"] == pytest.approx(np.mean(AIRMASSES))
        assert header["DATE-OBS"] == MOMENTS[0]
        assert header["DATE-END"] == "2026-03-01T02:02:00.000"  # 01:42:30 and 1170 s
        assert header["MJD-OBS"] == pytest.approx(Time(MOMENTS[0]).mjd, abs=1e-9)
        assert not {"FILENAME", "UT", "EGAIN"} & set(header)


RAW = {
    "BIASLEV": 100.0, "BIAS2": 101.0, "PEDESTAL": 0, "BIAS": "bias7.fits", "SATURATE": 60000.0,
    "BIASSEC": "[1:4,1:64]", "PROV1": "older.fits", "PROV7": "older.fits",
}  # fmt: skip


@pytest.mark.parametrize("bias", [100.0, 0.0])
def test_the_header_knows_that_the_bias_was_subtracted(tmp_path, bias):
    names = ("raw/e1.fits", "cube.fits[1]", "\xe9toile.fits")
    exposures = ExposureSet.from_arrays(
        list(small_scene().exposures), headers=exposure_headers(**RAW), names=names
    )
    save_all(Analysis(exposures, Parameters(**LEVELS | QUICK | {"bias": bias})), tmp_path)
    header = fits.getheader(tmp_path / "combined_meancr.fits")
    assert (header["BIAS"], header["BIASSEC"]) == ("bias7.fits", "[1:4,1:64]")
    assert header["SATURATE"] == pytest.approx(60000.0 - bias, rel=1e-5)
    sources = [header[f"PROV{i}"] for i in (1, 2, 3)]
    assert sources == ["e1.fits", "cube.fits[1]", "?toile.fits"]
    assert "PROV7" not in header
    assert ({"BIASLEV", "BIAS2", "PEDESTAL"} <= set(header)) == (bias == 0)
    assert header.get("BIASSUB", False) == (bias != 0)
    if bias:
        assert header.comments["BIASSUB"] == "the bias of 100 adu was subtracted"
        assert describe(header).bias_subtracted == "BIASSUB"


def test_a_range_is_not_made_up(tmp_path):
    headers = exposure_headers()
    headers[1]["DATE-OBS"] = "soon"
    headers[2]["AIRMASS"] = "high"
    headers[0]["DATE-END"] = MOMENTS[1]
    save_all(analysis_of(headers), tmp_path)
    header = fits.getheader(tmp_path / "combined_meancr.fits")
    assert not {"AIRMASS", "DATE-END", "MJD-END"} & set(header)


@pytest.mark.parametrize("factors", [(1.0, 1.0, 1.0), (0.8, 1.0, 1.3)])
@pytest.mark.parametrize("kind", KINDS)
def test_gain_and_readout_noise_give_the_variance(tmp_path, kind, factors):
    analysis = analysis_of(flux_factor=factors)
    save_all(analysis, tmp_path)
    with fits.open(tmp_path / f"combined_{kind}.fits") as hdus:
        header, value, variance = hdus[0].header, hdus[0].data, hdus["VARIANCE"].data
    free = ~np.logical_or.reduce(list(analysis.masks.values()))
    assert free.mean() > 0.8
    predicted = np.maximum(value, 0) / header["GAIN"] + (header["RDNOISE"] / header["GAIN"]) ** 2
    # Of a median of unequal exposures, no two numbers say it exactly.
    exact = kind != "mediancr" or len(set(factors)) == 1
    np.testing.assert_allclose(variance[free], predicted[free], rtol=1e-4 if exact else 0.01)


def test_data_quality_has_a_bit_for_each_thing(tmp_path):
    valid = np.ones((3, *SHAPE), dtype=bool)
    valid[1, 3, 4] = False
    level = float(np.sort(small_scene().exposures.ravel())[-20])
    boxes = ((10, 12, 3, 5),)
    analysis = analysis_of(
        valid=valid, la_satlevel=level, dilation=1, pixels_to_be_replaced_by_local_median=boxes
    )
    save_all(analysis, tmp_path)
    with fits.open(tmp_path / "crmasks_dq.fits") as hdus:
        flags, header = hdus["DQ"].data, hdus["DQ"].header
    assert flags.dtype.newbyteorder("=") == np.int32
    mask = analysis.masks["MEDIANCR"]
    np.testing.assert_array_equal((flags & QualityBit.MEDIAN) > 0, mask)
    dilated = mask & ~analysis.detections("median").either
    assert dilated.any()
    np.testing.assert_array_equal((flags & QualityBit.DILATED) > 0, dilated)
    for i in (1, 2, 3):
        np.testing.assert_array_equal((flags & 256 << (i - 1)) > 0, analysis.masks[f"CRMASK{i}"])
        assert header[f"DQBIT{7 + i}"] == 128 * 2**i
    assert flags[3, 4] & QualityBit.INVALID
    assert ((flags & QualityBit.INVALID) > 0).sum() == 1
    saturated = (analysis.exposures.data >= level).any(axis=0)
    assert saturated.any()
    np.testing.assert_array_equal((flags & QualityBit.SATURATED) > 0, saturated)
    assert flags[11, 9] & QualityBit.LOCAL
    assert {header[f"DQBIT{int(bit).bit_length() - 1}"] for bit in MEANINGS} == {1, 2, 4, 8, 16}
    assert math.log2(int(flags.max())) < 11


def test_data_quality_has_room_for_many_exposures():
    frames = [small_scene().exposures[i % 3][:24, :24] for i in range(24)]
    analysis = Analysis(
        ExposureSet.from_arrays(frames),
        Parameters(**LEVELS | QUICK | {"pixels_to_be_flagged_as_cr": ((5, 7),)}),
    )
    flags = quality(analysis)
    assert flags.dtype == np.int64
    assert bool(flags[6, 4] >> 31 & 1) == analysis.mask(24)[6, 4]


def images(unit=u.adu, kind=CCDData):
    return [kind(frame, unit=unit, meta=wcs_header()) for frame in small_scene().exposures]


@pytest.mark.parametrize("kind", [CCDData, NDData])
def test_from_and_to_ccddata(kind):
    masked = images(u.electron, kind)
    masked[1].mask = np.zeros(SHAPE, dtype=bool)
    masked[1].mask[3, 4] = True
    analysis = Analysis.from_ccddata(masked, Parameters(**LEVELS | QUICK))
    assert not analysis.exposures.valid[1, 3, 4]
    for name in KINDS:
        made = analysis.combination(name)
        handed = made.to_ccddata()
        assert (handed.unit, handed.uncertainty.unit) == (u.electron, u.electron**2)
        np.testing.assert_array_equal(handed.data, made.data)
        np.testing.assert_array_equal(handed.uncertainty.array, made.variance)
        assert handed.header["NCOMBINE"] == 3
        assert handed.wcs.wcs.ctype[1] == "DEC--TAN"
        handed.data[:] = 0  # a copy: the analysis stays as it is
        assert analysis.combination(name).data.any()


def test_coordinates_of_nddata_are_carried_over():
    wcs = WCS(wcs_header())
    given = [NDData(frame, wcs=wcs) for frame in small_scene().exposures]
    header = Analysis.from_ccddata(given, Parameters(**LEVELS | QUICK)).exposures.headers[0]
    assert header["CRPIX1"] == 33.5


def test_mixed_units_are_refused():
    mixed = [*images()[:2], images(u.electron)[2]]
    with pytest.raises(
        InputError, match="exposure 3: found BUNIT electron, expected ADU as in exposure"
    ):
        ExposureSet.from_arrays(mixed)


def test_masked_exposures_give_meancr():
    valid = np.ones((3, *SHAPE), dtype=bool)
    valid[0, 8, 9] = False
    analysis = analysis_of(valid=valid, bias=2.0, flux_factor=(0.9, 1.0, 1.1))
    exposures = [analysis.masks_of(i) for i in (1, 2, 3)]
    assert exposures[0].mask[8, 9]
    assert exposures[0].mask.sum() == analysis.mask(1).sum() + 1
    mean = np.ma.mean([np.ma.array(each.data, mask=each.mask) for each in exposures], axis=0)
    left = ~np.ma.getmaskarray(mean)
    expected = analysis.combination("meancr").data
    np.testing.assert_allclose(mean[left], expected[left], rtol=1e-5)
    with pytest.raises(InputError, match="masks_of: found exposure 4, expected 1 to 3"):
        analysis.masks_of(4)


@pytest.mark.parametrize("name", ["combined_mediancr", "combined_meancr", "crmasks", "crmasks_dq"])
def test_fitsverify_finds_nothing_wrong(products, name):
    found = subprocess.run(
        ["fitsverify", str(products[1] / f"{name}.fits")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "found 0 warning(s) and 0 error(s)" in found.stdout, found.stdout
    assert found.returncode == 0


@pytest.mark.parametrize("excess", [0.0, 0.01])
def test_the_noise_that_exposures_show_is_that_of_the_headers(tmp_path, excess):
    light = np.broadcast_to(np.linspace(20.0, 3000.0, 160), (3, 80, 160))
    rng = np.random.default_rng(5)
    electrons = rng.gamma(1 / excess, excess * light) if excess else light
    frames = rng.poisson(electrons) + rng.normal(0, 3.4, electrons.shape)
    analysis = Analysis(
        ExposureSet.from_arrays(list(frames.astype(np.float32))),
        Parameters(crmethod="significance", gain=2.0, rnoise=3.4, bias=0.0),
    )
    save_all(analysis, tmp_path)
    masks = fits.getheader(tmp_path / "crmasks.fits")
    for kind in KINDS:
        with fits.open(tmp_path / f"combined_{kind}.fits") as hdus:
            header, value, variance = hdus[0].header, hdus[0].data, hdus["VARIANCE"].data
        gain, rdnoise, scatter = (header.get(name, 0.0) for name in CARDS)
        predicted = np.maximum(value, 0) / gain + (rdnoise / gain) ** 2 + (scatter * value) ** 2
        # Of a median with a hit that does not shift it, the variance is larger.
        assert np.quantile(np.abs(variance / predicted - 1), 0.95) < 1e-3
        error = np.sqrt(np.mean((value - light[0]) ** 2 / predicted))
        assert error == pytest.approx(1, rel=0.05), kind
        history = "".join(map(str, header["HISTORY"]))
        assert "- gain = 2.0" in history
        assert "in place of gain 2, rnoise 3.4" in history
        assert gain / masks["GAIN"] == pytest.approx(1 / share_of(kind))
    if excess:
        assert masks["RELSCAT"] == pytest.approx(0.1, rel=0.1)
    else:
        assert "RELSCAT" not in masks
        assert masks["GAIN"] == pytest.approx(1, rel=0.1)
        assert masks["RDNOISE"] / masks["GAIN"] == pytest.approx(3.4, rel=0.1)
    for said in (report_html(analysis), "\n".join(facts.noise(analysis)[1])):
        assert "as the exposures show, in place of gain 2, rnoise 3.4" in said
    given = analysis.replace(sg_measured_noise=False)
    assert not noise_lines(given)
    assert given.combination("meancr").to_ccddata().meta["GAIN"] == pytest.approx(6)
    assert not set(CARDS) & set(masks_hdus(given)[0].header)


def share_of(kind):
    """Variance of a combination of three over that of one exposure."""
    return median_variance_factor(3) if kind == "mediancr" else 1 / 3
