"""Run the notebooks from a clean kernel and store their outputs.

    python docs/make_notebooks.py [NOTEBOOK ...]

`tests/test_notebooks.py` runs them in the same way and compares the numbers that they print.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TIMEOUT = 300
# Of a cell whose output lives only as long as its kernel: a dashboard, of which a picture would
# be stored that looks alive and answers nothing.
LIVE = "live"


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook as it is after a run from a clean kernel, in a folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    # Times of execution would make every run another file.
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    live = [cell for cell in notebook.cells if LIVE in cell.metadata.get("tags", [])]
    for cell in live:
        cell.outputs = []
    if live:
        notebook.metadata.pop("widgets", None)
    return notebook


def main() -> None:
    """Run the notebooks named, or all of them."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(path, Path(folder))
        # What a kernel says of itself differs from machine to machine.
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path.name}: {time.perf_counter() - started:.1f} s\n")


if __name__ == "__main__":
    main()
