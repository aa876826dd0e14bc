"""A run again: the same bytes, and what becomes of products that were there."""

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pymupdf
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from crmasks_widgets import OutputError, ProductExistsError, save_all
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.ending import EXIT_EXISTS

from .conftest import BOTH, digests, small_scene, write_exposures, write_yaml
from .counts import count
from .product_cases import FITS_PRODUCTS, TABLES, analysis_of

DATA_PRODUCTS = {*FITS_PRODUCTS, "crmasks.fits", "crmasks_dq.fits", *TABLES}


@pytest.mark.slow
def test_reproducible_runs_are_equal_byte_for_byte_whatever_the_threads(work, monkeypatch):
    # Without a seed, too: what is left to chance otherwise is fixed.
    work.yaml(**BOTH, mm_boundary_fit="spline", mm_nsimulations=1, mm_seed=None, maxplots=2)
    first = {}
    for i in range(count(3, 20)):
        threads = (1, 2, 4)[i % 3]
        monkeypatch.setattr("crmasks_widgets.commands.available_cpus", lambda n=threads: n)
        run = work.run("--reproducible", "--output-dir", f"run{i}", figures=i < 2)
        assert run.code == 0
        made = digests(work.folder / f"run{i}")
        first = first or made
        assert made.keys() >= DATA_PRODUCTS
        assert made == {name: first[name] for name in made}
    assert "DATE" not in fits.getheader(work.folder / "run0" / "crmasks.fits")


@pytest.mark.parametrize("given", [{}, {"mm_xy_offsets": [[0, 0], [0.3, 0], [0, 0]]}])
def test_date_is_the_only_difference_of_two_runs(work, monkeypatch, given):
    """Without a seed, too: where order statistics cannot be had, it is 0."""
    work.yaml(mm_seed=None, mm_nsimulations=2, mm_boundary_fit="spline", **given)
    dates = iter(["2026-01-01T00:00:00", "2026-12-31T23:59:59"])
    monkeypatch.setattr("crmasks_widgets.products.saving._date", lambda reproducible: next(dates))
    for folder in ("one", "two"):
        assert work.run("--output-dir", folder).code == 0
    for name in [*FITS_PRODUCTS, "crmasks.fits", "crmasks_dq.fits"]:
        difference = fits.FITSDiff(work.folder / "one" / name, work.folder / "two" / name)
        (header,) = (hdus[1].diff_headers for hdus in difference.diff_hdus)
        assert header.diff_keyword_values.keys() == {"DATE"}
        assert not header.diff_keyword_comments
        difference = fits.FITSDiff(
            work.folder / "one" / name, work.folder / "two" / name, ignore_keywords=["DATE"]
        )
        assert difference.identical
    for name in TABLES:
        same = [(work.folder / folder / name).read_bytes() for folder in ("one", "two")]
        assert same[0] == same[1]


def test_date_is_when_the_file_was_made_not_that_of_an_exposure(tmp_path):
    header = fits.Header({"DATE": "1999-01-01", "DATE-OBS": "1999-01-01"})
    save_all(analysis_of(headers=[header] * 3), tmp_path)
    found = fits.getheader(tmp_path / FITS_PRODUCTS[0])
    assert abs(datetime.fromisoformat(f"{found['DATE']}+00:00") - datetime.now(UTC)) < timedelta(1)
    assert found["DATE-OBS"] == "1999-01-01"
    save_all(analysis_of(headers=[header] * 3), tmp_path, overwrite=True, reproducible=True)
    assert "DATE" not in fits.getheader(tmp_path / FITS_PRODUCTS[0])


def test_stages_in_threads_give_the_same_masks():
    one, many = analysis_of(**BOTH), analysis_of(**BOTH)
    for analysis, threads in ((one, 1), (many, 8)):
        assert list(compute_all(analysis, threads))
    for name, mask in one.masks.items():
        np.testing.assert_array_equal(mask, many.masks[name])
    for kind in ("mediancr", "meancrt", "meancr"):
        np.testing.assert_array_equal(one.combination(kind).data, many.combination(kind).data)
    assert one.uuid == many.uuid


def test_uuid_follows_inputs_and_parameters():
    first = analysis_of()
    changed = np.array(small_scene().exposures)
    changed[2, 5, 5] += 1
    others = [
        analysis_of(changed),
        analysis_of(dilation=2),
        analysis_of(mm_seed=6),
        analysis_of(small_scene().exposures[::-1]),
    ]
    assert len({first.uuid, *(other.uuid for other in others)}) == 5


def test_uuid_follows_the_version(monkeypatch):
    now = analysis_of().uuid
    assert analysis_of().uuid == now
    monkeypatch.setattr("crmasks_widgets.analysis.identity.__version__", "0.0")
    assert analysis_of().uuid != now


def test_uuid_does_not_depend_on_where_the_run_is_made(work, tmp_path, run_cli):
    work.yaml()
    assert work.run().code == 0
    other = tmp_path / "another folder"
    shutil.copytree(work.folder, other, ignore=shutil.ignore_patterns("out"))
    assert run_cli(["run", other / "params.yaml", "--no-figures"], tmp_path).code == 0
    here, there = (folder / "crmasks.fits" for folder in (work.out, tmp_path))
    assert fits.getval(here, "UUID") == fits.getval(there, "UUID")
    for name in FITS_PRODUCTS:
        for i in range(3):
            here, there = (fits.getdata(folder / name, i) for folder in (work.out, tmp_path))
            np.testing.assert_array_equal(here, there)


FIGURES = {
    "diagnostic_histogram2d.png", "diagnostic_mediancr.png", "diagnostic_meancr.png",
    *(f"diagnostic_crmask{i}.png" for i in (1, 2, 3)),
    "mediancr_identified_cr.pdf", "problematic_pixels.pdf",
}  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch):
    """Let figures be files of text, save those named in this set."""
    from crmasks_widgets import figures

    jobs, drawn = figures.all_figures, set()

    def mostly_undrawn(analysis):
        for job in jobs(analysis):
            undrawn = figures.FigureJob(job.name, lambda path, _: path.write_text("figure"))
            yield job if job.name in drawn else undrawn

    monkeypatch.setattr(figures, "all_figures", mostly_undrawn)
    return drawn


def test_all_products_carry_the_uuid(work, undrawn):
    undrawn |= {"diagnostic_mediancr.png", "problematic_pixels.pdf"}
    frames = np.array(small_scene().exposures)
    for i in range(3):
        frames[np.arange(3) != i, 30, 40 + i] += 3000
    shutil.rmtree(work.folder)
    work.folder.mkdir()
    work.yaml(images=write_exposures(work.folder, frames), maxplots=1)
    result = work.run(figures=True)
    assert result.code == 0, result
    names = work.products()
    identity = fits.getval(work.out / "crmasks.fits", "UUID")
    assert f"run {identity}" in result.out
    assert names == DATA_PRODUCTS | FIGURES
    for name in names:
        path = work.out / name
        assert name in result.out
        if name.endswith(".fits"):
            assert fits.getval(path, "UUID") == identity
        elif name.endswith(".ecsv"):
            assert Table.read(path).meta["UUID"] == identity
        elif name in FIGURES - undrawn:
            assert path.read_text() == "figure"
        elif name.endswith(".png"):
            with Image.open(path) as picture:
                assert picture.text["UUID"] == identity
        elif name.endswith(".pdf"):
            with pymupdf.open(path) as document:
                assert f"UUID={identity}" in document.metadata["keywords"]
    again = work.run("--overwrite")
    assert again.code == 0
    assert work.products() == DATA_PRODUCTS  # without figures, those of the first run are gone


EARLIER = [
    *sorted(DATA_PRODUCTS), "mediancr_identified_cr.pdf", "problematic_pixels.pdf",
    "diagnostic_histogram2d.png", "diagnostic_mediancr.png", "diagnostic_meancr.png",
    "diagnostic_crmask7.png", "diagnostic_crmask12.png", "xyoffset_crosscorr_2.png",
    "flux_factor3.png",
]  # fmt: skip
FOREIGN = [
    "diagnostic_mine.png", "combined.fits", "my_crmasks.fits", "crmasks.fits.bak", "notes.txt",
    "old_hits.ecsv", "flux_factor.png", "truth.fits",
]  # fmt: skip


@pytest.mark.parametrize("name", EARLIER)
def test_earlier_product_is_refused(work, monkeypatch, name):
    work.yaml()
    work.out.mkdir()
    (work.out / name).write_text("of an earlier run")
    before = digests(work.folder)
    computed = []
    with monkeypatch.context() as patch:
        patch.setattr("crmasks_widgets.commands._compute_and_save", lambda *_: computed.append(1))
        result = work.run()
    assert result.code == EXIT_EXISTS
    assert not computed
    assert result.err.splitlines() == [
        f"crmasks: out/{name}: found products of an earlier run, expected another folder, or "
        "--overwrite (in Python: overwrite=True) to replace them"
    ]
    assert digests(work.folder) == before


def test_several_earlier_products_are_counted(work):
    work.yaml()
    assert work.run().code == 0
    before = digests(work.folder)
    result = work.run()
    assert result.code == EXIT_EXISTS
    assert "out/combined_meancr.fits and 7 more: found products" in result.err
    assert digests(work.folder) == before


def test_overwrite_replaces_products_removes_stale_ones_and_spares_the_rest(work):
    work.yaml()
    work.out.mkdir()
    for name in (*EARLIER, *FOREIGN):
        (work.out / name).write_text("earlier")
    assert work.run("--overwrite").code == 0
    assert work.products() == DATA_PRODUCTS | set(FOREIGN)
    for name in DATA_PRODUCTS:
        assert (work.out / name).read_bytes() != b"earlier"
    for name in FOREIGN:
        assert (work.out / name).read_text() == "earlier"


def test_foreign_files_are_no_obstacle(work):
    work.yaml()
    work.out.mkdir()
    for name in FOREIGN:
        (work.out / name).write_text("mine")
    assert work.run().code == 0


@pytest.mark.usefixtures("undrawn")
def test_fewer_exposures_leave_no_figure_of_the_fifth(work, tmp_path):
    five = tmp_path / "five"
    five.mkdir()
    names = write_exposures(five, small_scene(n=5).exposures)
    write_yaml(work.folder / "five.yaml", [five / name for name in names])
    work.yaml()
    arguments = ["run", "five.yaml", "--output-dir", "out"]
    assert work._run(arguments, work.folder).code == 0
    assert "diagnostic_crmask5.png" in work.products()
    assert work.run("--overwrite", figures=True).code == 0
    assert "diagnostic_crmask3.png" in work.products()
    assert not {"diagnostic_crmask4.png", "diagnostic_crmask5.png"} & work.products()


def test_products_go_to_the_current_folder_by_default(work, run_cli):
    work.yaml()
    before = set(digests(work.folder))
    assert run_cli(["run", "params.yaml", "--no-figures"], work.folder).code == 0
    assert set(digests(work.folder)) == before | DATA_PRODUCTS


def test_inputs_are_never_modified(work):
    work.yaml(**BOTH)
    before = digests(work.folder)
    assert work.run("--output-dir", ".").code == 0
    assert work.run("--output-dir", ".", "--overwrite").code == 0
    after = digests(work.folder)
    assert {name: after[name] for name in before} == before


def test_product_that_is_a_link_is_replaced_not_followed(work):
    work.yaml()
    work.out.mkdir()
    (work.folder / "elsewhere.fits").write_text("precious")
    (work.out / "crmasks.fits").symlink_to(work.folder / "elsewhere.fits")
    assert work.run("--overwrite").code == 0
    assert not (work.out / "crmasks.fits").is_symlink()
    assert (work.folder / "elsewhere.fits").read_text() == "precious"


def test_stale_product_that_cannot_be_removed_is_named(work, monkeypatch):
    work.yaml()
    work.out.mkdir()
    (work.out / "flux_factor1.png").write_text("earlier")
    real = type(work.out).unlink

    def unlink(self, missing_ok=False):
        if self.name == "flux_factor1.png":
            raise PermissionError(1, "Operation not permitted", str(self))
        real(self, missing_ok=missing_ok)

    monkeypatch.setattr("pathlib.Path.unlink", unlink)
    result = work.run("--overwrite")
    assert result.code == 2
    assert "flux_factor1.png: could not be removed (Operation not permitted)" in result.err


def test_save_all_from_python(tmp_path):
    analysis = analysis_of()
    written = save_all(analysis, tmp_path / "new" / "folder")
    assert {item.path.name for item in written} == DATA_PRODUCTS
    for item in written:
        assert item.path.stat().st_size == item.size
        assert item.content
    with pytest.raises(ProductExistsError, match="products of an earlier run"):
        save_all(analysis, tmp_path / "new" / "folder")
    save_all(analysis, tmp_path / "new" / "folder", overwrite=True)
    other = tmp_path / "combined_meancr.fits"
    other.write_text("an input")
    with pytest.raises(OutputError, match="found an input of this run"):
        save_all(analysis, tmp_path, inputs=[other], overwrite=True)
    assert other.read_text() == "an input"


def test_an_interrupt_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    analysis = analysis_of()
    monkeypatch.setattr("crmasks_widgets.products.saving.write_hits", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_all(analysis, tmp_path / "new" / "folder")
    assert list(tmp_path.iterdir()) == []
