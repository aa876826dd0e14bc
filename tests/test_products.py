"""Products: what is in them, that they are whole, and what happens to those of earlier runs."""

import csv
import uuid
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from crmasks_widgets import Analysis, ExposureSet, Parameters, __version__, read_exposures, save_all
from crmasks_widgets.detectors import DETECTORS

from .conftest import BOTH, LEVELS, QUICK, SHAPE, small_scene, wcs_header, write_exposures
from .product_cases import FITS_PRODUCTS, TABLES, analysis_of

LACOSMIC_ONLY = DETECTORS["lacosmic"].code
MM_ONLY = DETECTORS["mm"].code


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with L.A.Cosmic, from files: its analysis, and the folder of its products."""
    folder = tmp_path_factory.mktemp("finished")
    names = write_exposures(folder, small_scene().exposures)
    exposures = read_exposures(names, folders=[folder])
    boxes = ((10, 12, 3, 5), (40, 30, 5, 1))
    settings = QUICK | BOTH | {"pixels_to_be_replaced_by_local_median": boxes}
    analysis = Analysis(exposures, Parameters(**LEVELS | settings))
    save_all(analysis, folder / "out")
    return analysis, folder / "out"


@pytest.mark.parametrize("kind", ["mediancr", "meancrt", "meancr"])
def test_combination_is_written_as_computed(finished, kind):
    analysis, folder = finished
    made = analysis.combination(kind)
    with fits.open(folder / f"combined_{kind}.fits") as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "VARIANCE", "MAP"]
        assert [hdu.header["BITPIX"] for hdu in hdus] == [-32, -32, 16]
        assert [hdu.shape for hdu in hdus] == [SHAPE] * 3
        np.testing.assert_array_equal(hdus[0].data, made.data)
        np.testing.assert_array_equal(hdus["VARIANCE"].data, made.variance)
        np.testing.assert_array_equal(hdus["MAP"].data, made.map)
        assert (hdus["VARIANCE"].data > 0).all()
        assert u.Unit(hdus[0].header["BUNIT"]) == u.adu
        assert u.Unit(hdus["VARIANCE"].header["BUNIT"]) == u.adu**2
        assert hdus[0].header["OBJECT"] == "NGC 1"
        assert hdus[0].header.comments["OBJECT"] == "target"
        assert {hdu.header["UUID"] for hdu in hdus} == {analysis.uuid}
        hdus.verify("exception")


def test_wcs_of_the_first_exposure_is_carried_over(finished):
    _, folder = finished
    expected = WCS(wcs_header())
    for name in FITS_PRODUCTS:
        found = WCS(fits.getheader(folder / name))
        for x, y in ((0, 0), (79, 0), (0, 63), (33.3, 20.7)):
            there = found.pixel_to_world(x, y)
            assert there.separation(expected.pixel_to_world(x, y)) < 1e-8 * u.arcsec


def test_wcs_comes_from_the_first_of_different_exposures(tmp_path):
    headers = [wcs_header() for _ in range(3)]
    for header, x in zip(headers, (1.0, 2.0, 3.0), strict=True):
        header["CRPIX1"] = x
    save_all(analysis_of(headers=headers), tmp_path)
    assert fits.getval(tmp_path / FITS_PRODUCTS[0], "CRPIX1") == 1.0


def history(path):
    return [str(line) for line in fits.getheader(path)["HISTORY"]]


def joined_history(path):
    # Lines of more than 72 characters are broken up.
    return "".join(line.ljust(72) if len(line) > 70 else line + "\n" for line in history(path))


@pytest.mark.parametrize("name", [*FITS_PRODUCTS, "crmasks.fits"])
def test_history_has_version_inputs_and_parameters(finished, name):
    analysis, folder = finished
    assert f"crmasks_widgets {__version__}" in history(folder / name)
    text = "".join(history(folder / name))
    for path, checksum in zip(analysis.exposures.names, analysis.exposures.checksums, strict=True):
        assert path in text
        assert checksum in text
    for key, value in analysis.parameters.model_dump().items():
        if key != "images":
            assert f"- {key} = {value}".replace(" ", "") in text.replace(" ", "")
    assert "mm_seed = 5" in text


def test_masks_file(finished):
    analysis, folder = finished
    with fits.open(folder / "crmasks.fits") as hdus:
        names = ["PRIMARY", "MEDIANCR", "MEANCRT", "CRMASK1", "CRMASK2", "CRMASK3", "LAMEDIAN"]
        assert [hdu.name for hdu in hdus] == [*names, "RPMEDIAN"]
        assert hdus[0].data is None
        assert hdus[0].header["UUID"] == analysis.uuid
        assert uuid.UUID(analysis.uuid).version == 5
        assert [hdus[0].header[f"FLUXF{i}"] for i in (1, 2, 3)] == [1.0, 1.0, 1.0]
        for name in names[1:6]:
            assert hdus[name].data.dtype == np.uint8
            np.testing.assert_array_equal(hdus[name].data, analysis.masks[name])
            assert set(np.unique(hdus[name].data)) == {0, 1}
            assert hdus[name].header["NPMASKED"] == analysis.masks[name].sum()
        rows = [tuple(int(value) for value in row) for row in hdus["RPMEDIAN"].data]
        assert rows == [(10, 12, 3, 5), (40, 30, 5, 1)]
        columns = hdus["RPMEDIAN"].columns
        assert columns.names == ["X_pixel", "Y_pixel", "X_width", "Y_width"]
        assert set(columns.formats) == {"K"}
        hdus.verify("exception")


def test_lamedian_is_in_electrons_or_adu_as_its_unit_says(finished, tmp_path):
    analysis, folder = finished
    cleaned = analysis.lacosmic("median").cleaned
    in_adu = analysis.replace(la_gain_apply=False)
    save_all(in_adu, tmp_path)
    for where, factor, unit in ((folder, 1.5, u.electron), (tmp_path, 1.0, u.adu)):
        with fits.open(where / "crmasks.fits") as hdus:
            assert hdus["LAMEDIAN"].header["BITPIX"] == -32
            assert u.Unit(hdus["LAMEDIAN"].header["BUNIT"]) == unit
            np.testing.assert_array_equal(hdus["LAMEDIAN"].data, cleaned * np.float32(factor))
    np.testing.assert_array_equal(in_adu.lacosmic("median").cleaned, cleaned)


@pytest.mark.parametrize(
    ("given", "squared"), [(None, "adu2"), ("electron", "electron2"), ("adu/s", "(adu/s)**2")]
)
def test_variance_has_the_unit_of_the_image_squared(tmp_path, given, squared):
    header = wcs_header()
    del header["BUNIT"]
    if given:
        header["BUNIT"] = given
    save_all(analysis_of(headers=[header] * 3), tmp_path)
    units = [fits.getval(tmp_path / FITS_PRODUCTS[0], "BUNIT", ext) for ext in (0, 1)]
    assert units == [given or "adu", squared]
    if given == "electron":  # astropy cannot read what the FITS standard says of the last one
        assert u.Unit(units[0]) ** 2 == u.Unit(units[1])


def test_extensions_that_were_not_asked_for_are_absent(tmp_path):
    save_all(analysis_of(), tmp_path)
    with fits.open(tmp_path / "crmasks.fits") as hdus:
        assert [hdu.name for hdu in hdus][-1] == "CRMASK3"


def test_flux_factors_are_written(tmp_path):
    save_all(analysis_of(flux_factor=(0.9, 1.0, 1.2)), tmp_path)
    for name in (*FITS_PRODUCTS, "crmasks.fits"):
        header = fits.getheader(tmp_path / name)
        assert [header[f"FLUXF{i}"] for i in (1, 2, 3)] == [0.9, 1.0, 1.2]


def odd_header():
    header = wcs_header()
    header["HIERARCH ESO DET OUT1 GAIN"] = (1.5, "a HIERARCH card")
    header["LONGTEXT"] = ("x" * 200 + " & 'quoted' " + "y" * 90, "a long value with CONTINUE")
    header["BLANK"], header["BZERO"], header["BSCALE"] = -32768, 32768.0, 2.0
    header["EXTNAME"], header["EXTVER"] = "SCI", 3
    header["CHECKSUM"], header["DATASUM"] = "abcdefghijklmnop", "1234567"
    header["DATAMIN"], header["DATAMAX"], header["UUID"] = 0.0, 9.0, "that of another file"
    header["UNDEF"] = None
    header["NUMBER"] = (12345678901234567890, "a large integer")
    header["BUNIT"] = "ADU"
    header.add_comment("a comment " * 12)
    header.add_history("an older history")
    header.add_blank("a blank card")
    return header


def test_odd_headers_are_carried_over(tmp_path):
    names = ["première.fits", "日本.fits", f"{'long' * 30}.fits"]
    write_exposures(tmp_path, small_scene().exposures, names)
    header = odd_header()
    for key in ("BLANK", "BZERO", "BSCALE", "CHECKSUM", "DATASUM"):
        del header[key]
    (tmp_path / names[0]).unlink()
    fits.PrimaryHDU(small_scene().exposures[0], header).writeto(tmp_path / names[0])
    exposures = read_exposures(names, folders=[tmp_path])
    headers = [odd_header(), *exposures.headers[1:]]
    again = ExposureSet(
        exposures.data, exposures.names, tuple(headers), None, exposures.checksums, exposures.paths
    )
    for i, found in enumerate((exposures, again)):
        out = tmp_path / f"out{i}"
        save_all(Analysis(found, Parameters(**LEVELS | QUICK)), out)
        for name in FITS_PRODUCTS:
            with fits.open(out / name) as hdus:
                header = hdus[0].header
                assert hdus[0].name == "PRIMARY"
                assert hdus[0].data.dtype == np.dtype(">f4")
                assert header["HIERARCH ESO DET OUT1 GAIN"] == 1.5
                assert header["LONGTEXT"].startswith("x" * 200 + " & 'quoted' ")
                assert header["NUMBER"] == 12345678901234567890
                assert (header["BUNIT"], hdus["VARIANCE"].header["BUNIT"]) == ("ADU", "ADU2")
                assert "an older history" in list(header["HISTORY"])
                assert len(header["COMMENT"]) == 2
                for gone in ("BLANK", "BZERO", "BSCALE", "CHECKSUM", "DATASUM", "DATAMAX"):
                    assert gone not in header
                assert uuid.UUID(header["UUID"]).version == 5
            assert "premi\\xe8re.fits" in "".join(history(out / name))
            assert "\\u65e5\\u672c.fits" in "".join(history(out / name))
            assert names[2] in "".join(history(out / name))


@pytest.mark.parametrize("suffix", [".fits.fz", ".fits"])
def test_header_of_an_extension_is_carried_over_clean(tmp_path, suffix):
    paths = [tmp_path / f"e{i}{suffix}" for i in range(3)]
    for path, frame in zip(paths, small_scene().exposures, strict=True):
        make = fits.CompImageHDU if suffix == ".fits.fz" else fits.ImageHDU
        image = make(np.rint(frame).astype(np.uint16), wcs_header())
        fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)
    analysis = Analysis(read_exposures(paths, extnum=1), Parameters(**LEVELS | QUICK))
    save_all(analysis, tmp_path / "out")
    header = fits.getheader(tmp_path / "out" / "combined_mediancr.fits")
    assert header["OBJECT"] == "NGC 1"
    assert not [key for key in header if key.startswith("Z") or key in ("PCOUNT", "XTENSION")]
    there = WCS(header).pixel_to_world(5, 6)
    assert there.separation(WCS(wcs_header()).pixel_to_world(5, 6)) < 1e-8 * u.arcsec


def rows_of(path):
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["CR_number", "X_pixel", "Y_pixel", "Mask_value"]
    return np.array([[int(value) for value in row] for row in rows], dtype=int).reshape(-1, 4)


def test_csv_of_the_hits_is_complete(finished):
    analysis, folder = finished
    rows = rows_of(folder / "mediancr_identified.csv")
    mask = np.zeros(SHAPE, dtype=bool)
    mask[rows[:, 2] - 1, rows[:, 1] - 1] = True
    np.testing.assert_array_equal(mask, analysis.masks["MEDIANCR"])
    assert len(rows) == mask.sum()
    for number, x, y, value in rows:
        assert number == analysis.labels[y - 1, x - 1]
        assert value == analysis.codes("median")[y - 1, x - 1]
    keys = [(number, y, x) for number, x, y, _ in rows]
    assert keys == sorted(keys)
    assert set(rows[:, 3]) == {1, 2, 3, 4}


@pytest.mark.parametrize("maxplots", [0, 1])
def test_csv_does_not_depend_on_maxplots(finished, tmp_path, maxplots):
    analysis, folder = finished
    save_all(analysis.replace(maxplots=maxplots, semiwindow=1), tmp_path)
    for name in TABLES[1:]:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_csv_of_problematic_pixels(tmp_path):
    frames = np.array(small_scene().exposures)
    for i, (y, x) in enumerate([(30, 40), (30, 41), (30, 42)]):
        frames[np.arange(3) != i, y, x] += 3000  # masks meet by dilation in all three
    analysis = analysis_of(frames)
    save_all(analysis, tmp_path)
    rows = rows_of(tmp_path / "problematic_pixels.csv")
    found = sorted((y - 1, x - 1) for _, x, y, _ in rows)
    assert found == sorted(map(tuple, np.argwhere(analysis.problematic).tolist()))
    assert (30, 41) in found
    assert set(rows[:, 0]) == set(range(1, rows[:, 0].max() + 1))


def test_coordinates_are_those_of_fits(planted, tmp_path):
    settings = {"dilation": 0, "bias": 0.0, "gain": 1.0}
    save_all(analysis_of(planted, **settings), tmp_path)
    rows = rows_of(tmp_path / "mediancr_identified.csv")
    assert rows.tolist() == [[1, 21, 41, MM_ONLY]]
    hits = Table.read(tmp_path / "hits.ecsv")
    assert len(hits) == 1
    assert (hits["x"][0], hits["y"][0]) == (21, 41)
    assert [hits[key][0] for key in ("xmin", "xmax", "ymin", "ymax")] == [21, 21, 41, 41]
    assert hits["npix"][0] == hits["n_mm"][0] == 1
    peaks = [hits[f"peak_over_min_{i}"][0] for i in (1, 2, 3)]
    np.testing.assert_allclose(peaks, planted[:, 40, 20] - planted[:, 40, 20].min(), rtol=1e-5)
    assert hits["peak_over_min_1"].unit == u.adu
    data = fits.getdata(tmp_path / "combined_mediancr.fits")
    assert data[40, 20] == planted[1, 40, 20]


def test_hits_table(finished):
    analysis, folder = finished
    hits = Table.read(folder / "hits.ecsv")
    assert hits.meta["UUID"] == analysis.uuid
    assert hits.colnames == analysis.hits.colnames
    assert list(hits["number"]) == list(range(1, analysis.labels.max() + 1))
    assert hits["npix"].sum() == analysis.masks["MEDIANCR"].sum()
    rows = rows_of(folder / "mediancr_identified.csv")
    for hit in hits:
        own = rows[rows[:, 0] == hit["number"]]
        assert hit["npix"] == len(own)
        assert hit["x"] == pytest.approx(own[:, 1].mean())
        assert hit["y"] == pytest.approx(own[:, 2].mean())
        assert hit["n_lacosmic"] == (own[:, 3] == LACOSMIC_ONLY).sum()


def test_a_run_without_hits_writes_empty_tables(tmp_path):
    save_all(analysis_of(np.full((3, *SHAPE), 200.0) + np.arange(3)[:, None, None]), tmp_path)
    assert len(rows_of(tmp_path / "mediancr_identified.csv")) == 0
    assert len(rows_of(tmp_path / "problematic_pixels.csv")) == 0
    assert len(Table.read(tmp_path / "hits.ecsv")) == 0


def test_writing_warns_of_nothing(finished, tmp_path):
    analysis, _ = finished
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save_all(analysis, tmp_path)
    assert caught == []
