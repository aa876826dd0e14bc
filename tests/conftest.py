"""What several test modules need: a small scene on disk, its parameter file, and the program."""

import gc
import hashlib
import os
import signal
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from astropy.io import fits
from hypothesis import settings

from crmasks_widgets import cli, figures
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import hit_pages, jobs, page_layout
from crmasks_widgets.simulate import Detector, Hits, fibre_spectrograph

from . import marks
from .counts import LONG

# The grammar of international addresses, of which no test has one: jsonschema would have each
# worker wait a second for it.
sys.modules.setdefault("rfc3987_syntax", None)

settings.register_profile("reduced", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("full", deadline=None, print_blob=True, max_examples=200, database=None)
settings.load_profile("full" if LONG else "reduced")

SHAPE = (64, 80)
DETECTOR = Detector(gain=1.5, rnoise=3.0, bias=100.0)
LEVELS = {"gain": 1.5, "rnoise": 3.0, "bias": 100.0}
# Without L.A.Cosmic and simulations, a run takes a fraction of a second.
QUICK = {
    "interactive": False,
    "crmethod": "mmcosmic",
    "mm_boundary_fit": "piecewise",
    "mm_fixed_points_in_boundary": [[0, 25], [500, 110], [5000, 350]],
    "mm_seed": 5,
}
BOTH = {"crmethod": "mm_lacosmic", "la_niter": 2}

FEW_FIGURES = ("diagnostic_histogram2d.png", "diagnostic_mediancr.png")

BROWSER = Path(__file__).parent / "browser"
# Of Jupyter and IPython: a user's own are neither read nor written.
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")


def pytest_configure(config):
    """Watch over the marks that `make check` goes by."""
    marks.pytest_configure(config)


def pytest_itemcollected(item):
    """Mark what needs a browser."""
    if item.path.is_relative_to(BROWSER):
        item.add_marker(pytest.mark.browser)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep on one worker what shares its set-up: a module, or the browser and its JupyterLab.

    Marks of groups would say the same, but with pytest 9 pytest-xdist 3.8 does not hear them.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = nodeid.split("::", 1)[0]
            return "browser" if path.startswith("tests/browser/") else path

    return ByModule(config, log)


@pytest.fixture(autouse=True, scope="session")
def _coarse_figures():
    """Draw figures with a sixth of the dots, which takes half of the time of all that draw.

    Programs in processes of their own draw what a user gets.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((jobs, "DPI"), (hit_pages, "PAGE_DPI"), (page_layout, "PAGE_DPI")):
            patch.setattr(module, name, 60)
        yield


@pytest.fixture(autouse=True, scope="module")
def _what_is_loaded_stays():
    """Leave what there is by now out of every later search for garbage.

    The program searches before each file that it writes, and all test modules with what they import
    are a hundred times as much as what a run makes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _no_power_cut():
    """Do not wait for the disk: what tests write need not outlive the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _what_stays_is_not_counted():
    """The program asks at each start whether anything was frozen: here millions of things are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "get_freeze_count", lambda: 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard():
    """A shell has what it starts in the background ignore Ctrl-C, and programs inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_a_user(tmp_path_factory):
    """Each worker has folders of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOLDERS:
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        yield


class Finished(NamedTuple):
    """How a run of the program ended."""

    code: int
    out: str
    err: str


@cache
def small_scene(n=3, shape=SHAPE, seed=11):
    """Simulated exposures with a few double hits; read-only, shared by all tests."""
    hits = Hits(rate=5.0, double=4)
    return fibre_spectrograph(shape, n, seed=seed, detector=DETECTOR, hits=hits, hot_pixels=3)


def wcs_header():
    """Header of an exposure as a telescope writes it."""
    header = fits.Header()
    header["OBJECT"] = ("NGC 1", "target")
    header["EXPTIME"] = (1200.0, "[s]")
    header["BUNIT"] = "adu"
    header["WCSAXES"] = 2
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRVAL1"], header["CRVAL2"] = 120.25, -31.5
    header["CRPIX1"], header["CRPIX2"] = 33.5, 20.25
    header["CD1_1"], header["CD1_2"] = -2.1e-4, 3e-6
    header["CD2_1"], header["CD2_2"] = 4e-6, 2.2e-4
    header["CUNIT1"], header["CUNIT2"] = "deg", "deg"
    return header


def write_exposures(folder, frames, names=None):
    """Write frames as primary images; the first is called e1.fits."""
    names = names or [f"e{i}.fits" for i in range(1, len(frames) + 1)]
    for name, frame in zip(names, frames, strict=True):
        fits.PrimaryHDU(frame, wcs_header()).writeto(folder / name)
    return names


def write_yaml(path, images, top=None, **settings):
    """Write a parameter file; keywords are settings, None in `top` leaves a key out."""
    document = {"images": [str(image) for image in images], **LEVELS, **(top or {})}
    document = {key: value for key, value in document.items() if value is not None}
    document["requirements"] = QUICK | settings
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def digests(folder):
    """SHA-256 of every file below a folder, the folders and the links, by relative path."""
    return {str(path.relative_to(folder)): _digest(path) for path in folder.rglob("*")}


def _digest(path):
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _exposures_on_disk():
    """The three exposures of every `Work` folder as files: names and bytes, made once."""
    with tempfile.TemporaryDirectory() as folder:
        names = write_exposures(Path(folder), small_scene().exposures)
        return {name: (Path(folder) / name).read_bytes() for name in names}


class Work:
    """A folder with three exposures, in which parameter files are written and run."""

    def __init__(self, folder, run):
        self.folder, self._run = folder, run
        self.images = list(_exposures_on_disk())
        for name, content in _exposures_on_disk().items():
            (folder / name).write_bytes(content)
        self.out = folder / "out"

    def yaml(self, top=None, images=None, **settings):
        """Write params.yaml."""
        return write_yaml(self.folder / "params.yaml", images or self.images, top, **settings)

    def run(self, *arguments, figures=False):
        """Run params.yaml into the folder `out`, without figures."""
        given = ["run", "params.yaml", "--output-dir", "out", *map(str, arguments)]
        return self._run([*given, *([] if figures else ["--no-figures"])], self.folder)

    def products(self):
        """Names in the output folder."""
        return {path.name for path in self.out.iterdir()}


@pytest.fixture
def run_cli(monkeypatch, capsys):
    """Run the program in this process: run_cli(arguments, cwd) gives exit code, stdout, stderr."""

    def run(arguments, cwd):
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def work(tmp_path, run_cli):
    """A `Work` folder of its own for every test."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Work(folder, run_cli)


@pytest.fixture
def few_figures(monkeypatch):
    """Let runs draw two figures, where what is tested is not what figures there are.

    Drawing all takes seconds, which tests/test_figures.py and one whole run spend already. Given is
    what stands for `all_figures`.
    """
    every = figures.all_figures

    def few(analysis):
        return [job for job in every(analysis) if job.name in FEW_FIGURES]

    monkeypatch.setattr(figures, "all_figures", few)
    return few


@pytest.fixture(scope="session")
def exposures():
    """Three exposures of fibres with many hits, and six double ones."""
    scene = fibre_spectrograph(
        (60, 72), seed=4, detector=Detector(1.5, 3.4, 200.0), hits=Hits(rate=4000, double=6)
    )
    return ExposureSet.from_arrays(list(scene.exposures))


@pytest.fixture
def planted():
    """Three flat noisy frames with one bright double hit at array index [40, 20] (FITS 21, 41)."""
    rng = np.random.default_rng(3)
    frames = (200 + rng.normal(0, 3, (3, *SHAPE))).astype(np.float32)
    frames[0, 40, 20] += 5000
    frames[2, 40, 20] += 4000
    return frames
