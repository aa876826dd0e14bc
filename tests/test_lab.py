"""`crmasks lab` without a browser: what it refuses, and the notebook it writes."""

import asyncio
import importlib
import json
import os
import re
import socket
import sys
from shutil import which
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from crmasks_widgets import lab, lab_kernels, lab_server
from crmasks_widgets.demo import demo_analysis, demo_scene
from crmasks_widgets.errors import OutputError, StartError
from crmasks_widgets.lab_contents import PatientContents
from crmasks_widgets.lab_early import EarlyKernelManager
from crmasks_widgets.lab_kernels import QUIET, QuietKernels
from crmasks_widgets.starting.notebook import dashboard_code, fresh_notebook, prepare_notebook

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
    path = prepare_notebook(tmp_path, ["data/it's.yaml"])
    assert path == tmp_path / "crmasks-it's.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (cell,) = notebook.cells
    assert cell.source == (
        'import crmasks_widgets as cm\n\ndashboard = cm.open("data/it\'s.yaml")\ndashboard'
    )


def test_the_notebook_of_an_earlier_start_is_written_anew(tmp_path):
    first = prepare_notebook(tmp_path, [])
    before = digests(tmp_path)
    shown = {"text/plain": "Dashboard", "image/png": "iVBORw0KGgo="}
    planted(first, [display(shown), nbformat.v4.new_output("stream", text="3 hits")])
    assert prepare_notebook(tmp_path, []) == first
    assert digests(tmp_path).keys() == before.keys()
    (cell,) = nbformat.read(first, as_version=4).cells
    assert cell.outputs == []


def display(data):
    return nbformat.v4.new_output("display_data", data=data)


def planted(path, outputs=(), cells=(), sources=()):
    """Write the notebook of somebody else, whose cell is that of `crmasks lab`."""
    notebook = nbformat.from_dict(fresh_notebook(sources))
    notebook.cells[0].outputs = list(outputs)
    notebook.cells += cells
    notebook.metadata["kernelspec"] = {"name": "evil", "display_name": "x", "language": "python"}
    nbformat.write(notebook, path)


SCRIPT = "<script>fetch('/api/kernels', {method: 'POST'})</script>"
FOREIGN = {
    "a script in its output": {"outputs": [display({"text/html": SCRIPT})]},
    "a script beside the picture": {
        "outputs": [display({"image/png": "", "application/javascript": "alert(1)"})]
    },
    "an error with a script": {
        "outputs": [nbformat.v4.new_output("error", ename=SCRIPT, evalue="", traceback=[SCRIPT])]
    },
    "another cell": {"cells": [nbformat.v4.new_code_cell("__import__('os').mkdir('hacked')")]},
    "notes": {"cells": [nbformat.v4.new_markdown_cell(SCRIPT)]},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_notebook_of_somebody_else_is_neither_run_nor_trusted(tmp_path, caplog, kind):
    foreign = tmp_path / "crmasks-p.ipynb"
    planted(foreign, **FOREIGN[kind], sources=["p.yaml"])
    before = foreign.read_bytes()
    caplog.set_level("INFO")
    path = prepare_notebook(tmp_path, ["p.yaml"])
    assert path.name == "crmasks-p-2.ipynb"
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"
    assert foreign.read_bytes() == before
    (said,) = caplog.messages
    assert said.startswith(f"{foreign}: found ")
    assert said.endswith(": left alone and not run")
    assert prepare_notebook(tmp_path, ["p.yaml"]) == path


def test_what_is_signed_is_made_here(tmp_path, monkeypatch):
    """Whatever lies on the disk by the time the page opens."""
    path = prepare_notebook(tmp_path, ["p.yaml"])
    planted(path, **FOREIGN["a script in its output"], sources=["p.yaml"])
    asked = []

    def ask(*arguments):
        asked.append(arguments)
        return {"kernel": {"id": "1"}}

    monkeypatch.setattr(lab, "ask_server", ask)
    monkeypatch.setattr(lab, "_run", lambda *_: (1, []))
    kernel = lab._start_kernel(path, 1, "token")
    lab._open_dashboard(path, ["p.yaml"], kernel, 1, "token")
    started, stored = (arguments[4] for arguments in asked)
    assert started["kernel"]["name"] == "python3"
    assert SCRIPT not in json.dumps(stored)
    assert [cell["source"] for cell in stored["content"]["cells"]] == [dashboard_code(["p.yaml"])]


def test_servers_and_kernels_look_for_no_module_beside_the_data():
    given = {"PYTHONPATH": os.pathsep.join(["", "/mine", ""]), "HOME": "/home/me"}
    found = lab._apart_from_the_data(given)
    assert found == {"PYTHONPATH": "/mine", "HOME": "/home/me", "PYTHONSAFEPATH": "1"}


@pytest.mark.process
def test_a_server_finds_no_settings_beside_the_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jupyter_server_config.py").write_text("open('hacked', 'w')\n")
    (tmp_path / "timeit.py").write_text("open('hacked', 'w')\n")
    command = [
        "timeit",
        "-n1",
        "-r1",
        f"open({str(tmp_path / 'where')!r}, 'w').write(__import__('os').getcwd())",
    ]
    with pytest.raises(StartError, match="timeit: ended"):  # noqa: SIM117
        with lab.serving(command, {}, lab.free_port()):
            pass
    assert (tmp_path / "where").read_text() != str(tmp_path)
    assert not (tmp_path / "hacked").exists()


def test_the_token_is_in_no_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    with lab._page_that_leads_to("http://127.0.0.1:1/?token=secret") as page:
        assert "secret" in page.read_text()
        assert "secret" not in page.as_uri()
        if os.name == "posix":
            assert page.stat().st_mode & 0o077 == 0
    assert not page.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "\x00", json.dumps({"cells": [{"cell_type": "code", "source": "1"}]})],
)
def test_other_files_are_left_alone(tmp_path, content):
    for name in ("crmasks-p.ipynb", "crmasks-p-2.ipynb"):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "crmasks-p-3.ipynb").mkdir()
    before = digests(tmp_path)
    path = prepare_notebook(tmp_path, ["p.yaml"])
    assert path.name == "crmasks-p-4.ipynb"
    after = digests(tmp_path)
    assert after.pop(path.name)
    assert after == before


def test_two_files_of_one_name_have_two_notebooks(tmp_path):
    one, other = ["a/params.yaml"], ["b/params.yaml"]
    assert prepare_notebook(tmp_path, one) != prepare_notebook(tmp_path, other)
    assert prepare_notebook(tmp_path, one).name == "crmasks-params.ipynb"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"crmasks-demo\.ipynb: not writable \(.*\), expected"):
        prepare_notebook(tmp_path / "none", [])


def test_the_analysis_of_the_demo_has_its_exposures_and_levels():
    analysis, scene = demo_analysis((40, 50), seed=3), demo_scene((40, 50), seed=3)
    for i in range(scene.n):
        assert (analysis.exposures.data[i] == scene.exposures[i]).all()
    parameters = analysis.parameters
    assert (parameters.gain, parameters.rnoise) == (scene.gain, scene.rnoise)
    assert (parameters.bias, parameters.mm_seed) == (scene.bias, 3)


def test_a_page_gets_its_notebook_when_that_is_stored(tmp_path):
    path = prepare_notebook(tmp_path, [])
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


def test_kernels_log_errors_only():
    kernels = QuietKernels()
    plain = KernelSpecManager().get_kernel_spec("python3").argv
    assert kernels.get_kernel_spec("python3").argv == [*plain, QUIET]
    # Loaded by its name, in another process.
    module, _, name = lab.KERNELS.rpartition(".")
    assert getattr(importlib.import_module(module), name) is QuietKernels
    for command in (lab.LAB, lab.VOILA):
        assert any(lab.KERNELS in argument for argument in command)


@pytest.mark.process
@pytest.mark.slow
def test_a_server_takes_the_kernel_that_runs_already(tmp_path):
    connection = tmp_path / "early.json"
    lab_kernels.start_early(str(tmp_path), str(connection))
    process = lab_kernels.early[0].provisioner.process
    shell = json.loads(connection.read_text())["shell_port"]

    async def serve():
        manager = EarlyKernelManager(
            kernel_name="python3", kernel_spec_manager=QuietKernels(),
            connection_file=str(tmp_path / "kernel-1.json"),
        )  # fmt: skip
        await manager.start_kernel(kernel_id="1", cwd=str(tmp_path))
        first, at = manager.provisioner.process, manager.shell_port
        await manager.restart_kernel(now=True)
        second = manager.provisioner.process
        await manager.shutdown_kernel(now=True)
        return at, first, second

    at, first, second = asyncio.run(serve())
    assert (at, first) == (shell, process)
    assert second.pid != first.pid
    assert lab_kernels.LOAD in first.args
    assert lab_kernels.LOAD not in second.args
    assert process.wait(60) is not None
    assert not lab_kernels.early
    assert not list(tmp_path.iterdir())


def test_a_kernel_that_settings_would_have_otherwise_is_not_taken(tmp_path):
    manager = EarlyKernelManager(kernel_name="python3", kernel_spec_manager=QuietKernels())
    running = SimpleNamespace(
        kernel_spec=QuietKernels().get_kernel_spec("python3"),
        provisioner=SimpleNamespace(cwd=str(tmp_path)),
    )
    (tmp_path / "else").mkdir()
    assert manager._is_like(running, str(tmp_path))
    assert not manager._is_like(running, str(tmp_path / "else"))
    running.kernel_spec.argv.append("--other")
    assert not manager._is_like(running, str(tmp_path))


def test_no_program_is_found_while_jupyterlab_is_loaded():
    path, name = os.environ["PATH"], os.path.basename(sys.executable)
    with lab_server._no_programs():
        assert which(name) is None
        assert which("sh") is None
    assert os.environ["PATH"] == path
