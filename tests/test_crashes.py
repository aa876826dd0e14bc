"""Killed, interrupted and failing runs: every product is absent, old or complete."""

import builtins
import contextlib
import errno
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from crmasks_widgets import OutputError, save_all
from crmasks_widgets.ending import EXIT_BAD_INPUT
from crmasks_widgets.errors import Interrupted
from crmasks_widgets.files import folder_lock, writing
from crmasks_widgets.files.folder_lock import LOCK_NAME, TEMPORARY_PREFIX, temporary_path
from crmasks_widgets.files.writing import Product, occupied, write_products

from .conftest import digests
from .counts import count
from .crashing_run import DATE, found_in
from .product_cases import analysis_of
from .test_repeated_runs import DATA_PRODUCTS

ROOT = Path(__file__).parents[1]


def is_product(name):
    return not name.startswith((TEMPORARY_PREFIX, LOCK_NAME))


# ---- SIGKILL -------------------------------------------------------------------------------------


def kill_runs(work, kind, n):
    """How the undisturbed run and every killed one left the folder."""
    command = [sys.executable, "-m", "tests.crashing_run", str(work.folder), kind, str(n), "7"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (_, complete), *runs = [json.loads(line) for line in done.stdout.splitlines()]
    return complete, runs


@pytest.mark.process
@pytest.mark.parametrize(
    ("kind", "earlier"),
    [("steps", True), *itertools.product(["anywhere", "writing"], [True, False])],
)
def test_killed_run_leaves_products_absent_old_or_complete(work, kind, earlier):
    work.yaml()
    old = {}
    if earlier:
        assert work.run("--output-dir", "before").code == 0
        (work.folder / "before" / "flux_factor1.png").write_text("stale")
        old = found_in(work.folder / "before")
        work.yaml(dilation=2)
    n = count(5, 1) if kind == "steps" else count(3, 50)
    complete, runs = kill_runs(work, kind, n)
    assert set(complete) == DATA_PRODUCTS
    for code, found in runs:
        assert code in (0, -signal.SIGKILL)
        for name in filter(is_product, {*found, *old}):
            if name not in found:
                assert name not in complete, f"{name} was there and is gone"
            else:
                assert found[name] in (old.get(name), complete.get(name)), name
    if kind == "steps":
        assert runs.pop() == [0, complete]
        assert len(runs) * n > 3 * len(DATA_PRODUCTS)
        # Some are killed with temporary files, and some between two renames.
        assert any(not all(map(is_product, found)) for _, found in runs)
        mixtures = [found for _, found in runs if 0 < len(complete.items() & found.items()) < 5]
        assert mixtures
    # Whatever a killed run left, the next one is complete and alone.
    now = work.folder / "now"
    (now / temporary_path(now, "crmasks.fits").name.replace(f"-{os.getpid()}-", "-999999999-")
     ).write_text("of a process that is dead")  # fmt: skip
    assert work.run("--output-dir", "now", "--overwrite").code == 0
    assert found_in(now) == complete


# ---- temporary files -----------------------------------------------------------------------------


def abandoned(folder, name="crmasks.fits", host=None, pid=999999999):
    host = host or temporary_path(folder, name).name.removeprefix(TEMPORARY_PREFIX)[:8]
    path = folder / f"{TEMPORARY_PREFIX}{host}-{pid}-0123abcd-{name}"
    path.write_text("half of it")
    return path


def test_only_temporary_files_of_dead_processes_are_removed(tmp_path):
    dead = abandoned(tmp_path)
    alive = abandoned(tmp_path, pid=os.getpid())
    other_machine = abandoned(tmp_path, host="0" * 8)
    long_ago = abandoned(tmp_path, host="1" * 8)
    os.utime(long_ago, (time.time() - 2 * 24 * 3600,) * 2)
    foreign = [tmp_path / f"{TEMPORARY_PREFIX}notes", tmp_path / "crmasks.fits.tmp"]
    for path in foreign:
        path.write_text("not ours")
    folder = tmp_path / dead.name.replace("crmasks.fits", "folder")
    folder.mkdir()
    link = tmp_path / dead.name.replace("crmasks.fits", "link")
    link.symlink_to(foreign[0])
    with occupied(tmp_path):
        pass
    assert not dead.exists()
    assert not long_ago.exists()
    for path in (alive, other_machine, *foreign, folder, link):
        assert os.path.lexists(path), path


def test_two_writers_of_one_process_do_not_share_a_temporary_file(tmp_path):
    assert temporary_path(tmp_path, "a.fits") != temporary_path(tmp_path, "a.fits")


# ---- one run at a time ---------------------------------------------------------------------------


@pytest.mark.process
def test_second_run_is_kept_out_and_told_who_is_there(work, monkeypatch):
    work.yaml()
    work.out.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys, pathlib\n"
         "from crmasks_widgets.files.folder_lock import locked\n"
         "with locked(pathlib.Path('out')):\n    print(flush=True)\n    sys.stdin.read()"],
        cwd=work.folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    holder.stdout.readline()
    before = digests(work.folder)
    computed = []
    with monkeypatch.context() as patch:
        patch.setattr("crmasks_widgets.commands.terminal.compute_with_progress", computed.append)
        result = work.run()
    assert result.code == EXIT_BAD_INPUT
    assert f"out: found another run writing here (process {holder.pid} on " in result.err
    assert len(result.err.splitlines()) == 1
    assert not computed
    with pytest.raises(OutputError, match="another run"):
        save_all(analysis_of(), work.out)
    assert digests(work.folder) == before
    holder.kill()  # the lock goes with its process
    holder.communicate()
    assert work.run().code == 0
    assert work.products() == DATA_PRODUCTS


def test_of_many_runs_at_once_one_writes(tmp_path):
    analyses = [analysis_of(dilation=i) for i in range(8)]
    for analysis in analyses:
        assert analysis.masks
    refused = []

    def save(analysis):
        try:
            save_all(analysis, tmp_path / "out")
        except OutputError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=save, args=(analysis,)) for analysis in analyses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(analyses) - 1
    assert all("another run" in text or "earlier run" in text for text in refused)
    assert {path.name for path in (tmp_path / "out").iterdir()} == DATA_PRODUCTS
    uuids = {fits.getval(path, "UUID") for path in (tmp_path / "out").glob("*.fits")}
    assert len(uuids) == 1


def test_a_lock_that_was_replaced_is_not_held(tmp_path, monkeypatch):
    """The last holder removes its file between our opening it and our locking it."""
    path, lock = tmp_path / LOCK_NAME, folder_lock.lock_descriptor
    path.write_text("\nprocess 1 on the machine of the last holder")
    inodes = [path.stat().st_ino]

    def removed_meanwhile(handle, **options):
        if len(inodes) == 1:
            keep = tmp_path / "keep"  # so that the number of the file is not used again
            path.rename(keep)
            inodes.append(None)
        return lock(handle, **options)

    monkeypatch.setattr(folder_lock, "lock_descriptor", removed_meanwhile)
    with folder_lock.locked(tmp_path):
        assert path.stat().st_ino != inodes[0]
        assert path.read_text().strip().startswith(f"process {os.getpid()} on ")
    assert not path.exists()


def test_file_system_without_locks_is_said_to_be_one(tmp_path, monkeypatch, caplog):
    def none(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder_lock, "lock_descriptor", none)
    save_all(analysis_of(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == DATA_PRODUCTS
    assert f"{tmp_path}: this file system has no locks (No locks available)" in caplog.text


def test_where_open_files_cannot_be_removed(tmp_path, monkeypatch):
    """As on Windows: a lock file is closed before it is removed, and no folder is opened."""
    opened, unlink, open_file = {}, Path.unlink, os.open

    def open_no_folder(path, *arguments, **options):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        handle = open_file(path, *arguments, **options)
        opened[handle] = str(path)
        return handle

    def unlink_closed(path, **options):
        for handle, name in opened.items():
            with contextlib.suppress(OSError):
                assert not (name == str(path) and os.path.samestat(os.fstat(handle), path.stat()))
        unlink(path, **options)

    monkeypatch.setattr(os, "open", open_no_folder)
    monkeypatch.setattr(Path, "unlink", unlink_closed)
    for module in (folder_lock, writing):
        monkeypatch.setattr(module, "WINDOWS", True)
    analysis = analysis_of()
    for _ in range(2):
        save_all(analysis, tmp_path / "out", overwrite=True)
        assert {path.name for path in (tmp_path / "out").iterdir()} == DATA_PRODUCTS


def test_products_that_appear_while_computing_are_not_overwritten(work, monkeypatch):
    work.yaml()
    from crmasks_widgets import terminal

    compute = terminal.compute_with_progress

    def meanwhile(*arguments, **options):
        compute(*arguments, **options)
        (work.out / "hits.ecsv").write_text("of somebody else")

    monkeypatch.setattr(terminal, "compute_with_progress", meanwhile)
    result = work.run()
    assert result.code == 4
    assert "out/hits.ecsv: found products of an earlier run" in result.err
    assert {p.name: p.read_text() for p in work.out.iterdir()} == {"hits.ecsv": "of somebody else"}


def test_products_of_two_runs_are_reported_by_the_next(work):
    work.yaml()
    assert work.run().code == 0
    kept = [(work.out / name, (work.out / name).read_bytes())
            for name in ("hits.ecsv", "crmasks.fits")]  # fmt: skip
    first = fits.getval(work.out / "crmasks.fits", "UUID")
    assert "products of" not in work.run("--overwrite").err
    work.yaml(dilation=2)
    assert work.run("--overwrite").code == 0
    second = fits.getval(work.out / "crmasks.fits", "UUID")
    path, content = kept[0]
    path.write_bytes(content)
    result = work.run()
    assert result.code == 4
    assert "out: found products of 2 runs" in result.err
    assert first in result.err
    assert second in result.err
    assert "products of 2 runs" in work.run("--overwrite").err
    assert "products of" not in work.run("--overwrite").err


# ---- writes that fail ----------------------------------------------------------------------------


class FailingDisk:
    """Counts what reaches the disk below a folder; one of these writes fails half-way."""

    def __init__(self, folder):
        self.folder, self.calls, self.fails_at = str(folder), 0, None

    def open(self, file, mode="r", *arguments, **options):
        if not set(mode) & set("wax+") or self.folder not in str(file):
            return builtins_open(file, mode, *arguments, **options)
        raw = FailingFile(self, file, mode.replace("b", "").replace("t", ""))
        buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw, 2880)
        return buffered if "b" in mode else io.TextIOWrapper(
            buffered, options.get("encoding"), newline=options.get("newline")
        )  # fmt: skip


class FailingFile(io.FileIO):
    """A file on a `FailingDisk`."""

    def __init__(self, disk, file, mode):
        super().__init__(file, mode)
        self.disk = disk

    def write(self, data):
        self.disk.calls += 1
        if self.disk.calls == self.disk.fails_at:
            super().write(memoryview(data).cast("B")[: len(data) // 2])
        if self.disk.fails_at and self.disk.calls >= self.disk.fails_at:  # full is full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


builtins_open = builtins.open


@pytest.mark.slow
def test_disk_full_at_every_write(tmp_path, monkeypatch):
    analysis, later = analysis_of(), analysis_of(dilation=2)
    folder = tmp_path / "out"
    save_all(analysis, folder)
    disk = FailingDisk(tmp_path)
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", disk.open)
    complete = tmp_path / "complete"
    save_all(later, complete)
    n_writes = disk.calls
    assert n_writes > 3 * len(DATA_PRODUCTS)
    before = digests(folder)
    for n in range(1, n_writes + 1):
        disk.calls, disk.fails_at = 0, n
        with pytest.raises(OutputError, match=r"No space .*bytes free\), expected") as caught:
            save_all(later, folder, overwrite=True)
        needed = int(str(caught.value).split("at least ")[1].split()[0])
        assert 10 * 3 * analysis.stack.median2d.size <= needed
        assert needed <= sum(path.stat().st_size for path in complete.iterdir())
        assert digests(folder) == before, f"write {n} of {n_writes}"
    disk.fails_at = None
    save_all(later, folder, overwrite=True)
    same = [DATE.sub(b"", (d / n).read_bytes()) for n in DATA_PRODUCTS for d in (folder, complete)]
    assert same[::2] == same[1::2]


def test_no_room_is_noticed_before_anything_is_computed(work, monkeypatch):
    work.yaml()
    usage = shutil.disk_usage(work.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    computed = []
    monkeypatch.setattr("crmasks_widgets.commands.terminal.compute_with_progress", computed.append)
    result = work.run()
    assert result.code == EXIT_BAD_INPUT
    assert "out: found 1000 bytes free, expected room for all products, at least " in result.err
    assert not computed
    assert not work.out.exists()


def test_an_interrupt_while_files_are_put_in_place_comes_afterwards(tmp_path, monkeypatch):
    replace, names = os.replace, []

    def interrupted(source, target):
        names.append(target.name)
        os.kill(os.getpid(), signal.SIGINT)
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    products = [
        Product(f"{i}.txt", "text", lambda path: path.write_text("complete")) for i in range(3)
    ]
    with pytest.raises(Interrupted, match=r"interrupted; .*0\.txt and 2 more are written"):
        write_products(products, tmp_path)
    assert names == ["0.txt", "1.txt", "2.txt"]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"complete"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert np.all([path.name in names for path in tmp_path.iterdir()])


def test_what_a_name_leads_to_is_on_disk_before_the_name_is(tmp_path, monkeypatch):
    """A power cut leaves the old product or the whole new one."""
    log, replace = [], os.replace

    def synced(handle):
        path = Path(f"/proc/self/fd/{handle}").resolve()
        log.append(("on disk", path.name if path.is_dir() else path.read_text()))

    def renamed(source, target):
        log.append(("renamed", Path(source).read_text()))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_products(
        [Product("a.txt", "text", lambda p: p.write_text("a")),
         Product("b.txt", "text", lambda p: p.write_text("b"))],
        tmp_path,
    )  # fmt: skip
    assert log == [
        ("on disk", "a"), ("on disk", "b"), ("renamed", "a"), ("renamed", "b"),
        ("on disk", tmp_path.name),
    ]  # fmt: skip


def test_products_go_where_a_link_and_back_leads(tmp_path):
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("sub/deep")
    table = Product("hits.ecsv", "table", lambda path: Table({"x": [1]}).write(path))
    write_products([table], tmp_path / "link" / ".." / "out")
    assert [path.name for path in (tmp_path / "sub" / "out").iterdir()] == ["hits.ecsv"]
    assert {path.name for path in tmp_path.iterdir()} == {"sub", "link"}
