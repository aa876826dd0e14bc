"""`crmasks lab`: JupyterLab, or Voila, on a notebook in which the dashboard is open."""

import contextlib
import http.client
import importlib.util
import itertools
import json
import logging
import os
import re
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
from typing import Any, Final
from urllib.parse import quote

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_core.paths import jupyter_runtime_dir
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from crmasks_widgets.errors import OutputError, StartError
from crmasks_widgets.exposure_names import is_pattern, split_plane
from crmasks_widgets.files.finding import FITS_NAME

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"  # nobody else is to reach a kernel
KERNEL: Final = {"name": "python3", "display_name": "Python 3", "language": "python"}
START_SECONDS: Final = 60.0
RUN_SECONDS: Final = 600.0  # of the cell: reading the exposures
STOP_SECONDS: Final = 20.0
OUTPUTS: Final = ("display_data", "error", "execute_result", "stream")
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
    # Takes a tenth of the start, and serves no page here.
    '--ServerApp.jpserver_extensions={"jupyterlab": True, "voila.server_extension": False}',
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
    "--template=crmasks",
)
# As JUPYTER_PATH: below it lies voila/templates/crmasks.
TEMPLATES: Final = Path(__file__).parent / "dashboard"


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


Sources = Sequence[str]
"""A parameter file, or FITS files; empty for demo exposures."""


def dashboard_code(sources: Sources) -> str:
    """Text of the cell that opens the dashboard.

    Parameters
    ----------
    sources : sequence of str
        A parameter file, or FITS files; empty for demo exposures.

    Returns
    -------
    str
        Python.
    """
    more = ""
    if not sources:
        more, analysis = "from crmasks_widgets.demo import demo_analysis\n", "demo_analysis()"
    elif is_parameter_file(sources):
        analysis = f"cm.load_analysis({sources[0]!r})"
    else:
        return f"import crmasks_widgets as cm\n\ndashboard = cm.open({list(sources)!r})\ndashboard"
    return f"import crmasks_widgets as cm\n{more}\ndashboard = cm.Dashboard({analysis})\ndashboard"


def is_parameter_file(sources: Sources) -> bool:
    """Tell a parameter file from FITS files.

    Parameters
    ----------
    sources : sequence of str
        As the user named them.

    Returns
    -------
    bool
        True for one file that is no FITS file by its name.
    """
    if len(sources) != 1 or is_pattern(sources[0]) or Path(sources[0]).is_dir():
        return False
    return FITS_NAME.match(split_plane(sources[0])[0]) is None


def prepare_notebook(folder: Path, sources: Sources) -> Path:
    """Find the notebook of an earlier start, or write one; no other file is touched.

    Parameters
    ----------
    folder : Path
        Where it is or goes to.
    sources : sequence of str
        A parameter file or FITS files, as seen from the folder; empty for demo exposures.

    Returns
    -------
    Path
        A notebook whose first cell opens the dashboard.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    code = dashboard_code(sources)
    # The dashboard is what is looked at: the page folds the code away.
    cell = new_code_cell(code, metadata={"jupyter": {"source_hidden": True}})
    notebook = new_notebook(cells=[cell], metadata={"kernelspec": KERNEL})
    stem = f"crmasks-{_stem(sources[0]) if sources else 'demo'}"
    for number in itertools.count(1):
        path = folder / (f"{stem}.ipynb" if number == 1 else f"{stem}-{number}.ipynb")
        try:
            with path.open("x", encoding="utf-8") as stream:
                nbformat.write(notebook, stream)
        except FileExistsError:
            if _first_code(path) != code:
                continue
        except OSError as error:
            msg = f"{path}: not writable ({error.strerror}), expected room for a notebook"
            raise OutputError(msg) from error
        return path
    raise AssertionError  # for the type checker: the numbers do not end


def _stem(source: str) -> str:
    """Name of a file without what it ends in; of a pattern, what can be in a name."""
    stem = re.sub(r"[^\w.+'-]+", "", Path(split_plane(source)[0]).name.split(".")[0])
    return stem or "files"


def _first_code(path: Path) -> str | None:
    """Source of the first code cell; None for what is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        first = next(cell for cell in cells if cell["cell_type"] == "code")
        return "".join(first["source"])
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return None


def serve(sources: Sources, options: ServerOptions) -> None:
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
    environment = {**os.environ, "JUPYTER_TOKEN": token}
    start = _serve_voila if options.voila else _serve_lab
    with _signals_interrupt(), start(sources, options, environment, port) as (process, path):
        logger.info("notebook: %s; Ctrl-C here ends it", path)
        process.wait()


Served = tuple["subprocess.Popen[bytes]", Path]


def _show(options: ServerOptions, environment: Mapping[str, str], port: int, page: str) -> None:
    """Say where the page is, and open it."""
    url = f"http://{HOST}:{port}/{page}?token={environment['JUPYTER_TOKEN']}"
    logger.info("the dashboard will be open at %s", url)
    if options.browser:
        webbrowser.open(url)


def _check(sources: Sources) -> None:
    """Say now what is wrong with the files, not on a page of the browser."""
    if not sources:
        return
    # The server starts before what computes is loaded.
    from crmasks_widgets.loading import load_analysis
    from crmasks_widgets.starting.opening import open_files

    if is_parameter_file(sources):
        load_analysis(sources[0])
    else:
        open_files(sources)


@contextlib.contextmanager
def _serve_voila(
    sources: Sources, options: ServerOptions, environment: dict[str, str], port: int
) -> Iterator[Served]:
    _check(sources)
    path = prepare_notebook(Path(), sources)
    paths = [str(TEMPLATES), environment.get("JUPYTER_PATH", "")]
    environment["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    command = [*VOILA, f"--Voila.port={port}", str(path)]
    with serving(command, environment, port) as process:
        _show(options, environment, port, "")
        yield process, path


@contextlib.contextmanager
def _serve_lab(
    sources: Sources, options: ServerOptions, environment: dict[str, str], port: int
) -> Iterator[Served]:
    command = [*LAB, f"--ServerApp.port={port}", f"--ServerApp.root_dir={Path.cwd()}"]
    # Lets the dashboard close side bars in its own page.
    command += ["--LabApp.expose_app_in_browser=True", *["--allow-root"] * options.allow_root]
    command += [f"--ServerApp.contents_manager_class={CONTENTS}"]
    token = environment["JUPYTER_TOKEN"]
    # The server takes seconds to start, the files too.
    with serving(command, environment, port, meanwhile=partial(_check, sources)) as process:
        path = prepare_notebook(Path(), sources)
        kernel = _start_kernel(path, port, token)
        # The page loads while the kernel computes: it gets the notebook when that is stored.
        _show(options, environment, port, f"doc/tree/{quote(path.name)}")
        _open_dashboard(path, kernel, port, token)
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

    Yields
    ------
    subprocess.Popen
        Once it listens.

    Raises
    ------
    StartError
        It ended, or does not listen within a minute.
    """
    process = subprocess.Popen(  # noqa: S603 - this interpreter, and arguments of our own
        [sys.executable, "-P", "-m", *command],
        env=dict(environment),
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
    wanted = {"path": path.name, "name": path.name, "type": "notebook", "kernel": KERNEL}
    return str(ask_server(port, token, "POST", "api/sessions", wanted)["kernel"]["id"])


def _open_dashboard(path: Path, kernel: str, port: int, token: str) -> None:
    """Run the first cell, and store the notebook with its output."""
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    connection = Path(jupyter_runtime_dir()) / f"kernel-{kernel}.json"
    cell.execution_count, cell.outputs = _run(cell.source, connection)
    # JupyterLab shows widgets of trusted cells only; when the server stores such, it signs them.
    for each in notebook.cells:
        each.metadata["trusted"] = True
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


def _wait_until_ready(client: BlockingKernelClient) -> None:
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
    outputs = [output_from_msg(m) for m in messages if m["header"]["msg_type"] in OUTPUTS]
    return reply["execution_count"], outputs
