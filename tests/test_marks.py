"""Marks that do not fit are noticed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .marks import notes, starts_python

ROOT = Path(__file__).parents[1]
TESTS = """
import os, subprocess, sys, time
import pytest

def start():
    subprocess.run([sys.executable, "-c", ""], check=True)

@pytest.fixture(scope="module")
def shared(): start()
@pytest.fixture(scope="module")
def another(): start()

def test_by_hand(): start()
def test_by_a_fixture(another): pass
@pytest.mark.process
def test_marked(): start()
@pytest.mark.process
def test_marked_by_a_fixture(shared): pass
@pytest.mark.process
def test_by_the_fixture_again(shared): pass
@pytest.mark.process
def test_nothing_is_started(): subprocess.run(["true"], check=True)
@pytest.mark.parametrize("end", [0.0, 1.1])
def test_long(end):
    end += time.process_time()
    while time.process_time() < end: pass
@pytest.mark.slow
def test_short(): pass
@pytest.mark.slow
def test_long_and_marked(): test_long(1.1)
"""


@pytest.mark.process
def test_marks_that_do_not_fit_are_told_at_the_end_and_a_start_fails(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    process\n    slow\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.marks", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--tb=no", "-n", "1", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    told = done.stdout[done.stdout.index("- note: ") :]
    assert re.findall(r"note: (more|marked \w+)", told) == ["more", "marked slow", "marked process"]
    assert re.findall(r"^(FAILED|ERROR)?.*::(\w+)", told, re.MULTILINE) == [
        ("", "test_long"), ("", "test_short"), ("", "test_nothing_is_started"),
        ("FAILED", "test_by_hand"), ("ERROR", "test_by_a_fixture"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", ""], ["python3", "x.py"], "python -V", ["nice", sys.executable],
        [str(Path(sys.executable).parent / "crmasks")], [b"python3"],
    ],
)  # fmt: skip
def test_what_starts_python(command):
    assert starts_python(command)


def test_what_does_not_start_python():
    assert not any(map(starts_python, (["git", "log"], "true", Path("/bin/sh"), ["node", "x.js"])))


def test_without_tests_there_is_nothing_to_say():
    assert not any(notes([]).values())
