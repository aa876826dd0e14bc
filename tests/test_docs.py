"""What the documentation says is what the program does."""

import re
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml

import crmasks_widgets as cm
from crmasks_widgets.cli import build_parser

ROOT = Path(__file__).parents[1]


def test_the_parameter_page_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "make_parameters.py"))["page"]
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page()


def test_the_yaml_of_the_readme_is_valid():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    parameters = cm.Parameters.from_yaml_text(text, "README.md")
    assert parameters.gain == 1.7
    assert len(parameters.images) == 3


def test_the_commands_of_the_readme_are_understood(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^crmasks (.*?)(?:\s+#.*)?$", readme, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        build_parser().parse_args(command.split())


PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, place in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text):
        if not target.startswith("http"):
            found = (ROOT / page).parent.joinpath(target)
            assert found.exists(), target
            assert not place or place in headings(found), f"{target}#{place}"


def headings(page):
    """The anchors of a page, as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_every_parameter_that_a_page_names_exists():
    known = {row.name for row in cm.parameter_table()}
    for page in ("docs/method.md", "docs/coming-from-numina-crmasks.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:la|mm)_[a-z0-9_]+)", text)) - {"mm_photon_distribution"}
        assert len(named) >= 2
        assert named <= known, named - known


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == cm.__version__
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
