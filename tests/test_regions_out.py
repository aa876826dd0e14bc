"""The hits as DS9 regions and as tables."""

import numpy as np
import pytest
from astropy.table import Table
from regions import RectanglePixelRegion, Regions

import crmasks_widgets as cm
from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.hit_classes import PLAIN_NAME
from crmasks_widgets.products.hits import escaped, regions_text

from .conftest import LEVELS, QUICK, small_scene


@pytest.fixture(scope="module")
def analysis():
    exposures = cm.ExposureSet.from_arrays(small_scene().exposures)
    settings = {**LEVELS, **QUICK, "crmethod": "mm_lacosmic", "la_niter": 2}
    return cm.Analysis(exposures, cm.Parameters(**settings, pixels_to_be_flagged_as_cr=[[1, 1]]))


def test_every_hit_is_read_back_in_its_place_with_number_and_method(analysis, tmp_path):
    cm.save_regions(analysis, tmp_path / "my hits.reg")
    found = Regions.read(tmp_path / "my hits.reg", format="ds9")
    assert len(found) == len(analysis.hits) > 3
    colours = colours_by_name()
    for region, row in zip(found, analysis.hits, strict=True):
        assert isinstance(region, RectanglePixelRegion)
        # The package counts pixels from 0, the file from 1: exactly the pixels of the box.
        inside = region.to_mask(mode="center").to_image(analysis.exposures.shape) > 0
        ys, xs = np.nonzero(inside)
        assert (xs.min() + 1, xs.max() + 1) == (row["xmin"], row["xmax"])
        assert (ys.min() + 1, ys.max() + 1) == (row["ymin"], row["ymax"])
        assert inside[analysis.labels == row["number"]].all()
        kind = "" if row["class"] == PLAIN_NAME else f" {row['class']}"
        assert region.meta["text"] == f"{row['number']} {row['method']}{kind}"
        assert region.visual["facecolor"] == colours[row["method"]]


def test_a_verdict_is_part_of_the_text_and_a_rejected_hit_is_dashed(analysis):
    pixels = [np.argwhere(analysis.labels == number)[:, ::-1] + 1 for number in (2, 3)]
    judged = analysis.replace(
        mediancr_pixels_rejected=pixels[0].tolist(), mediancr_pixels_confirmed=pixels[1].tolist()
    )
    before, after = regions_text(analysis).splitlines(), regions_text(judged).splitlines()
    assert len(after) == len(before)
    assert " dash=1 " in after[5]
    assert after[5].endswith(" rejected}")
    assert after[6] == before[6].replace("}", " confirmed}")
    assert after[7:] == before[7:]


def test_a_class_is_part_of_the_text(analysis, monkeypatch):
    table = analysis.hits
    table["class"] = [f"odd {{{row['number']}}}\nthing" for row in table]
    monkeypatch.setattr(cm.Analysis, "hits", property(lambda self: table))
    lines = regions_text(analysis).splitlines()
    assert len(lines) == 4 + len(table)
    assert lines[4].endswith("odd (1) thing}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a}b{c", "a)b(c"), ("one\ntwo\tthree", "one two three"), ("\x1b[1m", "\\x1b[1m")],
)
def test_text_cannot_end_its_region(text, expected):
    assert escaped(text) == expected


def test_tables_keep_every_row_and_value(analysis, tmp_path):
    for name, form in (("hits.csv", "ascii.csv"), ("hits.ecsv", "ascii.ecsv")):
        cm.save_hits(analysis, tmp_path / name)
        found = Table.read(tmp_path / name, format=form)
        assert found.colnames == analysis.hits.colnames
        np.testing.assert_array_equal(found["number"], analysis.hits["number"])
        np.testing.assert_allclose(
            found["max_median_minus_min"], analysis.hits["max_median_minus_min"], atol=0.0051
        )
    assert found.meta["UUID"] == analysis.uuid
    assert str(found["x"].unit) == "pix"


@pytest.mark.parametrize(("save", "name"), [(cm.save_regions, "a.reg"), (cm.save_hits, "a.csv")])
def test_nothing_is_replaced_unasked(analysis, tmp_path, save, name):
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(cm.ProductExistsError, match=name):
        save(analysis, path)
    assert path.read_text() == "mine"
    save(analysis, path, overwrite=True)
    assert path.read_text() != "mine"
    with pytest.raises(cm.OutputError, match=r"expected \.(reg|ecsv or \.csv)$"):
        save(analysis, tmp_path / "a.fits", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
