"""The notebook of `crmasks lab`, in which the dashboard is open."""

import itertools
import json
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from crmasks_widgets.errors import ProductExistsError
from crmasks_widgets.exposure_names import is_parameter_file, split_plane
from crmasks_widgets.files.writing import text_product, write_products
from crmasks_widgets.regular_files import read_head

logger = logging.getLogger(__name__)

KERNEL: Final = {"name": "python3", "display_name": "Python 3", "language": "python"}
# What the cell leaves in the notebook. None of these is run by a page.
_OUTPUTS: Final = frozenset({"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"})
_MOST_BYTES: Final = 64 * 2**20  # with the state of a dashboard in it

_NO_NOTEBOOK: Final = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError
)  # fmt: skip

Sources = Sequence[str]
"""A parameter file, or FITS files; empty for demo exposures."""


def dashboard_code(sources: Sources) -> str:
    """Text of the cell that opens the dashboard.

    Parameters
    ----------
    sources : sequence of str
        A parameter file, or FITS files; empty for demo exposures.

    Returns
    -------
    str
        Python.
    """
    more, made = "", f"cm.open({list(sources)!r})"
    if not sources:
        more = "from crmasks_widgets.demo import demo_analysis\n"
        made = "cm.Dashboard(demo_analysis())"
    elif is_parameter_file(sources):
        made = f"cm.open({sources[0]!r})"
    return f"import crmasks_widgets as cm\n{more}\ndashboard = {made}\ndashboard"


def fresh_notebook(sources: Sources) -> dict[str, Any]:
    """Make the notebook as it is before it is run.

    Parameters
    ----------
    sources : sequence of str
        As for `dashboard_code`.

    Returns
    -------
    dict
        Of one cell, as nbformat has it, which takes a second to be loaded.
    """
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": secrets.token_hex(4),
        # The dashboard is what is looked at: the page folds the code away.
        "metadata": {"jupyter": {"source_hidden": True}},
        "outputs": [],
        "source": dashboard_code(sources),
    }
    metadata = {"kernelspec": dict(KERNEL)}
    return {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def prepare_notebook(folder: Path, sources: Sources) -> Path:
    """Write a notebook whose one cell opens the dashboard; no other file is touched.

    That of an earlier start is written anew. A notebook in which anything else stands is somebody
    else's, or has the user's notes in it: it is left alone, and one of another name made.

    Parameters
    ----------
    folder : Path
        Where it goes to.
    sources : sequence of str
        A parameter file or FITS files, as seen from the folder; empty for demo exposures.

    Returns
    -------
    Path
        `fresh_notebook`, nothing of what was there before.

    Raises
    ------
    OutputError
        It cannot be written; what was there before is there still.
    """
    text = json.dumps(fresh_notebook(sources), indent=1, ensure_ascii=False) + "\n"
    stem = f"crmasks-{_stem(sources[0]) if sources else 'demo'}"
    for number in itertools.count(1):
        path = folder / (f"{stem}.ipynb" if number == 1 else f"{stem}-{number}.ipynb")
        product = text_product(path.name, "notebook", text)
        try:
            write_products([product], folder, replace=False)
        except ProductExistsError:
            reason = _why_not_ours(path, dashboard_code(sources))
            if reason:
                logger.info("%s: %s: left alone and not run", path, reason)
                continue
            write_products([product], folder)
        return path
    raise AssertionError  # for the type checker: the numbers do not end


def _stem(source: str) -> str:
    """Name of a file without what it ends in; of a pattern, what can be in a name."""
    stem = re.sub(r"[^\w.+'-]+", "", Path(split_plane(source)[0]).name.split(".")[0])
    return stem[:60] or "files"


def _why_not_ours(path: Path, code: str) -> str:
    """Say what a notebook has that `crmasks lab` does not write; nothing if all is its own."""
    try:
        notebook = json.loads(read_head(path, _MOST_BYTES))
        (cell,) = notebook["cells"]
        if "".join(cell["source"]) != code or cell["cell_type"] != "code":
            return "found another cell than that of this dashboard"
        outputs = [_kinds_of(output) for output in cell["outputs"]]
    except _NO_NOTEBOOK:
        return "found no notebook of one cell"
    strange = sorted(set().union(*outputs) - _OUTPUTS)
    return f"found output of the kind {strange[0]!r}, not of a dashboard" if strange else ""


def _kinds_of(output: Mapping[str, Any]) -> set[str]:
    if output["output_type"] == "stream":
        return {"text/plain"}
    return set(output["data"])
