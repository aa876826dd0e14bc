"""What the documentation says is what the program does."""

import importlib
import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from astropy.io import fits
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image

import crmasks_widgets as cm
from crmasks_widgets.cli import build_parser
from crmasks_widgets.parameters import later
from crmasks_widgets.parameters.types import METHODS

ROOT = Path(__file__).parents[1]


def test_the_parameter_page_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "make_parameters.py"))["page"]
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page()


def test_pictures_that_move_come_to_rest():
    for path in (ROOT / "docs" / "images").glob("*.webp"):
        with Image.open(path) as picture:
            assert picture.info["loop"] in (1, 2, 3), path.name


def test_the_architecture_page_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "make_architecture.py"))["page"]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page(text) == text


PLACE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.py)`(?:: ((?:`\w+`(?:,\s)?)+))?")


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md"])
def test_places_that_a_page_names_are_there(page):
    """As `file.py`, or `file.py`: `name`, `other_name`; files are those of the package or tests."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    places = PLACE.findall(text)
    assert places
    for path, names in places:
        found = next(p / path for p in (ROOT / "crmasks_widgets", ROOT) if (p / path).exists())
        defined = re.findall(r"(?:def|class) (\w+)|^(\w+)\b.* = ", found.read_text(), re.M)
        known = {name for names in defined for name in names}
        assert set(re.findall(r"\w+", names)) <= known, (path, names)


def test_following_one_detection_opens_few_modules():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = text.partition("## Walk 2")[2].partition("## Walk 3")[0]
    modules = re.findall(r"^\d+\. `([\w/]+\.py)`", walk, re.MULTILINE)
    assert len(set(modules)) == len(modules) <= 14


def test_the_walk_of_a_detection_names_every_module_that_runs(work):
    """Those of one detection, with or without a seed, and no other."""
    package, ran = Path(cm.__file__).parent, set()
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = text.partition("## Walk 2")[2].partition("From the mask")[0]
    for seed in (None, 5):
        work.yaml(mm_seed=seed, mm_boundary_fit="spline", mm_nsimulations=1)
        # What is imported runs as it is imported: whether that is now hangs on other tests.
        assert cm.load_analysis(work.folder / "params.yaml").masks["MEDIANCR"].any()
        sys.setprofile(lambda frame, event, arg: ran.add(frame.f_code.co_filename))
        try:
            assert cm.load_analysis(work.folder / "params.yaml").masks["MEDIANCR"].any()
        finally:
            sys.setprofile(None)
    files = [Path(path) for path in ran if path.startswith(str(package))]
    ours = {path.relative_to(package).as_posix() for path in files}
    tables = {"analysis/table.py", "parameters/fields.py"}  # read when they are imported
    assert set(re.findall(r"`([\w/]+\.py)`", walk)) == ours | tables


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("crmasks_widgets.blocks", "find_blocks"),
        ("crmasks_widgets.core.lacosmic_engine", "detect"),
        ("crmasks_widgets.core.lacosmic_engine", "prepare"),
        ("crmasks_widgets.core.lacosmic_stages", "lacosmic_stages"),
    ],
)
def test_documented_names_from_before_the_folders_stay(module, name):
    assert callable(getattr(importlib.import_module(module), name))


def test_the_yaml_of_the_readme_is_valid():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    parameters = cm.Parameters.from_yaml_text(text, "README.md")
    assert parameters.gain == 1.7
    assert len(parameters.images) == 3


def blocks_of_the_readme(language):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def commands_of_the_readme():
    lines = "".join(blocks_of_the_readme("sh")).splitlines()
    return [line.partition(" #")[0].strip() for line in lines]


# What lands a change runs these; the dashboard is opened by tests/browser/test_lab.py.
ELSEWHERE = {
    "crmasks init my*.fits",
    "make demo",
    "make test",
    "pip install .",
    "crmasks lab my*.fits",
}


@pytest.mark.process
def test_every_command_of_the_readme_runs(work, run_cli):
    work.yaml()
    (work.folder / "nights" / "first").mkdir(parents=True)
    for path in (work.folder / "nights" / "first" / "params.yaml", work.folder / "tuned.yaml"):
        path.write_bytes((work.folder / "params.yaml").read_bytes())
    run_cli(["run", "params.yaml", "--output-dir", "earlier", "--no-figures"], work.folder)
    (work.folder / "earlier" / "crmasks.fits").rename(work.folder / "crmasks.fits")
    commands = commands_of_the_readme()
    assert set(commands) >= ELSEWHERE
    ran = [words.split()[1:] for words in commands if words not in ELSEWHERE]
    assert {words[0] for words in ran} == {"run", "check", "report", "batch", "demo"}
    for words in ran:
        small = ["--size", "100", "80"] if words[0] == "demo" else []
        quick = [] if words[0] in ("check", "report") else ["--no-figures"]
        done = run_cli([*words, *small, *quick], work.folder)
        assert (done.code, done.err) == (0, ""), words
    build_parser().parse_args(["lab", "params.yaml"])


@pytest.mark.process
def test_the_python_of_the_readme_runs(work):
    work.yaml()
    for i in (1, 2, 3):  # the bias of the example
        frame = fits.getdata(work.folder / f"e{i}.fits") + 900
        fits.writeto(work.folder / f"e{i}.fits", frame, overwrite=True)
    code = blocks_of_the_readme("python")
    assert any("cm.Dashboard(" in text for text in code)
    subprocess.run(
        [sys.executable, "-c", "\n".join(code)], cwd=work.folder, check=True, timeout=120
    )
    assert {"crmasks.fits", "combined_meancr.fits"} <= {
        path.name for path in (work.folder / "products").iterdir()
    }
    assert (work.folder / "hits.reg").exists()


def test_the_links_to_binder_follow_the_address_in_pyproject():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_links.py"))
    assert made["with_links"](readme) == readme
    assert "/gh/an-owner/a-name/HEAD?" in made["links"]("https://github.com/an-owner/a-name")
    for name, picture in made["badges"]().items():
        assert (ROOT / "docs" / "images" / name).read_text(encoding="utf-8") == picture
        assert f"docs/images/{name}" in readme
    opened = re.findall(r"urlpath=(?:lab/tree|voila/render)/([\w/.]+)", readme)
    assert opened == [
        "notebooks/01_quickstart.ipynb",
        "notebooks/01_quickstart.ipynb",
        "notebooks/05_why_the_median_fails.ipynb",
    ]
    for name in opened:
        assert (ROOT / name).exists()


def test_the_readme_goes_from_easy_to_hard():
    headings = re.findall(r"^## (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    ways = ["In a browser", "On your own machine", "JupyterLab", "Command line", "Python"]
    assert [heading for heading in headings if heading in ways] == ways


def test_the_lock_of_binder_pins_what_the_project_needs():
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["voila"]]
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in map(Requirement, named):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    python = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert python.removeprefix("python-") in SpecifierSet(project["requires-python"])
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    ".github/SECURITY.md",
    ".github/CODE_OF_CONDUCT.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, place in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text):
        if not target.startswith("http"):
            found = (ROOT / page).parent.joinpath(target)
            assert found.exists(), target
            assert not place or place in headings(found), f"{target}#{place}"


def test_docstrings_cite_pages_that_are_there():
    """As "docs/page.md, Heading", perhaps with a line break between."""
    cited = set()
    for path in sorted((ROOT / "crmasks_widgets").rglob("*.py")):
        text = re.sub(r"\s+(# )?", " ", path.read_text(encoding="utf-8"))
        cited |= {
            (path.name, *found) for found in re.findall(r"(docs/[\w-]+\.md)([^)\n\"]*)", text)
        }
        # No numbers of a document that is not here, unless it is a book or a paper with a year.
        for found in re.finditer(r"[Ss]ections? \d|\b[AW]-\d+\b", text):
            assert re.search(r"\b(19|20)\d\d\b", text[found.start() - 100 : found.start()]), path
    assert len(cited) > 10
    for name, page, rest in cited:
        titles = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        title = rest.removeprefix(", ")
        assert not rest or any(title.startswith(known) for known in titles), (name, page, rest)


def headings(page):
    """The anchors of a page, as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_every_parameter_that_a_page_names_exists():
    known = {row.name for row in cm.parameter_table()} | {
        *METHODS,
        *later.METHODS,
        *later.NO_EFFECT,
    }
    for page in ("docs/method.md", "docs/coming-from-numina-crmasks.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:la|mm|pc)_[a-z0-9_]+)", text)) - {"mm_photon_distribution"}
        assert len(named) >= 2
        assert named <= known, named - known


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == cm.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)[1]
    assert newest == re.sub(r"\.dev\d+$", "", cm.__version__)
    assert citation["license"] == "BSD-3-Clause"
    text = "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/method.md")
    )
    for work in citation["references"]:
        assert work["authors"][0]["family-names"] in text
        assert work.get("doi", "") in text


def fake_commands(folder, **scripts):
    """A PATH with nothing but these commands, and the real ones that the script itself needs."""
    folder.mkdir()
    for name, body in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    return {"PATH": str(folder)}


def need(environment, *packages):
    return subprocess.run(
        ["/bin/sh", ROOT / ".ci" / "need", *packages],
        env=environment, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_without_the_right_to_install_the_exact_line_is_printed(tmp_path):
    environment = fake_commands(tmp_path / "bin", python3="exit 1", id="echo 1000")
    done = need(environment, "python3-venv", "chromium")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Missing: python3-venv chromium. Please run: sudo apt-get update && "
        "sudo apt-get install -y python3-venv chromium"
    ]


@pytest.mark.parametrize(("user", "prefix"), [("0", ""), ("1000", "sudo ")])
def test_what_is_missing_is_installed_as_root_or_by_sudo(tmp_path, user, prefix):
    log = tmp_path / "log"
    environment = fake_commands(
        tmp_path / "bin",
        python3="exit 0",
        id=f"echo {user}",
        sudo=f'echo "sudo $*" >> {log}',
        **{"apt-get": f'echo "apt-get $*" >> {log}'},
    )
    assert need(environment, "python3-venv", "chromium").returncode == 0
    lines = [line for line in log.read_text().splitlines() if "true" not in line]
    assert lines == [
        f"{prefix}apt-get update -qq",
        f"{prefix}apt-get install -y -qq chromium",
    ]


def test_nothing_is_installed_when_nothing_is_missing(tmp_path):
    environment = fake_commands(tmp_path / "bin", python3="exit 0", chromium="exit 0")
    done = need(environment, "python3-venv", "chromium")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
