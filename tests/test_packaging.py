"""What hands the package out follows from pyproject.toml, where each fact stands once."""

import json
import re
import runpy
import tomllib
from pathlib import Path

import yaml

import crmasks_widgets as cm

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]


def test_the_description_on_an_index_has_no_relative_link():
    made = runpy.run_path(str(ROOT / "packaging" / "hatch_build.py"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = made["absolute"](readme, "https://github.com/an-owner/a-name")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 30
    assert all(re.match(r"https?://|#", target) for target in targets)
    for name in ("dashboard_moving.webp", "result.png"):
        assert f"https://github.com/an-owner/a-name/raw/main/docs/images/{name}" in targets


def test_the_recipe_for_conda_is_current():
    made = runpy.run_path(str(ROOT / "packaging" / "conda_recipe.py"))
    written = (ROOT / "packaging" / "conda-recipe" / "recipe.yaml").read_text(encoding="utf-8")
    assert written == made["text"]()
    recipe = yaml.safe_load(written)
    assert recipe["context"]["version"] == cm.__version__
    assert len(recipe["requirements"]["run"]) == len(PROJECT["dependencies"]) + 1
    assert recipe["about"]["homepage"] == ADDRESS


def test_the_address_of_the_repository_stands_in_one_line():
    """Other files that hold it are written from there, and tests compare them."""
    written = {"README.md", "pyproject.toml", "packaging/conda-recipe/recipe.yaml"}
    owner_and_name = "/".join(ADDRESS.split("/")[-2:])
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("", "docs", "docs/static", "packaging", "packaging/conda-recipe", "paper",
                       ".github", ".github/workflows", "crmasks_widgets", "binder", "notebooks")
        for path in (ROOT / folder).glob("*")
        if path.is_file() and owner_and_name in path.read_text(encoding="utf-8", errors="replace")
    }  # fmt: skip
    assert found <= written
    assert (ROOT / "pyproject.toml").read_text(encoding="utf-8").count(owner_and_name) == 1


def test_pythons_are_the_same_everywhere():
    check = runpy.run_path(str(ROOT / "packaging" / "release_check.py"))["PYTHONS"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d", c)]
    assert list(check) == named
    assert PROJECT["requires-python"] == f">={check[0]}"
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["elsewhere"]["strategy"]["matrix"]
    assert {check[0], check[-1]} == set(matrix["python"])
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_hooks_before_a_commit_are_the_checks_of_make():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nchecks:")[2]
    checks = re.findall(r"^\t\$\(BIN\)/(.*)$", lines.partition("\n\n")[0], re.MULTILINE)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = json.dumps([hook["entry"] for hook in hooks["repos"][0]["hooks"]])
    assert checks
    for command in checks:
        assert f".venv/bin/{command}" in entries, command
