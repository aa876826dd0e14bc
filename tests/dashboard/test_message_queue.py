"""No message of a dashboard is lost on the way to a busy server."""

import contextlib
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

from crmasks_widgets.dashboard.page.message_queue import KEPT, keep_messages

TIMEOUT = 60.0  # s
WIDGETS = 12_000
CELL = f"""
from crmasks_widgets import Dashboard
from crmasks_widgets.demo import demo_analysis
from ipywidgets import Layout
dashboard = Dashboard(demo_analysis((60, 80)))
widgets = [Layout() for _ in range({WIDGETS})]
dashboard
"""


@pytest.mark.process
def test_a_reader_that_comes_late_gets_every_message():
    manager, client = start_new_kernel()
    with contextlib.ExitStack() as stack:
        stack.callback(manager.shutdown_kernel, now=True)
        stack.callback(client.stop_channels)
        request = client.execute(CELL, reply=True, timeout=TIMEOUT)["parent_header"]["msg_id"]
        kinds, over = [], False
        while not over:
            message = client.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") == request:
                kinds.append(message["msg_type"])
                over = message["content"].get("execution_state") == "idle"
        assert kinds.count("comm_open") > WIDGETS
        assert kinds.count("display_data") == 2  # the dashboard, and its still picture


def test_the_socket_is_changed_by_its_own_thread():
    waiting, socket = [], SimpleNamespace(sndhwm=1000)
    thread = SimpleNamespace(socket=socket, schedule=waiting.append)
    keep_messages(SimpleNamespace(kernel=SimpleNamespace(iopub_thread=thread)))
    assert socket.sndhwm == 1000
    for action in waiting:
        action()
    assert socket.sndhwm == KEPT


def test_outside_of_a_kernel_there_is_nothing_to_change():
    keep_messages(None)
    keep_messages(SimpleNamespace())
