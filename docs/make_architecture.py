"""Write the drawing and the tables of docs/architecture.md from the code and its import contracts.

    python docs/make_architecture.py

Each stands between a comment that names it and the next comment; all other text is written by hand.
"""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crmasks_widgets.analysis import STAGES
from crmasks_widgets.analysis.graph import Stage
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.parameters.types import METHODS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "crmasks_widgets"
PAGE = ROOT / "docs" / "architecture.md"


def contracts() -> list[dict[str, Any]]:
    """Import contracts of pyproject.toml, the floors first."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return sorted(found, key=lambda contract: contract["type"] != "layers")


def floors() -> list[list[str]]:
    """Rooms of each floor, from the top down."""
    layers = contracts()[0]["layers"]
    return [[_room(module.strip()) for module in layer.split("|")] for layer in layers]


def _room(module: str) -> str:
    name = module.replace(".", "/")
    return f"{name}/" if (PACKAGE / name).is_dir() else name


def drawing() -> str:
    """The floors, one line each."""
    rows = [(number, "   ".join(rooms)) for number, rooms in _numbered()]
    width = max(len(text) for _, text in rows)
    lines = [f"│ {number:2} │ {text:{width}} │" for number, text in rows]
    rule = "─" * (width + 2)
    middle = f"\n├────┼{rule}┤\n".join(lines)
    return f"```text\n┌────┬{rule}┐\n{middle}\n└────┴{rule}┘\n```\n"


def _numbered() -> Iterable[tuple[int, list[str]]]:
    found = floors()
    return zip(range(len(found) - 1, -1, -1), found, strict=True)


def rooms() -> str:
    """Every room with its subject and the import rules beyond the floors."""
    lines = ["| floor | room | subject | beyond the floors |", "|---|---|---|---|"]
    for number, names in _numbered():
        for name in names:
            inner = sorted(path.parent.name for path in (PACKAGE / name).glob("*/__init__.py"))
            for room in (name, *(f"{name}{folder}/" for folder in inner)):
                lines.append(f"| {number} | `{room}` | {subject(room)} | {_rules(room)} |")
    return "\n".join(lines) + "\n"


def subject(room: str) -> str:
    """First line of the docstring of a module or folder."""
    path = PACKAGE / (f"{room}__init__.py" if room.endswith("/") else f"{room}.py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].removesuffix(".").replace("|", "\\|")


def _rules(room: str) -> str:
    module = "crmasks_widgets." + room.rstrip("/").replace("/", ".")
    names = []
    for contract in contracts()[1:]:
        sources = contract.get("source_modules", contract.get("modules", ()))
        if any(one == module or one.startswith(f"{module}.") for one in sources):
            names.append(contract["name"])
    return "; ".join(names)


def stages() -> str:
    """The stage table."""
    lines = ["| stage | computed by | reads these parameters | needs these stages |"]
    lines.append("|---|---|---|---|")
    for name, stage in STAGES.items():
        cells = (_called(name, stage), _function(stage), _listed(stage.parameters))
        lines.append("| " + " | ".join((*cells, _listed(stage.needs))) + " |")
    return "\n".join(lines) + "\n"


def _called(name: str, stage: Stage) -> str:
    targets = list(inspect.signature(stage.compute).parameters)[1:]
    return f"{name}[{targets[0]}]" if targets else name


def _function(stage: Stage) -> str:
    module = stage.compute.__module__.removeprefix("crmasks_widgets.analysis.stages.")
    return f"`{module}.{stage.compute.__name__}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.replace("*", "\\*") for name in names) or "–"


def detector_table() -> str:
    """What each detector looks at, which methods take it, and how it is drawn."""
    lines = ["| detector | looks at | `crmethod` | parameters | code | colour | symbol |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in DETECTORS.values():
        methods = ", ".join(name for name, keys in METHODS.items() if row.key in keys)
        names = ", ".join((f"{row.prefix}\\*", *row.others))
        cells = (row.name, row.looks_at, methods, names, str(row.code), row.colour, row.symbol)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


PARTS = {"floors": drawing, "rooms": rooms, "detectors": detector_table, "stages": stages}


def page(text: str) -> str:
    """Return the page with its drawing and tables as the code has them.

    Parameters
    ----------
    text : str
        The page, whose hand-written parts stay.
    """
    for name, make in PARTS.items():
        begin, end = f"<!-- {name}: make docs writes this -->\n", "<!-- end -->\n"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        made = begin + make() + end
        text, found = pattern.subn(lambda _, made=made: made, text)
        if found != 1:
            raise ValueError(f"{PAGE}: found {found} places for {name}, expected one")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
