"""Whether tests bear the marks that `make check` goes by: `process` and `slow`.

A test that starts Python and is not marked fails. Of other marks that do not fit there is a note at
the end of a run; nothing fails for it, since how long a test takes is the machine's doing as well.
"""

import multiprocessing.process
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .counts import LONG

SLOW, QUICK = 1.0, 0.1  # s of processor time, set-up included
SPENT, STARTED = "processor time", "started Python"
STARTS = (
    (subprocess.Popen, "__init__"),
    (multiprocessing.process.BaseProcess, "start"),
    (os, "fork"),
    (os, "posix_spawn"),
)


def pytest_configure(config):
    """Watch the tests: of the project, or of whoever names this module with -p."""
    config.pluginmanager.register(Marks())


def starts_python(command):
    """Whether a command is an interpreter, or a program of its environment."""
    words = [command] if isinstance(command, str | bytes | os.PathLike) else list(command)
    program = Path(os.fsdecode(words[0]))
    installed = program.parent == Path(sys.executable).parent
    return installed or program.name.startswith("python") or sys.executable in words


class Marks:
    """Watches the running test, and tells at the end of marks that do not fit."""

    def __init__(self):
        self._item, self._started = None, False
        self._begun, self._starting = 0.0, set()
        self._patch = pytest.MonkeyPatch()

    def pytest_sessionstart(self):
        for owner, name in STARTS:
            self._patch.setattr(owner, name, self._watched(name, getattr(owner, name)))

    def pytest_sessionfinish(self):
        self._patch.undo()

    def _watched(self, name, start):
        def watched(*given, **options):
            commands = {"__init__": (*given[1:2], options.get("args")), "posix_spawn": given[1:2]}
            if name not in commands or starts_python(commands[name][0]):
                self._note_a_start()
            return start(*given, **options)

        return watched

    def _note_a_start(self):
        self._started = True
        if self._item and not any(map(self._item.get_closest_marker, ("browser", "process"))):
            pytest.fail("starts a process of Python: mark it with @pytest.mark.process")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self._item, self._started, self._begun = item, False, time.process_time()
        result = yield
        self._item = None
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """Remember what started a process for all that use it."""
        before, self._started = self._started, False
        try:
            return (yield)
        finally:
            if self._started:
                self._starting.add(fixturedef.argname)
            self._started |= before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        result = yield
        started = self._started or self._starting.intersection(item.fixturenames)
        item.user_properties += [
            (SPENT, time.process_time() - self._begun), (STARTED, bool(started))
        ]  # fmt: skip
        return result

    def pytest_terminal_summary(self, terminalreporter):
        passed = terminalreporter.stats.get("passed", [])
        for said, tests in {} if LONG else notes(passed).items():
            if tests:
                terminalreporter.section(said, "-")
                terminalreporter.line("\n".join(tests))


def notes(reports):
    """Tests that passed and whose marks do not fit, by what is to be said of them."""
    spent, started, marks = {}, set(), {}
    for report in reports:
        told, test = dict(report.user_properties), report.nodeid.split("[", 1)[0]
        if SPENT in told:
            spent[test] = max(spent.get(test, 0), told[SPENT])
            started |= {test} if told[STARTED] else set()
            marks[test] = {"browser", "process", "slow"}.intersection(report.keywords)
    here = {test: f"{spent[test]:5.2f} s  {test}" for test in marks if marks[test] <= {"slow"}}
    return {
        f"note: more than {SLOW:g} s of processor time, and not marked slow": [
            line for test, line in here.items() if spent[test] > SLOW and not marks[test]
        ],
        f"note: marked slow, and less than {QUICK:g} s of processor time": [
            line for test, line in here.items() if spent[test] < QUICK and marks[test]
        ],
        "note: marked process, and no process of Python was started": [
            test for test in marks if "process" in marks[test] and test not in started
        ],
    }
