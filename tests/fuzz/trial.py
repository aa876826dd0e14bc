"""Run a case in this process, and say what it broke of what every run keeps."""

import contextlib
import gc
import io
import logging
import os
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

from crmasks_widgets import cli, errors, lab
from crmasks_widgets.batch import workers
from crmasks_widgets.batch.block import run_block
from crmasks_widgets.loading import load_mosaic
from crmasks_widgets.starting.notebook import prepare_notebook

from ..conftest import _digest
from . import recipes

MOST_SECONDS = 30  # of a processor
PATIENCE = 150  # s, on the busiest machine
MOST_MIB = 400  # beyond what the process had at most
HARD_MIB = 2048  # of address space
OUT = "out"
CODES = (0, 2, 4)
IMAGES = {"combined_mediancr.fits", "combined_meancrt.fits", "combined_meancr.fits"}


class Ended(NamedTuple):
    """What a run of the program left."""

    code: int
    out: str
    err: str
    seconds: float


class NoEndError(BaseException):
    """The run did not end; no guard of the program takes it for an error of its own."""


def faults(case, folder, way=None):
    """Run a case in an empty folder; return a line for each promise that it broke.

    `way` takes case and folder and gives an `Ended`; without it, the case is run in this process.
    """
    for name, recipe in case["files"].items():
        recipes.write(folder, name, recipe)
    before, descriptors = _state(folder), _descriptors()
    peak = _peak_mib()
    ended = (way or run)(case, folder)
    found = list(_said(case, ended))
    found += _left(case, ended, before, _state(folder), folder)
    if ended.seconds > MOST_SECONDS:
        found.append(f"took {ended.seconds:.0f} s of a processor")
    if _peak_mib() - peak > MOST_MIB:
        found.append(f"took {_peak_mib() - peak:.0f} MiB")
    if opened := _descriptors() - descriptors:
        found.append(f"left open: {sorted(opened)}")
    last = "\n".join(_lines(ended.err))[-600:]
    return [f"{fault} [{ended.code}: {last!r}]" for fault in found]


def run(case, folder):
    """Run the program, or the Python of a notebook, in a folder and with a case's surroundings."""
    streams = {name: _stream(case.get(name)) for name in ("stdout", "stderr")}
    variables = _filled(case.get("environment", {}), folder)
    before = {name: os.environ.get(name) for name in variables}
    here, started = Path.cwd(), time.process_time()
    os.chdir(folder)
    os.environ.update(variables)
    try:
        with (
            contextlib.redirect_stdout(streams["stdout"]),
            contextlib.redirect_stderr(streams["stderr"]),
            _without_processes(),
            _in_time(),
            _in_memory(),
            warnings.catch_warnings(),
        ):
            warnings.resetwarnings()
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("error", RuntimeWarning)
            code = _code([text.replace("{folder}", str(folder)) for text in case["run"]])
    finally:
        os.chdir(here)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams.values()]
    return Ended(code, *texts, time.process_time() - started)


def _filled(variables, folder):
    return {name: text.replace("{folder}", str(folder)) for name, text in variables.items()}


def _code(arguments):
    try:
        if arguments[0] == "as CCDData":
            return _hand_on(arguments[1])
        given = [argument.encode("utf-8", "surrogateescape") for argument in arguments]
        return cli.main([os.fsdecode(argument) for argument in given])
    except SystemExit as stop:
        return 0 if stop.code is None else stop.code
    except NoEndError:
        return "did not end"
    except Exception:
        sys.stderr.write(traceback.format_exc())
        return "traceback"


def _hand_on(params):
    """Make the products as CCDData, as a notebook does."""
    try:
        with cli.logging_to(cli.PlainConsole(), cli.PlainConsole(stderr=True), "INFO"):
            for analysis in load_mosaic(params):
                for name in ("mediancr", "meancrt", "meancr"):
                    made = analysis.combination(name).to_ccddata()
                    assert made.shape == made.uncertainty.array.shape
                for number in range(1, analysis.exposures.n + 1):
                    assert analysis.masks_of(number).mask.dtype == bool
    except errors.CrmasksError as error:
        sys.stderr.write(f"crmasks: {error}\n")
        return 2
    return 0


class _Full(io.BytesIO):
    def write(self, _content):
        raise OSError(28, "No space left on device")


def _stream(kind):
    if kind == "full":
        return io.TextIOWrapper(_Full(), "utf-8", write_through=True)
    return io.TextIOWrapper(io.BytesIO(), kind or "utf-8", write_through=True)


@contextlib.contextmanager
def _in_time():
    def too_late(*_):
        raise NoEndError

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)


@contextlib.contextmanager
def _in_memory():
    """Let what would take all memory of the machine fail, before others suffer from it."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + HARD_MIB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def _without_processes():
    """Let a batch run its blocks here, and the server of a dashboard be there already."""

    class Server:
        def wait(self):
            return 0

    @contextlib.contextmanager
    def serve(sources, *_):
        lab._check(sources)
        yield Server(), prepare_notebook(Path(), sources)

    replaced = (
        (workers, "_run_here", lambda tasks, _: map(run_block, tasks)),
        (lab, "_serve_lab", serve), (lab, "_serve_voila", serve),
        # To count what is frozen, each start would walk over all that was imported.
        (gc, "get_freeze_count", lambda: 1),
    )  # fmt: skip
    before = [getattr(module, name) for module, name, _ in replaced]
    for module, name, other in replaced:
        setattr(module, name, other)
    level = logging.getLogger("crmasks_widgets").level
    try:
        yield
    finally:
        logging.getLogger("crmasks_widgets").setLevel(level)
        for (module, name, _), was in zip(replaced, before, strict=True):
            setattr(module, name, was)


# ---- what every run keeps ------------------------------------------------------------------------


def _lines(text):
    return [line for line in text.splitlines() if not line.startswith("warning: ")]


def _said(case, ended):
    """What is wrong with the exit code and the lines."""
    command = case["run"][0]
    lines = _lines(ended.err)
    failed = [line for line in lines if line.startswith("error: ")]
    if command == "batch" and ended.code == 1 and failed == lines:
        lines = []
    elif ended.code not in CODES:
        yield f"exit code {ended.code}"
        return
    if case.get("stderr") != "full" and len(lines) != (ended.code in (2, 4)):
        yield f"{len(lines)} lines besides warnings"
    if said := re.search(
        r"Traceback|unexpected [A-Z]\w+:|RuntimeWarning|\x1b\]", ended.out + ended.err
    ):
        yield f"{said[0]!r} is said"
    if any(len(line) > 4000 for line in ended.err.splitlines()):
        yield "a line of more than 4000 characters"
    if case.get("code") not in (None, ended.code):
        yield f"exit code {ended.code}, not {case['code']}"
    if case.get("says", "") not in ended.err:
        yield f"does not say {case['says']!r}"


def _left(case, ended, before, after, folder):
    """What is wrong with the files that are there afterwards."""
    made = {name for name in after if name not in before}
    out, command = case.get("out", OUT), case["run"][0]
    allowed = (out, *case.get("makes", ()))
    replaces = ended.code in (0, 1) and ("--overwrite" in case["run"] or command == "batch")
    # A stale lock is removed.
    kept = [name for name in before if not name.endswith(".crmasks-lock") or name in after]
    changed = [name for name in kept if before[name] != after.get(name)]
    for name in sorted(changed):
        if not (replaces and _below(name, (out,))):
            yield f"{name}: an input is not as it was"
    for name in sorted(made):
        parent = after[name][0] == "folder" and out.startswith(f"{name}/")
        if re.search(r"\.crmasks-(tmp|lock)", name):
            yield f"{name}: left behind"
        elif not (parent or _below(name, allowed)):
            yield f"{name}: made beside the output folder"
        elif ended.code in (2, 4) and after[name][0] != "folder" and command != "init":
            yield f"{name}: made by a run that failed"
    if command == "run" and ended.code == 0 and out:
        yield from _products(folder / out)


def _below(name, places):
    return any(place in ("", name) or name.startswith(f"{place}/") for place in places)


def _products(folder):
    inside = folder.iterdir() if folder.is_dir() else ()
    names = {path.name for path in inside if path.is_file()}  # a pipe has nothing to read
    if missing := (IMAGES | {"hits.ecsv"}) - names:
        yield f"products are missing: {sorted(missing)}"
    for name in sorted(IMAGES & names):
        with fits.open(folder / name) as hdus:
            for hdu in hdus:
                if hdu.data is not None and hdu.is_image and np.isinf(hdu.data).any():
                    yield f"{name}[{hdu.name}]: infinite values"


def _state(folder):
    """Content, kind and inode of everything below a folder."""
    return {os.fsdecode(path.relative_to(folder)): _facts(path) for path in folder.rglob("*")}


def _facts(path):
    about = path.lstat()
    if path.is_dir() and not path.is_symlink():
        return "folder", about.st_ino
    plain = path.is_symlink() or path.is_file()
    return (_digest(path) if plain else "special"), about.st_ino, about.st_mtime_ns


def _descriptors():
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{number}")
            if target.startswith("/") and not target.startswith(("/dev", "/proc")):
                found.add(target)
    return found


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
