"""The modules that a page gets: files of `dashboard/`, joined as `page/scripts.py` joins them."""

import ast
import bisect
from dataclasses import dataclass
from pathlib import Path

import crmasks_widgets
from crmasks_widgets.dashboard.page import scripts

DASHBOARD = Path(crmasks_widgets.__file__).parent / "dashboard"


@dataclass(frozen=True)
class Module:
    """One module, and what it is joined of.

    Parameters
    ----------
    name : str
        Folder and last file without suffix: ``diagram-hand``.
    text : str
        As `script` gives it.
    files : tuple of (Path, int)
        Each with the line of the text at which it begins, the first being 1.
    """

    name: str
    text: str
    files: tuple[tuple[Path, int], ...]

    def place(self, line):
        """File and line in it of a line of the module."""
        at = bisect.bisect_right([first for _, first in self.files], line) - 1
        path, first = self.files[at]
        return path, line - first + 1


def calls(path):
    """Names given to each call of `script` in a file, tuples of the file put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tuples = {
        node.target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Tuple)
        and isinstance(node.target, ast.Name)
        and all(isinstance(each, ast.Constant) for each in node.value.elts)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "script":
            names = []
            for given in node.args[1:]:
                starred = isinstance(given, ast.Starred)
                names += tuples[given.value.id] if starred else [ast.literal_eval(given)]
            yield names


def module(path, names):
    """The module of the widget that is defined in a file of Python."""
    files, first = [], 1
    for part in (*scripts.SHARED, *map(path.with_name, names)):
        files.append((part, first))
        first += part.read_text(encoding="utf-8").count("\n") + 1
    name = f"{path.parent.name}-{Path(names[-1]).stem}"
    return Module(name, scripts.script(str(path), *names), tuple(files))


def modules():
    """Of all widgets, by name."""
    found = (module(p, names) for p in sorted(DASHBOARD.rglob("*.py")) for names in calls(p))
    return {each.name: each for each in found}


def write(folder):
    """Write each module into a folder, as NAME.js."""
    for each in modules().values():
        (folder / f"{each.name}.js").write_text(each.text, encoding="utf-8")
