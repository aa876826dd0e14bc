"""Every notebook runs from a clean kernel, and prints what is stored in it."""

import re
import runpy
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
# Versions of NumPy draw the same numbers, but do not round all sums alike.
TOLERANCE = 0.02
# What depends on the machine, such as times: a cell with this tag is run but not compared.
UNCOMPARED = "varies"

executed = runpy.run_path(str(ROOT / "docs" / "make_notebooks.py"))["executed"]


def printed(notebook):
    """What the cells print, by cell; neither pictures nor widgets, whose text is an address."""
    texts = {}
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code" or UNCOMPARED in cell.metadata.get("tags", []):
            continue
        outputs = []
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "stream":
                outputs.append(output.text)
            elif not any(kind.startswith(("image/", "application/")) for kind in data):
                outputs.append(data.get("text/plain", ""))
        texts[number] = "".join(outputs)
    return texts


def words_and_numbers(text):
    numbers = [float(found.replace("−", "-")) for found in NUMBER.findall(text)]
    return NUMBER.sub("#", text).split(), numbers


def test_there_are_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, 8)]


@pytest.mark.process
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_is_stored(path, tmp_path):
    stored, now = printed(nbformat.read(path, 4)), printed(executed(path, tmp_path))
    assert stored.keys() == now.keys()
    assert any(stored.values()), "nothing that could be compared"
    for number, text in stored.items():
        words, numbers = words_and_numbers(text)
        new_words, new_numbers = words_and_numbers(now[number])
        assert new_words == words, f"cell {number}"
        assert new_numbers == pytest.approx(numbers, rel=TOLERANCE, abs=1e-9), f"cell {number}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_as_it_was_run(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "learn" in first.source
    assert "minutes" in first.source
    assert str(ROOT) not in path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", "".join(cell.source for cell in notebook.cells)):
        assert target.startswith("http") or (path.parent / target).exists(), target


def test_a_changed_number_is_noticed():
    assert words_and_numbers("found 12 of 1.5e3") == (["found", "#", "of", "#"], [12, 1500])
    assert words_and_numbers("mean −0.5")[1] == [-0.5]
