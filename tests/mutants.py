"""Small mistakes made in a module on purpose, and whether its tests notice them.

A program of its own: python -m tests.mutants [FIRST] [STEP] tries every STEP-th mutant, each in a
fork of its own, and prints a line of JSON a mutant: module, line, mistake, whether noticed.
python -m tests.mutants examples tries what is right, and a mistake of each module, with the
module's own tests alone.
"""

import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest

import crmasks_widgets

SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
MODULES = ("masks", "mm.boundary", "combine")
_HERE = Path(__file__).parent
# From the quickest to the slowest: most mistakes are noticed by the first.
_TESTS = (
    "core/test_{}.py", "core/test_worked_examples.py", "test_analysis_masks.py",
    "test_analysis_diagram.py", "test_analysis_stages.py", "test_analysis.py", "test_parity.py",
)  # fmt: skip
MOST_SECONDS = 200


def changes(node):
    """Ways to change a node, as (what is said of it, how it is done on a copy)."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        new = SWAPS[type(node.ops[0])]
        yield new.__name__, lambda n: n.ops.__setitem__(0, new())
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPS:
        other = SWAPS[type(node.op)]
        yield other.__name__, lambda n: setattr(n, "op", other())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert | ast.USub):
        yield "without " + type(node.op).__name__, lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{not node.value}", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} + 1", lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.If | ast.IfExp):
        yield "if not", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def places(tree):
    """Every node that runs, with how to change it: not annotations, not decorators."""
    hidden = set()
    for node in ast.walk(tree):
        for part in ("annotation", "returns", "decorator_list"):
            found = getattr(node, part, None) or []
            for inner in found if isinstance(found, list) else [found]:
                hidden.update(map(id, ast.walk(inner)))
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in hidden:
            for which, (said, _) in enumerate(changes(node)):
                yield number, which, said


def mutants(source):
    """Line, description and source of every mutant."""
    tree = ast.parse(source)
    for number, which, said in places(tree):
        mutant = copy.deepcopy(tree)
        node = list(ast.walk(mutant))[number]
        list(changes(node))[which][1](node)
        yield node.lineno, said, ast.unparse(ast.fix_missing_locations(mutant))


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports other source in the place of one module."""

    def __init__(self, name, source):
        self._name, self._source = name, source

    def find_spec(self, fullname, path=None, target=None):
        """Answer for this module only."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def get_source(self, fullname):
        """What is imported."""
        return self._source


def source_of(module):
    """Text of a module of the core."""
    path = (
        Path(crmasks_widgets.__file__)
        .parent.joinpath("core", *module.split("."))
        .with_suffix(".py")
    )
    return path.read_text(encoding="utf-8")


def noticed(module, source, tests=_TESTS):
    """Whether tests fail, hang or break with this source in the place of a module of the core."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = _run_tests(module, source, tests)
        finally:
            os._exit(0 if code == 0 else 1)
    return os.waitpid(pid, 0)[1] != 0


def _run_tests(module, source, tests):
    signal.alarm(MOST_SECONDS)
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(sink, stream)
    # Whoever imported the module before has to import it again.
    for name in [n for n in sys.modules if n.split(".")[0] in ("crmasks_widgets", "tests")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Instead(f"crmasks_widgets.core.{module}", source))
    files = [str(_HERE / test.format(module.split(".")[-1])) for test in tests]
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:benchmark", *files])


def tried(first=0, step=1):
    """Try every `step`-th mutant: module, line, mistake, whether it was noticed."""
    every = [(module, *mutant) for module in MODULES for mutant in mutants(source_of(module))]
    for module, line, said, source in every[first::step]:
        yield module, line, said, noticed(module, source)


def examples():
    """Try what is right, and the first wrong sign of each module, as `tried` does."""
    own = _TESTS[:1]
    yield MODULES[0], 0, "nothing", noticed(MODULES[0], source_of(MODULES[0]), own)
    for module in MODULES:
        line, said, source = next(
            mutant for mutant in mutants(source_of(module)) if mutant[1] == ast.Sub.__name__
        )
        yield module, line, said, noticed(module, source, own)


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for result in examples() if chosen == ["examples"] else tried(*map(int, chosen)):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
