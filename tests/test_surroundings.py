"""What surrounds a run: the terminal, the environment, files that are not its own."""

import errno
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import cli, machine, running
from crmasks_widgets.batch.block import Outcome
from crmasks_widgets.batch.report import csv_text
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.regions import region_mask
from crmasks_widgets.demo import write_demo
from crmasks_widgets.errors import OutputError, ParameterError, ProductExistsError
from crmasks_widgets.figures._backend import import_without_backend
from crmasks_widgets.files import writing
from crmasks_widgets.files.writing import text_product, write_products
from crmasks_widgets.machine import available_memory
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.screen import PlainConsole, lasting_streams

from .conftest import digests

# ---- the terminal --------------------------------------------------------------------------------


class Broken(io.TextIOWrapper):
    """A stream that takes nothing."""

    def __init__(self, error):
        super().__init__(io.BytesIO(), "ascii")
        self.error = error

    def write(self, _text):
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "warning: stdout: not writable (No "),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
    ],
)
def test_a_terminal_that_takes_no_more_ends_no_run(work, monkeypatch, error, said):
    work.yaml()
    monkeypatch.chdir(work.folder)
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    monkeypatch.setattr(sys, "stdout", Broken(error))
    assert cli.main(["run", "params.yaml", "--output-dir", "out", "--no-figures"]) == 0
    assert len(work.products()) == 8
    assert errors.getvalue()[: len(said)] == said
    assert errors.getvalue().count("\n") == bool(said)


def test_what_an_encoding_does_not_know_is_an_escape(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with lasting_streams():
        print("snow\u2603 \udcff")  # noqa: T201
    assert stream.buffer.getvalue() == b"snow\\u2603 \\udcff\n"
    assert stream.errors == "strict"


def test_text_of_others_does_not_steer_the_terminal():
    stream = io.StringIO()
    PlainConsole(file=stream, width=200).print("a\x1b]0;b\x07[red]c[/]\u202e :smile:\nd")
    assert stream.getvalue() == "a\\x1b]0;b[red]c[/]\\u202e :smile:\nd\n"


def test_whatever_is_left_over_is_one_line(work, monkeypatch):
    work.yaml()

    def fail(*_, **__):
        raise ZeroDivisionError("two\nlines\x1b[2J")

    monkeypatch.setattr(running, "room_needed", fail)
    result = work.run()
    assert result.code == 1
    assert result.err == (
        "crmasks: unexpected ZeroDivisionError: two lines\\x1b[2J (--log-level DEBUG says where)\n"
    )
    result = work.run("--log-level", "DEBUG")
    assert "raise ZeroDivisionError" in result.out


@pytest.mark.parametrize("arguments", [["lab", "-p.yaml"], ["run"], ["walk"], ["demo", "--size"]])
def test_wrong_arguments_are_one_line(run_cli, tmp_path, arguments):
    result = run_cli(arguments, tmp_path)
    assert (result.code, result.err.count("\n"), result.out) == (2, 1, "")
    assert result.err.startswith("crmasks: ")


# ---- the environment -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["inf", "nan", "-3", "0", "words", "1e400"])
def test_a_limit_that_is_none_is_named(work, monkeypatch, text):
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", text)
    work.yaml()
    result = work.run()
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert f"CRMASKS_MEMORY_LIMIT: found '{text}', expected MiB, a number above 0" in result.err
    with pytest.raises(ValueError, match="CRMASKS_MEMORY_LIMIT"):
        available_memory()


@pytest.mark.process
def test_too_few_addresses_are_said_before_anything_is_loaded(work, monkeypatch):
    work.yaml()
    program = f"ulimit -v 420000; exec {sys.executable} -P -m crmasks_widgets run params.yaml"
    done = subprocess.run(
        ["sh", "-c", program], cwd=work.folder, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        2,
        "crmasks: addresses of this process: found a limit of 410 MiB (ulimit -v), expected at "
        "least 640 MiB\n",
    )
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(machine, "address_limit", lambda: size / 2**20 + 300)
    assert 0 < available_memory() < 350
    monkeypatch.setattr(machine, "address_limit", lambda: size / 2**20 + 100)
    assert "3 such images need 251 MiB of memory" in work.run().err


def test_the_limit_of_a_group_of_processes_is_that_of_the_process(tmp_path):
    inner = tmp_path / "unified" / "a" / "b"
    (tmp_path / "v1" / "memory" / "c").mkdir(parents=True)
    inner.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("4:memory:/c\n5:cpu,io:/../x\n0::/a/b\n")
    for folder, limit in (
        (inner, "max"),
        (inner.parent, 300 * 2**20),
        (inner.parent.parent, "max"),
    ):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{100 * 2**20}\n")
        (folder / "memory.stat").write_text("")
    assert available_memory(tmp_path / "none", tmp_path / "unified", tmp_path) == 200
    older = tmp_path / "v1" / "memory" / "c"
    (older / "memory.limit_in_bytes").write_text(f"{50 * 2**20}\n")
    (older / "memory.usage_in_bytes").write_text("0\n")
    (older / "memory.stat").write_text("")
    assert available_memory(tmp_path / "none", tmp_path / "v1", tmp_path) == 50


def test_a_home_in_the_name_of_a_folder_is_found(work, run_cli, monkeypatch):
    monkeypatch.setenv("HOME", str(work.folder / "home"))
    work.yaml()
    given = ["run", "params.yaml", "--no-figures", "--output-dir=~/x"]
    assert run_cli(given, work.folder).code == 0
    assert (work.folder / "home" / "x" / "crmasks.fits").is_file()
    assert not (work.folder / "~").exists()


def test_a_current_folder_that_is_gone_is_said(run_cli, tmp_path, monkeypatch):
    def gone(*_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(cli.Path, "cwd", gone)
    result = run_cli(["batch", "x"], tmp_path)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "current folder: not there any more" in result.err


def test_a_home_that_may_not_be_looked_into_is_said(run_cli, tmp_path, monkeypatch):
    look, home = os.stat, tmp_path / "home"

    def closed(path, **options):
        if str(path).startswith(f"{home}/"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return look(path, **options)

    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(cli.os, "stat", closed)
    result = run_cli(["check", "p.yaml"], tmp_path)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert f"{home}: home folder that may not be looked into (Permission denied)" in result.err
    monkeypatch.setattr(cli.os, "stat", look)
    assert "p.yaml" in run_cli(["check", "p.yaml"], tmp_path).err


def test_matplotlib_is_imported_without_a_backend_of_the_surroundings(monkeypatch):
    environment, seen = {"MPLBACKEND": "nonsense"}, []
    monkeypatch.setattr("importlib.import_module", lambda name: seen.append((name, *environment)))
    import_without_backend(environment)
    assert seen == [("matplotlib",)]
    assert environment == {"MPLBACKEND": "nonsense"}


# ---- files of others -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exposure1.fits", "truth.fits", "params.yaml"])
def test_a_demo_replaces_only_what_a_demo_wrote(tmp_path, name):
    write_demo(tmp_path, (32, 40))
    write_demo(tmp_path, (32, 40), overwrite=True)
    (tmp_path / name).unlink()
    if name.endswith("fits"):
        fits.PrimaryHDU(np.ones((32, 40), np.float32)).writeto(tmp_path / name)
    else:
        (tmp_path / name).write_text("gain: 1\n")
    before = digests(tmp_path)
    with pytest.raises(ProductExistsError, match=f"{name}: found a file that crmasks demo did not"):
        write_demo(tmp_path, (32, 40), overwrite=True)
    assert digests(tmp_path) == before


@pytest.mark.slow
def test_what_is_removed_is_said(work):
    work.yaml()
    assert work.run(figures=True).code == 0
    figures = {name for name in work.products() if name.endswith((".png", ".pdf"))}
    result = work.run("--overwrite")
    assert result.code == 0
    (line,) = [line for line in result.out.splitlines() if line.startswith("removed, of an")]
    assert set(line.partition(": ")[2].split(", ")) == figures


@pytest.mark.parametrize("links", [True, False])
def test_a_rename_refused_midway_leaves_the_folder_as_it_was(tmp_path, monkeypatch, links):
    for name in ("a.txt", "c.txt"):
        (tmp_path / name).write_text("old")
    before, rename = digests(tmp_path), os.replace

    def refuse_c(source, target):
        if str(target).endswith("c.txt"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        rename(source, target)

    def no_links(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(writing.os, "replace", refuse_c)
    if not links:
        monkeypatch.setattr(writing.os, "link", no_links)
    products = [text_product(name, "", "new") for name in ("a.txt", "b.txt", "c.txt")]
    with pytest.raises(OutputError, match=r"c\.txt: could not be replaced"):
        write_products(products, tmp_path)
    assert digests(tmp_path) == before


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@x"])
def test_a_spreadsheet_computes_no_name(name):
    assert csv_text([Outcome(name, "failed", error=name)]).splitlines()[1].count(f"'{name}") == 2


@pytest.mark.parametrize("card", ["BUNIT   =", "BUNIT   = '  '"])
def test_a_unit_that_is_not_defined_is_adu(work, card):
    for name in work.images:
        with fits.open(work.folder / name, mode="update") as hdus:
            hdus[0].header["BUNIT"] = "x"
        content = (work.folder / name).read_bytes()
        at = content.index(b"BUNIT   =")
        (work.folder / name).write_bytes(
            content[:at] + card.ljust(80).encode() + content[at + 80 :]
        )
    work.yaml()
    assert work.run().code == 0
    with fits.open(work.out / "combined_meancr.fits") as hdus:
        assert (hdus[0].header["BUNIT"], hdus["VARIANCE"].header["BUNIT"]) == ("adu", "adu2")


# ---- costs ---------------------------------------------------------------------------------------


def test_many_regions_cost_no_more_for_being_large():
    rng = np.random.default_rng(2)
    corners = np.sort(rng.integers(1, [[31], [41]], (300, 2, 2)), axis=2)
    regions = tuple((x0, x1, y0, y1) for (y0, y1), (x0, x1) in corners.tolist())
    expected = np.zeros((30, 40), bool)
    for x0, x1, y0, y1 in regions[:40]:
        expected[y0 - 1 : y1, x0 - 1 : x1] = True
    assert np.array_equal(region_mask(regions[:40], (30, 40), "r"), expected)
    started = time.process_time()
    assert region_mask(((1, 3000, 1, 3000),) * 20_000, (3000, 3000), "r").all()
    assert time.process_time() - started < 10  # one by one: 9 MB each, a minute


def test_the_cost_of_growing_is_bounded():
    mask = np.zeros((60, 70), bool)
    mask[30, 20] = mask[2, 60] = True
    y, x = np.ogrid[:60, :70]
    for far in (9, 25):
        near = [np.maximum(abs(y - b), abs(x - a)) <= far for b, a in ((30, 20), (2, 60))]
        assert np.array_equal(grow(mask, far), near[0] | near[1])
    assert grow(mask, 2**31 - 1).all()


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("la_psfsize", 101), ("la_padwidth", 200), ("la_niter", 100), ("mm_knots_splfit", 100),
        ("mm_nsimulations", 1_000_000), ("mm_niter_boundary_extension", 100), ("semiwindow", 500),
        ("mm_weight_boundary_extension", 1000.0),
    ],
)  # fmt: skip
def test_what_would_not_end_is_refused(name, most):
    assert getattr(Parameters(**{name: most}), name) == most
    with pytest.raises(ParameterError, match=rf"{name}: found .*, expected .*at most {most}"):
        Parameters(**{name: most + 2})


def test_text_that_looks_like_a_number_costs_its_length():
    levels = "gain: 1\nrnoise: 1\nbias: 0\nrequirements:\n"
    started = time.process_time()
    for text in ("7" * 900_000 + ".5", "7_" * 400_000 + ".5x"):
        with pytest.raises(ParameterError, match="la_sigclip"):
            Parameters.from_yaml_text(f"{levels}  la_sigclip: {text}\n")
    later = "".join(f"  nn_{i}: 1\n" for i in range(60_000))
    with pytest.warns(UserWarning, match="nn_0, nn_1, .* and 59980 more"):
        Parameters.from_yaml_text(levels + later)
    assert time.process_time() - started < 30  # quadratic: minutes


def test_more_exposures_than_can_be_tested_and_more_windows_than_by_hand_are_refused(work):
    work.yaml(
        pixels_to_be_replaced_by_local_median=[[5, 5, 3, 3 + 2 * (i % 3)] for i in range(10_001)]
    )
    result = work.run()
    assert "found 10001 windows, expected at most 10000" in result.err
    work.yaml(pixels_to_be_replaced_by_local_median=[[5, 5, 20_001, 20_001]])
    assert "found 400040001 pixels in windows" in work.run().err
