"""The changes shown in CONTRIBUTING.md still fit the code, and do what is said of them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### An? (\w+)\n.*?^```diff\n(.*?)^```", TEXT, re.DOTALL | re.M))
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*\n", re.MULTILINE)

LONGEST = 500  # lines of a file


def test_no_file_is_longer_than_files_may_be():
    assert f"never over {LONGEST}" in TEXT
    found = (ROOT / "crmasks_widgets").rglob("*")
    files = [path for path in found if path.suffix in (".py", ".js", ".css")]
    assert len(files) > 300
    lines = {path.relative_to(ROOT).as_posix(): len(read(path).splitlines()) for path in files}
    assert {path: n for path, n in lines.items() if n > LONGEST} == {}


def changed(diff, folder):
    """Files with a diff applied to what a folder holds, as `git apply` would: by path."""
    files = {}
    for part in re.split(r"^--- (?=a/|/dev/null)", diff, flags=re.MULTILINE)[1:]:
        before, after, hunks = part.split("\n", 2)
        path = after.removeprefix("+++ b/")
        assert before in (f"a/{path}", "/dev/null"), part
        assert (folder / path).exists() == (before != "/dev/null"), path
        lines = [] if before == "/dev/null" else read(folder / path).splitlines()
        numbered = HUNK.split(hunks)[1:]
        for number, hunk in zip(numbered[::2], numbered[1::2], strict=True):
            lines = with_hunk(lines, int(number) - 1, hunk.splitlines(), path)
        files[path] = "\n".join(lines) + "\n"
    return files


def with_hunk(lines, number, hunk, path):
    """Lines with one hunk applied, at the place nearest to its number where it fits.

    Code moves: where not all of its context is there, the line above or below the change suffices,
    if there is just one like it.
    """
    old, new = ([line[1:] for line in hunk if line[0] in kept] for kept in (" -", " +"))
    above, below = hunk[0][0] == " ", hunk[-1][0] == " "
    for top, bottom in ((0, 0), (above, 0), (0, below)):
        wanted, put = (part[top : len(part) - bottom] for part in (old, new))
        fits = [k for k in range(len(lines) + 1) if lines[k : k + len(wanted)] == wanted]
        whole = not top and not bottom
        if fits and (whole or (len(fits) == 1 and any(map(str.strip, wanted)))):
            place = min(fits, key=lambda k: abs(k - number))
            return lines[:place] + put + lines[place + len(wanted) :]
    pytest.fail(f"{path}: a hunk of CONTRIBUTING.md no longer applies: {hunk}")


def read(path):
    return path.read_text(encoding="utf-8")


def added_tests(diff):
    """Node ids of the tests that a diff adds."""
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        path = part.split("\n", 2)[1].removeprefix("+++ b/")
        yield from (f"{path}::{name}" for name in re.findall(r"^\+def (test_\w+)", part, re.M))


def test_there_is_an_example_of_each_kind():
    assert list(EXAMPLES) == ["parameter", "stage", "detector", "view", "figure"]
    assert all(list(added_tests(diff)) for diff in EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_applies(name):
    for path, text in changed(EXAMPLES[name], ROOT).items():
        assert not (ROOT / path).exists() or text != read(ROOT / path)
        if path.endswith(".py"):
            compile(text, path, "exec")


def test_an_example_that_does_not_fit_is_noticed():
    removed = [" above", "-what is gone", "+what comes", " below"]
    for there in (["above", "below"], ["above", "another", "below"]):
        with pytest.raises(pytest.fail.Exception, match=r"x\.py: .* no longer applies"):
            with_hunk(there, 0, removed, "x.py")


INSERTED = [" above", "+new", " below"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["above", "below"], ["above", "new", "below"]),
        (["else", "above", "below"], ["else", "above", "new", "below"]),
        (["above", "came between", "below"], ["above", "came between", "new", "below"]),
        (["above", "changed"], ["above", "new", "changed"]),
        (["changed", "below"], ["changed", "new", "below"]),
    ],
)
def test_a_change_is_found_by_the_lines_beside_it(before, after):
    assert with_hunk(before, 0, INSERTED, "x.py") == after


@pytest.mark.parametrize("lines", [["above", "x", "above"], ["x"], ["below", "below"], []])
def test_a_change_without_one_place_is_refused(lines):
    with pytest.raises(pytest.fail.Exception, match="no longer applies"):
        with_hunk(lines, 0, INSERTED, "x.py")


def test_an_empty_line_is_no_place():
    with pytest.raises(pytest.fail.Exception, match="no longer applies"):
        with_hunk(["", "x"], 0, [" ", "+new", " below"], "x.py")


@pytest.mark.process
def test_all_examples_together_pass_the_tests_that_they_add(tmp_path):
    for folder in ("crmasks_widgets", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "*.gz", ".*")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for diff in EXAMPLES.values():
        for path, text in changed(diff, tmp_path).items():
            (tmp_path / path).write_text(text, encoding="utf-8")
    tests = [test for diff in EXAMPLES.values() for test in added_tests(diff)]
    for tool in (
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["pytest", "-q", "-p", "no:cacheprovider", *tests],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *tool],
            cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
