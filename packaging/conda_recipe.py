"""Write the recipe for conda-forge from pyproject.toml.

    python packaging/conda_recipe.py

Version, dependencies, licence and the repository's address stand in pyproject.toml and the package,
and `tests/test_packaging.py` compares. The checksum is that of a published sdist, which the
robot of conda-forge puts in.
"""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
RECIPE = Path(__file__).parent / "conda-recipe" / "recipe.yaml"
# Where conda-forge calls a package otherwise than PyPI; this matplotlib comes without Qt.
NAMES = {"matplotlib": "matplotlib-base"}
HEAD = "# Written by packaging/conda_recipe.py.\n"


def requirement(text: str) -> str:
    """Return a requirement of pyproject.toml as conda writes it: a blank after the name.

    Parameters
    ----------
    text : str
        Name and bounds, without extras or markers.
    """
    found = re.fullmatch(r"([\w.-]+)(.*)", text)
    if found is None:
        msg = f"pyproject.toml: found the dependency {text!r}, expected a name and bounds"
        raise ValueError(msg)
    name, bounds = found.groups()
    return f"{NAMES.get(name, name)} {bounds}".strip()


def recipe() -> dict[str, Any]:
    """Return the recipe as conda-forge's tools read it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    version = runpy.run_path(str(ROOT / "crmasks_widgets" / "_version.py"))["__version__"]
    name, python = project["name"], project["requires-python"].removeprefix(">=")
    stem = name.replace("-", "_")
    modules = {"imports": ["crmasks_widgets", "crmasks_widgets.dashboard.app"], "pip_check": True}
    return {
        "schema_version": 1,
        "context": {"version": version, "python_min": python},
        "package": {"name": name, "version": "${{ version }}"},
        "source": {
            "url": f"https://pypi.org/packages/source/c/{name}/{stem}-${{{{ version }}}}.tar.gz",
            "sha256": "0" * 64,
        },
        "build": {
            "number": 0,
            "noarch": "python",
            "script": "${{ PYTHON }} -m pip install . -vv --no-deps --no-build-isolation",
            "python": {"entry_points": [f"{k} = {v}" for k, v in project["scripts"].items()]},
        },
        "requirements": {
            "host": ["python ${{ python_min }}.*", "pip", "hatchling"],
            "run": [
                "python >=${{ python_min }}",
                *(requirement(text) for text in project["dependencies"]),
            ],
        },
        "tests": [
            {"python": modules | {"python_version": ["${{ python_min }}.*", "*"]}},
            {"script": ["crmasks --help", "crmasks demo demo --size 120 100 --no-figures"]},
        ],
        "about": {
            "summary": project["description"],
            "license": project["license"],
            "license_file": project["license-files"],
            "homepage": project["urls"]["Repository"],
            "repository": project["urls"]["Repository"],
        },
    }


def text() -> str:
    """Return the file."""
    return HEAD + yaml.safe_dump(recipe(), sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    RECIPE.parent.mkdir(exist_ok=True)
    RECIPE.write_text(text(), encoding="utf-8")
