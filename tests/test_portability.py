"""What only some systems have is not needed: the package is imported, and runs, without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_products import DATA_PRODUCTS

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
