"""Runs of the program that are killed, each in a fork of this process, which has it loaded.

A program of its own: python -m tests.crashing_run FOLDER KIND N SEED, where params.yaml lies in
FOLDER and the products of an earlier run are in FOLDER/before. Every run works on a copy of them,
FOLDER/now, which is then looked at. KIND is "steps" (killed at every N-th step that changes or
opens a file in the folder, until one run has fewer), "anywhere" (at N moments between start and
end) or "writing" (at N moments after the first temporary file appeared). Prints a line of JSON a
run: how it ended and what was found.
"""

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from crmasks_widgets import cli
from crmasks_widgets.files.folder_lock import TEMPORARY_PREFIX

# The one time in a product.
DATE = re.compile(rb"DATE    = '[^']*'")
STEPS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


def found_in(folder):
    """SHA-256 of every file, without its date, by name; temporary files as such."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        content = DATE.sub(b"", path.read_bytes())
        found[path.name] = hashlib.sha256(content).hexdigest()
    return found


def program(now):
    """Run the program in this process."""
    arguments = ["run", "params.yaml", "--output-dir", str(now), "--no-figures", "--overwrite"]
    return cli.main([*arguments, "--log-level", "ERROR"])


def started(now, at_step=None):
    """Begin a run; with `at_step`, one that kills itself at that step of its work on files."""
    pid = os.fork()
    if pid:
        return pid
    left = [at_step]

    def hook(event, arguments):
        if event not in STEPS or not any(now.name in str(part) for part in arguments):
            return
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if at_step is not None:
        sys.addaudithook(hook)
    os._exit(program(now))


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fresh(folder):
    now = folder / "now"
    shutil.rmtree(now, ignore_errors=True)
    if (folder / "before").exists():
        shutil.copytree(folder / "before", now)
    return now


def timed(folder):
    """Seconds until the first temporary file, and from there to the end."""
    now = fresh(folder)
    program(now)  # what is imported and compiled at first use is so before the forks
    now = fresh(folder)
    start = time.monotonic()
    pid = started(now)
    writing = wait_for_temporary(now, start + 60) - start
    code = ended(pid)
    if code:
        raise RuntimeError(f"the undisturbed run ended with {code}")
    return writing, time.monotonic() - start - writing


def wait_for_temporary(now, until):
    while time.monotonic() < until:
        if now.exists() and any(n.startswith(TEMPORARY_PREFIX) for n in os.listdir(now)):
            break
    return time.monotonic()


def killed(folder, kind, rng, spans):
    """Run and kill at a random moment."""
    now = fresh(folder)
    start = time.monotonic()
    pid = started(now)
    if kind == "writing":
        wait_for_temporary(now, start + 60)
        time.sleep(rng.uniform(0, spans[1]))
    else:
        time.sleep(rng.uniform(0, sum(spans)))
    os.kill(pid, signal.SIGKILL)
    return ended(pid), found_in(now)


def tell(code, found):
    sys.stdout.write(json.dumps([code, found]) + "\n")
    sys.stdout.flush()


def main():
    folder, kind, n, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.chdir(folder)
    rng = np.random.default_rng(seed)
    spans = timed(folder)
    tell(0, found_in(folder / "now"))
    if kind == "steps":
        for step in itertools.count(1, n):
            now = fresh(folder)
            code = ended(started(now, step))
            tell(code, found_in(now))
            if code == 0:
                return
    for _ in range(n):
        tell(*killed(folder, kind, rng, spans))


if __name__ == "__main__":
    main()
