"""Run the notebooks from a clean kernel and store their outputs.

    python docs/make_notebooks.py [NOTEBOOK ...]

`tests/test_notebooks.py` runs them in the same way and compares the numbers that they print.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TIMEOUT = 300


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
    return client.execute()


def main() -> None:
    """Run the notebooks named, or all of them."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        started = time.perf_counter()
        notebook = executed(path, path.parent)
        # What a kernel says of itself differs from machine to machine.
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path.name}: {time.perf_counter() - started:.1f} s\n")


if __name__ == "__main__":
    main()
