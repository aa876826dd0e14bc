"""Rules that the source itself must keep: nothing in it runs what a file or a user wrote."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "crmasks_widgets").rglob("*.py"))

CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
ATTRIBUTES = {
    "os": {"system", "popen"},
    "yaml": {"load", "load_all", "full_load", "unsafe_load", "UnsafeLoader", "Loader"},
}
KEYWORDS = {"shell": True, "allow_pickle": True}


def offences(source, name="source"):
    """What a module does that could run foreign code, as lines and words."""
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in CALLS:
                yield node.lineno, node.func.id
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if keyword.arg in KEYWORDS and value is KEYWORDS[keyword.arg]:
                    yield node.lineno, keyword.arg
        names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
        names.append(getattr(node, "module", None) or "")
        for found in MODULES.intersection(part.split(".")[0] for part in names):
            yield node.lineno, found
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = node.value.id
            yield from [(node.lineno, owner)] * (node.attr in ATTRIBUTES.get(owner, ()))


def test_no_source_runs_text_or_unpickles():
    assert len(SOURCES) > 100
    found = {
        f"{path.relative_to(ROOT)}:{line}": what
        for path in SOURCES
        for line, what in offences(path.read_text(encoding="utf-8"), str(path))
    }
    assert found == {}


def test_stages_start_no_threads_under_the_dashboard():
    """What the thread of its engine warns of is shown; of another one nobody would know whose."""
    pools = {"ThreadPoolExecutor", "Thread", "compute_all"}
    named = {
        path.relative_to(ROOT / "crmasks_widgets").as_posix(): found
        for path in SOURCES
        if (found := pools.intersection(re.findall(r"\w+", path.read_text(encoding="utf-8"))))
    }
    below = ("core/", "analysis/", "exposures/", "proposals/", "loading/", "products/", "report/")
    assert {name for name in named if name.startswith(below)} == {"analysis/schedule.py"}
    assert {name for name, found in named.items() if "compute_all" in found} == {
        "analysis/schedule.py", "terminal.py", "batch/block.py",
    }  # fmt: skip


# Files of this package, of the kernel, and temporary ones of a run.
OPENED = {
    "machine.py", "regular_files.py", "products/mosaic.py", "dashboard/page/scripts.py",
    "report/page.py",
}  # fmt: skip
READING = {"open", "read_text", "read_bytes"}


def opened(source):
    """Lines of a module in which a file is opened for reading, by whatever name."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = ast.unparse(node.func).rpartition(".")[0]
        modes = [getattr(each, "value", None) for each in node.args]
        writes = any(isinstance(mode, str) and mode[:1] in "wx" for mode in modes)
        own = name == "read_text" and not owner  # that of `parameters.yaml_text`
        known = own or owner in ("webbrowser", "self", "os", "fits", "zipfile.ZipFile(stream)")
        if name in READING and not writes and not known:
            yield node.lineno, ast.unparse(node)


def test_every_file_of_a_user_is_opened_in_one_place():
    package = ROOT / "crmasks_widgets"
    found = {
        f"{path.relative_to(package)}:{line}": what
        for path in SOURCES
        if path.relative_to(package).as_posix() not in OPENED
        for line, what in opened(path.read_text(encoding="utf-8"))
    }
    assert found == {}
    assert list(opened("path.open('rb')\nopen(x)\nPath(x).read_text()\n"))


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')", "exec(x)", "import pickle", "from pickle import loads", "os.system('x')",
        "import joblib.memory", "subprocess.run(x, shell=True)", "np.load(x, allow_pickle=True)",
        "yaml.load(x)", "yaml.load(x, Loader=yaml.UnsafeLoader)", "__import__('os')",
    ],
)  # fmt: skip
def test_these_would_be_found(source):
    assert list(offences(source))


@pytest.mark.process
def test_the_security_rules_of_ruff_hold_without_exception():
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "S",
               "--output-format", "concise", "--no-cache", "crmasks_widgets"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


OURS = re.compile(r"\b(?:min|max|median|mean)2d\b")


def texts(source):
    """Texts of a module that are no docstrings: some of them a user reads."""
    tree = ast.parse(source)
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield node.value


def test_a_user_reads_words_of_the_field_and_no_names_of_arrays():
    pages = [p for p in (ROOT / "crmasks_widgets").rglob("*") if p.suffix in {".js", ".j2"}]
    written = {path: texts(path.read_text(encoding="utf-8")) for path in SOURCES}
    written |= {path: [path.read_text(encoding="utf-8")] for path in pages}
    assert pages
    assert [p.name for p, found in written.items() if any(map(OURS.search, found))] == []


def test_what_commands_leave_in_the_folder_is_not_checked():
    """After `make demo`, `make test` reads no demo exposures as prose."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    skipped = settings["tool"]["codespell"]["skip"].split(",")
    left = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    made = [name for name in left if re.match(r"\w+[\w/-]*$", name) and not name.startswith("_")]
    assert {"build", "dist", "crmasks-demo"} <= set(made) <= set(skipped)
