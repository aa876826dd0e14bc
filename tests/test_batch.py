"""Batches: which blocks there are, what becomes of them, and what a killed one leaves behind."""

import contextlib
import csv
import json
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from astropy.table import Table

from crmasks_widgets import OutputError, __version__
from crmasks_widgets.batch import Options, check_workers, run_batch
from crmasks_widgets.batch.block import RECORD_NAME, Outcome, Task, run_block
from crmasks_widgets.batch.blocks import find_blocks
from crmasks_widgets.batch.report import CSV_NAME, HTML_NAME, html_text, write_table
from crmasks_widgets.batch.workers import _as_they_end
from crmasks_widgets.ending import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_OTHER
from crmasks_widgets.errors import StartError
from crmasks_widgets.files.folder_lock import LOCK_NAME, TEMPORARY_PREFIX
from crmasks_widgets.files.writing import occupied

from .batch_cases import night
from .conftest import BOTH, digests, write_yaml

DATA = {
    "combined_mediancr.fits", "combined_meancrt.fits", "combined_meancr.fits", "crmasks.fits",
    "crmasks_dq.fits",
    "hits.ecsv", "mediancr_identified.csv", "problematic_pixels.csv",
}  # fmt: skip
LONG = {"mm_boundary_fit": "spline", "mm_nsimulations": 1_000_000}  # longer than any test waits
HANGS = 600  # s; nothing that works takes so long on any machine


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
    path = night(tmp_path / "n", mm_boundary_fit="spline", mm_nsimulations=400)
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
    end = time.monotonic() + HANGS
    while True:
        ended = not works() or time.monotonic() > end
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
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(how)
        _, errors = process.communicate(timeout=HANGS)
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


def test_an_interrupt_while_the_tables_are_renamed_is_not_lost(tmp_path, monkeypatch):
    replaced = os.replace

    def pressed(*names):
        signal.raise_signal(signal.SIGINT)
        replaced(*names)

    monkeypatch.setattr(os, "replace", pressed)
    with pytest.raises(KeyboardInterrupt):
        write_table([Outcome("a", attempts=0)], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CSV_NAME, HTML_NAME}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


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
        night(work / name, mm_boundary_fit="spline", mm_nsimulations=500)
    night(work / "c")
    bad = night(work / "d")
    bad.write_text(bad.read_text().replace("e2.fits", "gone.fits"))
    with start_batch(work, ".", "--scheduler", address) as process:
        for name in ("a", "b"):
            record = work / "out" / name / "params" / RECORD_NAME
            wait_for(record, lambda: process.poll() is None)
        workers[0].kill()
        _, errors = process.communicate(timeout=HANGS)
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


class Cluster:
    """What a batch asks of a client and of futures: how many workers there are, look by look."""

    status = "running"

    def __init__(self, *workers, ends=()):
        self.workers, self.ends, self.ended = [*workers], ends, queue.SimpleQueue()

    def scheduler_info(self, **_):
        left = self.workers.pop(0)
        if not self.workers:
            self.workers = [left]
            for future in self.ends:
                self.ended.put(future)
        return {"workers": {"w": {}} if left else {}}


class Future:
    def __init__(self, is_cancelled):
        self.is_cancelled = is_cancelled

    def cancelled(self):
        return self.is_cancelled

    def exception(self):
        return None

    def result(self):
        return Outcome("block", "done", {})


@pytest.mark.parametrize(
    ("looks", "cancelled", "said", "warned"),
    [
        ((1, 0, 0), None, "found no worker left at X, expected at least one", 1),
        ((0, 1, 0, 1), True, "lost the scheduler at X; the same command goes on", 2),
        ((0, 1), False, "", 1),
    ],
)
def test_a_cluster_that_is_lost(tmp_path, monkeypatch, caplog, looks, cancelled, said, warned):
    monkeypatch.setattr("crmasks_widgets.batch.workers.LOOK_SECONDS", 0.001)
    alone = 3600.0 if cancelled is not None else 0.01
    monkeypatch.setattr("crmasks_widgets.batch.workers.ALONE_SECONDS", alone)
    tasks = [Task(block, tmp_path) for block in find_blocks([night(tmp_path / n) for n in "ab"])]
    futures = {Future(cancelled): task for task in tasks}
    client = Cluster(*looks, ends=tuple(futures) if cancelled is not None else ())
    outcomes = list(_as_they_end(client, dict(futures), client.ended, "X"))
    assert [outcome.error for outcome in outcomes] == [said] * 2
    lost = [record for record in caplog.records if "lost all workers" in record.getMessage()]
    assert len(lost) == warned


def test_a_client_that_is_closed_and_says_nothing_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("crmasks_widgets.batch.workers.LOOK_SECONDS", 0.001)
    monkeypatch.setattr("crmasks_widgets.batch.workers.ALONE_SECONDS", 0.01)
    (block,) = find_blocks([night(tmp_path / "n")])
    client = Cluster(1)
    client.status = "closed"
    (outcome,) = _as_they_end(client, {Future(False): Task(block, tmp_path)}, client.ended, "X")
    assert outcome.error == "lost the scheduler at X; the same command goes on"


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


def test_a_usage_that_cannot_work_makes_nothing(tmp_path, run_cli):
    (tmp_path / "t.csv").write_text("block,images\na,x;y;z\n")
    for arguments in (["t.csv"], ["gone.yaml"], ["."]):
        result = run_cli(["batch", *arguments], tmp_path)
        assert result.code == EXIT_BAD_INPUT
        assert len(result.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
