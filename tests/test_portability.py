"""What only some systems have is not needed: the package is imported, and runs, without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_repeated_runs import DATA_PRODUCTS

# What Windows does not have, and a run on this system does not need for other reasons.
WITHOUT = """
import os, signal, sys
for name in ("fcntl", "grp", "pwd", "termios"):
    sys.modules[name] = None
for module, names in {
    os: ("O_CLOEXEC", "O_NOFOLLOW", "fork", "geteuid", "getuid", "killpg", "sched_getaffinity"),
    signal: ("SIGHUP", "SIGKILL", "pthread_sigmask"),
}.items():
    for name in names:
        vars(module).pop(name, None)
import crmasks_widgets
from crmasks_widgets.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.process
@pytest.mark.process
def test_a_run_without_fcntl(work):
    work.yaml()
    command = [sys.executable, "-c", WITHOUT, "run", "params.yaml", "--output-dir", "out"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [*command, "--no-figures", "--log-level", "warning"],
        cwd=work.folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "out: this file system has no locks" in done.stderr
    assert work.products() == DATA_PRODUCTS


# Asked for before anything is imported: none of these is there, and no thread can be started.
BARE = """
import sys, _thread
def refused(*_, **__):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = refused
NONE = ("astroscrappy", "matplotlib", "IPython", "ipykernel", "ipywidgets", "jupyter_client",
        "jupyter_core", "jupyterlab", "traitlets", "bqplot", "anywidget", "nbformat", "zmq")
for name in NONE:
    sys.modules[name] = None
"""
DETECT = """
import numpy as np, crmasks_widgets as cm
from crmasks_widgets.simulate import Detector, expose
light = np.full((60, 70), 300.0)
scene = expose(light, 3, seed=4, detector=Detector(gain=1.5, rnoise=3.0, bias=0.0))
frames = np.array(scene.exposures)
frames[:2, 20:23, 30] += 900
analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), cm.Parameters(
    gain=1.5, rnoise=3.0, bias=0.0, mm_seed=1, mm_nsimulations=2))
for method in ("lacosmic", "mmcosmic", "significance"):
    found = analysis.replace(crmethod=method)
    print(method, np.flatnonzero(found.masks["MEDIANCR"]).tolist())
try:
    print(analysis.replace(la_engine="astroscrappy", crmethod="lacosmic").masks["MEDIANCR"].sum())
except cm.ParameterError as error:
    print(error)
"""


@pytest.mark.process
def test_masks_are_made_without_astroscrappy_jupyter_matplotlib_and_threads():
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

    def lines(code):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    *bare, refused = lines(BARE + DETECT)
    *full, count = lines(DETECT)
    assert bare == full
    assert len(full) == 3
    assert all(line[-2].isdigit() for line in full), full
    assert int(count) > 0
    assert refused.startswith("astroscrappy: found no such package, expected it for la_engine")
