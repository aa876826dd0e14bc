"""Many cases in a row: `python -m tests.fuzz.campaign frames 0 10000`.

What breaks a promise is made as small as it still does so, and printed as an entry of the corpus.
"""

import argparse
import copy
import gc
import re
import sys
import tempfile
import time
from pathlib import Path

import yaml

from . import cases, recipes, trial


def tried(case):
    """What a case breaks, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = trial.faults(case, Path(folder).resolve())
    if any("unexpected" in fault for fault in found):
        found = [f"{fault} {_where(case)}" for fault in found]
    return found


def _where(case):
    """The last line of the package in the traceback of what was not expected."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        for name, recipe in case["files"].items():
            recipes.write(place, name, recipe)
        said = trial.run(case | {"run": [*case["run"], "--log-level", "DEBUG"]}, place).out
    lines = re.findall(r'File ".*/(crmasks_widgets/.*)", line (\d+), in (\w+)', said)
    return ":".join(lines[-1]) if lines else "nowhere"


def kind_of(fault):
    """What tells one defect from another: without numbers and names."""
    plain, _, place = fault.rpartition("]")
    return re.sub(r"0x\w+|[-+.]?\d[\d.]*|'[^']*'|/\S+", "*", plain)[:160] + place


def smaller(case):
    """Cases that lack one thing of this one."""
    for path in _paths(case, ()):
        less = copy.deepcopy(case)
        place = less
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        yield less


def _paths(value, path):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        if path or key in ("files", "environment", "stdout", "stderr", "run"):
            if path and (path[0] != "run" or len(path) > 1 or key > 1):
                yield (*path, key)
            if isinstance(inner, dict | list):
                yield from _paths(inner, (*path, key))


def minimised(case, kind, most=120):
    """A case that breaks the same with less."""
    left = True
    while left:
        left = False
        for less in smaller(case):
            most -= 1
            if most < 0:
                return case
            try:
                still = kind in map(kind_of, tried(less))
            except (ValueError, KeyError, TypeError, OSError, IndexError):
                continue  # no recipe any more
            if still:
                case, left = less, True
                break
    return case


def main():
    """Run the cases of a generator from one number to another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("generator", choices=cases.GENERATORS)
    parser.add_argument("first", type=int)
    parser.add_argument("after", type=int)
    given = parser.parse_args()
    gc.freeze()  # each run searches for garbage, and what was imported is none
    known, started = {}, time.monotonic()
    for number in range(given.first, given.after):
        case = cases.make(given.generator, number)
        for fault in tried(case):
            kind = kind_of(fault)
            known[kind] = known.get(kind, 0) + 1
            if known[kind] > 1:
                continue
            print(f"# {given.generator} {number}: {fault}")  # noqa: T201
            text = yaml.safe_dump(minimised(case, kind), sort_keys=False, width=200)
            print(text, flush=True)  # noqa: T201
        if number % 500 == 499:
            seconds = time.monotonic() - started
            print(f"# {number + 1 - given.first} cases in {seconds:.0f} s", flush=True)  # noqa: T201
    print(f"# done: {given.after - given.first} cases; {known}")  # noqa: T201
    return bool(known)


if __name__ == "__main__":
    sys.exit(main())
