"""A folder that came from somebody else: nothing in it is run, followed or written through."""

import json
import os
import re
import subprocess
import sys

import pytest

from crmasks_widgets._apart import leave_out_current_folder
from crmasks_widgets.batch.block import Task, run_block
from crmasks_widgets.batch.blocks import find_blocks
from crmasks_widgets.batch.record import RECORD_NAME
from crmasks_widgets.batch.workers import Options, run_batch
from crmasks_widgets.files.folder_lock import LOCK_NAME

from .bad_input_cases import refused
from .conftest import digests

# ---- modules beside the data ---------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.parametrize("name", ["astropy", "yaml", "numpy"])
def test_a_module_beside_the_data_is_not_imported(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('hacked')")
    done = subprocess.run(
        [sys.executable, "-m", "crmasks_widgets", "--version"], cwd=tmp_path, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_current_folder_leaves_the_path_only_when_the_package_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, package, left in (
        (["-m"], tmp_path / "elsewhere", ["/lib"]),
        (["-m"], tmp_path, [str(tmp_path), "/lib"]),
        (["script.py"], tmp_path / "elsewhere", [str(tmp_path), "/lib"]),
    ):
        path = [str(tmp_path), "/lib"]
        leave_out_current_folder(path, arguments, package)
        assert path == left


@pytest.mark.process
def test_workers_of_a_batch_import_no_module_beside_the_data(work, monkeypatch):
    for name in ("multiprocessing", "pickle", "yaml", "crmasks_widgets"):
        (work.folder / f"{name}.py").write_text("open('hacked', 'w')")
    monkeypatch.chdir(work.folder)
    work.yaml()
    (outcome,) = run_batch(find_blocks(["params.yaml"]), "out", Options(workers=1, figures=False))
    assert outcome.state == "done", outcome
    assert not (work.folder / "hacked").exists()


# ---- the record of a batch -----------------------------------------------------------------------


@pytest.fixture
def task(work, monkeypatch):
    monkeypatch.chdir(work.folder)
    work.yaml()
    (block,) = find_blocks(["params.yaml"])
    return Task(block, work.folder / "out", figures=False)


MISFITS = {
    "types": {"counts": ["hits"], "inputs": 3},
    "negative": {"counts": {"hits": -1}},
    "not finite": {"counts": {"hits": float("nan")}},
    "markup": {"counts": {"<script>alert(1)</script>": 1}},
    "an escape sequence": {"version": "\x1b]0;title\x07"},
    "text for a number": {"counts": {"hits": "\x1b[31m7"}},
    "a list of warnings that is none": {"warnings": "w"},
    "another key": {"more": 1},
    "no fingerprint": {"products": {"crmasks.fits": True}},
    "a product elsewhere": {"products": {"../params.yaml": {"bytes": 1, "sha256": "0" * 64}}},
    "a request that is none": {"request": []},
}


@pytest.mark.parametrize("kind", MISFITS)
@pytest.mark.slow
def test_a_record_that_does_not_fit_proves_nothing(task, kind):
    assert run_block(task).state == "done"
    path = task.folder / RECORD_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | MISFITS[kind]))
    outcome = run_block(task)
    assert outcome.state == "failed"
    assert re.match(r".*found products of an earlier run, expected", outcome.error)


def test_a_record_says_nothing_about_what_was_asked_for(task):
    first = run_block(task)
    path = task.folder / RECORD_NAME
    record = json.loads(path.read_text())
    record["parameters"] = {"<b>": "x"}
    record["inputs"] = {"other.fits": "0" * 64}
    path.write_text(json.dumps(record))
    again = run_block(task)
    assert again.state == "verified"
    assert again.record == first.record


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "\x00", '{"request": 1'])
def test_a_broken_record_proves_nothing(task, text):
    task.folder.mkdir()
    (task.folder / RECORD_NAME).write_text(text)
    assert run_block(task).state == "done"


# ---- links ---------------------------------------------------------------------------------------


def test_loops_of_links_end(work, run_cli):
    (work.folder / "blocks").mkdir()
    (work.folder / "blocks" / "round").symlink_to(".")
    (work.folder / "blocks" / "loop.yaml").symlink_to("loop.yaml")
    result = run_cli(["batch", "blocks"], work.folder)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "blocks: found no block, expected parameter files" in result.err
    result = run_cli(["batch", "blocks/loop.yaml"], work.folder)
    assert (result.code, result.err.count("\n")) == (2, 1)
    (work.folder / "e2.fits").unlink()
    (work.folder / "e2.fits").symlink_to("e2.fits")
    work.yaml()
    refused(work, "e2.fits: ")
    (work.folder / "out").symlink_to("out")
    refused(work)


@pytest.mark.parametrize("name", [LOCK_NAME, "crmasks.fits", "hits.ecsv"])
@pytest.mark.parametrize("source", ["e2.fits", "params.yaml"])
def test_a_hard_link_to_an_input_is_never_written_through(work, name, source):
    work.yaml()
    work.out.mkdir()
    (work.out / name).hardlink_to(work.folder / source)
    refused(work, f"{name}: found another name of", arguments=["--overwrite"])


LOCKS = {
    "a link": lambda path: path.symlink_to("../e1.fits"),
    "another content": lambda path: path.write_text("\nmy notes"),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("found", LOCKS)
def test_what_is_no_lock_is_left_alone(work, found):
    work.yaml()
    work.out.mkdir()
    LOCKS[found](work.out / LOCK_NAME)
    result = work.run()
    assert result.code == 2
    assert f"{LOCK_NAME}: found {found}, expected the lock of a run, or nothing" in result.err
    assert os.path.lexists(work.out / LOCK_NAME)
    assert [path.name for path in work.out.iterdir()] == [LOCK_NAME]


def test_a_stale_lock_of_another_user_is_removed(work, monkeypatch):
    work.yaml()
    work.out.mkdir()
    lock = work.out / LOCK_NAME
    lock.write_text("\nprocess 1 on elsewhere")
    opened = os.open

    def not_mine(path, flags, *arguments, **options):
        if str(path).endswith(LOCK_NAME) and not flags & os.O_CREAT and flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", not_mine)
    assert work.run().code == 0
    assert not lock.exists()


def test_inputs_stay_as_they_were(work):
    work.yaml()
    before = digests(work.folder)
    assert work.run().code == 0
    after = digests(work.folder)
    assert {name: after[name] for name in before} == before
