"""Mistakes made on purpose are noticed: the tests of masks, boundary and combinations can fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .counts import LONG
from .mutants import MODULES

KILLED = 0.85

pytestmark = pytest.mark.process


def results(*arguments):
    """What the program says: module, line, mistake, whether noticed."""
    command = [sys.executable, "-m", "tests.mutants", *map(str, arguments)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_mistake_of_each_module_is_noticed_and_what_is_right_is_not_called_one():
    found = [(module, said, noticed) for module, _, said, noticed in results("examples")]
    mistakes = [(module, "Sub", True) for module in MODULES]
    assert found == [(MODULES[0], "nothing", False), *mistakes]


def test_most_mistakes_are_noticed():
    # All of them take 40 minutes, those that change nothing that can be observed most of it.
    tried = results(0, 1) if LONG else results(100, 300)
    assert tried
    missed = [result[:3] for result in tried if not result[3]]
    assert len(missed) <= (1 - KILLED) * len(tried), missed
