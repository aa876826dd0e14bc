"""`crmasks lab` without a browser: what it refuses, and the notebook it writes."""

import asyncio
import json
import re
import socket
import sys

import nbformat
import pytest

from crmasks_widgets import lab
from crmasks_widgets.demo import demo_analysis, demo_scene
from crmasks_widgets.errors import OutputError, StartError
from crmasks_widgets.lab_contents import PatientContents

from .conftest import digests


class Server:
    """A process that does nothing until it is told to end."""

    ended = False

    def poll(self):
        return None

    def terminate(self):
        self.ended = True

    def wait(self, _timeout=None):
        return 0


@pytest.fixture
def servers(monkeypatch):
    """Servers that would have been started."""
    started = []

    def start(*_, **__):
        started.append(Server())
        return started[-1]

    monkeypatch.setattr(lab.subprocess, "Popen", start)
    return started


@pytest.fixture
def no_server(monkeypatch):
    """Let a test fail if anything is started."""

    def refuse(*_, **__):
        raise AssertionError("a server was started")

    monkeypatch.setattr(lab, "serving", refuse)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["none.yaml"], r"crmasks: none\.yaml: .*"),
        (["bad.yaml"], r"crmasks: bad\.yaml: dilation: found 'x', expected .*"),
        (["lost.yaml"], r"crmasks: nowhere\.fits: .*"),
        (["--port", "99999"], r"crmasks: --port: found 99999, .*expected a free port"),
    ],
)
def test_what_is_wrong_is_said_and_no_server_stays(work, servers, run_cli, arguments, error):
    work.yaml(dilation="x").rename(work.folder / "bad.yaml")
    work.yaml(images=["nowhere.fits", *work.images[1:]]).rename(work.folder / "lost.yaml")
    before = digests(work.folder)
    result = run_cli(["lab", *arguments], work.folder)
    assert result.code == 2
    assert re.fullmatch(error + r"\n", result.err), result.err
    assert digests(work.folder) == before
    assert [server.ended for server in servers] == [True] * ("--port" not in arguments)


def test_a_port_in_use_is_named(run_cli, tmp_path, no_server):
    with socket.socket() as taken:
        taken.bind((lab.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_cli(["lab", "--port", port], tmp_path)
    assert result.code == 2
    assert f"--port: found {port}" in result.err
    assert not list(tmp_path.iterdir())


def test_without_voila_the_way_to_get_it_is_said(run_cli, tmp_path, no_server, monkeypatch):
    monkeypatch.setitem(sys.modules, "voila", None)
    result = run_cli(["lab", "--voila"], tmp_path)
    assert result.code == 2
    assert "pip install 'crmasks-widgets[voila]'" in result.err


@pytest.mark.process
def test_a_server_that_ends_at_once_is_an_error():
    command = ["timeit", "--no-such-option"]
    with pytest.raises(StartError, match="timeit: ended with exit code 2"):  # noqa: SIM117
        with lab.serving(command, {}, lab.free_port()):
            pass


def test_the_notebook_opens_the_dashboard_of_the_file(tmp_path):
    path = lab.prepare_notebook(tmp_path, ["data/it's.yaml"])
    assert path == tmp_path / "crmasks-it's.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (cell,) = notebook.cells
    assert cell.source == (
        "import crmasks_widgets as cm\n\n"
        'dashboard = cm.Dashboard(cm.load_analysis("data/it\'s.yaml"))\ndashboard'
    )


def test_the_notebook_of_an_earlier_start_is_used_again(tmp_path):
    first = lab.prepare_notebook(tmp_path, [])
    notebook = nbformat.read(first, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("my notes"))
    nbformat.write(notebook, first)
    before = digests(tmp_path)
    assert lab.prepare_notebook(tmp_path, []) == first
    assert digests(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "\x00", json.dumps({"cells": [{"cell_type": "code", "source": "1"}]})],
)
def test_other_files_are_left_alone(tmp_path, content):
    for name in ("crmasks-p.ipynb", "crmasks-p-2.ipynb"):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "crmasks-p-3.ipynb").mkdir()
    before = digests(tmp_path)
    path = lab.prepare_notebook(tmp_path, ["p.yaml"])
    assert path.name == "crmasks-p-4.ipynb"
    after = digests(tmp_path)
    assert after.pop(path.name)
    assert after == before


def test_two_files_of_one_name_have_two_notebooks(tmp_path):
    one, other = ["a/params.yaml"], ["b/params.yaml"]
    assert lab.prepare_notebook(tmp_path, one) != lab.prepare_notebook(tmp_path, other)
    assert lab.prepare_notebook(tmp_path, one).name == "crmasks-params.ipynb"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"crmasks-demo\.ipynb: not writable \(.*\), expected"):
        lab.prepare_notebook(tmp_path / "none", [])


def test_the_analysis_of_the_demo_has_its_exposures_and_levels():
    analysis, scene = demo_analysis((40, 50), seed=3), demo_scene((40, 50), seed=3)
    for i in range(scene.n):
        assert (analysis.exposures.data[i] == scene.exposures[i]).all()
    parameters = analysis.parameters
    assert (parameters.gain, parameters.rnoise) == (scene.gain, scene.rnoise)
    assert (parameters.bias, parameters.mm_seed) == (scene.bias, 3)


def test_a_page_gets_its_notebook_when_that_is_stored(tmp_path):
    path = lab.prepare_notebook(tmp_path, [])
    (tmp_path / "notes.txt").write_text("mine")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="the dashboard")]

    async def ask():
        files = PatientContents(root_dir=str(tmp_path))
        asked = asyncio.create_task(files.get(path.name))
        assert (await files.get("notes.txt"))["content"] == "mine"
        assert (await files.get(path.name, content=False))["content"] is None
        assert not asked.done()
        await files.save({"type": "notebook", "format": "json", "content": notebook}, path.name)
        for answer in (await asked, await files.get(path.name)):
            assert answer["content"]["cells"][0]["outputs"][0]["text"] == "the dashboard"

    asyncio.run(ask())
