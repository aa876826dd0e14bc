"""Batches: which blocks there are, what becomes of them, and what a killed one leaves behind."""

import contextlib
import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from astropy.table import Table

from crmasks_widgets import InputError, OutputError, ParameterError, __version__
from crmasks_widgets.batch import Options, check_workers, run_batch, workers_at_once
from crmasks_widgets.batch.block import RECORD_NAME, Outcome, Task, run_block
from crmasks_widgets.batch.blocks import find_blocks, memory_of
from crmasks_widgets.batch.report import html_text
from crmasks_widgets.ending import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_OTHER
from crmasks_widgets.errors import StartError
from crmasks_widgets.files.folder_lock import LOCK_NAME, TEMPORARY_PREFIX
from crmasks_widgets.files.writing import occupied
from crmasks_widgets.machine import available_memory, memory_needed

from .conftest import BOTH, SHAPE, digests, small_scene, write_exposures, write_yaml

DATA = {
    "combined_mediancr.fits", "combined_meancrt.fits", "combined_meancr.fits", "crmasks.fits",
    "crmasks_dq.fits",
    "hits.ecsv", "mediancr_identified.csv", "problematic_pixels.csv",
}  # fmt: skip
LONG = {"mm_boundary_fit": "spline", "mm_nsimulations": 1_000_000}  # longer than any test waits


def night(folder, name="params.yaml", seed=11, **settings):
    """A folder with three exposures and a parameter file."""
    folder.mkdir(parents=True, exist_ok=True)
    images = write_exposures(folder, small_scene(seed=seed).exposures)
    return write_yaml(folder / name, images, **settings)


@pytest.fixture
def nights(tmp_path):
    """Three blocks in one folder: good, one that cannot work, good."""
    folder = tmp_path / "nights"
    night(folder / "a", **BOTH)
    bad = night(folder / "b")
    bad.write_text(bad.read_text().replace("e2.fits", "gone.fits"))
    night(folder / "c", seed=12, mm_seed=None)
    return folder


def batch_table(folder):
    with (folder / "batch.csv").open(newline="") as stream:
        return {row["block"]: row for row in csv.DictReader(stream)}


# ---- which blocks there are ----------------------------------------------------------------------


def names(blocks):
    return [block.name for block in blocks]


def test_blocks_are_called_by_their_paths(tmp_path):
    one, two = night(tmp_path / "x" / "n1"), night(tmp_path / "x" / "n2", "tuned.yml")
    night(tmp_path / "x" / ".hidden")
    night(tmp_path / "x" / "out")
    assert names(find_blocks([one])) == ["params"]
    assert names(find_blocks([one, two])) == ["n1/params", "n2/tuned"]
    assert names(find_blocks([one.parent, two.parent])) == ["n1/params", "n2/tuned"]
    found = find_blocks([tmp_path / "x"], leave_out=tmp_path / "x" / "out")
    assert names(found) == ["n1/params", "n2/tuned"]


def test_a_block_that_cannot_be_read_is_its_own_fault(tmp_path):
    night(tmp_path / "a")
    (tmp_path / "b.yaml").write_text("nonsense: 1\n")
    bad = write_yaml(tmp_path / "c.yaml", ["x"] * 3)
    bad.write_text(bad.read_text().replace("images", "# images").replace("- x", "#"))
    blocks = {block.name: block for block in find_blocks([tmp_path])}
    assert set(blocks) == {"a/params", "b", "c"}
    assert blocks["a/params"].error == ""
    assert "nonsense" in blocks["b"].error
    assert "images: found none" in blocks["c"].error


def test_nothing_found_and_nothing_there(tmp_path):
    with pytest.raises(InputError, match="found no block"):
        find_blocks([tmp_path])
    with pytest.raises(InputError, match=r"night\.yaml: found nothing"):
        find_blocks([tmp_path / "night.yaml"])
    (tmp_path / "a night" / "n1").mkdir(parents=True)
    for name in ("e1.fits", "e2.fits.gz"):
        (tmp_path / "a night" / "n1" / name).touch()
    with pytest.raises(InputError) as refused:
        find_blocks([tmp_path])
    n1 = tmp_path / "a night" / "n1"
    assert f"has 2 FITS files: crmasks init '{n1}' --output '{n1}/params.yaml'" in str(
        refused.value
    )
    with pytest.raises(InputError, match=r"e1\.fits: found a FITS file.*crmasks init"):
        find_blocks([n1 / "e1.fits"])


def test_two_blocks_of_one_name_are_refused(tmp_path):
    night(tmp_path)
    night(tmp_path / "other", "Params.yaml").rename(tmp_path / "Params.yml")
    with pytest.raises(ParameterError, match="expected another name"):
        find_blocks([tmp_path])


def test_shared_parameters_leave_the_exposures_to_the_blocks(tmp_path):
    own = night(tmp_path / "n1", dilation=3, top={"gain": 1.25})
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"], mm_seed=None, dilation=2)
    (block,) = find_blocks([own], shared)
    p = block.parameters
    assert (p.dilation, p.gain, p.mm_seed) == (2, 1.25, None)
    assert p.images == ("e1.fits", "e2.fits", "e3.fits")
    assert set(block.sources) == {own, shared}
    assert block.remarks == ()
    assert own.parent in block.folders


def test_hand_edits_that_are_shared_are_remarked(tmp_path):
    own = night(tmp_path / "n1")
    edits = {"pixels_to_be_ignored_as_cr": [[3, 4]]}
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"], **edits)
    (block,) = find_blocks([own], shared)
    assert block.parameters.pixels_to_be_ignored_as_cr == ((3, 4),)
    said = "tuned.yaml: pixels_to_be_ignored_as_cr: found pixels, which are edited in every block"
    assert block.remarks == (said,)


TABLE = """block,images,dilation,mm_fixed_points_in_boundary
n1/a,e1.fits; e2.fits;e3.fits,2,
n1/b,e1.fits,,"[[0, 25], [500, 90]]"

n1/b,e2.fits,,
n1/b,e3.fits,,
"""


def test_a_table_has_images_and_changes(tmp_path):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(TABLE)
    a, b = find_blocks([tmp_path / "t.csv"], shared)
    assert (a.name, b.name) == ("n1/a", "n1/b")
    assert a.parameters.images == b.parameters.images == ("e1.fits", "e2.fits", "e3.fits")
    assert (a.parameters.dilation, b.parameters.dilation) == (2, 1)
    assert len(a.parameters.mm_fixed_points_in_boundary) == 3
    assert [point[:2] for point in b.parameters.mm_fixed_points_in_boundary] == [(0, 25), (500, 90)]


def test_an_ecsv_table_keeps_its_types(tmp_path):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    table = Table({
        "block": ["007", "008"], "images": [["a", "b", "c"]] * 2, "la_sigclip": [6.5, 7.0],
        "use_lamedian": [False, False],
    })  # fmt: skip
    table["images"] = table["images"].astype(object)
    table.write(tmp_path / "t.ecsv")
    blocks = find_blocks([tmp_path / "t.ecsv"], shared)
    assert names(blocks) == ["007", "008"]
    assert [block.parameters.la_sigclip for block in blocks] == [6.5, 7.0]
    assert blocks[0].parameters.images == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected one called block"),
        ("block,image\na,b\n", "expected one called images"),
        ("images\nb\n", "expected one called block"),
        ("block,images,la_sigclp\na,b,5\n", "la_sigclp: found an unknown key"),
        ("block,images\na,b,c\n", "row 1: found 3 cells, expected 2"),
        ("block,images\n../a,b\n", "found the block name '../a'"),
        ("block,images\n/etc/a,b\n", "found the block name '/etc/a'"),
        ("block,images\n.hidden,b\n", "found the block name"),
        ("block,images\na\\b,b\n", "found the block name"),
        ("block,images\n,b\n", "row 1: found the block name ''"),
        ("block,images\nA,b\na,b\n", "expected another name"),
        ("block,images\n", "found no block"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, said):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises((ParameterError, InputError)) as caught:
        find_blocks([tmp_path / "t.csv"], shared)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,x;y,2\na,z,3\n", "dilation: found 3 and 2, expected one value"),
        ("a,x;y;z,-1\n", "dilation: found -1"),
        ("a,x;y;z,&a 1\n", "expected plain values"),
        ("a,x,1\n", "images: "),
        ("a,,1\n", "images: "),
    ],
)
def test_rows_that_cannot_be_used_fail_alone(tmp_path, rows, said):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(f"block,images,dilation\n{rows}good,x;y;z,1\n")
    bad, good = find_blocks([tmp_path / "t.csv"], shared)
    assert said in bad.error
    assert good.error == ""


def test_a_table_needs_parameters(tmp_path):
    (tmp_path / "t.csv").write_text("block,images\na,x;y;z\n")
    with pytest.raises(ParameterError, match="expected --parameters"):
        find_blocks([tmp_path / "t.csv"])


# ---- memory and workers --------------------------------------------------------------------------


def test_memory_is_known_beforehand(tmp_path):
    path = night(tmp_path)
    (block,) = find_blocks([path])
    assert (
        memory_of(block) == memory_needed(3, SHAPE) == 8 * 3 * 4 * SHAPE[0] * SHAPE[1] / 2**20 + 250
    )
    (tmp_path / "e1.fits").write_bytes(b"no FITS")
    assert memory_of(block) == 0


@pytest.mark.parametrize(
    ("wanted", "needs", "free", "expected"),
    [
        (4, [100] * 9, 1000, 4),
        (4, [100] * 2, 1000, 2),
        (4, [400, 500, 300, 200], 1000, 2),
        (4, [400], 100, 1),
        (1, [1] * 5, 1e9, 1),
    ],
)
def test_so_many_workers_as_fit(wanted, needs, free, expected):
    assert workers_at_once(wanted, needs, free) == expected


@pytest.mark.parametrize("wanted", [0, -1])
def test_no_worker_is_refused(wanted):
    with pytest.raises(InputError, match="--workers"):
        workers_at_once(wanted, [1], 10)


def test_memory_within_the_limit_of_a_container(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:  8192000 kB\n")
    files = {"memory.max": "1073741824", "memory.current": "536870912",
             "memory.stat": "anon 1\ninactive_file 104857600\n"}  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    assert available_memory(tmp_path / "meminfo", tmp_path) == 1024 - 512 + 100
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(tmp_path / "meminfo", tmp_path) == 8000
    assert available_memory(tmp_path / "nowhere", tmp_path) == float("inf")


def test_a_block_above_the_free_memory_is_refused_with_what_it_needs(tmp_path, monkeypatch):
    path = night(tmp_path / "n")
    monkeypatch.setattr("crmasks_widgets.batch.workers.available_memory", lambda: 100.0)
    (outcome,) = run_batch(find_blocks([path]), tmp_path / "out")
    assert outcome.error == "found 100 MiB of free memory, expected 250 MiB"
    assert not (tmp_path / "out" / "params").exists()


# ---- what becomes of them ------------------------------------------------------------------------


@pytest.mark.process
def test_a_failing_block_does_not_stop_the_others(nights, run_cli):
    arguments = ["batch", "nights", "--output-dir", "out", "--workers", 2, "--no-figures"]
    result = run_cli(arguments, nights.parent)
    assert result.code == EXIT_OTHER
    said = "error: b/params: gone.fits: file not found, looked in "
    assert result.err.startswith(said)
    assert len(result.err.splitlines()) == 1
    out = nights.parent / "out"
    rows = batch_table(out)
    assert [row["state"] for row in rows.values()] == ["done", "failed", "done"]
    assert rows["b/params"]["error"].startswith("gone.fits: file not found")
    assert rows["c/params"]["parameters"].count("mm_seed") == 0
    for name in ("a", "c"):
        folder, row = out / name / "params", rows[f"{name}/params"]
        assert {path.name for path in folder.iterdir()} == DATA | {RECORD_NAME}
        record = json.loads((folder / RECORD_NAME).read_text())
        assert row["inputs"] == "e1.fits; e2.fits; e3.fits"
        inputs = digests(nights / name)
        assert record["inputs"] == {n: inputs[n] for n in ("e1.fits", "e2.fits", "e3.fits")}
        assert row["version"] == record["version"] == __version__
        made = {n: product["sha256"] for n, product in record["products"].items()}
        found = digests(folder)
        assert {n: found[n] for n in DATA} == made
        assert int(row["hits"]) == len(Table.read(folder / "hits.ecsv"))
        assert float(row["seconds"]) > 0
        assert row["attempts"] == "1"


@pytest.mark.process
def test_again_it_only_verifies_and_what_is_damaged_is_made_again(nights, run_cli):
    arguments = ["batch", "nights", "--output-dir", "out", "--workers", 1, "--no-figures"]
    run_cli(arguments, nights.parent)
    out = nights.parent / "out"
    before = digests(out)
    times = {path: path.stat().st_mtime_ns for path in out.glob("*/params/*")}
    (out / "c/params/hits.ecsv").write_text("cut")
    (out / "c/params/crmasks.fits").unlink()
    run_cli(arguments, nights.parent)
    assert [row["state"] for row in batch_table(out).values()] == ["verified", "failed", "done"]
    after = digests(out)
    same = {name for name in before if not name.startswith("batch.")}
    assert {n: before[n] for n in same} == {n: after[n] for n in same}
    kept = out / "a/params"
    assert all(path.stat().st_mtime_ns == times[path] for path in kept.iterdir())


def run_one(path, out, **options):
    (block,) = find_blocks([path])
    return run_block(Task(block, out, **{"figures": False, **options}))


def test_products_of_something_else_are_kept_without_overwrite(tmp_path):
    path, out = night(tmp_path / "n"), tmp_path / "out"
    assert run_one(path, out).state == "done"
    before = digests(out)
    write_yaml(path, ["e1.fits", "e2.fits", "e3.fits"], dilation=0)
    refused = run_one(path, out)
    assert refused.state == "failed"
    assert "products of an earlier run" in refused.error
    assert digests(out) == before
    assert run_one(path, out, overwrite=True).state == "done"
    assert digests(out) != before
    assert run_one(path, out).state == "verified"
    (path.parent / "e2.fits").write_bytes(
        (path.parent / "e2.fits").read_bytes().replace(b"NGC 1", b"NGC 2")
    )
    assert "products of an earlier run" in run_one(path, out).error


@pytest.mark.usefixtures("few_figures")
@pytest.mark.slow
def test_figures_that_were_not_drawn_are_drawn(tmp_path):
    path, out = night(tmp_path / "n", maxplots=1), tmp_path / "out"
    assert run_one(path, out).state == "done"
    assert run_one(path, out, figures=True, overwrite=True).state == "done"
    assert (out / "diagnostic_mediancr.png").exists()
    assert run_one(path, out, figures=True).state == "verified"


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"request": 1}', "\xff"])
@pytest.mark.slow
def test_a_record_that_is_none_proves_nothing(tmp_path, text):
    path, out = night(tmp_path / "n"), tmp_path / "out"
    out.mkdir()
    (out / RECORD_NAME).write_text(text, encoding="latin-1")
    assert run_one(path, out).state == "done"
    assert run_one(path, out).state == "verified"


def test_warnings_go_to_the_table_once(tmp_path):
    path = night(tmp_path / "n", pc_verbose=True)
    (tmp_path / "n/e3.fits").write_bytes((tmp_path / "n/e1.fits").read_bytes())
    outcome = run_one(path, tmp_path / "out")
    assert outcome.state == "done"
    ignored, copy = outcome.warnings
    assert ignored.endswith("without effect here: pc_verbose")
    assert "found the same content as in" in copy
    assert run_one(path, tmp_path / "out").warnings == outcome.warnings


def test_another_version_on_a_worker_is_refused(tmp_path):
    (block,) = find_blocks([night(tmp_path)])
    outcome = run_block(Task(block, tmp_path / "out", version="0.0"))
    assert outcome.error == f"worker: found crmasks_widgets {__version__}, expected 0.0"


def test_a_mistake_of_ours_fails_its_block_alone(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("crmasks_widgets.batch.block.compute_all", broken)
    outcome = run_one(night(tmp_path / "n"), tmp_path / "out")
    assert (outcome.state, outcome.error) == ("failed", "unexpected RuntimeError: two lines")


# ---- what a kill leaves behind -------------------------------------------------------------------


def kill_worker(folder, n, ended):
    """Kill the only worker `n` times, each time when it has begun its block."""
    for left in reversed(range(n)):
        wait_for(folder / RECORD_NAME, lambda: not ended.is_set())
        if left:  # the next worker writes it anew
            (folder / RECORD_NAME).unlink()
        for process in multiprocessing.active_children():
            os.kill(process.pid, signal.SIGKILL)
            process.join()


@pytest.mark.process
@pytest.mark.parametrize(("kills", "state"), [(1, "done"), (2, "failed")])
def test_a_block_whose_worker_was_killed_runs_again_but_not_for_ever(tmp_path, kills, state):
    # Simulations give the time to kill it.
    path = night(tmp_path / "n", mm_boundary_fit="spline", mm_nsimulations=1000)
    out = tmp_path / "out"
    ended = threading.Event()
    killer = threading.Thread(target=kill_worker, args=(out / "params", kills, ended))
    killer.start()
    (outcome,) = run_batch(find_blocks([path]), out, Options(workers=1, figures=False))
    ended.set()
    killer.join()
    assert (outcome.state, outcome.attempts) == (state, 2)
    assert outcome.error == ("its worker process died 2 times" if kills == 2 else "")
    assert batch_table(out)["params"]["state"] == state
    assert not multiprocessing.active_children()
    if kills == 1:
        run_batch(find_blocks([path]), tmp_path / "whole", Options(workers=1, figures=False))
        assert digests(out / "params") == digests(tmp_path / "whole" / "params")


@contextlib.contextmanager
def start_batch(folder, *arguments):
    command = [sys.executable, "-m", "crmasks_widgets", "batch", *map(str, arguments)]
    with subprocess.Popen(
        [*command, "--output-dir", "out", "--no-figures"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(path, works):
    """Wait until a file is there, and something in it, as long as what makes it works."""
    while True:
        ended = not works()
        if path.exists() and path.stat().st_size:
            return
        assert not ended, f"{path} did not come"
        time.sleep(0.01)


def no_process_uses(folder):
    """Whether all workers that had a folder as their current one are gone."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        users = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            try:
                users.append(link.readlink())
            except OSError:
                continue
        if folder not in users:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_batch_goes_on_where_it_was(tmp_path, run_cli, how):
    work = tmp_path / "work"
    night(work / "a")
    night(work / "b", **LONG)
    with start_batch(work, "a", "b", "--workers", 2) as process:
        wait_for(work / "out/a/params/hits.ecsv", lambda: process.poll() is None)
        wait_for(work / "out/b/params" / RECORD_NAME, lambda: process.poll() is None)
        done = work / "out/a/params" / RECORD_NAME
        while "products" not in json.loads(done.read_text()):
            time.sleep(0.01)
        process.send_signal(how)
        _, errors = process.communicate()
    assert no_process_uses(work)
    if how == signal.SIGINT:
        assert process.returncode == EXIT_INTERRUPTED
        assert errors == "crmasks: interrupted; the same command goes on with what is left\n"
        assert not list(work.glob(f"out/**/{TEMPORARY_PREFIX}*"))
    left = {path.name for path in (work / "out/b/params").iterdir()}
    # The lock of a killed process is open, and its file is removed by the next run.
    assert left - ({LOCK_NAME} if how == signal.SIGKILL else set()) == {RECORD_NAME}
    night_b = write_yaml(work / "b/params.yaml", ["e1.fits", "e2.fits", "e3.fits"])
    before = digests(work / "out/a")
    result = run_cli(["batch", "a", "b", "--output-dir", "out", "--no-figures"], work)
    assert result.code == 0
    states = {name: row["state"] for name, row in batch_table(work / "out").items()}
    assert states == {"a/params": "verified", "b/params": "done"}
    assert not list(work.glob("out/**/.crmasks-*"))
    assert digests(work / "out/a") == before
    run_cli(["batch", "a", night_b, "--output-dir", "whole", "--no-figures"], work)
    for name in ("a", "b"):
        assert digests(work / "out" / name) == digests(work / "whole" / name)


# ---- a Dask cluster ------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers on loopback, processes of their own; address and workers."""
    place, started = tmp_path / "scheduler.json", []

    def start(name, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *map(str, arguments)]
        log = (tmp_path / f"{name}{len(started)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        started.append(process)
        return process

    try:
        scheduler = start("scheduler", "--port", 0, "--scheduler-file", place)
        wait_for(place, lambda: scheduler.poll() is None)
        address = json.loads(place.read_text())["address"]
        options = ("--nthreads", 1, "--no-nanny", "--memory-limit", 0)
        yield address, [start("worker", address, *options) for _ in range(2)]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


@pytest.mark.process
def test_on_a_cluster_a_killed_workers_block_runs_elsewhere(tmp_path, run_cli, cluster):
    address, workers = cluster
    work = tmp_path / "work"
    for name in ("a", "b"):
        # Simulations give the time to kill the worker.
        night(work / name, mm_boundary_fit="spline", mm_nsimulations=1500)
    night(work / "c")
    bad = night(work / "d")
    bad.write_text(bad.read_text().replace("e2.fits", "gone.fits"))
    with start_batch(work, ".", "--scheduler", address) as process:
        for name in ("a", "b"):
            record = work / "out" / name / "params" / RECORD_NAME
            wait_for(record, lambda: process.poll() is None)
        workers[0].kill()
        _, errors = process.communicate()
    assert workers[1].poll() is None
    assert process.returncode == EXIT_OTHER
    assert errors.startswith("error: d/params: gone.fits: file not found")
    states = [row["state"] for row in batch_table(work / "out").values()]
    assert states == ["done", "done", "done", "failed"]
    run_cli(["batch", "a", "b", "c", "--output-dir", "here", "--no-figures"], work)
    for name in ("a", "b", "c"):
        assert digests(work / "out" / name) == digests(work / "here" / name)


@pytest.mark.process
def test_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    blocks = find_blocks([night(tmp_path / "n")])
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "distributed", None)
        with pytest.raises(StartError, match=r"expected crmasks_widgets\[dask\] installed"):
            run_batch(blocks, tmp_path / "out", Options(scheduler="tcp://127.0.0.1:1"))
    code = (
        "import sys\nfrom crmasks_widgets import cli\nfrom crmasks_widgets.batch import workers\n"
        "workers.CONNECT_SECONDS = 0.2\n"
        "if __name__ == '__main__':\n    sys.exit(cli.main(sys.argv[1:]))\n"
    )
    arguments = ["batch", "n", "--scheduler", "tcp://127.0.0.1:1", "--output-dir", "out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == EXIT_BAD_INPUT
    assert done.stderr.startswith("crmasks: --scheduler: found nothing to talk to at tcp://127")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("workers", "said"),
    [({}, "found no workers at X"), ({"w": {"nthreads": 2}}, "w: found a worker of 2 threads")],
)
def test_a_cluster_that_cannot_be_used(workers, said):
    with pytest.raises(StartError, match=said):
        check_workers(workers, "X")


# ---- the table -----------------------------------------------------------------------------------


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def test_the_page_shows_text_as_text():
    evil = "<script>alert(1)</script>\"'&"
    record = {"warnings": [evil], "inputs": {evil: evil}, "parameters": {"images": evil}}
    page = html_text([Outcome(evil, "failed", record, error=evil)])
    parser = Text()
    parser.feed(page)
    assert "script" not in parser.tags
    assert parser.text.count(evil) >= 4
    assert "1 failed" in parser.text


def test_the_page_links_the_report_of_a_block():
    record = {"products": {"crmasks.fits": {}, "report.html": {}}}
    assert '<a href="a%20b/report.html">report</a>' in html_text([Outcome("a b", "done", record)])
    assert "report.html" not in html_text([Outcome("a b", "done", {"products": {}})])
    # A block that failed has no folder.
    assert '<a href="a' not in html_text([Outcome("a b", "failed", {"warnings": []}, error="no")])


def test_a_second_batch_is_kept_out(tmp_path):
    blocks = find_blocks([night(tmp_path / "n")])
    with occupied(tmp_path / "out"), pytest.raises(OutputError, match="another run writing here"):
        run_batch(blocks, tmp_path / "out")


# ---- the command line ----------------------------------------------------------------------------


def test_a_usage_that_cannot_work_makes_nothing(tmp_path, run_cli):
    (tmp_path / "t.csv").write_text("block,images\na,x;y;z\n")
    for arguments in (["t.csv"], ["gone.yaml"], ["."]):
        result = run_cli(["batch", *arguments], tmp_path)
        assert result.code == EXIT_BAD_INPUT
        assert len(result.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
