"""Surroundings that a process has from its first line on: the same promises, by the shell."""

import os
import subprocess
import sys

import pytest

from . import corpus, trial

HOSTILE = {"text": "raise SystemExit(9)"}
# What the shell does in place of `exec "$@"`, and the case.
CASES = {
    "no home, no such backend, modules beside the data, and a terminal that is full": (
        'unset HOME; MPLBACKEND=nonsense exec "$@" > /dev/full',
        {"files": {f"{name}.py": HOSTILE for name in ("astropy", "yaml", "numpy", "random")},
         "run": ["run", "params.yaml", "--output-dir", "out"], "code": 0, "set": {"maxplots": 1}},
    ),
    "a home that is none, latin-1, and nobody who reads": (
        'HOME=/dev/null PYTHONIOENCODING=latin-1 "$@" | true; exit "${PIPESTATUS[0]}"', {"code": 0},
    ),
    "ASCII, output closed, and a name that is neither": (
        'PYTHONIOENCODING=ascii exec "$@" >&-',
        {"files": {"e2.fits": None}, "top": {"images": ["e1.fits", "snow\u2603man.fits"]},
         "code": 2, "says": r"snow\u2603man.fits"},
    ),
    "both outputs closed": ('exec "$@" >&- 2>&-', {"code": 0}),
    "a batch in a folder that is gone": (
        'mkdir gone && cd gone && rmdir ../gone && exec "$@"',
        {"run": ["batch", "{folder}/params.yaml", "--output-dir", "out"], "code": 2},
    ),
}  # fmt: skip


@pytest.mark.process
@pytest.mark.parametrize("name", CASES)
def test_what_surrounds_a_process_does_no_harm(tmp_path, name):
    line, case = CASES[name]

    def in_a_process(case, folder):
        arguments = [text.replace("{folder}", str(folder)) for text in case["run"]]
        ended = subprocess.run(
            ["bash", "-c", line, "bash", sys.executable, "-m", "crmasks_widgets", *arguments],
            cwd=folder, capture_output=True, timeout=trial.PATIENCE, check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        return trial.Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode(), 0.0)

    assert trial.faults(corpus.whole(case), tmp_path, in_a_process) == []
