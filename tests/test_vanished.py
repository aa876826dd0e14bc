"""What vanishes under a run, or is in its way, is one line that names it."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import crmasks_widgets as cm
from crmasks_widgets.demo import write_demo
from crmasks_widgets.ending import EXIT_BAD_INPUT, EXIT_EXISTS
from crmasks_widgets.errors import OutputError, ProductExistsError
from crmasks_widgets.files.folder_lock import LOCK_NAME, TEMPORARY_PREFIX
from crmasks_widgets.files.writing import Product, occupied, write_products
from crmasks_widgets.report import save_report
from tests.product_cases import analysis_of


def products(meanwhile, names=("a.txt", "b.txt", "c.txt")):
    """Products, of which the second has something happen while it is written."""

    def write(path):
        if path.name.endswith(names[1]):
            meanwhile(path)
        path.write_text("content")

    return [Product(name, "text", write, 7) for name in names]


def remove_first(path):
    for other in path.parent.glob(f"{TEMPORARY_PREFIX}*a.txt"):
        other.unlink()


def remove_folder(path):
    shutil.rmtree(path.parent)


def replace_by_file(path):
    shutil.rmtree(path.parent)
    path.parent.write_text("somebody else's")


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (remove_first, r"/out/\S+a\.txt: removed by another program while products were written"),
        (remove_folder, r"/out: found no folder any more, expected the folder to stay"),
        (replace_by_file, r"/out: found a file, expected the folder to stay"),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_what_is_removed_while_products_are_written_is_named(tmp_path, meanwhile, said, new):
    folder = tmp_path / "out"
    if not new:
        folder.mkdir()
    with pytest.raises(OutputError, match=said), occupied(folder):
        write_products(products(meanwhile), folder)
    if meanwhile is remove_first:
        assert not folder.exists() if new else not list(folder.iterdir())
    if meanwhile is replace_by_file:
        assert folder.read_text() == "somebody else's"


@pytest.mark.parametrize("replaced", [True, False])
def test_a_folder_that_goes_when_all_is_written_ends_no_run_in_a_traceback(tmp_path, replaced):
    """The lock is gone with it; that there are no products is found by who looks for them."""
    folder = tmp_path / "out"
    with occupied(folder):
        shutil.rmtree(folder)
        if replaced:
            folder.write_text("somebody else's")
    assert folder.exists() == replaced


@pytest.mark.process
def test_a_lock_that_cannot_say_whose_it_is_does_not_stay(tmp_path):
    """No file may have a byte: the run is refused, and leaves nothing."""
    code = (
        "import sys; from pathlib import Path\n"
        "from crmasks_widgets.files.writing import occupied\n"
        "from crmasks_widgets import OutputError\n"
        "try:\n    occupied(Path(sys.argv[1])).__enter__()\n"
        "except OutputError as error:\n    print(error)\n"
    )
    pytest.importorskip("resource")
    ended = subprocess.run(
        [sys.executable, "-c", "import resource as r, sys\n"
         "r.setrlimit(r.RLIMIT_FSIZE, (0, 0))\n" + code, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert f"{tmp_path}: not writable (File too large), expected" in ended.stdout
    assert not (tmp_path / LOCK_NAME).exists()
    assert not list(tmp_path.iterdir())


def test_a_limit_of_the_size_of_files_is_not_called_a_full_disk(tmp_path):
    def too_large(path):
        raise OSError(27, "File too large")

    with pytest.raises(OutputError, match=r"b\.txt: .*File too large.*ulimit -f") as caught:
        write_products(products(too_large), tmp_path)
    assert "bytes free" not in str(caught.value)


def dangling(folder, name):
    link = folder / name
    link.symlink_to("nowhere")
    return link


@pytest.mark.parametrize("name", ["s.yaml", "hits.reg", "hits.ecsv", "hits.csv", "report.html"])
def test_a_link_that_leads_nowhere_has_its_name_for_every_writer(tmp_path, name):
    link, analysis = dangling(tmp_path, name), analysis_of()
    write = {
        ".yaml": cm.save_session, ".reg": cm.save_regions, ".html": save_report,
        ".ecsv": cm.save_hits, ".csv": cm.save_hits,
    }[link.suffix]  # fmt: skip
    with pytest.raises(ProductExistsError, match="found a file of this name"):
        write(analysis, link)
    assert link.is_symlink()
    write(analysis, link, overwrite=True)
    assert link.is_file()
    assert not link.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_removed_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    """As a file of another user in a folder like /tmp."""
    for name in ("a.txt", "old.txt", "older.txt"):
        (tmp_path / name).write_text(name)
    unlink = Path.unlink

    def refused(path, missing_ok=False):
        if path.name == "older.txt":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    earlier = [tmp_path / name for name in ("a.txt", "old.txt", "older.txt")]
    with pytest.raises(OutputError, match=r"older\.txt: could not be removed"):
        write_products(products(lambda _: None), tmp_path, earlier)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {p.name: p.name for p in earlier}


def exposures(folder, cards=None):
    for number in (1, 2, 3):
        frame = np.random.default_rng(number).poisson(300, (40, 50)).astype(np.float32)
        fits.writeto(folder / f"e{number}.fits", frame, fits.Header(cards or {}))
    text = "images: [e1.fits, e2.fits, e3.fits]\ngain: 1\nrnoise: 3\nbias: 0\n"
    text += "requirements: {crmethod: mm_lacosmic}\n"
    (folder / "p.yaml").write_text(text)


@pytest.mark.parametrize("arguments", [("init", "e1.fits", "e2.fits", "e3.fits", "-o", "q.yaml"),
                                       ("check", "p.yaml", "--write", "q.yaml")])  # fmt: skip
def test_commands_leave_a_link_that_leads_nowhere(tmp_path, monkeypatch, capsys, arguments):
    from crmasks_widgets.cli import main

    exposures(tmp_path)
    monkeypatch.chdir(tmp_path)
    dangling(tmp_path, "q.yaml")
    assert main(list(arguments)) == EXIT_EXISTS
    assert Path("q.yaml").readlink() == Path("nowhere")
    assert "q.yaml: found a file of this name" in capsys.readouterr().err


def appears_late(monkeypatch, folder, name, kind):
    """Let a name be taken when the first file is complete and not renamed yet."""
    real, path = os.fsync, folder / name

    def fsync(handle):
        real(handle)
        if not os.path.lexists(path):
            path.symlink_to("nowhere") if kind == "link" else path.write_text("somebody else's")

    monkeypatch.setattr(os, "fsync", fsync)
    return path


def untouched(path, kind):
    if kind == "link":
        return path.is_symlink() and path.readlink() == Path("nowhere")
    return path.read_text() == "somebody else's"


LATE = {
    "s.yaml": lambda: cm.save_session(analysis_of(), "s.yaml"),
    "hits.reg": lambda: cm.save_regions(analysis_of(), "hits.reg"),
    "hits.ecsv": lambda: cm.save_hits(analysis_of(), "hits.ecsv"),
    "report.html": lambda: save_report(analysis_of(), "report.html"),
    "combined_meancr.fits": lambda: cm.save_all(analysis_of(), "."),
    "exposure2.fits": lambda: write_demo(".", shape=(40, 50)),
    "params.yaml": lambda: write_demo(".", shape=(40, 50)),
}


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("name", LATE)
def test_a_name_that_is_taken_while_files_are_written_is_never_replaced(
    tmp_path, monkeypatch, name, kind
):
    monkeypatch.chdir(tmp_path)
    path = appears_late(monkeypatch, tmp_path, name, kind)
    with pytest.raises(ProductExistsError, match=f"{name}: found a file of this name"):
        LATE[name]()
    assert untouched(path, kind)
    left = {*os.listdir(tmp_path)} - {name}
    assert left <= {f"exposure{n}.fits" for n in (1, 2, 3)}  # of the parameters, and whole
    assert name == "s.yaml" or not left


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("arguments", [("init", "e1.fits", "e2.fits", "e3.fits", "-o", "q.yaml"),
                                       ("check", "p.yaml", "--write", "q.yaml")])  # fmt: skip
def test_commands_replace_no_name_that_is_taken_meanwhile(tmp_path, monkeypatch, arguments, kind):
    from crmasks_widgets.cli import main

    exposures(tmp_path)
    monkeypatch.chdir(tmp_path)
    path = appears_late(monkeypatch, tmp_path, "q.yaml", kind)
    assert main(list(arguments)) == EXIT_EXISTS
    assert untouched(path, kind)
    assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


@pytest.mark.parametrize("links", [True, False])
def test_new_names_are_taken_on_file_systems_with_and_without_hard_links(
    tmp_path, monkeypatch, links
):
    def refused(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    (tmp_path / "b.txt").symlink_to("nowhere")
    with pytest.raises(ProductExistsError, match=r"b\.txt: found a file of this name"):
        write_products(products(lambda _: None), tmp_path, replace=False)
    assert os.listdir(tmp_path) == ["b.txt"]
    (tmp_path / "b.txt").unlink()
    write_products(products(lambda _: None), tmp_path, replace=False)
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt", "c.txt"]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"content"}
    assert {path.stat().st_nlink for path in tmp_path.iterdir()} == {1}


@pytest.mark.parametrize("seconds", [1e308, -1e308, 1e15, 3e11])
@pytest.mark.parametrize("begin", [{}, {"DATE-OBS": "2024-01-01T00:00:00"}])
def test_exposure_times_beyond_all_sense_end_no_run(tmp_path, seconds, begin):
    exposures(tmp_path, {"EXPTIME": seconds, **begin})
    analysis = cm.load_analysis(tmp_path / "p.yaml")
    cm.save_all(analysis, tmp_path / "out")
    header = fits.getheader(tmp_path / "out" / "combined_meancr.fits")
    assert header["EXPTIME"] == pytest.approx(seconds)
    assert ("TEXPTIME" in header) == (abs(seconds) < 1e308)
    assert "DATE-END" not in header


def test_a_current_folder_that_is_removed_meanwhile_is_said(tmp_path, monkeypatch, capsys):
    from crmasks_widgets import commands
    from crmasks_widgets.cli import main

    exposures(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def removed(*_, **__):
        Path(tmp_path / "here").rmdir()
        Path("out").resolve()

    monkeypatch.setattr(commands, "load_mosaic", removed)
    assert main(["run", "../p.yaml"]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "current folder: not there any more" in said
    assert "unexpected" not in said


def test_exposures_without_a_pixel_in_common_are_said_to_have_none():
    frames = np.random.default_rng(1).poisson(300, (3, 60, 60)).astype(np.float32)
    for number, frame in enumerate(frames):
        frame[number::3] = np.nan
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(rnoise=3.0))
    with pytest.raises(cm.InputError, match="found no pixel that is valid in all of them"):
        analysis.masks  # noqa: B018


def test_a_demo_larger_than_memory_is_refused_before_it_is_made(tmp_path, monkeypatch, capsys):
    from crmasks_widgets.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["demo", "d", "--size", "1000000000000", "1000000000000"]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "size: found 1000000000000 x 1000000000000 pixels: 3 such exposures need " in said
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", "300")
    assert main(["demo", "d"]) == EXIT_BAD_INPUT
    assert "pixels: 3 such exposures need 360 MiB of memory, expected at most 300" in (
        capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())
