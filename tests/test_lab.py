"""`crmasks lab` without a browser: what it refuses, and the notebook it writes."""

import asyncio
import errno
import importlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from shutil import which

import nbformat
import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets.config import Config

from crmasks_widgets import lab, lab_kernels, lab_server
from crmasks_widgets.demo import demo_analysis, demo_scene
from crmasks_widgets.errors import OutputError, StartError
from crmasks_widgets.lab_contents import PatientContents
from crmasks_widgets.lab_early import EarlyKernels
from crmasks_widgets.lab_kernels import QUIET, EarlyKernel, QuietKernels
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


@pytest.mark.parametrize("links", [True, False])
def test_a_notebook_is_whole_or_not_there(tmp_path, monkeypatch, links):
    """Its name is taken when it is complete, and by nobody else meanwhile."""
    name, real = tmp_path / "crmasks-demo.ipynb", os.fsync
    seen = []

    def fsync(handle):
        real(handle)
        seen.append(name.exists())
        if not os.path.lexists(name):
            name.symlink_to("nowhere") if links else name.write_text("notes")

    monkeypatch.setattr(os, "fsync", fsync)
    path = prepare_notebook(tmp_path, [])
    assert path.name == "crmasks-demo-2.ipynb"
    assert seen[0] is False
    assert name.readlink() == Path("nowhere") if links else name.read_text() == "notes"
    assert {each.name for each in tmp_path.iterdir()} == {name.name, path.name}

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(OutputError, match="could not be written"):
        prepare_notebook(other, [])
    assert not list(other.iterdir())


def test_two_files_of_one_name_have_two_notebooks(tmp_path):
    one, other = ["a/params.yaml"], ["b/params.yaml"]
    assert prepare_notebook(tmp_path, one) != prepare_notebook(tmp_path, other)
    assert prepare_notebook(tmp_path, one).name == "crmasks-params.ipynb"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "none").touch()
    with pytest.raises(OutputError, match=r"none: not writable \(.*\), expected"):
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


@pytest.fixture
def early_kernels(tmp_path):
    """Make the kernels of a server with these settings."""
    made = []

    def make(**settings):
        made.append(EarlyKernels(
            config=Config(settings), connection_dir=str(tmp_path),
            kernel_spec_manager=QuietKernels(),
        ))  # fmt: skip
        return made[-1]

    yield make
    # What Python collects first, they or the context that they share, is not certain: a context
    # warns if it comes first.
    for each in made:
        each.context.destroy()


@pytest.mark.process
@pytest.mark.slow
def test_a_server_takes_the_kernel_that_runs_already(tmp_path, early_kernels):
    connection = tmp_path / "early.json"
    kernels = early_kernels()
    kernels.waiting = lab_kernels.start_early(str(tmp_path), str(connection))
    process = kernels.waiting.manager.provisioner.process
    shell = json.loads(connection.read_text())["shell_port"]
    if os.name == "posix":
        assert connection.stat().st_mode & 0o077 == 0

    async def serve():
        manager, _, name = kernels.pre_start_kernel("python3", {"cwd": str(tmp_path)})
        await manager.start_kernel(kernel_id=name, cwd=str(tmp_path))
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
    assert kernels.waiting.manager is None
    assert not list(tmp_path.iterdir())


@pytest.mark.process
@pytest.mark.slow
def test_a_server_that_is_ended_says_nothing_of_it(tmp_path, monkeypatch, capfd):
    """A line of the server would stand above that of the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    port = lab.free_port()
    command = [*lab.LAB, f"--ServerApp.port={port}", f"--ServerApp.root_dir={tmp_path}"]
    command += ["--allow-root"]
    environment = lab._apart_from_the_data({**os.environ, "JUPYTER_TOKEN": "t"})
    with lab.serving(command, environment, port, kernel=tmp_path / "kernel.json"):
        pass
    assert "received signal" not in capfd.readouterr().err


class OtherManager(ServerKernelManager):
    """A user's own."""


OTHERWISE = {
    "transport": {"KernelManager": {"transport": "ipc"}},
    "address": {"KernelManager": {"ip": "127.0.0.2"}},
    "signatures": {"Session": {"signature_scheme": "hmac-sha512"}},
    "manager": {"MappingKernelManager": {"kernel_manager_class": f"{__name__}.OtherManager"}},
    "encryption": {"KernelManager": {"transport_encryption": "required"}},
}
if not KernelManager.class_traits().get("transport_encryption"):
    del OTHERWISE["encryption"]


@pytest.mark.parametrize("settings", [*OTHERWISE, "", "folder", "program"])
def test_a_kernel_that_settings_would_have_otherwise_is_ended(tmp_path, early_kernels, settings):
    kernels = early_kernels(**OTHERWISE.get(settings, {}))
    running = KernelManager(kernel_name="python3", kernel_spec_manager=QuietKernels())
    running.provisioner = LocalProvisioner()
    running.provisioner.cwd = str(tmp_path / "else" if settings == "folder" else tmp_path)
    (tmp_path / "else").mkdir()
    if settings == "program":
        running.kernel_spec.argv.append("--other")
    ended = []
    running.shutdown_kernel = lambda now: ended.append(now)
    kernels.waiting = EarlyKernel(running)
    manager, _, _ = kernels.pre_start_kernel("python3", {"cwd": str(tmp_path)})
    assert (manager.provisioner is None) == bool(settings)
    assert ended == [True] * bool(settings)
    assert kernels.waiting.manager is None


def kernels_of(folder):
    """The processes of kernels whose connection file lies there."""
    found = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [
        command
        for command in found
        if any(lab_kernels.LAUNCHER in word for word in command)
        and any(word.startswith(str(folder)) for word in command)
    ]


@pytest.mark.process
@pytest.mark.slow
def test_a_wrong_file_leaves_no_kernel(work, run_cli, monkeypatch):
    """However far that had come by the time the error is known."""
    work.yaml(dilation="x")
    runtime = work.folder.parent / "runtime"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    check, end = lab._check, time.monotonic() + 60

    def check_late(sources):
        while not kernels_of(runtime):
            assert time.monotonic() < end
            time.sleep(0.01)
        check(sources)

    monkeypatch.setattr(lab, "_check", check_late)
    result = run_cli(["lab", "params.yaml", "--no-browser"], work.folder)
    assert result.err.startswith("crmasks: params.yaml: dilation: ")
    assert not kernels_of(runtime)
    assert not list(runtime.iterdir())


@pytest.mark.process
@pytest.mark.slow
def test_a_kernel_whose_server_was_killed_at_once_ends(tmp_path):
    """As it never began to look after the server, it has to see by itself that it is gone."""
    connection = tmp_path / "kernel.json"
    command = [sys.executable, "-m", lab_kernels.LAUNCHER, "-f", str(connection), lab_kernels.LOAD]
    # Not the parent; one that is always there.
    done = subprocess.run(command, env=os.environ | {"JPY_PARENT_PID": "2"}, timeout=60)
    assert done.returncode == 1
    assert not connection.exists()


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("loads", [True, False])
def test_what_a_kernel_loads_early_is_not_seen(tmp_path, loads):
    """Neither its name, nor that it cannot be loaded: that the cell of the notebook says."""
    (tmp_path / "sitecustomize.py").write_text(
        "" if loads else "import sys\nsys.modules['crmasks_widgets.dashboard'] = None\n"
    )
    package = Path(lab.__file__).parents[1]
    connection, said = tmp_path / "kernel.json", tmp_path / "said"
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{package}"}
    with said.open("w") as stream:
        manager = KernelManager(
            kernel_name="python3", kernel_spec_manager=QuietKernels(),
            connection_file=str(connection),
        )  # fmt: skip
        manager.start_kernel(
            env=env, extra_arguments=[lab_kernels.LOAD], stdout=stream, stderr=stream
        )
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        code = "import sys"
        wanted = {
            "names": "[name for name in ('_', 'crmasks_widgets') if globals().get(name)]",
            "loaded": "sys.modules.get('crmasks_widgets.dashboard') is not None",
        }
        reply = client.execute(code, user_expressions=wanted, reply=True, timeout=60)["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    found = {k: v["data"]["text/plain"] for k, v in reply["user_expressions"].items()}
    assert found == {"names": "[]", "loaded": str(loads)}
    assert "Traceback" not in said.read_text()


def test_only_jsonschema_does_without_the_grammar(monkeypatch):
    monkeypatch.delitem(sys.modules, lab_server.GRAMMAR, raising=False)
    with lab_server._no_grammar(), pytest.raises(ImportError):
        importlib.import_module(lab_server.GRAMMAR)
    assert lab_server.GRAMMAR not in sys.modules


def test_no_program_is_found_while_jupyterlab_is_loaded():
    path, name = os.environ["PATH"], os.path.basename(sys.executable)
    with lab_server._no_programs():
        assert which(name) is None
        assert which("sh") is None
    assert os.environ["PATH"] == path
