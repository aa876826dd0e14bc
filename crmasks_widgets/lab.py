"""`crmasks lab`: JupyterLab, or Voila, on a notebook in which the dashboard is open."""

import contextlib
import http.client
import importlib.util
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jupyter_core.paths import jupyter_runtime_dir, secure_write

from crmasks_widgets.errors import StartError
from crmasks_widgets.exposure_names import is_parameter_file

if TYPE_CHECKING:
    # Loaded while the server starts, which waits for nothing that is not needed for that.
    from jupyter_client.blocking.client import BlockingKernelClient

    from crmasks_widgets.starting.notebook import Sources

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"  # nobody else is to reach a kernel
START_SECONDS: Final = 60.0
RUN_SECONDS: Final = 600.0  # of the cell: reading the exposures
STOP_SECONDS: Final = 20.0
# What a notebook keeps of what a cell says.
OUTPUTS: Final = {
    "display_data": ("data", "metadata"),
    "error": ("ename", "evalue", "traceback"),
    "execute_result": ("data", "metadata", "execution_count"),
    "stream": ("name", "text"),
}
KERNELS: Final = "crmasks_widgets.lab_kernels.QuietKernels"
# A server with settings of its own would not be where it is looked for.
LAB: Final = (
    "jupyterlab",
    "--no-browser",
    f"--ServerApp.ip={HOST}",
    "--ServerApp.port_retries=0",
    "--ServerApp.base_url=/",
    "--ServerApp.certfile=",
    "--ServerApp.log_level=ERROR",
    "--LabApp.log_level=ERROR",
    f"--ServerApp.kernel_spec_manager_class={KERNELS}",
    # Takes a tenth of the start, and serves no page here.
    '--ServerApp.jpserver_extensions={"jupyterlab": True, "voila.server_extension": False}',
    # Asks Node.js whether JupyterLab is to be built anew, while the page loads.
    '--ServerApp.tornado_settings={"page_config_data": {"buildCheck": False}}',
    # Takes a second of three programs; JupyterLab has these servers off unless told otherwise.
    "--LanguageServerManager.autodetect=False",
)
CONTENTS: Final = "crmasks_widgets.lab_contents.PatientContents"
VOILA: Final = (
    "voila",
    "--no-browser",
    f"--Voila.ip={HOST}",
    "--Voila.port_retries=0",
    "--Voila.base_url=/",
    "--Voila.auto_token=True",
    "--Voila.log_level=ERROR",
    f"--VoilaConfiguration.kernel_spec_manager_class={KERNELS}",
    "--template=crmasks",
)
PROGRAM: Final = Path(__file__).with_name("lab_server.py")
# As JUPYTER_PATH: below it lies voila/templates/crmasks. As JUPYTER_CONFIG_PATH: below it lies
# labconfig, what JupyterLab's settings are unless the user has set them. By it, JupyterLab does not
# ask whether news are wanted, which would lie over the dashboard.
SETTINGS: Final = Path(__file__).parent / "dashboard"


@dataclass(frozen=True)
class ServerOptions:
    """How the dashboard is to be opened.

    Attributes
    ----------
    port : int
        Of the server; 0 for any that is free.
    browser : bool
        Open the page; its address is printed in any case.
    voila : bool
        Only the dashboard, by Voila, instead of JupyterLab.
    allow_root : bool
        Let JupyterLab run as root.
    """

    port: int = 0
    browser: bool = True
    voila: bool = False
    allow_root: bool = False


def serve(sources: "Sources", options: ServerOptions) -> None:
    """Open the dashboard, and keep it open until Ctrl-C.

    Parameters
    ----------
    sources : sequence of str
        A parameter file, or FITS files; empty for demo exposures.
    options : ServerOptions
        How.

    Raises
    ------
    CrmasksError
        A file, or what it names, is not usable, or a program did not start.
    KeyboardInterrupt
        Ctrl-C; the server is down.
    """
    if options.voila and importlib.util.find_spec("voila") is None:
        msg = "--voila: found no package voila, expected it: pip install 'crmasks-widgets[voila]'"
        raise StartError(msg)
    port, token = free_port(options.port), secrets.token_urlsafe(24)
    environment = _apart_from_the_data({**os.environ, "JUPYTER_TOKEN": token})
    start = _serve_voila if options.voila else _serve_lab
    with _signals_interrupt(), start(sources, options, environment, port) as (process, path):
        logger.info("notebook: %s; Ctrl-C here ends it", path)
        process.wait()


@contextlib.contextmanager
def _shown(
    options: ServerOptions, environment: Mapping[str, str], port: int, page: str
) -> Iterator[None]:
    """Say where the page is, and open it."""
    url = f"http://{HOST}:{port}/{page}?token={environment['JUPYTER_TOKEN']}"
    logger.info("the dashboard will be open at %s", url)
    if not options.browser:
        yield
        return
    with _page_that_leads_to(url) as leading:
        webbrowser.open(leading.as_uri())
        yield


def _apart_from_the_data(environment: dict[str, str]) -> dict[str, str]:
    """Let no module that lies beside the data be imported by a server or a kernel."""
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    # An empty one means the current folder, which is that of the data.
    return environment | {
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(place for place in places if place),
    }


@contextlib.contextmanager
def _page_that_leads_to(url: str) -> Iterator[Path]:
    """Make a file that only this user can read: an address would be seen among the processes."""
    path = Path(jupyter_runtime_dir()) / f"crmasks-{os.getpid()}-open.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with secure_write(str(path)) as stream:
            stream.write(
                f'<!DOCTYPE html><meta charset="utf-8"><title>crmasks lab</title>'
                f'<meta http-equiv="refresh" content="0;url={url}">'
            )
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _kernel_file() -> Iterator[Path]:
    """Name the file of a kernel that starts before its server, and remove what is left of it."""
    path = Path(jupyter_runtime_dir()) / f"crmasks-{os.getpid()}-kernel.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


Served = tuple["subprocess.Popen[bytes]", Path]


def _check(sources: "Sources") -> None:
    """Say now what is wrong with the files, not on a page of the browser."""
    if not sources:
        return
    # The server starts before what computes is loaded.
    from crmasks_widgets.loading import load_mosaic
    from crmasks_widgets.starting.opening import open_detectors

    if is_parameter_file(sources):
        load_mosaic(sources[0])
    else:
        open_detectors(sources)


def _add_settings(environment: dict[str, str], name: str) -> None:
    """Let Jupyter look into a folder of ours, too."""
    environment[name] = os.pathsep.join(filter(None, [str(SETTINGS), environment.get(name, "")]))


@contextlib.contextmanager
def _serve_voila(
    sources: "Sources", options: ServerOptions, environment: dict[str, str], port: int
) -> Iterator[Served]:
    from crmasks_widgets.starting.notebook import prepare_notebook

    _check(sources)
    path = prepare_notebook(Path(), sources)
    _add_settings(environment, "JUPYTER_PATH")
    command = [*VOILA, f"--Voila.port={port}", os.path.abspath(path)]
    with serving(command, environment, port) as process, _shown(options, environment, port, ""):
        yield process, path


@contextlib.contextmanager
def _serve_lab(
    sources: "Sources", options: ServerOptions, environment: dict[str, str], port: int
) -> Iterator[Served]:
    command = [*LAB, f"--ServerApp.port={port}", f"--ServerApp.root_dir={Path.cwd()}"]
    # Lets the dashboard close side bars in its own page.
    command += ["--LabApp.expose_app_in_browser=True", *["--allow-root"] * options.allow_root]
    command += [f"--ServerApp.contents_manager_class={CONTENTS}"]
    token = environment["JUPYTER_TOKEN"]
    _add_settings(environment, "JUPYTER_CONFIG_PATH")
    # The server takes seconds to start, the files too.
    with (
        _kernel_file() as early,
        serving(command, environment, port, partial(_check, sources), early) as process,
    ):
        from crmasks_widgets.starting.notebook import prepare_notebook

        path = prepare_notebook(Path(), sources)
        kernel = _start_kernel(path, port, token)
        # The page loads while the kernel computes: it gets the notebook when that is stored.
        with _shown(options, environment, port, f"doc/tree/{quote(path.name)}"):
            _open_dashboard(path, sources, kernel, port, token)
            yield process, path


def free_port(wanted: int = 0) -> int:
    """Find a port of this machine that nobody listens on.

    Parameters
    ----------
    wanted : int
        The only one to try; 0 for any.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    StartError
        It is taken, or cannot be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except (OSError, OverflowError) as error:
            msg = f"--port: found {wanted}, which cannot be used ({error}), expected a free port"
            raise StartError(msg) from error
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let the end of the terminal, or of this process, end the server too."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {
        name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names
    }
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextlib.contextmanager
def serving(
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    meanwhile: Callable[[], object] = lambda: None,
    kernel: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a module that serves pages while the context lasts.

    Ctrl-C does not reach it: it is for this process, which ends the other.

    Parameters
    ----------
    command : sequence of str
        Name and arguments of the module.
    environment : mapping
        All of it.
    port : int
        Where it is going to listen.
    meanwhile : callable
        What to do while it starts; an error in it ends the module.
    kernel : Path, optional
        Where to write how a kernel is reached that starts beside the server, in the current folder.

    Yields
    ------
    subprocess.Popen
        Once it listens.

    Raises
    ------
    StartError
        It ended, or does not listen within a minute.
    """
    early = ["--kernel", os.getcwd(), str(kernel)] if kernel else []
    process = subprocess.Popen(  # noqa: S603 - this interpreter, and arguments of our own
        [sys.executable, "-P", str(PROGRAM), *early, *command],
        env=dict(environment),
        cwd=Path(__file__).parent,  # settings of servers are looked for in the current folder, too
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        meanwhile()
        _wait_until_listening(process, command[0], port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: "subprocess.Popen[bytes]", name: str, port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if (code := process.poll()) is not None:
            msg = f"{name}: ended with exit code {code}, expected it to serve; see its last lines"
            raise StartError(msg)
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
            return
        time.sleep(0.1)
    msg = f"{name}: did not serve within {START_SECONDS:.0f} s"
    raise StartError(msg)


def _start_kernel(path: Path, port: int, token: str) -> str:
    """Start a kernel where the page of a notebook will find it; its identifier."""
    from crmasks_widgets.starting.notebook import KERNEL

    wanted = {"path": path.name, "name": path.name, "type": "notebook", "kernel": KERNEL}
    return str(ask_server(port, token, "POST", "api/sessions", wanted)["kernel"]["id"])


def _open_dashboard(path: Path, sources: "Sources", kernel: str, port: int, token: str) -> None:
    """Run the cell in a kernel, and store the notebook with its output."""
    from crmasks_widgets.starting.notebook import fresh_notebook

    notebook = fresh_notebook(sources)
    (cell,) = notebook["cells"]
    connection = Path(jupyter_runtime_dir()) / f"kernel-{kernel}.json"
    cell["execution_count"], cell["outputs"] = _run(cell["source"], connection)
    # JupyterLab shows widgets of trusted cells only; when the server stores such, it signs them.
    # Nothing of what lay on the disk is among them.
    cell["metadata"]["trusted"] = True
    stored = {"type": "notebook", "format": "json", "content": notebook}
    ask_server(port, token, "PUT", f"api/contents/{quote(path.name)}", stored)


def ask_server(port: int, token: str, method: str, what: str, body: Any = None) -> Any:
    """Use the interface of a Jupyter server.

    Parameters
    ----------
    port : int
        Where it listens.
    token : str
        What it lets in.
    method, what : str
        "GET" and so on; path.
    body : object, optional
        Becomes JSON.

    Returns
    -------
    object
        From JSON; None for an empty answer.

    Raises
    ------
    StartError
        It refused.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    with contextlib.closing(connection):
        connection.request(method, f"/{what}", json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
    if response.status >= http.client.BAD_REQUEST:
        msg = f"jupyterlab: {method} {what}: found {response.status} {response.reason}"
        raise StartError(msg)
    return json.loads(text) if text else None


def _wait_until_ready(client: "BlockingKernelClient") -> None:
    """Wait for a kernel; on a busy machine a late heartbeat is not its death."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.wait_for_ready(timeout=START_SECONDS)
            return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise


def _run(code: str, connection: Path) -> tuple[int, list[Any]]:
    """Run code in a kernel; its execution count and outputs."""
    from jupyter_client.blocking.client import BlockingKernelClient

    messages: list[Any] = []
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    try:
        _wait_until_ready(client)
        reply = client.execute_interactive(
            code, allow_stdin=False, output_hook=messages.append, timeout=RUN_SECONDS
        )["content"]
    except (RuntimeError, TimeoutError) as error:
        msg = f"kernel: did not answer ({error}), expected it to open the dashboard"
        raise StartError(msg) from error
    finally:
        client.stop_channels()
    if reply["status"] != "ok":
        name, text = reply.get("ename", reply["status"]), reply.get("evalue", "")
        msg = f"the dashboard was not opened: {name}: {text}"
        raise StartError(msg)
    outputs = [_output(m) for m in messages if m["header"]["msg_type"] in OUTPUTS]
    return reply["execution_count"], outputs


def _output(message: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what a kernel said into what a notebook keeps of it."""
    kind = message["header"]["msg_type"]
    return {"output_type": kind, **{key: message["content"][key] for key in OUTPUTS[kind]}}
